"""A CSV blob as blocks of UTF-8: unpacked, decoded, without its byte order mark, with \\n where old Macs wrote \\r.

Bytes that are no text in the file's encoding become bytes that are no UTF-8, so that the reader further down sets
their row aside instead of this one failing the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.jobs.csv_encoding import decoded, marks
from lytics_azure_tui.jobs.decompress import BLOCK
from lytics_azure_tui.jobs.unpack import Decrypt, members

if TYPE_CHECKING:
    from lytics_azure_tui.azure.blob import BlobStore

NOT_PACKED = "none"
"""The `compression` of plain text; else the layers of `unpack.layers_of` from the outside in, joined by +."""

_STEP = 1 << 20
_FURTHER = 4 << 20
_PLACE, _PLACES = 64 << 10, 8


@dataclass(frozen=True, slots=True)
class PinnedBlob:
    """A blob as it was looked up: reading it fails when it has changed since.

    Attributes:
        on_bytes: told how many bytes were read.
    """

    store: BlobStore
    container: str
    name: str
    etag: str
    size: int
    on_bytes: Callable[[int], None] = lambda count: None

    def stream(self, block: int = BLOCK, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """A range of it, in blocks. Raises `StartOver` when the blob changed since its ETag was taken."""
        end = self.size if end is None else end
        # Whoever asks for small blocks wants the beginning alone.
        ahead = 3 if block >= BLOCK else 0
        for data in self.store.stream(self.container, self.name, self.etag, start, end, block=block, ahead=ahead):
            self.on_bytes(len(data))
            yield data

    def read(self, offset: int, length: int) -> bytes:
        """A range, exactly so long. Raises `StartOver` as `stream` does."""
        self.on_bytes(length)
        return self.store.read(self.container, self.name, self.etag, offset, length)


def beyond_ascii(blob: PinnedBlob, layers: tuple[str, ...], decrypt: Decrypt) -> bytes:
    """Lines from behind a file's beginning, which is ASCII: those of the first block looked at that is not.

    Of a long file that is not packed, some places on the way to its end are looked at, too.
    """
    blocks: Iterator[bytes]
    if layers:
        blocks = (block for _, raw in members(blob, layers, decrypt, block=_STEP) for block in raw)
    else:
        blocks = blob.stream(_STEP, 0, min(blob.size, _FURTHER))
    seen = 0
    for block in blocks:
        if found := _lines_beyond_ascii(block):
            return found
        seen += len(block)
        if seen >= _FURTHER:
            break
    rest = 0 if layers else blob.size - _FURTHER - _PLACE
    places = (_FURTHER + rest * number // (_PLACES - 1) for number in range(_PLACES if rest > 0 else 0))
    return next(filter(None, (_lines_beyond_ascii(blob.read(at, _PLACE)) for at in places)), b"")


def _lines_beyond_ascii(block: bytes) -> bytes:
    if block.isascii():
        return b""
    # A line that the block cuts may be cut inside a character.
    lines = block.splitlines(keepends=True)[1:-1]
    return b"".join(line for line in lines if not line.isascii())


def text_blocks(
    blob: PinnedBlob,
    *,
    compression: str,
    encoding: str,
    mark: int,
    decrypt: Decrypt,
    header_line: str,
    old_mac: bool = False,
    offset: int = 0,
    end: int | None = None,
    scratch: Path | None = None,
) -> Iterator[bytes]:
    """A CSV blob's text. Of an archive, the text of all its files as one, under the header of the first.

    Args:
        compression: as in `CsvLook`.
        mark: bytes of the byte order mark, to be passed over.
        header_line: of the first file; the others have to begin with it.
        old_mac: the file's lines end in \\r alone.
        offset, end: of the blob; only for a file that is neither packed nor decoded.
        scratch: a folder with room for a file of Parquet.

    Raises:
        StartOver: the blob changed since its ETag was taken.
        Fatal: it is damaged.
    """
    if compression == NOT_PACKED:
        return _text(blob.stream(BLOCK, offset, end), encoding, 0 if offset else mark, old_mac=old_mac)
    found = members(blob, tuple(compression.split("+")), decrypt, scratch=scratch)
    return _joined(((name, _text(*_marked(raw, encoding), old_mac=old_mac)) for name, raw in found), header_line)


def _marked(raw: Iterator[bytes], encoding: str) -> tuple[Iterator[bytes], str, int]:
    """A file of an archive, its encoding, and the bytes of its own byte order mark."""
    first = next(raw, b"")
    return chain([first], raw), encoding, marks(first, encoding)


def _text(raw: Iterator[bytes], encoding: str, mark: int, *, old_mac: bool) -> Iterator[bytes]:
    if mark:
        raw = _without(raw, mark)
    raw = decoded(raw, encoding)
    return (block.replace(b"\r", b"\n") for block in raw) if old_mac else raw


def _joined(texts: Iterator[tuple[str, Iterator[bytes]]], header_line: str) -> Iterator[bytes]:
    """The texts of several files, one behind the other, with one header.

    Raises:
        Fatal: a file has another header than the first.
    """
    header = header_line.encode("utf-8", "surrogatepass")
    _, first = next(texts)
    last = b"\n"
    for block in first:
        yield block
        last = block[-1:] or last
    for name, text in texts:
        if last != b"\n":
            yield b"\n"
        begun = b""
        for block in text:
            begun = (begun + block).lstrip(b"\r\n")
            if len(begun) >= len(header) + 2:
                break
        rest = begun.removeprefix(header)
        if not begun.startswith(header) or rest[:1] not in b"\r\n":
            raise Fatal(
                f"{name} has another header than the first file of the archive",
                why=f"It begins with {begun[:80].decode('utf-8', 'replace')!r}",
                fix="Upload files with different columns as archives of their own",
            )
        rest = rest.removeprefix(b"\r").removeprefix(b"\n")
        for block in chain([rest], text):
            if block:
                yield block
                last = block[-1:]


def _without(blocks: Iterator[bytes], mark: int) -> Iterator[bytes]:
    for block in blocks:
        yield block[mark:]
        mark = max(0, mark - len(block))
