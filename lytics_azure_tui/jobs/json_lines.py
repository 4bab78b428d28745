"""Newline-delimited JSON as CSV: a record for each line, so that all behind it is the import of a CSV file.

A record has the line's values, and behind them the line itself with its place, which no stream's column is made of:
a row that cannot be used is kept as it lies in the file. A line that is no object with known fields becomes a record
of one field more than there are columns, so that it goes to quarantine; its first field says why.

Values are text: numbers, lists and objects as they are written in the file, true and false, and nothing for null.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from lytics_azure_tui.errors import Fatal

MOST_FIELDS = 10_000
LONGEST = 32 << 20
"""Bytes of a line; one that is longer is not JSON lines but a document."""
PLACE = "_line"
"""The header of the last field: the line with its place."""


class _NotUsable(ValueError):
    """A line that goes to quarantine, and why."""


class Fields:
    """The fields of a file's objects, in the order in which they are first seen; letter case does not count."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._places = {name.casefold(): place for place, name in enumerate(names)}
        self.names = list(names)

    def add(self, text: bytes) -> None:
        """Takes the fields of one line; a line that is no object has none."""
        try:
            pairs = _pairs(text)
        except _NotUsable:
            return
        for name, _ in pairs:
            if name.casefold() not in self._places:
                self._places[name.casefold()] = len(self.names)
                self.names.append(name)

    def values(self, text: bytes) -> list[str | None]:
        """The values of one line, by field; None for those it does not have. Raises `_NotUsable`."""
        found: list[str | None] = [None] * len(self.names)
        seen = set[int]()
        for name, value in _pairs(text):
            place = self._places.get(name.casefold())
            if place is None:
                raise _NotUsable(f"the field {name} was not in the file when the run was planned")
            if place in seen:
                raise _NotUsable(f"the field {name} stands twice")
            seen.add(place)
            found[place] = value
        return found


def header_of(names: Sequence[str]) -> str:
    """The header of the CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="", quoting=csv.QUOTE_ALL).writerow([*names, PLACE])
    return text.getvalue()


def fields_of(blocks: Iterable[bytes], name: str) -> list[str]:
    """The fields of all objects of a file.

    Raises:
        Fatal: it has none, or more than an import takes.
    """
    fields = Fields()
    for _, _, line in _lines(blocks, name):
        fields.add(line)
        if len(fields.names) > MOST_FIELDS:
            raise Fatal(
                f"the objects of {name} have more than {MOST_FIELDS:,} different fields",
                why="Names that are data, such as ids, become a field each",
                fix="Have the file written with such names as values",
            )
    if not fields.names:
        raise Fatal(f"{name} holds no object with fields", fix="Choose another file, or have this one written again")
    return fields.names


def as_csv(blocks: Iterable[bytes], names: Sequence[str], name: str) -> Iterator[bytes]:
    """The CSV of a file's text, with its header, in blocks of about the size that they come in.

    Args:
        blocks: of UTF-8.
        names: of its fields.
        name: of the file, for errors.
    """
    fields = Fields(names)
    made: list[bytes] = [header_of(names).encode(), b"\n"]
    size = 0
    for number, offset, line in _lines(blocks, name):
        made.append(record(line, fields, number, offset))
        size += len(line)
        if size >= 1 << 20:
            yield b"".join(made)
            made, size = [], 0
    yield b"".join(made)


def record(line: bytes, fields: Fields, number: int, offset: int) -> bytes:
    """A line as a record of CSV, with a newline.

    Args:
        number, offset: of the line in the file, from 1; of its first byte, from 0.
    """
    place = _quoted(b"%d:%d:%b" % (number, offset, line))
    try:
        values = fields.values(line)
        cells = [b"" if value is None else _quoted(value.encode()) for value in values]
    except (_NotUsable, UnicodeEncodeError) as error:
        why = "half of a surrogate pair is no text" if isinstance(error, UnicodeEncodeError) else str(error)
        cells = [_quoted(why.encode("utf-8", "replace")), *[b""] * len(fields.names)]
    return b",".join([*cells, place]) + b"\n"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file.

    Attributes:
        number, offset: of the line, from 1; of its first byte, from 0.
        text: without its newline.
        problem: why it is no row; empty where that is for others to say.
    """

    number: int
    offset: int
    text: bytes
    problem: str


def line_of(raw: bytes, width: int) -> Line:
    """The line that a record was made of.

    Args:
        width: the number of fields in the header.
    """
    text = raw.decode("utf-8", "surrogateescape")
    cells = next(csv.reader(io.StringIO(text, newline="")))
    number, offset, line = cells[-1].encode("utf-8", "surrogateescape").split(b":", 2)
    return Line(int(number), int(offset), line, cells[0] if len(cells) > width else "")


def _quoted(value: bytes) -> bytes:
    return b'"' + value.replace(b'"', b'""') + b'"'


def _lines(blocks: Iterable[bytes], name: str) -> Iterator[tuple[int, int, bytes]]:
    """(number, offset, line) of each line that is not blank."""
    left, number, offset = b"", 0, 0
    for block in blocks:
        *lines, left = (left + block).split(b"\n")
        for line in lines:
            number += 1
            if bare := line.strip():
                yield number, offset, bare
            offset += len(line) + 1
        if len(left) > LONGEST:
            raise Fatal(
                f"{name} has a line of more than {LONGEST >> 20} MiB",
                why="An import reads JSON with one object a line",
                fix="Have the file written so; jq -c does it",
            )
    if bare := left.strip():
        yield number + 1, offset, bare


def _pairs(line: bytes) -> list[tuple[str, str | None]]:
    """The fields of one object and their values as text. Raises `_NotUsable`."""
    try:
        text = line.decode()
        found = _PLAIN.decode(text)
    except (ValueError, RecursionError) as error:
        raise _NotUsable(f"it is not JSON: {error}") from None
    if not isinstance(found, _Pairs):
        raise _NotUsable("it is not a JSON object")
    if any(isinstance(value, list) for _, value in found):
        return list(_as_written(text))
    return [(name, value) for name, value in found]


class _Pairs(list[tuple[str, Any]]):
    """An object, with what stands twice in it."""


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no value of JSON")


_PLAIN = json.JSONDecoder(
    object_pairs_hook=lambda pairs: _Pairs((name, _text(value)) for name, value in pairs),
    parse_float=str,
    parse_int=str,
    parse_constant=_refuse,
    strict=False,
)
_ANY = json.JSONDecoder(strict=False)


def _text(value: Any) -> Any:
    if value is True or value is False:
        return "true" if value else "false"
    return value


def _as_written(text: str) -> Iterator[tuple[str, str | None]]:
    """As `_pairs`, with lists and objects as they stand in the file. The text is a valid object."""
    at = _behind(text, text.index("{") + 1)
    while text[at] != "}":
        name, at = _ANY.raw_decode(text, at)
        start = _behind(text, _behind(text, at) + 1)
        value, end = _ANY.raw_decode(text, start)
        written = text[start:end]
        yield name, None if value is None else value if isinstance(value, str) else written
        at = _behind(text, end)
        if text[at] == ",":
            at = _behind(text, at + 1)


def _behind(text: str, at: int) -> int:
    """Where the white space ends."""
    while text[at] in " \t\n\r":
        at += 1
    return at
