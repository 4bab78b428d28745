"""Whether the secrets that a run needs can be opened, by the process that is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lytics_azure_tui.config import lytics
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.keys import Keys
from lytics_azure_tui.config.secrets import SecretStore, open_store, opens, unlock
from lytics_azure_tui.config.settings import Settings
from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.model.job import Job


def needs(job: Job) -> tuple[str, ...]:
    """The ids of the authorizations whose secrets a run of a job opens."""
    return (job.authorization,) if type(job.config).methods else ()


def require(folder: Folder, store: SecretStore, authorizations: Sequence[str]) -> None:
    """Opens what a run with these authorizations will open.

    Raises:
        LyazureError: why it cannot be opened; `PassphraseNeeded` where a person may help.
    """
    for authorization in authorizations:
        unlock(folder, store, authorization)
    if authorizations and folder.settings().lytics.kind == "cloud":
        lytics.token(store)


@dataclass
class Opening:
    """Keeps the store open from one question to the next: to open it takes half a second, and so does each secret.

    Attributes:
        folder: the configuration.
    """

    folder: Folder
    _opened: tuple[Keys, Settings, SecretStore] | None = field(default=None, init=False, repr=False)

    def taken(self, given: Keys, own: Keys) -> Keys:
        """The keys with those that were given; a passphrase that does not open the secrets is not taken."""
        word = given.passphrase
        if word is not None and word != own.passphrase and not opens(self.folder, word):
            word = None
        return Keys(word, given.variables).over(own)

    def missing(self, keys: Keys, authorizations: Sequence[str]) -> LyazureError | None:
        """Why the secrets of these authorizations cannot be opened; None when they can."""
        try:
            if authorizations:
                require(self.folder, self._store(keys), authorizations)
        except LyazureError as error:
            return error
        return None

    def _store(self, keys: Keys) -> SecretStore:
        settings = self.folder.settings()
        if self._opened is None or self._opened[:2] != (keys, settings):
            self._opened = (keys, settings, open_store(self.folder, keys))
        return self._opened[2]
