"""A build's last step: which audiences each profile is in now, who came and who left.

A profile is looked at when something happened to it, or when the time has come at which one of its audiences may change
by itself; all are when the audiences' own definitions changed. A profile that became part of another leaves its
memberships to that one: there is an exit, under the old id, only from audiences that the other is not in. An audience
that is deleted takes its memberships with it; nobody exits from what is not there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.lytics.duck import literal
from lytics_azure_tui.lytics.language.boundary import boundary_sql
from lytics_azure_tui.lytics.language.compile import condition_sql
from lytics_azure_tui.lytics.language.scope import Scope, profile_fields
from lytics_azure_tui.lytics.workspace.spec import BuildSpec
from lytics_azure_tui.lytics.workspace.tables import PARQUET
from lytics_azure_tui.model.audience import Audience
from lytics_azure_tui.model.language.parse import parse_filter
from lytics_azure_tui.model.mapping import Definitions
from lytics_azure_tui.model.user_field import SCORES


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What the step found.

    Attributes:
        written: rows of each file, by table.
        sizes: of the audiences, after it.
        entered, left: transitions.
        boundary: when a membership may next change by time alone, RFC 3339, UTC.
    """

    written: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    entered: int = 0
    left: int = 0
    boundary: str | None = None


def uses_scores(audiences: Iterable[Audience]) -> bool:
    """Whether an audience goes by scores, which change at midnight."""
    return any(re.search(rf"\b({'|'.join(SCORES)})\b", audience.filter) for audience in audiences)


def scope_of(definitions: Definitions, now: str) -> Scope:
    """What a filter over profiles can name.

    Args:
        now: SQL of TIMESTAMPTZ.
    """
    # An audience by the audiences that a profile is in would depend on itself: INCLUDE says the same, and is ordered.
    fields = [one for one in definitions.user_fields() if one.name != "_segments"]
    return Scope(profile_fields(fields), now, {one.slug: parse_filter(one.filter) for one in definitions.audiences})


def conditions(definitions: Definitions, now: str) -> list[tuple[str, str, str | None]]:
    """(slug, condition, boundary) of each audience, by slug.

    Raises:
        BadConfiguration: a filter names a field that is not there, or includes itself.
    """
    scope = scope_of(definitions, now)
    found = []
    for audience in sorted(definitions.audiences, key=lambda one: one.slug):
        condition = parse_filter(audience.filter).condition
        try:
            found.append((audience.slug, condition_sql(condition, scope), boundary_sql(condition, scope)))
        except ValueError as error:
            raise BadConfiguration(
                f"The audience {audience.slug} cannot be used", why=str(error), fix="Edit the audience"
            ) from error
    return found


def evaluate(
    connection: duckdb.DuckDBPyConnection,
    spec: BuildSpec,
    candidates: str,
    scratch: Path,
    targets: dict[str, Path],
    sizes: dict[str, int],
) -> Evaluated:
    """Does the step.

    Args:
        connection: with the view memberships of the head; an empty one without a head.
        candidates: SQL of the rows of profiles to look at, with `_due`, the boundary that has come, or NULL.
        scratch: what `identify` left.
        targets: the files to write, of memberships, transitions and sizes.
        sizes: of the audiences before.
    """
    run = connection.execute
    now = f"TIMESTAMPTZ {literal(spec.as_of)}"
    rules = conditions(spec.defined(), now)
    slugs = [slug for slug, _, _ in rules]
    flags = ", ".join(f"CASE WHEN {condition} THEN {literal(slug)} END" for slug, condition, _ in rules)
    moments = [boundary for _, _, boundary in rules if boundary is not None]
    run(
        f"CREATE OR REPLACE TEMP TABLE evaluated AS SELECT _id, coalesce(_due, {now}) AS moment,"
        f" list_filter([{flags}] :: VARCHAR[], lambda x: x IS NOT NULL) AS _segments,"
        f" {_least(moments)} AS _boundary FROM ({candidates})"
    )
    there = "list_filter(_segments, lambda x: x IN ({}))".format(", ".join(map(literal, slugs)) or "NULL")
    gone = literal(str(scratch / "gone.parquet"))
    run(f"CREATE OR REPLACE TEMP VIEW prior AS SELECT _id, {there} AS _segments FROM memberships")
    run(
        "CREATE OR REPLACE TEMP TABLE joined AS SELECT g._id, g.survivor, p._segments"
        f" FROM {gone} g JOIN prior p ON p._id = g._id"
    )
    run(
        "CREATE OR REPLACE TEMP TABLE moved AS SELECT e._id, e.moment, e._segments AS now_in,"
        " coalesce(p._segments, []) AS was_in, coalesce(j.others, []) AS others"
        " FROM evaluated e LEFT JOIN prior p ON p._id = e._id"
        " LEFT JOIN (SELECT survivor, flatten(list(_segments)) AS others FROM joined GROUP BY survivor) j"
        " ON j.survivor = e._id"
        " WHERE e._segments IS DISTINCT FROM coalesce(p._segments, []) OR j.others IS NOT NULL"
    )
    _transitions(connection, spec, now, targets["transitions"])
    written = {"memberships": _memberships(connection, spec, targets["memberships"])}
    written["transitions"] = _count(connection, "SELECT count(*) FROM crossed")
    after = _sizes(connection, spec, slugs, sizes)
    changed = {slug: size for slug, size in after.items() if sizes.get(slug) != size}
    rows = ", ".join(f"({literal(slug)}, {size})" for slug, size in changed.items()) or "(NULL, NULL)"
    written["sizes"] = _count(
        connection,
        f'COPY (SELECT audience :: VARCHAR AS audience, {now} AS "at", size :: BIGINT AS size,'
        f" {spec.number} :: BIGINT AS build FROM (VALUES {rows}) t(audience, size) WHERE audience IS NOT NULL)"
        f" TO {literal(str(targets['sizes']))} ({PARQUET})",
    )
    return Evaluated(
        written=written,
        sizes=after,
        entered=_count(connection, "SELECT count(*) FROM crossed WHERE enter"),
        left=_count(connection, "SELECT count(*) FROM crossed WHERE NOT enter"),
        boundary=_boundary(connection, spec),
    )


def _least(moments: list[str]) -> str:
    if len(moments) < 2:
        return moments[0] if moments else "NULL :: TIMESTAMPTZ"
    return f"least({', '.join(moments)})"


def _transitions(connection: duckdb.DuckDBPyConnection, spec: BuildSpec, now: str, target: Path) -> None:
    """crossed: audience, profile, enter, moment; and its file."""
    came = "list_filter(now_in, lambda x: NOT list_contains(was_in, x) AND NOT list_contains(others, x))"
    went = "list_filter({0}, lambda x: NOT list_contains({1}, x))"
    rows = [
        f"SELECT unnest({came}) AS audience, _id AS profile, true AS enter, moment FROM moved",
        f"SELECT unnest({went.format('was_in', 'now_in')}), _id, false, moment FROM moved",
        f"SELECT unnest({went.format('j._segments', 'e._segments')}), j._id, false, e.moment"
        " FROM joined j JOIN evaluated e ON e._id = j.survivor",
    ]
    if spec.everyone:
        rows.append(
            f"SELECT unnest(_segments), _id, false, {now} FROM prior p ANTI JOIN evaluated e ON e._id = p._id"
            " ANTI JOIN joined j ON j._id = p._id"
        )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE crossed AS {' UNION ALL '.join(rows)}")
    backfill = ", ".join(map(literal, spec.backfill)) or "NULL"
    connection.execute(
        'COPY (SELECT audience, profile, enter, moment AS "at",'
        f" enter AND coalesce(audience IN ({backfill}), false) AS backfill,"
        f" {spec.number} :: BIGINT AS build, row_number() OVER (ORDER BY moment, profile, audience, enter) AS seq"
        f" FROM crossed ORDER BY seq) TO {literal(str(target))} ({PARQUET})"
    )


def _memberships(connection: duckdb.DuckDBPyConnection, spec: BuildSpec, target: Path) -> int:
    own = f"{spec.number} :: BIGINT AS _build"
    rows = f"SELECT _id, _segments, _boundary, {own}, false AS _gone FROM evaluated"
    if spec.everyone or spec.anew:
        if not spec.everyone:
            rows += f" UNION ALL SELECT _id, _segments, _boundary, {own}, false FROM ({_UNSEEN})"
        rows = f"FROM ({rows}) WHERE len(_segments) > 0 OR _boundary IS NOT NULL"
    else:
        rows += f" UNION ALL SELECT _id, [], NULL, {own}, true FROM joined"
    return _count(connection, f"COPY ({rows}) TO {literal(str(target))} ({PARQUET})")


# Memberships that stay as they are.
_UNSEEN = "FROM memberships m ANTI JOIN evaluated e ON e._id = m._id ANTI JOIN joined j ON j._id = m._id"


def _sizes(
    connection: duckdb.DuckDBPyConnection, spec: BuildSpec, slugs: list[str], before: dict[str, int]
) -> dict[str, int]:
    if spec.everyone:
        counted, start = "SELECT unnest(_segments) AS slug, 1 AS n FROM evaluated", dict.fromkeys(slugs, 0)
    else:
        counted = "SELECT unnest({0}) AS slug, {1} AS n FROM moved"
        counted = " UNION ALL ".join(counted.format(*pair) for pair in (("now_in", 1), ("was_in", -1), ("others", -1)))
        start = {slug: before.get(slug, 0) for slug in slugs}
    for slug, n in connection.execute(f"SELECT slug, sum(n) FROM ({counted}) GROUP BY slug").fetchall():
        start[slug] += int(n)
    return start


def _boundary(connection: duckdb.DuckDBPyConnection, spec: BuildSpec) -> str | None:
    rows = "SELECT _boundary FROM evaluated"
    if not spec.everyone:
        rows += f" UNION ALL SELECT _boundary FROM ({_UNSEEN})"
    found = connection.execute(
        f"SELECT strftime(min(_boundary) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%f+00:00') FROM ({rows})"
    ).fetchone()
    return found[0] if found else None


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0
