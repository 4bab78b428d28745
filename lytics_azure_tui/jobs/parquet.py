"""Parquet as CSV, by DuckDB: every value as text that says the same, so that all behind it is the import of a CSV file.

Times with a zone are in UTC; lists, maps and structs are JSON; bytes are text where they are UTF-8, else 0x and hex.
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import duckdb

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.jobs.archives import Stored
from lytics_azure_tui.jobs.formats import PARQUET
from lytics_azure_tui.jobs.row_pipe import csv_options, written
from lytics_azure_tui.lytics.duck import database, path_literal, quoted, read_parquet

MARK = b"PAR1"
SAMPLE_ROWS = 200
_LARGEST_SAMPLE = 256 << 20
_MEMORY = 192 << 20
_NESTED = ("STRUCT", "MAP", "UNION", "VARIANT")


def as_csv(blob: Stored, block: int, scratch: Path | None) -> Generator[bytes, None, None]:
    """All rows of a file, in its order, with a header.

    Args:
        block: bytes of one request.
        scratch: where there is room for all of the file; else where the system keeps what is temporary.

    Raises:
        Fatal: it is damaged, or encrypted.
    """
    with tempfile.TemporaryDirectory(prefix=PARQUET, dir=scratch) as folder:
        path = Path(folder) / "file.parquet"
        with path.open("wb") as file:
            for data in blob.stream(block):
                file.write(data)
        yield from _rows(path, blob.name)


def sample(blob: Stored) -> Generator[bytes, None, None]:
    """The first rows of a file, with a header; of its bytes, the metadata and the first group of rows are read.

    Raises:
        Fatal: it is damaged, or encrypted.
    """
    length = int.from_bytes(blob.read(blob.size - 8, 4), "little") + 8 if blob.size >= 12 else blob.size + 1
    if length > blob.size:
        raise _damaged(blob.name, "Its metadata, which stand at the end, are not there")
    with tempfile.TemporaryDirectory(prefix=PARQUET) as folder:
        path = Path(folder) / "file.parquet"
        with path.open("wb") as file:
            # The rest is a hole, which takes no room on the disk and is not looked at.
            file.write(MARK)
            file.seek(blob.size - length)
            file.write(blob.read(blob.size - length, length))
            file.flush()
            rows, start, end = _first_group(path, blob.name)
            if 0 < end - start <= _LARGEST_SAMPLE and end <= blob.size:
                file.seek(start)
                file.write(blob.read(start, end - start))
            else:
                rows = 0
        yield from _rows(path, blob.name, min(rows, SAMPLE_ROWS))


def _first_group(path: Path, name: str) -> tuple[int, int, int]:
    """(rows, first byte, end) of the first group of rows."""
    with closing(database(memory=_MEMORY)) as connection:
        try:
            found = connection.execute(
                "SELECT max(row_group_num_rows), min(CASE WHEN dictionary_page_offset > 0 "
                "THEN least(dictionary_page_offset, data_page_offset) ELSE data_page_offset END), "
                "max(CASE WHEN dictionary_page_offset > 0 THEN least(dictionary_page_offset, data_page_offset) "
                "ELSE data_page_offset END + total_compressed_size) "
                f"FROM parquet_metadata({path_literal(path)}) WHERE row_group_id = 0"
            ).fetchone()
        except duckdb.Error as error:
            raise _damaged(name, str(error)) from error
    rows, start, end = found or (None, None, None)
    return int(rows or 0), int(start or 0), int(end or 0)


def _rows(path: Path, name: str, most: int | None = None) -> Generator[bytes, None, None]:
    with closing(database(memory=_MEMORY, spill=path.parent)) as connection:
        try:
            source = read_parquet([path])
            columns = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
            chosen = ", ".join(f"{_as_text(quoted(column), kind)} AS {quoted(column)}" for column, kind, *_ in columns)
            limit = "" if most is None else f" LIMIT {most}"
            with closing(
                written(connection, [(f"SELECT {chosen} FROM {source}{limit}", csv_options(header=True))])
            ) as text:
                yield from text
        except duckdb.Error as error:
            raise _damaged(name, str(error)) from error


def _as_text(column: str, kind: str) -> str:
    """SQL for a column's values as text."""
    if kind.endswith("]") or kind.startswith(_NESTED):
        return f"CASE WHEN {column} IS NULL THEN NULL ELSE CAST(to_json({column}) AS VARCHAR) END"
    if kind == "BLOB":
        return f"COALESCE(TRY(decode({column})), '0x' || hex({column}))"
    text = f"CAST({column} AS VARCHAR)"
    return f"replace({text}, '+00', 'Z')" if kind == "TIMESTAMP WITH TIME ZONE" else text


def _damaged(name: str, why: str) -> Fatal:
    if "encrypt" in why.lower():
        return Fatal(f"{name} is an encrypted Parquet file", fix="Have it written without encryption")
    return Fatal(
        f"{name} is a damaged Parquet file; nothing of it was imported", why=why.splitlines()[0], fix="Upload it again"
    )
