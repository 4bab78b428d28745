"""What the dashboard shows, read from configuration and ledger in one go, and only when one of them has changed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.model.run import JobState, Run

if TYPE_CHECKING:
    from lytics_azure_tui.runner.service import RunnerStatus
    from lytics_azure_tui.tui.desk import Desk

RECENT = 50
STATUS_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job, and where it stands."""

    job: Job
    state: JobState
    active: Run | None


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything at one moment.

    Attributes:
        jobs: by label.
        active: queued, running and retrying runs, oldest first.
        recent: runs that ended, newest first.
        problems: configuration files that cannot be used.
        authorizations: how many there are.
        runner: None when none was ever started.
    """

    jobs: tuple[JobRow, ...] = ()
    active: tuple[Run, ...] = ()
    recent: tuple[Run, ...] = ()
    problems: tuple[BadConfiguration, ...] = ()
    authorizations: int = 0
    runner: RunnerStatus | None = None


class Reader:
    """Reads the overview again when there is something new. Blocks; one caller at a time."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._seen: tuple[object, ...] | None = None
        self._files: tuple[object, ...] | None = None
        self._jobs: list[Job] = []
        self._problems: tuple[BadConfiguration, ...] = ()
        self._authorizations = 0
        self._runner: RunnerStatus | None = None
        self._runner_read = float("-inf")

    def read(self) -> Overview | None:
        """The overview; None when nothing has changed since the last call."""
        if time.monotonic() - self._runner_read >= STATUS_SECONDS:
            self._runner = self._desk.runner_status()
            self._runner_read = time.monotonic()
        folder, ledger = self._desk.folder, self._desk.ledger
        files = _signature(folder.jobs_dir) + _signature(folder.authorizations_dir)
        seen = (ledger.version(), files, self._runner)
        if seen == self._seen:
            return None
        if files != self._files:
            self._jobs = sorted(folder.jobs(), key=lambda job: (job.label.casefold(), job.id))
            self._authorizations = len(folder.authorizations())
            self._problems = tuple(folder.problems())
            self._files = files
        active = sorted(ledger.runs(active=True), key=lambda run: (run.created, run.id))
        of_job = {run.job: run for run in active}
        overview = Overview(
            jobs=tuple(JobRow(job, ledger.job_state(job.id), of_job.get(job.id)) for job in self._jobs),
            active=tuple(active),
            recent=tuple(ledger.runs(active=False, limit=RECENT)),
            problems=self._problems,
            authorizations=self._authorizations,
            runner=self._runner,
        )
        self._seen = seen
        return overview


def _signature(folder: Path) -> tuple[object, ...]:
    """What changes when a file in the folder does."""
    try:
        found = [(path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in folder.glob("*.toml")]
    except OSError:
        return ()
    return tuple(sorted(found))
