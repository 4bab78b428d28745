"""The overview: what it holds, and what it costs to see that nothing has changed."""

from __future__ import annotations

import time
from datetime import timedelta

from lytics_azure_tui.model.run import Progress, RunState, Trigger
from lytics_azure_tui.tui.overview import RECENT, Overview, Reader
from lytics_azure_tui.tui.screens.dashboard_rows import JobRows
from tests.tui.world import NOW, World


def read(reader: Reader) -> Overview:
    """The overview, which is another one."""
    overview = reader.read()
    assert overview is not None
    return overview


def many(world: World, number: int) -> None:
    """So many jobs, of which the files are alike."""
    world.authorization()
    job = world.job("Job 0", continuous_update=True)
    text = (world.folder.jobs_dir / f"{job.id}.toml").read_text()
    for place in range(1, number):
        (world.folder.jobs_dir / f"job-{place}.toml").write_text(text.replace("Job 0", f"Job {place}"))


def test_runs_at_work_come_before_a_long_queue(world: World) -> None:
    many(world, 60)
    jobs = world.folder.jobs()
    for job in jobs:
        world.ledger.enqueue(job, Trigger.SCHEDULE)
        world.clock.moment += timedelta(seconds=1)
    at_work = {jobs[3].id, jobs[17].id}
    for run in world.ledger.runs(active=True, limit=100):
        if run.job in at_work:
            world.ledger.claim(run.id, 999_999)
    overview = read(Reader(world.desk))
    assert len(overview.active) == 60
    assert {run.job for run in overview.active[:2]} == at_work
    assert [run.job for run in overview.active[2:]] == [job.id for job in jobs if job.id not in at_work]
    assert {row.job.id for row in overview.jobs if row.active is not None} == {job.id for job in jobs}


def test_where_jobs_stand_follows_the_ledger(world: World) -> None:
    many(world, 3)
    reader = Reader(world.desk)
    assert [row.state.last_run for row in read(reader).jobs] == [None, None, None]
    assert reader.read() is None

    job = world.folder.job("job-1")
    run = world.running(job, Progress("reading", 1, 10, 5, 0))
    found = {row.job.id: row for row in read(reader).jobs}["job-1"]
    assert found.active is not None and found.active == found.state.last_run

    world.ledger.heartbeat(run.id, Progress("reading", 5, 10, 50, 0))
    found = {row.job.id: row for row in read(reader).jobs}["job-1"]
    assert found.state.last_run is not None and found.state.last_run.progress.rows == 50

    world.ledger.finish(run.id, RunState.FAILED, error="The disk is full")
    found = {row.job.id: row for row in read(reader).jobs}["job-1"]
    assert found.active is None
    assert found.state.last_run is not None and found.state.last_run.state is RunState.FAILED

    world.ledger.set_next_due("job-2", NOW + timedelta(hours=1))
    world.ledger.stop_job("job-0", "No file")
    states = {row.job.id: row.state for row in read(reader).jobs}
    assert states["job-2"].next_due == NOW + timedelta(hours=1)
    assert states["job-0"].stopped == "No file"

    world.ledger.forget_job("job-0")
    world.folder.delete_job("job-0")
    assert [row.job.id for row in read(reader).jobs] == ["job-1", "job-2"]


def test_runs_that_ended_while_nobody_looked_are_not_missed(world: World) -> None:
    """More of them than the overview lists."""
    many(world, RECENT + 20)
    reader = Reader(world.desk)
    jobs = world.folder.jobs()
    for turn in range(2):
        read(reader)
        for place, job in enumerate(jobs):
            world.ended(job, timedelta(minutes=100 * (2 - turn), seconds=-place), rows=turn + 1)
        rows = [row.state.last_run for row in read(reader).jobs]
        assert [run.rows for run in rows if run is not None] == [turn + 1] * len(jobs)
        world.folder.save_job(jobs[0].model_copy(update={"enabled": turn == 1}))


def test_a_file_that_an_editor_writes_in_place_is_seen(world: World) -> None:
    many(world, 2)
    reader = Reader(world.desk)
    assert [row.job.label for row in read(reader).jobs] == ["Job 0", "Job 1"]
    path = world.folder.jobs_dir / "job-1.toml"
    path.write_text(path.read_text().replace("Job 1", "Job 1 of ours"))
    until = time.monotonic() + 10
    while not reader.changed():
        assert time.monotonic() < until
    assert [row.job.label for row in read(reader).jobs] == ["Job 0", "Job 1 of ours"]
    path.replace(path.with_name("renamed.toml"))
    assert [row.job.id for row in read(reader).jobs] == ["job-0", "renamed"]


def test_to_see_that_nothing_has_changed_costs_little_with_thousands_of_jobs(world: World) -> None:
    many(world, 2_000)
    reader, rows = Reader(world.desk), JobRows()
    begun = time.thread_time()
    overview = read(reader)
    first = rows.of(overview, NOW, None)
    whole = time.thread_time() - begun

    begun = time.thread_time()
    assert not any(reader.changed() for _ in range(150))
    assert time.thread_time() - begun < whole / 5, "thirty seconds of looking five times a second"

    world.running(overview.jobs[7].job, Progress("reading", 1, 10, 5, 0))
    read(reader)
    world.ledger.heartbeat(world.ledger.runs(active=True)[0].id, Progress("reading", 5, 10, 50, 0))
    begun = time.thread_time()
    again = rows.of(read(reader), NOW, None)
    assert time.thread_time() - begun < whole / 5
    assert [place for place, (old, new) in enumerate(zip(first, again, strict=True)) if old is not new] == [7]
