"""The demo's sequence of dumps, imported while everything is killed at any moment, is the stream of a quiet day."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.keys import VARIABLE
from lytics_azure_tui.lytics.columns import INGEST_TIME, RUN_ID
from lytics_azure_tui.lytics.workspace.workspace import Workspace
from lytics_azure_tui.sandbox import sample_data
from lytics_azure_tui.sandbox.azurite import Azurite
from lytics_azure_tui.sandbox.demo import SAVED_IMPORTS, configure, sample_files
from lytics_azure_tui.sandbox.event_hub import EventHubServer
from lytics_azure_tui.sandbox.tds import SqlServer

KILLS = 30
LARGE = 10_000_000


def start(folder: Folder) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "lytics_azure_tui", "--config", str(folder.root), "--run-saved", SAVED_IMPORTS[0]]
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def kill_all(folder: Folder) -> None:
    """Ends the runner and the runs of a folder as a loss of power would."""
    listed = subprocess.run(["ps", "-axww", "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout
    for line in listed.splitlines():
        if str(folder.root) in line:
            with suppress(ProcessLookupError):
                os.kill(int(line.split()[0]), signal.SIGKILL)


def events(folder: Folder) -> list[tuple[str | None, ...]]:
    """All rows of the stream, without what differs from run to run."""
    preview = Workspace(folder.data / "workspace").preview("customers", LARGE)
    kept = [at for at, name in enumerate(preview.columns) if name not in (INGEST_TIME, RUN_ID)]
    return sorted((tuple(row[at] for at in kept) for row in preview.rows), key=repr)


@pytest.mark.soak
def test_killed_at_any_moment_again_and_again_the_stream_is_that_of_an_undisturbed_import(
    sql_server: SqlServer, event_hubs: EventHubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "soak")
    random = Random(7)
    with Azurite(Path(shutil.copytree(sample_files(), tmp_path / "storage"))) as azurite:
        calm = configure(tmp_path / "calm", azurite, sql_server, event_hubs)
        assert start(calm).wait(300) == 0
        stormy = configure(tmp_path / "stormy", azurite, sql_server, event_hubs)
        killed = 0
        for _ in range(KILLS):
            program = start(stormy)
            time.sleep(random.uniform(0.5, 5))
            ended = program.poll() is not None
            kill_all(stormy)
            program.wait()
            if ended:
                break
            killed += 1
        assert killed > 0
        assert start(stormy).wait(600) == 0
    undisturbed = events(calm)
    assert len(undisturbed) > sample_data.CUSTOMER_ROWS
    assert events(stormy) == undisturbed
