"""The first rows of a file, and what they tell about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import DataTable, Static

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.model.amounts import size
from lytics_azure_tui.model.delimiter import delimiter_name
from lytics_azure_tui.tui.text import content, cut, plain, rich
from lytics_azure_tui.tui.widgets.problem import explain

if TYPE_CHECKING:
    from lytics_azure_tui.jobs.csv_sniff import CsvLook

COLUMNS, CELL = 60, 28
_NEWLINES = {"\n": "", "\r\n": "CRLF", "\r": "CR"}


class FirstRows(Vertical):
    """Some words about what is under the cursor, then some of its rows."""

    NOTHING: ClassVar[str] = ""
    """What is said while there is nothing to show."""
    DEFAULT_CSS = """
    FirstRows { height: 1fr; }
    FirstRows .preview-words { height: auto; max-height: 6; padding: 0 1; }
    FirstRows DataTable { height: 1fr; }
    FirstRows DataTable > .datatable--header { background: $surface; }
    """

    def compose(self) -> ComposeResult:
        yield Static(Content.styled(self.NOTHING, "dim"), classes="preview-words")
        yield from self.between()
        table: DataTable[Text] = DataTable(cursor_type="none", header_height=2, zebra_stripes=False)
        table.display = False
        yield table

    def between(self) -> ComposeResult:
        """What stands between the words and the rows."""
        yield from ()

    @property
    def _words(self) -> Static:
        return self.query_one(".preview-words", Static)

    @property
    def _table(self) -> DataTable[Text]:
        return self.query_one(DataTable)

    def clear(self, words: str = "") -> None:
        """Nothing to show; says why."""
        self._table.display = False
        self._words.update(content(words or self.NOTHING, "dim"))

    def show_error(self, error: LyazureError) -> None:
        """It cannot be looked at; says why."""
        self._table.display = False
        self._words.update(explain(error))

    def _fill(self, headings: Iterable[Text], rows: Iterable[Sequence[str | None]]) -> None:
        table = self._table
        table.display = True
        table.clear(columns=True)
        for heading in headings:
            table.add_column(heading)
        for row in rows:
            table.add_row(*(cell(value) for value in row[:COLUMNS]))
        table.scroll_home(animate=False)


class Preview(FirstRows):
    """A file's facts in two lines, then its first rows."""

    NOTHING = "Go to a file to see its first rows."

    def show(self, look: CsvLook, key: str) -> None:
        """Shows a file.

        Args:
            key: the one that takes the suggested delimiter.
        """
        self._words.update(facts(look, key))
        self._fill((_heading(look, column) for column in look.header[:COLUMNS]), look.rows)


def facts(look: CsvLook, key: str) -> Content:
    """What a file is, in words."""
    columns = len(look.header)
    pieces = [
        look.encoding.name,
        delimiter_name(look.delimiter),
        look.compression if look.compression != "none" else "",
        _NEWLINES.get(look.newline, ""),
        f"{columns:,} column{'' if columns == 1 else 's'}",
        size(look.size),
    ]
    lines = [content(" · ".join(piece for piece in pieces if piece), "bold")]
    if look.encoding.name != "utf-8" or not look.encoding.certain:
        style = "dim" if look.encoding.certain else "$text-warning"
        lines.append(content(f"Encoding: {look.encoding}", style))
    if look.suggested_delimiter:
        name = delimiter_name(look.suggested_delimiter)
        entry = "t" if look.suggested_delimiter == "\t" else look.suggested_delimiter
        lines.append(
            Content.assemble(
                ("▸ ", "$text-warning"),
                content(f"Looks {name}-delimited: press {key} to use {entry}", "bold $text-warning"),
            )
        )
    if look.timestamp_candidates:
        names = ", ".join(plain(name, 30) for name in look.timestamp_candidates)
        lines.append(Content.assemble(("Times in: ", "dim"), cut(names, 200)))
    if columns > COLUMNS:
        lines.append(content(f"The first {COLUMNS} of {columns:,} columns are shown", "dim"))
    lines += [content(f"! {note}", "$text-warning") for note in look.notes[:3]]
    if len(look.notes) > 3:
        lines.append(content(f"! and {len(look.notes) - 3} notes more", "$text-warning"))
    return Content("\n").join(lines)


def _heading(look: CsvLook, column: str) -> Text:
    is_time = column in look.timestamp_candidates
    kind = rich(look.types.get(column, ""), "dim", CELL)
    return Text.assemble(rich(column, "bold", CELL), "\n", "◷ " if is_time else "", kind, end="")


def cell(value: str | None, cells: int = CELL) -> Text:
    """A value in a table; None has a sign of its own."""
    return Text("∅", "dim", end="") if value is None else rich(value, cells=cells)
