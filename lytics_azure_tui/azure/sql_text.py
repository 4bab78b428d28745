"""Values of SQL Server as text that converts back exactly: from the bytes of a column's cells, many at a time.

The layouts are those of MS-TDS, 2.2.5.4 and 2.2.5.5. Texts are what T-SQL takes back: numbers in decimals, times in ISO
8601 with all digits that the column has, binary values as 0x…, identifiers in upper case.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import lru_cache, partial

from lytics_azure_tui.azure.sql_collation import ERRORS

Cells = Sequence[bytes | None]
Texts = list[str | None]
Convert = Callable[[Cells], Texts]

_UNIT = "\x1f"
_UNIT_16 = _UNIT.encode("utf-16-le")
_EPOCH_1900 = (date(1900, 1, 1) - date(1, 1, 1)).days
_DAY = 86_400
_int = int.from_bytes


def each(one: Callable[[bytes], str]) -> Convert:
    """A conversion cell by cell."""
    return lambda cells: [None if cell is None else one(cell) for cell in cells]


def _machine(code: str, many: Callable[[array[int]], list[str]]) -> Convert:
    """A conversion of numbers that the machine knows; they are read all at once."""

    def convert(cells: Cells) -> Texts:
        present = [cell for cell in cells if cell is not None]
        values = array(code)
        values.frombytes(b"".join(present))
        if sys.byteorder == "big":
            values.byteswap()
        return _back(cells, present, many(values))

    return convert


def _back(cells: Cells, present: Sequence[bytes], texts: list[str]) -> Texts:
    """Puts the missing ones between the texts of those that are present.

    Raises:
        ValueError: cells are not of the size that all of the column have.
    """
    if len(texts) != len(present):
        raise ValueError("cells of other sizes")
    if len(present) == len(cells):
        return list(texts)
    following = iter(texts)
    return [None if cell is None else next(following) for cell in cells]


# Numbers


def whole(size: int) -> Convert:
    """tinyint (which has no sign), smallint, int, bigint."""
    return _machine({1: "B", 2: "h", 4: "i", 8: "q"}[size], lambda values: [str(value) for value in values])


bit: Convert = each(lambda cell: "true" if cell[0] else "false")


def floating(size: int) -> Convert:
    """real and float: the fewest digits that tell the value from its neighbours."""
    return _machine("d", lambda values: [repr(value) for value in values]) if size == 8 else each(_real)


def _real(cell: bytes) -> str:
    value = struct.unpack("<f", cell)[0]
    for digits in range(6, 9):
        text = f"{value:.{digits}g}"
        if struct.pack("<f", float(text)) == cell:
            return repr(float(text))
    return repr(float(f"{value:.9g}"))


def money(size: int) -> Convert:
    """smallmoney and money: four decimals. The eight bytes of money are two halves, the higher first."""
    if size == 4:
        return each(lambda cell: _fixed(_int(cell, "little", signed=True), 4))
    return each(lambda cell: _fixed(_int(cell[4:] + cell[:4], "little", signed=True), 4))


def decimal(scale: int) -> Convert:
    """decimal and numeric: a sign, then the digits as one whole number."""
    if scale == 0:
        return each(lambda cell: str(_int(cell[1:], "little")) if cell[0] else str(-_int(cell[1:], "little")))
    one = 10**scale

    def text(cell: bytes) -> str:
        high, low = divmod(_int(cell[1:], "little"), one)
        return f"{high}.{low:0{scale}}" if cell[0] or not (high or low) else f"-{high}.{low:0{scale}}"

    return each(text)


def _fixed(value: int, scale: int) -> str:
    high, low = divmod(abs(value), 10**scale)
    return f"{'-' if value < 0 else ''}{high}.{low:0{scale}}"


# Times


@lru_cache(200_000)
def _day(days: int) -> str:
    """A day by its number from 0001-01-01."""
    return str(date(1, 1, 1) + timedelta(days))


@lru_cache(_DAY)
def _second(seconds: int) -> str:
    """A second of a day."""
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{second:02}"


def day(cell: bytes) -> str:
    """Date: three bytes."""
    return _day(_int(cell, "little"))


def _clock(ticks: int, scale: int) -> str:
    if scale == 0:
        return _second(ticks)
    seconds, fraction = divmod(ticks, 10**scale)
    return f"{_second(seconds)}.{fraction:0{scale}}"


def clock(scale: int) -> Convert:
    """Time: ticks of the scale since midnight."""
    return each(lambda cell: _clock(_int(cell, "little"), scale))


def moment(scale: int) -> Convert:
    """datetime2: the time, then three bytes of the day."""
    if scale == 0:
        return each(lambda cell: f"{_day(_int(cell[-3:], 'little'))}T{_clock(_int(cell[:-3], 'little'), 0)}")
    one, shift = 10**scale, 8 * time_size(scale)
    below = (1 << shift) - 1

    def text(cell: bytes) -> str:
        value = _int(cell, "little")
        seconds, fraction = divmod(value & below, one)
        return f"{_day(value >> shift)}T{_second(seconds)}.{fraction:0{scale}}"

    return each(text)


def moment_with_offset(scale: int) -> Convert:
    """datetimeoffset: on the wire in UTC, with minutes of offset behind it; as text the local time and the offset."""
    one = 10**scale

    def text(cell: bytes) -> str:
        offset = _int(cell[-2:], "little", signed=True)
        ticks = _int(cell[:-5], "little") + offset * 60 * one
        days = _int(cell[-5:-2], "little")
        over, ticks = divmod(ticks, _DAY * one)
        hours, minutes = divmod(abs(offset), 60)
        return f"{_day(days + over)}T{_clock(ticks, scale)}{'-' if offset < 0 else '+'}{hours:02}:{minutes:02}"

    return each(text)


def old_moment(size: int) -> Convert:
    """smalldatetime: days and minutes. Datetime: days from 1900 and 1/300 of a second, told as .000, .003, .007."""
    if size == 4:
        return each(
            lambda cell: f"{_day(_EPOCH_1900 + _int(cell[:2], 'little'))}T{_second(_int(cell[2:], 'little') * 60)}"
        )

    def text(cell: bytes) -> str:
        days, ticks = struct.unpack("<iI", cell)
        return f"{_day(_EPOCH_1900 + days)}T{_clock((ticks * 20 + 3) // 6, 3)}"

    return each(text)


def time_size(scale: int) -> int:
    """Bytes of a time of that many decimals."""
    return 3 if scale <= 2 else 4 if scale <= 4 else 5


# Text, bytes, identifiers


def unicode_text(cells: Cells) -> Texts:
    """Nchar, nvarchar, xml: UTF-16. A lone half of a pair stays one, for the caller to find."""
    present = [cell for cell in cells if cell is not None]
    try:
        texts = _UNIT_16.join(present).decode("utf-16-le").split(_UNIT) if present else []
    except UnicodeDecodeError:
        texts = []
    if len(texts) != len(present):
        # A separator inside a value, or a pair cut in two: one by one.
        texts = [cell.decode("utf-16-le", "surrogatepass") for cell in present]
    return _back(cells, present, texts)


def code_page_text(codec: str) -> Convert:
    """Char and varchar: in the code page of the column's collation."""
    return each(partial(str, encoding=codec, errors=ERRORS))


binary: Convert = each(lambda cell: "0x" + cell.hex().upper())

_GUID_ORDER = (3, 2, 1, 0, 5, 4, 7, 6, *range(8, 16))
_GUID_PLACES = tuple(place for place in range(36) if place not in (8, 13, 18, 23))


def guid(cells: Cells) -> Texts:
    """Uniqueidentifier: its first three groups are little-endian. Column by column of bytes, as there are only 16."""
    present = [cell for cell in cells if cell is not None]
    count, raw = len(present), b"".join(present)
    ordered = bytearray(16 * count)
    for place, source in enumerate(_GUID_ORDER):
        ordered[place::16] = raw[source::16]
    digits = ordered.hex().upper().encode()
    written = bytearray(b"-" * (36 * count))
    for place, target in enumerate(_GUID_PLACES):
        written[target::36] = digits[place::32]
    text = written.decode()
    return _back(cells, present, [text[start : start + 36] for start in range(0, 36 * count, 36)])
