"""Importing a sequence of files: each once, in order, whole or only what changed."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lytics_azure_tui.errors import BadConfiguration, Fatal
from lytics_azure_tui.jobs import csv_import, csv_part
from lytics_azure_tui.jobs.decompress import BLOCK
from tests.conftest import Storage
from tests.integration.imports import Importer, csv_importer

Make = Callable[..., Importer]


def put_day(storage: Storage, day: int, *rows: str) -> None:
    storage.put(f"d/c_202601{day:02}.csv", "\n".join(["id,name", *rows]) + "\n")


@pytest.fixture
def daily(importer: Make) -> Importer:
    return importer(filename="d/c_20260101.csv", continuous_update=True)


def test_each_file_is_imported_once_in_the_order_of_its_stamp(storage: Storage, daily: Importer) -> None:
    put_day(storage, 2, "2,b")
    put_day(storage, 1, "1,a")
    storage.put("d/other_20260103.csv", "id,name\n9,z\n")
    daily.run()
    assert [row for (row,) in daily.rows("id")] == ["1", "2"]
    assert daily.run().counts if daily.plan().parts else True
    put_day(storage, 3, "3,c")
    assert daily.run().counts["files"] == 1
    assert [row for (row,) in daily.rows("id")] == ["1", "2", "3"]


def test_files_before_the_chosen_one_are_left_alone(storage: Storage, importer: Make) -> None:
    put_day(storage, 1, "1,a")
    put_day(storage, 2, "2,b")
    job = importer(filename="d/c_20260102.csv", continuous_update=True)
    job.run()
    assert job.rows("id") == [("2",)]


def test_no_newer_file_is_nothing_to_do_until_one_period_past_due(storage: Storage, daily: Importer) -> None:
    put_day(storage, 1, "1,a")
    daily.run()
    waiting = daily.plan()
    assert waiting.parts == ()
    assert waiting.stop is None
    daily.now += timedelta(days=1)
    over = daily.plan()
    assert over.parts == ()
    assert over.stop is not None
    assert "d/c_20260101.csv" in over.stop
    patient = daily.with_settings(if_no_next_file="wait")
    assert patient.plan().stop is None


def test_a_replaced_older_file_is_told_and_not_imported_again(storage: Storage, daily: Importer) -> None:
    put_day(storage, 1, "1,a")
    put_day(storage, 2, "2,b")
    daily.run()
    put_day(storage, 1, "1,changed")
    plan = daily.plan()
    assert plan.parts == ()
    assert "d/c_20260101.csv was replaced" in plan.about


def test_a_file_that_comes_late_is_imported_within_the_window_and_told_beyond_it(
    storage: Storage, daily: Importer
) -> None:
    put_day(storage, 1, "1,a")
    put_day(storage, 20, "20,t")
    daily.run()
    put_day(storage, 2, "2,b")
    put_day(storage, 18, "18,r")
    assert "d/c_20260102.csv came too late" in daily.plan().about
    daily.run()
    assert [row for (row,) in daily.rows("id")] == ["1", "18", "20"]
    put_day(storage, 21, "21,u")
    daily.run()
    assert [row for (row,) in daily.rows("id")] == ["1", "18", "20", "21"]
    assert daily.with_settings(late_days=30).plan().parts != ()


def test_names_ahead_empty_files_and_names_that_nearly_match_are_told(storage: Storage, daily: Importer) -> None:
    put_day(storage, 1, "1,a")
    storage.put("d/c_20420101.csv", "id,name\n9,z\n")
    storage.put("d/c_20260102.csv", "")
    storage.put("d/c_20260103_v2.csv", "id,name\n3,c\n")
    storage.put("d/C_20260104.csv", "id,name\n4,d\n")
    about = daily.plan().about
    assert "d/c_20420101.csv has a time ahead" in about
    assert "d/c_20260102.csv is empty" in about
    assert "d/C_20260104.csv, d/c_20260103_v2.csv, each of which looks like" in about
    assert any("c_20420101" in note for note in daily.rehearse().notes)
    daily.run()
    put_day(storage, 2, "2,b")
    put_day(storage, 5, "5,e")
    daily.run()
    assert [row for (row,) in daily.rows("id")] == ["1", "2", "5"]


def test_a_file_that_cannot_be_read_holds_back_none_before_it(storage: Storage, daily: Importer) -> None:
    put_day(storage, 1, "1,a")
    put_day(storage, 2, "2,b")
    storage.put("d/c_20260103.csv", "\n\n")
    put_day(storage, 4, "4,d")
    assert any("c_20260103.csv" in warning for warning in daily.plan().warnings)
    daily.run()
    assert [row for (row,) in daily.rows("id")] == ["1", "2"]
    with pytest.raises(Fatal, match="c_20260103"):
        daily.run()
    storage.delete("d/c_20260103.csv")
    daily.run()
    assert [row for (row,) in daily.rows("id")] == ["1", "2", "4"]


def test_by_last_modified_one_name_written_over_is_a_sequence(storage: Storage, importer: Make) -> None:
    storage.put("current.csv", "id,name\n1,a\n")
    job = importer(filename="current.csv", continuous_update=True, order_by="modified", diff=True)
    job.run()
    assert job.plan().parts == ()
    storage.put("current.csv", "id,name\n1,a\n2,b\n")
    assert job.run().counts == {"files": 1, "imported": 1, "unchanged": 1, "gone": 0, "quarantined": 0}


def test_a_sequence_without_its_first_file_is_refused_with_words(storage: Storage, daily: Importer) -> None:
    with pytest.raises(BadConfiguration, match="follows"):
        daily.run()
    put_day(storage, 2, "2,b")
    with pytest.raises(Fatal, match=r"c_20260101\.csv is not in"):
        daily.run()


def test_diff_imports_new_and_changed_rows_and_counts_the_rest(storage: Storage, daily: Importer) -> None:
    job = daily.with_settings(diff=True)
    put_day(storage, 1, "1,a", "2,b", "3,c")
    assert job.run().counts == {"files": 1, "imported": 3, "unchanged": 0, "gone": 0, "quarantined": 0}
    put_day(storage, 2, "3,c", "2,B", "4,d", "5")
    assert job.run().counts == {"files": 1, "imported": 2, "unchanged": 1, "gone": 2, "quarantined": 1}
    assert job.rows("id, name, _row")[3:] == [("2", "B", 2), ("4", "d", 3)]
    put_day(storage, 3, "3,c", "2,B", "4,d")
    assert job.run().counts == {"files": 1, "imported": 0, "unchanged": 3, "gone": 0, "quarantined": 0}


def test_diff_compares_chosen_fields_by_name(storage: Storage, importer: Make) -> None:
    storage.put("c_20260101.csv", "id,name,noise\n1,a,x\n2,b,x\n")
    storage.put("c_20260102.csv", "noise,name,id\ny,a,1\ny,B,2\n")
    job = importer(filename="c_20260101.csv", continuous_update=True, diff=True, fields=["id", "name"])
    assert job.run().counts == {"files": 2, "imported": 3, "unchanged": 1, "gone": 1, "quarantined": 0}


def test_diff_tells_missing_from_empty_and_separators_from_values(storage: Storage, importer: Make) -> None:
    storage.put("c_20260101.csv", 'a,b\n1,\n2,"x\x1f"\n\x1e,3\n')
    storage.put("c_20260102.csv", 'a,b\n1,""\n"2\x1fx",\n,3\n')
    job = importer(filename="c_20260101.csv", continuous_update=True, diff=True)
    assert job.run().counts["imported"] == 6


def test_diff_takes_rows_of_other_columns_for_other_rows(storage: Storage, importer: Make) -> None:
    storage.put("c_20260101.csv", "id,a\n1,x\n2,y\n")
    job = importer(filename="c_20260101.csv", continuous_update=True, diff=True)
    job.run()
    storage.put("c_20260102.csv", "id,b\n1,x\n2,y\n")
    assert job.run().counts["imported"] == 2
    assert job.rows("id, a, b")[2:] == [("1", None, "x"), ("2", None, "y")]


def test_a_job_that_begins_with_another_file_begins_there_and_has_none_twice(storage: Storage, daily: Importer) -> None:
    put_day(storage, 2, "2,b")
    put_day(storage, 1, "1,a")
    later = daily.with_settings(filename="d/c_20260102.csv")
    later.run()
    earlier = later.with_settings(filename="d/c_20260101.csv")
    assert earlier.run().counts["files"] == 1
    assert sorted(row for (row,) in earlier.rows("id")) == ["1", "2"]


def test_another_stream_knows_of_no_file(storage: Storage, daily: Importer) -> None:
    put_day(storage, 1, "1,a")
    daily.run()
    assert len(daily.with_settings(stream="other").plan().parts) == 1


def test_files_in_folders_by_date_follow_each_other(storage: Storage, importer: Make) -> None:
    storage.put("2026/01/31/c_20260131.csv", "id,name\n1,a\n")
    storage.put("2026/02/01/c_20260201.csv", "id,name\n2,b\n")
    job = importer(filename="2026/01/31/c_20260131.csv", continuous_update=True)
    assert job.run().counts["files"] == 2


def test_old_hashes_are_forgotten_and_the_last_ones_kept(storage: Storage, daily: Importer) -> None:
    job = daily.with_settings(diff=True)
    for day in range(1, 5):
        put_day(storage, day, f"{day},a")
        job.run()
    kept = sorted(path.name for path in (job.root / "keep" / "diff").iterdir())
    assert kept == ["run3-00000", "run4-00000"]


ROWS = st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["a", "b", "", 'q"', "n\nn"])), max_size=25)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROWS, min_size=1, max_size=4), st.booleans())
def test_diff_is_the_set_difference_of_each_file_and_the_one_before(
    storage: Storage, tmp_path_factory: pytest.TempPathFactory, days: list[list[tuple[int, str]]], at_once: bool
) -> None:
    for name in range(1, 5):
        storage.put(f"d/c_202601{name:02}.csv", "")
        storage.delete(f"d/c_202601{name:02}.csv")
    job = csv_importer(
        storage,
        tmp_path_factory.mktemp("import"),
        {"filename": "d/c_20260101.csv", "continuous_update": True, "diff": True, "encoding": "utf-8"},
    )
    expected: list[tuple[str, str | None]] = []
    before: set[tuple[int, str]] = set()
    for day, rows in enumerate(days, start=1):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([("id", "name"), *rows])
        storage.put(f"d/c_202601{day:02}.csv", text.getvalue())
        expected += [(str(number), name or None) for number, name in rows if (number, name) not in before]
        before = set(rows)
        if not at_once:
            job.run()
    if at_once:
        job.run()
    assert job.rows("id, name") == expected if expected else not job.workspace.streams()


def test_a_part_that_is_done_again_finds_the_same_changes(
    storage: Storage, daily: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_import, "PART", BLOCK)
    monkeypatch.setattr(csv_part, "CHUNK", BLOCK // 2)
    job = daily.with_settings(diff=True)
    rows = [f"{number},{'x' * 80}" for number in range(250_000)]
    put_day(storage, 1, *rows)
    job.run()
    rows[::1000] = [f"{row}changed" for row in rows[::1000]]
    put_day(storage, 2, *rows)
    job.runs += 1
    context, plan = job.context(), job.plan()
    assert len(plan.parts) > 1
    results = job.do(context, plan)
    assert csv_import.do(context, plan.parts[1], results[0], job.sink) == results[1]
    assert csv_import.commit(context, plan, results).counts["imported"] == 250
