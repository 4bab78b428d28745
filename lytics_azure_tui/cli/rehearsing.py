"""--dry-run: what runs would do, by each job kind's own rehearsal. Makes no folder, no ledger and no run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from lytics_azure_tui.cli.answer import tell
from lytics_azure_tui.cli.output import Exit, Output, columns
from lytics_azure_tui.cli.passphrase import opened
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.lytics import open_lytics
from lytics_azure_tui.config.secrets import SecretStore, unlock
from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.jobs.kind import Rehearsal
from lytics_azure_tui.jobs.rehearsal import rehearse
from lytics_azure_tui.model.amounts import size
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.model.run import JobState
from lytics_azure_tui.runner.foreground import chosen
from lytics_azure_tui.runner.ledger import Ledger
from lytics_azure_tui.runner.scheduler import built_at, due_at

_SAMPLE_ROWS = 5
_CELL = 40


def dry_run(root: Path | None, labels: Sequence[str], output: Output) -> Exit:
    """Rehearses the jobs that --run-saved would run; one that would fail does not hide the others."""
    folder = Folder.at(root)
    failed = False
    problems = [] if labels else folder.problems()
    for problem in problems:
        tell(problem, output)
    done = Exit.USAGE if problems else Exit.DONE
    with _ledger(folder) as ledger:
        jobs = _jobs(folder, labels, ledger)
        if not jobs:
            output.words("Nothing is due.")
            return done
        store, _ = opened(folder)
        for job in jobs:
            try:
                _tell(job, _rehearsal(folder, job, store, ledger), output)
            except LyazureError as error:
                failed = True
                tell(error, output, job.label)
    return Exit.FAILED if failed else done


def _jobs(folder: Folder, labels: Sequence[str], ledger: Ledger | None) -> list[Job]:
    """Those that --run-saved would run now."""
    if labels:
        return [chosen(folder, label) for label in dict.fromkeys(labels)]
    states, now = ledger.job_states() if ledger else {}, datetime.now(UTC)
    due = ((job, due_at(job, states.get(job.id, JobState()), now, built_at(states))) for job in folder.jobs())
    return [job for job, at in due if at is not None and at <= now]


def _rehearsal(folder: Folder, job: Job, store: SecretStore, ledger: Ledger | None) -> Rehearsal:
    return rehearse(
        folder,
        job,
        unlock(folder, store, job.authorization),
        open_lytics(folder, lambda: store),
        ledger.checkpoint(job.id) if ledger else None,
        datetime.now(UTC),
    )


@contextmanager
def _ledger(folder: Folder) -> Iterator[Ledger | None]:
    """The ledger, if there is one."""
    path = folder.data_place / "ledger.db"
    if not path.exists():
        yield None
        return
    ledger = Ledger(path)
    try:
        yield ledger
    finally:
        ledger.close()


def _tell(job: Job, rehearsal: Rehearsal, output: Output) -> None:
    output.event(
        "rehearsal",
        {
            "job": job.id,
            "label": job.label,
            "about": rehearsal.about,
            "items": [{"name": name, "what": what} for name, what in rehearsal.items],
            "bytes_total": rehearsal.bytes_total,
            "columns": rehearsal.columns,
            "sample": rehearsal.sample,
            "notes": rehearsal.notes,
        },
    )
    output.data(f"{job.label}: {rehearsal.about}")
    for line in columns(rehearsal.items):
        output.data(f"  {line}")
    if rehearsal.bytes_total is not None:
        output.data(f"  {size(rehearsal.bytes_total)} to read")
    if rehearsal.columns:
        output.data(f"  fields: {', '.join(rehearsal.columns)}")
        rows = [[_cell(value) for value in row] for row in rehearsal.sample[:_SAMPLE_ROWS]]
        for line in columns([rehearsal.columns, *rows]):
            output.data(f"    {line}")
    for note in rehearsal.notes:
        output.data(f"  note: {note}")


def _cell(value: str | None) -> str:
    text = "" if value is None else value
    return text if len(text) <= _CELL else text[: _CELL - 1] + "…"
