"""The databases: DuckDB files that one DuckDB instance has attached, and what all sessions share."""

from __future__ import annotations

import threading
from pathlib import Path
from urllib.parse import quote, unquote

import duckdb

from lytics_azure_tui.sandbox.tds import catalogue
from lytics_azure_tui.sandbox.tds.errors import SqlError
from lytics_azure_tui.sandbox.tds.relations import Relation
from lytics_azure_tui.sandbox.tds.values import identifier, quoted

RESERVED = ("memory", "system", "temp", "tempdb")
FIRST_DATABASES = ("master", "demo")
READER_SCHEMA = "sales"
_SUFFIX = ".duckdb"
_MEMORY = "2GiB"


class Rowversions:
    """Which rowversions are being given out, for MIN_ACTIVE_ROWVERSION."""

    def __init__(self) -> None:
        """Nothing is under way."""
        self._lock = threading.Lock()
        self._floors: dict[tuple[str, int], int] = {}

    def begin(self, database: str, session: int, cursor: duckdb.DuckDBPyConnection) -> None:
        """A session is about to take rowversions; none that it takes is below the next."""
        with self._lock:
            self._floors.setdefault((database, session), last_rowversion(cursor, database) + 1)

    def end(self, session: int) -> None:
        """The session's transaction is over."""
        with self._lock:
            for key in [key for key in self._floors if key[1] == session]:
                del self._floors[key]

    def lowest_active(self, database: str, cursor: duckdb.DuckDBPyConnection) -> int:
        """The lowest that an open transaction may have taken; the next one if there is none."""
        with self._lock:
            floors = [floor for (name, _), floor in self._floors.items() if name == database]
            return min(floors, default=last_rowversion(cursor, database) + 1)


def last_rowversion(cursor: duckdb.DuckDBPyConnection, database: str) -> int:
    """@@DBTS."""
    rows = cursor.execute(
        "SELECT coalesce(last_value, start_value - 1) FROM duckdb_sequences() "
        "WHERE database_name = ? AND schema_name = ? AND sequence_name = 'rowversions'",
        [database, catalogue.SCHEMA],
    ).fetchall()
    return int(rows[0][0])


class Engine:
    """The DuckDB instance.

    Attributes:
        rowversions: of all databases.
        versions: of each database's catalogue; grows when it changes.
    """

    def __init__(self, folder: Path) -> None:
        """Opens all databases of a folder, and makes master and demo in an empty one."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._root = duckdb.connect(":memory:")
        self._root.execute(f"SET memory_limit = '{_MEMORY}'")
        self._root.execute(f"SET temp_directory = {quoted(str(folder / 'spill'))}")
        self._lock = threading.Lock()
        self._names: list[str] = []
        self._relations: dict[tuple[str, int, str, str], Relation | None] = {}
        self.versions: dict[str, int] = {}
        self.rowversions = Rowversions()
        there = [unquote(path.name.removesuffix(_SUFFIX)) for path in folder.glob(f"*{_SUFFIX}")]
        for name in [*FIRST_DATABASES, *sorted(there)]:
            if name not in self._names:
                self._attach(name)

    @property
    def databases(self) -> list[str]:
        """The names of all, in the order of their ids."""
        with self._lock:
            return list(self._names)

    def database(self, name: str) -> str | None:
        """The name of a database as it was given; None if there is none."""
        return next((one for one in self.databases if one.lower() == name.lower()), None)

    def cursor(self, database: str) -> duckdb.DuckDBPyConnection:
        """A connection of its own, for one session."""
        cursor = self._root.cursor()
        # Texts compare without regard to case, as with SQL Server's usual collation.
        cursor.execute("SET default_collation = 'nocase'")
        cursor.execute("SET arrow_lossless_conversion = true")
        cursor.execute(f"USE {identifier(database)}.dbo")
        return cursor

    def create_database(self, name: str) -> None:
        """Makes a database.

        Raises:
            SqlError: 1801, there is one of that name.
        """
        if self.database(name) or name.lower() in RESERVED:
            raise SqlError(1801, f"Database '{name}' already exists. Choose a different database name.")
        self._attach(name)

    def drop_database(self, name: str) -> None:
        """Deletes a database.

        Raises:
            SqlError: 3701, there is none; 3708, it is one of the first.
        """
        known = self.database(name)
        if known is None:
            raise SqlError(3701, f"Cannot drop the database '{name}', because it does not exist.", severity=11)
        if known in FIRST_DATABASES:
            raise SqlError(3708, f"Cannot drop the database '{known}' because it is a system database.")
        with self._lock:
            try:
                self._root.execute(f"DETACH {identifier(known)}")
            except duckdb.Error:
                words = f'Cannot drop database "{known}" because it is currently in use.'
                raise SqlError(3702, words) from None
            self._names.remove(known)
            for path in self._folder.glob(f"{quote(known, safe='')}{_SUFFIX}*"):
                path.unlink()

    def changed(self, database: str) -> None:
        """The catalogue of a database is another now."""
        with self._lock:
            self.versions[database] += 1
            self._relations = {key: value for key, value in self._relations.items() if key[0] != database}

    def remembered(self, database: str, schema: str, name: str) -> tuple[bool, Relation | None]:
        """What was last found under a name, and whether anything is known."""
        with self._lock:
            key = (database, self.versions[database], schema.lower(), name.lower())
            return key in self._relations, self._relations.get(key)

    def remember(self, database: str, version: int, schema: str, name: str, found: Relation | None) -> None:
        """Keeps what was found, as of a version of the catalogue."""
        with self._lock:
            self._relations[database, version, schema.lower(), name.lower()] = found

    def close(self) -> None:
        """Writes everything into the files."""
        self._root.close()

    def _attach(self, name: str) -> None:
        path = self._folder / f"{quote(name, safe='')}{_SUFFIX}"
        with self._lock:
            self._root.execute(f"ATTACH {quoted(str(path))} AS {identifier(name)}")
            if not self._has_catalogue(name):
                cursor = self._root.cursor()
                cursor.execute(f"USE {identifier(name)}")
                first = (
                    f"INSERT INTO {catalogue.SCHEMA}.grants VALUES ('reader', 'SELECT', {quoted(READER_SCHEMA)}, NULL);"
                )
                cursor.execute(f"BEGIN; {catalogue.CREATE} {first} COMMIT")
                cursor.close()
            self._names.append(name)
            self.versions[name] = 0

    def _has_catalogue(self, name: str) -> bool:
        rows = self._root.execute(
            "SELECT 1 FROM duckdb_schemas() WHERE database_name = ? AND schema_name = ?", [name, catalogue.SCHEMA]
        ).fetchall()
        return bool(rows)
