"""An import of a table that is killed at any step, and gone on with, leaves the stream as an undisturbed one does."""

from __future__ import annotations

from pathlib import Path

import pytest

from lytics_azure_tui.model.sql_import import SqlImport
from tests.integration.runner.dying import SQL_STEPS
from tests.integration.runner.kills import kills
from tests.integration.runner.place import Place
from tests.integration.tables import Tables

VISIBLE = {"sql_import.commit", "streams.Streams.commit", "ledger.Ledger.finish"}


def place_of(root: Path, tables: Tables) -> Place:
    config = SqlImport(
        stream="s", source=f"{tables.schema}.t", timestamp_field="at", continuous_update=True, overlap_minutes=10
    )
    place = Place(root, config, tables.authorization(), ("password", tables.server.password))
    (place.folder.root / "settings.toml").write_text("[engine]\nsessions = 1\n")
    return place


def insert(tables: Tables, first: int, count: int, minute: int) -> None:
    rows = ", ".join(
        f"({n}, N'{'x' * 40}', {'NULL' if n % 100 == 99 else repr(f'2026-01-01T00:{minute:02}:{n % 60:02}')})"
        for n in range(first, first + count)
    )
    tables.run(f"INSERT INTO {{s}}.t VALUES {rows}")


@pytest.mark.parametrize(("name", "when", "call"), kills(SQL_STEPS))
def test_killed_anywhere_each_row_is_imported_once(
    tables: Tables, tmp_path: Path, name: str, when: str, call: int
) -> None:
    tables.run("CREATE TABLE {s}.t (id int NOT NULL PRIMARY KEY, text nvarchar(50) NULL, at datetime2(7) NULL)")
    insert(tables, 0, 400, 30)
    place = place_of(tmp_path, tables)
    assert place.run() == 0, place.said
    # Late ones among them: what was read before is looked at again.
    insert(tables, 400, 100, 29)
    insert(tables, 500, 1000, 31)
    assert place.run(name, when, call) == 0, place.said
    assert sorted(int(id) for (id, *_) in place.stream("id")) == list(range(1500))
    assert place.strays() == set()
    if name in VISIBLE:
        assert place.run() == 0, place.said
        assert len(place.stream("id")) == 1500, "the checkpoint is that of the rows"
