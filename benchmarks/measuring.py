"""Processes measured from their start to their end, and figures put side by side."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Taken:
    """What something took.

    Attributes:
        seconds: by the wall clock.
        cpu: seconds of processors; None where that cannot be told.
        peak: bytes that its largest process held in memory at most; None where that cannot be told.
    """

    seconds: float
    cpu: float | None = None
    peak: int | None = None


class Failed(Exception):
    """A process did not do its work; the text is its own last words."""


def watched(process: subprocess.Popen[bytes], started: float) -> Taken:
    """Waits for a process.

    The peak is what the kernel counted (ru_maxrss): of the process itself, or of the largest of its children if that
    is more. It counts pages of shared libraries and of mapped files too. When a process starts another, the kernel
    counts what the parent held as the child's first: what measures has to be small itself.
    """
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    return Taken(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def run(command: Sequence[str], environment: dict[str, str], cwd: str, given: str = "") -> tuple[Taken, str]:
    """Runs a program to its end and gives what it took and what it printed.

    Args:
        given: what it reads from its standard input; no more than a pipe holds.

    Raises:
        Failed: it ended with another status than 0.
    """
    settle()
    started = time.perf_counter()
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        cwd=cwd,
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise Failed("it has no pipes")
        process.stdin.write(given.encode())
        process.stdin.close()
        said = process.stdout.read().decode(errors="replace")
        taken = watched(process, started)
    if process.returncode:
        raise Failed(last_words(said))
    return taken, said


def processor_seconds(pid: int) -> float | None:
    """What a process that goes on has taken of processors so far; None where the system does not tell (no /proc)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:  # noqa: PTH123
            told = file.read()
    except OSError:
        return None
    # Behind the name, which may hold anything, utime and stime are the 12th and 13th.
    user, system = told.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def settle() -> None:
    """Has everything written that waits for the disk, so that nobody pays for what went before."""
    os.sync()


def last_words(said: str) -> str:
    """The line of a program's output that tells best what went wrong."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if "rror" in line]
    return (telling or lines or ["it said nothing"])[-1][:200]


@dataclass(slots=True)
class Row:
    """One line of the table: the same thing, taken once a round."""

    name: str
    taken: list[Taken]

    @property
    def seconds(self) -> float:
        """The median."""
        return statistics.median(taken.seconds for taken in self.taken)

    @property
    def peak(self) -> int | None:
        """The highest of all rounds: a promise about memory holds each time."""
        return max((taken.peak for taken in self.taken if taken.peak is not None), default=None)

    def text(self, ratio: float | None) -> str:
        """The line, with its ratio to whatever the column compares with."""
        times = [taken.seconds for taken in self.taken]
        cpus = [taken.cpu for taken in self.taken if taken.cpu is not None]
        cells = (
            f"{self.seconds:8.2f}",
            f"{min(times):7.2f} -{max(times):7.2f}",
            f"{statistics.median(cpus):8.2f}" if cpus else " " * 8,
            " " * 8 if ratio is None else f"{ratio:7.2f}x",
            " " * 8 if self.peak is None else f"{self.peak / 1e6:8.0f}",
        )
        return f"{self.name:46}{'  '.join(cells)}"


HEADINGS = f"{'':46}{'seconds':>8}  {'least - most':>16}  {'cpu s':>8}  {'ratio':>8}  {'peak MB':>8}"
