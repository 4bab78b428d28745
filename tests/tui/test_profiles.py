"""Profiles: the search, the one under the cursor, its events, and forgetting a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from threading import Event
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Static, TabbedContent

from lytics_azure_tui.errors import Fatal, RetryLater
from lytics_azure_tui.lytics.protocol import Happening, Identifier, Profile, ProfileFigures
from lytics_azure_tui.tui.profile_facts import ENTRIES_SHOWN, field_rows, telling
from lytics_azure_tui.tui.screens.forget import Forget
from lytics_azure_tui.tui.screens.profiles import PAUSE_SECONDS, Profiles
from lytics_azure_tui.tui.widgets.controls import Line
from lytics_azure_tui.tui.widgets.grid import Grid
from lytics_azure_tui.tui.widgets.problem import Problem
from lytics_azure_tui.tui.widgets.profile_view import PAGE, in_short
from tests.tui.conftest import LARGE, SMALL, Picture, settled, until
from tests.tui.people import define, populated
from tests.tui.world import NOW, World

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])
ADA = "ada@example.com"


@pytest.fixture
def peopled(world: World) -> World:
    """A world with profiles."""
    world.lytics = world.desk._lytics = populated()
    define(world.folder)
    return world


def listed(pilot: Pilot[Any]) -> list[str]:
    """What the list says of each profile first."""
    grid = pilot.app.screen.query_one("#profiles", Grid)
    return [grid.get_row_at(row)[0].plain for row in range(grid.row_count)]


def said(pilot: Pilot[Any], selector: str) -> str:
    """What a part of the screen says."""
    return str(pilot.app.screen.query_one(selector, Static).render())


async def opened(pilot: Pilot[Any], *keys: str) -> None:
    """Goes to the profiles, and presses some more keys."""
    await settled(pilot)
    for key in ("4", *keys):
        await pilot.press(key)
        await settled(pilot)


# Pictures


@SIZES
def test_no_profiles_yet(picture: Picture, world: World, size: tuple[int, int]) -> None:
    assert picture(world, size, press=["4"])


@SIZES
def test_profiles_that_wait_for_their_first_build(picture: Picture, world: World, size: tuple[int, int]) -> None:
    world.lytics.standing = ProfileFigures(0, None, 1_998_112, 0)
    assert picture(world, size, press=["4"])


@SIZES
def test_a_profile_at_a_glance(picture: Picture, peopled: World, size: tuple[int, int]) -> None:
    assert picture(peopled, size, press=["4"])


@SIZES
def test_the_fields_of_a_profile(picture: Picture, peopled: World, size: tuple[int, int]) -> None:
    assert picture(peopled, size, press=["4", "f", *["down"] * 7])


@SIZES
def test_the_events_of_a_profile(picture: Picture, peopled: World, size: tuple[int, int]) -> None:
    assert picture(peopled, size, press=["4", "v", "down", "down"])


@SIZES
def test_a_search(picture: Picture, peopled: World, size: tuple[int, int]) -> None:
    assert picture(peopled, size, press=["4", "slash", "a", "d", "a"])


@SIZES
def test_a_search_that_finds_nobody(picture: Picture, peopled: World, size: tuple[int, int]) -> None:
    assert picture(peopled, size, press=["4", "slash", "[", "b", "]"])


@SIZES
def test_profiles_that_take_their_time(picture: Picture, peopled: World, size: tuple[int, int]) -> None:
    peopled.lytics.gate.clear()
    assert picture(peopled, size, press=["4"], loading=True)
    peopled.lytics.gate.set()


@SIZES
def test_profiles_that_cannot_be_read(picture: Picture, peopled: World, size: tuple[int, int]) -> None:
    peopled.lytics.broken = Fatal("The profiles cannot be read", why="The disk is full", fix="Make room, then press r")
    assert picture(peopled, size, press=["4"])


@SIZES
def test_a_person_to_be_forgotten(picture: Picture, peopled: World, size: tuple[int, int]) -> None:
    assert picture(peopled, size, press=["4", "F"])


@SIZES
def test_a_person_who_was_forgotten(picture: Picture, peopled: World, size: tuple[int, int]) -> None:
    assert picture(peopled, size, press=["4", "F", *ADA, "enter"])


@SIZES
def test_a_person_who_cannot_be_forgotten_now(
    picture: Picture, peopled: World, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_value: str) -> None:
        raise RetryLater("2 runs are at work", why="They read what would be removed", fix="Wait until they have ended")

    monkeypatch.setattr(peopled.desk, "forget", busy)
    assert picture(peopled, size, press=["4", "F", *ADA, "enter"])


def test_fields_on_a_light_ground(picture: Picture, peopled: World) -> None:
    assert picture(peopled, LARGE, press=["4", "f"], theme="lyazure-light")


# The search


async def test_a_profile_is_named_by_its_strongest_identifier_or_by_what_was_sought(peopled: World) -> None:
    async with peopled.app().run_test(size=LARGE) as pilot:
        await opened(pilot)
        assert listed(pilot)[:2] == [ADA, "adaeze.okafor12@example.org"]
        await pilot.press("slash", *"C0000")
        await until(pilot, lambda: listed(pilot)[0] == "C000001")
        assert len(listed(pilot)) == 7  # all but the one who is known by a cookie alone


async def test_typing_asks_once_when_it_rests_and_enter_asks_at_once(
    peopled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lytics_azure_tui.tui.screens.profiles.PAUSE_SECONDS", 3600)
    async with peopled.app().run_test(size=LARGE) as pilot:
        await opened(pilot)
        peopled.lytics.asked.clear()
        await pilot.press("slash", *"ad")
        assert peopled.lytics.asked == []
        await pilot.press("a", "enter")
        await until(pilot, lambda: listed(pilot) == [ADA, "adaeze.okafor12@example.org"])
        assert [about for name, about in peopled.lytics.asked if name == "find"] == ["ada"]
        assert pilot.app.focused is pilot.app.screen.query_one("#profiles")


async def test_a_slow_answer_does_not_replace_a_newer_one(peopled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answer, answered = Event(), list[str]()
    find = peopled.lytics.find

    def slow(text: str, limit: int = 50) -> list[Profile]:
        if text == "z":
            answer.wait(10)
        found = find(text, limit)
        answered.append(text)
        return found

    monkeypatch.setattr(peopled.lytics, "find", slow)
    async with peopled.app().run_test(size=LARGE) as pilot:
        await opened(pilot)
        await pilot.press("slash", "z", "enter", "slash", "home", "delete", *"ines", "enter")
        await until(pilot, lambda: "ines" in answered)
        answer.set()
        await until(pilot, lambda: "z" in answered)
        await settled(pilot)
        assert listed(pilot) == ["ines.rossi4@example.com"]


async def test_escape_leads_from_the_search_to_the_list_and_to_all_profiles(peopled: World) -> None:
    async with peopled.app().run_test(size=LARGE) as pilot:
        await opened(pilot, "slash", *"ines")
        await until(pilot, lambda: len(listed(pilot)) == 1)
        await pilot.press("escape")
        assert pilot.app.focused is pilot.app.screen.query_one("#profiles")
        assert len(listed(pilot)) == 1
        await pilot.press("escape")
        await until(pilot, lambda: len(listed(pilot)) == 8)


async def test_an_id_of_a_profile_that_was_merged_or_an_answer_without_anybody_is_no_fault(peopled: World) -> None:
    async with peopled.app().run_test(size=LARGE) as pilot:
        await opened(pilot, "slash", *"nobody", "enter")
        assert listed(pilot) == []
        assert "begins with nobody" in said(pilot, "#nothing")
        await pilot.press("f", "F")  # nothing to look at, nobody to forget
        assert isinstance(pilot.app.screen, Profiles)


def test_the_strongest_identifier_tells_most() -> None:
    both = (Identifier("cookies", "ck_1"), Identifier("email", "b@example.com"), Identifier("email", "aa@example.com"))
    profile = Profile("f00d", {}, both)
    assert telling(profile, {"email": 1, "cookies": 5}) == Identifier("email", "b@example.com")
    assert telling(profile, {"email": 5, "cookies": 1}) == Identifier("cookies", "ck_1")
    assert telling(profile, {}) == Identifier("email", "b@example.com")
    assert telling(profile, {"email": 1, "cookies": 5}, "ck") == Identifier("cookies", "ck_1")
    assert telling(replace(profile, identifiers=()), {}) == Identifier("_id", "f00d")


# The profile


def test_lists_and_maps_take_a_row_for_each_entry_the_largest_figure_first() -> None:
    profile = Profile("1", {"visits": {"/b": 2, "/a": 2, "/c": 9}, "tags": ("x", "y"), "none": ()})
    rows = [(row.cells[0].text, row.cells[1].text) for row in field_rows(profile, {}, UTC)]
    assert rows == [("visits", "/c: 9"), ("", "/a: 2"), ("", "/b: 2"), ("tags", "x"), ("", "y"), ("none", "empty")]


def test_a_map_of_ten_thousand_keys_says_how_many_are_not_shown() -> None:
    rows = field_rows(Profile("1", {"visits": {f"/{place}": place for place in range(10_000)}}), {}, UTC)
    assert len(rows) == ENTRIES_SHOWN + 1
    assert rows[-1].cells[1].text == "… and 9,900 more"


def test_what_says_again_who_it_was_comes_last() -> None:
    event = Happening(NOW, "web", {"visitor": "ck_1", "page": "/", "seconds": "3"})
    assert in_short(event, {"ck_1"}) == "page=/ · seconds=3 · visitor=ck_1"


async def test_more_events_come_when_the_cursor_is_on_the_last(peopled: World) -> None:
    async with peopled.app().run_test(size=LARGE) as pilot:
        await opened(pilot, "v")
        grid = pilot.app.screen.query_one("#events-grid", Grid)
        await until(pilot, lambda: grid.row_count == PAGE)
        assert "newest 100 of 148" in said(pilot, "#events-note")
        await pilot.press("ctrl+end")
        await until(pilot, lambda: grid.row_count == 148)
        assert grid.cursor_row == PAGE - 1
        assert "All 148" in said(pilot, "#events-note")
        asked = len(peopled.lytics.asked)
        await pilot.press("ctrl+end")
        await settled(pilot)
        assert len(peopled.lytics.asked) == asked  # there are no more


async def test_events_are_asked_for_when_their_tab_is_open(peopled: World) -> None:
    async with peopled.app().run_test(size=LARGE) as pilot:
        await opened(pilot, "down", "down")
        assert not [about for name, about in peopled.lytics.asked if name == "happenings"]
        await pilot.press("v")
        await until(pilot, lambda: pilot.app.screen.query_one("#events-grid", Grid).row_count == 3)
        await pilot.press("escape", "down")
        await until(pilot, lambda: pilot.app.screen.query_one("#events-grid", Grid).row_count == 37)


async def test_events_that_cannot_be_read_are_said_and_the_profile_stays(
    peopled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise Fatal("The events cannot be read")

    monkeypatch.setattr(peopled.lytics, "happenings", fail)
    async with peopled.app().run_test(size=LARGE) as pilot:
        await opened(pilot, "v")
        problem = pilot.app.screen.query_one(Problem)
        await until(pilot, lambda: problem.error is not None)
        await pilot.press("o")
        assert pilot.app.screen.query_one("#about").display


async def test_enter_goes_into_the_profile_on_the_tab_that_is_open(peopled: World) -> None:
    async with peopled.app().run_test(size=LARGE) as pilot:
        await opened(pilot, "f", "escape", "down", "enter")
        assert pilot.app.screen.query_one("#profile TabbedContent", TabbedContent).active == "fields"
        assert pilot.app.focused is pilot.app.screen.query_one("#fields-grid")
        assert "adaeze" in said(pilot, "#whole-field")


# Forgetting


async def test_nobody_is_forgotten_before_the_identifier_is_typed(peopled: World) -> None:
    async with peopled.app().run_test(size=LARGE) as pilot:
        await opened(pilot, "F")
        button = pilot.app.screen.query_one("#forget", Button)
        assert button.disabled
        await pilot.press(*"ada@example.co", "enter")
        await settled(pilot)
        assert button.disabled
        assert peopled.lytics.forgotten == []
        await pilot.press("m")
        assert not button.disabled
        await pilot.press("escape")
        await settled(pilot)
        assert isinstance(pilot.app.screen, Profiles)
        assert peopled.lytics.forgotten == []


async def test_a_person_is_forgotten_by_what_was_sought_and_the_list_is_read_anew(peopled: World) -> None:
    async with peopled.app().run_test(size=LARGE) as pilot:
        await opened(pilot, "slash", *"C000007", "enter", "F", *"C000007", "enter")
        report = said(pilot, "#words")
        assert "ines.rossi4@example.com" in report
        assert "web  49" in report
        assert peopled.lytics.forgotten == [Identifier("customer_id", "C000007")]
        await pilot.press("enter")
        await until(pilot, lambda: len(listed(pilot)) == 7)
        assert "ines.rossi4@example.com" not in listed(pilot)


async def test_forgetting_that_goes_on_cannot_be_left(peopled: World) -> None:
    """Its report is the only proof of what was removed."""
    async with peopled.app().run_test(size=LARGE) as pilot:
        await opened(pilot, "F")
        peopled.lytics.gate.clear()
        await pilot.press(*ADA, "enter")
        await until(pilot, lambda: ("forget", ADA) in peopled.lytics.asked)
        await pilot.press("escape", "enter")
        assert isinstance(pilot.app.screen, Forget)
        peopled.lytics.gate.set()
        await until(pilot, lambda: "Removed" in said(pilot, "#words"))
        assert peopled.lytics.forgotten == [Identifier("email", ADA)]


async def test_what_could_not_be_forgotten_can_be_tried_again(peopled: World) -> None:
    async with peopled.app().run_test(size=LARGE) as pilot:
        await opened(pilot, "F")
        peopled.lytics.broken = RetryLater("A run is at work")
        await pilot.press(*ADA, "enter")
        await until(pilot, lambda: "A run is at work" in said(pilot, "#words"))
        peopled.lytics.broken = None
        assert pilot.app.focused is pilot.app.screen.query_one("#typed", Line)
        await pilot.press("enter")
        await until(pilot, lambda: "Removed" in said(pilot, "#words"))


def test_typing_rests_for_a_moment_that_a_person_does_not_wait_for() -> None:
    assert 0.1 <= PAUSE_SECONDS <= 0.4
