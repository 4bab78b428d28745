"""Guesses from a CSV file's first lines: delimiter, lines that are no rows, a header that is none, types, times."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence

from lytics_azure_tui.jobs.csv_header import separator_of

_USUAL, _RARE = (",", "\t", ";", "|"), ("~", "^", ":", "\x01")
_TYPES = (
    ("whole number", re.compile(r"[+-]?\d{1,18}")),
    ("number", re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")),
    ("true or false", re.compile(r"true|false|yes|no|t|f|y|n", re.IGNORECASE)),
    ("email address", re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")),
    ("link", re.compile(r"https?://\S+")),
)
# Types of which no name of a column is.
_NEVER_NAMES = {"whole number", "number", "email address", "link"}
_LINES = 40
"""Lines that are looked at."""
_TOTALS = re.compile(
    r"\W*(?:grand |sub)?(?:total|totals|sum|count|rows?|records?|end of (?:file|report))\b", re.IGNORECASE
)


def likely_delimiter(text: bytes) -> str:
    """The delimiter that splits the most lines into the same number of fields; a rare one, only where it splits all."""
    lines = _lines(text)

    def score(delimiter: str) -> tuple[int, int]:
        width, alike = _usual_width(lines, delimiter)
        return (alike, width) if width > 1 else (0, 1)

    best = max(_USUAL, key=score)
    if score(best)[0] * 2 > len(lines):
        return best
    rare = max(_RARE, key=score)
    return rare if len(lines) > 1 and score(rare)[0] == len(lines) else best


def lines_before_header(text: bytes, delimiter: str) -> int:
    """Lines before the first that has as many fields as most; 0 where that is the first, or there is no telling."""
    lines = _lines(text)
    width, alike = _usual_width(lines, delimiter)
    if width < 2 or alike * 2 < len(lines):
        return 0
    first = next(at for at, line in enumerate(lines) if _width(line, delimiter) == width)
    if any(_width(line, delimiter) * 2 > width for line in lines[:first]):
        return 0
    return _physical(text).index(lines[first]) if first else 0


def is_last_line_odd(lines: Sequence[bytes], delimiter: str, width: int) -> bool:
    """Whether the last line of a file is none of its rows: one of totals, or one with fewer fields."""
    shown = [line.decode("utf-8", "replace") for line in lines if line.strip()]
    if len(shown) < 3 or _width(shown[-2], delimiter) != width:
        return False
    return _TOTALS.match(shown[-1]) is not None or _width(shown[-1], delimiter) < width


def looks_like_row(names: Sequence[str], rows: Sequence[Sequence[str | None]]) -> bool:
    """Whether a header holds values such as the rows below it do: numbers, addresses."""
    kinds = [type_of([name]) for name in names]
    if not rows or not any(kind in _NEVER_NAMES for kind in kinds):
        return False
    below = [type_of([row[at] for row in rows if at < len(row)]) for at in range(len(names))]
    alike = sum(kind in _NEVER_NAMES and kind == other for kind, other in zip(kinds, below, strict=True))
    # A year or an hour can be the name of a column; a file in which each row has a number has a column with a name.
    named = sum(kind == "text" and other in _NEVER_NAMES for kind, other in zip(kinds, below, strict=True))
    return alike > 0 and named == 0


def type_of(values: Sequence[str | None]) -> str:
    """The type that all of some values have."""
    present = [value.strip() for value in values if value and value.strip()]
    if not present:
        return "empty"
    return next((name for name, form in _TYPES if all(form.fullmatch(value) for value in present)), "text")


def time_columns(columns: dict[str, list[str | None]]) -> list[str]:
    """Columns most of whose values are times; numbers count only where the name speaks of time."""
    from lytics_azure_tui.lytics.event_time import read_times

    times = []
    for column, values in columns.items():
        present = [value for value in values if value]
        if not present or not all(any(char.isdigit() for char in value) for value in present[:10]):
            continue
        numbers = all(re.fullmatch(r"[\d.]+", value) for value in present)
        if numbers and not re.search(r"time|date|_at$|_ts$|^ts$|stamp|epoch|created|updated", column, re.IGNORECASE):
            continue
        if any(read_times(present[:20])):
            times.append(column)
    return times


def _physical(text: bytes) -> list[str]:
    # Carriage returns that end no line are for the reader of records to judge.
    return text[: 32 << 10].decode("utf-8", "replace").replace("\r", "").split("\n")


def _lines(text: bytes) -> list[str]:
    """The first lines with something on them; the last, which may be cut off, only where there are few."""
    lines = [line for line in _physical(text)[: _LINES + 1] if line.strip()]
    if separator_of(text) is not None:
        del lines[0]
    return lines[:-1] if len(lines) > 2 and not text.endswith(b"\n") else lines


def _width(line: str, delimiter: str) -> int:
    return len(next(csv.reader([line.replace("\r", "")], delimiter=delimiter), []))


def _usual_width(lines: Sequence[str], delimiter: str) -> tuple[int, int]:
    """(fields that the most lines have, how many lines)."""
    widths = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter))
    return max(widths.items(), key=lambda item: (item[0] > 1, item[1]), default=(1, 0))
