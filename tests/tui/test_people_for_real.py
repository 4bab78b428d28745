"""The screens on profiles that the embedded Lytics has built, where the others stand on answers that are set up."""

from __future__ import annotations

import pytest
from textual.widgets import Static

from lytics_azure_tui.config import definitions
from lytics_azure_tui.model.audience import Audience
from lytics_azure_tui.model.mapping import FieldRule, StreamMapping
from lytics_azure_tui.model.user_field import FieldKind, Merge
from lytics_azure_tui.runner import places
from lytics_azure_tui.tui.widgets.chart import Chart
from lytics_azure_tui.tui.widgets.grid import Grid
from tests.integration.builds import Event, Place
from tests.tui.conftest import LARGE, settled, until
from tests.tui.world import World

SHOP = StreamMapping(
    stream="shop",
    fields=[
        FieldRule(field="email", expression="email(mail)", identifier=True),
        FieldRule(field="cookie", expression="cookie", kind=FieldKind.STRINGS, identifier=True, rank=3),
        FieldRule(field="spent", expression="tonumber(price)", kind=FieldKind.NUMBER, merge=Merge.SUM),
        FieldRule(field="pages", expression="page", kind=FieldKind.MAP_INT, merge=Merge.VALUECT),
    ],
)
DEAR = Audience(slug="dear", label="Dear", filter="FILTER spent > 20")


@pytest.fixture
def built(world: World) -> World:
    """Two people of five events."""
    definitions.save_mapping(world.folder, SHOP)
    definitions.save_audience(world.folder, DEAR)
    place = Place(places.workspace(world.folder).parent, definitions.read(world.folder))
    visits = [
        Event(5, {"cookie": "ck_1", "page": "/"}),
        Event(4, {"cookie": "ck_1", "page": "/"}, 2),
        Event(3, {"cookie": "ck_1", "mail": "Ada@Example.com", "page": "/cart"}, 3),
        Event(2, {"mail": "ada@example.com", "price": "29.5"}, 4),
        Event(1500, {"mail": "ben@example.com", "page": "[b]"}, 5),
    ]
    place.bring("shop", visits)
    assert place.build() is not None
    world.lytics = world.desk._lytics = place.workspace  # type: ignore[assignment]
    return world


async def test_what_was_built_is_found_and_shown(built: World) -> None:
    async with built.app().run_test(size=LARGE) as pilot:
        await settled(pilot)
        await pilot.press("4")
        await settled(pilot)
        await pilot.press("slash", *"Ada@", "enter")
        people = pilot.app.screen.query_one("#profiles", Grid)
        await until(pilot, lambda: people.row_count == 1 and people.get_row_at(0)[0].plain == "ada@example.com")
        await settled(pilot)
        glance = str(pilot.app.screen.query_one("#about", Static).render())
        assert "4 events by shop" in glance
        assert "Dear" in glance
        assert "ck_1" in glance
        await pilot.press("f")
        fields = pilot.app.screen.query_one("#fields-grid", Grid)
        await until(pilot, lambda: fields.row_count > 0)
        rows = [(fields.get_row_at(row)[0].plain, fields.get_row_at(row)[1].plain) for row in range(fields.row_count)]
        assert {("spent", "29.5"), ("pages", "/: 2"), ("", "/cart: 1")} <= set(rows)
        await pilot.press("v")
        events = pilot.app.screen.query_one("#events-grid", Grid)
        await until(pilot, lambda: events.row_count == 4)
        assert events.get_row_at(0)[2].plain.startswith("price=29.5 · mail=")


async def test_streams_and_audiences_of_what_was_built(built: World) -> None:
    async with built.app().run_test(size=LARGE) as pilot:
        await settled(pilot)
        await pilot.press("5")
        audiences = pilot.app.screen.query_one("#audiences", Grid)
        await until(pilot, lambda: audiences.row_count == 1)
        assert [cell.plain for cell in audiences.get_row_at(0)][:3] == ["Dear", "dear", "1"]
        await pilot.press("3")
        chart = pilot.app.screen.query_one(Chart)
        await until(pilot, lambda: chart.render().plain == "28 Feb ▃█ 1 Mar  peak 4 on 1 Mar")
