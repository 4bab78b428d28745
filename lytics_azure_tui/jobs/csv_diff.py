"""Compares the rows of a file with those of the file before, by their hashes, out of core."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from lytics_azure_tui.lytics.duck import database, literal, path_literal, read_parquet


def changed_rows(
    new: Sequence[Path],
    before: Path,
    target: Path,
    ranges: Sequence[tuple[int, int]],
    *,
    memory: int,
    threads: int,
    spill: Path,
) -> list[int]:
    """Writes the numbers of the rows that the file before did not have, as Parquet with one column `record`.

    Args:
        new: hash files: record, high, low.
        before: the folder of the file before.
        target: what is written, in order of the rows.
        ranges: (first, last) row of each chunk.
        memory: bytes for the join; more goes to `spill`.

    Returns:
        For each range, how many of its rows are new or changed.
    """
    with database(memory=memory, threads=threads, spill=spill) as connection:
        missing = _missing(connection, new, _files(before))
        connection.execute(
            f"COPY (SELECT record FROM {missing} ORDER BY record)"
            f" TO {literal(str(target))} (FORMAT parquet, ROW_GROUP_SIZE 122880)"
        )
        changed = read_parquet([target])
        counts = connection.execute(
            f"SELECT span.at, count(c.record) FROM (SELECT unnest($1::BIGINT[]) AS first, unnest($2::BIGINT[]) AS last,"
            f" unnest(range(len($1))) AS at) AS span LEFT JOIN {changed} AS c"
            " ON c.record BETWEEN span.first AND span.last GROUP BY span.at ORDER BY span.at",
            [[first for first, _ in ranges], [last for _, last in ranges]],
        ).fetchall()
    return [count for _, count in counts]


def gone(before: Path, new: Path, *, memory: int, threads: int, spill: Path) -> int:
    """How many rows of the file before the new file has no longer."""
    with database(memory=memory, threads=threads, spill=spill) as connection:
        missing = _missing(connection, _files(before), _files(new))
        found = connection.execute(f"SELECT count(*) FROM {missing}").fetchone()
    return int(found[0]) if found else 0


def _missing(connection: duckdb.DuckDBPyConnection, rows: Sequence[Path], others: Sequence[Path]) -> str:
    """SQL for the rows of some hash files that others do not have.

    Most rows stand about where they stood the day before. Each file is compared first with the same stretch of the
    others, in a join that is small whatever the files are; what is left, with all of them.
    """
    connection.execute("CREATE TEMP TABLE strange (record BIGINT, high UBIGINT, low UBIGINT)")
    there = _spans(connection, others)
    for path, (first, last) in _spans(connection, rows).items():
        near = [other for other, span in there.items() if span[0] <= last and first <= span[1]]
        connection.execute(
            f"INSERT INTO strange FROM {_read([path])} ANTI JOIN"
            f" (FROM {_read(near)} WHERE record BETWEEN {first} AND {last}) AS near USING (high, low)"
        )
    return f"(FROM strange ANTI JOIN {_read(others)} AS others USING (high, low))"


def _spans(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> dict[Path, tuple[int, int]]:
    """(first, last) row of each hash file that has any."""
    if not files:
        return {}
    names = ", ".join(map(path_literal, files))
    found = connection.execute(
        "SELECT file_name, min(stats_min_value::BIGINT), max(stats_max_value::BIGINT)"
        f" FROM parquet_metadata([{names}]::VARCHAR[]) WHERE path_in_schema = 'record' GROUP BY file_name ORDER BY ALL"
    )
    return {Path(name): (first, last) for name, first, last in found.fetchall()}


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.parquet"))


def _read(files: Sequence[Path]) -> str:
    """SQL for the rows of hash files, of which there are none for a file without rows."""
    if not files:
        return "(SELECT 0 AS record, 0 AS high, 0 AS low WHERE false)"
    return read_parquet(files)
