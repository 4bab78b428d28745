"""The stand-in for Azure SQL Database: every type there and back, as a real client sees it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytds
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lytics_azure_tui.sandbox.tds import SqlServer
from tests.tds import connect

quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def connection() -> Iterator[Any]:
    with SqlServer() as server, connect(server) as connection:
        yield connection


def rows(connection: Any, sql: str, *values: object) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        # What only counts comes before what has rows.
        while not cursor.description and cursor.nextset():
            pass
        found: list[tuple[Any, ...]] = cursor.fetchall() if cursor.description else []
        return found


GUID = uuid.UUID("6F9619FF-8B86-D011-B42D-00C04FC964FF")
EXTREMES: list[tuple[str, str, object]] = [
    ("bit", "0", False),
    ("bit", "1", True),
    ("tinyint", "0", 0),
    ("tinyint", "255", 255),
    ("smallint", "-32768", -32768),
    ("smallint", "32767", 32767),
    ("int", "-2147483648", -2147483648),
    ("int", "2147483647", 2147483647),
    ("bigint", "-9223372036854775808", -9223372036854775808),
    ("bigint", "9223372036854775807", 9223372036854775807),
    ("decimal(1,0)", "-9", Decimal(-9)),
    ("decimal(9,2)", "-9999999.99", Decimal("-9999999.99")),
    ("decimal(18,4)", "99999999999999.9999", Decimal("99999999999999.9999")),
    ("decimal(19,19)", "0.0000000000000000001", Decimal("0.0000000000000000001")),
    ("decimal(28,10)", "-123456789012345678.0123456789", Decimal("-123456789012345678.0123456789")),
    ("decimal(38,0)", "9" * 38, Decimal("9" * 38)),
    ("decimal(38,38)", "-0." + "9" * 38, Decimal("-0." + "9" * 38)),
    ("numeric(20,5)", "-18446744073709.55161", Decimal("-18446744073709.55161")),
    ("money", "-922337203685477.5808", Decimal("-922337203685477.5808")),
    ("money", "922337203685477.5807", Decimal("922337203685477.5807")),
    ("smallmoney", "-214748.3648", Decimal("-214748.3648")),
    ("real", "1.5e0", 1.5),
    ("float", "-1.7976931348623157e308", -1.7976931348623157e308),
    ("float", "2.2250738585072014e-308", 2.2250738585072014e-308),
    ("date", "'0001-01-01'", date.min),
    ("date", "'9999-12-31'", date.max),
    ("time(0)", "'23:59:59'", time(23, 59, 59)),
    ("time(3)", "'00:00:00.001'", time(0, 0, 0, 1000)),
    ("time(7)", "'23:59:59.9999990'", time(23, 59, 59, 999999)),
    ("smalldatetime", "'1900-01-01'", datetime(1900, 1, 1)),
    ("smalldatetime", "'2079-06-06T23:59:00'", datetime(2079, 6, 6, 23, 59)),
    ("datetime", "'1753-01-01'", datetime(1753, 1, 1)),
    ("datetime", "'9999-12-31T23:59:59.997'", datetime(9999, 12, 31, 23, 59, 59, 997000)),
    ("datetime2(0)", "'0001-01-01'", datetime(1, 1, 1)),
    ("datetime2(3)", "'2024-02-29T12:34:56.789'", datetime(2024, 2, 29, 12, 34, 56, 789000)),
    ("datetime2(7)", "'9999-12-31T23:59:59.9999999'", datetime(9999, 12, 31, 23, 59, 59, 999999)),
    (
        "datetimeoffset(7)",
        "'2024-02-29T23:30:00.1234560-14:00'",
        datetime(2024, 2, 29, 23, 30, 0, 123456, timezone(-timedelta(hours=14))),
    ),
    ("char(5)", "'ab'", "ab   "),
    ("varchar(20)", "'é€'", "é€"),
    ("varchar(20)", "''", ""),
    ("varchar(max)", "'x'", "x"),
    ("nchar(3)", "N'é'", "é  "),
    ("nvarchar(20)", "N'é😀中'", "é😀中"),
    ("nvarchar(20)", "N''", ""),
    ("nvarchar(max)", "N'😀'", "😀"),
    ("ntext", "N'text'", "text"),
    ("text", "'text'", "text"),
    ("xml", "N'<a b=\"é\"/>'", '<a b="é"/>'),
    ("binary(4)", "0x01FF", b"\x01\xff\0\0"),
    ("varbinary(10)", "0x00FF00", b"\0\xff\0"),
    ("varbinary(10)", "0x", b""),
    ("varbinary(max)", "0xDEADBEEF", b"\xde\xad\xbe\xef"),
    ("image", "0x01", b"\x01"),
    ("uniqueidentifier", f"'{GUID}'", GUID),
    ("sql_variant", "5", 5),
    ("sql_variant", "N'five'", "five"),
]


@pytest.mark.parametrize("null", ["NULL", "NOT NULL"])
def test_extremes_in_columns(connection: Any, null: str) -> None:
    columns = ", ".join(f"c{n} {type_} {null}" for n, (type_, _, _) in enumerate(EXTREMES))
    rows(connection, f"CREATE TABLE #t ({columns})")
    rows(connection, f"INSERT INTO #t VALUES ({', '.join(text for _, text, _ in EXTREMES)})")
    found = rows(connection, "SELECT * FROM #t")[0]
    for (type_, text, expected), value in zip(EXTREMES, found, strict=True):
        assert value == expected, (type_, text)
        assert type(value) is type(expected), (type_, text)
    rows(connection, "DROP TABLE #t")


def test_null_in_every_type(connection: Any) -> None:
    columns = ", ".join(f"c{n} {type_} NULL" for n, (type_, _, _) in enumerate(EXTREMES))
    rows(connection, f"CREATE TABLE #t ({columns})")
    rows(connection, f"INSERT INTO #t ({', '.join(f'c{n}' for n in range(3))}) VALUES (NULL, NULL, NULL)")
    rows(connection, f"INSERT INTO #t VALUES ({', '.join(text for _, text, _ in EXTREMES)})")
    found = rows(connection, "SELECT * FROM #t ORDER BY c1")
    assert found[0] == (None,) * len(EXTREMES)
    assert None not in found[1]
    # Few columns go by rows that have no bitmap of nulls.
    for n, (type_, _, expected) in enumerate(EXTREMES):
        assert rows(connection, f"SELECT c{n} FROM #t ORDER BY c1") == [(None,), (expected,)], type_
    rows(connection, "DROP TABLE #t")


def test_declared_types_are_told(connection: Any) -> None:
    rows(
        connection, "CREATE TABLE dbo.declared (a nvarchar(50) NOT NULL, b decimal(18,4), c datetime2(3), d rowversion)"
    )
    told = rows(
        connection,
        "SELECT c.name, t.name, c.max_length, c.precision, c.scale, c.is_nullable FROM sys.columns c "
        "JOIN sys.types t ON t.user_type_id = c.user_type_id WHERE c.object_id = OBJECT_ID('dbo.declared') "
        "ORDER BY c.column_id",
    )
    assert told == [
        ("a", "nvarchar", 100, 0, 0, False),
        ("b", "decimal", 9, 18, 4, True),
        ("c", "datetime2", 7, 23, 3, True),
        ("d", "timestamp", 8, 0, 0, False),
    ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM dbo.declared")
        described = [
            (name, size, precision, scale, null) for name, _, _, size, precision, scale, null in cursor.description
        ]
    assert [name for name, *_ in described] == ["a", "b", "c", "d"]
    assert [null for *_, null in described] == [False, True, True, False]


@quick
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_any_text(connection: Any, text: str) -> None:
    assert rows(connection, "SELECT %s, LEN(%s + N'x'), DATALENGTH(%s)", text, text, text) == [
        (text, len(text) + 1, len(text.encode("utf-16-le")))
    ]


@quick
@given(data=st.binary(max_size=300))
def test_any_bytes(connection: Any, data: bytes) -> None:
    assert rows(connection, "SELECT %s, DATALENGTH(%s)", pytds.Binary(data), pytds.Binary(data)) == [(data, len(data))]


@quick
@given(number=st.integers(-(2**63), 2**63 - 1))
def test_any_integer(connection: Any, number: int) -> None:
    assert rows(connection, "SELECT CAST(%s AS bigint)", number) == [(number,)]


@quick
@given(number=st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**20), max_value=10**20))
def test_any_decimal(connection: Any, number: Decimal) -> None:
    assert rows(connection, "SELECT CAST(%s AS decimal(38,6))", number) == [(number,)]


@quick
@given(number=st.floats(allow_nan=False, allow_infinity=False))
def test_any_float(connection: Any, number: float) -> None:
    assert rows(connection, "SELECT %s", number) == [(number,)]


@quick
@given(moment=st.datetimes())
def test_any_moment(connection: Any, moment: datetime) -> None:
    found = rows(connection, "SELECT %s, CONVERT(varchar(33), CAST(%s AS datetime2(7)), 121)", moment, moment)
    assert found == [(moment, f"{moment:%Y-%m-%d %H:%M:%S.%f}0".rjust(27, "0"))]


@quick
@given(
    moment=st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),
    minutes=st.integers(-840, 840),
)
def test_any_moment_with_offset(connection: Any, moment: datetime, minutes: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    found = rows(connection, "SELECT %s", aware)[0][0]
    assert found == aware
    assert found.utcoffset() == aware.utcoffset()


@quick
@given(day=st.dates(), value=st.uuids(), clock=st.times())
def test_any_day_and_uuid(connection: Any, day: date, value: uuid.UUID, clock: time) -> None:
    assert rows(connection, "SELECT %s, %s, %s", day, value, clock) == [(day, value, clock)]


def test_seven_digits_are_kept(connection: Any) -> None:
    rows(connection, "CREATE TABLE #t (a datetime2(7), b time(7), c datetimeoffset(7), d datetime2(3), e datetime)")
    rows(
        connection,
        "INSERT INTO #t VALUES ('0001-01-01T00:00:00.0000001', '12:34:56.7654321', '9999-12-31T23:59:59.9999999Z', "
        "'2024-01-01T00:00:00.1239999', '2024-01-01T00:00:00.126')",
    )
    found = rows(
        connection,
        "SELECT CONVERT(varchar(33), a, 126), CONVERT(varchar(33), b, 126), CONVERT(varchar(40), c, 126), "
        "CONVERT(varchar(33), d, 126), CONVERT(varchar(33), e, 126), "
        "CONVERT(varchar(33), CAST(e AS datetime2(7)), 126) FROM #t",
    )
    assert found == [
        (
            "0001-01-01T00:00:00.0000001",
            "12:34:56.7654321",
            "9999-12-31T23:59:59.9999999+00:00",
            "2024-01-01T00:00:00.124",
            "2024-01-01T00:00:00.127",
            "2024-01-01T00:00:00.1266667",
        )
    ]
    assert rows(
        connection,
        "SELECT COUNT(*) FROM #t WHERE a = CONVERT(datetime2(7), '0001-01-01T00:00:00.0000001', 126) "
        "AND a > CONVERT(datetime2(7), '0001-01-01T00:00:00.0000000', 126)",
    ) == [(1,)]
    rows(connection, "DROP TABLE #t")


def test_a_fraction_of_zero_is_left_out_in_style_126(connection: Any) -> None:
    found = rows(
        connection,
        "SELECT CONVERT(varchar(33), CAST('2024-01-01T10:00:00' AS datetime2(7)), 126), "
        "CONVERT(varchar(33), CAST('2024-01-01T10:00:00' AS datetime), 126), "
        "CONVERT(varchar(33), CAST('2024-01-01T10:00:00' AS smalldatetime), 126), "
        "CONVERT(varchar(33), CAST('2024-01-01' AS date), 126), "
        "CONVERT(varchar(33), CAST('2024-01-01T10:00:00+02:00' AS datetimeoffset(0)), 126), "
        "CONVERT(varchar(33), CAST('2024-01-01T10:00:00.5+02:00' AS datetimeoffset(1)), 127)",
    )
    assert found == [
        (
            "2024-01-01T10:00:00",
            "2024-01-01T10:00:00",
            "2024-01-01T10:00:00",
            "2024-01-01",
            "2024-01-01T10:00:00+02:00",
            "2024-01-01T08:00:00.5Z",
        )
    ]


def test_datetime_is_rounded_to_a_three_hundredth(connection: Any) -> None:
    for given_, kept in (("000", 0), ("001", 0), ("002", 3), ("004", 3), ("005", 7), ("008", 7), ("009", 10)):
        found = rows(connection, f"SELECT CAST('2024-01-01T00:00:00.{given_}' AS datetime)")
        assert found == [(datetime(2024, 1, 1, 0, 0, 0, kept * 1000),)], given_


@pytest.mark.parametrize(
    "type_", ["smalldatetime", "datetime", "datetime2(0)", "datetime2(3)", "datetime2(7)", "datetimeoffset(7)", "date"]
)
def test_dates_are_counted_on(connection: Any, type_: str) -> None:
    start = "CAST('2024-02-28T23:59:00' AS " + type_ + ")"
    text = f"CONVERT(varchar(33), {{}}, {'23' if type_ == 'date' else '120'})"
    moved = [f"DATEADD(day, 2, {start})", f"DATEADD(month, 1, {start})"]
    if type_ != "date":
        moved += [f"DATEADD(hour, 1, {start})", f"DATEADD(minute, 1, {start})", f"DATEADD(second, 60, {start})"]
    found = rows(connection, f"SELECT {', '.join(text.format(one) for one in moved)}")[0]
    clock = "" if type_ == "date" else " 23:59:00"
    offset = " +00:00" if type_.startswith("datetimeoffset") else ""
    assert found[:2] == (f"2024-03-01{clock}{offset}", f"2024-03-28{clock}{offset}")
    assert (
        found[2:] == ()
        if type_ == "date"
        else tuple(f"{one}{offset}" for one in ("2024-02-29 00:59:00", "2024-02-29 00:00:00", "2024-02-29 00:00:00"))
    )
    assert rows(
        connection,
        f"SELECT DATEDIFF(day, {start}, '2024-03-01'), DATEDIFF(hour, {start}, '2024-02-29T00:01:00'), "
        f"DATEDIFF_BIG(second, {start}, '2024-02-29T00:01:00')",
    ) == [(2, 24 if type_ == "date" else 1, 86460 if type_ == "date" else 120)]


def test_offsets_are_one_instant(connection: Any) -> None:
    rows(connection, "CREATE TABLE #t (a datetimeoffset(7))")
    rows(
        connection,
        "INSERT INTO #t VALUES ('2024-01-01T12:00:00+02:00'), ('2024-01-01T10:00:00Z'), ('2024-01-01T10:00:01Z')",
    )
    assert rows(connection, "SELECT COUNT(*) FROM #t GROUP BY a ORDER BY a") == [(2,), (1,)]
    assert rows(connection, "SELECT COUNT(*) FROM #t WHERE a = '2024-01-01T10:00:00Z'") == [(2,)]
    assert rows(connection, "SELECT MAX(a) FROM #t") == [(datetime(2024, 1, 1, 10, 0, 1, tzinfo=UTC),)]
    rows(connection, "DROP TABLE #t")


def test_a_large_text_there_and_back(connection: Any) -> None:
    text = "0123456789äöü€" * 700_000
    rows(connection, "CREATE TABLE #t (a nvarchar(max), b varbinary(max))")
    rows(connection, "INSERT INTO #t VALUES (%s, %s)", text, pytds.Binary(b"\0\xff" * 1_000_000))
    found = rows(connection, "SELECT a, b, DATALENGTH(a), LEN(a) FROM #t")[0]
    assert found[0] == text
    assert found[1:] == (b"\0\xff" * 1_000_000, 2 * len(text), len(text))
    rows(connection, "DROP TABLE #t")


def test_hex_of_bytes(connection: Any) -> None:
    assert rows(
        connection,
        "SELECT CONVERT(varchar(max), 0x00ABFF, 1), CONVERT(varchar(max), 0x00ABFF, 2), "
        "CONVERT(varbinary(8), '0x00ABFF', 1), CONVERT(varbinary(8), '00ABFF', 2), CONVERT(binary(8), 258), "
        "CAST(0x0102 AS int), CONVERT(varchar(10), CAST(0x4142 AS varbinary(2)))",
    ) == [("0x00ABFF", "00ABFF", b"\0\xab\xff", b"\0\xab\xff", b"\0\0\0\0\0\0\1\2", 258, "AB")]
