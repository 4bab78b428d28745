"""The dashboard: what it shows, and what its keys do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.model.run import Outcome, PartResult, Progress, RunState, Trigger
from lytics_azure_tui.tui.app import LyazureApp
from lytics_azure_tui.tui.screens.confirm import Confirm
from lytics_azure_tui.tui.screens.go_on import GoOn
from lytics_azure_tui.tui.screens.run_detail import RunDetail
from lytics_azure_tui.tui.widgets.grid import Grid
from lytics_azure_tui.tui.widgets.problem import Problem
from lytics_azure_tui.tui.widgets.run_pane import RunPane
from tests.tui.conftest import LARGE, SMALL, Picture, settled
from tests.tui.lived_in import busy
from tests.tui.world import World

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])


@SIZES
def test_an_empty_configuration_says_what_to_do_first(picture: Picture, world: World, size: tuple[int, int]) -> None:
    assert picture(world, size)


@SIZES
def test_jobs_in_every_state(picture: Picture, world: World, size: tuple[int, int]) -> None:
    busy(world)
    assert picture(world, size)


@SIZES
def test_jobs_in_every_state_on_a_light_ground(picture: Picture, world: World, size: tuple[int, int]) -> None:
    busy(world)
    assert picture(world, size, theme="lyazure-light")


async def test_start_now_queues_a_run(world: World) -> None:
    world.authorization()
    job = world.job("Price list")
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        await pilot.press("s")
        await settled(pilot)
        (run,) = world.ledger.runs(active=True)
        assert (run.job, run.trigger) == (job.id, Trigger.MANUAL)
        await until(pilot, lambda: len(app.screen.query(RunPane)) == 1)


async def test_cancel_asks_first_and_then_asks_the_run_to_end(world: World) -> None:
    world.authorization()
    run = world.running(world.job("Customers"), Progress("reading", 1, 2, 1, 0))
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        await pilot.press("c")
        await settled(pilot)
        assert isinstance(app.screen, Confirm)
        await pilot.press("escape")
        await settled(pilot)
        assert not world.ledger.cancel_requested(run.id)
        await pilot.press("c")
        await settled(pilot)
        await pilot.press("y")
        await settled(pilot)
        assert world.ledger.cancel_requested(run.id)


async def test_pause_and_resume_write_the_jobs_file(world: World) -> None:
    world.authorization()
    job = world.job("Customers", continuous_update=True)
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        await pilot.press("p")
        await until(pilot, lambda: not world.folder.job(job.id).enabled)
        await until(pilot, lambda: cell(app, "jobs", 0, "paused"))
        await pilot.press("p")
        await until(pilot, lambda: world.folder.job(job.id).enabled)


async def test_resume_takes_up_a_schedule_that_stopped_by_itself(world: World) -> None:
    world.authorization()
    job = world.job("Loyalty", continuous_update=True)
    world.ledger.stop_job(job.id, "No file after loyalty_20261124.csv")
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        assert cell(app, "jobs", 0, "stopped")
        await pilot.press("p")
        await until(pilot, lambda: world.ledger.job_state(job.id).stopped is None)


async def test_delete_is_refused_while_the_job_runs(world: World) -> None:
    world.authorization()
    job = world.job("Customers")
    world.running(job, Progress("reading", 1, 2, 1, 0))
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        await pilot.press("d")
        await settled(pilot)
        await pilot.press("y")
        await settled(pilot)
        assert [found.id for found in world.folder.jobs()] == [job.id]
        error = app.screen.query_one(Problem).error
        assert error is not None
        assert "has not ended" in error.what


async def test_delete_takes_the_job_off_the_list_and_forgets_what_it_imported(world: World) -> None:
    world.authorization()
    run = world.running(world.job("Customers"), Progress("reading", 1, 1, 1, 0))
    world.ledger.part_done(run.id, PartResult(0, 1, 0, 1, None))
    world.ledger.finish(run.id, RunState.SUCCEEDED, outcome=Outcome({"file": "customers_20261101.csv"}, "done"))
    assert world.ledger.checkpoint("customers") is not None
    world.job("Prices")
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        await pilot.press("d")
        await settled(pilot)
        await pilot.press("y")
        await until(pilot, lambda: app.screen.query_one("#jobs", Grid).row_count == 1)
        assert [found.label for found in world.folder.jobs()] == ["Prices"]
    assert world.ledger.checkpoint("customers") is None
    assert world.ledger.runs(job="customers") != []


@pytest.mark.parametrize(
    ("keys", "checkpoint", "goes_on"),
    [
        (("escape",), {"watermark": "2026"}, False),
        (("enter",), {"watermark": "2026"}, False),
        (("right", "enter"), None, True),
        (("right", "right", "enter"), {"watermark": "2026", "accepted": True}, True),
    ],
)
async def test_a_job_whose_table_is_another_asks_how_to_go_on(
    world: World, keys: tuple[str, ...], checkpoint: dict[str, Any] | None, goes_on: bool
) -> None:
    job = world.table_job("Orders", continuous_update=True)
    run = world.running(job, Progress("reading", 1, 1, 1, 0))
    world.ledger.finish(run.id, RunState.SUCCEEDED, outcome=Outcome({"watermark": "2026"}, "done"))
    world.ledger.stop_job(job.id, "The database was shop, and is [b]shop2")
    app = world.app()
    async with app.run_test(size=SMALL) as pilot:
        await settled(pilot)
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, GoOn))
        shown = [str(one.render()) for one in app.screen.query(Static)]
        assert shown[0] == "The database was shop, and is [b]shop2"
        assert any("also those that are in the stream" in one for one in shown)
        await pilot.press(*keys)
        await until(pilot, lambda: not isinstance(app.screen, GoOn))
        await until(pilot, lambda: (world.ledger.job_state(job.id).stopped is None) is goes_on)
    assert world.ledger.checkpoint(job.id) == checkpoint


async def test_enter_opens_the_jobs_newest_run_and_l_its_log(world: World) -> None:
    world.authorization()
    world.ended(world.job("Customers"), timedelta(hours=1), rows=3)
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        for key in ("enter", "o", "l"):
            await settled(pilot)
            await pilot.press(key)
            await settled(pilot)
            assert isinstance(app.screen, RunDetail)
            await pilot.press("escape")


async def test_a_run_under_way_opens_by_a_click_and_by_its_own_enter(world: World) -> None:
    world.authorization()
    world.running(world.job("Customers"), Progress("reading", 1, 2, 1, 0))
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        await pilot.click(RunPane)
        await settled(pilot)
        assert isinstance(app.screen, RunDetail)
        await pilot.press("escape")
        await settled(pilot)
        app.screen.query_one(RunPane).focus()
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(app.screen, RunDetail)


async def test_the_cursor_stays_on_its_job_when_others_come(world: World) -> None:
    world.authorization()
    world.job("Beta")
    world.job("Gamma")
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        await pilot.press("down")
        grid = app.screen.query_one("#jobs", Grid)
        assert grid.selected == "gamma"
        world.job("Alpha")
        await until(pilot, lambda: grid.row_count == 3)
        assert (grid.selected, grid.cursor_row) == ("gamma", 2)


async def test_a_run_that_failed_at_night_is_in_sight_in_the_morning(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.authorization()
    job = world.job("Customers")
    for number in range(30, 0, -1):
        world.ended(job, timedelta(hours=12, minutes=number), rows=number)
    moment = 0.0
    monkeypatch.setattr("lytics_azure_tui.tui.widgets.grid.monotonic", lambda: moment)
    app = world.app()
    async with app.run_test(size=SMALL) as pilot:
        await settled(pilot)
        recent = app.screen.query_one("#recent", Grid)
        newest = world.ended(job, timedelta(hours=10), state=RunState.FAILED, error="The disk is full")
        await until(pilot, lambda: recent.selected == newest.id)
        assert (recent.cursor_row, recent.scroll_y) == (0, 0), "nobody was reading further down"

        recent.focus()
        await pilot.press(*["down"] * 12)
        await settled(pilot)
        read, place = recent.selected, recent.scroll_y
        assert place > 0
        world.ended(job, timedelta(hours=9), rows=7)
        await until(pilot, lambda: recent.row_count == 32)
        assert (recent.selected, recent.scroll_y) == (read, place + 1), "nothing moves below a reader"
        assert "1 newer above" in str(recent.border_title)

        moment = 3_600.0
        newest = world.ended(job, timedelta(hours=8), state=RunState.FAILED, error="The disk is full")
        await until(pilot, lambda: recent.selected == newest.id)
        assert (recent.cursor_row, recent.scroll_y) == (0, 0), "the reader has gone to bed"
        assert "newer" not in str(recent.border_title)


async def test_of_a_long_queue_the_runs_at_work_are_shown(world: World) -> None:
    world.authorization()
    jobs = [world.job(f"Job {number}") for number in range(60)]
    runs = [world.ledger.enqueue(job, Trigger.SCHEDULE) for job in jobs]
    app = world.app()
    async with app.run_test(size=SMALL) as pilot:
        await settled(pilot)
        for run in (runs[40], runs[7]):
            world.ledger.claim(run.id, 999_999)
        await until(pilot, lambda: "2 running" in str(app.screen.query_one("#active").border_title))
        assert "58 queued" in str(app.screen.query_one("#active").border_title)
        await settled(pilot)
        panes = [pane.run.id for pane in app.screen.query(RunPane)]
        assert set(panes[:2]) == {runs[40].id, runs[7].id}
        assert "55 more" in str(app.screen.query_one("#active #rest").render())
        states = [app.screen.query_one("#jobs", Grid).get_row_at(row)[1].plain for row in range(60)]
        assert states.count("● running") == 2
        assert states.count("◌ queued") == 58


async def test_of_many_broken_files_all_are_told(world: World) -> None:
    for number in range(15):
        (world.folder.jobs_dir / f"broken-{number}.toml").write_text(f"label = {number}\n")
    app = world.app()
    async with app.run_test(size=SMALL) as pilot:
        await settled(pilot)
        problems = app.screen.query_one("#problems")
        assert "15 problems in the configuration. Press F8" in str(problems.render())
        assert problems.size.height == problems.virtual_size.height, "all of it is in sight"
        assert "and 11 more" in str(problems.render())
        await pilot.press("f8")
        await until(pilot, lambda: len(app.screen.query(".check")) >= 15)
        assert app.focused is not None and app.focused.id == "report", "the arrows scroll it"


@SIZES
def test_a_file_that_cannot_be_read_is_named_with_the_fix(
    picture: Picture, world: World, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    busy(world)
    broken = BadConfiguration(
        "jobs/price-list.toml, line 7: delimeter is not a key", why="The keys of a job are fixed", fix="Write delimiter"
    )
    monkeypatch.setattr(Folder, "examined", lambda folder: (Folder.jobs(folder), [broken]))
    assert picture(world, size)


async def test_why_a_schedule_ended_is_said_when_its_job_is_under_the_cursor(world: World) -> None:
    world.authorization()
    world.job("Customers")
    stopped = world.job("Loyalty [cards]", continuous_update=True)
    world.ledger.stop_job(stopped.id, "No file after [b]loyalty_20261124.csv")
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        jobs = app.screen.query_one("#jobs")
        assert "Loyalty" not in str(jobs._border_title)
        await pilot.press("down")
        await settled(pilot)
        assert "Loyalty [cards]: No file after [b]loyalty_20261124.csv" in str(jobs._border_title)


@SIZES
def test_before_the_ledger_is_read(
    picture: Picture, world: World, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lytics_azure_tui.tui.app.Reader.read", lambda _reader: None)
    assert picture(world, size)


@pytest.mark.parametrize("theme", ["ansi-dark", "nord", "textual-light"])
async def test_other_themes_draw_it_too(world: World, theme: str) -> None:
    busy(world)
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        app.theme = theme
        await settled(pilot)
        assert cell(app, "jobs", 0, "running")


async def test_no_colour_where_none_is_wanted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    busy(world)
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        assert app.no_color
        assert cell(app, "jobs", 1, "■ stopped"), "the state is a word, too"


def cell(app: LyazureApp, grid: str, row: int, text: str) -> bool:
    """Whether a row of a grid shows a text."""
    found = app.screen.query_one(f"#{grid}", Grid)
    return any(text in shown.plain for shown in found.get_row_at(row))


async def until(pilot: Pilot[int], condition: Callable[[], bool]) -> None:
    """Waits for something that follows from another process's or thread's work."""
    for _ in range(60):
        await settled(pilot)
        if condition():
            return
        await pilot.pause(0.05)
    raise AssertionError("it did not come")
