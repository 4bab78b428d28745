"""A run's figures while it works: each part writes its own, and the sum is what the screens show."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from lytics_azure_tui.errors import Cancelled
from lytics_azure_tui.model.run import PartResult, Progress

Log = Callable[[str, str], None]


class Board:
    """All parts' figures together."""

    def __init__(self, log: Log) -> None:
        self.cancelled = threading.Event()
        self.halted = threading.Event()
        self._log = log
        self._stage = ""
        self._bytes_total: int | None = None
        self._figures: dict[int, Progress] = {}

    def begin(self, bytes_total: int | None, done: Iterable[PartResult]) -> None:
        """Starts afresh: what is to be moved in all, and what a try before this one has done of it."""
        self.halted.clear()
        self._bytes_total = bytes_total
        self._figures = {result.index: _of(result) for result in done}

    def stage(self, text: str) -> None:
        """Says what is going on."""
        self._stage = text

    def sink(self, part: int) -> PartSink:
        """Where a part tells how it goes."""
        self._figures[part] = Progress()
        return PartSink(self, part)

    def tell(self, part: int, figures: Progress) -> None:
        """A part's figures so far."""
        self._figures[part] = figures
        self._stage = figures.stage

    def done(self, result: PartResult) -> None:
        """A part has ended; its result has the last word on its figures."""
        self._figures[result.index] = _of(result)

    def log(self, level: str, text: str) -> None:
        """A line for the run's log."""
        self._log(level, text)

    def check(self) -> None:
        """Raises `Cancelled` when nothing that is done now would count."""
        if self.cancelled.is_set():
            raise Cancelled("The run was cancelled")
        if self.halted.is_set():
            raise Cancelled("Another part of the run has failed")

    def progress(self) -> Progress:
        """The sum."""
        figures = list(self._figures.values())
        total = self._bytes_total
        if total is None and figures and all(part.bytes_total is not None for part in figures):
            total = sum(part.bytes_total or 0 for part in figures)
        return Progress(
            stage=self._stage,
            bytes_done=sum(part.bytes_done for part in figures),
            bytes_total=total,
            rows=sum(part.rows for part in figures),
            rejected=sum(part.rejected for part in figures),
        )


class PartSink:
    """One part's `Sink`."""

    def __init__(self, board: Board, part: int) -> None:
        self._board = board
        self._part = part

    def progress(
        self, stage: str, *, bytes_done: int, bytes_total: int | None = None, rows: int = 0, rejected: int = 0
    ) -> None:
        self._board.tell(self._part, Progress(stage, bytes_done, bytes_total, rows, rejected))

    def log(self, level: str, text: str) -> None:
        self._board.log(level, text)

    def check(self) -> None:
        self._board.check()


def _of(result: PartResult) -> Progress:
    return Progress("", result.bytes, result.bytes, result.rows, result.rejected)
