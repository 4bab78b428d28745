"""The passphrase of the encrypted secrets: asked for only where there is such a file, and a person to ask."""

from __future__ import annotations

import sys

import click

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.keys import Keys, NewPassphraseNeeded, PassphraseNeeded, known
from lytics_azure_tui.config.secrets import SecretStore, encrypted_file, open_store
from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.runner import control, opening
from lytics_azure_tui.runner.service import runner_status

_TRIES = 3


def for_runs(folder: Folder) -> Keys:
    """The keys that the processes of runs will need; without a passphrase when nobody can or need be asked.

    Without it, nothing fails before a run does that needs it: there may be nothing due.

    Raises:
        BadConfiguration: it is wrong.
    """
    given = known()
    if not encrypted_file(folder).exists() or not (given.passphrase or sys.stdin.isatty()):
        return given
    if given.passphrase is None and _runner_is_unlocked(folder):
        return given
    _, typed = opened(folder)
    return typed.over(given)


def _runner_is_unlocked(folder: Folder) -> bool:
    """Whether a runner is at work that can open all that the saved jobs need."""
    status = runner_status(folder)
    if status is None or not status.running or not status.listens:
        return False
    needs = sorted({need for job in folder.jobs() for need in opening.needs(job)})
    answer = control.ask(folder.data, Keys(), needs)
    return answer is not None and answer.ready


def opened(folder: Folder) -> tuple[SecretStore, Keys]:
    """The store of secrets, and the passphrase that a person typed for it, if one was asked.

    Raises:
        BadConfiguration: it needs a passphrase and there is nobody to ask, or the answers were wrong.
    """
    try:
        return open_store(folder), Keys()
    except PassphraseNeeded as error:
        needed = error
    if sys.stdin.isatty():
        for _ in range(_TRIES):
            typed = Keys(_ask(needed))
            try:
                return open_store(folder, typed), typed
            except PassphraseNeeded as error:
                needed = error
                click.echo(error.what, err=True)
    raise BadConfiguration(needed.what, why=needed.why, fix=needed.fix)


def _ask(needed: PassphraseNeeded) -> Secret:
    if not isinstance(needed, NewPassphraseNeeded):
        return Secret(click.prompt("Passphrase of the encrypted secrets", hide_input=True, err=True))
    click.echo(f"{needed.what}.", err=True)
    # A typing error would lock all secrets.
    return Secret(click.prompt("Choose a passphrase", hide_input=True, confirmation_prompt="The same again", err=True))
