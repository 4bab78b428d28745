"""Date mathematics: now, now-7d, now+3M. A moment that goes along with the clock, and when it passes a date."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PATTERN = re.compile(r"now(?:([+-]\d+)([smhdwMy]))?")
_BEGINS = re.compile(r"now\s*([+-]|$)", re.IGNORECASE)
_MICROSECONDS = {"s": 10**6, "m": 60 * 10**6, "h": 3600 * 10**6, "d": 86400 * 10**6, "w": 7 * 86400 * 10**6}
_MONTHS = {"M": 1, "y": 12}
# Whatever is farther away would leave the years that a date can have.
_FARTHEST = 10_000 * 366 * 86400 * 10**6


@dataclass(frozen=True, slots=True)
class Moment:
    """So much from now; `months` for the units that have no fixed length. Negative is the past."""

    microseconds: int = 0
    months: int = 0


def looks_like_moment(text: str) -> bool:
    """Whether a text means date mathematics, be it right or wrong."""
    return _BEGINS.match(text) is not None


def moment(text: str) -> Moment:
    """Reads date mathematics.

    Raises:
        ValueError: it is wrong; in words.
    """
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(
            'date mathematics is "now", or "now-7d" with a whole number and one of the units '
            "s, m (minutes), h, d, w, M (months), y"
        )
    if match[1] is None:
        return Moment()
    amount, unit = int(match[1]), match[2]
    found = Moment(months=amount * _MONTHS[unit]) if unit in _MONTHS else Moment(amount * _MICROSECONDS[unit])
    if abs(found.microseconds) > _FARTHEST or abs(found.months) > 120_000:
        raise ValueError("this is more than 10,000 years away")
    return found


def moment_sql(moment: Moment, now: str) -> str:
    """SQL of the moment's TIMESTAMPTZ.

    Months are the calendar's: a month before 15 March is 15 February. Where the other month has no such day, as a
    month before 30 March, the moment is the beginning of the next one, 1 March: so it never goes back while the clock
    goes on.
    """
    if moment.months:
        return _later_by_months(now, moment.months)
    return f"({now} + INTERVAL ({moment.microseconds}) MICROSECOND)" if moment.microseconds else now


def passes_sql(moment: Moment, date: str) -> str:
    """SQL of the earliest time of the clock at which the moment is not before a date.

    Args:
        date: SQL of TIMESTAMPTZ.
    """
    if not moment.months:
        return f"make_timestamptz(epoch_us({date}) - ({moment.microseconds}))"
    # A moment stands still at the beginning of a month while the clock goes through days that the month before lacks.
    # So a date there is reached on the day after the one that leads to the last day of the month before.
    plain = f"make_timestamp(epoch_us({date}))"
    day_before = f"{plain} - INTERVAL 1 DAY"
    first = f"{day_before} + INTERVAL ({-moment.months}) MONTH + INTERVAL 1 DAY"
    return (
        f"CASE WHEN date_trunc('month', {plain}) = {plain} THEN make_timestamptz(epoch_us({first})) "
        f"ELSE {_later_by_months(date, -moment.months)} END"
    )


def _later_by_months(date: str, months: int) -> str:
    # Without a zone: DuckDB's arithmetic in zones takes ten times as long, and all is in UTC.
    plain = f"make_timestamp(epoch_us({date}))"
    there = f"{plain} + INTERVAL ({months}) MONTH"
    return (
        f"make_timestamptz(epoch_us(CASE WHEN day({there}) = day({plain}) THEN {there} "
        f"ELSE date_trunc('month', {there}) + INTERVAL 1 MONTH END))"
    )
