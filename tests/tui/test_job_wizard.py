"""The job wizard: from the provider to a saved file and a queued run, drawn from the kind's model alone."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from lytics_azure_tui.errors import Fatal, NotAuthorised
from lytics_azure_tui.jobs.kind import Rehearsal
from lytics_azure_tui.lytics.protocol import StreamInfo
from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.model.csv_import import CsvImport
from lytics_azure_tui.model.run import RunState
from lytics_azure_tui.tui.screens.blob_browser import BlobBrowser
from lytics_azure_tui.tui.screens.checklist import Checklist
from lytics_azure_tui.tui.screens.confirm import Confirm
from lytics_azure_tui.tui.screens.dashboard import Dashboard
from lytics_azure_tui.tui.screens.job_wizard import ADVANCED, FIELDS, NAME, REVIEW, JobWizard
from lytics_azure_tui.tui.widgets.form import Form
from lytics_azure_tui.tui.widgets.pick import Pick
from lytics_azure_tui.tui.widgets.review import Review
from tests.conftest import Storage
from tests.tui.conftest import LARGE, SMALL, Picture, settled, until
from tests.tui.shelf import AT, Shelf, full, put_on
from tests.tui.test_blob_browser import names
from tests.tui.world import StillDesk, World

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])
REHEARSAL = Rehearsal(
    "Would import 1 file, about 60 rows, into customers",
    (("daily/customers_20261101.csv", "imported, 3.35 KB"),),
    3350,
    ("id", "email", "created_at"),
    (("0", "user0@example.com", "2026-11-01T10:00:00Z"), ("1", None, "2026-11-01T10:00:01Z")),
    ("The stream customers is not there yet; it is created",),
)


@pytest.fixture
def shelf(world: World, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """Azure in memory, two streams, and a rehearsal that is always the same."""
    shelf = full()
    put_on(world, shelf, monkeypatch)
    world.lytics.infos = [StreamInfo("customers", 1_204_331, AT, AT, 0), StreamInfo("orders", 88, AT, AT, 0)]
    monkeypatch.setattr("lytics_azure_tui.jobs.rehearsal.rehearse", lambda *_: REHEARSAL)
    return shelf


def wizard(pilot: Pilot[Any]) -> JobWizard:
    """The one that is open."""
    found = next(screen for screen in pilot.app.screen_stack if isinstance(screen, JobWizard))
    assert isinstance(found, JobWizard)
    return found


def form(pilot: Pilot[Any], step: int) -> Form:
    """The form of a step."""
    return wizard(pilot).query_one("#name" if step == NAME else f"#form-{step}", Form)


def wrong(pilot: Pilot[Any], step: int) -> dict[str, str]:
    """The errors that a step shows."""
    return {
        name: str(field.query_one(".field-error", Static).render())
        for name, field in form(pilot, step).fields.items()
        if field.has_class("-wrong")
    }


async def to_fields(pilot: Pilot[Any]) -> None:
    """Through provider, job type, authorization and label."""
    await settled(pilot)
    for key in ("n", "enter", "enter", "enter"):
        await pilot.press(key)
        await settled(pilot)
    await pilot.press(*"Customers daily", "enter", "enter")
    await settled(pilot)
    assert wizard(pilot).at == FIELDS


async def fill(pilot: Pilot[Any]) -> None:
    """Answers what has to be answered."""
    await to_fields(pilot)
    await pilot.press(*"customers", "enter", *"landing", "enter", *"daily/customers_20261101.csv")
    await settled(pilot)


def typed(words: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Into the line with the focus."""
    return lambda pilot: pilot.press(*words)


def act(*steps: str | Callable[[Pilot[Any]], Awaitable[None]]) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Keys and longer ways, one after another."""

    async def go(pilot: Pilot[Any]) -> None:
        for step in steps:
            if isinstance(step, str):
                await pilot.press(step)
            else:
                await step(pilot)
            await settled(pilot)

    return go


# Pictures


@SIZES
def test_the_provider(picture: Picture, world: World, size: tuple[int, int], shelf: Shelf) -> None:
    assert picture(world, size, press=["n"])


@SIZES
def test_the_job_type(picture: Picture, world: World, size: tuple[int, int], shelf: Shelf) -> None:
    assert picture(world, size, press=["n", "enter"])


@SIZES
def test_a_job_type_without_an_authorization(picture: Picture, world: World, size: tuple[int, int]) -> None:
    assert picture(world, size, press=["n", "enter"])


@SIZES
def test_the_authorization(picture: Picture, world: World, size: tuple[int, int], shelf: Shelf) -> None:
    assert picture(world, size, press=["n", "enter", "enter"])


@SIZES
def test_an_empty_label(picture: Picture, world: World, size: tuple[int, int], shelf: Shelf) -> None:
    assert picture(world, size, press=["n", "enter", "enter", "enter", "ctrl+n"])


@SIZES
def test_the_fields_before_anything_is_answered(
    picture: Picture, world: World, size: tuple[int, int], shelf: Shelf
) -> None:
    assert picture(world, size, before=to_fields)


@SIZES
def test_the_choices_of_a_field(picture: Picture, world: World, size: tuple[int, int], shelf: Shelf) -> None:
    assert picture(world, size, before=act(to_fields, "down"))


@SIZES
def test_choices_that_cannot_be_loaded(picture: Picture, world: World, size: tuple[int, int], shelf: Shelf) -> None:
    shelf.broken = NotAuthorised("The containers could not be listed", why="The signature has expired")
    assert picture(world, size, before=act(to_fields, "tab", "down"))


@SIZES
def test_the_columns_of_a_file(picture: Picture, world: World, size: tuple[int, int], shelf: Shelf) -> None:
    assert picture(world, size, before=act(fill, "tab", "tab", "down"))


@SIZES
def test_the_checklist(picture: Picture, world: World, size: tuple[int, int], shelf: Shelf) -> None:
    assert picture(world, size, before=act(fill, "tab", "tab", "tab", "space", "down", "space"))


@SIZES
def test_fields_with_errors(picture: Picture, world: World, size: tuple[int, int], shelf: Shelf) -> None:
    assert picture(world, size, before=act(to_fields, typed("my stream"), "ctrl+n"))


@SIZES
def test_the_advanced_fields_without_keep_updated(
    picture: Picture, world: World, size: tuple[int, int], shelf: Shelf
) -> None:
    assert picture(world, size, before=act(fill, "ctrl+n"))


@SIZES
def test_the_review_of_a_scheduled_job(picture: Picture, world: World, size: tuple[int, int], shelf: Shelf) -> None:
    world.job("Daily", continuous_update=True, time_of_day="06:30", timezone="America/New_York", container="landing")
    assert picture(world, size, press=["e", "ctrl+n", "ctrl+n"])


@SIZES
def test_the_end_of_the_review(picture: Picture, world: World, size: tuple[int, int], shelf: Shelf) -> None:
    assert picture(world, size, before=act(fill, "ctrl+n", "ctrl+n", "pagedown", "pagedown"))


@SIZES
def test_a_review_whose_run_would_fail(
    picture: Picture, world: World, size: tuple[int, int], shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> Rehearsal:
        raise Fatal("daily/x.csv is not in the container landing", fix="Choose another file")

    monkeypatch.setattr("lytics_azure_tui.jobs.rehearsal.rehearse", fails)
    assert picture(world, size, before=act(fill, "ctrl+n", "ctrl+n", "pagedown", "pagedown"))


# The whole way


async def test_from_the_provider_to_a_queued_run_on_a_real_account(
    world: World, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in (1, 2, 3):
        rows = "".join(f"{row},u{row}@example.com,2026-11-0{day}T10:00:00Z\n" for row in range(20))
        storage.put(f"daily/customers_2026110{day}.csv", "id,email,created_at\n" + rows)
    world.authorization()
    authorization = storage.authorization("warehouse")
    monkeypatch.setattr(StillDesk, "unlock", lambda _desk, _id: authorization)
    async with world.app().run_test(size=LARGE) as pilot:
        await to_fields(pilot)
        await pilot.press(*"customers", "enter", "down")
        await until(pilot, lambda: len(choices(pilot)) > 0)
        await pilot.press(*storage.container)
        await pilot.press("enter", "down")
        await until(pilot, lambda: isinstance(pilot.app.screen, BlobBrowser) and "daily/" in names(pilot))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "customers_20261101.csv" in names(pilot))
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, JobWizard))
        await pilot.press("enter", "enter", "down")
        assert not wizard(pilot).query(".-noted"), "the file is of the container that was chosen before it"
        await until(pilot, lambda: any("created_at" in choice for choice in choices(pilot)))
        assert choices(pilot)[0].startswith("created_at"), "a column of times comes first"
        await pilot.press("enter", "enter", "space")
        await until(pilot, lambda: isinstance(pilot.app.screen, Checklist))
        await pilot.press("down", "space", "down", "space", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, JobWizard))
        await pilot.press("enter", "space", "ctrl+n")
        await settled(pilot)
        assert wizard(pilot).at == ADVANCED
        await pilot.press("down")
        await until(pilot, lambda: any("customers_" in choice for choice in choices(pilot)))
        await pilot.press("enter", "ctrl+n")
        review = wizard(pilot).query_one(Review)
        await until(pilot, lambda: review.query_one("#sample").display)
        assert wizard(pilot).at == REVIEW
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Dashboard))
    (job,) = world.folder.jobs()
    assert job.label == "Customers daily"
    assert isinstance(job.config, CsvImport)
    assert job.config.model_dump(exclude_defaults=True) == {
        "stream": "customers",
        "container": storage.container,
        "filename": "daily/customers_20261101.csv",
        "timestamp_field": "created_at",
        "fields": ["email", "created_at"],
        "continuous_update": True,
        "prefix": "customers_",
    }
    (run,) = world.ledger.runs(job=job.id)
    assert run.state is RunState.QUEUED


def choices(pilot: Pilot[Any]) -> list[str]:
    """What the list that is open offers."""
    lists = [found for found in pilot.app.screen.query(OptionList) if found.parent and found.parent.has_class("-open")]
    return [str(option.prompt) for found in lists for option in found.options if not option.disabled]


# What it does


async def test_going_back_loses_nothing(world: World, shelf: Shelf) -> None:
    async with world.app().run_test(size=SMALL) as pilot:
        await fill(pilot)
        before = dict(form(pilot, FIELDS).answers)
        await pilot.press("ctrl+n", "escape", "escape", "escape", "escape", "escape")
        await settled(pilot)
        assert wizard(pilot).at == 0
        await pilot.press("enter")
        for _ in range(3):
            await settled(pilot)
            await pilot.press("ctrl+n")
        await settled(pilot)
        assert wizard(pilot).at == FIELDS
        assert form(pilot, FIELDS).answers == before
        assert form(pilot, NAME).answers["label"] == "Customers daily"


async def test_leaving_with_answers_asks_and_without_does_not(world: World, shelf: Shelf) -> None:
    async with world.app().run_test(size=SMALL) as pilot:
        await settled(pilot)
        await pilot.press("n", "escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, Dashboard))
        await fill(pilot)
        await pilot.press(*["escape"] * 5)
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, JobWizard))
        await pilot.press("q")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: pilot.app._exit)
    assert not world.folder.jobs()


async def test_errors_stand_at_their_fields_and_the_cursor_goes_there(world: World, shelf: Shelf) -> None:
    async with world.app().run_test(size=SMALL) as pilot:
        await to_fields(pilot)
        await pilot.press(*"my stream", "ctrl+n")
        await settled(pilot)
        assert wizard(pilot).at == FIELDS
        assert wrong(pilot, FIELDS) == {
            "stream": "↑ A space cannot stand here: use letters, digits, and then also _ . -, at most 200 characters.",
            "container": "↑ This is needed.",
            "filename": "↑ This is needed.",
        }
        await pilot.press("end", "ctrl+u", *"ok")
        assert "stream" not in wrong(pilot, FIELDS), "an error goes when the answer changes"


async def test_a_question_that_does_not_matter_says_why_and_is_not_saved(world: World, shelf: Shelf) -> None:
    async with world.app().run_test(size=SMALL) as pilot:
        await fill(pilot)
        diff = form(pilot, FIELDS).fields["diff"]
        assert diff.is_idle
        await pilot.press("tab", "tab", "tab", "tab", "space", "tab", "space")
        await settled(pilot)
        assert not diff.is_idle
        assert form(pilot, FIELDS).answers["diff"] is True
        await pilot.press("shift+tab", "space", "ctrl+s")
        await until(pilot, lambda: bool(world.folder.jobs()))
    config = world.folder.jobs()[0].config
    assert isinstance(config, CsvImport)
    assert not config.diff


async def test_columns_of_another_file_are_marked_and_checked_again(world: World, shelf: Shelf) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        await fill(pilot)
        await pilot.press("enter", "enter", *"created_at", "enter", "tab")
        await settled(pilot)
        field = form(pilot, FIELDS).fields["timestamp_field"]
        await until(pilot, lambda: not field.has_class("-noted"))
        await pilot.press(*["shift+tab"] * 4, "end", "backspace")
        await until(pilot, lambda: field.has_class("-noted"))
        await pilot.press("down")
        await until(pilot, lambda: isinstance(pilot.app.screen, BlobBrowser) and "partners/" in names(pilot))
        await pilot.press(*"partners/")
        await until(pilot, lambda: names(pilot) == ["partners/orders.tsv"])
        await until(pilot, lambda: pilot.app.screen.check_action("take_delimiter", ()) is True)
        await pilot.press("ctrl+t", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, JobWizard))
        assert form(pilot, FIELDS).answers["delimiter"] == "t"
        await until(pilot, lambda: "not there" in str(field.query_one(".field-note", Static).render()))


async def test_choices_that_come_too_late_are_dropped(world: World, shelf: Shelf) -> None:
    shelf.blobs["landing"]["other.csv"] = b"x,y\n1,2\n"
    async with world.app().run_test(size=LARGE) as pilot:
        await fill(pilot)
        shelf.gate.clear()
        await pilot.press("enter", "enter")
        await pilot.pause(0.1)
        form(pilot, FIELDS).put("filename", "other.csv")
        await pilot.pause()
        shelf.gate.set()
        await settled(pilot)
        await pilot.press("down")
        await until(pilot, lambda: len(choices(pilot)) == 2)
        assert [choice.split()[0] for choice in choices(pilot)] == ["x", "y"]


async def test_after_the_same_choice_once_more_typing_still_opens_the_list(world: World, shelf: Shelf) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        await to_fields(pilot)
        field = form(pilot, FIELDS).fields["container"].control
        assert isinstance(field, Pick)
        await pilot.press("tab")
        for _ in range(2):
            await pilot.press("down")
            await until(pilot, lambda: len(choices(pilot)) == 3)
            await pilot.press("enter")
            assert (field.answer, field.is_open) == ("archive", False)
        await pilot.press("backspace")
        assert choices(pilot) == ["archive"]


async def test_choices_that_failed_come_with_a_retry(world: World, shelf: Shelf) -> None:
    shelf.broken = NotAuthorised("The containers could not be listed", why="The signature has expired")
    async with world.app().run_test(size=LARGE) as pilot:
        await to_fields(pilot)
        await pilot.press("tab", "down")
        await settled(pilot)
        assert not choices(pilot)
        shelf.broken = None
        await pilot.press("ctrl+r")
        await until(pilot, lambda: choices(pilot) == ["archive", "landing", "reports"])


async def test_a_job_is_changed_and_the_comments_of_its_file_survive(world: World, shelf: Shelf) -> None:
    job = world.job("Daily", container="landing", filename="daily/customers_20261101.csv")
    path = world.folder.jobs_dir / f"{job.id}.toml"
    path.write_text("# Ask Dana before changing this.\n" + path.read_text())
    async with world.app().run_test(size=SMALL) as pilot:
        await settled(pilot)
        await pilot.press("e")
        await settled(pilot)
        assert wizard(pilot).at == FIELDS
        await pilot.press("x", "enter", "end", "ctrl+u", *"people", "ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, Dashboard))
    text = path.read_text()
    assert text.startswith("# Ask Dana before changing this.\n")
    assert re.search(r'^stream = "people"$', text, re.MULTILINE)
    assert [found.id for found in world.folder.jobs()] == [job.id]
    assert not world.ledger.runs(job=job.id)


async def test_an_authorization_is_made_on_the_way(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[str] = []

    def save(desk: StillDesk, authorization: AzureStorage) -> None:
        saved.append(authorization.label)
        desk.folder.save_authorization(authorization.model_copy(update={"connection_string": None}))

    monkeypatch.setattr(StillDesk, "save_authorization", save)
    monkeypatch.setattr(StillDesk, "secrets", lambda _desk: type("Safe", (), {"describe": lambda _self: "Here"})())
    async with world.app().run_test(size=LARGE) as pilot:
        await settled(pilot)
        for key in ("n", "enter", "enter", "enter", "enter", "enter"):
            await pilot.press(key)
            await settled(pilot)
        await pilot.press(*"Mine", "tab", "tab", *"UseDevelopmentStorage", "equals_sign", *"true", "ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, JobWizard) and wizard(pilot).at == NAME)
    assert saved == ["Mine"]


async def test_a_rehearsal_is_not_waited_for(world: World, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf_gate = shelf.gate
    monkeypatch.setattr("lytics_azure_tui.jobs.rehearsal.rehearse", lambda *_: shelf_gate.wait(10) and REHEARSAL)
    async with world.app().run_test(size=LARGE) as pilot:
        await fill(pilot)
        shelf_gate.clear()
        try:
            await pilot.press("ctrl+n", "ctrl+n")
            await until(pilot, lambda: wizard(pilot).at == REVIEW)
            await pilot.press("c")
            words = wizard(pilot).query_one("#rehearsal", Static)
            await until(pilot, lambda: "Not looked at" in str(words.render()))
            await pilot.press("tab", "enter")
            await until(pilot, lambda: bool(world.folder.jobs()))
        finally:
            shelf_gate.set()


def test_the_steps_know_no_kind() -> None:
    """A kind more is a model more, and no screen."""
    from pathlib import Path

    from lytics_azure_tui import tui

    text = "".join(path.read_text() for path in Path(str(tui.__file__)).parent.rglob("*.py"))
    assert "csv_import" not in text
    assert "CsvImport" not in text
    assert CsvImport.workflow not in text
