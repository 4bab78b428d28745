"""Whatever the SDK raises, what an operator sees says what, why and what to do, and quotes nothing of the SDK's."""

from __future__ import annotations

import pickle

import pytest
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.storage.blob import StorageErrorCode
from hypothesis import given
from hypothesis import strategies as st

from lytics_azure_tui.azure.errors import translate, translated
from lytics_azure_tui.errors import BadConfiguration, Fatal, LyazureError, NotAuthorised, RetryLater, StartOver
from lytics_azure_tui.model.connection_string import StorageConnection
from lytics_azure_tui.model.secret import Secret

SIGNATURE = "open-sesame-1001"
URL = f"https://contoso.blob.core.windows.net/?comp=list&sig={SIGNATURE}"
SAS = StorageConnection("contoso", "https://contoso.blob.core.windows.net", sas=Secret(f"sp=rl&sig={SIGNATURE}"))
KEY = StorageConnection("contoso", "https://contoso.blob.core.windows.net", key=Secret("c2VjcmV0"))
NOBODY = StorageConnection("contoso", "https://contoso.blob.core.windows.net")


@given(
    st.integers(100, 599),
    st.sampled_from([*StorageErrorCode, "SomethingNew", "", None]),
    st.sampled_from([SAS, KEY, NOBODY]),
)
def test_every_answer_has_a_cause_and_a_cure(status: int, code: object, connection: StorageConnection) -> None:
    error = HttpResponseError(f"Server failed to authenticate {URL}")
    error.status_code = status
    error.error_code = code  # type: ignore[attr-defined]
    ours = translate(error, "The containers could not be listed", connection)
    assert ours.what == "The containers could not be listed"
    assert ours.why
    # What passes by itself needs nothing done: the run says when it is retried.
    assert ours.fix or isinstance(ours, RetryLater)
    assert SIGNATURE not in f"{ours!r} {ours}"
    assert isinstance(ours, NotAuthorised) or status not in (401, 403)
    assert pickle.loads(pickle.dumps(ours)).why == ours.why


@pytest.mark.parametrize(
    ("error", "kind", "why"),
    [
        (
            ServiceRequestError(f"Max retries exceeded with url: {URL} (Name or service not known)"),
            RetryLater,
            "not found",
        ),
        (ServiceRequestError(f"NameResolutionError: Failed to resolve 'contoso' {URL}"), RetryLater, "is not found"),
        (ServiceRequestError(f"[Errno 111] Connection refused {URL}"), RetryLater, "Nothing listens"),
        (ServiceRequestError(f"Connection to contoso timed out. (connect timeout=10) {URL}"), RetryLater, "in time"),
        (ServiceResponseError(f"Read timed out {URL}"), RetryLater, "in time"),
        (ServiceRequestError(f"[Errno 101] Network is unreachable {URL}"), RetryLater, "cannot be reached"),
        (ServiceRequestError(f"SSLError(CERTIFICATE_VERIFY_FAILED) {URL}"), BadConfiguration, "certificate of contoso"),
        (ServiceRequestError(f"ProxyError('Cannot connect to proxy.') {URL}"), RetryLater, "The proxy cannot"),
        (ServiceResponseError(f"Connection reset by peer {URL}"), RetryLater, "was cut"),
        (IncompleteReadError(f"IncompleteRead(5 bytes read) {URL}"), RetryLater, "was cut"),
        (AzureError(f"anything {URL}"), Fatal, "reported AzureError"),
        (ValueError(f"anything {URL}"), Fatal, "is not Blob Storage"),
    ],
)
def test_without_an_answer_the_line_is_told_from_the_name(error: Exception, kind: type[LyazureError], why: str) -> None:
    with pytest.raises(kind, match="A blob could not be read") as caught, translated("A blob could not be read", SAS):
        raise error
    assert why in caught.value.why
    assert caught.value.fix
    assert SIGNATURE not in f"{caught.value!r} {caught.value}"
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_our_own_errors_pass_as_they_are() -> None:
    error = StartOver("It changed")
    with pytest.raises(StartOver) as caught, translated("A blob could not be read", SAS):
        raise error
    assert caught.value is error
