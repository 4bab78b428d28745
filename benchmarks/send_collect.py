"""One way to send events to the stand-in for Lytics, as a process of its own: collect.py runs it.

On standard input it gets the way, both addresses, the token, a Parquet file of events and its rows as JSON; it prints
seconds, processor seconds and the peak of its memory. Starting Python and importing are not in the seconds.
"""

from __future__ import annotations

import gzip
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import httpx

from lytics_azure_tui.lytics.cloud.api import Account, Api
from lytics_azure_tui.lytics.cloud.collect import ROWS, Collect
from lytics_azure_tui.lytics.protocol import StagedFile
from lytics_azure_tui.model.secret import Secret

PATH = "/collect/bulk/bench"


def ours(given: dict[str, Any]) -> float:
    """What imports do: rows of the staged file as lines of JSON, batches with a journal, answers read."""
    file = Path(given["file"])
    api = Api(Account(given["url"], given["bulk_url"], lambda: Secret(given["token"])))
    collect = Collect(api, "bench", file.parent)
    staged = StagedFile(file.name, given["rows"], file.stat().st_size, None, None, {})
    with tempfile.TemporaryDirectory() as scratch:
        began = time.perf_counter()
        batches = collect.send(collect.records([staged]), Path(scratch, "journal"), lambda: None)
        taken = sum(batch.rows - len(batch.left_out) for batch in batches)
        seconds = time.perf_counter() - began
    if taken != given["rows"]:
        sys.exit(f"{taken} of {given['rows']} rows were taken")
    return seconds


def bare(given: dict[str, Any]) -> float:
    """httpx alone, with bodies that are gzipped already: what the network and Lytics take."""
    headers = {"Authorization": given["token"], "Content-Type": "application/json", "Content-Encoding": "gzip"}
    bodies = list(_bodies(Path(given["file"])))
    with httpx.Client(base_url=given["bulk_url"], headers=headers, timeout=120) as client:
        began = time.perf_counter()
        for body in bodies:
            answer = client.post(PATH, content=body, params={"timestamp_field": "_event_time", "droperrors": "true"})
            answer.raise_for_status()
        return time.perf_counter() - began


def _bodies(file: Path) -> Iterator[bytes]:
    """The same batches, made before the clock starts."""
    collect = Collect(Api(Account("", "", lambda: Secret(""))), "bench", file.parent)
    records = collect.records([StagedFile(file.name, 0, 0, None, None, {})])
    while batch := list(islice(records, ROWS)):
        lines = "".join(f"{record.text}\n" for record in batch).encode()
        yield gzip.compress(lines, 1, mtime=0)


def main() -> None:
    """Sends once."""
    given = json.load(sys.stdin)
    before = time.process_time()
    seconds = {"ours": ours, "bare": bare}[given["way"]](given)
    cpu = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    json.dump({"seconds": seconds, "cpu": cpu, "peak": peak}, sys.stdout)


if __name__ == "__main__":
    main()
