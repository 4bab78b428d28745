"""The screens on a Lytics account, by the stand-in for its API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lytics_azure_tui.tui.widgets.grid import Grid
from lytics_azure_tui.tui.widgets.problem import Problem
from tests.integration.accounts import Ground, client, cloud, person
from tests.tui.conftest import LARGE, settled, until
from tests.tui.world import World


@pytest.fixture
def account(world: World, tmp_path: Path) -> Iterator[Ground]:
    with cloud(tmp_path) as ground:
        ground.fill([person(number) for number in range(24)])
        world.lytics = world.desk._lytics = ground.lytics  # type: ignore[assignment]
        yield ground


async def test_streams_profiles_and_audiences_are_shown(account: Ground, world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        await settled(pilot)
        await pilot.press("3")
        streams = pilot.app.screen.query_one("#streams", Grid)
        await until(pilot, lambda: streams.row_count == 1)
        assert [cell.plain for cell in streams.get_row_at(0)][:2] == ["people", "24"]
        await pilot.press("4")
        people = pilot.app.screen.query_one("#profiles", Grid)
        await until(pilot, lambda: people.row_count == 24)
        await pilot.press("slash", *"p0006@example.com", "enter")
        await until(pilot, lambda: people.row_count == 1)
        await pilot.press("v")
        await until(pilot, lambda: pilot.app.screen.query_one(Problem).error is not None)
        assert "Lytics' own screens" in str(pilot.app.screen.query_one(Problem).error)
        await pilot.press("5")
        audiences = pilot.app.screen.query_one("#audiences", Grid)
        await until(pilot, lambda: audiences.row_count == 2)
        assert [cell.plain for cell in audiences.get_row_at(0)][:3] == ["Berliners", "berliners", "12"]
        await pilot.press("e")
        await until(pilot, lambda: bool(pilot.app.screen.query_one(Problem).error))
        assert "Lytics' own screens" in str(pilot.app.screen.query_one(Problem).error)


async def test_an_account_that_does_not_answer_is_told_where_it_was_asked(
    account: Ground, world: World, tmp_path: Path
) -> None:
    assert account.api is not None
    account.api.faults.revoked = True
    world.lytics = world.desk._lytics = client(account.api, tmp_path / "cloud")  # type: ignore[assignment]
    async with world.app().run_test(size=LARGE) as pilot:
        await settled(pilot)
        for key in ("3", "4", "5"):
            await pilot.press(key)
            await until(pilot, lambda: pilot.app.screen.query_one(Problem).error is not None)
            assert "--lytics-token" in str(pilot.app.screen.query_one(Problem).error)
