"""Compression of what is being written, without a file on the way."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Any

_MEMBER = 2 << 20
_LEVEL = 6


def gzipped(content: Iterable[bytes], threads: int) -> Generator[bytes, None, None]:
    """As gzip: members one after the other, which make one valid file (RFC 1952, section 2.2), several at a time.

    The same content gives the same bytes. Memory: two members a thread.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="gzip")
    coming: deque[Future[bytes]] = deque()
    try:
        for member in _gathered(content):
            coming.append(pool.submit(zlib.compress, member, _LEVEL, 31))
            if len(coming) > threads:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def zipped(content: Iterable[bytes], name: str, moment: datetime) -> Generator[bytes, None, None]:
    """As a zip archive of one file, of any size.

    Args:
        name: of the file inside.
        moment: its time.
    """
    out = _Outgoing()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo(name, moment.timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(info, "w", force_zip64=True) as member:
            for piece in content:
                member.write(piece)
                yield from out.taken()
    yield from out.taken()


class _Outgoing(io.RawIOBase):
    """A file without places: what is written to it is handed on."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        piece = bytes(data)
        self._pieces.append(piece)
        return len(piece)

    def taken(self) -> list[bytes]:
        pieces, self._pieces = self._pieces, []
        return pieces


def _gathered(content: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces of any size as pieces of a member's."""
    pieces: list[bytes] = []
    held = 0
    for piece in content:
        pieces.append(piece)
        held += len(piece)
        if held >= _MEMBER:
            yield b"".join(pieces)
            pieces, held = [], 0
    if held:
        yield b"".join(pieces)
