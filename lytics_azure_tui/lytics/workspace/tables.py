"""The Delta tables of the embedded Lytics' profiles, and how files of theirs become visible.

    profiles     a row for each version of a profile; its newest counts
    identities   field, value, _id: whose an identifier is; the profile may have become part of another since
    merges       _id, survivor: profiles that became part of another; the newest row of an _id counts
    memberships  _id, _segments, _boundary: the audiences of a profile, and when that may change by time alone
    transitions  audience, profile, enter, at …: who came into an audience and who left it
    sizes        audience, at, size

A build writes layers: files with the new versions of the rows that it changed. From time to time it writes all rows
anew; that is the base, on which later layers lie. The tables become visible together: readers look at the versions that
the newest commit of `profiles` names (see `head`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Schema, Transaction
from deltalake.schema import ArrayType, Field, MapType, PrimitiveType, StructType
from deltalake.transaction import AddAction, RemoveAction

from lytics_azure_tui.lytics.duck import read_parquet

TABLES = ("profiles", "identities", "merges", "memberships", "transitions", "sizes")

# Read again by every build: a third larger than by zstd, and a fifth quicker.
PARQUET = "FORMAT parquet, PARQUET_VERSION V2, COMPRESSION lz4"

_TYPES = {
    "varchar": "string",
    "bigint": "long",
    "integer": "integer",
    "double": "double",
    "boolean": "boolean",
    "timestamp with time zone": "timestamp",
}

DeltaType = PrimitiveType | ArrayType | MapType | StructType


@dataclass(frozen=True, slots=True)
class Written:
    """A file that lies ready for a table and that nobody sees yet."""

    name: str
    rows: int


def file_name(build: int, run_id: str, part: str) -> str:
    """Files say by their names which build wrote them."""
    return f"{build:08d}-{run_id}-{part}.parquet"


def build_of(path: str) -> int:
    """The build that wrote a file."""
    return int(Path(path).name[:8])


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables in a folder."""

    root: Path

    def folder(self, table: str) -> Path:
        return self.root / table

    def open(self, table: str, version: int | None = None) -> DeltaTable | None:
        """A table as it is, or was; None when it is not there."""
        folder = str(self.folder(table))
        return DeltaTable(folder, version=version) if DeltaTable.is_deltatable(folder) else None

    def files(self, table: str, version: int) -> list[str]:
        """Paths of a version's files, in order."""
        # Not by `file_uris`: those are encoded as URLs.
        return sorted(str(self.folder(table) / path) for path in self.rows(table, version))

    def rows(self, table: str, version: int) -> dict[str, int]:
        """How many rows each file of a version has, by path."""
        opened = self.open(table, version)
        if opened is None:
            return {}
        actions = opened.get_add_actions(flatten=True)
        paths, counts = (actions.column(name).to_pylist() for name in ("path", "num_records"))
        return dict(zip(paths, counts, strict=True))

    def newest(self, table: str) -> int | None:
        """The newest version; None when the table is not there."""
        opened = self.open(table)
        return None if opened is None else opened.version()

    def commit(self, table: str, version: int) -> dict[str, Any]:
        """What a commit says of itself. Not by `history`, which finds nothing in folders with some characters."""
        path = self.folder(table) / "_delta_log" / f"{version:020}.json"
        with path.open(encoding="utf-8") as log:
            return next((entry["commitInfo"] for line in log if "commitInfo" in (entry := json.loads(line))), {})

    def write(
        self,
        table: str,
        files: Sequence[Written],
        *,
        anew: bool,
        metadata: Mapping[str, str] | None = None,
        transaction: str | None = None,
        instead: Sequence[str] = (),
    ) -> int:
        """Makes files part of a table.

        Args:
            anew: nothing else is left in it.
            instead: names of files that are no part of it any more.
            transaction: a run's id, by which the commit is known.

        Returns:
            The version that shows them.
        """
        folder = self.folder(table)
        opened = self.open(table)
        if opened is None:
            schema = delta_schema(folder / files[0].name)
            opened = DeltaTable.create(str(folder), schema=schema, mode="ignore", name=table)
        schema = delta_schema(folder / files[0].name) if anew and files else opened.schema()
        now = int(datetime.now(UTC).timestamp() * 1000)
        for file in files:
            _sync(folder / file.name)
        removed = [RemoveAction(name, True, now, (folder / name).stat().st_size, {}) for name in instead]
        opened.create_write_transaction(
            [*removed, *(_add(folder, file, now) for file in files)],
            mode="overwrite" if anew else "append",
            schema=schema,
            commit_properties=CommitProperties(
                custom_metadata=dict(metadata or {}),
                app_transactions=[Transaction(transaction, 1)] if transaction else [],
            ),
            post_commithook_properties=PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False),
        )
        opened.update_incremental()
        version = int(opened.version())
        for path in (*sorted((folder / "_delta_log").glob("*.json"))[-2:], folder / "_delta_log", folder):
            _sync(path)
        return version

    def restore(self, table: str, version: int | None) -> None:
        """Takes back what was committed to a table after a version; None was before it had any files."""
        opened = self.open(table)
        if opened is None or opened.version() == version:
            return
        if version is None:
            self.write(table, [], anew=True)
        elif self.files(table, opened.version()) != self.files(table, version):
            opened.restore(version)

    def sweep(self, table: str, keep: Iterable[str]) -> None:
        """Removes files that are not of this kind any more; `keep` are paths."""
        wanted = {Path(path).name for path in keep}
        for path in self.folder(table).glob("*.parquet"):
            if path.name not in wanted:
                path.unlink(missing_ok=True)


def delta_schema(path: Path) -> Schema:
    """The Delta schema of a Parquet file."""
    with duckdb.connect() as connection:
        relation = connection.sql(f"FROM {read_parquet([path])}")
        pairs = zip(relation.columns, relation.types, strict=True)
        return Schema([Field(name, _delta_type(kind)) for name, kind in pairs])


def _delta_type(kind: Any) -> DeltaType:
    # Of DuckDB's type of a type, whose children are of several.
    if kind.id == "list":
        return ArrayType(_delta_type(kind.children[0][1]), contains_null=True)
    if kind.id == "map":
        (_, key), (_, value) = kind.children
        return MapType(_delta_type(key), _delta_type(value), value_contains_null=True)
    if kind.id == "struct":
        return StructType([Field(name, _delta_type(child)) for name, child in kind.children])
    if kind.id == "decimal":
        (_, width), (_, scale) = kind.children
        return PrimitiveType(f"decimal({width},{scale})")
    return PrimitiveType(_TYPES[kind.id])


def _add(folder: Path, file: Written, now: int) -> AddAction:
    size = (folder / file.name).stat().st_size
    # No least and greatest values: they would be people's data in a log that keeps them.
    return AddAction(file.name, size, {}, now, True, json.dumps({"numRecords": file.rows}))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
