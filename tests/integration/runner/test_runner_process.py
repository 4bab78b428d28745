"""What one run's process does with each way in which the work can end."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from datetime import timedelta

import pytest

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.model.run import RunState, Trigger
from lytics_azure_tui.runner import failures, places
from tests.integration.runner.world import EXPECTED, SECRET, World, assert_whole


def test_a_run_copies_everything_once_and_leaves_its_figures(world: World) -> None:
    run = world.queue()
    assert world.process(run) == 0
    ended = world.ledger.run(run.id)
    assert_whole(world, ended)
    assert ended.about == "Copied 6 lines"
    assert ended.counts == {"files": 3}
    assert ended.started is not None and ended.ended is not None and ended.pid is None
    assert ended.progress.bytes_done == ended.progress.bytes_total == ended.bytes
    assert [line.text for line in world.ledger.log_lines(run.id)] == ["Copies 3 files"]


def test_the_next_run_goes_on_from_the_checkpoint(world: World) -> None:
    world.process(world.queue())
    (world.place / "copy" / "source" / "four.txt").write_text("h\n")
    second = world.ledger.enqueue(world.job(), Trigger.MANUAL)
    world.process(second)
    assert world.ledger.run(second.id).rows == 1
    assert world.copied() == sorted([*EXPECTED, "four.txt:0:h"])


def test_a_plan_without_parts_may_end_the_schedule(world: World) -> None:
    world.process(world.queue())
    second = world.ledger.enqueue(world.job(), Trigger.MANUAL)
    world.process(second)
    ended = world.ledger.run(second.id)
    assert (ended.state, ended.about, ended.rows) == (RunState.SUCCEEDED, "There is nothing new", 0)
    assert world.ledger.job_state("copy").stopped == "no newer file has come"
    assert world.tried("commit") == 1


def test_what_may_pass_is_tried_again_and_the_parts_that_are_done_stay_done(world: World) -> None:
    run = world.queue(script={"commit": ["raise RetryLater"]})
    world.process(run)
    waiting = world.ledger.run(run.id)
    assert waiting.state is RunState.RETRYING
    assert waiting.error == "It went wrong. Do it right"
    assert waiting.retry_at is not None and waiting.heartbeat is not None
    assert timedelta(seconds=50) < waiting.retry_at - waiting.heartbeat < timedelta(seconds=70)
    assert world.process(run) == 0
    assert world.ledger.run(run.id).state is RunState.RETRYING, "its time has not come"


@pytest.mark.parametrize("kind", ["Fatal", "NotAuthorised", "BadConfiguration"])
def test_what_will_not_pass_fails_at_once_and_is_cleaned_up(world: World, kind: str) -> None:
    run = world.queue(script={"do 3": [f"raise {kind}"]})
    assert world.process(run) == 0
    ended = world.ledger.run(run.id)
    assert (ended.state, ended.error) == (RunState.FAILED, "It went wrong. Do it right")
    assert world.copied() == []
    assert world.tried("discard") == 1
    assert not list(places.scratch(world.folder).iterdir())
    assert world.ledger.log_lines(run.id)[-1].level == "error"


def test_a_full_disk_is_told_in_words(world: World) -> None:
    run = world.queue(script={"done 2": ["full"]})
    world.process(run)
    error = world.ledger.run(run.id).error
    assert error.startswith("There is no space left on the disk (/some/where). Free some space")


def test_an_unforeseen_error_gives_away_no_secret(world: World) -> None:
    key = SECRET.rpartition("AccountKey=")[2]
    run = world.queue(script={"do 1": ["leak"]})
    world.process(run)
    ended = world.ledger.run(run.id)
    assert ended.state is RunState.FAILED
    log = places.run_log(world.folder, run.id)
    assert ended.error == (
        f"The run met an error that this program does not know. ValueError. The details are in {log}"
    )
    details = (world.place / "stderr").read_text()
    assert "ValueError" in details and "copying.py" in details
    assert any(line.text.startswith("connecting by") for line in world.ledger.log_lines(run.id))
    assert key not in details
    files = [path for path in world.folder.root.rglob("*") if path.is_file()]
    assert files and not any(key.encode() in path.read_bytes() for path in files)


def test_a_source_that_changes_gets_a_new_plan(world: World) -> None:
    run = world.queue(script={"do 6": ["raise StartOver", "raise StartOver"]})
    world.process(run)
    assert_whole(world, world.ledger.run(run.id))
    assert world.tried("plan") == 3


def test_a_source_that_changes_all_the_time_is_left_alone_for_a_while(world: World) -> None:
    run = world.queue(script={"do 6": ["raise StartOver"] * 9})
    world.process(run)
    assert world.ledger.run(run.id).state is RunState.RETRYING
    assert world.tried("plan") == 3
    assert world.ledger.results(run.id) == []


def test_a_cancelled_run_ends_between_two_blocks_and_is_cleaned_up(world: World) -> None:
    run = world.queue(script={"do 2": ["wait"]})
    process = start(world, run.id)
    world.wait(run, lambda now: world.tried("do 2") == 1)
    world.ledger.request_cancel(run.id)
    assert process.wait(20) == 0
    ended = world.ledger.run(run.id)
    assert (ended.state, ended.error) == (RunState.CANCELLED, "")
    assert world.tried("discard") == 1
    assert world.copied() == []
    assert world.ledger.checkpoint("copy") is None


def test_a_run_that_commits_cannot_be_cancelled_any_more(world: World) -> None:
    run = world.queue(script={"commit": ["wait"]})
    process = start(world, run.id)
    world.wait(run, lambda now: world.tried("commit") == 1)
    world.ledger.request_cancel(run.id)
    (world.place / "copy" / "release").touch()
    assert process.wait(20) == 0
    assert_whole(world, world.ledger.run(run.id))


def test_a_signal_ends_the_process_quickly_and_leaves_the_run_to_the_next(world: World) -> None:
    run = world.queue(script={"do 4": ["stuck"]})
    process = start(world, run.id)
    world.wait(run, lambda now: world.tried("do 4") == 1)
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 128 + signal.SIGTERM
    assert time.monotonic() - begun < 3
    left = world.ledger.run(run.id)
    assert (left.state, left.deaths) == (RunState.QUEUED, 0)
    assert world.process(run) == 0
    assert_whole(world, world.ledger.run(run.id))


def test_two_processes_for_one_run_do_it_once(world: World) -> None:
    run = world.queue()
    processes = [start(world, run.id) for _ in range(3)]
    assert [process.wait(30) for process in processes] == [0, 0, 0]
    assert_whole(world, world.ledger.run(run.id))
    assert world.ledger.run(run.id).attempt == 1
    assert world.tried("commit") == 1


def test_a_missing_secret_fails_the_run_with_the_fix(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LYAZURE_SECRET_STORAGE_CONNECTION_STRING")
    run = world.queue()
    assert world.process(run) == 0
    ended = world.ledger.run(run.id)
    assert ended.state is RunState.FAILED
    assert "passphrase" in ended.error


def test_a_run_of_which_the_processes_always_die_fails_with_words(world: World) -> None:
    run = world.queue(script={"do 0": ["kill"] * 9})
    for _ in range(failures.DEATHS):
        assert world.process(run) == -signal.SIGKILL
        world.ledger.release(run.id, world.ledger.run(run.id).pid, died=True)
    assert world.process(run) == 0
    ended = world.ledger.run(run.id)
    assert ended.state is RunState.FAILED
    assert ended.error.startswith("The run's process ended 5 times without a word")
    assert world.tried("discard") == 1


def test_quarantined_rows_are_read_again_by_a_replay(world: World) -> None:
    first = world.queue()
    world.process(first)
    replay = world.ledger.enqueue(world.job(), Trigger.REPLAY, replay_of=first.id)
    world.process(replay)
    assert world.ledger.run(replay.id).state is RunState.SUCCEEDED
    assert world.ledger.run(first.id).replayed_by == replay.id


def test_files_of_the_data_folder_are_closed_to_others(world: World) -> None:
    world.process(world.queue())
    for path in Folder.open(world.folder.root).data.glob("ledger.db*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def start(world: World, run_id: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "lytics_azure_tui.runner.process", "--config", str(world.folder.root), run_id]
    return subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL, env=dict(os.environ))
