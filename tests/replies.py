"""Replies of SQL Server as bytes, and sessions that read them: no server, no socket."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any

from pytds import tds_base, tds_socket

from lytics_azure_tui.azure import sql_wire
from lytics_azure_tui.azure.sql_rows import batches

Row = tuple[str | None, ...]


def packet(payload: bytes, *, last: bool = True, size: int | None = None) -> bytes:
    """A packet of a reply ([MS-TDS] 2.2.3.1)."""
    return struct.pack(">BBHHBB", 4, int(last), len(payload) + 8 if size is None else size, 51, 1, 0) + payload


def packets(data: bytes, cuts: Iterable[int] = ()) -> bytes:
    """A reply whose packets end at these places."""
    places = sorted({cut for cut in cuts if 0 < cut < len(data)})
    pieces = [data[start:stop] for start, stop in zip([0, *places], [*places, len(data)], strict=True)]
    return b"".join(packet(piece, last=number == len(pieces)) for number, piece in enumerate(pieces, 1))


class Transport:
    """What a session reads from.

    Args:
        data: all that comes.
        step: bytes that come at once.
    """

    def __init__(self, data: bytes, step: int = 1 << 20) -> None:
        self._data, self._step = data, step
        self.sent = b""

    def recv(self, size: int) -> bytes:
        piece, self._data = self._data[: min(size, self._step)], self._data[min(size, self._step) :]
        return piece

    def sendall(self, data: bytes) -> None:
        self.sent += bytes(data)

    def close(self) -> None:
        self._data = b""


def session(data: bytes, *, step: int = 1 << 20) -> Any:
    """A session of TDS 7.4 that has asked something; `data` comes as its answer."""
    login = tds_base._TdsLogin()
    login.tds_version, login.blocksize, login.query_timeout = tds_base.TDS74, 4096, None
    login.bytes_to_unicode = True
    sql_wire.install()
    found = tds_socket._TdsSocket(sock=Transport(data, step), login=login).main_session
    found.submit_plain_query("SELECT 1")
    found.begin_response()
    return found


def texts(reply: Any, **sizes: int) -> list[list[Row]]:
    """The rows of each result set of a reply, read to its end."""
    found = []
    while reply.next_set():
        found.append([row for batch in batches(reply, **sizes) for row in zip(*batch, strict=True)])
    return found


# Tokens


def b_text(text: str) -> bytes:
    """B_VARCHAR."""
    return bytes([len(text)]) + text.encode("utf-16-le")


def us_text(text: str) -> bytes:
    """US_VARCHAR."""
    return struct.pack("<H", len(text)) + text.encode("utf-16-le")


def columns(*described: tuple[str, bytes], flags: Sequence[int] = ()) -> bytes:
    """COLMETADATA: names, and TYPE_INFO as bytes."""
    told = [*flags, *[9] * (len(described) - len(flags))]
    data = b"".join(
        struct.pack("<IH", 0, flag) + info + b_text(name) for (name, info), flag in zip(described, told, strict=True)
    )
    return struct.pack("<BH", 0x81, len(described)) + data


def message(token: int, number: int, text: str = "words", severity: int = 0) -> bytes:
    """ERROR (0xAA) or INFO (0xAB)."""
    body = struct.pack("<iBB", number, 1, severity) + us_text(text) + b_text("server") + b_text("") + bytes(4)
    return struct.pack("<BH", token, len(body)) + body


def changed(kind: int, value: bytes) -> bytes:
    """ENVCHANGE. Args: value: new and old one."""
    return struct.pack("<BHB", 0xE3, 1 + len(value), kind) + value


def done(status: int = 0, count: int = 0, token: int = 0xFD) -> bytes:
    """DONE, or another of its kind."""
    return struct.pack("<BHHQ", token, status, 0xC1, count)


INT, NVARCHAR = b"\x26\x04", b"\xe7\x28\x00\x09\x04\xd0\x00\x34"


def row(*values: bytes) -> bytes:
    """ROW of cells as they lie on the wire."""
    return b"\xd1" + b"".join(values)


def int_cell(value: int | None) -> bytes:
    """A cell of INTN."""
    return b"\0" if value is None else b"\x04" + struct.pack("<i", value)


def text_cell(value: str | None) -> bytes:
    """A cell of NVARCHAR."""
    return b"\xff\xff" if value is None else struct.pack("<H", 2 * len(value)) + value.encode("utf-16-le")
