"""How long one waits: for `lyazure-tui --list`, and for the first screen with something on it.

Run by hand: `python benchmarks/cold_start.py`. Each figure is the median of several runs with a warm file cache; beside
it stands the ratio to a bare Python, or to the smallest Textual app, measured in the same turn.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.model.csv_import import CsvImport
from lytics_azure_tui.model.job import Job

LIST_GOAL = 0.25
PAINT_GOAL = 0.5
MARKER = "Daily customers"
PATIENCE = 20.0

_BARE_APP = f"""
from textual.app import App
from textual.widgets import Static
class Bare(App[None]):
    def compose(self):
        yield Static({MARKER!r})
Bare().run()
"""


def furnish(root: Path) -> None:
    """A configuration folder as an operator would have it: an authorization and ten jobs."""
    folder = Folder.open(root)
    folder.save_authorization(AzureStorage(id="storage", label="Storage"))
    labels = [MARKER, *(f"Import {number}" for number in range(2, 11))]
    for number, label in enumerate(labels, 1):
        config = CsvImport(
            stream=f"stream_{number}",
            container="data",
            filename="daily_20260101.csv",
            continuous_update=True,
            timezone="Europe/Berlin",
        )
        folder.save_job(
            Job(
                id=f"job-{number}",
                label=label,
                workflow=config.workflow,
                authorization="storage",
                enabled=False,
                config=config,
            )
        )


def to_end(command: Sequence[str]) -> float:
    """Seconds until a program has ended."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return time.perf_counter() - started


def to_paint(command: Sequence[str]) -> float:
    """Seconds until the marker is on the screen of a terminal of 120 by 36."""
    started, seen = time.perf_counter(), b""
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8")
        os.execvp(command[0], list(command))
    try:
        while MARKER.encode() not in seen:
            ready, _, _ = select.select([terminal], [], [], PATIENCE)
            if not ready:
                raise TimeoutError(f"{MARKER!r} did not appear; the screen ended with {seen[-400:]!r}")
            seen += os.read(terminal, 65536)
        return time.perf_counter() - started
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)


def side_by_side(pairs: Sequence[Callable[[], float]], turns: int) -> list[float]:
    """Medians. The measurements take turns, so that a busy moment of the machine falls on all of them."""
    taken: list[list[float]] = [[] for _ in pairs]
    for turn in range(turns + 1):
        for times, measure in zip(taken, pairs, strict=True):
            seconds = measure()
            if turn:  # the first turn warms the cache
                times.append(seconds)
    return [statistics.median(times) for times in taken]


def main() -> None:
    """Measures, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=11, help="how often each is measured (default: 11)")
    turns = parser.parse_args().turns
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch, "configuration")
        furnish(root)
        program = [sys.executable, "-m", "lytics_azure_tui", "--config", str(root)]
        bare, listed, bare_app, painted = side_by_side(
            [
                lambda: to_end([sys.executable, "-c", "pass"]),
                lambda: to_end([*program, "--list"]),
                lambda: to_paint([sys.executable, "-c", _BARE_APP]),
                lambda: to_paint(program),
            ],
            turns,
        )
    print(f"{'':34}{'seconds':>9}{'ratio':>8}{'goal':>8}")
    print(f"{'python -c pass':34}{bare:9.3f}{1:7.1f}x")
    print(f"{'lyazure-tui --list, 10 jobs':34}{listed:9.3f}{listed / bare:7.1f}x{LIST_GOAL:8.2f}")
    print(f"{'first paint, smallest Textual app':34}{bare_app:9.3f}{1:7.1f}x")
    print(f"{'first paint, lyazure-tui':34}{painted:9.3f}{painted / bare_app:7.1f}x{PAINT_GOAL:8.2f}")
    sys.exit(0 if listed <= LIST_GOAL and painted <= PAINT_GOAL else 1)


if __name__ == "__main__":
    main()
