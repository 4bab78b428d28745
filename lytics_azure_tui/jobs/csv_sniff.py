"""Looks at the beginning of a CSV blob: encoding, compression, delimiter, header, first rows, types, times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.jobs.csv_batch import Examiner, Shape
from lytics_azure_tui.jobs.csv_encoding import Encoding, decoded, encoding_of
from lytics_azure_tui.jobs.csv_guess import (
    is_last_line_odd,
    likely_delimiter,
    lines_before_header,
    looks_like_row,
    time_columns,
    type_of,
)
from lytics_azure_tui.jobs.csv_header import (
    LONGEST,
    Header,
    Opening,
    clean_header,
    fields,
    newline_of,
    read_header,
    separator_of,
    shape_of,
    with_newlines,
    without_last_lines,
)
from lytics_azure_tui.jobs.csv_records import Grammar, Piece, Record, records
from lytics_azure_tui.jobs.csv_source import NOT_PACKED, PinnedBlob, beyond_ascii, json_fields
from lytics_azure_tui.jobs.decrypt import NO_KEYS
from lytics_azure_tui.jobs.formats import JSON_LINES, PARQUET, is_json_lines, refuse_other_text
from lytics_azure_tui.jobs.json_lines import as_csv, fields_of
from lytics_azure_tui.jobs.unpack import HEAD, Decrypt, beginning, layers_of
from lytics_azure_tui.model.amounts import counted
from lytics_azure_tui.model.delimiter import delimiter_name

if TYPE_CHECKING:
    from lytics_azure_tui.azure.blob import BlobStore


_TAIL = 16 << 10
"""Bytes at a file's end that are looked at."""


@dataclass(frozen=True, slots=True)
class CsvLook:
    """What the beginning of a file shows.

    Attributes:
        container, name, etag, size: of the blob.
        encoding: with the evidence for it.
        compression: the layers that the text is packed in, from the outside in, joined by +; "none" for none.
        delimiter: the one that was used.
        suggested_delimiter: the one that the file seems to have, when that is another.
        newline: "\\n", "\\r\\n", "\\r" or "\\r\\r\\n".
        opening: how its beginning was read.
        skip_footer: lines at its end that are no rows.
        before: what stands before the first row.
        header: the columns as they are called in a stream: trimmed, none empty, none twice.
        fields: of a record, as `header` has them; those of JSON have the line itself at their end.
        width: fields of a record, with those behind the header's last name that are always empty.
        rows: the first that can be parsed; fewer columns than the header are filled up with None.
        types: a guess for each column, from those rows.
        timestamp_candidates: columns whose values are times.
        notes: what an operator should know.
        warnings: what an operator should look at before an import, and after it.
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
    opening: Opening
    skip_footer: int
    before: Header
    header: tuple[str, ...]
    fields: tuple[str, ...]
    width: int
    rows: tuple[tuple[str | None, ...], ...]
    types: dict[str, str]
    timestamp_candidates: tuple[str, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def header_line(self) -> str:
        """The header as it stands in the file; empty where the file has none."""
        return self.before.line

    @property
    def summary(self) -> str:
        """Its size, form and encoding in words."""
        packed = "" if self.compression == NOT_PACKED else f", {self.compression.replace('+', ' of ')}"
        return f"{self.size:,} bytes{packed}, {counted(len(self.header), 'column')}, {self.encoding}"


def look(
    store: BlobStore,
    container: str,
    name: str,
    *,
    delimiter: str | None = None,
    encoding: str = "auto",
    before: str | None = None,
    decrypt: Decrypt = NO_KEYS,
    skip_lines: int = 0,
    names: tuple[str, ...] = (),
    skip_footer: int = 0,
    complete: bool = False,
    rows: int = 50,
    guess: bool = True,
) -> CsvLook:
    """Reads the first 256 KiB of a blob's text; more, where its header is longer, or to find its encoding.

    Args:
        delimiter: one character; None takes the one that the file seems to have. A line such as sep=; at its beginning
            has the last word.
        encoding: "auto" takes what the file shows.
        before: the encoding of the files before it in a sequence.
        decrypt: opens a PGP message.
        skip_lines: lines before the header.
        names: of the columns, for a file that has no header.
        skip_footer: lines at the end that are no rows.
        complete: whether all of a file of JSON is read, so that no field of its objects is missing.
        rows: at most so many are returned.
        guess: whether types and timestamp candidates are worked out.

    Raises:
        Fatal: the blob is not there, is encrypted or damaged, has no header, one that is malformed, or is in another
            encoding than it must be.
    """
    blob = store.blob(container, name)
    pinned = PinnedBlob(store, container, name, blob.etag, blob.size)
    layers, raw = layers_of(pinned, decrypt)
    table = PARQUET in layers
    if table:
        # It comes as CSV of one form, whatever the job says of other files.
        encoding, before, delimiter, skip_lines, names, skip_footer = "utf-8", None, ",", 0, (), 0
    open_ = encoding == "auto" and raw.isascii() and len(raw) >= HEAD
    further = beyond_ascii(pinned, layers, decrypt) if open_ else b""
    found = encoding_of(raw + b"\n" + further if further else raw, asked=encoding, before=before, name=name)
    lines = b"" if table else _json_lines(raw, found)
    if lines:
        objects = json_fields(pinned, layers, found.name, decrypt) if complete else tuple(fields_of([lines], name))
        table, layers, delimiter, skip_lines, names, skip_footer = True, (*layers, JSON_LINES), ",", 0, (), 0
        text = b"".join(as_csv([lines], objects, name))
        start, opening, head = _opened(name, text, lambda size: text, Encoding("utf-8", 0, ""), Opening(","))
    else:
        asked = Opening(delimiter or "", skip_lines, names)
        start, opening, head = _opened(
            name, raw, lambda size: beginning(pinned, layers, decrypt, size)[1], found, asked
        )
    used = opening.delimiter
    sample = start.sample(head, used, rows, skip_footer)
    read = [fields(record.raw.decode("utf-8", "replace"), used) for record in sample if not record.problem]
    shape = shape_of(head.names, read, used)
    header, notes = clean_header(head.names[: shape.named])
    body = tuple((*row, *([None] * shape.named))[: shape.named] for row in read)
    if lines:
        body = tuple(row[:-1] for row in body)
    columns = {column: [row[index] for row in body] for index, column in enumerate(header[:-1] if lines else header)}
    times = time_columns(columns) if guess else []
    bad = len(Examiner(shape).records(sample).problems)
    odd = not table and start.likely != used and (len(header) == 1 or bad * 2 > len(sample))
    warnings = [] if table else list(start.oddities(opening, head, body))
    if odd:
        warnings = [_odd_delimiter(name, used, start.likely)]
    end = [] if table or skip_footer else start.last_lines(pinned if guess and not layers else None)
    if is_last_line_odd(end, used, shape.width):
        warnings.append(f"The last line of {name} looks like no row: if it holds totals, set Lines After Rows to 1")
    notes += _notes(head, shape, bad, len(sample))
    return CsvLook(
        container=container,
        name=name,
        etag=blob.etag,
        size=blob.size,
        encoding=found,
        compression="+".join(layers) or NOT_PACKED,
        delimiter=used,
        suggested_delimiter=start.likely if odd else None,
        newline=start.newline,
        opening=opening,
        skip_footer=skip_footer,
        before=head,
        header=header[:-1] if lines else header,
        fields=header,
        width=shape.width,
        rows=body,
        types={name: "time" if name in times else type_of(values) for name, values in columns.items() if guess},
        timestamp_candidates=tuple(times),
        notes=tuple(notes),
        warnings=tuple(warnings),
    )


def _notes(head: Header, shape: Shape, bad: int, sample: int) -> Iterator[str]:
    """Notes on a header and so many first rows, of which some are bad."""
    if bad:
        yield f"{bad} of the first {sample} rows cannot be used; they go to quarantine"
    if max(len(head.names), shape.width) > shape.named:
        yield "Lines end in a delimiter; the empty fields behind the last column are left out"
    if "\0" in head.line:
        yield "The header holds NUL bytes; it may be in another encoding"
    if not sample:
        yield "There is a header and no rows"


def _opened(
    name: str, raw: bytes, more: Callable[[int], bytes], encoding: Encoding, asked: Opening
) -> tuple[_Beginning, Opening, Header]:
    """A file's beginning up to its first rows, however long its header is.

    Args:
        raw: the first bytes of the file, `HEAD` of them or all.
        more: gives so many.
        asked: as the job says; the delimiter is empty where the file decides.
    """
    size = HEAD
    while True:
        start = _Beginning.of(name, b"".join(decoded([raw[encoding.mark :]], encoding.name)), whole=len(raw) < size)
        opening = replace(asked, delimiter=start.separator or asked.delimiter or start.likely)
        head = read_header(start.text, opening, name, whole=start.whole or len(start.text) >= LONGEST)
        if head is not None:
            return start, opening, head
        size *= 8
        raw = more(size)


def _json_lines(raw: bytes, encoding: Encoding) -> bytes:
    """The whole lines of a file's beginning, if they are one JSON object each; else nothing."""
    text = b"".join(decoded([raw[encoding.mark :]], encoding.name))
    if not is_json_lines(text):
        return b""
    return text if len(raw) < HEAD or b"\n" not in text else text[: text.rfind(b"\n") + 1]


@dataclass(frozen=True, slots=True)
class _Beginning:
    """A file's beginning.

    Attributes:
        text: with lines that end in \\n or \\r\\n.
        whole: whether it is all of the file.
        newline: as in `CsvLook`.
        separator: the delimiter that it names itself.
        likely: the delimiter that it seems to have.
    """

    name: str
    text: bytes
    whole: bool
    newline: str
    separator: str | None
    likely: str

    @classmethod
    def of(cls, name: str, text: bytes, *, whole: bool) -> _Beginning:
        """Of decoded text. Raises `Fatal` where that is no table."""
        newline = newline_of(text)
        text = b"".join(with_newlines(iter([text]), newline))
        refuse_other_text(name, text)
        if not text.strip():
            raise Fatal(
                f"{name} is empty: it has no header row", fix="Choose another file, or have this one written again"
            )
        separator = separator_of(text)
        return cls(name, text, whole, newline, separator, separator or likely_delimiter(text))

    def sample(self, head: Header, delimiter: str, limit: int, skip_footer: int) -> list[Record]:
        """The first records behind the header."""
        rest = self.text[head.end :]
        if self.whole:
            rest = b"".join(without_last_lines(iter([rest]), skip_footer))
        elif b"\n" in rest:
            rest = rest[: rest.rfind(b"\n") + 1]
        piece = Piece.whole(rest, offset=head.end, row=1, line=head.lines + 1)
        found = list(islice(records(piece, Grammar(delimiter)), limit))
        # A record that is cut off seems to be malformed.
        while found and found[-1].problem and not self.whole and len(found) < limit:
            found.pop()
        return found

    def oddities(self, opening: Opening, head: Header, rows: Sequence[Sequence[str | None]]) -> Iterator[str]:
        """Warnings about the header."""
        if opening.names:
            return
        before = 0 if opening.skip_lines else lines_before_header(self.text, opening.delimiter)
        if before:
            lines = "line seems" if before == 1 else "lines seem"
            yield f"{before} {lines} to stand before the header of {self.name}: set Lines Before Header to {before}"
        elif looks_like_row(head.names, rows):
            yield f"The first line of {self.name} looks like a row: if there is no header, set Column Names"

    def last_lines(self, blob: PinnedBlob | None) -> list[bytes]:
        """The last lines of the file; none where they cannot be had without reading all of it.

        Args:
            blob: one that is plain text; None not to read further.
        """
        if self.whole or blob is None:
            return self.text.split(b"\n") if self.whole else []
        at = max(0, blob.size - _TAIL)
        return b"".join(with_newlines(iter([blob.read(at, blob.size - at)]), self.newline)).split(b"\n")[1:]


def _odd_delimiter(name: str, used: str, likely: str) -> str:
    return f"{name} is read as {delimiter_name(used)}-delimited, and looks {delimiter_name(likely)}-delimited"
