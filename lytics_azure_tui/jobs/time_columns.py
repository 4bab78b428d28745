"""Which columns of a table can put its rows in order of time, and which of them is likely meant."""

from __future__ import annotations

import re

from lytics_azure_tui.azure.sql_catalogue import ColumnInfo, Table

# Words of a name, however it is put together: updated_at, LastModified, rowUpdateTS.
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_OF_CHANGES = ("updat", "modif", "chang", "touch", "edit", "refresh", "sync")
_OF_TIMES = ("at", "on", "ts", "time", "timestamp", "date", "datetime", "when")
_OF_BIRTHS = ("creat", "insert", "added", "load", "ingest", "register")
PROPOSED = 4
"""Points of a column from which on it is proposed."""


def time_columns(table: Table) -> list[ColumnInfo]:
    """The columns by which rows can be ordered, the likeliest first.

    A row that has changed is only seen by a column that changes with it; without a value it is never seen; and
    without an index each run reads the whole table.
    """
    return sorted((column for column in table.columns if column.is_time), key=lambda column: -likelihood(column))


def likelihood(column: ColumnInfo) -> int:
    """Points for what speaks for a column."""
    words = [word.lower() for word in _WORD.findall(column.name)]
    points = 8 if any(word.startswith(_OF_CHANGES) for word in words) else 0
    points += 4 if column.leads else 0
    points += 3 if any(word.startswith(_OF_BIRTHS) for word in words) else 0
    points += 2 if any(word in _OF_TIMES for word in words) else 0
    points += 1 if not column.nullable else 0
    # Of two rows of the same day a date does not tell which came later.
    return points - (2 if column.type in ("date", "smalldatetime") else 0)


def newest_by(table: Table) -> ColumnInfo | None:
    """The column by which the newest rows are found without reading the whole table; None where there is none."""
    return next((column for column in time_columns(table) if column.leads), None)
