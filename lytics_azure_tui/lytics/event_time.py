"""Reads a column of text as the time of an event: the forms that people write, never a guess at today.

ISO 8601 with or without an offset, RFC 1123 and 2822, the C library's dates, month names, yyyy/mm/dd, mm/dd/yyyy,
dd.mm.yyyy, yyyymmdd[hhmmss], and unix seconds, milliseconds, microseconds and nanoseconds. A time without a zone is
in UTC. Of 01/02/2026 the first number is the month; 13/02/2026 is no date, and goes to quarantine for a person to
decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from lytics_azure_tui.lytics.duck import database, literal

# A year of two digits is tried before one of four: the other way round, 71 would be the year 71.
_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%m/%d/%y", "%m/%d/%Y", "%d.%m.%y", "%d.%m.%Y", "%Y.%m.%d", "%m-%d-%y", "%m-%d-%Y")
_TIMES = (
    "",
    " %H:%M",
    " %H:%M:%S",
    " %H:%M:%S.%f",
    " %I:%M %p",
    " %I:%M:%S %p",
    " %I:%M:%S.%f %p",
    "T%H:%M",
    "T%H:%M:%S",
)
_WORDS = (
    *("%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%b %d %Y", "%B %d %Y"),
    *("%Y-%b-%d", "%a, %d %b %Y", "%d-%b-%y", "%d-%b-%Y"),
)
_CLOCKS = (
    *(" %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", " %I:%M%p"),
    *(" at %I:%M%p", " at %I:%M %p", ", %H:%M:%S", ", %I:%M %p", ", %I:%M:%S %p"),
)
_COMPACT = ("%Y%m%dT%H%M%S", "%Y%m%d %H%M%S", "%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S.%f %Y")
_ZONED = (
    "%Y-%m-%d %H:%M:%S %z",
    "%Y-%m-%d %H:%M:%S.%n %z",
    "%Y/%m/%d %H:%M:%S %z",
    "%Y%m%dT%H%M%S%z",
    "%a, %d %b %Y %H:%M:%S %z",
    "%d %b %Y %H:%M:%S %z",
    "%d/%b/%Y:%H:%M:%S %z",
    "%a %b %d %H:%M:%S %z %Y",
    "%A, %d-%b-%y %H:%M:%S %Z",
    "%a, %d %b %Y %H:%M:%S %Z",
    "%a %b %d %H:%M:%S %Z %Y",
    "%Y-%m-%d %H:%M:%S %Z",
    "%Y-%m-%d %H:%M:%S %z %Z",
    "%Y-%m-%d %H:%M:%S.%n %z %Z",
)

_PLAIN = tuple(
    date + time for dates, times in ((_DATES, _TIMES), (_WORDS, ("", *_CLOCKS))) for date, time in product(dates, times)
)


def _when(pattern: str, moment: str) -> str:
    """A branch for text that matches a pattern as a whole; a template for `str.format`."""
    escaped = pattern.replace("{", "{{").replace("}", "}}")
    return f"CASE WHEN {{x}} SIMILAR TO '{escaped}' THEN {moment} END"


_CASTS = {
    # Words sort behind digits: "epoch" is a time to the cast, and none to us.
    "iso": "CASE WHEN {x} < ':' THEN try_cast({x} AS TIMESTAMPTZ) END",
    "yyyymmdd": _when("[0-9]{8}", "CAST(try_strptime({x}, '%Y%m%d') AS TIMESTAMPTZ)"),
    "yyyymmddhhmmss": _when("[0-9]{14}", "CAST(try_strptime({x}, '%Y%m%d%H%M%S') AS TIMESTAMPTZ)"),
    "unix seconds": _when("[0-9]{9,10}(\\.[0-9]+)?", "to_timestamp(try_cast({x} AS DOUBLE))"),
    "unix milliseconds": _when("[0-9]{12,13}", "make_timestamptz(try_cast({x} AS BIGINT) * 1000)"),
    "unix microseconds": _when("[0-9]{15,16}", "make_timestamptz(try_cast({x} AS BIGINT))"),
    "unix nanoseconds": _when("[0-9]{18,19}", "make_timestamptz(try_cast({x} AS BIGINT) // 1000)"),
}
_PATTERNS = (*_PLAIN, *_COMPACT, *_ZONED)

FORMS: tuple[str, ...] = (*_CASTS, *_PATTERNS)
"""The names of all forms; a name that is not one of the words above is a pattern of strptime."""

# What Parquet, Delta and Spark can all hold; and no year below 1000, which is a year of two digits misread.
WITHIN = "BETWEEN TIMESTAMPTZ '1000-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'"


def _form(name: str, column: str) -> str:
    if name in _CASTS:
        return _CASTS[name].format(x=column)
    return f"CAST(try_strptime({column}, {literal(name)}) AS TIMESTAMPTZ)"


def usual_time(column: str, form: str) -> str:
    """A SQL expression: the TIMESTAMPTZ of a text column in one form, NULL where it has another.

    The caller keeps only times that are `WITHIN`.

    Args:
        column: a SQL expression of type VARCHAR.
        form: from `usual_form`.
    """
    return _form(form, column)


def any_time(column: str, form: str | None) -> str:
    """The same in every form, the usual one first. Slow: about 40 µs for a row that is not in the usual form."""
    text = f"trim({column})"
    wordy = f"regexp_matches({text}, '[0-9]') AND NOT regexp_full_match({text}, '[0-9]+(\\.[0-9]+)?')"
    branches = [_form(name, text) for name in _CASTS]
    for patterns in ((*_PLAIN, *_COMPACT), _ZONED):
        forms = ", ".join(literal(pattern) for pattern in patterns)
        branches.append(f"CASE WHEN {wordy} THEN CAST(try_strptime({text}, [{forms}]) AS TIMESTAMPTZ) END")
    if form is not None:
        usual = _form(form, column)
        branches.insert(0, f"CASE WHEN {usual} {WITHIN} THEN {usual} END")
    return f"coalesce({', '.join(branches)})"


def usual_form(values: Sequence[str | None]) -> str | None:
    """The form that most of some values have; None when not one of them is a time."""
    present = [value for value in values if value][:200]
    best, count = _most(tuple(_CASTS), present)
    if count * 2 <= len(present) and _any(present):
        best, count = _most(FORMS, present)
    return best if count else None


def _any(values: Sequence[str]) -> bool:
    """Whether one of the values is a time in words: asked before the hundred patterns are tried one by one."""
    with database(memory=64 << 20) as connection:
        found = connection.execute(
            f"SELECT bool_or({any_time('x', None)} {WITHIN}) FROM (SELECT unnest($1) AS x)", [values]
        )
        return bool((found.fetchone() or (False,))[0])


def _most(forms: Sequence[str], values: Sequence[str]) -> tuple[str, int]:
    counts = ", ".join(f"count(*) FILTER (({_form(name, 'x')}) {WITHIN})" for name in forms)
    with database(memory=64 << 20) as connection:
        found = connection.execute(f"SELECT {counts} FROM (SELECT trim(unnest($1)) AS x)", [values]).fetchone()
    return max(zip(forms, found or (), strict=True), key=lambda pair: pair[1])
