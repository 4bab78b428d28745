"""The column that says when each event happened: its dates are read in one order, which is proven, set or said."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lytics_azure_tui.errors import Fatal, StartOver
from lytics_azure_tui.jobs.kind import load
from tests.conftest import Storage
from tests.integration.imports import Importer

Make = Callable[..., Importer]


def put(storage: Storage, name: str, *times: str) -> None:
    storage.put(name, "id,at\n" + "".join(f"{number},{time}\n" for number, time in enumerate(times, start=1)))


def days(job: Importer) -> list[str]:
    return [time[:10] for (time,) in job.rows("_event_time")]


def test_a_day_above_twelve_tells_how_the_whole_column_is_read(storage: Storage, importer: Make) -> None:
    put(storage, "d.csv", "05/03/2026", "13/03/2026")
    job = importer(filename="d.csv", timestamp_field="at")
    assert "The dates of at are read day first" in job.plan().notes
    job.run()
    assert days(job) == ["2026-03-05", "2026-03-13"]


def test_a_column_that_proves_nothing_is_read_month_first_and_that_is_said(storage: Storage, importer: Make) -> None:
    put(storage, "d.csv", "05/03/2026", "05/04/2026")
    job = importer(filename="d.csv", timestamp_field="at")
    assert any("05/03/2026 are read month first" in note for note in job.plan().notes)
    assert any("05/03/2026 are read month first" in note for note in job.rehearse().notes)
    job.run()
    assert days(job) == ["2026-05-03", "2026-05-04"]


def test_an_order_that_is_set_holds_and_what_does_not_fit_is_quarantined(storage: Storage, importer: Make) -> None:
    put(storage, "d.csv", "05/03/2026", "03/13/2026")
    job = importer(filename="d.csv", timestamp_field="at", date_order="day first")
    job.run()
    assert days(job) == ["2026-03-05"]
    assert [row.row for row in job.quarantined()] == [2]


def test_a_column_that_contradicts_itself_is_read_where_there_is_one_reading(storage: Storage, importer: Make) -> None:
    put(storage, "d.csv", "05/03/2026", "03/13/2026", "13/03/2026")
    job = importer(filename="d.csv", timestamp_field="at")
    assert any("do not agree" in warning for warning in job.plan().warnings)
    job.run()
    assert days(job) == ["2026-03-13", "2026-03-13"]
    again = job.with_settings(date_order="day first")
    again.run(replay=job.folders())
    assert days(again) == ["2026-03-05", "2026-03-13", "2026-03-13"]


def test_a_proof_behind_the_sample_makes_the_run_start_over(storage: Storage, importer: Make) -> None:
    put(storage, "d.csv", *["05/03/2026"] * 300, "13/03/2026")
    job = importer(filename="d.csv", timestamp_field="at")
    context, plan = job.context(), job.plan()
    with pytest.raises(StartOver, match="day first"):
        job.do(context, plan)
    load(job.job()).discard(context)
    plan = job.plan()
    load(job.job()).commit(context, plan, job.do(context, plan))
    assert set(days(job)) == {"2026-03-05", "2026-03-13"}


def test_a_sequence_keeps_the_order_that_a_file_has_proven(storage: Storage, importer: Make) -> None:
    put(storage, "c_20260101.csv", *["05/03/2026"] * 300, "03/13/2026")
    job = importer(filename="c_20260101.csv", timestamp_field="at", continuous_update=True)
    job.run()
    assert job.checkpoint is not None
    assert job.checkpoint["dates"] == ["at", "month first"]
    put(storage, "c_20260102.csv", "05/03/2026", "13/03/2026")
    assert any("stand day first" in warning for warning in job.plan().warnings)
    job.run()
    assert days(job)[301:] == ["2026-03-13"], "what can be read in two ways is set aside"


def test_a_column_without_a_single_time_stops_the_run_before_it_begins(storage: Storage, importer: Make) -> None:
    put(storage, "d.csv", "red", "green", "2026-07-31 10:00 BST")
    job = importer(filename="d.csv", timestamp_field="at")
    with pytest.raises(Fatal, match="no value of at in the first rows"):
        job.plan()
    with pytest.raises(Fatal, match="no value of at"):
        job.rehearse()
