"""An import that is killed at any step of it, and gone on with, leaves the stream as an undisturbed one does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lytics_azure_tui.model.csv_import import CsvImport
from tests.conftest import Storage
from tests.integration.runner.dying import DIFF_STEPS, STEPS
from tests.integration.runner.kills import kills
from tests.integration.runner.place import Place


def day(changed: int) -> str:
    """About 800 KB, with a bad row in every fifth hundred."""
    rows = [
        f"{number},2026-01-01T00:00:00Z,{'x' * 60}{number % 97 if number % 50 else changed}" for number in range(10_000)
    ]
    for number in range(100, 10_000, 500):
        rows[number] = f"{number},soon,bad"
        rows[number + 1] = f"{number + 1},ragged"
    return "\n".join(["id,at,text", *rows]) + "\n"


def place_of(root: Path, storage: Storage, **settings: Any) -> Place:
    config = CsvImport(stream="s", container=storage.container, timestamp_field="at", **settings)
    secret = ("connection_string", storage.connection_string)
    return Place(root, config, storage.authorization(), secret)


@pytest.mark.parametrize(("name", "when", "call"), kills(STEPS))
def test_killed_anywhere_an_import_ends_as_if_it_had_not_been(
    storage: Storage, tmp_path: Path, name: str, when: str, call: int
) -> None:
    storage.put("c_20260101.csv", day(1))
    place = place_of(tmp_path, storage, filename="c_20260101.csv")
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


@pytest.mark.parametrize(("name", "when", "call"), kills(DIFF_STEPS))
def test_killed_anywhere_a_diff_imports_each_change_once(
    storage: Storage, tmp_path: Path, name: str, when: str, call: int
) -> None:
    settings = {"filename": "c_20260101.csv", "continuous_update": True, "diff": True}
    storage.put("c_20260101.csv", day(1))
    place = place_of(tmp_path, storage, **settings)
    assert place.run() == 3, place.said
    storage.put("c_20260102.csv", day(2))
    assert place.run(name, when, call) == 3, place.said
    second = [row for row in place.stream() if row[4].endswith("c_20260102.csv")]
    bad = {number for start in range(100, 10_000, 500) for number in (start, start + 1)}
    assert [int(row[0]) for row in second] == [number for number in range(0, 10_000, 50) if number not in bad]
    assert place.strays() == set()


def test_a_run_that_is_undisturbed_is_whole(storage: Storage, tmp_path: Path) -> None:
    storage.put("c_20260101.csv", day(1))
    place = place_of(tmp_path, storage, filename="c_20260101.csv")
    assert place.run() == 3, place.said
    assert_whole(place, storage)
