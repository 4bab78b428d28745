"""A database to look around in: one session, opened when it is first asked for, for several threads, one at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Lock
from typing import TypeVar

from lytics_azure_tui.azure import sql_catalogue
from lytics_azure_tui.azure.sql import SqlSession
from lytics_azure_tui.azure.sql_catalogue import PAGE, Table, TableInfo
from lytics_azure_tui.azure.sql_errors import Dropped
from lytics_azure_tui.errors import BadConfiguration, Cancelled, RetryLater
from lytics_azure_tui.model.authorization import Authorization, AzureSql

T = TypeVar("T")
PATIENCE_SECONDS = 60
"""Somebody looks at a screen meanwhile."""


class Database:
    """What a user may see of a database. Every question takes `stop`: once it is set, the question ends with
    `Cancelled`, on the server too.

    Args:
        authorization: with its password.

    Raises:
        BadConfiguration: it is not one of a database.
    """

    def __init__(self, authorization: Authorization) -> None:
        if not isinstance(authorization, AzureSql):
            raise BadConfiguration(
                f"{authorization.title} gives no access to a database",
                fix=f"Choose an authorization by {AzureSql.title}",
            )
        self._authorization = authorization
        self._session: SqlSession | None = None
        self._lock = Lock()
        self._closed = Event()
        self._stop = Event()
        """Of the question that is asked now."""
        self._until = 0.0

    def tables(self, wanted: str = "", skip: int = 0, *, stop: Event | None = None) -> tuple[list[TableInfo], bool]:
        """A page of tables and views whose "schema.name" contains `wanted`, and whether more may follow."""
        found = self._ask(lambda session: sql_catalogue.tables(session, wanted, skip), stop)
        return found, len(found) == PAGE

    def table(self, schema: str, name: str, *, stop: Event | None = None) -> Table:
        """A table or view with its columns."""
        return self._ask(lambda session: sql_catalogue.table(session, schema, name), stop)

    def preview(
        self, table: Table, order: str | None = None, *, stop: Event | None = None
    ) -> list[tuple[str | None, ...]]:
        """Some rows of a table as text: the newest by a column, or any."""
        return self._ask(lambda session: sql_catalogue.preview(session, table, order), stop)

    def close(self) -> None:
        """Ends the session, and what is asked of it. It may wait for that."""
        self._closed.set()
        with self._lock:
            self._let_go()

    def _ask(self, question: Callable[[SqlSession], T], stop: Event | None) -> T:
        with self._lock:
            self._stop, self._until = stop or Event(), time.monotonic() + PATIENCE_SECONDS
            self._look_around()
            kept = self._session
            try:
                return self._asked(question)
            except Dropped:
                if kept is None:
                    raise
                # It lay idle for too long, and somebody on the way has forgotten it.
                return self._asked(question)

    def _asked(self, question: Callable[[SqlSession], T]) -> T:
        if self._session is None:
            self._session = SqlSession(self._authorization, check=self._look_around)
        try:
            return question(self._session)
        except RetryLater:
            self._let_go()
            raise

    def _look_around(self) -> None:
        if self._stop.is_set() or self._closed.is_set():
            raise Cancelled("Nobody waits for the answer any more")
        if time.monotonic() > self._until:
            raise RetryLater(
                "The database does not answer", why=f"It has had {PATIENCE_SECONDS} seconds", fix="Try it again"
            )

    def _let_go(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()
