"""One session of SQL Server, by pytds: always encrypted, with a deadline of its own, and ready to be cancelled.

While a query is waited for, the session looks several times a second whether the operator wants an end or the time is
over, and then asks the server to stop (MS-TDS' attention), which leaves nothing running there.
"""

from __future__ import annotations

import contextlib
import math
import select
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

import certifi
import pytds
from pytds import tds_base

from lytics_azure_tui import __version__
from lytics_azure_tui.azure import sql_wire
from lytics_azure_tui.azure.sql_errors import Dropped, translated
from lytics_azure_tui.azure.sql_rows import batches
from lytics_azure_tui.azure.sql_text import Texts
from lytics_azure_tui.errors import BadConfiguration, Fatal, LyazureError
from lytics_azure_tui.model.authorization import AzureSql

Values = Mapping[str, str | int]
"""Parameters of a query by name, without the @."""

_CONNECT_SECONDS = 15
_TURN_SECONDS = 0.25
_ANSWER_SECONDS = 20.0
"""So long the server may take to answer a cancellation; after that the connection is given up."""
_PACKET = 16_000
"""Bytes; encrypted packets of SQL Server have at most 16,383."""


def _once(work: Callable[[float], Any], ex_handler: object, max_time_sec: float, *_: object, **__: object) -> Any:
    """Logs in once, and lets the error be what it was."""
    return work(max_time_sec)


# pytds tries a login again and again, whatever the server has said, and in the end raises a TimeoutError in its place:
# nobody would learn that a firewall is in the way. When to try again is for us to decide.
pytds.utils.exponential_backoff = _once
sql_wire.install()


class SqlSession:
    """A session; not for several threads at once. Use it as a context manager, or call `close`.

    Args:
        authorization: with its password.
        check: called several times a second while the server is waited for; what it raises ends the query.
        timeout: seconds that the server may let us wait for a query, before and between its rows, unless the query is
            given others; then it is asked to stop it.
    """

    def __init__(
        self, authorization: AzureSql, *, check: Callable[[], None] = lambda: None, timeout: float = math.inf
    ) -> None:
        self._authorization = authorization
        self._timeout = timeout
        self._words = (authorization.server, authorization.port)
        self._line = _Line(check)
        self._connection = self._connect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the session, and its temporary tables with it."""
        with contextlib.suppress(Exception):
            self._connection.close()

    def run(self, sql: str, *, seconds: float | None = None, what: str = "The query failed") -> None:
        """Runs statements as one batch, so that the temporary tables that they make stay with the session.

        Args:
            sql: with its values written into it: see `text_literal`.
            seconds: that the server may let us wait; None for the session's timeout.
            what: what failed if it does.

        Raises:
            LyazureError: it did.
        """
        with self._guard(what, seconds):
            session = self._session
            session.submit_plain_query(sql)
            session.begin_response()
            session.finish()

    def rows(
        self, sql: str, values: Values | None = None, *, seconds: float | None = None, what: str = "The query failed"
    ) -> list[tuple[Any, ...]]:
        """The rows of a small result as pytds' Python values. Values are parameters, @name in the text."""
        with self._guard(what, seconds):
            self._ask(sql, values)
            session, found = self._session, []
            while (row := session.fetchone()) is not None:
                found.append(tuple(row))
            session.finish()
            return found

    def texts(
        self, sql: str, values: Values | None = None, *, seconds: float | None = None, what: str = "The query failed"
    ) -> Iterator[list[Texts]]:
        """The rows of a result of any size as texts that convert back exactly, column by column, some at a time."""
        with self._guard(what, seconds):
            self._ask(sql, values)
            yield from batches(self._session)
            self._session.finish()

    def _ask(self, sql: str, values: Values | None) -> None:
        session = self._session
        if values:
            parameters = [session.make_param(f"@{name}", value) for name, value in values.items()]
            declared = ", ".join(f"{one.name} {one.type.get_declaration()}" for one in parameters)
            head = [session.make_param("", sql), session.make_param("", declared)]
            session.submit_rpc(tds_base.SP_EXECUTESQL, [*head, *parameters], 0)
        else:
            session.submit_plain_query(sql)
        session.begin_response()
        if not session.find_result_or_done():
            raise Fatal("The server gave no rows where rows were asked for")

    @property
    def received(self) -> int:
        """Bytes that have come over the line since the session was opened, as they were encrypted."""
        return self._line.received

    @property
    def _session(self) -> Any:
        if self._connection._tds_socket is None:
            raise Dropped("The connection to the database was closed")
        return self._connection._tds_socket.main_session

    @contextlib.contextmanager
    def _guard(self, what: str, seconds: float | None) -> Iterator[None]:
        line = self._line
        limit = self._timeout if seconds is None else seconds
        line.begin(limit)
        try:
            with translated(what, *self._words):
                yield
        except LyazureError:
            if line.stopped is None:
                raise
        finally:
            stopped = line.stopped is None or self._has_stopped()
            line.end()
        if isinstance(line.stopped, _TimeIsOver):
            raise Fatal(
                what,
                why=f"The server took longer than {_in_words(limit)}; "
                + ("it has stopped the query" if stopped else "it does not answer, and may be at it still"),
                fix="Give it more time, or an index on the column that it looks for",
            )
        if line.stopped is not None:
            raise line.stopped

    def _has_stopped(self) -> bool:
        """Whether the server has answered our wish to stop; it is waited for."""
        try:
            self._session.process_cancel()
        except Exception:
            self.close()
            return False
        return not self._session.in_cancel

    def _connect(self) -> Any:
        with translated(f"The database {self._authorization.database} could not be opened", *self._words):
            return self._opened()

    def _opened(self) -> Any:
        authorization = self._authorization
        if not authorization.password:
            raise BadConfiguration("The password is missing", fix="Edit the authorization and enter it")
        connection = pytds.connect(
            authorization.server,
            authorization.database,
            authorization.user,
            authorization.password.reveal(),
            port=authorization.port,
            cafile=certificates(authorization),
            appname=f"lyazure-tui/{__version__}",
            login_timeout=_CONNECT_SECONDS,
            autocommit=True,
            blocksize=_PACKET,
        )
        encrypted, main = connection._tds_socket.sock, connection._tds_socket.main_session
        encrypted._transport = self._line.over(encrypted._transport, main.put_cancel)
        return connection


def certificates(authorization: AzureSql) -> str:
    """The file of authorities by which the server's certificate is checked. Without one pytds would not encrypt.

    Raises:
        BadConfiguration: the file that the authorization names cannot be read.
    """
    path = authorization.ca_file or certifi.where()
    try:
        with open(path, "rb") as file:  # noqa: PTH123 -- only whether it can be read
            file.read(1)
    except OSError as error:
        raise BadConfiguration(
            f"The file of certificate authorities {path} cannot be read",
            why=error.strerror or "",
            fix="Edit the authorization and correct CA File",
        ) from None
    return path


def text_literal(text: str) -> str:
    """Text as T-SQL's literal."""
    return "N'" + text.replace("'", "''") + "'"


def name_literal(*names: str) -> str:
    """A name, or several with dots between them, as T-SQL's delimited identifiers."""
    return ".".join("[" + name.replace("]", "]]") + "]" for name in names)


def _in_words(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds > 60 else "a minute" if seconds == 60 else f"{seconds:g} seconds"


class _TimeIsOver(LyazureError):
    """The server has used up the time of the query."""


class _Line:
    """The socket below the encryption, while a query is waited for."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self._socket: socket.socket | None = None
        self._cancel: Callable[[], None] = lambda: None
        self._left = math.inf
        self._looked = 0.0
        self._waiting = False
        self.stopped: LyazureError | None = None
        """Why the query was stopped."""
        self._answer_by = math.inf
        self.received = 0

    def over(self, connection: socket.socket, cancel: Callable[[], None]) -> Self:
        """Lies over a connection that is logged in; `cancel` sends the wish to stop."""
        self._socket, self._cancel = connection, cancel
        # A server that is gone without a word is noticed within a minute and a half.
        for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPALIVE", 30), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
            if hasattr(socket, name):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        return self

    def begin(self, seconds: float) -> None:
        """A query begins."""
        self._left, self._looked = seconds, time.monotonic()
        self._answer_by, self.stopped, self._waiting = math.inf, None, True

    def end(self) -> None:
        """It has ended."""
        self._waiting = False

    def recv(self, size: int, flags: int = 0) -> bytes:
        """What pytds' encryption reads from."""
        connection = self._socket
        if connection is None:
            raise Dropped("The session is not open")
        if self._waiting:
            ready = select.poll()
            ready.register(connection, select.POLLIN)
            came = False
            while not came:
                began = time.monotonic()
                came = bool(ready.poll(_TURN_SECONDS * 1000))
                now = time.monotonic()
                # Only what the server lets us wait counts, not what is done with its rows meanwhile.
                self._left -= now - began
                # One that sends a little all the time is not listened to for ever.
                if not came or now - self._looked > _TURN_SECONDS:
                    self._looked = now
                    self._look_around()
        data = connection.recv(size, flags)
        self.received += len(data)
        return data

    def _look_around(self) -> None:
        if self.stopped is None:
            try:
                self._check()
                if self._left < 0:
                    raise _TimeIsOver("The time is over")
            except LyazureError as error:
                self.stopped = error
                self._answer_by = time.monotonic() + _ANSWER_SECONDS
                self._cancel()
        elif time.monotonic() > self._answer_by:
            raise Dropped("The server does not answer a cancellation")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)
