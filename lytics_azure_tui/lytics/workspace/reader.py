"""The tables of one head as views of a DuckDB connection: the newest version of each row, what is gone left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from lytics_azure_tui.lytics.duck import literal
from lytics_azure_tui.lytics.workspace.head import Current
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
    """SQL of the rows of some files."""
    return f"read_parquet([{', '.join(map(literal, files))}])"


def layers_of(tables: Tables, current: Current) -> dict[str, Layers]:
    """The files of a head, by table."""
    found = {}
    for table in TABLES:
        version = current.version if table == "profiles" else current.head.versions[table]
        files = tables.files(table, version)
        base = current.head.bases[table]
        found[table] = Layers(
            tuple(file for file in files if build_of(file) <= base),
            tuple(file for file in files if build_of(file) > base),
        )
    return found


def view(connection: duckdb.DuckDBPyConnection, files: dict[str, Layers], prefix: str = "") -> None:
    """Makes the views profiles, memberships, merges, identities, transitions and sizes.

    Args:
        prefix: of their names.
    """
    for table in ("profiles", "memberships", "merges"):
        newest_rows(connection, prefix + table, files[table])
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {prefix}identities AS SELECT field, value, coalesce(m.survivor, i._id) AS _id"
        f" FROM {files['identities'].all()} i LEFT JOIN {prefix}merges m ON m._id = i._id"
    )
    for table in ("transitions", "sizes"):
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {prefix}{table} AS SELECT * FROM {files[table].all()}")


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
        f" UNION ALL SELECT * FROM {upper} SEMI JOIN {name}_newest USING (_id, _build) WHERE NOT _gone"
    )
