"""What a delimiter, as it was entered, stands for."""

from __future__ import annotations


def separator(delimiter: str) -> str:
    """The one character between fields: only the first counts, and t is tab, so that "tab" is one too."""
    return "\t" if delimiter[0] == "t" else delimiter[0]
