"""One part of a table's import: a slice, put in order by the server into a temporary table and read from there.

The temporary table lives and dies with the session. When the connection is lost it is made again with the same bounds,
and reading goes on behind the last row that lies in a file, if that row stands where it stood; where rows have moved
meanwhile, the slice is read anew.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import cast

from lytics_azure_tui.azure.sql import SqlSession
from lytics_azure_tui.azure.sql_catalogue import Table, table
from lytics_azure_tui.azure.sql_text import Texts
from lytics_azure_tui.errors import Fatal, RetryLater, StartOver
from lytics_azure_tui.jobs import quarantine
from lytics_azure_tui.jobs.kind import Context, Sink, authorization
from lytics_azure_tui.jobs.quarantine import QuarantinedRow
from lytics_azure_tui.jobs.sql_slice import TIMELESS, Slice
from lytics_azure_tui.jobs.text_columns import TextColumns
from lytics_azure_tui.lytics.duck import database, literal, quoted, read_parquet
from lytics_azure_tui.lytics.protocol import StagedFile
from lytics_azure_tui.lytics.stream_file import hashed, sync, system_columns, write
from lytics_azure_tui.model.authorization import AzureSql
from lytics_azure_tui.model.run import Part, PartResult
from lytics_azure_tui.model.sql_import import SqlImport

_TRIES = 4
"""So often a lost connection is made anew at once, if nothing was read between; then the run waits and tries again."""
_PAUSE = 1.0
_ROWS_OF_A_SLICE = 10**12
"""The `_row` of an event is its slice times this, and its place in the slice: so that a run has each number once."""

_COPY = "row_number() OVER (PARTITION BY high, low ORDER BY n) AS copy"
"""SQL that tells equal rows apart."""


@dataclass(slots=True)
class _Place:
    """How far a slice is read: what lies in files, and the row behind which to go on.

    Attributes:
        rows: read, from the first.
        last: digest of the last of them.
        files: written for the stream.
        again: rows that had been imported before.
        rejected: rows that went to quarantine.
        received: bytes over the line.
    """

    rows: int = 0
    last: str = ""
    files: list[StagedFile] = field(default_factory=list)
    again: int = 0
    rejected: int = 0
    received: int = 0


class _Moved(Exception):
    """The row behind which reading was to go on stands elsewhere now."""


class SliceRun:
    """Reads one slice.

    Args:
        context: of the run.
        part: its place, for the names of what it writes.
        sink: where it tells how it goes.
    """

    def __init__(self, context: Context, part: Part, sink: Sink) -> None:
        self._context, self._part, self._sink = context, part, sink
        self._slice = Slice.of(part)
        self._config = cast(SqlImport, context.job.config)
        self._scratch = context.scratch / f"slice-{part.index}"
        self._staging = context.lytics.staging(self._config.stream)
        self._quarantine = quarantine.folder_of(context.keep, context.run_id) / f"part-{part.index:05}"
        for folder in (self._scratch, self._staging):
            folder.mkdir(parents=True, exist_ok=True)
        self._saved = self._scratch / "place.json"
        self._place = _Place()
        memory = max(64 << 20, context.memory // 2)
        self._database = database(memory=memory, spill=self._scratch / "spill")

    def run(self) -> PartResult:
        """Reads it to its end, over as many connections as that takes."""
        with self._database:
            self._read_all()
            return self._result()

    def _read_all(self) -> None:
        if self._saved.exists():
            found = json.loads(self._saved.read_text())
            self._place = _Place(**{**found, "files": [StagedFile(**file) for file in found["files"]]})
        else:
            self._begin_anew()
        failures = 0
        while True:
            before = self._place.rows
            try:
                with session_of(self._context, self._sink.check) as session:
                    self._read(session)
                break
            except _Moved:
                self._sink.log("info", f"{self._about}: rows have moved meanwhile; the slice is read anew")
                self._begin_anew()
            except RetryLater as error:
                failures = 0 if self._place.rows > before else failures + 1
                if failures >= _TRIES:
                    raise
                self._sink.log("warning", f"{error}. Connects again and goes on behind row {self._place.rows:,}")
                self._wait(_PAUSE * 2**failures)

    @property
    def _about(self) -> str:
        return f"{self._slice.source}, slice {self._slice.number + 1}"

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._sink.check()
            time.sleep(0.1)

    def _begin_anew(self) -> None:
        """Forgets what was read; files of that are written over, or removed here where there were more of them."""
        self._place = _Place()
        for path in self._staging.glob(f"{self._prefix}-*.parquet"):
            path.unlink()
        shutil.rmtree(self._quarantine, ignore_errors=True)
        for path in self._scratch.glob("*"):
            path.unlink()

    @property
    def _prefix(self) -> str:
        return f"{self._context.run_id}-{self._part.index:05}"

    # Reading

    def _read(self, session: SqlSession) -> None:
        one, place = self._slice, self._place
        found = table(session, one.schema, one.name)
        if [column.name for column in found.columns] != [name for name, _, _ in one.columns]:
            raise StartOver(f"{one.source} has other columns than it had when the run was planned")
        if one.source_id not in ("", source_id(self._context, found)):
            raise StartOver(f"{one.source} is not the table that it was when the run was planned")
        self._tell(f"putting in order {one.source}{one.told}")
        temporary = temporary_table(self._context)
        try:
            session.run(one.fill(temporary), what=f"The rows of {one.source} could not be put in order")
        except Fatal as error:
            computed = [column.name for column in found.columns if column.computed]
            if not computed or error.fix:
                raise
            fix = (
                f"It may come from what is computed: {', '.join(computed)}. Make a view without it, and import the view"
            )
            raise Fatal(error.what, why=error.why, fix=fix) from None
        start, received = place.received, session.received
        batches = session.texts(
            one.read(temporary, max(0, place.rows - 1)), what=f"The rows of {one.source} could not be read"
        )
        for batch in self._behind(batches):
            self._sink.check()
            self._take(batch)
            place.received = start + session.received - received
            self._save()
            self._tell(f"reading {one.source}{one.told}")
        session.run(f"DROP TABLE [{temporary}]")

    def _behind(self, batches: Iterator[list[Texts]]) -> Iterator[list[Texts]]:
        """The batches without the row that was read before, which only shows that all stands where it stood."""
        if self._place.rows == 0:
            yield from batches
            return
        first = next(batches, None)
        if first is None or not first[0] or _digest([column[0] for column in first]) != self._place.last:
            raise _Moved
        yield [column[1:] for column in first]
        yield from batches

    def _tell(self, stage: str) -> None:
        place, expected = self._place, max(self._slice.rows, self._place.rows)
        total = place.received * expected // place.rows if place.rows else None
        self._sink.progress(
            stage, bytes_done=place.received, bytes_total=total, rows=place.rows, rejected=place.rejected
        )

    def _save(self) -> None:
        fresh = self._saved.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self._place)))
        fresh.replace(self._saved)

    # Writing

    def _take(self, batch: list[Texts]) -> None:
        """Writes a batch into a file; what the table does not give as text goes to quarantine."""
        count = len(batch[0])
        if not count:
            return
        last = _digest([column[-1] for column in batch])
        numbers = list(range(self._place.rows + 1, self._place.rows + count + 1))
        try:
            self._write(batch, numbers)
        except UnicodeEncodeError:
            whole, numbers = self._without_broken(batch, numbers)
            if numbers:
                self._write(whole, numbers)
        self._place.rows += count
        self._place.last = last

    def _write(self, batch: list[Texts], numbers: list[int]) -> None:
        rows, number, recent = TextColumns(batch, numbers), self._place.rows, f"c{len(self._slice.columns)}"
        with rows.table(self._database, "batch"):
            if self._slice.seen is None and not self._slice.known:
                target = self._staging / f"{self._prefix}-{number:012}.parquet"
                file = write(self._database, self._selected("batch"), target, self._own)
                self._place.files += [file] if file else []
            else:
                self._copy("FROM batch", self._scratch / f"rows-{number:012}.parquet")
        if self._slice.remember and "1" in batch[-1]:
            values = hashed([f"c{index}" for index in range(len(self._slice.columns))])
            with rows.table(self._database, "batch"):
                chosen = f"SELECT n, {values} FROM batch WHERE {recent} = '1'"
                self._copy(chosen, self._scratch / f"hash-{number:012}.parquet")

    def _copy(self, select: str, target: Path) -> None:
        self._database.execute(f"COPY ({select}) TO {literal(str(target))} (FORMAT parquet)")
        sync(target)

    def _selected(self, rows: str) -> str:
        """SQL that makes the stream's rows of those of a slice: c0, c1, …, n."""
        one, context = self._slice, self._context
        own = [f"c{index} AS {quoted(name)}" for index, (_, _, name) in enumerate(one.columns)]
        moments = [f"TRY_CAST(c{index} AS TIMESTAMPTZ)" for index in (one.record, one.time) if index is not None]
        imported = f"TIMESTAMPTZ {literal(context.started.isoformat())}"
        system = system_columns(
            event_time=f"coalesce({', '.join((*moments, imported))})",
            row=f"n + {one.number * _ROWS_OF_A_SLICE}",
            started=context.started,
            run_id=context.run_id,
            source=one.source,
        )
        return f"SELECT {', '.join((*own, *system))} FROM {rows}"

    @property
    def _own(self) -> list[str]:
        return [name for _, _, name in self._slice.columns]

    def _without_broken(self, batch: list[Texts], numbers: list[int]) -> tuple[list[Texts], list[int]]:
        """The rows that are text throughout. A lone half of a pair of UTF-16 is none, and no file could hold it."""
        broken: dict[int, str] = {}
        for column, (name, _, _) in zip(batch, self._slice.columns, strict=False):
            broken.update({at: name for at, text in enumerate(column) if text is not None and not _is_text(text)})
        rows = [
            QuarantinedRow(
                self._slice.source,
                numbers[at],
                0,
                numbers[at],
                f"it cannot be written as text: {name} ends or begins in the middle of a character",
                json.dumps({own: column[at] for own, column in zip(self._own, batch, strict=False)}).encode(),
            )
            for at, name in sorted(broken.items())
        ]
        self._quarantine.mkdir(parents=True, exist_ok=True)
        quarantine.write(self._quarantine / f"{self._place.rows:012}.parquet", rows)
        self._place.rejected += len(rows)
        keep = [at for at in range(len(numbers)) if at not in broken]
        return [[column[at] for at in keep] for column in batch], [numbers[at] for at in keep]

    # The end

    def _result(self) -> PartResult:
        place, one = self._place, self._slice
        if one.seen is not None or one.known:
            self._leave_out_what_was_seen()
        if one.remember:
            self._keep_hashes()
        return PartResult(
            self._part.index,
            sum(file.rows for file in place.files),
            place.rejected,
            place.received,
            str(self._quarantine) if place.rejected else None,
            {
                "stream_files": [asdict(file) for file in place.files],
                "again": place.again,
                "timeless": place.rows if one.kind == TIMELESS else 0,
            },
        )

    def _leave_out_what_was_seen(self) -> None:
        """Imports the rows of the slice that were not imported before; of equal rows, as many as there are more."""
        place, one = self._place, self._slice
        place.files, place.again = [], 0
        rows = _all(self._scratch, "rows-*.parquet")
        if rows is None:
            return
        if one.known:
            place.again = place.rows - place.rejected
            return
        compared = hashed([f"c{index}" for index in range(one.compared)])
        numbered = f"SELECT *, {_COPY} FROM (SELECT *, {compared} FROM {rows})"
        known = _all(Path(str(one.seen)), "*.parquet") or "(SELECT 0 AS high, 0 AS low, 0 AS copy WHERE false)"
        fresh = (
            f"(FROM ({numbered}) ANTI JOIN (SELECT high, low, copy FROM {known}) USING (high, low, copy) ORDER BY n)"
        )
        target = self._staging / f"{self._prefix}-fresh.parquet"
        file = write(self._database, self._selected(fresh), target, self._own)
        place.files = [file] if file else []
        place.again = place.rows - place.rejected - (file.rows if file else 0)

    def _keep_hashes(self) -> None:
        """Keeps what tells the next run that it has had these rows: hash, and which of equal rows it is."""
        hashes = _all(self._scratch, "hash-*.parquet")
        if hashes is None:
            return
        folder = seen_folder(self._context)
        folder.mkdir(parents=True, exist_ok=True)
        numbered = f"SELECT high, low, {_COPY} FROM {hashes}"
        self._copy(numbered, folder / f"{self._part.index:05}.parquet")


def session_of(context: Context, check: Callable[[], None] = lambda: None) -> SqlSession:
    """A session of a job's database, with the job's query timeout."""
    config = cast(SqlImport, context.job.config)
    return SqlSession(authorization(context, AzureSql), check=check, timeout=config.timeout())


def server_of(context: Context) -> str:
    """By which name and port the database is reached; names are the same in upper and lower case."""
    server = authorization(context, AzureSql)
    return f"{server.server.casefold().rstrip('.')}:{server.port}"


def source_id(context: Context, found: Table) -> str:
    """What tells a table from all others, also from one that is made anew under its name."""
    return f"{server_of(context)}/{found.database.casefold()}/{found.object_id}/{found.created}"


def temporary_table(context: Context) -> str:
    """`#TMP_{UUID}_{TIMESTAMP}`: the job's identifier, and the run's start in nanoseconds since 1970."""
    job = uuid.uuid5(uuid.NAMESPACE_OID, context.job.id)
    nanoseconds = int(context.started.timestamp()) * 10**9 + context.started.microsecond * 1000
    return f"#TMP_{job}_{nanoseconds}"


def seen_folder(context: Context) -> Path:
    """Where a run keeps the hashes of rows at which the next looks again."""
    return context.keep / "seen" / context.run_id


def _digest(row: Sequence[str | None]) -> str:
    parts = ("\x1e" if text is None else f"{len(text)}:{text}" for text in row)
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _all(folder: Path, pattern: str) -> str | None:
    """SQL for the rows of a folder's Parquet files; None where there are none."""
    files = sorted(folder.glob(pattern))
    return read_parquet(files) if files else None
