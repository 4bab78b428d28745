"""What a database holds: tables and views with their sizes, a table's columns and key, its first rows.

Sizes and counts are the catalogue's estimates, which cost nothing; rows of a view cannot be known without counting.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from lytics_azure_tui.azure.sql import SqlSession, name_literal, text_literal
from lytics_azure_tui.errors import Fatal

PAGE = 500
"""Tables listed at once."""

TIMES = frozenset({"date", "smalldatetime", "datetime", "datetime2", "datetimeoffset"})
"""Types by which rows can be put in order of time. T-SQL's `timestamp` is another name for rowversion, and no time."""
ROWVERSION = "timestamp"

# How a column is asked for where its own type cannot be read, or would lose something on the way.
_AS_TEXT = frozenset({"char", "varchar", "text", "ntext", "xml", "hierarchyid", "json", "vector"})
_AS_BYTES = frozenset({"image", "geography", "geometry"})
_REFUSED = frozenset({"sql_variant"})
_KNOWN = frozenset({
    "bit", "tinyint", "smallint", "int", "bigint", "decimal", "numeric", "money", "smallmoney", "real", "float", "date",
    "time", "smalldatetime", "datetime", "datetime2", "datetimeoffset", "nchar", "nvarchar", "binary", "varbinary",
    "uniqueidentifier", "timestamp",
})  # fmt: skip
_INTERNAL = frozenset({1, 3, 4, 6, 7})
"""sys.columns.graph_type of columns of a node or edge table that nobody may read; beside each is a computed one."""


@dataclass(frozen=True, slots=True)
class TableInfo:
    """A table or view.

    Attributes:
        rows: about; None of a view.
        bytes: about, with indexes; None of a view.
    """

    schema: str
    name: str
    view: bool
    rows: int | None
    bytes: int | None


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    """A column.

    Attributes:
        type: the system type's name: "datetime2".
        declared: with length, precision or scale: "datetime2(7)".
        key: its place in the primary key, from 1; 0 when it is no part of it.
        leads: whether an index begins with it.
        computed: whether the server works it out when it is read, which may fail.
        hidden: whether SELECT * leaves it out.
        masked: whether the server gives this user a mask (dynamic data masking) in the place of its values.
        encrypted: whether only clients that have its key can read it (Always Encrypted).
    """

    name: str
    type: str
    declared: str
    nullable: bool
    key: int = 0
    leads: bool = False
    computed: bool = False
    hidden: bool = False
    masked: bool = False
    encrypted: bool = False

    @property
    def traits(self) -> tuple[str, ...]:
        """What an operator should know of it, a word each."""
        named = {
            "nullable": self.nullable,
            "indexed": self.leads,
            "computed": self.computed,
            "hidden": self.hidden,
            "masked": self.masked,
            "encrypted": self.encrypted,
        }
        return tuple(word for word, holds in named.items() if holds)

    @property
    def is_time(self) -> bool:
        """Whether rows can be ordered by it."""
        return self.type in TIMES

    @property
    def importable(self) -> bool:
        """Whether its values can be read without loss."""
        return not self.encrypted and self.type in _KNOWN | _AS_TEXT | _AS_BYTES

    def selected(self, table: str) -> str:
        """SQL that asks for its values without loss, of a table by its alias.

        Raises:
            Fatal: there is no such way.
        """
        column = f"{table}.{name_literal(self.name)}"
        if self.encrypted:
            raise Fatal(
                f"The column {self.name} is encrypted by Always Encrypted",
                why="Only clients that have its key can read it, and this one has none",
                fix="Make a view without it, and import the view",
            )
        if self.type in _AS_TEXT:
            # The server converts code pages to UTF-16; short ones stay short, as long ones take more time to read.
            length = self.declared.partition("(")[2].rstrip(")") if self.type in ("char", "varchar") else ""
            short = length.isdecimal() and int(length) <= 4000
            return f"CAST({column} AS nvarchar({length if short else 'max'}))"
        if self.type in _AS_BYTES:
            return f"CAST({column} AS varbinary(max))"
        if self.type == ROWVERSION:
            return f"CONVERT(binary(8), {column})"
        if not self.importable:
            why = "A sql_variant may hold another type in each row" if self.type in _REFUSED else ""
            raise Fatal(
                f"The column {self.name} is of the type {self.type}, which cannot be imported without loss",
                why=why,
                fix="Make a view that converts it to another type, and import the view",
            )
        return column


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view, looked at.

    Attributes:
        columns: in their order.
        database: in which it is, as the server writes it.
        object_id: its number there, which another table of the same name does not get.
        created: when it was, by the server's clock, in style 126.
        internal: names of columns that nobody can read, the inner ones of graph tables; they are not among `columns`.
    """

    schema: str
    name: str
    columns: tuple[ColumnInfo, ...]
    database: str = ""
    object_id: int = 0
    created: str = ""
    internal: tuple[str, ...] = ()

    @property
    def quoted(self) -> str:
        """Its name in SQL."""
        return name_literal(self.schema, self.name)

    def column(self, name: str) -> ColumnInfo:
        """A column by its name, upper and lower case alike.

        Raises:
            Fatal: there is none.
        """
        for column in self.columns:
            if column.name.casefold() == name.casefold():
                return column
        raise Fatal(
            f"{self.schema}.{self.name} has no column {name}",
            why=f"Its columns are {', '.join(column.name for column in self.columns[:20])}",
            fix="Look whether it was renamed or removed, and change the job",
        )

    @property
    def key(self) -> tuple[ColumnInfo, ...]:
        """The columns of its primary key; none of a view."""
        return tuple(sorted((column for column in self.columns if column.key), key=lambda column: column.key))

    @property
    def rowversion(self) -> ColumnInfo | None:
        """The column that the server counts up at each change, if it has one."""
        return next((column for column in self.columns if column.type == ROWVERSION), None)


_TABLES = """
SELECT s.name, o.name, o.type,
  (SELECT SUM(p.rows) FROM sys.partitions AS p WHERE p.object_id = o.object_id AND p.index_id IN (0, 1)),
  (SELECT SUM(a.total_pages) FROM sys.partitions AS p JOIN sys.allocation_units AS a ON a.container_id = p.partition_id
   WHERE p.object_id = o.object_id)
FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id
WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0{wanted}
ORDER BY s.name, o.name OFFSET @skip ROWS FETCH NEXT @count ROWS ONLY
"""
# A type of one's own is told by the system type that it is made of. Types that came after this program, and those that
# the user may not see, have no row: their columns are told by what is known of them.
_COLUMNS = """
SELECT c.name,
  CASE WHEN u.is_user_defined = 0 AND u.name <> N'sysname' THEN u.name ELSE COALESCE(b.name, u.name) END,
  c.max_length, c.precision, c.scale, c.is_nullable, c.system_type_id,
  (SELECT MAX(k.key_ordinal) FROM sys.indexes AS i JOIN sys.index_columns AS k
     ON k.object_id = i.object_id AND k.index_id = i.index_id
   WHERE i.object_id = c.object_id AND i.is_primary_key = 1 AND k.column_id = c.column_id),
  (SELECT COUNT(*) FROM sys.index_columns AS k
   WHERE k.object_id = c.object_id AND k.column_id = c.column_id AND k.key_ordinal = 1),
  c.is_computed, c.is_hidden, c.is_masked, c.encryption_type, c.graph_type,
  DB_NAME(), o.object_id, CONVERT(varchar(33), o.create_date, 126)
FROM sys.columns AS c
JOIN sys.objects AS o ON o.object_id = c.object_id
JOIN sys.schemas AS s ON s.schema_id = o.schema_id
LEFT JOIN sys.types AS u ON u.user_type_id = c.user_type_id
LEFT JOIN sys.types AS b ON b.user_type_id = c.system_type_id AND b.is_user_defined = 0
WHERE s.name = @schema AND o.name = @name AND o.type IN ('U', 'V')
ORDER BY c.column_id
"""
# The right may be one on the database, the table or the column; servers before SQL Server 2022 know the first alone.
_UNMASKED = """
SELECT c.name FROM sys.columns AS c WHERE c.object_id = @table AND c.is_masked = 1 AND COALESCE(
  HAS_PERMS_BY_NAME({table}, N'OBJECT', N'UNMASK', c.name, N'COLUMN'),
  HAS_PERMS_BY_NAME(QUOTENAME(DB_NAME()), N'DATABASE', N'UNMASK'), 0) = 1
"""


def tables(session: SqlSession, wanted: str = "", skip: int = 0, count: int = PAGE) -> list[TableInfo]:
    """Some of the tables and views that the user may see, by schema and name; the server filters.

    Args:
        wanted: part of "schema.name".
    """
    values: dict[str, str | int] = {"skip": skip, "count": count}
    condition = ""
    if wanted:
        condition = " AND s.name + N'.' + o.name LIKE @wanted ESCAPE N'\\'"
        values["wanted"] = f"%{_literal_in_like(wanted)}%"
    found = session.rows(_TABLES.format(wanted=condition), values, what="The tables could not be listed")
    return [
        TableInfo(
            schema,
            name,
            view := kind.strip() == "V",
            None if view else int(rows or 0),
            None if view else int(pages or 0) * 8192,
        )
        for schema, name, kind, rows, pages in found
    ]


def table(session: SqlSession, schema: str, name: str) -> Table:
    """A table or view with its columns.

    Raises:
        Fatal: it is not there, or the user may not see it.
    """
    what = f"The columns of {schema}.{name} could not be read"
    found = session.rows(_COLUMNS, {"schema": schema, "name": name}, what=what)
    if not found:
        raise Fatal(
            f"There is no table or view {schema}.{name}",
            why="It was renamed or dropped, or the user may not see it",
            fix="Look at its name and schema; else have the user given the right to read it: GRANT SELECT",
        )
    database, object_id, created = found[0][-3:]
    columns = [_column(*row[:-3]) for row in found if row[-4] not in _INTERNAL]
    if any(column.masked for column in columns):
        sql = _UNMASKED.format(table=text_literal(name_literal(schema, name)))
        seen = {column for (column,) in session.rows(sql, {"table": int(object_id)}, what=what)}
        columns = [replace(column, masked=column.masked and column.name not in seen) for column in columns]
    internal = tuple(row[0] for row in found if row[-4] in _INTERNAL)
    return Table(schema, name, tuple(columns), database, int(object_id), str(created), internal)


def _column(
    name: str, kind: str | None, length: int, precision: int, scale: int, nullable: bool, system_type: int,
    key: int | None, leads: int, computed: bool, hidden: bool, masked: bool, encryption: int | None, *_: Any,
) -> ColumnInfo:  # fmt: skip
    kind = kind or f"number {system_type}"
    return ColumnInfo(
        name,
        kind,
        _declared(kind, int(length), int(precision), int(scale)),
        bool(nullable),
        int(key or 0),
        bool(leads),
        computed=bool(computed),
        hidden=bool(hidden),
        masked=bool(masked),
        encrypted=encryption is not None,
    )


def preview(
    session: SqlSession, found: Table, order: str | None = None, count: int = 50, *, among: str = ""
) -> list[tuple[str | None, ...]]:
    """Rows of a table as text; the newest by a column, or any.

    Columns that cannot be read are shown as such.

    Args:
        among: SQL for the rows to choose from, under the alias t; empty for all.
    """
    shown = [_shown(column) for column in found.columns]
    by = f" ORDER BY t.{name_literal(order)} DESC" if order else ""
    sql = f"SELECT TOP ({count}) {', '.join(shown)} FROM {among or f'{found.quoted} AS t'}{by}"
    what = f"Rows of {found.schema}.{found.name} could not be read"
    rows: list[tuple[str | None, ...]] = []
    for columns in session.texts(sql, seconds=30, what=what):
        rows += zip(*columns, strict=True)
    return rows


def _shown(column: ColumnInfo) -> str:
    if not column.importable:
        return f"N'({'encrypted' if column.encrypted else column.type})'"
    selected = column.selected("t")
    # What is long is cut on the server: a preview is not worth a hundred megabytes.
    if column.type in _AS_TEXT or (column.type == "nvarchar" and "max" in column.declared):
        return f"LEFT({selected}, 200)"
    if column.type in _AS_BYTES or (column.type == "varbinary" and "max" in column.declared):
        return f"SUBSTRING({selected}, 1, 100)"
    return selected


def _declared(kind: str, length: int, precision: int, scale: int) -> str:
    """A type as one writes it. Lengths are bytes; -1 is max."""
    if kind in ("decimal", "numeric"):
        return f"{kind}({precision},{scale})"
    if kind in ("datetime2", "datetimeoffset", "time"):
        return f"{kind}({scale})"
    if kind in ("nchar", "nvarchar"):
        return f"{kind}(max)" if length < 0 else f"{kind}({length // 2})"
    if kind in ("char", "varchar", "binary", "varbinary"):
        return f"{kind}(max)" if length < 0 else f"{kind}({length})"
    return "rowversion" if kind == ROWVERSION else kind


def _literal_in_like(text: str) -> str:
    return re.sub(r"([\\%_\[])", r"\\\1", text)
