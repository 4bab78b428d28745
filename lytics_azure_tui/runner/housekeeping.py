"""Removes what nobody needs any more: runs of long ago with their files, and what dead runs left behind."""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.runner import places
from lytics_azure_tui.runner.ledger import Ledger

KEPT = timedelta(days=90)
"""So long a run is remembered after its end, with its log and its quarantined rows, as Lytics does."""


def tidy(folder: Folder, ledger: Ledger, now: datetime) -> None:
    """Forgets runs that ended long ago, and removes files of runs and jobs that are gone."""
    for path in ledger.prune(now - KEPT):
        _remove(Path(path))
    for entry in _entries(places.scratch(folder)):
        if not _active(ledger, entry.name):
            shutil.rmtree(entry, ignore_errors=True)
    jobs = ledger.job_states()
    for entry in _entries(places.keep(folder)):
        if entry.name not in jobs and not ledger.runs(job=entry.name, limit=1):
            shutil.rmtree(entry, ignore_errors=True)
    for entry in _entries(places.logs(folder)):
        if not _known(ledger, entry.stem):
            with suppress(OSError):
                entry.unlink()


def _remove(path: Path) -> None:
    """Removes a file or a folder, and the folder above it when nothing else is in that."""
    with suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        path.parent.rmdir()


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []


def _known(ledger: Ledger, run_id: str) -> bool:
    try:
        ledger.run(run_id)
    except BadConfiguration:
        return False
    return True


def _active(ledger: Ledger, run_id: str) -> bool:
    return _known(ledger, run_id) and not ledger.run(run_id).state.ended
