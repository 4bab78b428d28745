"""What is kept of an account's audiences: scans beside those before, whatever is killed, and values of any kind."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from lytics_azure_tui.errors import BadConfiguration, RetryLater
from lytics_azure_tui.lytics.cloud import lake as lake_module
from lytics_azure_tui.lytics.cloud.api import Account, Api
from lytics_azure_tui.lytics.cloud.audiences import Segment
from lytics_azure_tui.lytics.cloud.cloud import Cloud
from lytics_azure_tui.lytics.cloud.lake import Lake, Scanned
from lytics_azure_tui.lytics.cloud.people import schema
from lytics_azure_tui.lytics.cloud.scan import Scan
from lytics_azure_tui.lytics.protocol import Identifier
from lytics_azure_tui.lytics.workspace.reader import Reader
from lytics_azure_tui.lytics.workspace.tables import Tables
from lytics_azure_tui.model.secret import Secret

FIELDS: list[dict[str, Any]] = [
    {"id": "email", "type": "string", "is_identifier": True},
    {"id": "visits", "type": "int"},
    {"id": "score", "type": "number"},
    {"id": "vip", "type": "bool"},
    {"id": "seen", "type": "date"},
    {"id": "tags", "type": "ts[]string"},
    {"id": "times", "type": "[]time"},
    {"id": "by_city", "type": "map[string]int"},
    {"id": "places", "type": "geolocation"},
]
Member = dict[str, Any]


class Account1:
    """An account that answers from memory, three members a page."""

    def __init__(self, root: Path) -> None:
        self.members: dict[str, list[Member]] = {}
        self.fields: list[dict[str, Any]] = FIELDS
        self.total: int | None = None
        self.deleted: list[str] = []
        self.tables = Tables(root)
        self.root = root
        self.runs = 0
        account = Account("https://api.example", "https://bulk.example", lambda: Secret("token"))
        self.api = Api(account, transport=httpx.MockTransport(self._answer), patience=0.1)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "DELETE":
            self.deleted.append(request.url.path)
            return httpx.Response(404 if len(self.deleted) > 1 else 200, json={"status": 200, "message": "deleted"})
        if request.url.path == "/v2/schema/user/field":
            return httpx.Response(200, json={"status": 200, "data": self.fields})
        rows = self.members[request.url.path.split("/")[3]]
        at = int(request.url.params.get("start", "0"))
        onward = str(at + 3) if at + 3 < len(rows) else ""
        total = len(rows) if self.total is None else self.total
        return httpx.Response(200, json={"status": 200, "_next": onward, "total": total, "data": rows[at : at + 3]})

    def scan(self, *slugs: str) -> None:
        self.runs += 1
        scratch = self.root.parent / f"scratch{self.runs}"
        scratch.mkdir(exist_ok=True)
        scan = Scan(self.api, schema(self.api))
        files = {slug: scratch / f"{slug}.json" for slug in slugs}
        sizes = {
            slug: scan.read(Segment(slug, "", slug, slug, "", "", None), file, lambda _: None)
            for slug, file in files.items()
        }
        lake = Lake(self.tables)
        lake.take(Scanned(files, sizes, scan.fields), f"run{self.runs}", scratch, lambda: None, memory=256 << 20)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with Reader(self.tables).opened() as opened:
            assert opened is not None
            return opened.ask(query)

    def crossed(self) -> list[tuple[Any, ...]]:
        return self.ask("SELECT build, audience, profile, enter, backfill FROM transitions ORDER BY build, seq")


@pytest.fixture
def account(tmp_path: Path) -> Account1:
    return Account1(tmp_path / "cloud")


def ids(*names: str, **more: Any) -> list[Member]:
    return [{"_id": name, "email": f"{name}@example.com", **more} for name in names]


def test_values_come_in_their_kinds_however_they_are_written(account: Account1) -> None:
    account.members["a"] = [
        {
            "_id": "1", "email": "a@example.com", "visits": "214", "score": "0.5", "vip": "t",
            "seen": "2015-09-17T21:45:07.043Z", "tags": ["x", "y"], "times": ["2026-01-01T00:00:00Z"],
            "by_city": {"Berlin": "3"}, "places": {"lat": 1.5}, "segments": ["all"], "new_one": {"k": [1]},
        },
        {"_id": "2", "visits": 7, "score": 3, "vip": False, "tags": "one", "by_city": "none", "seen": "never"},
        {"_id": "3", "visits": 9007199254740993, "email": None},
    ]  # fmt: skip
    account.scan("a")
    columns = "visits, score, vip, seen, tags, times, by_city, places, segments, new_one"
    first, second, third = account.ask(f"SELECT {columns} FROM profiles ORDER BY _id")
    assert first == (
        214, 0.5, True, datetime(2015, 9, 17, 21, 45, 7, 43000, tzinfo=UTC), ["x", "y"],
        [datetime(2026, 1, 1, tzinfo=UTC)], {"Berlin": 3}, '{"lat":1.5}', ["all"], '{"k":[1]}',
    )  # fmt: skip
    assert second == (7, 3.0, False, None, ["one"], None, None, None, None, None)
    assert third[0] == 9007199254740993
    head = Reader(account.tables).head()
    assert head is not None
    kinds = {field.name: field.kind.value for field in head.user_fields()}
    assert (kinds["tags"], kinds["places"], kinds["new_one"], kinds["segments"]) == (
        "[]string", "string", "string", "[]string",
    )  # fmt: skip


def test_the_first_scan_is_a_backfill_and_later_ones_tell_changes(account: Account1) -> None:
    account.members = {"a": ids("1", "2"), "b": ids("2", "3")}
    account.scan("a")
    account.scan("b")
    account.members["a"] = ids("2", "4")
    account.scan("a", "b")
    assert account.crossed() == [
        (1, "a", "1", True, True),
        (1, "a", "2", True, True),
        (2, "b", "2", True, True),
        (2, "b", "3", True, True),
        (3, "a", "1", False, False),
        (3, "a", "4", True, False),
    ]
    assert account.ask("SELECT _id, _segments FROM memberships ORDER BY _id") == [
        ("2", ["a", "b"]),
        ("3", ["b"]),
        ("4", ["a"]),
    ]
    assert account.ask("SELECT audience, size, build FROM sizes ORDER BY build") == [("a", 2, 1), ("b", 2, 2)]


def test_a_schema_that_changed_holds_for_all_rows(account: Account1) -> None:
    account.members = {"a": ids("1", visits="5"), "b": ids("2", visits="6")}
    account.scan("a", "b")
    account.fields = [{"id": "email", "type": "string"}, {"id": "visits", "type": "string"}, {"id": "x", "type": "int"}]
    account.members["a"] = ids("1", visits="many", x=3)
    account.scan("a")
    assert account.ask("SELECT _id, visits, x FROM profiles ORDER BY _id") == [("1", "many", 3), ("2", "6", None)]


def test_a_member_on_two_pages_is_one(account: Account1) -> None:
    account.members["a"] = [*ids("1", "2", "3", visits="1"), *ids("3", "4", visits="2")]
    account.scan("a")
    assert account.ask("SELECT _id, visits FROM profiles ORDER BY _id") == [("1", 1), ("2", 1), ("3", 2), ("4", 2)]


def test_a_scan_that_ends_early_makes_nobody_leave(account: Account1) -> None:
    account.members["a"] = ids("1", "2", "3", "4")
    account.scan("a")
    account.members["a"], account.total = ids("1"), 4
    with pytest.raises(RetryLater, match="ended early"):
        account.scan("a")
    assert len(account.crossed()) == 4


def test_an_audience_of_nobody(account: Account1) -> None:
    account.members["a"] = []
    account.scan("a")
    account.members["a"] = ids("1")
    account.scan("a")
    assert account.crossed() == [(2, "a", "1", True, False)]


def test_who_left_is_kept_for_a_while_and_then_gone(account: Account1, monkeypatch: pytest.MonkeyPatch) -> None:
    account.members["a"] = ids("1", "2")
    account.scan("a")
    account.members["a"] = ids("2")
    account.scan("a")
    account.scan("a")
    assert account.ask("SELECT _id FROM profiles ORDER BY _id") == [("1",), ("2",)]

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Later:
            return cls.fromtimestamp((datetime.now(tz) + timedelta(days=91)).timestamp(), tz)

    monkeypatch.setattr(lake_module, "datetime", Later)
    account.scan("a")
    assert account.ask("SELECT _id FROM profiles") == [("2",)]


def test_files_do_not_become_ever_more(account: Account1, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake_module, "_MANY_FILES", 4)
    for number in range(9):
        account.members["a"] = ids(str(number), "same")
        account.scan("a")
    assert len(account.crossed()) == 2 + 8 * 2
    for table in ("profiles", "memberships", "transitions", "sizes"):
        assert len(list(account.tables.folder(table).glob("*.parquet"))) <= 10


def test_another_accounts_audiences_are_not_compared(account: Account1) -> None:
    lake = Lake(account.tables)
    for same in ("one", "one", ""):
        lake.require_account(same)
    with pytest.raises(BadConfiguration, match="another account") as caught:
        lake.require_account("two")
    assert str(account.root) in caught.value.fix


class _Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("call", range(1, 6))
@pytest.mark.parametrize("after", [False, True])
def test_killed_in_the_midst_of_a_commit_the_next_scan_tells_the_same(
    account: Account1, monkeypatch: pytest.MonkeyPatch, call: int, after: bool
) -> None:
    account.members["a"] = ids("1", "2")
    account.scan("a")
    account.members["a"] = ids("2", "3")
    calls = 0
    real = Tables.write

    def write(*args: Any, **more: Any) -> int:
        nonlocal calls
        calls += 1
        if calls == call and not after:
            raise _Killed
        version = real(*args, **more)
        if calls == call:
            raise _Killed
        return version

    with monkeypatch.context() as patch, contextlib.suppress(_Killed):
        patch.setattr(Tables, "write", write)
        account.scan("a")
    whole = call == 5 and after
    assert len(account.crossed()) == (4 if whole else 2)
    account.scan("a")
    crossed = [row[1:] for row in account.crossed()]
    assert crossed == [
        ("a", "1", True, True), ("a", "2", True, True), ("a", "1", False, False), ("a", "3", True, False),
    ]  # fmt: skip
    assert account.ask("SELECT _id FROM memberships ORDER BY _id") == [("2",), ("3",)]


def test_a_person_who_is_forgotten_is_in_no_file(account: Account1) -> None:
    account.members["a"] = ids("1", "2")
    account.scan("a")
    account.members["a"] = ids("2")
    account.scan("a")
    person = Identifier("email", "1@example.com")
    done = Cloud(account.api, account.root).forget(person)
    assert (done.profiles, done.identifiers, done.memberships) == (1, (person,), 2)
    assert account.deleted == ["/api/entity/user/email/1@example.com"]
    assert Cloud(account.api, account.root).forget(person).profiles == 1, "one who is gone is as gone"
    held = [path for path in account.root.rglob("*.parquet") if b"1@example.com" in path.read_bytes()]
    assert held == []
    account.scan("a")
    assert account.ask("SELECT _id FROM profiles") == [("2",)]


def test_lines_of_a_scan_are_not_held_in_memory(account: Account1) -> None:
    """A scan writes each page before it asks for the next."""
    account.members["a"] = ids(*map(str, range(30)))
    seen: list[int] = []
    target = account.root.parent / "m.json"

    def tell(count: int) -> None:
        seen.append(count)

    Scan(account.api, schema(account.api)).read(Segment("a", "", "a", "a", "", "", 30), target, tell)
    assert seen == sorted(seen) and seen[-1] == 30
    assert [json.loads(line)["_id"] for line in target.read_text().splitlines()] == [str(n) for n in range(30)]
