"""Dates and times, kept as counts of 100 ns since the first of January of the year 1: reading, writing, counting.

DuckDB's TIMESTAMP counts microseconds, and its TIMESTAMP_NS ends in 2262; datetime2(7) needs both seven digits and the
year 9999. A datetimeoffset is one number too, so that it sorts by its instant: the UTC count, then 11 bits of offset.
What is here gives the text of DuckDB expressions, and works out constants itself.
"""

from __future__ import annotations

import re
from datetime import date

from lytics_azure_tui.sandbox.tds.errors import SqlError
from lytics_azure_tui.sandbox.tds.types import SqlType

SECOND = 10_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND
LAST = 3_652_059 * DAY - 1
DAYS_TO_1900 = date(1900, 1, 1).toordinal() - 1
_UNIX_MICROSECONDS = (date(1970, 1, 1).toordinal() - 1) * 86_400_000_000
_OFFSET_BITS = 11
_OFFSET_BIAS = 1024

NOT_A_TIME = "Conversion failed when converting date and/or time from character string."
OUT_OF_RANGE = "The conversion of a {} data type to a {} data type resulted in an out-of-range value."


# ---- constants


def pack(utc: int, offset: int) -> int:
    """A datetimeoffset as one number. Args: offset: in minutes."""
    return (utc << _OFFSET_BITS) | (offset + _OFFSET_BIAS)


def unpack(packed: int) -> tuple[int, int]:
    """UTC ticks and offset in minutes."""
    return packed >> _OFFSET_BITS, (packed & ((1 << _OFFSET_BITS) - 1)) - _OFFSET_BIAS


def rounded(ticks: int, type_: SqlType) -> int:
    """As the type keeps it: to its scale, to 1/300 s for datetime, to the minute for smalldatetime."""
    if type_.name == "datetime":
        days, rest = divmod(ticks, DAY)
        return days * DAY + ((rest * 3 + 50_000) // 100_000 * 100_000 + 1) // 3
    if type_.name == "smalldatetime":
        return (ticks + 30 * SECOND) // MINUTE * MINUTE
    step: int = 10 ** (7 - type_.scale)
    result = (ticks + step // 2) // step * step
    # The last instant does not round into the year 10000, nor a time into the next day.
    if type_.name == "time":
        return min(result, DAY - step)
    return min(result, LAST + 1 - step)


_ISO = re.compile(
    r"\s*(?:(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})|(?P<compact>\d{8}|\d{6})|(?P<y2>\d{4})[/.](?P<m2>\d{1,2})[/.](?P<d2>\d{1,2})"
    r"|(?P<m3>\d{1,2})[/.-](?P<d3>\d{1,2})[/.-](?P<y3>\d{4})"
    r"|(?P<m4>[A-Za-z]{3,9})\.?\s+(?P<d4>\d{1,2}),?\s+(?P<y4>\d{4})|(?P<d5>\d{1,2})\s+(?P<m5>[A-Za-z]{3,9}),?\s+(?P<y5>\d{4}))?"
    r"(?:(?:^|(?<=\d)[T\s]\s*|^\s+)(?P<H>\d{1,2}):(?P<M>\d{1,2})(?::(?P<S>\d{1,2})(?:[.:](?P<f>\d{1,9}))?)?\s*(?P<ap>[AaPp][Mm])?"
    r"|\s+(?P<H2>\d{1,2})\s*(?P<ap2>[AaPp][Mm]))?"
    r"\s*(?P<zone>Z|[+-]\d{2}:\d{2})?\s*",
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def read(text: str, type_: SqlType) -> int:
    """A text as the type's number: days for date, the packed number for datetimeoffset, else ticks.

    Raises:
        SqlError: 241, it is no date or time; 242, it is outside of what the type holds.
    """
    match = _ISO.fullmatch(text)
    if not match:
        raise SqlError(241, NOT_A_TIME)
    days = _read_date(match)
    ticks = _read_time(match)
    zone = match["zone"]
    offset = 0
    if zone and zone != "Z":
        hours, minutes = int(zone[1:3]), int(zone[4:6])
        offset = (hours * 60 + minutes) * (-1 if zone[0] == "-" else 1)
        if hours > 14 or minutes > 59 or abs(offset) > 840:
            raise SqlError(241, NOT_A_TIME)
    if type_.name in ("datetime", "smalldatetime") and (len(match["f"] or "") > 3 or (zone and zone != "Z")):
        raise SqlError(241, NOT_A_TIME)
    if type_.name == "date":
        return days
    if type_.name == "time":
        return rounded(ticks, type_)
    whole = rounded(days * DAY + ticks, type_)
    if type_.name == "datetimeoffset":
        utc = whole - offset * MINUTE
        if not 0 <= utc <= LAST:
            raise SqlError(241, NOT_A_TIME)
        return pack(utc, offset)
    check_range(whole, type_, "varchar")
    return whole


def check_range(ticks: int, type_: SqlType, source: str) -> None:
    """Raises: SqlError: 242, datetime and smalldatetime hold fewer years."""
    low, high = RANGES.get(type_.name, (0, LAST))
    if not low <= ticks <= high:
        raise SqlError(242, OUT_OF_RANGE.format(source, type_.name))


RANGES = {
    "datetime": ((date(1753, 1, 1).toordinal() - 1) * DAY, LAST),
    "smalldatetime": (DAYS_TO_1900 * DAY, (date(2079, 6, 7).toordinal() - 1) * DAY - 1),
}


def _read_date(match: re.Match[str]) -> int:
    """Days since the year 1; the first of January 1900 where there is no date."""
    if match["compact"]:
        text = match["compact"]
        if len(text) == 6:
            text = ("20" if int(text[:2]) < 50 else "19") + text
        numbers = text[:4], text[4:6], text[6:]
    else:
        found = [(match[f"y{n}"], match[f"m{n}"], match[f"d{n}"]) for n in ("", "2", "3", "4", "5")]
        given = [triple for triple in found if triple[0]]
        if not given:
            return DAYS_TO_1900
        numbers = given[0]
    year, month, day = numbers
    try:
        number = int(month) if month.isdigit() else _MONTHS.index(month[:3].lower()) + 1
        return date(int(year), number, int(day)).toordinal() - 1
    except ValueError:
        raise SqlError(241, NOT_A_TIME) from None


def _read_time(match: re.Match[str]) -> int:
    hour, minute, second = (int(match[part] or 0) for part in ("H", "M", "S"))
    half = (match["ap"] or match["ap2"] or "").lower()
    if match["H2"]:
        hour = int(match["H2"])
    if half:
        if not 1 <= hour <= 12:
            raise SqlError(241, NOT_A_TIME)
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > 23 or minute > 59 or second > 59:
        raise SqlError(241, NOT_A_TIME)
    digits = (match["f"] or "")[:8].ljust(8, "0")
    return (hour * 3600 + minute * 60 + second) * SECOND + (int(digits) + 5) // 10


# ---- DuckDB's expressions


def from_date(days: str) -> str:
    """Ticks of a DATE."""
    return f"(({days} - DATE '0001-01-01') * {DAY})"


def to_date(ticks: str) -> str:
    """The DATE of ticks."""
    return f"(DATE '0001-01-01' + CAST({ticks} // {DAY} AS INTEGER))"


def to_timestamp(ticks: str) -> str:
    """A TIMESTAMP of ticks; its last digit is lost."""
    return f"make_timestamp({ticks} // 10 - {_UNIX_MICROSECONDS})"


def from_timestamp(moment: str) -> str:
    """Ticks of a TIMESTAMP."""
    return f"((epoch_us({moment}) + {_UNIX_MICROSECONDS}) * 10)"


def utc(packed: str) -> str:
    """UTC ticks of a datetimeoffset."""
    return f"CAST({packed} >> {_OFFSET_BITS} AS BIGINT)"


def offset(packed: str) -> str:
    """The offset of a datetimeoffset, in minutes."""
    return f"(CAST({packed} & {(1 << _OFFSET_BITS) - 1} AS BIGINT) - {_OFFSET_BIAS})"


def local(packed: str) -> str:
    """Ticks as a clock at its offset shows them."""
    return f"({utc(packed)} + {offset(packed)} * {MINUTE})"


def packed(utc_ticks: str, minutes: str) -> str:
    """A datetimeoffset of UTC ticks and an offset."""
    return f"((CAST({utc_ticks} AS HUGEINT) << {_OFFSET_BITS}) + ({minutes} + {_OFFSET_BIAS}))"


def to_scale(ticks: str, type_: SqlType, *, finer: bool) -> str:
    """Rounds as `rounded` does. Args: finer: whether the source may have more digits."""
    if type_.name == "datetime":
        rest = f"(({ticks} % {DAY} * 3 + 50000) // 100000 * 100000 + 1) // 3"
        return f"({ticks} // {DAY} * {DAY} + {rest})"
    if type_.name == "smalldatetime":
        return f"(({ticks} + {30 * SECOND}) // {MINUTE} * {MINUTE})"
    if not finer:
        return ticks
    step = 10 ** (7 - type_.scale)
    last = (DAY if type_.name == "time" else LAST + 1) - step
    if step == 1:
        return ticks
    result = f"({ticks} + {step // 2}) // {step} * {step}"
    # least() would make a time of NULL.
    return f"CASE WHEN {result} > {last} THEN {last} ELSE {result} END"


def within(ticks: str, type_: SqlType, source: str) -> str:
    """Raises 242 where datetime or smalldatetime cannot hold it."""
    if type_.name not in RANGES or source == type_.name:
        return ticks
    low, high = RANGES[type_.name]
    words = OUT_OF_RANGE.format(source, type_.name)
    return f"CASE WHEN {ticks} NOT BETWEEN {low} AND {high} THEN error('{raised(242, words)}') ELSE {ticks} END"


def raised(number: int, words: str) -> str:
    """What DuckDB's error() is given, so that it comes back as this error."""
    return f"T-SQL|{number}|{words}".replace("'", "''")


def read_text(text: str, type_: SqlType) -> str:
    """The expression that reads a text as `read` does, of ISO forms only."""
    trimmed = f"trim({text})"
    if type_.name == "date":
        return (
            f"CASE WHEN regexp_full_match({trimmed}, '\\d{{8}}') THEN CAST(strptime({trimmed}, '%Y%m%d') AS DATE) "
            f"ELSE CAST(left({trimmed}, 10) AS DATE) END"
        )
    moment = (
        f"CASE WHEN regexp_full_match({trimmed}, '\\d{{8}}') THEN strptime({trimmed}, '%Y%m%d') "
        f"WHEN regexp_full_match({trimmed}, '\\d{{1,2}}:.*') "
        f"THEN CAST('1900-01-01 ' || regexp_extract({trimmed}, '^[\\d:]+') AS TIMESTAMP) "
        f"ELSE CAST(left(replace({trimmed}, 'T', ' '), 19) AS TIMESTAMP) END"
    )
    digits = f"CAST(rpad(regexp_extract({trimmed}, '\\.(\\d{{1,7}})', 1), 7, '0') AS BIGINT)"
    ticks = f"({from_timestamp(moment)} + {digits})"
    if type_.name == "time":
        return to_scale(f"({ticks} % {DAY})", type_, finer=True)
    if type_.name != "datetimeoffset":
        return within(to_scale(ticks, type_, finer=True), type_, "varchar")
    zone = f"regexp_extract({trimmed}, '[+-]\\d\\d:\\d\\d$')"
    minutes = (
        f"CASE WHEN {zone} = '' THEN 0 ELSE CAST(left({zone}, 1) || '1' AS BIGINT) * "
        f"(CAST(substr({zone}, 2, 2) AS BIGINT) * 60 + CAST(substr({zone}, 5, 2) AS BIGINT)) END"
    )
    return packed(f"{to_scale(ticks, type_, finer=True)} - {minutes} * {MINUTE}", minutes)


_FORMATS = {
    0: "%b {day} %Y {hour}:%M%p", 1: "%m/%d/%y", 2: "%y.%m.%d", 3: "%d/%m/%y", 4: "%d.%m.%y", 5: "%d-%m-%y",
    6: "%d %b %y", 8: "%H:%M:%S", 10: "%m-%d-%y", 11: "%y/%m/%d", 12: "%y%m%d", 20: "%Y-%m-%d %H:%M:%S",
    21: "%Y-%m-%d %H:%M:%S", 23: "%Y-%m-%d", 24: "%H:%M:%S", 25: "%Y-%m-%d %H:%M:%S", 100: "%b {day} %Y {hour}:%M%p",
    101: "%m/%d/%Y", 102: "%Y.%m.%d", 103: "%d/%m/%Y", 104: "%d.%m.%Y", 105: "%d-%m-%Y", 106: "%d %b %Y",
    108: "%H:%M:%S", 110: "%m-%d-%Y", 111: "%Y/%m/%d", 112: "%Y%m%d", 114: "%H:%M:%S", 120: "%Y-%m-%d %H:%M:%S",
    121: "%Y-%m-%d %H:%M:%S", 126: "%Y-%m-%dT%H:%M:%S", 127: "%Y-%m-%dT%H:%M:%S",
}  # fmt: skip
_WITH_FRACTION = {21: ".", 25: ".", 114: ":", 121: ".", 126: ".", 127: "."}


def write(value: str, type_: SqlType, style: int | None) -> str:
    """The text of a date or time in a style of CONVERT.

    Style 126 leaves out a fraction that is zero:
    https://learn.microsoft.com/sql/t-sql/functions/cast-and-convert-transact-sql#date-and-time-styles

    Raises:
        SqlError: 281, there is no such style.
    """
    if style is None:
        style = 0 if type_.name in ("datetime", "smalldatetime") else 121
    if style not in _FORMATS:
        raise SqlError(
            281, f"{style} is not a valid style number when converting from {type_.name} to a character string."
        )
    form = _FORMATS[style]
    if type_.name == "date":
        form = form.split("T")[0] if style in (126, 127) else form.split(" %H")[0].split(" {hour}")[0]
        form = "%Y-%m-%d" if form.startswith("%H") else form
        moment = f"CAST({value} AS TIMESTAMP)"
        return _pad_words(form, moment)
    ticks, zone = value, ""
    if type_.name == "datetimeoffset":
        ticks = local(value)
        if style == 127:
            ticks, zone = utc(value), " || 'Z'"
        elif style not in _FORMATS or "%H" in form:
            zone = f" || {'' if style == 126 else chr(39) + ' ' + chr(39) + ' || '}{_zone(value)}"
    if type_.name == "time":
        form = "%H:%M:%S" if "%H" in form else form.rpartition(" ")[2]
    moment = to_timestamp(ticks)
    text = _pad_words(form, moment)
    if style in _WITH_FRACTION:
        text += _fraction(ticks, type_, _WITH_FRACTION[style], leave_out=style in (126, 127))
    return f"({text}{zone})"


def _pad_words(form: str, moment: str) -> str:
    """Days and hours of the wordy styles are padded with a blank."""
    if "{" not in form:
        return f"strftime({moment}, '{form}')"
    pieces = []
    for piece in re.split(r"(\{\w+\})", form):
        if piece == "{day}":
            pieces.append(f"lpad(CAST(day({moment}) AS VARCHAR), 2, ' ')")
        elif piece == "{hour}":
            pieces.append(f"lpad(CAST((hour({moment}) + 11) % 12 + 1 AS VARCHAR), 2, ' ')")
        elif piece:
            pieces.append(f"strftime({moment}, '{piece}')")
    return " || ".join(pieces)


def _fraction(ticks: str, type_: SqlType, point: str, *, leave_out: bool) -> str:
    scale = {"datetime": 3, "smalldatetime": 3}.get(type_.name, type_.scale)
    if scale == 0 or (leave_out and type_.name == "smalldatetime"):
        return ""
    part = f"{ticks} % {SECOND}"
    number = f"({part} + 5000) // 10000" if type_.name == "datetime" else f"({part}) // {10 ** (7 - scale)}"
    digits = f"'{point}' || lpad(CAST({number} AS VARCHAR), {scale}, '0')"
    return f" || CASE WHEN {number} = 0 THEN '' ELSE {digits} END" if leave_out else f" || {digits}"


def _zone(packed_: str) -> str:
    minutes = offset(packed_)
    return (
        f"CASE WHEN {minutes} < 0 THEN '-' ELSE '+' END || lpad(CAST(abs({minutes}) // 60 AS VARCHAR), 2, '0') || ':' "
        f"|| lpad(CAST(abs({minutes}) % 60 AS VARCHAR), 2, '0')"
    )


UNITS = {
    "year": "year", "yy": "year", "yyyy": "year", "quarter": "quarter", "qq": "quarter", "q": "quarter",
    "month": "month", "mm": "month", "m": "month", "dayofyear": "dayofyear", "dy": "dayofyear", "y": "dayofyear",
    "day": "day", "dd": "day", "d": "day", "week": "week", "wk": "week", "ww": "week", "weekday": "weekday",
    "dw": "weekday", "w": "weekday", "hour": "hour", "hh": "hour", "minute": "minute", "mi": "minute", "n": "minute",
    "second": "second", "ss": "second", "s": "second", "millisecond": "millisecond", "ms": "millisecond",
    "microsecond": "microsecond", "mcs": "microsecond", "nanosecond": "nanosecond", "ns": "nanosecond",
    "tzoffset": "tzoffset", "tz": "tzoffset", "iso_week": "iso_week", "isowk": "iso_week", "isoww": "iso_week",
}  # fmt: skip
_LENGTHS = {
    "day": DAY, "dayofyear": DAY, "weekday": DAY, "week": 7 * DAY, "hour": 3600 * SECOND, "minute": MINUTE,
    "second": SECOND, "millisecond": 10_000, "microsecond": 10,
}  # fmt: skip
_MONTHS_OF = {"year": 12, "quarter": 3, "month": 1}


def add(unit: str, number: str, ticks: str, type_name: str) -> str:
    """DATEADD on ticks. Raises 517 where the result is no date."""
    if unit in _MONTHS_OF:
        moved = f"CAST({to_date(ticks)} + to_months(CAST({number} * {_MONTHS_OF[unit]} AS INTEGER)) AS DATE)"
        result = f"({from_date(moved)} + {ticks} % {DAY})"
    elif unit == "nanosecond":
        result = f"({ticks} + CAST(round({number} / 100) AS BIGINT))"
    else:
        result = f"({ticks} + {number} * {_LENGTHS[unit]})"
    if type_name == "time":
        return f"(({result} % {DAY} + {DAY}) % {DAY})"
    words = f"Adding a value to a ''{type_name}'' column caused an overflow."
    low, high = RANGES.get(type_name, (0, LAST))
    return f"CASE WHEN {result} NOT BETWEEN {low} AND {high} THEN error('T-SQL|517|{words}') ELSE {result} END"


def difference(unit: str, first: str, second: str) -> str:
    """DATEDIFF of ticks: how many boundaries of the unit lie between."""
    if unit in _MONTHS_OF:
        return f"({_month_number(second)} // {_MONTHS_OF[unit]} - {_month_number(first)} // {_MONTHS_OF[unit]})"
    if unit == "week":
        # A week begins on Sunday, and the first of January of the year 1 was a Monday.
        return f"(({second} + {DAY}) // {7 * DAY} - ({first} + {DAY}) // {7 * DAY})"
    if unit == "nanosecond":
        return f"(({second} - {first}) * 100)"
    return f"({second} // {_LENGTHS[unit]} - {first} // {_LENGTHS[unit]})"


def _month_number(ticks: str) -> str:
    return f"(year({to_date(ticks)}) * 12 + month({to_date(ticks)}) - 1)"


def part(unit: str, ticks: str) -> str:
    """DATEPART of ticks."""
    if unit in ("hour", "minute", "second"):
        count = {"hour": 24, "minute": 60, "second": 60}[unit]
        return f"({ticks} // {_LENGTHS[unit]} % {count})"
    if unit in ("millisecond", "microsecond"):
        return f"({ticks} % {SECOND} // {_LENGTHS[unit]})"
    if unit == "nanosecond":
        return f"({ticks} % {SECOND} * 100)"
    day = to_date(ticks)
    if unit == "weekday":
        return f"(dayofweek({day}) + 1)"
    if unit == "week":
        start = f"CAST(date_trunc('year', {day}) AS DATE)"
        return f"((dayofyear({day}) + dayofweek({start}) - 1) // 7 + 1)"
    return f"{'weekofyear' if unit == 'iso_week' else unit}({day})"


def truncate(unit: str, ticks: str) -> str:
    """DATETRUNC of ticks."""
    if unit in _LENGTHS and unit not in ("week", "weekday"):
        return f"({ticks} // {_LENGTHS[unit]} * {_LENGTHS[unit]})"
    if unit == "week":
        return f"(({ticks} + {DAY}) // {7 * DAY} * {7 * DAY} - {DAY})"
    return from_date(f"CAST(date_trunc('{'week' if unit == 'iso_week' else unit}', {to_date(ticks)}) AS DATE)")
