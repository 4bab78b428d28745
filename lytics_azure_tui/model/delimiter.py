"""What a delimiter, as it was entered, stands for."""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\\(?:(?P<tab>t)|x(?P<byte>[0-9a-fA-F]{2})|u(?P<unit>[0-9a-fA-F]{4}))")


def separator(delimiter: str) -> str:
    """The one character between fields.

    Only the first counts, and t is tab, so that "tab" is one too; so is \\t. Others that cannot be typed are written
    as \\x01 or \\u0001.
    """
    escape = _ESCAPE.match(delimiter)
    if escape is not None and (digits := escape["byte"] or escape["unit"]):
        return chr(int(digits, 16))
    return "\t" if escape is not None or delimiter[0] == "t" else delimiter[0]


def entered(separator: str) -> str:
    """What has to be entered for a delimiter."""
    if separator == "\t":
        return "t"
    return separator if separator.isprintable() else f"\\u{ord(separator):04x}"


def usable(delimiter: str) -> str:
    """A delimiter that can stand between fields.

    Raises:
        ValueError: it is a quote, a line break or a NUL byte, which mean something else in a file.
    """
    if delimiter and separator(delimiter) in '"\r\n\0':
        raise ValueError("a quotation mark or a line break cannot stand between fields")
    return delimiter
