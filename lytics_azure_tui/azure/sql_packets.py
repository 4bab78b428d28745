"""Packets of SQL Server's replies ([MS-TDS] 2.2.3), of any size and cut anywhere.

pytds' own reader reads beyond the end of a packet that is shorter than its buffer, and waits for ever for bytes behind
the last one.
"""

from __future__ import annotations

import math
import struct
import time
from typing import Any

from pytds import tds_base, tds_reader

from lytics_azure_tui.azure.sql_collation import CodePage
from lytics_azure_tui.azure.sql_errors import Dropped

_HEADER = struct.Struct(">BBHHBx")
_LAST_PACKET = 0x01
_RECEIVE = 64 << 10


class Incomplete(Dropped):
    """A reply ended before what it had begun. Nothing more can be read from the connection with certainty."""

    def __init__(self) -> None:
        super().__init__(
            "The reply from SQL Server is incomplete", why="It ended in the middle of a row or of a message"
        )


class PacketReader(tds_reader._TdsReader):  # type: ignore[misc]
    """The packets of replies, and the bytes in them.

    What it holds is `data[place:]`, of one packet or, after `gather`, of many.
    """

    def __init__(self, tds_session: Any, transport: Any, bufsize: int) -> None:
        super().__init__(tds_session=tds_session, transport=transport, bufsize=0)
        self._buf: bytes = b""
        self._pos = self._size = 0
        self._block_size = bufsize
        self._received = b""
        self._taken = 0
        self.until = math.inf
        """When the time for the login is over, by the monotonic clock; until there is a session, nobody else looks."""

    def set_block_size(self, size: int) -> None:
        """Notes the size of packets that was agreed on. Packets of any size are read."""
        self._block_size = size

    def get_block_size(self) -> int:
        return self._block_size

    # For rows

    @property
    def held(self) -> tuple[bytes, int]:
        """What it holds: the bytes, and the place of the next one in them."""
        return self._buf, self._pos

    def move(self, place: int) -> None:
        """Goes on at a place in the bytes that it holds."""
        self._pos = place

    def peek(self) -> int | None:
        """The next byte; None behind the last of the reply."""
        while self._pos >= self._size:
            if self._status == _LAST_PACKET:
                return None
            self._read_packet()
        return self._buf[self._pos]

    def gather(self, count: int) -> None:
        """Receives so many bytes more, or all that the reply still has.

        Raises:
            Incomplete: it has none.
        """
        if self._status == _LAST_PACKET:
            self._pos = self._size
            raise Incomplete
        pieces, got = [self._buf[self._pos :]], 0
        while got < count and self._status != _LAST_PACKET:
            self._read_packet()
            pieces.append(self._buf)
            got += self._size
        self._buf = b"".join(pieces)
        self._pos, self._size = 0, len(self._buf)

    def skip_reply(self) -> None:
        """Goes behind the last packet of the reply."""
        self._pos = self._size
        while self._status != _LAST_PACKET:
            self._read_packet()
            self._pos = self._size

    # For pytds

    def recv(self, size: int) -> bytes:
        """Some of the next bytes, at most `size`.

        Raises:
            Incomplete: the reply has no more.
        """
        if self.peek() is None:
            raise Incomplete
        piece = self._buf[self._pos : min(self._pos + size, self._size)]
        self._pos += len(piece)
        return piece

    def read_fast(self, size: int) -> tuple[bytes, int]:
        return self.exactly(size), 0

    def unpack(self, struc: struct.Struct) -> tuple[Any, ...]:
        place = self._pos
        if place + struc.size <= self._size:
            self._pos += struc.size
            return struc.unpack_from(self._buf, place)
        return struc.unpack(self.exactly(struc.size))

    def exactly(self, size: int) -> bytes:
        """The next bytes, that many."""
        return b"".join(tds_base.read_chunks(self, size))

    def read_whole_packet(self) -> bytes:
        """What is left of the packet."""
        return self.exactly(self._size - self._pos)

    def get_collation(self) -> CodePage:
        return CodePage.unpack(self.exactly(CodePage.wire_size))

    def _read_packet(self) -> None:
        self._type, status, length, self._spid, _ = _HEADER.unpack(self._receive(_HEADER.size))
        if length < _HEADER.size:
            raise tds_base.InterfaceError(f"A packet of {length} bytes is shorter than its header")
        self._buf = self._receive(length - _HEADER.size)
        # The other bits are for requests.
        self._status = status & _LAST_PACKET
        self._pos, self._size = 0, len(self._buf)

    def _receive(self, count: int) -> bytes:
        while len(self._received) - self._taken < count:
            data = self._transport.recv(_RECEIVE)
            if not data:
                raise tds_base.ClosedConnectionError
            if time.monotonic() > self.until:
                raise TimeoutError("The login takes too long")
            self._received = self._received[self._taken :] + data
            self._taken = 0
        start, self._taken = self._taken, self._taken + count
        return self._received[start : self._taken]
