"""Messages as bytes: a batch taken apart, and the service's annotations put in, without decoding what is carried."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from proton import Data

HEADER, MESSAGE_ANNOTATIONS, DATA, FOOTER = 0x70, 0x72, 0x75, 0x78
_FIXED = {0x4: 0, 0x5: 1, 0x6: 2, 0x7: 4, 0x8: 8, 0x9: 16}
"""Bytes of a value by the high half of its constructor."""


class Malformed(ValueError):
    """The bytes are not a message."""


def events(message: bytes) -> list[bytes]:
    """The events that a transfer carries: one, or those of a batch.

    A batch is a message whose data sections are messages of their own. Its message format would tell, but proton does
    not hand that out; no other body begins like a section.

    Raises:
        Malformed: it is not a message.
    """
    found = [message[start:end] for kind, start, end in _bodies(message) if kind == DATA]
    if found and all(_is_message(body) for body in found):
        return found
    return [message]


def annotated(event: bytes, sequence: int, offset: int, milliseconds: int) -> bytes:
    """An event as a consumer gets it: with its place in the partition, and when it came in."""
    head, rest, key = b"", [], b""
    for kind, start, end in _sections(event):
        if kind == HEADER:
            head = event[start:end]
        elif kind == MESSAGE_ANNOTATIONS:
            key = _partition_key(event[start + 3 : end])
        else:
            rest.append(event[start:end])
    entries = [
        _symbol(b"x-opt-sequence-number") + b"\x81" + struct.pack(">q", sequence),
        _symbol(b"x-opt-offset") + _string(str(offset).encode()),
        _symbol(b"x-opt-enqueued-time") + b"\x83" + struct.pack(">q", milliseconds),
    ]
    if key:
        entries.append(_symbol(b"x-opt-partition-key") + _string(key))
    values = b"".join(entries)
    annotations = b"\x00\x53\x72\xd1" + struct.pack(">II", len(values) + 4, 2 * len(entries)) + values
    return b"".join((head, annotations, *rest))


def partition_key(message: bytes) -> bytes:
    """The partition key that a message names; empty when none."""
    for kind, start, end in _sections(message):
        if kind == MESSAGE_ANNOTATIONS:
            return _partition_key(message[start + 3 : end])
        if kind >= DATA:
            break
    return b""


def _partition_key(annotations: bytes) -> bytes:
    data = Data()
    data.decode(annotations)
    data.rewind()
    data.next()
    found = {str(name): value for name, value in data.get_dict().items()}
    key = found.get("x-opt-partition-key", "")
    return key if isinstance(key, bytes) else str(key).encode()


def _is_message(body: bytes) -> bool:
    if body[:2] != b"\x00\x53":
        return False
    try:
        return all(HEADER <= kind <= FOOTER for kind, _, _ in _sections(body))
    except Malformed:
        return False


def _bodies(message: bytes) -> Iterator[tuple[int, int, int]]:
    """(kind, start, end) of the sections' values; of binary ones without their length."""
    for kind, start, end in _sections(message):
        at = start + 3
        skip = {0xA0: 2, 0xB0: 5}.get(message[at], 0)
        yield kind, at + skip, end


def _sections(message: bytes) -> Iterator[tuple[int, int, int]]:
    """(kind, start, end) of the sections, their descriptors included."""
    at, size = 0, len(message)
    while at < size:
        if message[at : at + 2] != b"\x00\x53" or at + 3 >= size:
            raise Malformed("a section does not begin with its descriptor")
        end = _after(message, at + 3)
        if end > size:
            raise Malformed("a section is cut off")
        yield message[at + 2], at, end
        at = end


def _after(message: bytes, at: int) -> int:
    """Where the value that begins here ends."""
    constructor = message[at]
    width = constructor >> 4
    try:
        if width in _FIXED:
            return at + 1 + _FIXED[width]
        if width in (0xA, 0xC, 0xE):
            return at + 2 + message[at + 1]
        if width in (0xB, 0xD, 0xF):
            return at + 5 + int(struct.unpack_from(">I", message, at + 1)[0])
    except (IndexError, struct.error):
        raise Malformed("a value is cut off") from None
    raise Malformed("a value of an unknown type")


def _symbol(name: bytes) -> bytes:
    return b"\xa3" + bytes([len(name)]) + name


def _string(text: bytes) -> bytes:
    return b"\xa1" + bytes([len(text)]) + text if len(text) < 256 else b"\xb1" + struct.pack(">I", len(text)) + text
