"""The work that nobody gets around: DuckDB's COPY of a stream to a local file, and the SDK's upload of that file.

Run as a process of its own by export_blob.py, with the connection string on standard input. It prints the seconds of
both steps as JSON; starting Python and importing the libraries is not in them. The file stays, for gzip and gpg.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
from azure.storage.blob import BlobClient

EVENTS = "_event_time, * EXCLUDE (_event_time, _ingest_time, _run_id, _source, _row)"


def main() -> None:
    """Copies, or not, and uploads, once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("container")
    parser.add_argument("file", type=Path)
    parser.add_argument("--files", type=Path, help="copy these Parquet files, one a line, into the file")
    parser.add_argument("--columns", default=EVENTS, help="what of them, as SQL")
    parser.add_argument("--block", type=int, help="megabytes of a block; without, the SDK's own choice")
    options = parser.parse_args()
    secret = sys.stdin.read()
    took: dict[str, Any] = {}
    if options.files:
        files = options.files.read_text().splitlines()
        with duckdb.connect() as connection:
            connection.execute("SET enable_progress_bar = false")
            connection.execute("SET TimeZone = 'UTC'")
            statement = f"COPY (SELECT {options.columns} FROM read_parquet({files})) TO '{options.file}' (FORMAT csv)"
            took["copy"] = _timed(lambda: connection.execute(statement))
    sizes: dict[str, Any] = {}
    if options.block:
        sizes = {"max_single_put_size": options.block << 20, "max_block_size": options.block << 20}
    with BlobClient.from_connection_string(secret, options.container, options.file.name, **sizes) as client:

        def upload() -> None:
            with options.file.open("rb") as file:
                client.upload_blob(file, overwrite=True, max_concurrency=4)

        took["upload"] = _timed(upload)
    json.dump(took, sys.stdout)


def _timed(act: Callable[[], object]) -> dict[str, float]:
    wall, processors = time.perf_counter(), time.process_time()
    act()
    return {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - processors}


if __name__ == "__main__":
    main()
