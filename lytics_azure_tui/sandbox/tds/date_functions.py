"""The functions of dates and times."""

from __future__ import annotations

import time
from dataclasses import replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lytics_azure_tui.sandbox.tds import syntax, times, types
from lytics_azure_tui.sandbox.tds.bind import Binder, Scope
from lytics_azure_tui.sandbox.tds.calls import CallHandler, Handler, three_arguments, two_arguments
from lytics_azure_tui.sandbox.tds.errors import SqlError, unsupported
from lytics_azure_tui.sandbox.tds.types import BIGINT, INT, SqlType
from lytics_azure_tui.sandbox.tds.values import Bound

_UNIX_EPOCH = 621_355_968_000_000_000


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
    unit_, number_, value_ = three_arguments(expression)
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
    unit_, first_, second_ = three_arguments(expression)
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
    unit_, value_ = two_arguments(expression)
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
    unit_, value_ = two_arguments(expression)
    unit = _unit(unit_)
    value = _moment(binder, binder.value(value_, scope))
    cut = times.truncate(unit, binder.converter.ticks(value))
    if value.type.name == "date":
        return Bound(times.to_date(cut), value.type)
    if value.type.name == "datetimeoffset":
        minutes = times.offset(value.sql)
        return Bound(times.packed(f"({cut} - {minutes} * {times.MINUTE})", minutes), value.type)
    return Bound(times.to_scale(cut, value.type, finer=True), value.type)


WITH_UNIT: dict[str, CallHandler] = {
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


# Each with the fewest and the most arguments that it takes.
HANDLERS: dict[str, tuple[Handler, int, int]] = {
    "SYSUTCDATETIME": (_clock(types.DATETIME2), 0, 0), "SYSDATETIME": (_clock(types.DATETIME2), 0, 0),
    "SYSDATETIMEOFFSET": (_clock(types.DATETIMEOFFSET), 0, 0), "GETDATE": (_clock(types.DATETIME), 0, 0),
    "GETUTCDATE": (_clock(types.DATETIME), 0, 0), "CURRENT_TIMESTAMP": (_clock(types.DATETIME), 0, 0),
    "NOW": (_clock(types.DATETIME), 0, 0), "YEAR": (_part_of("year"), 1, 1), "MONTH": (_part_of("month"), 1, 1),
    "DAY": (_part_of("day"), 1, 1), "EOMONTH": (_eomonth, 1, 2), "DATEFROMPARTS": (_from_parts(types.DATE), 3, 3),
    "DATETIMEFROMPARTS": (_from_parts(types.DATETIME), 7, 7),
    "DATETIME2FROMPARTS": (_from_parts(types.DATETIME2), 8, 8), "SWITCHOFFSET": (_switch_offset, 2, 2),
    "TODATETIMEOFFSET": (_to_offset, 2, 2),
}  # fmt: skip
