"""What was last known of an account's audiences: the tables of `workspace.tables`, so that exports read them alike.

Each scan is a build: all rows of profiles and memberships are written anew, and who came and who left since the scan
before is added to transitions, at the time of the scan. One commit of `profiles` shows all of it, as in the workspace;
a scan that is cut off leaves no trace. Whoever is in no audience any more is kept for a while, as exports may have to
tell of it, and then removed.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.lytics.duck import database, literal, path_literal, quoted
from lytics_azure_tui.lytics.language.kinds import converted
from lytics_azure_tui.lytics.language.scope import Typed, sql_type
from lytics_azure_tui.lytics.workspace.head import KEY, Current, Head, current
from lytics_azure_tui.lytics.workspace.reader import layers_of, parquet, view
from lytics_azure_tui.lytics.workspace.tables import PARQUET, TABLES, Tables, Written, file_name
from lytics_azure_tui.model.mapping import Definitions
from lytics_azure_tui.model.user_field import FieldKind, UserField

KEPT_DAYS = 90
"""So long whoever has left every audience is kept."""

_MANY_FILES = 50
"""Of a table that only grows: then they become one."""

_ID = UserField("_id", FieldKind.STRING, help="Lytics' own id of the profile.")
_AUDIENCES = UserField("_segments", FieldKind.STRINGS, help="Of the audiences that jobs export, those that it is in.")
_SHAPES = {"list": FieldKind.STRINGS, "map": FieldKind.MAP_STRING, "one": FieldKind.STRING}


@dataclass(frozen=True, slots=True)
class Scanned:
    """Members of audiences, in files as `Scan.read` writes them.

    Attributes:
        files: by slug.
        sizes: by slug; where no more than some members were read, it is more than those.
        fields: of the profiles.
    """

    files: Mapping[str, Path]
    sizes: Mapping[str, int]
    fields: Sequence[UserField]


@dataclass(frozen=True, slots=True)
class Lake:
    """The tables in a folder."""

    tables: Tables

    def require_account(self, account: str) -> None:
        """Remembers whose audiences are here.

        Raises:
            BadConfiguration: they are another account's: all of those would count as having left.
        """
        marker = self.tables.root / "account"
        known = marker.read_text() if marker.exists() else ""
        if account and known and account != known:
            raise BadConfiguration(
                "The audiences that were scanned before are another account's",
                why="The API token, or url under [lytics] in settings.toml, was changed",
                fix=f"Delete {self.tables.root}, and make exports as new jobs",
            )
        if account and not known:
            self.tables.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            marker.write_text(account)

    def take(self, scanned: Scanned, run_id: str, scratch: Path, check: Callable[[], None], *, memory: int) -> Head:
        """Makes a scan the newest state.

        Args:
            run_id: for the names of files.
            scratch: for what does not fit into memory.
            check: called while another scan is waited for.
            memory: bytes that the engine may use.
        """
        self.tables.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (
            _alone(self.tables.root / "lake.lock", check),
            database(memory=memory, spill=scratch / "spill") as connection,
        ):
            found = current(self.tables)
            before = found.head if found else None
            as_of = max(datetime.now(UTC), before.moment) if before else datetime.now(UTC)
            build = before.build + 1 if before else 1
            fields = [_ID, *scanned.fields, _AUDIENCES]
            head = Head(
                build=build,
                as_of=as_of.isoformat(timespec="microseconds"),
                versions=dict(before.versions) if before else {},
                bases=dict(before.bases) if before else {},
                streams={},
                definitions=Definitions().dump(),
                sizes={**(before.sizes if before else {}), **scanned.sizes},
                fields=[(one.name, one.kind.value, one.identifier, one.help) for one in fields],
            )
            _views(connection, self.tables, found, scanned, scratch)
            _compare(connection, head, scanned)
            return self._commit(connection, head, found, scanned, run_id)

    def _commit(
        self,
        connection: duckdb.DuckDBPyConnection,
        head: Head,
        found: Current | None,
        scanned: Scanned,
        run_id: str,
    ) -> Head:
        queries = _queries(head, found.head if found else None, scanned)
        for table in (*TABLES[1:], TABLES[0]):
            before = found.head.versions.get(table) if found and table != "profiles" else None
            if table == "merges" and before is not None:
                continue
            if table != "profiles":
                self.tables.restore(table, before)
            grows = table in ("transitions", "sizes") and before is not None
            query, anew = queries[table], not grows
            if grows and before is not None and len(self.tables.files(table, before)) >= _MANY_FILES:
                query, anew = f"{query} UNION ALL BY NAME FROM {table}", True
            name = file_name(head.build, run_id, "0")
            folder = self.tables.folder(table)
            folder.mkdir(parents=True, exist_ok=True)
            answer = connection.execute(f"COPY ({query}) TO {literal(str(folder / name))} ({PARQUET})").fetchone()
            written = Written(name, int(answer[0]) if answer else 0)
            if table == "profiles":
                head = replace(head, profiles=written.rows, bases={**head.bases, table: head.build})
                self.tables.write(table, [written], anew=True, metadata={KEY: head.dump()})
                break
            head.versions[table] = self.tables.write(table, [written], anew=anew)
            if anew:
                head.bases[table] = head.build
        self._sweep(found, head)
        return head

    def _sweep(self, found: Current | None, head: Head) -> None:
        """Removes files that neither this head nor the one before it, from which someone may still read, shows."""
        now = current(self.tables)
        if now is None:
            return
        for table in TABLES:
            heads = [now, *([found] if found else [])]
            versions = [one.version if table == "profiles" else one.head.versions[table] for one in heads]
            self.tables.sweep(table, [path for version in versions for path in self.tables.files(table, version)])


@contextmanager
def _alone(path: Path, check: Callable[[], None]) -> Iterator[None]:
    """Held while a scan is taken in; the system takes it back when its holder dies."""
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                check()
                time.sleep(0.1)
        yield


def _views(
    connection: duckdb.DuckDBPyConnection, tables: Tables, found: Current | None, scanned: Scanned, scratch: Path
) -> None:
    """profiles, memberships, transitions, sizes as they were; members (n, audience, _id); people, typed, one a row."""
    run = connection.execute
    if found is not None:
        view(connection, layers_of(tables, found))
    else:
        run("CREATE TEMP VIEW memberships AS SELECT NULL :: VARCHAR AS _id, [] :: VARCHAR[] AS _segments WHERE false")
        run("CREATE TEMP VIEW profiles AS SELECT NULL :: VARCHAR AS _id, [] :: VARCHAR[] AS _identifiers WHERE false")
        run("CREATE TEMP VIEW transitions AS SELECT '' AS profile, false AS enter, now() AS \"at\" WHERE false")
    shapes = {one.name: _shape(one.kind) for one in scanned.fields}
    struct = ", ".join(f"{quoted(name)} {sql_type(kind)}" for name, kind in shapes.items())
    columns = {"_id": "VARCHAR", "named": "VARCHAR[]", **({"who": f"STRUCT({struct})"} if struct else {})}
    told = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in columns.items())
    typed = "".join(
        f", {converted(Typed(f'who.{quoted(one.name)}', shapes[one.name]), one.kind).sql} AS {quoted(one.name)}"
        for one in scanned.fields
    )
    parts = list[str]()
    for number, (slug, file) in enumerate(scanned.files.items()):
        target = scratch / f"members-{number}.parquet"
        run(
            f"COPY (SELECT {literal(slug)} AS _audience, row_number() OVER () + {number} * 1000000000000 AS _n, _id,"
            f" named AS _identifiers{typed} FROM read_json({path_literal(file)},"
            " hive_partitioning = false, format = 'newline_delimited',"
            f" maximum_object_size = 67108864, columns = {{{told}}})) TO {literal(str(target))} ({PARQUET})"
        )
        parts.append(str(target))
    run(f"CREATE TEMP VIEW members AS FROM {parquet(parts)}")
    # Somebody may be in several audiences, or on two pages of one: the last counts.
    run("CREATE TEMP TABLE latest AS SELECT _id, max(_n) AS _n FROM members GROUP BY _id")
    run(
        "CREATE TEMP VIEW people AS SELECT m.* EXCLUDE (_audience, _n) FROM members m SEMI JOIN latest l ON l._n = m._n"
    )


def _shape(kind: FieldKind) -> FieldKind:
    """How a value of a kind stands in the lines of a scan, where all is text."""
    return _SHAPES["list" if kind.is_list else "map" if kind.is_map else "one"]


def _compare(connection: duckdb.DuckDBPyConnection, head: Head, scanned: Scanned) -> None:
    """after (_id, _segments), crossed (audience, profile, enter), everyone (all profiles): the scan and what was."""
    run = connection.execute
    slugs = ", ".join(map(literal, scanned.files))
    run(
        "CREATE TEMP TABLE moved AS SELECT coalesce(n._id, m._id) AS _id,"
        f" list_filter(coalesce(m._segments, []), lambda x: x NOT IN ({slugs})) AS kept,"
        f" list_filter(coalesce(m._segments, []), lambda x: x IN ({slugs})) AS was_in,"
        " coalesce(n.now_in, []) AS now_in FROM memberships m FULL JOIN"
        " (SELECT _id, list(DISTINCT _audience) AS now_in FROM members GROUP BY _id) n ON n._id = m._id"
    )
    run("CREATE TEMP VIEW after AS SELECT _id, list_sort(list_concat(kept, now_in)) AS _segments FROM moved")
    differ = "unnest(list_filter({0}, lambda x: NOT list_contains({1}, x)))"
    run(
        f"CREATE TEMP VIEW crossed AS SELECT {differ.format('now_in', 'was_in')} AS audience, _id AS profile,"
        f" true AS enter FROM moved UNION ALL SELECT {differ.format('was_in', 'now_in')}, _id, false FROM moved"
    )
    there = {str(row[0]): str(row[1]) for row in run("DESCRIBE profiles").fetchall()}
    before = "".join(f", {_as_it_was(one, there)} AS {quoted(one.name)}" for one in scanned.fields)
    run(
        "CREATE TEMP VIEW everyone AS FROM people UNION ALL BY NAME"
        f" SELECT p._id, p._identifiers{before} FROM profiles p ANTI JOIN latest l ON l._id = p._id WHERE p._id IN ("
        "SELECT _id FROM after WHERE len(_segments) > 0 UNION ALL SELECT profile FROM crossed"
        f' UNION ALL SELECT profile FROM transitions WHERE NOT enter AND "at" > TIMESTAMPTZ {literal(head.as_of)}'
        f" - INTERVAL {KEPT_DAYS} DAY)"
    )


def _as_it_was(field: UserField, there: Mapping[str, str]) -> str:
    """SQL of a field of those who were not scanned; the schema may have changed since."""
    kind = sql_type(field.kind)
    return f"TRY_CAST(p.{quoted(field.name)} AS {kind})" if field.name in there else f"CAST(NULL AS {kind})"


def _queries(head: Head, before: Head | None, scanned: Scanned) -> dict[str, str]:
    """SQL of the rows that go into each table, in the order of ids where there is one: ranges of it are read apart."""
    at, build = f"TIMESTAMPTZ {literal(head.as_of)}", f"{head.build} :: BIGINT"
    known = before.sizes if before else {}
    first = ", ".join(literal(slug) for slug in scanned.sizes if slug not in known) or "NULL"
    changed = {slug: size for slug, size in scanned.sizes.items() if known.get(slug) != size}
    sizes = ", ".join(f"({literal(slug)}, {size})" for slug, size in changed.items()) or "(NULL, NULL)"
    return {
        "profiles": f"SELECT *, 0 AS _conflicts, {build} AS _build, false AS _gone FROM everyone ORDER BY _id",
        "identities": "SELECT DISTINCT split_part(node, ':', 1) AS field, node[strpos(node, ':') + 1:] AS value, _id"
        " FROM (SELECT unnest(_identifiers) AS node, _id FROM everyone)",
        "merges": "SELECT NULL :: VARCHAR AS _id, NULL :: VARCHAR AS survivor, 0 :: BIGINT AS _build, false AS _gone"
        " WHERE false",
        "memberships": f"SELECT _id, _segments, NULL :: TIMESTAMPTZ AS _boundary, {build} AS _build, false AS _gone"
        " FROM after WHERE len(_segments) > 0 ORDER BY _id",
        "transitions": f'SELECT audience, profile, enter, {at} AS "at",'
        f" enter AND coalesce(audience IN ({first}), false) AS backfill, {build} AS build,"
        " row_number() OVER (ORDER BY profile, audience, enter) AS seq FROM crossed",
        "sizes": f'SELECT audience :: VARCHAR AS audience, {at} AS "at", size :: BIGINT AS size, {build} AS build'
        f" FROM (VALUES {sizes}) t(audience, size) WHERE audience IS NOT NULL",
    }
