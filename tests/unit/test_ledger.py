"""The ledger keeps what it was told, refuses what must not happen, and says what is wrong with its file."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from lytics_azure_tui.errors import BadConfiguration, Fatal, RetryLater
from lytics_azure_tui.model.csv_import import CsvImport
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.model.run import Answer, Outcome, Part, PartResult, Plan, Progress, Run, RunState, Trigger
from lytics_azure_tui.runner import database, ledger, schema
from lytics_azure_tui.runner.ledger import Ledger

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Clock:
    """Goes a second on at each look, so that every time is another."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def job(id: str = "daily", **config: object) -> Job:
    values = CsvImport.model_validate({"stream": "s", "container": "abc", "filename": "f.csv", **config})
    return Job(id=id, label=id.title(), workflow="AzureCsvImport", authorization="a", config=values)


def plan(*chains: str) -> Plan:
    parts = tuple(Part(index, chain, {"from": index}) for index, chain in enumerate(chains))
    return Plan(parts, "Reads it", bytes_total=100, data={"etag": '"1"'})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    book = Ledger(tmp_path / "data" / "ledger.db", clock=clock)
    yield book
    book.close()


def running(book: Ledger, job_id: str = "daily") -> Run:
    run = book.enqueue(job(job_id), Trigger.MANUAL)
    assert book.claim(run.id, os.getpid())
    return book.run(run.id)


# Runs


def test_a_run_is_frozen_as_the_job_was_when_it_was_queued(book: Ledger) -> None:
    run = book.enqueue(job(delimiter=";"), Trigger.SCHEDULE)
    assert (run.state, run.trigger, run.label, run.created) == (
        RunState.QUEUED,
        Trigger.SCHEDULE,
        "Daily",
        NOON + timedelta(seconds=1),
    )
    assert book.spec(run.id) == job(delimiter=";").spec()


def test_a_job_has_one_active_run_at_a_time(book: Ledger) -> None:
    first = book.enqueue(job(), Trigger.MANUAL)
    assert book.enqueue(job(), Trigger.SCHEDULE) == first
    other = book.enqueue(job("other"), Trigger.MANUAL)
    assert {run.id for run in book.runs(active=True)} == {first.id, other.id}
    book.finish(first.id, RunState.FAILED, error="no")
    assert book.enqueue(job(), Trigger.MANUAL).id != first.id


def test_the_file_itself_refuses_a_second_active_run(book: Ledger) -> None:
    first = book.enqueue(job(), Trigger.MANUAL)
    with sqlite3.connect(book.path) as other, pytest.raises(sqlite3.IntegrityError):
        other.execute(
            "INSERT INTO runs (id, job, label, workflow, trigger, state, spec, created)"
            " VALUES ('x', ?, '', '', 'manual', 'running', '{}', '')",
            (first.job,),
        )
    other.close()


def test_runs_come_newest_first_and_in_pages(book: Ledger) -> None:
    ids = list[str]()
    for number in range(7):
        run = book.enqueue(job(f"job-{number % 2}"), Trigger.MANUAL)
        book.finish(run.id, RunState.SUCCEEDED)
        ids.insert(0, run.id)
    page = book.runs(limit=3)
    assert [run.id for run in page] == ids[:3]
    assert [run.id for run in book.runs(limit=3, before=page[-1].id)] == ids[3:6]
    assert [run.id for run in book.runs(job="job-1")] == [ids[1], ids[3], ids[5]]
    assert book.runs(active=True) == []
    assert len(book.runs(active=False)) == 7


def test_a_run_that_is_not_there_is_told(book: Ledger) -> None:
    with pytest.raises(BadConfiguration, match="There is no run x"):
        book.run("x")


# Its life


def test_one_process_gets_a_run_and_may_ask_again(book: Ledger) -> None:
    run = book.enqueue(job(), Trigger.MANUAL)
    assert book.claim(run.id, os.getpid())
    assert not book.claim(run.id, os.getppid())
    assert book.claim(run.id, os.getpid())
    now = book.run(run.id)
    assert (now.state, now.pid, now.attempt) == (RunState.RUNNING, os.getpid(), 1)


def test_of_many_threads_one_gets_the_run(tmp_path: Path) -> None:
    books = [Ledger(tmp_path / "ledger.db") for _ in range(8)]
    run = books[0].enqueue(job(), Trigger.MANUAL)
    sleepers = [subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) for _ in books]
    got = list[int]()

    def claim(book: Ledger, pid: int) -> None:
        if book.claim(run.id, pid):
            got.append(pid)

    pairs = zip(books, sleepers, strict=True)
    threads = [threading.Thread(target=claim, args=(book, sleeper.pid)) for book, sleeper in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for sleeper in sleepers:
        sleeper.communicate(b"\n")
    assert got == [books[0].run(run.id).pid]
    for book in books:
        book.close()


def test_a_run_that_was_let_go_keeps_its_first_start(book: Ledger) -> None:
    run = running(book)
    assert not book.release(run.id, 1), "another process cannot let go of it"
    assert book.release(run.id, os.getpid(), died=True)
    assert book.claim(run.id, os.getpid())
    again = book.run(run.id)
    assert (again.started, again.attempt, again.deaths) == (run.started, 2, 1)
    assert again.claimed is not None and run.claimed is not None and again.claimed > run.claimed


def test_a_try_that_is_not_due_cannot_be_claimed_but_a_cancelled_one_can(book: Ledger, clock: Clock) -> None:
    run = running(book)
    assert book.retry(run.id, clock.now + timedelta(minutes=1), "The network is down")
    assert not book.claim(run.id, os.getpid())
    waiting = book.run(run.id)
    assert (waiting.state, waiting.error, waiting.failures) == (RunState.RETRYING, "The network is down", 1)
    book.request_cancel(run.id)
    assert book.claim(run.id, os.getpid())


def test_a_part_that_is_done_resets_the_patience_unless_the_source_keeps_changing(book: Ledger, clock: Clock) -> None:
    run = running(book)
    book.retry(run.id, clock.now, "down")
    book.claim(run.id, os.getpid())
    book.release(run.id, os.getpid(), died=True)
    book.claim(run.id, os.getpid())
    assert (book.run(run.id).failures, book.run(run.id).deaths) == (1, 1)
    book.part_done(run.id, PartResult(0))
    now = book.run(run.id)
    assert (now.failures, now.failing_since, now.deaths) == (0, None, 0)
    assert book.clear_plan(run.id) == 1
    book.retry(run.id, clock.now, "down")
    book.claim(run.id, os.getpid())
    book.part_done(run.id, PartResult(0))
    assert book.run(run.id).failures == 1


def test_an_end_comes_with_figures_checkpoint_and_schedule_at_once(book: Ledger) -> None:
    run = running(book)
    book.set_next_due(run.job, NOON)
    book.save_plan(run.id, plan("a", "b"))
    book.part_done(run.id, PartResult(1, rows=3, rejected=1, bytes=50, quarantine="/q/1"))
    book.part_done(run.id, PartResult(0, rows=4, rejected=2, bytes=60, quarantine="/q/0"))
    assert book.finish(run.id, RunState.SUCCEEDED, outcome=Outcome({"last": "f.csv"}, "Read it", {"unchanged": 9}))
    ended = book.run(run.id)
    assert (ended.rows, ended.rejected, ended.bytes, ended.about) == (7, 3, 110, "Read it")
    assert ended.counts == {"unchanged": 9}
    assert book.checkpoint(run.job) == {"last": "f.csv"}
    state = book.job_state(run.job)
    assert (state.next_due, state.anchor, state.last_end) == (None, run.started, ended.ended)
    assert state.last_run == ended
    assert book.quarantine_files(run.id) == ["/q/0", "/q/1"]
    assert book.plan(run.id) is None and book.results(run.id) == []


def test_a_run_without_news_leaves_the_checkpoint_as_it_was(book: Ledger) -> None:
    first = running(book)
    book.finish(first.id, RunState.SUCCEEDED, outcome=Outcome({"n": 1}, ""))
    second = running(book)
    book.finish(second.id, RunState.SUCCEEDED, outcome=Outcome(None, ""))
    assert book.checkpoint("daily") == {"n": 1}


def test_an_ended_run_never_changes(book: Ledger) -> None:
    run = running(book)
    assert book.finish(run.id, RunState.SUCCEEDED, outcome=Outcome({"n": 1}, "done"))
    before = book.run(run.id)
    assert not book.finish(run.id, RunState.FAILED, outcome=Outcome({"n": 2}, "again"), error="late")
    assert not book.retry(run.id, NOON, "late")
    assert not book.release(run.id, os.getpid())
    assert not book.claim(run.id, os.getpid())
    book.request_cancel(run.id)
    assert book.run(run.id) == before
    assert book.checkpoint("daily") == {"n": 1}


def test_a_replay_leaves_the_schedule_alone_and_is_done_once(book: Ledger) -> None:
    first = running(book)
    book.part_done(first.id, PartResult(0, rejected=1, quarantine="/q"))
    book.finish(first.id, RunState.SUCCEEDED, outcome=Outcome(None, ""))
    end = book.job_state("daily").last_end
    failed = book.enqueue(job(), Trigger.REPLAY, replay_of=first.id)
    book.finish(failed.id, RunState.FAILED, error="no")
    assert book.run(first.id).replayed_by is None
    replay = book.enqueue(job(), Trigger.REPLAY, replay_of=first.id)
    book.finish(replay.id, RunState.SUCCEEDED)
    assert book.run(first.id).replayed_by == replay.id
    assert book.job_state("daily").last_end == end
    with pytest.raises(BadConfiguration, match=f"Run {replay.id} replayed them"):
        book.enqueue(job(), Trigger.REPLAY, replay_of=first.id)


def test_cancel_and_commit_exclude_each_other(book: Ledger) -> None:
    first = running(book)
    assert book.begin_commit(first.id)
    book.request_cancel(first.id)
    assert not book.cancel_requested(first.id)
    second = running(book, "other")
    book.request_cancel(second.id)
    assert not book.begin_commit(second.id)
    assert book.run(second.id).cancel_requested


def test_a_void_plan_takes_its_parts_along(book: Ledger) -> None:
    run = running(book)
    book.save_plan(run.id, plan("a"))
    assert book.plan(run.id) == plan("a")
    book.part_done(run.id, PartResult(0, rejected=1, quarantine="/q", data={"nested": [1, {"a": None}]}))
    assert book.results(run.id) == [PartResult(0, rejected=1, quarantine="/q", data={"nested": [1, {"a": None}]})]
    book.clear_plan(run.id)
    assert (book.plan(run.id), book.results(run.id), book.quarantine_files(run.id)) == (None, [], [])


# What is told while it works


def test_progress_is_kept_and_changes_the_version(book: Ledger, tmp_path: Path) -> None:
    run = running(book)
    other = Ledger(book.path)
    before, before_other = book.version(), other.version()
    assert (book.version(), other.version()) == (before, before_other)
    progress = Progress("reading", 10, None, 3, 1)
    book.heartbeat(run.id, progress)
    assert book.version() != before
    assert other.version() != before_other
    assert other.run(run.id).progress == progress
    assert other.run(run.id).heartbeat is not None
    other.close()


def test_ten_thousand_heartbeats_do_not_grow_the_file(book: Ledger) -> None:
    run = running(book)
    for number in range(10_000):
        book.heartbeat(run.id, Progress("reading a file with a name of some length", number, 10_000, number, 0))
    size = sum(path.stat().st_size for path in book.path.parent.iterdir())
    assert size < 12_000_000


def test_a_log_is_bounded_and_says_so(book: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "LOG_LINES", 20)
    run = running(book)
    for number in range(50):
        book.log(run.id, "info", f"{number} " + "x" * 10_000)
    lines = book.log_lines(run.id)
    assert [line.seq for line in lines] == list(range(1, 22))
    assert all(len(line.text) <= ledger.LOG_LINE_LENGTH for line in lines)
    assert (lines[-1].level, lines[-1].text) == ("warning", "Further lines are left out")
    assert [line.seq for line in book.log_lines(run.id, after=5, limit=2)] == [6, 7]


# Jobs


def test_a_schedule_stops_and_is_taken_up(book: Ledger) -> None:
    book.stop_job("daily", "no file")
    assert book.job_state("daily").stopped == "no file"
    book.resume_job("daily")
    assert book.job_state("daily").stopped is None
    book.set_next_due("daily", NOON)
    assert book.job_states()["daily"].next_due == NOON


@pytest.mark.parametrize(
    ("answer", "left"), [(Answer.ANEW, None), (Answer.GO_ON, {"watermark": "2026", "accepted": True})]
)
def test_an_answer_changes_the_checkpoint_and_takes_the_schedule_up(
    book: Ledger, answer: Answer, left: dict[str, object] | None
) -> None:
    book.answer("never-ran", answer)
    assert book.checkpoint("never-ran") is None
    run = running(book)
    with pytest.raises(Fatal, match="has not ended"):
        book.answer("daily", answer)
    book.finish(run.id, RunState.SUCCEEDED, outcome=Outcome({"watermark": "2026"}, "done"))
    book.stop_job("daily", "another table")
    book.answer("daily", answer)
    assert book.checkpoint("daily") == left
    assert book.job_state("daily").stopped is None


def test_runs_of_long_ago_are_forgotten_but_not_the_newest_of_a_job(book: Ledger, clock: Clock) -> None:
    old = running(book, "one")
    book.log(old.id, "info", "hello")
    book.part_done(old.id, PartResult(0, quarantine="/q/old"))
    book.finish(old.id, RunState.SUCCEEDED)
    newest = running(book, "one")
    book.finish(newest.id, RunState.SUCCEEDED)
    deleted = running(book, "gone")
    book.finish(deleted.id, RunState.FAILED)
    book.forget_job("gone")
    clock.now += timedelta(days=91)
    active = running(book, "two")
    assert book.prune(clock.now - timedelta(days=90)) == ["/q/old"]
    assert {run.id for run in book.runs()} == {newest.id, active.id}
    assert book.log_lines(old.id) == []


# The file


def test_the_file_is_its_owners_alone(book: Ledger) -> None:
    running(book)
    assert {stat.S_IMODE(path.stat().st_mode) for path in book.path.parent.iterdir()} == {0o600}
    assert stat.S_IMODE(book.path.parent.stat().st_mode) == 0o700


def test_one_process_may_open_it_several_times_while_others_come_and_go(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    first, second = Ledger(path), Ledger(path)
    run = first.enqueue(job(), Trigger.MANUAL)
    second.close()
    # Another process that is the last to close the file would remove its log from under us, had we lost our lock.
    script = f"import sqlite3; c = sqlite3.connect({str(path)!r}); c.execute('SELECT count(*) FROM runs'); c.close()"
    subprocess.run([sys.executable, "-c", script], check=True)
    assert path.with_name("ledger.db-wal").exists()
    third = Ledger(path)
    third.log(run.id, "info", "still here")
    assert [line.text for line in first.log_lines(run.id)] == ["still here"]
    first.close()
    third.close()


def test_a_newer_file_is_refused_and_left_alone(book: Ledger) -> None:
    book.close()
    with sqlite3.connect(book.path) as newer:
        newer.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
    newer.close()
    before = book.path.read_bytes()
    with pytest.raises(Fatal, match=r"newer version of this program.*Update lyazure-tui"):
        Ledger(book.path)
    assert book.path.read_bytes() == before


def test_an_older_file_is_brought_up_whole_or_not_at_all(book: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    run = running(book)
    book.close()
    good = "ALTER TABLE runs ADD COLUMN colour TEXT NOT NULL DEFAULT 'blue'"
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, f"{good}; CREATE TABLE runs (id TEXT)"))
    with pytest.raises(Fatal, match="already exists"):
        Ledger(book.path)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS[:-1], good))
    migrated = Ledger(book.path)
    assert migrated.run(run.id).id == run.id
    with sqlite3.connect(book.path) as look:
        assert look.execute("SELECT colour FROM runs").fetchall() == [("blue",)]
        assert look.execute("PRAGMA user_version").fetchone() == (2,)
    look.close()
    migrated.close()


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"this is not a database, " * 100)
    with pytest.raises(Fatal, match=r"ledger\.db is damaged.*Put back a copy"):
        Ledger(path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(Fatal, match="cannot be opened"):
        Ledger(tmp_path / "data" / "ledger.db")


def test_a_full_disk_is_told_and_nothing_is_half_written(book: Ledger) -> None:
    run = running(book)
    connection = book._db._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 1}")
    huge = Outcome({"much": "x" * 1_000_000}, "done")
    with pytest.raises(Fatal, match="no space left"):
        book.finish(run.id, RunState.SUCCEEDED, outcome=huge)
    assert book.run(run.id).state is RunState.RUNNING
    connection.execute("PRAGMA max_page_count = 1000000")
    assert book.finish(run.id, RunState.SUCCEEDED, outcome=huge)


def test_a_ledger_that_is_held_for_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    book = Ledger(tmp_path / "ledger.db")
    holder = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(RetryLater, match="is locked"):
        book.enqueue(job(), Trigger.MANUAL)
    holder.execute("ROLLBACK")
    assert book.enqueue(job(), Trigger.MANUAL).state is RunState.QUEUED
    holder.close()
    book.close()


class Lives(RuleBasedStateMachine):
    """Whatever is called in whatever order, a run's end is final and a job has one active run."""

    runs: Bundle[str] = Bundle("runs")

    @initialize()
    def begin(self) -> None:
        self.clock = Clock()
        self.place = tempfile.TemporaryDirectory()
        self.book = Ledger(Path(self.place.name) / "ledger.db", clock=self.clock)
        self.ends = dict[str, Run]()

    def teardown(self) -> None:
        self.book.close()
        self.place.cleanup()

    @rule(target=runs, name=st.sampled_from("ab"))
    def enqueue(self, name: str) -> str:
        return self.book.enqueue(job(name), Trigger.MANUAL).id

    @rule(run=runs)
    def claim(self, run: str) -> None:
        self.book.claim(run, os.getpid())

    @rule(run=runs, died=st.booleans())
    def release(self, run: str, died: bool) -> None:
        self.book.release(run, os.getpid(), died=died)

    @rule(run=runs, seconds=st.integers(-10, 10))
    def retry(self, run: str, seconds: int) -> None:
        self.book.retry(run, self.clock.now + timedelta(seconds=seconds), "down")

    @rule(run=runs)
    def cancel(self, run: str) -> None:
        self.book.request_cancel(run)

    @rule(run=runs)
    def commit(self, run: str) -> None:
        self.book.begin_commit(run)

    @rule(run=runs, state=st.sampled_from([state for state in RunState if state.ended]))
    def finish(self, run: str, state: RunState) -> None:
        ended = self.book.run(run).state.ended
        assert self.book.finish(run, state) != ended

    @invariant()
    def ends_are_final(self) -> None:
        for run in self.book.runs():
            if run.state.ended:
                assert self.ends.setdefault(run.id, run) == run
                assert run.ended is not None and run.pid is None

    @invariant()
    def one_active_run_of_a_job(self) -> None:
        active = [run.job for run in self.book.runs(active=True)]
        assert len(active) == len(set(active))

    @invariant()
    def who_runs_has_a_process(self) -> None:
        for run in self.book.runs():
            assert (run.pid is not None) == (run.state is RunState.RUNNING)


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
