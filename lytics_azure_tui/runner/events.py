"""What happens to runs, told as events: the command line prints them, and needs to know nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from lytics_azure_tui.model.run import Run, RunState
from lytics_azure_tui.runner.ledger import Ledger

PROGRESS_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        kind: "notice" (about the runner itself), or of a run: "queued", "started", "progress", "log", "retrying",
            "succeeded", "failed", "cancelled".
        run: the run as it is then; None for a notice.
        text: one line for people.
        figures: numbers and words for programs, by name.
    """

    kind: str
    run: Run | None
    text: str
    figures: dict[str, int | float | str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExitSummary:
    """How it all ended.

    Attributes:
        runs: those that were followed, as they are now, oldest first.
        interrupted: whether a signal ended it.
        problems: so many things in the configuration could not be used, and were left out.
        stopped: labels of jobs whose schedule has stopped by itself, of those that were asked for.
    """

    runs: tuple[Run, ...] = ()
    interrupted: bool = False
    problems: int = 0
    stopped: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[Run, ...]:
        """Runs that failed or were cancelled."""
        return tuple(run for run in self.runs if run.state in (RunState.FAILED, RunState.CANCELLED))

    @property
    def quarantined(self) -> int:
        """Rows that the succeeded runs put into quarantine."""
        return sum(run.rejected for run in self.runs if run.state is RunState.SUCCEEDED)

    @property
    def warnings(self) -> int:
        """Warnings of the succeeded runs' plans."""
        return sum(run.counts.get("warnings", 0) for run in self.runs if run.state is RunState.SUCCEEDED)


class Follower:
    """Watches runs in the ledger, whoever does them."""

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._version: int | None = None
        self._seen: dict[str, Run] = {}
        self._lines: dict[str, int] = {}
        self._told: dict[str, datetime] = {}

    @property
    def runs(self) -> tuple[Run, ...]:
        """All that are followed, as last seen, oldest first."""
        return tuple(sorted(self._seen.values(), key=lambda run: (run.created, run.id)))

    @property
    def active(self) -> tuple[Run, ...]:
        """Those that have not ended, as last seen."""
        return tuple(run for run in self.runs if not run.state.ended)

    def follow(self, run: Run) -> Iterator[Event]:
        """Takes a run in; what happens to it from here on is told by `poll`."""
        if run.id not in self._seen:
            self._seen[run.id] = run
            yield Event(
                "queued", run, "waits for its turn" if run.state is RunState.QUEUED else "is on its way already"
            )

    def poll(self) -> Iterator[Event]:
        """What has happened since the last call."""
        version = self._ledger.version()
        if version == self._version:
            return
        self._version = version
        for before in self.active:
            now = self._ledger.run(before.id)
            self._seen[now.id] = now
            if now.attempt != before.attempt:
                yield Event("started", now, _started(now), {"attempt": now.attempt})
            yield from self._new_lines(now)
            if now.state is RunState.RETRYING and before.state is not RunState.RETRYING:
                yield Event("retrying", now, now.error, _retry(now))
            elif now.state.ended:
                yield Event(str(now.state), now, _ended(now), _result(now))
            elif now.progress != before.progress and self._may_tell(now):
                yield Event("progress", now, now.progress.stage, _progress(now))

    def _new_lines(self, run: Run) -> Iterator[Event]:
        while lines := self._ledger.log_lines(run.id, after=self._lines.get(run.id, 0)):
            self._lines[run.id] = lines[-1].seq
            for line in lines:
                yield Event("log", run, line.text, {"level": line.level})

    def _may_tell(self, run: Run) -> bool:
        moment, told = self._clock(), self._told.get(run.id)
        if told is not None and (moment - told).total_seconds() < PROGRESS_SECONDS:
            return False
        self._told[run.id] = moment
        return True


def _started(run: Run) -> str:
    if run.attempt > 1:
        return f"goes on, try {run.attempt}"
    return "starts"


def _ended(run: Run) -> str:
    if run.state is RunState.CANCELLED:
        return "cancelled; nothing of it was kept"
    return run.error or run.about


def _retry(run: Run) -> dict[str, int | float | str | None]:
    return {"retry_at": run.retry_at.isoformat() if run.retry_at else None}


def _progress(run: Run) -> dict[str, int | float | str | None]:
    progress = run.progress
    return {
        "bytes_done": progress.bytes_done,
        "bytes_total": progress.bytes_total,
        "rows": progress.rows,
        "rejected": progress.rejected,
    }


def _result(run: Run) -> dict[str, int | float | str | None]:
    seconds = (run.ended - run.started).total_seconds() if run.ended and run.started else None
    return {"rows": run.rows, "rejected": run.rejected, "bytes": run.bytes, "seconds": seconds, **run.counts}
