"""What the tests of the command line share: a configuration folder, and the program as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.model.csv_import import CsvImport
from lytics_azure_tui.model.job import Job

Program = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A configuration folder without jobs."""
    return Folder.open(tmp_path / "configuration")


@pytest.fixture
def program(folder: Folder) -> Program:
    """Runs the program on the folder, as a process of its own without a terminal."""

    def run(*arguments: str, config: Path = folder.root, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "lytics_azure_tui", "--config", str(config), *arguments],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **more},
            timeout=120,
            check=False,
        )

    return run


def import_job(id: str, label: str, **config: Any) -> Job:
    """A saved import of one file."""
    values = {"stream": "people", "container": "data", "filename": "people.csv", **config}
    return Job(
        id=id,
        label=label,
        workflow=CsvImport.workflow,
        authorization="storage",
        config=CsvImport.model_validate(values),
    )


def save_jobs(folder: Folder, jobs: Sequence[Job]) -> None:
    """Saves jobs, and the authorization that they name, without its secret."""
    folder.save_authorization(AzureStorage(id="storage", label="Storage"))
    for job in jobs:
        folder.save_job(job)


def events(output: str) -> list[dict[str, Any]]:
    """The events of --json; each line must be one."""
    found = [json.loads(line) for line in output.splitlines()]
    assert all(isinstance(event, dict) and {"event", "at"} <= event.keys() for event in found)
    return found


def tree(root: Path) -> dict[str, tuple[int, bytes]]:
    """Everything below a folder: name, mode, content."""
    return {
        str(path.relative_to(root)): (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in sorted(root.rglob("*"))
    }
