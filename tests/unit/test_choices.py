"""Live choices: from streams, a real storage account, a file's columns and name, and the clock."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.jobs import choices as choices_module
from lytics_azure_tui.jobs.choices import Choice, choices, own_timezone
from lytics_azure_tui.lytics.protocol import Lytics, StreamInfo
from lytics_azure_tui.model.audience_csv import AudienceCsv
from lytics_azure_tui.model.authorization import AzureSql, AzureStorage
from lytics_azure_tui.model.csv_import import CsvImport
from lytics_azure_tui.model.delimiter import separator
from lytics_azure_tui.model.form import Source
from tests.conftest import Storage

NOBODY = AzureStorage(id="a", label="A")


class _Streams:
    def streams(self) -> list[StreamInfo]:
        return [StreamInfo("orders", 1234, datetime(2026, 11, 1, tzinfo=UTC), None, 0)]


def of(source: Source, answers: dict[str, Any], authorization: Any = NOBODY, typed: str = "") -> list[Choice]:
    """The choices, with one stream."""
    return choices(source, answers, authorization, cast(Lytics, _Streams()), typed=typed)


def test_streams_come_with_their_events() -> None:
    assert of(Source.STREAMS, {}) == [Choice("orders", "orders", "1,234 events")]


def test_containers_and_blobs_of_an_account(storage: Storage) -> None:
    storage.put("daily/a.csv", "x\n")
    storage.put("other.csv", "xy\n")
    authorization = storage.authorization()
    assert storage.container in [choice.value for choice in of(Source.CONTAINERS, {}, authorization)]
    assert of(Source.CONTAINERS, {}, authorization, typed="no-such") == []
    blobs = of(Source.BLOBS, {"container": storage.container}, authorization, typed="daily/")
    assert blobs == [Choice("daily/a.csv", "daily/a.csv", "2 bytes")]


def test_columns_carry_a_type_and_those_with_times_are_likely(storage: Storage) -> None:
    storage.put("a.tsv", "id\temail\tcreated\n1\ta@example.com\t2026-11-01T10:00:00Z\n")
    answers = {"container": storage.container, "filename": "a.tsv", "delimiter": "t", "encoding": "auto"}
    found = of(Source.COLUMNS, answers, storage.authorization())
    assert [choice.value for choice in found] == ["id", "email", "created"]
    assert [choice.value for choice in found if choice.likely] == ["created"]
    assert found[1].detail == "email address"


def test_prefixes_are_worked_out_from_the_name_of_the_file() -> None:
    found = of(Source.PREFIXES, {"filename": "daily/customers_20261101.csv"})
    assert [choice.value for choice in found] == ["customers_", "daily/customers_"]
    assert of(Source.PREFIXES, {"filename": "customers.csv"}) == []


def test_a_prefix_says_how_many_files_it_finds(storage: Storage) -> None:
    for name in ("c_20260101.csv", "c_20260102.csv", "c_20260103_v2.csv", "C_20260104.csv", "d_20260101.csv"):
        storage.put(f"seq/{name}", "id\n1\n")
    answers = {"container": storage.container, "filename": "seq/c_20260101.csv"}
    (first, *_) = of(Source.PREFIXES, answers, storage.authorization())
    assert (first.value, first.detail) == ("c_", "2 files match, 2 look alike and do not")


def test_times_are_every_half_hour() -> None:
    values = [choice.value for choice in of(Source.TIMES, {})]
    assert len(values) == 48
    assert (values[0], values[1], values[-1]) == ("00:00", "00:30", "23:30")


def test_the_operators_own_zone_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    found = of(Source.TIMEZONES, {})
    assert [choice.value for choice in found[:2]] == ["Asia/Tokyo", "UTC"]
    assert found[0].detail == "UTC+09:00, this machine's"
    assert len({choice.value for choice in found}) == len(found) > 300


def test_the_zone_is_read_from_where_the_system_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TZ", raising=False)
    (tmp_path / "localtime").symlink_to("/usr/share/zoneinfo/Europe/Berlin")
    monkeypatch.setattr(choices_module, "LOCALTIME", tmp_path / "localtime")
    assert own_timezone() == "Europe/Berlin"
    monkeypatch.setattr(choices_module, "LOCALTIME", tmp_path / "none")
    assert own_timezone() is None


def test_another_method_has_no_blobs() -> None:
    shop = AzureSql(id="a", label="Shop", server="x", database="y", user="z")
    with pytest.raises(BadConfiguration, match="gives no access to Blob Storage"):
        of(Source.CONTAINERS, {}, shop)


@given(st.text(min_size=1))
@example("t")
@example("tab")
def test_a_delimiter_is_one_character_and_t_is_tab(text: str) -> None:
    assume(not text.startswith("\\"))
    assert separator(text) == ("\t" if text.startswith("t") else text[0])


@pytest.mark.parametrize(
    ("typed", "character"),
    [(r"\t", "\t"), ("\t", "\t"), (" ", " "), (r"\x01", "\x01"), (r"\u00a0", "\xa0"), ("\\", "\\"), (r"\d", "\\")],
)
def test_a_delimiter_without_a_key_may_be_written_as_programs_write_it(typed: str, character: str) -> None:
    assert separator(typed) == character
    assert CsvImport(stream="s", container="abc", filename="f", delimiter=typed).separator() == character


@pytest.mark.parametrize("typed", ['"', "\n", r"\n", "\r\n", "\0", r"\x22", r"\x0a", '",'])
@pytest.mark.parametrize("key", ["delimiter", "join"])
def test_a_delimiter_that_csv_uses_itself_is_refused(key: str, typed: str) -> None:
    with pytest.raises(ValidationError, match=r"cannot stand between fields|at most 1 character"):
        AudienceCsv.model_validate({"segment_id": "a", "container": "abc", key: typed})


def test_a_join_is_a_character_and_t_is_itself() -> None:
    joins = [AudienceCsv(segment_id="a", container="abc", join=join).join for join in (r"\t", "t", " ", "|")]
    assert joins == ["\t", "t", " ", "|"]


@given(st.text(max_size=60))
def test_any_file_name_has_prefixes_that_compile(name: str) -> None:
    import re

    for choice in of(Source.PREFIXES, {"filename": name}):
        assert re.compile(choice.value)
