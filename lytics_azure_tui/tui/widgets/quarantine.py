"""The quarantined rows of a run: why, where, and the row as it came."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import DataTable, Static

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.tui.figures import count
from lytics_azure_tui.tui.quarantine_pages import PAGE, Page, read_page
from lytics_azure_tui.tui.text import content
from lytics_azure_tui.tui.threads import in_thread
from lytics_azure_tui.tui.widgets.grid import Cell, Column, Grid, Row
from lytics_azure_tui.tui.widgets.problem import explain

REASONS_SHOWN = 3
RAW_SHOWN = 4_000
"""Characters of a row; an unclosed quote can make one of a whole file."""


class Quarantine(Vertical):
    """Pages of rows; below them the row under the cursor in full."""

    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("File", least=16, optional=1),
        Column("Line", 10, right=True),
        Column("Reason", least=24),
        Column("Row", least=24),
    )

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._files: tuple[str, ...] = ()
        self._page: Page | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="reasons", markup=False)
        yield Grid(self.COLUMNS, id="rows")
        yield Static(id="raw", markup=False)

    @property
    def total(self) -> int:
        """Rows of all pages; 0 while they are not read."""
        return self._page.total if self._page else 0

    def show_files(self, files: tuple[str, ...]) -> None:
        """Shows the rows in these files."""
        if files != self._files or self._page is None:
            self._files = files
            self._read(self._page.offset if self._page else 0)

    def turn(self, pages: int) -> None:
        """Goes some pages on, or back."""
        if self._page is not None:
            offset = self._page.offset + pages * PAGE
            if 0 <= offset < self._page.total:
                self._read(offset)

    @work(exclusive=True, description="read the quarantine", exit_on_error=False)
    async def _read(self, offset: int) -> None:
        files = self._files
        try:
            page = await in_thread(lambda: read_page(files, offset), "read the quarantined rows")
        except LyazureError as error:
            self.query_one("#reasons", Static).update(explain(error))
            return
        self._page = page
        self.query_one("#reasons", Static).update(_reasons(page))
        self.query_one("#rows", Grid).show_rows(_rows(page))
        self._show_raw()

    @on(DataTable.RowHighlighted)
    def _show_raw(self) -> None:
        page = self._page
        key = self.query_one("#rows", Grid).selected
        if page is None or key is None:
            self.query_one("#raw", Static).update("")
            return
        row = page.rows[int(key) - page.offset]
        place = Content.assemble(
            ("file ", "dim"),
            content(row.file),
            ("  line ", "dim"),
            count(row.line),
            ("  byte ", "dim"),
            count(row.byte),
        )
        raw = content(row.text[:RAW_SHOWN])
        sign = Content("…") if len(row.raw) > RAW_SHOWN else Content("")
        self.query_one("#raw", Static).update(
            Content("\n").join((place, content(row.reason, "$text-warning"), raw + sign))
        )


def _reasons(page: Page) -> Content:
    if not page.reasons:
        return Content.styled("No row of this run is in quarantine.", "dim")
    ordered = page.reasons
    shown = [
        Content.assemble((f"{count(number):>9}  ", "bold"), content(reason))
        for reason, number in ordered[:REASONS_SHOWN]
    ]
    if len(ordered) > REASONS_SHOWN:
        rest = sum(number for _, number in ordered[REASONS_SHOWN:])
        shown.append(Content.styled(f"{count(rest):>9}  for {len(ordered) - REASONS_SHOWN} more reasons", "dim"))
    last = page.offset + len(page.rows)
    if page.total > PAGE:
        words = f"rows {count(page.offset + 1)} to {count(last)} of {count(page.total)}; [ and ] turn pages"
        shown.append(Content.styled(f"{'':9}  {words}", "dim"))
    return Content("\n").join(shown)


def _rows(page: Page) -> list[Row]:
    return [
        Row(
            str(page.offset + place),
            (Cell(row.file, "muted"), Cell(count(row.line)), Cell(row.reason, "watch"), Cell(row.text[:500])),
        )
        for place, row in enumerate(page.rows)
    ]
