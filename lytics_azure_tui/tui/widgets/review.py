"""The last look before a job starts: its answers in words, when it will run, and what a run would do now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rich.cells import cell_len
from rich.table import Column, Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import DataTable, Static

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.model.amounts import size
from lytics_azure_tui.model.schedule import Schedule
from lytics_azure_tui.tui.text import content, plain, rich
from lytics_azure_tui.tui.widgets.form import LABEL, WIDEST_LABEL
from lytics_azure_tui.tui.widgets.preview import cell
from lytics_azure_tui.tui.widgets.problem import explain

if TYPE_CHECKING:
    from lytics_azure_tui.jobs.kind import Rehearsal

NEXT_RUNS = 5
FILES, ROWS, COLUMNS, CELL = 8, 10, 30, 24
WHOLE, LONGEST = 4, 4000
"""Up to so many columns are shown without cutting their values, up to so many characters each."""


class Review(VerticalScroll):
    """Sections below each other; it scrolls."""

    DEFAULT_CSS = """
    Review { height: 1fr; scrollbar-size: 1 1; padding: 0 2; }
    Review Vertical { height: auto; }
    Review .review-heading { color: $primary; text-style: bold; height: 1; }
    Review Static { height: auto; }
    Review #answers, Review #runs { margin-bottom: 1; }
    Review DataTable { height: auto; max-height: 12; margin-top: 1; }
    """

    def compose(self) -> ComposeResult:
        with Vertical(id="left"):
            yield Static("The job", classes="review-heading")
            yield Static("", id="answers")
        with Vertical(id="right"):
            yield Static("When it runs", classes="review-heading")
            yield Static("", id="runs")
            yield Static("What a run would do now", classes="review-heading")
            yield Static("", id="rehearsal")
            table: DataTable[Text] = DataTable(cursor_type="none", id="sample")
            table.display = False
            yield table
            yield Static("", id="whole")

    def show_answers(self, answers: Mapping[str, str], before: Mapping[str, str] | None = None) -> None:
        """The answers by label; an empty one was left out.

        Args:
            before: what the saved job says; what differs from it is marked.
        """
        labels = list(dict.fromkeys([*answers, *(before or ())]))
        width = min(max([LABEL, *(len(label) + 2 for label in labels)]), WIDEST_LABEL)
        table = Table.grid(Column(width=width), Column(overflow="fold"))
        changed = [label for label in labels if before is not None and before.get(label, "") != answers.get(label, "")]
        for label in labels:
            shown = _answer(answers.get(label, ""))
            if before is not None and label in changed:
                shown = Text.assemble(("• ", "bold"), shown, ("  before: ", "dim"), _answer(before.get(label, "")))
            table.add_row(rich(label, "bold" if label in changed else "dim", width - 2), shown)
        if before is not None:
            said = f"• {len(changed)} changed since it was saved" if changed else "As it is saved"
            table.add_row(Text(""), Text(said, "dim"))
        self.query_one("#answers", Static).update(table)

    def show_schedule(self, schedule: Schedule | None, now: datetime, zone: tzinfo | None) -> None:
        """The next runs in the job's zone and in the operator's."""
        self.query_one("#runs", Static).update(next_runs(schedule, now, zone))

    def show_waiting(self, words: str) -> None:
        """No rehearsal yet, or none any more."""
        self._show_sample((), ())
        self.query_one("#rehearsal", Static).update(content(words, "dim"))

    def show_error(self, error: LyazureError) -> None:
        """A run would fail: that is seen, also where the answers above it fill the screen."""
        self._show_sample((), ())
        words = Content.assemble(explain(error), ("\nr tries again.", "dim"))
        rehearsal = self.query_one("#rehearsal", Static)
        rehearsal.update(words)
        # Once it has its height: before that there is nowhere to scroll to.
        self.call_after_refresh(self.call_after_refresh, rehearsal.scroll_visible, animate=False, top=True)

    def show_rehearsal(self, rehearsal: Rehearsal) -> None:
        """What a run would do."""
        lines = [content(rehearsal.about, "bold")]
        lines += [
            Content.assemble(("  • ", "dim"), content(name), ("  ", ""), content(what, "dim"))
            for name, what in rehearsal.items[:FILES]
        ]
        if len(rehearsal.items) > FILES:
            lines.append(content(f"  and {len(rehearsal.items) - FILES:,} more", "dim"))
        if rehearsal.bytes_total is not None:
            lines.append(content(f"  {size(rehearsal.bytes_total)} in all", "dim"))
        lines += [content(f"! {note}", "$text-warning") for note in rehearsal.notes]
        self.query_one("#rehearsal", Static).update(Content("\n").join(lines))
        self._show_sample(rehearsal.columns, rehearsal.sample[:ROWS])

    def _show_sample(self, columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> None:
        """As a table whose cells are cut; in full, where a cut would make them worthless, as of a message."""
        whole = len(columns) <= WHOLE and any(cell_len(plain(value)) > CELL for row in rows for value in row if value)
        said, table = self.query_one("#whole", Static), self.query_one("#sample", DataTable)
        said.display, table.display = whole, bool(columns) and not whole
        said.update(_in_full(columns, rows) if whole else "")
        table.clear(columns=True)
        if table.display:
            for column in columns[:COLUMNS]:
                table.add_column(rich(column, "bold", CELL))
            for row in rows:
                table.add_row(*(cell(value, CELL) for value in row[:COLUMNS]))


def _in_full(columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> Table:
    """A line for each value; a row's first has its number."""
    table = Table.grid(Column(width=4), Column(max_width=LABEL), Column(overflow="fold"), padding=(0, 1, 0, 0))
    for number, row in enumerate(rows, 1):
        for place, (column, value) in enumerate(zip(columns, row, strict=True)):
            shown = Text("∅", "dim") if value is None else Text(plain(value[:LONGEST]))
            if value is not None and len(value) > LONGEST:
                shown.append(f" … {len(value) - LONGEST:,} characters more", "dim")
            table.add_row(Text(f"{number}." if place == 0 else "", "dim"), rich(column, "dim", LABEL), shown)
    return table


def _answer(words: str) -> Text:
    return Text(plain(words)) if words else Text("—", "dim")


def next_runs(schedule: Schedule | None, now: datetime, zone: tzinfo | None) -> Content:
    """The next runs after one that starts and ends now."""
    if schedule is None:
        return content("Once, when you start it.")
    lines = [content("First when you start it; then, if that run ends now:")]
    theirs = ZoneInfo(schedule.timezone)
    for due in schedule.upcoming(now, now, NEXT_RUNS):
        there, here = due.astimezone(theirs), due.astimezone(zone)
        own = f"   {here:%a %d %b %H:%M} {here:%Z}" if here.utcoffset() != there.utcoffset() else ""
        lines.append(Content.assemble(f"  {there:%a %d %b %Y %H:%M} ", (plain(f"{there:%Z}"), "dim"), (own, "dim")))
    if schedule.time_of_day is None:
        lines.append(content("  Each counts from the end of the run before it.", "dim"))
    return Content("\n").join(lines)
