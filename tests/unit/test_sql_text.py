"""Values of SQL Server as text: each converts back to exactly the value that it was, by an independent way."""

from __future__ import annotations

import struct
import uuid
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lytics_azure_tui.azure import sql_text as text
from lytics_azure_tui.azure.sql_text import Convert

DAYS = st.integers(0, 3_652_058)
SCALES = st.integers(0, 7)


def one(convert: Convert, cell: bytes) -> str:
    """The text of one cell, which stands between two missing ones."""
    first, found, last = convert([None, cell, None])
    assert first is last is None
    assert found is not None
    assert convert([cell, cell]) == [found, found]
    return found


@pytest.mark.parametrize(("size", "code", "signed"), [(1, "B", False), (2, "h", True), (4, "i", True), (8, "q", True)])
def test_whole_numbers(size: int, code: str, signed: bool) -> None:
    bits = 8 * size
    for value in (0, 1, -1, 2 ** (bits - 1) - 1, -(2 ** (bits - 1)), 2**bits - 1):
        if (-(2 ** (bits - 1)) if signed else 0) <= value < 2 ** (bits - 1 if signed else bits):
            assert one(text.whole(size), struct.pack(f"<{code}", value)) == str(value)


def test_bits() -> None:
    assert text.bit([b"\0", None, b"\1"]) == ["false", None, "true"]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_comes_back_bit_for_bit(value: float) -> None:
    cell = struct.pack("<d", value)
    assert struct.pack("<d", float(one(text.floating(8), cell))) == cell


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_real_comes_back_bit_for_bit(value: float) -> None:
    cell = struct.pack("<f", value)
    assert struct.pack("<f", float(one(text.floating(4), cell))) == cell


def test_a_real_is_written_as_people_do() -> None:
    assert one(text.floating(4), struct.pack("<f", 0.1)) == "0.1"


@given(st.integers(-(2**63), 2**63 - 1))
def test_money(value: int) -> None:
    low, high = value & 0xFFFFFFFF, value >> 32
    assert Decimal(one(text.money(8), struct.pack("<iI", high, low))) == Decimal(value).scaleb(-4)


@given(st.integers(-(2**31), 2**31 - 1))
def test_small_money(value: int) -> None:
    found = one(text.money(4), struct.pack("<i", value))
    assert Decimal(found) == Decimal(value).scaleb(-4)
    assert len(found.partition(".")[2]) == 4


@given(st.integers(-(10**38) + 1, 10**38 - 1), st.integers(0, 38))
def test_decimals(value: int, scale: int) -> None:
    cell = (b"\1" if value >= 0 else b"\0") + abs(value).to_bytes(16, "little")
    found = one(text.decimal(scale), cell)
    sign, digits, exponent = Decimal(found).as_tuple()
    assert (-1 if sign else 1) * int("".join(map(str, digits))) == value
    assert exponent == -scale


def test_zero_has_no_sign() -> None:
    assert one(text.decimal(2), b"\0" + bytes(4)) == "0.00"
    assert one(text.decimal(0), b"\0" + bytes(4)) == "0"


@given(DAYS)
def test_days(days: int) -> None:
    assert one(text.each(text.day), days.to_bytes(3, "little")) == str(date.fromordinal(days + 1))


@given(SCALES, st.data())
def test_clocks(scale: int, data: st.DataObject) -> None:
    ticks = data.draw(st.integers(0, 86_400 * 10**scale - 1))
    found = one(text.clock(scale), ticks.to_bytes(text.time_size(scale), "little"))
    assert ticks_of(found, scale) == ticks


@given(SCALES, DAYS, st.data())
def test_moments(scale: int, days: int, data: st.DataObject) -> None:
    ticks = data.draw(st.integers(0, 86_400 * 10**scale - 1))
    cell = ticks.to_bytes(text.time_size(scale), "little") + days.to_bytes(3, "little")
    day, _, clock = one(text.moment(scale), cell).partition("T")
    assert date.fromisoformat(day).toordinal() - 1 == days
    assert ticks_of(clock, scale) == ticks


@given(SCALES, st.integers(1, 3_652_057), st.integers(-840, 840), st.data())
def test_moments_with_an_offset_keep_it_and_the_instant(
    scale: int, days: int, offset: int, data: st.DataObject
) -> None:
    ticks = data.draw(st.integers(0, 86_400 * 10**scale - 1))
    cell = ticks.to_bytes(text.time_size(scale), "little") + days.to_bytes(3, "little") + struct.pack("<h", offset)
    found = one(text.moment_with_offset(scale), cell)
    local, zone = found[:-6], found[-6:]
    sign = -1 if zone[0] == "-" else 1
    assert sign * (int(zone[1:3]) * 60 + int(zone[4:])) == offset
    day, _, clock = local.partition("T")
    whole = (date.fromisoformat(day).toordinal() - 1) * 86_400 * 10**scale + ticks_of(clock, scale)
    assert whole - offset * 60 * 10**scale == days * 86_400 * 10**scale + ticks


@given(st.integers(-53_690, 2_958_463), st.integers(0, 300 * 86_400 - 1))
def test_datetime_is_told_in_the_milliseconds_that_the_server_tells(days: int, ticks: int) -> None:
    found = one(text.old_moment(8), struct.pack("<iI", days, ticks))
    at = datetime.fromisoformat(found)
    assert (at.date() - date(1900, 1, 1)).days == days
    milliseconds = round((at - datetime.combine(at.date(), datetime.min.time())) / timedelta(milliseconds=1))
    assert milliseconds % 10 in (0, 3, 7)
    assert round(milliseconds * 3 / 10) == ticks


def test_smalldatetime() -> None:
    assert one(text.old_moment(4), struct.pack("<HH", 0, 0)) == "1900-01-01T00:00:00"
    assert one(text.old_moment(4), struct.pack("<HH", 65_535, 1439)) == "2079-06-06T23:59:00"


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]))))
def test_unicode_text_comes_as_it_is(values: list[str | None]) -> None:
    cells = [None if value is None else value.encode("utf-16-le") for value in values]
    assert text.unicode_text(cells) == values


def test_a_separator_inside_a_value_and_half_a_pair_are_kept() -> None:
    assert text.unicode_text(["a\x1fb".encode("utf-16-le"), None, b""]) == ["a\x1fb", None, ""]
    assert text.unicode_text([b"\x3d\xd8", b"a\0"]) == ["\ud83d", "a"]


@given(st.lists(st.none() | st.uuids()))
def test_identifiers(values: list[uuid.UUID | None]) -> None:
    cells = [None if value is None else value.bytes_le for value in values]
    assert text.guid(cells) == [None if value is None else str(value).upper() for value in values]


@given(st.binary())
def test_bytes_are_hexadecimal(value: bytes) -> None:
    assert bytes.fromhex(one(text.binary, value).removeprefix("0x")) == value


def test_a_code_page() -> None:
    assert text.code_page_text("cp1252")([b"\xe4\x80", None]) == ["ä€", None]


def ticks_of(clock: str, scale: int) -> int:
    """Ticks since midnight, as the text says them."""
    seconds, _, fraction = clock.partition(".")
    assert len(fraction) == scale
    hour, minute, second = map(int, seconds.split(":"))
    return int(((hour * 60 + minute) * 60 + second) * 10**scale + int(fraction or "0"))
