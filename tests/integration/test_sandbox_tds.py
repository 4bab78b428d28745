"""The stand-in for Azure SQL Database as a server: logins, TLS, databases, and what outlives what."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytds
import pytest

from lytics_azure_tui.azure.sql_checks import sql_report
from lytics_azure_tui.model.authorization import AzureSql
from lytics_azure_tui.sandbox.tds import SqlServer
from tests.tds import connect


@pytest.fixture(scope="module")
def server() -> Iterator[SqlServer]:
    with SqlServer() as server:
        yield server


def rows(connection: Any, sql: str, *values: object) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        # What only counts comes before what has rows.
        while not cursor.description and cursor.nextset():
            pass
        found: list[tuple[Any, ...]] = cursor.fetchall() if cursor.description else []
        return found


def error_of(action: Any) -> int:
    with pytest.raises(pytds.Error) as raised:
        action()
    return int(raised.value.msg_no)


def test_it_says_what_azure_says_of_itself(server: SqlServer) -> None:
    with connect(server) as connection:
        found = rows(
            connection,
            "SELECT @@VERSION, SERVERPROPERTY('ProductVersion'), SERVERPROPERTY('Edition'), "
            "SERVERPROPERTY('EngineEdition'), DB_NAME(), SUSER_SNAME(), USER_NAME()",
        )
        version = found[0][0]
        assert version.startswith("Microsoft SQL Azure (RTM) - 12.0.2000")
        assert found[0][1:] == ("12.0.2000.8", "SQL Azure", 5, "demo", "lyazure", "dbo")


def test_a_wrong_password_is_18456_and_closes(server: SqlServer) -> None:
    with pytest.raises(pytds.OperationalError) as raised, connect(server, password="wrong"):
        pass
    assert "Login failed for user 'lyazure'" in str(raised.value)


def test_an_unknown_database_is_4060(server: SqlServer) -> None:
    # pytds tries again until its time is up.
    with pytest.raises((pytds.Error, TimeoutError)) as raised, connect(server, database="nowhere", login_timeout=1):
        pass
    reason = raised.value.__context__ if isinstance(raised.value, TimeoutError) else raised.value
    assert 'Cannot open database "nowhere" requested by the login' in str(reason)


def test_a_certificate_of_another_authority_is_not_trusted(server: SqlServer, tmp_path: Path) -> None:
    import certifi

    with pytest.raises(Exception, match="certificate"):
        pytds.connect(
            server.host,
            port=server.port,
            user=server.user,
            password=server.password.reveal(),
            cafile=certifi.where(),
            login_timeout=1,
        )


def test_a_client_without_encryption_is_refused(server: SqlServer) -> None:
    with pytest.raises(pytds.Error, match="encryption"):
        pytds.connect(server.host, port=server.port, user=server.user, password=server.password.reveal())


def test_noise_does_no_harm(server: SqlServer) -> None:
    for noise in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x12\x01\x00\x08\0\0\0\0", os.urandom(300), b"\x12\x01\xff\xff"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
            client.sendall(noise)
            client.shutdown(socket.SHUT_WR)
            client.settimeout(5)
            while client.recv(4096):
                pass
    with connect(server) as connection:
        assert rows(connection, "SELECT 1") == [(1,)]


@pytest.mark.parametrize("size", [512, 4096, 32_767])
def test_packets_of_any_size(server: SqlServer, size: int) -> None:
    with connect(server, blocksize=size) as connection:
        text = "äöü" * 20_000
        assert rows(connection, "SELECT %s, 1", text) == [(text, 1)]
        assert len(rows(connection, "SELECT value, REPLICATE('x', 200) FROM GENERATE_SERIES(1, 2000)")) == 2000


def test_a_database_of_ones_own(server: SqlServer) -> None:
    with connect(server) as connection:
        rows(connection, "CREATE DATABASE [Zweite; DB]")
        assert error_of(lambda: rows(connection, "CREATE DATABASE [zweite; db]")) == 1801
        rows(connection, "CREATE TABLE dbo.only_here (a int)")
        assert ("Zweite; DB",) in rows(connection, "SELECT name FROM sys.databases")
    with connect(server, database="zweite; db") as connection:
        assert rows(connection, "SELECT DB_NAME()") == [("Zweite; DB",)]
        assert error_of(lambda: rows(connection, "SELECT * FROM dbo.only_here")) == 208
        assert error_of(lambda: rows(connection, "SELECT * FROM demo.dbo.only_here")) == 40515
        rows(connection, "USE demo")
        assert rows(connection, "SELECT COUNT(*) FROM dbo.only_here") == [(0,)]
        assert error_of(lambda: rows(connection, "USE nowhere")) == 911


def test_a_reader_sees_one_schema_and_changes_nothing(server: SqlServer) -> None:
    with connect(server) as owner:
        rows(owner, "CREATE SCHEMA sales")
        rows(owner, "CREATE TABLE sales.visible (a int)")
        rows(owner, "INSERT INTO sales.visible VALUES (1)")
        rows(owner, "CREATE TABLE dbo.hidden (a int)")
        rows(owner, "INSERT INTO dbo.hidden VALUES (2)")
        rows(owner, "CREATE VIEW sales.over_hidden AS SELECT a FROM dbo.hidden")
        rows(owner, "CREATE SCHEMA later")
        rows(owner, "CREATE TABLE later.t (a int)")
    with connect(server, user=server.reader, password=server.reader_password.reveal()) as reader:
        assert rows(reader, "SELECT * FROM sales.visible") == [(1,)]
        assert rows(reader, "SELECT * FROM sales.over_hidden") == [(2,)]
        assert error_of(lambda: rows(reader, "SELECT * FROM dbo.hidden")) == 229
        assert error_of(lambda: rows(reader, "INSERT INTO sales.visible VALUES (2)")) == 229
        assert error_of(lambda: rows(reader, "DELETE FROM sales.visible")) == 229
        assert error_of(lambda: rows(reader, "CREATE TABLE sales.mine (a int)")) == 262
        assert error_of(lambda: rows(reader, "EXEC sandbox_native 'SELECT 1'")) == 262
        assert rows(reader, "SELECT name FROM sys.objects ORDER BY name") == [("over_hidden",), ("visible",)]
        assert rows(
            reader,
            "SELECT HAS_PERMS_BY_NAME('sales.visible', 'OBJECT', 'SELECT'), "
            "HAS_PERMS_BY_NAME('sales.visible', 'OBJECT', 'INSERT'), HAS_PERMS_BY_NAME('dbo.hidden', "
            "'OBJECT', 'SELECT')",
        ) == [(1, 0, None)]
        assert rows(reader, "SELECT permission_name FROM fn_my_permissions(NULL, 'DATABASE')") == [("CONNECT",)]
        of_each = "HAS_PERMS_BY_NAME(QUOTENAME(s.name) + N'.' + QUOTENAME(o.name), N'OBJECT', N'{}')"
        assert rows(
            reader,
            f"SELECT o.name, {of_each.format('SELECT')}, {of_each.format('INSERT')}"
            " FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id ORDER BY o.name",
        ) == [("over_hidden", 1, 0), ("visible", 1, 0)]
        rows(reader, "SELECT a INTO #mine FROM sales.visible")
        assert rows(reader, "SELECT a FROM #mine") == [(1,)]
        assert error_of(lambda: rows(reader, "SELECT * FROM later.t")) == 229
        with connect(server) as owner:
            rows(owner, "GRANT SELECT ON SCHEMA::later TO reader")
    with connect(server, user=server.reader, password=server.reader_password.reveal()) as reader:
        assert rows(reader, "SELECT * FROM later.t") == []


def test_a_connection_is_tested_for_who_may_read_all_and_who_may_read_some(tmp_path: Path) -> None:
    with SqlServer(tmp_path.parent) as server:
        with connect(server) as owner:
            rows(owner, "CREATE SCHEMA sales")
            rows(owner, "CREATE TABLE sales.visible (a int)")
            rows(owner, "CREATE TABLE dbo.hidden (a int)")
        authorization = AzureSql(
            id="a",
            label="A",
            server=server.host,
            port=server.port,
            database=server.database,
            user=server.user,
            password=server.password,
            ca_file=str(server.ca_file),
        )
        report = sql_report(authorization)
        assert (report.list, report.read, report.write) == (True, True, None)
        assert report.notes[0] == "Sees 2 tables and views, and may read all of them"
        reader = authorization.model_copy(update={"user": server.reader, "password": server.reader_password})
        report = sql_report(reader)
        assert (report.list, report.read) == (True, True)
        assert report.notes[0] == "Sees 1 table or view, and may read it"


def test_a_right_on_a_table_of_any_name_is_told_by_its_quoted_name(server: SqlServer) -> None:
    with connect(server) as owner:
        rows(owner, "CREATE TABLE dbo.[odd]].name [x]]] (a int)")
        told = rows(
            owner,
            "SELECT name, HAS_PERMS_BY_NAME(N'[dbo].' + QUOTENAME(name), N'OBJECT', N'SELECT')"
            " FROM sys.tables WHERE name LIKE N'odd%'",
        )
        assert told == [("odd].name [x]", 1)]


# The stand-in keeps its databases by DuckDB, which no folder with a question mark can hold: not the odd one.
def test_data_is_there_after_a_restart(tmp_path: Path) -> None:
    with SqlServer(tmp_path.parent) as server, connect(server) as connection:
        rows(connection, "CREATE TABLE dbo.kept (id int IDENTITY PRIMARY KEY, t datetime2(3), rv rowversion)")
        rows(connection, "INSERT INTO dbo.kept (t) VALUES ('2020-01-01'), ('2021-01-01')")
        rows(connection, "CREATE DATABASE other")
        before = rows(connection, "SELECT id, t, rv FROM dbo.kept ORDER BY id")
    with SqlServer(tmp_path.parent) as server, connect(server) as connection:
        assert rows(connection, "SELECT id, t, rv FROM dbo.kept ORDER BY id") == before
        rows(connection, "INSERT INTO dbo.kept (t) VALUES ('2022-01-01')")
        after = rows(connection, "SELECT id, rv FROM dbo.kept ORDER BY id DESC")
        assert after[0][0] > before[-1][0]
        assert after[0][1] > before[-1][2]
        assert ("other",) in rows(connection, "SELECT name FROM sys.databases")


def test_what_is_committed_survives_a_kill(tmp_path: Path) -> None:
    server = SqlServer(tmp_path.parent).start()
    with connect(server) as connection, connect(server, autocommit=False) as unfinished:
        rows(connection, "CREATE TABLE dbo.kept (id int NOT NULL PRIMARY KEY, rv rowversion)")
        rows(connection, "INSERT INTO dbo.kept (id) SELECT value FROM GENERATE_SERIES(1, 20000)")
        newest = rows(connection, "SELECT MAX(rv) FROM dbo.kept")
        rows(unfinished, "INSERT INTO dbo.kept (id) VALUES (50000)")
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
    server.stop()
    with SqlServer(tmp_path.parent) as server, connect(server) as connection:
        assert rows(connection, "SELECT COUNT(*), MAX(id) FROM dbo.kept") == [(20000, 20000)]
        rows(connection, "INSERT INTO dbo.kept (id) VALUES (20001)")
        assert rows(connection, "SELECT MAX(rv) FROM dbo.kept") > newest


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom lytics_azure_tui.sandbox.tds import SqlServer\n"
        "server = SqlServer(Path(sys.argv[1])).start()\nprint(server.pid, flush=True)\ntime.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(tmp_path.parent)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the server is still there")


def test_a_client_that_disappears_ends_its_query(server: SqlServer) -> None:
    with connect(server) as connection, connection.cursor() as cursor:
        cursor._session.submit_plain_query(
            "SELECT COUNT_BIG(*) FROM sys.types a, sys.types b, sys.types c, sys.types d, sys.types e, sys.types f"
        )
        time.sleep(0.3)
    time.sleep(0.5)
    before = _processor_seconds(server)
    time.sleep(0.5)
    assert _processor_seconds(server) - before < 0.4


def _processor_seconds(server: SqlServer) -> float:
    if not Path("/proc").is_dir():
        return 0.0
    fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def tsql(server: SqlServer, tmp_path: Path) -> Any:
    program = shutil.which("tsql")
    if program is None:
        pytest.skip("tsql is not installed (Debian's package freetds-bin)")
    conf = tmp_path / "freetds.conf"
    conf.write_text(
        f"[sandbox]\nhost = localhost\nport = {server.port}\ntds version = 7.4\nencryption = require\n"
        f"ca file = {server.ca_file}\ncheck certificate hostname = yes\nclient charset = UTF-8\n"
    )

    def run(text: str, database: str = "demo", password: str | None = None) -> str:
        command = [program, "-S", "sandbox", "-U", server.user, "-D", database]
        # It takes a password from the command line only; this one is for a server that lives for seconds.
        command += ["-P", password or server.password.reveal()]
        done = subprocess.run(
            command,
            input=f"{text}\ngo\n",
            capture_output=True,
            text=True,
            env={**os.environ, "FREETDSCONF": str(conf), "LC_ALL": "C.UTF-8"},
            timeout=30,
            check=False,
        )
        return done.stdout + done.stderr

    return run


def test_another_client_understands_it_too(tsql: Any) -> None:
    said = tsql(
        "SELECT 1 AS a, N'é€' AS b, CAST(1.5 AS decimal(5,2)) AS c, CAST(NULL AS int) AS d, CAST(5 AS money) AS e,"
        " CAST('6F9619FF-8B86-D011-B42D-00C04FC964FF' AS uniqueidentifier) AS f, CAST(N'long' AS nvarchar(max)) AS g"
    )
    assert "1\té€\t1.50\tNULL\t5.0000\t6F9619FF-8B86-D011-B42D-00C04FC964FF\tlong" in said
    assert "(1 row affected)" in said


def test_another_client_gets_errors_and_messages(tsql: Any) -> None:
    assert "Msg 207 (severity 16, state 1) from lyazure-sandbox Line 2" in tsql("\nSELECT nope FROM sys.objects")
    assert "hello" in tsql("PRINT 'hello'")
    assert "Msg 18456" in tsql("SELECT 1", password="wrong")
    assert "Msg 4060" in tsql("SELECT 1", database="nowhere")


def test_another_client_runs_several_statements(tsql: Any) -> None:
    said = tsql(
        "CREATE TABLE #t (a int, b nvarchar(max))\nINSERT INTO #t VALUES (1, N'x'), (2, NULL)\n"
        "SELECT * FROM #t ORDER BY a\nUPDATE #t SET b = N'y'\nSELECT COUNT(*) AS n FROM #t WHERE b = N'y'"
    )
    assert "1\tx" in said
    assert "2\tNULL" in said
    assert "n\n2\n" in said
