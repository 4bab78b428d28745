"""The form of an import of a table: choosing the table and its timestamp column, and the review."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from lytics_azure_tui.errors import NotAuthorised
from lytics_azure_tui.jobs.kind import Rehearsal
from lytics_azure_tui.lytics.protocol import StreamInfo
from lytics_azure_tui.model.run import RunState
from lytics_azure_tui.model.sql_import import SqlImport
from lytics_azure_tui.tui.screens.dashboard import Dashboard
from lytics_azure_tui.tui.screens.job_wizard import FIELDS, REVIEW, JobWizard
from lytics_azure_tui.tui.screens.table_browser import TableBrowser
from tests.tui.conftest import LARGE, SMALL, Picture, settled, until
from tests.tui.database import SHOP, Stock, full, put_on
from tests.tui.shelf import AT
from tests.tui.test_job_wizard import act, choices, form, wizard
from tests.tui.test_table_browser import names
from tests.tui.world import World

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])
REHEARSAL = Rehearsal(
    "importing 1,204,331 rows of sales.orders into azuresql_activity, up to rowversion 0x00000000000007D1",
    (("sales.orders", "1,204,331 new rows, 3 columns"),),
    None,
    ("order_id", "status", "updated_at"),
    (("9000", "open", "2026-11-24T09:59:00.1234567"), ("8999", None, "2026-11-24T09:58:00.1234567")),
    ("2 rows are later than the server's clock, and held back until their time",),
)


@pytest.fixture
def stock(world: World, monkeypatch: pytest.MonkeyPatch) -> Stock:
    """A database in memory, a stream, and a rehearsal that is always the same."""
    stock = full()
    put_on(world, stock, monkeypatch)
    world.lytics.infos = [StreamInfo("orders", 88, AT, AT, 0)]
    monkeypatch.setattr("lytics_azure_tui.jobs.rehearsal.rehearse", lambda *_: REHEARSAL)
    return stock


async def to_fields(pilot: Pilot[Any]) -> None:
    """Through provider, job type, authorization and label."""
    await settled(pilot)
    for key in ("n", "enter", "enter", "enter"):
        await pilot.press(key)
        await settled(pilot)
    await pilot.press(*"Orders", "enter", "enter")
    await settled(pilot)
    assert wizard(pilot).at == FIELDS


async def choose(pilot: Pilot[Any]) -> None:
    """Chooses a table in the browser, and leaves the cursor in the field."""
    await pilot.press("down")
    await until(pilot, lambda: "sales.orders" in names(pilot))
    await pilot.press(*"sales.orders", "enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, JobWizard))


async def fill(pilot: Pilot[Any]) -> None:
    """Answers what has to be answered: table and timestamp column."""
    await act(to_fields, choose, "enter", "down")(pilot)
    await until(pilot, lambda: bool(choices(pilot)))
    await pilot.press("enter")


# Pictures


@SIZES
def test_the_fields(picture: Picture, world: World, size: tuple[int, int], stock: Stock) -> None:
    assert picture(world, size, before=to_fields)


@SIZES
def test_the_choices_of_a_timestamp_column(picture: Picture, world: World, size: tuple[int, int], stock: Stock) -> None:
    assert picture(world, size, before=act(to_fields, choose, "enter", "down"))


@SIZES
def test_a_table_without_a_timestamp_column(
    picture: Picture, world: World, size: tuple[int, int], stock: Stock
) -> None:
    assert picture(world, size, before=act(to_fields, *"sales.targets", "enter", "down"))


@SIZES
def test_the_advanced_fields(picture: Picture, world: World, size: tuple[int, int], stock: Stock) -> None:
    keep_updated = ["enter"] * 4
    assert picture(world, size, before=act(fill, *keep_updated, "space", "ctrl+n"))


@SIZES
def test_the_review(picture: Picture, world: World, size: tuple[int, int], stock: Stock) -> None:
    assert picture(world, size, before=act(fill, "ctrl+n", "ctrl+n"))


# What it does


async def test_from_the_provider_to_a_queued_run(world: World, stock: Stock) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        await to_fields(pilot)
        await choose(pilot)
        assert form(pilot, FIELDS).answers["source"] == "sales.orders"
        await pilot.press("enter", "down")
        await until(pilot, lambda: bool(choices(pilot)))
        assert [choice.split()[0] for choice in choices(pilot)] == ["updated_at", "placed_on"]
        await pilot.press("enter", "ctrl+n", "ctrl+n")
        await until(pilot, lambda: wizard(pilot).at == REVIEW)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Dashboard))
    (job,) = world.folder.jobs()
    assert isinstance(job.config, SqlImport)
    assert job.config.model_dump(exclude_defaults=True) == {"source": "sales.orders", "timestamp_field": "updated_at"}
    assert job.authorization == SHOP.id
    (run,) = world.ledger.runs(job=job.id)
    assert run.state is RunState.QUEUED


async def test_another_table_puts_its_column_in_doubt(world: World, stock: Stock) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        await fill(pilot)
        field = form(pilot, FIELDS).fields["timestamp_field"]
        await pilot.press("shift+tab", "down")
        await until(pilot, lambda: isinstance(pilot.app.screen, TableBrowser) and "sales.orders" in names(pilot))
        await pilot.press(*"web.ev", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, JobWizard))
        await until(pilot, lambda: "not there: updated_at" in str(field.query_one(".field-note", Static).render()))


async def test_nothing_chosen_leaves_the_answer_as_it_was(world: World, stock: Stock) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        await to_fields(pilot)
        await pilot.press(*"sales.orders", "down")
        await until(pilot, lambda: "sales.orders" in names(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, JobWizard))
        assert form(pilot, FIELDS).answers["source"] == "sales.orders"


async def test_columns_that_cannot_be_had_say_why(world: World, stock: Stock) -> None:
    stock.broken = NotAuthorised("The database shop could not be opened", why="The user or the password is wrong")
    async with world.app().run_test(size=LARGE) as pilot:
        await to_fields(pilot)
        await pilot.press(*"sales.orders", "enter", "down")
        await settled(pilot)
        assert not choices(pilot)
        stock.broken = None
        await pilot.press("ctrl+r")
        await until(pilot, lambda: len(choices(pilot)) == 2)
