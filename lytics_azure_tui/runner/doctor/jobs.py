"""Looks at the saved jobs: one that has stopped by itself, is overdue, or fails again and again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.model.profile_build import PROFILES
from lytics_azure_tui.model.run import Run, RunState
from lytics_azure_tui.runner.doctor.check import Check, ok, problem, warning
from lytics_azure_tui.runner.ledger import Ledger
from lytics_azure_tui.runner.scheduler import built_at, due_at
from lytics_azure_tui.runner.service import runner_status

LATE = timedelta(hours=1)
"""So long after it was due a job is overdue: cron may come by once an hour."""
AGAIN = 3
"""So many failed runs in a row are a problem, and not a warning."""
_LOOK = "Open lyazure-tui for the run's log; "
_START = "Open lyazure-tui, or start lyazure-tui --watch, or look at the cron line that starts --run-saved"


def jobs(folder: Folder, path: Path, now: datetime | None = None) -> Iterator[Check]:
    """What is wrong with each job, or that nothing is.

    Args:
        path: the ledger's; nothing is known without it, and it is not made.
        now: the moment, UTC.
    """
    now = now or datetime.now(UTC)
    saved = folder.jobs()
    ledger = Ledger(path) if path.exists() else None
    try:
        found = [*_each(folder, saved, ledger, now), *(_build(ledger) if ledger is not None else ())]
    finally:
        if ledger is not None:
            ledger.close()
    yield from found
    if not found:
        yield ok("jobs", "None has stopped, is overdue, or failed at its last run" if saved else "None is saved yet")


def _each(folder: Folder, saved: list[Job], ledger: Ledger | None, now: datetime) -> Iterator[Check]:
    status = runner_status(folder)
    works = status is not None and status.running
    built = built_at(ledger.job_states()) if ledger is not None else None
    for job in saved:
        state = ledger.job_state(job.id) if ledger is not None else None
        if state is None or state.last_run is None:
            path = folder.jobs_dir / f"{job.id}.toml"
            scheduled = job.enabled and job.lytics is None and job.config.schedule() is not None
            if scheduled and not works and now - _written(path, now) > LATE:
                yield problem("jobs", "Has never run, and no runner is at work", _START, subject=job.label)
            continue
        last = state.last_run
        if state.stopped is not None:
            fix = f"When that is mended, take it up again: lyazure-tui --resume {job.id}"
            if job.config.asks_how_to_go_on:
                fix += f". If it asks how to go on: --begin-anew {job.id}, or --go-on {job.id}"
            yield problem("jobs", f"Its schedule has stopped: {state.stopped}", fix, subject=job.label)
        elif not last.state.ended:
            yield from _active(last, works, now, job.label)
        else:
            due = due_at(job, state, now, built)
            # A job that follows the profiles is due whenever it is asked, from their build on.
            since = built if due == now else due
            if since is not None and now - since > LATE:
                yield problem("jobs", f"Overdue: it was due at {_time(since)}", _START, subject=job.label)
        if ledger is not None and job.enabled:
            yield from _failing(ledger, job)


def _active(run: Run, works: bool, now: datetime, label: str) -> Iterator[Check]:
    if not works:
        about = f"A run is {run.state.value}, and no runner is at work"
        yield problem("jobs", about, _START, subject=label)
    elif run.state is RunState.RETRYING:
        about = f"A run is retried since {_time(run.failing_since or now)}: {run.error}"
        yield warning("jobs", about, f"{_LOOK}it is retried automatically", subject=label)


def _failing(ledger: Ledger, job: Job) -> Iterator[Check]:
    """The newest runs of a job, as long as they failed. One of a job without a schedule was seen by who started it."""
    failed = list[Run]()
    for run in ledger.runs(job=job.id, active=False, limit=100):
        if run.state is not RunState.FAILED:
            break
        failed.append(run)
    if not failed or (len(failed) < AGAIN and job.config.schedule() is None):
        return
    fix = f"{_LOOK}mend what it says, then start the job: lyazure-tui --run-saved {job.id}"
    times = "at its last run" if len(failed) == 1 else f"at its last {len(failed)} runs"
    check = problem if len(failed) >= AGAIN else warning
    yield check("jobs", f"Failed {times}, at {_time(failed[0].ended)}: {failed[0].error}", fix, subject=job.label)


def _build(ledger: Ledger) -> Iterator[Check]:
    """Profiles are built by the program's own job."""
    last = next(iter(ledger.runs(job=PROFILES.id, active=False, limit=1)), None)
    if last is not None and last.state is RunState.FAILED:
        fix = f"{_LOOK}it is tried again an hour after it failed, and whenever a mapping or an audience changes"
        yield problem("profiles", f"Were not built at {_time(last.ended)}: {last.error}", fix)


def _written(path: Path, now: datetime) -> datetime:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return now


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "an unknown time"
