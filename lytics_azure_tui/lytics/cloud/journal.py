"""What is known of batches: written before one is sent and after its answer, so that no crash forgets it."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import Any


class State(StrEnum):
    """How far a batch is."""

    UNSENT = "unsent"
    """It is plain that Lytics has not taken it."""
    SENT = "sent"
    """It is under way, or its answer was lost."""
    ANSWERED = "answered"
    """Lytics has it, but for what it rejected."""
    LOST = "lost"
    """Its answer was lost, and it was told."""
    DONE = "done"


class Journal:
    """A file of lines, one for each step of a batch.

    Args:
        path: of the file; made with the first line.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[int, dict[str, Any]] = {}
        for line in path.read_bytes().splitlines() if path.exists() else ():
            try:
                step = json.loads(line)
            except ValueError:
                # The last line, cut off: what it was to say has not happened yet.
                continue
            self._known.setdefault(step["batch"], {}).update(step)

    def state(self, batch: int) -> State | None:
        """How far a batch is; None when it is still to be sent."""
        found = State(self._known.get(batch, {}).get("state", State.UNSENT))
        return None if found is State.UNSENT else found

    def rejected(self, batch: int) -> int:
        """How many records of it Lytics did not take."""
        return int(self._known[batch].get("rejected", 0))

    def rows(self, batch: int) -> int:
        """How many records it had."""
        return int(self._known[batch]["rows"])

    def write(self, batch: int, state: State, **more: int) -> None:
        """Adds a line; it is on the disk after that."""
        step = {"batch": batch, "state": state, **more}
        new = not self._path.exists()
        with self._path.open("ab") as file:
            if not new and file.tell() and not _ends_whole(self._path):
                file.write(b"\n")
            file.write(json.dumps(step, separators=(",", ":")).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if new:
            _sync_folder(self._path.parent)
        self._known.setdefault(batch, {}).update(step)


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
