"""A stream's events as files to be read: all of them, or those that came in after a moment that was marked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deltalake import DeltaTable

from lytics_azure_tui.lytics.columns import EVENT_TIME, RUN_ID
from lytics_azure_tui.lytics.duck import database, read_parquet
from lytics_azure_tui.lytics.protocol import EventFile, EventFiles, StreamMark


def event_files(table: DeltaTable, folder: Path, columns: list[str], since: StreamMark | None) -> EventFiles:
    """What a table holds at the version at which it was opened.

    A file that is new need not hold new events only: when a person is forgotten, files are written anew without that
    person's events. So of new files those rows count whose run had not been committed at the mark.
    """
    mark = StreamMark(str(table.metadata().id), int(table.version()))
    files = sorted(_files(table, folder), key=lambda file: file.path)
    # Of another id, or of a version that is yet to come, is a table that was made anew.
    if since is None or since.table != mark.table or since.version > mark.version:
        return EventFiles(mark, tuple(columns), tuple(files))
    before = DeltaTable(str(folder), version=since.version)
    known = {file.path for file in _files(before, folder)}
    new = [file for file in files if file.path not in known]
    taken = [run for run in _runs(new) if before.transaction_version(run) is not None]
    return EventFiles(mark, tuple(columns), tuple(new), tuple(taken))


def _files(table: DeltaTable, folder: Path) -> list[EventFile]:
    actions = table.get_add_actions(flatten=True)
    columns: dict[str, Any] = {name: actions.column(name).to_pylist() for name in actions.schema.names}
    count = actions.num_rows
    empty: list[Any] = [None] * count
    return [
        EventFile(str(folder / path), rows or 0, size, first, last)
        for path, rows, size, first, last in zip(
            columns["path"],
            columns.get("num_records", empty),
            columns["size_bytes"],
            columns.get(f"min.{EVENT_TIME}", empty),
            columns.get(f"max.{EVENT_TIME}", empty),
            strict=True,
        )
    ]


def _runs(files: list[EventFile]) -> list[str]:
    if not files:
        return []
    with database(memory=256 << 20) as connection:
        found = connection.execute(
            f"SELECT DISTINCT {RUN_ID} FROM {read_parquet(file.path for file in files)} ORDER BY ALL"
        )
        return [str(run) for (run,) in found.fetchall()]
