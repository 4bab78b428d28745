"""Jobs that run on Lytics' own machines: what can be asked of those, and what is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from lytics_azure_tui.errors import RetryLater
from lytics_azure_tui.model.authorization import Authorization
from lytics_azure_tui.model.job import Job

ENDED = ("completed", "failed", "killed", "deleted", "deleting")
"""States in which a job does nothing more by itself."""
GONE = ("killed", "deleted", "deleting")
"""Those from which there is no way back."""


class InDoubt(RetryLater):
    """Something was asked for, and may have been made or not."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a hand-over sends.

    Attributes:
        workflow: the job's kind, as it is called in addresses there: azure-csv-import.
        config: the job's configuration in Lytics' own keys.
        access: the authorization's fields that go along and are no secret, with their values.
        secrets: the names of those that are.
        left_out: keys of ours that are not sent.
        differences: what a run there does otherwise than one here, a sentence each.
    """

    workflow: str
    config: Mapping[str, Any]
    access: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """A job that was made there, and the authorization that it names."""

    job: str
    auth: str


@dataclass(frozen=True, slots=True)
class ServerJob:
    """A job of the account. Times are in UTC.

    Attributes:
        id: Lytics' own.
        status: as Lytics names it: running, sleeping, paused, completed, failed, deleted, fault-3 …
        about: its description, in which its mark stands.
        auths: ids of the authorizations that it names.
        wakes: when it goes on, where it sleeps.
    """

    id: str
    name: str
    status: str
    about: str = ""
    auths: tuple[str, ...] = ()
    created: datetime | None = None
    wakes: datetime | None = None


@dataclass(frozen=True, slots=True)
class ServerLine:
    """A line of such a job's log.

    Attributes:
        level: info, warning or error.
        code: Lytics' own, of errors.
        added, omitted, removed: rows or users; None where the line does not tell.
    """

    at: datetime | None
    level: str
    text: str
    code: str = ""
    added: int | None = None
    omitted: int | None = None
    removed: int | None = None


class Servers(Protocol):
    """The machines of an account. Every method may wait for the network.

    All may raise `NotAuthorised`, `RetryLater` or `Fatal`.
    """

    def sent(self, job: Job, authorization: Authorization) -> Sent:
        """What handing a job over would send. Asks nobody, and needs no secrets.

        Raises:
            BadConfiguration: the job has a setting that Lytics does not have, and that matters.
        """

    def make(self, job: Job, authorization: Authorization, mark: str, auth: str | None = None) -> Made:
        """Makes a job, without starting it, and the authorization that it needs.

        What was made before by the same mark is found, and not made twice.

        Args:
            authorization: with its secrets, which go to Lytics.
            mark: of this hand-over alone.
            auth: an authorization there that was made for another job of this one; it gets these secrets.

        Raises:
            InDoubt: the job, or its authorization, may be there. To be called again with the same mark.
            RetryLater: so many jobs were made in this hour that it takes no more; says when.
            BadConfiguration: see `sent`.
        """

    def find(self, mark: str) -> ServerJob | None:
        """The job that was made by a mark."""

    def admitted(self, mark: str) -> str | None:
        """The id of the authorization that was made by a mark."""

    def jobs(self) -> list[ServerJob]:
        """All jobs of the account, also those that have ended."""

    def start(self, job_id: str) -> None:
        """Starts a job, or goes on with one that is paused; one that sleeps or has ended runs once more."""

    def pause(self, job_id: str) -> None:
        """Pauses a job."""

    def kill(self, job_id: str) -> None:
        """Ends a job for good; one that is gone already is not asked for."""

    def forget(self, auth: str) -> bool:
        """Removes an authorization, and its secrets with it. False where another job there needs it."""

    def log(self, job_id: str) -> list[ServerLine]:
        """A job's log, newest first."""
