"""One runner per configuration folder: a lock that the system takes back when its holder dies, whatever the cause."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from pathlib import Path

from lytics_azure_tui import __version__
from lytics_azure_tui.errors import Fatal, RetryLater
from lytics_azure_tui.runner import alive, control, records

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
        version: of the program.
        listens: whether it has a control socket.
        held: whether the lock is held; looked at only for a holder that seems to be on another machine.
    """

    pid: int
    born: str
    host: str
    started: datetime
    background: bool
    version: str = __version__
    listens: bool = False
    held: bool = True

    @property
    def this_host(self) -> bool:
        return self.host == socket.gethostname()

    @property
    def lives(self) -> bool:
        """Whether it is running; of another machine, or this one under another name, the lock tells."""
        return alive.alive(self.pid, self.born) if self.this_host else self.held


class RunnerLock:
    """Held by the one runner of a folder.

    Attributes:
        listening: its control socket, for `control.serve`; None where the file system knows no sockets.
    """

    def __init__(self, file: int, path: Path, listening: socket.socket | None) -> None:
        self._file = file
        self._path = path
        self.listening = listening

    @classmethod
    def take(cls, data: Path, *, background: bool) -> RunnerLock | None:
        """The lock of a data folder; None when another process holds it.

        Raises:
            Fatal: the file system knows no locks, or the file cannot be written.
        """
        path = data / NAME
        file = -1
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # It listens before anybody reads here that it does.
            listening = control.listen(data)
            pid = os.getpid()
            holder = Holder(
                pid,
                alive.birth(pid) or "",
                socket.gethostname(),
                records.now(),
                background=background,
                listens=listening is not None,
            )
            written = {name: value for name, value in asdict(holder).items() if name != "held"}
            os.ftruncate(file, 0)
            os.pwrite(file, json.dumps(written, default=datetime.isoformat).encode(), 0)
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
        return cls(file, path, listening)

    def release(self) -> None:
        """Lets another runner come."""
        if self.listening is not None:
            control.close(self._path.parent, self.listening)
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
    names = {each.name for each in fields(Holder)} - {"held"}
    try:
        values = json.loads((data / NAME).read_text())
        # Another version may have written more.
        given = {name: values[name] for name in names & values.keys()}
        found = Holder(**{**given, "started": datetime.fromisoformat(values["started"])})
        return found if found.this_host else replace(found, held=_held(data))
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _held(data: Path) -> bool:
    """Whether somebody holds the lock: a machine's name may change, and with it all that could be asked by number."""
    try:
        file = os.open(data / NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)
    return False


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
