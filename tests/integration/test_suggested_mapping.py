"""What the sample data's columns suggest is a mapping that works: the embedded Lytics makes profiles of it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path
from random import Random

import pytest

from lytics_azure_tui.lytics.duck import database, literal
from lytics_azure_tui.lytics.protocol import Profile, StagedFile
from lytics_azure_tui.lytics.workspace.workspace import Workspace
from lytics_azure_tui.model.mapping import Affinity, FieldRule, StreamMapping
from lytics_azure_tui.model.suggestion import suggestions
from lytics_azure_tui.sandbox import people
from lytics_azure_tui.sandbox.web_events import write_web_events

ROWS = 300


def contacts(path: Path) -> None:
    """As a partner sends them."""
    random = Random(7)
    _csv(path, people.CONTACT_COLUMNS, (people.contact(random, number) for number in range(ROWS)))


def crm(path: Path) -> None:
    """Names as other systems give them, and values of every kind."""
    columns = ("Customer ID", "E-Mail", "Signed up", "is active", "Tags", "product category", "Zip", "Amount", "LTV")
    _csv(
        path,
        columns,
        (
            (f"{n:05}", f"P{n}@Example.com", f"2026-{1 + n % 12:02}-11", n % 2, "a; b", "boots", "01234", n / 4, n)
            for n in range(ROWS)
        ),
    )


def _csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


def web(path: Path) -> None:
    """What visitors of the shop did."""
    write_web_events(path, rows=ROWS, first_day=date(2026, 10, 1), days=3)


def tags(profile: Profile) -> Sequence[str]:
    """Those of a profile."""
    found = profile.fields.get("tags", ())
    assert isinstance(found, Sequence)
    return [str(value) for value in found]


def imported(workspace: Workspace, stream: str, path: Path) -> list[str]:
    """Makes a CSV file a stream; gives its columns."""
    folder = workspace.staging(stream)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "r1-00000-00000.parquet"
    with database(memory=64 << 20) as connection:
        source = f"read_csv({literal(str(path))}, all_varchar = true, header = true)"
        columns = [str(row[0]) for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
        moment = "TIMESTAMPTZ '2026-10-01 00:00:00+00'"
        connection.execute(
            f"COPY (SELECT *, {moment} AS _event_time, {moment} AS _ingest_time, 'r1' AS _run_id, 'c/b' AS _source,"
            f" row_number() OVER () AS _row FROM {source}) TO {literal(str(file))} (FORMAT parquet)"
        )
    moment = "2026-10-01T00:00:00Z"
    staged = StagedFile(file.name, ROWS, file.stat().st_size, moment, moment, dict.fromkeys(columns, 0))
    workspace.commit(stream, "r1", columns, [staged])
    return columns


@pytest.mark.parametrize("write", [contacts, crm, web])
def test_suggestions_make_profiles_and_every_value_can_be_read(tmp_path: Path, write: Callable[[Path], None]) -> None:
    workspace = Workspace(tmp_path / "workspace")
    stream = write.__name__
    write(tmp_path / "file.csv")
    columns = imported(workspace, stream, tmp_path / "file.csv")
    preview = workspace.preview(stream, 200)
    values = {name: [row[place] for row in preview.rows] for place, name in enumerate(preview.columns)}
    rules = [made.rule for made in suggestions(columns, values, stream=stream)]
    mapping = StreamMapping(
        stream=stream,
        fields=[rule for rule in rules if isinstance(rule, FieldRule)],
        affinities=[rule for rule in rules if isinstance(rule, Affinity)],
    )
    trial = workspace.try_mapping(mapping)
    assert trial.events == ROWS
    assert trial.profiles
    assert set(trial.unreadable.values()) <= {0}
    assert {rule.field for rule in rules} == {name for name, filled in trial.filled.items() if filled}
    assert all(value == value.strip() for profile in trial.profiles for value in tags(profile))
