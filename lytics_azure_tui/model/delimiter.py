"""What a delimiter, as it was entered, stands for."""

from __future__ import annotations


def separator(delimiter: str) -> str:
    """The one character between fields: t is tab, else the first character counts."""
    return "\t" if delimiter == "t" else delimiter[0]
