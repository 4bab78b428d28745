"""Records on their way into a stream of the account's workspace, and the one commit that brings them there."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import duckdb

from lytics_azure_tui.jobs.text_columns import TextColumns
from lytics_azure_tui.lytics.columns import SYSTEM_COLUMNS
from lytics_azure_tui.lytics.duck import database, literal, quoted
from lytics_azure_tui.lytics.event_time import WITHIN, any_time, usual_form, usual_time
from lytics_azure_tui.lytics.protocol import StagedFile
from lytics_azure_tui.lytics.stream_file import copied, staged, system_columns
from lytics_azure_tui.sandbox.lytics_api.account import Account
from lytics_azure_tui.sandbox.lytics_api.records import Record

_ROWS = 50_000
"""Of a file; so many records are held in memory."""

_RESERVED = frozenset(SYSTEM_COLUMNS)


class Batch:
    """The records of one call. The same call again is another batch: Lytics knows no two as one.

    An event happens when its timestamp field says so. Without a field, without a value, and of a value that is no time
    it happened when it arrived: Lytics says nothing of it either.
    """

    def __init__(self, account: Account, stream: str, *, source: str, timestamp_field: str) -> None:
        """Begins one.

        Args:
            source: a name for where it is from.
            timestamp_field: of the records; empty for none.
        """
        self._account = account
        self._stream = stream
        self._source = source
        self._timestamp = timestamp_field
        self._run_id = f"collect-{uuid.uuid4().hex}"
        self._started = datetime.now(UTC)
        # Of names that differ at most in case, a stream has one column.
        self._names = {name.casefold(): name for name in account.workspace.columns(stream)}
        self._columns: list[str] = []
        self._rows: list[Record] = []
        self._files: list[StagedFile] = []

    def add(self, record: Record) -> None:
        """Takes a record."""
        self._rows.append(record)
        if len(self._rows) >= _ROWS:
            self._write()

    def commit(self) -> None:
        """Shows all of them in the stream, which is made if need be."""
        self._write()
        if self._files:
            with self._account.writing:
                self._account.workspace.commit(self._stream, self._run_id, self._columns, self._files)
            self._account.changed()

    def _column(self, name: str) -> str:
        """The stream's column for a field. One whose name the workspace has for itself is called differently."""
        folded = name.casefold()
        return self._names.setdefault(folded, f"{name}_2" if folded in _RESERVED else name)

    def _write(self) -> None:
        rows, self._rows = self._rows, []
        if not rows:
            return
        values: dict[str, list[str | None]] = {}
        for index, record in enumerate(rows):
            for name, value in record.values.items():
                column = self._column(name)
                if column not in values:
                    values[column] = [None] * len(rows)
                values[column][index] = value
        columns = tuple(values)
        self._columns += [name for name in columns if name not in self._columns]
        target = self._account.workspace.staging(self._stream) / f"{self._run_id}-{len(self._files):05d}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        own = (f"c{index} AS {quoted(name)}" for index, name in enumerate(columns))
        system = system_columns(
            event_time="t", row="n", started=self._started, run_id=self._run_id, source=self._source
        )
        with database(memory=256 << 20) as connection:
            texts = TextColumns(tuple(values.values()), [record.number for record in rows])
            with texts.table(connection, "came"):
                connection.execute("CREATE TABLE records AS SELECT *, NULL :: TIMESTAMPTZ AS t FROM came")
            self._date(connection, values)
            select = f"SELECT {', '.join((*own, *system))} FROM records ORDER BY n"
            answer = connection.execute(copied(select, target)).fetchone()
        self._files.append(staged(answer or (), target, columns))

    def _date(self, connection: duckdb.DuckDBPyConnection, values: Mapping[str, Sequence[str | None]]) -> None:
        """Says of each record when it happened."""
        wanted = self._column(self._timestamp).casefold() if self._timestamp else ""
        for index, (name, texts) in enumerate(values.items()):
            if name.casefold() != wanted:
                continue
            form = usual_form(texts)
            usual = [usual_time(f"c{index}", form)] if form else []
            # The other forms cost so much that only those records are tried that need it.
            for time in (*usual, any_time(f"c{index}")):
                connection.execute(f"UPDATE records SET t = {time} WHERE t IS NULL")
                connection.execute(f"UPDATE records SET t = NULL WHERE NOT t {WITHIN}")
        arrived = f"TIMESTAMPTZ {literal(self._started.isoformat())}"
        connection.execute(f"UPDATE records SET t = {arrived} WHERE t IS NULL")
