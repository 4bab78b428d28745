"""SQLite: how the ledger's file is opened, what a transaction is, and what its errors mean in words."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lytics_azure_tui.errors import Fatal, LyazureError, RetryLater
from lytics_azure_tui.runner import schema

BUSY_SECONDS = 15


class Database:
    """One connection, shared by the threads of a process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._writes = 0
        self._connection = _connect(path)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def version(self) -> int:
        """A number that differs whenever anything has changed since the last call."""
        # SQLite's own number leaves out what this connection wrote.
        return int(self.value("PRAGMA data_version")) + self._writes

    def rows(self, statement: str, *values: object) -> list[sqlite3.Row]:
        """What a SELECT finds."""
        with self._lock, explained(self.path):
            return self._connection.execute(statement, values).fetchall()

    def value(self, statement: str, *values: object) -> Any:
        """The first column of the first row; None when there is none."""
        row = next(iter(self.rows(statement, *values)), None)
        return None if row is None else row[0]

    def change(self, statement: str, *values: object) -> int:
        """How many rows a statement changed; call it in a transaction."""
        return self._connection.execute(statement, values).rowcount

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[None]:
        """All or nothing; one inside another is part of it.

        Args:
            durable: synced to disk before it returns, so that it survives a power cut. Without it, a power cut may
                undo it, but never half of it.
        """
        with self._lock, explained(self.path):
            connection = self._connection
            if connection.in_transaction:
                yield
                return
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                connection.execute("COMMIT")
                self._writes += 1
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")


def _connect(path: Path) -> sqlite3.Connection:
    """Opens the ledger, making or migrating it; its file is readable by its owner alone.

    Raises:
        Fatal: the file cannot be used, or a newer program wrote it.
    """
    with explained(path):
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Made here for its mode. One that is there is not opened: closing it would drop the locks that another
            # connection of this process holds on it (POSIX advisory locks; sqlite.org/howtocorrupt.html, 2.2).
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise Fatal(
                f"The ledger {path} cannot be opened",
                why=error.strerror or str(error),
                fix="Give this user the right to read and write it, or choose another [storage] folder",
            ) from None
        database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            database.row_factory = sqlite3.Row
            # With a write-ahead log, readers and the one writer never wait for each other.
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA journal_size_limit = 8388608")
            schema.migrate(database, path)
        except BaseException:
            database.close()
            raise
        return database


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns SQLite's errors into ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise _words(error, path) from error


def _words(error: sqlite3.Error, path: Path) -> LyazureError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return RetryLater(
            f"The ledger {path} is locked", why=f"Another process has held it for more than {BUSY_SECONDS} seconds"
        )
    if code == sqlite3.SQLITE_FULL:
        return Fatal(
            f"There is no space left to write the ledger {path}", fix="Free some space, then start the run again"
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return Fatal(
            f"The ledger {path} cannot be written",
            why=str(error),
            fix="Give this user the right to write the file and its folder",
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Fatal(
            f"The ledger {path} is damaged",
            why=str(error),
            fix="Put back a copy from before, or move the file away: runs and checkpoints start afresh then",
        )
    return Fatal(f"The ledger {path} cannot be used", why=str(error))
