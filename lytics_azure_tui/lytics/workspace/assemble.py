"""A build's second step, bucket by bucket: rows of profiles, made of new events and of the rows that were there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from lytics_azure_tui.lytics.duck import literal, quoted, read_parquet
from lytics_azure_tui.lytics.workspace.mapped import nothing_mapped
from lytics_azure_tui.lytics.workspace.merging import LATEST, OLDEST, Extreme, Field, Keyed
from lytics_azure_tui.lytics.workspace.scores import DAY, columns, day_of, figures
from lytics_azure_tui.lytics.workspace.spec import BuildSpec, bucket_range
from lytics_azure_tui.lytics.workspace.tables import PARQUET
from lytics_azure_tui.model.user_field import SCORES

_ALWAYS = ("_created", "_modified", "_num_events", "_streamnames")
"""Fields of our own that every profile has, as it has every score."""


@dataclass(frozen=True, slots=True)
class Assembled:
    """What became of a bucket.

    Attributes:
        rows: written.
        fresh, changed: profiles that are new, and that were there.
        conflicts: how many profiles more have an identifier of one value with several.
        filled: in how many profiles more a field has a value.
        unreadable: events whose text a field could not hold, by field.
    """

    rows: int = 0
    fresh: int = 0
    changed: int = 0
    conflicts: int = 0
    filled: dict[str, int] = field(default_factory=dict)
    unreadable: dict[str, int] = field(default_factory=dict)


def assemble(
    connection: duckdb.DuckDBPyConnection,
    spec: BuildSpec,
    fields: Sequence[Field],
    bucket: int,
    scratch: Path,
    target: Path,
    known: bool,
) -> Assembled:
    """Writes a bucket's rows.

    Args:
        connection: with the views of the head, if there is one.
        scratch: what `identify` left.
        target: the file to write.
        known: there is a head whose rows are gone on with.
    """
    run = connection.execute
    touched, losers, gone = (literal(str(scratch / f"{name}.parquet")) for name in ("touched", "losers", "gone"))
    run(f"CREATE OR REPLACE TEMP TABLE mine AS SELECT p, _id, fresh FROM {touched} WHERE bucket = {bucket}")
    events = scratch / "events" / f"bucket={bucket}"
    within = bucket_range(bucket, spec.buckets)
    scores = ", ".join(SCORES)
    outcome = Assembled()
    parts = []
    # A table that is written anew has at least one file, to tell its columns.
    if events.is_dir() or (bucket == 0 and not known):
        happened = (
            f"FROM {read_parquet(sorted(events.glob('*.parquet')))}"
            if events.is_dir()
            else f"SELECT *, NULL :: BIGINT AS p FROM ({nothing_mapped(fields)})"
        )
        run(f"CREATE OR REPLACE TEMP VIEW happened AS {happened}")
        if known:
            run(
                f"CREATE OR REPLACE TEMP TABLE old AS SELECT m.p, r.* EXCLUDE ({scores})"
                " FROM profiles r JOIN mine m USING (_id)"
                f" WHERE NOT m.fresh AND {bucket_range(bucket, spec.buckets, 'r._id')}"
                f" UNION ALL BY NAME SELECT * EXCLUDE (bucket) FROM {losers} WHERE bucket = {bucket}"
            )
        made = profiles(connection, fields, "happened", "old" if known else None, day_of(spec.moment))
        run(
            f"CREATE OR REPLACE TEMP TABLE made AS SELECT m._id, r.* EXCLUDE (p), {spec.number} :: BIGINT AS _build,"
            f" false AS _gone FROM ({made}) r JOIN mine m USING (p)"
        )
        outcome = _figures(connection, fields, known)
        parts.append("FROM made")
    if known and spec.compact:
        day = day_of(spec.moment)
        run(
            f"CREATE OR REPLACE TEMP TABLE others AS SELECT * FROM profiles r"
            f" ANTI JOIN mine m ON m._id = r._id ANTI JOIN {gone} g ON g._id = r._id WHERE {within}"
        )
        run(
            f"CREATE OR REPLACE TEMP TABLE figures AS SELECT _id, {figures(day)}"
            " FROM (SELECT _id, unnest(_state._days) AS key FROM others) GROUP BY _id"
        )
        parts.append(
            f"SELECT others.* EXCLUDE ({scores}, _build, _gone), {columns(day, 'figures')},"
            f" {spec.number} :: BIGINT AS _build, _gone FROM others JOIN figures USING (_id)"
        )
    elif known and parts:
        # Whoever became part of someone else is in the other's bucket, which has events.
        parts.append(
            f"SELECT _id, {spec.number} :: BIGINT AS _build, true AS _gone FROM {losers} WHERE bucket = {bucket}"
        )
    if not parts:
        return outcome
    written = run(f"COPY ({' UNION ALL BY NAME '.join(parts)}) TO {literal(str(target))} ({PARQUET})").fetchone()
    return replace(outcome, rows=int(written[0]) if written else 0)


def profiles(
    connection: duckdb.DuckDBPyConnection, fields: Sequence[Field], events: str, old: str | None, day: int
) -> str:
    """SQL of the profiles that events make: p and a profile's columns. Makes tables that it reads.

    Args:
        events: a view of mapped events with p.
        old: a table of rows of profiles with p, that are gone on with; several may have the same p.
        day: of which the scores are.
    """
    run = connection.execute
    run(f"CREATE OR REPLACE TEMP TABLE scalars AS {_scalars(fields, events, old)}")
    keyed = [one for one in fields if isinstance(one, Keyed)]
    for lists in keyed:
        run(f"CREATE OR REPLACE TEMP TABLE keyed{lists.number} AS {lists.query(events, old)}")
    distinct = (
        ("streams", "stream", "_streamnames", ""),
        ("identifiers", "unnest(nodes)", "_identifiers", f", {_conflicts(fields)} AS conflicts"),
        ("days", f"least({DAY.format('t')}, {day})", "_state._days", f", {figures(day)}"),
    )
    for name, value, column, more in distinct:
        rows = f"SELECT p, {value} AS key FROM {events}"
        if old is not None:
            rows += f" UNION ALL SELECT p, unnest({column}) FROM {old}"
        run(
            f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT p, list_sort(list(key)) AS shown{more}"
            f" FROM (SELECT DISTINCT p, key FROM ({rows})) GROUP BY p"
        )
    shown = [
        "scalars.first AS _created",
        "scalars.last AS _modified",
        "scalars.n AS _num_events",
        "streams.shown AS _streamnames",
        "identifiers.shown AS _identifiers",
        "CAST(identifiers.conflicts AS INTEGER) AS _conflicts",
    ]
    kept = [f"{LATEST} := {LATEST}", f"{OLDEST} := {OLDEST}", "_days := days.shown"]
    for one in fields:
        if isinstance(one, Keyed):
            shown.append(f"keyed{one.number}.shown AS {quoted(one.name)}")
            kept += [f"{quoted(one.name)} := keyed{one.number}.kept"] * one.keeps
            continue
        state = f"scalars.s{one.number}"
        shown.append(f"{one.shown(state)} AS {quoted(one.name)}")
        if (sql := one.kept(state)) is not None:
            kept.append(f"{quoted(one.name)} := {sql}")
    return (
        f"SELECT scalars.p, {', '.join(shown)}, struct_pack({', '.join(kept)}) AS _state, {columns(day, 'days')}"
        " FROM scalars JOIN streams USING (p) JOIN identifiers USING (p) JOIN days USING (p)"
        + "".join(f" LEFT JOIN keyed{one.number} USING (p)" for one in keyed)
    )


def _scalars(fields: Sequence[Field], events: str, old: str | None) -> str:
    """p, n, first, last, the edges of the order, and the states s0, s1 …"""
    folded = [one for one in fields if not isinstance(one, Keyed)]
    states = "".join(f", {one.of_events()} AS s{one.number}" for one in folded)
    rows = (
        f"SELECT p, count(*) AS n, min(t) AS first, max(t) AS last, max(o) AS {LATEST}, min(o) AS {OLDEST}{states}"
        f" FROM {events} GROUP BY p"
    )
    if old is None:
        return rows
    lifted = "".join(f", {one.of_profile()}" for one in folded)
    merged = "".join(f", {one.merged(f's{one.number}')} AS s{one.number}" for one in folded)
    return (
        f"SELECT p, CAST(sum(n) AS BIGINT) AS n, min(first) AS first, max(last) AS last,"
        f" max({LATEST}) AS {LATEST}, min({OLDEST}) AS {OLDEST}{merged} FROM ({rows} UNION ALL"
        f" SELECT p, _num_events, _created, _modified, _state.{LATEST}, _state.{OLDEST}{lifted} FROM {old}) GROUP BY p"
    )


def _conflicts(fields: Sequence[Field]) -> str:
    """How many identifiers of one value have several; an aggregate over all identifiers of a profile, `key`."""
    prefixes = [literal(f"{one.name}:") for one in fields if isinstance(one, Extreme) and one.ranked]
    return " + ".join(f"(count(*) FILTER (starts_with(key, {prefix})) > 1) :: INTEGER" for prefix in prefixes) or "0"


def _figures(connection: duckdb.DuckDBPyConnection, fields: Sequence[Field], known: bool) -> Assembled:
    names = [*_ALWAYS, *(one.name for one in fields)]
    counts = ", ".join(["count(*)", "count(*) FILTER (_conflicts > 0)", *(f"count({quoted(name)})" for name in names)])
    new, conflicts, *filled = _row(connection, f"SELECT {counts} FROM made")
    fresh = _row(connection, "SELECT count(*) FILTER (fresh) FROM mine")[0]
    if known:
        _, before, *filled_before = _row(connection, f"SELECT {counts} FROM old")
        conflicts -= before
        filled = [after - previous for after, previous in zip(filled, filled_before, strict=True)]
    added = dict(zip(names, filled, strict=True))
    return Assembled(
        fresh=fresh,
        changed=new - fresh,
        conflicts=conflicts,
        filled={**added, **dict.fromkeys(SCORES, added[_ALWAYS[0]])},
        unreadable=dict(_unreadable(connection, fields)),
    )


def _unreadable(connection: duckdb.DuckDBPyConnection, fields: Sequence[Field]) -> Iterator[tuple[str, int]]:
    counts = ", ".join(f"count(*) FILTER (u{one.number})" for one in fields)
    found = _row(connection, f"SELECT {counts} FROM happened") if fields else []
    return ((one.name, count) for one, count in zip(fields, found, strict=True) if count)


def _row(connection: duckdb.DuckDBPyConnection, query: str) -> list[int]:
    return list(connection.execute(query).fetchone() or ())
