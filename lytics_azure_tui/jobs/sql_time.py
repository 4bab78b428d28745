"""Times as SQL Server writes them in style 126, moved without ever leaving the range of their type.

On the server, DATEADD past a type's first or last value is an error (517); sentinels such as 1753-01-01 or 9999-12-31
are ordinary values of a Timestamp Column. What is moved is whole seconds: digits behind them stay as they were written.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_WRITTEN = re.compile(r"(?P<seconds>[^.Z+]{10,19}?)(?P<digits>\.\d+)?(?P<zone>Z|[+-]\d\d:\d\d)?$")
# Without a zone, as the columns are.
_YEAR_1, _YEAR_9999 = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)  # noqa: DTZ001
_FIRST = {"datetime": datetime(1753, 1, 1), "smalldatetime": datetime(1900, 1, 1)}  # noqa: DTZ001
_LAST = {"smalldatetime": datetime(2079, 6, 6, 23, 59)}  # noqa: DTZ001


def first(declared: str) -> datetime:
    """The first value of a type; in UTC where it has a zone."""
    return _FIRST.get(declared, _YEAR_1)


def last(declared: str) -> datetime:
    """The last whole second, or minute, of a type; in UTC where it has a zone."""
    return _LAST.get(declared, _YEAR_9999)


def earlier(text: str, step: timedelta, declared: str) -> str:
    """A time moved back, or the type's first where that would be before it.

    Args:
        text: as the server wrote it.
        step: whole seconds, and days for a date.
        declared: the type.
    """
    written = _WRITTEN.match(text)
    if written is None:
        raise ValueError(f"{text!r} is no time in style 126")
    zone = written["zone"] or ""
    # A time with a zone has to be in range as it is written, and in UTC.
    offset = timedelta() if zone in ("", "Z") else datetime.fromisoformat(f"2000-01-01T00:00{zone}").utcoffset()
    local = datetime.fromisoformat(written["seconds"])
    if local - first(declared) < max(step, step + (offset or timedelta())):
        return as_text(first(declared), declared)
    return as_text(local - step, declared, digits=written["digits"] or "", zone=zone)


def as_text(at: datetime, declared: str, *, digits: str = "", zone: str = "+00:00") -> str:
    """A time as text that a type takes in style 126; one without a zone is written without."""
    if declared == "date":
        return f"{at.date().isoformat()}"
    return at.isoformat(timespec="seconds") + digits + (zone if declared.startswith("datetimeoffset") else "")


def clamped(at: datetime, declared: str) -> datetime:
    """A time, or the type's first or last where it is outside of its range; of whole minutes for a smalldatetime."""
    found = min(max(at, first(declared)), last(declared))
    return found.replace(second=0) if declared == "smalldatetime" else found
