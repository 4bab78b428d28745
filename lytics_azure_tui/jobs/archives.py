"""The files of tar and zip archives, each as a stream of bounded blocks.

A zip archive is read by ranges: its table of contents by the standard library, whose reader of a file has no bound for
what bzip2 and LZMA expand a block to, so the files themselves are read here (APPNOTE.TXT 4.3.7, 5.8.8).
"""

from __future__ import annotations

import bz2
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import PurePosixPath
from typing import Any, Protocol

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.jobs.decompress import (
    BLOCK,
    DAMAGE,
    WINDOW,
    Blocks,
    Decoder,
    Inflate,
    cut_off,
    damaged,
    zstd_decoder,
)
from lytics_azure_tui.jobs.formats import TAR

Member = tuple[str, Blocks]
"""The name of a file as an operator would say it, and its contents."""

_LOCAL = struct.Struct("<4s5H3I2H")
_STORED, _DEFLATED, _BZIP2, _LZMA, _ZSTD = 0, 8, 12, 14, 93
_DECODERS: dict[int, Callable[[], Decoder]] = {
    _DEFLATED: lambda: Inflate(-15),
    _BZIP2: bz2.BZ2Decompressor,
    _ZSTD: zstd_decoder,
}
_FEEDING = 1 << 20


class Stored(Protocol):
    """A blob, as far as it is read here."""

    @property
    def name(self) -> str:
        """All of it."""

    @property
    def size(self) -> int:
        """Bytes."""

    def stream(self, block: int) -> Blocks:
        """All of it, in blocks of at most so many bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """A range, exactly so long."""


def is_left_out(name: str, size: int) -> bool:
    """Whether a file of an archive is none of its maker's: empty, or written by macOS or Windows for themselves."""
    path = PurePosixPath(name.replace("\\", "/"))
    return (
        not size
        or "__MACOSX" in path.parts
        or path.name.startswith("._")
        or path.name.lower() in {".ds_store", "thumbs.db", "desktop.ini"}
    )


# tar


class _Tail:
    """Blocks as a file that tarfile reads, with its last bytes kept."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._left = memoryview(b"")
        self.last = b""

    def read(self, size: int) -> bytes:
        parts: list[bytes | memoryview] = []
        while size > 0:
            if not self._left:
                block = next(self._blocks, b"")
                if not block:
                    break
                self._left = memoryview(block)
            parts.append(self._left[:size])
            self._left = self._left[size:]
            size -= len(parts[-1])
        data = b"".join(parts)
        self.last = (self.last + data[-512:])[-512:] if data else self.last
        return data


def untarred(blocks: Blocks, name: str) -> Iterator[Member]:
    """The files of a tar archive, in its order.

    Raises:
        Fatal: it is damaged or cut off, or holds none.
    """
    source = _Tail(blocks)
    count = 0
    try:
        with tarfile.open(fileobj=source, mode="r|", bufsize=1 << 20) as archive:  # type: ignore[call-overload]
            for item in archive:
                # The list of all members is kept for reading at random, which a stream cannot do.
                archive.members = []
                if not item.isreg() or is_left_out(item.name, item.size):
                    continue
                count += 1
                yield f"{name}: {item.name}", _file(archive.extractfile(item), name)
        while source.read(1 << 20):
            pass
    except _TAR_DAMAGE as error:
        raise _tar_damaged(name, error) from error
    if source.last.strip(b"\0"):
        # An archive ends with a block of zeros; tarfile does without.
        raise cut_off(name, TAR)
    if not count:
        raise Fatal(f"{name} holds no file", fix="Upload the CSV by itself, or an archive with it")


def _file(opened: Any, name: str) -> Blocks:
    try:
        while block := opened.read(BLOCK):
            yield block
    except _TAR_DAMAGE as error:
        raise _tar_damaged(name, error) from error


_TAR_DAMAGE = (tarfile.TarError, EOFError, ValueError)


def _tar_damaged(name: str, error: Exception) -> Fatal:
    return cut_off(name, TAR) if "unexpected end" in str(error) else damaged(name, TAR, error)


# zip


def unzipped(blob: Stored, block: int = BLOCK) -> Iterator[Member]:
    """The files of an archive, in its order.

    Args:
        block: bytes of one request.

    Raises:
        Fatal: it is damaged, encrypted or empty, or no archive of files but a workbook.
    """
    try:
        with zipfile.ZipFile(io.BufferedReader(RangedFile(blob), block)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError, OverflowError, struct.error) as error:
        raise Fatal(f"{blob.name} is a damaged zip archive", why=str(error), fix="Upload the file again") from error
    names = {entry.filename for entry in entries}
    if "[Content_Types].xml" in names or "mimetype" in names:
        raise Fatal(
            f"{blob.name} is a workbook or document of an office program, and an import reads text",
            fix="Save the sheet as CSV, and upload that",
        )
    files = [entry for entry in entries if not entry.is_dir() and not is_left_out(entry.filename, entry.file_size)]
    if not files:
        raise Fatal(f"{blob.name} holds no file", fix="Upload the CSV by itself, or an archive with it")
    locked = next((entry for entry in files if entry.flag_bits & 1), None)
    if locked is not None:
        raise Fatal(f"{blob.name} is a zip archive with a password", fix="Upload it without one")
    for entry in files:
        name = blob.name if len(files) == 1 else f"{blob.name}: {entry.filename}"
        yield name, _contents(blob, entry, name, block)


def _contents(blob: Stored, entry: zipfile.ZipInfo, name: str, block: int) -> Blocks:
    """One file, checked against its length and its CRC-32."""
    header = blob.read(entry.header_offset, _LOCAL.size) if entry.header_offset + _LOCAL.size <= blob.size else b""
    if not header.startswith(b"PK\x03\x04"):
        raise Fatal(f"{name} is a damaged zip archive", why="A file is not where its list says", fix="Upload it again")
    *_, name_length, extra_length = _LOCAL.unpack(header)
    at = entry.header_offset + _LOCAL.size + name_length + extra_length
    end = at + entry.compress_size
    if end > blob.size:
        raise cut_off(name, "zip")
    crc, size = 0, 0
    try:
        for text in _expanded(_ranges(blob, at, end, block), entry, name):
            crc, size = zlib.crc32(text, crc), size + len(text)
            yield text
    except (*DAMAGE, MemoryError, struct.error) as error:
        raise damaged(name, "zip", error) from error
    if size != entry.file_size or crc != entry.CRC:
        raise Fatal(
            f"{name} is a damaged zip archive",
            why="What it holds is not what was put into it: its checksum or its length differs",
            fix="Upload the file again",
        )


def _ranges(blob: Stored, at: int, end: int, block: int) -> Blocks:
    for start in range(at, end, block):
        yield blob.read(start, min(block, end - start))


def _expanded(blocks: Blocks, entry: zipfile.ZipInfo, name: str) -> Blocks:
    if entry.compress_type == _STORED:
        yield from blocks
        return
    first = next(blocks, b"")
    if entry.compress_type == _LZMA:
        decoder, first = _lzma(first)
    elif entry.compress_type in _DECODERS:
        decoder = _DECODERS[entry.compress_type]()
    else:
        raise Fatal(
            f"{name} is compressed by a method of zip that is not read here ({entry.compress_type})",
            fix="Zip it again by the usual method, Deflate",
        )
    left = entry.file_size
    for block in chain([first], blocks):
        for start in range(0, len(block), _FEEDING):
            rest = block[start : start + _FEEDING]
            while (rest or not decoder.needs_input) and not decoder.eof and left > 0:
                text = decoder.decompress(rest, min(BLOCK, left))
                rest = b""
                left -= len(text)
                if text:
                    yield text


def _lzma(data: bytes) -> tuple[Decoder, bytes]:
    """The decompressor that a file's own header asks for, and what follows the header."""
    length = struct.unpack_from("<2xH", data)[0]
    properties = data[4 : 4 + length]
    first, dictionary = struct.unpack_from("<BI", properties)
    if dictionary > WINDOW:
        raise MemoryError(f"a dictionary of {dictionary >> 20} MiB")
    filters = [
        {
            "id": lzma.FILTER_LZMA1,
            "dict_size": max(dictionary, 4096),
            "lc": first % 9,
            "lp": first // 9 % 5,
            "pb": first // 45,
        }
    ]
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters), data[4 + length :]


class RangedFile(io.RawIOBase):
    """A blob as a seekable file: the archive's table of contents stands at its end."""

    def __init__(self, blob: Stored) -> None:
        self._blob = blob
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._blob.size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        length = min(len(buffer), max(0, self._blob.size - self._at))
        if length:
            buffer[:length] = self._blob.read(self._at, length)
            self._at += length
        return length
