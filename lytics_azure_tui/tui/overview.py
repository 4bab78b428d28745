"""The overview of configuration and ledger that the screens show, read anew only when one of them has changed."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.model.run import JobState, Run, RunState

if TYPE_CHECKING:
    from lytics_azure_tui.runner.service import RunnerStatus
    from lytics_azure_tui.tui.desk import Desk

RECENT = 50
ALL = 1_000_000
STATUS_SECONDS = 2.0
FILES_SHARE = 0.001
"""Of the time, at most so much goes into looking at the files of the configuration, however many they are."""
_ORDER = (RunState.RUNNING, RunState.RETRYING, RunState.QUEUED)


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job, and where it stands. It stays the same object for as long as nothing in it changes."""

    job: Job
    state: JobState
    active: Run | None


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything at one moment.

    Attributes:
        jobs: by label.
        active: running, then retrying, then queued runs; oldest first in each.
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
    """Reads the overview again when there is something new. Blocks; threads may share it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = Lock()
        self._folders = tuple(_Files(folder) for folder in (desk.folder.jobs_dir, desk.folder.authorizations_dir))
        self._seen: tuple[object, ...] | None = None
        self._read: tuple[object, ...] | None = None
        """The files as they were when the jobs were read."""
        self._jobs: list[Job] = []
        self._problems: tuple[BadConfiguration, ...] = ()
        self._authorizations = 0
        self._states: dict[str, JobState] = {}
        self._rows: dict[str, JobRow] = {}
        self._happened: set[tuple[str, object, object]] = set()
        """(job, run, by which run it was replayed) of runs, and the ledger's marks of jobs, as they were read last."""
        self._runner: RunnerStatus | None = None
        self._runner_read = float("-inf")

    def changed(self) -> bool:
        """Whether `read` would bring something new. Costs microseconds, also with thousands of jobs."""
        with self._lock:
            return self._glance() != self._seen

    def read(self) -> Overview | None:
        """The overview; None when nothing has changed since the last call."""
        with self._lock:
            seen = self._glance()
            if seen == self._seen:
                return None
            files = seen[1:-1]
            if files != self._read:
                self._read_files()
                self._read = files
            overview = self._read_ledger()
            self._seen = seen
            return overview

    def _glance(self) -> tuple[object, ...]:
        if time.monotonic() - self._runner_read >= STATUS_SECONDS:
            self._runner = self._desk.runner_status()
            self._runner_read = time.monotonic()
        return (self._desk.ledger.version(), *(folder.stamp() for folder in self._folders), self._runner)

    def _read_files(self) -> None:
        folder = self._desk.folder
        jobs, problems = folder.examined()
        self._jobs, self._problems = jobs, tuple(problems)
        self._authorizations = len(folder.authorizations())

    def _read_ledger(self) -> Overview:
        ledger = self._desk.ledger
        active = ledger.runs(active=True, limit=ALL)
        recent = tuple(ledger.runs(active=False, limit=RECENT))
        self._read_states(active, recent)
        of_job = {run.job: run for run in active}
        self._rows = {job.id: self._row(job, of_job.get(job.id)) for job in self._jobs}
        return Overview(
            jobs=tuple(self._rows.values()),
            active=tuple(sorted(active, key=lambda run: (_ORDER.index(run.state), run.created, run.id))),
            recent=recent,
            problems=self._problems,
            authorizations=self._authorizations,
            runner=self._runner,
        )

    def _read_states(self, active: Sequence[Run], recent: Sequence[Run]) -> None:
        """Reads again where those jobs stand for which something has happened. Figures of runs at work are not that."""
        ledger = self._desk.ledger
        happened: set[tuple[str, object, object]] = {(run.job, run.id, None) for run in active}
        ended = {(run.job, run.id, run.replayed_by or "") for run in recent}
        happened |= ended | ledger.job_marks()
        changed = {job for job, *_ in happened ^ self._happened}
        if ended and ended.isdisjoint(self._happened):
            changed |= {job.id for job in self._jobs}  # more have ended since than were looked at
        for job_id in changed | {job.id for job in self._jobs if job.id not in self._states}:
            self._states[job_id] = ledger.job_state(job_id)
        self._happened = happened

    def _row(self, job: Job, active: Run | None) -> JobRow:
        row = JobRow(job, self._states[job.id], active)
        if active is not None:
            return replace(row, state=replace(row.state, last_run=active))
        before = self._rows.get(job.id)
        return before if before == row else row


class _Files:
    """The TOML files of a folder, for seeing whether any of them has changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: object = None
        self._files: tuple[object, ...] = ()
        self._next = float("-inf")

    def stamp(self) -> tuple[object, ...]:
        """Differs once a file is there, is gone or has other content.

        Programs that put a new file in the place of the old one change the folder, which is looked at each time. To see
        that one was written in place, every file is looked at: as often as `FILES_SHARE` allows.
        """
        made = self._status(self._folder)
        begun = time.monotonic()
        if made != self._made or begun >= self._next:
            self._made, self._files = made, self._look()
            self._next = begun + (time.monotonic() - begun) / FILES_SHARE
        return self._files

    def _look(self) -> tuple[object, ...]:
        try:
            with os.scandir(self._folder) as entries:
                found = [(entry.name, self._status(entry)) for entry in entries if entry.name.endswith(".toml")]
        except OSError:
            return ()
        return tuple(sorted(found, key=itemgetter(0)))

    @staticmethod
    def _status(path: Path | os.DirEntry[str]) -> tuple[int, int, int] | None:
        try:
            status = path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino
