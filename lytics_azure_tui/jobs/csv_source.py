"""The rows of a CSV blob as blocks of UTF-8: unpacked, decoded, without byte order mark, header and footer.

Bytes that are no text in the file's encoding become bytes that are no UTF-8, so that the reader further down sets
their row aside instead of this one failing the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from lytics_azure_tui.jobs.csv_encoding import decoded, marks
from lytics_azure_tui.jobs.csv_header import Opening, behind_header, with_newlines, without_last_lines
from lytics_azure_tui.jobs.decompress import BLOCK
from lytics_azure_tui.jobs.formats import JSON_LINES
from lytics_azure_tui.jobs.json_lines import as_csv, fields_of
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


@dataclass(frozen=True, slots=True)
class TextFile:
    """What has to be known of a CSV blob to read its rows.

    Attributes:
        compression, newline: as in `CsvLook`.
        encoding: Python's name of the codec.
        mark: bytes of the byte order mark.
        opening: how its header is read.
        header: the columns, as they are called in a stream.
        end: bytes of the text before the first row.
        skip_footer: lines at its end that are no rows.
        json_fields: those of the objects, where it is newline-delimited JSON, which is read as CSV; else empty.
    """

    compression: str
    encoding: str
    mark: int
    newline: str
    opening: Opening
    header: tuple[str, ...]
    end: int
    skip_footer: int
    json_fields: tuple[str, ...] = ()

    @property
    def seekable(self) -> bool:
        """Whether the text is the blob's own bytes behind the mark, so that it can be read from any row on."""
        plain = self.compression == NOT_PACKED and self.encoding == "utf-8"
        return plain and self.newline != "\r\r\n" and not self.skip_footer


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
    file: TextFile,
    *,
    decrypt: Decrypt,
    offset: int,
    end: int | None = None,
    scratch: Path | None = None,
    on_passed: Callable[[int], None] = lambda count: None,
) -> Iterator[bytes]:
    """The text of a CSV blob's rows. Of an archive, that of all its files as one, each without its header.

    Args:
        offset: of the text; behind the header, but in a file that is `seekable`.
        end: of the text; only for a file that is `seekable`.
        scratch: a folder with room for a file of Parquet.
        on_passed: told of lines at the end that are no rows.

    Raises:
        StartOver: the blob changed since its ETag was taken.
        Fatal: it is damaged, or a file of an archive has another header than the first.
    """
    if file.seekable:
        last = None if end is None else min(blob.size, file.mark + end)
        return with_newlines(blob.stream(BLOCK, file.mark + offset, last), file.newline)
    found = members(blob, layers_in(file.compression), decrypt, scratch=scratch)
    return _joined(((name, _text(raw, file, name)) for name, raw in found), file, on_passed)


def layers_in(compression: str) -> tuple[str, ...]:
    """The layers of `unpack.members` of a `compression`."""
    return tuple(layer for layer in compression.split("+") if layer not in (NOT_PACKED, JSON_LINES))


def json_fields(blob: PinnedBlob, layers: tuple[str, ...], encoding: str, decrypt: Decrypt) -> tuple[str, ...]:
    """The fields of all objects of a blob of newline-delimited JSON. Raises as `text_blocks` does."""
    texts = (text for _, raw in members(blob, layers, decrypt) for text in chain(_unmarked(raw, encoding), [b"\n"]))
    return tuple(fields_of(texts, blob.name))


def _unmarked(raw: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """The text of a file, whose own byte order mark is left out."""
    first = next(raw, b"")
    return decoded(_without(chain([first], raw), marks(first, encoding)), encoding)


def _text(raw: Iterator[bytes], file: TextFile, name: str) -> Iterator[bytes]:
    text = _unmarked(raw, file.encoding)
    return as_csv(text, file.json_fields, name) if file.json_fields else with_newlines(text, file.newline)


def _joined(
    texts: Iterator[tuple[str, Iterator[bytes]]], file: TextFile, on_passed: Callable[[int], None]
) -> Iterator[bytes]:
    last = b"\n"
    for number, (name, text) in enumerate(texts):
        rows = behind_header(text, file.opening, file.header, name) if number else _without(text, file.end)
        if last != b"\n":
            yield b"\n"
        for block in without_last_lines(rows, file.skip_footer, on_passed):
            if block:
                yield block
                last = block[-1:]


def _without(blocks: Iterator[bytes], count: int) -> Iterator[bytes]:
    """Blocks without so many of their first bytes."""
    for block in blocks:
        yield block[count:]
        count = max(0, count - len(block))
