"""Rows as bytes of ROW and NBCROW tokens ([MS-TDS] 2.2.7.19 and 2.2.7.15), whole columns at a time.

Where each row and each value begins is worked out first; then every column is scattered to its places.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np

from lytics_azure_tui.sandbox.tds import times, types
from lytics_azure_tui.sandbox.tds.arrow import Array, ArrowColumn, Batch
from lytics_azure_tui.sandbox.tds.types import SqlType

_ROW = 0xD1
_NBCROW = 0xD2
_FEWEST_FOR_BITMAP = 8
_DAYS_TO_1970 = 719_162
_LONGEST_IN_ROW = 8000
_SLACK = 16
_POINTER = b"\x10dummy textptr\0\0\0dummyTS\0"
"""The length of a text pointer, one that points nowhere, and a time stamp."""


@dataclass(slots=True)
class _Cells:
    """A column ready to be written.

    Attributes:
        nulls: as in the batch.
        null: what stands for NULL in a ROW.
        sizes: bytes of each value, one number if all are the same.
        pieces: of a fixed layout: numbers one after the other.
        data: of texts and bytes, with `starts` and `lengths`; `plp`, `wide` and `pointed` tell how they are framed.
    """

    nulls: Array | None
    null: bytes
    sizes: Array | int
    pieces: Sequence[Array | int]
    data: Array | None = None
    starts: Array | None = None
    lengths: Array | None = None
    plp: bool = False
    wide: bool = False
    pointed: bool = False


def encode(batch: Batch, columns: Sequence[SqlType]) -> memoryview:
    """The tokens of all rows of a batch."""
    rows, _ = encode_rows(batch, columns)
    return rows


def encode_rows(batch: Batch, columns: Sequence[SqlType]) -> tuple[memoryview, Array]:
    """The tokens of all rows of a batch, and where each row ends."""
    count = batch.length
    cells = [_cells(column, type_, count) for column, type_ in zip(batch.columns, columns, strict=True)]
    compact = _rows_with_bitmap(cells)
    bitmap = (len(cells) + 7) // 8
    head: Array | int = 1 if compact is None else 1 + bitmap * compact.astype(np.int64)
    sizes = [_sizes(one, compact) for one in cells]
    total = np.zeros(count, np.int64) + head
    for size in sizes:
        total += size
    ends = np.cumsum(total)
    starts = ends - total
    out = np.empty((int(ends[-1]) if count else 0) + _SLACK, np.uint8)
    at = starts + head
    for one, size in zip(cells, sizes, strict=True):
        if one.nulls is None:
            _write(out, at, one, None)
        else:
            there = np.flatnonzero(~one.nulls)
            _write(out, at[there], one, there)
            plain = one.nulls if compact is None else one.nulls & ~compact
            _fill(out, at[plain], one.null)
        at = at + size
    _heads(out, starts, compact, cells)
    return out.data[: len(out) - _SLACK], ends


def _rows_with_bitmap(cells: Sequence[_Cells]) -> Array | None:
    """The rows that say by a bitmap which values are NULL; None if there is none."""
    with_nulls = [one.nulls for one in cells if one.nulls is not None]
    if len(cells) < _FEWEST_FOR_BITMAP or not with_nulls:
        return None
    rows: Array = np.logical_or.reduce(with_nulls)
    return rows


def _sizes(cells: _Cells, compact: Array | None) -> Array | int:
    if cells.nulls is None:
        return cells.sizes
    nothing: Array | int = len(cells.null)
    if compact is not None:
        nothing = np.where(compact, 0, nothing)
    sizes: Array = np.where(cells.nulls, nothing, cells.sizes)
    return sizes


def _heads(out: Array, starts: Array, compact: Array | None, cells: Sequence[_Cells]) -> None:
    out[starts] = _ROW
    if compact is None:
        return
    rows = np.flatnonzero(compact)
    places = starts[rows]
    out[places] = _NBCROW
    flags = np.zeros((len(rows), len(cells)), bool)
    for number, one in enumerate(cells):
        if one.nulls is not None:
            flags[:, number] = one.nulls[rows]
    packed = np.packbits(flags, axis=1, bitorder="little")
    for byte in range(packed.shape[1]):
        out[places + 1 + byte] = packed[:, byte]


def _write(out: Array, at: Array, cells: _Cells, there: Array | None) -> None:
    if cells.data is None:
        for piece in cells.pieces:
            if isinstance(piece, int):
                out[at] = piece
                at = at + 1
            else:
                _put(out, at, piece if there is None else piece[there])
                at = at + piece.itemsize
        return
    starts, lengths = cells.starts, cells.lengths
    assert starts is not None and lengths is not None  # noqa: S101
    if there is not None:
        starts, lengths = starts[there], lengths[there]
    if cells.pointed:
        _fill(out, at, _POINTER)
        at = at + len(_POINTER)
    if not cells.plp:
        _put(out, at, lengths.astype("<u4" if cells.wide else "<u2"))
        copy_ranges(out, at + (4 if cells.wide else 2), cells.data, starts, lengths)
        return
    _put(out, at, lengths.astype("<u8"))
    full = np.flatnonzero(lengths)
    _put(out, at[full] + 8, lengths[full].astype("<u4"))
    copy_ranges(out, at + 12, cells.data, starts, lengths)
    _put(out, at + np.where(lengths > 0, 12 + lengths, 8), np.zeros(len(at), "<u4"))


def _put(out: Array, at: Array, values: Array) -> None:
    """Writes numbers at any places, whether they are aligned or not."""
    width = values.itemsize
    if width == 1:
        out[at] = values.view(np.uint8)
        return
    kind = f"<u{width}"
    places: Array = np.ndarray((len(out) - width + 1,), kind, out, strides=(1,))
    places[at] = values.view(kind)


def _fill(out: Array, at: Array, pattern: bytes) -> None:
    for offset, byte in enumerate(pattern):
        out[at + offset] = byte


_ALONE = 65_536


def copy_ranges(out: Array, to: Array, data: Array, start: Array, length: Array) -> None:
    """Copies many ranges of bytes, eight bytes at a time; the last eight of a range overlap those before.

    Args:
        out: is written.
        to: where each range goes.
        data: is read.
        start: where each range begins in `data`.
        length: of each range, in bytes.
    """
    single = np.flatnonzero(length == 1)
    out[to[single]] = data[start[single]]
    for width, most in ((2, 4), (4, 8)):
        some = np.flatnonzero((length >= width) & (length < most))
        if len(some):
            _copy_words(out, to[some], data, start[some], width)
            last = length[some] - width
            _copy_words(out, to[some] + last, data, start[some] + last, width)
    for one in np.flatnonzero(length >= _ALONE):
        out[to[one] : to[one] + length[one]] = data[start[one] : start[one] + length[one]]
    long = np.flatnonzero((length >= 8) & (length < _ALONE))
    if not len(long):
        return
    to, start, length = to[long], start[long], length[long]
    words = (length + 7) // 8
    before = np.cumsum(words) - words
    step = np.arange(int(words.sum())) - np.repeat(before, words)
    step *= 8
    np.minimum(step, np.repeat(length - 8, words), out=step)
    source = np.repeat(start, words)
    source += step
    step += np.repeat(to, words)
    _copy_words(out, step, data, source, 8)


def _copy_words(out: Array, to: Array, data: Array, start: Array, width: int) -> None:
    kind = f"<u{width}"
    source: Array = np.ndarray((len(data) - width + 1,), kind, data, strides=(1,))
    target: Array = np.ndarray((len(out) - width + 1,), kind, out, strides=(1,))
    target[to] = source[start]


# ---- the columns


def _cells(column: ArrowColumn, type_: SqlType, count: int) -> _Cells:
    name = type_.name
    if type_.text:
        return _text(column, type_)
    if type_.binary:
        starts, lengths = column.offsets[:-1], np.diff(column.offsets)
        return _variable(column.nulls, column.data, starts, lengths, type_)
    if name == "sql_variant":
        return _variants(column, count)
    if name == "timestamp":
        return _fixed(column.nulls, [0x08, 0x00, column.values.astype(">i8").view("<i8")], b"\xff\xff")
    pieces = _PIECES[name](column.values, type_)
    if types.has_fixed_form(type_):
        return _fixed(column.nulls, pieces, b"")
    width = sum(1 if isinstance(piece, int) else piece.itemsize for piece in pieces)
    return _fixed(column.nulls, [width, *pieces], b"\0")


def _fixed(nulls: Array | None, pieces: Sequence[Array | int], null: bytes) -> _Cells:
    if nulls is not None and not null:
        raise ValueError("a column that is told as NOT NULL holds a NULL")
    width = sum(1 if isinstance(piece, int) else piece.itemsize for piece in pieces)
    return _Cells(nulls, null, width, pieces)


def _variable(nulls: Array | None, data: Array, starts: Array, lengths: Array, type_: SqlType) -> _Cells:
    if type_.pointed:
        sizes = len(_POINTER) + 4 + lengths
        return _Cells(nulls, b"\0", sizes, (), data, starts, lengths, wide=True, pointed=True)
    if type_.large:
        sizes = np.where(lengths > 0, 16 + lengths, 12)
        return _Cells(nulls, b"\xff" * 8, sizes, (), data, starts, lengths, plp=True)
    lengths = np.minimum(lengths, _LONGEST_IN_ROW)
    return _Cells(nulls, b"\xff\xff", 2 + lengths, (), data, starts, lengths)


def _text(column: ArrowColumn, type_: SqlType) -> _Cells:
    offsets = column.offsets
    first, last = int(offsets[0]), int(offsets[-1])
    data, offsets = column.data[first:last], offsets - first
    if type_.national:
        data, offsets = _utf16(data, offsets)
    elif len(data) and data.max() >= 0x80:
        # Every character is one byte; what the code page lacks is a question mark.
        text = data.tobytes().decode().encode(types.CODE_PAGE, "replace")
        offsets = _counted((data & 0xC0) != 0x80)[offsets]
        data = np.frombuffer(text, np.uint8)
    return _variable(column.nulls, data, offsets[:-1], np.diff(offsets), type_)


def _utf16(data: Array, offsets: Array) -> tuple[Array, Array]:
    if not len(data) or data.max() < 0x80:
        return data.astype("<u2").view(np.uint8), offsets * 2
    # A character takes one unit, or two if its UTF-8 has four bytes; only its first byte counts.
    units = ((data & 0xC0) != 0x80).astype(np.int64)
    units += data >= 0xF0
    text = data.tobytes().decode().encode("utf-16-le")
    return np.frombuffer(text, np.uint8), _counted(units)[offsets] * 2


def _counted(numbers: Array) -> Array:
    return np.concatenate(([0], np.cumsum(numbers, dtype=np.int64)))


def _number(kind: str) -> Any:
    return lambda values, type_: [values.astype(kind)]


def _decimal(values: Array, type_: SqlType) -> list[Array | int]:
    width = types.decimal_bytes(type_.precision) - 1
    low, high = values[:, 0], values[:, 1]
    negative = high < 0
    sign = (~negative).astype(np.uint8)
    # Nineteen digits fit into 64 bits only without a sign.
    if type_.precision < 19:
        number = np.abs(low)
        return [sign, number.astype("<u4" if width == 4 else "<u8")]
    low, high = low.astype("<u8"), high.astype("<u8")
    flipped = ~low + np.uint64(1)
    high = np.where(negative, ~high + (flipped == 0), high)
    low = np.where(negative, flipped, low)
    if width == 8:
        return [sign, low]
    return [sign, low, high.astype("<u4") if width == 12 else high]


def _money(values: Array, type_: SqlType) -> list[Array | int]:
    number = values[:, 0]
    if type_.name == "smallmoney":
        return [number.astype("<i4")]
    return [(number >> 32).astype("<i4"), (number & 0xFFFFFFFF).astype("<u4")]


def _date(values: Array, type_: SqlType) -> list[Array | int]:
    return _days(values.astype(np.int64) + _DAYS_TO_1970)


def _days(days: Array) -> list[Array | int]:
    return [(days & 0xFFFF).astype("<u2"), (days >> 16).astype(np.uint8)]


def _time(ticks: Array, type_: SqlType) -> list[Array | int]:
    scaled = ticks // 10 ** (7 - type_.scale)
    width = types.time_bytes(type_.scale)
    if width == 3:
        return _days(scaled)
    low = (scaled & 0xFFFFFFFF).astype("<u4")
    return [low] if width == 4 else [low, (scaled >> 32).astype(np.uint8)]


def _datetime2(ticks: Array, type_: SqlType) -> list[Array | int]:
    days = ticks // times.DAY
    return [*_time(ticks - days * times.DAY, type_), *_days(days)]


def _datetimeoffset(values: Array, type_: SqlType) -> list[Array | int]:
    # A 128-bit number without a decimal's scale comes as sixteen bytes.
    halves = np.ascontiguousarray(values).view("<i8")
    low, high = halves[:, 0].astype("<u8"), halves[:, 1]
    ticks = (high << 53) | (low >> np.uint64(11)).astype(np.int64)
    minutes = (low & np.uint64(2047)).astype(np.int64) - 1024
    return [*_datetime2(ticks, type_), minutes.astype("<i2")]


def _datetime(ticks: Array, type_: SqlType) -> list[Array | int]:
    days = ticks // times.DAY
    rest = ticks - days * times.DAY
    return [(days - times.DAYS_TO_1900).astype("<i4"), ((rest * 3 + 50_000) // 100_000).astype("<u4")]


def _smalldatetime(ticks: Array, type_: SqlType) -> list[Array | int]:
    days = ticks // times.DAY
    minutes = (ticks - days * times.DAY) // times.MINUTE
    return [(days - times.DAYS_TO_1900).astype("<u2"), minutes.astype("<u2")]


# The first three fields of a GUID travel with their lowest byte first.
_GUID_ORDER = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]


def _guid(values: Array, type_: SqlType) -> list[Array | int]:
    halves = np.ascontiguousarray(values[:, _GUID_ORDER]).view("<u8")
    return [np.ascontiguousarray(halves[:, 0]), np.ascontiguousarray(halves[:, 1])]


_PIECES = {
    "bit": _number("<u1"), "tinyint": _number("<u1"), "smallint": _number("<i2"), "int": _number("<i4"),
    "bigint": _number("<i8"), "real": _number("<f4"), "float": _number("<f8"), "decimal": _decimal,
    "numeric": _decimal, "money": _money, "smallmoney": _money, "date": _date, "time": _time, "datetime2": _datetime2,
    "datetimeoffset": _datetimeoffset, "datetime": _datetime, "smalldatetime": _smalldatetime,
    "uniqueidentifier": _guid,
}  # fmt: skip


# ---- sql_variant: few, and each of its own type


def _variants(column: ArrowColumn, count: int) -> _Cells:
    data = column.data.tobytes()
    offsets = column.offsets
    values = []
    for row in range(count):
        text = data[offsets[row] : offsets[row + 1]].decode()
        values.append(b"" if column.nulls is not None and column.nulls[row] else variant(text))
    lengths = np.array([len(value) for value in values], np.int64)
    joined = np.frombuffer(b"".join(values), np.uint8)
    starts = np.cumsum(lengths) - lengths
    return _Cells(column.nulls, b"\0\0\0\0", 4 + lengths, (), joined, starts, lengths, wide=True)


def variant(text: str) -> bytes:  # noqa: PLR0911 -- one a kind
    """A sql_variant, kept as type|text, as it travels: base type, properties, value."""
    name, _, value = text.partition("|")
    base, _, scale_text = name.rstrip(")").partition("(")
    if base in ("int", "bigint", "smallint", "tinyint"):
        token = {"int": 0x38, "bigint": 0x7F, "smallint": 0x34, "tinyint": 0x30}[base]
        width = types.FIXED_BYTES[base]
        return bytes([token, 0]) + int(value).to_bytes(width, "little", signed=base != "tinyint")
    if base == "bit":
        return bytes([0x32, 0, value in ("1", "true")])
    if base in ("float", "real"):
        return bytes([0x3E, 0]) + struct.pack("<d", float(value))
    if base in ("decimal", "numeric"):
        precision, scale = (int(part) for part in scale_text.split(","))
        number = int(Decimal(value).scaleb(scale))
        return bytes([0x6A, 2, precision, scale, number >= 0]) + abs(number).to_bytes(16, "little")
    if base == "uniqueidentifier":
        return bytes([0x24, 0]) + UUID(value).bytes_le
    if base == "varchar":
        encoded = value.encode(types.CODE_PAGE, "replace")
        return bytes([0xA7, 7]) + types.COLLATION + struct.pack("<H", 8000) + encoded
    return bytes([0xE7, 7]) + types.COLLATION + struct.pack("<H", 8000) + value.encode("utf-16-le")
