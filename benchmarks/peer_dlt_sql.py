"""dlt's load of one table into local Parquet; run by peers.py in an environment that has dlt.

The server's coordinates come as JSON on standard input. Arrow all the way, in batches far larger than the default.
"""

from __future__ import annotations

import json
import sys

import dlt  # type: ignore[import-not-found]
from dlt.sources.sql_database import sql_table  # type: ignore[import-not-found]
from sqlalchemy import create_engine  # type: ignore[import-not-found]
from sqlalchemy.engine import URL  # type: ignore[import-not-found]

BATCH = 100_000


def main() -> None:
    """Loads it."""
    given = json.load(sys.stdin)
    url = URL.create("mssql+pymssql", given["user"], given["password"], given["host"], given["port"], given["database"])
    schema, _, table = given["table"].partition(".")
    engine = create_engine(url, connect_args={"encryption": "require"})
    rows = sql_table(engine, schema=schema, table=table, backend="pyarrow", chunk_size=BATCH)
    pipeline = dlt.pipeline(
        "benchmark",
        destination=dlt.destinations.filesystem(bucket_url=f"file://{given['folder']}/out"),
        dataset_name="benchmark",
        pipelines_dir=f"{given['folder']}/pipelines",
    )
    pipeline.run(rows, loader_file_format="parquet", write_disposition="replace").raise_on_failed_jobs()


if __name__ == "__main__":
    main()
