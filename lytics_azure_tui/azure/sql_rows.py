"""Rows of a result set, faster than pytds reads them: a reader is made once from the column types and walks through the
packets, a row at a time without an object for the row; the cells of a column become text together.

What stands between rows, before and behind them is the session's to read: see `sql_wire`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pytds import tds_base, tds_types

from lytics_azure_tui.azure import sql_text as text
from lytics_azure_tui.azure.sql_text import Convert, Texts
from lytics_azure_tui.azure.sql_variant import variants
from lytics_azure_tui.azure.sql_wire import ROWS
from lytics_azure_tui.errors import Fatal

BATCH_ROWS = 32_768
BATCH_BYTES = 16 << 20
_READ = 256 << 10
_HIDDEN = 0x2000
"""A column that nobody asked for: the key of a table, for FOR BROWSE (MS-TDS 2.2.7.4)."""
_TIME_STAMP = 8
_NULL_SHORT, _NULL_LONG, _UNKNOWN_LONG = 0xFFFF, (1 << 64) - 1, (1 << 64) - 2

Walk = Callable[[bytes, int, int, int, list[list[bytes | None]]], tuple[int, int]]
"""(bytes, where to begin, most rows, most bytes, a list of cells for each column) → (rows that are whole, where they
end). Cells of a row that is not whole may be left at the lists' ends."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a column's cells lie on the wire (MS-TDS 2.2.5.4), and how they become text.

    Attributes:
        kind: "fixed" (no length in front, never missing), "byte", "short" and "wide" (a length of one, two or four
            bytes), "long" (in chunks), "pointer" (behind a text pointer and a time stamp).
        size: bytes of a fixed one.
    """

    kind: str
    size: int
    convert: Convert


def batches(session: Any, *, rows: int = BATCH_ROWS, size: int = BATCH_BYTES) -> Iterator[list[Texts]]:
    """The rows of the result set that a pytds session is at, as lists of texts, one for each column.

    Args:
        session: `sql_wire.Session`, behind a description of columns.
        rows, size: at most so many rows, and about so many bytes of the wire, at a time.

    Raises:
        pytds.DatabaseError: the server's error instead of the rest.
        Incomplete: the reply ends in the middle.
    """
    shapes = [shape(column) for column in session.res_info.columns]
    walk = walker(shapes)
    names = [column.column_name for column in session.res_info.columns]
    shown = [at for at, column in enumerate(session.res_info.columns) if not column.flags & _HIDDEN]

    def texts() -> list[Texts]:
        return [_converted(shapes[at], cells[at], names[at]) for at in shown]

    reader = session._reader
    cells: list[list[bytes | None]] = [[] for _ in shapes]
    count, taken = 0, 0
    while session.more_rows:
        if reader.peek() not in ROWS:
            session.pass_token()
            continue
        data, place = reader.held
        found, end = walk(data, place, rows - count, size - taken, cells)
        count, taken = count + found, taken + end - place
        for column in cells:
            del column[count:]
        reader.move(end)
        if count >= rows or taken >= size:
            yield texts()
            cells, count, taken = [[] for _ in shapes], 0, 0
        elif not found:
            # A row that is larger than what was read is not looked at again before as much again has come.
            reader.gather(max(_READ, len(data) - end))
    if count:
        yield texts()


def _converted(one: Shape, cells: Sequence[bytes | None], name: str) -> Texts:
    try:
        return one.convert(cells)
    except (struct.error, LookupError, ValueError, ArithmeticError) as error:
        raise Fatal(
            f"A value of the column {name} could not be read", why="It is not one that the type of the column can hold"
        ) from error


# The reader of a result set


def walker(shapes: Sequence[Shape]) -> Walk:
    """A function that walks over rows of these shapes.

    It is written out for them and compiled: a loop over the columns would take more time than all it does for them.
    """
    null_bytes = (len(shapes) + 7) // 8
    lines = ["def walk(data, place, most, size, cells):", "    rows, last = 0, place + size"]
    lines += [f"    put{index} = cells[{index}].append" for index in range(len(shapes))]
    lines += [
        "    whole = len(data)",
        "    at = place",
        "    try:",
        "        while rows < most and place < last:",
        "            token = data[at]",
        "            if token == ROW:",
        "                at += 1",
    ]
    for index, one in enumerate(shapes):
        lines += _read_cell(index, one, indent=16)
    lines += [
        "            elif token == NBC_ROW:",
        f"                missing = number(data[at + 1 : at + {1 + null_bytes}], 'little')",
        f"                at += {1 + null_bytes}",
    ]
    for index, one in enumerate(shapes):
        lines += [f"                if missing & {1 << index}:", f"                    put{index}(None)"]
        lines += ["                else:", *_read_cell(index, one, indent=20)]
    lines += [
        "            else:",
        "                break",
        "            if at > whole:",
        "                break",
        "            place = at",
        "            rows += 1",
        "    except IndexError:",
        "        pass",
        "    return rows, place",
    ]
    space: dict[str, Any] = {
        "ROW": tds_base.TDS_ROW_TOKEN, "NBC_ROW": tds_base.TDS_NBC_ROW_TOKEN,
        "number": int.from_bytes, "long_cell": _long_cell,
    }  # fmt: skip
    # Nothing of the server's is in these lines but the count of its columns and their sizes.
    exec("\n".join(lines), space)  # noqa: S102
    return cast(Walk, space["walk"])


def _read_cell(index: int, one: Shape, *, indent: int) -> list[str]:
    """Lines that put one cell, and move `at` behind it."""
    match one.kind:
        case "fixed":
            lines = [f"put{index}(data[at : at + {one.size}])", f"at += {one.size}"]
        case "byte":
            lines = [
                "end = at + 1 + data[at]",
                f"put{index}(data[at + 1 : end] if end > at + 1 else None)",
                "at = end",
            ]
        case "short":
            lines = [
                "length = data[at] | data[at + 1] << 8",
                "at += 2",
                f"if length == {_NULL_SHORT}:",
                f"    put{index}(None)",
                "else:",
                f"    put{index}(data[at : at + length])",
                "    at += length",
            ]
        case "wide":
            lines = [
                "length = number(data[at : at + 4], 'little')",
                "at += 4",
                f"put{index}(data[at : at + length] if length else None)",
                "at += length",
            ]
        case "pointer":
            lines = [
                "if data[at] == 0:",
                f"    put{index}(None)",
                "    at += 1",
                "else:",
                f"    at += {1 + _TIME_STAMP} + data[at]",
                "    length = number(data[at : at + 4], 'little')",
                "    at += 4",
                f"    put{index}(data[at : at + length])",
                "    at += length",
            ]
        case _:
            lines = ["cell, at = long_cell(data, at)", f"put{index}(cell)"]
    return [" " * indent + line for line in lines]


def _long_cell(data: bytes, at: int) -> tuple[bytes | None, int]:
    """A value in chunks (MS-TDS 2.2.5.2.3). Raises IndexError when it is not all there."""
    if len(data) < at + 8:
        raise IndexError
    total = int.from_bytes(data[at : at + 8], "little")
    at += 8
    if total == _NULL_LONG:
        return None, at
    if total != _UNKNOWN_LONG and len(data) < at + total:
        raise IndexError
    chunks: list[tuple[int, int]] = []
    while True:
        if len(data) < at + 4:
            raise IndexError
        length = int.from_bytes(data[at : at + 4], "little")
        at += 4
        if length == 0:
            return b"".join(data[start:end] for start, end in chunks), at
        if len(data) < at + length:
            raise IndexError
        chunks.append((at, at + length))
        at += length


# Types


def shape(column: Any) -> Shape:
    """What a column of pytds' is on the wire.

    Raises:
        Fatal: its values cannot be read exactly.
    """
    serializer = column.serializer
    maker = _SHAPES.get(serializer.type)
    if maker is None:
        raise Fatal(
            f"the column {column.column_name} is of a type that cannot be read exactly",
            why=f"On the wire it is type {serializer.type}",
            fix="Make a view that converts the column to another type, and import the view",
        )
    return maker(serializer)


def _fixed(size: int, convert: Convert) -> Callable[[Any], Shape]:
    return lambda _: Shape("fixed", size, convert)


def _sized(make: Callable[[int], Convert]) -> Callable[[Any], Shape]:
    return lambda serializer: Shape("byte", 0, make(serializer.size))


def _scaled(make: Callable[[int], Convert], attribute: str = "precision") -> Callable[[Any], Shape]:
    return lambda serializer: Shape("byte", 0, make(getattr(serializer, attribute) or 0))


def _text(serializer: Any) -> Shape:
    long = isinstance(serializer, tds_types.NVarCharMaxSerializer)
    return Shape("long" if long else "short", 0, text.unicode_text)


def _code_page(serializer: Any) -> Shape:
    long = isinstance(serializer, tds_types.VarCharMaxSerializer)
    return Shape("long" if long else "short", 0, text.code_page_text(serializer._codec.name))


def _bytes(serializer: Any) -> Shape:
    long = isinstance(serializer, tds_types.VarBinarySerializerMax)
    return Shape("long" if long else "short", 0, text.binary)


def _old_text(serializer: Any) -> Shape:
    return Shape("pointer", 0, text.code_page_text(serializer._codec.name))


_SHAPES: dict[int, Callable[[Any], Shape]] = {
    tds_base.SYBBIT: _fixed(1, text.bit),
    tds_base.SYBINT1: _fixed(1, text.whole(1)),
    tds_base.SYBINT2: _fixed(2, text.whole(2)),
    tds_base.SYBINT4: _fixed(4, text.whole(4)),
    tds_base.SYBINT8: _fixed(8, text.whole(8)),
    tds_base.SYBREAL: _fixed(4, text.floating(4)),
    tds_base.SYBFLT8: _fixed(8, text.floating(8)),
    tds_base.SYBMONEY4: _fixed(4, text.money(4)),
    tds_base.SYBMONEY: _fixed(8, text.money(8)),
    tds_base.SYBDATETIME4: _fixed(4, text.old_moment(4)),
    tds_base.SYBDATETIME: _fixed(8, text.old_moment(8)),
    tds_base.SYBBITN: _sized(lambda _: text.bit),
    tds_base.SYBINTN: _sized(text.whole),
    tds_base.SYBFLTN: _sized(text.floating),
    tds_base.SYBMONEYN: _sized(text.money),
    tds_base.SYBDATETIMN: _sized(text.old_moment),
    tds_base.SYBDECIMAL: _scaled(text.decimal, "scale"),
    tds_base.SYBNUMERIC: _scaled(text.decimal, "scale"),
    tds_base.SYBMSDATE: _sized(lambda _: text.each(text.day)),
    tds_base.SYBMSTIME: _scaled(text.clock),
    tds_base.SYBMSDATETIME2: _scaled(text.moment),
    tds_base.SYBMSDATETIMEOFFSET: _scaled(text.moment_with_offset),
    tds_base.SYBUNIQUE: _sized(lambda _: text.guid),
    tds_base.XSYBNVARCHAR: _text,
    tds_base.XSYBNCHAR: _text,
    tds_base.SYBMSXML: _text,
    tds_base.XSYBVARCHAR: _code_page,
    tds_base.XSYBCHAR: _code_page,
    tds_base.XSYBVARBINARY: _bytes,
    tds_base.XSYBBINARY: _bytes,
    tds_base.SYBVARIANT: lambda _: Shape("wide", 0, variants),
    tds_base.UDTTYPE: lambda _: Shape("long", 0, text.binary),
    tds_base.SYBTEXT: _old_text,
    tds_base.SYBNTEXT: lambda _: Shape("pointer", 0, text.unicode_text),
    tds_base.SYBIMAGE: lambda _: Shape("pointer", 0, text.binary),
}
