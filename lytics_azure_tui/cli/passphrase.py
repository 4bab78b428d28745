"""The passphrase of the encrypted secrets: asked for only where there is such a file, and a person to ask."""

from __future__ import annotations

import sys

import click

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.passphrase import passphrase
from lytics_azure_tui.config.secrets import PassphraseNeeded, SecretStore, encrypted_file, open_store
from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.model.secret import Secret

_TRIES = 3


def for_runs(folder: Folder) -> Secret | None:
    """The passphrase that the processes of runs will need; None when they need none, or nobody can be asked.

    Without it, nothing fails before a run does that needs it: there may be nothing due.

    Raises:
        BadConfiguration: it is wrong.
    """
    given = passphrase()
    if not encrypted_file(folder).exists() or not (given or sys.stdin.isatty()):
        return given
    _, typed = opened(folder)
    return typed or given


def opened(folder: Folder) -> tuple[SecretStore, Secret | None]:
    """The store of secrets, and the passphrase that a person typed for it; None when nobody was asked.

    Raises:
        BadConfiguration: it needs a passphrase and there is nobody to ask, or the answers were wrong.
    """
    try:
        return open_store(folder), None
    except PassphraseNeeded as error:
        needed = error
    # Without the file there is nothing that a passphrase could open.
    if sys.stdin.isatty() and encrypted_file(folder).exists():
        for _ in range(_TRIES):
            typed = Secret(click.prompt("Passphrase of the encrypted secrets", hide_input=True, err=True))
            try:
                return open_store(folder, typed), typed
            except PassphraseNeeded as error:
                needed = error
                click.echo(error.what, err=True)
    raise BadConfiguration(needed.what, why=needed.why, fix=needed.fix)
