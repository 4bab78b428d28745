"""Rows that could not be used: kept with their place, the reason and their raw bytes, in Parquet files."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lytics_azure_tui.jobs.text_columns import arrow_table
from lytics_azure_tui.lytics.duck import FILE_ROW_NUMBER, database, literal, read_parquet

_MEMORY = 128 << 20
_LAYOUTS = "files.json"
_KEPT = "kept"
_COLUMNS = ("file", "line", "byte", "row", "reason", "raw", "encoding")
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM rows"
_ROWS, _BYTES = 100_000, 16 << 20
"""Rows, and bytes of them, that a `Writer` gathers."""


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """One row.

    Attributes:
        file: container/blob.
        line: physical line in it, from 1.
        byte: offset of its first byte in the file's text: decompressed, and in UTF-8.
        row: number of the record; the header is 0.
        reason: why it could not be used.
        raw: its bytes as they are in the source, without the newline.
        encoding: what they were read as.
    """

    file: str
    line: int
    byte: int
    row: int
    reason: str
    raw: bytes
    encoding: str = "utf-8"

    @property
    def text(self) -> str:
        """The raw bytes as text; bytes that are none show as the replacement character."""
        return self.raw.decode(self.encoding, "replace")


@dataclass(slots=True)
class QuarantinedRows:
    """Rows of one file, for work in bulk: lists of what is in a `QuarantinedRow`, all of one length."""

    file: str
    line: list[int] = field(default_factory=list)
    byte: list[int] = field(default_factory=list)
    row: list[int] = field(default_factory=list)
    reason: list[str] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    encoding: str = "utf-8"

    def __len__(self) -> int:
        return len(self.raw)

    def extend(self, others: QuarantinedRows) -> None:
        """Takes in more rows of the file."""
        for name in ("line", "byte", "row", "reason", "raw"):
            getattr(self, name).extend(getattr(others, name))


def folder_of(keep: Path, run_id: str) -> Path:
    """Where a run's rejected rows lie, in the folder that its job keeps."""
    return keep / "quarantine" / run_id


def keep(folder: Path) -> None:
    """Has a run's rejected rows stay when the run fails."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _KEPT).touch()


def discard(folder: Path) -> None:
    """Removes a failed run's rejected rows, if they are not to stay."""
    if not (folder / _KEPT).exists():
        shutil.rmtree(folder, ignore_errors=True)


def write(path: Path, rows: Sequence[QuarantinedRow] | QuarantinedRows) -> None:
    """Writes rows to a new file."""
    if isinstance(rows, QuarantinedRows):
        lists = {name: getattr(rows, name) for name in _COLUMNS if name not in ("file", "encoding")}
        of_all = {"file": rows.file, "encoding": rows.encoding}
    else:
        lists, of_all = {name: [getattr(row, name) for row in rows] for name in _COLUMNS}, {}
    select = ", ".join(f"{literal(of_all[name])} AS {name}" if name in of_all else name for name in _COLUMNS)
    with database(memory=_MEMORY) as connection, arrow_table(connection, "rows", lists):
        connection.execute(
            f"COPY (SELECT {select} FROM rows) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)"
        )


class Writer:
    """Writes rows of one file as they come into a few files, whose names begin alike.

    Args:
        folder, stem: of the files; the folder is made with the first.

    Attributes:
        rows: given so far.
    """

    def __init__(self, folder: Path, stem: str) -> None:
        self._folder, self._stem = folder, stem
        self._gathered: QuarantinedRows | None = None
        self._bytes = self._files = self.rows = 0

    def add(self, rows: QuarantinedRows) -> None:
        """Takes some rows, and keeps the lists."""
        self.rows += len(rows)
        self._bytes += sum(map(len, rows.raw))
        if self._gathered is None:
            self._gathered = rows
        else:
            self._gathered.extend(rows)
        if len(self._gathered) >= _ROWS or self._bytes >= _BYTES:
            self.flush()

    def flush(self) -> None:
        """Writes what is gathered."""
        if self._gathered:
            self._folder.mkdir(parents=True, exist_ok=True)
            write(self._folder / f"{self._stem}-{self._files:03}.parquet", self._gathered)
            self._files += 1
        self._gathered, self._bytes = None, 0


def page(files: Sequence[str], offset: int, limit: int) -> list[QuarantinedRow]:
    """Some of the rows, in the order of their files.

    Args:
        files: folders of quarantine files, as runs name them.
    """
    return [
        QuarantinedRow(*row) for row in _query(files, f"{_SELECT} ORDER BY file, row LIMIT {limit} OFFSET {offset}")
    ]


def reasons(files: Sequence[str]) -> list[tuple[str, int]]:
    """(reason, rows), the most frequent first; reasons that differ in a value only are one."""
    grouped = "regexp_replace(reason, ': .*', '')"
    rows = _query(files, f"SELECT {grouped} AS why, count(*) FROM rows GROUP BY why ORDER BY 2 DESC, 1")
    return [(why, count) for why, count in rows]


def count(files: Sequence[str]) -> int:
    """Rows in all."""
    found = _query(files, "SELECT count(*) FROM rows")
    return int(found[0][0]) if found else 0


def every(files: Sequence[str], *, source: str | None = None, size: int = 50_000) -> Iterator[list[QuarantinedRow]]:
    """All rows, some at a time, in the order of `page`.

    Args:
        source: container/blob, for the rows of one file only.
        size: rows at a time.
    """
    only = "" if source is None else f" AND file = {literal(source)}"
    last = ("", -1)
    while True:
        after = f"(file, row) > ({literal(last[0])}, {last[1]})"
        rows = _query(files, f"{_SELECT} WHERE {after}{only} ORDER BY file, row LIMIT {size}")
        if not rows:
            return
        found = [QuarantinedRow(*row) for row in rows]
        last = (found[-1].file, found[-1].row)
        yield found


def _paths(files: Sequence[str]) -> list[Path]:
    return sorted(path for folder in files for path in Path(folder).glob("*.parquet"))


def _query(files: Sequence[str], sql: str) -> list[tuple[Any, ...]]:
    """The answer to a query over the rows, which it calls `rows`; empty where there are no files."""
    paths = _paths(files)
    if not paths:
        return []
    table = read_parquet(paths)
    with database(memory=_MEMORY) as connection:
        return connection.execute(f"WITH rows AS (FROM {table}) {sql}").fetchall()


def remove(folder: Path, values: Sequence[str]) -> int:
    """Removes the rows that hold one of some values as a word of its own; returns how many.

    A file is replaced in one step, and goes when nothing is left in it.
    """
    removed = 0
    words = "|".join(map(re.escape, sorted(values)))
    word = re.compile(f"(?<![^\\W_])(?:{words})(?![^\\W_])", re.IGNORECASE)
    for path in _paths([str(folder)]):
        rows = read_parquet([path], FILE_ROW_NUMBER)
        with database(memory=_MEMORY) as connection:
            connection.execute(f"SELECT file_row_number, raw, encoding FROM {rows}")
            held, left = [], 0
            while some := connection.fetchmany(10_000):
                gone = [number for number, raw, encoding in some if _holds(raw, encoding, word)]
                held += gone
                left += len(some) - len(gone)
            if held and left:
                fresh = path.with_suffix(".new")
                connection.execute(
                    f"COPY (SELECT * EXCLUDE file_row_number FROM {rows} WHERE file_row_number NOT IN"
                    f" (SELECT unnest($1::BIGINT[]))) TO {literal(str(fresh))} (FORMAT parquet, COMPRESSION zstd)",
                    [held],
                )
                fresh.replace(path)
        if not left:
            path.unlink()
        removed += len(held)
    return removed


def _holds(raw: bytes, encoding: str, word: re.Pattern[str]) -> bool:
    """Whether a row holds a word, in its encoding or in that of most of what is not UTF-8."""
    texts = (raw.decode(code, "replace") for code in dict.fromkeys((encoding, "utf-8", "cp1252")))
    return any(word.search(text) for text in texts)


def remember(folder: Path, source: str, layout: Mapping[str, Any]) -> None:
    """Keeps beside the rows of a file how it was read: a replay needs its header."""
    path = folder / _LAYOUTS
    known = layouts(folder)
    if known.get(source) != layout:
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps({**known, source: layout}))
        fresh.replace(path)


def layouts(folder: Path) -> dict[str, dict[str, Any]]:
    """container/blob → how it was read, of each file whose rows lie in a folder."""
    path = folder / _LAYOUTS
    return dict(json.loads(path.read_text())) if path.exists() else {}
