"""The API as an ASGI application: finds out who calls what, and does to the call what the faults say."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from lytics_azure_tui.errors import BadConfiguration, LyazureError
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.sandbox.lytics_api.faults import Fault, Faults
from lytics_azure_tui.sandbox.lytics_api.limits import Limits
from lytics_azure_tui.sandbox.lytics_api.replies import Answer, Call, Handler, Path, Refused

_LOG = logging.getLogger(__name__)
LINE = "line"
"""Under this name the server puts a call's connection into the scope's state."""

_IN_MEMORY = 8 << 20
_TOKENS = ("access_token", "key")
"""Parameters that can hold the token, in v1."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A call that came.

    Attributes:
        bulk: whether it came to the host for bulk uploads.
        query: without a token.
        received, sent: bytes of the bodies of the call and of its answer, as a whole if that was cut.
        status: of the answer; 0 when there was none.
        at: by the monotonic clock, when it began.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    bulk: bool
    received: int
    sent: int
    status: int
    at: float


class _Gone(Exception):
    """The client is not there any more."""


class App:
    """The application.

    Attributes:
        bulk_port: calls that come by it come to the host for bulk uploads.
        requests: that came, in the order in which they were dealt with.
    """

    def __init__(self, paths: Sequence[Path], token: Secret, faults: Faults, limits: Limits) -> None:
        self._routes = [(Route(path.pattern, _nothing, methods=[path.method]), path) for path in paths]
        self._token = token
        self._faults = faults
        self._limits = limits
        self.bulk_port = 0
        self.requests: list[Seen] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        begun = time.monotonic()
        fault = self._faults.meets(scope["method"], scope["path"])
        await asyncio.sleep(self._faults.latency)
        bulk = scope["server"][1] == self.bulk_port
        size, answer = await self._outcome(scope, receive, bulk, fault)
        text = b"" if answer is None else _text(answer, fault)
        query = tuple((name, value) for name, value in _query(scope) if name not in _TOKENS)
        status = 0 if answer is None else answer["status"]
        # Before the answer: whoever has it finds the call here.
        self.requests.append(Seen(scope["method"], scope["path"], query, bulk, size, len(text), status, begun))
        if answer is not None:
            await _send(send, status, text, fault)
        if answer is None or (fault is not None and fault.action == "cut"):
            await _break_off(scope, receive)

    async def _outcome(
        self, scope: Scope, receive: Receive, bulk: bool, fault: Fault | None
    ) -> tuple[int, Answer | None]:
        """How many bytes came, and what is answered: None for nothing."""
        action = None if fault is None else fault.action
        if action == "drop":
            return len((await receive()).get("body", b"")), None
        size = 0
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as body:
            try:
                size = await self._read(receive, body, self._limits.batch if bulk else self._limits.upload)
                answer = await self._answered(scope, body, size, bulk, fault)
            except Refused as error:
                answer = error.answer("" if error.status == 401 else scope["path"])
            except _Gone:
                return size, None
        return size, None if action == "lose" else answer

    async def _answered(self, scope: Scope, body: Any, size: int, bulk: bool, fault: Fault | None) -> Answer:
        """Does what is asked for.

        Raises:
            Refused: it is not done, or its answer is another one.
        """
        if fault is not None and fault.action == "refuse":
            raise Refused(fault.status, fault.message, "INTERNAL-019" if fault.status >= 500 else "UNKNOWN-000")
        self._admit(scope)
        handler, names = self._handler(scope, bulk)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query: dict[str, list[str]] = {}
        for name, value in _query(scope):
            query.setdefault(name, []).append(value)
        media = headers.get("content-type", "").partition(";")[0].strip().lower()
        call = Call(names, {name: tuple(values) for name, values in query.items()}, body, size, media)
        answer = await run_in_threadpool(_done, handler, call)
        if fault is not None and fault.action == "spoil":
            raise Refused(fault.status, fault.message, "INTERNAL-019")
        return answer

    def _admit(self, scope: Scope) -> None:
        """Looks at the token: in the header as it is, without Bearer; in v1 also as a parameter."""
        given = [value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"]
        if not scope["path"].startswith("/v2"):
            given += [value for name, value in _query(scope) if name in _TOKENS]
        expected = self._token.reveal().encode()
        if self._faults.revoked or not any(hmac.compare_digest(one.encode(), expected) for one in given[:1]):
            raise Refused(401, "Not authorized")

    def _handler(self, scope: Scope, bulk: bool) -> tuple[Handler, Mapping[str, str]]:
        """Who answers, and the parts of the path that have names."""
        allowed = False
        for route, path in self._routes:
            match, found = route.matches(scope)
            if bulk and not path.bulk:
                continue
            if match is Match.FULL:
                return path.handler, found["path_params"]
            allowed = allowed or match is Match.PARTIAL
        raise Refused(405, "Method Not Allowed") if allowed else Refused(404, "Not Found", "NOTFOUND-003")

    async def _read(self, receive: Receive, body: Any, most: int) -> int:
        """Takes the body.

        Raises:
            Refused: it is larger than this host takes.
            _Gone: the client left in the middle of it.
        """
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Gone
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > most:
                raise Refused(413, f"The body is larger than {most:,} bytes")
            body.write(chunk)
            more = message.get("more_body", False)
        body.seek(0)
        return size


def _done(handler: Handler, call: Call) -> Answer:
    """The answer of a handler; what goes wrong without being meant to is Lytics' fault, not the client's."""
    try:
        return handler(call)
    except Refused:
        raise
    except BadConfiguration as error:
        raise Refused(400, str(error)) from error
    except LyazureError as error:
        raise Refused(500, str(error), "INTERNAL-019") from error
    except Exception as error:
        _LOG.exception("a call went wrong")
        raise Refused(500, "Internal Server Error", "INTERNAL-019") from error


async def _break_off(scope: Scope, receive: Receive) -> None:
    """Breaks the connection off, as a network does."""
    line: asyncio.Transport = scope["state"][LINE]
    line.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


def _text(answer: Answer, fault: Fault | None) -> bytes:
    """An answer's body, which may be none that can be read."""
    text = json.dumps(answer, ensure_ascii=False).encode()
    return text[: len(text) // 2] + b"\xff" if fault is not None and fault.action == "garble" else text


async def _send(send: Send, status: int, text: bytes, fault: Fault | None) -> None:
    """Gives an answer, or the first half of it, or one half after the other."""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(text)).encode())]
    if fault is not None and fault.retry_after is not None:
        headers.append((b"retry-after", f"{fault.retry_after:g}".encode()))
    half = len(text) // 2 if fault is not None and fault.action in ("cut", "slow") else len(text)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text[:half], "more_body": half < len(text)})
    if fault is not None and fault.action == "slow":
        await asyncio.sleep(fault.seconds)
        await send({"type": "http.response.body", "body": text[half:]})


def _query(scope: Scope) -> list[tuple[str, str]]:
    return parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)


def _nothing() -> None:
    """Routes want something to call; here they only tell which path fits."""
