"""What nobody gets around who reads with pytds: one session, and fetchmany until there are no more rows.

Run as a process of its own by import_sql.py, with the server's coordinates as JSON on standard input. It prints seconds
and rows as JSON; starting Python, importing pytds and logging in are not in the seconds.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import pytds

BATCH = 10_000


def main() -> None:
    """Reads a table once."""
    given = json.load(sys.stdin)
    with (
        pytds.connect(
            given["host"],
            given["database"],
            given["user"],
            given["password"],
            port=given["port"],
            cafile=given["ca_file"],
            # What pytds compares names with is gone from pyOpenSSL 26.2 on.
            validate_host=False,
            autocommit=True,
            blocksize=16_000,
        ) as connection,
        connection.cursor() as cursor,
    ):
        wall, processors = time.perf_counter(), time.process_time()
        cursor.execute(f"SELECT * FROM {given['table']} ORDER BY occurred_at")
        rows = 0
        while found := cursor.fetchmany(BATCH):
            rows += len(found)
        seconds, cpu = time.perf_counter() - wall, time.process_time() - processors
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    json.dump({"rows": rows, "seconds": seconds, "cpu": cpu, "peak": peak}, sys.stdout)


if __name__ == "__main__":
    main()
