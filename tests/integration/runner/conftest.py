"""What the tests of the runner share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from lytics_azure_tui.model.kinds import KINDS
from lytics_azure_tui.runner import alive, lock
from tests.integration.runner import copying
from tests.integration.runner.world import REPOSITORY, SECRET, World


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A folder of the test's own; processes that are left at its end are ended."""
    # Python imports this module whenever it starts, so that the program's processes know the test's kind of job.
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text("from tests.integration.runner import copying\ncopying.register()\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(site), str(REPOSITORY))))
    monkeypatch.setenv("LYAZURE_SECRET_STORAGE_CONNECTION_STRING", SECRET)
    monkeypatch.setitem(KINDS, copying.Copying.workflow, copying.Copying)
    world = World.make(tmp_path)
    yield world
    holder = lock.holder(world.folder.data)
    if holder is not None and holder.lives:
        os.kill(holder.pid, signal.SIGKILL)
    for run in world.ledger.runs(active=True):
        if run.pid is not None and run.pid != os.getpid() and alive.alive(run.pid, run.born):
            os.killpg(run.pid, signal.SIGKILL)
    world.ledger.close()
