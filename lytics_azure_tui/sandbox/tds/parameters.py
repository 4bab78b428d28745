"""Remote procedure calls and their typed parameters ([MS-TDS] 2.2.6.6), and single values as in a row."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from decimal import Decimal, localcontext
from uuid import UUID

from lytics_azure_tui.sandbox.tds import times, types
from lytics_azure_tui.sandbox.tds.errors import SqlError
from lytics_azure_tui.sandbox.tds.types import MAX, SqlType
from lytics_azure_tui.sandbox.tds.values import Value

PROCEDURES = {
    1: "sp_cursor", 2: "sp_cursoropen", 3: "sp_cursorprepare", 4: "sp_cursorexecute", 5: "sp_cursorprepexec",
    6: "sp_cursorunprepare", 7: "sp_cursorfetch", 8: "sp_cursoroption", 9: "sp_cursorclose", 10: "sp_executesql",
    11: "sp_prepare", 12: "sp_execute", 13: "sp_prepexec", 14: "sp_prepexecrpc", 15: "sp_unprepare",
}  # fmt: skip
_NEXT_CALL = (0x80, 0xFF, 0xFE)
_UNKNOWN_LENGTH = 0xFFFFFFFFFFFFFFFE


class Malformed(Exception):
    """The stream is no RPC."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter.

    Attributes:
        name: with its @; empty if it is given by its place.
        output: whether its value is wanted back.
        default: whether the procedure's own default is meant.
    """

    name: str
    type: SqlType
    value: Value
    output: bool = False
    default: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a procedure."""

    procedure: str
    parameters: list[Parameter]


class Reader:
    """Reads what a client sends."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        """Args: at: where to begin."""
        self._data = data
        self._at = at

    @property
    def position(self) -> int:
        """Where the next thing begins."""
        return self._at

    def _take(self, count: int) -> bytes:
        piece = self._data[self._at : self._at + count]
        if len(piece) < count:
            raise Malformed("the message ends too early")
        self._at += count
        return piece

    def _number(self, form: str) -> int:
        value: int = struct.unpack(form, self._take(struct.calcsize(form)))[0]
        return value

    def calls(self) -> list[Call]:
        """All calls of an RPC message, whose headers have been skipped."""
        found = [self._call()]
        while self._at < len(self._data):
            self._take(1)
            if self._at < len(self._data):
                found.append(self._call())
        return found

    def _call(self) -> Call:
        length = self._number("<H")
        if length == 0xFFFF:
            number = self._number("<H")
            name = PROCEDURES.get(number, f"#{number}")
        else:
            name = self._take(2 * length).decode("utf-16-le", "replace")
        self._take(2)
        parameters = []
        while self._at < len(self._data) and self._data[self._at] not in _NEXT_CALL:
            parameters.append(self._parameter())
        return Call(name, parameters)

    def _parameter(self) -> Parameter:
        name = self._take(2 * self._number("<B")).decode("utf-16-le", "replace")
        flags = self._number("<B")
        type_, value = self.typed_value()
        return Parameter(name.lower(), type_, value, bool(flags & 1), bool(flags & 2))

    # ---- TYPE_INFO and a value of it

    def typed_value(self) -> tuple[SqlType, Value]:  # noqa: PLR0911 -- one a kind
        """A type, and a value after it."""
        token = self._number("<B")
        if token in _FIXED:
            name = _FIXED[token]
            return SqlType(name), self._fixed(name, types.FIXED_BYTES[name])
        if token == 0x1F:
            return types.INT, None
        if token in _SIZED:
            width = self._number("<B")
            return self._sized(_SIZED[token].get(width, ""), self._number("<B"))
        if token in (0x37, 0x3F, 0x6A, 0x6C):
            return self._decimal(token)
        if token == 0x24:
            self._take(1)
            length = self._number("<B")
            return types.UNIQUEIDENTIFIER, UUID(bytes_le=self._take(16)) if length else None
        if token in (0x28, 0x29, 0x2A, 0x2B):
            return self._time(token)
        if token in _TEXTS:
            return self._text(token)
        if token in (0xF1, 0xF0):
            return self._xml_or_clr(token)
        if token in (0x22, 0x23, 0x63):
            return self._old_large(token)
        if token == 0x62:
            return self._variant()
        if token == 0xF3:
            raise SqlError(40510, "A table-valued parameter is not supported in this version of SQL Server.")
        raise Malformed(f"a type 0x{token:02X} that is none")

    def _fixed(self, name: str, width: int) -> Value:
        return _number_of(name, self._take(width))

    def _sized(self, name: str, length: int) -> tuple[SqlType, Value]:
        if not name:
            raise Malformed("a length that fits no type")
        return SqlType(name), _number_of(name, self._take(length)) if length else None

    def _decimal(self, token: int) -> tuple[SqlType, Value]:
        self._take(1)
        precision, scale, length = self._number("<B"), self._number("<B"), self._number("<B")
        type_ = SqlType("numeric" if token in (0x3F, 0x6C) else "decimal", precision=precision, scale=scale)
        return type_, _decimal(self._take(length), scale) if length else None

    def _time(self, token: int) -> tuple[SqlType, Value]:
        scale = 0 if token == 0x28 else self._number("<B")
        length = self._number("<B")
        data = self._take(length)
        name = {0x28: "date", 0x29: "time", 0x2A: "datetime2", 0x2B: "datetimeoffset"}[token]
        return SqlType(name, scale=scale), _time_of(name, scale, data) if length else None

    def _text(self, token: int) -> tuple[SqlType, Value]:
        name, narrow = _TEXTS[token]
        size = self._number("<B" if narrow else "<H")
        if name in ("char", "varchar", "nchar", "nvarchar") and not narrow:
            self._take(5)
        if narrow:
            length = self._number("<B")
            data = None if length == 0 else self._take(length)
            return _text_of(name, size, data)
        if size == 0xFFFF:
            return _text_of(name, MAX, self._pieces())
        length = self._number("<H")
        return _text_of(name, size, None if length == 0xFFFF else self._take(length))

    def _pieces(self) -> bytes | None:
        """A value in pieces (PLP)."""
        total = self._number("<Q")
        if total == 0xFFFFFFFFFFFFFFFF:
            return None
        found = bytearray()
        while length := self._number("<I"):
            found += self._take(length)
        if total != _UNKNOWN_LENGTH and total != len(found):
            raise Malformed("a value is not as long as it says")
        return bytes(found)

    def _xml_or_clr(self, token: int) -> tuple[SqlType, Value]:
        if token == 0xF0:
            raise SqlError(40510, "A parameter of a CLR type is not supported in this version of SQL Server.")
        if self._number("<B"):
            self._take(2 * self._number("<B"))
            self._take(2 * self._number("<B"))
            self._take(2 * self._number("<H"))
        data = self._pieces()
        return SqlType("xml", MAX), None if data is None else data.decode("utf-16", "replace")

    def _old_large(self, token: int) -> tuple[SqlType, Value]:
        self._take(4)
        if token != 0x22:
            self._take(5)
        length = self._number("<i")
        name = {0x22: "image", 0x23: "text", 0x63: "ntext"}[token]
        return _text_of(name, MAX, None if length < 0 else self._take(length))

    def _variant(self) -> tuple[SqlType, Value]:
        self._take(4)
        length = self._number("<I")
        if not length:
            return types.SQL_VARIANT, None
        end = self._at + length
        token, properties = self._number("<B"), self._number("<B")
        extra = self._take(properties)
        data = self._take(end - self._at)
        return _variant_of(token, extra, data)


_FIXED = {
    0x30: "tinyint", 0x32: "bit", 0x34: "smallint", 0x38: "int", 0x3A: "smalldatetime", 0x3B: "real", 0x3C: "money",
    0x3D: "datetime", 0x3E: "float", 0x7A: "smallmoney", 0x7F: "bigint",
}  # fmt: skip
_SIZED = {
    0x26: {1: "tinyint", 2: "smallint", 4: "int", 8: "bigint"},
    0x68: {1: "bit"},
    0x6D: {4: "real", 8: "float"},
    0x6E: {4: "smallmoney", 8: "money"},
    0x6F: {4: "smalldatetime", 8: "datetime"},
}
_TEXTS = {
    0xA7: ("varchar", False), 0xAF: ("char", False), 0xE7: ("nvarchar", False), 0xEF: ("nchar", False),
    0xA5: ("varbinary", False), 0xAD: ("binary", False), 0x2F: ("char", True), 0x27: ("varchar", True),
    0x2D: ("binary", True), 0x25: ("varbinary", True),
}  # fmt: skip
_INTEGERS = {"tinyint": "<B", "smallint": "<h", "int": "<i", "bigint": "<q"}


def _number_of(name: str, data: bytes) -> Value:  # noqa: PLR0911 -- one a kind
    if name in _INTEGERS:
        return int(struct.unpack(_INTEGERS[name], data)[0])
    if name == "bit":
        return data != b"\0"
    if name in ("real", "float"):
        return float(struct.unpack("<f" if name == "real" else "<d", data)[0])
    if name == "smallmoney":
        return Decimal(struct.unpack("<i", data)[0]).scaleb(-4)
    if name == "money":
        high, low = struct.unpack("<iI", data)
        return Decimal((high << 32) | low).scaleb(-4)
    if name == "datetime":
        days, parts = struct.unpack("<iI", data)
        return int((days + times.DAYS_TO_1900) * times.DAY + (parts * 100_000 + 1) // 3)
    days, minutes = struct.unpack("<HH", data)
    return int((days + times.DAYS_TO_1900) * times.DAY + minutes * times.MINUTE)


def _decimal(data: bytes, scale: int) -> Decimal:
    number = int.from_bytes(data[1:], "little")
    with localcontext() as context:
        context.prec = 60
        return Decimal(number if data[0] else -number).scaleb(-scale)


def _time_of(name: str, scale: int, data: bytes) -> int:
    if name == "date":
        return int.from_bytes(data, "little")
    width = types.time_bytes(scale)
    ticks: int = int.from_bytes(data[:width], "little") * 10 ** (7 - scale)
    if name == "time":
        return ticks
    ticks += int.from_bytes(data[width : width + 3], "little") * times.DAY
    if name == "datetime2":
        return ticks
    return times.pack(ticks, struct.unpack("<h", data[width + 3 :])[0])


def _text_of(name: str, size: int, data: bytes | None) -> tuple[SqlType, Value]:
    national = name in ("nchar", "nvarchar", "ntext")
    length = size if size == MAX or not national else size // 2
    type_ = SqlType(name, max(length, 1) if length != MAX else MAX)
    if data is None:
        return type_, None
    if name in ("binary", "varbinary", "image"):
        return type_, data
    return type_, data.decode("utf-16-le", "replace") if national else data.decode(types.CODE_PAGE, "replace")


def _variant_of(token: int, extra: bytes, data: bytes) -> tuple[SqlType, Value]:
    if token in _FIXED:
        return SqlType(_FIXED[token]), _number_of(_FIXED[token], data)
    if token in (0x6A, 0x6C):
        return SqlType("decimal", precision=extra[0], scale=extra[1]), _decimal(data, extra[1])
    if token == 0x24:
        return types.UNIQUEIDENTIFIER, UUID(bytes_le=data)
    if token in (0x28, 0x29, 0x2A, 0x2B):
        name = {0x28: "date", 0x29: "time", 0x2A: "datetime2", 0x2B: "datetimeoffset"}[token]
        scale = extra[0] if extra else 0
        return SqlType(name, scale=scale), _time_of(name, scale, data)
    if token in _TEXTS:
        return _text_of(_TEXTS[token][0], len(data), data)
    raise Malformed(f"a variant of 0x{token:02X}")


def skip_headers(data: bytes) -> tuple[int, int]:
    """Where ALL_HEADERS ends, and the transaction descriptor in it.

    Raises:
        Malformed: it is longer than the message.
    """
    if len(data) < 4:
        raise Malformed("no headers")
    total = struct.unpack_from("<I", data)[0]
    if not 4 <= total <= len(data):
        raise Malformed("no headers")
    descriptor, position = 0, 4
    while position + 6 <= total:
        length, kind = struct.unpack_from("<IH", data, position)
        if length < 6 or position + length > total:
            raise Malformed("no headers")
        if kind == 2 and length >= 18:
            descriptor = struct.unpack_from("<Q", data, position + 6)[0]
        position += length
    return total, descriptor
