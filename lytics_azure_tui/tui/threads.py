"""Blocking work off the loop. Call `in_thread` inside an exclusive async worker: when a newer one starts, the older is
cancelled at its `await`, so that a stale answer never arrives after the new one."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import TypeVar

from lytics_azure_tui.errors import Fatal, LyazureError
from lytics_azure_tui.tui.logfile import NAME

T = TypeVar("T")
log = logging.getLogger(__name__)


async def in_thread(work: Callable[[], T], about: str) -> T:
    """Runs blocking work in a thread of its own and gives its result on the loop.

    The thread is a daemon: neither a waiting pool nor a hung server can keep the program from ending.

    Args:
        work: called in the thread; it must not touch widgets.
        about: words for the thread and for the error: "read the streams". Never data, never secrets.

    Raises:
        LyazureError: whatever went wrong, in words for the operator.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        settle: Callable[[], None]
        try:
            settle = partial(_answer, future, work())
        except BaseException as error:
            settle = partial(_fail, future, understood(error, about))
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle)

    Thread(target=run, name=about, daemon=True).start()
    return await future


def understood(error: BaseException, about: str) -> LyazureError:
    """Any exception as an error that an operator may see; what is not ours goes to the log in full."""
    if isinstance(error, LyazureError):
        return error
    log.error("could not %s", about, exc_info=error)
    if type(error).__name__ == "OutOfMemoryException":
        # DuckDB's; its module is not loaded for the name of an exception.
        return Fatal(
            f"Could not {about}",
            why="There are more columns or longer values than fit into the memory of a screen",
            fix="A job, whose memory is set in settings.toml, can still export them",
        )
    why = str(error) if isinstance(error, OSError | sqlite3.Error) else type(error).__name__
    return Fatal(f"Could not {about}", why=why, fix=f"The details are in logs/{NAME} of the data folder")


def _answer(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[T], error: LyazureError) -> None:
    if not future.done():
        future.set_exception(error)
