"""--pause and --resume: a saved job's schedule."""

from __future__ import annotations

from pathlib import Path

from lytics_azure_tui.cli.output import Exit, Output
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.runner.foreground import named
from lytics_azure_tui.runner.service import pause, runner_status


def set_paused(root: Path | None, label: str, output: Output, *, paused: bool) -> Exit:
    """Pauses or resumes the job of a label or an id; one that is so already stays so."""
    folder = Folder.existing(root)
    job = named(folder, label)
    job.require_here()
    pause(folder, job.id, paused=paused)
    done = "paused" if paused else "resumed"
    output.event(done, {"id": job.id, "label": job.label})
    output.data(f"{job.label}: {done}")
    if paused:
        return Exit.DONE
    if job.config.schedule() is None:
        output.words("It has no schedule: it runs when it is started.")
    elif not ((status := runner_status(folder)) and status.running):
        output.words("No runner is at work: it runs with the next --run-saved or --watch, or when the screens open.")
    return Exit.DONE
