"""Looks at the beginning of a CSV blob: encoding, compression, delimiter, header, first rows, types, times."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.jobs.csv_encoding import Encoding, decoded, encoding_of
from lytics_azure_tui.jobs.csv_records import Grammar, Piece, records
from lytics_azure_tui.jobs.csv_source import NOT_PACKED, PinnedBlob, beyond_ascii
from lytics_azure_tui.jobs.decrypt import NO_KEYS
from lytics_azure_tui.jobs.formats import PARQUET, refuse_other_text
from lytics_azure_tui.jobs.unpack import HEAD, Decrypt, layers_of

if TYPE_CHECKING:
    from lytics_azure_tui.azure.blob import BlobStore

# The standard library's bound is 128 KiB a field, and a record's own bound is in csv_records.
csv.field_size_limit(1 << 30)

_DELIMITERS = (",", "\t", ";", "|")
_NAMES = {",": "comma", "\t": "tab", ";": "semicolon", "|": "pipe", " ": "space"}
_TYPES = (
    ("whole number", re.compile(r"[+-]?\d{1,18}")),
    ("number", re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")),
    ("true or false", re.compile(r"true|false|yes|no|t|f|y|n", re.IGNORECASE)),
    ("email address", re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")),
    ("link", re.compile(r"https?://\S+")),
)


@dataclass(frozen=True, slots=True)
class CsvLook:
    """What the beginning of a file shows.

    Attributes:
        container, name, etag, size: of the blob.
        encoding: with the evidence for it.
        compression: the layers that the text is packed in, from the outside in, joined by +; "none" for none.
        delimiter: the one that was used.
        suggested_delimiter: the one that the file seems to have, when that is another.
        newline: "\\n", "\\r\\n" or "\\r".
        header_line: the header as it stands in the file.
        header: the columns as they are called in a stream: trimmed, none empty, none twice.
        rows: at most 50; fewer columns than the header are filled up with None.
        types: a guess for each column, from those rows.
        timestamp_candidates: columns whose values are times.
        notes: what an operator should know.
    """

    container: str
    name: str
    etag: str
    size: int
    encoding: Encoding
    compression: str
    delimiter: str
    suggested_delimiter: str | None
    newline: str
    header_line: str
    header: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    types: dict[str, str]
    timestamp_candidates: tuple[str, ...]
    notes: tuple[str, ...]


def look(
    store: BlobStore,
    container: str,
    name: str,
    *,
    delimiter: str | None = None,
    encoding: str = "auto",
    before: str | None = None,
    decrypt: Decrypt = NO_KEYS,
    rows: int = 50,
    guess: bool = True,
) -> CsvLook:
    """Reads the first 256 KiB of a blob's text; where they are ASCII, some more to find its encoding.

    Args:
        delimiter: one character; None takes the one that the file seems to have.
        encoding: "auto" takes what the file shows.
        before: the encoding of the files before it in a sequence.
        decrypt: opens a PGP message.
        rows: at most so many are returned.
        guess: whether types and timestamp candidates are worked out.

    Raises:
        Fatal: the blob is not there, is encrypted or damaged, has no header, or is in another encoding than it must be.
    """
    blob = store.blob(container, name)
    pinned = PinnedBlob(store, container, name, blob.etag, blob.size)
    layers, raw = layers_of(pinned, decrypt)
    whole = not layers and blob.size <= HEAD
    if PARQUET in layers:
        # It comes as CSV of one form, whatever the job says of other files.
        encoding, before, delimiter = "utf-8", None, ","
    open_ = encoding == "auto" and raw.isascii() and len(raw) >= HEAD
    further = beyond_ascii(pinned, layers, decrypt) if open_ else b""
    found = encoding_of(raw + b"\n" + further if further else raw, asked=encoding, before=before, name=name)
    text = b"".join(decoded([raw[found.mark :]], found.name))
    newline = _newline(text)
    if newline == "\r":
        text = text.replace(b"\r", b"\n")
    refuse_other_text(name, text)
    if not text.strip():
        raise Fatal(f"{name} is empty: it has no header row", fix="Choose another file, or have this one written again")
    likely = _likely_delimiter(text)
    used = delimiter or likely
    header_line, lines = _rows(text, used, rows, whole=whole)
    header, notes = clean_header(fields(header_line, used))
    if "\0" in header_line:
        notes.append("The header holds NUL bytes; it may be in another encoding")
    body = [tuple((*row, *([None] * (len(header) - len(row))))[: len(header)]) for row in lines]
    ragged = sum(len(row) != len(header) for row in lines)
    if ragged:
        notes.append(
            f"{ragged} of the first {len(body)} rows have not as many fields as the header; they go to quarantine"
        )
    if not body:
        notes.append("There is a header and no rows")
    columns = {column: [row[index] for row in body] for index, column in enumerate(header)}
    times = _times(columns) if guess else []
    types = {column: "time" if column in times else _type(values) for column, values in columns.items() if guess}
    return CsvLook(
        container=container,
        name=name,
        etag=blob.etag,
        size=blob.size,
        encoding=found,
        compression="+".join(layers) or NOT_PACKED,
        delimiter=used,
        suggested_delimiter=likely if likely != used and (len(header) == 1 or ragged * 2 > len(body)) else None,
        newline=newline,
        header_line=header_line,
        header=header,
        rows=tuple(body),
        types=types,
        timestamp_candidates=tuple(times),
        notes=tuple(notes),
    )


def delimiter_name(delimiter: str) -> str:
    """A word for a delimiter, which may be invisible."""
    return _NAMES.get(delimiter, delimiter)


def clean_header(names: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """(the columns' names in a stream, what was changed).

    Names are trimmed; an empty one becomes column_N; of two that differ at most in case, the second gets _2; names
    that are ours (`_row`…) get _2 as well.
    """
    from lytics_azure_tui.lytics.columns import SYSTEM_COLUMNS

    taken = {name.casefold() for name in SYSTEM_COLUMNS}
    cleaned: list[str] = []
    notes: list[str] = []
    for index, raw in enumerate(names, start=1):
        base = raw.strip().strip("\0") or f"column_{index}"
        name, number = base, 1
        while name.casefold() in taken:
            number += 1
            name = f"{base}_{number}"
        taken.add(name.casefold())
        cleaned.append(name)
        if name != raw:
            notes.append(f"Column {index} of the header, {raw!r}, is called {name!r}")
    return tuple(cleaned), notes


def _newline(text: bytes) -> str:
    """The newline of a file: that of its first line with one."""
    line_feed, carriage = text.find(b"\n"), text.find(b"\r")
    if line_feed < 0:
        return "\r" if carriage >= 0 else "\n"
    return "\r\n" if line_feed > 0 and text[line_feed - 1 : line_feed] == b"\r" else "\n"


def _likely_delimiter(text: bytes) -> str:
    """The delimiter that splits the first lines most often, and into the same number of fields."""
    lines = [line for line in text[: 32 << 10].decode("utf-8", "replace").splitlines()[:20] if line.strip()]
    if len(lines) > 2:
        lines = lines[:-1]

    def score(delimiter: str) -> tuple[int, int]:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        alike = sum(width == widths[0] for width in widths) if widths and widths[0] > 1 else 0
        return alike, widths[0] if widths else 0

    return max(_DELIMITERS, key=score)


def _rows(text: bytes, delimiter: str, limit: int, *, whole: bool) -> tuple[str, list[list[str]]]:
    """(the header's record, at most `limit` rows); the last line of a sample that was cut off is left out."""
    end = len(text) if whole or b"\n" not in text else text.rfind(b"\n") + 1
    found = records(Piece.whole(text[:end]), Grammar(delimiter))
    good = [record.raw.decode("utf-8", "replace") for record in islice(found, limit + 1) if not record.problem]
    return (good[0] if good else ""), [fields(raw, delimiter) for raw in good[1:]]


def fields(record: str, delimiter: str) -> list[str]:
    """The fields of one record."""
    rows = csv.reader(io.StringIO(record, newline=""), delimiter=delimiter, skipinitialspace=delimiter != " ")
    return next(rows, [""])


def _type(values: Sequence[str | None]) -> str:
    present = [value.strip() for value in values if value and value.strip()]
    if not present:
        return "empty"
    return next((name for name, form in _TYPES if all(form.fullmatch(value) for value in present)), "text")


def _times(columns: dict[str, list[str | None]]) -> list[str]:
    """Columns most of whose values are times; numbers count only where the name speaks of time."""
    from lytics_azure_tui.lytics.event_time import usual_form

    times = []
    for column, values in columns.items():
        present = [value for value in values if value]
        if not present or not all(any(char.isdigit() for char in value) for value in present[:10]):
            continue
        numbers = all(re.fullmatch(r"[\d.]+", value) for value in present)
        if numbers and not re.search(r"time|date|_at$|_ts$|^ts$|stamp|epoch|created|updated", column, re.IGNORECASE):
            continue
        if usual_form(present[:20]) is not None:
            times.append(column)
    return times
