"""Triggers that wait to be sent: the rows of a Parquet file as messages, and how many of them the hub has."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from lytics_azure_tui.lytics.duck import database, read_parquet
from lytics_azure_tui.lytics.workspace.trigger_rows import GROUP
from lytics_azure_tui.model.trigger import Message, SegmentEvent, segment_id, trigger

_MEMORY = 128 << 20
_SAVE_SECONDS = 0.5


class Mark:
    """How much of an outbox is done with, from its beginning on, in a file that outlives the process.

    Attributes:
        done: messages.
        first: how many were done with when this process began: places are counted from there.
        bytes: that were sent for them, by this process and those before it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ahead: set[int] = set()
        self._saved = time.monotonic()
        found = json.loads(path.read_text()) if path.exists() else {"done": 0, "bytes": 0}
        self.done = self.first = int(found["done"])
        self.bytes = int(found["bytes"])

    def reach(self, places: Iterable[int], size: int = 0) -> None:
        """Messages are done with; those ahead of others that are not wait for them."""
        self.bytes += size
        self._ahead.update(self.first + place for place in places)
        while self.done in self._ahead:
            self._ahead.remove(self.done)
            self.done += 1
        if time.monotonic() - self._saved > _SAVE_SECONDS:
            self.save()

    def save(self) -> None:
        """Writes it down, whole or not at all."""
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps({"done": self.done, "bytes": self.bytes}))
        fresh.replace(self._path)
        self._saved = time.monotonic()


def messages(outbox: Path, subscription: str, *, first: int = 0, until: int | None = None) -> Iterator[Message]:
    """The messages of an outbox, in its order, a group of rows at a time.

    Args:
        outbox: as `trigger_rows.collect` writes it.
        subscription: of the messages.
        first, until: from which on, and before which to end.
    """
    at = first
    with database(memory=_MEMORY) as connection:
        while True:
            end = min(at - at % GROUP + GROUP, until if until is not None else at + GROUP)
            rows = connection.execute(
                f"SELECT who, moment, events, profile FROM {read_parquet([outbox])}"
                f" WHERE n >= {at} AND n < {end} ORDER BY n"
            ).fetchall()
            for row in rows:
                yield _message(subscription, *row)
            at = end
            if not rows or at == until:
                return


def _message(
    subscription: str, user: str, at: datetime, events: list[dict[str, Any]], profile: dict[str, Any] | None
) -> Message:
    fields = {name: value for name, value in (profile or {}).items() if value is not None}
    happened = [
        SegmentEvent(
            segment_id(event["slug"]),
            event["slug"],
            "enter" if event["enter"] else "exit",
            event["entered"],
            None if event["enter"] else at,
        )
        for event in events
    ]
    # Who has become part of another leaves under the old id.
    return trigger(user, {**fields, "_id": user}, happened, subscription=subscription, at=at)
