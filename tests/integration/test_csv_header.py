"""What stands before and behind the rows of a file: one reader for preview, dry run and run."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.jobs import csv_import, csv_part
from lytics_azure_tui.jobs.decompress import BLOCK
from tests.conftest import Storage
from tests.integration.imports import Importer

Make = Callable[..., Importer]


def imported(job: Importer) -> tuple[list[str], list[tuple[Any, ...]]]:
    """(columns, rows) of a run, which are those that the rehearsal showed before."""
    rehearsal = job.rehearse()
    job.run()
    columns = job.workspace.columns("s")
    rows = job.rows(", ".join(f'"{name}"' for name in columns))
    assert list(rehearsal.columns) == columns
    # A sample does not tell a missing value from an empty one.
    assert [tuple(value or None for value in row) for row in rehearsal.sample] == rows[: len(rehearsal.sample)]
    return columns, rows


LONG = ",".join(f"column number {number:05} of a file with a long header" for number in range(6000))


@pytest.mark.parametrize(
    ("data", "settings", "columns", "rows"),
    [
        pytest.param(b"\n\nid\n1\n2\n", {}, ["id"], [("1",), ("2",)], id="blank lines before one column"),
        pytest.param(b'id,name\r1,"a\nb"\r2,c\r', {}, ["id", "name"], [("1", "a\nb"), ("2", "c")], id="old mac"),
        pytest.param(b'id,name\r1,"a\r\nb"\r', {}, ["id", "name"], [("1", "a\r\nb")], id="old mac, windows in a cell"),
        pytest.param(b'id,"na\nme"\r\n1,a\r\n', {}, ["id", "na\nme"], [("1", "a")], id="newline in the header"),
        pytest.param(b"id,name\r\r\n1,a\r\r\n2,b\r\r\n", {}, ["id", "name"], [("1", "a"), ("2", "b")], id="cr cr lf"),
        pytest.param(b"sep=;\r\nid;name\r\n1;a\r\n", {}, ["id", "name"], [("1", "a")], id="sep"),
        pytest.param(b'"sep=\t"\nid\tname\n1\ta\n', {}, ["id", "name"], [("1", "a")], id="sep in quotes"),
        pytest.param("SEP=;\nid;name\n1;é\n".encode("utf-16"), {}, ["id", "name"], [("1", "é")], id="sep in utf-16"),
        pytest.param(
            b"Customers\nas of today, all\n\nid,name\n1,a\n",
            {"skip_lines": 2},
            ["id", "name"],
            [("1", "a")],
            id="title",
        ),
        pytest.param(b"# a\n# b,c\nid,x\n1,2\n", {"skip_lines": 2}, ["id", "x"], [("1", "2")], id="comments"),
        pytest.param(b"1,a\n2,b\n", {"column_names": "id, name"}, ["id", "name"], [("1", "a"), ("2", "b")], id="none"),
        pytest.param(
            gzip.compress(b"day 1\n1|a\n2|b\n"),
            {"column_names": '"id","the, name"', "skip_lines": 1, "delimiter": "|"},
            ["id", "the, name"],
            [("1", "a"), ("2", "b")],
            id="none, in a gzip, behind a title",
        ),
        pytest.param(
            b"id,n\n1,a\n2,b\nTotal,2\n\n", {"skip_footer": 1}, ["id", "n"], [("1", "a"), ("2", "b")], id="total"
        ),
        pytest.param(
            "id,n\r\n1,é\r\nsum,1\r\nend".encode("cp1252"),
            {"skip_footer": 2, "encoding": "cp1252"},
            ["id", "n"],
            [("1", "é")],
            id="two lines",
        ),
        pytest.param(b"id,n,\n1,a,\n2,b,\n", {}, ["id", "n"], [("1", "a"), ("2", "b")], id="delimiters on all lines"),
        pytest.param(b"id,n,\n1,a\n2,b\n", {}, ["id", "n"], [("1", "a"), ("2", "b")], id="delimiter on the header"),
        pytest.param(b"id,n\n1,a,,\n2,b,,\n", {}, ["id", "n"], [("1", "a"), ("2", "b")], id="delimiters on the rows"),
        pytest.param(b"id,n\n1,a,\n2,b\n,\n", {}, ["id", "n"], [("1", "a"), ("2", "b"), (None, None)], id="some rows"),
        pytest.param(b"id,n,\n1,a,x\n", {}, ["id", "n", "column_3"], [("1", "a", "x")], id="a value without a name"),
        pytest.param(b"id~n\n1~a\n", {"delimiter": "~"}, ["id", "n"], [("1", "a")], id="tilde"),
        pytest.param(b"id\x01n\n1\x01a\n", {"delimiter": r"\x01"}, ["id", "n"], [("1", "a")], id="byte 1"),
        pytest.param(b"id\tn\n1\ta\n", {"delimiter": r"\t"}, ["id", "n"], [("1", "a")], id="backslash t"),
        pytest.param("id¦n\n1¦a\n".encode(), {"delimiter": "¦"}, ["id", "n"], [("1", "a")], id="broken bar"),
    ],
)
def test_header_and_rows_are_found_where_they_are(
    storage: Storage, importer: Make, data: bytes, settings: dict[str, Any], columns: list[str], rows: list[Any]
) -> None:
    storage.put("x.csv", data)
    job = importer(filename="x.csv", **settings)
    assert imported(job) == (columns, rows)
    assert job.quarantined() == []


def test_a_header_longer_than_the_sample_is_read_whole(storage: Storage, importer: Make) -> None:
    storage.put("x.csv", f"{LONG}\n" + ",".join(["1"] * 6000) + "\n")
    job = importer(filename="x.csv", fields=["column number 05999 of a file with a long header"])
    assert imported(job)[1] == [("1",)]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'id,"size 5" disc",email\n1,2,3\n', "text follows a closing quote"),
        (b'id,"name,email\n1,2,3\n4,5,6\n', "a quote is opened and never closed"),
        (b"title\nid,na\rme\n1,2\n", "a carriage return stands outside quotes"),
    ],
)
def test_a_malformed_header_ends_preview_and_run_with_its_line(
    storage: Storage, importer: Make, data: bytes, words: str
) -> None:
    storage.put("x.csv", data)
    job = importer(filename="x.csv", skip_lines=int(data.startswith(b"title")))
    for act in (job.rehearse, job.run):
        with pytest.raises(Fatal, match=words) as caught:
            act()
        assert repr(next(line for line in data.decode().split("\n") if line.startswith("id"))) in caught.value.why


def test_lines_that_are_not_there_are_told(storage: Storage, importer: Make) -> None:
    storage.put("x.csv", "id,name\n1,a\n")
    with pytest.raises(Fatal, match="no header behind its first 5 lines"):
        importer(filename="x.csv", skip_lines=5).rehearse()


@pytest.mark.parametrize(
    ("data", "delimiter", "words"),
    [
        ("Customers\n\nid,name\n1,a\n2,b\n3,c\n", ",", "2 lines seem to stand before the header"),
        ("# all\nid,name\n1,a\n2,b\n3,c\n", ",", "1 line seems to stand before the header"),
        ("1,ada@x.com\n2,bob@x.com\n3,c@x.com\n", ",", "looks like a row"),
        ("id,n\n1,a\n2,b\nTotal,2\n", ",", "The last line of x.csv looks like no row"),
        ("id,n\n1,a\n2,b\n3 rows\n", ",", "The last line of x.csv looks like no row"),
        ("id;n\n1;a\n2;b\n", ",", "read as comma-delimited, and looks semicolon-delimited"),
        ("id~n\n1~a\n2~b\n", ",", "looks ~-delimited"),
        ("id\x01n\n1\x01a\n2\x01b\n", ",", "looks byte 1-delimited"),
        ("id^n\n1^a\n2^b\n", ";", "looks ^-delimited"),
        ("id:n\n1:a\n2:b\n", ",", "looks :-delimited"),
    ],
)
def test_what_an_operator_should_set_is_proposed_before_the_run_and_on_it(
    storage: Storage, importer: Make, data: str, delimiter: str, words: str
) -> None:
    storage.put("x.csv", data)
    job = importer(filename="x.csv", delimiter=delimiter)
    assert any(words in note for note in job.rehearse().notes)
    assert any(words in warning for warning in job.plan().warnings)


@pytest.mark.parametrize(
    "data",
    [
        "id,n\n1,a\n2,b\n",
        "id,2023,2024\n7,1,2\n",
        "at\n2026-01-02 10:00:00\n2026-01-02 11:00:00\n",
        "id,n\n",
        "id\n1\n2\n3\n",
    ],
)
def test_an_ordinary_file_raises_no_warning(storage: Storage, importer: Make, data: str) -> None:
    storage.put("x.csv", data)
    assert importer(filename="x.csv").plan().warnings == ()


def test_lines_behind_the_rows_are_passed_over_and_counted(storage: Storage, importer: Make) -> None:
    rows = "".join(f"{number},{'x' * 50}\n" for number in range(400_000))
    storage.put("x.csv", f"id,text\n{rows}\ntotal,400000\nmade by nobody\n\n")
    job = importer(filename="x.csv", skip_footer=2)
    assert job.run().counts == {"files": 1, "imported": 400_000, "quarantined": 0, "passed over": 2}


def test_each_file_of_an_archive_has_its_own_header_and_footer(storage: Storage, importer: Make) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(3):
            archive.writestr(f"{number}.csv", f"Report {number}\nID,name\n{number},a\ntotal,{number}")
    storage.put("x.zip", packed.getvalue())
    job = importer(filename="x.zip", skip_lines=1, skip_footer=1)
    assert job.run().counts == {"files": 1, "imported": 3, "quarantined": 0, "passed over": 3}
    assert job.rows('"ID", name') == [("0", "a"), ("1", "a"), ("2", "a")]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_parts_of_a_long_file_begin_behind_what_stands_before_the_rows(
    storage: Storage, importer: Make, newline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_import, "PART", BLOCK)
    monkeypatch.setattr(csv_part, "CHUNK", BLOCK)
    rows = "".join(f"{number};{'x' * 90}{newline}" for number in range(200_000))
    storage.put("x.csv", f"sep=;{newline}a title{newline}id;text{newline}{rows}")
    job = importer(filename="x.csv", skip_lines=2)
    assert len(job.plan().parts) == 3
    assert job.run().counts["imported"] == 200_000
    found = job.rows("id, _row")
    assert found == [(str(number), number + 1) for number in range(200_000)]


def test_two_spellings_of_a_column_are_one_and_the_first_stays(storage: Storage, importer: Make) -> None:
    storage.put("c_20260101.csv", "id,Name\n1,a\n")
    storage.put("c_20260102.csv", "ID,NAME\n2,b\n")
    job = importer(filename="c_20260101.csv", continuous_update=True)
    assert job.run().counts["files"] == 2
    assert job.workspace.columns("s") == ["id", "Name"]
    assert job.rows('id, "Name"') == [("1", "a"), ("2", "b")]


def test_a_replay_knows_the_delimiter_that_the_file_named(storage: Storage, importer: Make) -> None:
    storage.put("x.csv", "sep=;\nid;at\n1;2026-01-02\n2;soon\n")
    job = importer(filename="x.csv", timestamp_field="at")
    job.run()
    folders = job.folders()
    assert job.with_settings(timestamp_field=None).run(replay=folders).counts["imported"] == 1
    assert job.rows('id, "at"') == [("1", "2026-01-02"), ("2", "soon")]


@pytest.mark.parametrize("delimiter", ['"', "\n", "\r", '"x', r"\x0a", r"\x22"])
def test_delimiters_that_mean_something_else_are_refused(importer: Make, delimiter: str) -> None:
    with pytest.raises(ValueError, match="cannot stand between fields"):
        importer(filename="x.csv", delimiter=delimiter).job()


def test_a_file_with_none_of_the_streams_columns_stops_the_run(storage: Storage, importer: Make) -> None:
    storage.put("a.csv", "id,name\n1,a\n")
    storage.put("b.csv", "id;name\n2;b\n")
    importer(filename="a.csv").run()
    job = importer(filename="b.csv")
    for act in (job.rehearse, job.run):
        with pytest.raises(Fatal, match="no column in common") as caught:
            act()
        assert "id;name" in caught.value.why
        assert "stream are id, name" in caught.value.why


def test_new_columns_are_accepted_stop_the_run_or_put_the_file_in_quarantine(storage: Storage, importer: Make) -> None:
    storage.put("a.csv", "id,name\n1,a\n")
    storage.put("b.csv", "ID,city\n2,Paris\n3,Rome\n")
    job = importer(filename="a.csv")
    job.run()
    job = importer(filename="b.csv", on_new_columns="stop")
    with pytest.raises(Fatal, match="has not: city; it lacks name"):
        job.run()
    job = importer(filename="b.csv", on_new_columns="quarantine")
    job.runs = 1
    assert job.run().counts == {"files": 1, "imported": 0, "quarantined": 2}
    assert job.workspace.columns("s") == ["id", "name"]
    folders = job.folders()
    job = importer(filename="b.csv")
    job.runs = 2
    assert any("has not: city" in warning for warning in job.plan().warnings)
    assert job.run(replay=folders).counts["imported"] == 2
    assert job.rows("id, city") == [("1", None), ("2", "Paris"), ("3", "Rome")]
