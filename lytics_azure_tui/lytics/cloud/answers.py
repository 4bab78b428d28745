"""What an answer of the API holds, read so that a field which is missing or of another shape does no harm."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any


def items(answer: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The objects of a list."""
    data = answer.get("data")
    return (one for one in data if isinstance(one, dict)) if isinstance(data, list) else iter(())


def item(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The one object."""
    data = answer.get("data")
    return data if isinstance(data, dict) else {}


def text(value: Any) -> str | None:
    """A value as text: what is no text is JSON; None for none."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def whole(value: Any) -> int | None:
    """A whole number, also where it comes as text; None for none."""
    try:
        return None if value is None or isinstance(value, bool) else int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def moment(value: Any) -> datetime | None:
    """A time in UTC; None for none, and for the year 1, by which Go says that there was none."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return None if found.year == 1 else found.astimezone(UTC)
