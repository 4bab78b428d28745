"""What a hub does wrong on order, and what it does to those who send more than is paid for."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

Action = Literal["busy", "reject", "release", "detach", "close", "drop", "lose", "hang"]
"""Of a transfer: refuse it as a busy server does, or for another reason; release it; close the link, or the connection
in AMQP's words or without any, before it is stored; break the connection off after it is stored and before it is
acknowledged; store it and never answer."""

_UNIT_EVENTS, _UNIT_BYTES = 1_000, 1_000_000
"""A second, for each throughput unit: learn.microsoft.com/azure/event-hubs/event-hubs-scalability"""


@dataclass
class Fault:
    """An order.

    Attributes:
        hub, partition: where; empty for any.
        after: transfers that go well first.
        times: transfers that it meets.
        condition: of a rejection, a detachment or a close.
    """

    action: Action
    hub: str = ""
    partition: str = ""
    after: int = 0
    times: int = 1
    condition: str = "amqp:internal-error"


@dataclass
class _Bucket:
    """What a hub may still take at this moment; a second's worth at most."""

    units: float
    events: float
    bytes: float
    at: float


class Faults:
    """The orders of a namespace."""

    def __init__(self) -> None:
        self._orders: list[Fault] = []
        self._buckets: dict[str, _Bucket] = {}

    def order(self, fault: Fault) -> None:
        """Will happen to the next transfers that it fits."""
        self._orders.append(fault)

    def throttle(self, hub: str, units: float) -> None:
        """Limits a hub to so many throughput units; 0 for none."""
        self._buckets.pop(hub.lower(), None)
        if units:
            full = units * _UNIT_EVENTS, units * _UNIT_BYTES
            self._buckets[hub.lower()] = _Bucket(units, *full, time.monotonic())

    def clear(self) -> None:
        """All is well again."""
        self._orders.clear()
        self._buckets.clear()

    def meets(self, hub: str, partition: str) -> Fault | None:
        """What happens to a transfer; None for nothing."""
        for fault in self._orders:
            if fault.hub.lower() in ("", hub.lower()) and fault.partition in ("", partition):
                if fault.after:
                    fault.after -= 1
                    continue
                fault.times -= 1
                if not fault.times:
                    self._orders.remove(fault)
                return fault
        return None

    def too_much(self, hub: str, events: int, size: int) -> bool:
        """Whether a transfer goes beyond the hub's units; if not, it has been counted."""
        bucket = self._buckets.get(hub.lower())
        if bucket is None:
            return False
        now = time.monotonic()
        passed, bucket.at = now - bucket.at, now
        bucket.events = min(bucket.units * _UNIT_EVENTS, bucket.events + passed * bucket.units * _UNIT_EVENTS)
        bucket.bytes = min(bucket.units * _UNIT_BYTES, bucket.bytes + passed * bucket.units * _UNIT_BYTES)
        # A transfer larger than a second's worth goes through a full bucket, and leaves a debt.
        if bucket.events <= 0 or bucket.bytes <= 0:
            return True
        bucket.events -= events
        bucket.bytes -= size
        return False
