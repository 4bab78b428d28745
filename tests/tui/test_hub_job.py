"""The form of an export to an event hub, and how a run of it looks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lytics_azure_tui.jobs.kind import Rehearsal
from lytics_azure_tui.model.authorization import AzureEventHub
from lytics_azure_tui.model.event_hub_export import EventHubExport
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.model.run import Progress
from lytics_azure_tui.tui.screens.run_detail import RunDetail
from tests.tui.conftest import Picture
from tests.tui.shelf import Shelf
from tests.tui.test_export_job import SIZES, shelf  # noqa: F401 -- a fixture
from tests.tui.test_export_job import to_fields as to_fields_of
from tests.tui.test_job_wizard import act
from tests.tui.world import World

REHEARSAL = Rehearsal(
    "sending to audiences who entered and left vip: 12,345 triggers",
    (("vip", "its members, and who enters and leaves"),),
    None,
    ("user", "event", "audiences", "message"),
    (("5d0c77e1", "enter", "vip", '{"data":{"email":"ann@example.com","segment_events":[{"id":"0b6c"'),),
    ("The job stays active: it sends again whenever profiles were built",),
)


@pytest.fixture
def hub(world: World, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> Shelf:  # noqa: F811
    """With an authorization of an event hub."""
    world.folder.save_authorization(AzureEventHub(id="events", label="Audience triggers"))
    monkeypatch.setattr("lytics_azure_tui.jobs.rehearsal.rehearse", lambda *_: REHEARSAL)
    return shelf


@SIZES
def test_the_fields(picture: Picture, world: World, size: tuple[int, int], hub: Shelf) -> None:
    assert picture(world, size, before=to_fields_of(EventHubExport))


@SIZES
def test_the_review(picture: Picture, world: World, size: tuple[int, int], hub: Shelf) -> None:
    steps = act(to_fields_of(EventHubExport), "space", "down", "space", "enter", "ctrl+n", "ctrl+n")
    assert picture(world, size, before=steps)


@SIZES
def test_a_run_whose_hub_is_down_says_what_waits(picture: Picture, world: World, size: tuple[int, int]) -> None:
    config = EventHubExport(segment_ids=["vip"])
    job = Job(id="triggers", label="VIP triggers", workflow=config.workflow, authorization="events", config=config)
    world.folder.save_job(job)
    run = world.running(
        job,
        Progress("sending; 11,800 messages wait, the oldest since 2026-11-24 12:58 UTC", 190_000, None, 545),
        about="sending to audiences who entered and left vip",
    )
    why = (
        "11,800 messages wait, the oldest since 2026-11-24 12:58 UTC. Nothing listens at contoso.servicebus.windows.net"
    )
    world.ledger.log(run.id, "warning", f"{why}. Tries again at 13:06:09 UTC")
    world.ledger.retry(run.id, world.clock.moment + timedelta(minutes=1), why)
    assert picture(world, size, screen=lambda: RunDetail(world.desk, run.id))
