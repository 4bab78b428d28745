"""An audience as rows for an export: its members now, and who entered and left since a build."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from lytics_azure_tui.lytics.duck import database, literal, quoted
from lytics_azure_tui.lytics.workspace.head import current
from lytics_azure_tui.lytics.workspace.reader import layers_of, view
from lytics_azure_tui.lytics.workspace.spec import MOST_BUCKETS, bucket_range
from lytics_azure_tui.lytics.workspace.tables import Tables
from lytics_azure_tui.model.user_field import UserField

PIECE = 125_000
"""Rows of profiles that are read at once."""

EVENT, EVENT_TIME = "_event", "_event_time"
"""What happened: existing, enter or exit; and when."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of profiles, as SQL.

    Attributes:
        source: FROM and WHERE.
        pieces: further conditions, one after the other: all rows together may be more than memory holds.
        order: of the rows of a piece; empty for any.
        event, at, id: expressions: what happened, when, and to whom.
    """

    source: str
    pieces: tuple[str, ...]
    order: str
    event: str
    at: str
    id: str

    def queries(self, chosen: str) -> list[str]:
        """A query for each piece.

        Args:
            chosen: what stands behind SELECT.
        """
        order = f" ORDER BY {self.order}" if self.order else ""
        return [f"SELECT {chosen} {self.source} AND {piece}{order}" for piece in self.pieces]

    def value(self, field: UserField) -> str:
        """The expression of a user field; of whoever is gone only the id is left."""
        if field.name == "_id":
            return self.id
        return "m._segments" if field.name == "_segments" else f"p.{quoted(field.name)}"


@dataclass(frozen=True, slots=True)
class AudienceRows:
    """An audience at one build.

    Attributes:
        connection: answers queries over its rows.
        build: the newest; what is asked for since it, later, is all that is not in these rows.
        fields: of the profiles, our own first.
        size: of the audience; None when it has not been evaluated.
    """

    connection: duckdb.DuckDBPyConnection
    slug: str
    build: int
    fields: tuple[UserField, ...]
    size: int | None
    moment: str

    def members(self) -> Rows:
        """Those who are in it."""
        buckets = 1
        while buckets < MOST_BUCKETS and (self.size or 0) > buckets * PIECE:
            buckets *= 2
        # Both sides of the join have a range of their own, so that files of neither are read for nothing.
        ranges = [
            f"{bucket_range(bucket, buckets, 'm._id')} AND {bucket_range(bucket, buckets, 'p._id')}"
            for bucket in range(buckets)
        ]
        return Rows(
            source="FROM memberships m JOIN profiles p ON p._id = m._id"
            f" WHERE list_contains(m._segments, {literal(self.slug)})",
            pieces=tuple(ranges),
            order="",
            event="'existing'",
            at=f"TIMESTAMPTZ {literal(self.moment)}",
            id="p._id",
        )

    def crossed(self, since: int) -> Rows:
        """Those who entered or left after a build, in order, each time that they did; with their fields of now.

        Members of whom the audience was made do not count as having entered.
        """
        wanted = f"t.audience = {literal(self.slug)} AND t.build > {since} AND NOT t.backfill"
        return Rows(
            source="FROM transitions t LEFT JOIN profiles p ON p._id = t.profile"
            f" LEFT JOIN memberships m ON m._id = t.profile WHERE {wanted}",
            pieces=tuple(self._stretches(wanted)),
            order="t.build, t.seq",
            event="CASE WHEN t.enter THEN 'enter' ELSE 'exit' END",
            at='t."at"',
            id="t.profile",
        )

    def _stretches(self, wanted: str) -> Iterator[str]:
        """Conditions that cut transitions into stretches of no more than a piece, in order."""
        ends = self.connection.execute(
            "SELECT max(build), max_by(seq, (build, seq)) FROM"
            f" (SELECT build, seq, (row_number() OVER (ORDER BY build, seq) - 1) // {PIECE} AS piece"
            f" FROM transitions t WHERE {wanted}) GROUP BY piece ORDER BY ALL"
        ).fetchall()
        before = "true"
        for build, seq in ends:
            yield f"{before} AND (t.build, t.seq) <= ({build}, {seq})"
            before = f"(t.build, t.seq) > ({build}, {seq})"

    def count(self, rows: Rows) -> int:
        """How many there are."""
        found = self.connection.execute(f"SELECT count(*) {rows.source}").fetchone()
        return int(found[0]) if found else 0


@contextmanager
def audience_rows(
    tables: Tables, slug: str, *, memory: int, threads: int, spill: Path | None
) -> Iterator[AudienceRows | None]:
    """Opens an audience; None before the first build.

    Args:
        memory: bytes that the engine may use.
        spill: a folder for what does not fit.
    """
    found = current(tables)
    if found is None:
        yield None
        return
    head = found.head
    with database(memory=memory, threads=threads, spill=spill) as connection:
        view(connection, layers_of(tables, found))
        fields = tuple(head.user_fields())
        yield AudienceRows(connection, slug, head.build, fields, head.sizes.get(slug), head.as_of)
