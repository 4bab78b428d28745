"""What a checkpoint is of: another database, a table made anew or a restored copy is asked about, and never guessed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lytics_azure_tui.azure.sql import SqlSession
from lytics_azure_tui.errors import BadConfiguration, Fatal, StartOver, Undecided
from tests.integration.imports import Importer
from tests.integration.tables import Tables

BY_TIME = "CREATE TABLE {s}.t (id int NOT NULL PRIMARY KEY, at datetime2(3) NOT NULL)"
BY_VERSION = "CREATE TABLE {s}.t (id int NOT NULL PRIMARY KEY, at datetime2(3) NOT NULL, rv rowversion)"


def insert(tables: Tables, *numbers: int) -> None:
    values = ", ".join(f"({number}, '2026-01-{number:02}')" for number in numbers)
    tables.run(f"INSERT INTO {{s}}.t (id, at) VALUES {values}")


def ids(job: Importer) -> list[int]:
    return sorted(int(id) for (id,) in job.rows("id"))


def answered(job: Importer, answer: str) -> None:
    """What the ledger does with a person's answer."""
    assert job.checkpoint is not None
    job.checkpoint = None if answer == "anew" else {**job.checkpoint, "accepted": True}


def asked(job: Importer) -> str:
    """The question, which the review of a job asks as well."""
    before = job.checkpoint
    with pytest.raises(Undecided, match="is not what the last run has read") as told:
        job.run()
    with pytest.raises(Undecided):
        job.rehearse()
    assert job.checkpoint == before
    assert "begin anew imports all rows" in told.value.fix
    assert "go on imports only rows" in told.value.fix
    return told.value.why


@pytest.fixture
def job(tables: Tables, tmp_path: Path) -> Importer:
    """Has imported rows 1 and 2 by their time."""
    tables.run(BY_TIME)
    insert(tables, 1, 2)
    job = tables.importer(tmp_path, continuous_update=True)
    job.run()
    return job


def test_a_checkpoint_tells_what_it_is_of(tables: Tables, job: Importer) -> None:
    assert job.checkpoint is not None
    identity = job.checkpoint["identity"]
    ((number, created),) = tables.rows(
        "SELECT object_id, CONVERT(varchar(33), create_date, 126) FROM sys.objects WHERE object_id = OBJECT_ID('{s}.t')"
    )
    server = f"{tables.server.host}:{tables.server.port}"
    assert identity == {
        "server": server, "database": tables.server.database.lower(), "object_id": number, "created": created,
        "column": "at", "type": "datetime2(3)",
    }  # fmt: skip


@pytest.mark.parametrize("answer", ["anew", "go on"])
def test_another_database_by_the_same_name_of_table(tables: Tables, job: Importer, answer: str) -> None:
    name = f"other_{tables.schema}"
    tables.run(f"CREATE DATABASE {name}")
    other = tables.authorization(database=name)
    with SqlSession(other) as session:
        session.run(f"CREATE SCHEMA {tables.schema}")
        session.run(BY_TIME.replace("{s}", tables.schema))
        session.run(f"INSERT INTO {tables.schema}.t VALUES (1, '2025-12-01'), (9, '2026-01-09')")
    here, job.authorization = job.authorization, other
    assert f"The database was {tables.server.database.lower()}, and is {name}" in asked(job)
    # Pointed back, it goes on as if nothing had been.
    job.authorization = here
    insert(tables, 3)
    assert job.run().counts["imported"] == 1
    job.authorization = other
    asked(job)
    answered(job, answer)
    assert job.run().counts["imported"] == (2 if answer == "anew" else 1)
    assert job.run().counts["imported"] == 0, "an answer holds for what it was given to"
    job.authorization = here
    asked(job)


def test_upper_and_lower_case_of_a_server_and_a_dot_behind_it_are_one_server(tables: Tables, job: Importer) -> None:
    from lytics_azure_tui.jobs.sql_part import server_of

    job.authorization = tables.authorization(server="DB.Example.NET.", port=1433)
    assert server_of(job.context()) == "db.example.net:1433"


@pytest.mark.parametrize("setting", ["ask", "anew", "go_on"])
def test_a_table_made_anew(tables: Tables, job: Importer, setting: str) -> None:
    tables.run("DROP TABLE {s}.t", BY_TIME)
    insert(tables, 1, 3)
    job = job.with_settings(recreated_table=setting)
    if setting == "ask":
        assert "The table was created at" in asked(job)
        answered(job, "go on")
    assert job.run().counts["imported"] == (2 if setting == "anew" else 1)
    assert job.run().counts["imported"] == 0


def test_the_setting_for_tables_made_anew_holds_for_nothing_else(tables: Tables, job: Importer) -> None:
    job = job.with_settings(recreated_table="go_on")
    tables.run("DROP TABLE {s}.t", BY_TIME.replace("datetime2(3)", "datetime"))
    insert(tables, 3)
    why = asked(job)
    assert "type of at was datetime2(3), and is datetime" in why
    assert "the table was created at" in why


def test_a_column_of_another_type(tables: Tables, job: Importer) -> None:
    tables.run("ALTER TABLE {s}.t ALTER COLUMN at datetime2(7) NOT NULL")
    assert asked(job) == "The type of at was datetime2(3), and is datetime2(7)"
    answered(job, "go on")
    insert(tables, 3)
    assert job.run().counts["imported"] == 1


def test_an_answer_is_used_up_also_by_a_run_that_finds_nothing(tables: Tables, job: Importer) -> None:
    tables.run("DELETE FROM {s}.t", "ALTER TABLE {s}.t ALTER COLUMN at datetime2(7) NOT NULL")
    asked(job)
    answered(job, "go on")
    assert not job.plan().parts
    job.run()
    tables.run("ALTER TABLE {s}.t ALTER COLUMN at datetime2(0) NOT NULL")
    asked(job)


def test_rows_without_a_time_are_asked_about_as_well(tables: Tables, tmp_path: Path) -> None:
    statements = (BY_TIME.replace("(3) NOT NULL", "(3) NULL"), "INSERT INTO {s}.t VALUES (1, NULL)")
    tables.run(*statements)
    job = tables.importer(tmp_path, continuous_update=True)
    job.run()
    tables.run("DROP TABLE {s}.t", *statements)
    asked(job)
    answered(job, "anew")
    assert job.run().counts["imported"] == 1


def test_a_view_that_is_altered_is_the_same_view(tables: Tables, tmp_path: Path) -> None:
    view = "CREATE OR ALTER VIEW {{s}}.t AS SELECT {0} AS id, CAST('2026-01-0{0}' AS datetime2(3)) AS at"
    tables.run(view.format(5))
    job = tables.importer(tmp_path, continuous_update=True)
    job.run()
    tables.run(view.format(6))
    assert job.run().counts["imported"] == 1


@pytest.mark.parametrize("new_rows", [True, False])
def test_a_checkpoint_of_an_older_version_goes_on_and_is_filled_in(
    tables: Tables, job: Importer, new_rows: bool
) -> None:
    assert job.checkpoint is not None
    job.checkpoint = {name: value for name, value in job.checkpoint.items() if name != "identity"}
    if new_rows:
        insert(tables, 3)
    assert job.run().counts["imported"] == (1 if new_rows else 0)
    assert job.checkpoint["identity"]["column"] == "at"
    tables.run("DROP TABLE {s}.t", BY_TIME)
    asked(job)


@pytest.mark.parametrize("older", [True, False])
def test_a_restored_copy_whose_rowversions_are_lower(tables: Tables, tmp_path: Path, older: bool) -> None:
    tables.run(BY_VERSION)
    insert(tables, 1, 2)
    job = tables.importer(tmp_path, continuous_update=True)
    job.run()
    checkpoint = job.checkpoint
    assert checkpoint is not None
    # As if the database had been further when it was read: what is here is a copy of before.
    job.checkpoint = {**checkpoint, "version": f"{int(checkpoint['version'], 16) + 1000:016X}"}
    if older:
        del job.checkpoint["identity"]
    insert(tables, 3)
    assert re.search("was at rowversion 0x[0-9A-F]{16}, and is only at 0x[0-9A-F]{16} now", asked(job))
    answered(job, "go on")
    assert job.run().counts["imported"] == 0, "only what is changed from now on"
    insert(tables, 4)
    assert job.run().counts["imported"] == 1
    assert ids(job) == [1, 2, 4]


def test_without_keep_updated_there_is_nothing_to_ask(tables: Tables, tmp_path: Path) -> None:
    tables.run(BY_TIME)
    insert(tables, 1)
    job = tables.importer(tmp_path)
    job.run()
    tables.run("DROP TABLE {s}.t", BY_TIME)
    insert(tables, 2)
    assert job.run().counts["imported"] == 1


def test_a_table_made_anew_between_plan_and_reading(tables: Tables, tmp_path: Path) -> None:
    tables.run(BY_TIME)
    insert(tables, 1)
    job = tables.importer(tmp_path)
    context, plan = job.context(), job.plan()
    tables.run("DROP TABLE {s}.t", BY_TIME)
    with pytest.raises(StartOver, match="is not the table"):
        job.do(context, plan)


MASKED = (
    "CREATE TABLE {s}.t (id int NOT NULL, mail varchar(50) MASKED WITH (FUNCTION = 'email()') NULL,"
    " name nvarchar(20) MASKED WITH (FUNCTION = 'default()') NULL, at date NOT NULL)"
)


def reading(tables: Tables, root: Path, permission: str = "SELECT", **settings: str) -> Importer:
    """An import by a login that may only read."""
    tables.run(MASKED, "INSERT INTO {s}.t VALUES (1, 'ann@example.org', N'Ann', '2026-01-01')")
    server = tables.server
    tables.run(f"GRANT {permission} ON SCHEMA::{{s}} TO {server.reader}")
    job = tables.importer(root, **settings)
    job.authorization = tables.authorization(user=server.reader, password=server.reader_password)
    return job


def test_masked_columns_are_refused_unless_the_job_takes_the_masks(tables: Tables, tmp_path: Path) -> None:
    job = reading(tables, tmp_path)
    with pytest.raises(BadConfiguration, match="masked for this user: mail, name") as told:
        job.run()
    assert "GRANT UNMASK" in told.value.fix
    with pytest.raises(BadConfiguration):
        job.rehearse()
    job = job.with_settings(masked_columns="import")
    assert "mail, name: masked for this user; the masks are imported" in job.plan().notes
    job.run()
    assert job.rows("mail, name") == [("aXXX@XXXX.com", "xxxx")]


def test_a_masked_timestamp_column_is_refused_whatever_the_job_says(tables: Tables, tmp_path: Path) -> None:
    job = reading(tables, tmp_path, masked_columns="import")
    tables.run("DROP TABLE {s}.t", MASKED.replace("at date", "at date MASKED WITH (FUNCTION = 'default()')"))
    with pytest.raises(BadConfiguration, match=r"The Timestamp Column at of .* is masked"):
        job.plan()


@pytest.mark.parametrize("who", ["owner", "reader"])
def test_who_may_see_behind_masks_imports_what_is_there(tables: Tables, tmp_path: Path, who: str) -> None:
    job = reading(tables, tmp_path, "SELECT, UNMASK")
    if who == "owner":
        job.authorization = tables.authorization()
    job.run()
    assert job.rows("mail, name") == [("ann@example.org", "Ann")]


def test_a_computed_column_that_fails_is_named(tables: Tables, tmp_path: Path) -> None:
    tables.run("CREATE TABLE {s}.t (id int NOT NULL, per AS (10 / id), at date NOT NULL)")
    tables.run("INSERT INTO {s}.t (id, at) VALUES (1, '2026-01-01'), (0, '2026-01-02')")
    job = tables.importer(tmp_path)
    assert "per: computed by the server; a row where that fails ends the import" in job.plan().notes
    with pytest.raises(Fatal, match="could not be put in order") as told:
        job.run()
    assert "per" in told.value.fix
