"""Lines of bars: within their width, and true to their figures."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from lytics_azure_tui.lytics.protocol import AudienceSize, Volume
from lytics_azure_tui.tui.widgets.chart import sizes_line, volume_line
from lytics_azure_tui.tui.widgets.pace import BARS

DAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 13, 5, tzinfo=UTC)
COUNTS = st.lists(st.integers(0, 10**12), min_size=1, max_size=90)
WIDTHS = st.integers(1, 200)


def volumes(counts: list[int]) -> list[Volume]:
    """One a day, up to a day."""
    return [Volume(DAY - timedelta(days=len(counts) - 1 - place), count) for place, count in enumerate(counts)]


@given(COUNTS, WIDTHS)
def test_a_volume_fits_its_width(counts: list[int], width: int) -> None:
    assert volume_line(volumes(counts), width).cell_length <= width


@given(COUNTS, st.integers(60, 200))
def test_the_peak_that_is_named_is_among_the_bars(counts: list[int], width: int) -> None:
    line = volume_line(volumes(counts), width).plain
    bars = [sign for sign in line if sign in BARS]
    shown = counts[-len(bars) :]
    peak = DAY - timedelta(days=len(shown) - 1 - shown.index(max(shown)))
    assert line.endswith(f"on {peak.day} {peak:%b}")
    assert not any(shown) or bars[shown.index(max(shown))] == BARS[-1]


def test_a_volume_begins_with_the_first_event() -> None:
    assert volume_line(volumes([0, 0, 5, 0, 1]), 60).plain.startswith("22 Nov █▁▂ 24 Nov")


def test_a_volume_says_its_days_and_its_peak() -> None:
    assert volume_line(volumes([1_000, 0, 8_000, 4_000]), 60).plain == "21 Nov ▂▁█▅ 24 Nov  peak 8,000 on 23 Nov"


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 10**6)), min_size=1, max_size=50), WIDTHS)
def test_sizes_fit_their_width(steps: list[tuple[int, int]], width: int) -> None:
    moment = NOW - timedelta(seconds=sum(seconds for _, seconds in steps))
    sizes = []
    for size, seconds in steps:
        moment += timedelta(seconds=seconds)
        sizes.append(AudienceSize(moment, size))
    line = sizes_line(sizes, width, now=NOW, zone=UTC)
    assert line.cell_length <= width


def test_a_size_holds_until_the_next() -> None:
    """Three quarters of the time it was 100, then 180."""
    sizes = [AudienceSize(NOW - timedelta(hours=8), 100), AudienceSize(NOW - timedelta(hours=2), 180)]
    line = sizes_line(sizes, 100, now=NOW, zone=UTC).plain
    assert line == f"05:05 {BARS[0] * 44}{BARS[-1] * 16} now  from 100 to 180"


def test_a_size_that_never_changed() -> None:
    line = sizes_line([AudienceSize(NOW - timedelta(days=1), 7)], 60, now=NOW, zone=UTC).plain
    assert line.endswith("now  always 7")
