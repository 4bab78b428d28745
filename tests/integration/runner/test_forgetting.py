"""A person is removed from streams, profiles, memberships and quarantine."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from lytics_azure_tui.config import definitions
from lytics_azure_tui.errors import BadConfiguration, RetryLater
from lytics_azure_tui.jobs import quarantine
from lytics_azure_tui.jobs.quarantine import QuarantinedRow
from lytics_azure_tui.runner import lock, places, service
from lytics_azure_tui.runner.foreground import run_saved
from tests.integration.runner.test_runner_foreground import Told
from tests.integration.runner.test_upkeep import SHOP, bring, workspace
from tests.integration.runner.world import World

RAW = (
    b"Ada <ADA@example.com>,12",
    "über,ada@example.com,überall".encode("latin-1"),
    b"mada@example.com,12",
    b"ada@example.community",
    "ada@example.com\nnäher".encode(),
)


@pytest.fixture
def people(world: World) -> World:
    bring(world, "ada@example.com", "ben@example.com", "ada@example.com")
    definitions.save_mapping(world.folder, SHOP)
    world.job()
    run_saved(world.folder, ["copy"], on_event=Told())
    folder = quarantine.folder_of(places.keep(world.folder) / "copy", "some-run") / "part-00000"
    folder.mkdir(parents=True)
    quarantine.write(
        folder / "part.parquet", [QuarantinedRow("c/f", n, 0, n, "no date", raw) for n, raw in enumerate(RAW)]
    )
    quarantine.write(folder / "other.parquet", [QuarantinedRow("c/f", 9, 0, 9, "no date", b"ada@example.com")])
    return world


def left(world: World) -> list[bytes]:
    folder = str(quarantine.folder_of(places.keep(world.folder) / "copy", "some-run") / "part-00000")
    return [row.raw for row in quarantine.page([folder], 0, 100)]


def test_a_person_is_removed_and_the_others_stay(people: World) -> None:
    report = service.forget(people.folder, " ADA@example.com\n")
    assert report.identifiers == ("email=ada@example.com",)
    assert (report.profiles, report.events, report.quarantined) == (1, {"shop": 2}, 4)
    assert left(people) == [RAW[2], RAW[3]]
    found = workspace(people)
    assert [profile.fields["email"] for profile in found.find("")] == ["ben@example.com"]
    assert [info.events for info in found.streams()] == [1]
    with pytest.raises(BadConfiguration, match=r"Nobody is known by ada@example\.com"):
        service.forget(people.folder, "ada@example.com")


def test_runs_go_on_after_it(people: World) -> None:
    service.forget(people.folder, "ada@example.com")
    bring(people, "ada@example.com", "cem@example.com")
    run_saved(people.folder, ["copy"], on_event=Told())
    assert workspace(people).figures().profiles == 3


def test_while_runs_are_at_work_it_waits(people: World) -> None:
    with lock.workspace(people.folder.data), pytest.raises(RetryLater, match="Runs are at work in the workspace"):
        service.forget(people.folder, "ada@example.com")
    assert workspace(people).figures().profiles == 2


def test_the_command_line_asks_reads_from_stdin_and_answers(people: World) -> None:
    def command(*options: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        arguments = [sys.executable, "-m", "lytics_azure_tui", "--config", str(people.folder.root), *options]
        return subprocess.run(arguments, input=typed, capture_output=True, text=True, check=False, timeout=60)

    refused = command("--forget", "ada@example.com", typed="n\n")
    assert refused.returncode == 130 and "for good?" in refused.stderr
    assert workspace(people).figures().profiles == 2
    done = command("--forget", "-", "--json", typed="ada@example.com\n")
    assert done.returncode == 0, done.stderr
    (event,) = map(json.loads, done.stdout.splitlines())
    assert (event["event"], event["profiles"], event["quarantined"]) == ("forgotten", 1, 4)
    unknown = command("--forget", "nobody@example.com", "--yes")
    assert unknown.returncode == 2 and "Nobody is known by nobody@example.com" in unknown.stderr
