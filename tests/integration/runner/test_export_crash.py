"""An export that is killed at any step, and gone on with, leaves each event in one blob, and each blob whole."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from lytics_azure_tui.config import definitions
from lytics_azure_tui.model.audience import Audience
from lytics_azure_tui.model.audience_json import AudienceJson
from lytics_azure_tui.model.event_export import EventExport
from lytics_azure_tui.model.mapping import FieldRule, StreamMapping
from tests.conftest import Storage
from tests.integration import builds
from tests.integration.exports import Exporter, Reader, a_reader, event_exporter, opened, table
from tests.integration.runner.dying import AUDIENCE_STEPS, EXPORT_STEPS
from tests.integration.runner.kills import kills
from tests.integration.runner.place import Place


def place_of(root: Path, storage: Storage, key: str | None = None) -> tuple[Place, Exporter]:
    config = EventExport(container=storage.container, continuous_update=True, time_format="unix_ms")
    authorization = storage.authorization().model_copy(update={"pgppublickey": key})
    place = Place(root, config, authorization, ("connection_string", storage.connection_string))
    return place, event_exporter(storage, place.folder.data)


def add(export: Exporter, first: int) -> None:
    """4,000 events in two streams, about 350 KB."""
    for stream in ("a", "b"):
        rows = [{"id": f"{stream}{number}", "text": "x" * 50} for number in range(first, first + 2000)]
        export.add(stream, rows)


def assert_whole(export: Exporter, reader: Reader | None = None) -> None:
    names = [name for name in export.names() if not name.endswith(".json")]
    assert sorted(export.names()) == sorted([*names, *(f"{name}.manifest.json" for name in names)])
    for name, first in zip(names, (0, 2000), strict=True):
        data = export.read(name)
        told = json.loads(export.read(f"{name}.manifest.json"))
        assert (told["rows"], told["sha256"]) == (4000, hashlib.sha256(data).hexdigest())
        ids = [row[2] for row in table(opened(name, data, reader))[1:]]
        assert ids == [f"{stream}{number}" for stream in ("a", "b") for number in range(first, first + 2000)]


@pytest.mark.parametrize(("name", "when", "call"), kills(EXPORT_STEPS, within=("commit",)))
def test_killed_anywhere_each_event_is_exported_once(
    storage: Storage, tmp_path: Path, name: str, when: str, call: int
) -> None:
    place, export = place_of(tmp_path, storage)
    add(export, 0)
    assert place.run() == 0, place.said
    add(export, 2000)
    assert place.run(name, when, call) == 0, place.said
    assert_whole(export)
    assert place.run() == 0, place.said
    assert_whole(export)


def test_killed_while_it_encrypts_an_export_leaves_no_gpg(storage: Storage, tmp_path: Path) -> None:
    with a_reader() as reader:
        place, export = place_of(tmp_path, storage, reader.public)
        add(export, 0)
        assert place.run() == 0, place.said
        add(export, 2000)
        assert place.run("blob_writer.BlobWriter._stage_block", "after", 2) == 0, place.said
        assert_whole(export, reader)
    scratch = place.folder.data / "scratch"
    assert not scratch.exists() or not list(scratch.iterdir())
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = process.read_bytes()
        except OSError:
            continue
        assert not (line.startswith(b"gpg") and str(tmp_path).encode() in line)


MAPPING = StreamMapping(
    stream="web",
    fields=[
        FieldRule(field="email", expression="email(mail)", identifier=True),
        FieldRule(field="plan", expression="plan"),
    ],
)
VIP = Audience(slug="vip", label="VIP", filter='FILTER plan = "gold"')


@pytest.mark.parametrize(("name", "when", "call"), kills(AUDIENCE_STEPS, within=("part_done",)))
def test_killed_anywhere_each_change_of_an_audience_is_exported_once(
    storage: Storage, tmp_path: Path, name: str, when: str, call: int
) -> None:
    config = AudienceJson(segment_id="vip", container=storage.container, max_bytes=100_000)
    place = Place(tmp_path, config, storage.authorization(), ("connection_string", storage.connection_string))
    definitions.save_mapping(place.folder, MAPPING)
    definitions.save_audience(place.folder, VIP)
    built = builds.Place(place.folder.data, definitions.read(place.folder))
    people = [f"user{number}@example.com" for number in range(1500)]
    built.bring("web", [builds.Event(20, {"mail": mail, "plan": "gold"}) for mail in people[:1000]])
    built.build()
    assert place.run() == 0, place.said
    built.bring("web", [builds.Event(10, {"mail": mail, "plan": "gold"}) for mail in people[1000:]])
    built.bring("web", [builds.Event(5, {"mail": mail, "plan": "tin"}) for mail in people[:500]])
    built.build()
    assert place.run(name, when, call) == 0, place.said
    assert place.run() == 0, place.said
    export = Exporter(storage, place.folder.data, AudienceJson, {})
    found: list[tuple[str, str]] = []
    for blob in export.names():
        if not blob.endswith(".manifest.json"):
            data = export.read(blob)
            assert len(data) <= 100_000
            assert export.manifest(blob)["sha256"] == hashlib.sha256(data).hexdigest()
            found += [(user["_event"], user["email"]) for user in map(json.loads, data.decode().splitlines())]
    assert sorted(found) == sorted(
        [("existing", mail) for mail in people[:1000]]
        + [("enter", mail) for mail in people[1000:]]
        + [("exit", mail) for mail in people[:500]]
    )
