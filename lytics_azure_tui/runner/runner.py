"""The runner: looks around, decides, and does what was decided. Whoever owns it calls `tick` a few times a second."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.keys import Keys, known
from lytics_azure_tui.config.settings import Settings
from lytics_azure_tui.errors import BadConfiguration, Fatal
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.model.profile_build import PROFILES
from lytics_azure_tui.model.run import Run, RunState, Trigger
from lytics_azure_tui.runner import alive, control, failures, housekeeping, places, records, scheduler
from lytics_azure_tui.runner.ledger import Ledger
from lytics_azure_tui.runner.lock import RunnerLock
from lytics_azure_tui.runner.opening import Opening
from lytics_azure_tui.runner.scheduler import (
    CLEANING_UP,
    Action,
    Active,
    Enqueue,
    GiveUp,
    Limits,
    Publish,
    Resume,
    Start,
    Terminate,
)
from lytics_azure_tui.runner.spawn import spawn
from lytics_azure_tui.runner.upkeep import Upkeep

TICK_SECONDS = 0.25
STOP_SECONDS = 5.0
"""So long a run may take to end quickly, when the runner stops at once."""
TIDY_EVERY = timedelta(days=1)
START_AGAIN = timedelta(seconds=5)
"""After a process could not be started."""
ALL = 1_000_000


@dataclass
class Runner:
    """The one runner of a folder; it holds the lock.

    Attributes:
        folder: the configuration; its files are read again when they change.
        ledger: the runs.
        lock: what makes it the only one.
        say: takes lines for the log.
        keys: to open secrets with, for the runs; others hand more of them over.
        schedules: whether jobs are started when they are due; otherwise only what is queued is run.
        clock: tells the time, in UTC.
    """

    folder: Folder
    ledger: Ledger
    lock: RunnerLock
    say: Callable[[str], None]
    keys: Keys = field(default_factory=known, repr=False)
    schedules: bool = True
    clock: Callable[[], datetime] = records.now
    draining: bool = False
    _children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict, init=False)
    _jobs: list[Job] = field(default_factory=list, init=False)
    _settings: Settings = field(default_factory=Settings, init=False)
    _files: tuple[object, ...] | None = field(default=None, init=False)
    _seen: tuple[object, ...] | None = field(default=None, init=False)
    _again: datetime | None = field(default=None, init=False)
    _tidied: datetime | None = field(default=None, init=False)
    _handing: threading.Lock = field(default_factory=threading.Lock, init=False)
    _no_start_before: datetime = field(default=datetime.min.replace(tzinfo=UTC), init=False)

    def __post_init__(self) -> None:
        self._upkeep = Upkeep(self.folder, self.ledger, self.say, lambda: self.keys)
        self._secrets = Opening(self.folder)
        if self.lock.listening is not None:
            control.serve(self.lock.listening, self._respond)

    def tick(self) -> None:
        """Looks around once, and does what is to be done. Costs next to nothing when nothing has changed."""
        now = self.clock()
        self._read_files()
        self._reap(now)
        self._tidy(now)
        seen = (self.ledger.version(), self._files, self.draining)
        if seen == self._seen and not self._children and (self._again is None or now < self._again):
            return
        active = self._active()
        decision = scheduler.decide(self._jobs, self.ledger.job_states(), active, now, self._limits(now))
        for action in decision.actions:
            self._do(action)
        build = self._build_profiles(active, now)
        # The death of a process that another runner started is told by nobody.
        watched = now + timedelta(seconds=1) if any(item.alive for item in active) else None
        self._again = min(filter(None, (decision.again, watched, build)), default=None)
        # What was done has changed the ledger: look once more, until there is nothing left to do.
        self._seen = None if decision.actions or build == now else seen

    @property
    def idle(self) -> bool:
        """Whether no process works on a run."""
        return not any(item.alive for item in self._active())

    def drain(self) -> None:
        """From now on nothing new is started."""
        self.draining = True

    def stop(self) -> None:
        """Ends all processes that work on runs, quickly; the runs go on from where they are when a runner comes."""
        self.draining = True
        running = [item.run for item in self._active() if item.alive]
        for run in running:
            self._signal(run, force=False)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and any(self._lives(run) for run in running):
            time.sleep(0.05)
        for run in running:
            if self._lives(run):
                self._signal(run, force=True)

    def close(self) -> None:
        """Lets another runner come; processes that work on runs go on."""
        self.lock.release()

    def _respond(self, keys: Keys, needs: Sequence[str]) -> control.Answer:
        """Takes over what opens secrets. Called in threads of their own."""
        with self._handing:
            self.keys = self._secrets.taken(keys, self.keys)
            missing = self._secrets.missing(self.keys, needs)
        return control.Answer(ending=self.draining, missing="" if missing is None else str(missing))

    # Looking

    def _build_profiles(self, active: list[Active], now: datetime) -> datetime | None:
        """Queues the building of profiles when it is due. Returns when to look again; now, when it did."""
        due = self._upkeep.due([item.run for item in active], self._files, now)
        if due is None or due > now:
            return due
        if not self.draining:
            self._do(Enqueue(PROFILES))
            return now
        return None

    def _read_files(self) -> None:
        definitions = (self.folder.root / name for name in ("mappings", "audiences"))
        files = tuple(_signature(path) for path in (self.folder.root, self.folder.jobs_dir, *definitions))
        if files == self._files:
            return
        self._files = files
        self._jobs = self.folder.jobs()
        for problem in self.folder.problems():
            self.say(str(problem))
        with suppress(BadConfiguration):
            # What it held before goes on to hold; the problem has been told.
            self._settings = self.folder.settings()

    def _limits(self, now: datetime) -> Limits:
        engine = self._settings.engine
        return Limits(
            runs_at_once=engine.runs_at_once,
            grace=timedelta(seconds=engine.cancel_grace_seconds),
            starting=not self.draining and now >= self._no_start_before,
            schedules=self.schedules,
        )

    def _active(self) -> list[Active]:
        return [Active(run, self._lives(run)) for run in self.ledger.runs(active=True, limit=ALL)]

    def _lives(self, run: Run) -> bool:
        child = self._children.get(run.id)
        if child is not None and child.pid == run.pid:
            return child.poll() is None
        return run.state is RunState.RUNNING and alive.alive(run.pid, run.born)

    def _reap(self, now: datetime) -> None:
        for run_id, child in list(self._children.items()):
            if child.poll() is None:
                ended = self.ledger.run(run_id).ended
                if ended is not None and now - ended > CLEANING_UP:
                    os.killpg(child.pid, signal.SIGKILL)
                continue
            del self._children[run_id]
            self._seen = None
            if child.returncode:
                self.say(f"Run {run_id}: its process {child.pid} ended with {_ending(child.returncode)}")
            log = places.run_log(self.folder, run_id)
            with suppress(OSError):
                if log.stat().st_size == 0:
                    log.unlink()

    def _tidy(self, now: datetime) -> None:
        if self._tidied is None or now - self._tidied > TIDY_EVERY:
            self._tidied = now
            housekeeping.tidy(self.folder, self.ledger, now)

    # Doing

    def _do(self, action: Action) -> None:
        match action:
            case Publish(job, at):
                self.ledger.set_next_due(job, at)
            case Enqueue(job):
                run = self.ledger.enqueue(job, Trigger.SCHEDULE)
                self.say(f"Run {run.id}: {job.label} is due")
            case Start(run):
                self._start(run)
            case Resume(run):
                if self.ledger.release(run.id, run.pid, died=True):
                    self.ledger.log(
                        run.id, "warning", "The process is gone; another one goes on from the parts that are done"
                    )
            case GiveUp(run):
                state = RunState.CANCELLED if run.cancel_requested else RunState.FAILED
                error = "" if run.cancel_requested else str(failures.given_up(run))
                self.ledger.finish(run.id, state, error=error)
                self.say(f"Run {run.id}: given up")
            case Terminate(run, force):
                self._signal(run, force=force)

    def _start(self, run: Run) -> None:
        if run.id in self._children:
            return
        log = places.run_log(self.folder, run.id)
        try:
            child = spawn("lytics_azure_tui.runner.process", self.folder, [run.id], keys=self.keys, log=log)
        except (BadConfiguration, Fatal) as error:
            self.say(f"Run {run.id}: {error}")
            self.ledger.log(run.id, "warning", str(error))
            self._no_start_before = self.clock() + START_AGAIN
            return
        self._children[run.id] = child
        # In the child's name: should it die before it can say so itself, it is seen as a death like any other.
        self.ledger.claim(run.id, child.pid)
        self.say(f"Run {run.id}: {run.label}, process {child.pid}")

    def _signal(self, run: Run, *, force: bool) -> None:
        if run.pid is None or not self._lives(run):
            return
        with suppress(ProcessLookupError):
            if force:
                # It leads a group of its own, in which its own children are.
                os.killpg(run.pid, signal.SIGKILL)
            else:
                os.kill(run.pid, signal.SIGTERM)


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"


def _signature(folder: Path) -> tuple[object, ...]:
    """What changes when a file in the folder does."""
    found = list[tuple[str, int, int]]()
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".toml"):
                with suppress(FileNotFoundError):
                    stat = entry.stat()
                    found.append((entry.name, stat.st_mtime_ns, stat.st_size))
    return tuple(sorted(found))
