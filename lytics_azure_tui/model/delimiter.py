"""Delimiters as they are entered, and the one character that each stands for."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

_ESCAPE = re.compile(r"\\(?:([tnr])|x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4}))")
_LETTERS = {"t": "\t", "n": "\n", "r": "\r"}
_NAMES = {"\t": "tab", " ": "space", ",": "comma", ";": "semicolon", "|": "pipe", "\x01": "byte 1"}


def separator(delimiter: str) -> str:
    """The one character between fields.

    Only the first counts, and t is tab, so that "tab" is one too; so is \\t. Others that cannot be typed are written
    as \\x01 or \\u0001.
    """
    return _escaped(delimiter) or ("\t" if delimiter[0] == "t" else delimiter[0])


def _escaped(text: str) -> str | None:
    """The character that an escape at the beginning stands for; None without one."""
    escape = _ESCAPE.match(text)
    if escape is None:
        return None
    return _LETTERS[escape[1]] if escape[1] else chr(int(escape[2] or escape[3], 16))


def entered(separator: str) -> str:
    """What has to be entered for a delimiter."""
    if separator == "\t":
        return "t"
    return separator if separator.isprintable() else f"\\u{ord(separator):04x}"


def delimiter_name(separator: str) -> str:
    """A delimiter in words; one that has no sign by its name, or as it is entered."""
    return _NAMES.get(separator, entered(separator))


def usable(delimiter: str) -> str:
    """A delimiter that can stand between fields.

    Raises:
        ValueError: it is a quote, a line break or a NUL byte, which mean something else in a file.
    """
    if delimiter and separator(delimiter) in '"\r\n\0':
        raise ValueError("a quotation mark or a line break cannot stand between fields")
    return delimiter


def _joins(join: str) -> str:
    usable(join if join != "t" else ",")
    return join


def _unescaped(text: object) -> object:
    return (_escaped(text) or text) if isinstance(text, str) and _ESCAPE.fullmatch(text) else text


Delimiter = Annotated[str, Field(min_length=1), AfterValidator(usable)]
"""Not a quote, a line break or NUL; blanks are delimiters like any other."""
Join = Annotated[str, Field(min_length=1, max_length=1), BeforeValidator(_unescaped), AfterValidator(_joins)]
"""One character, by the same rules, but that t is itself."""
