"""Lytics' API: its errors in ours, what is tried again, and a token that is in no word."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from lytics_azure_tui.errors import BadConfiguration, Fatal, LyazureError, NotAuthorised, RetryLater
from lytics_azure_tui.lytics.cloud import api as module
from lytics_azure_tui.lytics.cloud.answers import moment, text, whole
from lytics_azure_tui.lytics.cloud.api import Account, AnswerLost, Api, NotThere, Refused, path
from lytics_azure_tui.lytics.cloud.cloud import Cloud
from lytics_azure_tui.lytics.cloud.people import kind_of
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.model.user_field import FieldKind

TOKEN = "the-token-of-this-test"
Handler = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(autouse=True)
def in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_WAIT", 0.01)


def account() -> Account:
    return Account("https://api.example", "https://bulk.example", lambda: Secret(TOKEN))


def served(handler: Handler, patience: float = 0.2) -> Api:
    return Api(account(), transport=httpx.MockTransport(handler), patience=patience)


def answers(*given: httpx.Response | Exception) -> tuple[Api, list[httpx.Request]]:
    """An API that gives answers one after the other, the last one again and again."""
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        found = given[min(len(seen), len(given)) - 1]
        if isinstance(found, Exception):
            raise found
        return found

    return served(handler), seen


GOOD = httpx.Response(200, json={"status": 200, "data": [{"name": "s"}]})
WHAT = "It could not be done"


def test_the_token_goes_into_the_header_as_it_is() -> None:
    api, seen = answers(GOOD)
    api.get("/v2/stream", what=WHAT, table="user")
    assert seen[0].headers["Authorization"] == TOKEN
    assert str(seen[0].url) == "https://api.example/v2/stream?table=user"
    api.upload("/collect/bulk/s", b"x", what=WHAT)
    assert seen[1].url.host == "bulk.example"


def test_names_in_a_path_may_hold_anything() -> None:
    assert (
        path("api", "entity", "user", "email", "a/b?c=d e@x.com") == "/api/entity/user/email/a%2Fb%3Fc%3Dd%20e%40x.com"
    )


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (
            401,
            {"data": None, "status": 401, "message": "Not authorized"},
            NotAuthorised,
            "does not accept the API token",
        ),
        (
            403,
            {"status": 403, "errors": [{"code": "FORBIDDEN-026", "message": "no"}]},
            NotAuthorised,
            "FORBIDDEN-026 no",
        ),
        (404, {"status": 404, "errors": [{"code": "NOTFOUND-003", "message": "gone"}]}, NotThere, "NOTFOUND-003 gone"),
        (410, {"message": "expired"}, NotThere, "expired"),
        (400, {"data": None, "status": 400, "message": "bad filter"}, Refused, "bad filter"),
        (422, [], Refused, "answered 422"),
        (302, {}, Fatal, "answered 302"),
        (500, {"status": 500, "message": "oh"}, RetryLater, "oh"),
        (503, {"status": 503, "message": "oh"}, RetryLater, "oh"),
        (429, {"message": "slow down"}, RetryLater, "fewer calls"),
    ],
)
def test_errors_of_both_versions_are_told_in_words(
    status: int, body: Any, kind: type[LyazureError], words: str
) -> None:
    api, _ = answers(httpx.Response(status, json=body))
    with pytest.raises(kind) as caught:
        api.get("/x", what=WHAT)
    assert caught.value.what == WHAT
    assert words in caught.value.why
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    "first",
    [
        httpx.Response(429, json={}),
        httpx.Response(429, json={}, headers={"Retry-After": "0"}),
        httpx.Response(503, json={}, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        httpx.Response(500, json={}),
        httpx.Response(200, content=b'{"data": [{"na'),
        httpx.Response(200, text="<html>Log in</html>"),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("cut"),
    ],
)
def test_a_question_is_asked_again(first: httpx.Response | Exception) -> None:
    api, seen = answers(first, first, GOOD)
    assert api.get("/x", what=WHAT)["status"] == 200
    assert len(seen) == 3


def test_patience_ends() -> None:
    api, seen = answers(httpx.Response(500, json={}))
    with pytest.raises(RetryLater):
        api.get("/x", what=WHAT)
    assert len(seen) > 2


@pytest.mark.parametrize(
    "lost",
    [
        httpx.Response(500, json={}),
        httpx.Response(502, text="Bad Gateway"),
        httpx.Response(503, json={}),
        httpx.Response(200, text="{"),
        httpx.ReadTimeout("slow"),
        httpx.WriteError("cut"),
        httpx.RemoteProtocolError("cut"),
    ],
)
def test_a_write_whose_answer_was_lost_is_not_sent_again(lost: httpx.Response | Exception) -> None:
    api, seen = answers(lost, GOOD)
    with pytest.raises(AnswerLost):
        api.upload("/collect/bulk/s", b"x", what=WHAT)
    assert len(seen) == 1


@pytest.mark.parametrize(
    "first", [httpx.Response(429, json={}), httpx.ConnectError("refused"), httpx.ConnectTimeout("slow")]
)
def test_a_write_that_was_plainly_not_done_is_sent_again(first: httpx.Response | Exception) -> None:
    api, seen = answers(first, GOOD)
    api.upload("/collect/bulk/s", b"x", what=WHAT)
    assert len(seen) == 2


def test_a_dry_run_is_asked_again_like_a_question() -> None:
    api, seen = answers(httpx.ReadTimeout("slow"), GOOD)
    api.upload("/collect/bulk/s", b"x", what=WHAT, dry=True)
    assert len(seen) == 2
    assert seen[0].url.params["dryrun"] == "true"


def test_a_certificate_that_is_not_trusted_is_a_matter_of_configuration() -> None:
    api, seen = answers(httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate"))
    with pytest.raises(BadConfiguration, match="certificate"):
        api.get("/x", what=WHAT)
    assert len(seen) == 1


def test_an_answer_that_quotes_the_token_is_told_without_it() -> None:
    api, _ = answers(httpx.Response(400, json={"message": f"bad request by {TOKEN}"}))
    with pytest.raises(Refused) as caught:
        api.get("/x", what=WHAT)
    assert TOKEN not in str(caught.value)
    assert "bad request by" in caught.value.why


def test_no_log_of_any_library_has_the_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    api, _ = answers(httpx.Response(500, json={}), GOOD)
    api.get("/x", what=WHAT)
    assert caplog.text
    assert TOKEN not in caplog.text


def test_an_error_takes_no_request_along() -> None:
    api, _ = answers(httpx.RemoteProtocolError("cut"))
    with pytest.raises(RetryLater) as caught:
        api.get("/x", what=WHAT)
    assert caught.value.__suppress_context__


def test_a_token_that_no_header_can_hold_is_refused_in_words() -> None:
    api = Api(Account("https://a.example", "https://a.example", lambda: Secret("a\nb")))
    with pytest.raises(NotAuthorised, match="characters"):
        api.get("/x", what=WHAT)


def test_another_process_gets_no_token(tmp_path: Path) -> None:
    data = pickle.dumps(Cloud(Api(account()), tmp_path))
    assert TOKEN.encode() not in data
    there = pickle.loads(data)
    assert there.staging("s") == tmp_path / "streams" / "s"
    with pytest.raises(Fatal, match="no access"):
        there.streams()


def test_odd_values_do_no_harm() -> None:
    assert [whole(value) for value in ("7", 7, 7.9, None, "x", True, float("inf"))] == [7, 7, 7, None, None, None, None]
    assert [text(value) for value in ("x", None, 1, {"a": [1]})] == ["x", None, "1", '{"a":[1]}']
    assert moment("0001-01-01T00:00:00Z") is None
    assert moment("yesterday") is None
    assert str(moment("2026-01-01T01:00:00+01:00")) == "2026-01-01 00:00:00+00:00"


def test_kinds_that_are_not_known_are_text() -> None:
    assert kind_of("map[string]number") is FieldKind.MAP_NUMBER
    assert kind_of("ts[]string") is FieldKind.STRINGS
    assert kind_of("geolocation") is kind_of(None) is FieldKind.STRING
