"""How fast a hub may be sent to: what is paid for, and what it says when that is too much."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

# A second, for each throughput unit: learn.microsoft.com/azure/event-hubs/event-hubs-scalability
_EVENTS, _BYTES = 1_000, 1_000_000
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
TURN = 0.2
"""Seconds between two looks whether an end is wanted."""


class Pace:
    """Shared by all partitions of a hub, as the units are those of the whole.

    Args:
        units: throughput units; 0 for a hub without them.
        wait: sleeps; it ends early by raising.
    """

    def __init__(self, units: float, wait: Callable[[float], None]) -> None:
        self._units, self._wait = units, wait
        self._lock = Lock()
        self._free = 0.0
        """When the next batch may go, by the monotonic clock."""
        self._pause = 0.0

    def take(self, events: int, size: int) -> None:
        """Waits until a batch may be sent."""
        with self._lock:
            now = time.monotonic()
            at = max(self._free, now)
            if self._units:
                self._free = at + max(events / _EVENTS, size / _BYTES) / self._units
        if at > now:
            self._wait(at - now)

    def busy(self) -> float:
        """The hub asks for less: nothing is sent for a while, twice as long each time. Gives the seconds."""
        with self._lock:
            self._pause = min(max(self._pause * 2, _FIRST_PAUSE), _LONGEST_PAUSE)
            self._free = max(self._free, time.monotonic() + self._pause)
            return self._pause

    def well(self) -> None:
        """A batch has gone through."""
        self._pause = 0.0
