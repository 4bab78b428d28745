"""Who entered and left audiences, as rows for triggers: one row for each user and moment, in their order.

What is read is one head, so that memberships, moments and profiles fit together; what comes later is asked for since
that one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from lytics_azure_tui.lytics.duck import database, literal, read_parquet
from lytics_azure_tui.lytics.workspace.head import current
from lytics_azure_tui.lytics.workspace.reader import HIDDEN, layers_of, view
from lytics_azure_tui.lytics.workspace.tables import Tables

GROUP = 8_192
"""Rows of a group of the file: what reads a part of it reads whole groups."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which happenings.

    Attributes:
        since: audience → the build after which enters and exits count.
        whole: audiences whose members of now count as having entered.
        existing: whether the members of whom an audience was made count as having entered.
    """

    since: Mapping[str, int]
    whole: Sequence[str] = ()
    existing: bool = False


@dataclass(frozen=True, slots=True)
class Collected:
    """What was found.

    Attributes:
        build: of the head; what is asked for since it, later, is all that is not in the rows.
        rows: how many there are.
        oldest: the first moment of all rows; None without rows.
    """

    build: int
    rows: int
    oldest: datetime | None


def state(tables: Tables) -> tuple[int, frozenset[str]]:
    """(the newest build, the audiences that are evaluated in it); (0, none) before the first. Quick."""
    found = current(tables)
    return (0, frozenset()) if found is None else (found.head.build, frozenset(found.head.sizes))


def collect(
    tables: Tables, wanted: Wanted, target: Path, *, memory: int, threads: int, spill: Path | None
) -> Collected:
    """Writes the rows into a Parquet file.

    Columns: n (from 0), who, moment, events (a list of slug, enter, entered), profile (a struct of the user's fields,
    or of those of the profile that the user has become part of; None for one who is gone). Rows of one user are in the
    order of what happened.

    Args:
        memory: bytes that the engine may use.
        spill: a folder for what does not fit.
    """
    found = current(tables)
    if found is None:
        return Collected(0, 0, None)
    with database(memory=memory, threads=threads, spill=spill) as connection:
        view(connection, layers_of(tables, found))
        head = found.head
        _happened(connection, wanted, f"TIMESTAMPTZ {literal(head.as_of)}", head.build)
        hidden = ", ".join(name for name in (*HIDDEN, "_segments") if name in _columns(connection))
        connection.execute(
            "COPY (SELECT row_number() OVER () - 1 AS n, * FROM ("
            " SELECT h.who, h.moment, h.events, p AS profile FROM ("
            "  SELECT who, moment, build, any_value(person) AS person,"
            "   list({'slug': audience, 'enter': enter, 'entered': entered} ORDER BY audience, enter) AS events"
            "  FROM happened GROUP BY who, moment, build"
            f" ) h LEFT JOIN (SELECT * EXCLUDE ({hidden}) FROM profiles) p ON p._id = h.person"
            f" ORDER BY h.build, h.moment, h.who)) TO {literal(str(target))} (FORMAT parquet, ROW_GROUP_SIZE {GROUP})"
        )
        row = connection.execute(f"SELECT count(*), min(moment) FROM {read_parquet([target])}").fetchone() or (0, None)
    return Collected(head.build, int(row[0]), row[1])


def _columns(connection: duckdb.DuckDBPyConnection) -> set[str]:
    return {row[0] for row in connection.execute("DESCRIBE profiles").fetchall()}


def _happened(connection: duckdb.DuckDBPyConnection, wanted: Wanted, now: str, build: int) -> None:
    """happened: who, person (the profile that it is part of now), audience, enter, moment, build, entered."""
    run = connection.execute
    since = ", ".join(f"({literal(slug)}, {at})" for slug, at in wanted.since.items()) or "(NULL, NULL)"
    whole = ", ".join(map(literal, wanted.whole)) or "NULL"
    backfill = "" if wanted.existing else " WHERE NOT t.backfill"
    run(
        "CREATE OR REPLACE TEMP VIEW entries AS SELECT coalesce(m.survivor, t.profile) AS person, t.audience,"
        ' t."at" AS moment FROM transitions t LEFT JOIN merges m ON m._id = t.profile WHERE t.enter'
    )
    run(
        "CREATE OR REPLACE TEMP TABLE crossed AS SELECT t.profile AS who, coalesce(m.survivor, t.profile) AS person,"
        ' t.audience, t.enter, t."at" AS moment, t.build FROM transitions t'
        f" JOIN (VALUES {since}) s(audience, since) ON s.audience = t.audience AND t.build > s.since"
        f" LEFT JOIN merges m ON m._id = t.profile{backfill}"
    )
    run(
        "CREATE OR REPLACE TEMP TABLE happened AS"
        " SELECT who, person, audience, true AS enter, moment, build, moment AS entered FROM crossed WHERE enter"
        # Who leaves entered at some time, maybe before becoming part of another.
        " UNION ALL SELECT c.who, c.person, c.audience, false, c.moment, c.build, coalesce(max(e.moment), c.moment)"
        "  FROM crossed c LEFT JOIN entries e"
        "   ON e.person = c.person AND e.audience = c.audience AND e.moment <= c.moment"
        "  WHERE NOT c.enter GROUP BY c.who, c.person, c.audience, c.moment, c.build"
        f" UNION ALL SELECT m._id, m._id, m.audience, true, {now}, {build}, coalesce(max(e.moment), {now})"
        f"  FROM (SELECT _id, unnest(list_intersect(_segments, [{whole}] :: VARCHAR[])) AS audience FROM memberships) m"
        "  LEFT JOIN entries e ON e.person = m._id AND e.audience = m.audience GROUP BY m._id, m.audience"
    )
