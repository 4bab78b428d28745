"""A list of lines with a cursor. Only those on the screen are drawn, so that 100,000 scroll like ten."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.tui.listing import Level
from lytics_azure_tui.tui.text import cut, plain

Row = TypeVar("Row")

SIGNS = {
    Level.LOADING: ("loading…", "muted"),
    Level.EMPTY: ("nothing in it", "muted"),
    Level.MORE: ("more… (enter loads the next page)", "branch"),
    Level.FAILED: ("", "failed"),
}
"""Lines that are not names: what they say, and how they are coloured."""


class Lines(ScrollView, Generic[Row], can_focus=True):
    """A subclass gives the rows, draws a line, and says what enter does."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"lines--muted", "lines--branch", "lines--cursor", "lines--failed"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "to_end(True)", show=False),
        Binding("end", "to_end(False)", show=False),
        Binding("enter", "enter", show=False),
    ]
    DEFAULT_CSS = """
    Lines { height: 1fr; background: $background; scrollbar-size: 1 1; overflow-x: hidden; overflow-y: auto; }
    Lines > .lines--muted { color: $text-muted; }
    Lines > .lines--branch { color: $text-primary; }
    Lines > .lines--failed { color: $text-error; }
    Lines > .lines--cursor {
        background: $block-cursor-background; color: $block-cursor-foreground; text-style: bold;
    }
    """

    cursor: reactive[int] = reactive(0)

    class Highlighted(Message):
        """The cursor is on another row."""

        def __init__(self, row: Any) -> None:
            super().__init__()
            self.row = row

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Lines.Highlighted)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: list[Row] = []

    # What a subclass gives

    def _now(self) -> list[Row]:
        """The rows from top to bottom."""
        raise NotImplementedError

    def _line(self, row: Row, width: int, *, plain_colours: bool) -> Text:
        """A row; below the cursor its colours are those of the cursor."""
        raise NotImplementedError

    def _chosen_by_enter(self, row: Row) -> bool:
        """Whether enter ends the choosing here, so that the mouse has to click twice."""
        raise NotImplementedError

    def action_enter(self) -> None:
        """Whatever fits what the cursor is on."""
        raise NotImplementedError

    # What is shown

    @property
    def at(self) -> Row | None:
        """What is below the cursor."""
        return self._rows[self.cursor] if 0 <= self.cursor < len(self._rows) else None

    def redraw(self, *, to: Row | None = None) -> None:
        """Looks at the rows again. The cursor stays on its row, or goes to the one given."""
        wanted = to if to is not None else self.at
        self._rows = self._now()
        self.virtual_size = Size(0, len(self._rows))
        if wanted is not None and wanted in self._rows:
            self.cursor = self._rows.index(wanted)
        self.cursor = self.validate_cursor(self.cursor)
        self.refresh()
        self._tell()

    def validate_cursor(self, cursor: int) -> int:
        """Within the rows."""
        return max(0, min(cursor, len(self._rows) - 1))

    def watch_cursor(self) -> None:
        """Scrolls to it and says so."""
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, force=True)
        self.refresh()
        self._tell()

    def _tell(self) -> None:
        if self.at is not None:
            self.post_message(self.Highlighted(self.at))

    def render_line(self, y: int) -> Strip:
        width, index = self.size.width, y + self.scroll_offset.y
        base = self.rich_style
        if index >= len(self._rows):
            return Strip.blank(width, base)
        style = self.get_component_rich_style("lines--cursor") if index == self.cursor else base
        text = self._line(self._rows[index], width, plain_colours=index == self.cursor)
        segments = [
            Segment(segment.text, style + (segment.style or Style())) for segment in text.render(self.app.console)
        ]
        return Strip(segments).adjust_cell_length(width, style)

    def _colour(self, name: str, plain_colours: bool) -> Style:
        return Style() if plain_colours else Style(color=self.get_component_rich_style(f"lines--{name}").color)

    def _sign(
        self, level: Level, error: LyazureError | None, width: int, *, plain_colours: bool, indent: str, empty: str = ""
    ) -> Text:
        """What stands in a line that is not a name; `empty` is said where there is nothing."""
        words, tone = SIGNS[level]
        if level is Level.FAILED:
            words = cut(f"✗ {plain(error or '', width)}", width - 20) + "  ctrl+r retries"
        elif level is Level.EMPTY and empty:
            words = empty
        return Text(indent + words, self._colour(tone, plain_colours), end="", no_wrap=True)

    # What the operator does

    def action_move(self, by: int) -> None:
        """Up or down."""
        self.cursor += by

    def action_page(self, by: int) -> None:
        """A screenful up or down."""
        self.cursor += by * max(self.size.height - 1, 1)

    def action_to_end(self, start: bool) -> None:
        """To the first or the last line."""
        self.cursor = 0 if start else len(self._rows) - 1

    def on_click(self, event: events.Click) -> None:
        """One click goes to a line, and does what enter does unless that chooses it: then it takes two."""
        index = event.y + self.scroll_offset.y
        if index >= len(self._rows):
            return
        self.cursor = index
        if event.chain == 2 or not self._chosen_by_enter(self._rows[index]):
            self.action_enter()
