"""A job whose table is another one stops and asks; the command line gives the answer, once."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from lytics_azure_tui.cli.output import Exit
from lytics_azure_tui.model.run import RunState
from lytics_azure_tui.model.sql_import import SqlImport
from lytics_azure_tui.runner import places
from lytics_azure_tui.runner.ledger import Ledger
from tests.integration.runner.place import Place
from tests.integration.tables import Tables

TABLE = "CREATE TABLE {s}.t (id int NOT NULL PRIMARY KEY, at datetime2(7) NOT NULL)"


def stopped(place: Place) -> str | None:
    with closing(Ledger(places.ledger_file(place.folder))) as ledger:
        return ledger.job_state("job").stopped


@pytest.mark.parametrize(("option", "rows"), [("--begin-anew", [1, 2, 2, 3]), ("--go-on", [1, 2, 3])])
def test_a_table_that_was_created_again_is_asked_about(
    tables: Tables, tmp_path: Path, option: str, rows: list[int]
) -> None:
    tables.run(TABLE, "INSERT INTO {s}.t VALUES (1, '2026-01-01'), (2, '2026-01-02')")
    config = SqlImport(stream="s", source=f"{tables.schema}.t", timestamp_field="at", continuous_update=True)
    place = Place(tmp_path, config, tables.authorization(), ("password", tables.server.password))
    assert place.run() == Exit.DONE, place.said
    tables.run("DROP TABLE {s}.t", TABLE, "INSERT INTO {s}.t VALUES (2, '2026-01-02'), (3, '2026-01-03')")

    assert place.run() == Exit.FAILED
    assert "The table was created at" in place.said
    assert "--begin-anew or --go-on" in place.said
    assert (stopped(place) or "").startswith("The table was created at")
    with closing(Ledger(places.ledger_file(place.folder))) as ledger:
        assert ledger.runs(limit=1)[0].state is RunState.FAILED
    assert place.program("--dry-run", "job") == Exit.FAILED, "the review of the job says the same"
    assert place.program(option, "job") == Exit.INTERRUPTED, "nobody has said yes"
    assert stopped(place)

    assert place.program(option, "job", "--yes") == Exit.DONE, place.said
    assert stopped(place) is None
    assert place.run() == Exit.DONE, place.said
    assert sorted(int(id) for (id, *_) in place.stream("id")) == rows
    assert place.run() == Exit.DONE, place.said
    assert len(place.stream("id")) == len(rows)


def test_other_kinds_of_jobs_have_nothing_to_answer(tmp_path: Path) -> None:
    from lytics_azure_tui.model.authorization import AzureStorage
    from lytics_azure_tui.model.csv_import import CsvImport
    from lytics_azure_tui.model.secret import Secret

    config = CsvImport(stream="s", container="data", filename="f.csv")
    authorization = AzureStorage(id="storage", label="Storage")
    place = Place(tmp_path, config, authorization, ("connection_string", Secret("x")))
    assert place.program("--go-on", "job", "--yes") == Exit.USAGE
    assert "is no Azure SQL Import" in place.said
