"""The names of encodings: those that a form offers, and all that Python knows."""

from __future__ import annotations

import codecs

CHOICES = {
    "auto": "Look at the file",
    "utf-8": "Unicode",
    "utf-16": "Unicode, Windows",
    "cp1252": "Western Europe, Windows",
    "cp1250": "Central Europe, Windows",
    "cp1251": "Cyrillic, Windows",
    "cp1253": "Greek, Windows",
    "cp1254": "Turkish, Windows",
    "cp1255": "Hebrew, Windows",
    "cp1256": "Arabic, Windows",
    "cp1257": "Baltic, Windows",
    "cp874": "Thai, Windows",
    "cp932": "Japanese, Windows (Shift-JIS)",
    "euc_jp": "Japanese, Unix",
    "gb18030": "Chinese (GBK, GB2312)",
    "cp950": "Traditional Chinese (Big5)",
    "cp949": "Korean (EUC-KR)",
    "iso8859-15": "Western Europe, ISO, with the euro sign",
    "iso8859-2": "Central Europe, ISO",
    "koi8-r": "Russian, Unix",
    "mac-roman": "Western Europe, old Macs",
    "cp850": "Western Europe, DOS",
}
"""Name → words. Any other name that Python knows can be typed."""

# Python's names for text that is written in another way, not for how files are.
_NOT_OF_FILES = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"})


def canonical(name: str) -> str:
    """Python's own name for an encoding that goes by several; a byte order mark makes no difference to it.

    Raises:
        ValueError: no encoding of files is called so.
    """
    try:
        found = codecs.lookup(name.strip()).name
        "".encode(found)
    except (LookupError, ValueError):
        found = ""
    if not found or found.replace("-", "_") in _NOT_OF_FILES:
        raise ValueError(f"no encoding is called {name!r}; use auto, utf-8, utf-16, cp1252…")
    # ASCII is the same in UTF-8, and a file that is said to be ASCII may turn out to hold more.
    return {"utf-8-sig": "utf-8", "ascii": "utf-8"}.get(found, found)
