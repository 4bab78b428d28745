"""The format of a blob by its first bytes, whatever its name says: packed text, or something that no import reads."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from lytics_azure_tui.errors import Fatal

PGP = "pgp"
ZIP = "zip"
TAR = "tar"
PARQUET = "parquet"
JSON_LINES = "json"

_PACKED = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", ZIP),
)
_SKIPPABLE_ZSTD = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")
# Behind the mark stands a page's header, of Thrift; PAR1 alone may be the beginning of a header.
_PARQUET = re.compile(rb"PAR1[\0-\x1f]", re.DOTALL)
_BZIP2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)", re.DOTALL)
_ARMOUR = re.compile(rb"\s*-----BEGIN PGP ([A-Z ]+)-----")
_PGP_NAMES = (".pgp", ".gpg", ".asc")

_WORKBOOK = "Save the sheet as CSV, and upload that"
_CSV = "Export the data as CSV, and upload that"
_REPACK = "Upload the file itself, or packed by gzip, bzip2, xz, zstd, zip or tar"
# Signatures as in the formats' own documents, and in the list of libmagic.
_REFUSED: tuple[tuple[bytes, str, str], ...] = (
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _REPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _REPACK),
    (b"\x04\x22\x4d\x18", "compressed with LZ4", _REPACK),
    (b"\xff\x06\0\0sNaPpY", "compressed with Snappy", _REPACK),
    (b"\x1f\x9d", "compressed with compress (.Z)", _REPACK),
    (b"LZIP", "compressed with lzip", _REPACK),
    (b"Obj\x01", "an Avro file", _CSV),
    (b"ORC", "an ORC file", _CSV),
    (b"ARROW1", "an Arrow file", _CSV),
    (b"SQLite format 3\0", "a SQLite database", _CSV),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook or another document of Office 97", _WORKBOOK),
    (b"%PDF-", "a PDF document", _CSV),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture", _CSV),
    (b"\xff\xd8\xff", "a JPEG picture", _CSV),
    (b"GIF8", "a GIF picture", _CSV),
    (b"\x7fELF", "a program", _CSV),
)
# Words that a header can begin with need more than their letters.
_NOT_A_HEADER = {
    b"ORC": rb"ORC[^\x20-\x7e]",
    b"PAR1": rb"PAR1[\0-\x1f]",
    b"LZIP": rb"LZIP[\0\x01]",
    b"GIF8": rb"GIF8[79]a",
}
_MARKUP = re.compile(rb"\s*<(?:!doctype\b|html\b|head\b|body\b|\?xml\b|!--)", re.IGNORECASE)
_JSON = re.compile(rb'\s*(?:\{\s*["}]|\[\s*[{\["])')


def packing_of(name: str, head: bytes) -> str:
    """How a blob's bytes are packed.

    Args:
        name: for the errors.
        head: its first bytes, as many as there are up to some thousand.

    Returns:
        "gzip", "bzip2", "xz", "zstd", "zip", "tar", "parquet" or "pgp"; empty for what is not packed.

    Raises:
        Fatal: it is a format that an import does not read.
    """
    if is_pgp(name, head):
        return PGP
    for mark, packing in _PACKED:
        if head.startswith(mark) and (packing != "bzip2" or _BZIP2.match(head)):
            return packing
    if _SKIPPABLE_ZSTD.match(head):
        return "zstd"
    if _PARQUET.match(head):
        return PARQUET
    if _is_tar(head):
        return TAR
    for mark, title, fix in _REFUSED:
        if head.startswith(mark) and re.match(_NOT_A_HEADER.get(mark, b""), head):
            raise Fatal(f"{name} is {title}, and an import reads text", fix=fix)
    return ""


def require_as_named(name: str, layers: Sequence[str]) -> None:
    """Raises `Fatal` for a file that is named as an encrypted one, and is none."""
    if name.lower().endswith(_PGP_NAMES) and PGP not in layers:
        raise Fatal(
            f"{name} is named as an encrypted file, and holds no PGP message",
            fix="Encrypt the file again; or upload it under a name without that ending",
        )


def refuse_other_text(name: str, text: bytes) -> None:
    """Raises `Fatal` for text that is no table: a web page, XML, JSON that is not one object a line."""
    if _MARKUP.match(text):
        raise Fatal(
            f"{name} is a web page or XML, and an import reads CSV",
            why=f"It begins with {text.lstrip()[:60].decode('utf-8', 'replace')!r}",
            fix="Such a page is often an error message in place of the data. Have the file written again",
        )
    if _JSON.match(text):
        raise Fatal(
            f"{name} is JSON, and an import reads CSV",
            why=f"It begins with {text.lstrip()[:60].decode('utf-8', 'replace')!r}",
            fix=_CSV,
        )


def is_json_lines(text: bytes) -> bool:
    """Whether the first line of a text is one JSON object, and so the text one object a line."""
    if not text.lstrip().startswith(b"{"):
        return False
    try:
        return isinstance(json.loads(text.lstrip().split(b"\n", 1)[0]), dict)
    except ValueError:
        return False


def _is_tar(head: bytes) -> bool:
    """By the checksum of its first header (POSIX.1-1988): the old format has no signature."""
    if len(head) < 512 or not head[0]:
        return False
    try:
        stored = int(head[148:156].strip(b" \0") or b"x", 8)
    except ValueError:
        return False
    return stored == sum(head[:148]) + 8 * 0x20 + sum(head[156:512])


# PGP


def is_pgp(name: str, head: bytes) -> bool:
    """Whether a blob is a PGP message, in ASCII armour or not.

    Raises:
        Fatal: it is a key or a detached signature.
    """
    armour = _ARMOUR.match(head)
    if armour is not None:
        if armour[1] in (b"MESSAGE", b"SIGNED MESSAGE"):
            return True
        raise Fatal(
            f"{name} is a PGP {armour[1].decode().lower()}, not an encrypted file",
            fix="Upload the encrypted file; a key belongs into the authorization",
        )
    return _is_packets(head)


def _is_packets(head: bytes) -> bool:
    """By the structure of its first packets (RFC 9580, sections 4.2 and 5): the first byte alone is that of many texts.

    Texts in cp1251, cp932 or gbk begin with bytes above 0x80 too; their second and third make no packet.
    """
    first = _packet(head, 0)
    if first is None:
        return False
    tag, start, end = first
    body = head[start:]
    if not body:
        return False
    version, second = body[0], body[1] if len(body) > 1 else 0
    match tag:
        case 1:  # session key for a public key: version, key, algorithm
            plausible = (version == 3 and len(body) > 9 and body[9] in {1, 2, 16, 18}) or version == 6
        case 3:  # session key for a passphrase: version, cipher, …
            plausible = (version == 4 and second <= 13) or version in {5, 6}
        case 4:  # signature that follows: version, type
            plausible = version in {3, 6} and second <= 1
        case 8:  # compressed: algorithm
            plausible = 1 <= version <= 3
        case 9:  # encrypted by an old program: no structure of its own, but nothing follows it
            return end is not None and end == len(head) and len(body) > 18
        case 18:  # encrypted, with a check: version
            plausible = version in {1, 2}
        case 20:  # encrypted, by GnuPG 2.3 and newer
            plausible = version == 1
        case _:
            return False
    if not plausible or tag in {8, 18, 20} or end is None or end >= len(head):
        return plausible
    following = _packet(head, end)
    return following is not None and following[0] in {1, 3, 4, 8, 9, 11, 18, 20}


def _packet(head: bytes, at: int) -> tuple[int, int, int | None] | None:
    """(tag, where the body begins, where it ends; None where that stands further down) of a packet; None for none."""
    if len(head) < at + 3 or not head[at] & 0x80:
        return None
    octet, length = head[at], head[at + 1]
    if not octet & 0x40:
        # The old format: 1, 2 or 4 bytes of length, or none.
        width = (1, 2, 4, 0)[octet & 3]
        begin = at + 1 + width
        return octet >> 2 & 0x0F, begin, begin + int.from_bytes(head[at + 1 : begin], "big") if width else None
    tag, begin, end = octet & 0x3F, at + 2, None
    if length < 192:
        end = begin + length
    elif length < 224:
        begin = at + 3
        end = begin + ((length - 192) << 8) + head[at + 2] + 192
    elif length == 255:
        begin = at + 6
        end = begin + int.from_bytes(head[at + 2 : begin], "big")
    elif 1 << (length & 0x1F) < 512:
        # So short is no first part of a body of unknown length.
        return None
    return tag, begin, end
