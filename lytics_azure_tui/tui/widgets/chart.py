"""A line of bars that is drawn for the room there is, with the words that say what they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from textual.content import Content
from textual.widget import Widget

from lytics_azure_tui.lytics.protocol import Volume
from lytics_azure_tui.tui.figures import rough
from lytics_azure_tui.tui.text import cut
from lytics_azure_tui.tui.widgets.pace import sparkline


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
    """Events a day: the first day that is shown, bars, the last day, and the largest figure with its day.

    Args:
        days: at least one, oldest first.
        width: in cells.
    """
    top = max(days, key=lambda day: day.events)
    last = f" {_day(days[-1].day)}"
    words = f"  at most {rough(top.events)} a day, {_day(top.day)}"
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
