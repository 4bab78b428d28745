"""Compares the rows of a file with those of the file before, by their hashes, out of core."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lytics_azure_tui.lytics.duck import database, literal


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
        connection.execute(
            f"COPY (SELECT record FROM {_read(new)} AS new ANTI JOIN {_read(_files(before))} AS old USING (high, low)"
            " ORDER BY record)"
            f" TO {literal(str(target))} (FORMAT parquet, ROW_GROUP_SIZE 122880)"
        )
        changed = f"read_parquet({literal(str(target))})"
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
        found = connection.execute(
            f"SELECT count(*) FROM {_read(_files(before))} AS old"
            f" ANTI JOIN {_read(_files(new))} AS new USING (high, low)"
        ).fetchone()
    return int(found[0]) if found else 0


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.parquet"))


def _read(files: Sequence[Path]) -> str:
    """SQL for the rows of hash files, of which there are none for a file without rows."""
    if not files:
        return "(SELECT 0 AS record, 0 AS high, 0 AS low WHERE false)"
    return f"read_parquet([{', '.join(literal(str(path)) for path in files)}])"
