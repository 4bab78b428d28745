"""Decides what the runner does next. Pure: what is known goes in, what is to be done comes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from lytics_azure_tui.model.job import Job
from lytics_azure_tui.model.profile_build import PROFILES
from lytics_azure_tui.model.run import JobState, Run, RunState
from lytics_azure_tui.model.schedule import Schedule
from lytics_azure_tui.runner.failures import DEATHS

CLEANING_UP = timedelta(minutes=1)
"""So long a process may take that only removes what a run left behind, however short the grace is."""
KILL_AFTER = timedelta(seconds=5)
"""So long after being told to end, a process that still lives is ended by force."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the settings and the runner's state allow.

    Attributes:
        runs_at_once: runs side by side.
        grace: between asking a run to end and telling its process to.
        starting: whether anything new may be started; not so while the runner is about to end.
        schedules: whether jobs are started when they are due.
    """

    runs_at_once: int = 2
    grace: timedelta = timedelta(seconds=20)
    starting: bool = True
    schedules: bool = True


@dataclass(frozen=True, slots=True)
class Active:
    """A run that has not ended, and whether the process lives that has it."""

    run: Run
    alive: bool = False


@dataclass(frozen=True, slots=True)
class Publish:
    """Write down when a job is due."""

    job: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Enqueue:
    """A job is due: queue a run of it."""

    job: Job


@dataclass(frozen=True, slots=True)
class Start:
    """Start a process for a run."""

    run: Run


@dataclass(frozen=True, slots=True)
class Resume:
    """A run's process is gone: back into the queue with it."""

    run: Run


@dataclass(frozen=True, slots=True)
class GiveUp:
    """A run's processes die whatever one does: end it."""

    run: Run


@dataclass(frozen=True, slots=True)
class Terminate:
    """A cancelled run has not ended by itself: tell its process to, by force or not."""

    run: Run
    force: bool


Action = Publish | Enqueue | Start | Resume | GiveUp | Terminate


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now, and when to look again although nothing may have happened until then."""

    actions: tuple[Action, ...]
    again: datetime | None


def due_at(job: Job, state: JobState, now: datetime, built: datetime | None = None) -> datetime | None:
    """When a job is to be started by its schedule; None when it is not.

    One that was saved and never ran is due at once. One that is late stays due at the time that it missed, so that it
    is caught up once: the next time counts from the end of that run.

    Args:
        built: the end of the newest build of the profiles: those who follow it are due when they were not queued since.
    """
    schedule = job.config.schedule()
    if schedule is None or not job.enabled or state.stopped is not None or job.lytics is not None:
        return None
    if state.last_end is None:
        return now
    if type(job.config).follows_profiles and built and state.last_queued and state.last_queued < built:
        return now
    return _next(schedule, state.last_end, state.anchor or state.last_end)


def built_at(states: Mapping[str, JobState]) -> datetime | None:
    """The end of the newest build of the profiles; None when there was none."""
    return states.get(PROFILES.id, JobState()).last_end


_next = lru_cache(maxsize=4096)(Schedule.next_after)


def decide(
    jobs: Iterable[Job], states: Mapping[str, JobState], active: Sequence[Active], now: datetime, limits: Limits
) -> Decision:
    """What is to be done.

    Args:
        jobs: all that can be read; the others are as if they were not there.
        states: what the ledger knows of jobs, by id; one that never ran may be missing.
        active: all runs that have not ended.
        now: the moment, UTC.
        limits: what is allowed.
    """
    actions, later = list[Action](), list[datetime]()
    for item in active:
        if item.run.state is RunState.RUNNING:
            _look_after(item, now, limits, actions, later)
    if limits.starting:
        _start(active, now, limits, actions, later)
    busy = {item.run.job for item in active}
    built = built_at(states)
    for job in jobs:
        if job.id in busy:
            continue
        state = states.get(job.id, JobState())
        due = due_at(job, state, now, built)
        if due is not None and limits.schedules and limits.starting:
            if due <= now:
                actions.append(Enqueue(job))
            else:
                later.append(due)
        if due != state.next_due and state.last_end is not None:
            actions.append(Publish(job.id, due))
    return Decision(tuple(actions), min(later, default=None))


def _look_after(item: Active, now: datetime, limits: Limits, actions: list[Action], later: list[datetime]) -> None:
    """A run that has a process, or had one."""
    run = item.run
    if not item.alive:
        # The process after the last that is allowed only cleans up; when even that one dies, the runner ends the run.
        actions.append(Resume(run) if run.deaths < DEATHS else GiveUp(run))
    elif run.cancel_requested_at is not None:
        told = run.cancel_requested_at + limits.grace
        if run.claimed is not None and run.claimed > run.cancel_requested_at:
            told = run.claimed + max(limits.grace, CLEANING_UP)
        if now >= told:
            actions.append(Terminate(run, force=now >= told + KILL_AFTER))
        later.append(told if now < told else told + KILL_AFTER)


def _start(
    active: Sequence[Active], now: datetime, limits: Limits, actions: list[Action], later: list[datetime]
) -> None:
    """Runs that wait: the oldest first, as many as may run side by side."""
    room = limits.runs_at_once - sum(item.run.state is RunState.RUNNING for item in active)
    for run in sorted((item.run for item in active), key=lambda run: (run.retry_at or run.created, run.id)):
        if run.state is RunState.RUNNING:
            continue
        if run.cancel_requested:
            # It only has to clean up, and nobody should wait for that.
            actions.append(Start(run))
        elif run.retry_at is not None and run.retry_at > now:
            later.append(run.retry_at)
        elif room > 0:
            actions.append(Start(run))
            room -= 1
