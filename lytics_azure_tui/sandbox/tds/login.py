"""PRELOGIN and LOGIN7 ([MS-TDS] 2.2.6.5 and 2.2.6.4)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from lytics_azure_tui.sandbox.tds.packets import Gone

_VERSION = 0x00
_ENCRYPTION = 0x01
_INSTANCE = 0x02
_THREAD = 0x03
_MARS = 0x04
_FEDERATED = 0x06
_END = 0xFF

ENCRYPT_OFF = 0x00
ENCRYPT_ON = 0x01
ENCRYPT_NOT_SUPPORTED = 0x02
ENCRYPT_REQUIRED = 0x03

_FIXED = 94
_SMALLEST_PACKET = 512
# Encrypted ones; others may have 32,767 bytes.
_LARGEST_PACKET = 16_383
_EXTENSION = 0x10


def encryption_asked(data: bytes) -> int:
    """What a client's PRELOGIN says about encryption.

    Raises:
        Gone: it is no PRELOGIN.
    """
    position = 0
    while position < len(data) and data[position] != _END:
        if position + 5 > len(data):
            raise Gone("no PRELOGIN")
        option, start, length = struct.unpack_from(">BHH", data, position)
        if option == _ENCRYPTION and length >= 1 and start < len(data):
            return int(data[start])
        position += 5
    return ENCRYPT_NOT_SUPPORTED


def prelogin_reply(encryption: int) -> bytes:
    """The server's PRELOGIN: no MARS, no federated authentication."""
    options = [
        (_VERSION, struct.pack(">BBHH", 12, 0, 2000, 0)),
        (_ENCRYPTION, bytes([encryption])),
        (_INSTANCE, b"\0"),
        (_THREAD, b""),
        (_MARS, b"\0"),
    ]
    start = 5 * len(options) + 1
    head, body = b"", b""
    for option, value in options:
        head += struct.pack(">BHH", option, start + len(body), len(value))
        body += value
    return head + bytes([_END]) + body


@dataclass(frozen=True, slots=True)
class Login:
    """What LOGIN7 says.

    Attributes:
        packet_size: what the client asks for, brought within the limits.
        extended: whether it asks for features.
        integrated: whether it wants to log in without a password.
    """

    user: str
    password: str
    database: str
    language: str
    host: str
    application: str
    packet_size: int
    extended: bool
    integrated: bool

    def __repr__(self) -> str:
        return f"Login({self.user!r}, {self.database!r})"


def read_login(data: bytes) -> Login:
    """Reads LOGIN7.

    Raises:
        Gone: it is none.
    """
    if len(data) < _FIXED:
        raise Gone("no LOGIN7")
    packet_size = struct.unpack_from("<I", data, 8)[0] or 4096
    flags2, flags3 = data[25], data[27]

    def text(place: int) -> bytes:
        start, length = struct.unpack_from("<HH", data, place)
        return data[start : start + 2 * length]

    def decoded(place: int) -> str:
        return text(place).decode("utf-16-le", "replace")

    # Each byte was turned by four bits, then mixed with A5.
    password = bytes(((byte ^ 0xA5) >> 4) | (((byte ^ 0xA5) << 4) & 0xF0) for byte in text(44))
    return Login(
        user=decoded(40),
        password=password.decode("utf-16-le", "replace"),
        database=decoded(68),
        language=decoded(64),
        host=decoded(36),
        application=decoded(48),
        packet_size=min(max(packet_size, _SMALLEST_PACKET), _LARGEST_PACKET),
        extended=bool(flags3 & _EXTENSION),
        integrated=bool(flags2 & 0x80),
    )
