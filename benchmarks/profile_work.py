"""What profiles.py measures, each in a process of its own: it reads its task as JSON and prints what it took."""

from __future__ import annotations

import json
import resource
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lytics_azure_tui.jobs import profile_build
from lytics_azure_tui.jobs.kind import Context
from lytics_azure_tui.lytics.duck import database, literal
from lytics_azure_tui.lytics.stream_file import copied, staged
from lytics_azure_tui.lytics.workspace.workspace import Workspace
from lytics_azure_tui.model.audience import Audience
from lytics_azure_tui.model.authorization import NoAuthorization
from lytics_azure_tui.model.mapping import Affinity, Definitions, FieldRule, StreamMapping
from lytics_azure_tui.model.profile_build import PROFILES
from lytics_azure_tui.model.run import PartResult
from lytics_azure_tui.model.user_field import FieldKind, Merge

STREAM = "web"
COLUMNS = ("user_id", "email", "event", "page", "price", "country", "device", "at")
_FILE_ROWS = 500_000
_NOW = datetime(2026, 6, 25, 12, tzinfo=UTC)

# Everything about an event follows from its number: half a year of a shop, five events a user.
_EVENTS = """
SELECT
    printf('C%07d', u) AS user_id,
    CASE WHEN d % 3 = 0 THEN printf('user%d@example.com', u) END AS email,
    ['view', 'view', 'search', 'purchase', 'cart'][1 + (d // 7) % 5] AS event,
    '/page/' || (d // 11) % 50 AS page,
    CASE WHEN d % 4 = 0 THEN (d // 13) % 300 || '.90' END AS price,
    ['DE', 'FR', 'GB', 'US', 'IT', 'ES'][1 + (d // 17) % 6] AS country,
    ['phone', 'desktop', 'tablet'][1 + (d // 19) % 3] AS device,
    strftime(moment, '%Y-%m-%dT%H:%M:%SZ') AS "at",
    moment AT TIME ZONE 'UTC' AS _event_time,
    TIMESTAMPTZ '2026-06-25 00:00:00+00' AS _ingest_time,
    {run} AS _run_id,
    'benchmark' AS _source,
    n AS _row
FROM (
    SELECT n, d, d % {users} AS u, TIMESTAMP '2026-01-01' + to_microseconds((n * {step}) :: BIGINT) AS moment
    FROM (SELECT n, (md5_number_lower(n :: VARCHAR) >> 4) :: BIGINT AS d FROM range({first}, {last}) numbers(n))
)
"""

DEFINITIONS = Definitions(
    (
        StreamMapping(
            stream=STREAM,
            fields=[
                FieldRule(field="user_id", expression="user_id", identifier=True, rank=2),
                FieldRule(field="email", expression="email(email)", identifier=True),
                FieldRule(field="country", expression="country"),
                FieldRule(field="device", expression="device"),
                FieldRule(field="first_page", expression="page", merge=Merge.OLDEST),
                FieldRule(
                    field="spent",
                    expression="price",
                    kind=FieldKind.NUMBER,
                    merge=Merge.SUM,
                    guard='event = "purchase"',
                ),
                FieldRule(field="last_seen", expression="todate(at)", kind=FieldKind.DATE, merge=Merge.MAX),
                FieldRule(field="actions", expression="event", kind=FieldKind.MAP_INT, merge=Merge.VALUECT),
                FieldRule(field="pages", expression="page", kind=FieldKind.STRINGS, merge=Merge.CAPPED, cap=20),
            ],
            affinities=[Affinity(field="interests", expression="page")],
        ),
    ),
    (
        Audience(slug="spenders", label="Spenders", filter="FILTER spent > 200"),
        Audience(slug="germans", label="Germans", filter='FILTER AND (country = "DE", EXISTS email)'),
        Audience(slug="quiet", label="Quiet", filter='FILTER AND (INCLUDE spenders, last_seen < "now-60d")'),
    ),
)

# The same grouping by someone who knows that user_id alone tells whose an event is, and keeps nothing to go on with.
_BY_HAND = """
SELECT
    user_id, arg_max(lower(email), _event_time) AS email, arg_max(country, _event_time) AS country,
    arg_max(device, _event_time) AS device, arg_min(page, _event_time) AS first_page,
    sum(try_cast(price AS DOUBLE)) FILTER (event = 'purchase') AS spent,
    max(try_cast("at" AS TIMESTAMPTZ)) AS last_seen, histogram(event) AS actions, list(DISTINCT page) AS pages,
    histogram(page) AS interests, count(*) AS n, min(_event_time) AS created, max(_event_time) AS modified
FROM read_parquet({files}) GROUP BY user_id
"""

FILTERS = (
    "FILTER spent > 200",
    'FILTER AND (country = "DE", EXISTS email, actions.purchase >= 2)',
    'FILTER OR (pages CONTAINS "/page/4", interests.`/page/7` > 0.5)',
    'FILTER AND (last_seen > "now-30d", score_recency > 40, NOT (device = "tablet"))',
)


def fill(given: dict[str, Any]) -> int:
    """Brings events first … last into the stream."""
    workspace = Workspace(Path(given["root"]))
    files = []
    with database(memory=1 << 30, threads=2) as connection:
        for first in range(given["first"], given["last"], _FILE_ROWS):
            query = _EVENTS.format(
                run=literal(given["run"]), users=given["users"], first=first,
                last=min(first + _FILE_ROWS, given["last"]), step=1.5e13 / (5 * given["users"]),
            )  # fmt: skip
            target = workspace.staging(STREAM) / f"{given['run']}-{first:010d}.parquet"
            target.parent.mkdir(parents=True, exist_ok=True)
            files.append(staged(connection.execute(copied(query, target)).fetchone() or (), target, COLUMNS))
    workspace.commit(STREAM, given["run"], COLUMNS, files)
    return given["last"] - given["first"]


def build(given: dict[str, Any]) -> int:
    """One build, as a run does it but for the ledger."""
    root = Path(given["root"])
    context = Context(
        run_id=given["run"], started=_NOW + timedelta(minutes=given["minute"]), job=PROFILES,
        authorization=NoAuthorization(), lytics=Workspace(root), scratch=root / "scratch", keep=root / "keep",
        memory=given["memory"], threads=2, definitions=DEFINITIONS,
    )  # fmt: skip
    plan = profile_build.plan(context, None)
    results: list[PartResult] = []
    for part in plan.parts:
        results.append(profile_build.do(context, part, results[-1] if results else None, Silent()))
    outcome = profile_build.commit(context, plan, results)
    shutil.rmtree(context.scratch)
    return outcome.counts["profiles"]


def by_hand(given: dict[str, Any]) -> int:
    """The same grouping as one query, written as one Parquet file."""
    root = Path(given["root"])
    files = str([str(path) for path in sorted((root / "streams" / STREAM).glob("*.parquet"))])
    target = root / "by_hand.parquet"
    # A query alone cannot cut its work into buckets, and its lists do not spill: it has all the memory it wants.
    with database(memory=6 << 30, threads=2) as connection:
        connection.execute("SET preserve_insertion_order = false")
        query = _BY_HAND.format(files=files)
        row = connection.execute(
            f"COPY ({query}) TO {literal(str(target))} (FORMAT parquet, COMPRESSION lz4)"
        ).fetchone()
    target.unlink()
    return int(row[0]) if row else 0


def evaluate(given: dict[str, Any]) -> list[float]:
    """How long each of some filters takes, over all profiles, as the audience editor asks."""
    workspace = Workspace(Path(given["root"]))
    took = []
    for text in FILTERS:
        started = time.perf_counter()
        workspace.estimate(text, DEFINITIONS)
        took.append(time.perf_counter() - started)
    return took


class Silent:
    """A sink that nobody listens to."""

    def progress(
        self, stage: str, *, bytes_done: int, bytes_total: int | None = None, rows: int = 0, rejected: int = 0
    ) -> None:
        pass

    def log(self, level: str, text: str) -> None:
        pass

    def check(self) -> None:
        pass


TASKS: dict[str, Callable[[dict[str, Any]], object]] = {
    "fill": fill,
    "build": build,
    "by hand": by_hand,
    "evaluate": evaluate,
}


def main() -> None:
    """Does one task."""
    given = json.load(sys.stdin)
    wall, processors = time.perf_counter(), time.process_time()
    answer = TASKS[given["task"]](given)
    seconds, cpu = time.perf_counter() - wall, time.process_time() - processors
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    json.dump({"answer": answer, "seconds": seconds, "cpu": cpu, "peak": peak}, sys.stdout)


if __name__ == "__main__":
    main()
