"""The last look before a job starts: its answers in words, when it will run, and what a run would do now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

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

    def show_answers(self, pairs: Sequence[tuple[str, str]]) -> None:
        """(label, answer) of each question that matters; an empty answer is one that was left out."""
        width = min(max([LABEL, *(len(label) + 2 for label, _ in pairs)]), WIDEST_LABEL)
        table = Table.grid(Column(width=width), Column(overflow="fold"))
        for label, answer in pairs:
            table.add_row(rich(label, "dim", width - 2), Text(plain(answer)) if answer else Text("—", "dim"))
        self.query_one("#answers", Static).update(table)

    def show_schedule(self, schedule: Schedule | None, now: datetime, zone: tzinfo | None) -> None:
        """The next runs in the job's zone and in the operator's."""
        self.query_one("#runs", Static).update(next_runs(schedule, now, zone))

    def show_waiting(self, words: str) -> None:
        """No rehearsal yet, or none any more."""
        self.query_one("#sample").display = False
        self.query_one("#rehearsal", Static).update(content(words, "dim"))

    def show_error(self, error: LyazureError) -> None:
        """A run would fail: that is seen, also where the answers above it fill the screen."""
        self.query_one("#sample").display = False
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
        table: DataTable[Text] = self.query_one(DataTable)
        table.clear(columns=True)
        for column in rehearsal.columns[:COLUMNS]:
            table.add_column(rich(column, "bold", CELL))
        for row in rehearsal.sample[:ROWS]:
            table.add_row(*(cell(value, CELL) for value in row[:COLUMNS]))
        table.display = bool(rehearsal.columns)


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
