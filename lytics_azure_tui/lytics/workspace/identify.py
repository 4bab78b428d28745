"""A build's first step: whose the new events are, and the events sorted into buckets of profiles.

It leaves in the build's scratch folder:

    events/bucket=N/  mapped events with p, the number of their profile within this build
    touched.parquet   p, _id, fresh (there was no such profile), bucket
    losers.parquet    rows of profiles that become part of another, with the other's p and bucket
    gone.parquet      _id, survivor: the same as ids; after a rebuild also of profiles of which no row is needed
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from lytics_azure_tui.lytics.duck import literal
from lytics_azure_tui.lytics.workspace.identity import components
from lytics_azure_tui.lytics.workspace.spec import BuildSpec, bucket_sql
from lytics_azure_tui.lytics.workspace.tables import PARQUET
from lytics_azure_tui.model.user_field import SCORES

# Read once or twice, and soon: quick to write matters more than small.
_SCRATCH = "FORMAT parquet, COMPRESSION lz4"

# The two halves of a node.
_NAME, _VALUE = "node[:strpos(node, ':') - 1]", "node[strpos(node, ':') + 1:]"


@dataclass(frozen=True, slots=True)
class Identified:
    """What the step found.

    Attributes:
        nameless: events without any identifier.
        merged: profiles that became part of another.
        buckets: those that have events.
    """

    nameless: int
    merged: int
    buckets: Sequence[int]


def identify(
    connection: duckdb.DuckDBPyConnection, spec: BuildSpec, events: str, scratch: Path, known: bool
) -> Identified:
    """Does the step.

    Args:
        connection: with the views profiles, identities and merges of the head, if there is one.
        events: a view of mapped events.
        known: there is a head.
    """
    run = connection.execute
    _nodes(connection, events)
    _known(connection, known)
    run("CREATE OR REPLACE TEMP TABLE edges AS SELECT x.n AS a, y.n AS b FROM links JOIN nodes x ON x.node = links.a"
        " JOIN nodes y ON y.node = links.b")  # fmt: skip
    if not spec.rebuild:
        run("INSERT INTO edges SELECT known.n, olds.n FROM known JOIN olds USING (_id)")
    components(connection, "edges", "found")
    run("CREATE OR REPLACE TEMP TABLE member AS SELECT nodes.n, node, coalesce(root, nodes.n) AS p"
        " FROM nodes LEFT JOIN found ON found.n = nodes.n")  # fmt: skip
    _claims(connection)
    _survivors(connection, spec, scratch, known)
    _touched(connection, spec, scratch, known)
    _sorted_out(connection, spec, events, scratch)
    nameless = _one(connection, "SELECT coalesce(sum(n), 0) FROM links WHERE a IS NULL")
    merged = _one(connection, f"SELECT count(*) FROM {literal(str(scratch / 'gone.parquet'))}")
    buckets = sorted(int(path.name.removeprefix("bucket=")) for path in (scratch / "events").glob("bucket=*"))
    return Identified(nameless, merged, buckets)


def write_identities(
    connection: duckdb.DuckDBPyConnection, spec: BuildSpec, scratch: Path, target: Path, known: bool
) -> int:
    """Writes the identifiers that are new, or all when the table is written anew; how many those are."""
    fresh = (
        f"SELECT {_NAME} AS field, {_VALUE} AS value, t._id"
        f" FROM member JOIN {literal(str(scratch / 'touched.parquet'))} t USING (p)"
    )
    if known and not spec.rebuild:
        fresh += " WHERE NOT EXISTS (FROM known WHERE known.n = member.n)"
        if spec.compact:
            gone = literal(str(scratch / "gone.parquet"))
            fresh += f" UNION ALL SELECT field, value, coalesce(g.survivor, i._id) FROM identities i LEFT JOIN {gone} g"
            fresh += " ON g._id = i._id"
    return _one(connection, f"COPY ({fresh}) TO {literal(str(target))} ({PARQUET})")


def write_merges(
    connection: duckdb.DuckDBPyConnection, spec: BuildSpec, scratch: Path, target: Path, known: bool
) -> int:
    """Writes what became part of what: also what had become part of that before."""
    gone = literal(str(scratch / "gone.parquet"))
    own = f"SELECT _id, survivor, {spec.number} :: BIGINT AS _build, false AS _gone FROM "
    rows = own + gone
    if known:
        rows += f" UNION ALL {own} (SELECT m._id, g.survivor FROM merges m JOIN {gone} g ON g._id = m.survivor)"
        if spec.anew:
            rows += (
                f" UNION ALL {own} (SELECT m._id, m.survivor FROM merges m ANTI JOIN {gone} g ON g._id = m.survivor)"
            )
    return _one(connection, f"COPY ({rows}) TO {literal(str(target))} ({PARQUET})")


def _nodes(connection: duckdb.DuckDBPyConnection, events: str) -> None:
    """links: a, b of events, with how many there are; nodes: node, n."""
    others = "unnest(CASE WHEN len(nodes) > 1 THEN nodes[2:] ELSE [NULL] END)"
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE links AS SELECT a, b, count(*) AS n"
        f" FROM (SELECT nodes[1] AS a, {others} AS b FROM {events}) GROUP BY a, b"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE nodes AS SELECT node, row_number() OVER () AS n"
        " FROM (SELECT DISTINCT unnest([a, b]) AS node FROM links) WHERE node IS NOT NULL"
    )


def _known(connection: duckdb.DuckDBPyConnection, known: bool) -> None:
    """known: n, _id of nodes that a profile has; olds: those profiles as nodes, n, _id."""
    found = (
        f"SELECT n, _id FROM (SELECT n, {_NAME} AS field, {_VALUE} AS value FROM nodes)"
        " JOIN identities USING (field, value)"
        if known
        else "SELECT NULL :: BIGINT AS n, NULL :: VARCHAR AS _id WHERE false"
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE known AS {found}")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE olds AS SELECT _id, row_number() OVER () + (SELECT count(*) FROM nodes) AS n"
        " FROM (SELECT DISTINCT _id FROM known)"
    )


def _claims(connection: duckdb.DuckDBPyConnection) -> None:
    """claims: p, _id: the profiles that a component goes on with.

    When all is built anew, what was one profile may have become several: the one with its least node keeps the id.
    """
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE claims AS SELECT _id, arg_min(p, node) AS p FROM known JOIN member USING (n)"
        " GROUP BY _id"
    )


def _survivors(connection: duckdb.DuckDBPyConnection, spec: BuildSpec, scratch: Path, known: bool) -> None:
    """survivors: p, _id; and the files of those that did not survive. The profile that was there first stays."""
    run = connection.execute
    run("CREATE OR REPLACE TEMP TABLE several AS SELECT p, unnest(list(_id)) AS _id FROM claims GROUP BY p"
        " HAVING count(*) > 1")  # fmt: skip
    run("CREATE OR REPLACE TEMP TABLE rivals AS SELECT NULL :: BIGINT AS p, NULL :: VARCHAR AS _id WHERE false")
    if known and _one(connection, "SELECT count(*) FROM several"):
        # Their scores are made anew.
        run(
            f"CREATE OR REPLACE TEMP TABLE rivals AS SELECT several.p, r.* EXCLUDE ({', '.join(SCORES)})"
            " FROM profiles r JOIN several USING (_id)"
        )
        first = "SELECT p, arg_min(_id, struct_pack(c := _created, i := _id)) AS _id FROM rivals GROUP BY p"
    else:
        first = "SELECT p, _id FROM rivals"
    run(f"CREATE OR REPLACE TEMP TABLE survivors AS {first}")
    bucket = bucket_sql("s._id", spec.buckets)
    losers = "FROM rivals r JOIN survivors s ON s.p = r.p WHERE r._id <> s._id"
    _copy(connection, f"SELECT r.*, {bucket} AS bucket {losers}", scratch / "losers.parquet")
    _copy(connection, f"SELECT r._id, s._id AS survivor {losers}", scratch / "gone.parquet")
    run("INSERT INTO survivors SELECT p, _id FROM claims ANTI JOIN survivors s USING (p)")


def _touched(connection: duckdb.DuckDBPyConnection, spec: BuildSpec, scratch: Path, known: bool) -> None:
    """touched: p, _id, fresh, bucket. A new profile's id comes from its least node."""
    taken = "SELECT _id FROM profiles UNION ALL SELECT _id FROM merges" if known else "SELECT NULL AS _id WHERE false"
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE born AS SELECT p, least_node, md5(least_node) AS _id"
        " FROM (SELECT p, min(node) AS least_node FROM member ANTI JOIN survivors USING (p) GROUP BY p)"
    )
    # An id that was in use, whose nodes are others' now, is not given again.
    connection.execute(f"CREATE OR REPLACE TEMP TABLE clashes AS SELECT _id FROM ({taken}) SEMI JOIN born USING (_id)")
    connection.execute(
        f"UPDATE born SET _id = md5({literal(spec.run_id)} || least_node) WHERE _id IN (SELECT _id FROM clashes)"
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE touched AS SELECT *, {bucket_sql('_id', spec.buckets)} AS bucket FROM"
        " (SELECT p, _id, false AS fresh FROM survivors UNION ALL SELECT p, _id, true FROM born)"
    )
    _copy(connection, "FROM touched", scratch / "touched.parquet")


def _sorted_out(connection: duckdb.DuckDBPyConnection, spec: BuildSpec, events: str, scratch: Path) -> None:
    connection.execute(f"SET partitioned_write_flush_threshold = {spec.flushed}")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE assigned AS SELECT node, p, bucket FROM member JOIN touched USING (p)"
    )
    folder = scratch / "events"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for first in range(0, spec.buckets, spec.at_once):
        some = f"a.bucket BETWEEN {first} AND {first + spec.at_once - 1}"
        connection.execute(
            f"COPY (SELECT e.*, a.p, a.bucket FROM {events} e JOIN assigned a ON a.node = e.nodes[1] WHERE {some})"
            f" TO {literal(str(folder))} ({_SCRATCH}, PARTITION_BY (bucket), OVERWRITE_OR_IGNORE)"
        )


def _copy(connection: duckdb.DuckDBPyConnection, query: str, target: Path) -> None:
    connection.execute(f"COPY ({query}) TO {literal(str(target))} ({_SCRATCH})")


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0
