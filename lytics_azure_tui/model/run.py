"""What a run is: its states, its parts, their results, its progress."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class RunState(StrEnum):
    """QUEUED → RUNNING → one of the ends; RETRYING between two tries."""

    QUEUED = "queued"
    RUNNING = "running"
    RETRYING = "retrying"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED)


class Trigger(StrEnum):
    """Why a run was started."""

    SCHEDULE = "schedule"
    MANUAL = "manual"
    REPLAY = "replay"


class Answer(StrEnum):
    """How a job goes on whose source is not what it was."""

    ANEW = "anew"
    """It forgets what it has imported."""
    GO_ON = "go_on"
    """What it has imported counts for the source as it is now."""

    @property
    def label(self) -> str:
        """Its name, for people."""
        return "Begin anew" if self is Answer.ANEW else "Go on"

    @property
    def meaning(self) -> str:
        """What it does, in a sentence."""
        if self is Answer.ANEW:
            return "The next run imports all rows, also those that are in the stream already."
        return "The next run imports only what is newer than the last row that was imported; what is older never comes."


LAST = "last"
"""The chain of the part that sends what all others have made ready; `jobs.delivery` does it, whatever the kind."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a run's work that can be done again without harm.

    Attributes:
        index: its place in the plan, from 0.
        chain: parts of one chain are done in order, each with the result of the one before; chains are independent,
            but for `LAST`.
        spec: what is to be done, as JSON values.
    """

    index: int
    chain: str
    spec: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PartResult:
    """What a part did.

    Attributes:
        index: the part's.
        rows: rows that are ready to be committed; below 0 for those that other parts had ready and that are not.
        rejected: rows that went to quarantine.
        bytes: bytes read from, or written to, Azure.
        quarantine: the file in which the rejected rows lie; None when there are none.
        data: what commit, or the next part of the chain, has to know, as JSON values.
    """

    index: int
    rows: int = 0
    rejected: int = 0
    bytes: int = 0
    quarantine: str | None = None
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """All of a run's parts, made before anything moves.

    Attributes:
        parts: may be empty when there is nothing to do.
        about: one line: what the run is going to do, or why there is nothing to do.
        bytes_total: to be read or written in all; None when it cannot be known.
        data: what commit has to know, as JSON values.
        stop: a reason for which the job's schedule ends here; None to go on.
        processes: chains go side by side in processes, not in threads: their work holds Python's interpreter.
        notes: lines for the run's log: how what was found is going to be read.
        warnings: lines for the run's log that the operator should look at; a run with any ends with exit code 3.
        checkpoint: of a plan without parts: the job's memory for its next plan; None leaves it as it is.
    """

    parts: tuple[Part, ...]
    about: str
    bytes_total: int | None = None
    data: dict[str, Any] = field(default_factory=dict)
    stop: str | None = None
    processes: bool = False
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    checkpoint: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a committed run leaves behind.

    Attributes:
        checkpoint: the job's memory for its next plan, as JSON values; None leaves it as it is.
        about: one line: what the run did.
        counts: further figures by name, for the run's page ("unchanged": 12).
    """

    checkpoint: dict[str, Any] | None
    about: str
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        stage: a short present participle: "reading customers_20260101.csv".
        bytes_done, bytes_total: of the source; total None when unknown.
        rows, rejected: so far.
    """

    stage: str = ""
    bytes_done: int = 0
    bytes_total: int | None = None
    rows: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the ledger has it. Times are in UTC.

    Attributes:
        claimed: when its process took it up; `started` is when the first one did.
        born: what tells the process `pid` from a later one of the same number.
        attempt: how often a process has taken it up.
        failures, failing_since: tries that ended in an error that may pass, without a part done between them.
        deaths: processes that ended without a word, without a part done between them.
        rows: what a succeeded run made visible; `progress.rows` is what it has read so far.
        error: what happened, why and what to do, of the last failure.
    """

    id: str
    job: str
    label: str
    workflow: str
    trigger: Trigger
    state: RunState
    created: datetime
    started: datetime | None = None
    ended: datetime | None = None
    heartbeat: datetime | None = None
    claimed: datetime | None = None
    pid: int | None = None
    born: str = ""
    attempt: int = 0
    retry_at: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    deaths: int = 0
    cancel_requested: bool = False
    cancel_requested_at: datetime | None = None
    progress: Progress = field(default_factory=Progress)
    rows: int = 0
    rejected: int = 0
    bytes: int = 0
    about: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    error: str = ""
    replay_of: str | None = None
    replayed_by: str | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a run's log; `seq` counts from 1."""

    seq: int
    at: datetime
    level: str
    text: str


@dataclass(frozen=True, slots=True)
class JobState:
    """What the ledger knows of a job.

    Attributes:
        next_due: when the scheduler will start it; None when it will not.
        stopped: why its schedule ended; None while it goes on.
        last_run: its newest run of any kind.
        anchor: the start of its first run, by which weekly and monthly schedules know their day.
        last_end: the end of its newest run, replays left out; the next run counts from it.
        last_queued: when its newest run was queued, replays left out.
    """

    next_due: datetime | None = None
    stopped: str | None = None
    last_run: Run | None = None
    anchor: datetime | None = None
    last_end: datetime | None = None
    last_queued: datetime | None = None
