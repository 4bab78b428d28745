"""What sends rows to a stream where no one act can make them part of it; see `lytics.protocol.Lytics.delivery`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lytics_azure_tui.lytics.protocol import StagedFile


@dataclass(frozen=True, slots=True)
class Record:
    """A row on its way over the network.

    Attributes:
        source: container/blob, or schema.table.
        row: its place in it.
        text: a JSON object in one line.
    """

    source: str
    row: int
    text: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that were sent at once.

    Attributes:
        number: from 1; the same each time that the same records are sent.
        first: the place of the first of them among all, from 1.
        rows: how many were sent.
        left_out: (record, reason) of those that are not there, or may not be.
        doubtful: its answer was lost, so that all of it is in `left_out` and may be there all the same.
        again: it was sent before this process began.
    """

    number: int
    first: int
    rows: int
    left_out: tuple[tuple[Record, str], ...] = ()
    doubtful: bool = False
    again: bool = False


class Delivery(Protocol):
    """Sends rows to a stream, batch by batch."""

    def records(self, files: Sequence[StagedFile]) -> Iterator[Record]:
        """The rows of files that lie ready, in order. They are read as they are asked for."""

    def send(self, records: Iterator[Record], journal: Path, check: Callable[[], None]) -> Iterator[Batch]:
        """Sends records; each batch is told when it is answered, and counts as done when the next is asked for.

        Args:
            journal: a file that remembers what was sent. What it knows of is not sent again.
            check: called between batches and while waiting; what it raises ends the sending.

        Raises:
            RetryLater: Lytics does not answer; called again with the same records and journal, it goes on.
            NotAuthorised, Fatal: nor will it.
        """
