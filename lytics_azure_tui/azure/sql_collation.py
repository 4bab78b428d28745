"""The code page in which a char or varchar travels, by its collation ([MS-TDS] 2.2.5.1.2).

pytds takes every collation that it does not know for Western European, UTF-8 among them.
"""

from __future__ import annotations

import codecs
import functools
from collections.abc import Iterator

from pytds.collate import Collation

_UTF8 = 1 << 26
_LCID = 0xFFFF
"""The four bits above are variants of the order of sorting."""

ERRORS = "sql-server"
"""How bytes that a code page does not define are decoded: see `_undefined`."""


def _ranges(*pairs: tuple[str, str]) -> dict[int, str]:
    """Numbers, as ranges in decimals or in hexadecimals, with their code page."""
    return {number: page for page, text in pairs for number in _numbers(text)}


def _numbers(text: str) -> Iterator[int]:
    for part in text.split():
        first, _, last = part.partition("-")
        yield from range(int(first, 0), int(last or first, 0) + 1)


# Sort orders: learn.microsoft.com/previous-versions/sql/sql-server-2008-r2/ms144250(v=sql.105)
_BY_SORT_ORDER = _ranges(
    ("cp437", "30-35"),
    ("cp850", "40-45 49 55-61"),
    ("cp1252", "50-54 71-75 183-186 210-217"),
    ("cp1250", "80-98"),
    ("cp1251", "104-108"),
    ("cp1253", "112-114 120-122 124"),
    ("cp1254", "128-130"),
    ("cp1255", "136-138"),
    ("cp1256", "144-146"),
    ("cp1257", "152-160"),
    ("cp932", "192-193 200"),
    ("cp949", "194-195 201"),
    ("cp950", "196-197 202"),
    ("gbk", "198-199 203"),
    ("cp874", "204-206"),
)
# Locales: [MS-LCID] and LOCALE_IDEFAULTANSICODEPAGE. What is not here is Western European.
_BY_LOCALE = _ranges(
    ("cp874", "0x041e"),
    ("cp932", "0x0411"),
    ("gbk", "0x0804 0x1004"),
    ("cp949", "0x0412"),
    ("cp950", "0x0404 0x0c04 0x1404"),
    ("cp1250", "0x0405 0x040e 0x0415 0x0418 0x041a-0x041c 0x0424 0x0442 0x081a 0x101a 0x104e 0x141a 0x181a"),
    ("cp1251", "0x0402 0x0419 0x0422 0x0423 0x0428 0x042f 0x043f 0x0440 0x0444 0x0450 0x046d 0x0485"),
    ("cp1251", "0x082c 0x0843 0x0850 0x0c1a 0x1c1a 0x201a"),
    ("cp1253", "0x0408"),
    ("cp1254", "0x041f 0x042c 0x0443"),
    ("cp1255", "0x040d"),
    ("cp1256", "0x0401 0x0420 0x0429 0x0480 0x048c 0x0801 0x0c01 0x1001 0x1401 0x1801 0x1c01 0x2001 0x2401 0x2801"),
    ("cp1256", "0x2c01 0x3001 0x3401 0x3801 0x3c01 0x4001"),
    ("cp1257", "0x0425-0x0427 0x0827"),
    ("cp1258", "0x042a"),
)


class CodePage(Collation):  # type: ignore[misc]
    """A collation as it came, which knows its code page."""

    raw = b""

    @classmethod
    def unpack(cls, b: bytes) -> CodePage:
        """Reads the five bytes."""
        found: CodePage = super().unpack(b)
        found.raw = bytes(b[: cls.wire_size])
        return found

    def pack(self) -> bytes:
        """The bytes as they came."""
        return self.raw

    def get_charset(self) -> str:
        """Python's name of the code page."""
        return code_page(self.raw)

    def get_codec(self) -> codecs.CodecInfo:
        """Decodes whatever comes."""
        return _forgiving(self.get_charset())


def code_page(collation: bytes) -> str:
    """Python's name of the code page of a collation, by its five bytes on the wire."""
    flags, order = int.from_bytes(collation[:4], "little"), collation[4]
    if flags & _UTF8:
        return "utf-8"
    if order in _BY_SORT_ORDER:
        return _BY_SORT_ORDER[order]
    return _BY_LOCALE.get(flags & _LCID, "cp1252")


@functools.cache
def _forgiving(name: str) -> codecs.CodecInfo:
    known = codecs.lookup(name)
    return codecs.CodecInfo(
        known.encode,
        lambda data, errors=ERRORS: known.decode(data, errors),
        incrementaldecoder=functools.partial(known.incrementaldecoder, ERRORS),
        name=known.name,
    )


# What Windows reads where Python's code page defines nothing.
_SINGLE = {("cp932", 0x80): "\x80", ("gbk", 0x80): "€"}
_WIDE = frozenset({"utf-8", "gbk", "cp932", "cp949", "cp950"})


def _undefined(error: UnicodeError) -> tuple[str, int]:
    """Windows reads ISO 8859's control characters where a code page defines nothing from 0x80 to 0x9F; Python fails.

    Any other byte becomes half of a surrogate pair: no text holds one, so the row is set aside, and nothing is garbled.
    """
    if not isinstance(error, UnicodeDecodeError):
        raise error
    page, byte = error.encoding.replace("_", "-"), error.object[error.start]
    known = chr(byte) if 0x80 <= byte <= 0x9F and page not in _WIDE else chr(0xDC00 + byte)
    return _SINGLE.get((page, byte), known), error.start + 1


codecs.register_error(ERRORS, _undefined)
