"""Builds of profiles: what there is to do, the steps that do it, and the one commit that shows it.

    identify → assemble, bucket by bucket → evaluate → commit

The steps write files that no table lists yet; done again, they write over the same names. The commit takes the tables
one after the other and `profiles` last, whose metadata says which versions belong together. What a build that died in
between has committed to the others is taken back by the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from lytics_azure_tui.errors import BadConfiguration, StartOver
from lytics_azure_tui.lytics.duck import database, literal, read_parquet
from lytics_azure_tui.lytics.workspace import assemble as assembling
from lytics_azure_tui.lytics.workspace import identify as identifying
from lytics_azure_tui.lytics.workspace import memberships
from lytics_azure_tui.lytics.workspace.forget import Forgetting
from lytics_azure_tui.lytics.workspace.head import KEY, Current, Head, chosen_alike, current, mapped_alike
from lytics_azure_tui.lytics.workspace.mapped import mapped, nothing_mapped
from lytics_azure_tui.lytics.workspace.merging import Field, fields_of
from lytics_azure_tui.lytics.workspace.reader import Layers, layers_of, newest_rows, parquet, view
from lytics_azure_tui.lytics.workspace.scores import day_of, midnight
from lytics_azure_tui.lytics.workspace.spec import MOST_BUCKETS, BuildSpec
from lytics_azure_tui.lytics.workspace.streams import Streams
from lytics_azure_tui.lytics.workspace.tables import PARQUET, TABLES, Tables, Written, build_of
from lytics_azure_tui.model.mapping import Definitions, disagreements

LAYERED = 0.25
"""The share of rows in layers above which all rows are written anew."""

MOST_LAYERS = 100
"""Files on the base above which the same happens."""

_ROW_BYTES, _FIELD_BYTES, _TIMES = 1_500, 320, 3
"""Of memory that an event, or a row of a profile, takes while a bucket is made, about: by itself, for each field, and
so many times its values."""

_HELD_BYTES = 32
"""Of a field of an event while it is gathered, beside its value."""

_VECTOR, _FLUSHED = 2_048, 524_288
"""Rows that DuckDB gathers at least, and by default."""

_SAMPLED_FILES = 20

_FEW_ROWS = 20_000

_LOGS = ("transitions", "sizes")
"""Tables that only grow; now and then their many files become one."""

_FEW_FILES = 10
_LITTLE_MEMORY = 256 << 20


@dataclass(frozen=True, slots=True)
class Builds:
    """Makes profiles of streams.

    Attributes:
        streams: whose events.
        tables: of the profiles.
    """

    streams: Streams
    tables: Tables

    def plan(
        self, definitions: Definitions, run_id: str, started: datetime, *, memory: int, threads: int
    ) -> BuildSpec | None:
        """What a build would do; None when there is nothing to do. Finishes forgetting a person, if that was cut off.

        Args:
            started: the moment, UTC.
            memory: bytes that DuckDB may use.
            threads: so many buckets are made at once.

        Raises:
            BadConfiguration: the mappings contradict each other, or an expression cannot be used.
        """
        Forgetting(self.streams, self.tables).finish()
        found = current(self.tables)
        head = found.head if found else None
        _check(definitions)
        defined = head.defined() if head else Definitions()
        rebuild = head is None or not mapped_alike(defined, definitions)
        versions, files, columns, events = self._new(definitions, None if rebuild else head)
        if head is None and not files:
            return None
        redefined = not chosen_alike(defined, definitions)
        boundary = head.boundary if head else None
        due = boundary is not None and datetime.fromisoformat(boundary) <= started
        if not (rebuild or redefined or files or due):
            return None
        as_of = max(started, head.moment) if head else started
        another_day = head is not None and day_of(head.moment) != day_of(as_of)
        compact = found is not None and not rebuild and (another_day or self._layered(found))
        rows = events + (head.profiles if head and compact else 0)
        values = _value_bytes([path for paths in self._paths(files).values() for path in paths])
        fields = len(definitions.user_fields())
        buckets = _buckets(rows, _ROW_BYTES + fields * _FIELD_BYTES + values * _TIMES, memory // threads, threads)
        known = {audience.slug for audience in defined.audiences}
        return BuildSpec(
            run_id=run_id,
            number=head.build + 1 if head else 1,
            as_of=as_of.astimezone(UTC).isoformat(timespec="microseconds"),
            definitions=definitions.dump(),
            streams=versions,
            files=files,
            columns=columns,
            rebuild=rebuild,
            compact=compact,
            everyone=rebuild or redefined or (another_day and memberships.uses_scores(definitions.audiences)),
            buckets=buckets,
            **_gathering(buckets, values + fields * _HELD_BYTES, memory // threads),
            backfill=sorted({audience.slug for audience in definitions.audiences} - known),
        )

    def due(self, definitions: Definitions) -> datetime | None:
        """When a build is wanted: a moment that has passed for one that is wanted now, None for no such moment.

        Takes a few milliseconds: it looks at the streams' versions, and at their files only where those have changed.
        """
        found = current(self.tables)
        now = datetime.now(UTC)
        if found is None:
            return now if self._new(definitions, None)[1] else None
        head = found.head
        defined = head.defined()
        if not (mapped_alike(defined, definitions) and chosen_alike(defined, definitions)):
            return now
        if self._new(definitions, head)[1]:
            return now
        return datetime.fromisoformat(head.boundary) if head.boundary else None

    def behind(self, head: Head) -> int:
        """Events of mapped streams that are not in the profiles yet."""
        return self._new(head.defined(), head)[3]

    # The steps

    def identify(self, connection: duckdb.DuckDBPyConnection, spec: BuildSpec, scratch: Path) -> dict[str, Any]:
        """Finds out whose the new events are; the answer is for `commit`, as JSON values."""
        head = self._head_of(spec)
        known = head is not None
        if head is not None:
            view(connection, layers_of(self.tables, head, ("profiles", "merges", "identities")))
        fields = fields_of(spec.defined().mappings)
        connection.execute(f"CREATE OR REPLACE TEMP VIEW mapped AS {self._mapped(spec, fields)}")
        found = identifying.identify(connection, spec, "mapped", scratch, known)
        files = {}
        for table, write in (
            ("identities", identifying.write_identities),
            ("merges", identifying.write_merges),
        ):
            target = self._target(table, spec, "0")
            files[table] = [(target.name, write(connection, spec, scratch, target, known))]
        return {"files": files, **asdict(found)}

    def assemble(
        self, connection: duckdb.DuckDBPyConnection, spec: BuildSpec, scratch: Path, buckets: Sequence[int]
    ) -> dict[str, Any]:
        """Makes the profiles of some buckets."""
        head = self._head_of(spec)
        known = head is not None and not spec.rebuild
        if head is not None and known:
            view(connection, layers_of(self.tables, head, ("profiles",)))
        fields = fields_of(spec.defined().mappings)
        found = []
        for bucket in buckets:
            target = self._target("profiles", spec, f"{bucket:04d}")
            target.unlink(missing_ok=True)
            made = assembling.assemble(connection, spec, fields, bucket, scratch, target, known)
            files = [(target.name, made.rows)] if target.exists() else []
            found.append({"files": {"profiles": files}, **asdict(made)})
        return together(found)

    def evaluate(
        self, connection: duckdb.DuckDBPyConnection, spec: BuildSpec, scratch: Path, written: Sequence[str]
    ) -> dict[str, Any]:
        """Brings memberships up to date.

        Args:
            written: names of the files that `assemble` wrote.
        """
        head = self._head_of(spec)
        fresh = tuple(str(self.tables.folder("profiles") / name) for name in written)
        if head is None:
            connection.execute(f"CREATE OR REPLACE TEMP VIEW memberships AS {_NO_MEMBERSHIPS}")
            files = Layers(())
        else:
            there = layers_of(self.tables, head, ("profiles", "memberships"))
            view(connection, {"memberships": there["memberships"]})
            files = there["profiles"]
        files = Layers(fresh) if spec.anew else Layers(files.base, (*files.layers, *fresh))
        targets = {name: self._target(name, spec, "0") for name in ("memberships", "transitions", "sizes")}
        newest_rows(connection, "people", files)
        candidates = _candidates(spec, fresh, scratch)
        found = memberships.evaluate(connection, spec, candidates, scratch, targets, head.head.sizes if head else {})
        return {
            "files": {table: [(targets[table].name, rows)] for table, rows in found.written.items()},
            "sizes": found.sizes,
            "entered": found.entered,
            "left": found.left,
            "boundary": found.boundary,
        }

    def commit(self, spec: BuildSpec, results: Sequence[dict[str, Any]]) -> Head:
        """Makes a build visible, once."""
        opened = self.tables.open("profiles")
        found = current(self.tables)
        if found is not None and opened is not None and opened.transaction_version(spec.run_id) is not None:
            return found.head
        before = found.head if found else None
        if (before.build if before else 0) != spec.number - 1:
            raise StartOver("the profiles were built by another run in the meantime")
        head = self._head(spec, before, results)
        versions, bases = dict(before.versions if before else {}), dict(before.bases if before else {})
        for table in (*TABLES[1:], TABLES[0]):
            anew = before is None or _written_anew(spec, table)
            files = _files(results, table)
            if not anew:
                files = self._filled(table, files)
            if anew:
                bases[table] = spec.number
            if table == "profiles":
                head = replace(head, versions=versions, bases=bases)
                metadata, transaction = {KEY: head.dump()}, spec.run_id
                self.tables.write(table, files, anew=anew, metadata=metadata, transaction=transaction)
                break
            self.tables.restore(table, before.versions[table] if before else None)
            instead: list[str] = []
            if before is not None and spec.anew and table in _LOGS:
                files, instead = self._joined(spec, table, before, files)
            if anew or files:
                versions[table] = self.tables.write(table, files, anew=anew, instead=instead)
        self._sweep(found, head)
        return head

    def discard(self, run_id: str) -> None:
        """Removes files of a run that were never committed."""
        opened = self.tables.open("profiles")
        if opened is not None and opened.transaction_version(run_id) is not None:
            return
        for table in TABLES:
            for path in self.tables.folder(table).glob(f"*-{run_id}-*.parquet"):
                path.unlink(missing_ok=True)

    # What they are made of

    def _new(
        self, definitions: Definitions, head: Head | None
    ) -> tuple[dict[str, int], dict[str, list[str]], dict[str, list[str]], int]:
        """Of each mapped stream the version, the files that a head does not have, and the columns; how many events."""
        versions, files, columns, events = dict[str, int](), dict[str, list[str]](), dict[str, list[str]](), 0
        for mapping in definitions.mappings:
            stream = mapping.stream
            version = self.streams.version(stream)
            if version is None:
                continue
            versions[stream] = version
            before = None if head is None else head.streams.get(stream)
            if before == version:
                continue
            new = self.streams.files_since(stream, before, version)
            for path in () if head is None else head.replaced.get(stream, ()):
                new.pop(path, None)
            if new:
                files[stream] = sorted(new)
                columns[stream] = self.streams.columns(stream)
                events += sum(new.values())
        return versions, files, columns, events

    def _paths(self, files: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        return {stream: [str(self.streams.staging(stream) / name) for name in names] for stream, names in files.items()}

    def _mapped(self, spec: BuildSpec, fields: Sequence[Field]) -> str:
        rows = [nothing_mapped(fields)]
        paths = self._paths(spec.files)
        for mapping in spec.defined().mappings:
            if files := paths.get(mapping.stream):
                rows.append(mapped(mapping, spec.columns[mapping.stream], files, fields))
        return " UNION ALL BY NAME ".join(f"({each})" for each in rows)

    def _head_of(self, spec: BuildSpec) -> Current | None:
        """The head that a build goes on from."""
        found = current(self.tables)
        if (found.head.build if found else 0) != spec.number - 1:
            raise StartOver("the profiles were built by another run in the meantime")
        return found

    def _target(self, table: str, spec: BuildSpec, part: str) -> Path:
        folder = self.tables.folder(table)
        folder.mkdir(parents=True, exist_ok=True)
        return folder / spec.file(part)

    def _layered(self, found: Current) -> bool:
        rows = {True: 0, False: 0}
        layers = 0
        for path, count in self.tables.rows("profiles", found.version).items():
            above = build_of(path) > found.head.bases["profiles"]
            rows[above] += count
            layers += above
        return layers > MOST_LAYERS or rows[True] > LAYERED * max(rows[False], 1)

    def _head(self, spec: BuildSpec, before: Head | None, results: Sequence[dict[str, Any]]) -> Head:
        went_on = before is not None and not spec.rebuild
        merged = sum(result.get("merged", 0) for result in results)
        fresh, changed, conflicts = (
            sum(result.get(name, 0) for result in results) for name in ("fresh", "changed", "conflicts")
        )
        filled = added(result["filled"] for result in results if "filled" in result)
        last = results[-1]
        if before is not None and went_on:
            profiles = before.profiles + fresh - merged
            conflicts += before.conflicts
            filled = added([before.filled, filled])
        else:
            profiles = fresh + changed
        boundary = last["boundary"]
        if profiles and memberships.uses_scores(spec.defined().audiences):
            next_day = midnight(spec.moment).isoformat(timespec="microseconds")
            boundary = min(boundary, next_day) if boundary else next_day
        return Head(
            build=spec.number,
            as_of=spec.as_of,
            versions={},
            bases={},
            streams=spec.streams,
            definitions=spec.definitions,
            profiles=profiles,
            conflicts=conflicts,
            filled=filled,
            sizes=last["sizes"],
            boundary=boundary,
        )

    def _filled(self, table: str, files: Sequence[Written]) -> list[Written]:
        """The files that hold any rows; the others are removed."""
        for file in files:
            if not file.rows:
                (self.tables.folder(table) / file.name).unlink(missing_ok=True)
        return [file for file in files if file.rows]

    def _joined(
        self, spec: BuildSpec, table: str, before: Head, files: list[Written]
    ) -> tuple[list[Written], list[str]]:
        """One file of all that builds have written since the last time, and the names of those that it replaces."""
        older = [Path(path).name for path in self.tables.files(table, before.versions[table])]
        older = [name for name in older if build_of(name) > self._joined_at(table, older)]
        if len(older) < _FEW_FILES:
            return files, []
        folder = self.tables.folder(table)
        name = spec.file("joined")
        rows = parquet([str(folder / one) for one in (*older, *(file.name for file in files))])
        with database(memory=_LITTLE_MEMORY) as connection:
            written = connection.execute(f"COPY (FROM {rows}) TO {literal(str(folder / name))} ({PARQUET})").fetchone()
        return [Written(name, int(written[0]) if written else 0)], older

    def _joined_at(self, table: str, names: Sequence[str]) -> int:
        return max((build_of(name) for name in names if name.endswith("-joined.parquet")), default=0)

    def _sweep(self, found: Current | None, now: Head) -> None:
        """Removes files that neither a head nor the one before it, from which someone may still read, shows."""
        if found is None:
            return
        with suppress(OSError):
            for table, base in found.head.bases.items():
                if table in _LOGS:
                    continue
                for path in self.tables.folder(table).glob("*.parquet"):
                    if build_of(path.name) < min(base, now.bases[table]):
                        path.unlink(missing_ok=True)
            for table in _LOGS if now.bases["profiles"] == now.build else ():
                versions = (found.head.versions[table], now.versions[table])
                self.tables.sweep(table, [path for version in versions for path in self.tables.files(table, version)])


_NO_MEMBERSHIPS = (
    "SELECT NULL :: VARCHAR AS _id, NULL :: VARCHAR[] AS _segments, NULL :: TIMESTAMPTZ AS _boundary WHERE false"
)


def _check(definitions: Definitions) -> None:
    for stream, words in disagreements(definitions.mappings):
        raise BadConfiguration(f"The mapping of {stream} contradicts another: {words}", fix="Edit one of the mappings")
    names = dict[str, str]()
    for one in definitions.user_fields():
        other = names.setdefault(one.name.casefold(), one.name)
        if other != one.name:
            raise BadConfiguration(
                f"The user fields {other} and {one.name} differ in case only", fix="Give one of them another name"
            )
    memberships.conditions(definitions, "now()")


def _value_bytes(files: Sequence[str]) -> int:
    """Bytes of the values of an event: what they take in some of the files."""
    some = files[:: 1 + len(files) // _SAMPLED_FILES]
    if not some:
        return 0
    with database(memory=_LITTLE_MEMORY) as connection:
        found = connection.execute(
            "SELECT sum(total_uncompressed_size), sum(row_group_num_rows) FILTER (column_id = 0)"
            f" FROM parquet_metadata([{', '.join(map(literal, some))}])"
        ).fetchone()
    size, rows = found if found else (0, 0)
    return int(size or 0) // max(int(rows or 0), 1)


def _buckets(rows: int, row_bytes: int, memory: int, threads: int) -> int:
    """How many buckets: a power of two, so that each has its memory, and each thread has one if there are many rows."""
    wanted = max(rows * row_bytes // memory + 1, threads if rows > _FEW_ROWS else 1)
    return min(1 << (wanted - 1).bit_length(), MOST_BUCKETS)


def _gathering(buckets: int, row_bytes: int, memory: int) -> dict[str, int]:
    """How many rows of a bucket are gathered before they are written, and for how many buckets at the same time.

    DuckDB writes no fewer than a vector of rows; where those of all buckets are too much, it takes several turns.
    """
    row_bytes = max(row_bytes, 1)
    flushed = min(max(_VECTOR, memory // 2 // buckets // row_bytes), _FLUSHED)
    return {"flushed": flushed, "at_once": max(1, memory // 2 // (flushed * row_bytes))}


def _candidates(spec: BuildSpec, fresh: Sequence[str], scratch: Path) -> str:
    """SQL of the profiles whose memberships are looked at, with the boundary of those that nothing else happened to."""
    none = "NULL :: TIMESTAMPTZ AS _due"
    if spec.everyone:
        return f"SELECT *, {none} FROM people"
    touched = f"SELECT _id FROM {read_parquet([scratch / 'touched.parquet'])}"
    due = (
        f"SELECT p.*, m._boundary AS _due FROM people p JOIN memberships m USING (_id)"
        f" WHERE m._boundary <= TIMESTAMPTZ '{spec.as_of}' AND p._id NOT IN ({touched})"
    )
    if spec.anew:
        changed = f"SELECT *, {none} FROM people WHERE _id IN ({touched})"
    elif fresh:
        changed = f"SELECT *, {none} FROM {parquet(fresh)} WHERE NOT _gone"
    else:
        return due
    return f"{changed} UNION ALL BY NAME {due}"


def _written_anew(spec: BuildSpec, table: str) -> bool:
    if table == "memberships":
        return spec.anew or spec.everyone
    return spec.anew and table not in _LOGS


def _files(results: Sequence[dict[str, Any]], table: str) -> list[Written]:
    return [Written(*file) for result in results for file in result["files"].get(table, ())]


def together(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What `assemble` gave for several times, as one."""
    return {
        "files": {"profiles": [file for one in results for file in one["files"]["profiles"]]},
        **{name: sum(one[name] for one in results) for name in ("rows", "fresh", "changed", "conflicts")},
        **{name: added(one[name] for one in results) for name in ("filled", "unreadable")},
    }


def added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Counts by name, summed."""
    total = dict[str, int]()
    for each in counts:
        for name, count in each.items():
            total[name] = total.get(name, 0) + count
    return total
