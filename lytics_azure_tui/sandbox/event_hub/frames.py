"""AMQP's performatives written in full.

A list may leave out the nulls at its end (AMQP 1.0, 1.4), and proton does. Azure's SDK for Python reads the fields by
their position, and needs every one.
"""

from __future__ import annotations

import struct

_FIELDS = {0x10: 10, 0x11: 8, 0x12: 14, 0x13: 11, 0x14: 11, 0x15: 6, 0x16: 3, 0x17: 1, 0x18: 1, 0x40: 1, 0x44: 2}
"""Fields of each performative by its descriptor; of SASL those with more than one form."""
_NULL = b"\x40"
_HEADER = b"AMQP"
_HEAD = 8
"""Bytes: of the protocol header, and of a frame's own."""


class Padder:
    """Takes what proton would send, and gives what the client can read."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> bytes:
        """All frames that are whole by now, each with all of its fields."""
        held, out, at = self._held, bytearray(), 0
        held += data
        while len(held) - at >= _HEAD:
            if held[at : at + 4] == _HEADER:
                size, frame = _HEAD, bytes(held[at : at + _HEAD])
            else:
                (size,) = struct.unpack_from(">I", held, at)
                if len(held) - at < size:
                    break
                frame = _padded(bytes(held[at : at + size]))
            out += frame
            at += size
        del held[:at]
        return bytes(out)


def _padded(frame: bytes) -> bytes:
    body = frame[4] * 4  # the data offset counts words
    if len(frame) <= body or frame[body + 2] not in _FIELDS:
        return frame
    at, fields = body + 3, _FIELDS[frame[body + 2]]
    match frame[at]:
        case 0x45:
            count, start, end = 0, at + 1, at + 1
        case 0xC0:
            count, start, end = frame[at + 2], at + 3, at + 2 + frame[at + 1]
        case _:
            size, count = struct.unpack_from(">II", frame, at + 1)
            start, end = at + 9, at + 5 + size
    if count >= fields:
        return frame
    values = frame[start:end] + _NULL * (fields - count)
    whole = b"".join(
        (frame[4:at], b"\xd0", struct.pack(">II", len(values) + 4, fields), values, frame[end:]),
    )
    return struct.pack(">I", len(whole) + 4) + whole
