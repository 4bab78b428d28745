"""How amounts are written, wherever they are read."""

from __future__ import annotations

from collections.abc import Sequence

_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")


def size(amount: float) -> str:
    """Bytes in decimal units, three significant digits: 680 MB, 1.25 GB."""
    value = float(amount)
    for unit in _UNITS:
        if value < 999.5 or unit == _UNITS[-1]:
            break
        value /= 1000
    if unit == "B":
        return f"{value:.0f} B"
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f} {unit}"


def counted(number: int, noun: str) -> str:
    """So many of something: 1 row, 1,234 rows."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def about_rows(number: int) -> str:
    """An estimate in words: about 1,234 rows."""
    return f"about {counted(number, 'row')}"


def few(names: Sequence[str]) -> str:
    """Names in a line: the first five, and how many there are more."""
    unique = list(dict.fromkeys(names))
    rest = len(unique) - 5
    return ", ".join(unique[:5]) + (f" and {rest} more" if rest > 0 else "")
