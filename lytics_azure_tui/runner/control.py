"""The runner's control socket: whoever queues a run hands over what opens the secrets, and learns what is missing.

One JSON object there and one back. The socket lies in the data folder, for its owner alone.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lytics_azure_tui.config.keys import Keys

NAME = "runner.sock"
ANSWER_SECONDS = 30.0
"""For the answer: a keyring or a command may take its time."""
_ASK_SECONDS = 10.0
"""For a sign of life: a blank, which JSON allows before an object."""
_LONGEST_PATH = 100
"""Bytes; the address of a Unix socket holds 103 on macOS and 107 on Linux."""
_LARGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What a runner says to one who is about to queue a run.

    Attributes:
        ending: it starts no new runs.
        missing: why it cannot open the secrets that were asked about; empty when it can.
    """

    ending: bool = False
    missing: str = ""

    @property
    def ready(self) -> bool:
        """Whether a run that is queued now is started and can open its secrets."""
        return not self.ending and not self.missing


Respond = Callable[[Keys, Sequence[str]], Answer]
"""Takes the keys, and the ids of the authorizations that a run needs."""


def listen(data: Path) -> socket.socket | None:
    """The socket of a data folder, bound and listening; None where the file system knows no sockets."""
    (data / NAME).unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    try:
        with _short(data) as path:
            listening.bind(path)
        (data / NAME).chmod(0o600)
        listening.listen(16)
    except OSError:
        listening.close()
        return None
    return listening


def close(data: Path, listening: socket.socket) -> None:
    """Ends `serve`, and removes the socket."""
    (data / NAME).unlink(missing_ok=True)
    with suppress(OSError):  # wakes the thread that waits for a caller
        listening.shutdown(socket.SHUT_RDWR)
    listening.close()


def serve(listening: socket.socket, respond: Respond) -> None:
    """Answers in threads of its own until the socket is closed."""

    def accept() -> None:
        with suppress(OSError):
            while True:
                caller, _ = listening.accept()
                threading.Thread(target=_converse, args=(caller, respond), name="control", daemon=True).start()

    threading.Thread(target=accept, name="control socket", daemon=True).start()


def _converse(caller: socket.socket, respond: Respond) -> None:
    # A caller that speaks nonsense or goes away is told nothing.
    with caller, suppress(OSError, ValueError, KeyError, TypeError):
        caller.settimeout(_ASK_SECONDS)
        caller.sendall(b" ")
        asked = json.loads(_read(caller))
        answer = respond(Keys.from_json(asked["keys"]), [str(one) for one in asked["needs"]])
        caller.sendall(json.dumps({"ending": answer.ending, "missing": answer.missing}).encode())


def ask(data: Path, keys: Keys, needs: Sequence[str], seconds: float = ANSWER_SECONDS) -> Answer | None:
    """Hands keys over to the runner of a data folder.

    Args:
        needs: ids of the authorizations whose secrets it is to open.
        seconds: for the answer.

    Returns:
        Its answer; None when it gives none.
    """
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(_ASK_SECONDS)
        with _short(data) as path:
            connection.connect(path)
        if not _is_owner(connection, data):
            return None
        connection.sendall(json.dumps({"keys": keys.to_json(), "needs": list(needs)}).encode())
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)
        connection.settimeout(seconds)
        answer = json.loads(_read(connection))
        return Answer(bool(answer["ending"]), str(answer["missing"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    finally:
        connection.close()


def _is_owner(connection: socket.socket, data: Path) -> bool:
    """Whether the other side is this user, or the folder's owner."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True  # the rights of the folder and of the socket are all that there is to go by
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", credentials)
    return user in (os.getuid(), data.stat().st_uid)


def _read(connection: socket.socket) -> bytes:
    data = b""
    while chunk := connection.recv(65536):
        data += chunk
        if len(data) > _LARGEST:
            raise ValueError("too long")
    return data


@contextmanager
def _short(data: Path) -> Iterator[str]:
    """A path of the socket that fits into an address."""
    path = str(data / NAME)
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="lyazure-", dir="/tmp") as folder:  # $TMPDIR may be long itself
        link = Path(folder) / "data"
        link.symlink_to(data.absolute())
        yield str(link / NAME)
