"""Bodies of uploads as records: CSV, JSON line by line, a JSON array.

A record is a field with a text for each value that is there. Nested objects become fields with dots in their names, and
a list is its JSON. A list with objects in it is not valid.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, TextIO

from lytics_azure_tui.sandbox.lytics_api.replies import Refused

_GZIP = b"\x1f\x8b"
DELIMITERS = {"": ",", ",": ",", "t": "\t", "|": "|"}


@dataclass(frozen=True, slots=True)
class Record:
    """A record that can be taken.

    Attributes:
        number: its place in the body, from 1.
    """

    number: int
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Bad:
    """A record that cannot be taken."""

    number: int
    why: str


def text_of(body: BinaryIO) -> TextIO:
    """The body as text, unpacked if it is packed by gzip; bytes that are not UTF-8 become surrogates."""
    head = body.read(2)
    body.seek(0)
    plain = gzip.GzipFile(fileobj=body, mode="rb") if head == _GZIP else body
    return io.TextIOWrapper(plain, "utf-8-sig", "surrogateescape", newline="")


def csv_records(
    text: TextIO, *, headers: str, delimiter: str, append: Mapping[str, str], longest: int
) -> Iterator[Record | Bad]:
    """The rows of CSV, quoted as RFC 4180 says and not otherwise: a stray quote is an error, a ragged row is one.

    Args:
        headers: names of the columns, parted by commas; empty when the first row has them.
        delimiter: one of the keys of `DELIMITERS`.
        append: goes into every record.
        longest: bytes of a record.

    Raises:
        Refused: no header can be made out, or the body ends before its end.
    """
    rows = csv.reader(text, delimiter=_delimiter(delimiter), strict=True)
    try:
        names = headers.split(",") if headers else _next(rows) or []
    except csv.Error as error:
        raise Refused(400, f"The header cannot be read: {error}") from None
    if not names or "" in names or len(set(names)) < len(names):
        raise Refused(400, "CSV needs a header, in the first row or by headers=, whose names are there and differ")
    number = 0
    while True:
        number += 1
        try:
            row = _next(rows)
        except csv.Error as error:
            yield Bad(number, str(error))
            continue
        if row is None:
            return
        if not row:
            number -= 1
        elif len(row) != len(names):
            yield Bad(number, f"it has {len(row)} fields where the header has {len(names)}")
        else:
            values = {name: value for name, value in zip(names, row, strict=True) if value}
            yield _checked(number, {**values, **append}, longest)


def json_lines(text: TextIO, longest: int) -> Iterator[Record | Bad]:
    """The objects of newline-delimited JSON."""
    number = 0
    lines = iter(text)
    while (line := _next(lines)) is not None:
        if not line.strip():
            continue
        number += 1
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            yield Bad(number, "it is not JSON")
            continue
        yield json_record(number, value, longest)


def json_record(number: int, value: Any, longest: int) -> Record | Bad:
    """One object."""
    if not isinstance(value, dict):
        return Bad(number, "it is not an object")
    try:
        return _checked(number, dict(_flat("", value)), longest)
    except ValueError as error:
        return Bad(number, str(error))


def appended(text: str) -> dict[str, str]:
    """What `append` says: a JSON object.

    Raises:
        Refused: it is none.
    """
    try:
        found = json.loads(text or "{}")
        if not isinstance(found, dict):
            raise ValueError("it is not an object")
        return dict(_flat("", found))
    except ValueError as error:
        raise Refused(400, f"append cannot be used: {error}") from None


def _delimiter(name: str) -> str:
    try:
        return DELIMITERS[name]
    except KeyError:
        raise Refused(400, "The delimiter is a comma, t or |") from None


def _next(items: Iterator[Any]) -> Any:
    """The next of some items that are read from a body; None at its end."""
    try:
        return next(items, None)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise Refused(400, "The body is cut off, or is not gzip") from None


def _flat(prefix: str, value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, one in value.items():
        if isinstance(one, dict):
            yield from _flat(f"{prefix}{name}.", one)
        elif isinstance(one, list):
            if any(isinstance(element, dict | list) for element in one):
                raise ValueError(f"{prefix}{name} is a list with more than plain values in it")
            yield f"{prefix}{name}", json.dumps(one, ensure_ascii=False)
        elif one is not None and one != "":
            yield f"{prefix}{name}", one if isinstance(one, str) else json.dumps(one)


def _checked(number: int, values: dict[str, str], longest: int) -> Record | Bad:
    """A record's size is that of its names and values."""
    try:
        size = sum(len(name.encode()) + len(value.encode()) for name, value in values.items())
    except UnicodeEncodeError:
        return Bad(number, "it is not UTF-8")
    if not values:
        return Bad(number, "it is empty")
    if "" in values:
        return Bad(number, "a field has no name")
    return Record(number, values) if size <= longest else Bad(number, f"it has {size} bytes, more than {longest}")
