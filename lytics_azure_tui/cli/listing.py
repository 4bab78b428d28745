"""--list, and the labels for shell completion: reads configuration and ledger, and makes neither."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lytics_azure_tui.cli.output import Exit, Output, columns
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.model.amounts import counted
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.model.run import JobState, Run
from lytics_azure_tui.runner.scheduler import due_at
from lytics_azure_tui.tui.figures import count, when


def show(root: Path | None, output: Output) -> Exit:
    """Writes a line for each saved job. Files that cannot be read are named on stderr."""
    folder = Folder.at(root)
    states = _states(folder)
    jobs = folder.jobs()
    if jobs:
        now = datetime.now(UTC)
        rows = [(job, states(job.id)) for job in jobs]
        for line in columns([("ID", "LABEL", "STATE", "NEXT RUN", "LAST RUN"), *(_row(*row, now) for row in rows)]):
            output.data(line)
        for row in rows:
            output.event("job", described(*row, now))
    problems = folder.problems()
    for problem in problems:
        output.event("error", {"what": problem.what, "why": problem.why, "fix": problem.fix})
        output.words(str(problem))
    for note in folder.without_effect():
        output.words(str(note))
    if not jobs and not problems:
        output.words(f"No jobs are saved in {folder.root}. Make one with lyazure-tui.")
    return Exit.USAGE if problems else Exit.DONE


def matching(root: Path | None, incomplete: str) -> list[tuple[str, str]]:
    """Id and label of the jobs of which one begins with what was typed. Never fails: a shell is waiting."""
    typed = incomplete.casefold()
    try:
        jobs = Folder.at(root).jobs()
    except LyazureError:
        return []
    return [(job.id, job.label) for job in jobs if job.id.startswith(typed) or job.label.casefold().startswith(typed)]


def state_of(job: Job, state: JobState) -> str:
    """Where a job stands, in a word or two."""
    if state.last_run is not None and not state.last_run.state.ended:
        return state.last_run.state.value
    if job.lytics is not None:
        return "at lytics"
    if state.stopped is not None:
        return "stopped"
    if not job.enabled:
        return "paused"
    return "scheduled" if job.config.schedule() is not None else "ready"


def described(job: Job, state: JobState, now: datetime) -> dict[str, Any]:
    """The fields of the event "job"."""
    return {
        "id": job.id,
        "label": job.label,
        "workflow": job.workflow,
        "authorization": job.authorization,
        "enabled": job.enabled,
        "state": state_of(job, state),
        "stopped": state.stopped,
        "lytics": None if job.lytics is None else job.lytics.job,
        "next_due": due_at(job, state, now),
        "last_run": None if state.last_run is None else run_fields(state.last_run),
    }


def run_fields(run: Run) -> dict[str, Any]:
    """A run, as events carry it."""
    return {
        "run": run.id,
        "job": run.job,
        "label": run.label,
        "trigger": run.trigger.value,
        "state": run.state.value,
        "attempt": run.attempt,
        "created": run.created,
        "started": run.started,
        "ended": run.ended,
        "rows": run.rows,
        "quarantined": run.rejected,
        "bytes": run.bytes,
        "counts": run.counts,
        "about": run.about,
        "error": run.error,
        "retry_at": run.retry_at,
    }


def _row(job: Job, state: JobState, now: datetime) -> tuple[str, ...]:
    last = state.last_run
    told = when(None, now, None)
    if last is not None and last.state.ended:
        told = f"{last.state.value} {when(last.ended, now, None)}, {counted(last.rows, 'row')}"
        told += f", {count(last.rejected)} quarantined" if last.rejected else ""
    due = due_at(job, state, now)
    next_run = "now" if due is not None and due <= now else when(due, now, None)
    return (job.id, job.label, state_of(job, state), next_run, told)


def _states(folder: Folder) -> Any:
    """What tells a job's state; without a ledger nothing is known, and none is made."""
    path = folder.data_place / "ledger.db"
    if not path.exists():
        return lambda job_id: JobState()
    from lytics_azure_tui.runner.ledger import Ledger

    return Ledger(path).job_state
