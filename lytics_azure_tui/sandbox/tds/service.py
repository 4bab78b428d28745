"""The listening side: a thread for each connection."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

from lytics_azure_tui.sandbox.tds.conversation import Conversation, House
from lytics_azure_tui.sandbox.tds.packets import Channel

_SEND_BUFFER = 1 << 18
_FIRST_SPID = 51
_LAST_SPID = 32_000


class Service:
    """Takes connections on a free port of 127.0.0.1.

    Attributes:
        port: that it listens on.
    """

    def __init__(self, house: House) -> None:
        """Listens at once; `run` takes what comes."""
        self._house = house
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._spid = _FIRST_SPID

    def run(self) -> None:
        """Takes connections until `stop`."""
        while True:
            try:
                connection, (address, _) = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # What the system holds cannot be called back: a cancel would wait for all of it to be read.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
            spid, self._spid = self._spid, self._spid + 1 if self._spid < _LAST_SPID else _FIRST_SPID
            conversation = Conversation(self._house, Channel(connection, spid), spid, address)
            threading.Thread(target=conversation.hold, daemon=True).start()

    def stop(self) -> None:
        """Takes no more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
