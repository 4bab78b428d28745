"""Streams of the embedded Lytics: one append-only Delta table each, readable by every engine that reads Delta.

All columns of the source are text; five of our own follow them. A run's files lie in the table's folder unseen until
one commit of the log, which carries the run's id, names them all.

    _event_time   timestamp  when it happened
    _ingest_time  timestamp  when the run that brought it was started
    _run_id       string     that run
    _source       string     container/blob
    _row          long       the record's place in its file; the header is 0
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deltalake import CommitProperties, DeltaTable, Field, PostCommitHookProperties, Schema, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.schema import PrimitiveType
from deltalake.transaction import AddAction, RemoveAction

from lytics_azure_tui.errors import BadConfiguration, Fatal, RetryLater, StartOver
from lytics_azure_tui.lytics.columns import EVENT_TIME, INGEST_TIME, ROW, RUN_ID, SOURCE, SYSTEM_COLUMNS
from lytics_azure_tui.lytics.duck import UNION_BY_NAME, database, quoted, read_parquet
from lytics_azure_tui.lytics.protocol import (
    EventFiles,
    Preview,
    StagedFile,
    StreamField,
    StreamInfo,
    StreamMark,
    Volume,
)
from lytics_azure_tui.lytics.workspace.events import event_files

_TEXT = PrimitiveType("string")
_SYSTEM_TYPES = {
    EVENT_TIME: PrimitiveType("timestamp"),
    INGEST_TIME: PrimitiveType("timestamp"),
    RUN_ID: _TEXT,
    SOURCE: _TEXT,
    ROW: PrimitiveType("long"),
}
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


class Streams:
    """The streams in a folder.

    Args:
        root: its folder; made when the first stream is.
    """

    def __init__(self, root: Path) -> None:
        self._streams = root / "streams"

    def streams(self) -> list[StreamInfo]:
        if not self._streams.is_dir():
            return []
        names = sorted(entry.name for entry in self._streams.iterdir() if (entry / "_delta_log").is_dir())
        return [info for name in names if (info := self._info(name)) is not None]

    def columns(self, stream: str) -> list[str]:
        table = self._open(stream)
        return [] if table is None else [name for name in _names(table) if name not in SYSTEM_COLUMNS]

    def fields(self, stream: str) -> list[StreamField]:
        table = self._open(stream)
        if table is None:
            return []
        filled = dict.fromkeys(self.columns(stream), 0)
        known = True
        for file in _files(table):
            rows = file["num_records"]
            for name in filled:
                # A file from before the column came has no figure for it: none of its rows has a value there.
                nulls = file.get(f"null_count.{name}", rows)
                known = known and rows is not None
                filled[name] += 0 if rows is None or nulls is None else rows - nulls
        return [StreamField(name, count if known else None) for name, count in filled.items()]

    def preview(self, stream: str, limit: int = 50) -> Preview:
        table = self._open(stream)
        if table is None:
            return Preview((), ())
        names = [EVENT_TIME, *self.columns(stream), SOURCE, ROW]
        files = [str(self.staging(stream) / file["path"]) for file in _files(table)]
        if not files:
            return Preview(tuple(names), ())
        chosen = ", ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in names)
        with database(memory=256 << 20) as connection:
            rows = connection.execute(
                f"SELECT {chosen} FROM {read_parquet(files, UNION_BY_NAME)}"
                f" ORDER BY {EVENT_TIME} DESC, {INGEST_TIME} DESC, {ROW} DESC LIMIT $limit",
                {"limit": limit},
            ).fetchall()
        return Preview(tuple(names), tuple(rows))

    def events(self, stream: str, since: StreamMark | None = None) -> EventFiles | None:
        table = self._open(stream)
        if table is None:
            return None
        with _words(stream):
            return event_files(table, self.staging(stream), self.columns(stream), since)

    def volume(self, stream: str, days: int = 60) -> list[Volume]:
        files = self.paths(stream)
        if not files:
            return []
        counted = (
            f"SELECT CAST({EVENT_TIME} AS DATE) AS day, count(*) AS events FROM {read_parquet(files)}"
            f" WHERE {EVENT_TIME} IS NOT NULL GROUP BY day"
        )
        with database(memory=256 << 20) as connection:
            rows = connection.execute(
                f"WITH counted AS ({counted}), newest AS (SELECT max(day) AS last FROM counted)"
                " SELECT CAST(d AS DATE), coalesce(events, 0) FROM newest,"
                " unnest(generate_series(last - CAST($days - 1 AS INTEGER), last, INTERVAL 1 DAY)) t(d)"
                " LEFT JOIN counted ON day = CAST(d AS DATE) ORDER BY d",
                {"days": days},
            ).fetchall()
        return [Volume(day, events) for day, events in rows]

    def version(self, stream: str) -> int | None:
        """A stream's newest version; None when it is not there."""
        table = self._open(stream)
        return None if table is None else int(table.version())

    def files_since(self, stream: str, before: int | None, version: int) -> dict[str, int]:
        """The files that came to a stream, with their rows.

        Args:
            before: the version that is known; None for nothing. One that is yet to come is of a table that is gone.
            version: up to which.
        """
        if before is not None and before > version:
            before = None
        folder = str(self.staging(stream))
        with _words(stream):
            new = {file["path"]: file["num_records"] or 0 for file in _files(DeltaTable(folder, version=version))}
            old = () if before is None else {file["path"] for file in _files(DeltaTable(folder, version=before))}
        return {path: rows for path, rows in new.items() if path not in old}

    def paths(self, stream: str) -> list[str]:
        """The stream's files, with their folder."""
        table = self._open(stream)
        return [] if table is None else [str(self.staging(stream) / file["path"]) for file in _files(table)]

    def staging(self, stream: str) -> Path:
        if not _NAME.fullmatch(stream):
            raise BadConfiguration(
                f"{stream!r} cannot be the name of a stream",
                fix="Use letters, digits, _, - and dots; begin with a letter, a digit or _",
            )
        return self._streams / stream

    def commit(self, stream: str, run_id: str, columns: Sequence[str], files: Sequence[StagedFile]) -> bool:
        with _words(stream):
            table = self._open(stream) or self._create(stream, columns)
            if table.transaction_version(run_id) is not None:
                return False
            _widen(table, columns)
            now = int(datetime.now(UTC).timestamp() * 1000)
            table.create_write_transaction(
                [_add(file, now) for file in files],
                mode="append",
                schema=table.schema(),
                commit_properties=CommitProperties(
                    custom_metadata={"runId": run_id}, app_transactions=[Transaction(run_id, 1)]
                ),
                post_commithook_properties=PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False),
            )
            _sync(self.staging(stream))
        return True

    def replace(self, stream: str, run_id: str, files: Mapping[str, StagedFile | None]) -> None:
        """Puts files in the place of others, once; the others are gone from the disk after that.

        Args:
            files: by the path of the one that is replaced; None leaves nothing in its place.
        """
        table = self._open(stream)
        if table is None:
            return
        folder = self.staging(stream)
        with _words(stream):
            if table.transaction_version(run_id) is None:
                now = int(datetime.now(UTC).timestamp() * 1000)
                added = [_add(file, now) for file in files.values() if file is not None]
                removed = [RemoveAction(path, True, now, (folder / path).stat().st_size, {}) for path in files]
                table.create_write_transaction(
                    [*removed, *added],
                    mode="append",
                    schema=table.schema(),
                    commit_properties=CommitProperties(
                        custom_metadata={"runId": run_id}, app_transactions=[Transaction(run_id, 1)]
                    ),
                )
                _sync(folder)
        for path in files:
            (folder / path).unlink(missing_ok=True)

    def discard(self, stream: str, run_id: str) -> None:
        folder = self.staging(stream)
        table = self._open(stream)
        if table is not None and table.transaction_version(run_id) is not None:
            return
        for path in folder.glob(f"{run_id}-*.parquet"):
            path.unlink(missing_ok=True)

    def _info(self, name: str) -> StreamInfo | None:
        table = self._open(name)
        if table is None:
            return None
        files = list(_files(table))
        events = [file.get(f"max.{EVENT_TIME}") for file in files]
        latest = max((event for event in events if event is not None), default=None)
        modified = max((file["modification_time"] for file in files), default=None)
        return StreamInfo(
            name=name,
            events=sum(file["num_records"] or 0 for file in files),
            last_event=_utc(latest),
            last_import=_utc(modified),
            bytes=sum(file["size_bytes"] for file in files),
        )

    def _open(self, stream: str) -> DeltaTable | None:
        folder = self.staging(stream)
        if not DeltaTable.is_deltatable(str(folder)):
            return None
        with _words(stream):
            return DeltaTable(str(folder))

    def _create(self, stream: str, columns: Sequence[str]) -> DeltaTable:
        folder = self.staging(stream)
        folder.mkdir(parents=True, exist_ok=True)
        own = [Field(name, _TEXT) for name in columns]
        system = [Field(name, kind) for name, kind in _SYSTEM_TYPES.items()]
        DeltaTable.create(str(folder), schema=Schema(own + system), mode="ignore", name=stream)
        return DeltaTable(str(folder))


def _names(table: DeltaTable) -> list[str]:
    return [field.name for field in table.schema().fields]


def _widen(table: DeltaTable, columns: Sequence[str]) -> None:
    there = _names(table)
    folded = {name.casefold(): name for name in there}
    for name in columns:
        if folded.get(name.casefold(), name) != name:
            raise StartOver(
                f"the stream got a column {folded[name.casefold()]!r} while a file with {name!r} was being read",
                why="Names of columns that differ only in case are one column",
            )
    new = [Field(name, _TEXT) for name in columns if name not in there]
    if new:
        table.alter.add_columns(new)


def _sync(folder: Path) -> None:
    """Has the newest commits on the disk, with the names of the files that they show.

    A ledger that says a run has succeeded is on the disk at once; the rows must not be lost behind its back.
    """
    log = folder / "_delta_log"
    newest = sorted(log.glob("*.json"))[-3:]
    for path in (*newest, log, folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _add(file: StagedFile, now: int) -> AddAction:
    stats: dict[str, Any] = {"numRecords": file.rows, "nullCount": dict(file.nulls)}
    if file.first is not None and file.last is not None:
        stats["minValues"] = {EVENT_TIME: file.first}
        stats["maxValues"] = {EVENT_TIME: file.last}
    return AddAction(file.path, file.bytes, {}, now, True, json.dumps(stats))


def _files(table: DeltaTable) -> Iterator[dict[str, Any]]:
    """The table's live files: path, size_bytes, modification_time, num_records, null_count.*, max.*."""
    actions = table.get_add_actions(flatten=True)
    columns = {name: actions.column(name).to_pylist() for name in actions.schema.names}
    for index in range(actions.num_rows):
        yield {name: values[index] for name, values in columns.items()}


def _utc(value: datetime | int | None) -> datetime | None:
    if isinstance(value, int):
        return datetime.fromtimestamp(value / 1000, UTC)
    return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


@contextmanager
def _words(stream: str) -> Iterator[None]:
    """Delta's errors in ours."""
    try:
        yield
    except CommitFailedError as error:
        raise RetryLater(f"the stream {stream} was being written by others at the same time", why=str(error)) from error
    except (DeltaError, OSError) as error:
        if "No space left" in str(error):
            raise
        raise Fatal(
            f"the stream {stream} cannot be read or written", why=str(error), fix="Look at its folder and its rights"
        ) from error
