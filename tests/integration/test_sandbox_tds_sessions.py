"""The stand-in for Azure SQL Database: transactions, late commits, cancelling, and trouble that is ordered."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytds
import pytest

from lytics_azure_tui.sandbox.tds import SqlServer
from lytics_azure_tui.sandbox.tds.faults import FaultOrders, faults
from tests.tds import connect


@pytest.fixture(scope="module")
def server() -> Iterator[SqlServer]:
    with SqlServer() as server:
        with connect(server) as connection:
            rows(
                connection, "CREATE TABLE dbo.many (id int NOT NULL PRIMARY KEY, text nvarchar(60) NULL, rv rowversion)"
            )
            rows(
                connection,
                "INSERT INTO dbo.many (id, text) SELECT value, CONCAT(N'row ', value) FROM GENERATE_SERIES(1, 100000)",
            )
        yield server


@pytest.fixture
def connection(server: SqlServer) -> Iterator[Any]:
    with connect(server) as connection:
        yield connection


@pytest.fixture
def trouble(server: SqlServer) -> Iterator[FaultOrders]:
    orders = faults(server)
    yield orders
    orders.reset()


def rows(connection: Any, sql: str, *values: object) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        # What only counts comes before what has rows.
        while not cursor.description and cursor.nextset():
            pass
        found: list[tuple[Any, ...]] = cursor.fetchall() if cursor.description else []
        return found


def number_of(action: Any) -> int:
    with pytest.raises(pytds.Error) as raised:
        action()
    return int(raised.value.msg_no)


# ---- transactions


def test_others_see_what_is_committed_and_nothing_else(server: SqlServer, connection: Any) -> None:
    rows(connection, "CREATE TABLE dbo.ledger (id int NOT NULL, x int)")
    with connect(server, autocommit=False) as writer, connect(server, autocommit=False) as reader:
        rows(writer, "INSERT INTO dbo.ledger VALUES (1, 1)")
        assert rows(writer, "SELECT @@TRANCOUNT, COUNT(*) FROM dbo.ledger") == [(1, 1)]
        assert rows(reader, "SELECT COUNT(*) FROM dbo.ledger") == [(0,)]
        writer.commit()
        # Read committed: the same transaction sees it from its next statement on.
        assert rows(reader, "SELECT COUNT(*) FROM dbo.ledger") == [(1,)]
        rows(writer, "INSERT INTO dbo.ledger VALUES (2, 2)")
        writer.rollback()
        assert rows(reader, "SELECT COUNT(*) FROM dbo.ledger") == [(1,)]
    assert rows(connection, "SELECT @@TRANCOUNT") == [(0,)]


def test_a_snapshot_stays_what_it_was(server: SqlServer, connection: Any) -> None:
    rows(connection, "CREATE TABLE dbo.frozen (id int)")
    with connect(server) as reader:
        rows(reader, "SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRANSACTION")
        assert rows(reader, "SELECT COUNT(*) FROM dbo.frozen") == [(0,)]
        rows(connection, "INSERT INTO dbo.frozen VALUES (1)")
        assert rows(reader, "SELECT COUNT(*) FROM dbo.frozen") == [(0,)]
        rows(reader, "COMMIT")
        assert rows(reader, "SELECT COUNT(*) FROM dbo.frozen") == [(1,)]


def test_two_that_write_the_same_row_deadlock(server: SqlServer, connection: Any) -> None:
    with connect(server, autocommit=False) as first:
        rows(first, "UPDATE dbo.many SET text = N'first' WHERE id = 5")
        assert number_of(lambda: rows(connection, "UPDATE dbo.many SET text = N'second' WHERE id = 5")) == 1205
        first.commit()
    assert rows(connection, "SELECT text FROM dbo.many WHERE id = 5") == [("first",)]
    rows(connection, "UPDATE dbo.many SET text = N'second' WHERE id = 5")


def test_a_late_commit_is_not_below_what_was_said_meanwhile(server: SqlServer, connection: Any) -> None:
    rows(connection, "CREATE TABLE dbo.stamped (id int, rv rowversion)")
    rows(connection, "INSERT INTO dbo.stamped (id) VALUES (1)")
    with connect(server, autocommit=False) as late:
        rows(late, "INSERT INTO dbo.stamped (id) VALUES (2)")
        rows(connection, "INSERT INTO dbo.stamped (id) VALUES (3)")
        lowest, newest = rows(connection, "SELECT MIN_ACTIVE_ROWVERSION(), @@DBTS")[0]
        assert rows(connection, "SELECT id FROM dbo.stamped WHERE rv < %s ORDER BY id", pytds.Binary(lowest)) == [(1,)]
        assert lowest <= newest
        late.commit()
    assert rows(connection, "SELECT id FROM dbo.stamped WHERE rv >= %s ORDER BY id", pytds.Binary(lowest)) == [
        (2,),
        (3,),
    ]
    after, newest = rows(connection, "SELECT MIN_ACTIVE_ROWVERSION(), @@DBTS")[0]
    assert int.from_bytes(after, "big") == int.from_bytes(newest, "big") + 1
    rows(connection, "UPDATE dbo.stamped SET id = id WHERE id = 1")
    assert rows(connection, "SELECT id FROM dbo.stamped WHERE rv > %s", pytds.Binary(newest)) == [(1,)]


def test_a_failed_transaction_only_rolls_back(server: SqlServer) -> None:
    with connect(server) as connection:
        rows(connection, "CREATE TABLE #before (a int); CREATE TABLE dbo.keyed (id int NOT NULL PRIMARY KEY)")
        rows(connection, "BEGIN TRAN; INSERT INTO dbo.keyed VALUES (1); CREATE TABLE #within (a int)")
        assert number_of(lambda: rows(connection, "INSERT INTO dbo.keyed VALUES (1)")) == 2627
        assert rows(connection, "IF XACT_STATE() = -1 ROLLBACK; SELECT @@TRANCOUNT") == [(0,)]
        assert rows(connection, "SELECT COUNT(*) FROM dbo.keyed") == [(0,)]
        assert rows(connection, "SELECT OBJECT_ID('tempdb..#within'), COUNT(*) FROM #before") == [(None, 0)]


def test_xact_abort_rolls_back(server: SqlServer) -> None:
    with connect(server) as connection:
        rows(connection, "CREATE TABLE dbo.aborted (id int NOT NULL)")
        rows(connection, "SET XACT_ABORT ON; BEGIN TRAN; INSERT INTO dbo.aborted VALUES (1)")
        assert number_of(lambda: rows(connection, "INSERT INTO dbo.aborted VALUES (NULL)")) == 515
        assert rows(connection, "SELECT @@TRANCOUNT, COUNT(*) FROM dbo.aborted") == [(0, 0)]


def test_many_sessions_at_once(server: SqlServer, connection: Any) -> None:
    rows(connection, "CREATE TABLE dbo.shared (session int NOT NULL, n int NOT NULL, rv rowversion)")

    def work(session: int) -> int:
        with connect(server) as own:
            rows(own, "CREATE TABLE #own (n int)")
            for n in range(10):
                rows(own, "INSERT INTO dbo.shared (session, n) VALUES (%s, %s)", session, n)
                rows(own, "INSERT INTO #own VALUES (%s)", n)
            assert len(rows(own, "SELECT id, text FROM dbo.many WHERE id <= 2000")) == 2000
            return int(rows(own, "SELECT COUNT(*) FROM #own")[0][0])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [10] * 8
    assert rows(connection, "SELECT COUNT(*), COUNT(DISTINCT rv), COUNT(DISTINCT session) FROM dbo.shared") == [
        (80, 80, 8)
    ]


# ---- cancelling


def cancelled(connection: Any, sql: str, after: float) -> float:
    """Runs a statement, cancels it, and gives the seconds from the cancel to the server's answer."""
    with connection.cursor() as cursor:
        session = cursor._session
        session.submit_plain_query(sql)
        time.sleep(after)
        sent = time.monotonic()
        session.put_cancel()
        session.begin_response()
        session.process_cancel()
        return time.monotonic() - sent


@pytest.mark.parametrize(
    "sql",
    [
        "WAITFOR DELAY '00:00:20'",
        "SELECT COUNT_BIG(*) FROM dbo.many a, dbo.many b, dbo.many c WHERE a.id + b.id + c.id = 7",
        "SELECT a.id, b.text FROM dbo.many a CROSS JOIN dbo.many b",
        "SELECT 1; WAITFOR DELAY '00:00:20'; SELECT 2",
    ],
)
def test_a_cancel_ends_a_statement_and_the_session_goes_on(connection: Any, sql: str) -> None:
    assert cancelled(connection, sql, 0.3) < 3
    assert rows(connection, "SELECT 1") == [(1,)]


@pytest.mark.parametrize("after", [0.0, 0.001, 0.005, 0.02])
def test_a_cancel_at_any_moment(connection: Any, after: float) -> None:
    for sql in ("SELECT 1", "SELECT TOP 3000 * FROM dbo.many", "SELECT id INTO #z FROM dbo.many; DROP TABLE #z"):
        cancelled(connection, sql, after)
        assert rows(connection, "DROP TABLE IF EXISTS #z; SELECT 42") == [(42,)]


def test_a_cancel_rolls_back_a_transaction_that_has_written(connection: Any) -> None:
    rows(connection, "CREATE TABLE dbo.half (id int)")
    rows(connection, "BEGIN TRAN; INSERT INTO dbo.half VALUES (1)")
    cancelled(
        connection, "SELECT COUNT_BIG(*) FROM dbo.many a, dbo.many b, dbo.many c WHERE a.id + b.id + c.id = 7", 0.3
    )
    assert rows(connection, "SELECT @@TRANCOUNT, COUNT(*) FROM dbo.half") == [(0, 0)]


def test_a_cancel_that_comes_too_late_does_no_harm(connection: Any) -> None:
    for _ in range(5):
        with connection.cursor() as cursor:
            cursor.execute("SELECT TOP 10 id FROM dbo.many ORDER BY id")
            cursor.fetchone()
            cursor.cancel()
        assert rows(connection, "SELECT 2") == [(2,)]


# ---- faults


def read_until_broken(server: SqlServer, sql: str) -> tuple[int, Exception | None]:
    with connect(server) as connection, connection.cursor() as cursor:
        count = 0
        try:
            cursor.execute(sql)
            for _ in cursor:
                count += 1
        except (pytds.Error, OSError) as error:
            return count, error
        return count, None


def test_a_connection_that_drops_after_some_rows(server: SqlServer, trouble: FaultOrders) -> None:
    trouble.drop_after_rows(30_000, like="%from dbo.many%")
    count, error = read_until_broken(server, "SELECT id, text FROM dbo.many ORDER BY id")
    assert count == 30_000
    assert isinstance(error, ConnectionResetError)
    assert read_until_broken(server, "SELECT id FROM dbo.many") == (100_000, None)


def test_a_connection_that_ends_within_a_packet(server: SqlServer, trouble: FaultOrders) -> None:
    trouble.cut_after_bytes(100_001)
    count, error = read_until_broken(server, "SELECT id, text FROM dbo.many ORDER BY id")
    assert 0 < count < 100_000
    assert error is not None


@pytest.mark.parametrize("number", [40613, 40501, 40197, 10928, 1205])
def test_statements_that_fail_for_a_while(server: SqlServer, trouble: FaultOrders, number: int) -> None:
    trouble.statement_error(number, times=2, like="%many%")
    for _ in range(2):
        # An error of severity 20 closes the connection.
        with connect(server) as connection:
            assert rows(connection, "SELECT 1") == [(1,)]
            assert number_of(lambda: rows(connection, "SELECT MAX(id) FROM dbo.many")) == number
    with connect(server) as connection:
        assert rows(connection, "SELECT MAX(id) FROM dbo.many") == [(100_000,)]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (40613, "is not currently available"),
        (18456, "Login failed for user 'lyazure'"),
        (40615, "Client with IP address '127.0.0.1' is not allowed to access the server"),
        (4060, 'Cannot open database "demo"'),
    ],
)
def test_logins_that_fail(server: SqlServer, trouble: FaultOrders, number: int, words: str) -> None:
    trouble.login_error(number, times=50)
    with pytest.raises((pytds.Error, TimeoutError)) as raised, connect(server, login_timeout=1):
        pass
    reason = raised.value.__context__ if isinstance(raised.value, TimeoutError) else raised.value
    assert words in str(reason)
    trouble.reset()
    with connect(server) as connection:
        assert rows(connection, "SELECT 1") == [(1,)]


def test_rows_that_come_slowly(server: SqlServer, trouble: FaultOrders) -> None:
    trouble.slow_rows(3, 0.1)
    started = time.monotonic()
    assert read_until_broken(server, "SELECT TOP 9 id FROM dbo.many") == (9, None)
    assert time.monotonic() - started > 0.25


def test_a_statement_that_hangs_until_it_is_cancelled(connection: Any, trouble: FaultOrders) -> None:
    trouble.hang(like="%hangs%")
    assert cancelled(connection, "SELECT 'hangs'", 0.3) < 2
    assert rows(connection, "SELECT 'hangs'") == [("hangs",)]
