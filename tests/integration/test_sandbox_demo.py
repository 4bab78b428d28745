"""The demo runs the saved import on its own storage account, and leaves nothing behind however it ends."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from lytics_azure_tui.config.keys import VARIABLE
from lytics_azure_tui.config.secrets import open_store, unlock
from lytics_azure_tui.model.authorization import AzureEventHub, AzureSql, AzureStorage
from lytics_azure_tui.sandbox import sample_data, sample_tables
from lytics_azure_tui.sandbox.azurite import VERSION, Azurite
from lytics_azure_tui.sandbox.cache import cache_folder
from lytics_azure_tui.sandbox.demo import configure, sample_database, sample_files
from lytics_azure_tui.sandbox.event_hub import EventHubServer
from lytics_azure_tui.sandbox.tds import SqlServer

DEMO = [sys.executable, "-m", "lytics_azure_tui", "--demo"]


@pytest.fixture(scope="module")
def fetched() -> tuple[Path, ...]:
    """What a demo needs and what is the same for all: Azurite and the generated samples."""
    return cache_folder() / f"azurite-{VERSION}", sample_files(), sample_database()


@pytest.fixture
def cache(fetched: tuple[Path, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache folder of the test's own, so that what demos leave in it can be counted."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    own = tmp_path / "lyazure-tui"
    own.mkdir()
    for folder in fetched:
        (own / folder.name).symlink_to(folder)
    yield own
    for pid in processes_of(tmp_path):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def processes_of(folder: Path) -> list[int]:
    """Processes that name a folder in their command."""
    listed = subprocess.run(["ps", "-axww", "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if str(folder) in line]


def left_behind(cache: Path, seconds: float = 20) -> list[object]:
    """Folders of demos and processes that are still there after some time."""
    deadline = time.monotonic() + seconds
    while True:
        left = [*(cache / "demos").glob("demo-*"), *processes_of(cache)]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.1)


def until(found: Callable[[], object], seconds: float = 60) -> bool:
    """Whether something becomes true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found():
            return True
        time.sleep(0.05)
    return False


def rows_that_a_diff_imports() -> int:
    """Over all dumps of customers: rows that the dump before did not have."""
    imported, before = 0, set[bytes]()
    for dump in sample_data.customers():
        assert isinstance(dump.data, bytes)
        now = dump.data.splitlines()[1:]
        imported += sum(row not in before for row in now)
        before = set(now)
    return imported


def configurations(cache: Path) -> list[Path]:
    return list((cache / "demos").glob("demo-*/config/jobs/legacy-contacts.toml"))


def begun() -> subprocess.Popen[bytes]:
    return subprocess.Popen(DEMO, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def at_work(cache: Path) -> int:
    """How many demos run their imports."""
    return sum(bool(path.read_text()) for path in (cache / "demos").glob("*/config/data/runner.lock"))


def test_without_a_terminal_it_runs_the_saved_import_and_says_what_happened(cache: Path) -> None:
    done = subprocess.run(DEMO, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    assert "Daily customers" in done.stdout
    assert f"{rows_that_a_diff_imports():,} rows" in done.stdout
    assert f"{sample_tables.ORDERS:,} rows" in done.stdout
    assert "Traceback" not in done.stderr
    assert left_behind(cache) == []


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_it_ends_everything(cache: Path, end: signal.Signals) -> None:
    with subprocess.Popen(DEMO, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as demo:
        assert until(lambda: configurations(cache))
        demo.send_signal(end)
        _, said = demo.communicate(timeout=60)
    assert demo.returncode == 130
    assert b"Traceback" not in said
    assert left_behind(cache) == []


def test_what_a_killed_demo_left_the_next_one_clears_away(cache: Path) -> None:
    with begun() as demo:
        assert until(lambda: at_work(cache) == 1)
        demo.kill()
    (killed,) = (cache / "demos").glob("demo-*")
    with begun() as demo:
        assert until(lambda: not killed.exists())
        demo.terminate()
    assert left_behind(cache) == []


def test_its_configuration_opens_with_the_passphrase_and_holds_the_key_in_no_file(
    azurite: Azurite,
    sql_server: SqlServer,
    event_hubs: EventHubServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, "correct horse")
    folder = configure(tmp_path, azurite, sql_server, event_hubs)
    assert folder.problems() == []
    labels = [
        *("Big spenders", "Daily customers", "Events archive", "Legacy contacts", "Orders", "Web activity"),
        "Web events",
    ]
    assert [job.label for job in folder.jobs()] == labels
    database = unlock(folder, open_store(folder), "demo-database")
    assert isinstance(database, AzureSql) and database.password == sql_server.password
    authorization = unlock(folder, open_store(folder), "demo-storage")
    assert isinstance(authorization, AzureStorage)
    assert authorization.connection_string == azurite.connection_string
    hub = unlock(folder, open_store(folder), "demo-event-hub")
    assert isinstance(hub, AzureEventHub) and hub.connection_string == event_hubs.connection_string
    key = azurite.connection_string.reveal().partition("AccountKey=")[2].partition(";")[0]
    hub_key = event_hubs.connection_string.reveal().partition("SharedAccessKey=")[2].partition(";")[0]
    for secret in (key.encode(), sql_server.password.reveal().encode(), hub_key.encode()):
        assert not [path for path in tmp_path.rglob("*") if path.is_file() and secret in path.read_bytes()]


def test_with_a_terminal_it_opens_the_screens_and_quitting_ends_everything(cache: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(DEMO[0], DEMO, {**os.environ, "TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none"})
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    shown = b""
    deadline = time.monotonic() + 90
    while b"Daily customers" not in shown and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.2)[0]:
            shown += os.read(terminal, 65536)
    assert b"Daily customers" in shown
    os.write(terminal, b"q")
    while True:
        try:
            if not os.read(terminal, 65536):
                break
        except OSError:  # Linux says so when the other side has closed
            break
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(terminal)
    assert left_behind(cache) == []


def test_two_demos_run_beside_each_other(cache: Path) -> None:
    with begun() as one, begun() as other:
        assert until(lambda: len(configurations(cache)) == 2)
        one.terminate()
        assert one.wait(60) == 130
        assert other.poll() is None and len(configurations(cache)) == 1
        other.terminate()
    assert other.returncode == 130
    assert left_behind(cache) == []
