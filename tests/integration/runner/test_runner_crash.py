"""A run that is cut off at any point, and gone on with, is the same as one that was not."""

from __future__ import annotations

import contextlib
import itertools
import os
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from lytics_azure_tui.model.run import RunState
from lytics_azure_tui.runner import housekeeping, places, records
from lytics_azure_tui.runner.database import Database
from lytics_azure_tui.runner.execution import Execution
from lytics_azure_tui.runner.ledger import Ledger
from tests.integration.runner import copying
from tests.integration.runner.world import World, assert_whole


class Killed(BaseException):
    """The process is gone: nothing catches it, and what was not committed is lost."""


class Killer:
    """Ends the work at its n-th step; steps are counted over threads."""

    def __init__(self, at: int) -> None:
        self._steps = itertools.count()
        self._at = at
        self.where = ""

    def step(self, where: str) -> None:
        if next(self._steps) == self._at:
            self.where = where
            raise Killed(where)


def watched(killer: Killer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes each SQL statement that writes, each commit of the ledger and each step of the kind a step."""
    change, step, connect = Database.change, copying.step, sqlite3.connect

    def watched_change(self: Database, statement: str, *values: object) -> int:
        killer.step(f"before {statement[:40]}")
        changed = change(self, statement, *values)
        killer.step(f"after {statement[:40]}")
        return changed

    def watched_step(context: Any, name: str, sink: Any = None) -> None:
        killer.step(f"at {name}")
        step(context, name, sink)

    class Watched(sqlite3.Connection):
        def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
            if statement == "COMMIT":
                killer.step("before COMMIT")
            cursor = super().execute(statement, *values)
            if statement == "COMMIT":
                killer.step("after COMMIT")
            return cursor

    def watched_connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
        return connect(*arguments, **options, factory=Watched)

    monkeypatch.setattr(Database, "change", watched_change)
    monkeypatch.setattr(copying, "step", watched_step)
    monkeypatch.setattr(sqlite3, "connect", watched_connect)


def attempt(world: World, run_id: str) -> None:
    """What a run's process does, in this one, with a connection of its own."""
    ledger = Ledger(places.ledger_file(world.folder))
    try:
        assert ledger.claim(run_id, os.getpid())
        execution = Execution(
            world.folder, ledger, ledger.run(run_id), details_file=world.place / "details", write_details=print
        )
        execution.carry_out()
    finally:
        ledger.close()


def cut_off_everywhere(
    make: Callable[[str], World], script: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> int:
    for at in itertools.count():
        world = make(f"cut-{at}")
        run = world.queue(script=script)
        killer = Killer(at)
        with monkeypatch.context() as patch:
            watched(killer, patch)
            with contextlib.suppress(Killed):
                attempt(world, run.id)
        if not killer.where:
            assert_whole(world, world.ledger.run(run.id))
            return at
        now = world.ledger.run(run.id)
        if not now.state.ended:
            world.ledger.release(run.id, os.getpid(), died=True)
            attempt(world, run.id)
        # What a process leaves behind that is killed after the run's end is removed by the runner.
        housekeeping.tidy(world.folder, world.ledger, records.now())
        try:
            assert_whole(world, world.ledger.run(run.id))
        except AssertionError as error:
            raise AssertionError(f"cut off {killer.where}, step {at}") from error
    raise AssertionError


@pytest.fixture
def make(world: World) -> Callable[[str], World]:
    return lambda name: World.make(world.place / name)


def test_cut_off_at_any_write_or_step_a_run_is_the_same_as_one_that_was_not(
    make: Callable[[str], World], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cut_off_everywhere(make, {}, monkeypatch) > 100


def test_cut_off_while_it_starts_over_it_is_the_same_too(
    make: Callable[[str], World], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cut_off_everywhere(make, {"do 5": ["raise StartOver"]}, monkeypatch) > 100


@pytest.mark.parametrize("step", ["plan", "do 0", "done 0", "do 4", "done 6", "commit", "rename", "committed"])
def test_a_process_that_is_killed_leaves_the_run_to_the_next(world: World, step: str) -> None:
    run = world.queue(script={step: ["kill"]})
    assert world.process(run) == -9
    dead = world.ledger.run(run.id)
    assert dead.state is RunState.RUNNING
    assert world.ledger.release(run.id, dead.pid, died=True)
    assert world.process(run) == 0
    ended = world.ledger.run(run.id)
    assert ended.attempt == 2
    assert_whole(world, ended)


def test_a_run_that_is_killed_again_and_again_gets_on_each_time(world: World) -> None:
    run = world.queue(script={f"done {part}": ["kill"] for part in range(7)})
    for _ in range(7):
        if world.process(run) == 0:
            break
        world.ledger.release(run.id, world.ledger.run(run.id).pid, died=True)
    else:
        assert world.process(run) == 0
    assert_whole(world, world.ledger.run(run.id))


def test_parts_that_are_done_are_not_done_again(world: World) -> None:
    run = world.queue(script={"commit": ["kill"]})
    world.process(run)
    world.ledger.release(run.id, world.ledger.run(run.id).pid, died=True)
    world.process(run)
    assert [world.tried(f"do {part}") for part in range(7)] == [1] * 7
    assert world.tried("plan") == 1
    assert world.tried("commit") == 2
