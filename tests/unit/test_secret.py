"""A Secret gives itself out by `reveal()` alone."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lytics_azure_tui.model.authorization import AzureEventHub, AzureSql, AzureStorage
from lytics_azure_tui.model.secret import MASK, Secret

WORD = "open-sesame-1001"


def test_it_is_masked_wherever_text_is_made_of_it() -> None:
    secret = Secret(WORD)
    texts = [repr(secret), str(secret), f"{secret}", f"{secret:>20}", "%s %r" % (secret, secret), repr([secret])]  # noqa: UP031
    assert all(WORD not in text and MASK in text for text in texts)
    assert secret.reveal() == WORD


def test_it_is_masked_in_logs(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("the secret is %s", Secret(WORD))
    assert WORD not in caplog.text


def test_it_is_masked_in_json_and_in_models() -> None:
    authorization = AzureStorage(id="a", label="A", connection_string=Secret(WORD))
    assert WORD not in authorization.model_dump_json() + repr(authorization) + json.dumps(
        authorization.model_dump(mode="json")
    )
    assert authorization.connection_string is not None
    assert authorization.connection_string.reveal() == WORD


def test_it_is_never_pickled() -> None:
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(Secret(WORD))


def test_a_copy_is_the_same() -> None:
    secret = Secret(WORD)
    assert copy.copy(secret) is secret
    assert copy.deepcopy({"a": secret})["a"] is secret


@given(st.text(), st.text())
def test_two_are_equal_when_their_values_are(one: str, other: str) -> None:
    assert (Secret(one) == Secret(other)) is (one == other)
    assert Secret(one) != one
    assert bool(Secret(one)) is bool(one)


@given(st.text(st.characters(codec=None, categories=["Cs", "Ll"]), min_size=1))
def test_half_a_surrogate_pair_compares_like_any_text(value: str) -> None:
    assert Secret(value) == Secret(value)
    assert Secret(value) != Secret(value + "x")


@pytest.mark.parametrize("kind", [AzureStorage, AzureEventHub, AzureSql])
def test_a_refused_authorization_quotes_no_value(kind: type[AzureStorage]) -> None:
    values = dict.fromkeys([*kind.model_fields, "pasword"], WORD)
    with pytest.raises(ValidationError) as caught:
        kind.model_validate({**values, "id": "Not An Id"})
    assert WORD not in str(caught.value) + repr(caught.value) + "".join(traceback.format_exception(caught.value))


def test_a_private_key_is_not_taken_for_a_public_one() -> None:
    with pytest.raises(ValidationError, match="this is a private key"):
        AzureStorage(id="a", label="A", pgppublickey="-----BEGIN PGP PRIVATE KEY BLOCK-----")


@pytest.mark.parametrize("server", ["tcp:contoso.net,1433", "https://contoso.net", "contoso.net:1433", "a b", ""])
def test_a_server_is_a_host_name_only(server: str) -> None:
    with pytest.raises(ValidationError):
        AzureSql(id="a", label="A", server=server, database="crm", user="reader")


def test_a_server_loses_the_space_of_a_paste() -> None:
    assert AzureSql(id="a", label="A", server=" contoso.net\n", database="crm", user="reader").server == "contoso.net"
