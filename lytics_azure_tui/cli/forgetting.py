"""--forget: removes a person, after asking."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from lytics_azure_tui.cli.output import Exit, Output
from lytics_azure_tui.cli.passphrase import opened
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.runner.forgetting import Report, forget


def forget_person(root: Path | None, value: str, output: Output, *, sure: bool) -> Exit:
    """Removes everyone who has an identifier of this value; "-" reads it from stdin."""
    if value == "-":
        value = sys.stdin.readline().strip()
        sure = sure or not sys.stdin.isatty()
    if not sure:
        click.confirm(
            f"Remove {value} from streams, profiles, memberships and quarantine, for good?", abort=True, err=True
        )
    folder = Folder.existing(root)
    report = forget(folder, value, lambda: opened(folder)[0])
    output.event("forgotten", asdict(report))
    for line in _lines(report):
        output.data(line)
    return Exit.DONE


def _lines(report: Report) -> list[str]:
    events = ", ".join(f"{count:,} of {stream}" for stream, count in sorted(report.events.items()))
    return [
        f"Known by:     {', '.join(report.identifiers) or 'no profile'}",
        f"Profiles:     {report.profiles:,}",
        f"Events:       {events or '0'}",
        f"Memberships:  {report.memberships:,}",
        f"Quarantine:   {report.quarantined:,}",
    ]
