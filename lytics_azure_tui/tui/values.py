"""How the values of user fields are written in one line of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo

from lytics_azure_tui.lytics.protocol import Value


def value_text(value: Value, zone: tzinfo | None = None) -> str:
    """A value in one line: lists with commas, maps as `key value` with the largest figures first.

    Args:
        zone: of times; None is the machine's.
    """
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.10g}"
        case str() | int():
            return str(value)
        case datetime():
            return f"{value.astimezone(zone):%Y-%m-%d %H:%M}"
        case Mapping():
            return ", ".join(f"{key} {value_text(item, zone)}" for key, item in _ordered(value))
        case Sequence():
            return ", ".join(value_text(item, zone) for item in value)


def _ordered(value: Mapping[str, Value]) -> list[tuple[str, Value]]:
    def rank(item: tuple[str, Value]) -> float:
        return -item[1] if isinstance(item[1], int | float) else 0.0

    return sorted(value.items(), key=rank)
