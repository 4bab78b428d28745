"""Profiles are built when there is something to build: new events, other definitions, a moment at which a date tips."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from lytics_azure_tui.config import definitions
from lytics_azure_tui.errors import RetryLater
from lytics_azure_tui.lytics.workspace.workspace import Workspace
from lytics_azure_tui.model.audience import Audience
from lytics_azure_tui.model.mapping import FieldRule, StreamMapping
from lytics_azure_tui.model.profile_build import PROFILES
from lytics_azure_tui.model.run import Run, RunState, Trigger
from lytics_azure_tui.model.user_field import FieldKind, Merge
from lytics_azure_tui.runner import lock, places
from lytics_azure_tui.runner.foreground import run_saved
from lytics_azure_tui.runner.upkeep import AFTER_FAILURE, Upkeep
from tests.integration.builds import Event, Place
from tests.integration.runner.test_runner_foreground import Told
from tests.integration.runner.world import World

SHOP = StreamMapping(
    stream="shop",
    fields=[
        FieldRule(field="email", expression="email(mail)", identifier=True),
        FieldRule(field="seen", expression="todate(at)", kind=FieldKind.DATE, merge=Merge.MAX),
    ],
)


def bring(world: World, *mails: str, at: str = "2026-01-01") -> None:
    """Events into the stream, as an import does."""
    place = Place(places.workspace(world.folder).parent)
    place.runs = len(list((place.root / "workspace").glob("streams/shop/*.parquet")))
    place.bring("shop", [Event(0, {"mail": mail, "at": at}, row) for row, mail in enumerate(mails, 1)])


def builds(world: World) -> list[Run]:
    return list(reversed(world.ledger.runs(job=PROFILES.id)))


def workspace(world: World) -> Workspace:
    return Workspace(places.workspace(world.folder))


def test_saved_runs_return_when_profiles_are_built_of_what_they_brought(world: World) -> None:
    bring(world, "ada@example.com", "ben@example.com")
    definitions.save_mapping(world.folder, SHOP)
    world.job()
    told = Told()
    summary = run_saved(world.folder, ["copy"], on_event=told)
    assert [run.job for run in summary.runs] == ["copy", PROFILES.id]
    assert not summary.failed
    assert workspace(world).figures().profiles == 2
    run_saved(world.folder, ["copy"], on_event=told)
    assert len(builds(world)) == 1, "nothing is new"
    bring(world, "cem@example.com")
    run_saved(world.folder, ["copy"], on_event=told)
    assert len(builds(world)) == 2
    assert workspace(world).figures().profiles == 3


def test_without_mappings_nothing_is_built(world: World) -> None:
    bring(world, "ada@example.com")
    world.job()
    run_saved(world.folder, ["copy"], on_event=Told())
    assert builds(world) == []


def test_a_definition_that_cannot_be_read_stops_builds_and_no_import(world: World) -> None:
    bring(world, "ada@example.com")
    definitions.save_mapping(world.folder, SHOP)
    path = definitions.mappings_dir(world.folder) / "shop.toml"
    whole = path.read_text()
    path.write_text(whole.replace("email(mail)", "email(mail"))
    world.job()
    summary = run_saved(world.folder, ["copy"], on_event=Told())
    assert [run.state for run in summary.runs] == [RunState.SUCCEEDED]
    assert builds(world) == []
    path.write_text(whole)
    run_saved(world.folder, ["copy"], on_event=Told())
    assert [run.state for run in builds(world)] == [RunState.SUCCEEDED]


def test_an_audience_alone_is_evaluated_over_the_profiles_that_are_there(world: World) -> None:
    bring(world, "ada@example.com", "ben@example.org")
    definitions.save_mapping(world.folder, SHOP)
    world.job()
    run_saved(world.folder, ["copy"], on_event=Told())
    audience = Audience(slug="com", label="Com", filter='FILTER email LIKE "*.com"')
    definitions.save_audience(world.folder, audience)
    run_saved(world.folder, ["copy"], on_event=Told())
    assert [(info.slug, info.size) for info in workspace(world).audiences()] == [("com", 1)]
    definitions.delete_audience(world.folder, "com")
    run_saved(world.folder, ["copy"], on_event=Told())
    assert workspace(world).audiences() == []


@pytest.fixture
def upkeep(world: World) -> Upkeep:
    said: list[str] = []
    return Upkeep(world.folder, world.ledger, said.append)


def ended(world: World, state: RunState) -> Run:
    run = world.ledger.enqueue(PROFILES, Trigger.SCHEDULE)
    world.ledger.claim(run.id, 1)
    world.ledger.finish(run.id, state, error="no" if state is RunState.FAILED else "")
    return world.ledger.run(run.id)


def test_a_build_that_failed_is_tried_again_in_an_hour_or_when_definitions_change(world: World, upkeep: Upkeep) -> None:
    bring(world, "ada@example.com")
    definitions.save_mapping(world.folder, SHOP)
    now = datetime.now(UTC)
    due = upkeep.due([], "files", now)
    assert due is not None and due <= datetime.now(UTC)
    time.sleep(0.01)
    run = ended(world, RunState.FAILED)
    assert upkeep.due([run], "files", now) is None, "while one is under way there is nothing to do"
    assert run.ended is not None
    assert upkeep.due([], "files", now) == run.ended + AFTER_FAILURE
    time.sleep(0.01)
    definitions.save_audience(world.folder, Audience(slug="all", label="All", filter="FILTER *"))
    again = upkeep.due([], "other files", now)
    assert again is not None and again <= datetime.now(UTC)


def test_a_date_that_tips_is_known_beforehand(world: World, upkeep: Upkeep) -> None:
    seen = datetime.now(UTC) - timedelta(days=6)
    bring(world, "ada@example.com", at=f"{seen:%Y-%m-%dT%H:%M:%SZ}")
    definitions.save_mapping(world.folder, SHOP)
    week = Audience(slug="week", label="This week", filter='FILTER seen > "now-7d"')
    definitions.save_audience(world.folder, week)
    world.job()
    run_saved(world.folder, ["copy"], on_event=Told())
    due = upkeep.due([], "files", datetime.now(UTC))
    assert due is not None
    assert abs(due - (seen + timedelta(days=7))) <= timedelta(seconds=1)


def test_the_workspace_is_for_runs_together_or_for_one_alone(world: World) -> None:
    data, busy = world.folder.data, pytest.raises(RetryLater, match="Runs are at work")
    with lock.workspace(data), lock.workspace(data), busy, lock.workspace(data, alone=True):
        pass
    with lock.workspace(data, alone=True):
        pass
