"""A table that is told its whole content again and again, and changes only what differs on the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.color import Color, ColorParseError
from textual.widgets import DataTable

from lytics_azure_tui.tui.text import rich

PADDING = 1
READING_SECONDS = 120
"""After the last key in a grid, or turn of the wheel, somebody may still be reading there."""
TONES = {"good": "text-success", "bad": "text-error", "watch": "text-warning", "busy": "text-primary"}
"""What a cell's tone is called, and the theme's variable with its colour. "muted" is dim, "strong" bold."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a grid.

    Attributes:
        title: its head; may be data.
        width: in cells; 0 shares what is left with the other columns of width 0.
        least, most: bounds of a column of width 0; 0 for no upper one.
        right: figures stand to the right.
        optional: the column is left out where there is not room for all; those with the highest number first. Where
            there is not room for those with 0, the grid scrolls sideways.
    """

    title: str
    width: int = 0
    least: int = 12
    most: int = 0
    right: bool = False
    optional: int = 0


@dataclass(frozen=True, slots=True)
class Cell:
    """Text, which may be data, and a tone; `short` is for columns that have no room for the text."""

    text: str
    tone: str = ""
    short: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a grid; `key` is data and never shown, `cells` are those of all columns."""

    key: str
    cells: tuple[Cell, ...]


class Grid(DataTable[Text]):
    """Rows with a cursor, which stays on its row when others come and go. What is too long ends in an ellipsis.

    A grid with the newest rows first shows them when they come, unless somebody is reading further down.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
    ]

    def __init__(
        self,
        columns: Sequence[Column] = (),
        *,
        newest_first: bool = False,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(cursor_type="row", cell_padding=PADDING, id=id, classes=classes)
        self._wanted = tuple(columns)
        self._newest_first = newest_first
        self._touched = float("-inf")
        """When somebody moved in it last."""
        self._top: str | None = None
        """The key of the first row that somebody has seen."""
        self._content: tuple[Row, ...] = ()
        self._laid: tuple[tuple[Column, int, int], ...] = ()
        """(column, its place in a row, width) of what is on the screen."""
        self._drawn: tuple[Row, ...] = ()

    def on_mount(self) -> None:
        self.watch(self.app, "theme", self._recolour, init=False)

    def on_resize(self, _event: events.Resize) -> None:
        self._draw()

    def on_key(self) -> None:
        self._touched = monotonic()

    def on_mouse_scroll_down(self) -> None:
        self._touched = monotonic()

    def on_click(self) -> None:
        self._touched = monotonic()

    @property
    def _being_read(self) -> bool:
        below = self.cursor_row > 0 or self.scroll_y > 0
        return below and monotonic() - self._touched < READING_SECONDS

    @property
    def newer(self) -> int:
        """Rows that came above the one that was the first when somebody began to read further down."""
        if not self._being_read or self._top is None:
            self._top = self._drawn[0].key if self._drawn else None
        return next((place for place, row in enumerate(self._drawn) if row.key == self._top), 0)

    def show_rows(self, rows: Sequence[Row], columns: Sequence[Column] | None = None) -> None:
        """Shows these rows, in this order; their keys differ."""
        if columns is not None:
            self._wanted = tuple(columns)
        self._content = tuple(rows)
        self._draw()

    @property
    def selected(self) -> str | None:
        """The key of the row under the cursor."""
        return self._drawn[self.cursor_row].key if 0 <= self.cursor_row < len(self._drawn) else None

    def select(self, key: str) -> None:
        """Puts the cursor on a row, if it is there."""
        for index, row in enumerate(self._drawn):
            if row.key == key:
                self.move_cursor(row=index)

    def _recolour(self) -> None:
        self._laid = ()
        self._draw()

    def _draw(self) -> None:
        if not self.size.width:
            return
        laid = self._lay()
        colours = self._colours()
        if laid != self._laid or [row.key for row in self._content] != [row.key for row in self._drawn]:
            self._redraw(laid, colours)
        else:
            for index, (old, new) in enumerate(zip(self._drawn, self._content, strict=True)):
                for place, (column, source, width) in enumerate(laid):
                    if old.cells[source] != new.cells[source]:
                        self.update_cell_at((index, place), _text(new.cells[source], column, width, colours))  # type: ignore[arg-type]
        self._laid, self._drawn = laid, self._content

    def _redraw(self, laid: tuple[tuple[Column, int, int], ...], colours: Mapping[str, Style]) -> None:
        before, place = self.selected, self.cursor_row
        across, down = self.scroll_x, self.scroll_y
        being_read = self._being_read
        self.clear(columns=laid != self._laid)
        if laid != self._laid:
            for column, _, width in laid:
                self.add_column(_text(Cell(column.title), column, width, colours), width=width)
        for row in self._content:
            self.add_row(*(_text(row.cells[source], column, width, colours) for column, source, width in laid))
        keys = [row.key for row in self._content]
        if keys:
            at = keys.index(before) if before in keys else min(place, len(keys) - 1)
            if self._newest_first and being_read:
                down += at - place  # nothing moves below the reader's eyes
            elif self._newest_first:
                at = down = 0
            self.move_cursor(row=at, scroll=False)
            self.scroll_to(across, down, animate=False, force=True)

    def _lay(self) -> tuple[tuple[Column, int, int], ...]:
        # The scroll bar's place is kept free, so that rows that come and go do not move the columns.
        return lay(self._wanted, self.size.width - self.styles.scrollbar_size_vertical)

    def _colours(self) -> dict[str, Style]:
        variables = self.app.theme_variables
        styles = {"": Style(), "muted": Style(dim=True), "strong": Style(bold=True)}
        for tone, variable in TONES.items():
            try:
                styles[tone] = Style(color=Color.parse(variables[variable]).rich_color)
            except (KeyError, ColorParseError):  # a theme of the terminal's own colours
                styles[tone] = Style(bold=True)
        return styles


def _text(cell: Cell, column: Column, width: int, colours: Mapping[str, Style]) -> Text:
    text = rich(cell.short if cell.short and cell_len(cell.text) > width else cell.text, cells=width)
    text.stylize(colours[cell.tone])
    text.justify = "right" if column.right else "left"
    return text


def lay(columns: Sequence[Column], room: int) -> tuple[tuple[Column, int, int], ...]:
    """(column, its place among `columns`, width) of those that fit into so many cells."""
    there = list(enumerate(columns))
    widths = [max(column.width or column.least, 1) for column in columns]
    while sum(widths[place] + 2 * PADDING for place, _ in there) > room:
        dearest = max(there, key=lambda one: (one[1].optional, one[0]), default=None)
        if dearest is None or not dearest[1].optional:
            break
        there.remove(dearest)
    left = room - sum(widths[place] + 2 * PADDING for place, _ in there)
    for _ in range(left):
        growing = [place for place, one in there if not one.width and (not one.most or widths[place] < one.most)]
        if growing:
            widths[min(growing, key=widths.__getitem__)] += 1
    return tuple((column, place, widths[place]) for place, column in there)
