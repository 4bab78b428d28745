"""/v2/job: jobs that run in Lytics. docs.lytics.com/reference/get_job"""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lytics_azure_tui.sandbox.lytics_api.auths import Auths, body_of, check_keys, slug
from lytics_azure_tui.sandbox.lytics_api.limits import ACCOUNT_ID, Limits
from lytics_azure_tui.sandbox.lytics_api.replies import Answer, Call, Path, Refused, moment, v2

_SCHEDULE = ("continuous_update", "time_of_day", "timezone")
_OFTEN = (*_SCHEDULE, "run_frequency", "day_of_week")
_AUDIENCE = ("segment_id", "container", "fields", "file_prefix", "include_segs", "withbackfill", "backfill_only")
_STORAGE = "azure_storage_connection"

WORKFLOWS: dict[str, tuple[str, frozenset[str]]] = {
    "azure_csv_import": (
        _STORAGE,
        frozenset(
            {"container", "filename", "stream", "delimiter", "timestamp_field", "fields", "diff", "prefix"}
            | {"file_frequency", "join", *_SCHEDULE}
        ),
    ),
    "azure_csv_export": (_STORAGE, frozenset({*_AUDIENCE, "delimiter", "join"})),
    "azure_json_export": (_STORAGE, frozenset({*_AUDIENCE, "max_bytes"})),
    "azure_event_export": (
        _STORAGE,
        frozenset(
            {"container", "streams", "compress", "filename", "time_format", "write_headers", "start_date", "end_date"}
            | {*_OFTEN}
        ),
    ),
    "azure_event_hub_export": ("azure_event_hub", frozenset({"segment_ids", "withbackfill"})),
    "azuresql_import": (
        "azuresql_db",
        frozenset(
            {"source", "timestamp_field", "record_timestamp", "since_date", "stream", "query_timeout", "row_limit"}
            | {*_OFTEN}
        ),
    ),
}
"""The auth type of each workflow, and the keys that its config may have; none has to be there."""

_ENDED = ("completed", "failed", "deleted")
_INITIALIZING, _RUNNING = 0.05, 0.5
"""Seconds after a start up to which a job is in these states."""

_HOUR = 3600.0


@dataclass
class Job:
    """A job.

    Attributes:
        about: what does not change with its state.
        held: a state that stays: paused, completed, failed, deleted; empty while the clock tells.
        started: by the monotonic clock; None before the first start.
        faults: runs that went wrong one after the other.
        log: entries, as they are answered; those of errors are marked by their level.
    """

    about: dict[str, Any]
    held: str = "paused"
    started: float | None = None
    faults: int = 0
    log: list[dict[str, Any]] = field(default_factory=list)

    @property
    def status(self) -> str:
        """As the API names it."""
        if self.held or self.started is None:
            return self.held
        if self.faults:
            return f"fault-{self.faults}"
        passed = time.monotonic() - self.started
        if passed < _INITIALIZING:
            return "initializing"
        if passed < _RUNNING:
            return "running"
        return "sleeping" if self._goes_on else "completed"

    @property
    def _goes_on(self) -> bool:
        config = self.about["config"]
        if self.about["workflow"] in ("azure_csv_export", "azure_json_export"):
            return not config.get("backfill_only")
        return bool(config.get("continuous_update")) or self.about["workflow"] == "azure_event_hub_export"

    def start(self) -> None:
        """Lets it run."""
        self.held, self.started, self.faults = "", time.monotonic(), 0
        self.note("info", "Started")

    def note(self, level: str, message: str, code: str = "", **context: Any) -> None:
        """Writes a line into its log."""
        line = {
            "job_id": self.about["id"],
            "message": message,
            "level": level,
            "timestamp": moment(datetime.now(UTC)),
            "context": context,
        }
        self.log.append({**line, "code": code} if code else line)

    def answer(self) -> dict[str, Any]:
        """As the API shows it."""
        return {**self.about, "status": self.status, "deleted": self.held == "deleted"}


class Jobs:
    """Jobs go through the states that the documentation names, and move no data: who wants that runs ours.

    A job that is made without being run (run_job=false) is paused, and resumed like one that was. They live as long as
    the server does.
    """

    def __init__(self, auths: Auths, limits: Limits) -> None:
        self._auths = auths
        self._limits = limits
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._made: deque[float] = deque()

    def paths(self) -> list[Path]:
        """What can be called."""
        return [
            Path("GET", "/v2/job", self.all),
            Path("POST", "/v2/job", self.create),
            Path("POST", "/v2/job/{workflow}", self.create),
            Path("GET", "/v2/job/{id}", self.get),
            Path("GET", "/v2/job/{id}/logs", self.logs),
            Path("GET", "/v2/job/{workflow}/{id}", self.get),
            Path("GET", "/v2/job/{workflow}/{id}/logs", self.logs),
            Path("POST", "/v2/job/{id}/pause", self.pause),
            Path("POST", "/v2/job/{id}/resume", self.resume),
            Path("POST", "/v2/job/{id}/bounce", self.bounce),
            Path("POST", "/v2/job/{id}/kill", self.kill),
        ]

    def fail(self, name: str, message: str, *, for_good: bool = False) -> None:
        """Has a job go wrong: it will try again, or it gives up.

        Args:
            name: its id.
        """
        job = self._jobs[name]
        job.faults += 1
        job.held = "failed" if for_good else ""
        job.note("error", message, "JOB-FAULT-022")

    def all(self, call: Call) -> Answer:
        """Those that have not ended; show_completed, show_deleted and show_all say which others."""
        everything = call.flag("show_all")
        completed = everything or call.flag("show_completed")
        # Killed jobs count as completed as well: it takes both.
        deleted = everything or (completed and call.flag("show_deleted"))
        workflow, auths = slug(call.one("workflow")), set(call.many("auth_ids"))
        found = []
        for job in [*self._jobs.values()]:
            status = job.status
            if status in _ENDED and not (deleted if status == "deleted" else completed):
                continue
            if workflow in ("", job.about["workflow"]) and (not auths or auths & set(job.about["auth_ids"])):
                found.append(job.answer())
        return v2(found)

    def get(self, call: Call) -> Answer:
        return v2(self._find(call).answer())

    def logs(self, call: Call) -> Answer:
        """With include_errors=true those of errors, too."""
        wanted = call.flag("include_errors")
        return v2([line for line in self._find(call).log if wanted or line["level"] != "error"])

    def create(self, call: Call) -> Answer:
        """Makes a job, and starts it at once unless run_job is false."""
        given = body_of(call, "JOB-BADREQ-002")
        workflow = slug(str(call.path.get("workflow") or given.get("workflow", "")))
        if workflow not in WORKFLOWS:
            raise Refused(404, f"The workflow {workflow} does not exist", "WF-NOTFOUND-005")
        name, config, auth_ids = given.get("name"), given.get("config"), given.get("auth_ids")
        if not name or not isinstance(config, dict):
            raise Refused(400, "A job needs a name and a config", "JOB-BADREQ-002")
        kind, known = WORKFLOWS[workflow]
        check_keys(config, frozenset(), known, "JOB-BADREQ-002")
        self._check_auths(auth_ids, kind)
        self._count()
        now = moment(datetime.now(UTC))
        job = Job(
            {
                "id": uuid.uuid4().hex,
                "account_id": ACCOUNT_ID,
                "user_id": ACCOUNT_ID,
                "name": name,
                "description": given.get("description", ""),
                "workflow": workflow,
                "workflow_id": uuid.uuid5(uuid.NAMESPACE_DNS, workflow).hex,
                "auth_ids": auth_ids,
                "config": config,
                "created": now,
                "updated": now,
            }
        )
        job.note("info", "Created")
        if call.flag("run_job", True):
            job.start()
        self._jobs[job.about["id"]] = job
        return v2(job.answer(), 201)

    def pause(self, call: Call) -> Answer:
        job = self._find(call)
        if job.status not in _ENDED:
            job.held = "paused"
            job.note("info", "Paused")
        return v2(job.answer())

    def resume(self, call: Call) -> Answer:
        job = self._find(call)
        if job.held == "paused":
            job.start()
        return v2(job.answer())

    def bounce(self, call: Call) -> Answer:
        """Starts it again."""
        job = self._find(call)
        if job.held != "deleted":
            job.start()
        return v2(job.answer())

    def kill(self, call: Call) -> Answer:
        """Deletes it; there is no way back."""
        job = self._find(call)
        job.held = "deleted"
        job.note("info", "Killed")
        return v2(job.answer())

    def _find(self, call: Call) -> Job:
        found = self._jobs.get(call.path["id"])
        if found is None or slug(call.path.get("workflow", found.about["workflow"])) != found.about["workflow"]:
            raise Refused(404, f"The job {call.path['id']} does not exist", "JOB-NOTFOUND-004")
        return found

    def _check_auths(self, auth_ids: Any, kind: str) -> None:
        if not isinstance(auth_ids, list) or not auth_ids:
            raise Refused(400, "A job of this workflow needs an auth", "JOB-BADREQ-002")
        for name in auth_ids:
            found = self._auths.find(str(name))
            if found["type"] != kind:
                raise Refused(400, f"The auth {name} is not of the type {kind}", "JOB-BADREQ-002")

    def _count(self) -> None:
        """Ten an hour."""
        with self._lock:
            now = time.monotonic()
            while self._made and now - self._made[0] >= _HOUR:
                self._made.popleft()
            if len(self._made) >= self._limits.jobs_an_hour:
                raise Refused(429, "Rate limit exceeded", "UNKNOWN-000")
            self._made.append(now)
