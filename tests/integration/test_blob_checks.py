""" "Test connection" and refused credentials: what may be done is found out, why not is said, and nothing is left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from azure.storage.blob import (
    BlobServiceClient,
    ContainerSasPermissions,
    generate_account_sas,
    generate_container_sas,
)

from lytics_azure_tui.azure.blob import BlobStore
from lytics_azure_tui.azure.checks import CheckReport, check
from lytics_azure_tui.errors import BadConfiguration, LyazureError, NotAuthorised, RetryLater
from lytics_azure_tui.model.authorization import AzureSql, AzureStorage
from lytics_azure_tui.model.connection_string import StorageConnection
from lytics_azure_tui.model.secret import Secret
from tests.conftest import Storage
from tests.integration.loopback import Answer, Responder

DAY = timedelta(days=1)


def token(storage: Storage, permissions: str = "rwlc", types: str = "sco", ends: timedelta = DAY) -> str:
    """A signature of the account's own."""
    connection = StorageConnection.parse(storage.connection_string)
    assert connection.key is not None
    return generate_account_sas(
        connection.account,
        connection.key.reveal(),
        types,
        permissions,
        datetime.now(UTC) + ends,
        start=datetime.now(UTC) - 10 * DAY,
    )


def with_token(storage: Storage, sas: str) -> AzureStorage:
    endpoint = StorageConnection.parse(storage.connection_string).endpoint
    text = f"BlobEndpoint={endpoint};SharedAccessSignature={sas}"
    return AzureStorage(id="storage", label="Storage", connection_string=Secret(text))


def with_key(storage: Storage, key: str) -> AzureStorage:
    connection = StorageConnection.parse(storage.connection_string)
    text = f"BlobEndpoint={connection.endpoint};AccountName={connection.account};AccountKey={key}"
    return AzureStorage(id="storage", label="Storage", connection_string=Secret(text))


def rights(report: CheckReport) -> tuple[bool | None, bool | None, bool | None]:
    return report.list, report.read, report.write


def test_a_key_may_do_all_and_nothing_is_left_behind(storage: Storage) -> None:
    storage.put("a.csv", "x\n")
    report = check(storage.authorization())
    assert rights(report) == (True, True, True)
    assert report.account == StorageConnection.parse(storage.connection_string).account
    assert 0 < report.seconds < 10
    assert any(note.startswith("Server: Azurite-Blob/") for note in report.notes)
    with BlobServiceClient.from_connection_string(storage.connection_string.reveal()) as service:
        for container in service.list_containers():
            blobs = service.get_container_client(container.name).list_blobs(include=["uncommittedblobs", "deleted"])
            assert not [item.name for item in blobs if str(item.name).startswith("lyazure-tui-")]


@pytest.mark.parametrize(
    ("permissions", "types", "expected"),
    [
        ("rwlc", "sco", (True, True, True)),
        ("rl", "sco", (True, True, False)),
        ("l", "sco", (True, False, False)),
        ("rw", "sco", (False, True, True)),
        ("rwlc", "o", (False, True, True)),
        ("rwlc", "s", (True, False, False)),
    ],
)
def test_a_signature_may_do_what_it_grants(
    storage: Storage, permissions: str, types: str, expected: tuple[bool, bool, bool]
) -> None:
    storage.put("a.csv", "x\n")
    report = check(with_token(storage, token(storage, permissions, types)))
    assert rights(report) == expected
    assert any(note.startswith("The signature ends on ") and note.endswith("in 23 hours") for note in report.notes)
    untried = "Whether it may read and write was read from the signature, not tried: no container can be listed"
    assert (untried in report.notes) is (expected[0] is False)


def test_a_signature_of_one_container_asks_for_typed_names(storage: Storage) -> None:
    connection = StorageConnection.parse(storage.connection_string)
    assert connection.key is not None
    sas = generate_container_sas(
        connection.account,
        storage.container,
        account_key=connection.key.reveal(),
        permission=ContainerSasPermissions(read=True, list=True),
        expiry=datetime.now(UTC) + 30 * DAY,
    )
    storage.put("a.csv", "x\n")
    report = check(with_token(storage, sas))
    assert rights(report) == (False, True, False)
    assert "Containers cannot be listed; their names must be typed" in report.notes
    store = BlobStore(with_token(storage, sas).connection())
    assert [item.name for item in store.iter(storage.container)] == ["a.csv"]


def test_without_credentials_only_what_is_public_is_promised(storage: Storage) -> None:
    endpoint = StorageConnection.parse(storage.connection_string).endpoint
    report = check(AzureStorage(id="a", label="A", connection_string=Secret(f"BlobEndpoint={endpoint}")))
    assert rights(report) == (False, None, None)
    assert "There is no key and no signature: only what is public can be reached" in report.notes


# Refused


def refused(authorization: AzureStorage) -> LyazureError:
    """The error of a check; the same when blobs are read. It shows nothing of the connection string."""
    with pytest.raises(LyazureError) as caught:
        check(authorization)
    with pytest.raises(type(caught.value), match="could not be listed") as again:
        BlobStore(authorization.connection()).list("container")
    assert again.value.why == caught.value.why
    connection = authorization.connection()
    for secret in (connection.key, connection.sas):
        if secret:
            shown = f"{caught.value!r} {caught.value} {caught.value.__context__!r} {caught.value.__cause__!r}"
            assert secret.reveal() not in shown
            assert secret.reveal().rpartition("sig=")[2] not in shown
    return caught.value


def test_a_wrong_key_is_said(storage: Storage) -> None:
    error = refused(with_key(storage, "d3Jvbmc="))
    assert isinstance(error, NotAuthorised)
    assert "The key is not the account's" in error.why
    assert error.fix.startswith("Copy the key again")


def test_an_expired_signature_says_when_it_ended(storage: Storage) -> None:
    ended = datetime.now(UTC) - DAY
    error = refused(with_token(storage, token(storage, ends=-DAY)))
    assert isinstance(error, NotAuthorised)
    assert f"The shared access signature expired on {ended:%Y-%m-%d}" in error.why
    assert "Make a new one" in error.fix


def test_a_spoilt_signature_is_said(storage: Storage) -> None:
    error = refused(with_token(storage, token(storage).replace("sig=", "sig=AAAA")))
    assert isinstance(error, NotAuthorised)
    assert "signature is not accepted" in error.why


def test_a_signature_that_may_not_read_says_so(storage: Storage) -> None:
    storage.put("a.csv", "x\n")
    store = BlobStore(with_token(storage, token(storage, "l")).connection())
    (found,) = store.iter(storage.container)
    with pytest.raises(NotAuthorised, match="The signature does not grant this") as caught:
        store.read(storage.container, found.name, found.etag, 0, 1)
    assert "with this right" in caught.value.fix


def answered(code: str, *, date: datetime | None = None, sas: str = "", status: int = 403) -> NotAuthorised:
    """What is said when Azure refuses by a code."""
    headers = {"Date": format_datetime(date, usegmt=True)} if date else {}
    with Responder(Answer.error(status, code, **headers), sas=sas) as server:
        with pytest.raises(NotAuthorised, match="The containers could not be listed") as caught:
            BlobStore(server.connection).containers()
        assert server.requests == 1
    assert caught.value.fix
    return caught.value


def test_a_wrong_clock_is_said_with_its_difference() -> None:
    now = datetime.now(UTC)
    behind = answered("AuthenticationFailed", date=now + timedelta(minutes=40, seconds=30)).why
    assert behind == "This machine's clock is 40 minutes behind Azure's"
    ahead = answered("AuthenticationFailed", date=now - timedelta(minutes=20, seconds=5)).why
    assert ahead == "This machine's clock is 20 minutes ahead of Azure's"


def test_with_a_right_clock_the_key_is_to_blame() -> None:
    assert answered("AuthenticationFailed").why.startswith("The key is not one of the account contoso")
    assert answered("AuthenticationFailed", status=401).why.startswith("The key is not one of the account contoso")


def test_a_signature_s_times_are_held_against_the_server_s_clock() -> None:
    ended = f"se={datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}&sp=rl&sig=x"
    assert answered("AuthenticationFailed", sas=ended).why == "Azure does not accept the shared access signature"
    later = datetime.now(UTC) + timedelta(hours=2)
    assert "expired on" in answered("AuthenticationFailed", sas=ended, date=later).why
    early = f"st={datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}&sp=rl&sig=x"
    assert "holds only from" in answered("AuthenticationFailed", sas=early).why


@pytest.mark.parametrize(
    ("code", "why", "fix"),
    [
        ("AuthorizationFailure", "the account's firewall keeps this machine out", "Networking"),
        ("AuthorizationPermissionMismatch", "does not grant this", "with this right"),
        ("AuthorizationServiceMismatch", "is not for blobs", "with this right"),
        ("AuthorizationResourceTypeMismatch", "at this level", "with this right"),
        ("AuthorizationProtocolMismatch", "asks for https", "Write https"),
        ("AuthorizationSourceIPMismatch", "for other IP addresses", "edit the authorization"),
        ("KeyBasedAuthenticationNotPermitted", "does not let anyone in by its keys", "Configuration"),
        ("AccountIsDisabled", "is disabled", "Ask the account's owner"),
    ],
)
def test_each_code_of_a_refusal_says_what_it_means(code: str, why: str, fix: str) -> None:
    error = answered(code, sas="sp=rl&sig=x")
    assert why in error.why
    assert fix in error.fix


def test_a_firewall_is_not_taken_for_a_right_that_is_missing(storage: Storage) -> None:
    with Responder(Answer.error(403, "AuthorizationFailure"), sas="sp=rl&ss=b&srt=sco&sig=x") as server:
        text = f"BlobEndpoint={server.connection.endpoint};SharedAccessSignature=sp=rl&ss=b&srt=sco&sig=x"
        with pytest.raises(NotAuthorised, match="firewall"):
            check(AzureStorage(id="a", label="A", connection_string=Secret(text)))


def test_an_error_on_the_way_shows_no_signature() -> None:
    """The SDK's own text quotes the URL, with the signature in it."""
    text = "BlobEndpoint=http://127.0.0.1:1/contoso;SharedAccessSignature=sp=rl&sig=open-sesame-1001"
    with pytest.raises(RetryLater) as caught:
        check(AzureStorage(id="a", label="A", connection_string=Secret(text)))
    assert "sesame" not in f"{caught.value!r} {caught.value} {caught.value.__context__!r} {caught.value.__cause__!r}"


EMPTY = b'<?xml version="1.0"?><EnumerationResults><Containers /><NextMarker /></EnumerationResults>'


def test_an_account_without_containers_is_judged_by_its_credentials() -> None:
    headers = {"Content-Type": "application/xml", "Server": "Windows-Azure-Blob/1.0", "x-ms-version": "2025-11-05"}
    headers["Date"] = format_datetime(datetime.now(UTC) + timedelta(minutes=3, seconds=30), usegmt=True)
    with Responder(Answer(200, EMPTY, headers)) as server:
        text = f"BlobEndpoint={server.connection.endpoint};AccountKey=c2VjcmV0"
        report = check(AzureStorage(id="a", label="A", connection_string=Secret(text)))
        assert server.requests == 1
    assert rights(report) == (True, True, True)
    untried, clock, host = report.notes
    assert untried == (
        "Whether it may read and write was read from the kind of credentials, not tried: there is nothing to try it on"
    )
    assert clock == "This machine's clock is 3 minutes behind the server's"
    assert host == "Server: Windows-Azure-Blob/1.0, version 2025-11-05"


# The other methods


def test_a_database_without_its_password_is_not_asked() -> None:
    database = AzureSql(id="a", label="A", server="contoso.database.windows.net", database="crm", user="reader")
    with pytest.raises(BadConfiguration, match="The password is missing"):
        check(database)
