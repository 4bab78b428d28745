"""What active runs are doing, on stderr: a line each that rewrites itself, or where that cannot be, now and then."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

from lytics_azure_tui.cli.output import printable, shorten, silence
from lytics_azure_tui.model.amounts import counted, size
from lytics_azure_tui.model.run import Progress
from lytics_azure_tui.tui.figures import count, duration

REDRAW = 0.1
"""Seconds between two drawings on a terminal."""
TELL = 5.0
"""Seconds between two lines about the same run where stderr is no terminal."""
_ERASE_BELOW = "\x1b[J"


def _can_rewrite() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"


@dataclass(slots=True)
class _Line:
    """A run under watch: since when, how many bytes were done by then, and when it was last told of."""

    label: str
    progress: Progress
    began: float
    bytes_then: int
    told: float

    def text(self, now: float) -> str:
        moved, seconds = self.progress.bytes_done - self.bytes_then, now - self.began
        return said(self.label, self.progress, moved / seconds if seconds >= 1 else 0)


@dataclass(slots=True)
class StatusLines:
    """The lines of the active runs.

    Attributes:
        live: whether stderr is a terminal that can move its cursor.
        clock: seconds, monotonic.
    """

    live: bool = field(default_factory=_can_rewrite)
    clock: Callable[[], float] = time.monotonic
    _lines: dict[str, _Line] = field(default_factory=dict)
    _drawn: int = 0
    _drawn_at: float = float("-inf")

    def show(self, run_id: str, label: str, progress: Progress) -> None:
        """Takes the newest figures of a run; draws when it is time."""
        now = self.clock()
        line = self._lines.setdefault(run_id, _Line(label, progress, now, progress.bytes_done, now))
        if progress.bytes_done < line.bytes_then:  # it started over
            line.began, line.bytes_then = now, progress.bytes_done
        line.progress = progress
        if self.live:
            if now - self._drawn_at >= REDRAW:
                self._draw()
        elif now - line.told >= TELL:
            line.told = now
            _write(f"{line.text(now)}\n")

    def drop(self, run_id: str) -> None:
        """Takes a run off that is no longer active."""
        if self._lines.pop(run_id, None) is not None and self.live:
            self._draw()

    def say(self, words: str) -> None:
        """Writes words for good, above the lines that rewrite themselves."""
        with self.aside():
            _write(f"{printable(words)}\n")

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Takes the lines off while something else writes, as stdout may be the same terminal."""
        _write(self._erased())
        yield
        if self._lines and self.live:
            self._draw()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Takes all lines off, before something else writes to the terminal."""
        self._lines.clear()
        _write(self._erased())

    def _draw(self) -> None:
        cells = shutil.get_terminal_size().columns - 1
        now = self.clock()
        lines = [shorten(line.text(now), cells) for line in self._lines.values()]
        _write(self._erased() + "".join(f"{line}\n" for line in lines))
        self._drawn, self._drawn_at = len(lines), now

    def _erased(self) -> str:
        """What takes the drawn lines off."""
        drawn, self._drawn = self._drawn, 0
        return f"\x1b[{drawn}A\r{_ERASE_BELOW}" if drawn else ""


def said(label: str, progress: Progress, pace: float) -> str:
    """One line about a run that moves so many bytes a second; 0 when that is not known yet."""
    parts = [label, progress.stage]
    done, total = progress.bytes_done, progress.bytes_total
    if total:
        parts.append(f"{min(done / total, 1):.0%} of {size(total)}")
    elif done:
        parts.append(size(done))
    if progress.rows:
        parts.append(counted(progress.rows, "row"))
    if progress.rejected:
        parts.append(f"{count(progress.rejected)} quarantined")
    if pace > 0:
        parts.append(f"{size(pace)}/s")
        if total and total > done:
            parts.append(f"{duration((total - done) / pace)} left")
    return printable("  ".join(part for part in parts if part)).replace("\n", " ").replace("\t", " ")


def _write(text: str) -> None:
    if not text:
        return
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except BrokenPipeError:
        silence(sys.stderr)
