"""--doctor: what it sees, a line each, and the fix below it. --check: one line for monitoring systems."""

from __future__ import annotations

from collections import Counter
from enum import IntEnum
from pathlib import Path

from lytics_azure_tui.cli.output import Exit, Output
from lytics_azure_tui.cli.passphrase import opened
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.runner.doctor import Check, State, examine, overall

_TOLD = 3
"""So many of what is wrong stand in the line of --check."""
_SIGNS = {State.OK: "ok      ", State.WARNING: "warning ", State.PROBLEM: "PROBLEM "}


def diagnose(root: Path | None, output: Output) -> Exit:
    """Looks at everything; `Exit.FAILED` when there is a problem."""
    folder = Folder.at(root)
    seen: Counter[State] = Counter()
    for check in examine(folder, lambda: opened(folder)[0]):
        seen[check.state] += 1
        _tell(check, output)
    problems, warnings = seen[State.PROBLEM], seen[State.WARNING]
    output.event("diagnosis", {"ok": seen[State.OK], "warnings": warnings, "problems": problems})
    output.words(f"Problems: {problems}. Warnings: {warnings}.")
    return Exit.FAILED if problems else Exit.DONE


class Level(IntEnum):
    """How a plugin of Nagios, Icinga and their like exits.

    https://nagios-plugins.org/doc/guidelines.html#AEN78
    """

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


_LEVELS = {State.OK: Level.OK, State.WARNING: Level.WARNING, State.PROBLEM: Level.CRITICAL}


def check_all(root: Path | None, output: Output) -> Level:
    """Writes one line, the worst first. Looks at configuration, runner, jobs and disk, and opens no secret."""
    try:
        checks = list(overall(Folder.at(root)))
    except Exception as error:  # whatever it is, the monitoring system is to learn that nothing is known
        output.data(f"LYAZURE UNKNOWN: {type(error).__name__}")
        return Level.UNKNOWN
    seen = Counter(check.state for check in checks)
    wrong = sorted((check for check in checks if check.state is not State.OK), key=lambda check: -_LEVELS[check.state])
    level = max((_LEVELS[check.state] for check in checks), default=Level.UNKNOWN)
    told = [f"{check.subject or check.name}: {check.about}" for check in wrong[:_TOLD]]
    if len(wrong) > _TOLD:
        told.append(f"and {len(wrong) - _TOLD} more")
    text = "; ".join(told) or next((check.about for check in checks), "nothing to look at")
    # What stands behind a bar are figures for graphs.
    line = " ".join(f"LYAZURE {level.name}: {text}".replace("|", "/").split())
    output.data(f"{line} | problems={seen[State.PROBLEM]} warnings={seen[State.WARNING]}")
    return level


def _tell(check: Check, output: Output) -> None:
    output.event(
        "check",
        {
            "name": check.name,
            "subject": check.subject,
            "state": check.state.value,
            "about": check.about,
            "fix": check.fix,
        },
    )
    subject = f" ({check.subject})" if check.subject else ""
    output.data(f"{_SIGNS[check.state]} {check.name}{subject}: {check.about}")
    if check.fix:
        output.data(f"         → {check.fix}")
