"""Replies of SQL Server token by token ([MS-TDS] 2.2.7), in whatever order they come.

pytds logs in, sends requests and knows the types; a reply it reads through the `Session` that stands here, which
`install` puts in the place of its own. Its own does not know some of the tokens, takes a message for the error that
came before it, and ends a reply before its end.
"""

from __future__ import annotations

import math
import struct
import time
from typing import Any

import pytds
from pytds import tds_base, tds_session, tds_types

from lytics_azure_tui.azure.sql_certificate import names_host
from lytics_azure_tui.azure.sql_collation import CodePage
from lytics_azure_tui.azure.sql_packets import Incomplete, PacketReader
from lytics_azure_tui.errors import RetryLater


class Token:
    """The first bytes of tokens ([MS-TDS] 2.2.7). Those of COMPUTE and of data classification are never asked for."""

    OFFSET, RETURNSTATUS, COLMETADATA, TABNAME, COLINFO, ORDER = 0x78, 0x79, 0x81, 0xA4, 0xA5, 0xA9
    ERROR, INFO, RETURNVALUE, LOGINACK, FEATUREEXTACK = 0xAA, 0xAB, 0xAC, 0xAD, 0xAE
    ROW, NBCROW, ENVCHANGE, SESSIONSTATE, SSPI, FEDAUTHINFO = 0xD1, 0xD2, 0xE3, 0xE4, 0xED, 0xEE
    DONE, DONEPROC, DONEINPROC = 0xFD, 0xFE, 0xFF


ROWS = frozenset({Token.ROW, Token.NBCROW})
_FAILED = tds_base.TDS_DONE_ERROR | tds_base.TDS_DONE_SRVERROR
_DONE = struct.Struct("<HHQ")
_LAST_FEATURE = 0xFF
_MOST_ERRORS = 100
_NONSENSE = (
    struct.error, LookupError, ValueError, ArithmeticError, AssertionError, TypeError, AttributeError,
    NotImplementedError,
)  # fmt: skip
"""What pytds stumbles over in bytes that are no token."""
_TERMINATED = 3621
"""The number of "The statement has been terminated", which says nothing of why."""
_MOST_REDIRECTS = 10


class Session(tds_session._TdsSession):  # type: ignore[misc]
    """One session of pytds, whose replies are read token by token up to their very end."""

    def __init__(self, tds: Any, transport: Any, *args: Any, bufsize: int, **options: Any) -> None:
        super().__init__(tds, transport, *args, bufsize=bufsize, **options)
        self._reader = PacketReader(self, transport, bufsize)
        # Whether the next result set has been described already.
        self._described = False

    def send_prelogin(self, login: Any) -> None:
        """Begins to log in."""
        if login.connect_timeout:
            self._reader.until = time.monotonic() + login.connect_timeout
        super().send_prelogin(login)

    def process_login_tokens(self) -> bool:
        """Reads the reply to a login. Says whether it succeeded."""
        succeeded = bool(super().process_login_tokens())
        self._reader.until = math.inf
        return succeeded

    # Walking over a reply

    def next_token(self) -> int | None:
        """Reads a token and does what it says; None behind the last one of the reply.

        Raises:
            pytds.DatabaseError: the server's error, at the end of the statement that it ended.
            pytds.InterfaceError: it is no token of the protocol.
            Incomplete: the reply ends without saying so.
        """
        token = self._reader.peek()
        while token is None:
            if not self.in_cancel:
                self._close_reply()
                return None
            # The confirmation of a cancellation that came too late is a reply of its own.
            self.begin_response()
            token = self._reader.peek()
        self._reader.get_byte()
        self.state = tds_base.TDS_READING
        try:
            self.process_token(token)
        except _NONSENSE as error:
            raise tds_base.InterfaceError(f"The token 0x{token:02X} does not hold what it should") from error
        return int(token)

    def begin_response(self) -> Any:
        """Waits for a reply."""
        self.done_flags, self.more_rows, self._described = tds_base.TDS_DONE_MORE_RESULTS, False, False
        self._reader.skip_reply()
        return super().begin_response()

    def _close_reply(self) -> None:
        self.state = tds_base.TDS_IDLE
        if not self._ended:
            raise Incomplete
        if self.messages:
            self.raise_db_exception()

    @property
    def _ended(self) -> bool:
        """Whether what was read of the reply may be all of it."""
        return not self.more_rows and not self.done_flags & tds_base.TDS_DONE_MORE_RESULTS

    def find_result_or_done(self) -> bool:
        """Goes on to the next description of columns. False if the reply has none."""
        while (token := self.next_token()) is not None:
            if token == Token.COLMETADATA and self.more_rows:
                return True
        return False

    def next_row(self) -> bool:
        """Reads the next row. False behind the last of its result set."""
        while self.more_rows:
            if self._reader.peek() in ROWS:
                self.next_token()
                return True
            self.pass_token()
        return False

    def pass_token(self) -> None:
        """Reads a token that is no row, within or at the end of a result set."""
        token = self.next_token()
        if token is None:
            raise Incomplete
        if token == Token.COLMETADATA:
            # With NOCOUNT nothing ends the rows of a statement in a procedure.
            self._described, self.more_rows = self.more_rows, False

    def next_set(self) -> bool:
        """Goes on to the next result set. False if there is none, and the reply has been read to its end."""
        while self.next_row():
            pass
        if self._described:
            self._described, self.more_rows = False, True
            return True
        return self.find_result_or_done()

    def finish(self) -> None:
        """Reads the reply to its end, past whatever result sets it still has."""
        while self.next_set():
            pass

    def process_cancel(self) -> None:
        """Reads up to the server's word that it has stopped; what comes before is thrown away."""
        while self.in_cancel:
            try:
                self.next_token()
            except Incomplete:
                # A row that was cut short by the cancellation.
                self.more_rows = False
        self.state = tds_base.TDS_IDLE

    # Tokens (MS-TDS 2.2.7)

    def process_token(self, marker: int) -> None:
        """Reads a token behind its first byte, and does what it says."""
        reader = self._reader
        match marker:
            case Token.DONE | Token.DONEPROC | Token.DONEINPROC:
                self.process_end(marker)
            case Token.COLMETADATA:
                self.tds7_process_result()
                # A description of no columns, as of one that the client knows already, has no rows.
                self.more_rows = self.more_rows and bool(self.row)
            case Token.ENVCHANGE:
                self.process_env_chg()
            case Token.ORDER | Token.TABNAME | Token.COLINFO:
                reader.exactly(reader.get_usmallint())
            case Token.SESSIONSTATE | Token.FEDAUTHINFO:
                reader.exactly(reader.get_uint())
            case Token.OFFSET:
                reader.exactly(4)
            case Token.FEATUREEXTACK:
                while reader.get_byte() != _LAST_FEATURE:
                    reader.exactly(reader.get_uint())
            case _:
                super().process_token(marker)

    def process_end(self, marker: int) -> None:
        """Reads DONE, DONEPROC or DONEINPROC. Raises the server's error if the statement failed."""
        status, _, count = self._reader.unpack(_DONE)
        self.end_marker, self.done_flags, self.more_rows = marker, status, False
        self.rows_affected = count if status & tds_base.TDS_DONE_COUNT else -1
        if status & tds_base.TDS_DONE_CANCELLED:
            self.in_cancel, self.state = False, tds_base.TDS_IDLE
            self.messages.clear()
        elif not self.in_cancel:
            if self._ended:
                self.state = tds_base.TDS_IDLE
            if status & _FAILED:
                self.raise_db_exception()

    def process_msg(self, marker: int) -> None:
        """Reads ERROR and INFO. Only errors are kept."""
        body = self._reader.exactly(self._reader.get_usmallint())
        if marker != Token.ERROR or len(self.messages) >= _MOST_ERRORS:
            return
        number, state, severity, length = struct.unpack_from("<iBBH", body)
        self.messages.append(
            {
                "marker": marker, "msgno": number, "state": state, "severity": severity, "sql_state": None,
                "priv_msg_type": 1, "message": body[8 : 8 + 2 * length].decode("utf-16-le", "replace"), "server": "",
                "proc_name": "", "line_number": 0,
            }
        )  # fmt: skip

    def raise_db_exception(self) -> None:
        """Raises the first error of the reply: those behind it follow from it.

        Raises:
            pytds.DatabaseError: it.
            RetryLater: the server named none.
        """
        errors = [one for one in self.messages if one["msgno"] != _TERMINATED]
        if not errors:
            raise RetryLater("The statement failed", why="SQL Server ended it and named no error")
        raise tds_base._create_exception_by_message(errors[0])

    def process_env_chg(self) -> None:
        """Reads ENVCHANGE."""
        reader = self._reader
        body = reader.exactly(reader.get_usmallint())
        kind, new = body[0], body[2 : 2 + body[1]] if len(body) > 1 else b""
        match kind:
            case tds_base.TDS_ENV_DATABASE:
                self.conn.env.database = body[2 : 2 + 2 * body[1]].decode("utf-16-le")
            case tds_base.TDS_ENV_PACKSIZE:
                self._writer.bufsize = max(512, int(body[2 : 2 + 2 * body[1]].decode("utf-16-le")))
            case tds_base.TDS_ENV_SQLCOLLATION if len(new) >= CodePage.wire_size:
                self.conn.collation = CodePage.unpack(new)
            case tds_base.TDS_ENV_BEGINTRANS | tds_base.TDS_ENV_ENLIST_DTC_TRANS:
                self.conn.tds72_transaction = int.from_bytes(new, "little")
            case tds_base.TDS_ENV_COMMITTRANS | tds_base.TDS_ENV_ROLLBACKTRANS | tds_base.TDS_ENV_TRANS_ENDED:
                self.conn.tds72_transaction = 0
            case tds_base.TDS_ENV_PROMOTE_TRANS:
                # The one whose length is told behind it.
                reader.exactly(reader.get_uint() + 1)
            case tds_base.TDS_ENV_ROUTING:
                self._reroute(body)

    def _reroute(self, body: bytes) -> None:
        """Notes which server the gateway sends to: pytds logs in there when this login has ended."""
        _, _, port, length = struct.unpack_from("<HBHH", body, 1)
        login = self.conn._login
        login.redirects = getattr(login, "redirects", 0) + 1
        if login.redirects > _MOST_REDIRECTS:
            raise RetryLater(
                "The database could not be opened", why="The servers redirect the connection to each other without end"
            )
        # An instance that is named behind the host is the one that listens at the port.
        host = body[8 : 8 + 2 * length].decode("utf-16-le").partition("\\")[0]
        self.conn.route = {"server": host, "port": port}


def _udt_from_stream(kind: Any, reader: Any) -> Any:
    """Reads the description of a type of the CLR. Its size may be anything; pytds stops at some."""
    size = reader.get_usmallint()
    names = [reader.read_ucs2(reader.get_byte()) for _ in range(3)]
    return kind(size, *names, reader.read_ucs2(reader.get_usmallint()))


def install() -> None:
    """Lets pytds read with what stands here, and compare names in certificates as it should."""
    pytds.tds_socket._TdsSession = Session
    pytds.tls.validate_host = names_host
    tds_types.UDT72Serializer.type = tds_base.UDTTYPE
    tds_types.UDT72Serializer.from_stream = classmethod(_udt_from_stream)
