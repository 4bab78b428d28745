"""Hands jobs over to Lytics, and takes them back. May be cut off at any point, and is then called again.

Before anything is made there, the job's file says that it is on its way, and by which mark it will be known: from then
on nothing runs it here, and what was made is found again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.secrets import SecretStore, unlock
from lytics_azure_tui.errors import BadConfiguration, Fatal, LyazureError
from lytics_azure_tui.lytics.protocol import Lytics
from lytics_azure_tui.lytics.servers import InDoubt, Sent
from lytics_azure_tui.model.job import HandedOver, Job
from lytics_azure_tui.runner.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Handing:
    """The way between a configuration and the machines of its Lytics.

    Attributes:
        secrets: opens the store.
    """

    folder: Folder
    ledger: Ledger
    lytics: Lytics
    secrets: Callable[[], SecretStore]

    def sent(self, job_id: str) -> Sent:
        """What handing a job over would send. Asks nobody.

        Raises:
            BadConfiguration: there is no account, the job is there already, or it cannot go as it is.
            Fatal: a run of it has not ended.
        """
        servers = self.lytics.servers
        job = self.folder.job(job_id)
        _require_ours(job)
        self._require_idle(job)
        return servers.sent(job, self.folder.authorization(job.authorization))

    def hand_over(self, job_id: str) -> Job:
        """Makes the job there, writes down that it was, and starts it.

        Raises:
            InDoubt: it may be there; called again, that is found out.
            LyazureError: whatever went wrong. What was not made is as it was before.
        """
        self.sent(job_id)
        job, servers = self.folder.job(job_id), self.lytics.servers
        authorization = unlock(self.folder, self.secrets(), job.authorization)
        under_way = job.lytics
        handed = under_way or HandedOver(mark=secrets.token_hex(8))
        self.folder.save_handed(job_id, handed)
        try:
            # One that was queued before the file said so.
            self._require_idle(job)
            made = servers.make(job, authorization, handed.mark, self._auth_of(job))
        except LyazureError as error:
            if under_way is None and not isinstance(error, InDoubt):
                self.folder.save_handed(job_id, None)
            raise
        self.folder.save_handed(job_id, HandedOver(mark=handed.mark, job=made.job, auth=made.auth or None))
        try:
            self._require_idle(job)
            servers.start(made.job)
        except LyazureError as error:
            raise Fatal(
                f"{job.label} was handed over, and is not started there", why=str(error), fix="Start it from its page"
            ) from None
        return self.folder.job(job_id)

    def take_back(self, job_id: str) -> bool:
        """Ends the job there for good, and removes its authorization; then it is run here again.

        Returns:
            Whether the authorization is gone from Lytics; not so where other jobs name it.

        Raises:
            BadConfiguration: there is no account, or the job was not handed over.
        """
        job, servers = self.folder.job(job_id), self.lytics.servers
        if job.lytics is None:
            raise BadConfiguration(f"{job.label} was not handed over", fix="It runs here")
        there, auth = job.lytics.job, job.lytics.auth
        if there is None:
            # What was made before the answer was lost, if anything was.
            found = servers.find(job.lytics.mark)
            there = found.id if found is not None else None
            auth = next(iter(found.auths), None) if found is not None else servers.admitted(job.lytics.mark)
        if there is not None:
            servers.kill(there)
        others = {other.lytics.auth for other in self.folder.jobs() if other.lytics is not None and other.id != job_id}
        removed = auth is None or (auth not in others and servers.forget(auth))
        self.folder.save_handed(job_id, None)
        return removed

    def _require_idle(self, job: Job) -> None:
        if self.ledger.runs(job=job.id, active=True):
            raise Fatal(
                f"{job.label} cannot be handed over now",
                why="A run of it has not ended here",
                fix="Wait for its end, or cancel it",
            )

    def _auth_of(self, job: Job) -> str | None:
        """The authorization there that was made for another job by the same one."""
        others = (other for other in self.folder.jobs() if other.authorization == job.authorization)
        return next((other.lytics.auth for other in others if other.lytics is not None and other.lytics.auth), None)


def _require_ours(job: Job) -> None:
    if job.lytics is not None and job.lytics.job is not None:
        raise BadConfiguration(f"{job.label} was handed over already", fix="Take it back first")
