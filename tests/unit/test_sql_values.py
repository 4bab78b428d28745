"""Values as [MS-TDS] 2.2.5 lays them out: columns described and rows sent as bytes, read as text."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lytics_azure_tui.azure.sql_collation import code_page
from tests import replies
from tests.replies import INT, b_text, columns, done, int_cell, packets, row, text_cell, us_text

LATIN = bytes.fromhex("0904d00034")
UNKNOWN = b"\xfe" + b"\xff" * 7


def read(info: bytes, *cells: bytes) -> list[str | None]:
    """The values of one column, read whole and again with a packet for every three bytes."""
    stream = columns(("c", info)) + b"".join(row(cell) for cell in cells) + done(0x10, len(cells))
    whole, cut = (replies.texts(replies.session(packets(stream, range(0, len(stream), step)))) for step in (9_999, 3))
    assert whole == cut
    return [value for (value,) in whole[0]]


def collation(locale: int, order: int = 0, flags: int = 0) -> bytes:
    """COLLATION: 20 bits of locale, 8 of flags, 4 of version, a sort order (2.2.5.1.2)."""
    return struct.pack("<IB", locale | flags << 20, order)


def chunks(value: bytes, size: int, head: bytes | None = None) -> bytes:
    """A partially length-prefixed value in chunks (2.2.5.2.3)."""
    pieces = [value[at : at + size] for at in range(0, len(value), size)]
    told = struct.pack("<Q", len(value)) if head is None else head
    return told + b"".join(struct.pack("<I", len(piece)) + piece for piece in pieces) + bytes(4)


# Code pages


@pytest.mark.parametrize(
    ("told", "text", "encoded"),
    [
        (collation(0x0409, 52), "Ž", "8e"),
        (collation(0x0405), "Příliš žluťoučký kůň", "50f8ed6c699a209e6c759d6f75e86bfd206bf9f2"),
        (collation(0x0419), "Привет, мир", "cff0e8e2e5f22c20ece8f0"),
        (collation(0x0401), "مرحبا", "e3d1cdc8c7"),
        (collation(0x0411), "日本語ｱ", "93fa967b8ceab1"),
        (collation(0x10411), "日本語", "93fa967b8cea"),
        (collation(0x0804), "中文", "d6d0cec4"),
        (collation(0x0404), "中文", "a4a4a4e5"),
        (collation(0x0412), "한글", "c7d1b1db"),
        (collation(0x0408), "Ελλάδα", "c5ebebdce4e1"),
        (collation(0x041F), "İstanbul şğ", "dd7374616e62756c20fef0"),
        (collation(0x040D), "שלום", "f9ece5ed"),
        (collation(0x0425), "Õhtu žš", "d568747520fef0"),
        # Vietnamese marks of tone are characters of their own.
        (collation(0x042A), "Vi\u00ea\u0323t \u0110", "5669eaf27420d0"),
        (collation(0x041E), "ไทย", "e4b7c2"),
        (collation(0x0409, 193), "日本", "93fa967b"),
        (collation(0x0409, 81), "ž", "9e"),
        (collation(0x0409, 106), "Ж", "c6"),
        (collation(0x0409, 42), "é", "82"),
        (collation(0x0409, 32), "é", "82"),
        (collation(0x0409, 0, 0x40), "日本語 😀", "e697a5e69cace8aa9e20f09f9880"),
        (collation(0x0411, 0, 0x43), "ünïcode", "c3bc6ec3af636f6465"),
    ],
)
def test_a_varchar_is_read_in_the_code_page_of_its_collation(told: bytes, text: str, encoded: str) -> None:
    data = bytes.fromhex(encoded)
    for token in (b"\xa7", b"\xaf"):
        assert read(token + b"\x40\x1f" + told, struct.pack("<H", len(data)) + data, b"\xff\xff") == [text, None]
    assert read(b"\xa7\xff\xff" + told, chunks(data, 1, UNKNOWN), b"\xff" * 8) == [text, None]
    # text, with a name of three parts, a pointer and a time stamp
    info = b"\x23\xff\xff\xff\x7f" + told + b"\x03" + us_text("db") + us_text("dbo") + us_text("t")
    pointed = b"\x10" + bytes(24) + struct.pack("<I", len(data)) + data
    assert read(info, pointed, b"\0") == [text, None]
    variant = b"\xa7\x07" + told + b"\x40\x1f" + data
    assert read(b"\x62\x49\x1f\0\0", struct.pack("<I", len(variant)) + variant, bytes(4)) == [text, None]


@given(st.integers(0, 0xFFFFFFFF), st.integers(0, 255), st.binary(max_size=30))
def test_whatever_collation_and_bytes_come_they_are_read_and_convert_back(head: int, order: int, data: bytes) -> None:
    told = struct.pack("<IB", head, order)
    (text,) = read(b"\xa7\x40\x1f" + told, struct.pack("<H", len(data)) + data)
    assert text is not None
    if not any("\ud800" <= character <= "\udfff" or "\x80" <= character <= "\x9f" for character in text):
        name = code_page(told)
        # Some code pages have two codes for a character.
        assert text.encode(name, "replace").decode(name) == text


@pytest.mark.parametrize(
    ("told", "data", "text"),
    [
        (collation(0x0409, 52), b"a\x81b\x8d\x9d", "a\x81b\x8d\x9d"),
        (collation(0x0411), b"\x80", "\x80"),
        (collation(0x0804), b"\x80", "€"),
        (collation(0x0411), b"a\x93", "a\udc93"),
        (collation(0x0409, 0, 0x40), b"a\xff", "a\udcff"),
    ],
)
def test_bytes_without_a_character_are_not_lost(told: bytes, data: bytes, text: str) -> None:
    assert read(b"\xa7\x40\x1f" + told, struct.pack("<H", len(data)) + data) == [text]


# Chunks and bitmaps


@pytest.mark.parametrize("size", [1, 2, 3, 4, 1000])
@pytest.mark.parametrize("told", [None, UNKNOWN])
def test_a_large_value_comes_in_chunks_of_any_size(size: int, told: bytes | None) -> None:
    text = "Größe 😀 " * 50
    data = text.encode("utf-16-le")
    assert read(b"\xe7\xff\xff" + LATIN, chunks(data, size, told), chunks(b"", 1, told), b"\xff" * 8) == [
        text, "", None,
    ]  # fmt: skip
    assert read(b"\xa5\xff\xff", chunks(b"\x00\xff", size, told)) == ["0x00FF"]


def test_xml_with_and_without_a_schema() -> None:
    data = "<a>ä</a>".encode("utf-16-le")
    assert read(b"\xf1\x00", chunks(data, 4, UNKNOWN), b"\xff" * 8) == ["<a>ä</a>", None]
    bound = b"\xf1\x01" + b_text("db") + b_text("dbo") + us_text("collection")
    assert read(bound, chunks(data, 5)) == ["<a>ä</a>"]


@pytest.mark.parametrize("size", [0xFFFF, 892, 8000, 1])
def test_types_of_the_clr_are_read_as_bytes(size: int) -> None:
    info = b"\xf0" + struct.pack("<H", size) + b_text("master") + b_text("sys") + b_text("hierarchyid")
    info += us_text("Microsoft.SqlServer.Types.SqlHierarchyId, Microsoft.SqlServer.Types, Version=11.0.0.0")
    assert read(info, chunks(b"\x58\xc0", 1, UNKNOWN), chunks(b"\x58", 8), b"\xff" * 8) == ["0x58C0", "0x58", None]


def test_images_and_national_texts_lie_behind_their_pointers() -> None:
    name = b"\x01" + us_text("t")
    pointed = b"\x10" + b"dummy textptr\0\0\0" + b"dummyTS\0" + struct.pack("<I", 2)
    assert read(b"\x22\xff\xff\xff\x7f" + name, pointed + b"\x01\x02", b"\0") == ["0x0102", None]
    assert read(b"\x63\xfe\xff\xff\x7f" + LATIN + name, pointed + "é".encode("utf-16-le"), b"\0") == ["é", None]


@given(st.integers(1, 40), st.data())
def test_a_bitmap_says_what_is_missing_of_any_number_of_columns(count: int, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.none() | st.integers(-5, 5), min_size=count, max_size=count))
    missing = sum(1 << at for at, value in enumerate(values) if value is None).to_bytes((count + 7) // 8, "little")
    stream = columns(*((f"c{at}", INT) for at in range(count))) + b"\xd2" + missing
    stream += b"".join(int_cell(value) for value in values if value is not None) + done(0x10, 1)
    cuts = data.draw(st.sets(st.integers(1, len(stream)), max_size=5))
    found = replies.texts(replies.session(packets(stream, cuts)))
    assert found == [[tuple(None if value is None else str(value) for value in values)]]


# sql_variant


@pytest.mark.parametrize(
    ("base", "properties", "value", "text"),
    [
        ("38", "", "ffffffff", "-1"),
        ("30", "", "ff", "255"),
        ("34", "", "0080", "-32768"),
        ("7f", "", "0000000000000080", "-9223372036854775808"),
        ("32", "", "01", "true"),
        ("3e", "", "000000000000f83f", "1.5"),
        ("3b", "", "cdcccc3d", "0.1"),
        ("3c", "", "0000000010270000", "1.0000"),
        ("7a", "", "f0d8ffff", "-1.0000"),
        ("3d", "", "00000000 2c010000", "1900-01-01T00:00:01.000"),
        ("3a", "", "00000100", "1900-01-01T00:01:00"),
        ("28", "", "000000", "0001-01-01"),
        ("29", "07", "0100000000", "00:00:00.0000001"),
        ("2a", "03", "01000000 000000", "0001-01-01T00:00:00.001"),
        ("2b", "00", "000000 010000 3c00", "0001-01-02T01:00:00+01:00"),
        ("6c", "0502", "00 64000000", "-1.00"),
        ("6a", "2600", "01 01000000000000000000000000000000", "1"),
        ("24", "", "ff19966f868b11d0b42d00c04fc964ff", "6F9619FF-8B86-D011-B42D-00C04FC964FF"),
        ("a5", "401f", "00ff", "0x00FF"),
        ("e7", "0904d00034401f", "e400", "ä"),
        ("ef", "0904d00034401f", "", ""),
    ],
)
def test_a_variant_is_of_its_own_type(base: str, properties: str, value: str, text: str) -> None:
    told = bytes.fromhex(properties)
    cell = bytes.fromhex(base) + bytes([len(told)]) + told + bytes.fromhex(value.replace(" ", ""))
    assert read(b"\x62\x49\x1f\0\0", struct.pack("<I", len(cell)) + cell, bytes(4)) == [text, None]


# Descriptions of columns


@pytest.mark.parametrize("flags", [0x0000, 0x0001, 0x0008, 0x0010, 0x0020, 0x0100, 0x0400, 0x4000, 0x8000, 0xDFFF])
def test_flags_of_columns_change_nothing(flags: int) -> None:
    stream = columns(("n", INT), flags=[flags]) + row(int_cell(1)) + done(0x10, 1)
    assert replies.texts(replies.session(packets(stream))) == [[("1",)]]


def test_columns_that_nobody_asked_for_are_read_and_left_out() -> None:
    described = columns(("t", replies.NVARCHAR), ("key", INT), flags=[0x0009, 0x6000])
    stream = described + row(text_cell("a"), int_cell(1)) + row(text_cell(None), int_cell(2)) + done(0x10, 2)
    assert replies.texts(replies.session(packets(stream))) == [[("a",), (None,)]]


@pytest.mark.parametrize("nothing", [b"\x81\xff\xff", b"\x81\x00\x00"])
def test_a_description_of_no_columns_is_no_result(nothing: bytes) -> None:
    stream = nothing + done(0x11, 3) + columns(("n", INT)) + row(int_cell(1)) + done(0x10, 1)
    assert replies.texts(replies.session(packets(stream))) == [[("1",)]]
