"""Starts the program's own processes: detached from the terminal, with nothing of it in their hands."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.keys import HANDED, Keys, filled_pipe
from lytics_azure_tui.config.keys import environment as own_environment
from lytics_azure_tui.errors import Fatal


def spawn(module: str, folder: Folder, arguments: Sequence[str], *, keys: Keys, log: Path) -> subprocess.Popen[bytes]:
    """Starts a module of this program in a session of its own, so that no log-out and no Ctrl+C reaches it.

    Args:
        keys: to open secrets with; they go through a pipe, where no list of processes shows them.
        log: takes what the process writes; readable by its owner alone.

    Raises:
        Fatal: no process can be started.
        BadConfiguration: the keys are too large for a pipe.
    """
    try:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            with handed(keys) as (environment, pipes):
                return subprocess.Popen(
                    [sys.executable, "-m", module, "--config", str(folder.root), *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd="/",
                    env=environment,
                    start_new_session=True,
                    pass_fds=pipes,
                )
        finally:
            os.close(output)
    except OSError as error:
        raise Fatal("No process can be started", why=error.strerror or str(error)) from None


@contextmanager
def handed(keys: Keys) -> Iterator[tuple[dict[str, str], tuple[int, ...]]]:
    """The environment of a process to be started, and the descriptors to pass on, by which it gets its keys."""
    environment = own_environment()
    if not keys:
        yield environment, ()
        return
    pipe = filled_pipe(keys)
    try:
        yield {**environment, HANDED: str(pipe)}, (pipe,)
    finally:
        os.close(pipe)
