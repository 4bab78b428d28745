"""Configurations of exports: which are refused, and how their files are called."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from lytics_azure_tui.jobs.csv_sequence import split_name
from lytics_azure_tui.model.audience_csv import AudienceCsv
from lytics_azure_tui.model.audience_json import AudienceJson
from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.model.event_export import EventExport
from lytics_azure_tui.model.export_name import TIME_FORMATS, TimeFormat, blob_name, extension
from lytics_azure_tui.model.form import questions

NOON = datetime(2026, 1, 31, 12, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("format", "written"),
    [
        ("yyyyMMddHHmmss", "20260131120509"),
        ("yyyy-MM-ddTHHmmss", "2026-01-31T120509"),
        ("yyyyMMddHHmm", "202601311205"),
        ("yyyyMMdd", "20260131"),
        ("yyyy-MM-dd", "2026-01-31"),
        ("yyyy/MM/dd/HHmmss", "2026/01/31/120509"),
        ("unix", "1769861109"),
        ("unix_ms", "1769861109000"),
    ],
)
def test_the_timestamp_stands_where_the_name_has_its_place(format: TimeFormat, written: str) -> None:
    assert blob_name("/a/b-{TIMESTAMP}-c", format, NOON, ".csv.gz") == f"a/b-{written}-c.csv.gz"
    assert format in TIME_FORMATS


@pytest.mark.parametrize(
    ("pattern", "extensions", "name"),
    [
        ("x", ".csv", "x.csv"),
        ("x.csv", ".csv", "x.csv"),
        ("x.csv", ".csv.gz", "x.csv.gz"),
        ("x.csv.gz", ".csv.gz", "x.csv.gz"),
        ("x.csv", ".csv.pgp.zip", "x.csv.pgp.zip"),
        ("x.gz", ".csv.gz", "x.gz.csv.gz"),
    ],
)
def test_an_extension_is_not_added_twice(pattern: str, extensions: str, name: str) -> None:
    assert blob_name(pattern, "unix", NOON, extensions) == name


def test_extensions_are_in_the_order_of_the_work() -> None:
    assert extension("csv", "gzip", encrypted=True, compress_first=False) == ".csv.pgp.gz"
    assert extension("csv", "gzip", encrypted=True, compress_first=True) == ".csv.gz.pgp"
    assert extension("csv", "zip", encrypted=False, compress_first=True) == ".csv.zip"
    assert extension("json", "none", encrypted=True, compress_first=False) == ".json.pgp"


@pytest.mark.parametrize("format", [name for name in TIME_FORMATS if name not in ("yyyy/MM/dd/HHmmss",)])
def test_an_import_finds_the_timestamp_of_an_exported_file(format: TimeFormat) -> None:
    assert split_name(blob_name("out/events-{TIMESTAMP}", format, NOON, ".csv.gz")) is not None


def wrong(kind: Any, **values: Any) -> dict[str, str]:
    """Errors by field."""
    needed = {} if kind is EventExport else {"segment_id": "vip"}
    with pytest.raises(ValidationError) as caught:
        kind(**{"container": "lake", **needed, **values})
    return {str(error["loc"][0]): error["msg"] for error in caught.value.errors()}


@pytest.mark.parametrize(
    ("values", "field", "says"),
    [
        ({"filename": "x-{DATE}"}, "filename", "{DATE} stands for nothing"),
        ({"filename": "x-{timestamp}"}, "filename", "{timestamp} stands for nothing"),
        ({"filename": "folder/"}, "filename", "a file name is missing"),
        ({"filename": "a//b"}, "filename", "a folder's name is missing"),
        ({"filename": "a\\b"}, "filename", "folders are written with /"),
        ({"filename": "a/../b"}, "filename", "no part of the name may end with a dot"),
        ({"filename": "x" * 1000}, "filename", "at most 1024"),
        ({"start_date": "31.01.2026"}, "start_date", "write yyyy-mm-dd"),
        ({"start_date": "2026-02-01", "end_date": "2026-02-01"}, "end_date", "later than the Start Date"),
        ({"continuous_update": True, "filename": "x"}, "continuous_update", "put {TIMESTAMP} into the file name"),
        (
            {"continuous_update": True, "run_frequency": "hourly", "time_format": "yyyyMMdd"},
            "run_frequency",
            "choose a timestamp format with hours",
        ),
    ],
)
def test_what_would_go_wrong_later_is_refused_at_its_field(values: dict[str, Any], field: str, says: str) -> None:
    found = wrong(EventExport, **values)
    assert list(found) == [field]
    assert says in found[field]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"join": '"'}, "join"),
        ({"join": "&&"}, "join"),
        ({"delimiter": "\n"}, "delimiter"),
        ({"file_prefix": "a//b"}, "file_prefix"),
    ],
)
def test_what_csv_cannot_hold_is_refused(values: dict[str, Any], field: str) -> None:
    assert list(wrong(AudienceCsv, **values)) == [field]


def test_defaults_are_those_of_lytics() -> None:
    events = EventExport(container="lake")
    assert (events.filename, events.compress, events.write_headers) == ("lytics-events-{TIMESTAMP}", "none", True)
    assert (events.run_frequency, events.continuous_update) == ("daily", False)
    assert AudienceJson(segment_id="vip", container="lake").max_bytes == 5368709120
    assert AudienceCsv(segment_id="vip", container="lake").join == "&"


def test_a_one_time_export_has_no_schedule() -> None:
    assert AudienceJson(segment_id="vip", container="lake", backfill_only=True).schedule() is None
    assert AudienceJson(segment_id="vip", container="lake").schedule() is not None
    assert EventExport(container="lake").schedule() is None


def test_forms_ask_in_the_order_of_the_specification() -> None:
    def asked(kind: Any) -> list[str]:
        return [question.ask.label for question in questions(kind) if not question.ask.advanced]

    assert asked(AudienceJson) == [
        *("Audience", "Container", "User Fields", "File Prefix", "Existing Users", "One-time Export"),
        "Maximum File Size",
    ]
    assert asked(AudienceCsv) == [
        *("Audience", "Container", "User Fields", "File Prefix", "Delimiter", "Join", "Existing Users"),
        "One-time Export",
    ]
    assert asked(EventExport) == [
        *("Container", "Data Streams to Export", "Compress", "Filename", "Timestamp Format", "Include Headers"),
        *("Keep Updated", "Start Date", "End Date", "File Export Frequency", "Time of Day", "Timezone"),
    ]


def test_the_form_shows_what_a_file_will_be_called() -> None:
    hidden = AzureStorage(id="a", label="A", pgppublickey="-----BEGIN PGP PUBLIC KEY BLOCK-----")
    answers = {question.name: question.default for question in questions(EventExport)}
    assert EventExport.preview(answers, None, NOON) == {"filename": "lytics-events-20260131120509.csv"}
    zipped = {**answers, "compress": "zip", "compress_then_encrypt": True}
    assert EventExport.preview(zipped, hidden, NOON) == {"filename": "lytics-events-20260131120509.csv.zip.pgp"}
    assert EventExport.preview({**answers, "filename": "{X}"}, None, NOON) == {}
    asked = {question.name: question.default for question in questions(AudienceJson)}
    assert AudienceJson.preview({**asked, "segment_id": ""}, None, NOON) == {}
    vip = {**asked, "segment_id": "vip"}
    assert AudienceJson.preview(vip, hidden, NOON) == {"file_prefix": "vip-20260131120509-0001.json.pgp"}
    assert AudienceCsv.preview({**vip, "file_prefix": "a/b_"}, None, NOON) == {"file_prefix": "a/b_20260131120509.csv"}
