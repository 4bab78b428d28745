"""Rows on their way into a stream: Parquet files that nobody sees yet, and the hashes by which rows are told apart."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from lytics_azure_tui.lytics.columns import EVENT_TIME, INGEST_TIME, ROW, RUN_ID, SOURCE
from lytics_azure_tui.lytics.duck import literal, quoted
from lytics_azure_tui.lytics.protocol import StagedFile

# Chosen by measuring: level 1 of zstd makes files as small as DuckDB's default of 3 does, version 2 of the format packs
# times and numbers by their differences, columns of many values are not worth a dictionary, and a quarter of the usual
# row group takes a quarter of the memory, which then is not given back and asked for again all the time. Together that
# is a third less work than the defaults are.
_PARQUET = (
    "FORMAT parquet, PARQUET_VERSION V2, COMPRESSION zstd, COMPRESSION_LEVEL 1,"
    " DICTIONARY_SIZE_LIMIT 1000, ROW_GROUP_SIZE 30720"
)


def system_columns(*, event_time: str, row: str, started: datetime, run_id: str, source: str) -> tuple[str, ...]:
    """SQL for the columns that every stream has, in their order.

    Args:
        event_time, row: SQL for the time of the event, and for its place in the source.
        started, run_id: of the run.
        source: container/blob, or schema.table.
    """
    return (
        f"{event_time} AS {EVENT_TIME}",
        f"TIMESTAMPTZ {literal(started.isoformat())} AS {INGEST_TIME}",
        f"{_constant(run_id)} AS {RUN_ID}",
        f"{_constant(source)} AS {SOURCE}",
        f"{row} AS {ROW}",
    )


def _constant(text: str) -> str:
    """SQL for a text that all rows have: as an ENUM it is written once, and in the file it is text like any other."""
    return f"{literal(text)}::ENUM({literal(text)})"


def copied(select: str, target: Path) -> str:
    """SQL that writes what a query gives as a file of a stream; its answer is for `staged`."""
    return f"COPY ({select}) TO {literal(str(target))} ({_PARQUET}, RETURN_STATS)"


def staged(answer: Sequence[Any], target: Path, columns: Sequence[str]) -> StagedFile:
    """What the commit has to know of a file that was just written; the file is on the disk after that.

    Args:
        answer: of the query by `copied`.
        columns: the stream's own ones.
    """
    _, count, size, _, stats, *_ = answer
    sync(target)
    times = stats.get(f'"{EVENT_TIME}"', {})
    nulls = {name: int(stats.get(quoted(name), {}).get("null_count", 0)) for name in columns}
    return StagedFile(target.name, count, size, _rfc3339(times.get("min")), _rfc3339(times.get("max")), nulls)


def write(
    connection: duckdb.DuckDBPyConnection, select: str, target: Path, columns: Sequence[str]
) -> StagedFile | None:
    """Writes what a query gives as a file of a stream; None, and no file, when it gives no rows."""
    found = staged(connection.execute(copied(select, target)).fetchall()[0], target, columns)
    if found.rows == 0:
        target.unlink()
        return None
    return found


def hashed(values: Sequence[str], *, plain: bool = False) -> str:
    """SQL for what tells a row from others: `high` and `low` of the 128 bits of MD5 over some expressions of text.

    MD5 tells rows apart for good, and means the same in every version of DuckDB. Unit separators stand between the
    values; one that holds a separator, or could be taken for a mark of ours, gives its length first.

    Args:
        plain: whether no value holds a character from 29 to 31, which saves looking; the hashes are the same.
    """
    careful = (
        "CASE WHEN {x} >= chr(29) AND {x} < chr(31) OR contains({x}, chr(31))"
        " THEN concat(chr(29), length({x}), ':', {x}) ELSE coalesce({x}, chr(30)) END"
    )
    marked = ", ".join((f"coalesce({value}, chr(30))" if plain else careful.format(x=value)) for value in values)
    number = f"md5_number(concat_ws(chr(31), {marked}))"
    return f"CAST({number} >> 64 AS UBIGINT) AS high, CAST({number} & 18446744073709551615 AS UBIGINT) AS low"


def sync(path: Path) -> None:
    """Has a file on the disk before anything that names it: a commit must not outlive what it shows."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _rfc3339(text: str | None) -> str | None:
    """DuckDB's text of a TIMESTAMPTZ in UTC as Delta's statistics want it."""
    return None if text is None else text.replace(" ", "T", 1).replace("+00", "Z")
