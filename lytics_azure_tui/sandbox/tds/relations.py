"""What a name in FROM stands for."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from lytics_azure_tui.sandbox.tds import syntax
from lytics_azure_tui.sandbox.tds.types import SqlType
from lytics_azure_tui.sandbox.tds.values import Value


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a relation.

    Attributes:
        default: T-SQL text, or None.
        computed: T-SQL text of a computed column, or None.
        identity: whether the server fills it.
        mask: the function by which it is masked, or None.
    """

    name: str
    type: SqlType
    default: str | None = None
    computed: str | None = None
    identity: bool = False
    mask: str | None = None

    @property
    def filled(self) -> bool:
        """Whether nobody but the server writes it."""
        return self.computed is not None or self.type.name == "timestamp"


@dataclass(frozen=True, slots=True)
class Index:
    """A key or an index, by the names of its columns."""

    name: str
    columns: tuple[tuple[str, bool], ...]
    unique: bool
    primary: bool
    clustered: bool
    constraint: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, a view, a catalogue view or a temporary table.

    Attributes:
        sql: what stands in DuckDB's FROM.
        kind: table, view, system.
        object_id: 0 for what has none.
        query: of a view.
        sequence: DuckDB's name of the identity's sequence, or empty.
    """

    schema: str
    name: str
    kind: str
    columns: tuple[Column, ...]
    sql: str = ""
    object_id: int = 0
    temporary: bool = False
    query: syntax.Query | None = None
    sequence: str = ""
    indexes: tuple[Index, ...] = field(default=())

    @property
    def rowversion(self) -> Column | None:
        """Its rowversion column."""
        return next((column for column in self.columns if column.type.name == "timestamp"), None)

    @property
    def identity(self) -> Column | None:
        """Its identity column."""
        return next((column for column in self.columns if column.identity), None)

    def column(self, name: str) -> Column | None:
        """A column by its name, whatever its case."""
        wanted = name.lower()
        return next((column for column in self.columns if column.name.lower() == wanted), None)


class World(Protocol):
    """What a query can ask of its session."""

    database: str
    variables: dict[str, tuple[SqlType, Value]]

    def relation(self, parts: syntax.Parts, permission: str = "SELECT") -> Relation:
        """Finds a relation. Raises SqlError 208, 229."""

    def trusted(self) -> AbstractContextManager[None]:
        """Within it a view reads what its reader may not."""

    def system_value(self, name: str) -> tuple[SqlType, Value] | None:
        """A function without arguments, or @@name, that is about session and server."""

    def find_object(self, name: str, kind: str | None = None) -> int | None:
        """OBJECT_ID."""

    def has_permission(self, name: str | None, scope: str, permission: str) -> bool | None:
        """HAS_PERMS_BY_NAME; None for what is not there."""

    def objects_with(self, permission: str) -> dict[tuple[str, ...], bool]:
        """The objects that the login sees, by schema and name, and whether it has a permission on each."""

    def permissions(self) -> list[str]:
        """Of the login, on the database."""

    def property_of_server(self, name: str) -> tuple[SqlType, Value]:
        """SERVERPROPERTY."""

    def catalogue(self, table: str) -> str:
        """DuckDB's name of a catalogue table of the session's database."""

    def database_names(self) -> list[str]:
        """All of them."""
