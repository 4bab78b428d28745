"""The dashboard's tables, from the overview."""

from __future__ import annotations

from datetime import datetime, tzinfo

from lytics_azure_tui.model.kinds import KINDS
from lytics_azure_tui.model.run import Run, RunState
from lytics_azure_tui.tui.figures import count, duration, relative, when
from lytics_azure_tui.tui.overview import JobRow, Overview
from lytics_azure_tui.tui.there import NOBODY_ASKED, There
from lytics_azure_tui.tui.widgets.grid import Cell, Column, Row
from lytics_azure_tui.tui.widgets.states import job_state, quarantined, run_state, sign

JOBS = (
    Column("Job", least=16),
    Column("Kind", least=16, most=36, optional=1),
    Column("State", 12),
    Column("Last run", 11),
    Column("Rows", 12, right=True, optional=2),
    Column("Next run", 15),
    Column("Quarantined", 11, right=True),
)
RUNS = (
    Column("Ended", 9),
    Column("Job", least=16),
    Column("Outcome", 12),
    Column("Rows", 12, right=True, optional=1),
    Column("Quarantined", 11, right=True, optional=2),
    Column("Took", 12, right=True, optional=3),
)
KINDS_IN_SHORT = {
    "AzureJsonExport": "Audiences, JSON",
    "AzureCsvExport": "Audiences, CSV",
    "AzureEventExport": "Events",
    "AzureEventHubExport": "Audiences, hub",
}
"""Of kinds whose names are long, and begin alike."""


def kind(workflow: str) -> str:
    """The name of a job's kind."""
    return KINDS[workflow].title if workflow in KINDS else workflow


def minute(moment: datetime) -> datetime:
    """The minute that a moment is in: what the tables say of times stays the same within it."""
    return moment.replace(second=0, microsecond=0)


class JobRows:
    """A row for each job, made again only when something has happened to the job, or the minute is another."""

    def __init__(self) -> None:
        self.minute: datetime | None = None
        """Of the rows that were made last."""
        self._there = NOBODY_ASKED
        self._made: dict[str, tuple[JobRow, Row]] = {}

    def of(self, overview: Overview, now: datetime, zone: tzinfo | None, there: There = NOBODY_ASKED) -> list[Row]:
        """The rows, in the order of the overview."""
        if minute(now) != self.minute or there != self._there:
            self.minute, self._there, self._made = minute(now), there, {}
        before, self._made = self._made, {}
        for row in overview.jobs:
            made = before.get(row.job.id)
            same = made is not None and made[0] is row
            self._made[row.job.id] = made if made and same else (row, Row(row.job.id, _job(row, now, zone, there)))
        return [made for _, made in self._made.values()]

    def row(self, job_id: str | None) -> JobRow | None:
        """The job of that id, as it was shown last."""
        found = self._made.get(job_id or "")
        return found[0] if found is not None else None


def _job(row: JobRow, now: datetime, zone: tzinfo | None, there: There) -> tuple[Cell, ...]:
    last = row.state.last_run
    return (
        Cell(row.job.label, "strong"),
        Cell(kind(row.job.workflow), "muted", KINDS_IN_SHORT.get(row.job.workflow, "")),
        job_state(row, there),
        _last(last, now, zone),
        _rows(last),
        _next(row, now, zone),
        quarantined(in_quarantine(last)) if last is not None else Cell(""),
    )


def _last(run: Run | None, now: datetime, zone: tzinfo | None) -> Cell:
    if run is None:
        return Cell("never", "muted")
    moment = run.ended or run.started or run.created
    return Cell(f"{sign(run)} {when(moment, now, zone)}", run_state(run).tone)


def _next(row: JobRow, now: datetime, zone: tzinfo | None) -> Cell:
    due = row.state.next_due
    if row.job.lytics is not None:
        return Cell("at Lytics", "muted")
    if row.active is not None and row.active.state is RunState.RETRYING and row.active.retry_at is not None:
        return Cell(f"retry {relative(row.active.retry_at, now)}", "watch")
    if due is None or row.state.stopped is not None or not row.job.enabled:
        return Cell("—", "muted")
    if due <= now:
        return Cell("due now")
    near = (due - now).total_seconds() < 12 * 3600  # so near that the hour alone says which day
    return Cell(f"{due.astimezone(zone):%H:%M} {relative(due, now)}" if near else when(due, now, zone))


def in_quarantine(run: Run) -> int:
    """Rows in quarantine, so far or for good."""
    return run.rejected if run.state.ended else run.progress.rejected


def _rows(run: Run | None) -> Cell:
    if run is None:
        return Cell("")
    return Cell(count(run.rows if run.state.ended else run.progress.rows))


def run_rows(overview: Overview, now: datetime, zone: tzinfo | None) -> list[Row]:
    """A row for each run that ended."""
    return [Row(run.id, one_run(run, now, zone)) for run in overview.recent]


def one_run(run: Run, now: datetime, zone: tzinfo | None) -> tuple[Cell, ...]:
    """The cells of a run that ended, for `RUNS`."""
    took = duration(run.ended - run.started) if run.ended and run.started else "—"
    return (
        Cell(when(run.ended, now, zone)),
        Cell(run.label, "strong"),
        run_state(run),
        _rows(run),
        quarantined(run.rejected),
        Cell(took, "muted"),
    )
