"""How quick keys are, on a calm machine and on a full one, and what an idle screen costs.

Run by hand: `python benchmarks/ui.py`. The dashboard with 2,000 jobs stands beside the smallest Textual app that
answers a key, in the same turns of the same run.
"""

from __future__ import annotations

import argparse
import contextlib
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
from collections.abc import Iterator, Sequence
from pathlib import Path

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.settings import Settings
from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.model.csv_import import CsvImport
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.runner.service import runner_status

SIZE = (80, 24)
KEY_GOAL = 0.1
"""Seconds from a key to its answer on the screen, for 95 of 100, on a full machine."""
CPU_GOAL, BYTES_GOAL = 2.7 / 20 / 30, 5_000 / 60
"""Of an idle dashboard with 2,000 jobs, a second."""
PATIENCE = 60.0
DOWN, UP = b"\x1b[B", b"\x1b[A"
_BARE_APP = """
from textual.app import App
from textual.widgets import Static
class Bare(App[None]):
    BINDINGS = [("down", "turn"), ("up", "turn")]
    def compose(self):
        yield Static("ready 0")
    def action_turn(self):
        self.turned = getattr(self, "turned", 0) + 1
        self.query_one(Static).update(f"ready {self.turned}")
Bare().run()
"""
_BURNER = "while True: pass"


class Screen:
    """A program in a terminal of its own."""

    def __init__(self, command: Sequence[str], marker: bytes) -> None:
        """Waits until the marker is on the screen, and all is still."""
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8")
            os.environ["LYAZURE_PASSPHRASE"] = "of nothing"  # noqa: S105 -- or a question would stand before the dashboard
            os.execvp(command[0], list(command))
        seen = b""
        while marker not in seen:
            seen += self._read(PATIENCE) or sys.exit(f"{marker!r} did not appear: {seen[-400:]!r}")
        while self._read(1.0):
            pass

    def _read(self, seconds: float) -> bytes:
        ready, _, _ = select.select([self._terminal], [], [], seconds)
        return os.read(self._terminal, 65_536) if ready else b""

    def answer(self, key: bytes) -> float:
        """Seconds from a key to the first bytes of its answer."""
        while self._read(0.05):
            pass
        pressed = time.perf_counter()
        os.write(self._terminal, key)
        if not self._read(PATIENCE):
            sys.exit(f"{key!r} has no answer")
        return time.perf_counter() - pressed

    def idle(self, seconds: float) -> tuple[float, float]:
        """(seconds of processor time, bytes) that a second costs in which nothing happens."""
        while self._read(0.5):
            pass
        until, before, sent = time.monotonic() + seconds, self._cpu(), 0
        while (left := until - time.monotonic()) > 0:
            sent += len(self._read(left))
        return (self._cpu() - before) / seconds, sent / seconds

    def _cpu(self) -> float:
        told = subprocess.run(["ps", "-o", "cputimes=", "-p", str(self.pid)], capture_output=True, check=True)
        with contextlib.suppress(OSError):  # Linux tells it in hundredths
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return float(told.stdout)

    def close(self) -> None:
        """Ends the program."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._terminal)


def furnish(root: Path, jobs: int) -> None:
    """A configuration folder with so many jobs."""
    folder = Folder.open(root)
    folder.save_authorization(AzureStorage(id="storage", label="Storage"))
    config = CsvImport(stream="orders", container="data", filename="orders_20260101.csv", continuous_update=True)
    for number in range(jobs):
        label = f"Orders {number:05}"
        job = Job(
            id=f"job-{number}",
            label=label,
            workflow=config.workflow,
            authorization="storage",
            enabled=False,
            config=config,
        )
        folder.save_job(job)


@contextlib.contextmanager
def full(processes: int) -> Iterator[None]:
    """So many processes that take all the time they get, as nice as runs are."""
    nice = Settings().engine.nice
    command = ["nice", "-n", str(nice), sys.executable, "-c", _BURNER]
    burners = [subprocess.Popen(command) for _ in range(processes)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def keys(screens: Sequence[Screen], number: int) -> list[list[float]]:
    """Seconds that keys take in each; they take turns."""
    taken: list[list[float]] = [[] for _ in screens]
    for turn in range(number):
        for times, screen in zip(taken, screens, strict=True):
            times.append(screen.answer(DOWN if turn // 10 % 2 == 0 else UP))
    return taken


def told(name: str, taken: Sequence[float]) -> float:
    """Prints a line, and gives the 95th percentile."""
    high = statistics.quantiles(taken, n=20)[-1]
    print(f"{name:46}{statistics.median(taken) * 1000:9.1f}{high * 1000:9.1f}{max(taken) * 1000:9.1f}")
    return high


def main() -> None:
    """Measures, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2_000, help="saved jobs (default: 2,000)")
    parser.add_argument("--keys", type=int, default=200, help="keys in each app and state (default: 200)")
    parser.add_argument("--idle", type=float, default=30.0, help="seconds of doing nothing (default: 30)")
    cores = os.cpu_count() or 1
    parser.add_argument(
        "--busy", type=int, default=4 * cores, help="processes that fill the machine (default: 4 a core)"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch, "configuration")
        furnish(root, options.jobs)
        bare = Screen([sys.executable, "-c", _BARE_APP], b"ready")
        ours = Screen([sys.executable, "-m", "lytics_azure_tui", "--config", str(root)], b"Orders 00000")
        try:
            calm = keys((bare, ours), options.keys)
            with full(options.busy):
                busy = keys((bare, ours), options.keys)
            idle = [screen.idle(options.idle) for screen in (bare, ours)]
        finally:
            bare.close()
            ours.close()
            status = runner_status(Folder.at(root))
            if status is not None and status.running:
                os.kill(status.pid, signal.SIGTERM)
    dashboard = f"dashboard, {options.jobs:,} jobs"
    print(f"{'from a key to its answer, ms':46}{'median':>9}{'p95':>9}{'max':>9}")
    told("calm, smallest Textual app", calm[0])
    told(f"calm, {dashboard}", calm[1])
    told(f"{options.busy} processes beside it, smallest Textual app", busy[0])
    high = told(f"{options.busy} processes beside it, {dashboard}", busy[1])
    print(f"\n{f'in {options.idle:g} idle seconds':46}{'CPU s':>9}{'bytes':>9}")
    for name, (cpu, sent) in zip(("smallest Textual app", dashboard), idle, strict=True):
        print(f"{name:46}{cpu * options.idle:9.3f}{sent * options.idle:9.0f}")
    goals = CPU_GOAL * options.idle, BYTES_GOAL * options.idle
    print(f"{'goals; and p95 100 ms with the machine full':46}{goals[0]:9.3f}{goals[1]:9.0f}")
    met = high <= KEY_GOAL and idle[1][0] <= CPU_GOAL and idle[1][1] <= BYTES_GOAL
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
