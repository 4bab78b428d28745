"""Walking over rows on the wire: whatever they are, and wherever the bytes are cut, each cell comes out as it was."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from lytics_azure_tui.azure.sql_rows import Shape, walker
from lytics_azure_tui.azure.sql_text import binary

ROW, NBC_ROW, DONE = b"\xd1", b"\xd2", b"\xfd"
KINDS = ("fixed", "byte", "short", "wide", "long", "pointer")
SIZE = 3


def cell(kind: str, value: bytes | None, chunk: int = 4) -> bytes:  # noqa: PLR0911 -- one a kind
    """A cell as MS-TDS 2.2.5.4 lays it out; long ones in chunks."""
    if kind == "fixed":
        return value or b""
    if kind == "byte":
        return bytes([len(value or b"")]) + (value or b"")
    if kind == "short":
        return b"\xff\xff" if value is None else struct.pack("<H", len(value)) + value
    if kind == "wide":
        return struct.pack("<I", len(value or b"")) + (value or b"")
    if kind == "pointer":
        return b"\0" if value is None else b"\x10" + bytes(24) + struct.pack("<I", len(value)) + value
    if value is None:
        return b"\xff" * 8
    chunks = [value[at : at + chunk] for at in range(0, len(value), chunk)]
    known = struct.pack("<Q", len(value)) if len(value) % 2 else b"\xfe" + b"\xff" * 7
    return known + b"".join(struct.pack("<I", len(part)) + part for part in chunks) + bytes(4)


def value_of(kind: str) -> st.SearchStrategy[bytes | None]:
    """Values that a kind can hold; one with a length of a byte holds nothing but none where it is empty."""
    if kind == "fixed":
        return st.binary(min_size=SIZE, max_size=SIZE)
    return st.none() | st.binary(min_size=1 if kind in ("byte", "wide") else 0, max_size=40)


TABLES = st.lists(st.sampled_from(KINDS), min_size=1, max_size=12).flatmap(
    lambda kinds: st.tuples(
        st.just(kinds), st.lists(st.tuples(st.booleans(), *(value_of(kind) for kind in kinds)), max_size=12)
    )
)


def written(kinds: list[str], rows: list[tuple[bytes | None, ...]]) -> bytes:
    """Rows, some of them with a map of what is missing."""
    found = []
    for mapped, *values in rows:
        if not mapped:
            found.append(ROW + b"".join(cell(kind, value) for kind, value in zip(kinds, values, strict=True)))
            continue
        missing = sum(1 << at for at, value in enumerate(values) if value is None)
        there = [cell(kind, value) for kind, value in zip(kinds, values, strict=True) if value is not None]
        found.append(NBC_ROW + missing.to_bytes((len(kinds) + 7) // 8, "little") + b"".join(there))
    return b"".join(found)


@given(TABLES, st.data())
def test_every_cell_comes_out_wherever_the_bytes_are_cut(
    table: tuple[list[str], list[tuple[bytes | None, ...]]], data: st.DataObject
) -> None:
    kinds, rows = table
    whole = written(kinds, rows) + DONE
    walk = walker([Shape(kind, SIZE, binary) for kind in kinds])
    cuts = sorted(data.draw(st.sets(st.integers(0, len(whole)), max_size=6)))
    most = data.draw(st.integers(1, 5))
    cells: list[list[bytes | None]] = [[] for _ in kinds]
    count, place = 0, 0
    for end in [*cuts, len(whole)]:
        known = whole[:end]
        while True:
            found, place = walk(known, place, most, 1 << 30, cells)
            count += found
            for column in cells:
                del column[count:]
            if found == 0:
                break
    assert whole[place:] == DONE
    assert list(zip(*cells, strict=True)) == [tuple(values) for _, *values in rows]


def test_no_more_bytes_than_asked_for_are_walked_over() -> None:
    walk = walker([Shape("short", 0, binary)])
    data = b"".join(ROW + cell("short", bytes(100)) for _ in range(10))
    cells: list[list[bytes | None]] = [[]]
    rows, end = walk(data, 0, 100, 250, cells)
    assert rows == 3
    assert end == 3 * 103


def test_a_value_of_many_chunks_is_waited_for() -> None:
    walk = walker([Shape("long", 0, binary)])
    data = ROW + cell("long", bytes(1_000_000), 8_000)
    cells: list[list[bytes | None]] = [[]]
    assert walk(data[:-1], 0, 10, 1 << 30, cells)[0] == 0
    cells = [[]]
    assert walk(data, 0, 10, 1 << 30, cells) == (1, len(data))
    assert cells == [[bytes(1_000_000)]]
