"""dlt's load of one CSV blob into local Parquet; run by peers.py in an environment that has dlt.

Of the readers that dlt has for CSV this takes DuckDB's, with Arrow all the way (no Python objects for values), in
batches far larger than the default: the fastest of what dlt describes.
"""

from __future__ import annotations

import os
import sys

from adlfs import AzureBlobFileSystem  # type: ignore[import-not-found]
from dlt.sources.filesystem import filesystem, read_csv_duckdb  # type: ignore[import-not-found]
from dlt_parquet import BATCH, load


def main(container: str, blob: str, folder: str) -> None:
    """Loads it."""
    account = AzureBlobFileSystem(connection_string=os.environ["AZURE"])
    files = filesystem(bucket_url=f"az://{container}", credentials=account, file_glob=blob)
    rows = (files | read_csv_duckdb(chunk_size=BATCH, use_pyarrow=True)).with_name("customers")
    load(rows, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
