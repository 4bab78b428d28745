"""The functions of texts and bytes."""

from __future__ import annotations

from dataclasses import replace

from lytics_azure_tui.sandbox.tds import types
from lytics_azure_tui.sandbox.tds.bind import Binder
from lytics_azure_tui.sandbox.tds.calls import Handler
from lytics_azure_tui.sandbox.tds.types import BIGINT, INT, MAX, SqlType
from lytics_azure_tui.sandbox.tds.values import Bound


def _text(binder: Binder, value: Bound) -> Bound:
    """As a text, of its own type if it is one."""
    if value.untyped:
        return binder.converter.literal(None, types.varchar(1))
    return value if value.type.text else binder.converter.convert(value, types.varchar(8000))


def _len(binder: Binder, arguments: list[Bound]) -> Bound:
    value = arguments[0]
    type_ = (BIGINT if value.type.length == MAX else INT).maybe(value.type.nullable)
    if value.type.binary:
        return Bound(f"CAST(octet_length({value.sql}) AS {type_.duck})", type_)
    return Bound(f"CAST(length(rtrim({_text(binder, value).sql}, ' ')) AS {type_.duck})", type_)


def _datalength(binder: Binder, arguments: list[Bound]) -> Bound:
    value = arguments[0]
    source = value.type
    type_ = (BIGINT if source.length == MAX else INT).maybe(source.nullable)
    if source.binary:
        sql = f"octet_length({value.sql})"
    elif source.national:
        # What is outside of the basic plane takes two units.
        pairs = f"length(regexp_replace({value.sql}, '[^\\x{{10000}}-\\x{{10FFFF}}]', '', 'g'))"
        sql = f"(2 * (length({value.sql}) + {pairs}))"
    elif source.text:
        sql = f"length({value.sql})"
    else:
        sql = f"CASE WHEN {value.sql} IS NULL THEN NULL ELSE {source.max_length} END"
    return Bound(f"CAST({sql} AS {type_.duck})", type_)


def _left(binder: Binder, arguments: list[Bound]) -> Bound:
    value, count = _text(binder, arguments[0]), arguments[1]
    return Bound(f"left({value.sql}, {count.sql})", _cut(value, count))


def _right(binder: Binder, arguments: list[Bound]) -> Bound:
    value, count = _text(binder, arguments[0]), arguments[1]
    return Bound(f"right({value.sql}, {count.sql})", _cut(value, count))


def _cut(value: Bound, count: Bound) -> SqlType:
    """The type of a part of a text, or of bytes."""
    length = value.type.length
    if isinstance(count.value, int) and count.value > 0 and length != MAX:
        length = min(length, count.value)
    name = {"char": "varchar", "nchar": "nvarchar", "text": "varchar", "ntext": "nvarchar", "binary": "varbinary"}
    return replace(value.type, name=name.get(value.type.name, value.type.name), length=length or 1).maybe(
        value.type.nullable or count.type.nullable
    )


def _substring(binder: Binder, arguments: list[Bound]) -> Bound:
    value, start, count = arguments
    if value.type.binary:
        sql = f"unhex(substr(hex({value.sql}), 2 * {start.sql} - 1, 2 * {count.sql}))"
        return Bound(sql, _cut(value, count))
    value = _text(binder, value)
    if isinstance(start.value, int) and start.value >= 1:
        return Bound(f"substr({value.sql}, {start.sql}, {count.sql})", _cut(value, count))
    # Before the first character there are none, but they count.
    sql = f"substr({value.sql}, greatest({start.sql}, 1), greatest({count.sql} + least({start.sql} - 1, 0), 0))"
    return Bound(sql, _cut(value, count))


def _charindex(binder: Binder, arguments: list[Bound]) -> Bound:
    wanted, text = (f"lower({_text(binder, one).sql})" for one in arguments[:2])
    type_ = (BIGINT if arguments[1].type.length == MAX else INT).maybe()
    if len(arguments) == 2:
        return Bound(f"CAST(strpos({text}, {wanted}) AS {type_.duck})", type_)
    start = f"greatest({arguments[2].sql}, 1)"
    found = f"strpos(substr({text}, {start}), {wanted})"
    return Bound(f"CAST(CASE WHEN {found} = 0 THEN 0 ELSE {found} + {start} - 1 END AS {type_.duck})", type_)


def _replicate(binder: Binder, arguments: list[Bound]) -> Bound:
    value, count = _text(binder, arguments[0]), arguments[1]
    # Without max the result ends at 8,000 bytes.
    longest = MAX if value.type.length == MAX else 4000 if value.type.national else 8000
    sql = f"repeat({value.sql}, {count.sql})"
    if longest != MAX:
        sql = f"left({sql}, {longest})"
    return Bound(f"CASE WHEN {count.sql} < 0 THEN NULL ELSE {sql} END", replace(value.type, length=longest).maybe())


def _same_text(template: str) -> Handler:
    """A function whose result is as long as its argument at most."""

    def handler(binder: Binder, arguments: list[Bound]) -> Bound:
        value = _text(binder, arguments[0])
        texts = [value.sql, *(one.sql for one in arguments[1:])]
        return Bound(template.format(*texts), _cut(value, value))

    return handler


def _longer_text(template: str) -> Handler:
    """A function whose result may be longer than its argument."""

    def handler(binder: Binder, arguments: list[Bound]) -> Bound:
        values = [one if one.type.integer else _text(binder, one) for one in arguments]
        national = any(one.type.national for one in values)
        longest = any(one.type.length == MAX for one in values)
        type_ = (types.nvarchar if national else types.varchar)(MAX if longest else 4000 if national else 8000)
        nullable = any(one.type.nullable for one in values)
        return Bound(template.format(*(one.sql for one in values)), type_.maybe(nullable))

    return handler


def _concat(binder: Binder, arguments: list[Bound]) -> Bound:
    texts = [f"coalesce({binder.converter.text_of(one)}, '')" for one in arguments]
    national = any(one.type.national for one in arguments)
    longest = any(one.type.length == MAX for one in arguments)
    type_ = (types.nvarchar if national else types.varchar)(MAX if longest else 4000 if national else 8000)
    return Bound(f"({' || '.join(texts)})", type_.maybe(False))


def _concat_ws(binder: Binder, arguments: list[Bound]) -> Bound:
    texts = [binder.converter.text_of(one) for one in arguments]
    return Bound(f"concat_ws({', '.join(texts)})", types.nvarchar(4000))


def _quotename(binder: Binder, arguments: list[Bound]) -> Bound:
    value = _text(binder, arguments[0])
    return Bound(f"('[' || replace({value.sql}, ']', ']]') || ']')", types.nvarchar(258))


def _code(function: str) -> Handler:
    def handler(binder: Binder, arguments: list[Bound]) -> Bound:
        return Bound(f"CAST({function}({_text(binder, arguments[0]).sql}) AS INTEGER)", INT)

    return handler


def _nchar(binder: Binder, arguments: list[Bound]) -> Bound:
    return Bound(f"chr({arguments[0].sql})", types.nvarchar(1))


# Each with the fewest and the most arguments that it takes.
HANDLERS: dict[str, tuple[Handler, int, int]] = {
    "LEN": (_len, 1, 1), "DATALENGTH": (_datalength, 1, 1), "LEFT": (_left, 2, 2), "RIGHT": (_right, 2, 2),
    "SUBSTRING": (_substring, 3, 3), "CHARINDEX": (_charindex, 2, 3), "REPLICATE": (_replicate, 2, 2),
    "UPPER": (_same_text("upper({0})"), 1, 1), "LOWER": (_same_text("lower({0})"), 1, 1),
    "LTRIM": (_same_text("ltrim({0}, ' ')"), 1, 1), "RTRIM": (_same_text("rtrim({0}, ' ')"), 1, 1),
    "TRIM": (_same_text("trim({0}, ' ')"), 1, 1), "REVERSE": (_same_text("reverse({0})"), 1, 1),
    "REPLACE": (_longer_text("replace({0}, {1}, {2})"), 3, 3),
    "STUFF": (_longer_text("left({0}, {1} - 1) || {3} || substr({0}, {1} + {2})"), 4, 4),
    "SPACE": (_longer_text("repeat(' ', {0})"), 1, 1), "CHAR": (_longer_text("chr({0})"), 1, 1),
    "NCHAR": (_nchar, 1, 1),
    "ASCII": (_code("ascii"), 1, 1), "UNICODE": (_code("unicode"), 1, 1), "CONCAT": (_concat, 2, 254),
    "CONCAT_WS": (_concat_ws, 3, 254), "QUOTENAME": (_quotename, 1, 2),
}  # fmt: skip
