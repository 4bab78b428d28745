"""Ends the program when its terminal is gone. Textual 8 handles neither SIGHUP nor SIGTERM, spins when the pty vanishes
without a signal, and may then wait for ever on its writer."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

GRACE_SECONDS = 2.0


def end_on_signals(end: Callable[[], None]) -> None:
    """Calls `end` on the running loop for SIGTERM and SIGHUP, and sees to it that the process is gone soon after."""
    loop = asyncio.get_running_loop()

    def ended(number: signal.Signals) -> None:
        insist(128 + number)
        end()

    for number in (signal.SIGTERM, signal.SIGHUP):
        with suppress(NotImplementedError, ValueError, RuntimeError):  # not the main thread: a test
            loop.add_signal_handler(number, ended, number)


def end_without_terminal(end: Callable[[], None]) -> None:
    """Calls `end` on the running loop when standard input hangs up, even where SIGHUP is ignored, as under nohup."""
    if sys.__stdin__ is not None and sys.__stdin__.isatty():
        arguments = (sys.__stdin__.fileno(), asyncio.get_running_loop(), end)
        Thread(target=_watch, args=arguments, name="terminal watch", daemon=True).start()


def _watch(descriptor: int, loop: asyncio.AbstractEventLoop, end: Callable[[], None]) -> None:
    poll = select.poll()
    poll.register(descriptor, 0)  # a hang-up is reported without being asked for; nothing else wakes this thread
    found = poll.poll()
    if any(event & (select.POLLHUP | select.POLLERR) for _, event in found):
        insist(128 + signal.SIGHUP)
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(end)


def insist(status: int) -> None:
    """Ends the process after a grace, whatever it waits for. It moves no data, so nothing is lost."""

    def at_last() -> None:
        time.sleep(GRACE_SECONDS)
        os._exit(status)

    Thread(target=at_last, name="last resort", daemon=True).start()
