"""--doctor: what it sees, a line each, and the fix below it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from lytics_azure_tui.cli.output import Exit, Output
from lytics_azure_tui.cli.passphrase import opened
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.runner.doctor import Check, State, examine

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
