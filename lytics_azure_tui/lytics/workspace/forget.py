"""Removes a person: from the streams' files, from the profiles and all that hangs on them, and from the disk.

What is to be done is written down first, in the workspace, and done from there: files are written without the person's
rows and take the place of those with them, table by table, and `profiles` last, with a head that knows of it. Cut off
anywhere, it is gone on with.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from lytics_azure_tui.lytics.duck import FILE_ROW_NUMBER, database, literal, read_parquet
from lytics_azure_tui.lytics.protocol import Forgotten, Identifier, StagedFile
from lytics_azure_tui.lytics.stream_file import write
from lytics_azure_tui.lytics.workspace.head import KEY, Current, Head, current
from lytics_azure_tui.lytics.workspace.mapped import places_of
from lytics_azure_tui.lytics.workspace.reader import Opened, Reader, layers_of
from lytics_azure_tui.lytics.workspace.streams import Streams
from lytics_azure_tui.lytics.workspace.tables import PARQUET, TABLES, Tables, Written, file_name
from lytics_azure_tui.model.mapping import StreamMapping

_MEMORY = 512 << 20

# The columns of each table by which a person's rows are told.
_PERSON = {"profiles": "_id", "identities": "_id", "memberships": "_id", "transitions": "profile"}


@dataclass(frozen=True, slots=True)
class _Task:
    """What is to be done, as JSON values.

    Attributes:
        token: makes names and commits of this task its own.
        at: when it was begun, RFC 3339, UTC.
        nodes: field:value of all the person's identifiers.
        ids: of the profile, and of those that became part of it.
        files: for each stream the files that hold events of the person, and what takes their place.
        events: how many there are, by stream.
        memberships: entries and exits.
        profiles: how many there are.
        left: audiences that the person is in.
    """

    token: str
    at: str
    nodes: list[str]
    ids: list[str]
    files: dict[str, dict[str, str]]
    events: dict[str, int]
    memberships: int
    profiles: int
    left: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Forgets persons."""

    streams: Streams
    tables: Tables

    def forget(self, identifier: Identifier) -> Forgotten:
        """See `lytics.protocol.Lytics`."""
        before = self.finish()
        node = f"{identifier.field}:{identifier.value}"
        if before is not None and node in before.nodes:
            return _told(before)
        task = self._task(node)
        if task is None:
            return Forgotten((), 0, {}, 0)
        partial = self._file.with_suffix(".new")
        partial.write_text(json.dumps(asdict(task)))
        _on_disk(partial)
        partial.replace(self._file)
        self._carry_out(task)
        return _told(task)

    def finish(self) -> _Task | None:
        """Goes on with what was cut off; None when nothing was."""
        try:
            task = _Task(**json.loads(self._file.read_text()))
        except FileNotFoundError:
            return None
        self._carry_out(task)
        return task

    @property
    def _file(self) -> Path:
        return self.tables.root / "forgetting.json"

    # What is to be done

    def _task(self, node: str) -> _Task | None:
        with Reader(self.tables).opened() as opened:
            if opened is None:
                return None
            field_name, _, value = node.partition(":")
            found = opened.ask("SELECT _id FROM identities WHERE field = ? AND value = ?", [field_name, value])
            ids = [str(row[0]) for row in found]
            nodes = {node}
            for row in opened.ask("SELECT _identifiers FROM profiles WHERE list_contains(?, _id)", [ids]):
                nodes.update(row[0])
            merged = opened.ask("SELECT _id FROM merges WHERE list_contains(?, survivor)", [ids])
            everyone = [*ids, *(str(row[0]) for row in merged)]
            crossed = opened.ask("SELECT count(*) FROM transitions WHERE list_contains(?, profile)", [everyone])
            left = opened.ask("SELECT unnest(_segments) FROM memberships WHERE list_contains(?, _id)", [ids])
            token = secrets.token_hex(8)
            files, events = self._files(opened, sorted(nodes), token)
        if not ids and not files:
            return None
        return _Task(
            token=token,
            at=datetime.now(UTC).isoformat(timespec="microseconds"),
            nodes=sorted(nodes),
            ids=everyone,
            files=files,
            events=events,
            memberships=int(crossed[0][0]),
            profiles=len(ids),
            left=[str(row[0]) for row in left],
        )

    def _files(
        self, opened: Opened, nodes: Sequence[str], token: str
    ) -> tuple[dict[str, dict[str, str]], dict[str, int]]:
        files, events = dict[str, dict[str, str]](), dict[str, int]()
        for mapping in opened.head.defined().mappings:
            found = self._places(opened.connection, mapping, self.streams.paths(mapping.stream), nodes)
            if found:
                names = {Path(path).name: f"{Path(path).stem}-{token}.parquet" for path in found}
                files[mapping.stream], events[mapping.stream] = names, sum(map(len, found.values()))
        return files, events

    def _places(
        self, connection: duckdb.DuckDBPyConnection, mapping: StreamMapping, paths: Sequence[str], nodes: Sequence[str]
    ) -> dict[str, list[int]]:
        """The rows of the person, by file."""
        found = dict[str, list[int]]()
        if paths and any(rule.identifier for rule in mapping.fields):
            columns = self.streams.columns(mapping.stream)
            query = places_of(mapping, columns, paths, nodes, whatever=True)
            for path, place in connection.execute(f"SELECT file, place FROM ({query})").fetchall():
                found.setdefault(path, []).append(place)
        return found

    # Doing it

    def _carry_out(self, task: _Task) -> None:
        now = current(self.tables)
        if now is None:
            self._file.unlink(missing_ok=True)
            return
        if task.token not in now.head.forgotten:
            with database(memory=_MEMORY, threads=os.cpu_count() or 1) as connection:
                for mapping in now.head.defined().mappings:
                    if mapping.stream in task.files:
                        self._streams_without(connection, mapping, task)
                self._tables_without(connection, now, task)
        # Also from files that nobody reads any more: those of the head before, and those that a build has left.
        latest = current(self.tables)
        if latest is not None:
            for table, files in layers_of(self.tables, latest).items():
                self.tables.sweep(table, (*files.base, *files.layers))
        self._file.unlink(missing_ok=True)

    def _streams_without(self, connection: duckdb.DuckDBPyConnection, mapping: StreamMapping, task: _Task) -> None:
        stream, names = mapping.stream, task.files[mapping.stream]
        folder = self.streams.staging(stream)
        live = {Path(path).name for path in self.streams.paths(stream)}
        if not live.isdisjoint(names):
            paths = [str(folder / name) for name in names]
            places = self._places(connection, mapping, paths, task.nodes)
            columns = self.streams.columns(stream)
            files = {
                name: _without(connection, folder / name, places[str(folder / name)], folder / new, columns)
                for name, new in names.items()
            }
            self.streams.replace(stream, task.token, files)
        for name in names:
            (folder / name).unlink(missing_ok=True)

    def _tables_without(self, connection: duckdb.DuckDBPyConnection, now: Current, task: _Task) -> None:
        head = self._head(now, task)
        files = layers_of(self.tables, now)
        ids = ", ".join(map(literal, task.ids)) or "NULL"
        conditions = {table: f"{column} IN ({ids})" for table, column in _PERSON.items()}
        conditions["merges"] = f"_id IN ({ids}) OR survivor IN ({ids})"
        versions = dict(head.versions)
        for table in (*TABLES[1:], TABLES[0]):
            if table == "sizes":
                versions[table] = self._sizes(connection, head, task, now)
                continue
            if table != "profiles":
                self.tables.restore(table, now.head.versions[table])
            folder = self.tables.folder(table)
            gone, written = [], []
            for path in map(Path, (*files[table].base, *files[table].layers)):
                rows = f"FROM {read_parquet([path])}"
                if not _count(connection, f"SELECT count(*) {rows} WHERE {conditions[table]}"):
                    continue
                name = f"{path.stem}-{task.token}.parquet"
                kept = f"{rows} WHERE NOT coalesce({conditions[table]}, false)"
                count = _count(connection, f"COPY ({kept}) TO {literal(str(folder / name))} ({PARQUET})")
                gone.append(path.name)
                written.append(Written(name, count))
            if table == "profiles":
                head = replace(head, versions=versions)
                self.tables.write(table, written, anew=False, metadata={KEY: head.dump()}, instead=gone)
            elif gone:
                versions[table] = self.tables.write(table, written, anew=False, instead=gone)
            else:
                versions[table] = self.tables.newest(table) or 0

    def _sizes(self, connection: duckdb.DuckDBPyConnection, head: Head, task: _Task, now: Current) -> int:
        self.tables.restore("sizes", now.head.versions["sizes"])
        name = file_name(head.build, task.token, "0")
        rows = ", ".join(f"({literal(slug)}, {head.sizes[slug]})" for slug in sorted(set(task.left)))
        if not rows:
            return self.tables.newest("sizes") or 0
        count = _count(
            connection,
            f'COPY (SELECT audience, TIMESTAMPTZ {literal(task.at)} AS "at", size :: BIGINT AS size,'
            f" {head.build} :: BIGINT AS build FROM (VALUES {rows}) t(audience, size))"
            f" TO {literal(str(self.tables.folder('sizes') / name))} ({PARQUET})",
        )
        return self.tables.write("sizes", [Written(name, count)], anew=False)

    def _head(self, now: Current, task: _Task) -> Head:
        head = now.head
        with Reader(self.tables).opened() as opened:
            assert opened is not None  # noqa: S101 -- there is a head
            row = _person(opened, task.ids)
        sizes = {slug: size - task.left.count(slug) for slug, size in head.sizes.items()}
        replaced = {stream: list(names) for stream, names in head.replaced.items()}
        for stream, names in task.files.items():
            version = head.streams.get(stream)
            known = set() if version is None else set(self.streams.files_since(stream, None, version))
            known |= set(replaced.get(stream, ()))
            replaced[stream] = [
                *(name for name in replaced.get(stream, ()) if name not in names),
                *(new for old, new in names.items() if old in known),
            ]
        return replace(
            head,
            build=head.build + 1,
            profiles=head.profiles - task.profiles,
            conflicts=head.conflicts - sum(one["_conflicts"] > 0 for one in row),
            filled={name: n - sum(one.get(name) is not None for one in row) for name, n in head.filled.items()},
            sizes=sizes,
            replaced=replaced,
            forgotten=[task.token],
        )


def _person(opened: Opened, ids: Sequence[str]) -> list[dict[str, Any]]:
    rows = opened.ask("FROM profiles WHERE list_contains(?, _id)", [list(ids)])
    names = [column[0] for column in opened.connection.description or ()]
    return [dict(zip(names, row, strict=True)) for row in rows]


def _without(
    connection: duckdb.DuckDBPyConnection, path: Path, places: Iterable[int], target: Path, columns: Sequence[str]
) -> StagedFile | None:
    """Writes a file without some of its rows; None when none is left."""
    there = {row[0] for row in connection.execute(f"DESCRIBE FROM {read_parquet([path])}").fetchall()}
    rows = read_parquet([path], FILE_ROW_NUMBER)
    numbers = ", ".join(map(str, sorted(places)))
    select = f"SELECT * EXCLUDE (file_row_number) FROM {rows} WHERE file_row_number NOT IN ({numbers})"
    return write(connection, select, target, [name for name in columns if name in there])


def _told(task: _Task) -> Forgotten:
    pairs = (node.partition(":") for node in task.nodes)
    identifiers = tuple(Identifier(name, value) for name, _, value in pairs)
    return Forgotten(identifiers, task.profiles, task.events, task.memberships)


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _on_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
