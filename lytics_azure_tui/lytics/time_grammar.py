"""The forms of a time in text: what its date can look like, and what can stand behind that.

Sources: ISO 8601-1, RFC 3339, RFC 5322 (3.3, 4.3), RFC 850, C `asctime`, Go `time`, Java `Date` and `ZonedDateTime`,
JavaScript `Date`, .NET's standard formats, the defaults of Oracle, SQL Server and PostgreSQL, DB2, SAS, FIX, Apache.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache

from lytics_azure_tui.lytics.duck import literal


class DateOrder(StrEnum):
    """In which order the numbers of a date such as 01/02/03 stand."""

    MONTH_FIRST = "month first"
    DAY_FIRST = "day first"
    YEAR_FIRST = "year first"
    UNCLEAR = "unclear"
    """Only dates that can be read in one way are read."""


ZONES: dict[str, int] = {
    **dict.fromkeys(("Z", "UTC", "GMT", "WET"), 0),
    "EST": -300, "EDT": -240, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420,
    "AKST": -540, "AKDT": -480, "HST": -600,
    "WEST": 60, "CET": 60, "CEST": 120, "EET": 120, "EEST": 180,
}  # fmt: skip
"""Word for a zone → minutes east of UTC. Others mean several zones: BST, IST, AST; CST is China's as well."""

_FARTHEST = 14 * 60
_S = r"[\s\x{a0}\x{202f}]"
# Names are looked at later: an expression of all of them takes long to compile.
_MONTH, _WEEKDAY = "([a-z]{3,9})[.]?", rf"(?:([a-z]{{3,9}})[.]?(?:,{_S}*|{_S}+))?"
_DAY = r"(\d\d?)(?:st|nd|rd|th)?"
_NUMBER, _ISO_YEAR, _DIGITS_YEAR = r"(\d\d?)", r"(\d{4})", r"((?:19|20)\d\d)"
# Years of other calendars are no years of ours: 2567 is 2024 in Thailand, 1403 in Iran, 1445 in Arabia.
_YEAR = r"((?:1[6-9]|2[0-3])\d\d|9999)"
_ANY_YEAR = rf"{_YEAR[:-1]}|\d\d)"
_BEHIND = rf"(?:(?:,?{_S}+(?:at{_S}+)?|t)(\d[^|]*)|{_S}*(z|utc|gmt))?"

# Groups are the hour, its mark, minute, mark, second, mark, fraction, noon, offset (or UTC and an offset), word.
_CLOCK = rf"(\d\d?)(?:([:.]?)(\d\d)(?:([:.]?)(\d\d)(?:([.,:]?)(\d{{1,9}}))?)?)?(?:{_S}*([ap])[.]?m[.]?)?"
_OFFSET = rf"(utc|gmt)?{_S}*([+-])(\d\d?)(?::?(\d\d))?"
_REMARK = rf"(?:{_S}*\([^|()]*\)|\[[\w/+-]+\])?(?:{_S}m=[+-][\d.]+)?"
_TAIL = rf"((?:{_CLOCK})?(?:{_S}*(?:{_OFFSET})?(?:{_S}*([a-z]{{1,4}}))?{_REMARK})?)"
_TAIL_GROUPS = ("all", "h", "m1", "m", "m2", "s", "m3", "f", "noon", "utc", "sign", "oh", "om", "word")


def _shape(groups: str, date: str, *, weekday: bool = True, behind: str = _BEHIND) -> tuple[str, str]:
    """(expression, replacement) that writes "weekday|year|month|day|clock and zone"; groups: "mdy" for 1/31/2024."""
    ahead, name, first = (_WEEKDAY, r"\1", 2) if weekday else ("", "", 1)
    y, m, d = (f"\\{first + groups.index(letter)}" if letter in groups else "" for letter in "ymd")
    after = "".join(f"\\{first + len(groups) + index}" for index in range(behind.replace("(?", "").count("(")))
    return f"(?i)^{ahead}(?:{date}){behind}$", f"{name}|{y}|{m}|{d}|{after}"


def _shapes(order: DateOrder | None) -> Iterator[tuple[str, str]]:
    yield _shape("ymd", f"{_ISO_YEAR}-{_NUMBER}-{_NUMBER}")
    yield _shape("ymd", f"{_YEAR}/{_NUMBER}/{_NUMBER}")
    for mark, first in (("/", DateOrder.MONTH_FIRST), ("-", DateOrder.MONTH_FIRST), ("[.]", DateOrder.DAY_FIRST)):
        if order is DateOrder.YEAR_FIRST:
            yield _shape("ymd", rf"(\d\d){mark}{_NUMBER}{mark}{_NUMBER}")
        else:
            groups = "dmy" if (order or first) is DateOrder.DAY_FIRST else "mdy"
            yield _shape(groups, f"{_NUMBER}{mark}{_NUMBER}{mark}{_ANY_YEAR}")
    yield _shape("ymd", f"{_YEAR}[.]{_NUMBER}[.]{_NUMBER}")
    yield _shape("dmy", rf"{_DAY}(?:{_S}*[-/]{_S}*|{_S}*){_MONTH}(?:{_S}*[-/]{_S}*|,?{_S}*){_ANY_YEAR}")
    yield _shape("mdy", rf"{_MONTH}(?:-|{_S}*){_DAY}(?:-|,{_S}*|{_S}+){_YEAR}")
    yield _shape("ymd", rf"{_YEAR}[- /]?{_MONTH}[- /]?(\d\d?)")
    # SAS and Apache: 31JAN2024:06:00:00, 31/Jan/2024:06:00:00 +0000.
    yield _shape("dmy", rf"\[?{_NUMBER}/?{_MONTH}/?{_ANY_YEAR}", weekday=False, behind=r":(\d\d:[^|\]]*)\]?")
    # C's asctime and what grew out of it: the year stands behind the clock.
    clock = rf"{_S}+(\d\d?:[^|]*?),?{_S}+(\d{{4}})({_S}[^|]*)?"
    yield f"(?i)^{_WEEKDAY}{_MONTH}{_S}+{_DAY}{clock}$", "\\1|\\5|\\2|\\3|\\4\\6"
    # Digits alone; ISO 8601's basic form; FIX; DB2.
    digits = rf"{_DIGITS_YEAR}(\d\d)(\d\d)"
    yield _shape("ymd", digits, weekday=False, behind=rf"(?:(?:[t-]|{_S}+)?(\d[^|]*)|(z))?")
    yield _shape("ymd", r"(\d{4})-(\d\d)-(\d\d)", weekday=False, behind=r"-(\d\d[.]\d\d[.]\d\d(?:[.]\d+)?)")
    # Ordinal days and weeks.
    yield _shape("yd", rf"{_YEAR}-(\d{{3}})", weekday=False)
    yield _shape("ymd", rf"{_YEAR}-?(W\d\d)-?([1-7])", weekday=False)
    yield _shape("ymd", r"(\d{4}) (\d\d) (\d\d)", weekday=False)


@lru_cache
def moment_sql(order: DateOrder | None) -> str:
    """A template for `str.replace("{x}", …)`: microseconds since 1970 of a text without blanks around it, or NULL."""
    # CASE looks at further branches only for what is left; COALESCE would look at all of them for every text.
    shapes = [(literal(pattern), literal(parts)) for pattern, parts in _shapes(order)]
    split = " ".join(
        f"WHEN regexp_matches({{x}}, {pattern}) THEN regexp_replace({{x}}, {pattern}, {parts})"
        for pattern, parts in shapes
    )
    groups = ", ".join(literal(name) for name in _TAIL_GROUPS)
    # Systems differ on the century of the years from 30 to 69.
    year = "CASE WHEN length(p[2]) = 4 THEN '' WHEN p[2] < '30' THEN '20' WHEN p[2] >= '70' THEN '19' END || p[2]"
    parts = (
        f"{{'weekday': p[1], 'date': {year} || '-' || upper(p[3]) || CASE WHEN p[3] <> '' THEN '-' ELSE '' END || p[4],"
        f" 'rest': p[5],"
        f" 'tail': regexp_extract(p[5], {literal(f'(?i)^{_TAIL}$')}, [{groups}])}}"
    )
    return bound(f"string_split(CASE {split} END, '|')", "p", bound(parts, "q", _moment()))


def bound(value: str, name: str, expression: str) -> str:
    """SQL of an expression with a name for a value in it, so that the value is worked out once."""
    return f"list_transform([{value}], lambda {name}: {expression})[1]"


def _date(text: str) -> str:
    """The date of "2024-1-31", "2024-Jan-31", "2024-January-31", "2024-031" or "2024-W05-3"."""
    return (
        f"CASE WHEN regexp_matches({text}, '^[0-9]+-[0-9]+-') THEN try_strptime({text}, '%Y-%m-%d')"
        f" WHEN regexp_matches({text}, '^[0-9]+-[0-9]') THEN try_strptime({text}, '%Y-%j')"
        # Not every year has a week 53.
        f" WHEN regexp_matches({text}, '-W[0-9]') THEN CASE WHEN strftime(try_strptime({text}, '%G-W%V-%u'),"
        f" '%G-W%V-%u') = {text} THEN try_strptime({text}, '%G-W%V-%u') END"
        f" WHEN regexp_matches({text}, '-(...|SEPT)-') THEN try_strptime(replace({text}, 'SEPT-', 'SEP-'), '%Y-%b-%d')"
        f" ELSE try_strptime({text}, '%Y-%B-%d') END"
    )


def _moment() -> str:
    """Microseconds, of q: the date, the weekday and the pieces of all that stands behind the date."""
    t = "q.tail"
    # One mark between all numbers; SQL Server writes 6:00:00:000; digits without marks come in pairs.
    sound = (
        f"(q.rest = '' OR {t}.\"all\" <> '')"
        f" AND (q.weekday = '' OR starts_with(lower(dayname(z.day)), lower(q.weekday)))"
        f" AND ({t}.s = '' OR {t}.m1 = {t}.m2) AND ({t}.m1 <> '' OR {t}.m = '' OR length({t}.h) = 2)"
        f" AND ({t}.f = '' OR {t}.m3 IN ('.', ',') OR (length({t}.f) = 3 AND {t}.m3 = {t}.m1))"
        f" AND {t}.m < '60' AND {t}.s < '60' AND ({t}.m <> '' OR {t}.noon <> '' OR {t}.h = '')"
    )
    hours = (
        f"CASE WHEN {t}.noon <> '' THEN CASE WHEN z.hour BETWEEN 1 AND 12"
        f" THEN z.hour % 12 + CASE lower({t}.noon) WHEN 'p' THEN 12 ELSE 0 END END"
        f" WHEN z.hour < 24 OR ({t}.h = '24' AND NOT regexp_matches({t}.m || {t}.s || {t}.f, '[1-9]')) THEN z.hour END"
    )
    # Only UTC can stand behind a date without a time; one digit is an hour only behind the word UTC or GMT.
    zone = (
        f"CASE WHEN {t}.sign = '' THEN CASE WHEN {t}.h <> '' OR z.named = 0 THEN z.named END"
        f" WHEN {t}.h <> '' AND ({t}.utc <> '' OR length({t}.oh) = 2) AND {t}.om < '60'"
        f" AND z.offset BETWEEN -{_FARTHEST} AND {_FARTHEST}"
        f" AND ({t}.word = '' OR coalesce(z.named, z.offset) = z.offset) THEN z.offset END"
    )
    words = ", ".join(literal(word) for word in ("", *ZONES))
    minutes = ", ".join(str(minutes) for minutes in (0, *ZONES.values()))
    numbers = (
        f"{{'day': {_date('q.date')},"
        f" 'named': [{minutes}][list_position([{words}], upper({t}.word))],"
        f" 'offset': (try_cast({t}.oh AS BIGINT) * 60 + coalesce(try_cast({t}.om AS BIGINT), 0))"
        f" * CASE {t}.sign WHEN '-' THEN -1 ELSE 1 END,"
        f" 'hour': coalesce(try_cast({t}.h AS BIGINT), 0)}}"
    )
    moment = (
        f"CASE WHEN {sound} THEN epoch_us(z.day) + {hours} * 3600000000 - {zone} * 60000000"
        f" + coalesce(try_cast({t}.m AS BIGINT), 0) * 60000000"
        f" + coalesce(try_cast(rpad({t}.s || {t}.f, 8, '0') AS BIGINT), 0) END"
    )
    return bound(numbers, "z", moment)
