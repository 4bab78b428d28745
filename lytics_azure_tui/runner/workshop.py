"""Does parts in processes of their own, for work that would keep Python's interpreter to itself.

A process gets what its parts can reach once, through the pipe by which it is started: the authorization's secrets too,
which so are in no file and no list of processes. It tells how it goes through another, and ends when the run's own
process does, however that ends.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing.connection import wait
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event
from typing import Self

from lytics_azure_tui.errors import Cancelled, LyazureError, RetryLater
from lytics_azure_tui.jobs.kind import Context, load
from lytics_azure_tui.model.run import Part, PartResult, Progress
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.runner.board import Board

Told = tuple[int, Progress] | tuple[str, str] | None
"""A part's figures, a line for the log, or the end."""

_LOOK_SECONDS = 0.1


class Workshop:
    """So many processes, for as long as the context lives.

    Args:
        context: of the run, with the share of memory and threads that each process may use.
        board: takes the figures, and knows whether the run was cancelled.
        processes: so many.
    """

    def __init__(self, context: Context, board: Board, processes: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._board = board
        self._ended = spawn.Event()
        self._told: SimpleQueue[Told] = spawn.SimpleQueue()
        self._closed = threading.Event()
        secrets = {name: getattr(context.authorization, name) for name in context.authorization.secret_fields()}
        revealed = {name: secret.reveal() for name, secret in secrets.items() if secret}
        bare = context.authorization.model_copy(update=dict.fromkeys(secrets))
        self._pool = ProcessPoolExecutor(
            processes,
            mp_context=spawn,
            initializer=_begin,
            initargs=(replace(context, authorization=bare), revealed, self._told, self._ended),
        )
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._listen, self._watch)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._closed.set()
        self._told.put(None)
        for thread in self._threads:
            thread.join()

    def do(self, part: Part, before: PartResult | None) -> PartResult:
        """Does a part, and waits for it. Safe to call from several threads."""
        try:
            return self._pool.submit(_do, part, before).result()
        except BrokenProcessPool:
            raise RetryLater(
                "A process that was at work on the run has ended without a word",
                why="Something ended it from outside, or the machine has too little memory",
                fix="If it stays so, lower [engine] sessions or memory in settings.toml",
            ) from None

    def _listen(self) -> None:
        while (told := self._told.get()) is not None:
            first, second = told
            if isinstance(first, int) and isinstance(second, Progress):
                self._board.tell(first, second)
            else:
                self._board.log(str(first), str(second))

    def _watch(self) -> None:
        while not self._closed.wait(_LOOK_SECONDS):
            try:
                self._board.check()
            except Cancelled:
                self._ended.set()
                return


# In the processes


class _Sink:
    """Tells the run's process how a part goes."""

    def __init__(self, part: int, told: SimpleQueue[Told], ended: Event) -> None:
        self._part, self._told, self._ended = part, told, ended

    def progress(
        self, stage: str, *, bytes_done: int, bytes_total: int | None = None, rows: int = 0, rejected: int = 0
    ) -> None:
        self._told.put((self._part, Progress(stage, bytes_done, bytes_total, rows, rejected)))

    def log(self, level: str, text: str) -> None:
        self._told.put((level, text))

    def check(self) -> None:
        if self._ended.is_set():
            raise Cancelled("The run was cancelled, or another part of it has failed")


_given: tuple[Context, SimpleQueue[Told], Event] | None = None
"""What this process was started with."""


def _begin(context: Context, secrets: dict[str, str], told: SimpleQueue[Told], ended: Event) -> None:
    global _given  # noqa: PLW0603 -- a pool hands nothing else from its beginning to its work
    # Ctrl+C and log-out are for the run's process.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    filled = context.authorization.model_copy(update={name: Secret(value) for name, value in secrets.items()})
    _given = replace(context, authorization=filled), told, ended
    threading.Thread(target=_end_with_the_run, daemon=True).start()


def _end_with_the_run() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _do(part: Part, before: PartResult | None) -> PartResult:
    if _given is None:
        raise LyazureError("This process was not started by a run")
    context, told, ended = _given
    return load(context.job).do(context, part, before, _Sink(part.index, told, ended))
