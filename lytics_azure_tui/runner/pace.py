"""How many parts of a plan are done at once, found out from the first of them.

More sessions are no faster than one where the server, and not this machine, is at its limit; they only take from others
what it has. So the first part is done alone, the next two side by side, the next four, and so on as long as that brings
more; where there are few parts, as many as may be go side by side from the beginning.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TRIED = 8
"""With so many parts for each that may go side by side, trying takes a tenth of the time at most."""
_WORTH = 0.25
"""Of what more of them could bring at best, so much is to come at least."""


class Pace:
    """Hands out turns. Safe to use from several threads.

    Args:
        parts: that are to be done.
        most: at once.
        fewer: called once with the number that it is from then on, where that is not `most`.
        clock: tells seconds.
    """

    def __init__(
        self, parts: int, most: int, fewer: Callable[[int], None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._fewer, self._clock = most, fewer, clock
        self._changed = threading.Condition()
        self._trying = most > 1 and parts >= TRIED * most
        self.limit = 1 if self._trying else most
        """So many at once, as far as is known."""
        self._active = 0
        # Of the round that is tried: parts begun and ended, bytes, and when it began; and what the one before brought.
        self._begun = self._ended = self._bytes = 0
        self._since = 0.0
        self._before: tuple[int, float] | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A part's turn, once there is room."""
        with self._changed:
            self._changed.wait_for(lambda: (self._begun if self._trying else self._active) < self.limit)
            if self._begun == 0:
                self._since = self._clock()
            self._begun += 1
            self._active += 1
        try:
            yield
        except BaseException:
            with self._changed:
                # Nobody waits for a round that does not end.
                self._trying, self.limit = False, self._most
            raise
        finally:
            with self._changed:
                self._active -= 1
                self._changed.notify_all()

    def done(self, size: int) -> None:
        """A part has been done. Call it within its turn.

        Args:
            size: bytes that came over the line for it.
        """
        with self._changed:
            self._ended += 1
            self._bytes += size
            if self._trying and self._ended == self.limit:
                self._judge()

    def _judge(self) -> None:
        rate = self._bytes / max(self._clock() - self._since, 1e-9)
        if self._before is not None:
            limit, brought = self._before
            if rate < brought * (1 + _WORTH * (self.limit / limit - 1)):
                self._trying, self.limit = False, limit
                self._fewer(limit)
                return
        self._before = (self.limit, rate)
        self._trying = self.limit < self._most
        self.limit = min(2 * self.limit, self._most)
        self._begun = self._ended = self._bytes = 0
