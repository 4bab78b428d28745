"""What the preview shows of a file's beginning."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest

from lytics_azure_tui.azure.blob import BlobStore
from lytics_azure_tui.jobs.csv_header import clean_header
from lytics_azure_tui.jobs.csv_sniff import look
from tests.conftest import Storage

ROWS = "".join(f"{number};2026-01-{number % 28 + 1:02};user{number}@example.com;3.5;x\n" for number in range(80))


@pytest.fixture
def store(storage: Storage) -> Iterator[BlobStore]:
    opened = BlobStore(storage.authorization().connection())
    yield opened
    opened.close()


def test_encoding_compression_header_rows_types_and_times_are_shown(storage: Storage, store: BlobStore) -> None:
    text = "id;day;email;score;note\n" + ROWS
    storage.put("x.csv.gz", gzip.compress(text.encode("utf-16")))
    found = look(store, storage.container, "x.csv.gz")
    assert (found.encoding.name, found.compression, found.delimiter, found.newline) == ("utf-16-le", "gzip", ";", "\n")
    assert found.header == ("id", "day", "email", "score", "note")
    assert len(found.rows) == 50
    assert found.rows[1] == ("1", "2026-01-02", "user1@example.com", "3.5", "x")
    assert found.types == {
        "id": "whole number",
        "day": "time",
        "email": "email address",
        "score": "number",
        "note": "text",
    }
    assert found.timestamp_candidates == ("day",)


def test_a_wrong_delimiter_is_used_as_asked_and_the_likely_one_is_suggested(storage: Storage, store: BlobStore) -> None:
    storage.put("x.csv", "id\tname\n" + "1\tAda\n" * 10)
    found = look(store, storage.container, "x.csv", delimiter=",")
    assert found.header == ("id\tname",)
    assert found.suggested_delimiter == "\t"
    assert look(store, storage.container, "x.csv", delimiter="m").suggested_delimiter == "\t"
    assert look(store, storage.container, "x.csv", delimiter="\t").suggested_delimiter is None


def test_ragged_rows_and_changed_names_are_noted(storage: Storage, store: BlobStore) -> None:
    storage.put("x.csv", " id,id\n1,2\n3\n")
    found = look(store, storage.container, "x.csv", delimiter=",")
    assert found.header == ("id", "id_2")
    assert found.rows == (("1", "2"), ("3", None))
    assert any("1 of the first 2 rows" in note for note in found.notes)
    assert any("is called 'id_2'" in note for note in found.notes)


def test_numbers_are_times_only_where_the_name_speaks_of_time(storage: Storage, store: BlobStore) -> None:
    storage.put("x.csv", "phone,created_at\n" + "1767225600,1767225600\n" * 5)
    assert look(store, storage.container, "x.csv").timestamp_candidates == ("created_at",)


def test_a_row_that_the_sample_cuts_off_is_not_shown(storage: Storage, store: BlobStore) -> None:
    storage.put("x.csv", "id,text\n" + f"1,{'x' * 200_000}\n" * 3)
    found = look(store, storage.container, "x.csv")
    assert len(found.rows) == 1
    assert found.notes == ()


def test_names_that_the_stream_keeps_for_itself_are_given_another() -> None:
    assert clean_header(["_row", "_ROW", "", "a\0"])[0] == ("_row_2", "_ROW_3", "column_3", "a")
