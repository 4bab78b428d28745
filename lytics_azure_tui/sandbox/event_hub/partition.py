"""A partition: a file of events in the order in which they came, and those who wait for more."""

from __future__ import annotations

import os
import struct
import time
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path

_RECORD = struct.Struct(">IQ")
"""Bytes of the event, and the milliseconds since 1970 at which it came."""


class Partition:
    """What is appended is with the operating system before it is acknowledged: a kill of the process loses nothing.

    An event's sequence number is its place, from 0; its offset is where its record lies in the file.
    """

    def __init__(self, path: Path) -> None:
        """Opens the file, or makes it; a record that was cut off by a kill goes."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._offsets, self._times, self._end = _index(self._file)
        os.ftruncate(self._file, self._end)
        self.waiting: set[Callable[[], None]] = set()
        """Called when something was appended."""

    def __len__(self) -> int:
        return len(self._offsets)

    def append(self, events: Sequence[bytes]) -> None:
        """Appends events in one write."""
        now, at = int(time.time() * 1000), self._end
        parts: list[bytes] = []
        for event in events:
            parts += (_RECORD.pack(len(event), now), event)
            self._offsets.append(at)
            at += _RECORD.size + len(event)
        self._times.extend([now] * len(events))
        data = memoryview(b"".join(parts))
        while data:
            written = os.pwrite(self._file, data, at - len(data))
            data = data[written:]
        self._end = at
        for call in tuple(self.waiting):
            call()

    def read(self, sequence: int) -> tuple[bytes, int, int]:
        """(event, offset, milliseconds) at a place."""
        offset = self._offsets[sequence]
        end = self._offsets[sequence + 1] if sequence + 1 < len(self._offsets) else self._end
        record = os.pread(self._file, end - offset, offset)
        return record[_RECORD.size :], offset, self._times[sequence]

    def last(self) -> tuple[int, int]:
        """(offset, milliseconds) of the newest event; (-1, 0) when there is none."""
        return (self._offsets[-1], self._times[-1]) if self._offsets else (-1, 0)

    def after_offset(self, offset: int, inclusive: bool) -> int:
        """The first sequence number beyond an offset."""
        return (bisect_left if inclusive else bisect_right)(self._offsets, offset)

    def after_time(self, milliseconds: int, inclusive: bool) -> int:
        """The first sequence number beyond a moment."""
        return (bisect_left if inclusive else bisect_right)(self._times, milliseconds)

    def close(self) -> None:
        """Lets go of the file."""
        os.close(self._file)


def stored(path: Path) -> list[bytes]:
    """The events in a partition's file, read beside the server that writes it."""
    data = path.read_bytes()
    found, at = [], 0
    while at + _RECORD.size <= len(data):
        size, _ = _RECORD.unpack_from(data, at)
        end = at + _RECORD.size + size
        if end > len(data):
            break
        found.append(data[at + _RECORD.size : end])
        at = end
    return found


def counted(path: Path) -> int:
    """How many events are in a partition's file."""
    file = os.open(path, os.O_RDONLY)
    try:
        return len(_index(file)[0])
    finally:
        os.close(file)


def _index(file: int) -> tuple[array[int], array[int], int]:
    offsets, times, at = array("Q"), array("Q"), 0
    end = os.fstat(file).st_size
    while at + _RECORD.size <= end:
        size, milliseconds = _RECORD.unpack(os.pread(file, _RECORD.size, at))
        if at + _RECORD.size + size > end:
            break
        offsets.append(at)
        times.append(milliseconds)
        at += _RECORD.size + size
    return offsets, times, at
