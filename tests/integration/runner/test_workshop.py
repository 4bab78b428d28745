"""Parts that are done in processes of their own: the run is the same as one in threads, whatever happens to them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lytics_azure_tui.model.run import RunState
from lytics_azure_tui.runner import alive
from tests.integration.runner.world import SECRET, World, assert_whole

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at the processes of the system through /proc")


@pytest.fixture(autouse=True)
def two_threads(world: World) -> None:
    """So that chains go side by side however many processors there are."""
    settings = world.folder.root / "settings.toml"
    settings.write_text(settings.read_text() + "threads = 2\n")


def test_a_run_is_the_same_as_one_in_threads(world: World) -> None:
    run = world.queue(processes=True)
    assert world.process(run) == 0
    ended = world.ledger.run(run.id)
    assert_whole(world, ended)
    assert ended.progress.rows == 6
    assert ended.progress.bytes_done == ended.progress.bytes_total == ended.bytes


def test_an_error_in_one_is_the_run_s(world: World) -> None:
    run = world.queue(processes=True, script={"do 3": ["raise Fatal"]})
    assert world.process(run) == 0
    ended = world.ledger.run(run.id)
    assert (ended.state, ended.error) == (RunState.FAILED, "It went wrong. Do it right")


def test_an_unforeseen_error_in_one_gives_no_secret_away(world: World) -> None:
    run = world.queue(processes=True, script={"do 0": ["leak"]})
    world.process(run)
    ended = world.ledger.run(run.id)
    assert "does not know" in ended.error
    assert "copying.py" in (world.place / "stderr").read_text()
    key = SECRET.rpartition("AccountKey=")[2]
    told = [ended.error, *(line.text for line in world.ledger.log_lines(run.id)), (world.place / "stderr").read_text()]
    assert not any(key in text for text in told)


def test_one_that_is_killed_has_the_run_tried_again_from_what_is_done(world: World) -> None:
    run = world.queue(processes=True, script={"do 1": ["kill"]})
    world.process(run)
    waiting = world.ledger.run(run.id)
    assert waiting.state is RunState.RETRYING
    assert "ended without a word" in waiting.error
    done = world.tried("do 0")
    world.ledger._db.change("UPDATE runs SET retry_at = created WHERE id = ?", run.id)
    world.process(run)
    assert_whole(world, world.ledger.run(run.id))
    assert world.tried("do 0") == done, "what was done is not done again"


def started(world: World, script: dict[str, list[str]]) -> tuple[subprocess.Popen[bytes], list[int]]:
    """A run whose parts are at work, and the processes that do them."""
    run = world.queue(processes=True, script=script)
    module = "lytics_azure_tui.runner.process"
    command = [sys.executable, "-m", module, "--config", str(world.folder.root), run.id]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 30
    while not all(world.tried(step) for step in script):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process, [pid for pid in family(process.pid) if b"spawn_main" in command_line(pid)]


def family(parent: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(path.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(path.parent.name))
        except (OSError, IndexError):
            continue
    return found


def command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def gone(pids: list[int], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while any(alive.birth(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_they_end_with_the_run_s_process_however_that_ends(world: World) -> None:
    process, pids = started(world, {"do 0": ["stuck"], "do 3": ["stuck"]})
    assert len(pids) == 2
    assert not any(SECRET.encode() in command_line(pid) for pid in pids)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert gone(pids)


def test_a_wish_to_cancel_reaches_them(world: World) -> None:
    process, pids = started(world, {"do 0": ["wait"], "do 3": ["wait"]})
    (run,) = world.ledger.runs()
    world.ledger.request_cancel(run.id)
    process.wait(20)
    assert world.ledger.run(run.id).state is RunState.CANCELLED
    assert gone(pids)
