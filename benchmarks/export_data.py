"""A stream of customers for the exports: the Parquet files that an import leaves, committed as one run."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
from import_data import COLUMNS, DAYS, customers, name_of

from lytics_azure_tui.lytics.stream_file import system_columns, write
from lytics_azure_tui.lytics.workspace.workspace import Workspace
from lytics_azure_tui.sandbox.cache import cache_folder, make_once

STREAM = "events"
_FILES = 24


def stream_of(rows: int) -> Path:
    """A workspace with that many events in one stream; made once, in the cache folder."""
    folder = customers(rows).days[0].parent
    return make_once(cache_folder() / "benchmarks" / f"stream-{folder.name}", lambda made: _make(made, folder, rows))


def _make(root: Path, customers_folder: Path, rows: int) -> None:
    workspace = Workspace(root)
    staging = workspace.staging(STREAM)
    staging.mkdir(parents=True)
    system = system_columns(
        event_time="updated_at::TIMESTAMPTZ",
        row="customer_id::BIGINT",
        started=datetime(2026, 3, 1, tzinfo=UTC),
        run_id="made",
        source="made/customers.csv",
    )
    chosen = ", ".join((*COLUMNS, *system))
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            f"CREATE TABLE c AS FROM read_csv('{customers_folder / name_of(DAYS[0])}', all_varchar = true)"
        )
        files = []
        for number in range(_FILES):
            first, last = rows * number // _FILES, rows * (number + 1) // _FILES
            query = f"SELECT {chosen} FROM c WHERE customer_id::BIGINT > {first} AND customer_id::BIGINT <= {last}"
            files.append(write(connection, query, staging / f"made-00000-{number:05}.parquet", COLUMNS))
    workspace.commit(STREAM, "made", COLUMNS, [file for file in files if file is not None])
