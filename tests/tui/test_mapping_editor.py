"""The mapping editor: suggestions, rules, what they would make, and publishing."""

from __future__ import annotations

from threading import Event
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Static

from lytics_azure_tui.config import definitions
from lytics_azure_tui.errors import BadConfiguration, Cancelled, Fatal
from lytics_azure_tui.lytics.protocol import Stopper, Trial
from lytics_azure_tui.model.mapping import FieldRule, StreamMapping
from lytics_azure_tui.model.user_field import FieldKind, Merge
from lytics_azure_tui.tui.screens.confirm import Confirm
from lytics_azure_tui.tui.screens.dashboard import Dashboard
from lytics_azure_tui.tui.screens.mapping_editor import MappingEditor
from lytics_azure_tui.tui.screens.rule_form import RuleForm
from lytics_azure_tui.tui.widgets.controls import OneOf
from lytics_azure_tui.tui.widgets.expression_input import Expression
from lytics_azure_tui.tui.widgets.form import Form
from lytics_azure_tui.tui.widgets.grid import Grid
from lytics_azure_tui.tui.widgets.problem import Problem
from tests.tui.conftest import LARGE, SMALL, Never, Picture, settled, until
from tests.tui.people import define, populated
from tests.tui.world import World

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])


@pytest.fixture
def world(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A stream with events, and no mapping of it."""
    monkeypatch.setattr("lytics_azure_tui.tui.screens.mapping_editor.PAUSE_SECONDS", 0.02)
    monkeypatch.setattr("lytics_azure_tui.tui.screens.rule_form.PAUSE_SECONDS", 0.02)
    world.lytics = world.desk._lytics = populated()
    return world


def editor(world: World) -> MappingEditor:
    """Of the stream that is there."""
    return MappingEditor(world.desk, "customers")


async def opened(pilot: Pilot[Any], world: World, *keys: str) -> MappingEditor:
    """The editor, after some keys."""
    await settled(pilot)
    screen = editor(world)
    pilot.app.push_screen(screen)
    await settled(pilot)
    for key in keys:
        await pilot.press(key)
        await settled(pilot)
    return screen


def names(screen: MappingEditor) -> list[str]:
    """The user fields of the mapping as it stands."""
    return [part.field for _, part in screen._draft.parts()]


def answer(pilot: Pilot[Any], name: str, value: object) -> None:
    """Answers a question of the form as an operator does."""
    pilot.app.screen.query_one(Form).fields[name].put(value)


def saved(world: World) -> StreamMapping | None:
    """The mapping in its file."""
    found = definitions.read(world.folder).mappings
    return next((mapping for mapping in found if mapping.stream == "customers"), None)


def top(pilot: Pilot[Any]) -> Screen[Any]:
    """The screen that is seen."""
    return pilot.app.screen


def errors(screen: Screen[Any]) -> dict[str, str]:
    """What the form says to be wrong."""
    return {
        name: str(field.query_one(".field-error", Static).render())
        for name, field in screen.query_one(Form).fields.items()
        if field.has_class("-wrong")
    }


# Pictures


@SIZES
def test_a_stream_without_a_mapping(picture: Picture, world: World, size: tuple[int, int]) -> None:
    assert picture(world, size, screen=lambda: editor(world))


@SIZES
def test_what_the_columns_suggest_and_what_it_would_make(picture: Picture, world: World, size: tuple[int, int]) -> None:
    assert picture(world, size, screen=lambda: editor(world), press=["s"])


@SIZES
def test_a_mapping_that_is_there(picture: Picture, world: World, size: tuple[int, int]) -> None:
    define(world.folder)
    assert picture(world, size, screen=lambda: editor(world))


@SIZES
def test_a_stream_that_takes_its_time(
    picture: Picture, world: World, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch, never: Never
) -> None:
    monkeypatch.setattr(world.lytics, "fields", never)
    assert picture(world, size, screen=lambda: editor(world), loading=True)


@SIZES
def test_a_trial_that_takes_its_time(
    picture: Picture, world: World, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch, never: Never
) -> None:
    monkeypatch.setattr(world.lytics, "try_mapping", lambda *_, **__: never())
    assert picture(world, size, screen=lambda: editor(world), press=["s"], loading=True)


@SIZES
def test_a_trial_that_fails(picture: Picture, world: World, size: tuple[int, int]) -> None:
    world.lytics.broken = Fatal("The events cannot be read", why="The disk is full", fix="Make room, then press r")
    assert picture(world, size, screen=lambda: editor(world), press=["s"])


@SIZES
def test_a_rule(picture: Picture, world: World, size: tuple[int, int]) -> None:
    assert picture(world, size, screen=lambda: editor(world), press=["down", "enter"])


@SIZES
def test_a_rule_that_is_wrong(picture: Picture, world: World, size: tuple[int, int]) -> None:
    async def misspell(pilot: Pilot[Any]) -> None:
        await pilot.press("backspace", *"x)", "ctrl+s")

    assert picture(world, size, screen=lambda: editor(world), press=["down", "enter"], before=misspell)


@SIZES
def test_what_could_stand_in_an_expression(picture: Picture, world: World, size: tuple[int, int]) -> None:
    async def begin(pilot: Pilot[Any]) -> None:
        await pilot.press("ctrl+u", "e")

    assert picture(world, size, screen=lambda: editor(world), press=["down", "enter"], before=begin)


@SIZES
def test_the_condition_on_all_events(picture: Picture, world: World, size: tuple[int, int]) -> None:
    assert picture(world, size, screen=lambda: editor(world), press=["s", "w"])


@SIZES
def test_the_question_before_publishing(picture: Picture, world: World, size: tuple[int, int]) -> None:
    assert picture(world, size, screen=lambda: editor(world), press=["s", "ctrl+s"])


def test_a_mapping_on_a_light_ground(picture: Picture, world: World) -> None:
    define(world.folder)
    assert picture(world, LARGE, screen=lambda: editor(world), press=["s"], theme="lyazure-light")


def test_a_rule_on_a_light_ground(picture: Picture, world: World) -> None:
    assert picture(world, LARGE, screen=lambda: editor(world), press=["down", "enter"], theme="lyazure-light")


# Fields


async def test_suggestions_are_taken_together_and_given_back_together(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world, "s")
        found = names(screen)
        assert {"email", "customer_id", "tags", "updated_at"} <= set(found)
        await pilot.press("s")
        assert names(screen) == found
        await pilot.press("u")
        assert names(screen) == []
        assert not screen.unsaved


async def test_the_column_under_the_cursor_becomes_a_field(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world, "down", "enter", "ctrl+s")
        assert names(screen) == ["email"]
        assert screen._draft.mapping.fields == [FieldRule(field="email", expression="email(email)", identifier=True)]


async def test_escape_takes_no_rule(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world, "down", "enter", "escape")
        assert names(screen) == []


async def test_a_rule_is_changed_in_its_place_and_removed(world: World) -> None:
    define(world.folder)
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world, "down", "e")
        form = pilot.app.screen
        assert isinstance(form, RuleForm)
        answer(pilot, "field", "customer_number")
        await pilot.press("ctrl+s")
        await settled(pilot)
        assert names(screen) == ["email", "customer_number", "spent"]
        await pilot.press("d")
        await settled(pilot)
        assert names(screen) == ["email", "spent"]


async def test_a_kind_offers_only_the_ways_of_merging_that_it_can_have(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        await opened(pilot, world, "down", "enter")
        form = pilot.app.screen
        merges = form.query_one("#rule-merge", OneOf)
        answer(pilot, "kind", "map[string]int")
        await settled(pilot)
        offered = [value for _, value in merges._options if isinstance(value, str)]
        assert offered == [merge.value for merge in FieldKind.MAP_INT.merges]
        assert merges.value == Merge.MERGE


async def test_a_way_of_merging_stays_where_the_new_kind_can_have_it(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        await opened(pilot, world, "down", "enter")
        answer(pilot, "identifier", False)
        answer(pilot, "merge", "max")
        await settled(pilot)
        answer(pilot, "kind", "int")
        await settled(pilot)
        assert pilot.app.screen.query_one(Form).answers["merge"] == "max"


async def test_a_wrong_expression_is_said_with_its_place_and_not_taken(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world, "down", "enter")
        await pilot.press("backspace", *"x)", "ctrl+s")
        await settled(pilot)
        assert isinstance(pilot.app.screen, RuleForm)
        said = errors(pilot.app.screen)
        assert set(said) == {"expression"}
        assert "Line 1, column 7" in said["expression"]
        assert "emailx" in said["expression"]
        code = pilot.app.screen.query_one("#rule-expression", Expression)
        assert code.line.wrong == (0, 6)
        line = code.line.get_line(0)
        marked = [line.plain[span.start : span.end] for span in line.spans if getattr(span.style, "underline", False)]
        assert marked == ["emailx"]
        assert names(screen) == []


async def test_a_wrong_guard_is_said_at_the_guard(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        await opened(pilot, world, "down", "enter")
        answer(pilot, "guard", 'country = "NL" AND')
        await settled(pilot)
        await pilot.press("ctrl+s")
        await settled(pilot)
        assert set(errors(pilot.app.screen)) == {"guard"}


async def test_an_identifier_cannot_be_a_date_and_the_form_says_so(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        await opened(pilot, world, "down", "enter")
        form = pilot.app.screen
        answer(pilot, "kind", "date")
        await settled(pilot)
        await pilot.press("ctrl+s")
        await settled(pilot)
        assert isinstance(pilot.app.screen, RuleForm)
        assert "identifier" in str(form.query_one("#rule-gives", Static).render())


async def test_a_rule_says_what_it_gives(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        await opened(pilot, world, "down", "enter")
        said = str(pilot.app.screen.query_one("#rule-gives", Static).render())
        assert "1,998 of the newest 2,000" in said
        assert "ada@example.com" in said


async def test_an_interest_by_a_column(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world, "down", "down", "down", "i", "ctrl+s")
        (item,) = screen._draft.mapping.affinities
        assert (item.field, item.expression) == ("country_interest", "country")


async def test_a_condition_on_all_events_stands_in_the_list_and_goes_from_there(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world, "s", "w")
        answer(pilot, "where", 'country = "NL"')
        await settled(pilot)
        await pilot.press("ctrl+s")
        await settled(pilot)
        assert screen._draft.mapping.where == 'country = "NL"'
        grid = screen.query_one("#fields", Grid)
        grid.focus()
        grid.select("where")
        assert grid.get_row_at(grid.row_count - 1)[0].plain == "only where"
        await pilot.press("d")
        assert screen._draft.mapping.where is None


# The trial


async def test_nothing_is_tried_before_there_is_an_identifier(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world)
        assert "try_mapping" not in [name for name, _ in world.lytics.asked]
        assert "identifier" in str(screen.query_one("#trial-words", Static).render())


async def test_an_older_trial_is_stopped_and_never_shown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"email": Trial(1, (), {}, {}), "both": Trial(2, (), {}, {})}
    waiting, stopped = Event(), Event()

    def trial(mapping: StreamMapping, *, stopper: Stopper, **_: object) -> Trial:
        if len(mapping.fields) > 1:
            return answers["both"]
        waiting.set()
        while not stopper.stopped:
            stopped.wait(0.01)
        stopped.set()
        raise Cancelled("Nobody waits")

    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world)
        monkeypatch.setattr(world.lytics, "try_mapping", trial)
        screen._draft.put(FieldRule(field="email", expression="email", identifier=True))
        screen._changed()
        await until(pilot, waiting.is_set)
        screen._draft.put(FieldRule(field="city", expression="country"))
        screen._changed()
        await until(pilot, stopped.is_set)
        await settled(pilot)
        assert screen._trial is answers["both"]
        assert screen.query_one(Problem).error is None


# Publishing


async def test_publishing_asks_then_writes_and_goes_back(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        await opened(pilot, world, "s", "ctrl+s")
        assert isinstance(pilot.app.screen, Confirm)
        assert saved(world) is None
        await pilot.press("y")
        await settled(pilot)
        assert not isinstance(pilot.app.screen, MappingEditor)
    mapping = saved(world)
    assert mapping is not None
    assert mapping.fields[0] == FieldRule(field="customer_id", expression="customer_id", identifier=True, rank=2)


async def test_comments_of_people_stay_in_the_file(world: World) -> None:
    path = definitions.mappings_dir(world.folder) / "customers.toml"
    path.parent.mkdir()
    path.write_text(
        "# Ask Ines before you change this.\n"
        '[[fields]]\nfield = "email"\nexpression = "email(email)"\nidentifier = true\n'
    )
    async with world.app().run_test(size=LARGE) as pilot:
        await opened(pilot, world, "s", "ctrl+s", "y")
    assert "# Ask Ines before you change this." in path.read_text()
    mapping = saved(world)
    assert mapping is not None
    assert len(mapping.fields) > 5


async def test_a_field_that_is_something_else_in_another_stream_is_refused(world: World) -> None:
    other = FieldRule(field="country", expression="country", kind=FieldKind.STRINGS)
    definitions.save_mapping(world.folder, StreamMapping(stream="web", fields=[other]))
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world)
        screen._draft.put(FieldRule(field="country", expression="country"))
        screen._changed()
        await pilot.press("ctrl+s")
        await settled(pilot)
        assert pilot.app.screen is screen
        error = screen.query_one(Problem).error
        assert isinstance(error, BadConfiguration)
        assert "country is string" in str(error)
        assert "in the mapping of web" in str(error)
    assert saved(world) is None


async def test_a_mapping_that_names_what_is_not_there_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> Trial:
        raise BadConfiguration("The mapping of customers cannot be used", why="there is no field nix")

    monkeypatch.setattr(world.lytics, "try_mapping", refuse)
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world, "s", "ctrl+s")
        assert pilot.app.screen is screen
        assert "nix" in str(screen.query_one(Problem).error)
    assert saved(world) is None


async def test_a_trial_that_fails_for_other_reasons_does_not_hinder_publishing(world: World) -> None:
    world.lytics.broken = Fatal("The disk is full")
    async with world.app().run_test(size=LARGE) as pilot:
        await opened(pilot, world, "s", "ctrl+s", "y")
    assert saved(world) is not None


async def test_a_file_that_cannot_be_read_is_not_written_over(world: World) -> None:
    path = definitions.mappings_dir(world.folder) / "customers.toml"
    path.parent.mkdir()
    path.write_text("[[fields]]\nfield = 7\n")
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world, "s", "ctrl+s")
        assert pilot.app.screen is screen
        assert "mappings/customers.toml" in str(screen.query_one(Problem).error)
    assert path.read_text() == "[[fields]]\nfield = 7\n"


async def test_a_mapping_without_anything_in_it_goes(world: World) -> None:
    define(world.folder)
    async with world.app().run_test(size=LARGE) as pilot:
        await opened(pilot, world, "d", "d", "d", "ctrl+s", "y")
    assert saved(world) is None


async def test_leaving_asks_where_something_would_be_lost(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world, "s", "escape")
        assert isinstance(top(pilot), Confirm)
        await pilot.press("escape")
        await settled(pilot)
        assert top(pilot) is screen


async def test_leaving_asks_nothing_where_nothing_would_be_lost(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        await opened(pilot, world, "s", "u", "escape")
        assert isinstance(pilot.app.screen, Dashboard)


async def test_a_name_with_markup_in_it_is_shown_as_it_is(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world, "s")
        grid = screen.query_one("#columns", Grid)
        assert "[b]Bo[/b]" in grid.get_row_at(2)[2].plain


async def test_where_mappings_are_made_elsewhere_it_is_said_and_nothing_is_written(world: World) -> None:
    world.lytics.elsewhere = BadConfiguration("Mappings are not edited here", fix="Edit them in Lytics' own screens")
    async with world.app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, world, "s", "ctrl+s")
        assert "Lytics' own screens" in str(screen.query_one(Problem).error)
    assert saved(world) is None
