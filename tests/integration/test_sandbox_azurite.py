"""Azurite starts on a port of its own, keeps what it was given, and never outlives the process that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from lytics_azure_tui.azure.upload import Uploader
from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.runner.alive import birth
from lytics_azure_tui.sandbox import azurite as module
from lytics_azure_tui.sandbox.azurite import Azurite
from lytics_azure_tui.sandbox.cache import locked, make_once
from lytics_azure_tui.sandbox.node import Node, packaged_node


def content(azurite: Azurite, container: str, name: str) -> bytes:
    with BlobServiceClient.from_connection_string(azurite.connection_string.reveal()) as service:
        return service.get_blob_client(container, name).download_blob().readall()


def gone(pid: int, seconds: float = 15) -> bool:
    """Whether a process ends in time."""
    deadline = time.monotonic() + seconds
    while birth(pid) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_two_run_beside_each_other(azurite: Azurite) -> None:
    with Azurite() as other:
        assert other.port != azurite.port
        assert other.connection_string != azurite.connection_string


def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    data = os.urandom(3_000_000)
    with Azurite(tmp_path) as first, Uploader(first.connection) as uploader:
        uploader.create_container("kept")
        uploader.put("kept", "a/b.bin", data)
    with Azurite(tmp_path) as second:
        assert content(second, "kept", "a/b.bin") == data


def test_stopping_ends_the_process_and_removes_a_temporary_folder() -> None:
    azurite = Azurite().start()
    pid, folder = azurite.pid, azurite.folder
    assert pid is not None
    azurite.stop()
    assert gone(pid, seconds=1)
    assert not folder.exists()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_dies_with_the_process_that_started_it(end: signal.Signals, tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from lytics_azure_tui.sandbox.azurite import Azurite\n"
        "azurite = Azurite(Path(sys.argv[1])).start(); print(azurite.pid, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.send_signal(end)
        parent.wait(15)
    assert gone(pid)
    assert "successfully closed" in (tmp_path / "azurite.log").read_text()


def test_the_key_is_in_no_command_line_and_no_log(azurite: Azurite) -> None:
    key = azurite.connection_string.reveal().split("AccountKey=")[1].split(";")[0]
    ps = ["ps", "-ww", "-o", "args=", "-p", str(azurite.pid)]
    command = subprocess.run(ps, capture_output=True, text=True, check=True).stdout
    assert "--blobHost" in command
    assert key not in command
    assert key not in azurite.log.read_text()


def test_when_it_cannot_start_the_last_line_of_its_log_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "main.js"
    broken.write_text("console.error('no such luck'); process.exit(1)")
    monkeypatch.setattr(module, "_installed", lambda npm, say: broken)
    with pytest.raises(Fatal, match=r"Azurite did not start\. no such luck"):
        Azurite(tmp_path / "data").start()


def test_when_npm_fails_its_error_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "import sys; print('npm error code ENOTFOUND', file=sys.stderr); sys.exit(1)"
    monkeypatch.setattr(module, "find_node", lambda say: Node("node", (sys.executable, "-c", script)))
    monkeypatch.setattr(module, "cache_folder", lambda: tmp_path)
    with pytest.raises(Fatal, match=r"could not be installed from npm\. npm error code ENOTFOUND.*npm ping"):
        Azurite(tmp_path / "data").start()
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_when_pip_fails_the_operator_is_told_to_install_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lytics_azure_tui.sandbox.node.cache_folder", lambda: tmp_path)
    monkeypatch.setattr("lytics_azure_tui.sandbox.node.PACKAGE", "./not-there")
    with pytest.raises(Fatal, match=r"no Node 18 or newer.*Install Node"):
        packaged_node(lambda text: None)


def test_a_folder_is_made_once_however_many_ask(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "part").write_text("one")
        time.sleep(0.1)
        (folder / "other").write_text("two")

    def ask() -> None:
        assert sorted(path.name for path in make_once(tmp_path / "thing", make).iterdir()) == ["other", "part"]

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_a_folder_whose_making_failed_is_not_there(tmp_path: Path) -> None:
    def make(folder: Path) -> None:
        (folder / "part").write_text("one")
        raise Fatal("No luck")

    with pytest.raises(Fatal):
        make_once(tmp_path / "thing", make)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    with locked(tmp_path / "lock") as first, locked(tmp_path / "lock", wait=False) as second:
        assert first
        assert not second
    with locked(tmp_path / "lock", wait=False) as again:
        assert again
