"""--run-saved and --watch: the runner in the foreground, or a follower of the one that is at work already."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from types import FrameType

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.keys import Keys, known
from lytics_azure_tui.errors import BadConfiguration, LyazureError, RetryLater
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.model.profile_build import PROFILES
from lytics_azure_tui.model.run import JobState, Trigger
from lytics_azure_tui.runner import opening, places, records, scheduler
from lytics_azure_tui.runner.events import Event, ExitSummary, Follower
from lytics_azure_tui.runner.ledger import Ledger
from lytics_azure_tui.runner.lock import RunnerLock
from lytics_azure_tui.runner.runner import TICK_SECONDS, Runner
from lytics_azure_tui.runner.service import ensure_runner

OnEvent = Callable[[Event], None]


def run_saved(
    folder: Folder,
    labels: Sequence[str] = (),
    *,
    watch: bool = False,
    on_event: OnEvent,
    keys: Keys | None = None,
) -> ExitSummary:
    """Runs saved jobs, and tells what happens to them.

    When another runner is at work, the runs are queued for that one, and only followed here.

    Args:
        folder: the configuration.
        labels: labels or ids of the jobs to run now; none for those that are due.
        watch: stay, and run jobs whenever they are due, until a signal ends it.
        on_event: called for each event, in this thread.
        keys: to open secrets with, besides those that this process was started with.

    Raises:
        BadConfiguration: a label names no job, or several.
        LyazureError: another runner is at work, and cannot open the secrets; then nothing is queued.
    """
    with closing(Ledger(places.ledger_file(folder))) as ledger:
        jobs = [chosen(folder, label) for label in dict.fromkeys(labels)]
        session = _Session(folder, ledger, watch, on_event, (keys or Keys()).over(known()))
        with session.signals():
            return session.run(jobs, by_label=bool(labels))


class _Session:
    def __init__(self, folder: Folder, ledger: Ledger, watch: bool, on_event: OnEvent, keys: Keys) -> None:
        self._folder = folder
        self._ledger = ledger
        self._watch = watch
        self._on_event = on_event
        self._keys = keys
        self._follower = Follower(ledger, records.now)
        self._runner: Runner | None = None
        self._asked = 0
        self._problems = 0
        self._trouble = ""
        self._takes_all = False
        """Whether what became due by the building of profiles is run, too."""

    def run(self, chosen: list[Job], *, by_label: bool) -> ExitSummary:
        self._become_runner()
        if self._runner is None:
            self._hand_over(chosen if by_label else self._due())
        try:
            self._enqueue(chosen, by_label=by_label)
            while not self._ended():
                time.sleep(TICK_SECONDS)
        finally:
            self._leave()
        stopped = () if self._watch else self._stopped(chosen if by_label else self._folder.jobs())
        return ExitSummary(self._follower.runs, self._asked > 0, self._problems, stopped)

    def _stopped(self, jobs: Iterable[Job]) -> tuple[str, ...]:
        """The labels of the jobs that wait for a person; each is told."""
        whys = {job.label: self._ledger.job_state(job.id).stopped for job in jobs if job.enabled}
        for label, why in whys.items():
            if why is not None:
                self._notice(f"The schedule of {label} has stopped: {why}. --resume takes it up again")
        return tuple(label for label, why in whys.items() if why is not None)

    def _hand_over(self, jobs: list[Job]) -> None:
        """Makes sure that the runner that is at work can do these jobs."""
        needs = sorted({need for job in jobs for need in opening.needs(job)})
        try:
            status = ensure_runner(self._folder, self._keys, needs)
        except LyazureError as error:
            if not self._watch:
                raise
            # It is followed, and this one takes over when it ends.
            self._notice(str(error))
        else:
            self._notice(f"A runner is at work already (process {status.pid}); runs are handed to it")

    def _enqueue(self, chosen: list[Job], *, by_label: bool) -> None:
        names = {f"jobs/{job.id}.toml" for job in chosen}
        for note in self._folder.without_effect():
            if not by_label or note.what.partition(",")[0] in names:
                self._notice(str(note))
        if by_label:
            for job in chosen:
                if self._ledger.job_state(job.id).stopped is not None:
                    self._ledger.resume_job(job.id)
                self._tell(self._follower.follow(self._ledger.enqueue(job, Trigger.MANUAL)))
            return
        for problem in self._folder.problems():
            self._problems += 1
            self._notice(f"Cannot be used: {problem}")
        if self._watch:
            return
        self._enqueue_all(self._due())
        self._takes_all = True
        for run in self._ledger.runs(active=True, limit=1000):
            # What an earlier runner left behind is gone on with, too.
            self._tell(self._follower.follow(run))

    def _due(self) -> list[Job]:
        """The saved jobs that are due now; with --watch none, as the runner sees to them."""
        if self._watch:
            return []
        states, now = self._ledger.job_states(), records.now()
        built = scheduler.built_at(states)
        at = ((job, scheduler.due_at(job, states.get(job.id, JobState()), now, built)) for job in self._folder.jobs())
        return [job for job, due in at if due is not None and due <= now]

    def _enqueue_all(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            self._tell(self._follower.follow(self._ledger.enqueue(job, Trigger.SCHEDULE)))

    def _ended(self) -> bool:
        """Looks around once. Returns whether there is nothing left to wait for."""
        if self._runner is None:
            self._become_runner()
            if self._runner is not None:
                self._notice("The other runner has ended; its work goes on here")
        self._look_around()
        self._tell(self._follower.poll())
        if self._asked:
            return self._interrupted()
        if self._watch or self._follower.active:
            return False
        # The last run may have ended after the runner looked, and profiles are to be built of what it brought.
        self._look_around()
        if self._takes_all and not self._follower.active:
            self._enqueue_all(job for job in self._due() if type(job.config).follows_profiles)
        return not self._follower.active

    def _look_around(self) -> None:
        if self._runner is not None:
            self._tick(self._runner)
        if self._watch or self._runner is not None:
            only = None if self._watch else PROFILES.id
            for run in reversed(self._ledger.runs(active=True, job=only, limit=1000)):
                self._tell(self._follower.follow(run))

    def _tick(self, runner: Runner) -> None:
        try:
            runner.tick()
        except RetryLater as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                self._notice(self._trouble)

    def _interrupted(self) -> bool:
        runner = self._runner
        if runner is None:
            self._notice("Stops following; the runs go on")
            return True
        if self._asked > 1:
            self._notice("Stops at once; the runs go on from where they are at the next start")
            runner.stop()
            self._tell(self._follower.poll())
            return True
        if not runner.draining:
            runner.drain()
            if not runner.idle:
                self._notice("Lets runs finish, and starts no new ones. A second signal stops at once")
        return runner.idle

    def _become_runner(self) -> None:
        lock = RunnerLock.take(self._folder.data, background=False)
        if lock is not None:
            self._runner = Runner(self._folder, self._ledger, lock, _nothing, self._keys, schedules=self._watch)

    def _leave(self) -> None:
        if self._runner is None:
            return
        self._runner.close()
        mine = {run.id for run in self._follower.runs}
        if not self._asked and any(run.id not in mine for run in self._ledger.runs(active=True, limit=1000)):
            # The screens queued something meanwhile, and rely on a runner.
            ensure_runner(self._folder, self._keys)

    def _notice(self, text: str) -> None:
        self._on_event(Event("notice", None, text))

    def _tell(self, events: Iterator[Event]) -> None:
        for event in events:
            self._on_event(event)

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Counts the signals that ask for an end."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked += 1


def chosen(folder: Folder, label: str) -> Job:
    """The saved job of a label or an id, which can be run here.

    Raises:
        BadConfiguration: there is none, or several; it runs at Lytics; its authorization cannot be read.
    """
    job = named(folder, label)
    # What is wrong with it is said before anything starts.
    job.require_here()
    folder.authorization(job.authorization)
    return job


def named(folder: Folder, label: str) -> Job:
    """The saved job of a label or an id, wherever it runs.

    Raises:
        BadConfiguration: there is none, or several.
    """
    jobs = folder.jobs()
    found = [job for job in jobs if job.id == label] or [
        job for job in jobs if job.label.casefold() == label.casefold()
    ]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(job.id for job in found)
        raise BadConfiguration(f"Several jobs are called {label!r}", fix=f"Name one by its id: {ids}")
    if (folder.jobs_dir / f"{label}.toml").is_file():
        # Says what is wrong with the file.
        return folder.job(label)
    known = ", ".join(job.label for job in jobs) or "none"
    raise BadConfiguration(f"No saved job is called {label!r}", fix=f"The saved jobs are: {known}")


def _nothing(text: str) -> None:
    """In the foreground, events say it all."""
