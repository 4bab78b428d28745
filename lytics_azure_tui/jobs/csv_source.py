"""A CSV blob as blocks of UTF-8: decompressed, decoded, without its byte order mark, with \\n where old Macs wrote \\r.

Bytes that are no text in the file's encoding become bytes that are no UTF-8, so that the reader further down sets
their row aside instead of this one failing the file.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Literal

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.jobs.csv_encoding import decoded, is_utf8

if TYPE_CHECKING:
    from lytics_azure_tui.azure.blob import BlobStore

Compression = Literal["none", "gzip", "zip"]

BLOCK = 8 << 20
"""Bytes of a download, and about those of a decompressed block."""

_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"


def compression_of(head: bytes) -> Compression:
    """What a blob's first bytes say; its name may lie."""
    if head.startswith(_GZIP):
        return "gzip"
    return "zip" if head.startswith(_ZIP) else "none"


def refuse_encrypted(name: str, head: bytes) -> None:
    """Raises `Fatal` for a PGP message (RFC 9580, sections 4.2 and 6.2)."""
    armoured = head.lstrip().startswith(b"-----BEGIN PGP")
    # The packets that a message can begin with: an encrypted session key or encrypted data, old and new headers.
    binary = len(head) > 3 and head[0] in {0x84, 0x85, 0x86, 0x8C, 0x8D, 0xA4, 0xC1, 0xC3, 0xC9, 0xD2}
    if armoured or (binary and not is_utf8(head)) or name.lower().endswith((".pgp", ".gpg", ".asc")):
        raise Fatal(
            f"{name} is encrypted with PGP, and an import has no private key to open it with",
            fix="Put a decrypted copy beside it and choose that",
        )


def decompressed(blocks: Iterable[bytes], name: str, *, whole: bool = True) -> Iterator[bytes]:
    """A gzip file's contents, all of its members (RFC 1952, section 2.2).

    Args:
        whole: False for the beginning of a file, which may end anywhere.
    """
    member = zlib.decompressobj(wbits=31)
    started = False
    for block in blocks:
        rest = block
        while rest:
            if member.eof:
                rest = rest.lstrip(b"\0") if not started else rest
                if not rest:
                    break
                member, started = zlib.decompressobj(wbits=31), False
            try:
                text = member.decompress(rest, BLOCK)
            except zlib.error as error:
                raise Fatal(f"{name} is damaged: it is not what gzip wrote", why=str(error)) from error
            started = not member.eof
            rest = member.unused_data if member.eof else member.unconsumed_tail
            if text:
                yield text
    if whole and not member.eof:
        raise Fatal(
            f"{name} ends in the middle of its gzip data; nothing of it was imported",
            why="The upload was cut off, or is still going on",
            fix="Upload the file again",
        )


def unzipped(opened: io.BufferedIOBase, name: str) -> Iterator[bytes]:
    """The contents of the one file in a zip archive."""
    try:
        with zipfile.ZipFile(opened) as archive:
            members = [
                item for item in archive.infolist() if not item.is_dir() and not item.filename.startswith("__MACOSX/")
            ]
            if len(members) != 1:
                raise Fatal(
                    f"{name} holds {len(members)} files, and an import reads one",
                    fix="Zip each file by itself, or upload the CSV alone",
                )
            if members[0].flag_bits & 1:
                raise Fatal(f"{name} is a zip archive with a password", fix="Upload it without one")
            with archive.open(members[0]) as member:
                while block := member.read(BLOCK):
                    yield block
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise Fatal(f"{name} is a damaged zip archive", why=str(error), fix="Upload the file again") from error


class RangedFile(io.RawIOBase):
    """A blob as a seekable file: the archive's table of contents stands at its end."""

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        self._read = read
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        length = min(len(buffer), max(0, self._size - self._at))
        if length:
            buffer[:length] = self._read(self._at, length)
            self._at += length
        return length


def text_blocks(
    store: BlobStore,
    container: str,
    name: str,
    etag: str,
    size: int,
    *,
    compression: Compression,
    encoding: str,
    mark: int,
    old_mac: bool = False,
    offset: int = 0,
    end: int | None = None,
    on_bytes: Callable[[int], None] = lambda count: None,
) -> Iterator[bytes]:
    """A CSV blob's text.

    Args:
        mark: bytes of the byte order mark, to be passed over.
        old_mac: the file's lines end in \\r alone.
        offset, end: of the blob; only for a file that is neither compressed nor decoded.
        on_bytes: told how many bytes of the blob were read.

    Raises:
        StartOver: the blob changed since its ETag was taken.
        Fatal: it is damaged.
    """

    def counted(blocks: Iterable[bytes]) -> Iterator[bytes]:
        for block in blocks:
            on_bytes(len(block))
            yield block

    def ranged(start: int, length: int) -> bytes:
        on_bytes(length)
        return store.read(container, name, etag, start, length)

    if compression == "zip":
        raw = unzipped(io.BufferedReader(RangedFile(ranged, size), BLOCK), name)
    else:
        raw = counted(store.stream(container, name, etag, offset, size if end is None else end, block=BLOCK))
        if compression == "gzip":
            raw = decompressed(raw, name)
    if mark and not offset:
        raw = _without(raw, mark)
    raw = decoded(raw, encoding)
    return (block.replace(b"\r", b"\n") for block in raw) if old_mac else raw


def _without(blocks: Iterator[bytes], mark: int) -> Iterator[bytes]:
    for block in blocks:
        yield block[mark:]
        mark = max(0, mark - len(block))
