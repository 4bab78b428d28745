"""What names in a filter or an expression stand for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lytics_azure_tui.lytics.duck import quoted
from lytics_azure_tui.model.language.tree import Filter
from lytics_azure_tui.model.user_field import FieldKind, UserField

_SQL_TYPES = {
    FieldKind.STRING: "VARCHAR",
    FieldKind.INT: "BIGINT",
    FieldKind.NUMBER: "DOUBLE",
    FieldKind.BOOL: "BOOLEAN",
    FieldKind.DATE: "TIMESTAMPTZ",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """A SQL expression and the kind of its values; NULL where there is none."""

    sql: str
    kind: FieldKind


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a filter or an expression is read.

    Attributes:
        fields: the names that may be used.
        now: a SQL expression of TIMESTAMPTZ: the moment of the evaluation; for a stream, the time of the event.
        audiences: what INCLUDE may name, by slug.
    """

    fields: Mapping[str, Typed]
    now: str
    audiences: Mapping[str, Filter] = field(default_factory=dict)


def sql_type(kind: FieldKind) -> str:
    """DuckDB's type for a kind of user field."""
    element = _SQL_TYPES[kind.element]
    if kind.is_list:
        return f"{element}[]"
    return f"MAP(VARCHAR, {element})" if kind.is_map else element


def column_fields(columns: Iterable[str]) -> dict[str, Typed]:
    """The columns of a stream, all of them text."""
    return {name: Typed(quoted(name), FieldKind.STRING) for name in columns}


def profile_fields(fields: Iterable[UserField]) -> dict[str, Typed]:
    """The fields of profiles, each a column of its name and kind."""
    return {item.name: Typed(quoted(item.name), item.kind) for item in fields}
