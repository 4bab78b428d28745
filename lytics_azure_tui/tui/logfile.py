"""The screen's own log: faults of ours in full, without local variables, in a file that only its owner reads."""

from __future__ import annotations

import io
import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path

NAME = "screen.log"
LARGEST = 1_000_000


class _Private(RotatingFileHandler):
    """Makes its file 0600, and is silent where it cannot write: there is no place left to complain."""

    def _open(self) -> io.TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return io.TextIOWrapper(io.FileIO(descriptor, "a"), encoding="utf-8", errors="replace", line_buffering=True)

    def handleError(self, record: logging.LogRecord) -> None:
        """Lets it be."""


def keep_log(data: Path) -> Path:
    """Sends what this package logs to a file below the data folder, and to nowhere else. Gives the file's path."""
    path = data / "logs" / NAME
    ours = logging.getLogger("lytics_azure_tui")
    for handler in [handler for handler in ours.handlers if isinstance(handler, _Private)]:
        ours.removeHandler(handler)
        handler.close()
    handler = _Private(path, maxBytes=LARGEST, backupCount=1, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    ours.addHandler(handler)
    ours.propagate = False
    return path
