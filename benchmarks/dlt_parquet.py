"""What both of dlt's loads have alike; imported by the scripts that peers.py runs in an environment that has dlt."""

from __future__ import annotations

from typing import Any

import dlt  # type: ignore[import-not-found]

BATCH = 100_000
"""Rows at a time, far more than the default."""


def load(rows: Any, folder: str) -> None:
    """Writes a source's rows as Parquet into out/ below a folder."""
    pipeline = dlt.pipeline(
        "benchmark",
        destination=dlt.destinations.filesystem(bucket_url=f"file://{folder}/out"),
        dataset_name="benchmark",
        pipelines_dir=f"{folder}/pipelines",
    )
    pipeline.run(rows, loader_file_format="parquet", write_disposition="replace").raise_on_failed_jobs()
