"""The functions of T-SQL."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lytics_azure_tui.sandbox.tds import syntax, times, types
from lytics_azure_tui.sandbox.tds.bind import Binder, Scope
from lytics_azure_tui.sandbox.tds.errors import SqlError, unsupported
from lytics_azure_tui.sandbox.tds.types import BIGINT, BIT, FLOAT, INT, MAX, SYSNAME, SqlType
from lytics_azure_tui.sandbox.tds.values import Bound, quoted

Handler = Callable[[Binder, list[Bound]], Bound]
_UNIX_EPOCH = 621_355_968_000_000_000


def call(binder: Binder, expression: syntax.Call, scope: Scope) -> Bound:
    """Binds a call.

    Raises:
        SqlError: 195, there is no such function; 174, it takes another number of arguments.
    """
    name = expression.name
    if name in _AGGREGATES:
        return _aggregate(binder, expression, scope)
    if name in _WINDOWS:
        return _window_function(binder, expression, scope)
    if name in _DATES:
        return _DATES[name](binder, expression, scope)
    if name == "IIF":
        return _iif(binder, expression, scope)
    arguments = [binder.value(argument, scope) for argument in expression.arguments]
    handler = _HANDLERS.get(name)
    if handler:
        few, many = _COUNTS.get(name, (0, 99))
        if not few <= len(arguments) <= many:
            raise SqlError(174, f"The {name.lower()} function requires {few} argument(s).", severity=15)
        return handler(binder, arguments)
    if not arguments:
        known = binder.world.system_value(name)
        if known is not None:
            return binder.converter.literal(known[1], known[0])
    raise SqlError(195, f"'{name}' is not a recognized built-in function name.", severity=15, state=10)


# ---- aggregates and windows

_AGGREGATES = {
    "COUNT", "COUNT_BIG", "SUM", "AVG", "MIN", "MAX", "STRING_AGG", "STDEV", "STDEVP", "VAR", "VARP",
    "APPROX_COUNT_DISTINCT",
}  # fmt: skip
_WINDOWS = {
    "ROW_NUMBER": "row_number", "RANK": "rank", "DENSE_RANK": "dense_rank", "NTILE": "ntile", "LAG": "lag",
    "LEAD": "lead", "FIRST_VALUE": "first_value", "LAST_VALUE": "last_value", "PERCENT_RANK": "percent_rank",
    "CUME_DIST": "cume_dist",
}  # fmt: skip


def _aggregate(binder: Binder, expression: syntax.Call, scope: Scope) -> Bound:  # noqa: PLR0911 -- one a kind
    name, over = expression.name, _over(binder, expression.over, scope)
    distinct = "DISTINCT " if expression.distinct else ""
    arguments = expression.arguments
    if name in ("COUNT", "COUNT_BIG", "APPROX_COUNT_DISTINCT"):
        type_ = (INT if name == "COUNT" else BIGINT).maybe(False)
        if not arguments or isinstance(arguments[0], syntax.Star):
            return Bound(f"CAST(count(*){over} AS {type_.duck})", type_)
        inner = binder.value(arguments[0], scope)
        distinct = "DISTINCT " if name == "APPROX_COUNT_DISTINCT" else distinct
        sql = times.utc(inner.sql) if distinct and inner.type.name == "datetimeoffset" else inner.sql
        return Bound(f"CAST(count({distinct}{sql}){over} AS {type_.duck})", type_)
    if not arguments:
        raise SqlError(174, f"The {name.lower()} function requires 1 argument(s).", severity=15)
    value = binder.value(arguments[0], scope)
    if name in ("MIN", "MAX"):
        if value.type.name == "bit":
            raise SqlError(8117, f"Operand data type bit is invalid for {name.lower()} operator.")
        return Bound(f"{name.lower()}({value.sql}){over}", value.type.maybe())
    if name == "STRING_AGG":
        separator = binder.value(arguments[1], scope)
        order = f" ORDER BY {', '.join(_ordered(binder, one, scope) for one in expression.order)}"
        text = binder.converter.text_of(value)
        sql = f"string_agg({text}, {separator.sql}{order if expression.order else ''}){over}"
        return Bound(sql, (types.nvarchar() if value.type.national else types.varchar()).maybe())
    if not value.type.number or value.type.name == "bit":
        raise SqlError(8117, f"Operand data type {value.type.name} is invalid for {name.lower()} operator.")
    if name in ("STDEV", "STDEVP", "VAR", "VARP"):
        function = {"STDEV": "stddev_samp", "STDEVP": "stddev_pop", "VAR": "var_samp", "VARP": "var_pop"}[name]
        return Bound(f"{function}({distinct}{value.sql}){over}", FLOAT)
    type_ = _sum_type(value.type, average=name == "AVG")
    if name == "SUM":
        return Bound(f"CAST(sum({distinct}{value.sql}){over} AS {type_.duck})", type_)
    average = f"avg({distinct}{value.sql}){over}"
    return Bound(f"CAST({f'trunc({average})' if type_.integer else average} AS {type_.duck})", type_)


def _sum_type(type_: SqlType, *, average: bool) -> SqlType:
    if type_.name in ("tinyint", "smallint", "int"):
        return INT
    if type_.name == "bigint":
        return BIGINT
    if type_.name in ("decimal", "numeric"):
        return types.decimal(38, max(type_.scale, 6) if average else type_.scale)
    return types.MONEY if type_.exact else FLOAT


def _over(binder: Binder, window: syntax.Window | None, scope: Scope) -> str:
    if window is None:
        return ""
    pieces = []
    if window.partition:
        pieces.append(f"PARTITION BY {', '.join(binder.value(one, scope).sql for one in window.partition)}")
    if window.order:
        pieces.append(f"ORDER BY {', '.join(_ordered(binder, one, scope) for one in window.order)}")
    if window.frame:
        pieces.append(window.frame)
    return f" OVER ({' '.join(pieces)})"


def _ordered(binder: Binder, one: syntax.Ordered, scope: Scope) -> str:
    value = binder.value(one.expression, scope)
    sql = "NULL" if value.constant else value.sql
    return f"{sql} {'DESC NULLS LAST' if one.descending else 'ASC NULLS FIRST'}"


def _window_function(binder: Binder, expression: syntax.Call, scope: Scope) -> Bound:
    name = expression.name
    if expression.over is None:
        raise SqlError(10753, f"The function '{name}' must have an OVER clause.", severity=15)
    if not expression.over.order:
        raise SqlError(4112, f"The function '{name}' must have an OVER clause with ORDER BY.", severity=15)
    arguments = [binder.value(argument, scope) for argument in expression.arguments]
    texts = [argument.sql for argument in arguments]
    if name in ("LAG", "LEAD") and len(arguments) == 3:
        texts[2] = binder.converter.convert(arguments[2], arguments[0].type).sql
    sql = f"{_WINDOWS[name]}({', '.join(texts)}){_over(binder, expression.over, scope)}"
    if name in ("LAG", "LEAD", "FIRST_VALUE", "LAST_VALUE"):
        return Bound(sql, arguments[0].type.maybe())
    return Bound(sql, FLOAT if name in ("PERCENT_RANK", "CUME_DIST") else BIGINT)


# ---- dates


def now() -> int:
    """The time of this moment as ticks, UTC."""
    return time.time_ns() // 100 + _UNIX_EPOCH


def _unit(expression: syntax.Expression) -> str:
    name = expression.parts[0].lower() if isinstance(expression, syntax.Name) else ""
    if name not in times.UNITS:
        raise SqlError(155, f"'{name}' is not a recognized dateadd option.", severity=15)
    return times.UNITS[name]


def _moment(binder: Binder, value: Bound) -> Bound:
    """A value that is used as a date: a text is a datetime2, a number a datetime."""
    if value.untyped:
        return binder.converter.literal(None, types.DATETIME)
    if value.type.text:
        if isinstance(value.value, str) and _has_offset(value.value):
            return binder.converter.convert(value, types.DATETIMEOFFSET)
        return binder.converter.convert(value, types.DATETIME2)
    return value if value.type.temporal else binder.converter.convert(value, types.DATETIME)


def _has_offset(text: str) -> bool:
    return len(text) > 6 and text[-3] == ":" and text[-6] in "+-"


def _dateadd(binder: Binder, expression: syntax.Call, scope: Scope) -> Bound:
    unit_, number_, value_ = _three(expression)
    unit = _unit(unit_)
    number = binder.converter.convert(binder.value(number_, scope), BIGINT)
    given = binder.value(value_, scope)
    value = _moment(binder, given)
    if given.type.text and value.type.name == "datetime2":
        # A text becomes a datetime, unless it says more than one holds.
        value = binder.converter.convert(given, types.DATETIME, attempt=True)
        value = _moment(binder, given) if value.value is None else value
    type_ = value.type.maybe(value.type.nullable or number.type.nullable)
    if type_.name == "date":
        moved = times.add(unit, number.sql, times.from_date(value.sql), "date")
        return Bound(times.to_date(f"({moved})"), type_)
    if type_.name == "datetimeoffset":
        minutes = times.offset(value.sql)
        moved = times.add(unit, number.sql, times.local(value.sql), "datetimeoffset")
        return Bound(times.packed(f"(({moved}) - {minutes} * {times.MINUTE})", minutes), type_)
    moved = f"({times.add(unit, number.sql, value.sql, type_.name)})"
    return Bound(times.to_scale(moved, type_, finer=type_.name != "datetime2" or type_.scale < 7), type_)


def _datediff(binder: Binder, expression: syntax.Call, scope: Scope) -> Bound:
    unit_, first_, second_ = _three(expression)
    unit = _unit(unit_)
    first, second = (_moment(binder, binder.value(one, scope)) for one in (first_, second_))
    sides = [
        times.utc(one.sql) if one.type.name == "datetimeoffset" else binder.converter.ticks(one)
        for one in (first, second)
    ]
    type_ = (BIGINT if expression.name == "DATEDIFF_BIG" else INT).maybe(first.type.nullable or second.type.nullable)
    sql = times.difference(unit, sides[0], sides[1])
    if type_.name == "int":
        words = (
            "The datediff function resulted in an overflow. The number of dateparts separating two date/time instances "
            "is too large. Try to use datediff with a less precise datepart."
        )
        error = times.raised(535, words)
        sql = f"CASE WHEN abs({sql}) > 2147483647 THEN error('{error}') ELSE {sql} END"
    return Bound(f"CAST({sql} AS {type_.duck})", type_)


def _datepart(binder: Binder, expression: syntax.Call, scope: Scope) -> Bound:
    unit_, value_ = _two(expression)
    unit = _unit(unit_)
    value = _moment(binder, binder.value(value_, scope))
    type_ = INT.maybe(value.type.nullable)
    if unit == "tzoffset":
        return Bound(f"CAST({times.offset(value.sql)} AS INTEGER)", type_)
    ticks = binder.converter.ticks(value)
    if expression.name == "DATENAME":
        if unit in ("month", "weekday"):
            form = "%B" if unit == "month" else "%A"
            sql = f"strftime({times.to_timestamp(ticks)}, '{form}')"
        else:
            sql = f"CAST({times.part(unit, ticks)} AS VARCHAR)"
        return Bound(sql, types.nvarchar(30).maybe(value.type.nullable))
    return Bound(f"CAST({times.part(unit, ticks)} AS INTEGER)", type_)


def _datetrunc(binder: Binder, expression: syntax.Call, scope: Scope) -> Bound:
    unit_, value_ = _two(expression)
    unit = _unit(unit_)
    value = _moment(binder, binder.value(value_, scope))
    cut = times.truncate(unit, binder.converter.ticks(value))
    if value.type.name == "date":
        return Bound(times.to_date(cut), value.type)
    if value.type.name == "datetimeoffset":
        minutes = times.offset(value.sql)
        return Bound(times.packed(f"({cut} - {minutes} * {times.MINUTE})", minutes), value.type)
    return Bound(times.to_scale(cut, value.type, finer=True), value.type)


def _three(expression: syntax.Call) -> tuple[syntax.Expression, syntax.Expression, syntax.Expression]:
    if len(expression.arguments) != 3:
        raise SqlError(174, f"The {expression.name.lower()} function requires 3 argument(s).", severity=15)
    return expression.arguments[0], expression.arguments[1], expression.arguments[2]


def _two(expression: syntax.Call) -> tuple[syntax.Expression, syntax.Expression]:
    if len(expression.arguments) != 2:
        raise SqlError(174, f"The {expression.name.lower()} function requires 2 argument(s).", severity=15)
    return expression.arguments[0], expression.arguments[1]


_DATES: dict[str, Callable[[Binder, syntax.Call, Scope], Bound]] = {
    "DATEADD": _dateadd,
    "DATEDIFF": _datediff,
    "DATEDIFF_BIG": _datediff,
    "DATEPART": _datepart,
    "DATENAME": _datepart,
    "DATETRUNC": _datetrunc,
}


def _part_of(unit: str) -> Handler:
    def handler(binder: Binder, arguments: list[Bound]) -> Bound:
        value = _moment(binder, arguments[0])
        sql = times.part(unit, binder.converter.ticks(value))
        return Bound(f"CAST({sql} AS INTEGER)", INT.maybe(value.type.nullable))

    return handler


def _clock(type_: SqlType) -> Handler:
    def handler(binder: Binder, arguments: list[Bound]) -> Bound:
        ticks = times.rounded(now(), type_)
        return binder.converter.literal(times.pack(ticks, 0) if type_.name == "datetimeoffset" else ticks, type_)

    return handler


def _eomonth(binder: Binder, arguments: list[Bound]) -> Bound:
    day = binder.converter.convert(_moment(binder, arguments[0]), types.DATE)
    months = f" + to_months({arguments[1].sql})" if len(arguments) > 1 else ""
    return Bound(f"last_day(CAST({day.sql}{months} AS DATE))", types.DATE)


def _from_parts(type_: SqlType) -> Handler:
    def handler(binder: Binder, arguments: list[Bound]) -> Bound:
        parts = [binder.converter.convert(one, BIGINT).sql for one in arguments]
        if type_.name == "date":
            return Bound(f"make_date({', '.join(parts)})", type_)
        clock = f"(({parts[3]} * 60 + {parts[4]}) * 60 + {parts[5]}) * {times.SECOND}"
        if type_.name == "datetime":
            ticks = (
                f"({times.from_date(f'make_date({parts[0]}, {parts[1]}, {parts[2]})')} + {clock} + {parts[6]} * 10000)"
            )
            return Bound(times.to_scale(ticks, type_, finer=True), type_)
        scale = arguments[7].value
        step = 10 ** (7 - (scale if isinstance(scale, int) else 7))
        day = times.from_date(f"make_date({parts[0]}, {parts[1]}, {parts[2]})")
        return Bound(
            f"({day} + {clock} + {parts[6]} * {step})", replace(type_, scale=scale if isinstance(scale, int) else 7)
        )

    return handler


def _switch_offset(binder: Binder, arguments: list[Bound]) -> Bound:
    value = binder.converter.convert(_moment(binder, arguments[0]), types.DATETIMEOFFSET)
    return Bound(times.packed(times.utc(value.sql), str(_minutes(arguments[1]))), value.type)


def _to_offset(binder: Binder, arguments: list[Bound]) -> Bound:
    value = binder.converter.convert(_moment(binder, arguments[0]), types.DATETIME2)
    minutes = _minutes(arguments[1])
    return Bound(times.packed(f"({value.sql} - {minutes * times.MINUTE})", str(minutes)), types.DATETIMEOFFSET)


def _minutes(zone: Bound) -> int:
    if isinstance(zone.value, int):
        return zone.value
    text = zone.value if isinstance(zone.value, str) else ""
    if len(text) == 6 and text[0] in "+-" and text[3] == ":":
        return (int(text[1:3]) * 60 + int(text[4:])) * (-1 if text[0] == "-" else 1)
    raise SqlError(9812, "The timezone provided to builtin function is invalid.")


def at_time_zone(binder: Binder, value: Bound, zone: Bound) -> Bound:
    """AT TIME ZONE: a time without offset gets one, a time with one is moved.

    Raises:
        SqlError: 9820, the zone is not known. Names of the IANA are, and UTC.
    """
    name = zone.value if isinstance(zone.value, str) else ""
    if name.upper() == "UTC":
        if value.type.name == "datetimeoffset":
            return Bound(times.packed(times.utc(value.sql), "0"), value.type)
        scale = {"datetime": 3, "smalldatetime": 0}.get(value.type.name, value.type.scale)
        moment = _moment(binder, value)
        target = replace(types.DATETIMEOFFSET, scale=scale, nullable=value.type.nullable)
        return Bound(times.packed(binder.converter.ticks(moment), "0"), target)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SqlError(9820, f"The time zone parameter '{name}' provided to AT TIME ZONE clause is invalid.") from None
    raise unsupported(f"AT TIME ZONE '{name}'")


# ---- nulls and choices


def _iif(binder: Binder, expression: syntax.Call, scope: Scope) -> Bound:
    condition, yes, no = _three(expression)
    return binder.value(syntax.Case(None, [(condition, yes)], no), scope)


def _isnull(binder: Binder, arguments: list[Bound]) -> Bound:
    first, second = arguments
    if first.untyped:
        return second
    type_ = first.type
    if type_.text and second.type.text and first.constant and first.value is None:
        type_ = replace(type_, length=max(type_.length, second.type.length))
    other = binder.converter.convert(second, type_)
    return Bound(f"coalesce({first.sql}, {other.sql})", type_.maybe(type_.nullable and other.type.nullable))


def _coalesce(binder: Binder, arguments: list[Bound]) -> Bound:
    if all(one.untyped for one in arguments):
        raise SqlError(
            4127, "At least one of the arguments to COALESCE must be an expression that is not the NULL constant."
        )
    type_ = binder.common(arguments)
    values = [binder.converter.convert(one, type_) for one in arguments]
    nullable = all(one.type.nullable for one in values)
    return Bound(f"coalesce({', '.join(one.sql for one in values)})", type_.maybe(nullable))


def _nullif(binder: Binder, arguments: list[Bound]) -> Bound:
    same = binder.compare("=", arguments[0], arguments[1])
    type_ = arguments[0].type.maybe()
    return Bound(f"CASE WHEN {same} THEN NULL ELSE {arguments[0].sql} END", type_)


def _choose(binder: Binder, arguments: list[Bound]) -> Bound:
    type_ = binder.common(arguments[1:]).maybe()
    branches = " ".join(
        f"WHEN {number} THEN {binder.converter.convert(one, type_).sql}" for number, one in enumerate(arguments[1:], 1)
    )
    return Bound(f"CASE {arguments[0].sql} {branches} END", type_)


# ---- texts


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


def _number(name: str, type_: SqlType, template: str) -> Handler:
    def handler(binder: Binder, arguments: list[Bound]) -> Bound:
        texts = [binder.converter.convert(one, FLOAT).sql for one in arguments]
        return Bound(template.format(*texts), type_)

    return handler


def _abs(binder: Binder, arguments: list[Bound]) -> Bound:
    value = arguments[0] if arguments[0].type.number else binder.converter.convert(arguments[0], FLOAT)
    return Bound(f"abs({value.sql})", value.type)


def _whole(function: str) -> Handler:
    def handler(binder: Binder, arguments: list[Bound]) -> Bound:
        value = arguments[0] if arguments[0].type.number else binder.converter.convert(arguments[0], FLOAT)
        type_ = value.type
        if type_.name in ("decimal", "numeric"):
            type_ = types.decimal(type_.precision, 0).maybe(type_.nullable)
        return Bound(f"CAST({function}({value.sql}) AS {type_.duck})", type_)

    return handler


def _round(binder: Binder, arguments: list[Bound]) -> Bound:
    value, digits = arguments[0], arguments[1]
    if len(arguments) > 2 and arguments[2].value:
        scaled = f"power(10::DOUBLE, {digits.sql})"
        return Bound(f"CAST(trunc({value.sql} * {scaled}) / {scaled} AS {value.type.duck})", value.type)
    return Bound(f"CAST(round({value.sql}, {digits.sql}) AS {value.type.duck})", value.type)


def _hashbytes(binder: Binder, arguments: list[Bound]) -> Bound:
    algorithm = str(arguments[0].value).upper()
    value = arguments[1]
    names = {"MD5": "md5", "SHA1": "sha1", "SHA": "sha1", "SHA2_256": "sha256", "SHA2_512": "sha512"}
    if algorithm not in names:
        raise unsupported(f"HASHBYTES with {algorithm}")
    length = {"MD5": 16, "SHA1": 20, "SHA": 20, "SHA2_256": 32, "SHA2_512": 64}[algorithm]
    if value.constant and isinstance(value.value, str | bytes):
        data = value.value
        raw = (
            data.encode("utf-16-le" if value.type.national else types.CODE_PAGE, "replace")
            if isinstance(data, str)
            else data
        )
        return binder.converter.literal(
            hashlib.new(names[algorithm], raw, usedforsecurity=False).digest(), types.varbinary(length)
        )
    if algorithm == "SHA2_512" or value.type.national:
        raise unsupported(f"HASHBYTES of {value.type.name} with {algorithm} on a column")
    return Bound(f"unhex({names[algorithm]}({value.sql}))", types.varbinary(length))


def _newid(binder: Binder, arguments: list[Bound]) -> Bound:
    return Bound("uuid()", types.UNIQUEIDENTIFIER.maybe(False))


def _rand(binder: Binder, arguments: list[Bound]) -> Bound:
    if arguments and isinstance(arguments[0].value, int):
        # The same seed gives the same number.
        return binder.converter.literal((arguments[0].value * 1103515245 + 12345) % (1 << 31) / (1 << 31), FLOAT)
    return binder.converter.literal(uuid4().int % (1 << 53) / (1 << 53), FLOAT)


# ---- system


def _constant_text(value: Bound) -> str | None:
    return value.value if isinstance(value.value, str) else None


def _object_id(binder: Binder, arguments: list[Bound]) -> Bound:
    if not arguments[0].constant:
        raise unsupported("OBJECT_ID of a value that is not known beforehand")
    kind = _constant_text(arguments[1]) if len(arguments) > 1 else None
    name = _constant_text(arguments[0])
    return binder.converter.literal(None if name is None else binder.world.find_object(name, kind), INT)


def _looked_up(table: str, key: str, wanted: str, of: SqlType) -> Handler:
    """The name of an id, from a catalogue table."""

    def handler(binder: Binder, arguments: list[Bound]) -> Bound:
        if not arguments:
            known = {"schemas": "dbo"}.get(table)
            return binder.converter.literal(known, of)
        alias = binder.alias()
        value = arguments[0] if arguments[0].type.text else binder.converter.convert(arguments[0], INT)
        sql = (
            f"(SELECT any_value({alias}.{wanted}) FROM {binder.world.catalogue(table)} AS {alias} WHERE "
            f"{alias}.{key} = {value.sql})"
        )
        return Bound(sql, of.maybe())

    return handler


def _object_schema_name(binder: Binder, arguments: list[Bound]) -> Bound:
    one, two = binder.alias(), binder.alias()
    sql = (
        f"(SELECT any_value({two}.name) FROM {binder.world.catalogue('objects')} AS {one} "
        f"JOIN {binder.world.catalogue('schemas')} AS {two} ON {two}.schema_id = {one}.schema_id "
        f"WHERE {one}.object_id = {arguments[0].sql})"
    )
    return Bound(sql, SYSNAME)


def _type_name(binder: Binder, arguments: list[Bound]) -> Bound:
    branches = " ".join(f"WHEN {user} THEN '{name}'" for name, (_, user) in types.TYPE_IDS.items())
    return Bound(f"CASE {arguments[0].sql} {branches} END", SYSNAME)


def _type_id(binder: Binder, arguments: list[Bound]) -> Bound:
    name = (_constant_text(arguments[0]) or "").strip("[]").lower().removeprefix("sys.")
    ids = types.TYPE_IDS.get("timestamp" if name == "rowversion" else name)
    return binder.converter.literal(ids[1] if ids else None, INT)


def _col_length(binder: Binder, arguments: list[Bound]) -> Bound:
    name, column = (_constant_text(one) for one in arguments)
    length: int | None = None
    if name is not None and column is not None and binder.world.find_object(name) is not None:
        from lytics_azure_tui.sandbox.tds.names import split_name

        found = binder.world.relation(split_name(name)).column(column)
        length = found.type.max_length if found else None
    return binder.converter.literal(length, types.SMALLINT)


def _has_perms(binder: Binder, arguments: list[Bound]) -> Bound:
    name, scope, permission = (_constant_text(one) for one in arguments[:3])
    allowed = binder.world.has_permission(name, (scope or "DATABASE").upper(), (permission or "").upper())
    return binder.converter.literal(None if allowed is None else int(allowed), INT)


def _server_property(binder: Binder, arguments: list[Bound]) -> Bound:
    type_, value = binder.world.property_of_server((_constant_text(arguments[0]) or "").lower())
    return binder.converter.convert(binder.converter.literal(value, type_), types.SQL_VARIANT)


def _database_property(binder: Binder, arguments: list[Bound]) -> Bound:
    known = {
        "collation": types.COLLATION_NAME, "updateability": "READ_WRITE", "status": "ONLINE", "edition": "Standard",
        "serviceobjective": "S0", "recovery": "FULL", "useraccess": "MULTI_USER",
    }.get((_constant_text(arguments[1]) or "").lower())  # fmt: skip
    return binder.converter.convert(binder.converter.literal(known, SYSNAME), types.SQL_VARIANT)


def _db_name(binder: Binder, arguments: list[Bound]) -> Bound:
    names = binder.world.database_names()
    if not arguments:
        return binder.converter.literal(binder.world.database, SYSNAME)
    number = arguments[0].value
    known = names[number - 1] if isinstance(number, int) and 1 <= number <= len(names) else None
    return binder.converter.literal(known, SYSNAME)


def _db_id(binder: Binder, arguments: list[Bound]) -> Bound:
    wanted = (_constant_text(arguments[0]) or "") if arguments else binder.world.database
    names = [name.lower() for name in binder.world.database_names()]
    number = names.index(wanted.lower()) + 1 if wanted.lower() in names else None
    return binder.converter.literal(number, types.SMALLINT)


def _system(name: str) -> Handler:
    def handler(binder: Binder, arguments: list[Bound]) -> Bound:
        known = binder.world.system_value(name)
        if known is None:
            raise unsupported(name)
        return binder.converter.literal(known[1], known[0])

    return handler


def _known(value: int | str | None, type_: SqlType) -> Handler:
    def handler(binder: Binder, arguments: list[Bound]) -> Bound:
        return binder.converter.literal(value, type_)

    return handler


def _isdate(binder: Binder, arguments: list[Bound]) -> Bound:
    tried = binder.converter.convert(arguments[0], types.DATETIME, attempt=True)
    return Bound(f"CASE WHEN {tried.sql} IS NULL THEN 0 ELSE 1 END", INT.maybe(False))


def _isnumeric(binder: Binder, arguments: list[Bound]) -> Bound:
    tried = binder.converter.convert(arguments[0], FLOAT, attempt=True)
    return Bound(f"CASE WHEN {tried.sql} IS NULL THEN 0 ELSE 1 END", INT.maybe(False))


_HANDLERS: dict[str, Handler] = {
    "SYSUTCDATETIME": _clock(types.DATETIME2), "SYSDATETIME": _clock(types.DATETIME2),
    "SYSDATETIMEOFFSET": _clock(types.DATETIMEOFFSET), "GETDATE": _clock(types.DATETIME),
    "GETUTCDATE": _clock(types.DATETIME), "CURRENT_TIMESTAMP": _clock(types.DATETIME), "NOW": _clock(types.DATETIME),
    "YEAR": _part_of("year"), "MONTH": _part_of("month"), "DAY": _part_of("day"), "EOMONTH": _eomonth,
    "DATEFROMPARTS": _from_parts(types.DATE), "DATETIMEFROMPARTS": _from_parts(types.DATETIME),
    "DATETIME2FROMPARTS": _from_parts(types.DATETIME2), "SWITCHOFFSET": _switch_offset, "TODATETIMEOFFSET": _to_offset,
    "ISNULL": _isnull, "COALESCE": _coalesce, "NULLIF": _nullif, "CHOOSE": _choose,
    "LEN": _len, "DATALENGTH": _datalength, "LEFT": _left, "RIGHT": _right, "SUBSTRING": _substring,
    "CHARINDEX": _charindex, "REPLICATE": _replicate, "UPPER": _same_text("upper({0})"),
    "LOWER": _same_text("lower({0})"), "LTRIM": _same_text("ltrim({0}, ' ')"), "RTRIM": _same_text("rtrim({0}, ' ')"),
    "TRIM": _same_text("trim({0}, ' ')"), "REVERSE": _same_text("reverse({0})"),
    "REPLACE": _longer_text("replace({0}, {1}, {2})"),
    "STUFF": _longer_text("left({0}, {1} - 1) || {3} || substr({0}, {1} + {2})"),
    "SPACE": _longer_text("repeat(' ', {0})"), "CHAR": _longer_text("chr({0})"),
    "NCHAR": lambda binder, arguments: Bound(f"chr({arguments[0].sql})", types.nvarchar(1)),
    "ASCII": lambda binder, arguments: Bound(f"CAST(ascii({arguments[0].sql}) AS INTEGER)", INT),
    "UNICODE": lambda binder, arguments: Bound(f"CAST(unicode({arguments[0].sql}) AS INTEGER)", INT),
    "CONCAT": _concat, "CONCAT_WS": _concat_ws, "QUOTENAME": _quotename,
    "ABS": _abs, "CEILING": _whole("ceil"), "FLOOR": _whole("floor"), "SIGN": _whole("sign"), "ROUND": _round,
    "SQRT": _number("SQRT", FLOAT, "sqrt({0})"), "SQUARE": _number("SQUARE", FLOAT, "({0} * {0})"),
    "POWER": _number("POWER", FLOAT, "power({0}, {1})"), "EXP": _number("EXP", FLOAT, "exp({0})"),
    "LOG": _number("LOG", FLOAT, "ln({0})"), "LOG10": _number("LOG10", FLOAT, "log10({0})"), "RAND": _rand,
    "PI": lambda binder, arguments: binder.converter.literal(math.pi, FLOAT),
    "NEWID": _newid, "NEWSEQUENTIALID": _newid, "HASHBYTES": _hashbytes, "ISDATE": _isdate, "ISNUMERIC": _isnumeric,
    "OBJECT_ID": _object_id, "OBJECT_NAME": _looked_up("objects", "object_id", "name", SYSNAME),
    "SCHEMA_NAME": _looked_up("schemas", "schema_id", "name", SYSNAME),
    "SCHEMA_ID": _looked_up("schemas", "name", "schema_id", INT), "OBJECT_SCHEMA_NAME": _object_schema_name,
    "TYPE_NAME": _type_name, "TYPE_ID": _type_id, "COL_LENGTH": _col_length, "HAS_PERMS_BY_NAME": _has_perms,
    "SERVERPROPERTY": _server_property, "DATABASEPROPERTYEX": _database_property, "DB_NAME": _db_name, "DB_ID": _db_id,
    "SUSER_SNAME": _system("SUSER_SNAME"), "SUSER_NAME": _system("SUSER_SNAME"), "USER_NAME": _system("USER_NAME"),
    "HAS_DBACCESS": _known(1, INT), "IS_MEMBER": _known(0, INT), "IS_SRVROLEMEMBER": _known(0, INT),
    "IS_ROLEMEMBER": _known(0, INT), "IDENT_CURRENT": _system("SCOPE_IDENTITY"), "APP_NAME": _system("APP_NAME"),
    "CONNECTIONPROPERTY": _known(None, SYSNAME), "OBJECTPROPERTY": _known(0, INT), "BIT": _known(0, BIT),
}  # fmt: skip
_COUNTS = {
    "ISNULL": (2, 2), "NULLIF": (2, 2), "COALESCE": (2, 99), "LEN": (1, 1), "DATALENGTH": (1, 1), "LEFT": (2, 2),
    "RIGHT": (2, 2), "SUBSTRING": (3, 3), "CHARINDEX": (2, 3), "REPLICATE": (2, 2), "REPLACE": (3, 3), "STUFF": (4, 4),
    "UPPER": (1, 1), "LOWER": (1, 1), "ROUND": (2, 3), "ABS": (1, 1), "POWER": (2, 2), "YEAR": (1, 1), "MONTH": (1, 1),
    "DAY": (1, 1), "OBJECT_ID": (1, 2), "OBJECT_NAME": (1, 2), "COL_LENGTH": (2, 2), "HAS_PERMS_BY_NAME": (3, 5),
    "TYPE_NAME": (1, 1), "SERVERPROPERTY": (1, 1), "NEWID": (0, 0), "HASHBYTES": (2, 2), "DATEFROMPARTS": (3, 3),
    "DATETIMEFROMPARTS": (7, 7), "DATETIME2FROMPARTS": (8, 8), "SWITCHOFFSET": (2, 2), "TODATETIMEOFFSET": (2, 2),
    "DATABASEPROPERTYEX": (2, 2), "CONCAT": (2, 254), "CHOOSE": (2, 99), "QUOTENAME": (1, 2),
}  # fmt: skip


# ---- functions in FROM


def table_function(binder: Binder, source: syntax.TableCall, scope: Scope) -> tuple[str, list[tuple[str, SqlType]]]:
    """A function in FROM: its SQL, whose columns are called c0, c1 and so on, and their names and types.

    Raises:
        SqlError: 208, there is none of that name.
    """
    arguments = [binder.value(argument, scope) for argument in source.arguments]
    if source.name == "FN_MY_PERMISSIONS":
        entity = _constant_text(arguments[0]) if arguments else None
        names = binder.world.permissions()
        if entity is not None:
            wanted = ("SELECT", "INSERT", "UPDATE", "DELETE", "ALTER", "CONTROL")
            names = [one for one in wanted if binder.world.has_permission(entity, "OBJECT", one)]
        label = quoted(entity or "database")
        rows = ", ".join(f"({label}, '', {quoted(name)})" for name in names) or "('', '', NULL)"
        sql = f"SELECT * FROM (VALUES {rows}) AS {binder.alias()}(c0, c1, c2) WHERE c2 IS NOT NULL"
        return sql, [("entity_name", SYSNAME), ("subentity_name", SYSNAME), ("permission_name", types.nvarchar(60))]
    if source.name == "STRING_SPLIT":
        sql = f"SELECT unnest(string_split({arguments[0].sql}, {arguments[1].sql})) AS c0"
        return sql, [("value", arguments[0].type)]
    if source.name == "GENERATE_SERIES":
        step = arguments[2].sql if len(arguments) > 2 else "1"
        type_ = arguments[0].type if arguments[0].type.integer else INT
        sql = (
            f"SELECT CAST(unnest(generate_series({arguments[0].sql}, {arguments[1].sql}, {step})) AS "
            f"{type_.duck}) AS c0"
        )
        return sql, [("value", type_)]
    raise SqlError(208, f"Invalid object name '{source.name.lower()}'.")
