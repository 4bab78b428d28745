"""dlt's load of one table into local Parquet; run by peers.py in an environment that has dlt.

The server's coordinates come as JSON on standard input. Arrow all the way, in batches far larger than the default.
"""

from __future__ import annotations

import json
import sys

from dlt.sources.sql_database import sql_table  # type: ignore[import-not-found]
from dlt_parquet import BATCH, load
from sqlalchemy import create_engine  # type: ignore[import-not-found]
from sqlalchemy.engine import URL  # type: ignore[import-not-found]


def main() -> None:
    """Loads it."""
    given = json.load(sys.stdin)
    url = URL.create("mssql+pymssql", given["user"], given["password"], given["host"], given["port"], given["database"])
    schema, _, table = given["table"].partition(".")
    engine = create_engine(url, connect_args={"encryption": "require"})
    rows = sql_table(engine, schema=schema, table=table, backend="pyarrow", chunk_size=BATCH)
    load(rows, given["folder"])


if __name__ == "__main__":
    main()
