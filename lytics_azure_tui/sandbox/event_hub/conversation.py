"""One connection: proton speaks AMQP, this decides what is answered."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

from proton import (
    Collector,
    Connection,
    Delivery,
    Event,
    Link,
    Message,
    Receiver,
    Sender,
    Transport,
    TransportException,
)

from lytics_azure_tui.sandbox.event_hub import answers
from lytics_azure_tui.sandbox.event_hub.frames import Padder
from lytics_azure_tui.sandbox.event_hub.links import Address, Incoming, NotTaken, Outgoing, Requests, error, refuse
from lytics_azure_tui.sandbox.event_hub.namespace import Namespace
from lytics_azure_tui.sandbox.event_hub.tokens import LISTEN, SEND, Claim

_FRAME = 65_536
_WINDOW = 64 * 1024 * 1024
_BUFFERED = 4 * 1024 * 1024
"""Bytes on their way to the client, beyond which a consumer waits."""


class Conversation(asyncio.Protocol):
    """A connection, from the first byte to the last.

    Attributes:
        claims: what its tokens let it do.
    """

    def __init__(self, namespace: Namespace, open: set[Conversation]) -> None:
        """Begins one.

        Args:
            open: those that are under way; it leaves them when it ends.
        """
        self.namespace = namespace
        self._open = open
        self.claims: list[Claim] = []
        self._padder = Padder()
        self._collector = Collector()
        self._engine, self._connection = Transport(Transport.SERVER), Connection()
        self._engine.max_frame_size = _FRAME
        self._engine.sasl().allowed_mechs("ANONYMOUS")
        self._connection.collect(self._collector)
        self._engine.bind(self._connection)
        self._links: dict[Link, Incoming | Outgoing | Requests] = {}
        self._replies: dict[str, Sender] = {}
        self._socket: asyncio.Transport | None = None
        self._due = False
        self._heard = time.monotonic()
        # proton tells half of it.
        self._engine.idle_timeout = 2 * namespace.idle

    # The line

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._socket = transport
        transport.set_write_buffer_limits(high=_BUFFERED)
        self._listen()

    def _listen(self) -> None:
        """Closes the connection when nothing has come for too long, and looks again otherwise."""
        if self._socket is None:
            return
        left = self._heard + self.namespace.idle - time.monotonic()
        if left <= 0:
            allowed = round(1000 * self.namespace.idle)
            words = f"The connection was inactive for more than the allowed {allowed} milliseconds and is closed."
            self.close("amqp:connection:forced", words)
            self._turn()
            return
        asyncio.get_running_loop().call_later(left, self._listen)

    def close(self, condition: str, why: str) -> None:
        """Ends the connection, and says why."""
        self._connection.condition = error(condition, why)
        self._connection.close()

    def end_consumers(self, condition: str) -> None:
        """Closes the links of consumers, and says why."""
        for link in tuple(self._links.values()):
            if isinstance(link, Outgoing):
                link.end(condition, "The link is force detached by the broker.")
        self.soon()

    def data_received(self, data: bytes) -> None:
        self._heard = time.monotonic()
        with suppress(TransportException):
            while data:
                room = self._engine.capacity()
                if room < 0:
                    break
                self._engine.push(data[:room])
                data = data[room:]
                self._turn()
        self._turn()

    def connection_lost(self, exc: Exception | None) -> None:
        with suppress(TransportException):
            self._engine.close_tail()
        for link in self._links.values():
            link.closed()
        self._links.clear()
        self._socket = None
        self._open.discard(self)

    def resume_writing(self) -> None:
        self._wake()

    def cut(self) -> None:
        """Breaks the connection off, as a network does."""
        if self._socket is not None:
            self._socket.abort()
            self._socket = None

    @property
    def crowded(self) -> bool:
        """Whether the client does not keep up."""
        return self._socket is None or self._socket.get_write_buffer_size() > _BUFFERED

    def soon(self) -> None:
        """Something has come for a consumer of this connection."""
        if not self._due and self._socket is not None:
            self._due = True
            asyncio.get_running_loop().call_soon(self._wake)

    def _wake(self) -> None:
        self._due = False
        for link in tuple(self._links.values()):
            if isinstance(link, Outgoing):
                link.pump()
        self._turn()

    def _turn(self) -> None:
        """Handles what has come, sends what is to go."""
        while (event := self._collector.peek()) is not None:
            self._handle(event)
            self._collector.pop()
        self._engine.tick(time.monotonic())
        while (size := self._engine.pending()) > 0:
            data = self._padder.feed(self._engine.peek(size) or b"")
            self._engine.pop(size)
            if self._socket is not None:
                self._socket.write(data)
        if self._engine.pending() < 0 and self._socket is not None:
            self._socket.close()

    # Events

    def _handle(self, event: Any) -> None:
        match event.type:
            case Event.CONNECTION_REMOTE_OPEN:
                self._connection.container = "sandbox"
                self._connection.open()
            case Event.SESSION_REMOTE_OPEN:
                event.session.incoming_capacity = _WINDOW
                event.session.open()
            case Event.LINK_REMOTE_OPEN:
                self._opened(event.link)
            case Event.LINK_FLOW:
                found = self._links.get(event.link)
                if isinstance(found, Outgoing):
                    found.pump()
            case Event.DELIVERY:
                self._delivered(event.link, event.delivery)
            case Event.LINK_REMOTE_CLOSE | Event.LINK_REMOTE_DETACH:
                found = self._links.pop(event.link, None)
                if found is not None:
                    found.closed()
                event.link.close()
            case Event.SESSION_REMOTE_CLOSE:
                event.session.close()
            case Event.CONNECTION_REMOTE_CLOSE:
                self._connection.close()

    def _opened(self, link: Link) -> None:
        link.source.copy(link.remote_source)
        link.target.copy(link.remote_target)
        link.snd_settle_mode, link.rcv_settle_mode = link.remote_snd_settle_mode, link.remote_rcv_settle_mode
        try:
            self._links[link] = self._attached(link)
        except NotTaken as refused:
            link.open()
            refuse(link, refused.condition, str(refused))
            return

    def _attached(self, link: Link) -> Incoming | Outgoing | Requests:
        node = (link.remote_source if link.is_sender else link.remote_target).address or ""
        if node.rpartition("/")[2].startswith("$"):
            link.max_message_size = _WINDOW
            link.open()
            if isinstance(link, Sender):
                self._replies[node] = link
            else:
                link.flow(100)
            return Requests(link, node)
        address = Address.parse(node, self.namespace)
        right = LISTEN if link.is_sender else SEND
        if not self.may(right, address.hub.name):
            raise NotTaken(
                "amqp:unauthorized-access",
                f"Unauthorized access. '{right}' claim(s) are required to perform this operation. Resource: '{node}'.",
            )
        if isinstance(link, Sender):
            outgoing = Outgoing(self, link, address)
            link.open()
            return outgoing
        assert isinstance(link, Receiver)  # noqa: S101
        link.max_message_size = self.namespace.max_size
        link.open()
        return Incoming(self, link, address)

    def _delivered(self, link: Link, delivery: Delivery) -> None:
        if not link.is_receiver or delivery.partial or not delivery.readable:
            if link.is_sender and delivery.settled:
                delivery.settle()
            return
        message = link.recv(delivery.pending) or b""
        link.advance()
        found = self._links.get(link)
        if isinstance(found, Requests):
            delivery.update(Delivery.ACCEPTED)
            delivery.settle()
            self._answer(found.node, message)
            link.flow(1)
        elif isinstance(found, Incoming):
            found.take(delivery, message)

    def _answer(self, node: str, message: bytes) -> None:
        request = Message()
        request.decode(message)
        reply = self._replies.get(node)
        if reply is None:
            return
        answer = answers.token(self, request) if node.endswith("$cbs") else answers.about(self, request)
        answer.correlation_id = request.id
        sent = reply.send(answer)
        if isinstance(sent, Delivery):
            sent.settle()

    def may(self, right: str, hub: str) -> bool:
        """Whether one of the tokens lets in, now."""
        now = time.time()
        return any(right in claim.rights and claim.covers(hub) and claim.expires > now for claim in self.claims)
