"""The tables and views of a database, one a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Static

from lytics_azure_tui.model.amounts import size
from lytics_azure_tui.tui.figures import rough
from lytics_azure_tui.tui.listing import Level
from lytics_azure_tui.tui.table_listing import TableLine, TableListing
from lytics_azure_tui.tui.text import cut, cut_middle, plain
from lytics_azure_tui.tui.widgets.lines import Lines

if TYPE_CHECKING:
    from lytics_azure_tui.azure.sql_catalogue import TableInfo

ROWS, SIZE = 8, 7
"""Cells of the figures."""


class TableList(Lines[TableLine]):
    """Shows a `TableListing`. It asks, by `Wants`, for the next page."""

    DEFAULT_CSS = """
    TableList { scrollbar-gutter: stable; }
    """

    class Chosen(Message):
        """A table was chosen."""

        def __init__(self, table: TableInfo) -> None:
            super().__init__()
            self.table = table

    class Wants(Message):
        """The next page, or the one that failed, is wanted."""

    def __init__(self, listing: TableListing, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._listing = listing

    def _now(self) -> list[TableLine]:
        return self._listing.rows()

    def find(self, schema: str, name: str) -> bool:
        """Puts the cursor on a table, if it is there."""
        for index, row in enumerate(self._rows):
            if row.table is not None and (row.table.schema, row.table.name) == (schema, name):
                self.cursor = index
                return True
        return False

    def _line(self, row: TableLine, width: int, *, plain_colours: bool) -> Text:
        info = row.table
        if info is None:
            nothing = "no name contains this" if self._listing.pages.text else "there are no tables that you may see"
            return self._sign(row.level, row.error, width, plain_colours=plain_colours, indent=" ", empty=nothing)
        muted = self._colour("muted", plain_colours)
        schema, name = plain(info.schema), plain(info.name)
        tail = _tail(info)
        # The figures give way to a long name: it is the name that one looks for.
        if cell_len(f" {schema}.{name} ") + len(tail) > width:
            tail = _tail(info, short=True)
        room = width - len(tail) - 2
        if cell_len(f"{schema}.{name}") > room:
            schema = cut(schema, max(room // 3, 4))
            name = cut_middle(name, room - cell_len(schema) - 1)
        line = Text(" ", end="", no_wrap=True).append(f"{schema}.", muted).append(name)
        line.append(" " * max(width - line.cell_len - len(tail), 0))
        return line.append(tail, muted)

    def _chosen_by_enter(self, row: TableLine) -> bool:
        return row.level is Level.TABLE

    def action_enter(self) -> None:
        """Chooses, or loads."""
        row = self.at
        if row is None:
            return
        if row.table is not None:
            self.post_message(self.Chosen(row.table))
        elif row.level in (Level.MORE, Level.FAILED):
            self.post_message(self.Wants())


def _tail(info: TableInfo, *, short: bool = False) -> str:
    if info.rows is None or info.bytes is None:
        return "view " if short else f"{'view':>{ROWS}}  {'':>{SIZE}} "
    return f"{rough(info.rows)} " if short else f"{rough(info.rows):>{ROWS}}  {size(info.bytes):>{SIZE}} "


class TableHead(Horizontal):
    """What the columns of the list are."""

    DEFAULT_CSS = """
    TableHead { height: 1; color: $text-muted; padding: 0 1 0 0; }
    TableHead .names { width: 1fr; }
    TableHead .figures { width: auto; }
    """

    def compose(self) -> ComposeResult:
        yield Static(" Table or view", classes="names")
        yield Static(f"{'rows':>{ROWS}}  {'size':>{SIZE}} ", classes="figures")
