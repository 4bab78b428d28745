"""DuckDB as all of the code uses it: bounded in memory, in UTC, and never reaching for the network."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import duckdb

_PATTERN = re.compile(r"[*?\[{]")


def database(*, memory: int, threads: int = 1, spill: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A database in memory.

    Args:
        memory: bytes that its buffers may use.
        threads: processor threads.
        spill: a folder for what does not fit; without one, too large a query fails.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": threads,
        "memory_limit": f"{memory}B",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        # Files are read once, and a chunk's file is written over by the next chunk.
        "enable_external_file_cache": False,
        # Files of this machine are read as fast without them.
        "async_threads": 0,
        "temp_directory": str(spill) if spill else "",
    }
    connection = duckdb.connect(config=config)
    connection.execute("SET TimeZone = 'UTC'")
    # In a process of a pool, DuckDB takes itself to be in a notebook, and would draw on the output.
    connection.execute("SET enable_progress_bar = false")
    return connection


def lacks_memory(error: BaseException) -> bool:
    """Whether a query failed for want of the memory that its database was given."""
    return isinstance(error, duckdb.OutOfMemoryException)


def quoted(name: str) -> str:
    """A name as SQL's delimited identifier."""
    return '"' + name.replace('"', '""') + '"'


def path_literal(path: str | Path) -> str:
    """A path as DuckDB's readers take it, which look for patterns in all paths: these characters mean themselves."""
    return literal(_PATTERN.sub(r"[\g<0>]", str(path)))


def read_parquet(paths: Iterable[str | Path], *options: str) -> str:
    """SQL of the rows of some files. No part of a path is taken for a column of Hive's.

    Args:
        options: such as `UNION_BY_NAME`.
    """
    names = ", ".join(map(path_literal, paths))
    return f"read_parquet({', '.join((f'[{names}]', 'hive_partitioning = false', *options))})"


UNION_BY_NAME = "union_by_name = true"
FILE_ROW_NUMBER = "file_row_number = true"


def literal(text: str) -> str:
    """Text as SQL's character literal."""
    return "'" + text.replace("'", "''") + "'"
