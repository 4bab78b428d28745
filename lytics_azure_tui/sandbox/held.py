"""A server as a process that never outlives the one that started it: it ends when its standard input does."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

STOP_SECONDS = 15.0


class HeldServer(ABC):
    """Use it as a context manager, or call `start` and `stop`.

    Attributes:
        folder: where its data and its log lie.
    """

    def __init__(self, folder: Path | None, prefix: str, log: str) -> None:
        """Prepares, without starting anything.

        Args:
            folder: keeps the data between two starts; None for a temporary one, whose name begins with the prefix, that
                goes when the server stops. Only one server at a time may use a folder.
            log: the name of the log in it.
        """
        self._temporary = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix=prefix))
        self.log = self.folder / log
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def port(self) -> int:
        """The port on 127.0.0.1; 0 before the start."""
        return self._port

    @property
    def pid(self) -> int | None:
        """The server's process; None while there is none."""
        return self._process.pid if self._process else None

    def start(self) -> Self:
        """Starts the server, and waits until it answers.

        Raises:
            Fatal: it did not start.
        """
        try:
            self._process = self._begin()
            self._wait_until_ready(self._process)
        except BaseException:
            self.stop()
            raise
        return self

    @abstractmethod
    def _begin(self) -> subprocess.Popen[bytes]:
        """Makes the folder and starts the process, in a session of its own and with a pipe as its standard input."""

    @abstractmethod
    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        """Learns the port. Raises `Fatal` when it does not come."""

    def stop(self) -> None:
        """Ends the server; everything written is kept in its folder, unless that is a temporary one."""
        process, self._process = self._process, None
        if process is not None:
            if process.stdin:
                process.stdin.close()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
