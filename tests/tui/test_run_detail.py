"""One run's screen: its story, its log, its quarantine."""

from __future__ import annotations

import csv
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from textual.widgets import Static

from lytics_azure_tui.jobs import quarantine
from lytics_azure_tui.jobs.quarantine import QuarantinedRow
from lytics_azure_tui.model.run import Progress, Run, RunState, Trigger
from lytics_azure_tui.tui.quarantine_pages import PAGE
from lytics_azure_tui.tui.screens.confirm import Confirm
from lytics_azure_tui.tui.screens.run_detail import RunDetail
from lytics_azure_tui.tui.widgets.grid import Grid
from tests.tui.conftest import LARGE, SMALL, Never, Picture, settled, until
from tests.tui.world import World

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])
LOG = (
    ("info", "Planned 1 file of 12.0 MB: exports/loyalty_20261124.csv"),
    ("info", "Encoding utf-8, delimiter comma, 9 columns"),
    ("warning", "37 rows could not be used and went to quarantine: 30 with too many fields, 7 without a time"),
    ("info", "Committed 48,112 rows to the stream loyalty"),
)


def refused(folder: Path, number: int) -> str:
    """A folder of quarantined rows, in which markup, escapes and newlines lie."""
    folder.mkdir(parents=True)
    rows = [
        QuarantinedRow(
            file="exports/loyalty_[/b]20261124.csv",
            line=1_000 + place * 7,
            byte=90_000 + place * 512,
            row=999 + place * 7,
            reason="too many fields: 11 for 9 columns" if place % 5 else "the time cannot be read: yesterday",
            raw=f'{place};"[red]Müller[/]";\x1b[31mBerlin\x1b[0m;2026-11-2{place % 10};a,b,c'.encode(),
        )
        for place in range(number)
    ]
    quarantine.write(folder / "rows.parquet", rows)
    return str(folder)


def finished(world: World, number: int = 37) -> Run:
    """A run that succeeded, and left rows in quarantine."""
    world.authorization()
    job = world.job("Loyalty cards", stream="loyalty", filename="loyalty_20261124.csv", continuous_update=True)
    return world.ended(
        job,
        timedelta(hours=9),
        rows=48_112,
        rejected=number,
        amount=12_000_000,
        about="Imported exports/loyalty_20261124.csv into loyalty",
        counts={"unchanged": 1_204_551, "gone": 12},
        quarantine=refused(world.folder.data / "refused", number),
        log=LOG,
    )


@SIZES
def test_rows_in_quarantine_with_file_line_reason_and_raw_text(
    picture: Picture, world: World, size: tuple[int, int]
) -> None:
    run = finished(world)
    assert picture(world, size, screen=lambda: RunDetail(world.desk, run.id), press=["down"])


@SIZES
def test_the_log_of_a_run_that_failed(picture: Picture, world: World, size: tuple[int, int]) -> None:
    world.authorization()
    job = world.job("Returns", stream="returns", filename="returns.csv")
    run = world.ended(
        job,
        timedelta(hours=2),
        state=RunState.FAILED,
        took=timedelta(seconds=3),
        about="1 file of 3.20 MB",
        error="Azure refused the credentials. The signature expired on 23 November 2026. Make a new one in the portal",
        log=(*LOG[:2], ("error", "Azure refused the credentials " * 8)),
    )
    assert picture(world, size, screen=lambda: RunDetail(world.desk, run.id))


@SIZES
def test_a_run_under_way(picture: Picture, world: World, size: tuple[int, int]) -> None:
    world.authorization()
    job = world.job("Customers daily", filename="customers_20261124.csv")
    run = world.running(job, Progress("reading customers_20261124.csv", 312_000_000, 680_000_000, 2_310_442, 3))
    world.ledger.log(run.id, *LOG[0])
    assert picture(world, size, screen=lambda: RunDetail(world.desk, run.id))


@SIZES
def test_an_import_of_a_table(picture: Picture, world: World, size: tuple[int, int]) -> None:
    job = world.table_job("Orders", continuous_update=True, source="sales.[order details]")
    run = world.ended(
        job,
        timedelta(hours=1),
        rows=1_204_331,
        amount=312_000_000,
        about="1,204,331 rows of sales.[order details] into orders, up to 2026-11-24T12:04:59.1234567",
        counts={
            "imported": 1_204_331,
            "already there": 1_812,
            "without timestamp": 40,
            "held back": 2,
            "quarantined": 0,
            "slices": 4,
        },
        log=LOG[:1],
    )
    assert picture(world, size, screen=lambda: RunDetail(world.desk, run.id))


@SIZES
def test_an_import_of_a_table_under_way(picture: Picture, world: World, size: tuple[int, int]) -> None:
    job = world.table_job("Orders", continuous_update=True)
    stage = "reading sales.orders, slice 2 of 4, 2026-10-01T00:00:00.0000000 to 2026-11-01T00:00:00.0000000"
    about = "importing 1,204,331 rows of sales.orders into orders — 1,812 looked at again, 2 held back"
    run = world.running(job, Progress(stage, 31_200_000, None, 120_442, 0), about=about)
    assert picture(world, size, screen=lambda: RunDetail(world.desk, run.id))


@SIZES
def test_a_run_that_is_gone_from_the_ledger(picture: Picture, world: World, size: tuple[int, int]) -> None:
    assert picture(world, size, screen=lambda: RunDetail(world.desk, "20250101T000000-00000000"))


async def test_new_lines_of_the_log_appear_while_the_run_goes(world: World) -> None:
    world.authorization()
    run = world.running(world.job("Customers daily"), Progress("reading", 1, 10, 1, 0))
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        app.push_screen(RunDetail(world.desk, run.id))
        await settled(pilot)
        world.ledger.log(run.id, "info", "the second block is here")
        await until(pilot, lambda: "the second block is here" in drawn(app.screen.query_one("#lines")))


def drawn(widget: object) -> str:
    """What a widget shows, as text."""
    return "\n".join(strip.text for strip in widget.render_lines(widget.size.region))  # type: ignore[attr-defined]


async def test_pages_of_the_quarantine_turn(world: World) -> None:
    run = finished(world, PAGE * 2 + 5)
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        app.push_screen(RunDetail(world.desk, run.id))
        await settled(pilot)
        grid = app.screen.query_one("#rows", Grid)
        assert (grid.row_count, grid.selected) == (PAGE, "0")
        await pilot.press("]", "]")
        await settled(pilot)
        await pilot.press("]")
        await settled(pilot)
        assert grid.row_count in (PAGE, 5)
        await pilot.press("]")
        await settled(pilot)
        assert (grid.row_count, grid.selected) == (5, str(2 * PAGE))
        await pilot.press("]")
        await settled(pilot)
        assert grid.row_count == 5, "there is no page behind the last"


async def test_replay_asks_says_how_many_rows_and_queues_a_run(world: World) -> None:
    run = finished(world)
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        app.push_screen(RunDetail(world.desk, run.id))
        await settled(pilot)
        await pilot.press("r")
        await settled(pilot)
        assert isinstance(app.screen, Confirm)
        assert "37 quarantined rows" in str(app.screen.query_one(Static).content)
        await pilot.press("enter")
        await settled(pilot)
        assert world.ledger.runs(active=True) == [], "the safe answer has the focus"
        await pilot.press("r")
        await settled(pilot)
        await pilot.press("y")
        await settled(pilot)
        (replay,) = world.ledger.runs(active=True)
        assert (replay.trigger, replay.replay_of) == (Trigger.REPLAY, run.id)
        facts = " ".join(str(app.screen.query_one("#facts", Static).render()).split())
        assert f"Replays the quarantine of run {run.id}" in facts, "the outcome is told there"
        await pilot.press("escape")
        await settled(pilot)
        assert isinstance(app.screen, RunDetail)
        assert app.screen.heading == f"Run {run.id}"


async def test_export_writes_every_row_to_a_file_that_only_its_owner_reads(world: World) -> None:
    run = finished(world, PAGE + 7)
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        app.push_screen(RunDetail(world.desk, run.id))
        await settled(pilot)
        await pilot.press("y")
        await settled(pilot)
    (path,) = (world.folder.data / "exports").iterdir()
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == PAGE + 7
    assert rows[3]["raw"].startswith('3;"[red]Müller[/]";\x1b[31m')
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_the_log_is_written_to_a_file_and_copied(world: World) -> None:
    world.authorization()
    job = world.job("Returns")
    log = (*LOG, ("error", "Azure refused\x1b[31m the credentials"))
    run = world.ended(job, timedelta(hours=2), state=RunState.FAILED, error="Azure refused", log=log)
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        app.push_screen(RunDetail(world.desk, run.id))
        await settled(pilot)
        await pilot.press("y")
        await until(pilot, lambda: bool(app.clipboard))
    (path,) = (world.folder.data / "exports").iterdir()
    assert path.read_text(encoding="utf-8") == app.clipboard
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lines = app.clipboard.splitlines()
    assert [line.split()[1] for line in lines] == [level for level, _ in log]
    assert lines[0].startswith("2026-11-24T11:03:34Z info")
    assert "\x1b" not in app.clipboard


async def test_the_mouse_selects_lines_of_the_log(world: World) -> None:
    run = finished(world)
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        app.push_screen(RunDetail(world.desk, run.id, tab="log"))
        await settled(pilot)
        log = app.screen.query_one("#lines")
        await pilot.mouse_down(log, offset=(10, 0))
        await pilot.hover(log, offset=(17, 1))
        await pilot.mouse_up(log, offset=(17, 1))
        await pilot.pause()
        selected = app.screen.get_selected_text()
        assert selected is not None and selected.startswith(f"{LOG[0][1]}\n")
        await pilot.press("ctrl+c")
        assert app.clipboard == selected


async def test_escape_goes_back_to_where_the_run_was_opened(world: World) -> None:
    run = finished(world)
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        below = app.screen
        app.push_screen(RunDetail(world.desk, run.id))
        await settled(pilot)
        await pilot.press("escape")
        await settled(pilot)
        assert app.screen is below


@SIZES
def test_a_run_that_takes_its_time_to_read(
    picture: Picture,
    world: World,
    size: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
    never: Never,
) -> None:
    monkeypatch.setattr(RunDetail, "_look", never)
    assert picture(world, size, screen=lambda: RunDetail(world.desk, "any"), loading=True)


def test_rows_in_quarantine_on_a_light_ground(picture: Picture, world: World) -> None:
    run = finished(world)
    assert picture(world, LARGE, screen=lambda: RunDetail(world.desk, run.id), theme="lyazure-light")
