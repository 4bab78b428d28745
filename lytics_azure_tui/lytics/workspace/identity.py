"""Whose an event is: identifiers that occur together in one event belong to one profile.

Identifiers are the nodes of a graph, an event ties its own together, and a profile is a connected component. Nodes that
were there before bring their profile in, as one node more. Components are found by contraction (Bögeholz, Brand,
Todor: In-database connected component analysis, 2020): each node is joined to the least of its neighbours, by an order
that is drawn anew in each round, so that chains shrink as fast as stars do.
"""

from __future__ import annotations

import duckdb


def components(connection: duckdb.DuckDBPyConnection, edges: str, into: str) -> None:
    """Finds the connected components of a graph.

    Args:
        edges: a table with the columns a and b, BIGINT, in any direction.
        into: the table to make: n, every node of an edge, and root, one node of its component.
    """
    run = connection.execute
    run(f"CREATE OR REPLACE TEMP TABLE _e AS SELECT a, b FROM {edges}")
    run(
        f"CREATE OR REPLACE TEMP TABLE {into} AS SELECT DISTINCT n, n AS root FROM (SELECT unnest([a, b]) AS n FROM _e)"
    )
    run("DELETE FROM _e WHERE a = b")
    turn = 0
    while connection.execute("SELECT 1 FROM _e LIMIT 1").fetchone() is not None:
        turn += 1
        run(
            "CREATE OR REPLACE TEMP TABLE _r AS"
            f" SELECT n, CASE WHEN min(h) < hash(n, {turn}) THEN arg_min(m, h) ELSE n END AS root FROM ("
            f"SELECT a AS n, b AS m, hash(b, {turn}) AS h FROM _e UNION ALL SELECT b, a, hash(a, {turn}) FROM _e)"
            " GROUP BY n"
        )
        run(
            f"CREATE OR REPLACE TEMP TABLE {into} AS SELECT l.n, coalesce(r.root, l.root) AS root"
            f" FROM {into} l LEFT JOIN _r r ON r.n = l.root"
        )
        run(
            "CREATE OR REPLACE TEMP TABLE _e AS"
            " SELECT DISTINCT least(x.root, y.root) AS a, greatest(x.root, y.root) AS b"
            " FROM _e JOIN _r x ON x.n = a JOIN _r y ON y.n = b WHERE x.root <> y.root"
        )
