"""Delimiters as they are entered, and the one character that each stands for."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

_ESCAPE = re.compile(r"\\(?:([tnr])|x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4}))")
_LETTERS = {"t": "\t", "n": "\n", "r": "\r"}
_NAMES = {"\t": "tab", " ": "space", "\xa0": "no-break space", ",": "comma", ";": "semicolon", "|": "pipe"}


def separator(delimiter: str) -> str:
    r"""The one character between fields: only the first counts, and t is tab, so that "tab" is one too.

    Characters that no keyboard has may be written \t, \x01 or \u0001.
    """
    return _escaped(delimiter) or ("\t" if delimiter[0] == "t" else delimiter[0])


def _escaped(text: str) -> str | None:
    """The character that an escape at the beginning stands for; None without one."""
    escape = _ESCAPE.match(text)
    if escape is None:
        return None
    return _LETTERS[escape[1]] if escape[1] else chr(int(escape[2] or escape[3], 16))


def delimiter_name(character: str) -> str:
    """A delimiter in words; what has no sign of its own by its name or number."""
    return _NAMES.get(character) or (character if character.isprintable() else f"character {ord(character):#04x}")


def _stands_apart(character: str) -> None:
    if character in '"\r\n\0':
        raise ValueError("quotes and line breaks have a meaning of their own in CSV; choose another character")


def _delimits(delimiter: str) -> str:
    _stands_apart(separator(delimiter))
    return delimiter


def _joins(join: str) -> str:
    _stands_apart(join)
    return join


def _unescaped(text: object) -> object:
    return (_escaped(text) or text) if isinstance(text, str) and _ESCAPE.fullmatch(text) else text


Delimiter = Annotated[str, Field(min_length=1), AfterValidator(_delimits)]
"""Not a quote, a line break or the character 0; blanks are delimiters like any other."""
Join = Annotated[str, Field(min_length=1, max_length=1), BeforeValidator(_unescaped), AfterValidator(_joins)]
"""One character, by the same rules; t is itself."""
