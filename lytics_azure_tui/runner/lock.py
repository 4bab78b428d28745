"""One runner per configuration folder: a lock that the system takes back when its holder dies, whatever the cause."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from lytics_azure_tui import __version__
from lytics_azure_tui.errors import Fatal, RetryLater
from lytics_azure_tui.runner import alive, records

NAME = "runner.lock"
WORKSPACE = "workspace.lock"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who wrote into the lock file.

    Attributes:
        pid, born: its process, see `alive`.
        host: the machine on which it runs.
        started: when, UTC.
        background: whether it was started by the program itself, without a terminal.
        unlocked: whether it was given the passphrase of the encrypted secrets.
        version: of the program.
    """

    pid: int
    born: str
    host: str
    started: datetime
    background: bool
    unlocked: bool
    version: str = __version__

    @property
    def this_host(self) -> bool:
        return self.host == socket.gethostname()

    @property
    def lives(self) -> bool:
        """Whether it is running; of another machine this cannot be told, and is taken for granted."""
        return not self.this_host or alive.alive(self.pid, self.born)


class RunnerLock:
    """Held by the one runner of a folder."""

    def __init__(self, file: int, path: Path) -> None:
        self._file = file
        self._path = path

    @classmethod
    def take(cls, data: Path, *, background: bool, unlocked: bool) -> RunnerLock | None:
        """The lock of a data folder; None when another process holds it.

        Raises:
            Fatal: the file system knows no locks, or the file cannot be written.
        """
        path = data / NAME
        file = -1
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            pid = os.getpid()
            holder = Holder(
                pid,
                alive.birth(pid) or "",
                socket.gethostname(),
                records.now(),
                background=background,
                unlocked=unlocked,
            )
            os.ftruncate(file, 0)
            os.pwrite(file, json.dumps(asdict(holder), default=datetime.isoformat).encode(), 0)
        except BlockingIOError:
            os.close(file)
            return None
        except OSError as error:
            if file >= 0:
                os.close(file)
            raise Fatal(
                f"The runner's lock {path} cannot be taken",
                why=error.strerror or str(error),
                fix="Choose a [storage] folder on a local disk that this user may write",
            ) from None
        return cls(file, path)

    def release(self) -> None:
        """Lets another runner come."""
        os.ftruncate(self._file, 0)
        os.close(self._file)

    def lost(self) -> bool:
        """Whether the file was removed or replaced under us: then the lock keeps nobody out any more."""
        try:
            return not os.path.samestat(self._path.stat(), os.fstat(self._file))
        except FileNotFoundError:
            return True


def holder(data: Path) -> Holder | None:
    """Who wrote into the lock file last; None when it let go of the lock, or nobody ever took it."""
    try:
        values = json.loads((data / NAME).read_text())
        return Holder(**{**values, "started": datetime.fromisoformat(values["started"])})
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError, KeyError):
        return None


@contextmanager
def workspace(data: Path, *, alone: bool = False) -> Iterator[None]:
    """Held while something is read from, or written into, the workspace by a run; many may hold it at once.

    Args:
        alone: nobody else may hold it meanwhile: for what changes what runs rely on. Runs wait for its end.

    Raises:
        RetryLater: others hold it, and this one wants to be alone.
        Fatal: the file cannot be made.
    """
    try:
        file = os.open(data / WORKSPACE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Fatal(f"The workspace's lock {data / WORKSPACE} cannot be made", why=error.strerror or "") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH)
        yield
    except BlockingIOError:
        raise RetryLater("Runs are at work in the workspace", fix="Wait for their end, and try again") from None
    finally:
        os.close(file)
