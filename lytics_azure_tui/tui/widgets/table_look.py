"""A table under the cursor: what it is, its columns, and its newest rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.tui.text import content, cut, plain, rich
from lytics_azure_tui.tui.widgets.preview import CELL, COLUMNS, FirstRows
from lytics_azure_tui.tui.widgets.problem import explain

if TYPE_CHECKING:
    from lytics_azure_tui.azure.sql_catalogue import ColumnInfo, Table, TableInfo

NAME, TYPE = 30, 20
"""Cells at most, in the list of columns."""


class TableLook(FirstRows):
    """Facts, a column a line where there is room for that, and the first rows below their names and types."""

    NOTHING = "Go to a table to see its columns and newest rows."
    DEFAULT_CSS = """
    TableLook .look-columns { display: none; height: auto; max-height: 40%; padding: 0 1; scrollbar-size: 1 1; }
    TableLook.-known .look-columns { display: block; }
    TableLook .look-list { text-wrap: nowrap; text-overflow: ellipsis; }
    TableLook .look-rows { height: auto; max-height: 6; padding: 0 1; }
    TableLook .look-rows.-nothing { display: none; }
    """

    def between(self) -> ComposeResult:
        """The columns, and what is said about the rows."""
        yield VerticalScroll(Static("", classes="look-list"), classes="look-columns", can_focus=False)
        yield Static("", classes="look-rows")

    def clear(self, words: str = "") -> None:
        super().clear(words)
        self._blank()

    def show_error(self, error: LyazureError) -> None:
        super().show_error(error)
        self._blank()

    def _blank(self) -> None:
        self.remove_class("-known")
        self._say_of_rows(Content(""))

    def _say_of_rows(self, words: Content, *, minor: bool = False) -> None:
        """Where there is little room, what is minor is left out."""
        said = self.query_one(".look-rows", Static)
        said.set_class(minor, "-minor")
        said.set_class(not words.plain, "-nothing")
        said.update(words)

    def show_table(self, info: TableInfo, table: Table) -> None:
        """Shows what a table is and its columns; its rows are on their way."""
        self._words.update(facts(info, table))
        self.add_class("-known")
        self.query_one(".look-columns").scroll_home(animate=False)
        self.query_one(".look-list", Static).update(Content("\n").join(column_lines(table)))
        self._table.display = False
        self._say_of_rows(content("loading rows…", "dim"))

    def show_rows(self, table: Table, rows: Sequence[Sequence[str | None]], newest_by: str | None) -> None:
        """Shows its rows.

        Args:
            newest_by: the column by which they are the newest; None when they are any.
        """
        if not rows:
            self._say_of_rows(content("It has no rows.", "dim"))
            return
        which = f"Newest by {plain(newest_by, 40)}" if newest_by else "Any rows: no index leads to the newest ones"
        self._say_of_rows(content(which, "dim"), minor=True)
        self._fill((_heading(column) for column in table.columns[:COLUMNS]), rows)

    def show_rows_error(self, error: LyazureError) -> None:
        """Its rows cannot be read; its columns stay."""
        self._table.display = False
        self._say_of_rows(explain(error))


def facts(info: TableInfo, table: Table) -> Content:
    """What a table is, and what stands in the way of importing it."""
    from lytics_azure_tui.jobs.choices import size_of
    from lytics_azure_tui.jobs.time_columns import time_columns

    count = len(table.columns)
    name = content(f"{info.schema}.{info.name}", "bold")
    about = content(f"{size_of(info)} · {count:,} column{'' if count == 1 else 's'}", "bold")
    # A long name has its lines for itself.
    lines = [name, about] if name.cell_length > 28 else [name + Content.styled(" · ", "bold") + about]
    times = time_columns(table)
    if times:
        names = ", ".join(plain(column.name, 30) for column in times)
        lines.append(Content.assemble(("Times in: ", "dim"), cut(names, 200)))
    else:
        lines.append(content("! No column of dates or times: a job cannot put its rows in order", "$text-warning"))
    refused = [column for column in table.columns if not column.importable]
    if refused:
        names = _some([f"{column.name} ({'encrypted' if column.encrypted else column.type})" for column in refused])
        lines.append(content(f"! A job cannot import {names}; make a view", "$text-warning"))
    masked = [column.name for column in table.columns if column.masked]
    if masked:
        lines.append(content(f"! Masked for this user: {_some(masked)}", "$text-warning"))
    if table.internal:
        lines.append(content(f"Left out, as nobody can read them: {_some(table.internal)}", "dim"))
    if count > COLUMNS:
        lines.append(content(f"Rows are shown with their first {COLUMNS} columns", "dim"))
    return Content("\n").join(lines)


def _some(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(plain(name, 40) for name in names[:3]) + more


def column_lines(table: Table) -> list[Content]:
    """A line for each column: what it is for, its name, its type, and what is to be known of it."""
    names = [plain(column.name, NAME) for column in table.columns]
    width = max(Content(name).cell_length for name in names)
    types = min(max(len(column.declared) for column in table.columns), TYPE)
    lines = []
    for column, name in zip(table.columns, names, strict=True):
        padded = name + " " * (width - Content(name).cell_length)
        good = column.importable
        lines.append(
            Content.assemble(
                ("✗ ", "$text-error") if not good else ("◷ ", "$primary") if column.is_time else "  ",
                (padded, "" if good else "$text-error"),
                "  ",
                (plain(column.declared, TYPE).ljust(types), "dim"),
                "  ",
                ("" if good else "cannot be imported · ", "$text-error"),
                (" · ".join(_marks(column)), "dim"),
            )
        )
    return lines


def _marks(column: ColumnInfo) -> list[str]:
    marks = ["key"] if column.key else ["indexed"] if column.leads else []
    marks += ["nullable" if column.nullable else "not null"]
    return [*marks, *(trait for trait in column.traits if trait not in ("nullable", "indexed"))]


def _heading(column: ColumnInfo) -> Text:
    sign = "✗ " if not column.importable else "◷ " if column.is_time else ""
    key = " key" if column.key else ""
    kind = rich(f"{column.declared}{key}", "dim", CELL)
    return Text.assemble(rich(column.name, "bold", CELL), "\n", sign, kind, end="")
