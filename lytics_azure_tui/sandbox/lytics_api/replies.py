"""A call as the resources see it, and the two shapes in which Lytics answers.

    v1, /api and /collect   {"status": 200, "message": "success", "data": …}
                            {"status": 400, "message": "why", "data": null}
    v2, /v2                 {"status": 200, "data": …, "request_id": "…"}
                            {"status": 400, "errors": [{"code", "level", "message"}], "request_id": "…"}

A rejected token is told before either API has seen the call: always in the shape of v1.
github.com/lytics/agent-skills: references/api.md
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO

Answer = dict[str, Any]
"""The body of an answer; its `status` is the status of HTTP."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a client asks.

    Attributes:
        path: with the parts of it that have names.
        query: each parameter with its values, in order.
        body: at its start; on the disk when it is long.
        size: of the body, in bytes.
        media: the Content-Type, without parameters.
    """

    path: Mapping[str, str]
    query: Mapping[str, tuple[str, ...]]
    body: BinaryIO
    size: int
    media: str = ""

    def one(self, name: str, default: str = "") -> str:
        """A parameter's value; the first one."""
        return next(iter(self.query.get(name, ())), default)

    def flag(self, name: str, default: bool = False) -> bool:
        """A parameter that is true or false."""
        text = self.one(name).lower()
        return default if not text else text in ("true", "t", "1")

    def many(self, name: str) -> tuple[str, ...]:
        """A list in any of the forms that the API takes: a=1,2  a=[1,2]  a=1&a=2  a[]=1&a[]=2."""
        given = (*self.query.get(name, ()), *self.query.get(f"{name}[]", ()))
        parts = (part.strip() for text in given for part in text.strip().removeprefix("[").removesuffix("]").split(","))
        return tuple(part for part in parts if part)

    def text(self) -> str:
        """The body.

        Raises:
            Refused: it is not UTF-8.
        """
        try:
            return self.body.read().decode()
        except UnicodeDecodeError:
            raise Refused(400, "The body is not UTF-8") from None


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Path:
    """Something that can be called.

    Attributes:
        pattern: of the path, with names in braces.
        handler: answers; it may be called in several threads at once.
        bulk: whether the host for bulk uploads has it, too.
    """

    method: str
    pattern: str
    handler: Handler
    bulk: bool = False


class Refused(Exception):
    """A call that is not done.

    Attributes:
        status: of HTTP.
        code: Lytics' own, for v2.
    """

    def __init__(self, status: int, message: str, code: str = "BADREQ-001") -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def answer(self, path: str) -> Answer:
        """In the shape that belongs to a path."""
        if not path.startswith("/v2"):
            return {"data": None, "message": str(self), "status": self.status}
        level = "warn" if self.status < 500 else "error"
        error = {"code": self.code, "level": level, "message": str(self), "timestamp": moment(datetime.now(UTC))}
        return {"errors": [error], "request_id": _request_id(), "status": self.status}


def v1(data: Any, message: str = "success", **more: Any) -> Answer:
    """An answer of /api and /collect."""
    return {"status": 200, "message": message, **more, "data": data}


def v2(data: Any, status: int = 200) -> Answer:
    """An answer of /v2."""
    return {"data": data, "status": status, "request_id": _request_id()}


def moment(at: datetime) -> str:
    """A time as Lytics writes it: 2015-09-17T21:45:07.043Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _request_id() -> str:
    return uuid.uuid4().hex
