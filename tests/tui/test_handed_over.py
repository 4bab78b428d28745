"""Jobs that run at Lytics: on the dashboard, on their page, and how they come there and back."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest
from textual.pilot import Pilot

from lytics_azure_tui.errors import NotAuthorised
from lytics_azure_tui.lytics.cloud.api import Account, Api
from lytics_azure_tui.lytics.cloud.cloud import Cloud
from lytics_azure_tui.lytics.servers import ServerLine
from lytics_azure_tui.model.event_export import EventExport
from lytics_azure_tui.model.job import HandedOver
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.sandbox.lytics_api import LyticsApi
from lytics_azure_tui.tui.app import LyazureApp
from lytics_azure_tui.tui.screens.confirm import Confirm
from lytics_azure_tui.tui.screens.dashboard import Dashboard
from lytics_azure_tui.tui.screens.hand_over import HandOver
from lytics_azure_tui.tui.screens.handed_over import PAGE, HandedOverPage
from lytics_azure_tui.tui.widgets.grid import Grid
from lytics_azure_tui.tui.widgets.problem import Problem
from tests.integration.accounts import client
from tests.tui.conftest import LARGE, SMALL, Picture, settled, until
from tests.tui.machines import SmallServers, handed, with_account
from tests.tui.shelf import full, put_on
from tests.tui.test_dashboard import cell
from tests.tui.test_export_job import to_fields
from tests.tui.test_job_wizard import act
from tests.tui.world import NOW, World

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])


def several(world: World) -> SmallServers:
    """Jobs there in several states, and one that runs here."""
    servers = with_account(world)
    nightly = handed(world, servers, "Customers nightly", "running")
    for label, status in (
        ("Loyalty cards", "sleeping"),
        ("Newsletter", "paused"),
        ("Price list", "fault-3"),
        ("Returns", "deleted"),
    ):
        handed(world, servers, label, status)
    lost = world.job("Stores", continuous_update=True)
    world.folder.save_handed(lost.id, HandedOver(mark="0f"))
    world.job("Web events", continuous_update=True)
    assert nightly.lytics is not None
    assert nightly.lytics.job is not None
    servers.lines[nightly.lytics.job] = [
        ServerLine(NOW - timedelta(minutes=4), "info", "Imported customers_20261124.csv", added=48_112, omitted=37),
        ServerLine(NOW - timedelta(hours=2), "warning", "The blob is not there yet; it is looked for again in an hour"),
        ServerLine(
            NOW - timedelta(hours=3),
            "error",
            "Azure refused the credentials: the signature [b]expired[/b] on 23 November 2026, and the job has tried it "
            "six times since; renew the authorization",
            code="UNAUTHORIZED-017",
        ),
        ServerLine(NOW - timedelta(days=1), "info", "Imported customers_20261123.csv", added=47_990, removed=2),
        ServerLine(NOW - timedelta(days=2), "info", "Started by user admin@example.com"),
        ServerLine(NOW - timedelta(days=2), "info", "Created"),
    ]
    return servers


def error(app: LyazureApp) -> str:
    """What the screen says is wrong."""
    return str(app.screen.query_one(Problem).error)


@SIZES
def test_jobs_at_lytics_beside_those_that_run_here(picture: Picture, world: World, size: tuple[int, int]) -> None:
    several(world)
    assert picture(world, size)


@SIZES
def test_the_page_of_a_job_at_lytics(picture: Picture, world: World, size: tuple[int, int]) -> None:
    several(world)
    assert picture(world, size, press=["enter", "down", "down"])


def test_the_page_on_a_light_ground(picture: Picture, world: World) -> None:
    several(world)
    assert picture(world, LARGE, press=["enter"], theme="lyazure-light")


@SIZES
def test_what_is_sent_is_said_before_it_is(picture: Picture, world: World, size: tuple[int, int]) -> None:
    with_account(world)
    world.job("Customers nightly", continuous_update=True, file_frequency="weekly")
    assert picture(world, size, press=["h"])


@SIZES
def test_a_job_that_was_deleted_in_lytics(picture: Picture, world: World, size: tuple[int, int]) -> None:
    handed(world, with_account(world), "Customers", "deleted")
    assert picture(world, size, press=["enter"])


@SIZES
def test_without_an_account(picture: Picture, world: World, size: tuple[int, int]) -> None:
    world.authorization()
    world.job("Customers nightly", continuous_update=True)
    assert picture(world, size, press=["h"])


async def opened(world: World, pilot: Pilot[int]) -> HandedOverPage:
    """The page of the first job."""
    await settled(pilot)
    await pilot.press("enter")
    await settled(pilot)
    page = pilot.app.screen
    assert isinstance(page, HandedOverPage)
    return page


async def test_h_asks_and_then_hands_over(world: World) -> None:
    servers = with_account(world)
    job = world.job("Customers", continuous_update=True)
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        await pilot.press("h")
        await settled(pilot)
        assert isinstance(app.screen, HandOver)
        await pilot.press("escape")
        await settled(pilot)
        assert world.folder.job(job.id).lytics is None
        assert "make" not in servers.done
        await pilot.press("h")
        await settled(pilot)
        await pilot.press("y")
        await until(pilot, lambda: world.folder.job(job.id).lytics is not None)
        await until(pilot, lambda: cell(app, "jobs", 0, "running"))
        assert cell(app, "jobs", 0, "at Lytics")
        assert servers.done.index("make") < servers.done.index("running")


async def test_what_cannot_go_says_why(world: World) -> None:
    with_account(world)
    world.job("Customers", encoding="cp1252")
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        await pilot.press("h")
        await settled(pilot)
        assert isinstance(app.screen, Dashboard)
        assert "encoding = 'cp1252'" in error(app)


async def test_keys_of_the_dashboard_reach_the_job_at_lytics(world: World) -> None:
    servers = with_account(world)
    job = handed(world, servers, "Customers", "sleeping")
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        await until(pilot, lambda: cell(app, "jobs", 0, "sleeping"))
        for key, state in (("p", "paused"), ("p", "running"), ("p", "paused"), ("s", "running")):
            await pilot.press(key)
            await settled(pilot)
            await until(pilot, partial(cell, app, "jobs", 0, state))
        await pilot.press("e")
        await settled(pilot)
        assert isinstance(app.screen, Dashboard)
        assert "as it was handed over" in error(app)
        await pilot.press("d")
        await settled(pilot)
        await pilot.press("y")
        await settled(pilot)
        assert "runs at Lytics" in error(app)
        assert world.folder.job(job.id).lytics is not None
        assert world.ledger.runs() == []


async def test_the_page_starts_and_pauses(world: World) -> None:
    servers = with_account(world)
    handed(world, servers, "Customers", "running")
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        page = await opened(world, pilot)
        facts = page.query_one("#facts")
        await pilot.press("p")
        await until(pilot, lambda: "paused" in str(facts.render()))
        await pilot.press("s")
        await until(pilot, lambda: "running" in str(facts.render()))


async def test_taken_back_it_runs_here_again(world: World) -> None:
    servers = with_account(world)
    job = handed(world, servers, "Customers", "running")
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await opened(world, pilot)
        await pilot.press("t")
        await settled(pilot)
        assert isinstance(app.screen, Confirm)
        await pilot.press("y")
        await until(pilot, lambda: world.folder.job(job.id).lytics is None)
        await until(pilot, lambda: isinstance(app.screen, Dashboard))
        await until(pilot, lambda: cell(app, "jobs", 0, "scheduled"))
        assert "deleted" in servers.done


async def test_a_token_that_is_refused_is_said_and_the_last_state_stays(world: World) -> None:
    servers = with_account(world)
    handed(world, servers, "Customers", "running")
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        await until(pilot, lambda: cell(app, "jobs", 0, "running"))
        servers.broken = NotAuthorised("The jobs could not be listed", why="Lytics does not accept the API token")
        dashboard = app.screen
        assert isinstance(dashboard, Dashboard)
        dashboard._ask()
        await until(pilot, lambda: "does not accept" in str(dashboard.query_one("#jobs").border_title))
        assert cell(app, "jobs", 0, "running")
        await opened(world, pilot)
        assert "does not accept" in error(app)
        servers.broken = None
        await pilot.press("r")
        await settled(pilot)
        assert error(app) == "None"


async def test_the_log_is_paged(world: World) -> None:
    servers = with_account(world)
    job = handed(world, servers, "Customers", "running")
    assert job.lytics is not None
    assert job.lytics.job is not None
    servers.lines[job.lytics.job] = [
        ServerLine(NOW - timedelta(minutes=number), "info", f"Line {number}") for number in range(2 * PAGE + 50)
    ]
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        page = await opened(world, pilot)
        grid = page.query_one("#lines")
        assert "1 to 100 of 250" in str(grid.border_title)
        for key, place in (("]", "101 to 200"), ("]", "201 to 250"), ("]", "201 to 250"), ("[", "101 to 200")):
            await pilot.press(key)
            await settled(pilot)
            assert place in str(grid.border_title)


async def test_in_doubt_h_goes_on(world: World) -> None:
    servers = with_account(world)
    job = world.job("Customers")
    world.folder.save_handed(job.id, HandedOver(mark="0f"))
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        await until(pilot, lambda: cell(app, "jobs", 0, "in doubt"))
        await pilot.press("s")
        await settled(pilot)
        assert "is not known" in error(app)
        await pilot.press("h")
        await settled(pilot)
        await pilot.press("y")
        await until(pilot, lambda: cell(app, "jobs", 0, "running"))
        assert servers.done.count("make") == 1


async def test_nobody_is_asked_where_nothing_was_handed_over(world: World) -> None:
    servers = with_account(world)
    world.job("Customers")
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        assert isinstance(app.screen, Dashboard)
        app.screen._ask()
        await settled(pilot)
        assert servers.done == []


async def test_there_and_back_for_real(world: World, tmp_path: Path) -> None:
    with_account(world)
    job = world.job("Customers", continuous_update=True)
    app = world.app()
    with LyticsApi(tmp_path / "account") as api:
        world.desk._lytics = client(api, tmp_path / "cloud")
        async with app.run_test(size=LARGE) as pilot:
            await settled(pilot)
            await pilot.press("h")
            await settled(pilot)
            await pilot.press("y")
            await until(pilot, lambda: world.folder.job(job.id).lytics is not None)
            await until(pilot, lambda: cell(app, "jobs", 0, "at Lytics") and not cell(app, "jobs", 0, "asking"))
            await settled(pilot)
            page = await opened(world, pilot)
            log = page.query_one("#lines", Grid)
            assert [str(log.get_row_at(row)[1]) for row in range(2)] == ["Started", "Created"]
            await pilot.press("p")
            await until(pilot, lambda: "paused" in str(page.query_one("#facts").render()))
            await pilot.press("t")
            await settled(pilot)
            await pilot.press("y")
            await until(pilot, lambda: world.folder.job(job.id).lytics is None)


def no_events(*_: object) -> NoReturn:
    """What an account says when its events are to be exported from here."""
    account = Account("https://api.lytics.io", "https://bulk.lytics.io", lambda: Secret(""))
    Cloud(Api(account), Path("nowhere")).events("web")
    raise AssertionError


@SIZES
def test_an_export_of_events_offers_to_hand_it_over(
    picture: Picture, world: World, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on(world, full(), monkeypatch)
    monkeypatch.setattr("lytics_azure_tui.jobs.rehearsal.rehearse", no_events)
    assert picture(world, size, before=act(to_fields(EventExport), *"landing", "ctrl+n", "ctrl+n"))
