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
from threading import Lock
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay

from lytics_azure_tui.errors import Fatal, LyazureError, NotAuthorised
from lytics_azure_tui.lytics.cloud.api_errors import (
    NEW_TOKEN,
    NOT_LYTICS,
    AnswerLost,
    NotDone,
    NotThere,
    Refused,
    Throttled,
    Unclear,
    answered,
    unanswered,
    without,
    words_of,
)
from lytics_azure_tui.model.secret import MASK, Secret

__all__ = ["Account", "AnswerLost", "Api", "Check", "NotThere", "Refused", "Throttled", "path"]

PATIENCE = 30.0
"""Seconds in which a call is tried again; then it is the turn of whoever called."""
LONGEST_WAIT = 20.0
CONNECT_SECONDS, READ_SECONDS, UPLOAD_SECONDS = 10.0, 30.0, 120.0
_SLICE = 0.1

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
            return self._patiently(once, (NotDone, Unclear) if dry else (NotDone,), check)
        except Unclear as error:
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

        kinds = (NotDone, Unclear) if again else (NotDone,)
        try:
            return self._patiently(once, kinds, _go_on, never=() if again else (Throttled,))
        except Unclear as error:
            lost = AnswerLost(error.what, why=error.why, fix="It is not sent again by itself")
            failed: LyazureError = error if again else lost
        except LyazureError as error:
            failed = error
        failed.why = without(failed.why, secrets)
        if isinstance(failed, Refused):
            failed.words = without(failed.words, secrets)
        raise failed from None

    # One call

    def _read(
        self, method: str, path: str, body: bytes, what: str, check: Check, parameters: Mapping[str, str | int]
    ) -> dict[str, Any]:
        headers = {"Content-Type": "text/plain"} if body else {}
        url = self._account.url + path

        def once() -> dict[str, Any]:
            return self._call(method, url, body, headers, parameters, READ_SECONDS, what)

        return self._patiently(once, (NotDone, Unclear), check)

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
            ours: LyazureError | None = unanswered(error, what, urlsplit(url).hostname or url)
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
            return Unclear(what, why=f"What {host} answered is not what Lytics answers", fix=NOT_LYTICS), {}
        words = words_of(found)
        if self._token is not None:
            words = words.replace(self._token.reveal(), MASK)
        if answer.status_code == 401:
            # The next call asks for it again: it may have been entered anew.
            self._token = None
        return answered(answer, words, what, host), {}

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
                    raise NotAuthorised("The API token of Lytics has characters that no token has", fix=NEW_TOKEN)
            return self._token


def path(*pieces: str) -> str:
    """A path of names that may hold anything."""
    return "/" + "/".join(quote(piece, safe="") for piece in pieces)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    if isinstance(error, NotDone) and error.seconds is not None:
        return min(error.seconds, LONGEST_WAIT)
    return float(min(0.5 * 2 ** (state.attempt_number - 1), LONGEST_WAIT) * random.uniform(0.5, 1))
