"""Events on their way into a stream of an account: rows → lines of JSON → gzipped batches → /collect/bulk.

A batch is small beside what Lytics takes (1 GB): if its answer is lost, no more than its rows are in doubt. Records
that Lytics rejects are left out by it (`droperrors`) and only counted; which they are is found by asking about ever
smaller parts of the batch with `dryrun`, by which nothing is taken.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.lytics.cloud.answers import item, whole
from lytics_azure_tui.lytics.cloud.api import AnswerLost, Api, Refused, path
from lytics_azure_tui.lytics.cloud.journal import Journal, State
from lytics_azure_tui.lytics.columns import EVENT_TIME, ROW, SOURCE, SYSTEM_COLUMNS
from lytics_azure_tui.lytics.duck import database, literal, quoted, read_parquet
from lytics_azure_tui.lytics.protocol import StagedFile
from lytics_azure_tui.lytics.sending import Batch, Record

RECORD = 16 << 10
"""Bytes of the largest record of a batch: docs.lytics.com/docs/platform-limits."""
ROWS, BYTES = 10_000, 8 << 20
"""Of a batch: records, and bytes before gzip."""
TIME = EVENT_TIME
"""The field in which an event's time goes; no column of a source is called so."""

REASONS = 20
"""So many records of a batch are asked about singly, for the reason; the others are as wrong, and only that is said."""

_MEMORY = 128 << 20
_FETCH = 2_000
_TOO_LARGE = "it has {size:,} bytes as JSON, and Lytics takes records of no more than 16 KB"
_REJECTED = "Lytics does not take it"
_DOUBTFUL = "it may be in Lytics: the answer to its batch was lost. Look there before you replay it"


@dataclass(frozen=True, slots=True)
class Collect:
    """Fulfils `lytics.sending.Delivery` for one stream.

    Attributes:
        folder: where the files lie.
    """

    api: Api
    stream: str
    folder: Path

    def records(self, files: Sequence[StagedFile]) -> Iterator[Record]:
        """See `lytics.sending.Delivery`. The events' times are in one more field."""
        with database(memory=_MEMORY) as connection:
            for file in files:
                source = read_parquet([self.folder / file.path])
                names = [row[0] for row in connection.execute(f"DESCRIBE FROM {source}").fetchall()]
                rows = connection.execute(f"SELECT {SOURCE}, {ROW}, {_line(names)} FROM {source}")
                while some := rows.fetchmany(_FETCH):
                    yield from (Record(*row) for row in some)

    def send(self, records: Iterator[Record], journal: Path, check: Callable[[], None]) -> Iterator[Batch]:
        """See `lytics.sending.Delivery`."""
        known, well, first = Journal(journal), True, 1
        for number, (batch, large) in enumerate(_batches(records), 1):
            check()
            count = len(batch) + len(large)
            if not well:
                # No more rows come into doubt while Lytics, or the way to it, is out of order.
                self._rejected(batch[:1], check)
            sent = self._sent(number, first, batch, known, check) if batch else Batch(number, first, 0)
            left_out = (*large, *sent.left_out)
            yield Batch(number, first, len(batch), left_out, sent.doubtful, sent.again)
            if batch and known.state(number) not in (State.LOST, State.DONE):
                known.write(number, State.LOST if sent.doubtful else State.DONE, rows=len(batch))
            first += count
            well = not sent.doubtful or sent.again

    def dry_run(self, records: Sequence[Record], check: Callable[[], None] = lambda: None) -> int:
        """How many of some records Lytics would reject."""
        return self._rejected(records, check)

    # One batch

    def _sent(self, number: int, first: int, batch: list[Record], known: Journal, check: Callable[[], None]) -> Batch:
        """Sends a batch, unless it was sent; a batch of which no answer is known counts as sent."""
        state = known.state(number)
        if state is not None and known.rows(number) != len(batch):
            # It was made of other rows then: nothing can be said of these.
            state = State.LOST
        if state is State.DONE and not known.rejected(number):
            return Batch(number, first, len(batch), again=True)
        if state in (State.SENT, State.LOST):
            return Batch(number, first, len(batch), _all(batch, _DOUBTFUL), doubtful=True, again=True)
        if state is None:
            known.write(number, State.SENT, rows=len(batch))
            try:
                answer = self._call(batch, check, filename=f"lyazure-{number:06}.json")
            except AnswerLost as error:
                reason = f"{_DOUBTFUL} ({error.why})"
                return Batch(number, first, len(batch), _all(batch, reason), doubtful=True)
            except Refused:
                # Where Lytics stops reading, what stood before may have been taken.
                raise
            except LyazureError:
                known.write(number, State.UNSENT, rows=len(batch))
                raise
            known.write(number, State.ANSWERED, rejected=whole(answer.get("rejected_count")) or 0)
        rejected = known.rejected(number)
        bad = list(self._find(batch, rejected, check)) if rejected else []
        reasons = [self._reason(record, check) for record in bad[:REASONS]]
        reasons += [_REJECTED] * (len(bad) - len(reasons))
        left_out = tuple(zip(bad, reasons, strict=True))
        return Batch(number, first, len(batch), left_out, again=state is not None)

    def _call(
        self, batch: Sequence[Record], check: Callable[[], None], *, dry: bool = False, **more: str
    ) -> dict[str, Any]:
        """Sends records in one call."""
        lines = "".join(f"{record.text}\n" for record in batch).encode()
        return item(
            self.api.upload(
                path("collect", "bulk", self.stream),
                gzip.compress(lines, 1, mtime=0),
                what=f"Events could not be sent to the stream {self.stream}",
                check=check,
                dry=dry,
                **{"timestamp_field": TIME, "droperrors": "true", **more},
            )
        )

    def _find(self, batch: Sequence[Record], count: int, check: Callable[[], None]) -> Iterator[Record]:
        """The records that Lytics rejects, of whose number it told."""
        if count >= len(batch):
            yield from batch
            return
        half = len(batch) // 2
        left, right = batch[:half], batch[half:]
        here = self._rejected(left, check)
        for part, bad in ((left, here), (right, count - here)):
            if bad > 0:
                yield from self._find(part, bad, check)

    def _rejected(self, batch: Sequence[Record], check: Callable[[], None]) -> int:
        return (whole(self._call(batch, check, dry=True).get("rejected_count")) or 0) if batch else 0

    def _reason(self, record: Record, check: Callable[[], None]) -> str:
        try:
            self._call([record], check, dry=True, droperrors="false")
        except Refused as error:
            return f"{_REJECTED}: {error.words}" if error.words else _REJECTED
        return _REJECTED


def line_of(columns: Sequence[str], row: Sequence[str | None]) -> str:
    """A row as a line of JSON, without what has no value."""
    held = {name: value for name, value in zip(columns, row, strict=False) if value is not None}
    return json.dumps(held, ensure_ascii=False, separators=(",", ":"))


def _line(names: Sequence[str]) -> str:
    """SQL of a row as a line of JSON, without what has no value."""
    own = [name for name in names if name not in SYSTEM_COLUMNS]
    pairs = [f"{literal(json.dumps(name) + ':')} || to_json({quoted(name)})" for name in own]
    pairs.append(f"{literal(json.dumps(TIME) + ':')} || to_json(strftime({EVENT_TIME}, '%Y-%m-%dT%H:%M:%S.%fZ'))")
    return "'{' || concat_ws(',', " + ", ".join(pairs) + ") || '}'"


def _batches(records: Iterator[Record]) -> Iterator[tuple[list[Record], list[tuple[Record, str]]]]:
    """(what is sent at once, what is too large for it and its reason); the same for the same records."""
    batch, large, size = list[Record](), list[tuple[Record, str]](), 0
    for record in records:
        length = len(record.text.encode()) + 1
        if length - 1 > RECORD:
            large.append((record, _TOO_LARGE.format(size=length - 1)))
        else:
            batch.append(record)
            size += length
        if len(batch) + len(large) >= ROWS or size + RECORD > BYTES:
            yield batch, large
            batch, large, size = [], [], 0
    if batch or large:
        yield batch, large


def _all(batch: Sequence[Record], reason: str) -> tuple[tuple[Record, str], ...]:
    return tuple((record, reason) for record in batch)
