"""Looks at the machine: disk, gpg, terminal, and whether a runner lives on after log-out."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from lytics_azure_tui.runner.doctor.check import Check, ok, problem, warning

DISK_LOW = 1_000_000_000
DISK_FULL = 100_000_000
_PATIENCE = 10.0
"""Seconds for a program of the system to answer."""


def disk(data: Path) -> Iterator[Check]:
    """Room for streams, quarantine and the ledger."""
    there = next(folder for folder in (data, *data.parents) if folder.exists())
    if not os.access(there, os.W_OK):
        yield problem(
            "disk", f"{there} cannot be written", f"Give yourself the right to write there: chmod u+w {there}"
        )
        return
    free = shutil.disk_usage(there).free
    about = f"{free / 1e9:.1f} GB free for {data}"
    if free < DISK_FULL:
        yield problem("disk", about, "Free some room, or name another folder in settings.toml: [storage] folder.")
    elif free < DISK_LOW:
        yield warning("disk", about, "A large import may not fit: free some room.")
    else:
        yield ok("disk", about)


def gpg(wanted_by: tuple[str, ...]) -> Iterator[Check]:
    """The gpg program, which only authorizations with a PGP key need.

    Args:
        wanted_by: labels of the authorizations that have one.
    """
    program = shutil.which("gpg")
    if program is None:
        if wanted_by:
            yield problem(
                "gpg",
                f"gpg is not installed, and {_names(wanted_by)} has a PGP key",
                "Install GnuPG: the package gnupg on Debian and Ubuntu, gnupg2 on Fedora, gnupg in Homebrew.",
            )
        else:
            yield ok("gpg", "Not installed; only an authorization with a PGP key needs it")
        return
    answer = _ask(program, "--version")
    first = answer.splitlines()[0] if answer else ""
    version = first.rpartition(" ")[2]
    if not version[:1].isdigit():
        yield problem("gpg", f"{program} does not tell its version", "Install GnuPG again.")
    elif int(version.partition(".")[0]) < 2:
        yield warning("gpg", f"{program} is version {version}", "Install GnuPG 2.2 or newer.")
    else:
        yield ok("gpg", f"{program} is version {version}")


def linger(repeats: bool) -> Iterator[Check]:
    """Whether systemd lets the background runner live when its user has logged out.

    Args:
        repeats: whether some job has a schedule.
    """
    if not Path("/run/systemd/system").is_dir() or shutil.which("loginctl") is None:
        yield ok("linger", "No systemd session manager here, so none that ends the runner at log-out")
        return
    user = getpass.getuser()
    if _ask("loginctl", "show-user", user, "--property=Linger", "--value").strip() == "yes":
        yield ok("linger", f"{user} lingers: the runner lives on after log-out")
    elif not repeats:
        yield ok("linger", "No job repeats, so nothing has to live on after log-out")
    else:
        yield warning(
            "linger",
            "Jobs repeat, and systemd may end the runner when you log out",
            f"Run: loginctl enable-linger {user}, or use the systemd unit or the cron line of the README.",
        )


def terminal(environment: Mapping[str, str]) -> Iterator[Check]:
    """Whether the screens can be drawn."""
    term = environment.get("TERM", "")
    if not (sys.stdin.isatty() or sys.stderr.isatty()):
        yield ok("terminal", "None here; --run-saved, --list and --doctor need none")
        return
    if term in ("", "dumb"):
        yield warning(
            "terminal", f"TERM is {term or 'not set'}: the screens cannot be drawn", "export TERM=xterm-256color"
        )
    else:
        yield ok("terminal", f"{term}, {_colours(term, environment)}")
    charset = next((environment[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environment.get(name)), "")
    if "utf8" in charset.lower().replace("-", ""):
        yield ok("locale", charset)
    else:
        yield warning(
            "locale",
            f"{charset or 'No locale is set'}: not UTF-8, so lines and names may be drawn wrong",
            "export LANG=C.UTF-8",
        )


def _colours(term: str, environment: Mapping[str, str]) -> str:
    if environment.get("NO_COLOR"):
        return "without colours, as NO_COLOR is set"
    if environment.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "16 million colours"
    return "256 colours" if "256" in term else "16 colours"


def _ask(*command: str) -> str:
    """What a program answers; empty when it fails or does not answer in time."""
    try:
        answer = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout if answer.returncode == 0 else ""


def _names(labels: tuple[str, ...]) -> str:
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"
