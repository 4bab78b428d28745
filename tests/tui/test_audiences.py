"""Audiences: the list, what is known of one, and deleting it."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from lytics_azure_tui.config import definitions
from lytics_azure_tui.errors import BadConfiguration, Fatal
from lytics_azure_tui.tui.screens.audiences import Audiences
from lytics_azure_tui.tui.screens.confirm import Confirm
from lytics_azure_tui.tui.widgets.grid import Grid
from lytics_azure_tui.tui.widgets.problem import Problem
from tests.tui.conftest import LARGE, SMALL, Picture, settled, until
from tests.tui.people import define, populated
from tests.tui.world import World

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])


@pytest.fixture
def peopled(world: World) -> World:
    """A world with audiences."""
    world.lytics = world.desk._lytics = populated()
    define(world.folder)
    return world


def slugs(world: World) -> list[str]:
    """Those that have a file."""
    return [audience.slug for audience in definitions.read(world.folder).audiences]


def said(pilot: Pilot[Any], selector: str) -> str:
    """What a part of the screen says."""
    return str(pilot.app.screen.query_one(selector, Static).render())


async def opened(pilot: Pilot[Any], *keys: str) -> None:
    """Goes to the audiences, and presses some more keys."""
    await settled(pilot)
    for key in ("5", *keys):
        await pilot.press(key)
        await settled(pilot)


# Pictures


@SIZES
def test_no_audiences_yet(picture: Picture, world: World, size: tuple[int, int]) -> None:
    assert picture(world, size, press=["5"])


@SIZES
def test_an_audience_that_another_includes(picture: Picture, peopled: World, size: tuple[int, int]) -> None:
    assert picture(peopled, size, press=["5"])


@SIZES
def test_an_audience_that_was_not_counted_yet(picture: Picture, peopled: World, size: tuple[int, int]) -> None:
    assert picture(peopled, size, press=["5", "down", "down", "down"])


@SIZES
def test_audiences_that_take_their_time(picture: Picture, peopled: World, size: tuple[int, int]) -> None:
    peopled.lytics.gate.clear()
    assert picture(peopled, size, press=["5"], loading=True)
    peopled.lytics.gate.set()


@SIZES
def test_audiences_that_cannot_be_read(picture: Picture, peopled: World, size: tuple[int, int]) -> None:
    peopled.lytics.broken = Fatal("The audiences cannot be read", why="The disk is full", fix="Make room, then press r")
    assert picture(peopled, size, press=["5"])


@SIZES
def test_a_file_that_cannot_be_used(picture: Picture, peopled: World, size: tuple[int, int]) -> None:
    path = definitions.audiences_dir(peopled.folder) / "broken.toml"
    path.write_text('label = "Broken"\nfilter = "FILTER AND (a = "\n')
    assert picture(peopled, size, press=["5"])


@SIZES
def test_an_audience_in_use_is_not_deleted(picture: Picture, peopled: World, size: tuple[int, int]) -> None:
    assert picture(peopled, size, press=["5", "d"])


@SIZES
def test_an_audience_to_be_deleted(picture: Picture, peopled: World, size: tuple[int, int]) -> None:
    assert picture(peopled, size, press=["5", "ctrl+end", "d"])


def test_audiences_on_a_light_ground(picture: Picture, peopled: World) -> None:
    assert picture(peopled, LARGE, press=["5"], theme="lyazure-light")


# What it does


async def test_one_that_nothing_uses_is_deleted_after_a_question(peopled: World) -> None:
    async with peopled.app().run_test(size=LARGE) as pilot:
        await opened(pilot, "ctrl+end", "d")
        await pilot.press("n")
        await settled(pilot)
        assert "win-back" in slugs(peopled)
        await pilot.press("d")
        await settled(pilot)
        await pilot.press("y")
        await settled(pilot)
        assert "win-back" not in slugs(peopled)
        assert pilot.app.screen.query_one("#audiences", Grid).row_count == 3


async def test_one_that_another_includes_is_kept_and_the_other_named(peopled: World) -> None:
    async with peopled.app().run_test(size=LARGE) as pilot:
        await opened(pilot, "d")
        assert isinstance(pilot.app.screen, Confirm)
        assert "Win back" in said(pilot, ".dialog Static")
        await pilot.press("y")
        await settled(pilot)
        assert "big-spenders" in slugs(peopled)


async def test_the_story_follows_the_cursor(peopled: World) -> None:
    async with peopled.app().run_test(size=LARGE) as pilot:
        await opened(pilot)
        assert "spent > 1000" in said(pilot, "#about")
        assert "Used by Win back" in said(pilot, "#about")
        await pilot.press("ctrl+end")
        await settled(pilot)
        assert "Not counted yet" in said(pilot, "#about")
        assert not pilot.app.screen.query_one("#sizes").display


async def test_the_filter_shows_before_its_history_is_read(peopled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in the file does not wait for what has to be looked up."""
    async with peopled.app().run_test(size=LARGE) as pilot:
        await opened(pilot)
        peopled.lytics.gate.clear()
        await pilot.press("down")
        await until(pilot, lambda: "now-30d" in said(pilot, "#about"))
        assert "Used by" not in said(pilot, "#about")
        peopled.lytics.gate.set()
        await until(pilot, lambda: "Used by Win back" in said(pilot, "#about"))


async def test_an_audience_that_is_written_meanwhile_is_there_on_return(peopled: World) -> None:
    async with peopled.app().run_test(size=LARGE) as pilot:
        await opened(pilot, "1")
        quiet = next(one for one in definitions.read(peopled.folder).audiences if one.slug == "gone-quiet")
        definitions.save_audience(peopled.folder, quiet.model_copy(update={"slug": "asleep", "label": "Asleep"}))
        await pilot.press("5")
        await settled(pilot)
        assert isinstance(pilot.app.screen, Audiences)
        assert pilot.app.screen.query_one("#audiences", Grid).row_count == 5


async def test_where_audiences_are_made_elsewhere_none_is_deleted(peopled: World) -> None:
    peopled.lytics.elsewhere = BadConfiguration("Audiences are not edited here", fix="Edit them in Lytics' own screens")
    before = slugs(peopled)
    async with peopled.app().run_test(size=LARGE) as pilot:
        await opened(pilot, "d", "y")
        assert "Lytics' own screens" in str(pilot.app.screen.query_one(Problem).error)
    assert slugs(peopled) == before
