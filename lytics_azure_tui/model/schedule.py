"""When a repeated job runs next, with written rules for daylight saving and short months.

- With a time of day, a daily job runs at that time of every day of its time zone, a weekly job on the weekday of its
  first run, a monthly job on the day of the month of its first run; in a month that has no such day, on its last.
- A time that a clock skips in spring is due at the first instant after the gap. A time that comes twice in autumn is
  due at the first of the two, and not again at the second.
- Without a time of day, and always for an hourly job, the next run counts from the end of the last: an hour, 24 hours,
  seven times 24 hours, or the same day and time of the next month (its last day, when it is shorter).
- A run that was missed, because the machine slept or nothing ran the schedule, is caught up once, however many
  were missed; the next is then due at the next regular time.
"""

from __future__ import annotations

import itertools
import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict

Frequency = Literal["hourly", "daily", "weekly", "monthly"]
FREQUENCIES = {"hourly": "Every hour", "daily": "Every day", "weekly": "Every week", "monthly": "Every month"}


def _time_is_hh_mm(value: str | None) -> str | None:
    if value and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError("a time of day is written HH:MM, from 00:00 to 23:59")
    return value or None


def _timezone_exists(value: str) -> str:
    try:
        ZoneInfo(value)
    except (LookupError, ValueError, OSError):
        raise ValueError(f"no time zone is called {value!r}; use a name such as Europe/Berlin") from None
    return value


TimeOfDay = Annotated[str | None, AfterValidator(_time_is_hh_mm)]
"""HH:MM; None to count from the end of the last run."""
Timezone = Annotated[str, AfterValidator(_timezone_exists)]
"""An IANA name."""

_LENGTHS = {"hourly": timedelta(hours=1), "daily": timedelta(days=1), "weekly": timedelta(weeks=1)}


class Schedule(BaseModel):
    """How often, and at what time of which zone's day.

    Attributes:
        time_of_day: HH:MM; None to count from the end of the last run.
        timezone: an IANA name, the zone of the time of day and of the calendar's months.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    frequency: Frequency = "daily"
    time_of_day: str | None = None
    timezone: str = "UTC"

    def next_after(self, moment: datetime, anchor: datetime) -> datetime:
        """The first due time after a moment, in UTC.

        Args:
            moment: the end of the last run.
            anchor: the start of the first run, whose local weekday or day of the month the schedule keeps.
        """
        if self.time_of_day is None or self.frequency == "hourly":
            return self.period_after(moment)
        clock = time.fromisoformat(self.time_of_day)
        instants = (self._instant(datetime.combine(day, clock)) for day in self._days(moment, anchor))
        return next(instant for instant in instants if instant > moment)

    def upcoming(self, moment: datetime, anchor: datetime, count: int) -> list[datetime]:
        """The next due times in UTC, as if each run took no time."""
        times = list[datetime]()
        for _ in range(count):
            moment = self.next_after(moment, anchor)
            times.append(moment)
        return times

    def period_after(self, moment: datetime) -> datetime:
        """One whole period after a moment, in UTC."""
        if self.frequency != "monthly":
            return moment.astimezone(UTC) + _LENGTHS[self.frequency]
        local = moment.astimezone(ZoneInfo(self.timezone))
        day = _day_of_month(local.year, local.month + 1, local.day)
        return self._instant(datetime.combine(day, local.time().replace(fold=0)))

    def _days(self, moment: datetime, anchor: datetime) -> Iterator[date]:
        """The local days on which a run is due, from one that is surely before the moment."""
        zone = ZoneInfo(self.timezone)
        first = anchor.astimezone(zone).date()
        start = moment.astimezone(zone).date() - timedelta(days=2)
        if self.frequency == "monthly":
            return (_day_of_month(start.year, month, first.day) for month in itertools.count(start.month - 1))
        if self.frequency == "weekly":
            start -= timedelta(days=(start.weekday() - first.weekday()) % 7)
        return (start + _LENGTHS[self.frequency] * steps for steps in itertools.count())

    def _instant(self, wall: datetime) -> datetime:
        """When the zone's clocks show that time: the first of two, or the end of the gap that skips it."""
        zone = ZoneInfo(self.timezone)
        # With fold=0 the zone answers for a skipped time by the clock before the gap, with fold=1 by that behind it
        # (PEP 495); the two lie on both sides of the gap's instant.
        late = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
        if late.astimezone(zone).replace(tzinfo=None) == wall:
            return late
        early = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
        before = early.astimezone(zone).utcoffset()
        low, high = int(early.timestamp()), int(late.timestamp())
        while high - low > 1:
            middle = (low + high) // 2
            if datetime.fromtimestamp(middle, zone).utcoffset() == before:
                low = middle
            else:
                high = middle
        return datetime.fromtimestamp(high, UTC)


def _day_of_month(year: int, month: int, day: int) -> date:
    """That day, or the month's last; months count on past 12 and back past 1."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return date(year, month, min(day, monthrange(year, month)[1]))
