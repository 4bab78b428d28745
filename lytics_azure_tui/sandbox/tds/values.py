"""Values on their way into DuckDB: a piece of SQL with the type that SQL Server gives it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from lytics_azure_tui.sandbox.tds.types import SqlType

Value = str | bytes | bytearray | int | float | bool | Decimal | UUID | None
"""As kept in DuckDB: ticks for times, days since the year 1 for date, the packed number for datetimeoffset."""

_FEWEST_FOR_PARAMETER = 200


@dataclass(frozen=True, slots=True)
class Bound:
    """One value of a query.

    Attributes:
        sql: for DuckDB.
        type: as SQL Server has it.
        constant: whether `value` is what it is, for all rows.
        value: of a constant.
        untyped: NULL as it is written, which takes any type.
    """

    sql: str
    type: SqlType
    constant: bool = False
    value: Value = None
    untyped: bool = False


@dataclass(slots=True)
class Parameters:
    """What is too long, or too strange, to be written into the SQL."""

    values: dict[str, Value] = field(default_factory=dict)

    def add(self, value: str | bytes) -> str:
        """A marker for the value; the same value has the same one, so that equal expressions stay equal."""
        name = next((name for name, known in self.values.items() if known is value or known == value), "")
        if not name:
            name = f"long{len(self.values)}value"
            self.values[name] = value
        return f"${name}"


_MARKER = re.compile(r"\$(long\d+value)")


def needed(sql: str, values: Mapping[str, object]) -> dict[str, object] | None:
    """The values whose markers are in the SQL: DuckDB refuses those that are not. None if there are none."""
    if not values:
        return None
    names = set(_MARKER.findall(sql)) if all(_MARKER.fullmatch(f"${name}") for name in values) else set(values)
    return {name: value for name, value in values.items() if name in names} or None


def quoted(text: str) -> str:
    """A string for DuckDB."""
    return "'" + text.replace("'", "''") + "'"


def identifier(*names: str) -> str:
    """A name of one or more parts for DuckDB."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def literal(value: Value, type_: SqlType, parameters: Parameters) -> Bound:
    """A constant of a type."""
    if value is None:
        return Bound(f"CAST(NULL AS {type_.duck})", type_.maybe(), True, None)
    return Bound(_sql(value, type_, parameters), type_.maybe(False), True, value)


def _sql(value: Value, type_: SqlType, parameters: Parameters) -> str:  # noqa: PLR0911 -- one a kind
    duck = type_.duck
    if isinstance(value, str):
        if len(value) > _FEWEST_FOR_PARAMETER or "\0" in value:
            return f"CAST({parameters.add(value)} AS VARCHAR)"
        return f"{quoted(value)}::VARCHAR"
    if isinstance(value, bytes | bytearray):
        if len(value) > _FEWEST_FOR_PARAMETER:
            return f"CAST({parameters.add(bytes(value))} AS BLOB)"
        return f"unhex('{value.hex()}')"
    if isinstance(value, bool):
        return "true" if value else "false"
    if duck == "DATE" and isinstance(value, int):
        return f"DATE '{date(1, 1, 1) + timedelta(days=value)}'"
    if isinstance(value, float):
        return f"CAST('{value!r}' AS {duck})"
    if isinstance(value, UUID):
        return f"CAST('{value}' AS UUID)"
    if duck == "INTEGER":
        return str(value)
    return f"CAST('{value:f}' AS {duck})" if isinstance(value, Decimal) else f"CAST({value} AS {duck})"
