"""The tables of one head as views of a DuckDB connection: the newest version of each row, what is gone left out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import duckdb

from lytics_azure_tui.errors import Cancelled
from lytics_azure_tui.lytics.duck import UNION_BY_NAME, database, read_parquet
from lytics_azure_tui.lytics.protocol import Identifier, Profile, Stopper
from lytics_azure_tui.lytics.workspace.head import Current, Head, current
from lytics_azure_tui.lytics.workspace.tables import TABLES, Tables, build_of


@dataclass(frozen=True, slots=True)
class Layers:
    """A table's files: the base, and what lies on it."""

    base: tuple[str, ...]
    layers: tuple[str, ...] = ()

    def all(self) -> str:
        """SQL of all rows, old versions included."""
        return parquet((*self.base, *self.layers))


def parquet(files: Sequence[str]) -> str:
    """SQL of the rows of some files. One of which all profiles became part of others holds none of their fields."""
    return read_parquet(files, UNION_BY_NAME)


def layers_of(tables: Tables, current: Current, names: Iterable[str] = TABLES) -> dict[str, Layers]:
    """The files of a head, by table."""
    found = {}
    for table in names:
        version = current.version if table == "profiles" else current.head.versions[table]
        files = tables.files(table, version)
        base = current.head.bases[table]
        found[table] = Layers(
            tuple(file for file in files if build_of(file) <= base),
            tuple(file for file in files if build_of(file) > base),
        )
    return found


def view(connection: duckdb.DuckDBPyConnection, files: dict[str, Layers]) -> None:
    """Makes a view of each table; identities goes by merges, which has to be there too."""
    for table, found in files.items():
        if table in ("transitions", "sizes"):
            connection.execute(f"CREATE OR REPLACE TEMP VIEW {table} AS SELECT * FROM {found.all()}")
        elif table != "identities":
            newest_rows(connection, table, found)
    if "identities" in files:
        connection.execute(
            "CREATE OR REPLACE TEMP VIEW identities AS SELECT field, value, coalesce(m.survivor, i._id) AS _id"
            f" FROM {files['identities'].all()} i LEFT JOIN merges m ON m._id = i._id"
        )


def newest_rows(connection: duckdb.DuckDBPyConnection, name: str, files: Layers) -> None:
    """Makes a view of the newest version of each row by `_id`, without those that are gone."""
    base = f"SELECT * FROM {parquet(files.base)}"
    if not files.layers:
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {base}")
        return
    upper = parquet(files.layers)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {name}_newest AS SELECT _id, max(_build) AS _build FROM {upper} GROUP BY _id"
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {name} AS"
        f" SELECT * FROM ({base}) ANTI JOIN {name}_newest USING (_id)"
        f" UNION ALL BY NAME SELECT * FROM {upper} SEMI JOIN {name}_newest USING (_id, _build) WHERE NOT _gone"
    )


_MEMORY = 512 << 20
HIDDEN = ("_identifiers", "_conflicts", "_state", "_build", "_gone")
"""Columns of profiles that are no user fields."""


@dataclass
class Reader:
    """Opens what is to be read; remembers which files belong to a head.

    Attributes:
        tables: the tables.
    """

    tables: Tables
    _known: tuple[Current, dict[str, Layers]] | None = field(default=None, init=False, repr=False)

    def head(self) -> Head | None:
        """The newest head; None before the first build."""
        found = self._look()
        return None if found is None else found[0].head

    @contextmanager
    def opened(self, stopper: Stopper | None = None) -> Iterator[Opened | None]:
        """The newest state of the profiles; None before the first build.

        Raises:
            Cancelled: the stopper was used.
        """
        found = self._look()
        if found is None:
            yield None
            return
        with engine(stopper) as connection:
            view(connection, found[1])
            yield Opened(connection, found[0].head, stopper)

    def _look(self) -> tuple[Current, dict[str, Layers]] | None:
        now = current(self.tables)
        if now is None:
            return None
        if self._known is None or self._known[0].version != now.version:
            self._known = (now, layers_of(self.tables, now))
        return self._known


@contextmanager
def engine(stopper: Stopper | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for a question that someone waits for.

    Raises:
        Cancelled: the stopper was used.
    """
    still_wanted(stopper)
    with database(memory=_MEMORY, threads=os.cpu_count() or 1) as connection:
        if stopper is not None:
            stopper.attach(connection.interrupt)
        try:
            yield connection
        except duckdb.InterruptException:
            raise Cancelled("The question was taken back") from None
        finally:
            if stopper is not None:
                stopper.attach(None)


def still_wanted(stopper: Stopper | None) -> None:
    """To be asked between two queries, where an interrupt would be lost.

    Raises:
        Cancelled: the stopper was used.
    """
    if stopper is not None and stopper.stopped:
        raise Cancelled("The question was taken back")


@dataclass(frozen=True, slots=True)
class Opened:
    """One state of the profiles, open for questions.

    Attributes:
        connection: with the views of `view`.
    """

    connection: duckdb.DuckDBPyConnection
    head: Head
    stopper: Stopper | None = None

    def ask(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query.

        Raises:
            Cancelled: the stopper was used.
        """
        still_wanted(self.stopper)
        return self.connection.execute(query, list(values)).fetchall()

    def profiles(self, query: str, values: Sequence[Any] = (), first: Sequence[str] = ()) -> list[Profile]:
        """The profiles that a query gives, as it orders them; it selects all columns.

        Args:
            first: fields that come first.
        """
        rows = self.ask(query, values)
        names = [column[0] for column in self.connection.description or ()]
        if not rows:
            return []
        ids = [row[names.index("_id")] for row in rows]
        audiences = dict(self.ask("SELECT _id, _segments FROM memberships WHERE list_contains(?, _id)", [ids]))
        merged = dict(
            self.ask("SELECT survivor, list(_id) FROM merges WHERE list_contains(?, survivor) GROUP BY survivor", [ids])
        )
        return [
            profile_of(dict(zip(names, row, strict=True)), audiences.get(one, ()), merged.get(one, ()), first)
            for one, row in zip(ids, rows, strict=True)
        ]


def profile_of(
    row: dict[str, Any], audiences: Sequence[str] = (), merged: Sequence[str] = (), first: Sequence[str] = ()
) -> Profile:
    """A profile of its row."""
    fields = {name: value for name, value in row.items() if value is not None and name not in HIDDEN}
    if audiences:
        fields["_segments"] = list(audiences)
    identifiers = (node.partition(":") for node in row["_identifiers"])
    return Profile(
        id=row["_id"],
        fields={**{name: fields[name] for name in first if name in fields}, **fields},
        identifiers=tuple(Identifier(name, value) for name, _, value in identifiers),
        audiences=tuple(audiences),
        merged=tuple(merged),
    )
