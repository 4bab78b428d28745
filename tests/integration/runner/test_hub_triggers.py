"""Exports to an event hub by the real runner: as soon as profiles were built, and whatever is killed meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lytics_azure_tui.config import definitions
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.model.authorization import AzureEventHub
from lytics_azure_tui.model.event_hub_export import EventHubExport
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.model.mapping import Definitions
from lytics_azure_tui.model.run import RunState
from lytics_azure_tui.runner import places
from lytics_azure_tui.runner.ledger import Ledger
from lytics_azure_tui.runner.service import ensure_runner
from lytics_azure_tui.sandbox.event_hub import EventHubServer
from lytics_azure_tui.sandbox.event_hub.faults import Fault
from tests.hubs import until
from tests.integration.builds import Place as Profiles
from tests.integration.runner.dying import HUB_STEPS
from tests.integration.runner.kills import kills
from tests.integration.runner.place import Place
from tests.integration.runner.world import World
from tests.integration.test_event_hub_export import REACHED, SHOP, SPENDERS, buys
from tests.integration.triggers import told

DEFINED = Definitions((SHOP,), (REACHED, SPENDERS))
USERS = 120


@dataclass
class Hub:
    """A hub of a test's own."""

    server: EventHubServer
    name: str

    def users(self) -> Counter[str]:
        """How often each user was told of."""
        return Counter(message.body["data"]["user_id"] for message in told(self.server, self.name))


@pytest.fixture
def hub(event_hubs: EventHubServer) -> Iterator[Hub]:
    name = f"r{time.monotonic_ns()}"
    event_hubs.create(name, 2)
    event_hubs.limit(6_000)  # so that a few messages are several batches
    yield Hub(event_hubs, name)
    event_hubs.limit(1_048_576)
    event_hubs.heal()
    event_hubs.delete(name)


def prepared(folder: Folder, *users: str) -> Profiles:
    """A folder whose profiles are built of the purchases of some users, all of them spenders."""
    definitions.save_mapping(folder, SHOP)
    for audience in DEFINED.audiences:
        definitions.save_audience(folder, audience)
    profiles = Profiles(folder.data, DEFINED)
    profiles.bring("shop", [buys(user, 150) for user in users])
    profiles.build()
    return profiles


@pytest.mark.parametrize(("name", "when", "call"), kills(HUB_STEPS, within=("save",)))
def test_killed_anywhere_every_user_is_told_of_in_order(
    hub: Hub, tmp_path: Path, name: str, when: str, call: int
) -> None:
    authorization = AzureEventHub(id="hub", label="Hub")
    config = EventHubExport(segment_ids=["spenders", "reached"], withbackfill=True, throughput_units=0)
    place = Place(tmp_path, config, authorization, ("connection_string", hub.server.connection(hub.name)))
    profiles = prepared(place.folder, *(f"u{n}" for n in range(USERS)))
    assert place.run(name, when, call) == 0, place.said
    assert hub.users().keys() == {f"u{n}" for n in range(USERS)}
    # Each user is told of again: the purchases go down, and none of the messages overtakes another.
    profiles.bring("shop", [buys(f"u{n}", -100) for n in range(USERS)])
    profiles.build()
    assert place.run() == 0, place.said
    seen: dict[str, list[str]] = {}
    for message in told(hub.server, hub.name):
        seen.setdefault(message.user, []).append(message.properties["event"])
    assert len(seen) == USERS
    for events in seen.values():
        assert events == sorted(events), "enters, then exits"
        assert set(events) == {"enter", "exit"}
    assert place.run() == 0, place.said
    assert sum(hub.users().values()) == sum(map(len, seen.values())), "nothing is told again"


def test_a_hub_that_is_killed_in_the_middle_gets_the_rest(tmp_path: Path) -> None:
    with EventHubServer(hubs={"h": 2}, max_size=6_000) as server:
        hub = Hub(server, "h")
        config = EventHubExport(segment_ids=["spenders"], withbackfill=True, throughput_units=0)
        place = Place(
            tmp_path, config, AzureEventHub(id="hub", label="Hub"), ("connection_string", server.connection("h"))
        )
        prepared(place.folder, *(f"u{n}" for n in range(USERS)))
        server.fail(Fault("hang", after=4, times=100))
        command = [sys.executable, "-m", "lytics_azure_tui", "--config", str(place.folder.root), "--run-saved", "job"]
        run = subprocess.Popen(command, env=place.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: len(told(server, "h")) > 20)
        server.kill()
        time.sleep(0.3)
        server.start()
        assert run.wait(120) == 0
        assert hub.users().keys() == {f"u{n}" for n in range(USERS)}


def test_what_is_imported_is_told_within_seconds(world: World, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LYAZURE_SECRET_HUB_CONNECTION_STRING", hub.server.connection(hub.name).reveal())
    folder = world.folder
    profiles = prepared(folder, "ann")
    folder.save_authorization(AzureEventHub(id="hub", label="Hub"))
    config = EventHubExport(segment_ids=["spenders"], throughput_units=0)
    folder.save_job(Job(id="triggers", label="T", workflow=config.workflow, authorization="hub", config=config))
    ensure_runner(folder)
    until(lambda: bool(world.ledger.runs(job="triggers", active=False)))
    profiles.bring("shop", [buys("ben", 500)])
    committed = time.monotonic()
    # The end of an import is what has the runner look; here another job's run takes its part.
    world.queue()
    until(lambda: bool(hub.users()))
    seconds = time.monotonic() - committed
    print(f"from the import's commit to the message: {seconds:.1f} s")  # noqa: T201
    assert hub.users() == {"ben": 1}
    assert seconds < 60
    until(lambda: all(run.state.ended for run in world.ledger.runs(job="triggers")))
    assert {run.state for run in world.ledger.runs(job="triggers")} == {RunState.SUCCEEDED}


def test_saved_runs_that_are_due_go_on_with_what_follows_the_profiles(
    world: World, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {
        **os.environ,
        "LYAZURE_SECRET_HUB_CONNECTION_STRING": hub.server.connection(hub.name).reveal(),
    }
    profiles = prepared(world.folder, "ann")
    world.folder.save_authorization(AzureEventHub(id="hub", label="Hub"))
    config = EventHubExport(segment_ids=["spenders"], throughput_units=0)
    job = Job(id="triggers", label="T", workflow=config.workflow, authorization="hub", config=config)
    world.folder.save_job(job)
    command = [sys.executable, "-m", "lytics_azure_tui", "--config", str(world.folder.root), "--run-saved"]

    def run_saved() -> None:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr

    run_saved()
    profiles.bring("shop", [buys("ben", 500)])
    run_saved()
    assert hub.users() == {"ben": 1}
    ledger = Ledger(places.ledger_file(world.folder))
    assert len(ledger.runs(job="triggers")) == 2
    ledger.close()
