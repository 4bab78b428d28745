"""Between the ledger's rows and the model: times as sortable text, plans and results as JSON."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict
from datetime import UTC, datetime

from lytics_azure_tui.model.run import JobState, LogLine, Part, PartResult, Plan, Progress, Run, RunState, Trigger


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def to_text(moment: datetime) -> str:
    """A time as text of one length, so that text sorts as time does."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def to_time(text: str | None) -> datetime | None:
    """The time that a text stands for."""
    return None if text is None else datetime.fromisoformat(text)


def plan_to_json(plan: Plan) -> str:
    return json.dumps(asdict(plan))


def plan_from_json(text: str) -> Plan:
    values = json.loads(text)
    values["parts"] = tuple(Part(**part) for part in values["parts"])
    for lines in ("notes", "warnings"):
        values[lines] = tuple(values.get(lines, ()))
    return Plan(**values)


def result_to_json(result: PartResult) -> str:
    return json.dumps(asdict(result))


def result_from_json(text: str) -> PartResult:
    return PartResult(**json.loads(text))


RUN_COLUMNS = """
    runs.*, progress.at, progress.stage, progress.bytes_done, progress.bytes_total,
    progress.rows AS progress_rows, progress.rejected AS progress_rejected
    FROM runs LEFT JOIN progress ON progress.run = runs.id
"""
"""What a SELECT must ask for so that `run` can read it."""


def run(row: sqlite3.Row) -> Run:
    """A run, from a row of `RUN_COLUMNS`."""
    progress = Progress()
    if row["at"] is not None:
        progress = Progress(
            row["stage"], row["bytes_done"], row["bytes_total"], row["progress_rows"], row["progress_rejected"]
        )
    return Run(
        id=row["id"],
        job=row["job"],
        label=row["label"],
        workflow=row["workflow"],
        trigger=Trigger(row["trigger"]),
        state=RunState(row["state"]),
        created=datetime.fromisoformat(row["created"]),
        started=to_time(row["started"]),
        ended=to_time(row["ended"]),
        heartbeat=to_time(row["at"]),
        claimed=to_time(row["claimed"]),
        pid=row["pid"],
        born=row["born"],
        attempt=row["attempt"],
        retry_at=to_time(row["retry_at"]),
        failures=row["failures"],
        failing_since=to_time(row["failing_since"]),
        deaths=row["deaths"],
        cancel_requested=row["cancel_requested_at"] is not None,
        cancel_requested_at=to_time(row["cancel_requested_at"]),
        progress=progress,
        rows=row["rows"],
        rejected=row["rejected"],
        bytes=row["bytes"],
        about=row["about"],
        counts=json.loads(row["counts"]),
        error=row["error"],
        replay_of=row["replay_of"],
        replayed_by=row["replayed_by"],
    )


def log_line(row: sqlite3.Row) -> LogLine:
    """A line of a log, from its row."""
    return LogLine(row["seq"], datetime.fromisoformat(row["at"]), row["level"], row["text"])


def job_state(row: sqlite3.Row, last_run: Run | None = None) -> JobState:
    """What the ledger knows of a job, from its row."""
    return JobState(
        next_due=to_time(row["next_due"]),
        stopped=row["stopped"],
        last_run=last_run,
        anchor=to_time(row["anchor"]),
        last_end=to_time(row["last_end"]),
        last_queued=to_time(row["last_queued"]),
    )
