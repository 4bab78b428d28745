"""The work that nobody gets around: the SDK's download of a blob to disk, and DuckDB's conversion of that file.

Run as a process of its own by import_csv.py, with the connection string on standard input. It prints the seconds of
both steps as JSON; starting Python and importing the libraries is not in them.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
from azure.storage.blob import BlobClient

AT_ONCE = 4
PIECE = 16 << 20


def main() -> None:
    """Downloads and converts once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("container")
    parser.add_argument("blob")
    parser.add_argument("folder", type=Path, help="takes the two files")
    parser.add_argument("--side-by-side", action="store_true", help="download ranges side by side")
    parser.add_argument("--text", action="store_true", help="leave all columns text, as a stream has them")
    options = parser.parse_args()
    local, parquet = options.folder / "blob.csv", options.folder / "blob.parquet"
    # Every keyword that differs from the SDK's own choice.
    sizes: dict[str, Any] = {"max_single_get_size": PIECE, "max_chunk_get_size": PIECE} if options.side_by_side else {}
    many: dict[str, Any] = {"max_concurrency": AT_ONCE} if options.side_by_side else {}
    secret = sys.stdin.read()
    with BlobClient.from_connection_string(secret, options.container, options.blob, **sizes) as client:

        def download() -> None:
            with local.open("wb") as file:
                client.download_blob(**many).readinto(file)

        downloaded = _timed(download)
    how = ", all_varchar = true" if options.text else ""
    with duckdb.connect() as connection:
        # The output is for the figures alone.
        connection.execute("SET enable_progress_bar = false")
        statement = f"COPY (FROM read_csv('{local}'{how})) TO '{parquet}' (FORMAT parquet, COMPRESSION zstd)"
        converted = _timed(lambda: connection.execute(statement))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    json.dump({"download": downloaded, "convert": converted, "peak": peak}, sys.stdout)


def _timed(act: Callable[[], object]) -> dict[str, float]:
    wall, processors = time.perf_counter(), time.process_time()
    act()
    return {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - processors}


if __name__ == "__main__":
    main()
