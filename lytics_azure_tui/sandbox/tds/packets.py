"""Packets ([MS-TDS] 2.2.3): messages cut into them, before and after TLS."""

from __future__ import annotations

import fcntl
import select
import socket
import ssl
import struct
import termios
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

SQL_BATCH = 0x01
RPC = 0x03
REPLY = 0x04
ATTENTION = 0x06
BULK = 0x07
TRANSACTION = 0x0E
LOGIN7 = 0x10
PRELOGIN = 0x12

END = 0x01
IGNORE = 0x02
RESET = 0x08
RESET_SKIP_TRANSACTION = 0x10

HEADER = 8
_READ = 1 << 18
_FLUSH = 1 << 19
_TLS_PIECE = 1 << 20
_DRAIN_SECONDS = 10.0


class Gone(Exception):
    """The other side is not there any more."""


@dataclass(frozen=True, slots=True)
class Message:
    """A whole message.

    Attributes:
        type: of its packets.
        data: without headers.
        status: the flags of its first packet.
        ignored: whether its sender gave it up.
    """

    type: int
    data: bytes
    status: int
    ignored: bool = False


class Channel:
    """One connection. One thread reads, another writes."""

    def __init__(self, connection: socket.socket, spid: int) -> None:
        """Args: connection: just accepted."""
        self._socket = connection
        self._spid = spid
        self._tls: ssl.SSLObject | None = None
        self._from_net, self._to_net = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._incoming = bytearray()
        self._outgoing = bytearray()
        self._number = 1
        # A reset is only sent once nobody waits in the socket any more, so the reader must be woken first.
        self._wake, self._waker = socket.socketpair()
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)
        self._poll.register(self._wake, select.POLLIN)
        self._nobody_reads = threading.Event()
        self._nobody_reads.set()
        self.packet_size = 4096
        # For faults: how many bytes may still go out before the connection is cut.
        self.cut_after: int | None = None

    # ---- reading

    def read_message(self) -> Message:
        """Waits for a message. An attention is a message too.

        Raises:
            Gone: the client closed, or what it sent are no packets.
        """
        data = bytearray()
        first: int | None = None
        while True:
            type_, status, payload = self._read_packet()
            first = status if first is None else first
            data += payload
            if status & END:
                return Message(type_, bytes(data), first, bool(status & IGNORE))

    def _read_packet(self) -> tuple[int, int, bytes]:
        header = self._read(HEADER)
        type_, status, length = struct.unpack(">BBH", header[:4])
        if length < HEADER:
            raise Gone("no packet")
        return type_, status, self._read(length - HEADER)

    def _read(self, count: int) -> bytes:
        while len(self._incoming) < count:
            self._receive()
        data = bytes(self._incoming[:count])
        del self._incoming[:count]
        return data

    def _receive(self) -> None:
        self._nobody_reads.clear()
        try:
            ready = {descriptor for descriptor, _ in self._poll.poll()}
            data = b"" if self._wake.fileno() in ready else self._socket.recv(_READ)
        except OSError as error:
            raise Gone(str(error)) from error
        finally:
            self._nobody_reads.set()
        if not data:
            raise Gone("closed")
        if self._tls is None:
            self._incoming += data
            return
        with self._lock:
            self._from_net.write(data)
            while True:
                try:
                    piece = self._tls.read(_READ)
                except ssl.SSLWantReadError:
                    break
                except ssl.SSLError as error:
                    raise Gone(str(error)) from error
                if not piece:
                    raise Gone("closed")
                self._incoming += piece

    # ---- TLS

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Shakes hands; its messages travel in packets of the type of PRELOGIN. After it, packets travel in TLS.

        Raises:
            Gone: the client does not want to, or trusts us not.
        """
        tls = context.wrap_bio(self._from_net, self._to_net, server_side=True)
        while True:
            try:
                tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                done = False
            except ssl.SSLError as error:
                self._send_handshake()
                raise Gone(str(error)) from error
            self._send_handshake()
            if done:
                break
            message = self.read_message()
            if message.type != PRELOGIN:
                raise Gone("no TLS")
            self._from_net.write(message.data)
        self._tls = tls
        # What came behind the handshake is TLS already.
        rest, self._incoming = bytes(self._incoming), bytearray()
        if rest:
            self._from_net.write(rest)
            with suppress(ssl.SSLWantReadError):
                self._incoming += tls.read(_READ)

    def _send_handshake(self) -> None:
        data = self._to_net.read()
        if data:
            self.send(PRELOGIN, data)

    # ---- writing

    def send(self, type_: int, data: bytes) -> None:
        """Sends a whole message."""
        step = self.packet_size - HEADER
        pieces = [data[start : start + step] for start in range(0, len(data), step)] or [b""]
        packets = bytearray()
        for number, piece in enumerate(pieces, 1):
            status = END if number == len(pieces) else 0
            packets += struct.pack(">BBHHBB", type_, status, len(piece) + HEADER, self._spid, number % 256, 0) + piece
        self._send(packets)

    def write(self, data: bytes | memoryview) -> None:
        """Adds to the reply; full packets go out when there are many."""
        self._outgoing += data
        if len(self._outgoing) >= _FLUSH:
            self._flush()

    def end_reply(self) -> None:
        """Sends what is left of the reply; its last packet says so."""
        self._flush()
        rest = bytes(self._outgoing)
        self._outgoing.clear()
        header = struct.pack(">BBHHBB", REPLY, END, len(rest) + HEADER, self._spid, self._number % 256, 0)
        self._number = 1
        self._send(header + rest)

    def flush_all(self) -> None:
        """Sends what there is of the reply, though the packet is not full."""
        self._flush()
        if self._outgoing:
            rest = bytes(self._outgoing)
            self._outgoing.clear()
            self._send(struct.pack(">BBHHBB", REPLY, 0, len(rest) + HEADER, self._spid, self._number % 256, 0) + rest)
            self._number += 1

    def _flush(self) -> None:
        step = self.packet_size - HEADER
        # At least one byte stays, as the last packet must not be empty.
        count = (len(self._outgoing) - 1) // step
        if count <= 0:
            return
        packets = np.empty((count, self.packet_size), np.uint8)
        packets[:, :HEADER] = np.frombuffer(
            struct.pack(">BBHHBB", REPLY, 0, self.packet_size, self._spid, 0, 0), np.uint8
        )
        packets[:, 6] = np.arange(self._number, self._number + count) % 256
        body = np.frombuffer(self._outgoing, np.uint8, count * step)
        packets[:, HEADER:] = body.reshape(count, step)
        del body
        del self._outgoing[: count * step]
        self._number += count
        self._send(packets.data.cast("B"))

    def _send(self, data: bytes | bytearray | memoryview) -> None:
        if self.cut_after is not None:
            self._cut(bytes(data))
            return
        with self._writing:
            view = memoryview(data)
            for start in range(0, len(view), _TLS_PIECE):
                self._send_piece(view[start : start + _TLS_PIECE])

    def _send_piece(self, piece: memoryview) -> None:
        out: bytes | memoryview = piece
        if self._tls is not None:
            with self._lock:
                self._tls.write(piece)
                out = self._to_net.read()
        try:
            self._socket.sendall(out)
        except OSError as error:
            raise Gone(str(error)) from error

    def _cut(self, data: bytes) -> None:
        """Sends the first part of it, then breaks off."""
        allowed, self.cut_after = self.cut_after or 0, None
        with self._writing:
            self._send_piece(memoryview(data[:allowed]))
        self.reset()
        raise Gone("cut off")

    # ---- ending

    def reset(self) -> None:
        """Ends the connection as a crash does: the client gets a reset, after what was sent before."""
        deadline = time.monotonic() + _DRAIN_SECONDS
        while self._unsent() and time.monotonic() < deadline:
            time.sleep(0.002)
        with suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._close()

    def _unsent(self) -> int:
        """How many bytes the system still holds for the client: a reset would throw them away."""
        held = bytearray(4)
        try:
            fcntl.ioctl(self._socket, termios.TIOCOUTQ, held)
        except OSError:
            return 0
        return int.from_bytes(held, "little")

    def close(self) -> None:
        """Ends the connection in order."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._close()

    def _close(self) -> None:
        with suppress(OSError):
            self._waker.send(b"!")
        self._nobody_reads.wait(5)
        for one in (self._socket, self._wake, self._waker):
            with suppress(OSError):
                one.close()
