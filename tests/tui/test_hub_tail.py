"""The live tail of an event hub."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, timedelta
from typing import Any

import pytest
from azure.eventhub import EventData
from textual.pilot import Pilot
from textual.widgets import Static

from lytics_azure_tui.azure.event_hub_tail import News, Received
from lytics_azure_tui.errors import LyazureError, NotAuthorised
from lytics_azure_tui.model.authorization import AzureEventHub
from lytics_azure_tui.model.trigger import SegmentEvent, trigger
from lytics_azure_tui.sandbox.event_hub import EventHubServer
from lytics_azure_tui.tui.screens.hub_tail import HubTail
from lytics_azure_tui.tui.tail_listing import KEPT, TailListing, headline, whole
from lytics_azure_tui.tui.widgets.event_list import EventList
from tests.hubs import producer
from tests.tui.conftest import LARGE, SMALL, Picture, settled, until
from tests.tui.world import NOW, World

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])
EXPIRED = NotAuthorised(
    "The hub cannot be listened to",
    why="The shared access signature expired on 2026-11-20 00:00 UTC",
    fix="Make a new one and edit the authorization",
)


class Hose:
    """What a hub receives, as the test says."""

    def __init__(self) -> None:
        self.events: list[Received] = []
        self.error: LyazureError | None = None
        self.partitions = 4
        self.closed = False

    def news(self) -> News:
        events, self.events = tuple(self.events), []
        return News(events, 0, self.partitions, self.error)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def hose(world: World, monkeypatch: pytest.MonkeyPatch) -> Hose:
    hose = Hose()
    monkeypatch.setattr(world.desk, "tail", lambda _authorization: hose, raising=False)
    world.folder.save_authorization(AzureEventHub(id="hub", label="Audience triggers"))
    return hose


def happening(number: int, **properties: str) -> Received:
    """A trigger, or with other properties something else."""
    at = NOW + timedelta(seconds=number)
    left = at if number % 4 == 1 else None
    slug = "big_spenders" if number % 3 else "lapsed"
    event = SegmentEvent("abc", slug, "exit" if left else "enter", at - timedelta(days=5), left)
    fields = {"email": f"person{number}@example.com", "name": "[b]Zoë[/b]", "_num_events": number * 7}
    message = trigger(f"{number:04x}7c0ffee{number:05x}", fields, [event], subscription="triggers", at=at)
    return Received(str(number % 4), number, at, message.body, message.id, properties or message.properties)


def open_tail(world: World) -> Callable[[], HubTail]:
    return lambda: HubTail(world.desk, world.folder.authorization("hub"))


def said(pilot: Pilot[Any]) -> str:
    return str(pilot.app.screen.query_one("#message", Static).render())


def standing(pilot: Pilot[Any]) -> str:
    return str(pilot.app.screen.query_one("#browser").border_subtitle)


async def came(pilot: Pilot[Any], hose: Hose, events: Sequence[Received]) -> None:
    hose.events += events
    await until(pilot, lambda: not hose.events)
    await settled(pilot)


@SIZES
def test_messages_as_they_come(picture: Picture, world: World, size: tuple[int, int], hose: Hose) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        plain = Received("2", 99, NOW + timedelta(seconds=40), b"not JSON \x1b[31m, and not ours", "own-1")
        await came(pilot, hose, [*(happening(n) for n in range(40)), plain, happening(41)])

    assert picture(world, size, screen=open_tail(world), before=before)


@SIZES
def test_paused_with_a_filter(picture: Picture, world: World, size: tuple[int, int], hose: Hose) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        await came(pilot, hose, [happening(n) for n in range(40)])
        await pilot.press(*"lapsed", "enter", "up", "up")
        await came(pilot, hose, [happening(n) for n in range(40, 52)])

    assert picture(world, size, screen=open_tail(world), before=before)


@SIZES
def test_nothing_yet(picture: Picture, world: World, size: tuple[int, int], hose: Hose) -> None:
    assert picture(world, size, screen=open_tail(world), loading=True)


@SIZES
def test_connecting(picture: Picture, world: World, size: tuple[int, int], hose: Hose) -> None:
    hose.partitions = 0
    assert picture(world, size, screen=open_tail(world), loading=True)


@SIZES
def test_a_hub_that_does_not_let_in(picture: Picture, world: World, size: tuple[int, int], hose: Hose) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        await came(pilot, hose, [happening(n) for n in range(3)])
        hose.error = EXPIRED
        await until(pilot, lambda: "expired" in said(pilot))

    assert picture(world, size, screen=open_tail(world), before=before)


def test_messages_on_a_light_ground(picture: Picture, world: World, hose: Hose) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        await came(pilot, hose, [happening(n) for n in range(20)])

    assert picture(world, LARGE, screen=open_tail(world), before=before, theme="lyazure-light")


async def test_it_follows_until_the_cursor_is_moved_and_again_from_the_end(world: World, hose: Hose) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        pilot.app.push_screen(open_tail(world)())
        await came(pilot, hose, [happening(n) for n in range(3)])
        assert "number 2" in said(pilot)
        assert "● live ·" in standing(pilot)
        await pilot.press("up")
        await came(pilot, hose, [happening(3)])
        assert "number 1" in said(pilot)
        assert "not followed" in standing(pilot)
        await pilot.press("ctrl+l")
        await came(pilot, hose, [happening(4)])
        assert "number 4" in said(pilot)


async def test_a_pause_holds_new_messages_back(world: World, hose: Hose) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        pilot.app.push_screen(open_tail(world)())
        await came(pilot, hose, [happening(0)])
        await pilot.press("enter")
        await came(pilot, hose, [happening(1), happening(2)])
        assert pilot.app.screen.query_one(EventList).count == 1
        assert "‖ paused, 2 waiting · 3 received" in standing(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert pilot.app.screen.query_one(EventList).count == 3
        assert "number 2" in said(pilot)


async def test_leaving_ends_the_listening(world: World, hose: Hose) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        pilot.app.push_screen(open_tail(world)())
        await settled(pilot)
        await pilot.press("x", "escape")
        assert not hose.closed, "the first escape takes the filter away"
        await pilot.press("escape")
        await until(pilot, lambda: hose.closed)


async def test_a_real_hub_is_watched_from_its_authorization(world: World, event_hubs: EventHubServer) -> None:
    event_hubs.create("watched", 2)
    connection = event_hubs.connection("watched")
    world.folder.save_authorization(AzureEventHub(id="hub", label="Triggers"))
    world.desk.drawer.set("hub", "connection_string", connection)
    async with world.app().run_test(size=LARGE) as pilot:
        await pilot.press("2")
        await settled(pilot)
        await pilot.press("w")
        await until(pilot, lambda: "Nothing has come yet" in said(pilot) if isinstance_tail(pilot) else False)
        with producer(connection) as client:
            client.send_batch([EventData('{"hello": "Zoë"}')], partition_id="1")
        await until(pilot, lambda: '"hello": "Zoë"' in said(pilot))
        assert "Partition 1, number 0" in said(pilot)


def isinstance_tail(pilot: Pilot[Any]) -> bool:
    return isinstance(pilot.app.screen, HubTail)


async def test_only_event_hubs_are_watched(world: World) -> None:
    world.authorization()
    async with world.app().run_test(size=LARGE) as pilot:
        await pilot.press("2")
        await settled(pilot)
        await pilot.press("w")
        await settled(pilot)
        assert not isinstance_tail(pilot)


def test_a_filter_wants_all_of_its_words_in_any_part() -> None:
    listing = TailListing()
    listing.add([happening(1), happening(2), happening(3)])
    listing.filter("PERSON2@ big_")
    assert [event.sequence for event in listing.rows()] == [2]
    listing.filter("")
    assert len(listing.rows()) == 3


def test_the_oldest_go_where_there_are_too_many() -> None:
    listing = TailListing()
    event = happening(1)
    listing.add([event] * (KEPT + 10))
    assert (listing.total, len(listing.rows())) == (KEPT + 10, KEPT)


def test_a_message_that_is_not_ours_is_shown_by_its_beginning() -> None:
    event = Received("0", 1, NOW.astimezone(UTC), b"\xff\x00\x1b[2J" + b"x" * 500)
    assert "\x1b" not in headline(event)[2]
    assert "\x1b" not in whole(event)
