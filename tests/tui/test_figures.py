"""Figures and times as an operator reads them, and the pace of a run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lytics_azure_tui.model.amounts import size
from lytics_azure_tui.tui.figures import count, duration, relative, stamp, when
from lytics_azure_tui.tui.widgets.pace import Pace, bar, sparkline

NOW = datetime(2026, 11, 24, 13, 5, 9, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.00 KB"),
        (999_949, "1.00 MB"),
        (12_345_678, "12.3 MB"),
        (680_000_000, "680 MB"),
        (5 * 10**18, "5000 PB"),
    ],
)
def test_bytes_have_three_digits(amount: int, shown: str) -> None:
    assert size(amount) == shown


@given(st.integers(0, 10**15))
def test_bytes_are_short(amount: int) -> None:
    assert len(size(amount)) <= 7


def test_rows_have_groups_of_three_digits() -> None:
    assert count(1_234_567) == "1,234,567"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-3, "0 s"), (59.9, "59 s"), (95, "1 min 35 s"), (1_500, "25 min"), (7_500, "2 h 05 min"), (360_000, "4 d 4 h")],
)
def test_a_length_of_time_has_two_units_at_most(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (NOW - timedelta(hours=1), "13:05"),
        (NOW + timedelta(hours=10), "Wed 00:05"),
        (NOW - timedelta(days=10), "14 Nov"),
        (NOW - timedelta(days=400), "2025-10-20"),
        (None, "—"),
    ],
)
def test_a_moment_is_told_in_the_operators_zone(moment: datetime | None, shown: str) -> None:
    assert when(moment, NOW, BERLIN) == shown


def test_a_moment_in_full_names_its_zone() -> None:
    assert stamp(NOW, BERLIN) == "2026-11-24 14:05:09 CET"


@pytest.mark.parametrize(
    ("away", "shown"),
    [
        (0.4, "now"),
        (30, "in <1 min"),
        (-42, "<1 min ago"),
        (725, "in 12 min"),
        (-7_300, "2 h ago"),
        (-260_000, "3 d ago"),
    ],
)
def test_how_far_a_moment_is(away: float, shown: str) -> None:
    assert relative(NOW + timedelta(seconds=away), NOW) == shown


def paced(amounts: list[int]) -> Pace:
    """A run that reported these amounts, one a second."""
    pace = Pace()
    for second, amount in enumerate(amounts):
        pace.add(NOW + timedelta(seconds=second), amount)
    return pace


def test_the_rate_is_that_of_the_last_seconds() -> None:
    pace = paced([0, 0, 0, *(1_000 * second for second in range(30))])
    assert pace.rate() == pytest.approx(1_000)
    assert pace.left(29_000, 39_000) == pytest.approx(10)


def test_a_run_that_stalls_shows_no_rate_and_no_time_left() -> None:
    pace = paced([5_000] * 20)
    assert pace.rate() == 0
    assert pace.left(5_000, 9_000) is None


def test_a_run_that_begins_anew_does_not_go_backwards() -> None:
    pace = paced([0, 9_000, 18_000, 100, 200])
    assert min(pace.rates()) >= 0


def test_many_reports_in_a_second_are_one_sample() -> None:
    pace = Pace()
    for tenth in range(50):
        pace.add(NOW + timedelta(seconds=tenth / 10), tenth * 100)
    assert len(pace.rates()) == 4


@given(st.lists(st.floats(0, 1e12), max_size=100), st.integers(0, 80))
def test_a_sparkline_fits(values: list[float], width: int) -> None:
    shown = sparkline(values, width)
    assert len(shown) == min(len(values), width)
    assert set(shown) <= set("▁▂▃▄▅▆▇█")


@given(st.integers(0, 10**12), st.one_of(st.none(), st.integers(0, 10**12)), st.integers(0, 200))
def test_a_bar_is_as_wide_as_it_should_be(done: int, total: int | None, width: int) -> None:
    full, rest = bar(done, total, width)
    assert len(full) + len(rest) == width


def test_a_second_without_news_is_not_yet_a_standstill() -> None:
    assert paced([5_000] * 3).rate() is None


def test_no_time_is_left_when_all_is_read() -> None:
    assert paced([0, 5_000, 9_000]).left(9_000, 9_000) is None
