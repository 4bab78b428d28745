"""Compressed data as a stream of bounded blocks, whatever it expands to."""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from lytics_azure_tui.errors import Fatal

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BLOCK = 8 << 20
"""Bytes of a download, and at most those of a decompressed block."""
WINDOW = 128 << 20
"""Bytes of memory that a file may ask of its decompressor. The strongest settings of xz and zstd ask for 64 MiB and
128 MiB; what asks for more was made so by hand."""

Blocks = Iterator[bytes]


class Decoder(Protocol):
    """What the decompressors of the standard library have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class Inflate:
    """zlib's decompressor, in the manner of the others.

    Args:
        wbits: 31 for gzip, -15 for a deflated file of a zip archive.
    """

    def __init__(self, wbits: int) -> None:
        self._zlib = zlib.decompressobj(wbits=wbits)
        self._full = False

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        # It may hold back the end of what it has read while its output is full.
        return not (self.eof or self._full or self._zlib.unconsumed_tail)

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        text = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        self._full = len(text) == max_length
        return text


def zstd_decoder() -> Decoder:
    """Of zstd, with bounded memory."""
    decoder: Decoder = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: 27})
    return decoder


_DECODERS: dict[str, Callable[[], Decoder]] = {
    "gzip": lambda: Inflate(31),
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=WINDOW),
    "zstd": zstd_decoder,
}
DAMAGE = (zlib.error, lzma.LZMAError, zstd.ZstdError, OSError, EOFError, ValueError)
"""By which the decompressors say that data is damaged; bz2 raises OSError."""


def damaged(name: str, kind: str, error: BaseException) -> Fatal:
    """The error for data that a decompressor refuses."""
    if "limit" in str(error).lower() or "too much memory" in str(error).lower() or isinstance(error, MemoryError):
        return Fatal(
            f"{name} needs more than {WINDOW >> 20} MiB of memory to be decompressed",
            why=str(error),
            fix=f"Compress it again, with the usual settings of {kind}",
        )
    return Fatal(f"{name} is damaged: it is not what {kind} wrote", why=str(error), fix="Upload the file again")


def decompressed(blocks: Iterable[bytes], kind: str, name: str) -> Blocks:
    """The contents of a compressed file, all of its members (RFC 1952, section 2.2; so have bzip2, xz and zstd).

    Raises:
        Fatal: it is damaged or cut off.
    """
    make = _DECODERS[kind]
    decoder, begun = make(), False
    try:
        for block in blocks:
            # Zeros fill a tape's last record up, behind a member.
            rest = block if begun else block.lstrip(b"\0")
            while rest or not decoder.needs_input:
                text = decoder.decompress(rest, BLOCK)
                begun, rest = True, b""
                if text:
                    yield text
                if decoder.eof:
                    rest = decoder.unused_data.lstrip(b"\0")
                    decoder, begun = make(), False
    except (*DAMAGE, MemoryError) as error:
        raise damaged(name, kind, error) from error
    if begun:
        raise cut_off(name, kind)


def cut_off(name: str, kind: str) -> Fatal:
    """The error for a file whose end is not there."""
    return Fatal(
        f"{name} ends in the middle of its {kind} data; nothing of it was imported",
        why="The upload was cut off, or is still going on",
        fix="Upload the file again",
    )
