"""Which tokens the stand-in for Azure SQL answers with: those that [MS-TDS] 2.2.7 says SQL Server answers with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lytics_azure_tui.azure.sql import SqlSession
from lytics_azure_tui.azure.sql_wire import Session
from lytics_azure_tui.sandbox.tds import SqlServer
from tests.integration.tables import Tables

NAMES = {
    0x79: "RETURNSTATUS", 0x81: "COLMETADATA", 0xA9: "ORDER", 0xAA: "ERROR", 0xAB: "INFO", 0xAD: "LOGINACK",
    0xD1: "ROW", 0xD2: "NBCROW", 0xE3: "ENVCHANGE", 0xFD: "DONE", 0xFE: "DONEPROC", 0xFF: "DONEINPROC",
}  # fmt: skip


@pytest.fixture(scope="module")
def tables() -> Iterator[Tables]:
    with SqlServer() as server:
        yield Tables(server, "dbo")


@pytest.fixture(scope="module")
def session(tables: Tables) -> Iterator[SqlSession]:
    with SqlSession(tables.authorization()) as found:
        found.run("CREATE TABLE t (a int NULL, b nvarchar(10)); INSERT INTO t VALUES (1, N'x'), (NULL, N'y')")
        yield found


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens that are read from now on."""
    found: list[str] = []
    read = Session.process_token

    def noted(self: Session, marker: int) -> None:
        found.append(NAMES.get(marker, hex(marker)))
        read(self, marker)

    monkeypatch.setattr(Session, "process_token", noted)
    return found


@pytest.mark.parametrize(
    ("sql", "rows", "expected"),
    [
        ("SELECT a FROM t ORDER BY a", [("NULL",), ("1",)], "COLMETADATA ORDER DONE"),
        ("SELECT b FROM t ORDER BY a, b", [("y",), ("x",)], "COLMETADATA ORDER DONE"),
        ("SELECT a FROM t UNION SELECT 3 ORDER BY 1", [("NULL",), ("1",), ("3",)], "COLMETADATA ORDER DONE"),
        ("SELECT SUM(a) FROM t", [("1",)], "COLMETADATA INFO DONE"),
        ("SELECT b, MAX(a) FROM t GROUP BY b ORDER BY b", [("x", "1"), ("y", "NULL")], "COLMETADATA ORDER INFO DONE"),
        ("SELECT SUM(a) FROM t WHERE a > 0", [("1",)], "COLMETADATA DONE"),
        ("PRINT 'hello'; SELECT 1", [("1",)], "INFO DONE COLMETADATA DONE"),
        ("DECLARE @n int; SELECT @n = COUNT(*) FROM t; SELECT @n", [("2",)], "DONE COLMETADATA DONE"),
        ("SET NOCOUNT ON; SET LOCK_TIMEOUT 5; SELECT 1", [("1",)], "DONE DONE COLMETADATA DONE"),
        ("UPDATE t SET b = b; SELECT 1 ORDER BY 1", [("1",)], "DONE COLMETADATA ORDER DONE"),
        (
            "BEGIN TRY SELECT a / 0 FROM t END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH",
            [],
            "COLMETADATA DONE COLMETADATA DONE",
        ),
    ],
)
def test_rows_are_read_whatever_comes_with_them(
    session: SqlSession, tokens: list[str], sql: str, rows: list[tuple[str, ...]], expected: str
) -> None:
    found = [
        tuple("NULL" if value is None else value for value in row)
        for columns in session.texts(sql)
        for row in zip(*columns, strict=True)
    ]
    assert found == rows
    assert " ".join(token for token in tokens if "ROW" not in token) == expected


def test_columns_are_told_with_what_is_known_of_them(session: SqlSession) -> None:
    list(session.texts("SELECT a, a + 1, 'x' FROM t"))
    # Nullable, and whether it may be written is not known; computed and nullable; computed.
    assert [one.flags for one in session._session.res_info.columns] == [0x09, 0x21, 0x20]


def test_old_large_types_travel_behind_pointers(session: SqlSession) -> None:
    session.run("CREATE TABLE old (a text NULL, b ntext NULL, c image NULL)")
    session.run("INSERT INTO old VALUES ('é', N'ж', 0x0102), (NULL, NULL, NULL), ('', N'', 0x)")
    described = []
    for columns in session.texts("SELECT a, b, c FROM old"):
        described = [one.serializer.type for one in session._session.res_info.columns]
        assert columns == [["é", None, ""], ["ж", None, ""], ["0x0102", None, "0x"]]
    assert described == [0x23, 0x63, 0x22]


@pytest.mark.parametrize(("asked", "given"), [(512, 512), (513, 513), (4096, 4096), (16_383, 16_383), (32_767, 16_383)])
def test_packets_of_every_size_that_can_be_agreed_on(
    tables: Tables, monkeypatch: pytest.MonkeyPatch, asked: int, given: int
) -> None:
    monkeypatch.setattr("lytics_azure_tui.azure.sql._PACKET", asked)
    long = "ä" * 9_000
    with SqlSession(tables.authorization()) as found:
        assert found._session._writer.bufsize == given
        sql = f"SELECT value, N'{long}' FROM GENERATE_SERIES(1, 200) ORDER BY value"
        rows = [row for columns in found.texts(sql) for row in zip(*columns, strict=True)]
        assert found.rows("SELECT @a", {"a": long}) == [(long,)]
    assert rows == [(str(number), long) for number in range(1, 201)]
