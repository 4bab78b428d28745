"""The stand-in for Azure SQL Database: the T-SQL that it runs, its catalogue, its errors."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytds
import pytest

from lytics_azure_tui.sandbox.tds import SqlServer
from tests.tds import connect


@pytest.fixture(scope="module")
def server() -> Iterator[SqlServer]:
    with SqlServer() as server:
        yield server


@pytest.fixture(scope="module")
def connection(server: SqlServer) -> Iterator[Any]:
    with connect(server) as connection:
        yield connection


def rows(connection: Any, sql: str, *values: object) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        # What only counts comes before what has rows.
        while not cursor.description and cursor.nextset():
            pass
        found: list[tuple[Any, ...]] = cursor.fetchall() if cursor.description else []
        return found


def error(connection: Any, sql: str, *values: object) -> tuple[int, str]:
    with pytest.raises(pytds.Error) as raised:
        rows(connection, sql, *values)
    return int(raised.value.msg_no), str(raised.value.text)


# ---- an import's way of reading


@pytest.mark.parametrize(
    "type_", ["date", "smalldatetime", "datetime", "datetime2(0)", "datetime2(3)", "datetime2(7)", "datetimeoffset(7)"]
)
def test_a_window_of_time_into_a_temporary_table(connection: Any, type_: str) -> None:
    name = f'[dbo].[a]]b "c" ü {type_}]'
    temporary = f"#TMP_{uuid.uuid4()}_{time.time_ns()}"
    rows(
        connection,
        f"CREATE TABLE {name} ([id] int IDENTITY(1,1) NOT NULL PRIMARY KEY CLUSTERED, [ts] {type_} NULL, "
        "[x y] nvarchar(50) NULL, [rv] rowversion)",
    )
    days = ", ".join(f"('2024-01-{day:02}T00:00:00', N'day {day}')" for day in range(1, 21))
    rows(connection, f"INSERT INTO {name} ([ts], [x y]) VALUES {days}, (NULL, NULL)")
    rows(
        connection,
        f"SELECT ROW_NUMBER() OVER (ORDER BY t.[ts], t.[id]) AS [__row], t.[x y], CONVERT(binary(8), t.[rv]) AS [rv], "
        f"CAST(t.[x y] AS nvarchar(max)) AS [x], CASE WHEN t.[ts] >= CONVERT({type_}, %s, 126) THEN CAST(1 AS bit) "
        f"ELSE CAST(0 AS bit) END AS [__recent] INTO [{temporary}] FROM {name} AS t "
        f"WHERE t.[ts] > CONVERT({type_}, %s, 126) AND t.[ts] <= CONVERT({type_}, %s, 126)",
        "2024-01-10T00:00:00",
        "2024-01-05T00:00:00",
        "2024-01-12T00:00:00",
    )
    rows(connection, f"CREATE UNIQUE CLUSTERED INDEX i ON [{temporary}] ([__row])")
    found = rows(connection, f"SELECT * FROM [{temporary}] WHERE [__row] > %s ORDER BY [__row]", 4)
    assert [row[:2] + row[3:] for row in found] == [
        (5, "day 10", "day 10", True),
        (6, "day 11", "day 11", True),
        (7, "day 12", "day 12", True),
    ]
    assert all(isinstance(row[2], bytes) and len(row[2]) == 8 for row in found)
    bounds = rows(connection, f"SELECT COUNT_BIG(*), CONVERT(varchar(33), MAX([ts]), 126), MIN([id]) FROM {name}")[0]
    assert bounds[0] == 21
    assert bounds[1].startswith("2024-01-20")
    rows(connection, f"DROP TABLE [{temporary}]")


def test_catalogue_of_a_table(connection: Any) -> None:
    rows(connection, "CREATE SCHEMA [cata logue]")
    rows(
        connection,
        "CREATE TABLE [cata logue].[t] (id bigint NOT NULL CONSTRAINT PK_t PRIMARY KEY CLUSTERED, "
        "a nvarchar(20) NOT NULL CONSTRAINT UQ_a UNIQUE, b int NULL, c AS (b + 1))",
    )
    rows(connection, "CREATE INDEX IX_b ON [cata logue].t (b DESC, a)")
    rows(
        connection,
        "INSERT INTO [cata logue].t (id, a, b) SELECT value, CAST(value AS nvarchar(20)), 1 FROM "
        "GENERATE_SERIES(1, 500)",
    )
    rows(connection, "CREATE VIEW [cata logue].v AS SELECT id, a FROM [cata logue].t")
    assert rows(
        connection,
        "SELECT o.name, o.type, p.row_count FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id "
        "LEFT JOIN sys.dm_db_partition_stats AS p ON p.object_id = o.object_id AND p.index_id IN (0, 1) "
        "WHERE s.name = N'CATA LOGUE' AND o.type IN ('U', 'V') AND o.name LIKE %s ESCAPE '\\' ORDER BY s.name, o.name "
        "OFFSET %s ROWS FETCH NEXT %s ROWS ONLY",
        "%",
        0,
        10,
    ) == [("t", "U ", 500), ("v", "V ", None)]
    assert rows(
        connection,
        "SELECT i.name, i.type_desc, i.is_primary_key, i.is_unique_constraint, c.name, k.is_descending_key "
        "FROM sys.indexes i JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id "
        "JOIN sys.columns c ON c.object_id = k.object_id AND c.column_id = k.column_id "
        "WHERE i.object_id = OBJECT_ID(N'[cata logue].[t]') ORDER BY i.index_id, k.key_ordinal",
    ) == [
        ("PK_t", "CLUSTERED", True, False, "id", False),
        ("UQ_a", "NONCLUSTERED", False, True, "a", False),
        ("IX_b", "NONCLUSTERED", False, False, "b", True),
        ("IX_b", "NONCLUSTERED", False, False, "a", False),
    ]
    assert rows(
        connection,
        "SELECT k.name, k.type FROM sys.key_constraints k WHERE k.parent_object_id = OBJECT_ID('[cata "
        "logue].t') ORDER BY 1",
    ) == [("PK_t", "PK"), ("UQ_a", "UQ")]
    assert rows(
        connection,
        "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, CHARACTER_MAXIMUM_LENGTH, IS_NULLABLE FROM "
        "INFORMATION_SCHEMA.COLUMNS "
        "WHERE TABLE_SCHEMA = 'cata logue' AND TABLE_NAME = 't' ORDER BY ORDINAL_POSITION",
    ) == [
        ("t", "id", "bigint", None, "NO"),
        ("t", "a", "nvarchar", 20, "NO"),
        ("t", "b", "int", None, "YES"),
        ("t", "c", "int", None, "YES"),
    ]
    assert rows(
        connection,
        "SELECT OBJECT_NAME(OBJECT_ID('[cata logue].t')), SCHEMA_NAME(SCHEMA_ID('cata logue')), TYPE_NAME(231), "
        "COL_LENGTH('[cata logue].t', 'a'), OBJECT_ID('nothing'), HAS_PERMS_BY_NAME('[cata logue].t', "
        "'OBJECT', 'SELECT'), "
        "HAS_PERMS_BY_NAME(NULL, 'DATABASE', 'CREATE TABLE')",
    ) == [("t", "cata logue", "nvarchar", 40, None, 1, 1)]
    rows(connection, "DROP VIEW [cata logue].v")
    rows(connection, "DROP TABLE [cata logue].t")
    assert rows(connection, "SELECT name FROM sys.objects WHERE schema_id = SCHEMA_ID('cata logue')") == []
    rows(connection, "DROP SCHEMA [cata logue]")


def test_ten_thousand_tables_stay_quick(server: SqlServer) -> None:
    with connect(server, database="master") as connection:
        rows(
            connection,
            "EXEC sandbox_native %s",
            "INSERT INTO __catalogue.objects SELECT 2000000 + i, 'table_' || i, 1, 'U', 0, 637134336000000000, "
            "637134336000000000, NULL, '' FROM range(10000) t(i); "
            "INSERT INTO __catalogue.columns SELECT 2000000 + i, c, 'column_' || c, 'int', 0, 0, 0, true, false, NULL, "
            "NULL, NULL, NULL, 56, 56, 4, 10, 0, NULL FROM range(10000) t(i), range(1, 6) u(c)",
        )
        started = time.monotonic()
        found = rows(
            connection,
            "SELECT s.name, o.name, o.type, p.row_count, p.used_page_count FROM sys.objects o "
            "JOIN sys.schemas s ON s.schema_id = o.schema_id LEFT JOIN sys.dm_db_partition_stats p "
            "ON p.object_id = o.object_id AND p.index_id IN (0, 1) WHERE o.name LIKE %s ESCAPE '\\' AND o.type = 'U' "
            "ORDER BY s.name, o.name OFFSET %s ROWS FETCH NEXT %s ROWS ONLY",
            "table\\_12%",
            10,
            50,
        )
        assert time.monotonic() - started < 1.0
        assert len(found) == 50
        assert found[0][1].startswith("table_12")


# ---- queries


def test_queries(connection: Any) -> None:
    cases: list[tuple[str, list[tuple[Any, ...]]]] = [
        ("SELECT 7 / 2, -7 / 2, 7 % 3, 7 / 2.0, 1.5 * 2", [(3, -3, 1, Decimal("3.5"), Decimal(3))]),
        ("SELECT 'a' + N'b' + CAST(1 AS varchar(5)), 'x' + NULL", [("ab1", None)]),
        ("SELECT COUNT(*) WHERE 'abc' = 'ABC' AND N'É' = N'é'", [(1,)]),
        ("SELECT CASE 2 WHEN 1 THEN 'a' WHEN 2 THEN 'bb' END, IIF(1 > 2, 1, 0), NULLIF(1, 1)", [("bb", 0, None)]),
        ("SELECT ISNULL(NULL, 5), COALESCE(NULL, NULL, 'x'), CHOOSE(2, 'a', 'b')", [(5, "x", "b")]),
        ("SELECT LEN('ab  '), DATALENGTH(N'ab'), LEFT('hello', 2), RIGHT('hello', 2)", [(2, 4, "he", "lo")]),
        ("SELECT SUBSTRING('hello', 2, 3), SUBSTRING('hello', 0, 3), CHARINDEX('L', 'hello')", [("ell", "he", 3)]),
        ("SELECT REPLICATE('ab', 3), REPLACE('aXa', 'X', '-'), STUFF('abc', 2, 1, 'ZZ')", [("ababab", "a-a", "aZZc")]),
        ("SELECT UPPER('é'), LTRIM('  a'), CONCAT('a', NULL, 1), QUOTENAME('a]b')", [("É", "a", "a1", "[a]]b]")]),
        ("SELECT * FROM (VALUES (1, 'a'), (2, NULL)) AS v (x, y) ORDER BY x DESC", [(2, None), (1, "a")]),
        ("SELECT TOP (2) value FROM GENERATE_SERIES(1, 9) ORDER BY value DESC", [(9,), (8,)]),
        ("SELECT 1 UNION ALL SELECT 1 UNION SELECT 2 ORDER BY 1", [(1,), (2,)]),
        ("SELECT 1 EXCEPT SELECT 2", [(1,)]),
        ("SELECT TOP (1) WITH TIES v FROM (VALUES (1), (1), (2)) x (v) ORDER BY v", [(1,), (1,)]),
        ("SELECT STRING_AGG(value, ';') WITHIN GROUP (ORDER BY value DESC) FROM STRING_SPLIT('a,b', ',')", [("b;a",)]),
        ("WITH r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 4) SELECT SUM(n), AVG(n) FROM r", [(10, 2)]),
        (
            "SELECT value, ROW_NUMBER() OVER (ORDER BY value DESC) FROM GENERATE_SERIES(1, 2) ORDER BY 1",
            [(1, 2), (2, 1)],
        ),
        ("SELECT SUM(value) OVER (ORDER BY value) FROM GENERATE_SERIES(1, 3) ORDER BY 1", [(1,), (3,), (6,)]),
        (
            "SELECT a.value, b.v FROM GENERATE_SERIES(1, 2) a LEFT JOIN (SELECT 2 AS v) b ON b.v = a.value ORDER BY 1",
            [(1, None), (2, 2)],
        ),
        (
            "SELECT a.value, b.y FROM GENERATE_SERIES(1, 2) a CROSS APPLY (SELECT a.value * 10 AS y) b ORDER BY 1",
            [(1, 10), (2, 20)],
        ),
        (
            "SELECT (SELECT MAX(value) FROM GENERATE_SERIES(1, 5)), CASE WHEN EXISTS (SELECT 1 WHERE 1 = 0) "
            "THEN 1 ELSE 0 END",
            [(5, 0)],
        ),
        ("SELECT value FROM GENERATE_SERIES(1, 5) WHERE value IN (1, 3) OR value BETWEEN 5 AND 9", [(1,), (3,), (5,)]),
        (
            "SELECT COUNT(*) FROM (VALUES ('a_b'), ('axb'), ('[x]')) v (t) WHERE t LIKE 'a[_]b' OR t LIKE "
            "'\\[%' ESCAPE '\\'",
            [(2,)],
        ),
        (
            "SELECT value % 2 AS odd, COUNT(*) FROM GENERATE_SERIES(1, 5) GROUP BY value % 2 HAVING COUNT(*) > 2",
            [(1, 3)],
        ),
        (
            "SELECT TRY_CAST('x' AS int), TRY_CONVERT(date, '2024-02-30'), ISNUMERIC('5'), ISDATE('x')",
            [(None, None, 1, 0)],
        ),
        (
            "SELECT DATEFROMPARTS(2024, 2, 29), EOMONTH('2024-02-01'), YEAR('2024-05-06')",
            [(date(2024, 2, 29), date(2024, 2, 29), 2024)],
        ),
        (
            "SELECT DATEPART(weekday, '2024-01-01'), DATENAME(month, '2024-01-01'), DATEPART(ns, "
            "CAST('00:00:00.1234567' AS time))",
            [(2, "January", 123456700)],
        ),
        (
            "SELECT CAST(CAST('2024-01-01' AS date) AS datetime), CAST('2024-01-01T10:11:12' AS datetime) + 1",
            [(datetime(2024, 1, 1), datetime(2024, 1, 2, 10, 11, 12))],
        ),
        (
            "SELECT CAST('2024-01-01T10:00:00' AS datetime2) AT TIME ZONE 'UTC'",
            [(datetime.fromisoformat("2024-01-01T10:00:00+00:00"),)],
        ),
        ("SELECT DATETRUNC(hour, CAST('2024-01-01T10:11:12' AS datetime2(0)))", [(datetime(2024, 1, 1, 10),)]),
        ("DECLARE @a int = 1, @b nvarchar(10) = N'x'; SET @a += 4; SELECT @a, @b + N'y'", [(5, "xy")]),
        ("DECLARE @i int = 0; WHILE @i < 5 BEGIN SET @i += 1; IF @i = 3 BREAK; END SELECT @i", [(3,)]),
        (
            "DECLARE @n int; SELECT @n = COUNT(*) FROM GENERATE_SERIES(1, 7); IF @n > 5 SELECT 'many' ELSE "
            "SELECT 'few'",
            [("many",)],
        ),
        ("EXEC sp_executesql N'SELECT @a + @b', N'@a int, @b int', @a = 1, @b = 2", [(3,)]),
        ("EXEC ('SELECT 1 AS x')", [(1,)]),
        ("BEGIN TRY DECLARE @n int = 1 / 0 END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH", [(8134,)]),
        ("DECLARE @t TABLE (a int, b nvarchar(5)); INSERT INTO @t VALUES (1, N'x'); SELECT * FROM @t", [(1, "x")]),
    ]
    for sql, expected in cases:
        assert rows(connection, sql) == expected, sql


def test_temporary_tables_are_a_sessions_own(server: SqlServer, connection: Any) -> None:
    rows(connection, "CREATE TABLE #mine (a int)")
    with connect(server) as other:
        assert error(other, "SELECT * FROM #mine")[0] == 208
        rows(other, "CREATE TABLE #mine (b int); INSERT INTO #mine VALUES (7)")
        assert rows(other, "SELECT b FROM #mine") == [(7,)]
    assert rows(connection, "SELECT a FROM #mine") == []
    assert rows(
        connection, "IF OBJECT_ID('tempdb..#mine') IS NOT NULL DROP TABLE #mine; SELECT OBJECT_ID('tempdb..#mine')"
    ) == [(None,)]
    rows(connection, "DROP TABLE IF EXISTS #mine")


def test_changes(connection: Any) -> None:
    rows(
        connection,
        "CREATE TABLE dbo.things (id int IDENTITY(10, 5) PRIMARY KEY, name nvarchar(20) NOT NULL, "
        "made datetime2(0) NOT NULL DEFAULT '2024-01-01', price decimal(8,2) NULL DEFAULT 1.5, twice AS price * 2)",
    )
    assert rows(
        connection, "INSERT INTO dbo.things (name) OUTPUT inserted.id, inserted.price VALUES (N'a'), (N'b')"
    ) == [(10, Decimal("1.5")), (15, Decimal("1.5"))]
    assert rows(connection, "INSERT INTO dbo.things (name, price) VALUES (N'c', DEFAULT); SELECT SCOPE_IDENTITY()") == [
        (20,)
    ]
    assert rows(
        connection, "UPDATE dbo.things SET price += 1, name = UPPER(name) WHERE id = 10; SELECT @@ROWCOUNT"
    ) == [(1,)]
    rows(connection, "UPDATE t SET t.price = s.p FROM dbo.things AS t JOIN (VALUES (N'b', 9)) s (n, p) ON s.n = t.name")
    assert rows(connection, "SELECT id, name, price, twice, made FROM dbo.things ORDER BY id") == [
        (10, "A", Decimal("2.5"), Decimal(5), datetime(2024, 1, 1)),
        (15, "b", Decimal(9), Decimal(18), datetime(2024, 1, 1)),
        (20, "c", Decimal("1.5"), Decimal(3), datetime(2024, 1, 1)),
    ]
    rows(connection, "DELETE FROM dbo.things WHERE name = 'a'")
    rows(connection, "DELETE t FROM dbo.things t JOIN (VALUES (20)) s (i) ON s.i = t.id")
    assert rows(connection, "SELECT id FROM dbo.things") == [(15,)]
    rows(connection, "ALTER TABLE dbo.things ADD note nvarchar(10) NULL, flag bit NOT NULL DEFAULT 1")
    rows(connection, "ALTER TABLE dbo.things ALTER COLUMN name nvarchar(200) NOT NULL")
    assert rows(connection, "SELECT name, note, flag FROM dbo.things") == [("b", None, True)]
    rows(connection, "SET IDENTITY_INSERT dbo.things ON; INSERT INTO dbo.things (id, name) VALUES (99, N'z')")
    rows(connection, "TRUNCATE TABLE dbo.things")
    rows(connection, "DROP TABLE dbo.things")


def test_several_statements_count_each_for_itself(connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 AS a; SELECT 2 AS b, 3 AS c; CREATE TABLE #n (x int); INSERT INTO #n VALUES (1), (2); SELECT 4"
        )
        assert cursor.fetchall() == [(1,)]
        assert cursor.nextset()
        assert cursor.fetchall() == [(2, 3)]
        while not cursor.description or cursor.description[0][0] != "":
            assert cursor.nextset()
        assert cursor.fetchall() == [(4,)]
        cursor.execute("SET NOCOUNT ON; INSERT INTO #n VALUES (3)")
        assert cursor.rowcount == -1
        cursor.execute("SET NOCOUNT OFF; INSERT INTO #n VALUES (3)")
        cursor.execute("DROP TABLE #n")


def test_calls_of_procedures(connection: Any) -> None:
    def call(name: str, *arguments: object) -> tuple[list[list[tuple[Any, ...]]], dict[int, Any]]:
        with connection.cursor() as cursor:
            cursor.callproc(name, arguments)
            results = []
            while True:
                if cursor.description:
                    results.append(cursor.fetchall())
                if not cursor.nextset():
                    break
            assert cursor.get_proc_return_status() == 0
            return results, {place: one.value for place, one in cursor._session.output_params.items()}

    doubled = call(
        "sp_executesql", "SELECT @b = @a * 2; SELECT @a", "@a int, @b int OUTPUT", 21, pytds.output(param_type="int")
    )
    assert doubled == ([[(21,)]], {3: 42})
    handle = call("sp_prepare", pytds.output(param_type="int"), "@a int", "SELECT @a + 1")[1][0]
    assert call("sp_execute", handle, 41) == ([[(42,)]], {})
    call("sp_unprepare", handle)
    with pytest.raises(pytds.Error, match="Could not find prepared statement"):
        call("sp_execute", handle, 1)
    results, outputs = call("sp_prepexec", pytds.output(param_type="int"), "@a int", "SELECT @a + 1", 9)
    assert results == [[(10,)]]
    assert outputs[0] > handle


def test_errors_have_the_numbers_and_words_of_sql_server(connection: Any) -> None:
    rows(
        connection,
        "CREATE TABLE dbo.strict (id int NOT NULL CONSTRAINT PK_strict PRIMARY KEY, s varchar(3) NOT NULL, "
        "n int NULL CONSTRAINT CK_n CHECK (n > 0), rv rowversion)",
    )
    rows(connection, "INSERT INTO dbo.strict (id, s) VALUES (1, 'abc')")
    cases = [
        ("SELEC 1", 2812, "SELEC"),
        ("SELECT * FROM dbo.strict WHERE", 102, "Incorrect syntax"),
        ("SELECT FROM dbo.strict", 156, "Incorrect syntax near the keyword 'FROM'."),
        ("SELECT 'open", 105, "Unclosed quotation mark"),
        ("SELECT nope FROM dbo.strict", 207, "Invalid column name 'nope'."),
        ("SELECT x.id FROM dbo.strict", 4104, 'The multi-part identifier "x.id" could not be bound.'),
        ("SELECT * FROM dbo.nope", 208, "Invalid object name 'dbo.nope'."),
        (
            "SELECT CAST('abc' AS int)",
            245,
            "Conversion failed when converting the varchar value 'abc' to data type int.",
        ),
        ("SELECT CAST(s AS int) FROM dbo.strict", 245, "'abc' to data type int."),
        ("SELECT CAST(N'x' AS decimal(5,2))", 8114, "Error converting data type nvarchar to numeric."),
        ("SELECT CAST('2024-02-30' AS date)", 241, "Conversion failed when converting date and/or time"),
        ("SELECT CAST('1000-01-01' AS datetime)", 242, "out-of-range"),
        ("SELECT CAST(300 AS tinyint)", 220, "Arithmetic overflow error for data type tinyint, value = 300."),
        ("SELECT id + 2147483647 FROM dbo.strict", 8115, "Arithmetic overflow"),
        ("SELECT 1 / (id - 1) FROM dbo.strict", 8134, "Divide by zero error encountered."),
        (
            "SELECT DATEADD(day, 1, CAST('9999-12-31' AS date))",
            517,
            "Adding a value to a 'date' column caused an overflow.",
        ),
        (
            "INSERT INTO dbo.strict (id, s) VALUES (1, 'x')",
            2627,
            "Violation of PRIMARY KEY constraint 'PK_strict'. Cannot insert duplicate key in object 'dbo.strict'. "
            "The duplicate key value is (1).",
        ),
        (
            "INSERT INTO dbo.strict (id) VALUES (2)",
            515,
            "Cannot insert the value NULL into column 's', table 'demo.dbo.strict'",
        ),
        ("INSERT INTO dbo.strict (id, s, n) VALUES (2, 'x', -1)", 547, "CHECK constraint"),
        ("INSERT INTO dbo.strict (id, s) VALUES (2, 'toolong')", 2628, "column 's'. Truncated value: 'too'."),
        ("INSERT INTO dbo.strict (id, s, rv) VALUES (2, 'x', 0x01)", 273, "timestamp column"),
        ("UPDATE dbo.strict SET rv = 0x01", 272, "Cannot update a timestamp column."),
        ("INSERT INTO dbo.strict VALUES (1)", 213, "does not match table definition"),
        ("CREATE TABLE dbo.strict (a int)", 2714, "There is already an object named 'strict' in the database."),
        ("DROP TABLE dbo.nope", 3701, "Cannot drop the table 'dbo.nope'"),
        ("CREATE TABLE nowhere.t (a int)", 2760, 'The specified schema name "nowhere"'),
        ("SELECT @missing", 137, 'Must declare the scalar variable "@missing".'),
        ("SELECT nope(1)", 195, "'nope' is not a recognized built-in function name."),
        ("EXEC dbo.nope", 2812, "Could not find stored procedure 'dbo.nope'."),
        ("SELECT id, COUNT(*) FROM dbo.strict", 8120, "is invalid in the select list"),
        ("SELECT 1 UNION SELECT 1, 2", 205, "must have an equal number of expressions"),
        ("COMMIT", 3902, "no corresponding BEGIN TRANSACTION"),
        ("MERGE dbo.strict AS t USING (SELECT 1 AS a) s ON t.id = s.a WHEN MATCHED THEN DELETE", 40510, "MERGE"),
        ("SELECT * FROM dbo.strict FOR JSON PATH", 40510, "FOR JSON"),
        ("CREATE PROCEDURE p AS SELECT 1", 40510, "CREATE PROCEDURE"),
        ("THROW 50001, 'of my own', 3", 50001, "of my own"),
    ]
    for sql, number, words in cases:
        found = error(connection, sql)
        assert found[0] == number, (sql, found)
        assert words.lower() in found[1].lower(), (sql, found)
    assert (
        error(connection, "CREATE UNIQUE INDEX u ON dbo.strict (s); INSERT INTO dbo.strict (id, s) VALUES (3, 'abc')")[
            0
        ]
        == 2601
    )
    rows(connection, "CREATE TABLE #d (a int); INSERT INTO #d VALUES (1), (1)")
    assert error(connection, "CREATE UNIQUE CLUSTERED INDEX i ON #d (a)")[0] == 1505
    assert rows(connection, "SELECT id, s FROM dbo.strict") == [(1, "abc")]


def test_an_error_of_one_statement_lets_the_next_run(connection: Any) -> None:
    rows(connection, "CREATE TABLE #once (a int NOT NULL PRIMARY KEY)")
    rows(connection, "INSERT INTO #once VALUES (1)")
    with pytest.raises(pytds.Error), connection.cursor() as cursor:
        cursor.execute("INSERT INTO #once VALUES (1); INSERT INTO #once VALUES (2)")
        while cursor.nextset():
            pass
    assert rows(connection, "SELECT COUNT(*) FROM #once") in ([(1,)], [(2,)])
    rows(connection, "DROP TABLE #once")


def test_whatever_cannot_be_run_gets_an_answer(connection: Any) -> None:
    for sql in (
        "SELECT " + "(" * 3000 + "1" + ")" * 3000,
        "SELECT " + "-" * 1 + "~" * 5000 + "1",
        "SELECT " + "1+" * 5000 + "1",
    ):
        with connection.cursor() as cursor:
            try:
                cursor.execute(sql)
                cursor.fetchall()
            except pytds.Error:
                pass
        assert rows(connection, "SELECT 1") == [(1,)]


def test_settings_that_clients_send(connection: Any) -> None:
    for setting in (
        "SET ANSI_NULLS, ANSI_PADDING, QUOTED_IDENTIFIER ON", "SET TEXTSIZE 2147483647", "SET ROWCOUNT 0",
        "SET LANGUAGE us_english", "SET DATEFORMAT ymd", "SET DEADLOCK_PRIORITY LOW", "SET ARITHABORT ON",
        "SET IMPLICIT_TRANSACTIONS OFF", "SET LOCK_TIMEOUT -1", "SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED",
        "SET TRANSACTION ISOLATION LEVEL READ COMMITTED", "SET CURSOR_CLOSE_ON_COMMIT OFF", "SET NOEXEC OFF",
    ):  # fmt: skip
        assert rows(connection, f"{setting} SELECT 1") == [(1,)]
