"""Cleans a chunk: each record gets its number in front, and what cannot be used is set aside with its place and reason.

Records are examined in bulk first; what is left is read by DuckDB, which has the last word. Only some of them are in
memory at a time, however many there are.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING

import duckdb

from lytics_azure_tui.jobs.csv_batch import NO_TEXT, Batch, Examiner
from lytics_azure_tui.jobs.csv_records import Record, Splitter
from lytics_azure_tui.jobs.quarantine import QuarantinedRows
from lytics_azure_tui.lytics.event_time import WITHIN

if TYPE_CHECKING:
    from lytics_azure_tui.jobs.csv_convert import Chunk, Converter

Reject = Callable[[QuarantinedRows], None]
"""Takes rows that cannot be used."""

_BLOCK = 256 << 10
"""Bytes of records that are examined at once."""
_ROWS, _BYTES = 50_000, 8 << 20
"""Records, and bytes of them, that DuckDB reads at once."""


class Cleaner:
    """Cleans one chunk.

    Args:
        converter: reads what seems to be good.
        chunk: it, or one that says where records of another source come from.
        reject: takes what cannot be used.
    """

    def __init__(self, converter: Converter, chunk: Chunk, reject: Reject) -> None:
        self._converter, self._chunk, self._reject = converter, chunk, reject
        self._layout = converter.layout
        self._examiner = Examiner(self._layout.shape)
        self._some = chunk.path.with_suffix(".some")
        self._pending = Batch()

    def chunk(self) -> Chunk:
        """The usable records of the chunk's own file."""
        chunk = self._chunk
        splitter = Splitter(self._layout.shape.grammar, offset=chunk.offset, row=chunk.row, line=chunk.line)
        with chunk.path.open("rb") as file:
            blocks = iter(lambda: file.read(_BLOCK), b"")
            return self._cleaned(map(self._examiner.piece, splitter.split(blocks)))

    def records(self, found: Iterable[Record]) -> Chunk:
        """The usable ones of records from elsewhere."""
        return self._cleaned(iter([self._examiner.records(found)]))

    def _cleaned(self, batches: Iterator[Batch]) -> Chunk:
        path = self._chunk.path.with_suffix(".clean")
        rows = longest = size = 0
        with path.open("wb") as clean:

            def flush() -> None:
                nonlocal rows, longest, size
                lines = self._usable()
                clean.writelines(lines)
                rows, longest, size = rows + len(lines), max(longest, *map(len, lines), 0), 0

            for batch in batches:
                good = self._good(batch)
                self._pending.extend(good)
                size += sum(map(len, good.texts))
                if len(self._pending) >= _ROWS or size >= _BYTES:
                    flush()
            flush()
        self._some.unlink(missing_ok=True)
        return replace(self._chunk, path=path, rows=rows, longest=longest, clean=True, numbered=True)

    def _good(self, batch: Batch) -> Batch:
        """What nothing is known against in a batch; the rest is set aside."""
        if self._layout.refused:
            batch.problems = dict.fromkeys(range(len(batch)), self._layout.refused)
        good, bad = batch.parted(self._layout.source)
        if bad:
            self._reject(bad)
        return good

    def _usable(self) -> list[bytes]:
        """Those of the pending records that DuckDB can use, too."""
        while self._pending:
            lines = self._write(self._pending)
            self._pending.problems = self._unusable(lines)
            if not self._pending.problems:
                self._pending = Batch()
                return lines
            self._pending = self._good(self._pending)
        return []

    def _write(self, found: Batch) -> list[bytes]:
        lines = numbered(found.rows, found.texts, self._layout.shape.delimiter)
        with self._some.open("wb") as file:
            file.writelines(lines)
        return lines

    def _unusable(self, lines: Sequence[bytes]) -> dict[int, str]:
        """index of a pending record → why it cannot be used."""
        converter = self._converter
        chunk = replace(self._chunk, path=self._some, longest=max(map(len, lines)), numbered=True)
        time = self._layout.time_index
        shown = f"f{time}" if time is not None else "NULL"
        late = f"FILTER (NOT coalesce(event_time {WITHIN}, false))"
        # Counting each field that will be written makes the parser look at it, as writing it does.
        looked = ", ".join(f"count(f{index})" for index in converter.hashed)
        try:
            numbers, values, *_ = converter.run(
                f"SELECT list(record ORDER BY record) {late}, list({shown} ORDER BY record) {late}, {looked}"
                f" FROM ({converter.rows(chunk, rejects=True)})"
            )
        except duckdb.InvalidInputException as error:
            return self._offender(chunk, str(error))
        place = {row: at for at, row in enumerate(self._pending.rows)}
        found = {place[row]: _no_time(value) for row, value in zip(numbers or (), values or (), strict=True)}
        starts = list(accumulate(map(len, lines), initial=0))
        for position, kind, message in converter.rejected():
            found[bisect_right(starts, position - 1) - 1] = self._reason(kind, message)
        return found

    def _offender(self, chunk: Chunk, error: str) -> dict[int, str]:
        """The first record at which the parser itself gives up, found by halving."""
        low, high = 0, len(self._pending)
        while high - low > 1:
            middle = (low + high) // 2
            self._write(self._pending.only(range(low, middle)))
            try:
                self._converter.run(f"SELECT count(*) FROM {self._converter.csv(chunk, rejects=True)}")
                low = middle
            except duckdb.InvalidInputException:
                high = middle
        return {low: f"the parser gives up on it: {error.splitlines()[0]}"}

    def _reason(self, kind: str, message: str) -> str:
        if found := re.search(r"Found: (\d+)", message):
            # The record's number, which stands in front of it, is a field too.
            return f"has {int(found[1]) - 1} fields where the header has {self._layout.shape.named}"
        return {"INVALID ENCODING": NO_TEXT}.get(kind, kind.lower())


def numbered(rows: Iterable[int], texts: Iterable[bytes], delimiter: str) -> list[bytes]:
    """Lines of records with their numbers in front."""
    between = delimiter.encode()
    return [b"%d%s%s\n" % (row, between, text) for row, text in zip(rows, texts, strict=True)]


def _no_time(value: str | None) -> str:
    return "its timestamp is empty" if value is None or not value.strip() else f"its timestamp is no time: {value[:60]}"
