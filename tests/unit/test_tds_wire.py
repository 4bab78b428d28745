"""What travels: rows as bytes, typed parameters, logins, packets of faults."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lytics_azure_tui.sandbox.tds import login, times, types
from lytics_azure_tui.sandbox.tds.arrow import batches
from lytics_azure_tui.sandbox.tds.encode import copy_ranges, encode, encode_rows
from lytics_azure_tui.sandbox.tds.errors import SqlError
from lytics_azure_tui.sandbox.tds.faults import error_of, is_like
from lytics_azure_tui.sandbox.tds.packets import Gone
from lytics_azure_tui.sandbox.tds.parameters import Malformed, Reader, skip_headers
from lytics_azure_tui.sandbox.tds.types import SqlType
from lytics_azure_tui.sandbox.tds.values import Parameters, Value, literal


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    connection.execute("SET arrow_lossless_conversion = true")
    yield connection
    connection.close()


def encoded(duck: duckdb.DuckDBPyConnection, values: list[Value], type_: SqlType) -> bytes:
    parameters = Parameters()
    texts = [f"CAST({literal(value, type_, parameters).sql} AS {type_.duck})" for value in values]
    sql = f"SELECT * FROM (VALUES {', '.join(f'({n}, {text})' for n, text in enumerate(texts))}) AS t(n, x) ORDER BY n"
    found = b""
    for batch in batches(duck, f"SELECT x FROM ({sql})", parameters.values, 2048):
        found += bytes(encode(batch, [type_]))
    return found


def scaled(number: int, scale: int) -> Decimal:
    sign, digits, _ = Decimal(number).as_tuple()
    return Decimal((sign, digits, -scale))


MOMENTS = st.integers(0, times.LAST)
CASES: list[tuple[SqlType, st.SearchStrategy[Value]]] = [
    (types.BIT, st.booleans()),
    (types.TINYINT, st.integers(0, 255)),
    (types.SMALLINT, st.integers(-(1 << 15), (1 << 15) - 1)),
    (types.INT, st.integers(-(1 << 31), (1 << 31) - 1)),
    (types.BIGINT, st.integers(-(1 << 63), (1 << 63) - 1)),
    (types.FLOAT, st.floats(allow_nan=False, allow_infinity=False)),
    (types.REAL, st.floats(width=32, allow_nan=False, allow_infinity=False)),
    (types.MONEY, st.decimals(-900_000_000_000_000, 900_000_000_000_000, places=4)),
    (SqlType("smallmoney"), st.decimals(-200_000, 200_000, places=4)),
    (types.DATE, st.integers(0, 3_652_058)),
    (SqlType("time", scale=7), st.integers(0, times.DAY - 1)),
    (SqlType("time", scale=0), st.integers(0, 86_399).map(lambda n: n * times.SECOND)),
    (SqlType("datetime2", scale=7), MOMENTS),
    (SqlType("datetime2", scale=3), MOMENTS.map(lambda n: n // 10_000 * 10_000)),
    (
        SqlType("datetimeoffset", scale=7),
        st.tuples(MOMENTS, st.integers(-840, 840)).map(lambda pair: times.pack(*pair)),
    ),
    (types.DATETIME, MOMENTS.map(lambda n: times.rounded(max(n, times.RANGES["datetime"][0]), types.DATETIME))),
    (types.UNIQUEIDENTIFIER, st.uuids()),
    (types.nvarchar(50), st.text(st.characters(exclude_categories=["Cs"]), max_size=20)),
    (types.nvarchar(), st.text(st.characters(exclude_categories=["Cs"]), max_size=200)),
    (types.varchar(50), st.text(st.characters(codec="cp1252", exclude_categories=["Cs", "Cc"]), max_size=50)),
    (types.varbinary(50), st.binary(max_size=50)),
    (types.varbinary(), st.binary(max_size=200)),
    *(
        (SqlType("decimal", precision=p, scale=s), st.integers(-(10**p) + 1, 10**p - 1).map(partial(scaled, scale=s)))
        for p, s in ((1, 0), (9, 3), (10, 10), (19, 4), (20, 0), (28, 14), (29, 1), (38, 38))
    ),
]


@pytest.mark.parametrize(("type_", "strategy"), CASES, ids=[type_.declared for type_, _ in CASES])
@pytest.mark.parametrize("nullable", [True, False])
def test_what_is_written_is_read_again(
    duck: duckdb.DuckDBPyConnection, type_: SqlType, strategy: st.SearchStrategy[Value], nullable: bool
) -> None:
    @given(st.lists(st.none() | strategy if nullable else strategy, min_size=1, max_size=8))
    def check(values: list[Value]) -> None:
        told = type_.maybe(nullable)
        data = encoded(duck, values, told)
        info = types.type_info(told)
        for value in values:
            assert data[:1] == b"\xd1"
            reader = Reader(info + data[1:])
            found, read = reader.typed_value()
            assert found.name == type_.name
            assert read == value
            data = data[1 + reader.position - len(info) :]
        assert data == b""

    check()


def test_a_row_of_many_columns_says_by_a_bitmap_what_is_null(duck: duckdb.DuckDBPyConnection) -> None:
    columns = [types.INT] * 9
    sql = f"SELECT {', '.join(f'CASE WHEN r = 1 AND {n} IN (0, 8) THEN NULL ELSE {n} END::INTEGER' for n in range(9))}"
    for batch in batches(duck, f"{sql} FROM range(2) t(r) ORDER BY r", {}, 2048):
        data, ends = encode_rows(batch, columns)
    first, second = bytes(data[: ends[0]]), bytes(data[ends[0] : ends[1]])
    assert first == b"\xd1" + b"".join(b"\x04" + struct.pack("<i", n) for n in range(9))
    assert second == b"\xd2\x01\x01" + b"".join(b"\x04" + struct.pack("<i", n) for n in range(1, 8))


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 60)), max_size=20))
def test_ranges_are_copied(ranges: list[tuple[int, int]]) -> None:
    data = np.arange(400, dtype=np.uint16).astype(np.uint8)
    start, length = (np.array([pair[n] for pair in ranges], np.int64) for n in (0, 1))
    to = np.cumsum(length) - length
    out = np.zeros(int(length.sum()) + 16, np.uint8)
    copy_ranges(out, to, data, start, length)
    expected = b"".join(data[one : one + size].tobytes() for one, size in ranges)
    assert out[: len(expected)].tobytes() == expected


def test_known_bytes_of_some_values(duck: duckdb.DuckDBPyConnection) -> None:
    """As the examples of [MS-TDS] and its descriptions of types have them."""
    guid = UUID("6F9619FF-8B86-D011-B42D-00C04FC964FF")
    assert encoded(duck, [guid], types.UNIQUEIDENTIFIER) == b"\xd1\x10" + guid.bytes_le
    assert encoded(duck, [Decimal("-1.00")], SqlType("decimal", precision=5, scale=2)) == b"\xd1\x05\x00\x64\0\0\0"
    day = (date(2024, 2, 29) - date(1, 1, 1)).days
    assert encoded(duck, [day], types.DATE) == b"\xd1\x03" + day.to_bytes(3, "little")
    noon = (date(2024, 2, 29).toordinal() - 1) * times.DAY + times.DAY // 2
    days = (datetime(2024, 2, 29) - datetime(1900, 1, 1)) // timedelta(days=1)
    assert encoded(duck, [noon], types.DATETIME) == b"\xd1\x08" + struct.pack("<iI", days, 300 * 43_200)
    assert encoded(duck, ["ab"], types.nvarchar()) == (
        b"\xd1" + struct.pack("<QI", 4, 4) + "ab".encode("utf-16-le") + b"\0\0\0\0"
    )
    assert encoded(duck, [2001], types.ROWVERSION) == b"\xd1\x08\x00" + (2001).to_bytes(8, "big")


@given(st.binary(max_size=80))
def test_any_bytes_are_a_call_or_malformed(data: bytes) -> None:
    with suppress(Malformed, SqlError):
        start, _ = skip_headers(data)
        Reader(data, start).calls()


def test_a_call_by_number_with_parameters() -> None:
    name = "@p".encode("utf-16-le")
    text = "SELECT".encode("utf-16-le")
    data = struct.pack("<HHH", 0xFFFF, 10, 0)
    data += b"\0\0\xe7" + struct.pack("<H", 8000) + types.COLLATION + struct.pack("<H", len(text)) + text
    data += bytes([2]) + name + b"\x01\x26\x04\x04" + struct.pack("<i", -5)
    (call,) = Reader(data).calls()
    assert call.procedure == "sp_executesql"
    assert [(one.name, one.value, one.output) for one in call.parameters] == [("", "SELECT", False), ("@p", -5, True)]


def test_a_password_is_unscrambled() -> None:
    fields = {40: "user", 44: "pässword", 68: "demo", 36: "host", 48: "app", 64: ""}
    head, body = bytearray(94), b""
    head[8:12] = struct.pack("<I", 100_000)
    for place, text in fields.items():
        data = text.encode("utf-16-le")
        if place == 44:
            data = bytes((((byte << 4) | (byte >> 4)) & 0xFF) ^ 0xA5 for byte in data)
        head[place : place + 4] = struct.pack("<HH", 94 + len(body), len(text))
        body += data
    found = login.read_login(bytes(head) + body)
    assert (found.user, found.password, found.database) == ("user", "pässword", "demo")
    assert found.packet_size == 16_383
    assert "pässword" not in repr(found)


@given(st.binary(max_size=120))
def test_any_bytes_are_a_login_or_gone(data: bytes) -> None:
    for read in (login.read_login, login.encryption_asked):
        with suppress(Gone):
            read(data)


def test_faults_name_client_and_database() -> None:
    assert "IP address '10.0.0.1'" in error_of(40615, address="10.0.0.1").message
    assert error_of(40613, database="demo").message.startswith("Database 'demo' on server")
    assert is_like("SELECT * FROM Orders WHERE 1=1", "%from orders%")
    assert is_like("x", "%")
    assert not is_like("SELECT 1", "%orders%")
    assert not is_like("ab", "a%b%b")
