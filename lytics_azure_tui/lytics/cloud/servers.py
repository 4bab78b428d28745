"""Jobs of an account: /v2/job, and the authorizations that they name: /v2/auth. docs.lytics.com/reference/get_job"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from lytics_azure_tui.errors import Fatal, LyazureError, RetryLater
from lytics_azure_tui.lytics.cloud import their_keys
from lytics_azure_tui.lytics.cloud.answers import item, items, moment, text, whole
from lytics_azure_tui.lytics.cloud.api import AnswerLost, Api, NotThere, Refused, Throttled, path
from lytics_azure_tui.lytics.cloud.audiences import Segment
from lytics_azure_tui.lytics.servers import ENDED, GONE, InDoubt, Made, Sent, ServerJob, ServerLine
from lytics_azure_tui.model.authorization import Authorization
from lytics_azure_tui.model.job import Job

T = TypeVar("T")

AN_HOUR = 10
"""Jobs that can be made in an hour: docs.lytics.com/docs/platform-limits."""
_PAUSED = ("paused", "pausing")
_LISTED = "The jobs of the Lytics account could not be listed"
_LEVELS = {"warn": "warning", "warning": "warning", "error": "error", "fatal": "error"}
_LEAST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CloudServers:
    """Fulfils `lytics.servers.Servers`; what each method does is said there.

    Attributes:
        segments: gives the account's audiences.
    """

    api: Api
    segments: Callable[[], list[Segment]]

    def sent(self, job: Job, authorization: Authorization) -> Sent:
        return their_keys.sent(job, authorization)

    # Making one

    def make(self, job: Job, authorization: Authorization, mark: str, auth: str | None = None) -> Made:
        sent = self.sent(job, authorization)
        if made := self._made(mark):
            return made
        ids = {one.slug: one.id for one in self.segments()} if job.config.audiences() else {}
        config = their_keys.with_ids(sent.config, ids)
        auth_id = self._admit(authorization, mark, auth)
        body = {
            "name": job.label,
            "description": f"{job.description}\n\n{_words(mark)}".strip(),
            "auth_ids": [auth_id],
            "config": config,
        }
        try:
            return self._create(job, sent.workflow, body, mark)
        except InDoubt:
            raise
        except LyazureError:
            if auth_id != auth:
                # No secrets stay where no job needs them.
                with suppress(LyazureError):
                    self.forget(auth_id)
            raise

    def _create(self, job: Job, workflow: str, body: Mapping[str, Any], mark: str) -> Made:
        what = f"{job.label} could not be handed over to Lytics"
        try:
            answer = self.api.write("POST", path("v2", "job", workflow), body, what=what, run_job="false")
            return Made(_id(answer, what), body["auth_ids"][0])
        except Throttled:
            raise self._when(what) from None
        except AnswerLost as error:
            # It is looked for before anything is said: there has to be one, and not two.
            return _found(lambda: self._made(mark), f"Whether Lytics took {job.label} is not known", error)

    def _made(self, mark: str) -> Made | None:
        found = self.find(mark)
        return Made(found.id, next(iter(found.auths), "")) if found is not None else None

    def _admit(self, authorization: Authorization, mark: str, auth: str | None) -> str:
        """Makes an authorization, or gives one that is there the secrets of now. Returns its id."""
        what = f"The authorization {authorization.label} could not be made in Lytics"
        kind = their_keys.AUTHS[authorization.method]
        body = {
            "label": authorization.label,
            "description": f"{authorization.description}\n\n{_words(mark)}".strip(),
            "type": kind.replace("-", "_"),
            "config": their_keys.access(authorization),
        }
        hidden = their_keys.pieces(authorization)
        there = self._auth(mark, auth)
        if there is not None:
            self.api.write("PUT", path("v2", "auth", kind, there), body, what=what, again=True, secrets=hidden)
            return there
        try:
            return _id(self.api.write("POST", path("v2", "auth", kind), body, what=what, secrets=hidden), what)
        except AnswerLost as error:
            doubt = f"Whether Lytics took the authorization {authorization.label} is not known"
            return _found(lambda: self._auth(mark, auth), doubt, error)

    def _auth(self, mark: str, auth: str | None) -> str | None:
        what = "The authorizations of the Lytics account could not be listed"
        found = {str(one.get("id")): str(one.get("description")) for one in items(self.api.get("/v2/auth", what=what))}
        if auth in found:
            return auth
        return next((name for name, about in found.items() if mark and _words(mark) in about), None)

    def _when(self, what: str) -> RetryLater:
        """Lytics does not say when it takes a job again: an hour after the tenth that was made last."""
        made = sorted((job.created for job in self.jobs() if job.created is not None), reverse=True)
        at = made[AN_HOUR - 1] + timedelta(hours=1) if len(made) >= AN_HOUR else None
        fix = f"Try it again at {at.astimezone():%H:%M}" if at is not None else "Try it again in an hour"
        return RetryLater(what, why=f"Lytics takes {AN_HOUR} new jobs an hour, of all who make some", fix=fix)

    # Those that are there

    def find(self, mark: str) -> ServerJob | None:
        live = (job for job in self.jobs() if job.status not in GONE)
        return next((job for job in live if mark and _words(mark) in job.about), None)

    def admitted(self, mark: str) -> str | None:
        return self._auth(mark, None)

    def jobs(self) -> list[ServerJob]:
        answer = self.api.get("/v2/job", what=_LISTED, show_completed="true", show_deleted="true")
        return [_job(one) for one in items(answer)]

    def start(self, job_id: str) -> None:
        what = "The job could not be started at Lytics"
        status = _job(item(self.api.get(path("v2", "job", job_id), what=what))).status
        if status in GONE:
            raise Fatal(what, why="It was deleted there", fix="Take it back, then hand it over anew")
        if status in _PAUSED:
            self.api.write("POST", path("v2", "job", job_id, "resume"), what=what, again=True)
        else:
            self.api.write("POST", path("v2", "job", job_id, "bounce"), what=what)

    def pause(self, job_id: str) -> None:
        what = "The job could not be paused at Lytics"
        self.api.write("POST", path("v2", "job", job_id, "pause"), what=what, again=True)

    def kill(self, job_id: str) -> None:
        try:
            what = "The job could not be ended at Lytics"
            self.api.write("POST", path("v2", "job", job_id, "kill"), what=what, again=True)
        except NotThere:
            return

    def forget(self, auth: str) -> bool:
        if any(auth in job.auths and job.status not in ENDED for job in self.jobs()):
            return False
        try:
            self.api.delete(path("v2", "auth", auth), what="The authorization could not be removed from Lytics")
        except NotThere:
            return True
        except Refused:
            return False
        return True

    def log(self, job_id: str) -> list[ServerLine]:
        what = "The job's log could not be read from Lytics"
        answer = self.api.get(path("v2", "job", job_id, "logs"), what=what, include_errors="true")
        lines = [_line(one) for one in items(answer)]
        # Turned round after that: of those of one moment the last one is the newest.
        return sorted(lines, key=lambda line: line.at or _LEAST)[::-1]


def _words(mark: str) -> str:
    """How a mark stands in a description."""
    return f"Handed over by lyazure-tui ({mark})"


def _found(look: Callable[[], T | None], what: str, error: AnswerLost) -> T:
    """What was made although its answer was lost. Raises `InDoubt` where that cannot be found out now."""
    found = None
    with suppress(LyazureError):
        found = look()
    if found is not None:
        return found
    fix = "Hand the job over again: what was made is looked for first, so that there are never two"
    raise InDoubt(what, why=error.why, fix=fix) from None


def _id(answer: Mapping[str, Any], what: str) -> str:
    """Raises `AnswerLost` where the answer does not say it."""
    found = text(item(answer).get("id"))
    if not found:
        raise AnswerLost(what, why="Lytics did not say by which id it is known")
    return found


def _job(one: Mapping[str, Any]) -> ServerJob:
    status = text(one.get("status")) or "unknown"
    auths = one.get("auth_ids")
    return ServerJob(
        id=str(one.get("id")),
        name=text(one.get("name")) or "",
        status="deleted" if one.get("deleted") is True else status,
        about=text(one.get("description")) or "",
        auths=tuple(str(auth) for auth in auths) if isinstance(auths, list) else (),
        created=moment(one.get("created")),
        wakes=moment(one.get("sleep_until")),
    )


def _line(one: Mapping[str, Any]) -> ServerLine:
    context = one.get("context")
    known = context if isinstance(context, dict) else {}
    return ServerLine(
        at=moment(one.get("timestamp")),
        level=_LEVELS.get(str(one.get("level")).lower(), "info"),
        text=text(one.get("message")) or "",
        code=text(one.get("code")) or "",
        added=whole(known.get("added")),
        omitted=whole(known.get("omitted")),
        removed=whole(known.get("removed")),
    )
