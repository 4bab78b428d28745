"""The background runner and its runs, as processes that are killed, stopped and followed."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from lytics_azure_tui import __version__
from lytics_azure_tui.config.keys import Keys
from lytics_azure_tui.config.secrets import open_store, save
from lytics_azure_tui.errors import BadConfiguration, Fatal
from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.model.run import Run, RunState, Trigger
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.runner import alive, lock, places, records, service
from lytics_azure_tui.runner.ledger import Ledger
from lytics_azure_tui.runner.runner import Runner
from lytics_azure_tui.runner.scheduler import CLEANING_UP
from tests.integration.runner.world import SECRET, World, assert_whole


def begun(world: World, step: str, id: str = "copy") -> None:
    deadline = time.monotonic() + 30
    while not world.tried(step, id):
        assert time.monotonic() < deadline, places.runner_log(world.folder).read_text()
        time.sleep(0.05)


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    """Waits for something that another process is about to do."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def let_go(world: World, id: str = "copy") -> None:
    (world.place / id / "release").touch()


def gone(pid: int, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while alive.birth(pid) is not None:
        assert time.monotonic() < deadline, f"process {pid} still lives"
        time.sleep(0.05)


def test_the_runner_is_started_once_detached_and_does_what_is_queued(world: World) -> None:
    job = world.job()
    status = service.ensure_runner(world.folder)
    assert status.running and status.this_host and status.background
    assert service.ensure_runner(world.folder) == status
    assert os.getsid(status.pid) == status.pid != os.getsid(0)
    assert Path(f"/proc/{status.pid}/cwd").readlink() == Path("/")
    assert Path(f"/proc/{status.pid}/fd/0").readlink() == Path("/dev/null")
    run = service.start_now(world.folder, job.id)
    assert_whole(world, world.wait(run))
    assert service.stop_runner(world.folder)
    assert service.runner_status(world.folder) is None
    assert not service.stop_runner(world.folder)


def test_of_several_runners_one_works_and_the_others_leave(world: World) -> None:
    run = world.queue()
    command = [sys.executable, "-m", "lytics_azure_tui.runner.background", "--config", str(world.folder.root)]
    runners = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(3)]
    ended = world.wait(run)
    assert_whole(world, ended)
    assert (ended.attempt, world.tried("commit")) == (1, 1)
    until(lambda: sum(runner.poll() is None for runner in runners) == 1)
    time.sleep(0.5)
    left = [runner for runner in runners if runner.poll() is None]
    status = service.runner_status(world.folder)
    assert status is not None
    assert [runner.pid for runner in left] == [status.pid]
    left[0].kill()
    left[0].wait()


def test_a_run_outlives_its_runner_and_the_next_one_takes_it_over(world: World) -> None:
    run = world.queue(script={"do 3": ["wait"]})
    first = service.ensure_runner(world.folder)
    begun(world, "do 3")
    os.kill(first.pid, signal.SIGKILL)
    gone(first.pid)
    dead = service.runner_status(world.folder)
    assert dead is not None and not dead.running
    second = service.ensure_runner(world.folder)
    assert second.pid != first.pid
    time.sleep(1)
    let_go(world)
    ended = world.wait(run)
    assert_whole(world, ended)
    assert ended.attempt == 1


def test_runner_and_run_killed_the_next_runner_goes_on_from_the_parts(world: World) -> None:
    run = world.queue(script={"commit": ["stuck"]})
    runner = service.ensure_runner(world.folder)
    begun(world, "commit")
    pid = world.ledger.run(run.id).pid
    assert pid is not None
    for number in (runner.pid, pid):
        os.kill(number, signal.SIGKILL)
        gone(number)
    service.ensure_runner(world.folder)
    ended = world.wait(run)
    assert_whole(world, ended)
    assert ended.attempt == 2
    assert [world.tried(f"do {part}") for part in range(7)] == [1] * 7


def test_a_run_of_which_the_process_dies_is_gone_on_with(world: World) -> None:
    run = world.queue(script={"do 2": ["kill"], "commit": ["kill"], "committed": ["kill"]})
    service.ensure_runner(world.folder)
    assert_whole(world, world.wait(run))
    assert world.ledger.run(run.id).attempt == 4


def test_a_run_of_which_every_process_dies_is_given_up(world: World) -> None:
    run = world.queue(script={"do 0": ["kill"] * 20, "discard": ["kill"] * 20})
    service.ensure_runner(world.folder)
    ended = world.wait(run)
    assert ended.state is RunState.FAILED
    assert ended.error.startswith("The run's process ended 5 times without a word")


def test_a_cancelled_run_with_a_stuck_part_is_ended_after_the_grace(world: World) -> None:
    run = world.queue(script={"do 2": ["stuck"]})
    service.ensure_runner(world.folder)
    begun(world, "do 2")
    assert service.cancel(world.folder, run.id).cancel_requested
    ended = world.wait(run)
    assert ended.state is RunState.CANCELLED
    begun(world, "discard")
    assert world.copied() == []


def test_a_process_that_cleans_up_for_ever_is_ended(world: World) -> None:
    run = world.queue(script={"do 0": ["raise Fatal"], "discard": ["stuck"]})
    taken = lock.RunnerLock.take(world.folder.data, background=False)
    assert taken is not None
    runner = Runner(world.folder, world.ledger, taken, print)
    pid = 0
    while not world.ledger.run(run.id).state.ended or not world.tried("discard"):
        runner.tick()
        pid = world.ledger.run(run.id).pid or pid
        time.sleep(0.01)
    runner.tick()
    assert alive.birth(pid) is not None
    runner.clock = lambda: records.now() + 2 * CLEANING_UP
    runner.tick()
    gone(pid)
    runner.close()


def test_a_try_is_started_when_its_time_has_come(world: World) -> None:
    run = world.queue(script={"do 3": ["raise RetryLater"], "commit": ["raise RetryLater"]})
    service.ensure_runner(world.folder)
    for _ in range(2):
        waiting = world.wait(run, lambda now: now.state is RunState.RETRYING)
        assert waiting.failures == 1 and waiting.pid is None
        # An hour goes by.
        with sqlite3.connect(world.ledger.path) as database:
            database.execute("UPDATE runs SET retry_at = created WHERE id = ?", (run.id,))
        database.close()
        world.wait(run, lambda now: now.state is not RunState.RETRYING)
    ended = world.wait(run)
    assert_whole(world, ended)
    assert ended.attempt == 3


def test_a_runner_of_another_version_makes_place(world: World) -> None:
    first = service.ensure_runner(world.folder)
    path = world.folder.data / lock.NAME
    path.write_text(path.read_text().replace(f'"version": "{__version__}"', '"version": "0.0"'))
    second = service.ensure_runner(world.folder)
    assert second.pid != first.pid
    gone(first.pid)
    assert second.running


def test_a_runner_that_cannot_start_says_why(world: World) -> None:
    world.ledger.close()
    for path in world.folder.data.glob("ledger.db*"):
        path.write_bytes(b"not a ledger" * 1000)
    with pytest.raises(Fatal, match=r"does not start.*ledger\.db is damaged"):
        service.ensure_runner(world.folder)
    for path in world.folder.data.glob("ledger.db*"):
        path.unlink()
    world.ledger = Ledger(places.ledger_file(world.folder))


def freeze(world: World, pid: int) -> None:
    """Stops a process, though not while it holds the ledger."""
    while True:
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.1)
        try:
            with closing(sqlite3.connect(world.ledger.path, timeout=0, isolation_level=None)) as database:
                database.execute("BEGIN IMMEDIATE")
                database.execute("ROLLBACK")
            return
        except sqlite3.OperationalError:
            os.kill(pid, signal.SIGCONT)


def test_a_process_that_does_not_even_hear_is_ended_by_force(world: World) -> None:
    run = world.queue(script={"do 2": ["stuck"]})
    service.ensure_runner(world.folder)
    begun(world, "do 2")
    pid = world.ledger.run(run.id).pid
    assert pid is not None
    freeze(world, pid)
    service.cancel(world.folder, run.id)
    ended = world.wait(run)
    assert ended.state is RunState.CANCELLED
    assert alive.birth(pid) is None


def test_a_run_that_commits_says_that_it_cannot_be_cancelled(world: World) -> None:
    run = world.queue(script={"commit": ["wait"]})
    service.ensure_runner(world.folder)
    begun(world, "commit")
    with pytest.raises(Fatal, match="can no longer be cancelled"):
        service.cancel(world.folder, run.id)
    let_go(world)
    assert_whole(world, world.wait(run))


def test_a_waiting_run_is_cancelled_on_the_spot(world: World) -> None:
    run = world.queue()
    assert service.cancel(world.folder, run.id).state is RunState.CANCELLED


def test_the_runner_stops_at_once_and_the_run_goes_on_with_the_next(world: World) -> None:
    run = world.queue(script={"done 4": ["stuck"]})
    service.ensure_runner(world.folder)
    begun(world, "done 4")
    service.stop_runner(world.folder)
    left = world.ledger.run(run.id)
    assert (left.state, left.deaths) == (RunState.QUEUED, 0)
    service.ensure_runner(world.folder)
    assert_whole(world, world.wait(run))


def test_the_first_signal_lets_runs_finish_and_starts_no_new_ones(world: World) -> None:
    run = world.queue(script={"do 2": ["wait"]})
    runner = service.ensure_runner(world.folder)
    begun(world, "do 2")
    os.kill(runner.pid, signal.SIGTERM)
    until(lambda: "Lets runs finish" in places.runner_log(world.folder).read_text())
    other = world.ledger.enqueue(world.job("other"), Trigger.MANUAL)
    time.sleep(0.5)
    assert alive.birth(runner.pid) is not None
    let_go(world)
    gone(runner.pid)
    assert_whole(world, world.ledger.run(run.id))
    assert world.ledger.run(other.id).state is RunState.QUEUED


def test_as_many_runs_go_side_by_side_as_the_settings_say(world: World) -> None:
    runs = [world.queue(id=f"job-{number}", script={"do 0": ["wait"]}) for number in range(3)]
    service.ensure_runner(world.folder)
    for number in range(2):
        begun(world, "do 0", f"job-{number}")
    time.sleep(0.7)
    states = [world.ledger.run(run.id).state for run in runs]
    assert states == [RunState.RUNNING, RunState.RUNNING, RunState.QUEUED]
    for number in range(3):
        let_go(world, f"job-{number}")
    for run in runs:
        assert_whole(world, world.wait(run))


def test_a_repeated_job_that_never_ran_is_due_and_a_broken_file_hinders_nothing(world: World) -> None:
    (world.folder.jobs_dir / "broken.toml").write_text("this is not TOML")
    job = world.job(repeats="hourly")
    service.ensure_runner(world.folder)
    deadline = time.monotonic() + 30
    while not (runs := world.ledger.runs(job=job.id)) or not runs[0].state.ended:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert_whole(world, runs[0])
    assert runs[0].trigger is Trigger.SCHEDULE
    # Here the runner writes down when the job is due next, a moment later.
    while (state := world.ledger.job_state(job.id)).next_due is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert state.last_end is not None
    assert (state.next_due - state.last_end).total_seconds() == 3600
    assert "broken.toml" in places.runner_log(world.folder).read_text()


def test_a_job_that_is_saved_while_the_runner_works_is_seen(world: World) -> None:
    service.ensure_runner(world.folder)
    time.sleep(0.5)
    job = world.job(repeats="daily")
    deadline = time.monotonic() + 30
    while not (runs := world.ledger.runs(job=job.id)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert_whole(world, world.wait(runs[0]))


def test_the_passphrase_reaches_the_run_and_no_list_of_processes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LYAZURE_SECRET_STORAGE_CONNECTION_STRING")
    word = Keys(Secret("correct horse battery staple"))
    authorization = AzureStorage(id="storage", label="Storage", connection_string=Secret(SECRET))
    save(world.folder, open_store(world.folder, word), authorization)
    locked_runner = service.ensure_runner(world.folder)
    locked = world.queue(id="locked")
    assert "passphrase" in world.wait(locked).error
    runner = service.ensure_runner(world.folder, word)
    assert runner == locked_runner, "it was given the passphrase, and need not make place for another"
    run = world.queue(script={"do 0": ["wait"]})
    begun(world, "do 0")
    pid = world.ledger.run(run.id).pid
    assert pid is not None
    assert os.getpriority(os.PRIO_PROCESS, pid) == min(os.getpriority(os.PRIO_PROCESS, runner.pid) + 10, 19)
    for number in (runner.pid, pid):
        for name in ("environ", "cmdline"):
            assert b"correct horse" not in Path(f"/proc/{number}/{name}").read_bytes()
    let_go(world)
    assert_whole(world, world.wait(run))
    assert b"correct horse" not in b"".join(
        file.read_bytes() for file in world.folder.root.rglob("*") if file.is_file()
    )


def test_an_idle_runner_costs_next_to_nothing(world: World) -> None:
    for number in range(50):
        world.job(f"job-{number}")
    runner = service.ensure_runner(world.folder)
    until(lambda: rests(runner.pid))
    before = processor_seconds(runner.pid)
    time.sleep(4)
    assert processor_seconds(runner.pid) - before <= 0.04


def rests(pid: int) -> bool:
    """Whether a process has done what it does first."""
    before = processor_seconds(pid)
    time.sleep(1)
    return processor_seconds(pid) - before <= 0.01


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_runner_whose_folder_is_removed_ends(world: World) -> None:
    runner = service.ensure_runner(world.folder)
    (world.folder.data / lock.NAME).unlink()
    gone(runner.pid)


def test_replay_and_its_refusals(world: World) -> None:
    service.ensure_runner(world.folder)
    first = world.wait(world.queue())
    second = world.wait(service.replay(world.folder, first.id))
    assert second.state is RunState.SUCCEEDED and second.trigger is Trigger.REPLAY
    with pytest.raises(BadConfiguration, match="imported already"):
        service.replay(world.folder, first.id)
    with pytest.raises(BadConfiguration, match="no quarantined rows"):
        service.replay(world.folder, second.id)


def test_a_deleted_job_leaves_nothing_to_a_later_one_of_its_name(world: World) -> None:
    service.ensure_runner(world.folder)
    run = world.wait(world.queue())
    service.delete_job(world.folder, "copy")
    assert world.ledger.checkpoint("copy") is None
    assert world.ledger.job_state("copy").anchor is None
    assert [old.id for old in world.ledger.runs(job="copy")] == [run.id]
    held: Run = world.queue(id="held", script={"do 0": ["wait"]})
    with pytest.raises(Fatal, match="has not ended"):
        service.delete_job(world.folder, "held")
    assert world.folder.job("held").id == "held"
    service.cancel(world.folder, held.id)
    world.wait(held)
