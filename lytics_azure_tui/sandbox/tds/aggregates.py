"""Aggregates and window functions."""

from __future__ import annotations

from lytics_azure_tui.sandbox.tds import syntax, times, types
from lytics_azure_tui.sandbox.tds.bind import Binder, Scope
from lytics_azure_tui.sandbox.tds.errors import SqlError
from lytics_azure_tui.sandbox.tds.types import BIGINT, FLOAT, INT, SqlType
from lytics_azure_tui.sandbox.tds.values import Bound

AGGREGATES = {
    "COUNT", "COUNT_BIG", "SUM", "AVG", "MIN", "MAX", "STRING_AGG", "STDEV", "STDEVP", "VAR", "VARP",
    "APPROX_COUNT_DISTINCT",
}  # fmt: skip
WINDOWS = {
    "ROW_NUMBER": "row_number", "RANK": "rank", "DENSE_RANK": "dense_rank", "NTILE": "ntile", "LAG": "lag",
    "LEAD": "lead", "FIRST_VALUE": "first_value", "LAST_VALUE": "last_value", "PERCENT_RANK": "percent_rank",
    "CUME_DIST": "cume_dist",
}  # fmt: skip


def aggregate(binder: Binder, expression: syntax.Call, scope: Scope) -> Bound:  # noqa: PLR0911 -- one a kind
    """Binds COUNT, SUM and their like, with OVER or without."""
    name, over = expression.name, _over(binder, expression.over, scope)
    distinct = "DISTINCT " if expression.distinct else ""
    arguments = expression.arguments
    if name in ("COUNT", "COUNT_BIG", "APPROX_COUNT_DISTINCT"):
        type_ = (INT if name == "COUNT" else BIGINT).maybe(False)
        if not arguments or isinstance(arguments[0], syntax.Star):
            return Bound(f"CAST(count(*){over} AS {type_.duck})", type_)
        inner = binder.value(arguments[0], scope)
        distinct = "DISTINCT " if name == "APPROX_COUNT_DISTINCT" else distinct
        _leave_out(inner, expression, scope)
        sql = times.utc(inner.sql) if distinct and inner.type.name == "datetimeoffset" else inner.sql
        return Bound(f"CAST(count({distinct}{sql}){over} AS {type_.duck})", type_)
    if not arguments:
        raise SqlError(174, f"The {name.lower()} function requires 1 argument(s).", severity=15)
    value = binder.value(arguments[0], scope)
    _leave_out(value, expression, scope)
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


def _leave_out(value: Bound, expression: syntax.Call, scope: Scope) -> None:
    """Notes that NULLs of a value are left out, which is told by message 8153."""
    if value.type.nullable and not value.constant and expression.over is None:
        scope.left_out.append(value.sql)


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


def window_function(binder: Binder, expression: syntax.Call, scope: Scope) -> Bound:
    """Binds ROW_NUMBER and its like.

    Raises:
        SqlError: 10753, 4112, OVER or its ORDER BY is missing.
    """
    name = expression.name
    if expression.over is None:
        raise SqlError(10753, f"The function '{name}' must have an OVER clause.", severity=15)
    if not expression.over.order:
        raise SqlError(4112, f"The function '{name}' must have an OVER clause with ORDER BY.", severity=15)
    arguments = [binder.value(argument, scope) for argument in expression.arguments]
    texts = [argument.sql for argument in arguments]
    if name in ("LAG", "LEAD") and len(arguments) == 3:
        texts[2] = binder.converter.convert(arguments[2], arguments[0].type).sql
    sql = f"{WINDOWS[name]}({', '.join(texts)}){_over(binder, expression.over, scope)}"
    if name in ("LAG", "LEAD", "FIRST_VALUE", "LAST_VALUE"):
        return Bound(sql, arguments[0].type.maybe())
    return Bound(sql, FLOAT if name in ("PERCENT_RANK", "CUME_DIST") else BIGINT)
