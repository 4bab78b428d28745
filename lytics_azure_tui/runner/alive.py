"""Whether a process that wrote down its number is still the same process: numbers are used again, births are not."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path


def birth(pid: int) -> str | None:
    """What tells this process from a later one of the same number; None when no such process lives.

    On Linux this is the machine's boot and the start in clock ticks since then (proc(5), field 22 of stat); elsewhere
    the start as ps tells it.
    """
    return _linux(pid) if sys.platform == "linux" else _ps(pid)


def alive(pid: int | None, born: str) -> bool:
    """Whether the process of that number lives and was born then."""
    return pid is not None and birth(pid) == born


def _linux(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the command in parentheses, and may itself hold spaces and parentheses.
    fields = stat.rpartition(")")[2].split()
    state, start = fields[0], fields[19]
    return None if state in "ZX" else f"{_boot()}/{start}"


@cache
def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _ps(pid: int) -> str | None:
    found = subprocess.run(
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, start = found.stdout.strip().partition(" ")
    return None if found.returncode or state.startswith("Z") else start.strip()
