"""A slice of a table: which rows it holds, and the SQL that puts them in order into a temporary table.

All its bounds are texts that the server made and that go back as the column's own type, so that none of them is
rounded on the way: datetime2(7) has a digit more than Python's times, and datetime steps by 1/300 s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lytics_azure_tui.azure.sql import name_literal, text_literal
from lytics_azure_tui.model.run import Part

AGAIN, NEW, TIMELESS = "again", "new", "timeless"


@dataclass(frozen=True, slots=True)
class Edge:
    """One end of a range of times.

    Attributes:
        at: as the server wrote it.
        included: whether rows of exactly that time are in the range.
    """

    at: str
    included: bool


@dataclass(frozen=True, slots=True)
class Slice:
    """What one part reads.

    Attributes:
        number: its place among the run's slices, the oldest first.
        kind: "again" (a window that was read before), "new", or "timeless" (rows without a time).
        schema, name: of the table.
        columns: (the column's name, SQL that selects it, the stream's name for it), in order.
        time: index of the Timestamp Column; time_type its declared type.
        record: index of the Record Timestamp Column; None where it is the Timestamp Column.
        key: names of the primary key's columns, which put rows of the same time in order.
        after, upto: the range of times; None where it is open.
        since: rows that are not later than this are left out; None for none.
        version: name of the rowversion column where that tells which rows are new.
        version_after, version_upto: its range, in hexadecimal; the lower end is not in it, the upper one is.
        remember: whether the next run looks again at rows of this one: their hashes are kept.
        recent: that it does from this time on; None where it does not.
        most: so many rows at most; None for all.
        rows: that it had when it was planned.
        seen: the folder with the hashes of rows that were imported before.
        compared: so many of the columns, from the first, are what those hashes are of.
        known: every row counts as imported before: only its hash is kept.
        source_id: server, database and table, as they were when it was planned; empty where that is not known.
        told: what the operator sees beside the table while it is read: the run's watermark and what is not new.
    """

    number: int
    kind: str
    schema: str
    name: str
    columns: tuple[tuple[str, str, str], ...]
    time: int
    time_type: str
    record: int | None
    key: tuple[str, ...]
    after: Edge | None = None
    upto: Edge | None = None
    since: str | None = None
    version: str | None = None
    version_after: str | None = None
    version_upto: str | None = None
    remember: bool = False
    recent: str | None = None
    most: int | None = None
    rows: int = 0
    seen: str | None = None
    compared: int = 0
    known: bool = False
    source_id: str = ""
    told: str = ""

    @classmethod
    def of(cls, part: Part) -> Slice:
        """The slice that a part is to read."""
        spec = part.spec
        edges = {end: Edge(**spec[end]) if spec[end] else None for end in ("after", "upto")}
        return cls(
            **{
                **spec,
                **edges,
                "columns": tuple((name, select, own) for name, select, own in spec["columns"]),
                "key": tuple(spec["key"]),
            }
        )

    def to_spec(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @property
    def source(self) -> str:
        """The table, for people."""
        return f"{self.schema}.{self.name}"

    @property
    def time_column(self) -> str:
        """The Timestamp Column in SQL."""
        return f"t.{name_literal(self.columns[self.time][0])}"

    def moment(self, text: str) -> str:
        """SQL for a time of the Timestamp Column's own type."""
        return moment(text, self.time_type)

    def where(self) -> str:
        """SQL for the rows of the slice."""
        found = list[str]()
        if self.kind == TIMELESS:
            found.append(f"{self.time_column} IS NULL")
        else:
            if self.after is not None:
                found.append(f"{self.time_column} {'>=' if self.after.included else '>'} {self.moment(self.after.at)}")
            if self.upto is not None:
                found.append(f"{self.time_column} {'<=' if self.upto.included else '<'} {self.moment(self.upto.at)}")
            if self.since is not None:
                found.append(f"{self.time_column} > {self.moment(self.since)}")
            if not found:
                found.append(f"{self.time_column} IS NOT NULL")
        return " AND ".join([*found, *versions(self.version, self.version_after, self.version_upto)])

    def fill(self, temporary: str) -> str:
        """SQL that writes the rows, numbered from 1 in their order, into a temporary table of that name."""
        order = self._order
        top = "" if self.most is None else f"TOP ({self.most}) "
        recent = "1" if self.remember and self.kind == TIMELESS else "0"
        if self.recent is not None and self.kind != TIMELESS:
            recent = f"CASE WHEN {self.time_column} >= {self.moment(self.recent)} THEN 1 ELSE 0 END"
        columns = ", ".join(f"{select} AS c{index}" for index, (_, select, _) in enumerate(self.columns))
        return (
            f"SELECT {top}ROW_NUMBER() OVER (ORDER BY {order}) AS n, {columns}, {recent} AS recent"
            f" INTO {name_literal(temporary)} FROM {name_literal(self.schema, self.name)} AS t WHERE {self.where()}"
            + (f" ORDER BY {order}" if top else "")
        )

    def rows_as_t(self) -> str:
        """SQL for the rows of the slice as a source, under the alias t."""
        source = f"{name_literal(self.schema, self.name)} AS t WHERE {self.where()}"
        return (
            source if self.most is None else f"(SELECT TOP ({self.most}) t.* FROM {source} ORDER BY {self._order}) AS t"
        )

    @property
    def _order(self) -> str:
        return ", ".join([self.time_column, *(f"t.{name_literal(name)}" for name in self.key)])

    def read(self, temporary: str, after: int) -> str:
        """SQL that reads the temporary table from behind a row on."""
        columns = ", ".join(f"c{index}" for index in range(len(self.columns)))
        return f"SELECT {columns}, recent FROM {name_literal(temporary)} WHERE n > {after} ORDER BY n"


def moment(text: str, declared: str) -> str:
    """SQL for a time as the server wrote it in style 126, as a value of a declared type."""
    return f"CONVERT({declared}, {text_literal(text)}, 126)"


def versions(column: str | None, after: str | None, upto: str | None) -> Sequence[str]:
    """SQL conditions on a rowversion column."""
    if column is None:
        return ()
    ends = ((">", after), ("<=", upto))
    return [f"t.{name_literal(column)} {sign} 0x{end}" for sign, end in ends if end is not None]
