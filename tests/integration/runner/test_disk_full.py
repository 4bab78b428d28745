"""An import onto a disk that is full: a clear error, and nothing half written."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.lytics.workspace.workspace import Workspace
from lytics_azure_tui.model.csv_import import CsvImport
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.model.run import RunState
from lytics_azure_tui.runner import places
from lytics_azure_tui.runner.ledger import Ledger
from tests.conftest import Storage

# A mount that only the program under test sees.
APART = ["unshare", "--user", "--map-root-user", "--mount"]


@pytest.mark.parametrize("full", ["scratch", "workspace"])
def test_a_full_disk_is_told_and_nothing_is_half_written(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: str
) -> None:
    try:
        subprocess.run([*APART, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a small disk for one process cannot be made here: {error}")
    rows = "".join(f"{number},{number * 7919 % 100_003:x}{number * 104_729:x}\n" for number in range(400_000))
    storage.put("x.csv", "id,text\n" + rows)
    folder = Folder.open(tmp_path / "config")
    folder.save_authorization(storage.authorization())
    config = CsvImport(stream="s", container=storage.container, filename="x.csv")
    folder.save_job(Job(id="job", label="Job", workflow="AzureCsvImport", authorization="storage", config=config))
    assert storage.connection_string
    monkeypatch.setenv("LYAZURE_SECRET_STORAGE_CONNECTION_STRING", storage.connection_string.reveal())
    small = folder.data / full
    small.mkdir(parents=True)
    program = [sys.executable, "-m", "lytics_azure_tui", "--config", str(folder.root), "--run-saved", "job"]
    script = f"mount -t tmpfs -o size=1m tmpfs {shlex.quote(str(small))} && exec {shlex.join(program)}"
    done = subprocess.run(
        [*APART, "sh", "-c", script],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )
    assert done.returncode == 1, done.stderr
    assert "There is no space left on the disk" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    ledger = Ledger(places.ledger_file(folder))
    (run,) = ledger.runs()
    ledger.close()
    assert run.state is RunState.FAILED
    assert "There is no space left on the disk" in run.error
    assert Workspace(folder.data / "workspace").streams() == []
