"""Names that have to follow a rule, and what is wrong with one that does not, in words."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator


def follows(pattern: str, rule: str, *, least: int = 1, most: int) -> Callable[[str], str]:
    """A check for pydantic that gives the name back, or raises a ValueError that says the rule.

    Args:
        pattern: a regular expression that every beginning of a name matches, too, but for the empty one.
        rule: follows "use", such as "letters and digits".
        least, most: characters.
    """
    expression = re.compile(pattern)

    def check(name: str) -> str:
        size = f"at most {most} characters" if least <= 1 else f"{least} to {most} characters"
        for length in range(1, len(name) + 1):
            if not expression.fullmatch(name[:length]):
                place = "at the beginning" if length == 1 else "here"
                raise ValueError(f"{_character(name[length - 1])} cannot stand {place}: use {rule}, {size}")
        if not least <= len(name) <= most:
            raise ValueError("this is needed" if not name else f"a name has {size}; this one has {len(name)}")
        return name

    return check


def _character(character: str) -> str:
    if character == " ":
        return "a space"
    return f"the character {character if character.isprintable() else f'{ord(character):#06x}'}"


ContainerName = Annotated[
    str, AfterValidator(follows(r"\$?[a-z0-9-]*", "lower-case letters, digits and hyphens", least=3, most=63))
]
"""Of Blob Storage; those that Azure keeps for itself begin with a dollar sign (Azure Storage REST API, "Naming and
referencing containers, blobs, and metadata")."""
StreamName = Annotated[
    str, AfterValidator(follows(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", "letters, digits, and then also _ . -", most=200))
]
Slug = Annotated[
    str, AfterValidator(follows(r"[a-z0-9][a-z0-9_-]*", "lower-case letters, digits, and then also _ -", most=100))
]
"""Of an audience."""
FieldName = Annotated[
    str, AfterValidator(follows(r"[A-Za-z][A-Za-z0-9_]*", "letters, and then also digits and _", most=128))
]
"""Of a user field."""


def column_names(text: str | None) -> tuple[str, ...]:
    """The names of Column Names, with commas in between, in quotes where they hold one; empty where there are none."""
    return tuple(name.strip() for name in next(csv.reader([text or ""], skipinitialspace=True), []))
