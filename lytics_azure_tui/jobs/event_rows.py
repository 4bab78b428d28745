"""Events of several streams as rows of one file: which they are, the columns of all, and the queries that give them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from lytics_azure_tui.errors import StartOver
from lytics_azure_tui.lytics.columns import EVENT_TIME, RUN_ID
from lytics_azure_tui.lytics.duck import UNION_BY_NAME, literal, path_literal, quoted, read_parquet
from lytics_azure_tui.lytics.protocol import EventFile, EventFiles

STREAM = "_stream"
PIECE = 32 << 20
"""Bytes of Parquet that are read at once; between two such pieces a run tells how far it is."""

# Text that a spreadsheet would calculate, but for plain numbers.
_FORMULA = "[=+@\\t\\r-][\\s\\S]*"
_NUMBER = "[+-]?[0-9]+([.,][0-9]+)*"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of a stream's files.

    Attributes:
        taken: runs whose rows do not count.
    """

    stream: str
    files: tuple[str, ...]
    taken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EventRows:
    """The rows of a file.

    Attributes:
        pieces: where they come from, in order.
        columns: those of all streams, in order; the file has two more in front.
        start, end: days; events from the first one's beginning to before the other's. None for no bound.
    """

    pieces: tuple[Piece, ...]
    columns: tuple[str, ...]
    start: str | None = None
    end: str | None = None

    @classmethod
    def of(cls, streams: Mapping[str, EventFiles], start: str | None, end: str | None) -> EventRows:
        """The rows of some streams' files, those left out that cannot hold any of these days."""
        pieces = [
            Piece(name, tuple(file.path for file in files), found.taken)
            for name, found in streams.items()
            for files in _grouped(file for file in found.files if _may_hold(file, start, end))
        ]
        return cls(tuple(pieces), united(found.columns for found in streams.values()), start, end)

    @property
    def header(self) -> tuple[str, ...]:
        """The names of all columns of the file. A stream's own that is called as one of ours gets a number."""
        return header((EVENT_TIME, STREAM), self.columns)

    def figures(self, connection: duckdb.DuckDBPyConnection) -> tuple[int, datetime | None, datetime | None]:
        """(how many there are, the first event's time, the last one's)."""
        rows, first, last = 0, None, None
        for piece in self.pieces:
            count, least, most = self._asked(
                connection, piece, f"SELECT count(*), min({EVENT_TIME}), max({EVENT_TIME}) {self._source(piece)}"
            )[0]
            rows += count
            first = min((one for one in (first, least) if one is not None), default=None)
            last = max((one for one in (last, most) if one is not None), default=None)
        return rows, first, last

    def queries(self, connection: duckdb.DuckDBPyConnection, *, defuse: bool = False) -> Iterator[str]:
        """One for each piece. Times are ISO 8601 in UTC, with microseconds; all else is text.

        Args:
            defuse: puts ' before what a spreadsheet would take for a formula, in names of columns too.
        """
        for piece in self.pieces:
            files = ", ".join(map(path_literal, piece.files))
            asked = self._asked(connection, piece, f"SELECT DISTINCT name FROM parquet_schema([{files}])")
            there = {str(name).casefold() for (name,) in asked}
            own = [quoted(name) if name.casefold() in there else "NULL::VARCHAR" for name in self.columns]
            values = [f"strftime({EVENT_TIME}, '%Y-%m-%dT%H:%M:%S.%fZ')", literal(piece.stream), *own]
            if defuse:
                values[2:] = [value if value.startswith("NULL") else defused(value) for value in own]
            names = [defused_name(name) if defuse else name for name in self.header]
            chosen = ", ".join(f"{value} AS {quoted(name)}" for value, name in zip(values, names, strict=True))
            yield f"SELECT {chosen} {self._source(piece)}"

    def sample(
        self, connection: duckdb.DuckDBPyConnection, limit: int, *, defuse: bool = False
    ) -> list[tuple[str | None, ...]]:
        """The first rows."""
        rows: list[tuple[str | None, ...]] = []
        for query in self.queries(connection, defuse=defuse):
            rows += connection.execute(f"{query} LIMIT {limit - len(rows)}").fetchall()
            if len(rows) >= limit:
                break
        return rows

    def require_files(self) -> None:
        """Raises `StartOver` when a file is not there any more."""
        if not all(Path(path).exists() for piece in self.pieces for path in piece.files):
            raise StartOver("Events could not be read", why="Files of their stream were written anew meanwhile")

    def to_data(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def of_data(cls, data: dict[str, Any]) -> EventRows:
        """From what `to_data` gave."""
        pieces = tuple(Piece(piece["stream"], tuple(piece["files"]), tuple(piece["taken"])) for piece in data["pieces"])
        return cls(pieces, tuple(data["columns"]), data["start"], data["end"])

    def _asked(self, connection: duckdb.DuckDBPyConnection, piece: Piece, query: str) -> list[tuple[Any, ...]]:
        try:
            return connection.execute(query).fetchall()
        except duckdb.IOException:
            self.require_files()
            raise

    def _source(self, piece: Piece) -> str:
        conditions = []
        if self.start is not None:
            conditions.append(f"{EVENT_TIME} >= TIMESTAMPTZ {literal(self.start + ' 00:00:00+00')}")
        if self.end is not None:
            conditions.append(f"{EVENT_TIME} < TIMESTAMPTZ {literal(self.end + ' 00:00:00+00')}")
        if piece.taken:
            conditions.append(f"{RUN_ID} NOT IN ({', '.join(literal(run) for run in piece.taken)})")
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"FROM {read_parquet(piece.files, UNION_BY_NAME)}{where}"


def united(columns: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """The columns of all streams, each where it first came; names that differ only in case are one."""
    found: dict[str, str] = {}
    for names in columns:
        for name in names:
            found.setdefault(name.casefold(), name)
    return tuple(found.values())


def header(ours: Sequence[str], own: Sequence[str]) -> tuple[str, ...]:
    """Names of columns, ours first; one of the others that is called as one of ours gets a number."""
    names = list(ours)
    folded = {name.casefold() for name in (*ours, *own)}
    for name in own:
        given, number = name, 2
        while name.casefold() in ours and given.casefold() in folded:
            given, number = f"{name}_{number}", number + 1
        names.append(given)
    return tuple(names)


def defused(text: str) -> str:
    """SQL that puts ' before what a spreadsheet would take for a formula.

    Args:
        text: SQL of VARCHAR.
    """
    formula = f"regexp_full_match({text}, {literal(_FORMULA)}) AND NOT regexp_full_match({text}, {literal(_NUMBER)})"
    return f"CASE WHEN {formula} THEN '''' || {text} ELSE {text} END"


def defused_name(name: str) -> str:
    """The same for the name of a column."""
    return f"'{name}" if name[0] in "=+-@\t\r" else name


def _grouped(files: Iterable[EventFile]) -> Iterator[list[EventFile]]:
    group: list[EventFile] = []
    for file in files:
        if group and sum(one.bytes for one in group) + file.bytes > PIECE:
            yield group
            group = []
        group.append(file)
    if group:
        yield group


def _may_hold(file: EventFile, start: str | None, end: str | None) -> bool:
    if start is not None and file.last is not None and file.last.date().isoformat() < start:
        return False
    return end is None or file.first is None or file.first.date().isoformat() < end
