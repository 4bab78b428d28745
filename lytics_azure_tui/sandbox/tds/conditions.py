"""Conditions: comparisons, IN, LIKE, BETWEEN, EXISTS, and what joins them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lytics_azure_tui.sandbox.tds import syntax, times, types
from lytics_azure_tui.sandbox.tds.convert import Converter
from lytics_azure_tui.sandbox.tds.errors import SqlError
from lytics_azure_tui.sandbox.tds.types import SqlType, stronger
from lytics_azure_tui.sandbox.tds.values import Bound, quoted

if TYPE_CHECKING:
    from lytics_azure_tui.sandbox.tds.bind import Binder, Scope

COMPARISONS = ("=", "<>", "<", ">", "<=", ">=")


def condition(binder: Binder, expression: syntax.Expression, scope: Scope) -> str:  # noqa: PLR0911 -- one a kind
    """Binds a condition; the text is a BOOLEAN for DuckDB."""
    match expression:
        case syntax.Unary("NOT", operand):
            return f"(NOT {condition(binder, operand, scope)})"
        case syntax.Binary("AND" | "OR" as op, left, right):
            return f"({condition(binder, left, scope)} {op} {condition(binder, right, scope)})"
        case syntax.Binary(op, left, right) if op in COMPARISONS:
            return compare(binder.converter, op, binder.value(left, scope), binder.value(right, scope))
        case syntax.IsNull(operand, negated):
            return f"({binder.value(operand, scope).sql} IS {'NOT ' if negated else ''}NULL)"
        case syntax.Exists(query):
            return f"EXISTS ({binder.query(query, scope).sql})"
        case syntax.Between(operand, low, high, negated):
            value = binder.value(operand, scope)
            lower = compare(binder.converter, ">=", value, binder.value(low, scope))
            upper = compare(binder.converter, "<=", value, binder.value(high, scope))
            return f"({'NOT ' if negated else ''}({lower} AND {upper}))"
        case syntax.In():
            return _in(binder, expression, scope)
        case syntax.Like():
            return _like(binder, expression, scope)
    raise SqlError(
        4145, "An expression of non-boolean type specified in a context where a condition is expected.", severity=15
    )


def compare(converter: Converter, op: str, left: Bound, right: Bound) -> str:
    """A comparison, both sides made the same type."""
    if left.untyped or right.untyped:
        return "CAST(NULL AS BOOLEAN)"
    one, two = _comparable(converter, left, right)
    return f"({one} {op} {two})"


def _comparable(converter: Converter, left: Bound, right: Bound) -> tuple[str, str]:
    type_ = _comparison_type(left.type, right.type)
    sides = []
    for side in (left, right):
        value = side if type_.text and side.type.text else converter.convert(side, type_)
        sql = value.sql
        if type_.name == "datetimeoffset":
            sql = times.utc(sql)
        elif side.type.name in ("char", "nchar"):
            # Blanks at the end do not count.
            sql = f"rtrim({sql})"
        sides.append(sql)
    return sides[0], sides[1]


def _comparison_type(left: SqlType, right: SqlType) -> SqlType:
    """The type that two values are compared as."""
    if "sql_variant" in (left.name, right.name):
        other = right if left.name == "sql_variant" else left
        return types.nvarchar() if other.name == "sql_variant" else other
    type_ = stronger(left, right)
    if type_.integer and "timestamp" in (left.name, right.name):
        return types.BIGINT
    if type_.text:
        return types.nvarchar()
    if type_.binary:
        return types.varbinary()
    if type_.name in ("date", "time") and {left.name, right.name} == {"date", "time"}:
        raise SqlError(402, "The data types date and time are incompatible in the comparison operator.")
    return type_


def _in(binder: Binder, expression: syntax.In, scope: Scope) -> str:
    operand = binder.value(expression.operand, scope)
    word = "NOT IN" if expression.negated else "IN"
    if isinstance(expression.choices, syntax.Query):
        bound = binder.query(expression.choices, scope)
        if len(bound.columns) != 1:
            raise SqlError(116, "Only one expression can be specified in the select list of IN.")
        alias = binder.alias()
        one, two = _comparable(binder.converter, operand, Bound(f"{alias}.c0", bound.columns[0][1]))
        return f"({one} {word} (SELECT {two} FROM ({bound.sql}) AS {alias}))"
    choices = [binder.value(choice, scope) for choice in expression.choices]
    tests = [compare(binder.converter, "=", operand, choice) for choice in choices]
    # Constants of one type are a list that DuckDB can look up.
    if all(choice.constant and not choice.untyped for choice in choices):
        pairs = [_comparable(binder.converter, operand, choice) for choice in choices]
        if len({one for one, _ in pairs}) == 1:
            return f"({pairs[0][0]} {word} ({', '.join(two for _, two in pairs)}))"
    return f"({'NOT ' if expression.negated else ''}({' OR '.join(tests)}))"


def _like(binder: Binder, expression: syntax.Like, scope: Scope) -> str:
    operand = binder.value(expression.operand, scope)
    pattern = binder.value(expression.pattern, scope)
    escape = "" if expression.escape is None else binder.value(expression.escape, scope).value
    if operand.untyped or pattern.untyped or (pattern.constant and pattern.value is None):
        return "CAST(NULL AS BOOLEAN)"
    word = "NOT " if expression.negated else ""
    text = binder.converter.text_of(operand)
    if pattern.constant and isinstance(pattern.value, str):
        regex = regex_of_pattern(pattern.value, str(escape or ""))
        return f"({word}regexp_full_match({text}, {quoted(regex)}, 'si'))"
    right = binder.converter.text_of(pattern)
    return f"({text} {word}ILIKE {right}{f' ESCAPE {quoted(str(escape))}' if escape else ''})"


def regex_of_pattern(pattern: str, escape: str) -> str:
    """LIKE has sets, which DuckDB's LIKE has not."""
    found, position = [], 0
    while position < len(pattern):
        char = pattern[position]
        position += 1
        if escape and char == escape and position < len(pattern):
            found.append(re.escape(pattern[position]))
            position += 1
        elif char == "%":
            found.append(".*")
        elif char == "_":
            found.append(".")
        elif char == "[" and "]" in pattern[position:]:
            end = pattern.index("]", position + (pattern[position : position + 1] == "]"))
            members = pattern[position:end]
            inverse = members.startswith("^")
            members = members[1:] if inverse else members
            safe = members.replace("\\", "\\\\").replace("]", "\\]").replace("[", "\\[").replace("^", "\\^")
            found.append(f"[{'^' if inverse else ''}{safe}]" if safe else "")
            position = end + 1
        else:
            found.append(re.escape(char))
    return "".join(found)
