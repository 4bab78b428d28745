"""The ledger: what every run is to do, has done and left behind. The one thing that processes share.

Every method is one short transaction. What must survive a power cut is synced to disk before the method returns;
progress and log lines are not, as a run that is resumed tells them again.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from lytics_azure_tui.errors import BadConfiguration, Fatal
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.model.run import (
    Answer,
    JobState,
    LogLine,
    Outcome,
    PartResult,
    Plan,
    Progress,
    Run,
    RunState,
    Trigger,
)
from lytics_azure_tui.runner import alive, records
from lytics_azure_tui.runner.database import Database
from lytics_azure_tui.runner.records import to_text

LOG_LINES, LOG_LINE_LENGTH = 10_000, 4_000  # What is kept of one run's log.

_ACTIVE = "state IN ('queued', 'running', 'retrying')"
_JOBS = (
    "SELECT *, (SELECT created FROM runs WHERE runs.job = jobs.id AND trigger <> 'replay'"
    " ORDER BY created DESC LIMIT 1) AS last_queued FROM jobs"
)


class Ledger:
    """The ledger in one file. Safe to use from any thread.

    All methods may raise `Fatal` (the file cannot be used) and `RetryLater` (another process holds it for long).
    """

    def __init__(self, path: Path, *, clock: Callable[[], datetime] = records.now) -> None:
        """Opens the file, making or migrating it.

        Args:
            path: of the file; its folder is made when it is not there.
            clock: tells the time, in UTC.
        """
        self.path = path
        self._clock = clock
        self._db = Database(path)

    def close(self) -> None:
        """Lets go of the file."""
        self._db.close()

    def version(self) -> int:
        """A number that differs whenever anything has changed since the last call; asking costs microseconds."""
        return self._db.version()

    # Runs

    def enqueue(self, job: Job, trigger: Trigger, *, replay_of: str | None = None) -> Run:
        """Puts a run into the queue, frozen as the job is now; the active run when the job has one already.

        Args:
            replay_of: the run whose quarantined rows are to be read again.

        Raises:
            BadConfiguration: that run's rows were replayed already, or the job was handed over to Lytics.
        """
        job.require_here()
        with self._db.transaction():
            active = self.runs(job=job.id, active=True)
            if active:
                return active[0]
            if replay_of is not None:
                self._must_be_replayable(replay_of)
            created = self._clock()
            run_id = f"{created:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
            self._db.change(
                "INSERT INTO runs (id, job, label, workflow, trigger, state, spec, created, replay_of)"
                " VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, ?)",
                *(
                    run_id,
                    job.id,
                    job.label,
                    job.workflow,
                    trigger,
                    json.dumps(job.spec()),
                    to_text(created),
                    replay_of,
                ),
            )
            return self.run(run_id)

    def _must_be_replayable(self, run_id: str) -> None:
        replayed_by = self.run(run_id).replayed_by
        if replayed_by is not None:
            raise BadConfiguration(
                f"The quarantined rows of run {run_id} were imported already",
                why=f"Run {replayed_by} replayed them",
                fix="Rows that were refused once more lie in the quarantine of that run; replay that one",
            )

    def run(self, run_id: str) -> Run:
        """One run. Raises `BadConfiguration` when there is none of that id."""
        found = self._db.rows(f"SELECT {records.RUN_COLUMNS} WHERE id = ?", run_id)
        if not found:
            raise BadConfiguration(f"There is no run {run_id}", fix="Runs are forgotten 90 days after they ended")
        return records.run(found[0])

    def runs(
        self, *, job: str | None = None, active: bool | None = None, limit: int = 50, before: str | None = None
    ) -> list[Run]:
        """Runs, newest first.

        Args:
            job: only this job's.
            active: True for those that have not ended, False for those that have, None for all.
            limit: at most so many.
            before: only runs older than the run of this id: the last of the page before.
        """
        conditions, values = ["1"], list[object]()
        if job is not None:
            conditions.append("job = ?")
            values.append(job)
        if active is not None:
            conditions.append(_ACTIVE if active else f"NOT {_ACTIVE}")
        if before is not None:
            conditions.append("(created, id) < (SELECT created, id FROM runs WHERE id = ?)")
            values.append(before)
        where = " AND ".join(conditions)
        rows = self._db.rows(
            f"SELECT {records.RUN_COLUMNS} WHERE {where} ORDER BY created DESC, id DESC LIMIT ?", *values, limit
        )
        return [records.run(row) for row in rows]

    def spec(self, run_id: str) -> dict[str, Any]:
        """The job as it was when the run was queued: `Job.spec()`."""
        return dict(json.loads(self._db.value("SELECT spec FROM runs WHERE id = ?", run_id)))

    # A run's life

    def claim(self, run_id: str, pid: int) -> bool:
        """Makes a process the one that works on a queued run, or on one that is due for another try.

        Returns:
            False when the run is not waiting for a process: another has it, it has ended, or its try is not due.
            True, and nothing changes, when this process has it already.
        """
        moment, born = to_text(self._clock()), alive.birth(pid) or ""
        with self._db.transaction():
            claimed = self._db.change(
                "UPDATE runs SET state = 'running', claimed = ?, pid = ?, born = ?, attempt = attempt + 1,"
                " retry_at = NULL, started = coalesce(started, ?)"
                " WHERE id = ? AND (state = 'queued' OR (state = 'retrying'"
                " AND (retry_at <= ? OR cancel_requested_at IS NOT NULL)))",
                *(moment, pid, born, moment, run_id, moment),
            )
            if not claimed:
                run = self.run(run_id)
                return run.state is RunState.RUNNING and (run.pid, run.born) == (pid, born)
            self._db.change(
                "INSERT INTO jobs (id, anchor) SELECT job, started FROM runs WHERE id = ? AND started IS NOT NULL"
                " ON CONFLICT (id) DO UPDATE SET anchor = coalesce(anchor, excluded.anchor)",
                run_id,
            )
            return True

    def release(self, run_id: str, pid: int | None, *, died: bool = False) -> bool:
        """Puts a run whose process stopped back into the queue; it goes on from the parts that are done.

        Args:
            pid: the process that had it.
            died: that process ended without a word.

        Returns:
            False when that process did not have the run.
        """
        with self._db.transaction():
            statement = (
                "UPDATE runs SET state = 'queued', pid = NULL, born = '', deaths = deaths + ?"
                " WHERE id = ? AND state = 'running' AND pid IS ?"
            )
            return self._db.change(statement, int(died), run_id, pid) == 1

    def retry(self, run_id: str, at: datetime, error: str) -> bool:
        """Ends a try with an error that may pass; the next is due at that time. False when the run was not running."""
        with self._db.transaction():
            statement = (
                "UPDATE runs SET state = 'retrying', pid = NULL, born = '', retry_at = ?, error = ?,"
                " failures = failures + 1, failing_since = coalesce(failing_since, ?)"
                " WHERE id = ? AND state = 'running'"
            )
            return self._db.change(statement, to_text(at), error, to_text(self._clock()), run_id) == 1

    def finish(self, run_id: str, state: RunState, *, outcome: Outcome | None = None, error: str = "") -> bool:
        """Ends a run for good: its figures, its job's checkpoint and schedule, all in one transaction.

        Returns:
            False when it had ended before; then nothing is changed.
        """
        if not state.ended:
            raise ValueError(f"{state} is not an end")
        moment = to_text(self._clock())
        with self._db.transaction():
            ended = self._db.change(
                "UPDATE runs SET state = ?, ended = ?, pid = NULL, born = '', retry_at = NULL, error = ?"
                f" WHERE id = ? AND {_ACTIVE}",
                *(state, moment, error, run_id),
            )
            if not ended:
                return False
            run = self.run(run_id)
            if outcome is not None:
                self._keep_outcome(run, outcome)
            if state is RunState.SUCCEEDED and run.replay_of is not None:
                self._db.change("UPDATE runs SET replayed_by = ? WHERE id = ?", run_id, run.replay_of)
            if run.trigger is not Trigger.REPLAY:
                self._db.change(
                    "INSERT INTO jobs (id, last_end) VALUES (?, ?)"
                    " ON CONFLICT (id) DO UPDATE SET last_end = excluded.last_end, next_due = NULL",
                    *(run.job, moment),
                )
            for table in ("plans", "parts"):
                self._db.change(f"DELETE FROM {table} WHERE run = ?", run_id)
            return True

    def _keep_outcome(self, run: Run, outcome: Outcome) -> None:
        results = self.results(run.id)
        self._db.change(
            "UPDATE runs SET rows = ?, rejected = ?, bytes = ?, about = ?, counts = ? WHERE id = ?",
            sum(result.rows for result in results),
            sum(result.rejected for result in results),
            sum(result.bytes for result in results),
            *(outcome.about, json.dumps(outcome.counts), run.id),
        )
        if outcome.checkpoint is not None:
            self._set_of_job(run.job, "checkpoint", json.dumps(outcome.checkpoint))

    def request_cancel(self, run_id: str) -> None:
        """Asks a run to end; one that no process has touched yet ends at once.

        A run that has begun to commit is not asked any more: it may be visible already, and then it must say so.
        """
        with self._db.transaction():
            self._db.change(
                "UPDATE runs SET cancel_requested_at = coalesce(cancel_requested_at, ?)"
                f" WHERE id = ? AND committing = 0 AND {_ACTIVE}",
                *(to_text(self._clock()), run_id),
            )
            run = self.run(run_id)
            if run.state is RunState.QUEUED and run.attempt == 0:
                self.finish(run_id, RunState.CANCELLED)

    def cancel_requested(self, run_id: str) -> bool:
        """Whether the operator asked for an end."""
        return self._db.value("SELECT cancel_requested_at FROM runs WHERE id = ?", run_id) is not None

    def begin_commit(self, run_id: str) -> bool:
        """The point of no return. False when the operator asked for an end before it."""
        with self._db.transaction():
            statement = "UPDATE runs SET committing = 1 WHERE id = ? AND cancel_requested_at IS NULL"
            return self._db.change(statement, run_id) == 1

    # A run's work

    def save_plan(self, run_id: str, plan: Plan) -> None:
        """Keeps a plan, before anything moves."""
        with self._db.transaction():
            self._db.change("INSERT INTO plans (run, plan) VALUES (?, ?)", run_id, records.plan_to_json(plan))
            self._db.change("UPDATE runs SET about = ? WHERE id = ?", plan.about, run_id)

    def plan(self, run_id: str) -> Plan | None:
        """The plan that this try or one before it saved; None when none did, or when the run has ended."""
        text = self._db.value("SELECT plan FROM plans WHERE run = ?", run_id)
        return None if text is None else records.plan_from_json(text)

    def clear_plan(self, run_id: str) -> int:
        """Forgets a plan that has become void, and its parts. Returns how often that has happened to the run."""
        with self._db.transaction():
            for table in ("plans", "parts", "quarantine"):
                self._db.change(f"DELETE FROM {table} WHERE run = ?", run_id)
            self._db.change("UPDATE runs SET starts_over = starts_over + 1, committing = 0 WHERE id = ?", run_id)
            return int(self._db.value("SELECT starts_over FROM runs WHERE id = ?", run_id))

    def part_done(self, run_id: str, result: PartResult) -> None:
        """Keeps what a part did."""
        with self._db.transaction():
            self._db.change(
                "INSERT OR REPLACE INTO parts (run, part, result) VALUES (?, ?, ?)",
                *(run_id, result.index, records.result_to_json(result)),
            )
            self._db.change("DELETE FROM quarantine WHERE run = ? AND part = ?", run_id, result.index)
            if result.quarantine is not None:
                self._db.change(
                    "INSERT INTO quarantine (run, part, path) VALUES (?, ?, ?)", run_id, result.index, result.quarantine
                )
            # A run that gets on has a fresh claim to patience; not so one whose source changes again and again.
            self._db.change(
                "UPDATE runs SET failures = 0, failing_since = NULL, deaths = 0 WHERE id = ? AND starts_over = 0",
                run_id,
            )

    def results(self, run_id: str) -> list[PartResult]:
        """What the parts did that are done, in the plan's order; empty when the run has ended."""
        found = self._db.rows("SELECT result FROM parts WHERE run = ? ORDER BY part", run_id)
        return [records.result_from_json(row["result"]) for row in found]

    def quarantine_files(self, run_id: str) -> list[str]:
        """The files in which the run's rejected rows lie, in the plan's order."""
        return [row["path"] for row in self._db.rows("SELECT path FROM quarantine WHERE run = ? ORDER BY part", run_id)]

    def heartbeat(self, run_id: str, progress: Progress) -> None:
        """Says that the run's process lives, and how far it is."""
        with self._db.transaction(durable=False):
            self._db.change(
                "INSERT OR REPLACE INTO progress (run, at, stage, bytes_done, bytes_total, rows, rejected)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                *(run_id, to_text(self._clock()), progress.stage, progress.bytes_done, progress.bytes_total),
                *(progress.rows, progress.rejected),
            )

    def log(self, run_id: str, level: str, text: str) -> None:
        """Adds a line to a run's log, which is bounded in lines and in their length."""
        with self._db.transaction(durable=False):
            last = self._db.value("SELECT max(seq) FROM logs WHERE run = ?", run_id) or 0
            if last > LOG_LINES:
                return
            if last == LOG_LINES:
                level, text = "warning", "Further lines are left out"
            self._db.change(
                "INSERT INTO logs (run, seq, at, level, text) VALUES (?, ?, ?, ?, ?)",
                *(run_id, last + 1, to_text(self._clock()), level, text[:LOG_LINE_LENGTH]),
            )

    def log_lines(self, run_id: str, after: int = 0, limit: int = 500) -> list[LogLine]:
        """A run's log, oldest first, from the line behind `after`."""
        rows = self._db.rows("SELECT * FROM logs WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?", run_id, after, limit)
        return [records.log_line(row) for row in rows]

    def prune(self, before: datetime) -> list[str]:
        """Forgets runs that ended before a time, with their logs; of each job that is still there the newest stays.

        Returns:
            Their quarantine files, for the caller to remove.
        """
        with self._db.transaction():
            old = self._db.rows(
                "SELECT id FROM runs AS run WHERE ended < ? AND ("
                " NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.id = run.job) OR EXISTS (SELECT 1 FROM runs AS newer"
                " WHERE newer.job = run.job AND (newer.created, newer.id) > (run.created, run.id)))",
                to_text(before),
            )
            files = [path for row in old for path in self.quarantine_files(row["id"])]
            for row in old:
                for table in ("progress", "quarantine", "logs"):
                    self._db.change(f"DELETE FROM {table} WHERE run = ?", row["id"])
                self._db.change("DELETE FROM runs WHERE id = ?", row["id"])
            return files

    # Jobs

    def job_state(self, job_id: str) -> JobState:
        """What is known of a job; all empty for one that is not known."""
        last = next(iter(self.runs(job=job_id, limit=1)), None)
        rows = self._db.rows(f"{_JOBS} WHERE id = ?", job_id)
        return records.job_state(rows[0], last) if rows else JobState(last_run=last)

    def job_states(self) -> dict[str, JobState]:
        """What is known of all jobs that ever ran, without their last runs: cheap enough for every look around."""
        return {row["id"]: records.job_state(row) for row in self._db.rows(_JOBS)}

    def job_marks(self) -> set[tuple[str, str | None, str | None]]:
        """(id, when it is due next, why it stopped) of all jobs, as text: for seeing cheaply which have changed."""
        return {tuple(row) for row in self._db.rows("SELECT id, next_due, stopped FROM jobs")}

    def checkpoint(self, job_id: str) -> dict[str, Any] | None:
        """What the job's last succeeded run left for the next."""
        text = self._db.value("SELECT checkpoint FROM jobs WHERE id = ?", job_id)
        return None if text is None else dict(json.loads(text))

    def answer(self, job_id: str, answer: Answer) -> None:
        """Has a job go on in the way that a person has chosen, and takes its schedule up again.

        Raises:
            Fatal: a run of it is active, which would leave a memory of its own.
        """
        with self._db.transaction():
            if self.runs(job=job_id, active=True):
                raise Fatal("The job has a run that has not ended", fix="Cancel the run first, or wait for its end")
            known = self.checkpoint(job_id)
            if known is not None:
                kept = None if answer is Answer.ANEW else json.dumps({**known, "accepted": True})
                self._set_of_job(job_id, "checkpoint", kept)
            self.resume_job(job_id)

    def set_next_due(self, job_id: str, at: datetime | None) -> None:
        """Keeps when the scheduler will start the job, for all to see."""
        self._set_of_job(job_id, "next_due", None if at is None else to_text(at))

    def stop_job(self, job_id: str, why: str) -> None:
        """Ends a job's schedule; `resume_job` takes it up again."""
        self._set_of_job(job_id, "stopped", why)

    def resume_job(self, job_id: str) -> None:
        """Takes up a stopped schedule."""
        self._set_of_job(job_id, "stopped", None)

    def _set_of_job(self, job_id: str, column: str, value: str | None) -> None:
        with self._db.transaction():
            self._db.change(
                f"INSERT INTO jobs (id, {column}) VALUES (?, ?)"
                f" ON CONFLICT (id) DO UPDATE SET {column} = excluded.{column}",
                *(job_id, value),
            )

    def forget_job(self, job_id: str) -> None:
        """Drops a deleted job's checkpoint and schedule, so that a new job of that id starts afresh.

        Raises:
            Fatal: a run of it is active.
        """
        with self._db.transaction():
            if self.runs(job=job_id, active=True):
                raise Fatal("The job has a run that has not ended", fix="Cancel the run first, or wait for its end")
            self._db.change("DELETE FROM jobs WHERE id = ?", job_id)
