"""Every width from 80 to 200 columns: no column is cut, and nothing scrolls sideways that need not."""

from __future__ import annotations

import pytest
from textual.screen import Screen
from textual.widgets import Footer

from lytics_azure_tui.model.kinds import KINDS
from lytics_azure_tui.tui import profile_facts
from lytics_azure_tui.tui.screens import audiences, authorizations, handed_over, profiles
from lytics_azure_tui.tui.screens.dashboard_rows import JOBS, KINDS_IN_SHORT, RUNS, kind
from lytics_azure_tui.tui.screens.run_detail import RunDetail
from lytics_azure_tui.tui.screens.streams import FIELDS, STREAMS
from lytics_azure_tui.tui.widgets.grid import PADDING, Grid, lay
from lytics_azure_tui.tui.widgets.masthead import Masthead
from lytics_azure_tui.tui.widgets.quarantine import Quarantine
from tests.tui.conftest import settled
from tests.tui.lived_in import busy, peopled
from tests.tui.world import World

WIDTHS = range(80, 201)
DATA = {"events-grid"}
"""Grids whose columns are those of somebody's data."""


def wrong(screen: Screen[object]) -> list[str]:
    """What is cut on a screen, or can only be seen by scrolling sideways."""
    found = []
    for grid in screen.query(Grid):
        if not grid.is_on_screen or not grid.size.width or grid.id in DATA:
            continue
        if grid.max_scroll_x:
            found.append(f"{grid.id} scrolls sideways by {grid.max_scroll_x}")
        for column, place, width in grid._laid:
            if column.width or len(column.title) > width:
                cells = [row.cells[place].text for row in grid._content]
                found += [
                    f"{grid.id}: {text} in {column.title}" for text in (column.title, *cells) if len(text) > width
                ]
    for line in screen.query(Masthead):
        found += [f"head: {text}" for text in line.render().plain.splitlines() if len(text) > screen.size.width]
    for footer in screen.query(Footer):
        if footer.max_scroll_x:
            found.append(f"footer scrolls sideways by {footer.max_scroll_x}")
    return found


GRIDS = {
    "jobs": JOBS,
    "runs": RUNS,
    "streams": STREAMS,
    "fields of a stream": FIELDS,
    "profiles": profiles.COLUMNS,
    "audiences": audiences.COLUMNS,
    "authorizations": authorizations.COLUMNS,
    "a job at Lytics": handed_over.COLUMNS,
    "quarantine": Quarantine.COLUMNS,
    "fields of a profile": profile_facts.FIELDS,
}


@pytest.mark.parametrize("name", GRIDS)
def test_columns_fit_into_every_width(name: str) -> None:
    columns, before = GRIDS[name], 0
    for width in WIDTHS:
        laid = lay(columns, width)
        assert sum(cells + 2 * PADDING for _, _, cells in laid) <= width
        assert all(len(column.title) <= cells for column, _, cells in laid)
        assert [place for _, place, _ in laid] == sorted(place for _, place, _ in laid)
        assert len(laid) >= before, "more room never takes a column away"
        before = len(laid)
    assert before == len(columns)


def test_kinds_are_told_apart_at_every_width() -> None:
    for width in WIDTHS:
        cells = {column.title: cells for column, _, cells in lay(JOBS, width)}
        if "Kind" in cells:
            shown = {
                title if len(title) <= cells["Kind"] else KINDS_IN_SHORT.get(workflow, title)
                for workflow, title in ((workflow, kind(workflow)) for workflow in KINDS)
            }
            assert len({text[: cells["Kind"] - 1] for text in shown}) == len(KINDS), width


async def test_screens_from_80_to_200(world: World) -> None:
    busy(world)
    peopled(world)
    run = world.ledger.runs(active=False)[0]
    found = dict[str, list[str]]()
    places = ("1", "2", "3", "4", "5", "run")
    app = world.app()
    async with app.run_test(size=(80, 24)) as pilot:
        for turn, place in enumerate(places):
            if place == "run":
                app.push_screen(RunDetail(world.desk, run.id, tab="quarantine"))
            else:
                await pilot.press(place)
            await settled(pilot)
            # Together they see every width; each of them the last narrow and the first wide one.
            for width in sorted({109, 110, *range(80 + turn, 201, len(places))}):
                await pilot.resize_terminal(width, 24)
                found |= {f"{place} at {width}": wrong(app.screen)}
    assert {where: what for where, what in found.items() if what} == {}
