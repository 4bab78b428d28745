"""What a job kind must be able to do: plan, do, commit. One module of jobs/ fulfils this for each kind."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.lytics.protocol import Lytics
from lytics_azure_tui.model.authorization import Authorization
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.model.mapping import Definitions
from lytics_azure_tui.model.run import Outcome, Part, PartResult, Plan

A = TypeVar("A", bound=Authorization)


@dataclass(frozen=True, slots=True)
class Context:
    """What a run can reach.

    Attributes:
        run_id: makes every name that the run writes its own.
        started: the run's first start, UTC; the same when it is resumed, so that a part done again is the same.
        job: as it was when the run was queued.
        authorization: with its secrets.
        lytics: where the rows go.
        scratch: a folder of this run alone; it is there while the run lives.
        keep: a folder of this job alone; what lies in it stays between runs, if a checkpoint names it.
        memory: bytes that the run may use, about.
        threads: processor threads that the run may use.
        sessions: connections to a database that the run may hold at once.
        replay: the quarantine files to read again, for a replay; empty otherwise.
        definitions: the mappings and audiences, for kinds that read them.
    """

    run_id: str
    started: datetime
    job: Job
    authorization: Authorization
    lytics: Lytics
    scratch: Path
    keep: Path
    memory: int
    threads: int
    sessions: int = 1
    replay: tuple[str, ...] = ()
    definitions: Definitions = field(default_factory=Definitions)


class Sink(Protocol):
    """Where a part tells how it goes. Safe to call from any thread."""

    def progress(
        self, stage: str, *, bytes_done: int, bytes_total: int | None = None, rows: int = 0, rejected: int = 0
    ) -> None:
        """The part's figures so far (not since the last call). Cheap: it may be called for every block."""

    def log(self, level: str, text: str) -> None:
        """A line for the run's log: level is "info", "warning" or "error"."""

    def check(self) -> None:
        """Raises `Cancelled` when the operator asked for an end; call it between blocks."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a run would do: the answer of --dry-run and of the review step.

    Attributes:
        about: one line.
        items: (name, what would happen to it) of each file.
        bytes_total: to be moved; None when unknown.
        columns: of the sample.
        sample: the first rows, as text.
        notes: what an operator should know before.
    """

    about: str
    items: tuple[tuple[str, str], ...] = ()
    bytes_total: int | None = None
    columns: tuple[str, ...] = ()
    sample: tuple[tuple[str | None, ...], ...] = ()
    notes: tuple[str, ...] = ()


class JobKind(Protocol):
    """A module with these four functions."""

    def plan(self, context: Context, checkpoint: dict[str, Any] | None) -> Plan:
        """Decides what is to be done. Reads, and changes nothing. The same input gives the same plan."""

    def do(self, context: Context, part: Part, before: PartResult | None, sink: Sink) -> PartResult:
        """Does one part; writes only where nobody looks yet. Done again, it overwrites the same names.

        Args:
            before: the result of the part before it in its chain; None for the first.
        """

    def commit(self, context: Context, plan: Plan, results: list[PartResult]) -> Outcome:
        """Makes it all visible in one act. Called again for the same run, it changes nothing and says the same."""

    def discard(self, context: Context) -> None:
        """Removes what the parts of a failed or cancelled run left behind."""

    def rehearse(self, context: Context, checkpoint: dict[str, Any] | None) -> Rehearsal:
        """Says what a run would do, from a sample; changes nothing."""


def authorization(context: Context, kind: type[A]) -> A:
    """The run's authorization, which has to be of one kind.

    Raises:
        BadConfiguration: it is of another.
    """
    found = context.authorization
    if not isinstance(found, kind):
        raise BadConfiguration(
            f"the job {context.job.label} needs an authorization of the kind {kind.title}",
            why=f"{found.label} is of the kind {found.title}",
            fix="Edit the job and choose another authorization",
        )
    return found


def load(job: Job) -> JobKind:
    """The module of a job's kind."""
    return cast(JobKind, importlib.import_module(type(job.config).module))
