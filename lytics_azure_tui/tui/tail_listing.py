"""What a live tail shows: the newest events, those that a filter lets through, and what waits while it is paused."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from lytics_azure_tui.tui.text import lines, plain

if TYPE_CHECKING:
    from lytics_azure_tui.azure.event_hub_tail import Received

KEPT = 5_000
_SHOWN_CHARACTERS = 20_000
"""Of a body; a terminal shows no more at once, and laying it out takes time."""


class TailListing:
    """Events by the order of their coming.

    Attributes:
        paused: new events wait.
        total: events that have come since the beginning.
    """

    def __init__(self) -> None:
        self.paused = False
        self.total = 0
        self._shown: deque[tuple[Received, str]] = deque(maxlen=KEPT)
        self._waiting: deque[tuple[Received, str]] = deque(maxlen=KEPT)
        self._text = ""

    def add(self, events: Iterable[Received]) -> None:
        """New events; where there are too many the oldest go."""
        for event in events:
            self.total += 1
            (self._waiting if self.paused else self._shown).append((event, _haystack(event)))

    def pause(self, paused: bool) -> None:
        """Holds new events back, or shows those that waited."""
        self.paused = paused
        if not paused:
            self._shown.extend(self._waiting)
            self._waiting.clear()

    def filter(self, text: str) -> None:
        """Shows only events with all of these words in them, anywhere; small and capital letters are alike."""
        self._text = text.lower()

    def rows(self) -> list[Received]:
        """The events to show, the newest last."""
        words = self._text.split()
        return [event for event, text in self._shown if all(word in text for word in words)]

    @property
    def waiting(self) -> int:
        """Events that came since it was paused and are kept."""
        return len(self._waiting)


def headline(event: Received) -> tuple[str, str, str]:
    """(what happened, to whom, of what) by the properties of a trigger; of other messages the body's beginning."""
    named = event.properties
    if "event" in named and "slug" in named:
        return named["event"], named.get("user_id", ""), named["slug"]
    return "", event.id, plain(event.body[:200].decode(errors="replace"), 200)


def whole(event: Received) -> str:
    """All of an event, on lines of its own; JSON is laid out."""
    text = event.body[: _SHOWN_CHARACTERS * 4].decode(errors="replace")
    with suppress(ValueError):  # whatever else it is, it is shown as it came
        text = json.dumps(json.loads(event.body), indent=2, ensure_ascii=False)
    cut = "\n…" if len(text) > _SHOWN_CHARACTERS else ""
    head = [f"Partition {event.partition}, number {event.sequence:,}"]
    head += [f"Message {event.id}"] if event.id else []
    head += [f"{name}: {value}" for name, value in event.properties.items()]
    return "\n".join(plain(line) for line in head) + "\n\n" + lines(text[:_SHOWN_CHARACTERS]) + cut


def _haystack(event: Received) -> str:
    named = " ".join(event.properties.values())
    return f"{event.id} {named} {event.body.decode(errors='replace')}".lower()
