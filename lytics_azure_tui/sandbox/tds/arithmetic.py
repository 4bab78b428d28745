"""Sums and products: of numbers, of texts, of dates and days."""

from __future__ import annotations

from dataclasses import replace

from lytics_azure_tui.sandbox.tds import times, types
from lytics_azure_tui.sandbox.tds.convert import Converter
from lytics_azure_tui.sandbox.tds.errors import SqlError
from lytics_azure_tui.sandbox.tds.types import INT, MAX, SqlType, stronger
from lytics_azure_tui.sandbox.tds.values import Bound

_WORDS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "modulo"}
_BY_ZERO = "Divide by zero error encountered."


def arithmetic(  # noqa: PLR0911 -- one a kind
    converter: Converter, op: str, left: Bound, right: Bound
) -> Bound:
    """Binds a sum, a product and their like.

    Raises:
        SqlError: 8117, 206: these types cannot be counted with.
    """
    if left.untyped or right.untyped:
        other = right if left.untyped else left
        return converter.literal(None, other.type)
    one, two = left.type, right.type
    nullable = one.nullable or two.nullable
    if op == "+" and one.text and two.text:
        return _concatenation(converter, left, right)
    if op == "+" and one.binary and two.binary:
        length = MAX if MAX in (one.length, two.length) else one.length + two.length
        return Bound(f"({left.sql} || {right.sql})", types.varbinary(length).maybe(nullable))
    if one.temporal or two.temporal:
        return _moved(converter, op, left, right)
    type_ = stronger(one, two)
    if not type_.number:
        raise SqlError(8117, f"Operand data type {type_.name} is invalid for {_WORDS.get(op, op)} operator.")
    if op in ("&", "|", "^"):
        type_ = type_ if type_.integer else INT
        sides = [converter.convert(side, type_).sql for side in (left, right)]
        sql = f"xor({sides[0]}, {sides[1]})" if op == "^" else f"({sides[0]} {op} {sides[1]})"
        return Bound(sql, type_.maybe(nullable))
    if type_.name == "bit":
        type_ = INT
    if type_.integer:
        sides = [converter.convert(side, type_).sql for side in (left, right)]
        known = _folded(converter, op, left, right, type_)
        if known is not None:
            return known
        return Bound(f"({sides[0]} {'//' if op == '/' else op} {sides[1]})", type_.maybe(nullable or op in "/%"))
    if type_.name in ("decimal", "numeric"):
        return _decimals(op, left, right)
    sides = [converter.convert(side, type_).sql for side in (left, right)]
    if type_.approximate:
        # DuckDB has infinity where SQL Server has an error.
        divisor = f"CASE WHEN {sides[1]} = 0 THEN error('{times.raised(8134, _BY_ZERO)}') ELSE {sides[1]} END"
        return Bound(f"({sides[0]} {op} {divisor if op in '/%' else sides[1]})", type_.maybe(nullable))
    return Bound(f"CAST({sides[0]} {op} {sides[1]} AS {type_.duck})", type_.maybe(nullable))


def _folded(converter: Converter, op: str, left: Bound, right: Bound, type_: SqlType) -> Bound | None:
    """The result of two small constants, so that TOP (1 + 2) is known."""
    one, two = left.value, right.value
    if not (left.constant and right.constant and type(one) is int and type(two) is int and op in "+-*"):
        return None
    result = {"+": one + two, "-": one - two, "*": one * two}[op]
    if not -(1 << 31) <= result < 1 << 31 or type_.name in ("tinyint", "smallint"):
        return None
    return converter.literal(result, type_)


def _concatenation(converter: Converter, left: Bound, right: Bound) -> Bound:
    one, two = left.type, right.type
    length = MAX if MAX in (one.length, two.length) else one.length + two.length
    type_ = types.nvarchar(length) if one.national or two.national else types.varchar(length)
    # A sum of short ones is cut at 8,000 bytes, and does not become max.
    if length != MAX and type_.length == MAX:
        type_ = replace(type_, length=4000 if type_.national else 8000)
    if isinstance(left.value, str) and isinstance(right.value, str):
        return converter.literal(left.value + right.value, type_)
    return Bound(f"({left.sql} || {right.sql})", type_.maybe(one.nullable or two.nullable))


def _moved(converter: Converter, op: str, left: Bound, right: Bound) -> Bound:
    """A datetime and a number of days."""
    if op not in "+-":
        raise SqlError(8117, f"Operand data type {left.type.name} is invalid for {_WORDS[op]} operator.")
    target = stronger(left.type, right.type)
    if target.name not in ("datetime", "smalldatetime"):
        raise SqlError(206, f"Operand type clash: {left.type.name} is incompatible with {right.type.name}", severity=16)
    base = times.DAYS_TO_1900 * times.DAY
    one, two = (converter.convert(side, target).sql for side in (left, right))
    result = f"({one} {op} ({two} - {base}))"
    return Bound(times.to_scale(result, target, finer=True), target.maybe())


def _decimals(op: str, left: Bound, right: Bound) -> Bound:
    """https://learn.microsoft.com/sql/t-sql/data-types/precision-scale-and-length-transact-sql"""
    one, two = types.as_decimal(left.type), types.as_decimal(right.type)
    p1, s1, p2, s2 = one.precision, one.scale, two.precision, two.scale
    nullable = left.type.nullable or right.type.nullable or op in "/%"
    if op in "+-":
        scale = max(s1, s2)
        type_ = types.decimal(max(p1 - s1, p2 - s2) + scale + 1, scale)
        sides = [f"CAST({side.sql} AS {type_.duck})" for side in (left, right)]
        return Bound(f"CAST({sides[0]} {op} {sides[1]} AS {type_.duck})", type_.maybe(nullable))
    if op == "*":
        type_ = types.decimal(p1 + p2 + 1, s1 + s2)
        kinds = (one.duck, two.duck) if p1 + p2 <= 38 else ("DOUBLE", "DOUBLE")
        product = f"CAST({left.sql} AS {kinds[0]}) * CAST({right.sql} AS {kinds[1]})"
        return Bound(f"CAST({product} AS {type_.duck})", type_.maybe(nullable))
    divisor = f"CASE WHEN {right.sql} = 0 THEN error('{times.raised(8134, _BY_ZERO)}') ELSE {right.sql} END"
    if op == "/":
        scale = max(6, s1 + p2 + 1)
        type_ = types.decimal(p1 - s1 + s2 + scale, scale)
        quotient = f"CAST({left.sql} AS DOUBLE) / CAST({divisor} AS DOUBLE)"
        return Bound(f"CAST({quotient} AS {type_.duck})", type_.maybe(nullable))
    scale = max(s1, s2)
    type_ = types.decimal(min(p1 - s1, p2 - s2) + scale, scale)
    return Bound(f"CAST({left.sql} % {divisor} AS {type_.duck})", type_.maybe(nullable))
