"""The table browser: what it loads, what typing finds, what it shows of a table, and what it makes of hostile names."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import DataTable, Static

from lytics_azure_tui.azure.sql_catalogue import ColumnInfo, Table, TableInfo
from lytics_azure_tui.errors import NotAuthorised
from lytics_azure_tui.model.authorization import AzureSql
from lytics_azure_tui.model.table_name import parse
from lytics_azure_tui.sandbox.tds import SqlServer
from lytics_azure_tui.tui.offers import BROWSED
from lytics_azure_tui.tui.screens.live import _BROWSERS
from lytics_azure_tui.tui.screens.table_browser import TableBrowser
from lytics_azure_tui.tui.table_listing import TableListing
from lytics_azure_tui.tui.widgets.table_list import TableList
from lytics_azure_tui.tui.widgets.table_look import TableLook, column_lines, facts
from tests.tds import connect
from tests.tui.conftest import LARGE, SMALL, Picture, until
from tests.tui.database import BRACKETS, EVENTS, SHOP, Stock, full, put_on
from tests.tui.test_blob_browser import HOSTILE, drawn
from tests.tui.world import World

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])
REFUSED = NotAuthorised(
    "The database shop could not be opened",
    why="The firewall of shop.database.windows.net does not let in this machine's address, which is 203.0.113.7 as the "
    "server sees it",
    fix="Allow the address in the portal: the server, Networking, Firewall rules. It takes up to five minutes",
)
UNREADABLE = NotAuthorised(
    "Rows of sales.orders could not be read",
    why="The user may not read it (error 229)",
    fix="Ask an administrator of the database for the right to read it: GRANT SELECT",
)


@pytest.fixture
def stock(world: World, monkeypatch: pytest.MonkeyPatch) -> Stock:
    """A full one, in the world."""
    stock = full()
    put_on(world, stock, monkeypatch)
    return stock


def browser(world: World, answer: str = "") -> Callable[[], TableBrowser]:
    """Opens it at an answer."""
    return lambda: TableBrowser(world.desk, SHOP, answer=answer)


def shown(pilot: Pilot[Any]) -> list[str]:
    """The lines of the list, without the spaces around them."""
    lists = pilot.app.screen.query(TableList)
    return [found._line(row, 60, plain_colours=True).plain.strip() for found in lists for row in found._now()]


def names(pilot: Pilot[Any]) -> list[str]:
    """What the lines name, in order."""
    return [line.split("  ")[0] for line in shown(pilot)]


def words(pilot: Pilot[Any], selector: str) -> str:
    """What a part of the look says."""
    return str(pilot.app.screen.query_one(TableLook).query_one(selector, Static).render())


async def opened(pilot: Pilot[Any], world: World, answer: str = "") -> list[str | None]:
    """Opens the browser; what it gives in the end comes into the list."""
    given: list[str | None] = []
    pilot.app.push_screen(TableBrowser(world.desk, SHOP, answer=answer), given.append)
    await until(pilot, lambda: names(pilot) != [] and "loading…" not in names(pilot))
    return given


async def looked(pilot: Pilot[Any]) -> None:
    """Waits until the rows under the cursor are there."""
    await until(pilot, lambda: pilot.app.screen.query_one(TableLook).query_one(DataTable).display)


def after(*keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Presses keys, then waits until list and look have answered."""

    async def act(pilot: Pilot[Any]) -> None:
        await pilot.press(*keys)
        await pilot.pause()
        screen = pilot.app.screen
        assert isinstance(screen, TableBrowser)

        def answered() -> bool:
            at = screen.query_one(TableList).at
            listed = "loading…" not in names(pilot)
            return listed and at is not None and screen._at == at.table and (screen._seen or screen._failed)

        await until(pilot, answered)

    return act


# Pictures


@SIZES
def test_an_empty_database(
    picture: Picture, world: World, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on(world, Stock(), monkeypatch)
    assert picture(world, size, screen=browser(world))


@SIZES
def test_tables_that_are_on_their_way(picture: Picture, world: World, size: tuple[int, int], stock: Stock) -> None:
    stock.gate.clear()
    try:
        assert picture(world, size, screen=browser(world), loading=True)
    finally:
        stock.gate.set()


@SIZES
def test_tables_views_and_names_that_are_meant_badly(
    picture: Picture, world: World, size: tuple[int, int], stock: Stock
) -> None:
    stock.page = 6
    assert picture(world, size, screen=browser(world), before=after("down"))


@SIZES
def test_a_table_its_columns_and_newest_rows(
    picture: Picture, world: World, size: tuple[int, int], stock: Stock
) -> None:
    assert picture(world, size, screen=browser(world, "sales.orders"), before=after())


@SIZES
def test_a_table_on_a_light_ground(picture: Picture, world: World, size: tuple[int, int], stock: Stock) -> None:
    assert picture(world, size, screen=browser(world, "sales.orders"), before=after(), theme="lyazure-light")


@SIZES
def test_a_table_without_times(picture: Picture, world: World, size: tuple[int, int], stock: Stock) -> None:
    assert picture(world, size, screen=browser(world), before=after(*"targ"))


@SIZES
def test_names_that_were_filtered(picture: Picture, world: World, size: tuple[int, int], stock: Stock) -> None:
    stock.page = 2
    assert picture(world, size, screen=browser(world), before=after(*"ord"))


@SIZES
def test_a_database_that_does_not_let_in(picture: Picture, world: World, size: tuple[int, int], stock: Stock) -> None:
    stock.broken = REFUSED
    assert picture(world, size, screen=browser(world))


@SIZES
def test_rows_that_may_not_be_read(picture: Picture, world: World, size: tuple[int, int], stock: Stock) -> None:
    stock.unreadable = UNREADABLE
    assert picture(world, size, screen=browser(world, "sales.orders"), before=after())


# What it does


async def test_a_table_is_chosen_by_its_name_in_sql(world: World, stock: Stock) -> None:
    async with world.app().run_test(size=SMALL) as pilot:
        given = await opened(pilot, world)
        await pilot.press(*"q[")
        await until(pilot, lambda: len(names(pilot)) == 1)
        await pilot.press("enter")
        await until(pilot, lambda: bool(given))
        await until(pilot, stock.closed.is_set)
    assert given == ["dbo.[q[/bar]]z]"]
    assert parse(str(given[0])) == ("dbo", BRACKETS)


async def test_typing_asks_the_server_only_where_not_all_is_loaded_and_when_it_pauses(
    world: World, stock: Stock
) -> None:
    async with world.app().run_test(size=SMALL) as pilot:
        await opened(pilot, world)
        await pilot.press(*"order")
        assert names(pilot) == ["sales.order_lines", "sales.orders", "sales.recent_orders"], "what is loaded, at once"
        await pilot.pause(0.4)
        assert stock.asked == [("", 0)]
        stock.page = 2
        await pilot.press("escape", "ctrl+r")
        await until(pilot, lambda: len(names(pilot)) == 3)
        await pilot.press(*"order")
        assert "loading…" in names(pilot)
        await until(pilot, lambda: names(pilot)[:2] == ["sales.order_lines", "sales.orders"])
        assert names(pilot)[2].startswith("more")
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: len(names(pilot)) == 3 and "loading…" not in names(pilot))
        assert stock.asked == [("", 0), ("", 0), ("order", 0), ("order", 2)]


async def test_pages_come_one_by_one(world: World, stock: Stock) -> None:
    for number in range(1200):
        stock.put("bulk", f"part_{number:04}", EVENTS, [], count=number)
    async with world.app().run_test(size=LARGE) as pilot:
        await opened(pilot, world)
        await pilot.press("tab")
        for loaded in (501, 1001):
            assert len(names(pilot)) == loaded
            await pilot.press("end", "enter")
            await until(pilot, partial(lambda loaded: len(names(pilot)) > loaded, loaded))
        assert len(names(pilot)) == 1211
        assert not any(name.startswith("more") for name in names(pilot))


async def test_an_answer_that_is_old_is_dropped(world: World, stock: Stock) -> None:
    stock.page = 3
    async with world.app().run_test(size=SMALL) as pilot:
        await opened(pilot, world)
        stock.gate.clear()
        await pilot.press(*"web")
        await until(pilot, lambda: ("web", 0) in stock.asked)
        await pilot.press("escape", *"cust")
        await until(pilot, lambda: ("cust", 0) in stock.asked)
        stock.gate.set()
        await until(pilot, lambda: names(pilot) == ["dbo.customers"])
        await pilot.pause(0.2)
        assert names(pilot) == ["dbo.customers"]


async def test_it_opens_at_the_answer_and_looks_up_what_is_not_there(world: World, stock: Stock) -> None:
    async with world.app().run_test(size=SMALL) as pilot:
        await opened(pilot, world, "[sales].targets")
        at = pilot.app.screen.query_one(TableList).at
        assert at is not None
        assert at.table is not None
        assert at.table.name == "targets"
        await pilot.press("escape")
        await opened(pilot, world, "sess")
        await until(pilot, lambda: names(pilot) == ["web.sessions"])


async def test_the_newest_rows_come_by_an_index_of_times_else_any(world: World, stock: Stock) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        await opened(pilot, world, "sales.orders")
        await looked(pilot)
        assert "Newest by updated_at" in words(pilot, ".look-rows")
        assert "sql_variant" in words(pilot, ".preview-words")
        await pilot.press("escape")
        await opened(pilot, world, "web.events")
        await looked(pilot)
        assert words(pilot, ".look-rows").startswith("Any rows")
    assert stock.previews == [("orders", "updated_at"), ("events", None)]


async def test_an_error_shows_in_its_place_and_is_gone_after_a_retry(world: World, stock: Stock) -> None:
    stock.broken = REFUSED
    async with world.app().run_test(size=LARGE) as pilot:
        await opened(pilot, world)
        assert names(pilot)[0].startswith("✗ The database shop")
        await until(pilot, lambda: "203.0.113.7" in words(pilot, ".preview-words"))
        stock.broken, stock.unreadable = None, UNREADABLE
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "sales.orders" in names(pilot))
        await until(pilot, lambda: "GRANT SELECT" in words(pilot, ".look-rows"))
        assert "3 columns" in words(pilot, ".preview-words"), "the columns stay"
        stock.unreadable = None
        await pilot.press("ctrl+r")
        await looked(pilot)


async def test_keys_are_answered_while_the_database_is_silent(world: World, stock: Stock) -> None:
    async with world.app().run_test(size=SMALL) as pilot:
        await opened(pilot, world)
        stock.gate.clear()
        await pilot.pause(0.4)
        began = time.monotonic()
        await pilot.press("down", "down", "up", *"ord")
        assert time.monotonic() - began < 1
        assert "sales.orders" in names(pilot)
        await pilot.press("escape", "escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, TableBrowser))
        await until(pilot, stock.closed.is_set)


async def test_a_click_shows_a_table_and_two_choose_it(world: World, stock: Stock) -> None:
    async with world.app().run_test(size=SMALL) as pilot:
        given = await opened(pilot, world)
        tables = pilot.app.screen.query_one(TableList)
        await pilot.click(tables, offset=(8, 2))
        await pilot.pause()
        assert tables.cursor == 2
        assert not given
        await pilot.click(tables, offset=(8, 0), times=2)
        await until(pilot, lambda: bool(given))
    assert given == ["dbo.customers"]


def test_every_source_that_is_browsed_has_a_browser() -> None:
    assert set(_BROWSERS) == BROWSED


# Hostile names


class _Holder(App[None]):
    """A list and a look alone."""

    def __init__(self, listing: TableListing) -> None:
        super().__init__()
        self.listing = listing

    def compose(self) -> ComposeResult:
        yield TableList(self.listing)
        yield TableLook()


def test_what_a_job_cannot_read_of_a_table_is_said_beside_it() -> None:
    columns = (
        ColumnInfo("at", "date", "date", True),
        ColumnInfo("ssn", "nvarchar", "nvarchar(11)", True, encrypted=True),
        ColumnInfo("mail", "varchar", "varchar(50)", False, masked=True, computed=True),
        ColumnInfo("valid_from", "datetime2", "datetime2(7)", False, hidden=True),
    )
    table = Table("dbo", "t", columns, internal=("graph_id", "from_id", "to_id", "from_obj_id"))
    said = facts(TableInfo("dbo", "t", False, 5, 8192), table).plain.splitlines()
    assert said[2:] == [
        "! A job cannot import ssn (encrypted); make a view",
        "! Masked for this user: mail",
        "Left out, as nobody can read them: graph_id, from_id, to_id and 1 more",
    ]
    lines = [line.plain for line in column_lines(table)]
    assert lines[1].endswith("cannot be imported · nullable · encrypted")
    assert lines[2].endswith("not null · computed · masked")
    assert lines[3].endswith("not null · hidden")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(names=st.lists(HOSTILE, min_size=2, max_size=6, unique=True))
def test_no_name_of_a_table_or_column_and_no_value_becomes_markup_or_a_control(names: list[str]) -> None:
    listing = TableListing()
    infos = [TableInfo(names[0], name, False, 10**place, 10**place) for place, name in enumerate(names)]
    pages = listing.pages
    listing.arrived(pages, listing.begin(pages), infos, True)
    kinds = ("datetime2", "sql_variant", "int")
    columns = tuple(ColumnInfo(name, kinds[place % 3], name, True) for place, name in enumerate(names))
    table = Table(names[0], names[1], columns)

    async def show() -> None:
        async with _Holder(listing).run_test(size=LARGE) as pilot:
            tables, view = pilot.app.query_one(TableList), pilot.app.query_one(TableLook)
            tables.redraw()
            view.show_table(infos[0], table)
            view.show_rows(table, [tuple(names)], names[0])
            await pilot.pause()
            assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in drawn(tables))
            assert "\x1b" not in pilot.app.export_screenshot()

    asyncio.run(show())


# A real server


@pytest.fixture(scope="module")
def server() -> Iterator[SqlServer]:
    """The sandbox's, with a table whose name is meant badly."""
    with SqlServer() as server:
        with connect(server, autocommit=True) as connection, connection.cursor() as cursor:
            for statement in (
                "CREATE SCHEMA odd",
                "CREATE TABLE odd.[q[/bar]]z [red]]] (id int PRIMARY KEY, [when] datetime2(7) NOT NULL, a xml)",
                "CREATE INDEX by_time ON odd.[q[/bar]]z [red]]] ([when])",
                "INSERT INTO odd.[q[/bar]]z [red]]] VALUES (1, '2026-11-01T10:00:00.1234567', NULL), "
                "(2, '2026-11-02T10:00:00', N'<a>[bold]</a>')",
            ):
                cursor.execute(statement)
        yield server


async def test_it_finds_a_table_on_a_real_server(world: World, server: SqlServer) -> None:
    authorization = AzureSql(
        id="shop",
        label="Shop",
        server=server.host,
        port=server.port,
        database=server.database,
        user=server.user,
        password=server.password,
        ca_file=str(server.ca_file),
    )
    given: list[str | None] = []
    async with world.app().run_test(size=LARGE) as pilot:
        pilot.app.push_screen(TableBrowser(world.desk, authorization), given.append)
        await until(pilot, lambda: "odd.q[/bar]z [red]" in names(pilot))
        await pilot.press(*"ODD.Q[/")
        await until(pilot, lambda: names(pilot) == ["odd.q[/bar]z [red]"])
        await looked(pilot)
        assert "Newest by when" in words(pilot, ".look-rows")
        table = pilot.app.screen.query_one(DataTable)
        assert [str(cell) for cell in table.get_row_at(0)] == ["2", "2026-11-02T10:00:00.0000000", "<a>[bold]</a>"]
        assert str(table.get_row_at(1)[1]) == "2026-11-01T10:00:00.1234567"
        await pilot.press("enter")
        await until(pilot, lambda: bool(given))
    assert given == ["odd.[q[/bar]]z [red]]]"]
