"""The audience editor: the filter, its size while it is typed, and what is saved."""

from __future__ import annotations

from threading import Event
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Static

from lytics_azure_tui.config import definitions
from lytics_azure_tui.errors import BadConfiguration, Cancelled, Fatal
from lytics_azure_tui.lytics.protocol import Estimate, Stopper
from lytics_azure_tui.model.audience import Audience
from lytics_azure_tui.model.language.problem import LanguageProblem
from lytics_azure_tui.model.mapping import Definitions
from lytics_azure_tui.tui.screens.audience_editor import AudienceEditor
from lytics_azure_tui.tui.screens.audiences import Audiences
from lytics_azure_tui.tui.screens.confirm import Confirm
from lytics_azure_tui.tui.screens.dashboard import Dashboard
from lytics_azure_tui.tui.widgets.expression_input import Expression
from lytics_azure_tui.tui.widgets.form import Form
from lytics_azure_tui.tui.widgets.grid import Grid
from lytics_azure_tui.tui.widgets.problem import Problem
from tests.tui.conftest import LARGE, SMALL, Never, Picture, settled, until
from tests.tui.people import define, populated
from tests.tui.world import World

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])
SLUG = "big-spenders"
PAUSE = "lytics_azure_tui.tui.screens.audience_editor.PAUSE_SECONDS"


@pytest.fixture
def world(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Profiles, mappings and audiences."""
    monkeypatch.setattr(PAUSE, 0.02)
    world.lytics = world.desk._lytics = populated()
    define(world.folder)
    return world


async def opened(pilot: Pilot[Any], world: World, slug: str | None, *keys: str) -> AudienceEditor:
    """The editor, after some keys."""
    await settled(pilot)
    screen = AudienceEditor(world.desk, slug)
    pilot.app.push_screen(screen)
    await settled(pilot)
    await press(pilot, *keys)
    return screen


def top(pilot: Pilot[Any]) -> Screen[Any]:
    """The screen that is seen."""
    return pilot.app.screen


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """One key after another, each with all that it brings about."""
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


def code(screen: AudienceEditor) -> Expression:
    """The filter."""
    return screen.query_one(Expression)


def said(screen: AudienceEditor) -> str:
    """What is said to be wrong with it."""
    words = screen.query_one("#said", Static)
    return str(words.render()) if words.display else ""


def found(screen: AudienceEditor) -> str:
    """The figures above the members."""
    return str(screen.query_one("#found").border_title)


def saved(world: World, slug: str) -> Audience | None:
    """The audience in its file."""
    return next((item for item in definitions.read(world.folder).audiences if item.slug == slug), None)


def new(world: World) -> AudienceEditor:
    """An empty one."""
    return AudienceEditor(world.desk, None)


def old(world: World) -> AudienceEditor:
    """One that is there."""
    return AudienceEditor(world.desk, SLUG)


# Pictures


@SIZES
def test_a_new_audience(picture: Picture, world: World, size: tuple[int, int]) -> None:
    assert picture(world, size, screen=lambda: new(world))


@SIZES
def test_an_audience_that_is_there(picture: Picture, world: World, size: tuple[int, int]) -> None:
    assert picture(world, size, screen=lambda: old(world))


@SIZES
def test_what_could_stand_at_the_cursor(picture: Picture, world: World, size: tuple[int, int]) -> None:
    async def begin(pilot: Pilot[Any]) -> None:
        await pilot.press("space", *"AND c")

    assert picture(world, size, screen=lambda: old(world), before=begin)


@SIZES
def test_a_filter_that_cannot_be_read(picture: Picture, world: World, size: tuple[int, int]) -> None:
    async def spoil(pilot: Pilot[Any]) -> None:
        await pilot.press("up", "end", *" AND )")

    assert picture(world, size, screen=lambda: old(world), before=spoil)


@SIZES
def test_an_audience_that_takes_its_time(
    picture: Picture, world: World, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch, never: Never
) -> None:
    monkeypatch.setattr(world.lytics, "user_fields", never)
    assert picture(world, size, screen=lambda: old(world), loading=True)


@SIZES
def test_a_count_that_takes_its_time(
    picture: Picture, world: World, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch, never: Never
) -> None:
    monkeypatch.setattr(world.lytics, "estimate", lambda *_, **__: never())
    assert picture(world, size, screen=lambda: old(world), loading=True)


@SIZES
def test_a_count_that_fails(
    picture: Picture, world: World, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> Estimate:
        raise Fatal("The profiles cannot be read", why="The disk is full", fix="Make room, then press ctrl+r")

    monkeypatch.setattr(world.lytics, "estimate", fail)
    assert picture(world, size, screen=lambda: old(world))


@SIZES
def test_an_audience_nobody_is_in(picture: Picture, world: World, size: tuple[int, int]) -> None:
    audience = saved(world, SLUG)
    assert audience is not None
    world.lytics.estimates[audience.filter] = Estimate(0, 253_114, ())
    assert picture(world, size, screen=lambda: old(world))


@SIZES
def test_before_there_are_profiles(picture: Picture, world: World, size: tuple[int, int]) -> None:
    audience = saved(world, SLUG)
    assert audience is not None
    world.lytics.fields_known = []
    world.lytics.estimates[audience.filter] = Estimate(0, 0, ())
    assert picture(world, size, screen=lambda: old(world))


@SIZES
def test_a_file_that_is_gone(picture: Picture, world: World, size: tuple[int, int]) -> None:
    assert picture(world, size, screen=lambda: AudienceEditor(world.desk, "nobody"))


@SIZES
def test_what_is_missing_when_it_is_saved(picture: Picture, world: World, size: tuple[int, int]) -> None:
    assert picture(world, size, screen=lambda: new(world), press=["ctrl+s"])


def test_an_audience_on_a_light_ground(picture: Picture, world: World) -> None:
    assert picture(world, LARGE, screen=lambda: old(world), theme="lyazure-light")


# The filter while it is typed


async def test_the_size_and_some_members_follow_the_typing(world: World) -> None:
    text = "FILTER country = 1"
    world.lytics.estimates[text] = Estimate(12_345, 2_000_000, tuple(world.lytics.known.values())[:2])
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world, None, *["enter"] * 3)
        await pilot.press(*"country = 1")
        await settled(pilot)
        assert code(screen).text == text
        assert found(screen) == "12,345 of 2,000,000 (0.6 %)"
        members = screen.query_one("#members", Grid)
        assert members.row_count == 2
        assert "ada@example.com" in members.get_row_at(0)[0].plain
        assert members.get_row_at(0)[1].plain == "GB"


async def test_it_is_counted_once_when_the_typing_rests(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PAUSE, 0.5)
    async with world.app().run_test(size=LARGE) as pilot:
        await opened(pilot, world, None, *["enter"] * 3)
        await pilot.press(*"country = 1")
        await settled(pilot)
        asked = [text for name, text in world.lytics.asked if name == "estimate"]
        assert asked == ["FILTER country = 1"]


async def test_an_older_count_is_stopped_and_never_shown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting, stopped = Event(), Event()

    def estimate(text: str, _: Definitions, *, stopper: Stopper, **__: object) -> Estimate:
        if text.endswith("1"):
            waiting.set()
            while not stopper.stopped:
                stopped.wait(0.01)
            stopped.set()
            raise Cancelled("Nobody waits")
        return Estimate(22, 100, ())

    monkeypatch.setattr(world.lytics, "estimate", estimate)
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world, None, *["enter"] * 3)
        await pilot.press(*"country = 1")
        await until(pilot, lambda: "counting" in found(screen))
        await until(pilot, waiting.is_set)
        await pilot.press("2")
        await until(pilot, stopped.is_set)
        await settled(pilot)
        assert found(screen) == "22 of 100 (22.0 %)"
        assert said(screen) == ""


async def test_the_screen_answers_while_it_is_counted(
    world: World, monkeypatch: pytest.MonkeyPatch, never: Never
) -> None:
    monkeypatch.setattr(world.lytics, "estimate", lambda *_, **__: never())
    async with world.app().run_test(size=LARGE) as pilot:
        await settled(pilot)
        screen = AudienceEditor(world.desk, SLUG)
        await pilot.app.push_screen(screen)
        await until(pilot, lambda: "counting" in found(screen))
        await pilot.press("x")
        assert code(screen).text.endswith(")x")


async def test_a_filter_that_cannot_be_read_says_where_and_what_was_expected(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world, SLUG)
        before = found(screen)
        code(screen).put("FILTER AND (\n  spent > 1000\n  AND )")
        await settled(pilot)
        assert "Line 3, column 7" in said(screen)
        assert "expected a condition" in said(screen)
        assert code(screen).line.wrong == (2, 6)
        assert found(screen) == f"{before} · before the last change"


async def test_what_the_filter_names_and_is_not_there_is_underlined(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> Estimate:
        raise BadConfiguration("The filter cannot be used") from LanguageProblem("there is no field spant", 1, 8)

    monkeypatch.setattr(world.lytics, "estimate", refuse)
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world, SLUG)
        assert "Line 1, column 8: There is no field spant." in said(screen)
        assert code(screen).line.wrong == (0, 7)
        await press(pilot, "ctrl+s")
        assert pilot.app.screen is screen


async def test_an_audience_that_includes_this_one_sees_it_as_it_stands_here(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = list[Definitions]()

    def estimate(_: str, known: Definitions, **__: object) -> Estimate:
        seen.append(known)
        return Estimate(1, 2, ())

    monkeypatch.setattr(world.lytics, "estimate", estimate)
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world, SLUG)
        code(screen).put("FILTER INCLUDE `win-back`")
        await settled(pilot)
    own = [audience.filter for audience in seen[-1].audiences if audience.slug == SLUG]
    assert own == ["FILTER INCLUDE `win-back`"]


async def test_a_field_of_the_list_is_written_at_the_cursor(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world, SLUG)
        code(screen).put("FILTER NOT")
        code(screen).line.move_cursor((0, 10))
        grid = screen.query_one("#known", Grid)
        grid.focus()
        grid.select("country")
        await press(pilot, "enter")
        assert code(screen).text == "FILTER NOT country"
        assert code(screen).line.has_focus


# Completion


async def typed(pilot: Pilot[Any], world: World, text: str) -> AudienceEditor:
    """A new filter, after FILTER some letters."""
    screen = await opened(pilot, world, None, *["enter"] * 3)
    await pilot.press(*text)
    await settled(pilot)
    return screen


async def test_enter_and_tab_take_what_is_offered(world: World) -> None:
    for key in ("enter", "tab"):
        async with world.app().run_test(size=LARGE) as pilot:
            screen = await typed(pilot, world, "coun")
            assert code(screen).is_open
            await press(pilot, key)
            assert code(screen).text == "FILTER country"
            assert not code(screen).is_open
            assert code(screen).line.has_focus


async def test_the_list_is_led_by_the_arrows_and_closed_by_escape(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await typed(pilot, world, "c")
        first = code(screen)._items[0].text
        await press(pilot, "down", "up", "down")
        second = code(screen)._items[1].text
        await press(pilot, "escape")
        assert not code(screen).is_open
        assert pilot.app.screen is screen
        await press(pilot, "ctrl+@", "down", "enter")
        assert first != second
        assert code(screen).text == f"FILTER {second}"


async def test_enter_after_a_whole_word_begins_a_line(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await typed(pilot, world, "customer_id")
        await press(pilot, "enter")
        assert code(screen).text == "FILTER customer_id\n"


async def test_a_function_is_written_with_its_brackets_around_the_cursor(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await typed(pilot, world, "tolow")
        await press(pilot, "enter")
        await pilot.press(*"x")
        assert code(screen).text == "FILTER tolower(x)"


async def test_moving_away_closes_the_list(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await typed(pilot, world, "c")
        await press(pilot, "left", "left")
        assert not code(screen).is_open


async def test_pasted_line_ends_of_other_systems_are_ours(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world, SLUG)
        code(screen).put("FILTER AND (\r\n  spent > 1,\r  country = 2)\n")
        assert code(screen).text == "FILTER AND (\n  spent > 1,\n  country = 2)"


async def test_control_characters_are_shown_and_never_sent_to_the_terminal(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world, SLUG)
        code(screen).put('FILTER name = "\x1b[31m[b]"')
        shown = code(screen).line.get_line(0).plain
        assert "\x1b" not in shown
        assert "[31m[b]" in shown


# Saving


async def test_the_slug_follows_the_label_until_it_is_written(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world, None)
        await pilot.press(*"Seen this Week!")
        await settled(pilot)
        answers = screen.query_one(Form).answers
        assert answers["slug"] == "seen-this-week"
        await press(pilot, "enter", "end")
        await pilot.press(*"-eu")
        await press(pilot, "shift+tab", "end")
        await pilot.press(*" or not")
        await settled(pilot)
        assert answers["label"] == "Seen this Week! or not"
        assert answers["slug"] == "seen-this-week-eu"


async def test_a_new_audience_is_saved_under_its_slug(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        await opened(pilot, world, None)
        await pilot.press(*"Dutch")
        await press(pilot, "enter", "enter", "enter")
        await pilot.press(*'country = "NL"')
        await settled(pilot)
        await press(pilot, "ctrl+s")
        assert isinstance(pilot.app.screen, Dashboard)
    assert saved(world, "dutch") == Audience(slug="dutch", label="Dutch", filter='FILTER country = "NL"')


async def test_the_slug_of_another_audience_is_refused(world: World) -> None:
    before = saved(world, SLUG)
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world, None)
        await pilot.press(*"Big spenders")
        code(screen).put("FILTER *")
        await settled(pilot)
        await press(pilot, "ctrl+s")
        assert pilot.app.screen is screen
        assert screen.query_one(Form).fields["slug"].has_class("-wrong")
    assert saved(world, SLUG) == before


async def test_a_changed_audience_keeps_its_slug_and_its_comments(world: World) -> None:
    path = definitions.audiences_dir(world.folder) / f"{SLUG}.toml"
    path.write_text(f"# Ines looks after this one.\n{path.read_text()}")
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world, SLUG)
        screen.query_one(Form).fields["label"].put("Spenders")
        code(screen).put("FILTER spent > 2000")
        await settled(pilot)
        await press(pilot, "ctrl+s")
    audience = saved(world, SLUG)
    assert audience is not None
    assert (audience.label, audience.filter) == ("Spenders", "FILTER spent > 2000")
    assert "# Ines looks after this one." in path.read_text()


async def test_a_filter_that_cannot_be_read_is_not_saved(world: World) -> None:
    before = saved(world, SLUG)
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world, SLUG)
        code(screen).put("FILTER spent >")
        await press(pilot, "ctrl+s")
        assert pilot.app.screen is screen
        assert "Line 1" in said(screen)
    assert saved(world, SLUG) == before


async def test_leaving_asks_where_something_would_be_lost(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world, SLUG)
        await pilot.press("x", "escape")
        await settled(pilot)
        if top(pilot) is screen:  # the first one closed the list
            await press(pilot, "escape")
        assert isinstance(top(pilot), Confirm)
        await press(pilot, "n")
        assert top(pilot) is screen


async def test_leaving_asks_nothing_where_nothing_would_be_lost(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        await opened(pilot, world, SLUG, "escape")
        assert isinstance(pilot.app.screen, Dashboard)


async def test_a_new_audience_opened_from_the_list(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        await settled(pilot)
        await press(pilot, "5", "n")
        assert isinstance(pilot.app.screen, AudienceEditor)
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, Audiences)
        assert pilot.app.screen.query_one(Problem).error is None


async def test_where_audiences_are_made_elsewhere_it_is_said(world: World) -> None:
    world.lytics.elsewhere = BadConfiguration("Audiences are not edited here", fix="Edit them in Lytics' own screens")
    before = definitions.read(world.folder)
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world, None, "ctrl+s")
        assert "Lytics' own screens" in str(screen.query_one(Problem).error)
    assert definitions.read(world.folder) == before
