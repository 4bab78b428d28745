"""The sandbox's cache folder: what is fetched or generated once, and found ready the next time."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_cache_dir


def cache_folder() -> Path:
    """Where the sandbox keeps what it can make again. Deleting it loses nothing but time."""
    folder = Path(user_cache_dir("lyazure-tui"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def make_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """Gives a folder, made by the first who asks for it.

    Others who ask meanwhile, in this process or another, wait. The folder appears complete or not at all: it is made
    under a name of its own beside it and renamed.

    Args:
        folder: what is wanted.
        make: fills the empty folder that it is given; whatever it raises leaves nothing behind.
    """
    if folder.is_dir():
        return folder
    with locked(folder.with_name(f"{folder.name}.lock")):
        if not folder.is_dir():
            unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
            try:
                make(unfinished)
                unfinished.rename(folder)
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
    return folder


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Holds a lock file. The system lets go of it when the process ends, however it ends.

    Args:
        wait: for whoever holds it; otherwise the answer is at once.

    Yields:
        Whether the lock is held; always True when waiting.
    """
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            held = True
        except BlockingIOError:
            held = False
        yield held
    finally:
        os.close(descriptor)
