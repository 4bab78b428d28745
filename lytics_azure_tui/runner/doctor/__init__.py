"""The doctor: looks at everything that a run stands on, and names the fix for what is wrong.

It stands below the command line and the screens, so that both can show it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.secrets import SecretStore
from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.model.authorization import Authorization, AzureStorage
from lytics_azure_tui.runner.doctor import machine, setup
from lytics_azure_tui.runner.doctor.access import access, pgp_key
from lytics_azure_tui.runner.doctor.check import Check, State, failed, guarded, warning
from lytics_azure_tui.runner.doctor.jobs import jobs
from lytics_azure_tui.runner.doctor.lytics import lytics
from lytics_azure_tui.runner.doctor.storage import storage

__all__ = ["Check", "State", "examine", "overall"]

_AT_ONCE = 4


def examine(folder: Folder, open_store: Callable[[], SecretStore]) -> Iterator[Check]:
    """Looks at everything; each check comes as soon as it is known.

    Args:
        open_store: opens the secrets; it may ask for a passphrase, and raises what the report then says.
    """
    if not folder.root.is_dir():
        yield setup.absent(folder)
        return
    saved, authorizations = folder.jobs(), folder.authorizations()
    yield from guarded("configuration", lambda: setup.configuration(folder))
    yield from guarded("settings", lambda: setup.settings(folder))
    store: SecretStore | None = None
    try:
        store = open_store()
    except LyazureError as error:
        # Nothing is lost while there is nothing to keep.
        yield failed("secrets", error) if authorizations else warning("secrets", error.what, error.fix)
    if store is not None:
        opened = store
        yield from guarded("secrets", lambda: setup.secret_store(folder, opened, authorizations))
        yield from _services(folder, opened, authorizations)
        yield from guarded("lytics", lambda: lytics(folder, opened))
    yield from guarded("gpg", lambda: machine.gpg(tuple(each.label for each in _with_pgp_key(authorizations))))
    for each in _with_pgp_key(authorizations):
        yield from guarded("pgp key", lambda each=each: pgp_key(each), subject=each.label)  # type: ignore[misc]
    yield from guarded("runner", lambda: setup.runner(folder))
    yield from guarded("jobs", lambda: jobs(folder, folder.data_place / "ledger.db"))
    repeats = any(job.enabled and job.config.schedule() is not None for job in saved)
    yield from guarded("linger", lambda: machine.linger(repeats))
    yield from guarded("ledger", lambda: setup.ledger(folder.data_place / "ledger.db"))
    yield from guarded("disk", lambda: machine.disk(folder.data_place))
    yield from guarded("storage", lambda: storage(folder.data_place))
    yield from guarded("terminal", lambda: machine.terminal(os.environ))


def _services(folder: Folder, store: SecretStore, authorizations: list[Authorization]) -> Iterator[Check]:
    """All authorizations, some at a time, as one that cannot be reached takes a while."""

    def look(authorization: Authorization) -> list[Check]:
        name = authorization.label
        return list(guarded("credentials", lambda: access(folder, store, authorization.id, name), subject=name))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for checks in pool.map(look, authorizations):
            yield from checks


def overall(folder: Folder) -> Iterator[Check]:
    """What a monitoring system is to know; asks no service and opens no secret, and so takes no time."""
    yield from guarded("configuration", lambda: setup.files(folder))
    yield from guarded("settings", lambda: setup.settings(folder))
    yield from guarded("runner", lambda: setup.runner(folder, secrets=False))
    yield from guarded("jobs", lambda: jobs(folder, folder.data_place / "ledger.db"))
    yield from guarded("disk", lambda: machine.disk(folder.data_place))


def _with_pgp_key(authorizations: list[Authorization]) -> list[AzureStorage]:
    return [each for each in authorizations if isinstance(each, AzureStorage) and each.pgppublickey]
