"""Sends the rows of a query: fetched, encoded and written some thousands at a time."""

from __future__ import annotations

from lytics_azure_tui.sandbox.tds.arrow import Array, batches
from lytics_azure_tui.sandbox.tds.encode import encode_rows
from lytics_azure_tui.sandbox.tds.errors import Cancelled
from lytics_azure_tui.sandbox.tds.faults import Fault
from lytics_azure_tui.sandbox.tds.packets import Channel, Gone
from lytics_azure_tui.sandbox.tds.reply import Reply
from lytics_azure_tui.sandbox.tds.session import Session
from lytics_azure_tui.sandbox.tds.types import SqlType
from lytics_azure_tui.sandbox.tds.values import Value

_ROWS = 16_384
_ROWS_OF_LARGE = 4_096


class Rows:
    """Sends rows of one session."""

    def __init__(self, session: Session, channel: Channel) -> None:
        """Args: channel: to the client."""
        self._session = session
        self._channel = channel

    def send(
        self,
        reply: Reply,
        fault: Fault | None,
        sql: str,
        values: dict[str, Value],
        columns: list[tuple[str, SqlType]],
    ) -> int:
        """Runs a query and sends its rows as they come. Returns their number.

        Args:
            reply: in which the columns have been told.
            fault: that the rows meet.

        Raises:
            Cancelled: the client wants no more of them.
            Gone: the client is not there any more.
        """
        session = self._session
        described = [type_ for _, type_ in columns]
        rows = _ROWS_OF_LARGE if any(type_.large for type_ in described) else _ROWS
        count = 0
        for batch in batches(session.cursor, sql, values, rows):
            if session.cancel.is_set():
                raise Cancelled
            data, ends = encode_rows(batch, described)
            if fault is None:
                reply.write(data)
            else:
                self._send_faulty(reply, fault, data, ends, count)
            count += batch.length
        return count

    def _send_faulty(self, reply: Reply, fault: Fault, data: memoryview, ends: Array, before: int) -> None:
        if fault.kind in ("drop_after_rows", "end_within_row"):
            left = fault.number - before
            if left > len(ends):
                reply.write(data)
                return
            reply.write(data[: (int(ends[left - 1]) if left > 0 else 0) - (fault.kind == "end_within_row")])
            if fault.kind == "end_within_row":
                self._channel.end_reply()
                # The server believes that it has answered.
                self._session.cancel.wait()
                raise Gone("ended")
            self._channel.flush_all()
            self._channel.reset()
            raise Gone("dropped")
        start = 0
        for row in range(fault.number, len(ends) + fault.number, fault.number):
            stop = int(ends[min(row, len(ends)) - 1])
            reply.write(data[start:stop])
            self._channel.flush_all()
            start = stop
            if self._session.cancel.wait(fault.seconds):
                raise Cancelled
