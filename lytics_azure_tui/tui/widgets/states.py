"""States as a sign, a word and a tone. The word carries the meaning; sign and colour help to find it."""

from __future__ import annotations

from lytics_azure_tui.model.run import Run, RunState
from lytics_azure_tui.tui.figures import count
from lytics_azure_tui.tui.overview import JobRow
from lytics_azure_tui.tui.there import NOBODY_ASKED, There
from lytics_azure_tui.tui.widgets.grid import Cell

STYLES = {
    "": "",
    "muted": "dim",
    "strong": "bold",
    "busy": "$text-primary",
    "good": "$text-success",
    "watch": "$text-warning",
    "bad": "$text-error",
}
"""A cell's tone as a style of Textual's Content."""

_SIGNS = {
    RunState.QUEUED: ("◌", "muted"),
    RunState.RUNNING: ("●", "busy"),
    RunState.RETRYING: ("↻", "watch"),
    RunState.SUCCEEDED: ("✓", "good"),
    RunState.FAILED: ("✗", "bad"),
    RunState.CANCELLED: ("⊘", "muted"),
}


def run_state(run: Run) -> Cell:
    """Where a run stands."""
    sign, tone = _SIGNS[run.state]
    if run.cancel_requested and not run.state.ended:
        return Cell(f"{sign} cancelling", "watch")
    return Cell(f"{sign} {run.state}", tone)


def sign(run: Run) -> str:
    """The sign alone, for a line that says more."""
    return _SIGNS[run.state][0]


_SERVERS = {
    "running": ("●", "busy"),
    "runnable": ("●", "busy"),
    "initializing": ("◌", "muted"),
    "sleeping": ("○", ""),
    "paused": ("‖", "muted"),
    "pausing": ("‖", "muted"),
    "completed": ("✓", "good"),
    "failed": ("✗", "bad"),
    "killed": ("⊘", "watch"),
    "deleted": ("⊘", "watch"),
    "deleting": ("⊘", "watch"),
    "asking": ("…", "muted"),
}


def server_state(status: str) -> Cell:
    """Where a job stands at Lytics, by what Lytics calls it; that may be data."""
    sign, tone = _SERVERS.get(status, ("↻", "watch") if status.startswith("fault") else ("?", "watch"))
    return Cell(f"{sign} {status}", tone)


def job_state(row: JobRow, there: There = NOBODY_ASKED) -> Cell:
    """Where a job stands: its run, or what its schedule waits for."""
    if row.active is not None:
        return run_state(row.active)
    if row.job.lytics is not None:
        return server_state(there.status(row.job))
    if row.state.stopped is not None:
        return Cell("■ stopped", "watch")
    if not row.job.enabled:
        return Cell("‖ paused", "muted")
    if row.job.config.schedule() is not None:
        return Cell("○ scheduled")
    return Cell("· by hand", "muted")


def quarantined(rows: int) -> Cell:
    """A count of quarantined rows that is seen when it is not zero."""
    return Cell(f"⚠ {count(rows)}", "watch") if rows else Cell("0", "muted")
