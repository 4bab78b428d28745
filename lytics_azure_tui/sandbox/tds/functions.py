"""The functions of T-SQL: which module binds which, and those that choose and count."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from uuid import uuid4

from lytics_azure_tui.sandbox.tds import date_functions, syntax, system_functions, text_functions, types
from lytics_azure_tui.sandbox.tds.aggregates import AGGREGATES, WINDOWS, aggregate, window_function
from lytics_azure_tui.sandbox.tds.bind import Binder, Scope
from lytics_azure_tui.sandbox.tds.calls import Handler, constant_text, three_arguments
from lytics_azure_tui.sandbox.tds.conditions import compare
from lytics_azure_tui.sandbox.tds.date_functions import WITH_UNIT
from lytics_azure_tui.sandbox.tds.errors import SqlError, unsupported
from lytics_azure_tui.sandbox.tds.types import FLOAT, INT, SYSNAME, SqlType
from lytics_azure_tui.sandbox.tds.values import Bound, quoted


def call(binder: Binder, expression: syntax.Call, scope: Scope) -> Bound:
    """Binds a call.

    Raises:
        SqlError: 195, there is no such function; 174, it takes another number of arguments.
    """
    name = expression.name
    if name in AGGREGATES:
        return aggregate(binder, expression, scope)
    if name in WINDOWS:
        return window_function(binder, expression, scope)
    if name in WITH_UNIT:
        return WITH_UNIT[name](binder, expression, scope)
    if name == "IIF":
        return _iif(binder, expression, scope)
    arguments = [binder.value(argument, scope) for argument in expression.arguments]
    found = _HANDLERS.get(name)
    if found:
        handler, few, many = found
        if not few <= len(arguments) <= many:
            raise SqlError(174, f"The {name.lower()} function requires {few} argument(s).", severity=15)
        return handler(binder, arguments)
    if not arguments:
        known = binder.world.system_value(name)
        if known is not None:
            return binder.converter.literal(known[1], known[0])
    raise SqlError(195, f"'{name}' is not a recognized built-in function name.", severity=15, state=10)


# ---- nulls and choices


def _iif(binder: Binder, expression: syntax.Call, scope: Scope) -> Bound:
    condition, yes, no = three_arguments(expression)
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
    same = compare(binder.converter, "=", arguments[0], arguments[1])
    type_ = arguments[0].type.maybe()
    return Bound(f"CASE WHEN {same} THEN NULL ELSE {arguments[0].sql} END", type_)


def _choose(binder: Binder, arguments: list[Bound]) -> Bound:
    type_ = binder.common(arguments[1:]).maybe()
    branches = " ".join(
        f"WHEN {number} THEN {binder.converter.convert(one, type_).sql}" for number, one in enumerate(arguments[1:], 1)
    )
    return Bound(f"CASE {arguments[0].sql} {branches} END", type_)


# ---- numbers


def _number(template: str) -> Handler:
    def handler(binder: Binder, arguments: list[Bound]) -> Bound:
        texts = [binder.converter.convert(one, FLOAT).sql for one in arguments]
        return Bound(template.format(*texts), FLOAT)

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


def _isdate(binder: Binder, arguments: list[Bound]) -> Bound:
    tried = binder.converter.convert(arguments[0], types.DATETIME, attempt=True)
    return Bound(f"CASE WHEN {tried.sql} IS NULL THEN 0 ELSE 1 END", INT.maybe(False))


def _isnumeric(binder: Binder, arguments: list[Bound]) -> Bound:
    tried = binder.converter.convert(arguments[0], FLOAT, attempt=True)
    return Bound(f"CASE WHEN {tried.sql} IS NULL THEN 0 ELSE 1 END", INT.maybe(False))


def _pi(binder: Binder, arguments: list[Bound]) -> Bound:
    return binder.converter.literal(math.pi, FLOAT)


# Each with the fewest and the most arguments that it takes.
_HANDLERS: dict[str, tuple[Handler, int, int]] = {
    **date_functions.HANDLERS, **text_functions.HANDLERS, **system_functions.HANDLERS,
    "ISNULL": (_isnull, 2, 2), "COALESCE": (_coalesce, 2, 999), "NULLIF": (_nullif, 2, 2), "CHOOSE": (_choose, 2, 999),
    "ABS": (_abs, 1, 1), "CEILING": (_whole("ceil"), 1, 1), "FLOOR": (_whole("floor"), 1, 1),
    "SIGN": (_whole("sign"), 1, 1), "ROUND": (_round, 2, 3), "SQRT": (_number("sqrt({0})"), 1, 1),
    "SQUARE": (_number("({0} * {0})"), 1, 1), "POWER": (_number("power({0}, {1})"), 2, 2),
    "EXP": (_number("exp({0})"), 1, 1), "LOG": (_number("ln({0})"), 1, 1), "LOG10": (_number("log10({0})"), 1, 1),
    "RAND": (_rand, 0, 1), "PI": (_pi, 0, 0), "NEWID": (_newid, 0, 0), "NEWSEQUENTIALID": (_newid, 0, 0),
    "HASHBYTES": (_hashbytes, 2, 2), "ISDATE": (_isdate, 1, 1), "ISNUMERIC": (_isnumeric, 1, 1),
}  # fmt: skip


# ---- functions in FROM


def table_function(binder: Binder, source: syntax.TableCall, scope: Scope) -> tuple[str, list[tuple[str, SqlType]]]:
    """A function in FROM: its SQL, whose columns are called c0, c1 and so on, and their names and types.

    Raises:
        SqlError: 208, there is none of that name.
    """
    arguments = [binder.value(argument, scope) for argument in source.arguments]
    if source.name == "FN_MY_PERMISSIONS":
        entity = constant_text(arguments[0]) if arguments else None
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
