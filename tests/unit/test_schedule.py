"""The written rules of model/schedule.py, each tried."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lytics_azure_tui.model.schedule import Frequency, Schedule

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def test_a_daily_job_runs_at_its_local_time_and_keeps_it_over_a_change_of_clocks() -> None:
    schedule = Schedule(frequency="daily", time_of_day="06:00", timezone="Europe/Berlin")
    times = schedule.upcoming(at("2026-03-27 12:00"), at("2026-01-01 00:00"), 3)
    assert times == [at(f"2026-03-{day} 06:00", "Europe/Berlin") for day in (28, 29, 30)]
    assert [time.hour for time in times] == [5, 4, 4]
    assert all(time.tzinfo is UTC for time in times)


def test_a_moment_that_is_due_itself_gives_the_time_after_it() -> None:
    schedule = Schedule(frequency="daily", time_of_day="06:00")
    assert schedule.next_after(at("2026-05-01 06:00"), at("2026-05-01 06:00")) == at("2026-05-02 06:00")
    assert schedule.next_after(at("2026-05-01 05:59:59"), at("2026-05-01 06:00")) == at("2026-05-01 06:00")


def test_a_time_that_spring_skips_is_due_at_the_first_instant_after_the_gap() -> None:
    schedule = Schedule(frequency="daily", time_of_day="02:30", timezone="Europe/Berlin")
    due = schedule.next_after(at("2026-03-28 12:00"), at("2026-01-01 00:00"))
    assert due == at("2026-03-29 01:00")
    assert due.astimezone(BERLIN).strftime("%H:%M") == "03:00"
    assert schedule.next_after(due, due) == at("2026-03-30 02:30", "Europe/Berlin")


def test_a_gap_of_half_an_hour_and_one_of_a_whole_day() -> None:
    lord_howe = Schedule(frequency="daily", time_of_day="02:10", timezone="Australia/Lord_Howe")
    assert lord_howe.next_after(at("2026-10-03 06:00"), at("2026-01-01 00:00")) == at("2026-10-03 15:30")
    apia = Schedule(frequency="daily", time_of_day="12:00", timezone="Pacific/Apia")
    after_the_29th = apia.next_after(at("2011-12-29 12:00", "Pacific/Apia"), at("2011-01-01 00:00"))
    assert after_the_29th == at("2011-12-31 00:00", "Pacific/Apia")


def test_a_time_that_autumn_shows_twice_is_due_at_the_first_and_not_at_the_second() -> None:
    schedule = Schedule(frequency="daily", time_of_day="02:30", timezone="Europe/Berlin")
    first = schedule.next_after(at("2026-10-24 12:00"), at("2026-01-01 00:00"))
    assert first == at("2026-10-25 00:30")
    assert schedule.next_after(first, first) == at("2026-10-26 01:30")


def test_a_weekly_job_keeps_the_local_weekday_of_its_first_run() -> None:
    schedule = Schedule(frequency="weekly", time_of_day="09:00", timezone="Asia/Tokyo")
    # A Sunday in UTC, and a Monday already in Tokyo.
    anchor = at("2026-03-01 20:00")
    times = schedule.upcoming(anchor, anchor, 3)
    assert times == [at(f"2026-03-{day:02} 09:00", "Asia/Tokyo") for day in (2, 9, 16)]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (28, ["02-28", "03-28", "04-28", "05-28"]),
        (29, ["02-28", "03-29", "04-29", "05-29"]),
        (30, ["02-28", "03-30", "04-30", "05-30"]),
        (31, ["02-28", "03-31", "04-30", "05-31"]),
    ],
)
def test_a_monthly_job_runs_on_the_last_day_of_a_month_that_is_too_short(day: int, expected: list[str]) -> None:
    schedule = Schedule(frequency="monthly", time_of_day="04:00")
    anchor = at(f"2026-01-{day} 10:00")
    assert [f"{time:%m-%d}" for time in schedule.upcoming(anchor, anchor, 4)] == expected


def test_a_leap_year_has_its_29th() -> None:
    schedule = Schedule(frequency="monthly", time_of_day="04:00")
    assert schedule.next_after(at("2028-02-01 00:00"), at("2027-12-31 10:00")) == at("2028-02-29 04:00")


@pytest.mark.parametrize(
    ("frequency", "expected"),
    [
        ("hourly", "2026-01-31 11:17:05"),
        ("daily", "2026-02-01 10:17:05"),
        ("weekly", "2026-02-07 10:17:05"),
        ("monthly", "2026-02-28 10:17:05"),
    ],
)
def test_without_a_time_of_day_the_next_run_counts_from_the_end_of_the_last(
    frequency: Frequency, expected: str
) -> None:
    schedule = Schedule(frequency=frequency)
    assert schedule.next_after(at("2026-01-31 10:17:05"), at("2020-05-05 05:05")) == at(expected)


def test_an_hourly_job_looks_at_no_time_of_day() -> None:
    schedule = Schedule(frequency="hourly", time_of_day="23:00")
    assert schedule.next_after(at("2026-01-31 10:17"), at("2026-01-01 00:00")) == at("2026-01-31 11:17")


def test_a_machine_that_slept_for_a_week_catches_up_once() -> None:
    schedule = Schedule(frequency="daily", time_of_day="06:00")
    last_end, woken, caught_up = at("2026-05-01 06:01"), at("2026-05-08 09:00"), at("2026-05-08 09:05")
    assert schedule.next_after(last_end, last_end) < woken
    assert schedule.next_after(caught_up, last_end) == at("2026-05-09 06:00")


ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns"]
moments = st.integers(946_684_800, 2_114_380_800).map(lambda second: datetime.fromtimestamp(second, UTC))
clocks = st.tuples(st.integers(0, 23), st.integers(0, 59)).map(lambda clock: f"{clock[0]:02}:{clock[1]:02}")
clocked = st.builds(
    Schedule,
    frequency=st.sampled_from(["daily", "weekly", "monthly"]),
    time_of_day=clocks,
    timezone=st.sampled_from(ZONES),
)
uncounted = st.builds(
    Schedule,
    frequency=st.sampled_from(["hourly", "daily", "weekly", "monthly"]),
    time_of_day=st.none(),
    timezone=st.sampled_from(ZONES),
)
LONGEST = {"hourly": timedelta(hours=1), "daily": timedelta(days=1), "weekly": timedelta(days=7)}


@given(clocked | uncounted, moments, moments)
def test_the_next_time_is_after_the_moment_and_no_more_than_a_period_away(
    schedule: Schedule, moment: datetime, anchor: datetime
) -> None:
    due = schedule.next_after(moment, anchor)
    assert moment < due <= moment + LONGEST.get(schedule.frequency, timedelta(days=31)) + timedelta(hours=1)


@given(clocked, moments, moments)
def test_the_local_clock_shows_the_time_of_day_unless_it_skips_it(
    schedule: Schedule, moment: datetime, anchor: datetime
) -> None:
    due = schedule.next_after(moment, anchor)
    shown = due.astimezone(ZoneInfo(schedule.timezone))
    offset_before = (due - timedelta(seconds=1)).astimezone(shown.tzinfo).utcoffset()
    assert f"{shown:%H:%M}" == schedule.time_of_day or offset_before != shown.utcoffset()
    assert shown.fold == 0


@given(clocked, moments, moments, moments)
def test_a_later_moment_never_has_an_earlier_next_time(
    schedule: Schedule, anchor: datetime, one: datetime, other: datetime
) -> None:
    first, second = sorted((one, other))
    assert schedule.next_after(first, anchor) <= schedule.next_after(second, anchor)


@given(clocked, moments, moments)
def test_no_due_time_is_left_out(schedule: Schedule, anchor: datetime, moment: datetime) -> None:
    due = schedule.next_after(moment, anchor)
    assert schedule.next_after(due - timedelta(seconds=1), anchor) == due
