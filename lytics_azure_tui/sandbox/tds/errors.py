"""Errors as SQL Server numbers and words them."""

from __future__ import annotations


class SqlError(Exception):
    """What becomes an ERROR token.

    Attributes:
        number: SQL Server's number.
        message: its text, without number.
        severity: 11 to 16 for what a statement did wrong, 20 and above ends the connection.
        state: a small number that tells causes of the same error apart.
        line: of the batch, counted from 1; 0 while it is not known.
    """

    def __init__(self, number: int, message: str, *, severity: int = 16, state: int = 1, line: int = 0) -> None:
        super().__init__(message)
        self.number = number
        self.message = message
        self.severity = severity
        self.state = state
        self.line = line

    @property
    def ends_batch(self) -> bool:
        """Whether the statements after it are not run either."""
        return self.number not in _STATEMENT_ONLY


# What ends one statement, and lets the batch go on.
_STATEMENT_ONLY = {229, 262, 297, 515, 544, 547, 911, 1505, 1913, 2601, 2627, 2628, 2705, 2714, 2759, 3701, 8152, 15151}


class Cancelled(Exception):
    """The client sent an attention signal."""


def syntax_error(near: str, line: int, *, keyword: bool = False) -> SqlError:
    """102, or 156 where the unexpected word is a keyword."""
    if not near:
        return SqlError(102, "Incorrect syntax near end of batch.", severity=15, line=line)
    if keyword:
        return SqlError(156, f"Incorrect syntax near the keyword '{near}'.", severity=15, line=line)
    return SqlError(102, f"Incorrect syntax near '{near}'.", severity=15, line=line)


def unsupported(what: str, line: int = 0) -> SqlError:
    """40000-style, for what is right in T-SQL and not known here."""
    return SqlError(40510, f"{what} is not supported in this version of SQL Server.", severity=15, line=line)


def no_object(name: str) -> SqlError:
    """208."""
    return SqlError(208, f"Invalid object name '{name}'.")


def no_column(name: str) -> SqlError:
    """207, or 4104 for a name of several parts."""
    if "." in name:
        return SqlError(4104, f'The multi-part identifier "{name}" could not be bound.')
    return SqlError(207, f"Invalid column name '{name}'.")


def denied(permission: str, name: str, database: str, schema: str) -> SqlError:
    """229."""
    return SqlError(
        229,
        f"The {permission} permission was denied on the object '{name}', database '{database}', schema '{schema}'.",
        severity=14,
        state=5,
    )


def denied_statement(permission: str, database: str) -> SqlError:
    """262."""
    return SqlError(262, f"{permission} permission denied in database '{database}'.", severity=14)
