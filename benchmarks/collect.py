"""How fast events are sent to a Lytics account, and in how much memory, beside httpx alone with ready bodies.

Run by hand: `python benchmarks/collect.py`. The account is the sandbox's stand-in for Lytics on loopback, which works
on the same machine and so takes its share of the processors from whoever sends; the ratios are what counts.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import duckdb
import httpx
from measuring import HEADINGS, Row, Taken, run

from lytics_azure_tui.sandbox.lytics_api.process import LyticsApiServer

OURS, LITTLE, BARE = "an import's last part", "the same, a tenth of the rows", "httpx, bodies that lie ready"
WAYS = {BARE: "bare", OURS: "ours", LITTLE: "ours"}


def events(rows: int, target: Path) -> None:
    """A staged file: six columns of text, and those that every stream has."""
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT 'p' || i % 100000 || '@example.com' AS email, 'page_view' AS event,"
            " '/products/' || i % 977 AS url, 'product ' || i % 977 AS title, (i % 500)::VARCHAR AS price,"
            " 'desktop' AS device, TIMESTAMPTZ '2026-01-01' + to_seconds(i) AS _event_time, now() AS _ingest_time,"
            f" 'bench' AS _run_id, 'c/bench.csv' AS _source, i AS _row FROM range({rows}) t(i))"
            f" TO '{target}' (FORMAT parquet)"
        )


def take(way: str, rows: int) -> tuple[Taken, int]:
    """Sends once to a fresh account; gives what it took, and how many events the account has."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "events.parquet")
        events(rows, file)
        with LyticsApiServer(Path(scratch, "server"), build_after=1e9) as server:
            given = {"url": server.url, "bulk_url": server.bulk_url, "token": server.token.reveal()}
            told = json.dumps({"way": way, "file": str(file), "rows": rows, **given})
            command = [sys.executable, str(Path(__file__).with_name("send_collect.py"))]
            _, said = run(command, dict(os.environ), os.getcwd(), given=told)  # noqa: PTH109
            headers = {"Authorization": server.token.reveal()}
            told = httpx.get(f"{server.url}/v2/stream/bench", headers=headers, timeout=60).text
    took = json.loads(said)
    return Taken(took["seconds"], took["cpu"], took["peak"]), int(json.loads(told)["data"]["count"])


def main() -> int:
    """Measures, and prints a table. The status is 1 when an event is missing or doubled."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="events (default: 1,000,000)")
    parser.add_argument("--repeat", type=int, default=3, help="how often each is taken, in turns (default: 3)")
    options = parser.parse_args()
    rows = {name: Row(name, []) for name in WAYS}
    sizes = {name: options.rows // 10 if name == LITTLE else options.rows for name in WAYS}
    wrong = []
    for turn in range(options.repeat):
        for name, way in WAYS.items():
            taken, arrived = take(way, sizes[name])
            rows[name].taken.append(taken)
            if arrived != sizes[name]:
                wrong.append(f"{name}: {arrived:,} of {sizes[name]:,} events are there")
        load = " ".join(f"{part:.1f}" for part in os.getloadavg())
        print(f"round {turn + 1} of {options.repeat} done; load {load}", flush=True)
    print(f"\n{HEADINGS}")
    for row in rows.values():
        print(row.text(row.seconds / rows[BARE].seconds))
    print(f"\n{sizes[OURS] / rows[OURS].seconds:,.0f} events/s")
    small, large = rows[LITTLE].peak or 0, rows[OURS].peak or 0
    print(f"peak memory, ten times the rows: {small / 1e6:.0f} MB, then {large / 1e6:.0f} MB")
    for line in wrong:
        print(f"WRONG: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
