"""The blob browser: what it loads, what typing finds, what it shows of a file, and what it makes of hostile names."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import DataTable, Static

from lytics_azure_tui.errors import NotAuthorised
from lytics_azure_tui.jobs.csv_sniff import look
from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.tui.listing import Entry, Level, Listing
from lytics_azure_tui.tui.screens.blob_browser import BlobBrowser, Picked
from lytics_azure_tui.tui.widgets.blob_tree import BlobTree
from lytics_azure_tui.tui.widgets.lines import Lines
from lytics_azure_tui.tui.widgets.preview import Preview
from tests.conftest import Storage
from tests.tui.conftest import LARGE, SMALL, Picture, until
from tests.tui.shelf import KEY, Shelf, full, put_on
from tests.tui.world import World

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])
AUTHORIZATION = AzureStorage(id="warehouse", label="Warehouse storage", connection_string=KEY)
REFUSED = NotAuthorised(
    "The container landing could not be listed", why="The signature has expired", fix="Make a new one in the portal"
)


def browser(world: World, container: str = "landing") -> Callable[[], BlobBrowser]:
    """Opens it at a container."""
    return lambda: BlobBrowser(world.desk, AUTHORIZATION, container=container)


def shown(pilot: Pilot[Any]) -> list[str]:
    """The lines of the tree, without the spaces around them."""
    trees = pilot.app.screen.query(BlobTree)
    return [tree._line(node, 60, plain_colours=True).plain.strip() for tree in trees for node in tree._listing.rows()]


def names(pilot: Pilot[Any]) -> list[str]:
    """What the lines name, in order."""
    return [line.split("  ")[0].lstrip("▾▸▣ ") for line in shown(pilot)]


def type_in(words: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Filters, and waits for the names and then for the first file's rows, or why there are none."""

    async def act(pilot: Pilot[Any]) -> None:
        await pilot.press(*words)
        screen = cast(BlobBrowser, pilot.app.screen)
        box, said = screen.query_one("#browser"), screen.query_one(".preview-words", Static)
        await until(pilot, lambda: "begin with it" in str(box.border_subtitle))
        await until(pilot, lambda: screen._look is not None or "✗" in str(said.render()))

    return act


# Pictures


@SIZES
def test_a_container_that_is_open(
    picture: Picture, world: World, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on(world, full(), monkeypatch)
    assert picture(world, size, screen=browser(world))


@SIZES
def test_a_file_and_its_first_rows(
    picture: Picture, world: World, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on(world, full(), monkeypatch)
    assert picture(world, size, screen=browser(world), before=type_in("daily/"))


@SIZES
def test_a_file_of_another_delimiter(
    picture: Picture, world: World, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on(world, full(), monkeypatch)
    assert picture(world, size, screen=browser(world), before=type_in("partners/"))


@SIZES
def test_a_container_that_cannot_be_listed(
    picture: Picture, world: World, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on(world, Shelf({"landing": {}}, broken=REFUSED), monkeypatch)
    assert picture(world, size, screen=browser(world))


@SIZES
def test_a_file_that_cannot_be_looked_at(
    picture: Picture, world: World, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on(world, full(), monkeypatch)
    assert picture(world, size, screen=browser(world), before=type_in("readme"))


@SIZES
def test_an_account_without_containers(
    picture: Picture, world: World, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on(world, Shelf(), monkeypatch)
    assert picture(world, size, screen=browser(world, ""))


def test_names_that_are_on_their_way(world: World, monkeypatch: pytest.MonkeyPatch, snap_compare: Any) -> None:
    shelf = full()
    put_on(world, shelf, monkeypatch)
    shelf.gate.clear()

    async def open_it(pilot: Pilot[Any]) -> None:
        pilot.app.push_screen(browser(world)())
        await pilot.pause(0.2)

    try:
        assert snap_compare(world.app(), terminal_size=SMALL, run_before=open_it)
    finally:
        shelf.gate.set()


# What it does


@pytest.fixture
def shelf(world: World, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """A full one, in the world."""
    shelf = full()
    put_on(world, shelf, monkeypatch)
    return shelf


async def opened(pilot: Pilot[Any], world: World, container: str = "landing") -> list[Picked | None]:
    """Opens the browser; what it gives in the end comes into the list."""
    given: list[Picked | None] = []
    pilot.app.push_screen(BlobBrowser(world.desk, AUTHORIZATION, container=container), given.append)
    await until(pilot, lambda: isinstance(pilot.app.screen, BlobBrowser) and "archive" in names(pilot))
    return given


async def test_folders_open_and_close_and_a_file_is_chosen(world: World, shelf: Shelf) -> None:
    async with world.app().run_test(size=SMALL) as pilot:
        given = await opened(pilot, world)
        assert names(pilot) == ["landing", "daily/", "partners/", "readme.txt", "archive", "reports"]
        await pilot.press("down", "enter")
        await until(pilot, lambda: len(names(pilot)) == 26)
        assert names(pilot)[2] == "customers_20261101.csv"
        await pilot.press("enter")
        assert len(names(pilot)) == 6
        await pilot.press("enter", "down", "enter")
        await until(pilot, lambda: bool(given))
    assert given == [Picked("landing", "daily/customers_20261101.csv")]


async def test_a_container_is_loaded_when_it_is_opened_and_not_before(world: World, shelf: Shelf) -> None:
    async with world.app().run_test(size=SMALL) as pilot:
        await opened(pilot, world)
        assert ("archive", "") not in shelf.asked
        await pilot.press("down", "down", "down", "down", "enter")
        await until(pilot, lambda: "2025/" in names(pilot))
        assert ("archive", "") in shelf.asked


async def test_typing_asks_the_server_for_beginnings_and_finds_parts_among_what_is_loaded(
    world: World, shelf: Shelf
) -> None:
    async with world.app().run_test(size=SMALL) as pilot:
        await opened(pilot, world)
        await pilot.press(*"dme")
        await until(pilot, lambda: names(pilot) == ["readme.txt"])
        await until(pilot, lambda: ("landing", "dme") in shelf.asked)
        await pilot.press("escape", *"partners/o")
        await until(pilot, lambda: names(pilot) == ["partners/orders.tsv"])
        assert ("landing", "partners/o") in shelf.asked
        assert ("landing", "partners/") not in shelf.asked, "it asks when typing pauses, not for every letter"
        await pilot.press("escape")
        assert names(pilot)[:2] == ["landing", "daily/"]
        words = pilot.app.screen.query_one(".preview-words", Static)
        await pilot.press(*"nowhere")
        await until(pilot, lambda: "No name begins with this" in str(words.render()))
        await pilot.press("escape")
        await until(pilot, lambda: "Go to a file" in str(words.render()))


async def test_pages_come_one_by_one(world: World, shelf: Shelf) -> None:
    shelf.page = 8
    async with world.app().run_test(size=LARGE) as pilot:
        await opened(pilot, world)
        await pilot.press("down", "enter")
        await until(pilot, lambda: "more… (enter loads the next page)" in names(pilot))
        assert sum(name.startswith("customers") for name in names(pilot)) == 8
        await pilot.press(*["down"] * 9, "enter")
        await until(pilot, lambda: sum(name.startswith("customers") for name in names(pilot)) == 16)
        await pilot.press(*["down"] * 8, "enter")
        await until(pilot, lambda: sum(name.startswith("customers") for name in names(pilot)) == 20)
        assert not any(name.startswith("more") for name in names(pilot))


async def test_an_error_shows_in_its_place_and_is_gone_after_a_retry(world: World, shelf: Shelf) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        await opened(pilot, world)
        shelf.broken = REFUSED
        await pilot.press("down", "enter")
        await until(pilot, lambda: any(line.startswith("✗ The container landing") for line in shown(pilot)))
        assert "readme.txt" in names(pilot), "the rest stays"
        shelf.broken = None
        await pilot.press("tab", "r")
        await until(pilot, lambda: "customers_20261101.csv" in names(pilot))
        assert not any(line.startswith("✗") for line in shown(pilot))


async def test_the_delimiter_that_a_file_seems_to_have_is_taken_for_that_file_alone(world: World, shelf: Shelf) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        given = await opened(pilot, world)
        table = pilot.app.screen.query_one(DataTable)
        await pilot.press(*"partners/")
        await until(pilot, lambda: len(table.columns) == 1)
        await pilot.press("ctrl+t")
        await until(pilot, lambda: len(table.columns) == 4)
        await pilot.press("enter")
        await until(pilot, lambda: bool(given))
        assert given == [Picked("landing", "partners/orders.tsv", "t")]
        given = await opened(pilot, world)
        await pilot.press(*"partners/")
        table = pilot.app.screen.query_one(DataTable)
        await until(pilot, lambda: len(table.columns) == 1)
        await pilot.press("ctrl+t")
        await until(pilot, lambda: len(table.columns) == 4)
        await pilot.press("escape", *"daily/")
        await until(pilot, lambda: len(table.columns) == 5)
        await pilot.press("enter")
        await until(pilot, lambda: bool(given))
        assert given == [Picked("landing", "daily/customers_20261101.csv")]


async def test_keys_are_answered_while_the_server_is_silent(world: World, shelf: Shelf) -> None:
    async with world.app().run_test(size=SMALL) as pilot:
        await opened(pilot, world)
        shelf.gate.clear()
        try:
            await pilot.press("down", "enter")
            began = time.monotonic()
            await pilot.press("down", "down", "up")
            assert time.monotonic() - began < 5, "the server is silent for ten"
            assert "loading…" in names(pilot)
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(pilot.app.screen, BlobBrowser))
        finally:
            shelf.gate.set()


async def test_a_click_shows_a_file_and_two_choose_it(world: World, shelf: Shelf) -> None:
    async with world.app().run_test(size=SMALL) as pilot:
        given = await opened(pilot, world)
        tree = pilot.app.screen.query_one(BlobTree)
        await pilot.click(tree, offset=(8, 1))
        await until(pilot, lambda: len(names(pilot)) == 26)
        await pilot.click(tree, offset=(8, 2))
        assert not given
        assert tree.at is not None
        assert tree.at.name == "daily/customers_20261101.csv"
        await pilot.click(tree, offset=(8, 2), times=2)
        await until(pilot, lambda: bool(given))
    assert given == [Picked("landing", "daily/customers_20261101.csv")]


async def test_a_hundred_thousand_names_scroll_like_ten(world: World, shelf: Shelf) -> None:
    shelf.blobs["many"] = {f"part-{number:06}.csv": b"" for number in range(100_000)}
    shelf.page = 100_000
    async with world.app().run_test(size=SMALL) as pilot:
        pilot.app.push_screen(BlobBrowser(world.desk, AUTHORIZATION, container="many"))
        await until(pilot, lambda: bool(names(pilot)))
        tree = pilot.app.screen.query_one(BlobTree)
        await until(pilot, lambda: tree.virtual_size.height > 100_000, seconds=30)
        began = time.thread_time()
        for action in ("end", "home", "end"):
            tree.action_to_end(action == "home")
            await pilot.pause()
        assert tree.cursor > 100_000
        assert time.thread_time() - began < 1
        assert tree.at is not None


async def test_it_finds_a_file_in_a_real_account(world: World, storage: Storage) -> None:
    storage.put("daily/customers_20261101.csv", "id,at\n1,2026-11-01T00:00:00Z\n")
    storage.put("q[/bar]z [red].csv", "[bold]a,b]\n1,2\n")
    authorization = storage.authorization()
    given: list[Picked | None] = []
    async with world.app().run_test(size=LARGE) as pilot:
        pilot.app.push_screen(BlobBrowser(world.desk, authorization, container=storage.container), given.append)
        await until(pilot, lambda: isinstance(pilot.app.screen, BlobBrowser) and "daily/" in names(pilot))
        await pilot.press(*"q")
        await until(pilot, lambda: names(pilot) == ["q[/"])
        await pilot.press("enter")
        await until(pilot, lambda: names(pilot) == ["q[/bar]z [red].csv"])
        table = pilot.app.screen.query_one(DataTable)
        await until(pilot, lambda: len(table.columns) == 2)
        await pilot.press("enter")
        await until(pilot, lambda: bool(given))
    assert given == [Picked(storage.container, "q[/bar]z [red].csv")]


# Hostile names

HOSTILE = st.text(
    st.characters(codec="utf-8") | st.sampled_from("[]/\\$@=\x1b\x00\x07\u202e\u200b\ufe0f\n\r\t{}'\""),
    min_size=1,
    max_size=40,
)


class _Holder(App[None]):
    """A tree and a preview alone."""

    def __init__(self, listing: Listing) -> None:
        super().__init__()
        self.listing = listing

    def compose(self) -> ComposeResult:
        yield BlobTree(self.listing, None)
        yield Preview()


def drawn(tree: Lines[Any]) -> str:
    """What goes to the terminal."""
    return "".join(segment.text for y in range(tree.size.height) for segment in tree.render_line(y))


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(names=st.lists(HOSTILE, min_size=1, max_size=8, unique=True), cells=st.lists(HOSTILE, min_size=2, max_size=6))
def test_no_name_column_or_cell_becomes_markup_or_a_control(names: list[str], cells: list[str]) -> None:
    listing = Listing()
    account = listing.account
    listing.arrived(account, listing.begin(account), [Entry(name) for name in names], None)
    first = cast(Any, account.children)[0]
    first.expanded = True
    listing.arrived(first, listing.begin(first), [*(Entry(name, 1) for name in names), Entry(names[0] + "/")], None)
    body = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in cells) for _ in range(3))
    shelf = Shelf({"box": {names[0]: body.encode()}})

    async def show() -> None:
        async with _Holder(listing).run_test(size=SMALL) as pilot:
            tree = pilot.app.query_one(BlobTree)
            tree.redraw()
            await pilot.pause()
            text = drawn(tree)
            assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text)
            assert listing.rows()[0].level is Level.CONTAINER
            try:
                seen = look(cast(Any, shelf), "box", names[0], delimiter=",")
            except Exception as error:
                assert type(error).__module__.startswith("lytics_azure_tui")
                return
            pilot.app.query_one(Preview).show(seen, "ctrl+t")
            await pilot.pause()
            picture = pilot.app.export_screenshot()
            assert "\x1b" not in picture

    asyncio.run(show())
