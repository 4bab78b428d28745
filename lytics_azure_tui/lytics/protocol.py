"""What a Lytics must be able to do, whether it is embedded or reached over the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """One stream in a list. Times are in UTC."""

    name: str
    events: int
    last_event: datetime | None
    last_import: datetime | None
    bytes: int


@dataclass(frozen=True, slots=True)
class StreamField:
    """A column of a stream, and in how many events it has a value; None when that is not known."""

    name: str
    filled: int | None


@dataclass(frozen=True, slots=True)
class Preview:
    """Rows of a stream as text, newest first."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A Parquet file that lies ready for a stream and that nobody sees yet.

    Attributes:
        path: its name inside the stream's folder.
        rows, bytes: what it holds.
        first, last: the range of its event times, RFC 3339; None when it has none.
        nulls: for each column, in how many rows it has no value.
    """

    path: str
    rows: int
    bytes: int
    first: str | None
    last: str | None
    nulls: Mapping[str, int]


class Lytics(Protocol):
    """Streams of events."""

    def streams(self) -> list[StreamInfo]:
        """All streams, by name."""

    def columns(self, stream: str) -> list[str]:
        """The names of a stream's own columns, in the order they came; empty for a stream that is not there."""

    def fields(self, stream: str) -> list[StreamField]:
        """The same columns with how often each is filled."""

    def preview(self, stream: str, limit: int = 50) -> Preview:
        """The newest events."""

    def staging(self, stream: str) -> Path:
        """The folder into which a run writes its Parquet files before they are committed."""

    def commit(self, stream: str, run_id: str, columns: Sequence[str], files: Sequence[StagedFile]) -> bool:
        """Makes the files part of the stream, all together. False when this run's files were in already."""

    def discard(self, stream: str, run_id: str) -> None:
        """Removes files of a run that were never committed."""
