"""--begin-anew and --go-on: the answer for a job whose source is not what its last run has read."""

from __future__ import annotations

from pathlib import Path

import click

from lytics_azure_tui.cli.output import Exit, Output
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.model.run import Answer
from lytics_azure_tui.runner.foreground import named
from lytics_azure_tui.runner.service import answer


def go_on(root: Path | None, label: str, chosen: Answer, output: Output, *, sure: bool) -> Exit:
    """Has a saved job begin anew or go on, after saying what that means. Starts no run."""
    folder = Folder.existing(root)
    job = named(folder, label)
    if not sure:
        output.words(chosen.meaning)
        click.confirm(f"{chosen.label} with {job.label}?", abort=True, err=True)
    answer(folder, job.id, chosen)
    output.event("answered", {"id": job.id, "label": job.label, "answer": chosen.value})
    output.data(f"{job.label}: {chosen.label.lower()}. Its schedule is taken up again")
    return Exit.DONE
