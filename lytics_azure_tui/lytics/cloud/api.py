"""Lytics' REST API: one client, the errors of both its versions in ours, and what is tried again.

A question is asked again when its answer does not come. A write is sent again only where it is plain that nothing was
done: Lytics could not be reached, or asked for patience. Lytics knows no idempotency keys, so that a write whose answer
was lost may have been done or not: `AnswerLost`.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay

from lytics_azure_tui.errors import BadConfiguration, Fatal, LyazureError, NotAuthorised, RetryLater
from lytics_azure_tui.model.secret import MASK, Secret

PATIENCE = 30.0
"""Seconds in which a call is tried again; then it is the turn of whoever called."""
LONGEST_WAIT = 20.0
CONNECT_SECONDS, READ_SECONDS, UPLOAD_SECONDS = 10.0, 30.0, 120.0
_SLICE = 0.1

_AGAIN = "It is tried again by itself; if it stays so, look at the network and at Lytics' status page"
_NOT_LYTICS = "Look at url and bulk_url under [lytics] in settings.toml, and for a proxy or a log-in page on the way"
_NEW_TOKEN = "Make an API token in Lytics, then enter it with: lyazure-tui --lytics-token"  # noqa: S105 -- words


class Refused(Fatal):
    """Lytics understood the call and does not do it (400, 409, 413, 422 …).

    Attributes:
        words: what Lytics said.
    """

    words: str = ""


class NotThere(Refused):
    """Lytics has nothing of that name (404, 410)."""


class AnswerLost(RetryLater):
    """A write was sent, and whether Lytics took it is not known."""


class _NotDone(RetryLater):
    """Nothing was done, and the same call may be answered later.

    Attributes:
        seconds: that Lytics asked to wait; None when it did not say.
    """

    seconds: float | None = None


class Throttled(_NotDone):
    """Lytics asks for fewer calls (429): nothing was done."""


class _Unclear(RetryLater):
    """The call was sent, and no answer of use came."""


Check = Callable[[], None]
"""Raises `Cancelled` when whoever waits does so no more."""


def _go_on() -> None:
    """Nobody asks for an end."""


@dataclass(frozen=True, slots=True)
class Account:
    """How an account is reached. Two that are equal share nothing but their address.

    Attributes:
        url: of the API.
        bulk_url: where events are uploaded to.
        token: gives the API token when it is first needed.
    """

    url: str
    bulk_url: str
    token: Callable[[], Secret]

    def __reduce__(self) -> tuple[object, ...]:
        # To another process goes an account that can name things and reach nothing: a token travels nowhere.
        return Account, (self.url, self.bulk_url, _without_token)


def _without_token() -> Secret:
    raise Fatal("This process was given no access to Lytics")


class Api:
    """Calls of an account's API. Safe to use from any thread.

    Args:
        account: which.
        transport: what carries requests; None for the network.
        patience: seconds in which a call is tried again.

    All calls may raise `NotAuthorised`, `RetryLater`, `Refused` or another `Fatal`, with `what` as their first words.
    """

    def __init__(
        self, account: Account, *, transport: httpx.BaseTransport | None = None, patience: float = PATIENCE
    ) -> None:
        self._account, self._transport, self._patience = account, transport, patience
        self._made: httpx.Client | None = None
        self._token: Secret | None = None
        self._lock = Lock()

    def __reduce__(self) -> tuple[object, ...]:
        return Api, (self._account,)

    @property
    def host(self) -> str:
        """The API's name, for people."""
        return urlsplit(self._account.url).hostname or self._account.url

    def get(self, path: str, *, what: str, check: Check = _go_on, **parameters: str | int) -> dict[str, Any]:
        """Asks.

        Args:
            path: from the API's root, as `path` makes it.
            what: what failed if it does, such as "The streams could not be listed".
        """
        return self._read("GET", path, b"", what, check, parameters)

    def ask(self, path: str, text: str, *, what: str, check: Check = _go_on, **parameters: str | int) -> dict[str, Any]:
        """Asks a question that is text, such as a filter: a POST that changes nothing."""
        return self._read("POST", path, text.encode(), what, check, parameters)

    def delete(self, path: str, *, what: str, check: Check = _go_on) -> dict[str, Any]:
        """Deletes; what is deleted once more is just as gone, so that a lost answer is asked for again."""
        return self._read("DELETE", path, b"", what, check, {})

    def upload(
        self,
        path: str,
        packed: bytes,
        *,
        what: str,
        dry: bool = False,
        check: Check = _go_on,
        **parameters: str | int,
    ) -> dict[str, Any]:
        """Sends gzipped lines of JSON to the address for uploads, once.

        Args:
            dry: Lytics only says what it would do, so that it can be asked again.

        Raises:
            AnswerLost: it was sent, and may have been taken.
        """
        if dry:
            parameters["dryrun"] = "true"
        # That it is gzip is seen by its content: docs.lytics.com/reference/bulkjsonupload.
        headers = {"Content-Type": "application/json"}
        url = self._account.bulk_url + path

        def once() -> dict[str, Any]:
            return self._call("POST", url, packed, headers, parameters, UPLOAD_SECONDS, what)

        try:
            return self._patiently(once, (_NotDone, _Unclear) if dry else (_NotDone,), check)
        except _Unclear as error:
            if dry:
                raise
            raise AnswerLost(error.what, why=error.why, fix="It is not sent again by itself") from None

    def write(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        what: str,
        again: bool = False,
        secrets: Sequence[str] = (),
        **parameters: str,
    ) -> dict[str, Any]:
        """Has something made or changed.

        Args:
            body: sent as JSON.
            again: done twice is as good as done once, so that a lost answer is asked for again.
            secrets: pieces of the body that are not repeated in an error, whatever Lytics says of them.

        Raises:
            AnswerLost: it was sent once, and may have been done.
            Throttled: there are too many of these; it is not waited until there may be more.
        """
        packed = b"" if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        url = self._account.url + path

        def once() -> dict[str, Any]:
            return self._call(method, url, packed, headers, parameters, READ_SECONDS, what)

        kinds = (_NotDone, _Unclear) if again else (_NotDone,)
        try:
            return self._patiently(once, kinds, _go_on, never=() if again else (Throttled,))
        except _Unclear as error:
            lost = AnswerLost(error.what, why=error.why, fix="It is not sent again by itself")
            failed: LyazureError = error if again else lost
        except LyazureError as error:
            failed = error
        failed.why = _without(failed.why, secrets)
        if isinstance(failed, Refused):
            failed.words = _without(failed.words, secrets)
        raise failed from None

    # One call

    def _read(
        self, method: str, path: str, body: bytes, what: str, check: Check, parameters: Mapping[str, str | int]
    ) -> dict[str, Any]:
        headers = {"Content-Type": "text/plain"} if body else {}
        url = self._account.url + path

        def once() -> dict[str, Any]:
            return self._call(method, url, body, headers, parameters, READ_SECONDS, what)

        return self._patiently(once, (_NotDone, _Unclear), check)

    def _patiently(
        self,
        once: Callable[[], dict[str, Any]],
        again: tuple[type[Exception], ...],
        check: Check,
        never: tuple[type[Exception], ...] = (),
    ) -> dict[str, Any]:
        def sleep(seconds: float) -> None:
            end = time.monotonic() + seconds
            while (left := end - time.monotonic()) > 0:
                check()
                time.sleep(min(left, _SLICE))

        retrying = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, again) and not isinstance(error, never)),
            stop=stop_after_delay(self._patience),
            wait=_wait,
            sleep=sleep,
            reraise=True,
        )
        return retrying(once)

    def _call(
        self,
        method: str,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        parameters: Mapping[str, str | int],
        seconds: float,
        what: str,
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        token = self._known_token()
        timeout = httpx.Timeout(seconds, connect=CONNECT_SECONDS)
        try:
            answer = self._client().request(
                method,
                url,
                content=body,
                params=parameters,
                headers={**headers, "Authorization": token.reveal()},
                timeout=timeout,
            )
        except httpx.HTTPError as error:
            ours: LyazureError | None = _unanswered(error, what, urlsplit(url).hostname or url)
        else:
            ours, found = self._understood(answer, what)
        if ours is None:
            return found
        # The client's own error knows the request with its headers, and must not travel along.
        raise ours from None

    def _understood(self, answer: httpx.Response, what: str) -> tuple[LyazureError | None, dict[str, Any]]:
        """(what went wrong, the answer)."""
        host = answer.request.url.host
        try:
            found = json.loads(answer.content)
        except ValueError:
            found = None
        if isinstance(found, dict) and answer.is_success:
            return None, found
        if answer.is_success:
            return _Unclear(what, why=f"What {host} answered is not what Lytics answers", fix=_NOT_LYTICS), {}
        words = _words_of(found)
        if self._token is not None:
            words = words.replace(self._token.reveal(), MASK)
        if answer.status_code == 401:
            # The next call asks for it again: it may have been entered anew.
            self._token = None
        return _answered(answer, words, what, host), {}

    def _client(self) -> httpx.Client:
        with self._lock:
            if self._made is None:
                self._made = httpx.Client(transport=self._transport, follow_redirects=False)
            return self._made

    def _known_token(self) -> Secret:
        with self._lock:
            if self._token is None:
                self._token = self._account.token()
                if not self._token.reveal().isascii() or not self._token.reveal().isprintable():
                    self._token = None
                    raise NotAuthorised("The API token of Lytics has characters that no token has", fix=_NEW_TOKEN)
            return self._token


def path(*pieces: str) -> str:
    """A path of names that may hold anything."""
    return "/" + "/".join(quote(piece, safe="") for piece in pieces)


def _without(text: str, secrets: Sequence[str]) -> str:
    """A text in which no secret stands."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    if isinstance(error, _NotDone) and error.seconds is not None:
        return min(error.seconds, LONGEST_WAIT)
    return float(min(0.5 * 2 ** (state.attempt_number - 1), LONGEST_WAIT) * random.uniform(0.5, 1))


def _unanswered(error: httpx.HTTPError, what: str, host: str) -> LyazureError:
    if isinstance(error, httpx.ConnectError) and "CERTIFICATE" in str(error).upper():
        why = f"The certificate of {host} is not one that this machine trusts"
        return BadConfiguration(what, why=why, fix="Behind an inspecting proxy, name its certificate in SSL_CERT_FILE")
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError):
        return _NotDone(what, why=f"{host} cannot be reached", fix=_AGAIN)
    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return Fatal(what, why=f"{host} cannot be called", fix=_NOT_LYTICS)
    if isinstance(error, httpx.TimeoutException):
        return _Unclear(what, why=f"{host} did not answer in time", fix=_AGAIN)
    return _Unclear(what, why=f"The connection to {host} was cut", fix=_AGAIN)


def _answered(answer: httpx.Response, words: str, what: str, host: str) -> LyazureError:
    status = answer.status_code
    told = f"{host} answered {status}" + (f": {words}" if words else "")
    if status == 401:
        why = f"Lytics does not accept the API token that is kept for {host} (lytics, api_token)"
        return NotAuthorised(what, why=why, fix=_NEW_TOKEN)
    if status == 403:
        return NotAuthorised(what, why=f"The API token may not do this. {told}", fix=_NEW_TOKEN)
    pause = _seconds(answer.headers.get("Retry-After"))
    if status == 429 or (status == 503 and pause is not None):
        # Whoever says when to come again has not done it. Of other errors of a server, nobody can tell.
        throttled = status == 429
        why = "Lytics asks for fewer calls" if throttled else told
        asked = (Throttled if throttled else _NotDone)(what, why=why, fix=_AGAIN)
        asked.seconds = pause
        return asked
    if status >= 500 or status == 408:
        return _Unclear(what, why=told, fix=_AGAIN)
    if status < 400:
        return Fatal(what, why=told, fix=_NOT_LYTICS)
    kind = NotThere if status in (404, 410) else Refused
    refused = kind(what, why=told)
    refused.words = words
    return refused


def _words_of(found: Any) -> str:
    """What Lytics says, in either version: {message} or {errors: [{code, message}]}."""
    if not isinstance(found, dict):
        return ""
    errors = found.get("errors")
    if isinstance(errors, list):
        said = [error for error in errors if isinstance(error, dict)]
        return "; ".join(" ".join(filter(None, (_text(e.get("code")), _text(e.get("message"))))) for e in said)
    return _text(found.get("message"))


def _text(value: Any) -> str:
    return " ".join(value.split())[:500] if isinstance(value, str) else ""


def _seconds(header: str | None) -> float | None:
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
