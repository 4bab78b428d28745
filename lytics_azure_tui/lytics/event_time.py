"""Reads a column of text as times: the forms that people and programs write, never a guess.

What can be read in two ways is not read, but for two rules: of 01/02/2026 the first number is the month, of 01.02.2026
the day, where nobody says otherwise. A time without a zone is in UTC; of the words for zones only those that mean one
offset are known. Digits alone are a date of 8, 12, 14 or 17 digits in the years 1900 to 2099, or unix time of 10, 13,
16 or 19 digits from 2001 to 2033.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import product

from lytics_azure_tui.lytics.duck import database, literal
from lytics_azure_tui.lytics.time_grammar import DateOrder, bound, moment_sql

# What Parquet, Delta and Spark can all hold.
WITHIN = "BETWEEN TIMESTAMPTZ '1000-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'"

_PLAIN_ISO = "[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?Z?)?"
_UNIX = "1[0-9]{9}([.][0-9]{1,9})?|1[0-9]{12}|1[0-9]{15}|1[0-9]{18}"
# The hours of 1900 to 1999 as digits: seconds of 2030 to 2033 look the same.
_HOUR = "19[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])"

_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d-%b-%y", "%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%d%b%Y")
_NUMBERS = ("%m/%d/%Y", "%m/%d/%y", "%m-%d-%Y", "%m-%d-%y", "%d.%m.%Y", "%d.%m.%y")
_CLOCKS = (
    *("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", ", %I:%M:%S %p"),
    *("T%H:%M:%S", "T%H:%M:%SZ", "T%H:%M:%S.%fZ", " %H:%M:%S UTC", " %H:%M:%S %z", " %H:%M:%S.%f %z"),
)
_WHOLE = (
    *("%a, %d %b %Y %H:%M:%S %z", "%a, %d %b %Y %H:%M:%S GMT", "%a, %d %b %Y %H:%M:%S", "%d/%b/%Y:%H:%M:%S %z"),
    *("%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S UTC %Y", "%a %b %d %H:%M:%S GMT %Y", "%a %b %d %Y %H:%M:%S GMT%z"),
)
_STAMPS = {"%Y%m%d": 8, "%Y%m%d%H%M": 12, "%Y%m%d%H%M%S": 14}
_ISO = "iso"
_DIGITS = {"unix seconds": 10, "unix milliseconds": 13, "unix microseconds": 16}
_MEMORY = 64 << 20
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OTHERS = (*_STAMPS, *_DIGITS, _ISO)
FORMS = (*(date + clock for date, clock in product((*_DATES, *_NUMBERS), _CLOCKS)), *_WHOLE, *_OTHERS)
"""The usual forms, for dates by the two rules: patterns of strptime, and names."""

_FIRST, _LAST = "-30610224000000001", "253402300800000000"
_QUARTER, _FARTHEST = 15 * 60_000_000, 14 * 3_600_000_000


def any_time(column: str, form: str | None = None, order: DateOrder | None = None) -> str:
    """A SQL expression: the TIMESTAMPTZ of a text column, in any form; NULL where a text is no time.

    About 3 µs a text, but for those in the usual form or in plain ISO 8601; and 30 ms before the first one. Times are
    `WITHIN`.

    Args:
        column: a SQL expression of type VARCHAR.
        form: the usual one, from `usual_form`.
        order: of the numbers of a date; None is by the two rules.
    """
    if form is not None:
        usual = usual_time(column, form)
        return f"CASE WHEN {usual} IS NOT NULL THEN {usual} ELSE {any_time(column, None, order)} END"
    if order is DateOrder.UNCLEAR:
        first, other = (any_time(column, None, order) for order in (DateOrder.MONTH_FIRST, DateOrder.DAY_FIRST))
        return f"CASE WHEN {first} IS NULL THEN {other} WHEN {other} IS NULL OR {first} = {other} THEN {first} END"
    text = f"trim({column})"
    digits = f"CAST(rpad(replace({text}, '.', ''), 16, '0') AS BIGINT)"
    # CASE looks at further branches only for what is left.
    moment = (
        f"CASE WHEN regexp_full_match({text}, '{_PLAIN_ISO}') THEN epoch_us(try_cast({text} AS TIMESTAMP))"
        f" WHEN regexp_full_match({text}, '{_HOUR}') THEN NULL"
        f" WHEN regexp_full_match({text}, '{_UNIX}') THEN {digits}"
        f" ELSE {moment_sql(order).replace('{x}', text)} END"
    )
    return f"make_timestamptz({_between(moment, _FIRST, _LAST)})"


def usual_time(column: str, form: str) -> str:
    """The same for texts of one form alone, at a tenth of the price; NULL for all that it does not read for certain.

    Args:
        form: from `usual_form`.
    """
    if form in _DIGITS:
        digits = _DIGITS[form]
        number = f"try_cast({column} AS BIGINT)"
        zeros = "0" * (digits - 10)
        within = f"strlen({column}) = {digits} AND {number} BETWEEN 1000000000{zeros} AND 1899999999{'9' * len(zeros)}"
        return f"CASE WHEN {within} THEN make_timestamptz({number} * {10 ** (16 - digits)}) END"
    if form in _STAMPS:
        within = f"strlen({column}) = {_STAMPS[form]} AND {column} BETWEEN '1900' AND '2100'"
        return f"CASE WHEN {within} THEN make_timestamptz(epoch_us(try_strptime({column}, '{form}'))) END"
    if form == _ISO:
        # Both casts read the clock; only one looks at what follows it. A word for a zone has a blank before it.
        local = f"epoch_us({_no_word(f'try_cast({column} AS TIMESTAMP)')})"
        offset = f"({local} - epoch_us(try_cast({column} AS TIMESTAMPTZ)))"
        known = f"(abs({offset}) <= {_FARTHEST})::BIGINT * ({offset} % {_QUARTER} = 0)::BIGINT"
        sound = f"nullif({known} * ({column}[5:5] = '-' AND NOT contains({column}[12:], ' '))::BIGINT, 0)"
        # In a CASE each cast would be done several times.
        return f"make_timestamptz({_between(f'({local} - {offset} // {sound})', _FIRST, _LAST)})"
    zoned = form.endswith("%z")
    text = f"left({column}, -5)" if zoned else column
    low, high = ("1970-01-01", "2030-01-01") if "%y" in form else ("1600-01-01", "2400-01-01")
    moment = _no_word(f"try_strptime({text}, {literal(form.removesuffix('%z').rstrip())})")
    moment = "epoch_us(" + _between(moment, f"TIMESTAMP '{low}'", f"TIMESTAMP '{high}'") + ")"
    if zoned:
        hours = f"try_cast({column}[-5:-3] AS INT)"
        minutes = f"(abs({hours}) * 60 + try_cast(right({column}, 2) AS INT))"
        offset = f"CASE WHEN {column}[-5:-5] = '-' THEN -{minutes} ELSE {minutes} END * 60000000::BIGINT"
        sound = f"regexp_full_match(right({column}, 5), '[+-](0[0-9]|1[0-3])[0-5][0-9]')"
    else:
        offset, sound = "0", "true"
    if form.startswith("%a"):
        sound += f" AND starts_with({column}, dayname(make_timestamp(moment))[1:3])"
    if zoned or form.startswith("%a"):
        moment = bound(moment, "moment", f"CASE WHEN {sound} THEN moment - ({offset}) END")
    return f"make_timestamptz({moment})"


def _between(value: str, low: str, high: str) -> str:
    """SQL of a value between two others; NULL where it is not. In a CASE it would be worked out several times."""
    return f"nullif(nullif(least(greatest({value}, {low}), {high}), {low}), {high})"


def _no_word(moment: str) -> str:
    """SQL of a TIMESTAMP that may come of the word "epoch", which DuckDB reads: NULL for the moment that it means."""
    return f"nullif({moment}, TIMESTAMP '1970-01-01')"


def usual_form(values: Sequence[str | None], order: DateOrder | None = None) -> str | None:
    """The quick form that most of some values have; None when most have one that takes longer, or none."""
    shapes = Counter(_shape(value) for value in values if value)
    if not shapes:
        return None
    (shape, _), *_ = shapes.most_common(1)
    found = _forms.get((shape, order))
    if found is None:
        alike = [value for value in values if value and _shape(value) == shape][:20]
        found = _form_of(alike, order)
        if found is not None:
            _forms[shape, order] = found
    return found


def read_times(values: Sequence[str | None], order: DateOrder | None = None) -> list[datetime | None]:
    """The time that each of some values is; None where it is none."""
    found = _microseconds(values, order)
    return [None if moment is None else EPOCH + timedelta(microseconds=moment) for moment in found]


def _microseconds(values: Sequence[str | None], order: DateOrder | None) -> list[int | None]:
    with database(memory=_MEMORY) as connection:
        found = connection.execute(
            f"SELECT epoch_us({any_time('x', None, order)}) FROM (SELECT unnest($1::VARCHAR[]) AS x)", [list(values)]
        )
        return [moment for (moment,) in found.fetchall()]


# Texts of one shape have one form: each is looked for once.
_forms: dict[tuple[str, DateOrder | None], str] = {}


def _sketch(value: str) -> str:
    """The same for texts that a pattern of strptime may read alike."""
    return re.sub(r"9+", "9", re.sub(r"a+", "a", _shape(value)))


def _shape(value: str) -> str:
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", value))[:40]


def _ordered(form: str, order: DateOrder | None) -> str:
    """A pattern of numbers in another order."""
    match order:
        case DateOrder.MONTH_FIRST:
            first, second = "m", "d"
        case DateOrder.DAY_FIRST:
            first, second = "d", "m"
        case DateOrder.YEAR_FIRST:
            return f"%y{form[2]}%m{form[2]}%d"
        case _:
            return form
    return f"%{first}{form[2]}%{second}{form[5:]}"


def _written(form: str) -> str:
    return datetime(2006, 1, 2, 15, 4, 5, 678_901, UTC).strftime(form)


def _form_of(values: Sequence[str], order: DateOrder | None) -> str | None:
    """The quick form that reads every value as all forms together do, or else NULL."""
    numbers = [] if order is DateOrder.UNCLEAR else [_ordered(form, order) for form in _NUMBERS]
    patterns = (*(date + clock for date, clock in product((*_DATES, *numbers), _CLOCKS)), *_WHOLE)
    sketch = _sketch(values[0])
    forms = (*(form for form in patterns if _sketch(_written(form)) == sketch), *_OTHERS)
    # Each form must read what all forms together read, or nothing.
    counts = ", ".join(
        f"count(*) FILTER (read = {quick}) * bool_and({quick} IS NULL OR coalesce(read = {quick}, false))::INT"
        for quick in (f"epoch_us({usual_time('x', form)})" for form in forms)
    )
    with database(memory=_MEMORY) as connection:
        found = connection.execute(
            f"SELECT {counts} FROM (SELECT unnest($1::VARCHAR[]) AS x, unnest($2::BIGINT[]) AS read)",
            [values, _microseconds(values, order)],
        ).fetchone()
    best, count = max(zip(forms, found or (), strict=True), key=lambda pair: pair[1])
    return best if count else None
