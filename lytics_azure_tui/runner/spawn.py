"""Starts the program's own processes: detached from the terminal, with nothing of it in their hands."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.passphrase import DESCRIPTOR
from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.model.secret import Secret


def spawn(
    module: str, folder: Folder, arguments: Sequence[str], *, passphrase: Secret | None, log: Path
) -> subprocess.Popen[bytes]:
    """Starts a module of this program in a session of its own, so that no log-out and no Ctrl+C reaches it.

    Args:
        passphrase: of the encrypted secrets; it goes through a pipe, where no list of processes shows it.
        log: takes what the process writes; readable by its owner alone.

    Raises:
        Fatal: no process can be started.
    """
    environment = {key: value for key, value in os.environ.items() if key != DESCRIPTOR}
    pipe = filled_pipe(passphrase) if passphrase else None
    if pipe is not None:
        environment[DESCRIPTOR] = str(pipe)
    try:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            return subprocess.Popen(
                [sys.executable, "-m", module, "--config", str(folder.root), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=environment,
                start_new_session=True,
                pass_fds=() if pipe is None else (pipe,),
            )
        finally:
            os.close(output)
    except OSError as error:
        raise Fatal("No process can be started", why=error.strerror or str(error)) from None
    finally:
        if pipe is not None:
            os.close(pipe)


def filled_pipe(passphrase: Secret) -> int:
    """The reading end of a pipe that holds the passphrase; it is far smaller than a pipe's buffer."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as file:
        file.write(passphrase.reveal().encode())
    return reading
