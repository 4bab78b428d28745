"""A line of bars that is drawn for the room there is, with the words that say what they are."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta, tzinfo

from textual.content import Content
from textual.widget import Widget

from lytics_azure_tui.lytics.protocol import AudienceSize, Volume
from lytics_azure_tui.tui.figures import rough, when
from lytics_azure_tui.tui.text import cut
from lytics_azure_tui.tui.widgets.pace import sparkline

BARS_AT_MOST = 60


class Chart(Widget):
    """One line; takes no room while it has nothing to show."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Chart { height: 1; padding: 0 1; display: none; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._draw: Callable[[int], Content] | None = None

    def show(self, draw: Callable[[int], Content] | None) -> None:
        """Shows what `draw` gives for a width in cells; None takes the line away."""
        self._draw = draw
        self.display = draw is not None
        self.refresh()

    def render(self) -> Content:
        return self._draw(self.content_size.width) if self._draw is not None else Content("")


def volume_line(days: Sequence[Volume], width: int) -> Content:
    """Events a day, from the first event on: the first day that is shown, bars, the last day, the peak and its day.

    Args:
        days: at least one, oldest first.
        width: in cells.
    """
    begun = next((place for place, day in enumerate(days) if day.events), 0)
    days = days[begun:]
    top = max(days, key=lambda day: day.events)
    last = f" {_day(days[-1].day)}"
    words = f"  peak {rough(top.events)} on {_day(top.day)}"
    first_width = max(len(_day(day.day)) for day in days) + 1
    shown = days[-max(width - first_width - len(last) - len(words), 1) :]
    if top.day < shown[0].day:
        # What the words name has to be among the bars.
        return volume_line(shown, width)
    bars = sparkline([day.events for day in shown], len(shown))
    line = Content.assemble((f"{_day(shown[0].day)} ", "dim"), (bars, "$primary"), (last, "dim"), words)
    return line if line.cell_length <= width else Content(cut(line.plain, width))


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def sizes_line(sizes: Sequence[AudienceSize], width: int, *, now: datetime, zone: tzinfo | None) -> Content:
    """An audience's size from its first known moment until now: bars between the lowest and the highest figure.

    Args:
        sizes: at least one, oldest first; each holds until the next.
        width: in cells.
    """
    low, high = min(size.size for size in sizes), max(size.size for size in sizes)
    first, last = f"{when(sizes[0].at, now, zone)} ", " now"
    words = f"  from {rough(low)} to {rough(high)}" if low < high else f"  always {rough(low)}"
    room = min(width - len(first) - len(last) - len(words), BARS_AT_MOST)
    # A bar from zero would hide changes of a few in a hundred, which are the usual ones.
    bars = sparkline([size - low for size in _steps(sizes, max(room, 1), now)], room)
    line = Content.assemble((first, "dim"), (bars, "$primary"), (last, "dim"), words)
    return line if line.cell_length <= width else Content(cut(line.plain, width))


def _steps(sizes: Sequence[AudienceSize], number: int, now: datetime) -> list[int]:
    """The size at the end of each of some spans of equal length."""
    first = sizes[0].at
    span = max((now - first) / number, timedelta(microseconds=1))
    ends = [first + span * (place + 1) for place in range(number)]
    moments = [size.at for size in sizes]
    return [sizes[max(bisect_right(moments, end) - 1, 0)].size for end in ends]
