"""Imports of tables: which rows arrive, that each arrives once and as it is, and what is said where it cannot be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lytics_azure_tui.azure.sql import SqlSession
from lytics_azure_tui.azure.sql_text import Texts
from lytics_azure_tui.errors import BadConfiguration, Fatal, LyazureError
from lytics_azure_tui.jobs.sql_part import temporary_table
from tests.integration.imports import Importer
from tests.integration.tables import Tables

EVENTS = "CREATE TABLE {s}.t (id int NOT NULL PRIMARY KEY, v nvarchar(50) NULL, at datetime2(7) NULL)"


def insert(tables: Tables, *rows: tuple[int, str, str | None], table: str = "t") -> None:
    values = ", ".join(f"({id}, N'{v}', {'NULL' if at is None else repr(at)})" for id, v, at in rows)
    tables.run(f"INSERT INTO {{s}}.{table} (id, v, at) VALUES {values}")


def ids(job: Importer) -> list[int]:
    return [int(id) for (id,) in job.rows("id")]


@pytest.fixture
def events(tables: Tables) -> Tables:
    tables.run(EVENTS)
    return tables


def test_a_table_arrives_oldest_first_with_its_times(events: Tables, tmp_path: Path) -> None:
    insert(events, (1, "b", "2026-01-02T00:00:00"), (2, "a", "2026-01-01T10:00:00.1234567"), (3, "ü\U0001f600", None))
    job = events.importer(tmp_path)
    outcome = job.run()
    assert outcome.counts == {
        "imported": 3, "already there": 0, "without timestamp": 1, "held back": 0, "quarantined": 0, "slices": 2,
    }  # fmt: skip
    assert job.rows('id, v, "at", _event_time, _source, _row') == [
        ("2", "a", "2026-01-01T10:00:00.1234567", "2026-01-01 10:00:00.123456+00", f"{events.schema}.t", 1),
        ("1", "b", "2026-01-02T00:00:00.0000000", "2026-01-02 00:00:00+00", f"{events.schema}.t", 2),
        ("3", "ü\U0001f600", None, "2026-03-01 12:00:00+00", f"{events.schema}.t", 1_000_000_000_001),
    ]


def test_the_temporary_table_is_named_by_job_and_start(events: Tables, tmp_path: Path) -> None:
    job = events.importer(tmp_path)
    name = temporary_table(job.context())
    assert re.fullmatch(r"#TMP_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}_\d{19}", name)
    assert name.endswith("_1772366400000000000")
    assert len(name) <= 116


def test_only_what_is_new_comes_with_the_next_run(events: Tables, tmp_path: Path) -> None:
    insert(events, (1, "a", "2026-01-01T00:00:00.0000001"), (2, "b", "2026-01-01T00:00:00.0000002"))
    job = events.importer(tmp_path, continuous_update=True)
    job.run()
    assert job.run().counts["imported"] == 0
    # The same time as the last row, a tenth of a microsecond later, and an update of an old row.
    insert(events, (3, "c", "2026-01-01T00:00:00.0000002"), (4, "d", "2026-01-01T00:00:00.0000003"))
    events.run("UPDATE {s}.t SET v = N'new', at = '2026-01-01T00:00:01' WHERE id = 1")
    outcome = job.run()
    assert outcome.counts["imported"] == 3
    assert sorted(job.rows("id, v")) == [("1", "a"), ("1", "new"), ("2", "b"), ("3", "c"), ("4", "d")]


def test_a_late_row_comes_within_the_overlap_and_not_behind_it(events: Tables, tmp_path: Path) -> None:
    insert(events, (1, "a", "2026-01-01T12:00:00"))
    job = events.importer(tmp_path, continuous_update=True, overlap_minutes=10)
    job.run()
    insert(events, (2, "late", "2026-01-01T11:50:00"), (3, "too late", "2026-01-01T11:49:59.9999999"))
    outcome = job.run()
    assert (outcome.counts["imported"], outcome.counts["already there"]) == (1, 1)
    assert sorted(ids(job)) == [1, 2]


def test_equal_rows_are_as_many_as_there_are(tables: Tables, tmp_path: Path) -> None:
    tables.run("CREATE TABLE {s}.t (v int NOT NULL, at datetime NOT NULL)")
    tables.run("INSERT INTO {s}.t VALUES (1, '2026-01-01T00:00:00.003'), (1, '2026-01-01T00:00:00.003')")
    job = tables.importer(tmp_path, continuous_update=True)
    assert job.run().counts["imported"] == 2
    tables.run("INSERT INTO {s}.t VALUES (1, '2026-01-01T00:00:00.003')")
    assert job.run().counts["imported"] == 1
    assert job.run().counts["imported"] == 0
    assert len(job.rows()) == 3


def test_rows_without_a_time_come_once_or_are_left_out_and_counted(events: Tables, tmp_path: Path) -> None:
    insert(events, (1, "a", "2026-01-01T12:00:00"), (2, "b", None))
    job = events.importer(tmp_path / "in", continuous_update=True)
    assert job.run().counts["without timestamp"] == 1
    insert(events, (3, "c", None))
    outcome = job.run()
    assert outcome.counts["imported"] == 1
    assert sorted(ids(job)) == [1, 2, 3]
    out = events.importer(tmp_path / "out", continuous_update=True, null_timestamps="skip")
    assert out.run().counts == {
        "imported": 1, "already there": 0, "without timestamp": 2, "held back": 0, "quarantined": 0, "slices": 1,
    }  # fmt: skip


def test_what_is_later_than_the_clock_waits_for_its_time(events: Tables, tmp_path: Path) -> None:
    insert(events, (1, "a", "2026-01-01T12:00:00"), (2, "b", "9999-12-31T23:59:59.9999999"))
    job = events.importer(tmp_path, continuous_update=True)
    assert job.run().counts["held back"] == 1
    insert(events, (3, "c", "2026-01-01T13:00:00"))
    job.sink.stages.clear()
    assert job.run().counts["imported"] == 1
    told = ", up to 2026-01-01T13:00:00 — 1 looked at again, 1 held back"
    assert f"reading {events.schema}.t{told}" in job.sink.stages
    events.run("UPDATE {s}.t SET at = '2026-01-01T14:00:00' WHERE id = 2")
    job.run()
    assert sorted(ids(job)) == [1, 2, 3]


def test_since_a_time(events: Tables, tmp_path: Path) -> None:
    insert(events, (1, "a", "2026-01-01T00:00:00"), (2, "b", "2026-01-01T00:00:00.0000001"), (3, "c", None))
    job = events.importer(tmp_path, since_date="2026-01-01 00:00:00", null_timestamps="skip")
    job.run()
    assert ids(job) == [2]


def test_the_record_timestamp_is_the_event_time(tables: Tables, tmp_path: Path) -> None:
    tables.run("CREATE TABLE {s}.t (id int NOT NULL, at datetime2(3) NOT NULL, happened datetimeoffset(7) NULL)")
    tables.run(
        "INSERT INTO {s}.t VALUES (1, '2026-01-01', '2020-05-05T10:00:00.1234567+02:00'), (2, '2026-01-02', NULL)"
    )
    job = tables.importer(tmp_path, record_timestamp="happened")
    job.run()
    assert job.rows("id, happened, _event_time") == [
        ("1", "2020-05-05T10:00:00.1234567+02:00", "2020-05-05 08:00:00.123456+00"),
        ("2", None, "2026-01-02 00:00:00+00"),
    ]


def test_a_limit_takes_the_oldest_and_the_next_run_goes_on(events: Tables, tmp_path: Path) -> None:
    insert(events, *((n, "x", f"2026-01-01T00:00:{n // 2:02}") for n in range(1, 11)))
    job = events.importer(tmp_path, continuous_update=True, row_limit=4, overlap_minutes=0)
    counts = [job.run().counts["imported"] for _ in range(6)]
    assert sum(counts) == 10
    assert max(counts) <= 5, "the rest of the rows of one time come with those"
    assert sorted(ids(job)) == list(range(1, 11))


def test_without_keep_updated_each_start_takes_all(events: Tables, tmp_path: Path) -> None:
    insert(events, (1, "a", "2026-01-01T00:00:00"))
    job = events.importer(tmp_path)
    assert [job.run().counts["imported"] for _ in range(2)] == [1, 1]
    # Kept updated from now on, it goes on behind that.
    assert job.with_settings(continuous_update=True).run().counts["imported"] == 0


def test_by_rowversion_an_update_arrives_whatever_its_time(tables: Tables, tmp_path: Path) -> None:
    tables.run("CREATE TABLE {s}.t (id int NOT NULL PRIMARY KEY, v int NULL, at datetime2(7) NULL, rv rowversion)")
    tables.run("INSERT INTO {s}.t (id, v, at) VALUES (1, 1, '2026-01-01'), (2, 1, NULL), (3, 1, '2099-01-01')")
    job = tables.importer(tmp_path, continuous_update=True)
    assert job.run().counts["imported"] == 3
    tables.run("UPDATE {s}.t SET v = 2 WHERE id = 1")
    outcome = job.run()
    assert (outcome.counts["imported"], outcome.counts["already there"]) == (1, 0)
    assert "rowversion 0x" in outcome.about
    assert sorted(job.rows("id, v")) == [("1", "1"), ("1", "2"), ("2", "1"), ("3", "1")]


def test_by_rowversion_a_row_that_is_committed_late_is_not_lost(tables: Tables, tmp_path: Path) -> None:
    tables.run("CREATE TABLE {s}.t (id int NOT NULL PRIMARY KEY, at datetime2(7) NOT NULL, rv rowversion)")
    job = tables.importer(tmp_path, continuous_update=True)
    with tables.connection(autocommit=False) as cursor:
        cursor.execute(f"INSERT INTO {tables.schema}.t (id, at) VALUES (1, '2026-01-01')")
        tables.run("INSERT INTO {s}.t (id, at) VALUES (2, '2026-01-02')")
        job.run()
        assert ids(job) == []
        cursor.execute("COMMIT")
    job.run()
    assert ids(job) == [1, 2]


def test_by_rowversion_a_limit_goes_on_where_it_ended(tables: Tables, tmp_path: Path) -> None:
    tables.run("CREATE TABLE {s}.t (id int NOT NULL PRIMARY KEY, at datetime2(7) NULL, rv rowversion)")
    for n in range(1, 8):
        tables.run(f"INSERT INTO {{s}}.t (id, at) VALUES ({n}, {'NULL' if n % 3 == 0 else repr(f'2026-01-{n:02}')})")
    job = tables.importer(tmp_path, continuous_update=True, row_limit=3)
    assert [job.run().counts["imported"] for _ in range(3)] == [3, 3, 1]
    assert sorted(ids(job)) == list(range(1, 8))


@pytest.mark.parametrize(
    "kind", ["date", "smalldatetime", "datetime", "datetime2(0)", "datetime2(7)", "datetimeoffset(7)"]
)
def test_every_type_of_time_orders_and_goes_on(tables: Tables, tmp_path: Path, kind: str) -> None:
    tables.run(f"CREATE TABLE {{s}}.t (id int NOT NULL PRIMARY KEY, at {kind} NOT NULL)")
    tables.run("INSERT INTO {s}.t VALUES (1, '2026-01-01'), (2, '2026-01-02'), (3, '2025-12-31')")
    job = tables.importer(tmp_path, continuous_update=True)
    job.run()
    assert ids(job) == [3, 1, 2]
    tables.run("INSERT INTO {s}.t VALUES (4, '2026-01-02'), (5, '2026-01-03')")
    assert job.run().counts["imported"] == 2
    assert job.run().counts["imported"] == 0


EDGES = {
    "date": ("0001-01-01", "9999-12-31"),
    "smalldatetime": ("1900-01-01T00:00:00", "2079-06-06T23:59:00"),
    "datetime": ("1753-01-01T00:00:00", "9999-12-31T23:59:59.997"),
    "datetime2(0)": ("0001-01-01T00:00:00", "9999-12-31T23:59:59"),
    "datetime2(7)": ("0001-01-01T00:00:00.0000000", "9999-12-31T23:59:59.9999999"),
    "datetimeoffset(7)": ("0001-01-01T00:00:00.0000000+00:00", "9999-12-31T23:59:59.9999999+00:00"),
}


@pytest.mark.parametrize(
    ("kind", "version"),
    [*((kind, "") for kind in EDGES), ("datetime2(7)", ", rv rowversion"), ("date", ", rv rowversion")],
)
def test_sentinels_at_the_ends_of_a_type_s_range_are_ordinary_rows(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, version: str
) -> None:
    monkeypatch.setattr("lytics_azure_tui.jobs.sql_survey.SLICED", 10)
    first, last = EDGES[kind]
    tables.run(f"CREATE TABLE {{s}}.t (id int NOT NULL, at {kind} NOT NULL{version})")
    job = tables.importer(tmp_path, continuous_update=True, overlap_minutes=60 * 24 * 7)
    job.sessions = 3
    tables.run(f"INSERT INTO {{s}}.t (id, at) SELECT value, '{first}' FROM GENERATE_SERIES(0, 29)")
    # Only the earliest of all times: the overlap would begin before it.
    assert [job.run().counts["imported"] for _ in range(2)] == [30, 0]
    tables.run(
        f"INSERT INTO {{s}}.t (id, at) SELECT value, '{last}' FROM GENERATE_SERIES(30, 59)",
        "INSERT INTO {s}.t (id, at) SELECT value, DATEADD(day, value, '2020-01-01') FROM GENERATE_SERIES(60, 89)",
    )
    outcome = job.run()
    assert outcome.counts["held back"] == (0 if version else 30)
    assert sorted(ids(job)) == [*range(30), *(range(30, 90) if version else range(60, 90))]
    happened = "id, left(_event_time, 10) AS day"
    assert {day for id, day in job.rows(happened) if int(id) < 30} == {"0001-01-01" if "2" in kind else first[:10]}
    assert {day for id, day in job.rows(happened) if 30 <= int(id) < 60} <= {last[:10]}


@pytest.mark.parametrize("kind", EDGES)
@pytest.mark.parametrize(("since", "rows"), [("0001-01-01 00:00:00", [1, 2]), ("9999-12-31 23:59:59", [])])
def test_since_a_time_that_the_type_cannot_hold(
    tables: Tables, tmp_path: Path, kind: str, since: str, rows: list[int]
) -> None:
    tables.run(f"CREATE TABLE {{s}}.t (id int NOT NULL, at {kind} NOT NULL)")
    tables.run("INSERT INTO {s}.t VALUES (1, '2026-01-01'), (2, '2026-01-02')")
    job = tables.importer(tmp_path, since_date=since)
    job.run()
    assert ids(job) == rows


def test_slices_of_what_is_new_hold_no_row_that_is_not(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lytics_azure_tui.jobs.sql_survey.SLICED", 100)
    tables.run("CREATE TABLE {s}.t (id int NOT NULL, at datetime2(3) NOT NULL)")
    rows = (
        "INSERT INTO {{s}}.t SELECT value, DATEADD(second, value, '2026-01-01T10:00:00') FROM GENERATE_SERIES({}, {})"
    )
    # All within one hour, so that slices are cut by the second.
    tables.run(rows.format(0, 1999))
    job = tables.importer(tmp_path, continuous_update=True, overlap_minutes=0)
    job.sessions = 4
    job.run()
    tables.run(rows.format(2000, 2999))
    assert job.run().counts["imported"] == 1000
    assert sorted(ids(job)) == list(range(3000))


@pytest.mark.parametrize("name", ["a b", "a]]b", 'say "x"', "it's", "50%", "Größe ä", "[x]", "select", "c0", "n"])
def test_any_name_of_a_table_and_a_column(tables: Tables, tmp_path: Path, name: str) -> None:
    quoted = "[" + name.replace("]", "]]") + "]"
    tables.run(f"CREATE TABLE {{s}}.{quoted} ({quoted} int NOT NULL, [at] datetime2(7) NOT NULL)")
    tables.run(f"INSERT INTO {{s}}.{quoted} VALUES (7, '2026-01-01')")
    job = tables.importer(tmp_path, source=f"{tables.schema}.{quoted}")
    job.run()
    assert [row[0] for row in job.rows()] == ["7"]


def test_a_view_is_imported_too(events: Tables, tmp_path: Path) -> None:
    insert(events, (1, "a", "2026-01-01T00:00:00"))
    events.run("CREATE VIEW {s}.w AS SELECT id * 10 AS ten, at FROM {s}.t")
    job = events.importer(tmp_path, table="w")
    job.run()
    assert job.rows("ten") == [("10",)]


def test_slices_side_by_side_are_the_whole(tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lytics_azure_tui.jobs.sql_survey.SLICED", 100)
    tables.run("CREATE TABLE {s}.t (id int NOT NULL, at datetime2(7) NOT NULL)")
    # Half of the rows lie in one hour, and many of them in the same instant.
    values = [f"({n}, '2026-01-{1 + n // 100:02}T{n % 24:02}:00:00')" for n in range(500)]
    values += [f"({n}, '2026-01-03T05:00:{n % 60:02}')" for n in range(500, 1000)]
    tables.run(f"INSERT INTO {{s}}.t VALUES {', '.join(values)}")
    job = tables.importer(tmp_path)
    job.sessions = 4
    outcome = job.run()
    assert outcome.counts["slices"] == 4
    assert sorted(ids(job)) == list(range(1000))
    ordered = [at for (at,) in job.rows('"at"')]
    assert ordered == sorted(ordered), "slices are numbered from the oldest on"


def test_a_new_column_widens_the_stream_and_nothing_comes_twice(events: Tables, tmp_path: Path) -> None:
    insert(events, (1, "a", "2026-01-01T00:00:00"), (2, "b", None))
    job = events.importer(tmp_path, continuous_update=True)
    job.run()
    events.run("ALTER TABLE {s}.t ADD more int NULL")
    assert job.run().counts["imported"] == 0
    events.run("INSERT INTO {s}.t (id, v, at, more) VALUES (3, N'c', '2026-01-01T00:00:01', 5)")
    job.run()
    assert sorted(job.rows("id, more")) == [("1", None), ("2", None), ("3", "5")]


def test_a_column_that_went_away_has_nothing_come_twice(events: Tables, tmp_path: Path) -> None:
    insert(events, (1, "a", "2026-01-01T00:00:00"), (2, "b", None))
    job = events.importer(tmp_path, continuous_update=True)
    job.run()
    events.run("ALTER TABLE {s}.t DROP COLUMN v")
    events.run("INSERT INTO {s}.t (id, at) VALUES (3, '2026-01-01T00:00:01')")
    assert [job.run().counts["imported"] for _ in range(2)] == [1, 0]


def test_half_a_character_goes_to_quarantine(events: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    insert(events, (1, "good", "2026-01-01"), (2, "broken", "2026-01-02"), (3, "also", "2026-01-03"))
    texts = SqlSession.texts

    def with_a_lone_half(*args: Any, **options: Any) -> Iterator[list[Texts]]:
        # SQL Server keeps whatever 16 bits it is given; the engine of the sandbox does not.
        for batch in texts(*args, **options):
            yield [["\ud83d" if text == "broken" else text for text in column] for column in batch]

    monkeypatch.setattr(SqlSession, "texts", with_a_lone_half)
    job = events.importer(tmp_path)
    outcome = job.run()
    assert (outcome.counts["imported"], outcome.counts["quarantined"]) == (2, 1)
    (row,) = job.quarantined()
    assert (row.file, row.row) == (f"{events.schema}.t", 2)
    assert "v ends or begins in the middle of a character" in row.reason
    assert '"id": "2"' in row.text
    assert ids(job) == [1, 3]


BAD: dict[str, tuple[str, dict[str, Any], type[LyazureError], str]] = {
    "no table": ("CREATE TABLE {s}.other (at date)", {}, Fatal, "There is no table or view"),
    "no column": ("CREATE TABLE {s}.t (x date)", {}, Fatal, "has no column at"),
    "not a time": ("CREATE TABLE {s}.t (at int)", {}, BadConfiguration, "is not a time: it is int"),
    "rowversion": ("CREATE TABLE {s}.t (at timestamp)", {}, BadConfiguration, "is not a time: it is rowversion"),
    "variant": ("CREATE TABLE {s}.t (at date, x sql_variant)", {}, Fatal, "of the type sql_variant"),
    "record": (
        "CREATE TABLE {s}.t (at date, x int)",
        {"record_timestamp": "x"},
        BadConfiguration,
        "The column x of",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_imported_is_said(tables: Tables, tmp_path: Path, case: str) -> None:
    statement, settings, kind, words = BAD[case]
    tables.run(statement)
    job = tables.importer(tmp_path, **settings)
    with pytest.raises(kind, match=re.escape(words)) as told:
        job.plan()
    assert told.value.fix
    with pytest.raises(kind):
        job.rehearse()


def test_a_rehearsal_says_what_would_come(events: Tables, tmp_path: Path) -> None:
    insert(events, (1, "a", "2026-01-01T00:00:00"), (2, "b", "2026-01-02T00:00:00"), (3, "c", "2099-01-01T00:00:00"))
    found = events.importer(tmp_path, continuous_update=True).rehearse()
    assert found.about.startswith(f"importing 2 rows of {events.schema}.t into s, up to 2026-01-02T00:00:00")
    assert found.columns == ("id", "v", "at")
    assert [row[0] for row in found.sample] == ["2", "1"], "what is held back would not come"
    assert any("held back" in note for note in found.notes)
    assert not (tmp_path / "workspace").exists()


@pytest.mark.parametrize(
    ("settings", "ids"),
    [
        ({"since_date": "2026-01-03 00:00:00"}, ["6", "5", "4", "7"]),
        ({"since_date": "2026-01-03 00:00:00", "null_timestamps": "skip"}, ["6", "5", "4"]),
        ({"row_limit": 2}, ["2", "1"]),
        ({"row_limit": 2, "since_date": "2026-01-03 00:00:00"}, ["5", "4"]),
        ({"continuous_update": True, "null_timestamps": "skip"}, ["6", "5", "4", "3", "2", "1"]),
    ],
)
@pytest.mark.parametrize("rowversion", [False, True])
def test_a_rehearsal_shows_rows_that_would_come_and_no_others(
    tables: Tables, tmp_path: Path, settings: dict[str, Any], ids: list[str], rowversion: bool
) -> None:
    version = ", version rowversion" if rowversion else ""
    tables.run(f"CREATE TABLE {{s}}.t (id int NOT NULL, at datetime2(7) NULL{version})")
    for number in range(1, 7):
        tables.run(f"INSERT INTO {{s}}.t (id, at) VALUES ({number}, '2026-01-0{number}')")
    tables.run("INSERT INTO {s}.t (id, at) VALUES (7, NULL)")
    job = tables.importer(tmp_path, **settings)
    shown = [row[0] for row in job.rehearse().sample]
    assert shown == ids
    job.run()
    assert {*shown} == {row[0] for row in job.rows("id")}


def test_a_rehearsal_shows_nothing_that_was_imported_before(events: Tables, tmp_path: Path) -> None:
    insert(events, (1, "a", "2026-01-01T00:00:00"), (2, "b", "2026-01-02T00:00:00"))
    job = events.importer(tmp_path, continuous_update=True, overlap_minutes=10_000)
    job.run()
    assert job.rehearse().sample == ()
    insert(events, (3, "c", "2026-01-03T00:00:00"))
    assert [row[0] for row in job.rehearse().sample] == ["3"]


def test_a_replay_says_what_to_do_instead(events: Tables, tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="not read again"):
        events.importer(tmp_path).run(replay=("x",))
