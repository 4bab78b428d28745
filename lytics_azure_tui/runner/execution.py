"""Takes one claimed run from its plan to its end. Whatever is done here may be cut off at any instruction.

What makes that harmless: the plan is in the ledger before anything moves, a part that is done again overwrites the same
names, commit knows the run's id, and the run's end is one transaction with its checkpoint.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from lytics_azure_tui.config import definitions
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.lytics import open_lytics
from lytics_azure_tui.config.secrets import open_store, unlock
from lytics_azure_tui.errors import BadConfiguration, Fatal, LyazureError, RetryLater, StartOver, Undecided
from lytics_azure_tui.jobs import delivery
from lytics_azure_tui.jobs.kind import Context, JobKind, load
from lytics_azure_tui.model.authorization import Authorization, NoAuthorization
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.model.kinds import KINDS, OWN_KINDS
from lytics_azure_tui.model.mapping import Definitions
from lytics_azure_tui.model.run import LAST, Outcome, Part, PartResult, Plan, Run, RunState
from lytics_azure_tui.runner import executor, failures, lock, places, records
from lytics_azure_tui.runner.board import Board
from lytics_azure_tui.runner.ledger import Ledger
from lytics_azure_tui.runner.pace import Pace
from lytics_azure_tui.runner.workshop import Workshop

STARTS_OVER = 3
"""So often a run makes a new plan at once, because its source has changed; after that it waits like one that failed."""


@dataclass
class Execution:
    """One process's work on one run.

    Attributes:
        folder: the configuration.
        ledger: where everything is written down.
        run: as claimed by this process.
        details_file: where `write_details` writes, for words that point there.
        write_details: keeps a traceback.
        clock: tells the time, in UTC.
        board: takes the figures, and knows whether the run was cancelled.
    """

    folder: Folder
    ledger: Ledger
    run: Run
    details_file: Path
    write_details: Callable[[str], None]
    clock: Callable[[], datetime] = records.now
    board: Board = field(init=False)
    _authorization: Authorization | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.board = Board(self._log)

    def carry_out(self) -> None:
        """Does what is left of the run, and writes down its end or its next try."""
        try:
            job = _job_of(self.ledger, self.run)
            kind = load(job)
        except Exception as error:
            self._failed(error)
            return
        try:
            if self.run.deaths >= failures.DEATHS:
                raise failures.given_up(self.run)
            with lock.workspace(self.folder.data):
                outcome = self._committed(kind, self._context(job, self._unlocked(job)))
        except Exception as error:
            if self._failed(error):
                self._clean_up(kind, job)
            return
        self.ledger.finish(self.run.id, RunState.SUCCEEDED, outcome=outcome)
        self._remove_scratch()

    def _unlocked(self, job: Job) -> Authorization:
        self._check_cancelled()
        if not type(job.config).methods:
            return NoAuthorization()
        self.board.stage("unlocking the authorization")
        self._authorization = unlock(self.folder, open_store(self.folder), job.authorization)
        return self._authorization

    def _context(self, job: Job, authorization: Authorization) -> Context:
        settings = self.folder.settings().engine
        scratch, keep = places.scratch(self.folder) / self.run.id, places.keep(self.folder) / job.id
        for path in (scratch, keep):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        replay_of = self.run.replay_of
        return Context(
            run_id=self.run.id,
            started=self.run.started or self.run.created,
            job=job,
            authorization=authorization,
            lytics=open_lytics(self.folder, lambda: open_store(self.folder)),
            scratch=scratch,
            keep=keep,
            memory=settings.memory,
            threads=settings.threads,
            sessions=settings.sessions,
            replay=tuple(self.ledger.quarantine_files(replay_of)) if replay_of else (),
            definitions=definitions.read(self.folder) if type(job.config).reads_definitions else Definitions(),
        )

    def _committed(self, kind: JobKind, context: Context) -> Outcome:
        """Plans, does and commits; starts over when the source changes under it."""
        while True:
            try:
                return self._once(kind, context)
            except StartOver as error:
                times = self.ledger.clear_plan(self.run.id)
                self.board.begin(None, ())
                self._discard(kind, context)
                self._log("warning", f"Starts over. {error}")
                if times >= STARTS_OVER:
                    raise RetryLater(error.what, why=error.why, fix=error.fix) from error

    def _once(self, kind: JobKind, context: Context) -> Outcome:
        self._check_cancelled()
        plan = self.ledger.plan(self.run.id)
        if plan is None:
            if self.run.attempt > 1:
                # A try before this one may have been cut off between forgetting a void plan and cleaning up after it.
                self._discard(kind, context)
            self._refresh(context)
            self.board.stage("planning")
            plan = kind.plan(context, self.ledger.checkpoint(self.run.job))
            self.ledger.save_plan(self.run.id, plan)
            self._log("info", plan.about)
            for level, lines in (("info", plan.notes), ("warning", plan.warnings)):
                for line in lines:
                    self._log(level, line)
        if plan.stop is not None:
            self.ledger.stop_job(self.run.job, plan.stop)
            self._log("warning", f"The job's schedule ends: {plan.stop}")
        outcome = self._done(kind, context, plan) if plan.parts else Outcome(plan.checkpoint, about=plan.about)
        if not plan.warnings:
            return outcome
        return replace(outcome, counts={**outcome.counts, "warnings": len(plan.warnings)})

    def _done(self, kind: JobKind, context: Context, plan: Plan) -> Outcome:
        self._do_parts(kind, context, plan)
        self._require_usable(context, plan)
        if not self.ledger.begin_commit(self.run.id):
            self._check_cancelled()
        self.board.stage("committing")
        return kind.commit(context, plan, self.ledger.results(self.run.id))

    def _refresh(self, context: Context) -> None:
        """Has audiences that the run is about to read brought up to now, before its plan says what there is."""

        def tell(stage: str, rows: int) -> None:
            self.board.check()
            self.board.stage(f"{stage}: {rows:,}")

        slugs = context.job.config.audiences()
        if slugs:
            for note in context.lytics.refresh(slugs, self.run.id, context.scratch, tell, memory=context.memory // 2):
                self._log("warning", note)

    def _do_parts(self, kind: JobKind, context: Context, plan: Plan) -> None:
        done = {result.index: result for result in self.ledger.results(self.run.id)}
        self.board.begin(plan.bytes_total, done.values())
        if done:
            self._log("info", f"Goes on: {len(done)} of {len(plan.parts)} parts are done")
        side_by_side = executor.workers(plan, context.threads, context.memory)
        share = replace(context, memory=context.memory // side_by_side, threads=max(1, context.threads // side_by_side))

        pace = Pace(len(plan.parts) - len(done), side_by_side, self._goes_slower)

        def work(part: Part, before: PartResult | None) -> PartResult:
            self.board.check()
            sink = self.board.sink(part.index)
            if part.chain == LAST:
                self._require_usable(context, plan)
                result = delivery.send(context, part, self.ledger.results(self.run.id), sink)
            elif workshop is None:
                result = kind.do(share, part, before, sink)
            else:
                with pace.turn():
                    result = workshop.do(part, before)
                    pace.done(result.bytes)
            if result.index != part.index:
                raise Fatal(f"Part {part.index} gave the result of part {result.index}")
            self.ledger.part_done(self.run.id, result)
            self.board.done(result)
            return result

        with contextlib.ExitStack() as opened:
            apart = plan.processes and side_by_side > 1
            workshop = opened.enter_context(Workshop(share, self.board, side_by_side)) if apart else None
            executor.do_parts(plan, done, work, self.board.halted.set, side_by_side)

    def _require_usable(self, context: Context, plan: Plan) -> None:
        """Ends a run of whose rows too many cannot be used, before any other is seen or sent."""
        reading = {part.index for part in plan.parts if part.chain != LAST}
        delivery.require_usable(context, [one for one in self.ledger.results(self.run.id) if one.index in reading])

    def _goes_slower(self, sessions: int) -> None:
        words = "one session" if sessions == 1 else f"{sessions} sessions"
        self._log("info", f"Goes on with {words}: more of them read no faster, as the server is at its limit")

    def _check_cancelled(self) -> None:
        if self.ledger.cancel_requested(self.run.id):
            self.board.cancelled.set()
        self.board.check()

    def _failed(self, error: Exception) -> bool:
        """Writes down a failure. Returns whether the run has ended by it."""
        if self.ledger.cancel_requested(self.run.id):
            # A part that was cut off may tell it in its own way.
            self.ledger.finish(self.run.id, RunState.CANCELLED)
            return True
        known = failures.explained(error, str(self.details_file))
        if isinstance(known, Undecided):
            self.ledger.stop_job(self.run.job, failures.redacted(known.why, self._authorization))
        if known is not error:
            self.write_details(failures.details(error, self._authorization))
        words = failures.redacted(str(known), self._authorization)
        if isinstance(known, RetryLater):
            # Figures that parts have changed since the claim count: a run that gets on may fail for longer.
            at = failures.next_try(self.ledger.run(self.run.id), self.clock())
            if at is not None:
                self._log("warning", f"{words}. Tries again at {at:%H:%M:%S} UTC")
                self.ledger.retry(self.run.id, at, words)
                return False
            words += f". Given up after {failures.PATIENCE.total_seconds() / 3600:g} hours of trying"
        self._log("error", words)
        self.ledger.finish(self.run.id, RunState.FAILED, error=words)
        return True

    def _log(self, level: str, text: str) -> None:
        # A ledger that is busy, or a full disk, is told by what has to be written; a line of log is not worth a run.
        with contextlib.suppress(LyazureError):
            self.ledger.log(self.run.id, level, failures.redacted(text, self._authorization))

    def _clean_up(self, kind: JobKind, job: Job) -> None:
        """Removes what an ended run left behind; that must not fail for want of a secret."""
        try:
            if type(job.config).methods:
                authorization = self._authorization or self.folder.authorization(job.authorization)
            else:
                authorization = NoAuthorization()
            self._discard(kind, self._context(job, authorization))
        except LyazureError as error:
            self._log("warning", f"What the run left behind could not be removed. {error}")
        self._remove_scratch()

    def _remove_scratch(self) -> None:
        shutil.rmtree(places.scratch(self.folder) / self.run.id, ignore_errors=True)

    def _discard(self, kind: JobKind, context: Context) -> None:
        try:
            kind.discard(context)
        except Exception as error:
            self.write_details(failures.details(error, self._authorization))
            words = failures.redacted(str(failures.explained(error, str(self.details_file))), self._authorization)
            self._log("warning", f"Not all that the run left behind could be removed. {words}")


def _job_of(ledger: Ledger, run: Run) -> Job:
    """The job as it was when the run was queued."""
    spec = ledger.spec(run.id)
    kind = {**KINDS, **OWN_KINDS}.get(spec["workflow"])
    if kind is None:
        raise BadConfiguration(f"This version of the program knows no jobs of the kind {spec['workflow']}")
    try:
        return Job.model_validate({**spec, "config": kind.model_validate(spec["config"])})
    except ValueError:
        raise BadConfiguration(
            "The run was queued by another version of this program, which wrote jobs differently",
            fix="Start the job again",
        ) from None
