"""An import that is killed at any step of it, and gone on with, leaves the stream as an undisturbed one does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.jobs import quarantine
from lytics_azure_tui.lytics.duck import database
from lytics_azure_tui.model.csv_import import CsvImport
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.runner import places
from lytics_azure_tui.runner.ledger import Ledger
from tests.conftest import Storage
from tests.integration.runner.dying import DIFF_STEPS, STEPS
from tests.integration.runner.world import REPOSITORY

WHEN = ("before", "after")
PLACES = [(name, when, call) for name, call in STEPS for when in WHEN]
DIFF_PLACES = [(name, when, call) for name, call in DIFF_STEPS for when in WHEN]


def day(changed: int) -> str:
    """About 800 KB, with a bad row in every fifth hundred."""
    rows = [
        f"{number},2026-01-01T00:00:00Z,{'x' * 60}{number % 97 if number % 50 else changed}" for number in range(10_000)
    ]
    for number in range(100, 10_000, 500):
        rows[number] = f"{number},soon,bad"
        rows[number + 1] = f"{number + 1},ragged"
    return "\n".join(["id,at,text", *rows]) + "\n"


class Place:
    """A configuration folder with one job, and the program's command on it."""

    def __init__(self, root: Path, storage: Storage, **settings: Any) -> None:
        self.root = root
        self.folder = Folder.open(root / "config")
        self.folder.save_authorization(storage.authorization())
        config = CsvImport(stream="s", container=storage.container, timestamp_field="at", **settings)
        self.folder.save_job(
            Job(id="job", label="Job", workflow="AzureCsvImport", authorization="storage", config=config)
        )
        site = root / "site"
        site.mkdir()
        (site / "sitecustomize.py").write_text("from tests.integration.runner.dying import arm\narm()\n")
        secret = storage.connection_string.reveal()
        self.environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join((str(site), str(REPOSITORY))),
            "LYAZURE_SECRET_STORAGE_CONNECTION_STRING": secret,
        }

    def run(self, *death: object) -> int:
        """Runs the job; the run's process dies once where it is told to."""
        environment = dict(self.environment)
        mark = self.root / "died"
        if death:
            environment["LYAZURE_DIE"] = "|".join(str(word) for word in (*death, mark))
        command = [sys.executable, "-m", "lytics_azure_tui", "--config", str(self.folder.root), "--run-saved", "job"]
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False
        )
        assert not death or mark.exists(), f"nothing died\n{done.stderr}"
        mark.unlink(missing_ok=True)
        self.said = done.stdout + done.stderr
        return done.returncode

    def stream(self) -> list[tuple[Any, ...]]:
        """All rows of the stream but for what names the run."""
        from deltalake import DeltaTable

        files = DeltaTable(str(self.folder.data / "workspace" / "streams" / "s")).file_uris()
        with database(memory=256 << 20) as connection:
            return connection.execute(
                'SELECT id, "at", text, CAST(_event_time AS VARCHAR), _source, _row'
                f" FROM read_parquet({files}) ORDER BY _source, _row"
            ).fetchall()

    def quarantined(self) -> list[tuple[Any, ...]]:
        ledger = Ledger(places.ledger_file(self.folder))
        try:
            files = [file for run in ledger.runs() for file in ledger.quarantine_files(run.id)]
        finally:
            ledger.close()
        return [
            (row.file, row.row, row.line, row.byte, row.reason, row.raw) for row in quarantine.page(files, 0, 10_000)
        ]

    def strays(self) -> set[str]:
        """Files of the stream that its log does not name."""
        from deltalake import DeltaTable

        folder = self.folder.data / "workspace" / "streams" / "s"
        named = {Path(uri).name for uri in DeltaTable(str(folder)).file_uris()}
        return {path.name for path in folder.glob("*.parquet")} - named


MakePlace = Callable[..., Place]


@pytest.mark.parametrize(("name", "when", "call"), PLACES)
def test_killed_anywhere_an_import_ends_as_if_it_had_not_been(
    storage: Storage, tmp_path: Path, name: str, when: str, call: int
) -> None:
    storage.put("c_20260101.csv", day(1))
    place = Place(tmp_path, storage, filename="c_20260101.csv")
    assert place.run(name, when, call) == 3, place.said
    assert_whole(place, storage)


def assert_whole(place: Place, storage: Storage) -> None:
    rows = place.stream()
    expected = [line.split(",") for line in day(1).splitlines()[1:]]
    good = [
        (fields, number) for number, fields in enumerate(expected, start=1) if len(fields) == 3 and fields[1] != "soon"
    ]
    source = f"{storage.container}/c_20260101.csv"
    assert rows == [(*fields, "2026-01-01 00:00:00+00", source, number) for fields, number in good]
    assert [row for _, row, *_ in place.quarantined()] == [
        number for number, fields in enumerate(expected, start=1) if len(fields) != 3 or fields[1] == "soon"
    ]
    assert place.strays() == set()


@pytest.mark.parametrize(("name", "when", "call"), DIFF_PLACES)
def test_killed_anywhere_a_diff_imports_each_change_once(
    storage: Storage, tmp_path: Path, name: str, when: str, call: int
) -> None:
    settings = {"filename": "c_20260101.csv", "continuous_update": True, "diff": True}
    storage.put("c_20260101.csv", day(1))
    place = Place(tmp_path, storage, **settings)
    assert place.run() == 3, place.said
    storage.put("c_20260102.csv", day(2))
    assert place.run(name, when, call) == 3, place.said
    second = [row for row in place.stream() if row[4].endswith("c_20260102.csv")]
    bad = {number for start in range(100, 10_000, 500) for number in (start, start + 1)}
    assert [int(row[0]) for row in second] == [number for number in range(0, 10_000, 50) if number not in bad]
    assert place.strays() == set()


def test_a_run_that_is_undisturbed_is_whole(storage: Storage, tmp_path: Path) -> None:
    storage.put("c_20260101.csv", day(1))
    place = Place(tmp_path, storage, filename="c_20260101.csv")
    assert place.run() == 3, place.said
    assert_whole(place, storage)
