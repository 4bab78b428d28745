"""All that the screens may ask of the layers below. Everything here may block: call it by `threads.in_thread`."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from lytics_azure_tui import __version__
from lytics_azure_tui.config.keys import Keys
from lytics_azure_tui.model.authorization import Authorization
from lytics_azure_tui.model.secret import Secret

# Imported when first used: Azure's SDK, the engine and the keyring take longer to load than the screen to draw.
if TYPE_CHECKING:
    from lytics_azure_tui.azure.blob import BlobStore
    from lytics_azure_tui.azure.checks import CheckReport
    from lytics_azure_tui.azure.event_hub_tail import HubTail
    from lytics_azure_tui.azure.sql_database import Database
    from lytics_azure_tui.config.folder import Folder
    from lytics_azure_tui.config.secrets import SecretStore
    from lytics_azure_tui.lytics.protocol import Lytics
    from lytics_azure_tui.model.run import Answer, Run
    from lytics_azure_tui.runner.doctor import Check
    from lytics_azure_tui.runner.forgetting import Report
    from lytics_azure_tui.runner.handing import Handing
    from lytics_azure_tui.runner.ledger import Ledger
    from lytics_azure_tui.runner.service import RunnerStatus

DEMO = "LYAZURE_DEMO"
"""Set for the screens of a demo."""


def now() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


@dataclass
class Desk:
    """What an operator's screen stands on.

    Attributes:
        folder: the configuration.
        ledger: the runs.
        clock: the moment, with a zone; a test gives its own.
        zone: of the operator; None is the machine's.
        host: this machine's name.
        version: the program's.
        place: the configuration folder as a person would write it.
        lasting: whether runs and schedules outlive the screen; those of a demo end with it.
    """

    folder: Folder
    ledger: Ledger
    clock: Callable[[], datetime] = now
    zone: tzinfo | None = None
    host: str = field(default_factory=lambda: socket.gethostname().partition(".")[0])
    version: str = __version__
    place: str = ""
    lasting: bool = True
    _lytics: Lytics | None = field(default=None, repr=False)
    _secrets: SecretStore | None = field(default=None, repr=False)
    _keys: Keys = field(default_factory=Keys, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        self.place = self.place or _from_home(self.folder.root)

    @classmethod
    def open(cls, root: Path | None = None) -> Desk:
        """The desk of a configuration folder; None is the person's own.

        Raises:
            BadConfiguration: the folder cannot be used.
            Fatal: the ledger cannot be used.
        """
        from lytics_azure_tui.config.folder import Folder
        from lytics_azure_tui.runner.ledger import Ledger

        folder = Folder.open(root)
        return cls(folder, Ledger(folder.data / "ledger.db"), lasting=DEMO not in os.environ)

    def close(self) -> None:
        """Lets go of the ledger."""
        self.ledger.close()

    # Configuration and secrets

    def secrets(self) -> SecretStore:
        """The store of secrets, opened when first asked for.

        Raises:
            PassphraseNeeded: `remember` one and ask again.
            NotAuthorised, BadConfiguration: it cannot be used.
        """
        from lytics_azure_tui.config.secrets import open_store

        with self._lock:
            if self._secrets is None:
                self._secrets = open_store(self.folder, self._keys)
            return self._secrets

    def examine(self) -> Iterator[Check]:
        """The doctor's checks, each as soon as it is known."""
        from lytics_azure_tui.runner.doctor import examine

        return examine(self.folder, self.secrets)

    def remember(self, passphrase: Secret) -> None:
        """Tries a passphrase of the encrypted secrets, and keeps it for as long as this program lives.

        Raises:
            PassphraseNeeded: it is not the one.
        """
        from lytics_azure_tui.config.secrets import open_store

        keys = Keys(passphrase)
        store = open_store(self.folder, keys)
        with self._lock:
            self._secrets, self._keys = store, keys

    def unlock(self, authorization_id: str) -> Authorization:
        """An authorization with its secrets."""
        from lytics_azure_tui.config.secrets import unlock

        return unlock(self.folder, self.secrets(), authorization_id)

    def save_authorization(self, authorization: Authorization) -> None:
        """Writes an authorization, and its secrets to where secrets are kept."""
        from lytics_azure_tui.config.secrets import save

        save(self.folder, self.secrets(), authorization)

    def remove_authorization(self, authorization_id: str) -> None:
        """Removes an authorization and its secrets.

        Raises:
            BadConfiguration: a job uses it.
        """
        from lytics_azure_tui.config.secrets import remove

        remove(self.folder, self.secrets(), authorization_id)

    # Settings

    def keep_theme(self, name: str) -> None:
        """Writes the colours that were chosen into the settings.

        Raises:
            BadConfiguration: the settings cannot be read, so that nothing is written over what is in them.
        """
        from lytics_azure_tui.config.settings import Screen

        settings = self.folder.settings()
        if settings.screen.theme != name:
            self.folder.save_settings(settings.model_copy(update={"screen": Screen(theme=name)}))

    # Azure and Lytics

    def blobs(self, authorization: Authorization) -> BlobStore:
        """Blob Storage, as an unlocked authorization may see it; close it after use."""
        from lytics_azure_tui.azure.blob import BlobStore
        from lytics_azure_tui.errors import BadConfiguration
        from lytics_azure_tui.model.authorization import AzureStorage

        if not isinstance(authorization, AzureStorage):
            raise BadConfiguration(f"{authorization.title} gives no access to Blob Storage")
        return BlobStore(authorization.connection())

    def database(self, authorization: Authorization) -> Database:
        """A database, as an unlocked authorization may see it; close it after use."""
        from lytics_azure_tui.azure.sql_database import Database

        return Database(authorization)

    def tail(self, authorization: Authorization) -> HubTail:
        """What an event hub receives, as an unlocked authorization may see it; close it after use. Does not wait."""
        from lytics_azure_tui.azure.event_hub_tail import HubTail
        from lytics_azure_tui.errors import BadConfiguration
        from lytics_azure_tui.model.authorization import AzureEventHub

        if not isinstance(authorization, AzureEventHub):
            raise BadConfiguration(f"{authorization.title} gives no access to an event hub")
        return HubTail(authorization.connection())

    def check(self, authorization: Authorization) -> CheckReport:
        """Tries a connection with an unlocked authorization."""
        from lytics_azure_tui.azure.checks import check

        return check(authorization)

    @property
    def lytics(self) -> Lytics:
        """The Lytics of the settings, as they were when it was first asked for."""
        if self._lytics is None:
            from lytics_azure_tui.config.lytics import open_lytics

            self._lytics = open_lytics(self.folder, self.secrets)
        return self._lytics

    def forget(self, value: str) -> Report:
        """Removes everyone who has an identifier of this value, and says what that was.

        Raises:
            BadConfiguration: nobody has.
            RetryLater: runs are at work.
        """
        from lytics_azure_tui.runner.service import forget

        return forget(self.folder, value, self._keys)

    # Jobs

    @property
    def handing(self) -> Handing:
        """What hands jobs over to the machines of Lytics, and takes them back."""
        from lytics_azure_tui.runner.handing import Handing

        return Handing(self.folder, self.ledger, self.lytics, self.secrets)

    def pause(self, job_id: str, paused: bool) -> None:
        """Pauses a job's schedule, or takes it up again, also where it stopped by itself."""
        from lytics_azure_tui.runner.service import pause

        pause(self.folder, job_id, paused=paused)

    def answer(self, job_id: str, answer: Answer) -> None:
        """Has a job begin anew or go on, and takes its schedule up again."""
        from lytics_azure_tui.runner.service import answer as answered

        answered(self.folder, job_id, answer)

    def delete_job(self, job_id: str) -> None:
        """Deletes a job and its memory; its runs stay in the ledger.

        Raises:
            Fatal: a run of it has not ended.
        """
        from lytics_azure_tui.runner.service import delete_job

        delete_job(self.folder, job_id)

    # The runner

    def ensure_runner(self) -> RunnerStatus:
        """Finds the background runner, or starts it, and gives it what opens the secrets."""
        from lytics_azure_tui.runner.service import ensure_runner

        return ensure_runner(self.folder, self._keys)

    def runner_status(self) -> RunnerStatus | None:
        """The background runner, if one was ever started."""
        from lytics_azure_tui.runner.service import runner_status

        return runner_status(self.folder)

    def start_now(self, job_id: str) -> Run:
        """Queues a run of a job, or gives the one that is on its way.

        Raises:
            PassphraseNeeded: `remember` one and ask again; nothing was queued.
        """
        from lytics_azure_tui.runner.service import start_now

        return start_now(self.folder, job_id, self._keys)

    def cancel(self, run_id: str) -> Run:
        """Asks a run to end."""
        from lytics_azure_tui.runner.service import cancel

        return cancel(self.folder, run_id)

    def replay(self, run_id: str) -> Run:
        """Queues a run that reads the quarantined rows of another again."""
        from lytics_azure_tui.runner.service import replay

        return replay(self.folder, run_id, self._keys)


def _from_home(path: Path) -> str:
    try:
        return str("~" / path.relative_to(Path.home()))
    except (ValueError, RuntimeError):
        return str(path)
