"""When profiles and audiences are to be built anew: new events, other definitions, a moment at which a date tips."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.keys import Keys, known
from lytics_azure_tui.config.lytics import open_lytics
from lytics_azure_tui.config.secrets import open_store
from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.model.profile_build import PROFILES
from lytics_azure_tui.model.run import Run, RunState
from lytics_azure_tui.runner import places
from lytics_azure_tui.runner.ledger import Ledger

AFTER_FAILURE = timedelta(hours=1)
"""So long after a build that failed, unless the definitions change before."""


@dataclass
class Upkeep:
    """Knows when the next build is due, and asks the workspace only when something may have changed.

    Attributes:
        folder: the configuration.
        ledger: the runs.
        say: takes a line about definitions that cannot be used.
        keys: to open the secrets with, as they are known by now.
    """

    folder: Folder
    ledger: Ledger
    say: Callable[[str], None]
    keys: Callable[[], Keys] = known
    _seen: object = field(default=None, init=False)
    _due: datetime | None = field(default=None, init=False)
    _told: str = field(default="", init=False)

    def due(self, active: Collection[Run], files: object, now: datetime) -> datetime | None:
        """When a build is due; None when nothing calls for one.

        Args:
            active: the runs that have not ended: when one of them ends there may be new events.
            files: what changes when a definition does.
            now: the moment, UTC.
        """
        if any(run.job == PROFILES.id for run in active):
            self._seen = None
            return None
        seen = (files, frozenset(run.id for run in active))
        if seen != self._seen:
            self._due = self._ask(now)
            self._seen = seen
        return self._due

    def _ask(self, now: datetime) -> datetime | None:
        from lytics_azure_tui.config import definitions

        if not definitions.there_are(self.folder) and not places.workspace(self.folder).joinpath("profiles").exists():
            return None
        try:
            lytics = open_lytics(self.folder, lambda: open_store(self.folder, self.keys()))
            due = lytics.due(definitions.read(self.folder))
        except LyazureError as error:
            if str(error) != self._told:
                self._told = str(error)
                self.say(f"Profiles are not built: {error}")
            return None
        self._told = ""
        last = next(iter(self.ledger.runs(job=PROFILES.id, limit=1)), None)
        if due is None or last is None or last.state is RunState.SUCCEEDED or last.ended is None:
            return due
        changed = definitions.changed(self.folder)
        return due if changed is not None and changed > last.ended else max(due, last.ended + AFTER_FAILURE)
