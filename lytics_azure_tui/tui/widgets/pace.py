"""How fast a run is, from the figures that it reports."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

BARS = "▁▂▃▄▅▆▇█"
SECONDS_A_SAMPLE = 1.0
SAMPLES = 60
SMOOTHED_OVER = 10


class Pace:
    """Remembers the last minute, a figure a second."""

    def __init__(self) -> None:
        self._samples: deque[tuple[datetime, int]] = deque(maxlen=SAMPLES + 1)

    def add(self, moment: datetime, amount: int) -> None:
        """Takes the figure so far. What comes within a second of the last sample is left out."""
        if self._samples and amount < self._samples[-1][1]:
            self._samples.clear()  # the run began anew
        if not self._samples or (moment - self._samples[-1][0]).total_seconds() >= SECONDS_A_SAMPLE:
            self._samples.append((moment, amount))

    def rates(self) -> list[float]:
        """Per second, oldest first."""
        return [
            (after - before) / (later - earlier).total_seconds()
            for (earlier, before), (later, after) in pairwise(self._samples)
        ]

    def rate(self) -> float | None:
        """Per second, over the last few seconds; None while too little is known, also to call it a standstill."""
        if len(self._samples) < 2:
            return None
        window = list(self._samples)[-(SMOOTHED_OVER + 1) :]
        (earlier, before), (later, after) = window[0], window[-1]
        if after == before and len(window) <= SMOOTHED_OVER:
            return None
        return (after - before) / (later - earlier).total_seconds()

    def left(self, amount: int, total: int | None) -> float | None:
        """Seconds until the total; None when that cannot be told, or all is read and only the commit is left."""
        rate = self.rate()
        return (total - amount) / rate if rate and total is not None and total > amount else None


def sparkline(values: Sequence[float], width: int) -> str:
    """The newest values as bars, from zero to the highest of them."""
    newest = list(values)[-width:] if width > 0 else []
    top = max(newest, default=0)
    if top <= 0:
        return BARS[0] * len(newest)
    return "".join(BARS[min(int(value / top * len(BARS)), len(BARS) - 1)] for value in newest)


def bar(done: int, total: int | None, width: int) -> tuple[str, str]:
    """A progress bar as (what is done, what is not); the second is empty only when all is done."""
    if not total:
        return "", "─" * width
    filled = min(done / total, 1) * width
    full = int(filled)
    return "━" * full, "─" * (width - full)
