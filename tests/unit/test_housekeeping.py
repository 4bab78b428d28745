"""After ninety days a run is forgotten, and what it had set aside is off the disk."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from pathlib import Path

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.model.csv_import import CsvImport
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.model.run import PartResult, RunState, Trigger
from lytics_azure_tui.runner import housekeeping, places, records
from lytics_azure_tui.runner.ledger import Ledger


def ended(ledger: Ledger, quarantine: Path) -> str:
    """A run with rows in quarantine, which are in a folder of its own."""
    config = CsvImport.model_validate({"stream": "s", "container": "abc", "filename": "f.csv"})
    job = Job(id="daily", label="Daily", workflow=CsvImport.workflow, authorization="a", config=config)
    run = ledger.enqueue(job, Trigger.MANUAL)
    ledger.claim(run.id, 1)
    part = quarantine / run.id / "part-00000"
    part.mkdir(parents=True)
    (part / "00000.parquet").write_bytes(b"rows")
    ledger.part_done(run.id, PartResult(0, rejected=1, quarantine=str(part)))
    ledger.finish(run.id, RunState.SUCCEEDED)
    return run.id


def test_quarantined_rows_go_with_their_run_and_those_of_the_newest_stay(tmp_path: Path) -> None:
    folder = Folder.open(tmp_path)
    quarantine = places.keep(folder) / "daily" / "quarantine"
    with closing(Ledger(places.ledger_file(folder))) as ledger:
        old, newest = ended(ledger, quarantine), ended(ledger, quarantine)
        housekeeping.tidy(folder, ledger, records.now() + timedelta(days=89))
        assert {path.name for path in quarantine.iterdir()} == {old, newest}
        housekeeping.tidy(folder, ledger, records.now() + timedelta(days=91))
        assert [path.name for path in quarantine.iterdir()] == [newest]
        assert ledger.quarantine_files(newest)


def test_what_a_deleted_job_kept_goes_with_the_last_of_its_runs(tmp_path: Path) -> None:
    folder = Folder.open(tmp_path)
    kept = places.keep(folder) / "daily"
    with closing(Ledger(places.ledger_file(folder))) as ledger:
        ended(ledger, kept / "quarantine")
        (kept / "diff").mkdir()
        ledger.forget_job("daily")
        housekeeping.tidy(folder, ledger, records.now())
        assert kept.exists()
        housekeeping.tidy(folder, ledger, records.now() + timedelta(days=91))
        assert not kept.exists()


def test_what_a_run_that_is_gone_left_in_scratch_goes(tmp_path: Path) -> None:
    folder = Folder.open(tmp_path)
    left = places.scratch(folder) / "20260101T000000-abcdef"
    left.mkdir(parents=True)
    (left / "chunk.csv").write_bytes(b"rows")
    with closing(Ledger(places.ledger_file(folder))) as ledger:
        housekeeping.tidy(folder, ledger, records.now())
    assert not left.exists()
