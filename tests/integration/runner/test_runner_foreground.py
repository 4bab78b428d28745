"""--run-saved and --watch, as the command line calls them."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

import pytest

from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.model.run import RunState, Trigger
from lytics_azure_tui.runner import places, service
from lytics_azure_tui.runner.events import Event, ExitSummary
from lytics_azure_tui.runner.foreground import run_saved
from tests.integration.runner.test_runner_background import begun, let_go, until
from tests.integration.runner.world import World, assert_whole


class Told:
    """Collects events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def kinds(self, label: str = "Job copy") -> list[str]:
        return [e.kind for e in self.events if e.run and e.run.label == label and e.kind not in ("progress", "log")]

    def is_draining(self) -> bool:
        """Whether the first signal was heard."""
        return "Lets runs finish" in self.notices

    @property
    def notices(self) -> str:
        return " | ".join(event.text for event in self.events if event.run is None)


def meanwhile(*steps: Callable[[], object]) -> threading.Thread:
    """Does something while the main thread, which alone gets signals, is busy."""

    def do() -> None:
        try:
            for step in steps:
                step()
        except BaseException:
            # A test that fails must not wait for ever.
            interrupt()
            time.sleep(1)
            interrupt()
            raise

    thread = threading.Thread(target=do, daemon=True)
    thread.start()
    return thread


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_labelled_jobs_are_run_now_and_told(world: World) -> None:
    world.job()
    world.job("other")
    told = Told()
    summary = run_saved(world.folder, ["job COPY", "other"], on_event=told)
    assert [run.job for run in summary.runs] == ["copy", "other"]
    for run in summary.runs:
        assert_whole(world, run)
    assert told.kinds() == told.kinds("Job other") == ["queued", "started", "succeeded"]
    last = next(event for event in told.events if event.kind == "succeeded")
    assert last.text == "Copied 6 lines"
    assert last.figures["rows"] == 6 and last.figures["rejected"] == 1
    assert "Copies 3 files" in [event.text for event in told.events if event.kind == "log"]
    assert (summary.quarantined, summary.failed, summary.interrupted) == (2, (), False)
    assert service.runner_status(world.folder) is None


def test_without_labels_what_is_due_is_run_and_nothing_twice(world: World) -> None:
    world.job()
    world.job("hourly", repeats="hourly")
    summary = run_saved(world.folder, on_event=Told())
    assert [run.job for run in summary.runs] == ["hourly"]
    assert_whole(world, summary.runs[0])
    assert run_saved(world.folder, on_event=Told()) == ExitSummary()


def test_a_failed_run_is_in_the_summary(world: World) -> None:
    world.job(script={"plan": ["raise Fatal"]})
    told = Told()
    summary = run_saved(world.folder, ["copy"], on_event=told)
    assert [run.error for run in summary.failed] == ["It went wrong. Do it right"]
    assert told.events[-1].kind == "failed" and told.events[-1].text == "It went wrong. Do it right"


def test_a_label_that_names_no_job_or_several_is_refused(world: World) -> None:
    job = world.job()
    world.folder.save_job(world.job("second").model_copy(update={"label": job.label}))
    with pytest.raises(BadConfiguration, match=r"No saved job is called 'nothing'.*Job copy"):
        run_saved(world.folder, ["nothing"], on_event=Told())
    with pytest.raises(BadConfiguration, match=r"Several jobs.*copy, second"):
        run_saved(world.folder, ["Job copy"], on_event=Told())
    (world.folder.jobs_dir / "broken.toml").write_text("workflow = 1")
    with pytest.raises(BadConfiguration, match=r"broken\.toml"):
        run_saved(world.folder, ["broken"], on_event=Told())
    assert world.ledger.runs() == []


def test_runs_are_handed_to_the_runner_that_is_at_work(world: World) -> None:
    world.job()
    background = service.ensure_runner(world.folder)
    told = Told()
    summary = run_saved(world.folder, ["copy"], on_event=told)
    assert_whole(world, summary.runs[0])
    assert f"process {background.pid}" in told.notices
    assert service.runner_status(world.folder) == background
    assert f"Run {summary.runs[0].id}: Job copy" in places.runner_log(world.folder).read_text()


def test_what_others_queue_meanwhile_is_left_to_a_background_runner(world: World) -> None:
    world.job(script={"do 2": ["wait"]})
    world.job("other", script={"do 2": ["wait"]})
    meanwhile(
        lambda: begun(world, "do 2"),
        lambda: service.start_now(world.folder, "other"),
        lambda: begun(world, "do 2", "other"),
        lambda: let_go(world),
    )
    summary = run_saved(world.folder, ["copy"], on_event=Told())
    assert [run.job for run in summary.runs] == ["copy"]
    status = service.runner_status(world.folder)
    assert status is not None and status.background and status.running
    let_go(world, "other")
    other = world.ledger.runs(job="other")[0]
    assert_whole(world, world.wait(other))


def test_when_that_runner_dies_its_work_goes_on_here(world: World) -> None:
    world.job(script={"do 2": ["wait"]})
    background = service.ensure_runner(world.folder)
    told = Told()
    meanwhile(
        lambda: begun(world, "do 2"),
        lambda: os.kill(background.pid, signal.SIGKILL),
        lambda: until(lambda: "its work goes on here" in told.notices),
        lambda: let_go(world),
    )
    summary = run_saved(world.folder, ["copy"], on_event=told)
    assert_whole(world, summary.runs[0])
    assert "its work goes on here" in told.notices


def test_what_a_dead_runner_left_in_the_queue_is_gone_on_with(world: World) -> None:
    left = world.queue()
    summary = run_saved(world.folder, on_event=Told())
    assert [run.id for run in summary.runs] == [left.id]
    assert_whole(world, summary.runs[0])


def test_a_signal_lets_runs_finish(world: World) -> None:
    world.job(script={"do 2": ["wait"]})
    told = Told()
    meanwhile(lambda: begun(world, "do 2"), interrupt, lambda: until(told.is_draining), lambda: let_go(world))
    summary = run_saved(world.folder, ["copy"], on_event=told)
    assert summary.interrupted
    assert_whole(world, summary.runs[0])
    assert "Lets runs finish" in told.notices


def test_a_second_signal_stops_at_once_and_the_run_stays_resumable(world: World) -> None:
    world.job(script={"do 2": ["stuck"]})
    told = Told()
    meanwhile(lambda: begun(world, "do 2"), interrupt, lambda: until(told.is_draining), interrupt)
    summary = run_saved(world.folder, ["copy"], on_event=told)
    assert summary.interrupted
    assert world.ledger.run(summary.runs[0].id).state is RunState.QUEUED
    assert_whole(world, run_saved(world.folder, on_event=Told()).runs[0])


def test_watch_follows_schedules_and_the_queue_until_a_signal(world: World) -> None:
    world.job("hourly", repeats="hourly")
    world.job()
    told = Told()

    def ended(count: int) -> None:
        deadline = time.monotonic() + 30
        while [event.kind for event in told.events].count("succeeded") < count and time.monotonic() < deadline:
            time.sleep(0.05)

    meanwhile(
        lambda: ended(1),
        lambda: service.start_now(world.folder, "copy"),
        lambda: ended(2),
        interrupt,
    )
    summary = run_saved(world.folder, watch=True, on_event=told)
    assert summary.interrupted
    assert [(run.job, run.trigger) for run in summary.runs] == [("hourly", Trigger.SCHEDULE), ("copy", Trigger.MANUAL)]
    for run in summary.runs:
        assert_whole(world, run)


def test_a_job_that_stopped_is_taken_up_by_name_and_only_so(world: World) -> None:
    job = world.job("hourly", repeats="hourly")
    run_saved(world.folder, on_event=Told())
    run_saved(world.folder, [job.id], on_event=Told())
    assert world.ledger.job_state(job.id).stopped == "no newer file has come"
    told = Told()
    assert run_saved(world.folder, on_event=told) == ExitSummary(stopped=(job.label,))
    assert f"The schedule of {job.label} has stopped: no newer file has come" in told.notices
    (world.place / "hourly" / "source" / "four.txt").write_text("h\n")
    summary = run_saved(world.folder, [job.id], on_event=Told())
    assert summary.runs[0].rows == 1
    assert world.ledger.job_state(job.id).stopped is None
