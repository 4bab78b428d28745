"""What the API does wrong on order."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

Action = Literal["refuse", "drop", "spoil", "lose", "cut", "slow", "garble"]
"""Of a call: answer an error instead of doing it; cut the line in the middle of its body, before it is done. Or do it,
and then: answer an error; cut the line without an answer, or in the middle of one; pause in the middle of the answer;
give an answer that is no JSON."""


@dataclass
class Fault:
    """An order.

    Attributes:
        method, path: whose calls it meets; the path is a pattern in which * is any text. Empty for any.
        status: of "refuse" and "spoil".
        message: that goes with the status.
        retry_after: seconds, for the header; None for no such header, which is what Lytics documents.
        seconds: that "slow" pauses.
        after: calls that go well first.
        times: calls that it meets.
    """

    action: Action
    method: str = ""
    path: str = ""
    status: int = 503
    message: str = "Try again later"
    retry_after: float | None = None
    seconds: float = 1.0
    after: int = 0
    times: int = 1

    def fits(self, method: str, path: str) -> bool:
        """Whether it is meant for a call."""
        return self.method in ("", method) and (not self.path or fnmatchcase(path, self.path))


@dataclass
class Faults:
    """The orders. May be given from any thread.

    Attributes:
        latency: seconds before each call is looked at.
        revoked: whether the token is good for nothing any more.
    """

    latency: float = 0.0
    revoked: bool = False
    _orders: list[Fault] = field(default_factory=list, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def order(self, fault: Fault) -> None:
        """Will happen to the next calls that it fits."""
        with self._lock:
            self._orders.append(fault)

    def storm(self, times: int, *, status: int = 429, retry_after: float | None = None, path: str = "") -> None:
        """So many calls are refused, as a service does that has too much to do."""
        message = "Rate limit exceeded" if status == 429 else "Service unavailable"
        self.order(Fault("refuse", path=path, status=status, message=message, retry_after=retry_after, times=times))

    def clear(self) -> None:
        """All is well again."""
        with self._lock:
            self._orders.clear()
            self.latency, self.revoked = 0.0, False

    def meets(self, method: str, path: str) -> Fault | None:
        """What happens to a call; None for nothing."""
        with self._lock:
            for fault in self._orders:
                if fault.fits(method, path):
                    if fault.after:
                        fault.after -= 1
                        continue
                    fault.times -= 1
                    if not fault.times:
                        self._orders.remove(fault)
                    return fault
        return None
