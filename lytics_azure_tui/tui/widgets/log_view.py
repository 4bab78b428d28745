"""The lines of a log, wrapped to the width and drawn only where they are seen."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import tzinfo
from textwrap import wrap

from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from lytics_azure_tui.model.run import LogLine
from lytics_azure_tui.tui.text import plain

WORDS = {"info": "", "warning": "⚠ ", "error": "✗ "}


class LogView(ScrollView, can_focus=True):
    """Stays at the end while new lines come, unless the operator has scrolled up."""

    COMPONENT_CLASSES = {"log--time", "log--warning", "log--error", "log--info"}
    DEFAULT_CSS = """
    LogView {
        .log--time { color: $text-muted; }
        .log--warning { color: $text-warning; }
        .log--error { color: $text-error; }
        .log--info { color: $foreground; }
    }
    """

    def __init__(self, zone: tzinfo | None, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._zone = zone
        self._lines: list[LogLine] = []
        self._drawn: list[tuple[str, str, str]] = []
        """(time or blanks, level, text) of each line on the screen."""

    def add(self, lines: Iterable[LogLine]) -> None:
        """Adds lines at the end."""
        new = list(lines)
        if new:
            at_end = self.is_vertical_scroll_end
            self._lines += new
            self._drawn += self._wrapped(new)
            self._resized(at_end)

    def on_resize(self, _event: events.Resize) -> None:
        at_end = self.is_vertical_scroll_end
        self._drawn = list(self._wrapped(self._lines))
        self._resized(at_end)

    def _resized(self, at_end: bool) -> None:
        self.virtual_size = Size(self.size.width, len(self._drawn))
        if at_end:
            self.scroll_end(animate=False)
        self.refresh()

    def _wrapped(self, lines: Iterable[LogLine]) -> Iterable[tuple[str, str, str]]:
        width = max(self.size.width - 10, 20)
        for line in lines:
            time = f"{line.at.astimezone(self._zone):%H:%M:%S}"
            text = WORDS.get(line.level, "") + plain(line.text)
            for part in wrap(text, width, subsequent_indent="  ") if len(text) > width else [text]:
                yield time, line.level, part
                time = " " * 8

    def render_line(self, y: int) -> Strip:
        place = y + self.scroll_offset.y
        width = self.size.width
        if place >= len(self._drawn):
            return Strip.blank(width, self.rich_style)
        time, level, text = self._drawn[place]
        style = self.get_component_rich_style(f"log--{level}" if level in WORDS else "log--info")
        line = Text(f" {time} ", self.get_component_rich_style("log--time"), end="", no_wrap=True).append(text, style)
        selected = self.text_selection.get_span(place) if self.text_selection is not None else None
        if selected is not None:
            begin, end = selected
            end = len(line) if end == -1 else end
            line.stylize(self.screen.get_component_rich_style("screen--selection"), begin, end)
        strip = Strip(line.render(self.app.console), line.cell_len)
        return strip.adjust_cell_length(width, self.rich_style + Style()).crop(0, width).apply_offsets(0, place)

    # Copying: the mouse selects, ctrl+c copies

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected part of the lines, as they are drawn."""
        return selection.extract("\n".join(f" {time} {text}" for time, _, text in self._drawn)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draws what is selected now."""
        self.refresh()
