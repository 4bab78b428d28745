"""Audiences as files in Blob Storage: their members, and then who enters and leaves, each once."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lytics_azure_tui.errors import BadConfiguration, Fatal
from lytics_azure_tui.lytics.workspace import audience_rows
from lytics_azure_tui.model.audience import Audience
from lytics_azure_tui.model.audience_csv import AudienceCsv
from lytics_azure_tui.model.audience_json import AudienceJson
from lytics_azure_tui.model.job import JobConfig
from lytics_azure_tui.model.mapping import Definitions, FieldRule, StreamMapping
from lytics_azure_tui.model.user_field import FieldKind, Merge
from tests.conftest import Storage
from tests.integration.builds import Event, Place
from tests.integration.exports import Exporter, Reader, a_reader, opened

MAPPING = StreamMapping(
    stream="web",
    fields=[
        FieldRule(field="email", expression="email(mail)", identifier=True),
        FieldRule(field="plan", expression="plan"),
        FieldRule(field="spent", expression="spent", kind=FieldKind.NUMBER, merge=Merge.SUM),
        FieldRule(field="tags", expression='split(tags, ",")', kind=FieldKind.STRINGS),
        FieldRule(field="seen", expression="map(page, at)", kind=FieldKind.MAP_STRING),
    ],
)
COLUMNS: dict[str, str | None] = dict.fromkeys(("mail", "plan", "spent", "tags", "page", "at"))
VIP = Audience(slug="vip", label="VIP", filter='FILTER plan = "gold"')


@dataclass
class Shop:
    """Profiles that change, and exports of an audience."""

    place: Place
    storage: Storage

    def person(self, name: str, plan: str, minutes: float, **more: str) -> None:
        """An event by which a person's plan is told."""
        self.place.bring("web", [Event(minutes, {**COLUMNS, "mail": f"{name}@x.org", "plan": plan, **more})])

    def people(self, **plans: str) -> None:
        """Later events than all before, and a build."""
        self.clock -= 1
        self.place.bring(
            "web", [Event(self.clock, {**COLUMNS, "mail": f"{n}@x.org", "plan": p}) for n, p in plans.items()]
        )
        self.place.build()

    clock: float = 1000.0

    def export(self, kind: type[JobConfig], **settings: Any) -> Exporter:
        made = Exporter(self.storage, self.place.root, kind, {"segment_id": "vip", "manifest": False, **settings})
        made.definitions = self.place.definitions
        return made


@pytest.fixture
def shop(storage: Storage, tmp_path: Path) -> Shop:
    place = Place(tmp_path, Definitions(mappings=(MAPPING,), audiences=(VIP,)))
    return Shop(place, storage)


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with a_reader() as found:
        yield found


def users(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.decode().split("\n")[:-1]]


def told(data: bytes) -> list[tuple[str, str]]:
    """(what happened, to whom), in order of the names where it is of no matter."""
    return [(user["_event"], user["email"].partition("@")[0]) for user in users(data)]


def test_members_become_lines_of_json(shop: Shop) -> None:
    shop.person("ada", "gold", 50, spent="1.5", tags="a,b", page="/x", at="noon")
    shop.person("bob", "tin", 40)
    shop.people(cyd="gold")
    export = shop.export(AudienceJson, fields=["email", "spent", "tags", "seen"], backfill_only=True)
    outcome = export.run()
    name = "vip-20260301120000-0001.json"
    assert outcome.about == f"2 users of vip into {shop.storage.container}/{name}"
    assert outcome.checkpoint is None
    found = {user["email"]: user for user in users(export.read(name))}
    assert list(found["ada@x.org"])[:3] == ["_event", "_event_time", "_id"]
    assert {key: value for key, value in found["ada@x.org"].items() if key[0] != "_"} == {
        "email": "ada@x.org", "spent": 1.5, "tags": ["a", "b"], "seen": {"/x": "noon"},
    }  # fmt: skip
    assert set(found["cyd@x.org"]) == {"_event", "_event_time", "_id", "email"}, "what is missing is left out"
    assert found["cyd@x.org"]["_event"] == "existing"
    assert export.content_type(name) == "application/x-ndjson"


def test_members_become_rows_of_csv(shop: Shop) -> None:
    shop.person("ada", "gold", 50, spent="1.5", tags="a&b,c", page="/x y", at="no=on")
    shop.people(cyd="gold")
    export = shop.export(AudienceCsv, fields=["email", "tags", "seen", "spent"], delimiter="t", file_prefix="out/p_")
    export.run()
    (name,) = export.names()
    assert name == "out/p_20260301120000.csv"
    header, *rows = csv.reader(io.StringIO(export.read(name).decode(), newline=""), delimiter="\t")
    assert header == ["_event", "_event_time", "_id", "email", "tags", "seen", "spent"]
    assert sorted(row[3:] for row in rows) == [
        ["ada@x.org", '"a&b"&c', "%2Fx%20y=no%3Don", "1.5"],
        ["cyd@x.org", "", "", ""],
    ]


@pytest.mark.parametrize("kind", [AudienceJson, AudienceCsv])
def test_without_chosen_fields_all_are_written_and_new_ones_come_last(shop: Shop, kind: type[JobConfig]) -> None:
    shop.people(ada="gold")
    export = shop.export(kind, withbackfill=False)
    export.run()
    assert export.checkpoint is not None
    before = export.checkpoint["fields"]
    assert before[-5:] == ["email", "plan", "spent", "tags", "seen"]
    fields = [FieldRule(field="first", expression="mail"), *MAPPING.fields]
    wider = MAPPING.model_copy(update={"fields": fields})
    shop.place.definitions = Definitions(mappings=(wider,), audiences=(VIP,))
    shop.people(bob="gold")
    export.definitions = shop.place.definitions
    export.run()
    assert export.checkpoint["fields"] == [*before, "first"]


def test_after_the_members_come_those_who_enter_and_leave(shop: Shop) -> None:
    shop.people(ada="gold", bob="tin", cyd="gold")
    export = shop.export(AudienceJson)
    export.run()
    shop.people(ada="tin")
    shop.people(bob="gold", dan="gold")
    export.run()
    assert export.run().about == "nobody has entered or left the audience vip: no file is written"
    shop.people(cyd="tin")
    shop.people(cyd="gold")
    export.run()
    first, second, third = (told(export.read(name)) for name in export.names())
    assert sorted(first) == [("existing", "ada"), ("existing", "cyd")]
    assert second[0] == ("exit", "ada")
    assert sorted(second[1:]) == [("enter", "bob"), ("enter", "dan")]
    assert third == [("exit", "cyd"), ("enter", "cyd")]


@pytest.mark.parametrize("kind", [AudienceJson, AudienceCsv])
def test_many_are_written_piece_by_piece(shop: Shop, monkeypatch: pytest.MonkeyPatch, kind: type[JobConfig]) -> None:
    monkeypatch.setattr(audience_rows, "PIECE", 7)
    names = [f"user{number:03}" for number in range(60)]
    export = shop.export(kind, fields=["email"])
    shop.people(**dict.fromkeys(names[:40], "gold"))
    export.run()
    shop.people(**dict.fromkeys(names[40:], "gold"))
    shop.people(**dict.fromkeys(names[:30], "tin"))
    export.run()
    first, second = ([row[-1] for row in rows_of(export.read(name), kind)] for name in export.names())
    assert sorted(first) == [f"{name}@x.org" for name in names[:40]]
    assert [(len(part), sorted(part)) for part in (second[:20], second[20:])] == [
        (20, [f"{name}@x.org" for name in names[40:]]),
        (30, [f"{name}@x.org" for name in names[:30]]),
    ]


def rows_of(data: bytes, kind: type[JobConfig]) -> list[list[str]]:
    """The values of each row, without the header."""
    if kind is AudienceJson:
        return [list(user.values()) for user in users(data)]
    return list(csv.reader(io.StringIO(data.decode(), newline="")))[1:]


def test_without_existing_users_only_changes_are_written(shop: Shop) -> None:
    shop.people(ada="gold")
    export = shop.export(AudienceJson, withbackfill=False)
    assert export.run().about == "from now on, who enters or leaves vip is exported"
    assert export.names() == []
    shop.people(bob="gold")
    export.run()
    (name,) = export.names()
    assert told(export.read(name)) == [("enter", "bob")]


def test_an_audience_that_is_not_evaluated_yet_is_waited_for(shop: Shop) -> None:
    export = shop.export(AudienceJson, withbackfill=False)
    assert "has not been evaluated yet" in export.run().about
    shop.people(ada="gold")
    export.run()
    shop.people(bob="gold")
    export.run()
    assert [told(export.read(name)) for name in export.names()] == [[("enter", "bob")]]


def test_files_are_no_larger_than_they_may_be(shop: Shop) -> None:
    names = [f"user{number:03}" for number in range(50)]
    shop.people(**dict.fromkeys(names, "gold"))
    export = shop.export(AudienceJson, fields=["email"], max_bytes=1000, manifest=True)
    outcome = export.run()
    files = [name for name in export.names() if name.endswith(".json") and "manifest" not in name]
    assert files == [f"vip-20260301120000-{number:04}.json" for number in range(1, len(files) + 1)]
    assert outcome.counts["files"] == len(files) > 5
    contents = [export.read(name) for name in files]
    assert all(len(content) <= 1000 for content in contents)
    assert sorted(user["email"] for content in contents for user in users(content)) == [f"{n}@x.org" for n in names]
    manifests = [export.manifest(name) for name in files]
    assert [one["rows"] for one in manifests] == [len(users(content)) for content in contents]
    assert [one["sha256"] for one in manifests] == [hashlib.sha256(content).hexdigest() for content in contents]


@pytest.mark.parametrize("kind", [AudienceJson, AudienceCsv])
def test_the_authorizations_key_hides_them(shop: Shop, reader: Reader, kind: type[JobConfig]) -> None:
    shop.people(ada="gold")
    export = shop.export(kind)
    export.public_key = reader.public
    export.run()
    (name,) = export.names()
    assert name.endswith(".pgp")
    data = export.read(name)
    assert b"ada" not in data
    assert b"ada@x.org" in opened(name, data, reader)


def test_a_dry_run_says_names_and_rows(shop: Shop) -> None:
    shop.people(ada="gold")
    asked = shop.export(AudienceCsv, fields=["email"]).rehearse()
    assert asked.items == (("vip-20260301120000.csv", "1 user, 4 fields"),)
    assert asked.columns == ("_event", "_event_time", "_id", "email")
    assert [(row[0], row[3]) for row in asked.sample] == [("existing", "ada@x.org")]
    lines = shop.export(AudienceJson, fields=["email"]).rehearse()
    assert json.loads(str(lines.sample[0][0]))["email"] == "ada@x.org"
    assert shop.export(AudienceJson).names() == []


def test_a_one_time_export_says_that_existing_users_does_not_count(shop: Shop) -> None:
    shop.people(ada="gold")
    asked = {on: shop.export(AudienceCsv, withbackfill=on, backfill_only=True).rehearse() for on in (True, False)}
    assert [len(asked[on].sample) for on in asked] == [1, 1]
    assert [any("Existing Users is off" in note for note in asked[on].notes) for on in asked] == [False, True]
    shown = AudienceCsv.preview({"withbackfill": False, "backfill_only": True}, None, datetime.now(UTC))
    assert "all members of now" in shown["withbackfill"]


def test_what_is_not_there_is_said(shop: Shop) -> None:
    shop.people(ada="gold")
    with pytest.raises(Fatal, match="There is no audience gone"):
        shop.export(AudienceJson, segment_id="gone").plan()
    with pytest.raises(BadConfiguration, match="Profiles have no field nothing"):
        shop.export(AudienceCsv, fields=["nothing"]).plan()


def test_cells_for_a_spreadsheet(shop: Shop) -> None:
    shop.person("ada", "gold", 50, tags="=1+1,b", spent="-5")
    shop.people(bob="tin")
    fields = ["tags", "spent"]
    export = shop.export(AudienceCsv, fields=fields, defuse_formulas=True, byte_order_mark=True)
    export.run()
    data = export.read(export.names()[0])
    assert data.startswith(b"\xef\xbb\xbf_event,")
    assert data.decode().splitlines()[1].endswith(",'=1+1&b,-5.0")
