"""SQL Server's types: how they are named, ranked, told to clients (TYPE_INFO of [MS-TDS] 2.2.5.6) and kept "
"in DuckDB."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

MAX = -1
"""The length of varchar(max) and its like."""

COLLATION = bytes.fromhex("0904d00034")
COLLATION_NAME = "SQL_Latin1_General_CP1_CI_AS"
CODE_PAGE = "cp1252"


@dataclass(frozen=True, slots=True)
class SqlType:
    """A type with its parameters.

    Attributes:
        name: as sys.types has it; rowversion is called timestamp there.
        length: characters of a text, bytes of a binary type; MAX for the large ones.
        precision: digits of a decimal, otherwise 0.
        scale: digits after the point, of a decimal or of a second.
        nullable: whether NULL may occur.
    """

    name: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    nullable: bool = True

    @property
    def text(self) -> bool:
        """char, varchar, text and their national forms, and xml."""
        return self.name in TEXTS

    @property
    def national(self) -> bool:
        """Kept in UTF-16."""
        return self.name in ("nchar", "nvarchar", "ntext", "xml", "sysname")

    @property
    def binary(self) -> bool:
        """Bytes; a rowversion is not among them, as it is kept as a number."""
        return self.name in ("binary", "varbinary", "image")

    @property
    def integer(self) -> bool:
        """A whole number; bit is not among them."""
        return self.name in INTEGERS

    @property
    def exact(self) -> bool:
        """decimal, numeric and the money types."""
        return self.name in ("decimal", "numeric", "money", "smallmoney")

    @property
    def approximate(self) -> bool:
        """real or float."""
        return self.name in ("real", "float")

    @property
    def number(self) -> bool:
        """Anything one can count with."""
        return self.integer or self.exact or self.approximate or self.name == "bit"

    @property
    def ticks(self) -> bool:
        """Kept as a count of 100 ns: since midnight for time, else since the first of January of the year 1."""
        return self.name in ("time", "smalldatetime", "datetime", "datetime2")

    @property
    def temporal(self) -> bool:
        """A date or a time of any kind."""
        return self.ticks or self.name in ("date", "datetimeoffset")

    @property
    def large(self) -> bool:
        """Of any length."""
        return self.name == "xml" or self.pointed or (self.length == MAX and (self.text or self.binary))

    @property
    def pointed(self) -> bool:
        """text, ntext and image, which travel behind a pointer; what else is large comes in pieces (PLP)."""
        return self.name in ("text", "ntext", "image")

    @property
    def max_length(self) -> int:  # noqa: PLR0911 -- one a kind
        """Bytes, as sys.columns.max_length has them."""
        if self.name in ("text", "ntext", "image"):
            return 16
        if self.name in ("nchar", "nvarchar", "sysname"):
            return self.length if self.length == MAX else 2 * self.length
        if self.text or self.binary:
            return MAX if self.name == "xml" else self.length
        if self.name in ("decimal", "numeric"):
            return decimal_bytes(self.precision)
        if self.name == "time":
            return time_bytes(self.scale)
        if self.name == "datetime2":
            return time_bytes(self.scale) + 3
        if self.name == "datetimeoffset":
            return time_bytes(self.scale) + 5
        return FIXED_BYTES[self.name]

    @property
    def told_precision(self) -> int:
        """As sys.columns.precision has it."""
        if self.name in ("decimal", "numeric"):
            return self.precision
        if self.name in ("time", "datetime2", "datetimeoffset"):
            return {"time": 8, "datetime2": 19, "datetimeoffset": 26}[self.name] + (self.scale + 1 if self.scale else 0)
        return _PRECISIONS.get(self.name, 0)

    @property
    def told_scale(self) -> int:
        """As sys.columns.scale has it."""
        return {"money": 4, "smallmoney": 4, "datetime": 3}.get(self.name, self.scale)

    @property
    def duck(self) -> str:
        """The DuckDB type that holds it."""
        if self.text or self.name == "sql_variant":
            return "VARCHAR"
        if self.binary:
            return "BLOB"
        if self.ticks or self.name == "timestamp":
            return "BIGINT"
        if self.name in ("decimal", "numeric"):
            return f"DECIMAL({self.precision},{self.scale})"
        return _DUCK[self.name]

    @property
    def declared(self) -> str:
        """As one writes it: nvarchar(50), decimal(18,4)."""
        if self.name in ("decimal", "numeric"):
            return f"{self.name}({self.precision},{self.scale})"
        if self.name in ("time", "datetime2", "datetimeoffset"):
            return f"{self.name}({self.scale})"
        if self.name in SIZED:
            return f"{self.name}({'max' if self.length == MAX else self.length})"
        return self.name

    def maybe(self, nullable: bool = True) -> SqlType:
        """The same type, nullable or not."""
        return self if self.nullable == nullable else replace(self, nullable=nullable)


TEXTS = ("char", "varchar", "text", "nchar", "nvarchar", "ntext", "xml", "sysname")
SIZED = ("char", "varchar", "nchar", "nvarchar", "binary", "varbinary")
INTEGERS = ("tinyint", "smallint", "int", "bigint")
FIXED_BYTES = {
    "bit": 1, "tinyint": 1, "smallint": 2, "int": 4, "bigint": 8, "real": 4, "float": 8, "smallmoney": 4, "money": 8,
    "smalldatetime": 4, "datetime": 8, "date": 3, "uniqueidentifier": 16, "timestamp": 8, "sql_variant": 8016,
}  # fmt: skip
_PRECISIONS = {
    "bit": 1, "tinyint": 3, "smallint": 5, "int": 10, "bigint": 19, "real": 24, "float": 53, "smallmoney": 10,
    "money": 19, "smalldatetime": 16, "datetime": 23, "date": 10,
}  # fmt: skip
_DUCK = {
    "bit": "BOOLEAN", "tinyint": "UTINYINT", "smallint": "SMALLINT", "int": "INTEGER", "bigint": "BIGINT",
    "real": "FLOAT", "float": "DOUBLE", "smallmoney": "DECIMAL(10,4)", "money": "DECIMAL(19,4)", "date": "DATE",
    "datetimeoffset": "HUGEINT", "uniqueidentifier": "UUID",
}  # fmt: skip

# From the strongest to the weakest: of two operands the weaker becomes the stronger.
# https://learn.microsoft.com/sql/t-sql/data-types/data-type-precedence-transact-sql
PRECEDENCE = (
    "sql_variant", "xml", "datetimeoffset", "datetime2", "datetime", "smalldatetime", "date", "time", "float", "real",
    "decimal", "numeric", "money", "smallmoney", "bigint", "int", "smallint", "tinyint", "bit", "ntext", "text",
    "image", "timestamp", "uniqueidentifier", "sysname", "nvarchar", "nchar", "varchar", "char", "varbinary", "binary",
)  # fmt: skip
_RANK = {name: rank for rank, name in enumerate(PRECEDENCE)}

# name: (system_type_id, user_type_id)
TYPE_IDS = {
    "image": (34, 34), "text": (35, 35), "uniqueidentifier": (36, 36), "date": (40, 40), "time": (41, 41),
    "datetime2": (42, 42), "datetimeoffset": (43, 43), "tinyint": (48, 48), "smallint": (52, 52), "int": (56, 56),
    "smalldatetime": (58, 58), "real": (59, 59), "money": (60, 60), "datetime": (61, 61), "float": (62, 62),
    "sql_variant": (98, 98), "ntext": (99, 99), "bit": (104, 104), "decimal": (106, 106), "numeric": (108, 108),
    "smallmoney": (122, 122), "bigint": (127, 127), "varbinary": (165, 165), "varchar": (167, 167),
    "binary": (173, 173), "char": (175, 175), "timestamp": (189, 189), "nvarchar": (231, 231), "sysname": (231, 256),
    "nchar": (239, 239), "xml": (241, 241),
}  # fmt: skip

BIT = SqlType("bit")
TINYINT = SqlType("tinyint")
SMALLINT = SqlType("smallint")
INT = SqlType("int")
BIGINT = SqlType("bigint")
REAL = SqlType("real")
FLOAT = SqlType("float")
MONEY = SqlType("money")
DATE = SqlType("date")
DATETIME = SqlType("datetime")
SMALLDATETIME = SqlType("smalldatetime")
DATETIME2 = SqlType("datetime2", scale=7)
DATETIMEOFFSET = SqlType("datetimeoffset", scale=7)
TIME = SqlType("time", scale=7)
UNIQUEIDENTIFIER = SqlType("uniqueidentifier")
ROWVERSION = SqlType("timestamp")
SQL_VARIANT = SqlType("sql_variant")
SYSNAME = SqlType("nvarchar", 128)


def varchar(length: int = MAX) -> SqlType:
    """varchar(n); more than 8,000 is max."""
    return SqlType("varchar", length if 0 < length <= 8000 else MAX if length else 1)


def nvarchar(length: int = MAX) -> SqlType:
    """nvarchar(n); more than 4,000 is max."""
    return SqlType("nvarchar", length if 0 < length <= 4000 else MAX if length else 1)


def varbinary(length: int = MAX) -> SqlType:
    """varbinary(n); more than 8,000 is max."""
    return SqlType("varbinary", length if 0 < length <= 8000 else MAX if length else 1)


def decimal(precision: int, scale: int) -> SqlType:
    """decimal(p,s), cut to 38 digits as SQL Server does: whole digits go first, six decimals stay if they can."""
    if precision > 38:
        scale = max(min(scale, 6), scale - (precision - 38))
        precision = 38
    return SqlType("decimal", precision=max(precision, 1), scale=scale)


def as_decimal(type_: SqlType) -> SqlType:
    """The decimal that holds every value of a number type."""
    digits = {
        "bit": (1, 0), "tinyint": (3, 0), "smallint": (5, 0), "int": (10, 0), "bigint": (19, 0),
        "smallmoney": (10, 4), "money": (19, 4),
    }.get(type_.name)  # fmt: skip
    return decimal(*digits) if digits else type_


def stronger(left: SqlType, right: SqlType) -> SqlType:
    """The type that both become: of a CASE, a UNION, a comparison."""
    nullable = left.nullable or right.nullable
    if left.name in ("decimal", "numeric") or right.name in ("decimal", "numeric"):
        both = as_decimal(left), as_decimal(right)
        if all(one.name in ("decimal", "numeric") for one in both):
            scale = max(one.scale for one in both)
            return decimal(max(one.precision - one.scale for one in both) + scale, scale).maybe(nullable)
    first, second = (left, right) if _RANK[left.name] <= _RANK[right.name] else (right, left)
    if (first.text and second.text) or (first.binary and second.binary):
        lengths = (first.length, second.length)
        name = "nvarchar" if first.name == "sysname" else first.name
        if name in ("char", "nchar", "binary") and second.name != first.name:
            name = {"char": "varchar", "nchar": "nvarchar", "binary": "varbinary"}[name]
        length = MAX if MAX in lengths or first.large or second.large else max(lengths)
        return SqlType(name, length, nullable=nullable)
    if first.name == second.name and first.temporal:
        return SqlType(first.name, scale=max(first.scale, second.scale), nullable=nullable)
    return first.maybe(nullable)


def make(name: str, arguments: list[str]) -> SqlType | None:  # noqa: PLR0911 -- one a kind
    """A type from its written form; None if there is none of that name."""
    name = name.lower()
    name = _SYNONYMS.get(name, name)
    if name in ("decimal", "numeric"):
        precision, scale = [*(int(a) for a in arguments), 18, 0][:2] if len(arguments) != 1 else (int(arguments[0]), 0)
        return SqlType(name, precision=precision, scale=scale)
    if name in ("time", "datetime2", "datetimeoffset"):
        return SqlType(name, scale=int(arguments[0]) if arguments else 7)
    if name in SIZED:
        length = 1 if not arguments else MAX if arguments[0].lower() == "max" else int(arguments[0])
        return SqlType(name, length)
    if name in ("text", "ntext", "image", "xml"):
        return SqlType(name, MAX)
    if name == "sysname":
        return SYSNAME
    if name == "float" and arguments and int(arguments[0]) <= 24:
        return REAL
    return SqlType(name) if name in FIXED_BYTES else None


_SYNONYMS = {
    "rowversion": "timestamp", "integer": "int", "dec": "decimal", "character": "char", "double": "float",
    "national": "nchar",
}  # fmt: skip


def decimal_bytes(precision: int) -> int:
    """Bytes of a decimal on the wire: the sign, and 4 to 16 of the number."""
    return 5 if precision <= 9 else 9 if precision <= 19 else 13 if precision <= 28 else 17


def time_bytes(scale: int) -> int:
    """Bytes of a time on the wire."""
    return 3 if scale <= 2 else 4 if scale <= 4 else 5


_FIXED_TOKENS = {
    "tinyint": 0x30, "bit": 0x32, "smallint": 0x34, "int": 0x38, "smalldatetime": 0x3A, "real": 0x3B, "money": 0x3C,
    "datetime": 0x3D, "float": 0x3E, "smallmoney": 0x7A, "bigint": 0x7F,
}  # fmt: skip
_NULLABLE_TOKENS = {
    "tinyint": 0x26, "smallint": 0x26, "int": 0x26, "bigint": 0x26, "bit": 0x68, "real": 0x6D, "float": 0x6D,
    "money": 0x6E, "smallmoney": 0x6E, "datetime": 0x6F, "smalldatetime": 0x6F,
}  # fmt: skip
_TEXT_TOKENS = {
    "char": 0xAF, "varchar": 0xA7, "nchar": 0xEF, "nvarchar": 0xE7, "sysname": 0xE7, "binary": 0xAD, "varbinary": 0xA5,
}  # fmt: skip
_POINTED_TOKENS = {"text": 0x23, "ntext": 0x63, "image": 0x22}
_ONE_EMPTY_NAME = b"\x01\x00\x00"
"""The name of the table of such a column, which clients do not need."""


def has_fixed_form(type_: SqlType) -> bool:
    """Whether it travels without a length: NOT NULL, and of those types that have such a form."""
    return not type_.nullable and type_.name in _FIXED_TOKENS


def type_info(type_: SqlType) -> bytes:  # noqa: PLR0911 -- one a kind
    """TYPE_INFO of a column: [MS-TDS] 2.2.5.6."""
    name = type_.name
    if has_fixed_form(type_):
        return bytes([_FIXED_TOKENS[name]])
    if name in _NULLABLE_TOKENS:
        return bytes([_NULLABLE_TOKENS[name], FIXED_BYTES[name]])
    if name in _TEXT_TOKENS:
        length = type_.length if type_.binary or not type_.national else 2 * type_.length
        size = struct.pack("<H", 0xFFFF if type_.large else max(length, 1))
        return bytes([_TEXT_TOKENS[name]]) + size + (b"" if type_.binary else COLLATION)
    if type_.pointed:
        head = bytes([_POINTED_TOKENS[name]]) + struct.pack("<I", 0x7FFFFFFE if type_.national else 0x7FFFFFFF)
        return head + (b"" if type_.binary else COLLATION) + _ONE_EMPTY_NAME
    if name in ("decimal", "numeric"):
        token = 0x6A if name == "decimal" else 0x6C
        return bytes([token, decimal_bytes(type_.precision), type_.precision, type_.scale])
    if name in ("time", "datetime2", "datetimeoffset"):
        return bytes([{"time": 0x29, "datetime2": 0x2A, "datetimeoffset": 0x2B}[name], type_.scale])
    if name == "timestamp":
        return b"\xad\x08\x00"
    return {
        "date": b"\x28",
        "uniqueidentifier": b"\x24\x10",
        "xml": b"\xf1\x00",
        "sql_variant": b"\x62" + struct.pack("<I", 8009),
    }[name]
