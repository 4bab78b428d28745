"""Turns chunks of whole CSV records into Parquet: DuckDB parses, and every record is accounted for.

A chunk is taken as it lies in the file first. Where its rows do not add up to the records that were counted, or DuckDB
rejects something, it is cleaned: each record gets its number in front, what cannot be parsed goes to quarantine with
its place and its raw text, and the rest is read again. Only such chunks pay for that.
"""

from __future__ import annotations

import re
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.jobs.csv_records import Grammar, Piece, Record, records
from lytics_azure_tui.jobs.quarantine import QuarantinedRow
from lytics_azure_tui.lytics.duck import database, literal, quoted
from lytics_azure_tui.lytics.event_time import WITHIN, any_time, usual_time
from lytics_azure_tui.lytics.protocol import StagedFile
from lytics_azure_tui.lytics.stream_file import copied, hashed, staged, system_columns

T = TypeVar("T")

# Cleaning holds a whole chunk in memory: one at a time.
_cleaning = threading.Lock()

# Of a chunk from which no more than one row in so many is wanted, only those are parsed again.
_FEW = 8


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file's records become a stream's rows.

    Attributes:
        width: fields of a record.
        picks: (index of the field, name of the stream's column) of each field that is imported.
        time_index: the field that holds the event time; None gives every row the time of the import.
        time_form: its usual form, from `event_time.usual_form`.
        delimiter: one character.
        newline: of the file, as it comes from `csv_source`: "\\n" or "\\r\\n".
        source: container/blob.
        run_id, started: of the run.
    """

    width: int
    picks: tuple[tuple[int, str], ...]
    time_index: int | None
    time_form: str | None
    delimiter: str
    newline: str
    source: str
    run_id: str
    started: datetime


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole records in a file of their own.

    Attributes:
        path: the file.
        offset, row, line: of its first record, in the CSV file.
        rows: records in it.
        last: number of the last.
        longest: bytes of the longest, or an upper bound.
        clean: False when a record is known to be malformed.
        plain: as in `Piece`.
        numbered: whether each record begins with its number: a cleaned chunk.
    """

    path: Path
    offset: int
    row: int
    line: int
    rows: int
    last: int
    longest: int
    clean: bool
    plain: bool = False
    numbered: bool = False


class Converter:
    """Converts chunks; one for each thread.

    Args:
        layout: of the file.
        memory: bytes that DuckDB may use.
        spill: a folder for what does not fit.
    """

    def __init__(self, layout: Layout, *, memory: int, spill: Path) -> None:
        self.layout = layout
        self._database = database(memory=memory, spill=spill)
        # A join builds its table from the side that is written second, which here is always the small one. DuckDB
        # would take the other: it guesses a handful of rows for a CSV file.
        self._database.execute("SET disabled_optimizers = 'build_side_probe_side'")

    def close(self) -> None:
        self._database.close()

    def import_chunk(self, chunk: Chunk, target: Path) -> tuple[StagedFile | None, list[QuarantinedRow]]:
        """Writes a chunk's rows as Parquet.

        Returns:
            The file, None when no row of the chunk can be used; and the rows that cannot.
        """
        staged = self._attempt(chunk, lambda: self.write(chunk, target), lambda file: file.rows)
        if staged is not None:
            return staged, []
        with _cleaning:
            cleaned, bad = self.clean(chunk)
            return self.write_all(cleaned, target), bad

    def write_all(self, chunk: Chunk, target: Path) -> StagedFile | None:
        """Writes every row of a chunk whose rows are known to be usable, and removes it; None when it has none."""
        staged = self.write(chunk, target)
        self._add_up(chunk, staged.rows)
        chunk.path.unlink()
        if staged.rows == 0:
            target.unlink()
        return staged if staged.rows else None

    def hash_chunk(self, chunk: Chunk, target: Path) -> tuple[Chunk, list[QuarantinedRow]]:
        """Writes (record, hash) of each of a chunk's rows as Parquet.

        Returns:
            The chunk from which the rows can be read again by `write`; and the rows that cannot be used.
        """
        if self._attempt(chunk, lambda: self._hash(chunk, target), int) is not None:
            return chunk, []
        with _cleaning:
            cleaned, bad = self.clean(chunk)
            self._add_up(cleaned, self._hash(cleaned, target))
        chunk.path.unlink()
        return cleaned, bad

    def _attempt(self, chunk: Chunk, act: Callable[[], T], count: Callable[[T], int]) -> T | None:
        """What an act on the chunk as it lies gives, or None where the chunk needs cleaning."""
        if not chunk.clean:
            return None
        try:
            done = act()
        except duckdb.InvalidInputException:
            # What the parser says of the data; a full disk or want of memory is another kind of error, and goes on up.
            return None
        rejected = self._database.execute("SELECT 1 FROM rejected LIMIT 1").fetchone()
        return None if rejected or count(done) != chunk.rows else done

    def write(self, chunk: Chunk, target: Path, only: Path | None = None) -> StagedFile:
        """Writes a chunk's usable rows as a Parquet file of the stream.

        Args:
            only: a Parquet file with a column `record`; rows that are not in it are left out.
        """
        layout = self.layout
        own = [f"f{index} AS {quoted(name)}" for index, name in layout.picks]
        system = system_columns(
            event_time="event_time", row="record", started=layout.started, run_id=layout.run_id, source=layout.source
        )
        rows = f"({self._rows(chunk)}) AS rows"
        if only:
            within = f"WHERE record BETWEEN {chunk.row} AND {chunk.last}"
            rows += f" SEMI JOIN (FROM read_parquet({literal(str(only))}) {within}) AS chosen USING (record)"
        select = f"SELECT {', '.join((*own, *system))} FROM {rows} WHERE event_time {WITHIN}"
        return staged(self._run(copied(select, target)), target, [name for _, name in layout.picks])

    def few(self, chunk: Chunk, only: Path, count: int) -> list[Record] | None:
        """The `count` records of a chunk that are in a Parquet file with a column `record`.

        Returns:
            None where they are not few, or a record has several lines: then all of the chunk is to be parsed again.
        """
        if count * _FEW > chunk.rows or chunk.numbered:
            return None
        wanted = self._database.execute(
            f"SELECT record FROM read_parquet({literal(str(only))})"
            f" WHERE record BETWEEN {chunk.row} AND {chunk.last} ORDER BY record"
        ).fetchall()
        newline = self.layout.newline.encode()
        found = []
        with chunk.path.open("rb", buffering=1 << 20) as lines:
            at = chunk.row
            for (row,) in wanted:
                raw = next(islice(lines, row - at, None)).removesuffix(newline)
                found.append(Record(row, 0, 0, raw, ""))
                at = row + 1
            at += sum(1 for _ in lines)
        return found if at == chunk.row + chunk.rows else None

    def gathered(self, found: Sequence[Record], path: Path) -> Chunk:
        """Records in a file of their own, with their numbers in front."""
        _write_numbered(path, found, self.layout.delimiter.encode())
        return Chunk(
            path, 0, found[0].row, 1, len(found), found[-1].row, _longest_numbered(found), clean=True, numbered=True
        )

    def _hash(self, chunk: Chunk, target: Path) -> int:
        """Writes the hashes of a chunk's usable rows; returns how many."""
        select = f"SELECT record, {hashed([f'f{index}' for index in self.hashed], plain=chunk.plain)}"
        (rows, *_) = self._run(
            f"COPY ({select} FROM ({self._rows(chunk)}) WHERE event_time {WITHIN})"
            f" TO {literal(str(target))} (FORMAT parquet, COMPRESSION uncompressed)"
        )
        return int(rows)

    @property
    def hashed(self) -> tuple[int, ...]:
        """The fields that make a row what it is, in the order of their names: columns may change places."""
        picks = [index for index, _ in sorted(self.layout.picks, key=lambda pick: pick[1])]
        time = self.layout.time_index
        return tuple(picks if time is None or time in picks else [*picks, time])

    def _run(self, sql: str) -> Any:
        for table in ("rejected", "rejected_scans"):
            self._database.execute(f"DROP TABLE IF EXISTS {table}")
        # The rejects are there once the last row has been fetched.
        return self._database.execute(sql).fetchall()[0]

    def _rows(self, chunk: Chunk) -> str:
        """SQL for a chunk's rows: record (its number), event_time, f0, f1…"""
        layout = self.layout
        fields = [f"f{index}" for index in range(layout.width)]
        if layout.time_index is None:
            moment = f"TIMESTAMPTZ {literal(layout.started.isoformat())}"
        elif chunk.numbered or layout.time_form is None:
            moment = any_time(f"f{layout.time_index}", layout.time_form)
        else:
            moment = usual_time(f"f{layout.time_index}", layout.time_form)
        number = "CAST(record AS BIGINT)" if chunk.numbered else f"{chunk.row} + row_number() OVER () - 1"
        return f"SELECT {number} AS record, {moment} AS event_time, {', '.join(fields)} FROM {self._csv(chunk)}"

    def _csv(self, chunk: Chunk) -> str:
        names = [*(["record"] if chunk.numbered else []), *(f"f{index}" for index in range(self.layout.width))]
        columns = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
        longest = max(chunk.longest + 64, 2 << 20)
        newline = "\\n" if chunk.numbered or self.layout.newline == "\n" else "\\r\\n"
        return (
            f"read_csv({literal(str(chunk.path))}, auto_detect = false, header = false, columns = {{{columns}}},"
            f" delim = {literal(self.layout.delimiter)}, quote = '\"', escape = '\"', new_line = '{newline}',"
            f" allow_quoted_nulls = false, max_line_size = {longest}, buffer_size = {2 * longest},"
            f" store_rejects = true, rejects_table = 'rejected', rejects_scan = 'rejected_scans', rejects_limit = 0)"
        )

    def clean(self, chunk: Chunk) -> tuple[Chunk, list[QuarantinedRow]]:
        """Writes a chunk anew, each record with its number in front, and without those that cannot be used."""
        grammar = Grammar(self.layout.delimiter, skip_blank=self.layout.width > 1)
        piece = Piece.whole(chunk.path.read_bytes(), offset=chunk.offset, row=chunk.row, line=chunk.line)
        return self.number(chunk, records(piece, grammar))

    def number(self, chunk: Chunk, found: Iterable[Record]) -> tuple[Chunk, list[QuarantinedRow]]:
        """Writes records with their numbers in front, and without those that cannot be used, beside a chunk."""
        good: list[Record] = []
        bad: dict[int, tuple[Record, str]] = {}
        for record in found:
            if record.problem:
                bad[record.row] = record, record.problem
            else:
                good.append(record)
        path = chunk.path.with_suffix(".clean")
        while True:
            starts = _write_numbered(path, good, self.layout.delimiter.encode())
            longest = _longest_numbered(good)
            cleaned = replace(chunk, path=path, rows=len(good), longest=longest, clean=True, numbered=True)
            unusable = self._unusable(cleaned, good, starts)
            if not unusable:
                break
            bad.update({good[index].row: (good[index], reason) for index, reason in unusable.items()})
            good = [record for index, record in enumerate(good) if index not in unusable]
        return cleaned, [
            QuarantinedRow(self.layout.source, record.line, record.offset, record.row, reason, record.raw)
            for _, (record, reason) in sorted(bad.items())
        ]

    def _unusable(self, chunk: Chunk, good: Sequence[Record], starts: Sequence[int]) -> dict[int, str]:
        """index of a record → why it cannot be used."""
        if not good:
            return {}
        time = self.layout.time_index
        shown = f"f{time}" if time is not None else "NULL"
        late = f"FILTER (NOT coalesce(event_time {WITHIN}, false))"
        # Counting each field that will be written makes the parser look at it, as writing it does.
        looked = ", ".join(f"count(f{index})" for index in self.hashed)
        try:
            numbers, values, *_ = self._run(
                f"SELECT list(record ORDER BY record) {late}, list({shown} ORDER BY record) {late}, {looked}"
                f" FROM ({self._rows(chunk)})"
            )
        except duckdb.InvalidInputException as error:
            return self._offender(chunk, good, str(error))
        place = {record.row: index for index, record in enumerate(good)}
        found = {place[row]: _no_time(value) for row, value in zip(numbers or (), values or (), strict=True)}
        for position, kind, message in self._database.execute(
            "SELECT line_byte_position, CAST(error_type AS VARCHAR), error_message FROM rejected"
        ).fetchall():
            index = bisect_right(starts, position - 1) - 1
            found[index] = self._reason(kind, message)
        return found

    def _offender(self, chunk: Chunk, good: Sequence[Record], error: str) -> dict[int, str]:
        """The first record at which the parser itself gives up, found by halving."""
        low, high = 0, len(good)
        path = chunk.path.with_suffix(".half")
        while high - low > 1:
            middle = (low + high) // 2
            _write_numbered(path, good[low:middle], self.layout.delimiter.encode())
            try:
                self._run(f"SELECT count(*) FROM {self._csv(replace(chunk, path=path))}")
                low = middle
            except duckdb.InvalidInputException:
                high = middle
        path.unlink(missing_ok=True)
        return {low: f"the parser gives up on it: {error.splitlines()[0]}"}

    def _reason(self, kind: str, message: str) -> str:
        if found := re.search(r"Found: (\d+)", message):
            # The record's number, which stands in front of it, is a field too.
            return f"has {int(found[1]) - 1} fields where the header has {self.layout.width}"
        return {"INVALID ENCODING": "holds bytes that are no text in the file's encoding"}.get(kind, kind.lower())

    def _add_up(self, chunk: Chunk, written: int) -> None:
        if chunk.rows != written:
            raise Fatal(
                f"the rows of {self.layout.source} do not add up: {chunk.rows:,} usable, {written:,} written",
                why=f"Rows from {chunk.row:,} on were read differently twice; nothing was imported",
                fix="Please report this with the file's first lines",
            )


def _write_numbered(path: Path, good: Sequence[Record], delimiter: bytes) -> list[int]:
    """Writes records with their numbers in front; returns where each begins."""
    starts, position = [], 0
    with path.open("wb") as file:
        for record in good:
            line = b"%d%s%s\n" % (record.row, delimiter, record.raw)
            file.write(line)
            starts.append(position)
            position += len(line)
    return starts


def _longest_numbered(found: Iterable[Record]) -> int:
    return max((len(record.raw) for record in found), default=0) + 24


def _no_time(value: str | None) -> str:
    return "its timestamp is empty" if value is None or not value.strip() else f"its timestamp is no time: {value[:60]}"
