"""Where the runner's files are in the data folder."""

from __future__ import annotations

from pathlib import Path

from lytics_azure_tui.config.folder import Folder


def ledger_file(folder: Folder) -> Path:
    """The ledger."""
    return folder.data / "ledger.db"


def workspace(folder: Folder) -> Path:
    """The embedded Lytics."""
    return folder.data / "workspace"


def scratch(folder: Folder) -> Path:
    """One folder for each run that has not ended."""
    return folder.data / "scratch"


def keep(folder: Folder) -> Path:
    """One folder for each job: what it keeps from run to run, and its runs' quarantined rows."""
    return folder.data / "keep"


def runner_log(folder: Folder) -> Path:
    """What the background runner writes."""
    return folder.data / "runner.log"


def logs(folder: Folder) -> Path:
    """One file for each run to whose process something unforeseen happened."""
    return folder.data / "logs"


def run_log(folder: Folder, run_id: str) -> Path:
    """That run's file; its folder is made when it is not there."""
    logs(folder).mkdir(mode=0o700, exist_ok=True)
    return logs(folder) / f"{run_id}.log"
