"""Rows that could not be used: kept with their place, the reason and their raw bytes, in Parquet files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lytics_azure_tui.jobs.text_columns import arrow_table
from lytics_azure_tui.lytics.duck import database, literal

_MEMORY = 128 << 20
_LAYOUTS = "files.json"
_SELECT = "SELECT file, line, byte, row, reason, raw FROM rows"
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
        raw: its bytes, without the newline.
    """

    file: str
    line: int
    byte: int
    row: int
    reason: str
    raw: bytes

    @property
    def text(self) -> str:
        """The raw bytes as text; bytes that are none show as the replacement character."""
        return self.raw.decode("utf-8", "replace")


@dataclass(slots=True)
class QuarantinedRows:
    """Rows of one file, for work in bulk: lists of what is in a `QuarantinedRow`, all of one length."""

    file: str
    line: list[int] = field(default_factory=list)
    byte: list[int] = field(default_factory=list)
    row: list[int] = field(default_factory=list)
    reason: list[str] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.raw)

    @property
    def columns(self) -> dict[str, list[Any]]:
        """The lists by their names."""
        return {"line": self.line, "byte": self.byte, "row": self.row, "reason": self.reason, "raw": self.raw}


def folder_of(keep: Path, run_id: str) -> Path:
    """Where a run's rejected rows lie, in the folder that its job keeps."""
    return keep / "quarantine" / run_id


def write(path: Path, rows: Sequence[QuarantinedRow] | QuarantinedRows) -> None:
    """Writes rows to a new file."""
    if isinstance(rows, QuarantinedRows):
        columns, file = rows.columns, f"{literal(rows.file)} AS file"
    else:
        columns, file = {name: [getattr(row, name) for row in rows] for name in QuarantinedRow.__slots__}, "file"
    with database(memory=_MEMORY) as connection, arrow_table(connection, "rows", columns):
        connection.execute(
            f"COPY (SELECT {file}, line, byte, row, reason, raw FROM rows)"
            f" TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)"
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
            for name, values in self._gathered.columns.items():
                values.extend(rows.columns[name])
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
    table = f"read_parquet([{', '.join(literal(str(path)) for path in paths)}])"
    with database(memory=_MEMORY) as connection:
        return connection.execute(f"WITH rows AS (FROM {table}) {sql}").fetchall()


def remove(folder: Path, values: Sequence[str]) -> int:
    """Removes the rows that hold one of some values as a word of its own; returns how many.

    A file is replaced in one step, and goes when nothing is left in it.
    """
    removed = 0
    # Of bytes that are no UTF-8, those beyond ASCII are written as \\xE4.
    forms = {form for value in values for form in (value, "".join(map(_ascii, value.encode())))}
    words = "|".join(re.escape(form) for form in sorted(forms))
    text = "coalesce(try(decode(raw)), CAST(raw AS VARCHAR))"
    edge = r"[^\pL\pN]"
    held = f"regexp_matches({text}, {literal(f'(?i)(^|{edge})({words})($|{edge})')})"
    for path in _paths([str(folder)]):
        fresh = path.with_suffix(".new")
        with database(memory=_MEMORY) as connection:
            connection.execute(
                f"COPY (FROM read_parquet({literal(str(path))}) WHERE NOT {held})"
                f" TO {literal(str(fresh))} (FORMAT parquet, COMPRESSION zstd)"
            )
            (before,), (left,) = (
                connection.execute(f"SELECT count(*) FROM read_parquet({literal(str(name))})").fetchall()[0]
                for name in (path, fresh)
            )
        if left == before:
            fresh.unlink()
            continue
        removed += before - left
        fresh.replace(path)
        if not left:
            path.unlink()
    return removed


def _ascii(byte: int) -> str:
    return chr(byte) if byte < 128 else f"\\x{byte:02X}"


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
