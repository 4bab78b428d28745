"""The tokens of a reply ([MS-TDS] 2.2.7), but for rows: those are in encode.py."""

from __future__ import annotations

import struct
from collections.abc import Collection, Sequence

from lytics_azure_tui.sandbox.tds import types
from lytics_azure_tui.sandbox.tds.errors import SqlError
from lytics_azure_tui.sandbox.tds.types import SqlType, type_info

DONE = 0xFD
DONEPROC = 0xFE
DONEINPROC = 0xFF

MORE = 0x0001
ERROR = 0x0002
IN_TRANSACTION = 0x0004
COUNT = 0x0010
ATTENTION = 0x0020

SERVER = "lyazure-sandbox"
PROGRAM = "Microsoft SQL Server"
VERSION = (12, 0, 2000)
TDS_74 = 0x74000004

DATABASE = 1
LANGUAGE = 2
PACKET_SIZE = 4
COLLATION = 7
BEGIN_TRANSACTION = 8
COMMIT_TRANSACTION = 9
ROLLBACK_TRANSACTION = 10
RESET = 18
ROUTING = 20

# CurCmd of DONE, as far as clients show them.
COMMANDS = {"SELECT": 0xC1, "INSERT": 0xC3, "DELETE": 0xC4, "UPDATE": 0xC5, "INTO": 0xC1, "SET": 0xBE, "NONE": 0}


def b_text(text: str) -> bytes:
    """B_VARCHAR: at most 255 characters, their number in front."""
    encoded = text.encode("utf-16-le")[:510]
    return bytes([len(encoded) // 2]) + encoded


def us_text(text: str) -> bytes:
    """US_VARCHAR: its length is two bytes."""
    encoded = text.encode("utf-16-le")[:0xFFFE]
    return struct.pack("<H", len(encoded) // 2) + encoded


def done(kind: int, status: int, command: int, count: int) -> bytes:
    """DONE, DONEPROC or DONEINPROC."""
    return struct.pack("<BHHQ", kind, status, command, count)


def message(error: SqlError, *, info: bool = False, procedure: str = "") -> bytes:
    """ERROR, or INFO."""
    body = struct.pack("<iBB", error.number, error.state, error.severity)
    body += us_text(error.message) + b_text(SERVER) + b_text(procedure) + struct.pack("<I", max(error.line, 1))
    return struct.pack("<BH", 0xAB if info else 0xAA, len(body)) + body


def change(kind: int, new: bytes, old: bytes) -> bytes:
    """ENVCHANGE; values come with their lengths."""
    body = bytes([kind]) + new + old
    return struct.pack("<BH", 0xE3, len(body)) + body


def changed_text(kind: int, new: str, old: str) -> bytes:
    """ENVCHANGE of database, language or packet size."""
    return change(kind, b_text(new), b_text(old))


def changed_transaction(kind: int, descriptor: int) -> bytes:
    """ENVCHANGE of a transaction that begins or ends."""
    value = b"\x08" + struct.pack("<Q", descriptor)
    return change(kind, value, b"\0") if kind == BEGIN_TRANSACTION else change(kind, b"\0", value)


def changed_collation() -> bytes:
    """ENVCHANGE of the collation."""
    return change(COLLATION, b"\x05" + types.COLLATION, b"\0")


def redirected(host: str, port: int) -> bytes:
    """ENVCHANGE that sends a login on to another server, by TCP."""
    value = struct.pack("<BH", 0, port) + us_text(host)
    return change(ROUTING, struct.pack("<H", len(value)) + value, b"\0\0")


def login_acknowledged() -> bytes:
    """LOGINACK."""
    major, minor, build = VERSION
    body = b"\x01" + struct.pack(">I", TDS_74) + b_text(PROGRAM) + struct.pack(">BBH", major, minor, build)
    return struct.pack("<BH", 0xAD, len(body)) + body


def no_features() -> bytes:
    """FEATUREEXTACK that acknowledges none."""
    return b"\xae\xff"


def columns(described: Sequence[tuple[str, SqlType]], computed: Collection[int] = ()) -> bytes:
    """COLMETADATA. Args: computed: the places, from 0, of columns that are expressions."""
    pieces = [struct.pack("<BH", 0x81, len(described))]
    for place, (name, type_) in enumerate(described):
        # Flags: nullable; computed, or updatable is unknown. A rowversion is of a fixed length and nobody's to write.
        origin = 0x0020 if place in computed else 0x0008 if type_.name != "timestamp" else 0
        flags = (0x0001 if type_.nullable else 0) | origin
        user_type = 0x50 if type_.name == "timestamp" else 0
        pieces.append(struct.pack("<IH", user_type, flags) + type_info(type_) + b_text(name))
    return b"".join(pieces)


def order(columns: Sequence[int]) -> bytes:
    """ORDER: by which columns the rows are ordered. Args: columns: their places from 1, or 0."""
    return struct.pack(f"<BH{len(columns)}H", 0xA9, 2 * len(columns), *columns)


def return_status(value: int) -> bytes:
    """RETURNSTATUS of a procedure."""
    return struct.pack("<Bi", 0x79, value)


def return_value(ordinal: int, name: str, type_: SqlType, encoded: bytes) -> bytes:
    """RETURNVALUE: an output parameter. Args: encoded: the value as in a row."""
    head = struct.pack("<BH", 0xAC, ordinal) + b_text(name) + b"\x01" + struct.pack("<IH", 0, 0x0001)
    return head + type_info(type_.maybe()) + encoded
