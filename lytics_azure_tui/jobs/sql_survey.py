"""Looks at a table before a run: what there is to import, up to where, and where it can be cut into slices.

The bounds that come out are frozen in the run's plan. Whatever changes in the table later is for the next run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lytics_azure_tui.azure.sql import SqlSession, name_literal
from lytics_azure_tui.azure.sql_catalogue import ColumnInfo, Table
from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.jobs import sql_time
from lytics_azure_tui.jobs.sql_memory import Identity, Memory
from lytics_azure_tui.jobs.sql_slice import AGAIN, NEW, TIMELESS, Edge, Slice, moment
from lytics_azure_tui.model.sql_import import SqlImport

SLICED = 100_000
"""Fewer rows than this are not worth a second session."""
INDEXED_SLICE = 1_000_000
"""Rows of a slice where an index makes slices cheap: so much is done again when a run is resumed."""
_MOST_SLICES = 64
_ORIGIN = datetime(2000, 1, 1)  # noqa: DTZ001 -- counted from on the server, in whatever zone its times are


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found.

    Attributes:
        slices: what is to be read, the oldest first; empty when nothing is.
        memory: for the checkpoint, once they are imported; `seen` is still to be filled in.
        rows: rows that are new, about; without those without a time.
        again: rows that are looked at again.
        timeless: rows without a time that will be read.
        left_out: rows without a time that the job leaves out.
        held_back: rows that are later than the server's clock.
    """

    slices: tuple[Slice, ...]
    memory: Memory
    rows: int = 0
    again: int = 0
    timeless: int = 0
    left_out: int = 0
    held_back: int = 0


class Surveyor:
    """Asks the server for all that a plan needs.

    Args:
        session: of the database.
        table: as the catalogue has it.
        config: the job.
        base: a slice of the whole table, for all slices to be made from.
        memory: of the job's last run.
        server: by which name and port it is reached.
        sessions: that the run may hold at once.
    """

    def __init__(
        self,
        session: SqlSession,
        table: Table,
        config: SqlImport,
        base: Slice,
        memory: Memory,
        server: str,
        sessions: int,
    ) -> None:
        self._session, self._table, self._config, self._base = session, table, config, base
        self._memory, self._server, self._sessions = memory, server, sessions
        self._type = base.time_type
        self._what = f"The new rows of {base.source} could not be counted"

    def survey(self) -> Survey:
        """By the table's rowversion where it has one and the job wants it, else by its Timestamp Column.

        A job goes on by what it began with: a column that is added later would have it import everything once more.

        Raises:
            Undecided: the last run read something else.
        """
        version = self._table.rowversion
        if self._memory.version is not None and version is None:
            raise Fatal(
                f"{self._base.source} has no rowversion column any more, by which this job knew its new rows",
                fix="Put it back; or set Watermark to the Timestamp Column, which imports all rows once more",
            )
        if self._config.watermark == "timestamp" or self._memory.watermark is not None:
            version = None
        identity = self._identity(version or self._table.column(self._config.timestamp_field))
        upto = None if version is None else self._settled()
        self._memory = self._memory.for_source(identity, upto, self._config)
        found = self._by_time() if version is None or upto is None else self._by_version(version.name, upto)
        # Where nothing is to be read, what is known stays as it is.
        memory = found.memory if found.slices else self._memory
        return replace(found, memory=replace(memory, identity=identity, accepted=False))

    def _identity(self, column: ColumnInfo) -> Identity:
        table, name = self._table, column.name.casefold()
        database = table.database.casefold()
        return Identity(self._server, database, table.object_id, table.created, name, column.declared)

    def _settled(self) -> str:
        """The rowversion up to which all rows are there for good: no transaction under way may write one of them."""
        (active,), *_ = self._ask("SELECT CONVERT(binary(8), MIN_ACTIVE_ROWVERSION())")
        return f"{int.from_bytes(_bytes(active), 'big') - 1:016X}"

    # By time

    def _by_time(self) -> Survey:
        memory, config = self._memory, self._config
        base = replace(self._base, since=self._since(), remember=True)
        had = replace(base, seen=memory.seen, compared=len(memory.columns), known=self._columns_are_gone())
        new = replace(base, kind=NEW, after=Edge(memory.watermark, False) if memory.watermark else None)
        upto, rows, held_back = self._newest(new, self._now())
        found: list[Slice] = []
        again = 0
        if memory.watermark and memory.window:
            window = replace(had, kind=AGAIN, after=Edge(memory.window, True), upto=Edge(memory.watermark, True))
            again = self._count(window)
            found += [replace(window, rows=again)] if again else []
        most = config.row_limit
        if upto is not None:
            found += self._cut(replace(new, upto=Edge(upto, True), most=most, rows=min(rows, most or rows)))
        timeless = self._count(replace(had, kind=TIMELESS)) if self._time_may_be_missing else 0
        wanted = timeless > 0 and config.null_timestamps == "import" and (most is None or rows < most)
        if wanted:
            found.append(replace(had, kind=TIMELESS, rows=timeless))
        watermark = upto or memory.watermark
        recent = self._window(watermark) if watermark else None
        return Survey(
            tuple(replace(one, number=number, recent=recent) for number, one in enumerate(found)),
            Memory(watermark=watermark, window=recent, columns=self._columns()),
            rows=rows,
            again=again,
            timeless=timeless if wanted else 0,
            left_out=0 if wanted else timeless,
            held_back=held_back,
        )

    def _columns_are_gone(self) -> bool:
        """Whether a column is not there, or of another type, that the hashes of the last run are of."""
        return self._memory.columns != self._columns()[: len(self._memory.columns)]

    def _newest(self, new: Slice, now: str) -> tuple[str | None, int, int]:
        """(the latest time among the rows that are new, how many they are, how many are later than the clock)."""
        time, clock = new.time_column, moment(now, self._type)
        (latest, rows, later), *_ = self._ask(
            f"SELECT CONVERT(varchar(33), MAX(CASE WHEN {time} <= {clock} THEN {time} END), 126),"
            f" COUNT_BIG(CASE WHEN {time} <= {clock} THEN 1 END), COUNT_BIG(CASE WHEN {time} > {clock} THEN 1 END)"
            f" FROM {self._table.quoted} AS t WHERE {new.where()}"
        )
        most = self._config.row_limit
        if latest is not None and most is not None and int(str(rows)) > most:
            upto = replace(new, upto=Edge(now, True)).where()
            (latest,), *_ = self._ask(
                f"SELECT CONVERT(varchar(33), MAX(x.at), 126) FROM (SELECT TOP ({most}) {time} AS at"
                f" FROM {self._table.quoted} AS t WHERE {upto} ORDER BY {time}) AS x"
            )
        return None if latest is None else str(latest), int(str(rows)), int(str(later))

    def _window(self, watermark: str) -> str:
        """Where the next run begins to look again."""
        minutes = self._config.overlap_minutes
        # A day has no minutes to go back by.
        step = timedelta(days=-(-minutes // 1440)) if self._type == "date" else timedelta(minutes=minutes)
        return sql_time.earlier(watermark, step, self._type)

    # By rowversion

    def _by_version(self, version: str, upto: str) -> Survey:
        base = replace(
            self._base, since=self._since(), version=version, version_after=self._memory.version, version_upto=upto
        )
        most = self._config.row_limit
        if most is not None:
            column = f"t.{name_literal(version)}"
            (last, count), *_ = self._ask(
                f"SELECT CONVERT(binary(8), MAX(x.at)), COUNT_BIG(*) FROM (SELECT TOP ({most})"
                f" CONVERT(binary(8), {column}) AS at FROM {self._table.quoted} AS t"
                f" WHERE {self._either(base)} ORDER BY {column}) AS x"
            )
            if int(str(count)) == most:
                upto = _bytes(last).hex().upper()
                base = replace(base, version_upto=upto)
        rows = self._count(base)
        found = self._cut(replace(base, rows=rows)) if rows else []
        timeless = self._count(replace(base, kind=TIMELESS)) if self._time_may_be_missing else 0
        wanted = timeless > 0 and self._config.null_timestamps == "import"
        if wanted:
            found.append(replace(base, kind=TIMELESS, rows=timeless))
        return Survey(
            tuple(replace(one, number=number) for number, one in enumerate(found)),
            Memory(version=upto, columns=self._columns()),
            rows=rows,
            timeless=timeless if wanted else 0,
            left_out=0 if wanted else timeless,
        )

    def _either(self, base: Slice) -> str:
        """SQL for the rows with a time and, where the job takes them, those without."""
        if not self._time_may_be_missing or self._config.null_timestamps == "skip":
            return base.where()
        return f"(({base.where()}) OR ({replace(base, kind=TIMELESS).where()}))"

    # Both

    @property
    def _time_may_be_missing(self) -> bool:
        return self._table.column(self._config.timestamp_field).nullable

    def _count(self, rows: Slice) -> int:
        (count,), *_ = self._ask(f"SELECT COUNT_BIG(*) FROM {self._table.quoted} AS t WHERE {rows.where()}")
        return int(str(count))

    def _columns(self) -> tuple[tuple[str, str], ...]:
        return tuple((column.name, column.declared) for column in self._table.columns)

    def _now(self) -> str:
        """The server's clock as a value of the column's type. Times without a zone count as UTC, as Azure's are."""
        clock = "SYSDATETIMEOFFSET()" if self._type.startswith("datetimeoffset") else "SYSUTCDATETIME()"
        (text,), *_ = self._ask(f"SELECT CONVERT(varchar(33), CONVERT({self._type}, {clock}), 126)")
        return str(text)

    def _since(self) -> str | None:
        since = self._config.since_date
        if since is None:
            return None
        # Nothing lies before a type's first value, and nothing behind its last.
        at = datetime.fromisoformat(since)
        return None if at < sql_time.first(self._type) else self._at(at)

    def _ask(self, sql: str) -> list[tuple[object, ...]]:
        return self._session.rows(sql, what=self._what)

    # Slices

    def _cut(self, whole: Slice) -> list[Slice]:
        """Cuts a range of times where the rows fall into shares of about the same size."""
        wanted = self._sessions if whole.rows >= SLICED and whole.most is None else 1
        if wanted > 1 and self._table.column(self._config.timestamp_field).leads:
            wanted = min(_MOST_SLICES, max(wanted, -(-whole.rows // INDEXED_SLICE)))
        cuts = self._cuts(whole, wanted) if wanted > 1 else []
        begins = [whole.after, *(Edge(at, True) for at, _ in cuts)]
        ends = [*(Edge(at, False) for at, _ in cuts), whole.upto]
        counts = [0, *(before for _, before in cuts), whole.rows]
        return [
            replace(whole, after=after, upto=upto, rows=counts[place + 1] - counts[place])
            for place, (after, upto) in enumerate(zip(begins, ends, strict=True))
        ]

    def _cuts(self, whole: Slice, wanted: int) -> list[tuple[str, int]]:
        """(a time at which to cut, rows before it): so that about as many rows fall into each share."""
        share = max(1, whole.rows // wanted)
        cuts: list[tuple[str, int]] = []
        before, full = 0, share
        for at, count in self._steps(whole, 2 * share):
            if before >= full and len(cuts) + 1 < wanted:
                cuts.append((at, before))
                full = before + share
            before += count
        return cuts

    def _steps(self, whole: Slice, many: int) -> Iterator[tuple[str, int]]:
        """(beginning, rows) of the hours in which there are rows; of the seconds, where an hour holds that many."""
        for hour, count in self._histogram(whole, "hour", _ORIGIN):
            start = _ORIGIN + timedelta(hours=hour)
            if count <= many or self._type in ("date", "smalldatetime"):
                yield self._at(start), count
                continue
            for second, more in self._histogram(whole, "second", start):
                yield self._at(start + timedelta(seconds=second)), more

    def _histogram(self, rows: Slice, unit: str, origin: datetime) -> Sequence[tuple[int, int]]:
        """(units from an origin, rows in that unit), in order; seconds of the hour that begins there."""
        units = f"DATEDIFF({unit}, {moment(self._at(origin), self._type)}, {rows.time_column})"
        where = rows.where()
        if unit == "second":
            # Of the rows of this hour that are in the slice at all. There may be no hour behind it.
            hour = replace(rows, after=Edge(self._at(origin), True), upto=None, since=None, version=None)
            if origin < sql_time.last(self._type) - timedelta(hours=1):
                hour = replace(hour, upto=Edge(self._at(origin + timedelta(hours=1)), False))
            where += f" AND {hour.where()}"
        found = self._ask(
            f"SELECT {units} AS u, COUNT_BIG(*) AS c FROM {self._table.quoted} AS t WHERE {where}"
            f" GROUP BY {units} ORDER BY u"
        )
        return [(int(str(at)), int(str(count))) for at, count in found]

    def _at(self, at: datetime) -> str:
        """A time as text that the column's type takes."""
        return sql_time.as_text(sql_time.clamped(at, self._type), self._type)


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes | bytearray):
        raise Fatal("The server gave no rowversion where one was asked for")
    return bytes(value)
