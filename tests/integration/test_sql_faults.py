"""What goes wrong between us and a database: it is gone on with, or said in words that help."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lytics_azure_tui.azure.sql import SqlSession
from lytics_azure_tui.azure.sql_errors import Dropped
from lytics_azure_tui.errors import BadConfiguration, Cancelled, Fatal, LyazureError, NotAuthorised, RetryLater
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.model.sql_import import SqlImport
from lytics_azure_tui.sandbox.tds import SqlServer
from lytics_azure_tui.sandbox.tds.faults import FaultOrders, faults
from tests.integration.imports import Importer
from tests.integration.tables import Tables


@pytest.fixture
def orders(sql_server: SqlServer) -> Iterator[FaultOrders]:
    """Faults, none of which outlives its test."""
    ordered = faults(sql_server)
    yield ordered
    ordered.reset()


@pytest.fixture
def many(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Tables:
    """A table of some batches."""
    monkeypatch.setattr("lytics_azure_tui.azure.sql.batches", small_batches)
    monkeypatch.setattr("lytics_azure_tui.jobs.sql_part._PAUSE", 0.01)
    tables.run("CREATE TABLE {s}.t (id int NOT NULL PRIMARY KEY, v nvarchar(100) NULL, at datetime2(7) NOT NULL)")
    tables.run(
        "INSERT INTO {s}.t (id, v, at) SELECT value, REPLICATE(N'x', 50),"
        " DATEADD(minute, value / 100, CAST('2026-01-01' AS datetime2(7))) FROM GENERATE_SERIES(0, 5999)"
    )
    return tables


def small_batches(session: Any, **_: Any) -> Iterator[Any]:
    from lytics_azure_tui.azure.sql_rows import batches

    return batches(session, rows=500)


def whole(job: Importer, rows: int = 6000) -> None:
    found = [id for (id,) in job.rows("id")]
    assert (len(found), len(set(found))) == (rows, rows)


@pytest.mark.parametrize("rows", [0, 1, 700, 2500, 5999])
def test_a_connection_that_is_lost_is_made_again_and_reading_goes_on(
    many: Tables, tmp_path: Path, orders: FaultOrders, rows: int
) -> None:
    orders.drop_after_rows(rows, like="SELECT c0%FROM%#TMP%")
    job = many.importer(tmp_path)
    assert job.run().counts["imported"] == 6000
    whole(job)
    goes_on = [line for line in job.sink.lines if "goes on behind row" in line]
    assert len(goes_on) == 1
    assert rows < 1000 or "behind row 0" not in goes_on[0], "not from the first row again"


def test_it_may_be_lost_in_the_middle_of_a_packet(many: Tables, tmp_path: Path, orders: FaultOrders) -> None:
    orders.cut_after_bytes(100_001, like="SELECT c0%FROM%#TMP%")
    job = many.importer(tmp_path)
    job.run()
    whole(job)


@pytest.mark.parametrize("row", [1, 2500])
def test_a_reply_may_end_within_a_row(many: Tables, tmp_path: Path, orders: FaultOrders, row: int) -> None:
    orders.end_within_row(row, like="SELECT c0%FROM%#TMP%")
    job = many.importer(tmp_path)
    assert job.run().counts["imported"] == 6000
    whole(job)
    assert any("The reply from SQL Server is incomplete" in line for line in job.sink.lines)


def test_rows_that_have_moved_meanwhile_have_the_slice_read_anew(
    many: Tables, tmp_path: Path, orders: FaultOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders.drop_after_rows(3000, like="SELECT c0%FROM%#TMP%")
    job = many.importer(tmp_path, continuous_update=True)
    wait = "lytics_azure_tui.jobs.sql_part.SliceRun._wait"

    def move(*_: object) -> None:
        many.run("UPDATE {s}.t SET at = '2026-02-01' WHERE id = 5", "DELETE FROM {s}.t WHERE id = 7")

    monkeypatch.setattr(wait, move)
    job.run()
    assert any("read anew" in line for line in job.sink.lines)
    job.run()
    # The row that was moved behind the frozen end comes with the next run; the one that is gone, not at all.
    whole(job, 5999)
    assert job.rows('"at"')[-1] == ("2026-02-01T00:00:00.0000000",)


@pytest.mark.parametrize("number", [40613, 40501, 40197, 10928, 1205, 596, 701, 8645, 49999])
def test_what_passes_by_itself_is_tried_again(many: Tables, tmp_path: Path, orders: FaultOrders, number: int) -> None:
    orders.statement_error(number, like="SELECT ROW_NUMBER%INTO%#TMP%", times=2)
    job = many.importer(tmp_path)
    job.run()
    whole(job)
    assert sum(f"error {number}" in line for line in job.sink.lines) == 2


def test_damage_of_what_is_stored_is_not_tried_again(many: Tables, tmp_path: Path, orders: FaultOrders) -> None:
    orders.statement_error(824, like="SELECT ROW_NUMBER%INTO%#TMP%", times=2)
    with pytest.raises(Fatal, match="damaged") as told:
        many.importer(tmp_path).run()
    assert "DBCC CHECKDB" in told.value.fix


def test_a_server_that_restarts_in_the_middle_of_reading_is_waited_for(
    many: Tables, tmp_path: Path, orders: FaultOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders.drop_after_rows(2500, like="SELECT c0%FROM%#TMP%")
    job = many.importer(tmp_path)
    context, plan = job.context(), job.plan()
    troubles = [(40613, 9), (4060, 1), (18401, 1)]

    def wait(*_: object) -> None:
        if troubles:
            number, times = troubles.pop()
            orders.login_error(number, times=times)

    monkeypatch.setattr("lytics_azure_tui.jobs.sql_part.SliceRun._wait", wait)
    with pytest.raises(RetryLater, match="could not be opened"):
        job.do(context, plan)
    orders.reset()
    # The run's next try is in another process, minutes later.
    assert sum(result.rows for result in job.do(context, plan)) == 6000
    told = [line for line in job.sink.lines if "goes on behind row" in line]
    assert [number for line in told for number in (18401, 4060, 40613) if f"error {number}" in line] == [
        18401,
        4060,
        40613,
    ]
    assert all(re.search(r"behind row (1,5|2,0|2,5)00", line) for line in told), "not from the first row again"


def test_what_does_not_pass_soon_is_for_the_run_to_try_later(many: Tables, tmp_path: Path, orders: FaultOrders) -> None:
    orders.statement_error(40501, like="SELECT ROW_NUMBER%INTO%#TMP%", times=50)
    with pytest.raises(RetryLater, match="busy"):
        many.importer(tmp_path).run()


LOGINS: dict[int, tuple[type[LyazureError], str, str]] = {
    40613: (RetryLater, "not available at this moment", ""),
    18456: (NotAuthorised, "user or the password is wrong", "enter them again"),
    40615: (NotAuthorised, "127.0.0.1", "Firewall rules"),
    40501: (RetryLater, "fewer requests", ""),
}


@pytest.mark.parametrize("number", LOGINS)
def test_a_login_that_fails_says_why_and_what_to_do(tables: Tables, orders: FaultOrders, number: int) -> None:
    kind, why, fix = LOGINS[number]
    orders.login_error(number)
    with pytest.raises(kind) as told:
        SqlSession(tables.authorization())
    assert why in told.value.why
    assert fix in told.value.fix
    # That was the only one: it was not tried again by itself, as a wrong password locks users out.
    SqlSession(tables.authorization()).close()


def test_a_database_that_cannot_be_opened_may_be_moving(tables: Tables) -> None:
    with pytest.raises(RetryLater, match="could not be opened") as told:
        SqlSession(tables.authorization(database="nowhere"))
    assert "being moved" in told.value.why
    assert "not there" in told.value.why
    assert "the database's name" in told.value.fix


def test_a_wrong_password_is_in_no_text(tables: Tables) -> None:
    with pytest.raises(NotAuthorised) as told:
        SqlSession(tables.authorization(password=Secret("Open Sesame!")))
    assert "Sesame" not in f"{told.value!r} {told.value} {told.value.__cause__!r} {told.value.__context__!r}"


def test_a_certificate_of_an_unknown_authority_is_refused(tables: Tables) -> None:
    with pytest.raises(BadConfiguration, match="could not be opened") as told:
        SqlSession(tables.authorization(ca_file=None))
    assert "not signed by an authority" in told.value.why


def test_a_certificate_for_another_name_is_refused(tables: Tables) -> None:
    with pytest.raises(BadConfiguration) as told:
        SqlSession(tables.authorization(server="127.1"))
    assert "another name" in told.value.why


@pytest.mark.parametrize("name", ["LOCALHOST", "127.0.0.1"])
def test_the_name_of_the_server_in_another_way_of_writing(tables: Tables, name: str) -> None:
    with SqlSession(tables.authorization(server=name)) as session:
        assert session.rows("SELECT 1") == [(1,)]


def test_a_file_of_authorities_that_is_not_there(tables: Tables) -> None:
    with pytest.raises(BadConfiguration, match="cannot be read"):
        SqlSession(tables.authorization(ca_file="/nowhere/ca.pem"))


def test_nobody_listens(tables: Tables) -> None:
    with pytest.raises(RetryLater, match="could not be opened") as told:
        SqlSession(tables.authorization(port=9))
    assert "Nobody listens at localhost:9" in told.value.why


def test_the_query_timeout_stops_the_query_on_the_server(tables: Tables) -> None:
    with SqlSession(tables.authorization(), timeout=0.5) as session:
        began = time.monotonic()
        with pytest.raises(Fatal, match="The rows could not") as told:
            session.run("WAITFOR DELAY '00:00:30'", what="The rows could not be put in order")
        assert time.monotonic() - began < 10
        assert told.value.why == "The server took longer than 0.5 seconds; it has stopped the query"
        assert session.rows("SELECT 1") == [(1,)], "the session is as good as before"


def test_a_server_that_answers_no_cancellation_is_not_said_to_have_stopped(
    tables: Tables, orders: FaultOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lytics_azure_tui.azure.sql._ANSWER_SECONDS", 0.3)
    orders.deaf(3, like="SELECT 1%")
    with SqlSession(tables.authorization(), timeout=0.3) as session:
        with pytest.raises(Fatal) as told:
            session.rows("SELECT 1 AS one")
        assert "does not answer, and may be at it still" in told.value.why
        with pytest.raises(Dropped, match="was closed"):
            session.rows("SELECT 1")


STATEMENTS = {
    "the catalogue": "%sys.columns%",
    "counting": "SELECT CONVERT%MAX(%",
    "putting in order": "SELECT ROW_NUMBER%INTO%#TMP%",
}


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_run_s_query_timeout_holds_for_every_statement(
    many: Tables, tmp_path: Path, orders: FaultOrders, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    monkeypatch.setattr(SqlImport, "timeout", lambda self: 0.01 * 60 * self.query_timeout)
    job = many.importer(tmp_path, query_timeout=1)
    orders.hang(like=STATEMENTS[statement])
    with pytest.raises(Fatal, match="could not be") as told:
        job.run()
    assert "it has stopped the query" in told.value.why


def test_the_query_timeout_holds_between_rows_and_not_for_what_is_done_with_them(
    many: Tables, tmp_path: Path, orders: FaultOrders
) -> None:
    with SqlSession(many.authorization(), timeout=1) as session:
        orders.slow_rows(200, 0.2, like="SELECT id%")
        with pytest.raises(Fatal, match="query failed"):
            list(session.texts(f"SELECT id, v FROM {many.schema}.t"))
        rows = 0
        for batch in session.texts(f"SELECT id, v FROM {many.schema}.t"):
            rows += len(batch[0])
            time.sleep(0.15)
        assert rows == 6000


def test_the_operator_s_wish_ends_a_query(tables: Tables) -> None:
    asked = time.monotonic() + 0.5

    def check() -> None:
        if time.monotonic() > asked:
            raise Cancelled("The run was cancelled")

    with SqlSession(tables.authorization(), check=check) as session:
        began = time.monotonic()
        with pytest.raises(Cancelled):
            session.run("WAITFOR DELAY '00:00:30'")
        assert time.monotonic() - began < 10


def test_a_table_that_may_not_be_read(tables: Tables, tmp_path: Path) -> None:
    tables.run("CREATE TABLE {s}.t (at date NOT NULL)")
    server = tables.server
    job = tables.importer(tmp_path)
    job.authorization = tables.authorization(user=server.reader, password=server.reader_password)
    with pytest.raises((NotAuthorised, Fatal)) as told:
        job.plan()
    assert "GRANT SELECT" in told.value.fix
