"""DuckDB's errors as those of SQL Server."""

from __future__ import annotations

import re

import duckdb

from lytics_azure_tui.sandbox.tds.errors import Cancelled, SqlError
from lytics_azure_tui.sandbox.tds.relations import Index, Relation

_OURS = re.compile(r"T-SQL\|(\d+)\|(.*?)(?:\n\nLINE|\Z)", re.DOTALL)
_DUPLICATE = re.compile(r"[Dd]uplicate key \"(.*)\" violates", re.DOTALL)
_NOT_NULL = re.compile(r"NOT NULL constraint failed: (?:.*\.)?(.*)")
_NOT_CONVERTED = re.compile(r"Could not convert string '(.*?)' to (\w+)", re.DOTALL)
_KINDS = {
    "INT8": "tinyint", "UINT8": "tinyint", "INT16": "smallint", "INT32": "int", "INT64": "bigint", "BOOL": "bit",
    "INT128": "bigint", "UINT64": "bigint",
}  # fmt: skip


def translated(error: duckdb.Error, database: str, target: Relation | None = None, verb: str = "INSERT") -> Exception:
    """What SQL Server would have said.

    Args:
        target: the table that the statement writes.
        verb: INSERT or UPDATE.

    Returns:
        A SqlError, or Cancelled.
    """
    text = str(error)
    ours = _OURS.search(text)
    if ours:
        return SqlError(int(ours[1]), ours[2].strip())
    if isinstance(error, duckdb.InterruptException) or "INTERRUPT" in text.upper():
        return Cancelled()
    if isinstance(error, duckdb.ConstraintException) or "constraint violated" in text:
        return _constraint(text, database, target, verb)
    if isinstance(error, duckdb.TransactionException):
        return _transaction(text)
    return _conversion(text) or _other(error, text)


def _constraint(text: str, database: str, target: Relation | None, verb: str) -> SqlError:
    table = f"{target.schema}.{target.name}" if target else "?"
    null = _NOT_NULL.search(text)
    if null:
        column = null[1].strip().splitlines()[0]
        return SqlError(
            515,
            f"Cannot insert the value NULL into column '{column}', table '{database}.{table}'; column does not allow "
            f"nulls. {verb} fails.",
            state=2,
        )
    if _DUPLICATE.search(text) or "unique" in text.lower():
        return _duplicate(text, table, target)
    kind = "FOREIGN KEY" if "foreign key" in text.lower() else "CHECK"
    return SqlError(
        547,
        f"The {verb} statement conflicted with the {kind} constraint. The conflict occurred in database "
        f'"{database}", table "{table}".',
        state=0,
    )


def _duplicate(text: str, table: str, target: Relation | None) -> SqlError:
    """2627, or 2601 for an index that is no constraint."""
    found = _DUPLICATE.search(text)
    values = found[1] if found else ""
    primary = "primary key" in text.lower()
    indexes = [one for one in (target.indexes if target else ()) if one.unique and one.primary == primary]
    # DuckDB names the columns of the key, not the key.
    index = next((one for one in indexes if _names(one, values)), indexes[0] if indexes else None)
    shown = _without_names(values, index)
    if index is not None and not index.constraint:
        words = f"Cannot insert duplicate key row in object '{table}' with unique index '{index.name}'."
        return SqlError(2601, f"{words} The duplicate key value is ({shown}).", severity=14)
    kind = "PRIMARY KEY" if primary else "UNIQUE KEY"
    name = f" '{index.name}'" if index else ""
    words = f"Violation of {kind} constraint{name}. Cannot insert duplicate key in object '{table}'."
    return SqlError(2627, f"{words} The duplicate key value is ({shown}).", severity=14)


def _names(index: Index, values: str) -> bool:
    rest = values
    for name, _ in index.columns:
        _, found, rest = rest.partition(f"{name}: ")
        if not found:
            return False
    return True


def _without_names(values: str, index: Index | None) -> str:
    for name, _ in index.columns if index else ():
        values = values.replace(f"{name}: ", "", 1)
    return values


def deadlock() -> SqlError:
    """1205."""
    return SqlError(
        1205,
        "Transaction was deadlocked on lock resources with another process and has been chosen as the deadlock victim. "
        "Rerun the transaction.",
        severity=13,
        state=45,
    )


def doomed() -> SqlError:
    """3930."""
    return SqlError(
        3930,
        "The current transaction cannot be committed and cannot support operations that write to the log "
        "file. Roll back "
        "the transaction.",
    )


def _transaction(text: str) -> SqlError:
    if "onflict" in text or "altered" in text:
        return deadlock()
    return doomed() if "aborted" in text else SqlError(3960, text.splitlines()[0])


def _conversion(text: str) -> SqlError | None:  # noqa: PLR0911 -- one a kind
    found = _NOT_CONVERTED.search(text)
    if found:
        value, kind = found[1], found[2]
        if kind in _KINDS:
            words = f"Conversion failed when converting the nvarchar value '{value}' to data type {_KINDS[kind]}."
            return SqlError(245, words)
        if kind in ("DECIMAL", "DOUBLE", "FLOAT"):
            target = {"DECIMAL": "numeric", "DOUBLE": "float", "FLOAT": "real"}[kind]
            return SqlError(8114, f"Error converting data type nvarchar to {target}.")
        if kind == "UUID":
            return SqlError(8169, "Conversion failed when converting from a character string to uniqueidentifier.")
    lowered = text.lower()
    if "timestamp" in lowered or "date field" in lowered or "date/time" in lowered or "strptime" in lowered:
        return SqlError(241, "Conversion failed when converting date and/or time from character string.")
    if "uuid" in lowered:
        return SqlError(8169, "Conversion failed when converting from a character string to uniqueidentifier.")
    if "division by zero" in lowered:
        return SqlError(8134, "Divide by zero error encountered.")
    if "out of range" in lowered or "overflow" in lowered:
        return SqlError(8115, "Arithmetic overflow error converting expression to data type numeric.", state=2)
    if "could not convert" in lowered or "could not cast" in lowered:
        return SqlError(8114, "Error converting data type nvarchar to numeric.")
    return None


def _other(error: duckdb.Error, text: str) -> SqlError:
    first = text.splitlines()[0] if text else type(error).__name__
    if "must appear in the GROUP BY" in text:
        column = re.search(r'column "(.*?)"', text)
        return SqlError(
            8120,
            f"Column '{column[1] if column else '?'}' is invalid in the select list because it is not contained in "
            "either an aggregate function or the GROUP BY clause.",
        )
    if "More than one row returned" in text:
        return SqlError(
            512, "Subquery returned more than 1 value. This is not permitted when it is used as an expression."
        )
    if "aborted" in text and "transaction" in text.lower():
        return doomed()
    if isinstance(error, duckdb.OutOfMemoryException):
        return SqlError(
            701, "There is insufficient system memory in resource pool 'default' to run this query.", severity=17
        )
    return SqlError(40000, f"The statement cannot be run here. {first}")
