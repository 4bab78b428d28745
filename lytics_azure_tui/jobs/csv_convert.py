"""Turns chunks of whole CSV records into Parquet: DuckDB parses, and every record is accounted for.

A chunk is taken as it lies in the file first. Where its rows do not add up to the records that were counted, or DuckDB
rejects something, it is cleaned: each record gets its number in front, what cannot be parsed goes to quarantine with
its place and its raw text, and the rest is read again. Only such chunks pay for that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.jobs.csv_batch import Shape
from lytics_azure_tui.jobs.csv_clean import Cleaner, Reject, numbered
from lytics_azure_tui.jobs.csv_records import Record
from lytics_azure_tui.lytics.date_order import TELLING
from lytics_azure_tui.lytics.duck import database, literal, path_literal, quoted, read_parquet
from lytics_azure_tui.lytics.event_time import WITHIN, any_time, usual_time
from lytics_azure_tui.lytics.protocol import StagedFile
from lytics_azure_tui.lytics.stream_file import copied, hashed, staged, system_columns
from lytics_azure_tui.lytics.time_grammar import DateOrder

T = TypeVar("T")

# Cleaning holds a whole chunk in memory: one at a time.
_cleaning = threading.Lock()

# Of a chunk from which no more than one row in so many is wanted, only those are parsed again.
_FEW = 8


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file's records become a stream's rows.

    Attributes:
        shape: of the records.
        picks: (index of the field, name of the stream's column) of each field that is imported.
        time_index: the field that holds the event time; None gives every row the time of the import.
        time_form: its usual form, from `event_time.usual_form`.
        newline: of the file, as it comes from `csv_source`: "\\n" or "\\r\\n".
        source: container/blob.
        run_id, started: of the run.
        time_order: of the numbers of a date; None is by the rules of `event_time`.
    """

    shape: Shape
    picks: tuple[tuple[int, str], ...]
    time_index: int | None
    time_form: str | None
    newline: str
    source: str
    run_id: str
    started: datetime
    refused: str = ""
    time_order: DateOrder | None = None


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

    def import_chunk(self, chunk: Chunk, target: Path, reject: Reject) -> StagedFile | None:
        """Writes a chunk's rows as Parquet.

        Args:
            reject: takes the rows that cannot be used.

        Returns:
            The file; None when no row of the chunk can be used.
        """
        staged = self._attempt(chunk, lambda: self.write(chunk, target), lambda file: file.rows)
        if staged is not None:
            return staged
        with _cleaning:
            return self.write_all(self.clean(chunk, reject), target)

    def write_all(self, chunk: Chunk, target: Path) -> StagedFile | None:
        """Writes every row of a chunk whose rows are known to be usable, and removes it; None when it has none."""
        staged = self.write(chunk, target) if chunk.rows else None
        if staged is not None:
            self._add_up(chunk, staged.rows)
        chunk.path.unlink()
        return staged

    def hash_chunk(self, chunk: Chunk, target: Path, reject: Reject) -> Chunk:
        """Writes (record, hash) of each of a chunk's rows as Parquet.

        Args:
            reject: takes the rows that cannot be used.

        Returns:
            The chunk from which the rows can be read again by `write`.
        """
        if self._attempt(chunk, lambda: self._hash(chunk, target), int) is not None:
            return chunk
        with _cleaning:
            cleaned = self.clean(chunk, reject)
            self._add_up(cleaned, self._hash(cleaned, target))
        chunk.path.unlink()
        return cleaned

    def clean(self, chunk: Chunk, reject: Reject) -> Chunk:
        """A chunk's usable records in a file of their own, with their numbers in front."""
        return Cleaner(self, chunk, reject).chunk()

    def _attempt(self, chunk: Chunk, act: Callable[[], T], count: Callable[[T], int]) -> T | None:
        """What an act on the chunk as it lies gives, or None where the chunk needs cleaning."""
        if not chunk.clean or self.layout.refused:
            return None
        try:
            done = act()
        except duckdb.InvalidInputException:
            # What the parser says of the data; a full disk or want of memory is another kind of error, and goes on up.
            return None
        return done if count(done) == chunk.rows else None

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
        rows = f"({self.rows(chunk)}) AS rows"
        if only:
            within = f"WHERE record BETWEEN {chunk.row} AND {chunk.last}"
            rows += f" SEMI JOIN (FROM {read_parquet([only])} {within}) AS chosen USING (record)"
        select = f"SELECT {', '.join((*own, *system))} FROM {rows} WHERE {self._usable(chunk)}"
        return staged(self.run(copied(select, target)), target, [name for _, name in layout.picks])

    def few(self, chunk: Chunk, only: Path, count: int) -> list[Record] | None:
        """The `count` records of a chunk that are in a Parquet file with a column `record`.

        Returns:
            None where they are not few, or a record has several lines: then all of the chunk is to be parsed again.
        """
        if count * _FEW > chunk.rows or chunk.numbered:
            return None
        wanted = self._database.execute(
            f"SELECT record FROM {read_parquet([only])}"
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
        rows = [record.row for record in found]
        lines = numbered(rows, [record.raw for record in found], self.layout.shape.delimiter)
        with path.open("wb") as file:
            file.writelines(lines)
        longest = max(map(len, lines))
        return Chunk(path, 0, rows[0], 1, len(rows), rows[-1], longest, clean=True, numbered=True)

    def _hash(self, chunk: Chunk, target: Path) -> int:
        """Writes the hashes of a chunk's usable rows; returns how many."""
        select = f"SELECT record, {hashed([f'f{index}' for index in self.hashed], plain=chunk.plain)}"
        (rows, *_) = self.run(
            f"COPY ({select} FROM ({self.rows(chunk)}) WHERE {self._usable(chunk)})"
            f" TO {literal(str(target))} (FORMAT parquet, COMPRESSION uncompressed)"
        )
        return int(rows)

    @property
    def hashed(self) -> tuple[int, ...]:
        """The fields that make a row what it is, in the order of their names: columns may change places."""
        picks = [index for index, _ in sorted(self.layout.picks, key=lambda pick: pick[1])]
        time = self.layout.time_index
        return tuple(picks if time is None or time in picks else [*picks, time])

    def run(self, sql: str) -> Any:
        """The first row of a query's answer."""
        for table in ("rejected", "rejected_scans"):
            self._database.execute(f"DROP TABLE IF EXISTS {table}")
        # The rejects are there once the last row has been fetched.
        return self._database.execute(sql).fetchall()[0]

    def rejected(self) -> list[tuple[int, str, str]]:
        """(position of its first byte, from 1; kind of error; words) of each record that the last query rejected."""
        return self._database.execute(
            "SELECT line_byte_position, CAST(error_type AS VARCHAR), error_message FROM rejected"
        ).fetchall()

    def rows(self, chunk: Chunk, *, rejects: bool = False) -> str:
        """SQL for a chunk's rows: record (its number), event_time, f0, f1…

        Args:
            rejects: a record that cannot be parsed is kept for `rejected`; without it, the query fails.
        """
        layout = self.layout
        fields = [f"f{index}" for index in range(layout.shape.width)]
        if layout.time_index is None:
            moment = f"TIMESTAMPTZ {literal(layout.started.isoformat())}"
        elif chunk.numbered or layout.time_form is None:
            moment = any_time(f"f{layout.time_index}", layout.time_form, layout.time_order)
        else:
            moment = usual_time(f"f{layout.time_index}", layout.time_form)
        number = "CAST(record AS BIGINT)" if chunk.numbered else f"{chunk.row} + row_number() OVER () - 1"
        return f"SELECT {number} AS record, {moment} AS event_time, {', '.join(fields)} FROM {self.csv(chunk, rejects)}"

    def telling(self, chunk: Chunk) -> list[str]:
        """Times of a chunk that may prove an order of their dates' numbers; at most 100."""
        column = f"f{self.layout.time_index}"
        (found,) = self.run(
            f"SELECT list({column}) FROM (SELECT {column} FROM {self.csv(chunk, rejects=True)}"
            f" WHERE {TELLING.format(x=column)} LIMIT 100)"
        )
        return [str(text) for text in found or ()]

    def _usable(self, chunk: Chunk) -> str:
        """SQL that is true of rows that can be used; where a chunk has others, too, it needs cleaning."""
        shape = self.layout.shape
        nameless = [] if chunk.numbered else range(shape.named, shape.width)
        return " AND ".join([f"event_time {WITHIN}", *(f"coalesce(f{index}, '') = ''" for index in nameless)])

    def csv(self, chunk: Chunk, rejects: bool = False) -> str:
        """SQL that reads a chunk's records; `rejects` as in `rows`."""
        shape = self.layout.shape
        names = [*(["record"] if chunk.numbered else []), *(f"f{index}" for index in range(shape.width))]
        columns = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
        longest = max(chunk.longest + 64, 2 << 20)
        newline = "\\n" if chunk.numbered or self.layout.newline == "\n" else "\\r\\n"
        kept = ", store_rejects = true, rejects_table = 'rejected', rejects_scan = 'rejected_scans', rejects_limit = 0"
        return (
            f"read_csv({path_literal(chunk.path)}, hive_partitioning = false, auto_detect = false, header = false,"
            f" columns = {{{columns}}},"
            f" delim = {literal(shape.delimiter)}, quote = '\"', escape = '\"', new_line = '{newline}',"
            f" allow_quoted_nulls = false, max_line_size = {longest}, buffer_size = {2 * longest}{kept * rejects})"
        )

    def _add_up(self, chunk: Chunk, written: int) -> None:
        if chunk.rows != written:
            raise Fatal(
                f"the rows of {self.layout.source} do not add up: {chunk.rows:,} usable, {written:,} written",
                why=f"Rows from {chunk.row:,} on were read differently twice; nothing was imported",
                fix="Please report this with the file's first lines",
            )
