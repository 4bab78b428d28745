""" "Test connection" of a database: who one is there, and what one may read."""

from __future__ import annotations

import time
from dataclasses import dataclass

from lytics_azure_tui.azure.checks import CheckReport
from lytics_azure_tui.azure.sql import SqlSession
from lytics_azure_tui.model.authorization import AzureSql

_WHAT = "The rights of the user could not be read"
_WHO = """
SELECT CAST(@@VERSION AS nvarchar(300)), DB_NAME(), SUSER_SNAME(), USER_NAME(),
  HAS_PERMS_BY_NAME(QUOTENAME(DB_NAME()), N'DATABASE', N'SELECT')
"""
# Only what the user may see is in the catalogue at all.
_SEEN = """
SELECT COUNT(*), SUM(HAS_PERMS_BY_NAME(QUOTENAME(s.name) + N'.' + QUOTENAME(o.name), N'OBJECT', N'SELECT'))
FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id
WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0
"""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the user may do.

    Attributes:
        all: whether the right to read is one for the whole database.
        tables, readable: tables and views that are seen, and how many of them may be read.
    """

    all: bool
    tables: int
    readable: int

    def in_words(self) -> str:
        if not self.tables:
            return (
                "There are no tables or views yet; whatever comes may be read"
                if self.all
                else "No table and no view is seen: the database is empty, or the user has no right to any"
            )
        seen = f"{self.tables:,} table or view" if self.tables == 1 else f"{self.tables:,} tables and views"
        if self.readable == self.tables:
            return f"Sees {seen}, and may read {'it' if self.tables == 1 else 'all of them'}"
        return f"Sees {seen}, and may read {f'{self.readable:,} of them' if self.readable else 'none of them'}"


def sql_report(authorization: AzureSql) -> CheckReport:
    """Logs in and asks. Imports write nothing, so that the right to write is not looked at.

    Raises:
        LyazureError: the database cannot be reached or does not let in.
    """
    began = time.monotonic()
    with SqlSession(authorization) as session:
        ((version, database, login, user, reads_all),) = session.rows(_WHO, seconds=30, what=_WHAT)
        seconds = time.monotonic() - began
        ((tables, readable),) = session.rows(_SEEN, seconds=30, what=_WHAT)
    seen = _Seen(bool(reads_all), int(tables or 0), int(tables or 0) if reads_all else int(readable or 0))
    who = f"Logged in as {login}" if user in (login, None) else f"Logged in as {login}, in the database {user}"
    return CheckReport(
        list=seen.all or bool(seen.tables),
        read=seen.all or bool(seen.readable),
        write=None,
        seconds=seconds,
        account=f"{authorization.server}, database {database}",
        notes=(seen.in_words(), who, f"Server: {one_line(str(version))}"),
    )


def one_line(version: str) -> str:
    """@@VERSION without its date, copyright and operating system: "Microsoft SQL Azure (RTM) - 12.0.2000.8"."""
    lines = [" ".join(line.split()) for line in version.splitlines() if line.strip()]
    return lines[0][:100] if lines else "unknown"
