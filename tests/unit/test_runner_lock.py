"""One runner per folder; and the dead are told from the living."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.runner import alive, lock
from lytics_azure_tui.runner.lock import RunnerLock


def take(data: Path) -> RunnerLock | None:
    return RunnerLock.take(data, background=True)


def test_a_process_is_known_by_its_birth() -> None:
    born = alive.birth(os.getpid())
    assert born is not None and alive.alive(os.getpid(), born)
    assert not alive.alive(os.getpid(), born + "1"), "another process had this number"
    assert not alive.alive(None, "")
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    born = alive.birth(child.pid)
    assert born is not None and born != alive.birth(os.getpid())
    child.kill()
    deadline = time.monotonic() + 10
    while alive.alive(child.pid, born):
        assert time.monotonic() < deadline, "a process that waits to be buried is dead"
        time.sleep(0.01)
    child.communicate()


def test_the_lock_is_held_by_one_and_comes_back(tmp_path: Path) -> None:
    first = take(tmp_path)
    assert first is not None
    assert take(tmp_path) is None
    holder = lock.holder(tmp_path)
    assert holder is not None
    assert (holder.pid, holder.host, holder.background, holder.lives) == (os.getpid(), socket.gethostname(), True, True)
    assert stat.S_IMODE((tmp_path / lock.NAME).stat().st_mode) == 0o600
    first.release()
    assert lock.holder(tmp_path) is None
    second = take(tmp_path)
    assert second is not None
    second.release()


def test_a_lock_of_a_killed_process_is_stale_and_can_be_taken(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from lytics_azure_tui.runner.lock import RunnerLock;"
        "RunnerLock.take(pathlib.Path(sys.argv[1]), background=True); print('held', flush=True); input()"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    assert take(tmp_path) is None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    stale = lock.holder(tmp_path)
    assert stale is not None and stale.pid == process.pid and stale.background and not stale.lives
    mine = take(tmp_path)
    assert mine is not None
    mine.release()


def test_a_number_that_another_process_has_now_is_stale(tmp_path: Path) -> None:
    held = take(tmp_path)
    assert held is not None
    path = tmp_path / lock.NAME
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "born": "before the machine was started anew"}))
    holder = lock.holder(tmp_path)
    assert holder is not None and not holder.lives
    path.write_text(json.dumps({**values, "host": "another-machine", "born": "x"}))
    holder = lock.holder(tmp_path)
    assert holder is not None and holder.lives and not holder.this_host
    held.release()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', "null"])
def test_a_file_with_anything_else_in_it_names_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / lock.NAME).write_text(text)
    assert lock.holder(tmp_path) is None


def test_a_lock_whose_file_was_removed_or_replaced_is_lost(tmp_path: Path) -> None:
    held = take(tmp_path)
    assert held is not None and not held.lost()
    (tmp_path / lock.NAME).rename(tmp_path / "away")
    assert held.lost()
    (tmp_path / lock.NAME).touch()
    assert held.lost()
    held.release()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match="cannot be taken"):
        take(tmp_path / "nowhere")
