"""The background runner: `python -m lytics_azure_tui.runner.background --config DIR`, started by `service`.

It has no terminal; its standard streams are its log. SIGTERM lets runs finish and starts no new ones; a second one
ends at once, and leaves the runs for the next runner. SIGUSR1 ends the runner alone: its runs go on, and the next
runner takes them over.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.keys import known
from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.runner import places, records
from lytics_azure_tui.runner.ledger import Ledger
from lytics_azure_tui.runner.lock import RunnerLock
from lytics_azure_tui.runner.runner import TICK_SECONDS, Runner

LOG_BYTES = 1_000_000
PAUSE_SECONDS = 5.0
"""After an error that hinders the runner itself, such as a full disk."""


class Background:
    """The runner, its signals and its log."""

    def __init__(self, folder: Folder, runner: Runner) -> None:
        self._log = places.runner_log(folder)
        self._runner = runner
        self._asked = 0
        self._hand_over = False
        self._trouble = ""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)
        signal.signal(signal.SIGUSR1, self._leave)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def run(self) -> None:
        """Works until a signal ends it, or its lock is taken away with the folder."""
        while not self._hand_over and not self._runner.lock.lost():
            if self._asked > 1:
                say("Stops at once; runs go on with the next runner")
                self._runner.stop()
                return
            if self._asked and not self._runner.draining:
                say("Lets runs finish, and starts no new ones")
                self._runner.drain()
            pause = self._tick()
            if self._runner.draining and self._runner.idle:
                return
            time.sleep(pause)

    def _tick(self) -> float:
        rotate(self._log)
        try:
            self._runner.tick()
        except LyazureError as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                say(self._trouble)
            return PAUSE_SECONDS
        self._trouble = ""
        return TICK_SECONDS

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked += 1

    def _leave(self, number: int, frame: FrameType | None) -> None:
        self._hand_over = True


def say(text: str) -> None:
    """Writes a line with the time to the log."""
    sys.stderr.write(f"{records.now():%Y-%m-%d %H:%M:%S} {text}\n")
    sys.stderr.flush()


def rotate(log: Path) -> None:
    """Begins a new log file when the one that is written to has grown large; one old file is kept."""
    if os.fstat(sys.stderr.fileno()).st_size < LOG_BYTES:
        return
    log.replace(log.with_suffix(".log.1"))
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(file, stream.fileno())
    os.close(file)


def main(arguments: list[str] | None = None) -> int:
    """Runs until it is told to end. Returns at once when there is a runner already."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        folder = Folder.open(options.config)
        keys = known()
        # Before the lock, which tells others that all is well.
        ledger = Ledger(places.ledger_file(folder))
        lock = RunnerLock.take(folder.data, background=True)
        if lock is None:
            return 0
    except LyazureError as error:
        say(str(error))
        return 1
    say(f"Runner starts as process {os.getpid()} for {folder.root}")
    runner = Runner(folder, ledger, lock, say, keys)
    Background(folder, runner).run()
    runner.close()
    say("Runner ends")
    return 0


if __name__ == "__main__":
    sys.exit(main())
