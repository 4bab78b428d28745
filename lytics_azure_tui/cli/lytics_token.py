"""--lytics-token: takes the API token where neither a list of processes nor a shell's history shows it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from lytics_azure_tui.cli.output import Exit, Output
from lytics_azure_tui.cli.passphrase import opened
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.lytics import save_token
from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.model.secret import Secret


def keep_token(root: Path | None, output: Output) -> Exit:
    """Asks for the token, or reads it from stdin, and puts it where secrets are."""
    folder = Folder.open(root)
    if sys.stdin.isatty():
        token = Secret(click.prompt("API token of Lytics", hide_input=True, err=True))
    else:
        token = Secret(sys.stdin.readline().strip())
    if not token:
        raise BadConfiguration("No token was given")
    store, _ = opened(folder)
    save_token(store, token)
    output.words(f"The API token is kept. {store.describe()}.")
    settings = folder.settings().lytics
    if settings.kind == "cloud":
        output.words(f"It is for {settings.url}; --doctor tries it.")
    else:
        output.words('It is used once settings.toml says kind = "cloud" under [lytics].')
    return Exit.DONE
