"""The streams' screen: list, fields, newest events, imports."""

from __future__ import annotations

from datetime import timedelta
from threading import Event

import pytest

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.lytics.protocol import Preview, StreamInfo
from lytics_azure_tui.tui.screens.mapping_editor import MappingEditor
from lytics_azure_tui.tui.screens.run_detail import RunDetail
from lytics_azure_tui.tui.screens.streams import PREVIEW_COLUMNS
from lytics_azure_tui.tui.widgets.chart import Chart
from lytics_azure_tui.tui.widgets.grid import Grid
from tests.tui.conftest import LARGE, SMALL, Never, Picture, settled, until
from tests.tui.people import volume
from tests.tui.world import NOW, World

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])
NAMES = ("customer_id", "email", "first_name", "last_name", "city", "country", "loyalty_tier", "last_seen", "note")


def filled(world: World) -> None:
    """Streams with events, and the runs that brought them."""
    world.authorization()
    job = world.job("Customers daily", stream="customers")
    world.ended(job, timedelta(hours=2), rows=1_000_000, rejected=4, amount=512_000_000, took=timedelta(minutes=4))
    world.ended(job, timedelta(days=1), rows=998_112, amount=510_000_000, took=timedelta(minutes=4))
    world.lytics.infos = [
        StreamInfo("customers", 1_998_112, NOW - timedelta(hours=3), NOW - timedelta(hours=2), 210_000_000),
        StreamInfo("loyalty", 48_112, NOW - timedelta(days=2), NOW - timedelta(days=2), 6_200_000),
        StreamInfo("web.page_views_of_all_brands_and_regions", 91_204_551, None, NOW, 9_800_000_000),
    ]
    rows = tuple(
        (
            str(100_000 + place),
            f"person{place}@example.com",
            "[b]Ada[/b]" if place == 1 else "Zoë",
            "Lovelace" if place % 2 else None,
            "İstanbul" if place % 3 else "東京都",
            "TR",
            "gold",
            "2026-11-24T09:00:00Z",
            "a long note that goes on and on, longer than any column would like it to be",
        )
        for place in range(50)
    )
    world.lytics.rows = Preview(NAMES, rows)
    world.lytics.days = {"customers": volume(), "loyalty": volume()[-3:]}


@SIZES
def test_no_streams_yet(picture: Picture, world: World, size: tuple[int, int]) -> None:
    assert picture(world, size, press=["3"])


@SIZES
def test_fields_of_a_stream(picture: Picture, world: World, size: tuple[int, int]) -> None:
    filled(world)
    assert picture(world, size, press=["3"])


@SIZES
def test_newest_events_of_a_stream(picture: Picture, world: World, size: tuple[int, int]) -> None:
    filled(world)
    assert picture(world, size, press=["3", "v"])


@SIZES
def test_streams_that_cannot_be_read(
    picture: Picture, world: World, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> list[StreamInfo]:
        raise Fatal("The streams cannot be read", why="The disk is full", fix="Make room, then press r")

    monkeypatch.setattr(world.lytics, "streams", fail)
    assert picture(world, size, press=["3"])


async def test_the_volume_is_that_of_the_stream_under_the_cursor(world: World) -> None:
    filled(world)
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await pilot.press("3")
        await settled(pilot)
        chart = app.screen.query_one(Chart)
        assert chart.render().plain.startswith("31 Oct ")
        await pilot.press("down")
        await settled(pilot)
        assert chart.render().plain.startswith("22 Nov ")
        await pilot.press("down")
        await settled(pilot)
        assert not chart.display


async def test_a_mapping_opens_for_the_stream_under_the_cursor(world: World) -> None:
    filled(world)
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await pilot.press("3")
        await settled(pilot)
        await pilot.press("down", "m")
        await settled(pilot)
        assert isinstance(app.screen, MappingEditor)
        assert "loyalty" in app.screen.heading


async def test_an_import_opens_its_run(world: World) -> None:
    filled(world)
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await pilot.press("3")
        await settled(pilot)
        await pilot.press("i", "enter")
        await settled(pilot)
        assert isinstance(app.screen, RunDetail)


async def test_a_stream_of_a_thousand_columns_shows_some_and_says_so(world: World) -> None:
    filled(world)
    names = tuple(f"column {place}" for place in range(1_000))
    world.lytics.rows = Preview(names, (names,) * 50)
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await pilot.press("3")
        await settled(pilot)
        await pilot.press("v")
        await settled(pilot)
        assert len(app.screen.query_one("#events-grid", Grid).columns) == PREVIEW_COLUMNS
        assert "940 more columns" in str(app.screen.query_one("#events-note").render())
        assert app.screen.query_one("#fields-grid", Grid).row_count == 1_000


async def test_the_newer_of_two_answers_is_shown(world: World) -> None:
    """A slow answer about the first stream must not replace the quick one about the second."""
    filled(world)
    app = world.app()
    slow = world.lytics.fields
    answer = Event()
    asked: list[str] = []
    answered: list[str] = []

    def fields(stream: str) -> list[object]:
        asked.append(stream)
        if stream == "customers":
            answer.wait(10)
        answered.append(stream)
        return [type(found)(f"{stream} {found.name}", found.filled) for found in slow(stream)]

    world.lytics.fields = fields  # type: ignore[assignment, method-assign]
    async with app.run_test(size=LARGE) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: asked == ["customers"])
        await pilot.press("down")
        await until(pilot, lambda: answered == ["loyalty"])
        answer.set()
        await until(pilot, lambda: "customers" in answered)
        await settled(pilot)
        grid = app.screen.query_one("#fields-grid", Grid)
        assert grid.get_row_at(0)[0].plain.startswith("loyalty ")


@SIZES
def test_streams_that_take_their_time(
    picture: Picture,
    world: World,
    size: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
    never: Never,
) -> None:
    monkeypatch.setattr(world.lytics, "streams", never)
    assert picture(world, size, press=["3"], loading=True)


def test_newest_events_on_a_light_ground(picture: Picture, world: World) -> None:
    filled(world)
    assert picture(world, LARGE, press=["3", "v"], theme="lyazure-light")
