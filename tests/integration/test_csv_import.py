"""Importing one CSV file from a real storage account into a stream."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lytics_azure_tui.errors import Fatal, LyazureError, StartOver
from lytics_azure_tui.jobs import csv_import, csv_part
from lytics_azure_tui.jobs.decompress import BLOCK
from tests.conftest import Storage
from tests.integration.imports import Importer, csv_importer

Make = Callable[..., Importer]
PLAIN = "id,name\n1,Ada\n2,Grace\n"


def test_rows_arrive_with_where_they_came_from(storage: Storage, importer: Make) -> None:
    storage.put("a/x.csv", PLAIN)
    job = importer(filename="a/x.csv")
    assert job.run().counts == {"files": 1, "imported": 2, "quarantined": 0}
    source, started = f"{storage.container}/a/x.csv", "2026-03-01 12:00:00+00"
    assert job.rows("id, name, _event_time, _ingest_time, _run_id, _source, _row") == [
        ("1", "Ada", started, started, "run1", source, 1),
        ("2", "Grace", started, started, "run1", source, 2),
    ]


def test_the_event_time_is_the_timestamp_field_in_utc(storage: Storage, importer: Make) -> None:
    storage.put("x.csv", "id,at\n1,2026-01-02T03:04:05+02:00\n2,2026-01-02 03:04:05\n")
    job = importer(filename="x.csv", timestamp_field="at")
    job.run()
    assert job.rows("_event_time") == [
        ("2026-01-02 01:04:05+00",),
        ("2026-01-02 03:04:05+00",),
    ]


def test_a_date_that_is_none_goes_to_quarantine_and_never_becomes_today(storage: Storage, importer: Make) -> None:
    storage.put("x.csv", "id,at\n1,2026-01-02\n2,soon\n3,\n4,03 February 2013\n")
    job = importer(filename="x.csv", timestamp_field="at")
    assert job.run().counts["imported"] == 2
    assert job.rows("id, _row") == [("1", 1), ("4", 4)]
    assert [(row.row, row.line, row.reason, row.text) for row in job.quarantined()] == [
        (2, 3, "its timestamp is no time: soon", "2,soon"),
        (3, 4, "its timestamp is empty", "3,"),
    ]


def test_ragged_rows_go_to_quarantine_with_line_byte_and_raw_text(storage: Storage, importer: Make) -> None:
    storage.put("x.csv", 'a,b,c\n1,2,3\n4,5\n"x\ny",1,2\n6,7,8,9\n8,8,8\n')
    job = importer(filename="x.csv")
    assert job.run().counts == {"files": 1, "imported": 3, "quarantined": 2}
    assert job.rows("a, b, c, _row") == [("1", "2", "3", 1), ("x\ny", "1", "2", 3), ("8", "8", "8", 5)]
    assert [(row.line, row.byte, row.row, row.reason, row.raw) for row in job.quarantined()] == [
        (3, 12, 2, "has 2 fields where the header has 3", b"4,5"),
        (6, 26, 4, "has 4 fields where the header has 3", b"6,7,8,9"),
    ]


def test_an_unclosed_quote_costs_one_row(storage: Storage, importer: Make) -> None:
    storage.put("x.csv", 'a,b\n1,2\n"3,4\n5,6\n7,8\n')
    job = importer(filename="x.csv")
    job.run()
    assert job.rows("a") == [("1",), ("5",), ("7",)]
    assert [(row.line, row.reason, row.text) for row in job.quarantined()] == [
        (3, "a quote is opened and never closed", '"3,4')
    ]


def test_missing_and_empty_stay_apart(storage: Storage, importer: Make) -> None:
    storage.put("x.csv", 'a,b\n1,\n2,""\n3," "\n')
    job = importer(filename="x.csv")
    job.run()
    assert job.rows("b") == [(None,), ("",), (" ",)]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(codecs.BOM_UTF8 + "id,name\n1,Zoë\n".encode(), id="utf-8 with a mark"),
        pytest.param("id,name\n1,Zoë\n".encode("utf-16"), id="utf-16 with a mark"),
        pytest.param("id,name\n1,Zoë\n".encode("utf-16-le"), id="utf-16-le without"),
        pytest.param("id,name\n1,Zoë\n".encode("utf-16-be"), id="utf-16-be without"),
        pytest.param("id,name\n1,Zoë\n".encode("utf-32"), id="utf-32 with a mark"),
        pytest.param(("id,name\n1,Zoë\n" + "2,Café René Möller\n" * 20).encode("cp1252"), id="cp1252"),
        pytest.param(b"id,name\r\n1,Zo\xc3\xab\r\n", id="crlf"),
        pytest.param(b"id,name\r1,Zo\xc3\xab\r", id="old mac"),
        pytest.param(b"id,name\n1,Zo\xc3\xab", id="no newline at the end"),
        pytest.param(b"\n\nid,name\n\n1,Zo\xc3\xab\n\n", id="blank lines"),
        pytest.param(b" id , name \n1,Zo\xc3\xab\n", id="padded header"),
        pytest.param(gzip.compress("id,name\n1,Zoë\n".encode()), id="gzip"),
        pytest.param(gzip.compress(b"id,name\n") + gzip.compress("1,Zoë\n".encode()), id="gzip of two members"),
    ],
)
def test_files_as_the_world_writes_them(storage: Storage, importer: Make, data: bytes) -> None:
    storage.put("x.csv", data)
    job = importer(filename="x.csv")
    outcome = job.run()
    assert job.rows("id, name")[0] == ("1", "Zoë")
    assert outcome.counts["quarantined"] == 0


def zipped(**members: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(f"{name}.csv", text)
    return packed.getvalue()


def test_a_zip_of_one_file_is_read(storage: Storage, importer: Make) -> None:
    storage.put("x.zip", zipped(a="id,name\n" + "1,Ada\n" * 10_000))
    job = importer(filename="x.zip")
    assert job.run().counts["imported"] == 10_000


def test_delimiters_count_by_their_first_character_and_t_is_tab(storage: Storage, importer: Make) -> None:
    storage.put("x.tsv", "id\tname\n1\tA,da\n")
    storage.put("x.psv", "id|name\n1|A,da\n")
    for runs, (name, delimiter) in enumerate((("x.tsv", "t"), ("x.psv", "|;,"))):
        job = importer(filename=name, delimiter=delimiter)
        job.runs = runs
        job.run()
    assert job.rows("id, name") == [("1", "A,da"), ("1", "A,da")]


def test_double_blank_and_reserved_columns_get_names_of_their_own(storage: Storage, importer: Make) -> None:
    storage.put("x.csv", "id,ID,,_row\n1,2,3,4\n")
    job = importer(filename="x.csv")
    job.run()
    assert job.rows('id, "ID_2", column_3, _row_2, _row') == [("1", "2", "3", "4", 1)]


def test_only_chosen_fields_are_imported_and_a_stream_widens(storage: Storage, importer: Make) -> None:
    storage.put("x.csv", "id,name,age\n1,Ada,36\n")
    storage.put("y.csv", "ID,city\n2,Paris\n")
    job = importer(filename="x.csv", fields=["id", "name"])
    job.run()
    assert job.workspace.columns("s") == ["id", "name"]
    other = importer(filename="y.csv")
    other.runs = 1
    other.run()
    assert other.workspace.columns("s") == ["id", "name", "city"]
    assert other.rows("id, name, city") == [("1", "Ada", None), ("2", None, "Paris")]


def test_fields_over_128_kib_and_nul_bytes_pass(storage: Storage, importer: Make) -> None:
    long = "x" * 3_000_000
    storage.put("x.csv", f"id,text\n1,{long}\n2,a\0b\n")
    job = importer(filename="x.csv")
    assert job.run().counts["quarantined"] == 0
    assert job.rows("length(text), text[1]") == [(3_000_000, "x"), (3, "a")]


def test_bytes_that_are_no_text_send_their_row_to_quarantine(storage: Storage, importer: Make) -> None:
    storage.put("x.csv", b"id,name\n" + "1,Zoë\n".encode() * 60_000 + b"2,\xff\xfe\n3,c\n")
    job = importer(filename="x.csv")
    assert job.run().counts == {"files": 1, "imported": 60_001, "quarantined": 1}
    (row,) = job.quarantined()
    assert (row.row, row.raw, row.reason) == (
        60_001,
        b"2,\xff\xfe",
        "holds bytes that are no text in the file's encoding",
    )


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_mixed_newlines_lose_nothing(storage: Storage, importer: Make, newline: str) -> None:
    storage.put("x.csv", f'id,name{newline}1,a\r\n2,b\n3,"c\r\nd"\n4,e\rf\n5,g{newline}')
    job = importer(filename="x.csv")
    job.run()
    assert job.rows("id, name, _row") == [("1", "a", 1), ("2", "b", 2), ("3", "c\r\nd", 3), ("5", "g", 5)]
    assert [(row.row, row.reason) for row in job.quarantined()] == [(4, "a carriage return stands outside quotes")]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("x.csv", b"", "is empty"),
        ("x.csv", b" \n", "is empty"),
        ("x.csv.gz", gzip.compress(b"id\n" + bytes(range(65, 91)) * 4000)[:-40], "ends in the middle"),
        ("x.csv.gz", b"\x1f\x8b\x08" + b"\0" * 100, "damaged"),
        ("x.zip", zipped(a="id\n1\n", b="no\n2\n"), "another header"),
        ("x.zip", b"PK\x03\x04" + b"\0" * 100, "damaged"),
        ("x.csv.pgp", b"id\n1\n", "holds no PGP message"),
        ("x.csv", b"-----BEGIN PGP MESSAGE-----\n\nhQ==\n-----END PGP MESSAGE-----\n", "encrypted with PGP"),
    ],
    ids=["empty", "blank", "cut gzip", "no gzip", "two in a zip", "no zip", "by name", "armoured PGP"],
)
def test_files_that_cannot_be_read_are_refused_with_words(
    storage: Storage, importer: Make, name: str, data: bytes, words: str
) -> None:
    storage.put(name, data)
    job = importer(filename=name)
    with pytest.raises(Fatal, match=words):
        job.run()
    assert job.workspace.streams() == []


def test_a_header_without_rows_imports_nothing_and_says_so(storage: Storage, importer: Make) -> None:
    storage.put("x.csv", "id,name\n")
    job = importer(filename="x.csv")
    assert "There is a header and no rows" in job.rehearse().notes
    assert job.run().counts["imported"] == 0


def test_a_file_or_container_that_is_gone_is_told(storage: Storage, importer: Make) -> None:
    with pytest.raises(Fatal, match=r"x\.csv"):
        importer(filename="x.csv").run()
    with pytest.raises(Fatal, match="nowhere"):
        importer(filename="x.csv", container="nowhere").run()


def test_columns_that_are_not_there_are_named(storage: Storage, importer: Make) -> None:
    storage.put("x.csv", PLAIN)
    with pytest.raises(Fatal, match="no column age"):
        importer(filename="x.csv", fields=["id", "age"]).run()
    with pytest.raises(Fatal, match="no column at"):
        importer(filename="x.csv", timestamp_field="at").run()


def test_a_file_that_changes_while_it_is_read_starts_the_run_over(storage: Storage, importer: Make) -> None:
    storage.put("x.csv", PLAIN)
    job = importer(filename="x.csv")
    plan = job.plan()
    storage.put("x.csv", PLAIN + "3,Alan\n")
    with pytest.raises(StartOver):
        csv_import.do(job.context(), plan.parts[0], None, job.sink)


def test_a_failed_run_leaves_nothing_behind(storage: Storage, importer: Make) -> None:
    storage.put("x.csv", PLAIN + "3\n")
    job = importer(filename="x.csv")
    context, plan = job.context(), job.plan()
    job.do(context, plan)
    assert job.workspace.streams() == []
    csv_import.discard(context)
    assert not [path for path in job.root.rglob("*.parquet") if "scratch" not in str(path)]


def test_a_long_file_is_cut_into_parts_that_can_be_done_again(
    storage: Storage, importer: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_import, "PART", 2 * BLOCK)
    monkeypatch.setattr(csv_part, "CHUNK", BLOCK)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "text"])
    for number in range(400_000):
        writer.writerow([number, f'line {number}\nwith "quotes", and commas' if number % 7 == 0 else "x" * 100])
    storage.put("x.csv", text.getvalue())
    job = importer(filename="x.csv")
    context, plan = job.context(), job.plan()
    assert len(plan.parts) == 3
    results = [csv_import.do(context, plan.parts[0], None, job.sink)]
    again = csv_import.do(context, plan.parts[0], None, job.sink)
    assert again == results[0]
    for part in plan.parts[1:]:
        results.append(csv_import.do(context, part, results[-1], job.sink))
    csv_import.commit(context, plan, results)
    found = job.rows("id, _row, text")
    assert [row for row, *_ in found] == [str(number) for number in range(400_000)]
    assert [row for _, row, _ in found] == list(range(1, 400_001))
    assert found[7][2] == 'line 7\nwith "quotes", and commas'


def test_a_rehearsal_shows_a_sample_and_changes_nothing(storage: Storage, importer: Make) -> None:
    storage.put("x.csv", "id,name\n1,Ada\n2\n")
    job = importer(filename="x.csv", fields=["name"])
    before = sorted(job.root.rglob("*"))
    rehearsal = job.rehearse()
    assert rehearsal.columns == ("name",)
    assert rehearsal.sample[0] == ("Ada",)
    assert rehearsal.items[0][0] == "x.csv"
    assert any("quarantine" in note for note in rehearsal.notes)
    assert sorted(job.root.rglob("*")) == before


def test_replay_imports_what_a_changed_job_can_read(storage: Storage, importer: Make) -> None:
    storage.put("x.csv", "id,at,seen\n1,2026-01-02,2026-01-02\n2,soon,2026-01-03\n3,4\n")
    job = importer(filename="x.csv", timestamp_field="at")
    job.run()
    folders = job.folders()
    mended = job.with_settings(timestamp_field="seen")
    assert mended.run(replay=folders).counts == {"files": 1, "imported": 1, "quarantined": 1}
    assert mended.rows("id, _row, _run_id") == [("1", 1, "run1"), ("2", 2, "run2")]
    assert [(row.row, row.line, row.text) for row in mended.quarantined()] == [(3, 4, "3,4")]


CELLS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r") | st.sampled_from('",\n;\t\0é'), max_size=12
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=30),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_every_value_that_a_writer_can_write_arrives_as_it_was(
    storage: Storage, tmp_path_factory: pytest.TempPathFactory, table: list[tuple[str, ...]], quoting: Literal[0, 1]
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=quoting)
    writer.writerow(["a", "b", "c"])
    writer.writerows(table)
    storage.put("x.csv", text.getvalue())
    job = csv_importer(storage, tmp_path_factory.mktemp("import"), {"filename": "x.csv", "encoding": "utf-8"})
    assert job.run().counts["quarantined"] == 0
    empty = "" if quoting == csv.QUOTE_ALL else None
    expected = [tuple(value if value else empty for value in row) for row in table]
    assert job.rows("a, b, c") == expected


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from('ab1,"\n\r'), max_size=80))
def test_of_any_bytes_every_record_is_imported_or_in_quarantine(
    storage: Storage, tmp_path_factory: pytest.TempPathFactory, body: str
) -> None:
    storage.put("x.csv", f"a,b\n{body}")
    job = csv_importer(storage, tmp_path_factory.mktemp("import"), {"filename": "x.csv", "encoding": "utf-8"})
    counts = job.run().counts
    numbers = [row for (row,) in job.rows("_row")] if counts["imported"] else []
    numbers += [row.row for row in job.quarantined()]
    assert len(numbers) == len(set(numbers)) == counts["imported"] + counts["quarantined"]
    text = "".join(row.text for row in job.quarantined())
    if counts["imported"]:
        text += "".join(f"{a or ''}{b or ''}" for a, b in job.rows("a, b"))
    for letter in "ab1":
        assert text.count(letter) == body.count(letter), "no character of the file is lost"


def test_errors_never_hold_the_key(storage: Storage, importer: Make, tmp_path: Path) -> None:
    job = importer(filename="nowhere.csv")
    with pytest.raises(LyazureError) as caught:
        job.run()
    assert storage.authorization().connection().key is not None
    key = storage.authorization().connection().key
    assert key is not None
    assert key.reveal() not in f"{caught.value!r} {caught.value} {caught.value.__cause__}"


@pytest.mark.parametrize("settings", [{}, {"continuous_update": True, "diff": True}], ids=["import", "diff"])
def test_a_file_of_800_columns_is_imported_within_the_memory(
    storage: Storage, importer: Make, settings: dict[str, bool]
) -> None:
    header = ",".join(f"column_{number}" for number in range(800))
    for day in (1, 2):
        rows = "".join(",".join(f"{row}.{number}" for number in range(800)) + "\n" for row in range(10 * day))
        storage.put(f"x_2026010{day}.csv", f"{header}\n{rows}1,2,3\n")
    job = importer(filename="x_20260101.csv", **settings)
    assert job.run().counts["quarantined"] == (2 if settings else 1)
    expected = [*range(10), *range(10, 20)] if settings else range(10)
    assert sorted(job.rows("column_799")) == sorted((f"{row}.799",) for row in expected)
