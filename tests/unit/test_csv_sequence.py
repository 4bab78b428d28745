"""Which file comes next."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lytics_azure_tui.jobs.csv_sequence import FileSequence, Place, due, prefixes, split_name

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "root", "moment"),
    [
        ("daily/customers_20260131.csv", "daily/customers_", datetime(2026, 1, 31, tzinfo=UTC)),
        ("20260131.csv", "", datetime(2026, 1, 31, tzinfo=UTC)),
        ("x-2026-01-31T10-20-30.csv.gz", "x-", datetime(2026, 1, 31, 10, 20, 30, tzinfo=UTC)),
        ("x20260131102030.csv", "x", datetime(2026, 1, 31, 10, 20, 30, tzinfo=UTC)),
        ("e_1767225600.csv", "e_", datetime(2026, 1, 1, tzinfo=UTC)),
        ("e_1767225600500.csv", "e_", datetime(2026, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
        ("2025/12/orders 2026_01_31 0430.txt", "2025/12/orders ", datetime(2026, 1, 31, 4, 30, tzinfo=UTC)),
    ],
)
def test_a_name_is_a_root_and_a_timestamp(name: str, root: str, moment: datetime) -> None:
    assert split_name(name) == (root, moment)


@pytest.mark.parametrize("name", ["customers.csv", "v2_20261301.csv", "order12345678.csv", "x_20260230.csv", "a/b/"])
def test_a_name_without_a_timestamp_has_none(name: str) -> None:
    assert split_name(name) is None
    assert prefixes(name) == []


@given(
    st.text(st.sampled_from("ab/.-_+( )1"), max_size=12),
    st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)),
)
def test_every_precalculated_prefix_finds_the_file_it_came_from(root: str, moment: datetime) -> None:
    name = f"{root.rstrip('1')}{moment:%Y%m%d}.csv"
    for prefix in prefixes(name):
        sequence = FileSequence(name, prefix, "name")
        assert sequence.place(name, NOW) is not None
        assert name.startswith(sequence.listing)


@pytest.mark.filterwarnings("ignore:Possible nested set")
@given(st.from_regex(r"[a-c.*+?|()\\d\[\]]{0,8}", fullmatch=True), st.text(st.sampled_from("abcd1.(+"), max_size=6))
def test_the_filter_for_the_server_never_hides_a_file_of_the_sequence(prefix: str, root: str) -> None:
    try:
        re.compile(prefix)
    except re.error:
        return
    name = f"in/{root}20260131.csv"
    sequence = FileSequence("in/x20260130.csv", prefix, "name")
    if sequence.place(name, NOW) is not None:
        assert name.startswith(sequence.listing)


def test_a_prefix_without_a_slash_stays_in_the_folder_of_the_chosen_file() -> None:
    sequence = FileSequence("daily/c_20260101.csv", "c_", "name")
    assert sequence.place("daily/c_20260102.csv", NOW) is not None
    assert sequence.place("daily/old/c_20260102.csv", NOW) is None
    assert sequence.place("c_20260102.csv", NOW) is None


def test_flags_at_the_front_of_a_prefix_hold_for_all_of_it() -> None:
    assert FileSequence("c_20260101.csv", "(?i)c_", "name").place("C_20260102.csv", NOW) is not None


def place(day: int, name: str = "") -> Place:
    moment = datetime(2026, 1, day, tzinfo=UTC)
    return Place(moment, moment, name or f"c_{day}")


def fresh(blobs: list[tuple[Place, str]], last: Place | None, imported: dict[str, str]) -> list[Place]:
    return due(blobs, last, imported, now=NOW).fresh


def test_the_next_files_are_those_with_later_stamps_in_order() -> None:
    blobs = [(place(3), "e3"), (place(1), "e1"), (place(2), "e2"), (place(4), "e4")]
    assert fresh(blobs, place(2), {"c_1": "e1", "c_2": "e2"}) == [place(3), place(4)]


def test_a_file_is_imported_once_by_name_and_etag() -> None:
    blobs = [(place(1), "e1"), (place(2), "again")]
    assert fresh(blobs, place(2), {"c_1": "e1", "c_2": "e2"}) == [place(2)]
    assert fresh(blobs, place(2), {"c_1": "e1", "c_2": "again"}) == []


def test_an_older_file_that_was_replaced_is_told_and_not_imported() -> None:
    blobs = [(place(1), "again"), (place(2), "e2")]
    found = due(blobs, place(2), {"c_1": "e1", "c_2": "e2"}, now=NOW, first=place(1), window=timedelta(days=9))
    assert (found.fresh, found.replaced) == ([], ["c_1"])


def test_files_of_one_stamp_are_told_apart_by_their_names() -> None:
    blobs = [(place(2, "a"), "1"), (place(2, "b"), "2")]
    assert fresh(blobs, place(2, "a"), {"a": "1"}) == [place(2, "b")]


def test_a_late_file_is_taken_within_the_window_and_told_beyond_it() -> None:
    blobs = [(place(day), f"e{day}") for day in (1, 2, 8, 10)]
    found = due(blobs, place(10), {"c_10": "e10"}, now=NOW, first=place(2), window=timedelta(days=3))
    assert found.fresh == [place(8)]
    assert found.late == ["c_2"], "and the first day is before the chosen file"


def test_a_file_whose_time_has_not_come_waits_and_blocks_nothing() -> None:
    blobs = [(place(1), "e1"), (Place(NOW + timedelta(days=2), NOW, "far"), "e2"), (place(3), "e3")]
    found = due(blobs, place(1), {"c_1": "e1"}, now=NOW)
    assert (found.fresh, found.ahead) == ([place(3)], ["far"])
    assert [one.name for one in due(blobs, place(3), {}, now=NOW + timedelta(days=1)).fresh] == ["c_3", "far"]


def test_by_last_modified_a_file_under_the_same_name_comes_again() -> None:
    sequence = FileSequence("current.csv", None, "modified")
    first, second = sequence.place("current.csv", NOW), sequence.place("current.csv", NOW + timedelta(days=1))
    assert first is not None
    assert second is not None
    assert fresh([(second, "e2")], first, {"current.csv": "e1"}) == [second]


@pytest.mark.parametrize(
    ("chosen", "following"),
    [
        ("c_20240101-20240131.csv", "c_20240201-20240229.csv"),
        ("batch_001_20240101.csv", "batch_002_20240102.csv"),
        ("w_2024-W05.csv", "w_2024-W06.csv"),
        ("m_202401.csv.gz", "m_202402.csv.gz"),
        ("m-2024-01.csv", "m-2024-02.csv"),
        ("x_20240131060000123.csv", "x_20240131060000124.csv"),
        ("x_20240131T060000+0100.csv", "x_20240131T060000+0000.csv"),
    ],
)
def test_the_proposed_prefix_finds_the_next_file(chosen: str, following: str) -> None:
    sequence = FileSequence(chosen, None, "name")
    first, second = sequence.place(chosen, NOW), sequence.place(following, NOW)
    assert first is not None
    assert second is not None
    assert first < second


@pytest.mark.parametrize("name", ["c_20240202_v2.csv", "c_20240202-final.csv", "c_20240202 (1).csv", "C_20240202.csv"])
def test_names_that_nearly_match_are_known(name: str) -> None:
    sequence = FileSequence("c_20240101.csv", None, "name")
    assert sequence.place(name, NOW) is None
    assert sequence.alike(name)
    assert any(name.startswith(start) for start in sequence.listings())
    assert not sequence.alike("d_20240202.csv")
