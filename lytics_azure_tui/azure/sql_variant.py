"""Values of sql_variant, each of a type of its own ([MS-TDS] 2.2.5.5.4): the type, its properties, the value."""

from __future__ import annotations

import functools
from collections.abc import Callable

from lytics_azure_tui.azure import sql_text as text
from lytics_azure_tui.azure.sql_collation import code_page
from lytics_azure_tui.azure.sql_text import Cells, Convert, Texts
from lytics_azure_tui.errors import Fatal


def variants(cells: Cells) -> Texts:
    """Texts of values of whatever types."""
    return [None if cell is None else _one(cell) for cell in cells]


def _one(cell: bytes) -> str:
    head = 2 + cell[1]
    return _converter(cell[:head])([cell[head:]])[0] or ""


@functools.lru_cache(1000)
def _converter(head: bytes) -> Convert:
    """What converts values with this head: the type's token, a length, and so many bytes of properties."""
    make = _BY_TOKEN.get(head[0])
    if make is None:
        raise Fatal(
            f"A sql_variant holds a value of type 0x{head[0]:02X}, which cannot be read",
            fix="Make a view that converts the column to another type, and import the view",
        )
    return make(head[2:])


def _plain(convert: Convert) -> Callable[[bytes], Convert]:
    return lambda _: convert


def _scaled(make: Callable[[int], Convert]) -> Callable[[bytes], Convert]:
    """The scale is the last of the properties."""
    return lambda properties: make(properties[-1])


_BY_TOKEN: dict[int, Callable[[bytes], Convert]] = {
    0x24: _plain(text.guid), 0x28: _plain(text.each(text.day)), 0x29: _scaled(text.clock),
    0x2A: _scaled(text.moment), 0x2B: _scaled(text.moment_with_offset), 0x30: _plain(text.whole(1)),
    0x32: _plain(text.bit), 0x34: _plain(text.whole(2)), 0x38: _plain(text.whole(4)), 0x3A: _plain(text.old_moment(4)),
    0x3B: _plain(text.floating(4)), 0x3C: _plain(text.money(8)), 0x3D: _plain(text.old_moment(8)),
    0x3E: _plain(text.floating(8)), 0x6A: _scaled(text.decimal), 0x6C: _scaled(text.decimal),
    0x7A: _plain(text.money(4)), 0x7F: _plain(text.whole(8)), 0xA5: _plain(text.binary), 0xAD: _plain(text.binary),
    0xA7: lambda properties: text.code_page_text(code_page(properties)),
    0xAF: lambda properties: text.code_page_text(code_page(properties)),
    0xE7: _plain(text.unicode_text), 0xEF: _plain(text.unicode_text),
}  # fmt: skip
