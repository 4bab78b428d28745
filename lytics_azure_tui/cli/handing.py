"""--hand-over and --take-back: a job to the machines of Lytics and home again, after asking."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from lytics_azure_tui.cli.output import Exit, Output
from lytics_azure_tui.cli.passphrase import opened
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.lytics import open_lytics
from lytics_azure_tui.config.secrets import Later
from lytics_azure_tui.runner import places
from lytics_azure_tui.runner.foreground import named
from lytics_azure_tui.runner.handing import Handing
from lytics_azure_tui.runner.ledger import Ledger
from lytics_azure_tui.tui.handing import BACK, START, sections


def hand_over(root: Path | None, label: str, output: Output, *, sure: bool) -> Exit:
    """Hands a saved job over, after saying what that means."""
    with _handing(root) as handing:
        job = named(handing.folder, label)
        sent = handing.sent(job.id)
        for section in sections(job, handing.folder.authorization(job.authorization), sent):
            output.words(f"{section.heading}:")
            for line in section.lines:
                output.words(f"  {line}")
        output.words(START)
        if not sure:
            click.confirm(f"Hand {job.label} over to Lytics?", abort=True, err=True)
        handed = handing.hand_over(job.id)
    there = handed.lytics.job if handed.lytics is not None else None
    output.event("handed_over", {"id": job.id, "label": job.label, "lytics": there})
    output.data(f"{job.label}: handed over, job {there} at Lytics")
    return Exit.DONE


def take_back(root: Path | None, label: str, output: Output, *, sure: bool) -> Exit:
    """Takes a job back."""
    with _handing(root) as handing:
        job = named(handing.folder, label)
        if not sure:
            output.words(BACK)
            click.confirm(f"Take {job.label} back?", abort=True, err=True)
        removed = handing.take_back(job.id)
    output.event("taken_back", {"id": job.id, "label": job.label, "authorization_removed": removed})
    output.data(f"{job.label}: taken back")
    if not removed:
        output.words("Its authorization stays at Lytics, where other jobs name it.")
    return Exit.DONE


@contextmanager
def _handing(root: Path | None) -> Iterator[Handing]:
    folder = Folder.existing(root)
    secrets = Later(lambda: opened(folder)[0])
    with closing(Ledger(places.ledger_file(folder))) as ledger:
        yield Handing(folder, ledger, open_lytics(folder, lambda: secrets), lambda: secrets)
