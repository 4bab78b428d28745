"""The forms of exports, drawn from their models: what they ask, what they offer, and what the review shows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from lytics_azure_tui.jobs.kind import Rehearsal
from lytics_azure_tui.lytics.protocol import AudienceInfo, FilledField, StreamInfo
from lytics_azure_tui.model.audience_csv import AudienceCsv
from lytics_azure_tui.model.audience_json import AudienceJson
from lytics_azure_tui.model.event_export import EventExport
from lytics_azure_tui.model.event_hub_export import EventHubExport
from lytics_azure_tui.model.job import JobConfig
from lytics_azure_tui.model.user_field import FieldKind, UserField
from lytics_azure_tui.tui.screens.dashboard import Dashboard
from lytics_azure_tui.tui.screens.job_wizard import FIELDS, REVIEW
from lytics_azure_tui.tui.widgets.form import Form
from tests.tui.conftest import LARGE, SMALL, Picture, settled, until
from tests.tui.shelf import AT, Shelf, full, put_on
from tests.tui.test_job_wizard import act, wizard, wrong
from tests.tui.world import World

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])
KINDS = pytest.mark.parametrize("kind", [AudienceJson, AudienceCsv, EventExport], ids=["json", "csv", "events"])
# How far down each is in the list of job types, imports of files being the first.
PLACES: dict[type[JobConfig], int] = {AudienceJson: 1, AudienceCsv: 2, EventExport: 3, EventHubExport: 4}

REHEARSAL = Rehearsal(
    "exporting 1,204,331 events of customers, orders to out/events-20261125150000.csv.gz; the name is as of now",
    (
        ("out/events-20261125150000.csv.gz", "1,204,331 events, 5 columns"),
        ("out/events-20261125150000.csv.gz.manifest.json", "what is in it"),
    ),
    None,
    ("_event_time", "_stream", "id", "email", "plan"),
    (
        ("2026-11-01T10:00:00.000000Z", "customers", "0", "user0@example.com", None),
        ("2026-11-01T10:00:01.000000Z", "customers", "1", "", "gold"),
    ),
    ("Encrypted for Reader <reader@example.com>",),
)


@pytest.fixture
def shelf(world: World, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """Azure in memory, streams, audiences and user fields, and a rehearsal that is always the same."""
    shelf = full()
    put_on(world, shelf, monkeypatch)
    world.lytics.infos = [StreamInfo("customers", 1_204_243, AT, AT, 0), StreamInfo("orders", 88, AT, AT, 0)]
    world.lytics.evaluated = [AudienceInfo("lapsed", None, 0, 0), AudienceInfo("vip", 12_345, 3, 1)]
    kinds = (("email", FieldKind.STRING), ("spent", FieldKind.NUMBER), ("tags", FieldKind.STRINGS))
    world.lytics.fields_known = [FilledField(UserField(name, kind), 10) for name, kind in kinds]
    monkeypatch.setattr("lytics_azure_tui.jobs.rehearsal.rehearse", lambda *_: REHEARSAL)
    return shelf


def to_fields(kind: type[JobConfig]) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Through provider, job type, authorization and label."""

    async def go(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        for key in ("n", "enter", *["down"] * PLACES[kind], "enter", "enter"):
            await pilot.press(key)
            await settled(pilot)
        await pilot.press(*"Nightly", "enter", "enter")
        await settled(pilot)
        assert wizard(pilot).at == FIELDS

    return go


@SIZES
@KINDS
def test_the_fields(picture: Picture, world: World, size: tuple[int, int], kind: type[JobConfig], shelf: Shelf) -> None:
    assert picture(world, size, before=to_fields(kind))


@SIZES
def test_the_choices_of_an_audience(picture: Picture, world: World, size: tuple[int, int], shelf: Shelf) -> None:
    assert picture(world, size, before=act(to_fields(AudienceJson), "down"))


@SIZES
def test_the_advanced_fields(picture: Picture, world: World, size: tuple[int, int], shelf: Shelf) -> None:
    assert picture(world, size, before=act(to_fields(EventExport), *"landing", "ctrl+n"))


@SIZES
def test_the_review_shows_the_name(picture: Picture, world: World, size: tuple[int, int], shelf: Shelf) -> None:
    assert picture(world, size, before=act(to_fields(EventExport), *"landing", "ctrl+n", "ctrl+n"))


async def test_an_export_is_saved_as_it_was_asked_for(world: World, shelf: Shelf) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        await to_fields(EventExport)(pilot)
        await pilot.press(*"landing", "ctrl+n", "ctrl+n")
        await until(pilot, lambda: wizard(pilot).at == REVIEW)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Dashboard))
    (job,) = [job for job in world.folder.jobs() if job.label == "Nightly"]
    assert job.config == EventExport(container="landing")


async def test_what_is_missing_is_said_at_its_field(world: World, shelf: Shelf) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        await to_fields(AudienceCsv)(pilot)
        await pilot.press("ctrl+n")
        await settled(pilot)
        assert set(wrong(pilot, FIELDS)) == {"segment_id", "container"}


async def test_the_name_of_the_file_is_shown_while_it_is_asked_for(world: World, shelf: Shelf) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        await to_fields(EventExport)(pilot)
        form = wizard(pilot).query_one(f"#form-{FIELDS}", Form)

        def shown() -> str:
            return str(form.fields["filename"].query_one(".field-shown", Static).render())

        assert shown() == "→ lytics-events-20261124130509.csv"
        form.enter("filename")
        await pilot.press("home", *"out/")
        await settled(pilot)
        assert shown() == "→ out/lytics-events-20261124130509.csv"
        form.answers["compress"] = "gzip"
        await pilot.press("{")
        await settled(pilot)
        assert shown() == ""
        await pilot.press("backspace")
        await settled(pilot)
        assert shown() == "→ out/lytics-events-20261124130509.csv.gz"
