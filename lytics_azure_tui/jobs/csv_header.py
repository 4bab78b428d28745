"""Reads how a CSV file begins: its newline, lines before the header, the header.

Preview, dry run and run all use it; a run does not read the header again, but begins behind it.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.jobs.csv_batch import Shape
from lytics_azure_tui.jobs.csv_records import BARE_RETURN, Grammar, record_end
from lytics_azure_tui.lytics.columns import SYSTEM_COLUMNS

# The standard library's bound is 128 KiB a field, and a record's own bound is in csv_records.
csv.field_size_limit(1 << 30)

LONGEST = 16 << 20
"""Bytes in which a header has to end."""

_QUOTED = re.compile(rb'"(?:[^"]|"")*+"')
_NEWLINE = re.compile(rb"\r\r\n|\r\n|\n|\r")
_SEPARATOR = re.compile(rb'\A"?sep=(?P<delimiter>[^\r\n"]|\xc2.)"?[\t ,;]*(?:\r?\n|\Z)', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Opening:
    """How the beginning of a file is to be read.

    Attributes:
        delimiter: one character.
        skip_lines: lines that stand before the header, or before the first row where there is no header.
        names: of the columns, where the file has no header; empty where it has one.
    """

    delimiter: str
    skip_lines: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the first row.

    Attributes:
        line: the header's record as it stands in the file; empty where the file has none.
        names: of its fields, as they stand there.
        end: bytes of the text before the first row.
        lines: lines before the first row.
    """

    line: str
    names: tuple[str, ...]
    end: int
    lines: int


def newline_of(text: bytes) -> str:
    """The newline of a file, "\\n", "\\r\\n", "\\r" or "\\r\\r\\n": the first that is not inside quotes."""
    found = _NEWLINE.search(_QUOTED.sub(b"", text)) or _NEWLINE.search(text)
    return found[0].decode() if found else "\n"


def with_newlines(blocks: Iterator[bytes], newline: str) -> Iterator[bytes]:
    """Text whose lines end in \\n or \\r\\n, of one whose lines end in \\r or \\r\\r\\n. Other text stays as it is."""
    if newline not in ("\r", "\r\r\n"):
        yield from blocks
        return
    kept = b""
    for block in blocks:
        text = kept + block
        # What follows decides what a \r at the end is.
        kept = text[len(text.rstrip(b"\r")) :]
        yield _with_newlines(text[: len(text) - len(kept)], newline)
    yield _with_newlines(kept, newline)


def _with_newlines(text: bytes, newline: str) -> bytes:
    return text.replace(b"\r\r\n", b"\r\n") if newline == "\r\r\n" else re.sub(rb"\r(?!\n)", b"\n", text)


def without_last_lines(
    blocks: Iterator[bytes], count: int, on_lines: Callable[[int], None] = lambda count: None
) -> Iterator[bytes]:
    """Text without its last lines with something on them.

    Args:
        count: so many.
        on_lines: told how many there were.
    """
    if not count:
        yield from blocks
        return
    kept = b""
    for block in blocks:
        kept += block
        # Blank lines behind the last are held back, too.
        filled = len(kept.rstrip(b"\r\n"))
        at = filled
        for _ in range(count + 1):
            at = kept.rfind(b"\n", 0, max(at, 0))
        if at > 0:
            yield kept[: at + 1]
            kept = kept[at + 1 :]
    lines = kept.rstrip(b"\r\n").split(b"\n")
    left = lines[: max(0, len(lines) - count)]
    on_lines(len(lines) - len(left) if kept.strip() else 0)
    yield b"".join(line + b"\n" for line in left)


def separator_of(text: bytes) -> str | None:
    """The delimiter that a first line such as sep=; gives, as Excel writes and reads it; None without such a line."""
    found = _SEPARATOR.match(text)
    return found["delimiter"].decode() if found else None


def read_header(text: bytes, opening: Opening, name: str, *, whole: bool) -> Header | None:
    """What stands before the first row.

    Args:
        text: the file's beginning, with lines that end in \\n or \\r\\n.
        name: of the file, for errors.
        whole: whether the text is all there is, or enough.

    Returns:
        None when more text is needed to tell.

    Raises:
        Fatal: there is no header, or it is malformed.
    """
    at, lines = 0, 0
    for _ in range(max(opening.skip_lines, separator_of(text) is not None)):
        newline = text.find(b"\n", at)
        if newline < 0:
            return _missing(name, opening) if whole else None
        at, lines = newline + 1, lines + 1
    if opening.names:
        return Header("", opening.names, at, lines)
    grammar = Grammar(opening.delimiter)
    while True:
        end, problem = record_end(text, at, grammar, final=whole)
        if end < 0 or (not whole and end >= len(text)):
            return None
        line = text[at:end].removesuffix(b"\n").removesuffix(b"\r")
        lines += text.count(b"\n", at, end)
        if line.strip() or end >= len(text):
            break
        # Blank lines before the header are passed over.
        at = end
    if not line.strip():
        return _missing(name, opening)
    shown = line.decode("utf-8", "replace")
    if not problem and b"\r" in grammar.quoted.sub(b"", line):
        problem = BARE_RETURN
    if problem:
        raise Fatal(
            f"The header of {name} cannot be read: {problem}",
            why=f"Line {lines:,} is {shown[:200]!r}",
            fix="Have the file written again. If its header stands further down, set the job's Lines Before Header; if "
            "there is none, Column Names",
        )
    # As it stands in the file where it is no text, so that it can be read again in another encoding.
    return Header(line.decode("utf-8", "surrogateescape"), tuple(fields(shown, opening.delimiter)), end, lines)


def _missing(name: str, opening: Opening) -> Header:
    if opening.skip_lines:
        raise Fatal(
            f"{name} has no header behind its first {opening.skip_lines:,} lines",
            fix="Set Lines Before Header to fewer lines, or choose another file",
        )
    raise Fatal(f"{name} is empty: it has no header row", fix="Choose another file, or have this one written again")


def behind_header(text: Iterator[bytes], opening: Opening, header: Sequence[str], name: str) -> Iterator[bytes]:
    """The rows of a further file of an archive.

    Args:
        header: of the first file, cleaned.

    Raises:
        Fatal: this file has another.
    """
    begun, found = b"", None
    for block in text:
        begun += block
        found = read_header(begun, opening, name, whole=len(begun) >= LONGEST)
        if found:
            break
    found = found or read_header(begun, opening, name, whole=True)
    names = clean_header(found.names)[0] if found else ()
    if [one.casefold() for one in names[: len(header)]] != [one.casefold() for one in header]:
        raise Fatal(
            f"{name} has another header than the first file of the archive",
            why=f"Its columns are {', '.join(names)[:200]}",
            fix="Upload files with different columns as archives of their own",
        )
    yield begun[found.end :] if found else b""
    yield from text


def fields(record: str, delimiter: str) -> list[str]:
    """The fields of one record."""
    rows = csv.reader(io.StringIO(record, newline=""), delimiter=delimiter, skipinitialspace=delimiter != " ")
    return next(rows, [""])


def clean_header(names: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """(the columns' names in a stream, what was changed).

    Names are trimmed; an empty one becomes column_N; of two that differ at most in case, the second gets _2; names
    that are ours (`_row`…) get _2 as well.
    """
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


def shape_of(names: Sequence[str], rows: Sequence[Sequence[str]], delimiter: str) -> Shape:
    """The fields of a file's records: those that the header names, and how many there are with empty ones behind.

    Args:
        names: of the header's fields, as they stand there.
        rows: fields of the first rows.
    """
    named = _filled(names)
    named = max([named, *(min(_filled(row), len(names)) for row in rows)])
    widths = Counter(len(row) for row in rows if len(row) >= named >= _filled(row))
    return Shape(delimiter, named, widths.most_common(1)[0][0] if widths else len(names))


def _filled(row: Sequence[str]) -> int:
    """Fields up to the last that is not empty."""
    return max((at for at, value in enumerate(row, start=1) if value.strip()), default=0)
