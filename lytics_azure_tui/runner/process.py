"""One run in a process of its own: `python -m lytics_azure_tui.runner.process --config DIR RUN_ID`.

The work goes on in a thread; the main thread only looks after it: it writes the heartbeat, sees a wish to cancel, and
a signal that asks for a quick end, which leaves the run resumable. The process survives the runner that started it.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from types import FrameType

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.keys import known
from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.model.run import Progress
from lytics_azure_tui.runner.board import Board
from lytics_azure_tui.runner.execution import Execution
from lytics_azure_tui.runner.ledger import Ledger
from lytics_azure_tui.runner.places import ledger_file, run_log

SIGNALS = (signal.SIGTERM, signal.SIGINT)
BEAT_SECONDS = 0.2
STILL_SECONDS = 2.0
"""A heartbeat comes at least so often, also when nothing has changed."""


def main(arguments: list[str] | None = None) -> int:
    """Works on one run until it has ended, is to be tried later, or a signal comes."""
    faulthandler.enable()
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("run_id")
    options = parser.parse_args(arguments)
    asked = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        # Only noted: to raise here could cut a transaction of the main thread in two.
        asked.set()

    for number in SIGNALS:
        signal.signal(number, ask)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        known()  # reads the pipe, before anything is started that would inherit its number
        folder = Folder.open(options.config)
        ledger = Ledger(ledger_file(folder))
    except LyazureError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    try:
        if not ledger.claim(options.run_id, os.getpid()):
            sys.stderr.write(f"Run {options.run_id} does not wait for a process\n")
            return 0
        return _look_after(folder, ledger, options.run_id, asked)
    except LyazureError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _look_after(folder: Folder, ledger: Ledger, run_id: str, asked: threading.Event) -> int:
    # Its own workers inherit it. Settings that cannot be read are told by the run itself.
    with contextlib.suppress(LyazureError):
        os.nice(folder.settings().engine.nice)
    execution = Execution(
        folder,
        ledger,
        ledger.run(run_id),
        details_file=run_log(folder, run_id),
        write_details=_write,
    )
    broken: list[BaseException] = []

    def work() -> None:
        try:
            execution.carry_out()
        except BaseException as error:
            broken.append(error)

    thread = threading.Thread(target=work, name="run", daemon=True)
    thread.start()
    _beat(ledger, run_id, execution.board, thread, asked)
    if thread.is_alive():
        ledger.release(run_id, os.getpid())
        # The thread may be deep in a library that answers to nobody; what it does next is done again by the next try.
        os._exit(128 + signal.SIGTERM)
    if broken:
        # The ledger itself did not take the run's end: the runner sees that this process is gone, and starts another.
        traceback.print_exception(broken[0])
        return 1
    return 0


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def _beat(ledger: Ledger, run_id: str, board: Board, thread: threading.Thread, asked: threading.Event) -> None:
    told, at = Progress(), 0.0
    while thread.is_alive() and not asked.is_set():
        thread.join(BEAT_SECONDS)
        progress = board.progress()
        # A busy ledger is no reason to end a run that works.
        with contextlib.suppress(LyazureError):
            if ledger.cancel_requested(run_id):
                board.cancelled.set()
            if progress != told or time.monotonic() - at > STILL_SECONDS:
                ledger.heartbeat(run_id, progress)
                told, at = progress, time.monotonic()


if __name__ == "__main__":
    sys.exit(main())
