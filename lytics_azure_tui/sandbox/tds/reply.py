"""A reply under way: tokens in the order in which a client expects them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lytics_azure_tui.sandbox.tds import tokens
from lytics_azure_tui.sandbox.tds.errors import SqlError
from lytics_azure_tui.sandbox.tds.packets import Channel
from lytics_azure_tui.sandbox.tds.types import SqlType


class Reply:
    """Writes tokens; a DONE is held back until it is known whether more follows.

    Attributes:
        procedures: how deep in procedures the statements are; their DONE is another there.
        in_transaction: whether a transaction is open, for the next DONE.
        in_rows: whether columns were told whose rows have not ended.
    """

    def __init__(self, channel: Channel) -> None:
        """Args: channel: to the client."""
        self._channel = channel
        self._held: tuple[int, int, int, int] | None = None
        self.procedures = 0
        self.in_transaction = False
        self.in_rows = False

    def write(self, data: bytes | memoryview) -> None:
        """Adds bytes that are tokens already."""
        self._release()
        self._channel.write(data)

    def columns(
        self, described: Sequence[tuple[str, SqlType]], ordered: Sequence[int] = (), computed: Collection[int] = ()
    ) -> None:
        """A result begins. Args: ordered: the columns of its ORDER BY. computed: those that are expressions, from 0."""
        self.write(tokens.columns(described, computed))
        self.in_rows = True
        if ordered:
            self.write(tokens.order(ordered))

    def done(self, command: str, count: int | None, *, error: bool = False) -> None:
        """A statement has ended. Args: count: of rows; None if it is not told."""
        self.in_rows = False
        kind = tokens.DONEINPROC if self.procedures else tokens.DONE
        status = (tokens.COUNT if count is not None else 0) | (tokens.ERROR if error else 0)
        self._hold(kind, status, tokens.COMMANDS.get(command, 0), count or 0)

    def done_procedure(self, *, error: bool = False) -> None:
        """A procedure has ended."""
        self._hold(tokens.DONEPROC, tokens.ERROR if error else 0, 0, 0)

    def error(self, error: SqlError, procedure: str = "") -> None:
        """An error, of whatever is under way."""
        self.write(tokens.message(error, procedure=procedure))

    def info(self, number: int, text: str, severity: int = 0, line: int = 1) -> None:
        """A message that is no error."""
        self.write(tokens.message(SqlError(number, text, severity=severity, line=line), info=True))

    def end(self, *, attention: bool = False) -> None:
        """Ends the reply and sends it.

        Args:
            attention: whether it is cut short by the client's wish, which is then confirmed.
        """
        if attention:
            self._release()
            self._channel.write(tokens.done(tokens.DONE, tokens.ATTENTION, 0, 0))
        elif self._held is None:
            self._channel.write(tokens.done(tokens.DONE, self._transaction_flag(), 0, 0))
        else:
            self._release(last=True)
        self._channel.end_reply()

    def _hold(self, kind: int, status: int, command: int, count: int) -> None:
        self._release()
        self._held = (kind, status | self._transaction_flag(), command, count)

    def _transaction_flag(self) -> int:
        return tokens.IN_TRANSACTION if self.in_transaction else 0

    def _release(self, *, last: bool = False) -> None:
        if self._held is None:
            return
        kind, status, command, count = self._held
        self._held = None
        # Within a procedure something always follows: at least its end.
        more = 0 if last and kind != tokens.DONEINPROC else tokens.MORE
        self._channel.write(tokens.done(kind, status | more, command, count))
