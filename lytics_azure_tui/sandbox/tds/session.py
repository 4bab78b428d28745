"""One login: its database, settings, variables, temporary tables and transaction."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import duckdb

from lytics_azure_tui.sandbox.tds import catalogue, masks, syntax, types
from lytics_azure_tui.sandbox.tds.duck_errors import doomed, translated
from lytics_azure_tui.sandbox.tds.engine import Engine, last_rowversion
from lytics_azure_tui.sandbox.tds.errors import SqlError, denied, no_object
from lytics_azure_tui.sandbox.tds.names import split_name
from lytics_azure_tui.sandbox.tds.parse import parse
from lytics_azure_tui.sandbox.tds.relations import Column, Index, Relation
from lytics_azure_tui.sandbox.tds.server_values import PROPERTIES, values_of
from lytics_azure_tui.sandbox.tds.session_state import Caught, Login, Settings, Transaction
from lytics_azure_tui.sandbox.tds.types import SqlType
from lytics_azure_tui.sandbox.tds.values import Value, identifier, needed

_EVERYTHING = (
    "CREATE TABLE", "CREATE VIEW", "CREATE SCHEMA", "SELECT", "INSERT", "UPDATE", "DELETE", "EXECUTE", "REFERENCES",
    "ALTER", "CONTROL", "CONNECT", "VIEW DEFINITION", "VIEW DATABASE STATE", "UNMASK", "ALTER ANY SCHEMA", "SHOWPLAN",
)  # fmt: skip
_SNAPSHOTS = ("SNAPSHOT", "SERIALIZABLE", "REPEATABLE READ")


class Session:
    """Implements what a query can ask of its session.

    Attributes:
        engine: shared by all sessions.
        cursor: its own connection to DuckDB.
        user: the login's name.
        is_owner: whether it may do everything.
        meets_no_faults: whether ordered faults pass it by.
        variables: of the batch under way.
        temporary: its temporary tables, by name in lower case.
        cancel: set while an attention is not answered.
    """

    def __init__(self, engine: Engine, spid: int, login: Login, database: str) -> None:
        """Args: login: who has logged in."""
        self.engine = engine
        self.spid = spid
        self.user = login.name
        self.is_owner = login.owns
        self.meets_no_faults = login.meets_no_faults
        self.database = database
        self.host = ""
        self.application = ""
        self.cursor = engine.cursor(database)
        self.variables: dict[str, tuple[SqlType, Value]] = {}
        self.temporary: dict[str, Relation] = {}
        self.transaction = Transaction()
        self.settings = Settings()
        self.cancel = threading.Event()
        self.row_count = 0
        self.last_error = 0
        self.identity: int | None = None
        self.caught: list[Caught] = []
        self._trusted = 0
        self._changed_catalogue = False
        self._temporary_ids = 0
        self._temporary_before: dict[str, Relation] = {}
        self._transactions = 0
        self._grants: list[tuple[str, str, str | None]] | None = None

    # ---- DuckDB

    def run(self, sql: str, values: dict[str, Value] | None = None) -> list[tuple[object, ...]]:
        """Runs one statement of DuckDB's SQL.

        Raises:
            duckdb.Error: it failed.
        """
        rows: list[tuple[object, ...]] = self.cursor.execute(sql, needed(sql, values or {})).fetchall()
        return rows

    def use(self, database: str) -> None:
        """Changes the database.

        Raises:
            SqlError: 911, there is none of that name.
        """
        known = self.engine.database(database)
        if known is None:
            words = f"Database '{database}' does not exist. Make sure that the name is entered correctly."
            raise SqlError(911, words)
        self.run(f"USE {identifier(known)}.dbo")
        self.database = known
        self._grants = None

    def close(self) -> None:
        """Ends it: what is not committed is gone."""
        self.engine.rowversions.end(self.spid)
        self.cursor.close()

    def reset(self) -> None:
        """As new: for a pool of connections."""
        self.rollback()
        for relation in list(self.temporary.values()):
            self.run(f"DROP TABLE IF EXISTS {relation.sql}")
        self.temporary.clear()
        self.settings = Settings()
        self.variables = {}

    # ---- transactions

    def begin(self) -> bool:
        """BEGIN TRANSACTION. Returns whether it is the outermost."""
        self.transaction.count += 1
        if self.transaction.count > 1:
            return False
        self._transactions += 1
        self.transaction.number = (self.spid << 32) | self._transactions
        return True

    def commit(self) -> bool:
        """COMMIT. Returns whether the transaction has ended.

        Raises:
            SqlError: 3902, there is none; 3930, it has failed; what DuckDB finds only now.
        """
        if not self.transaction.count:
            raise SqlError(3902, "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.")
        if self.transaction.failed:
            raise doomed()
        if self.transaction.count > 1:
            self.transaction.count -= 1
            return False
        begun, self.transaction = self.transaction.begun, Transaction()
        try:
            if begun:
                self.run("COMMIT")
        except duckdb.Error as error:
            self._rolled_back()
            raise translated(error, self.database) from error
        self._ended()
        return True

    def rollback(self) -> None:
        """Everything back to the beginning of the outermost transaction."""
        begun, self.transaction = self.transaction.begun, Transaction()
        if begun:
            try:
                self.run("ROLLBACK")
            except duckdb.InterruptException:
                # It was meant for the statement before.
                self.run("ROLLBACK")
            self._rolled_back()
        else:
            self._ended()

    def fail(self) -> None:
        """DuckDB has given the transaction up."""
        if self.transaction.begun:
            self.transaction.failed = True

    def _ended(self) -> None:
        self.engine.rowversions.end(self.spid)
        if self._changed_catalogue:
            self._changed_catalogue = False
            self._grants = None
            self.engine.changed(self.database)

    def _rolled_back(self) -> None:
        self._ended()
        self.temporary = self._temporary_before

    def before_reading(self) -> None:
        """Raises: SqlError: 3930, the transaction has failed."""
        if self.transaction.failed:
            raise doomed()
        if self.transaction.count and self.settings.isolation in _SNAPSHOTS:
            self._begin_in_duckdb()

    def before_writing(self, relation: Relation | None = None) -> None:
        """Raises: SqlError: 3930, the transaction has failed."""
        if self.transaction.failed:
            raise doomed()
        if self.settings.implicit_transactions and not self.transaction.count:
            self.begin()
        if self.transaction.count:
            self._begin_in_duckdb()
        if relation is not None and relation.rowversion and not relation.temporary:
            self.engine.rowversions.begin(self.database, self.spid, self.cursor)

    def after_writing(self) -> None:
        """Of a statement that is a transaction of its own."""
        if not self.transaction.count:
            self._ended()

    def _begin_in_duckdb(self) -> None:
        if not self.transaction.begun:
            self.run("BEGIN")
            self.transaction.begun = True
            self._temporary_before = dict(self.temporary)

    @contextmanager
    def atomically(self) -> Iterator[None]:
        """Several statements of DuckDB as one: all or nothing."""
        self.before_writing()
        if self.transaction.count:
            yield
            return
        self.run("BEGIN")
        self._temporary_before = dict(self.temporary)
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            self.run("ROLLBACK")
            self._rolled_back()
            raise
        self._ended()

    def catalogue_changed(self) -> None:
        """A definition was changed; others learn of it when the transaction ends."""
        self._changed_catalogue = True

    # ---- names

    def catalogue(self, table: str) -> str:
        """DuckDB's name of a catalogue table of the database."""
        return identifier(self.database, catalogue.SCHEMA, table)

    def database_names(self) -> list[str]:
        """All databases."""
        return self.engine.databases

    def relation(self, parts: syntax.Parts, permission: str = "SELECT") -> Relation:
        """Finds what a name stands for.

        Raises:
            SqlError: 208, there is nothing; 229, it may not be used so; 40515, it is in another database.
        """
        found = self.find(parts)
        if found is None:
            raise no_object(".".join(parts))
        if found.kind != "system" and not found.temporary and not self._may(permission, found.schema, found.name):
            raise denied(permission, found.name, self.database, found.schema)
        if permission == "SELECT" and any(column.mask for column in found.columns):
            # A view that may read what its reader may not is masked for its reader all the same.
            return found if self._unmasked(found) else masks.masked(found)
        return found

    def _unmasked(self, relation: Relation) -> bool:
        return self.is_owner or self._is_granted("UNMASK", relation.schema, relation.name)

    def find(self, parts: syntax.Parts) -> Relation | None:
        """As `relation`, without asking for rights. Raises: SqlError: 40515."""
        name = parts[-1]
        if name.startswith(("#", "@")):
            return self.temporary.get(name.lower())
        schema = parts[-2] if len(parts) > 1 and parts[-2] else "dbo"
        database = parts[-3] if len(parts) > 2 and parts[-3] else self.database
        if schema.lower() in ("sys", "information_schema"):
            known = self.engine.database(database)
            if known is None:
                raise _elsewhere(parts)
            return catalogue.system_relation(schema, name, known, self._visible(), self.engine.databases)
        if database.lower() != self.database.lower():
            raise _elsewhere(parts)
        return self._stored(schema, name)

    def _stored(self, schema: str, name: str) -> Relation | None:
        if self._changed_catalogue:
            return self._load(schema, name)
        known, found = self.engine.remembered(self.database, schema, name)
        if not known:
            version = self.engine.versions[self.database]
            found = self._load(schema, name)
            self.engine.remember(self.database, version, schema, name, found)
        return found

    def _load(self, schema: str, name: str) -> Relation | None:
        rows = self.run(
            f"SELECT o.object_id, s.name, o.name, o.type, o.definition, coalesce(o.sequence, '') "
            f"FROM {self.catalogue('objects')} o JOIN {self.catalogue('schemas')} s ON s.schema_id = o.schema_id "
            "WHERE s.name = $schema AND o.name = $name AND o.type IN ('U', 'V')",
            {"schema": schema, "name": name},
        )
        if not rows:
            return None
        number, its_schema, its_name, kind, definition, sequence = rows[0]
        schema, name = str(its_schema), str(its_name)
        columns = tuple(
            Column(
                str(row[0]),
                SqlType(str(row[1]), _int(row[2]), _int(row[3]), _int(row[4]), bool(row[5])),
                None if row[7] is None else str(row[7]),
                None if row[8] is None else str(row[8]),
                bool(row[6]),
                None if row[9] is None else str(row[9]),
            )
            for row in self.run(
                "SELECT name, type, length, digits, scale, is_nullable, is_identity, default_text, computed, mask "
                f"FROM {self.catalogue('columns')} WHERE object_id = $id ORDER BY column_id",
                {"id": _int(number)},
            )
        )
        relation = Relation(schema, name, "table", columns, object_id=_int(number), sequence=str(sequence))
        if kind == "V":
            statement = parse(str(definition))[0]
            assert isinstance(statement, syntax.CreateView)  # noqa: S101
            return replace(relation, kind="view", query=statement.query)
        sql = identifier(self.database, schema, name)
        return replace(relation, sql=sql, indexes=self._indexes(_int(number)))

    def _indexes(self, number: int) -> tuple[Index, ...]:
        rows = self.run(
            "SELECT i.name, i.is_unique, i.is_primary, i.is_clustered, i.is_constraint, "
            "list(k.name ORDER BY x.key_ordinal), list(x.is_descending ORDER BY x.key_ordinal) "
            f"FROM {self.catalogue('indexes')} i "
            f"JOIN {self.catalogue('index_columns')} x ON x.object_id = i.object_id AND x.index_id = i.index_id "
            f"JOIN {self.catalogue('columns')} k ON k.object_id = x.object_id AND k.column_id = x.column_id "
            "WHERE i.object_id = $id GROUP BY ALL ORDER BY any_value(i.index_id)",
            {"id": number},
        )
        return tuple(
            Index(
                str(row[0]),
                tuple((str(one), bool(down)) for one, down in zip(_list(row[5]), _list(row[6]), strict=True)),
                bool(row[1]),
                bool(row[2]),
                bool(row[3]),
                bool(row[4]),
            )
            for row in rows
        )

    def next_temporary_id(self) -> int:
        """An object id for a temporary table."""
        self._temporary_ids += 1
        return -1_000_000 - self._temporary_ids

    def find_object(self, name: str, kind: str | None = None) -> int | None:
        """OBJECT_ID."""
        parts = split_name(name)
        if not parts:
            return None
        try:
            found = self.find(parts)
        except SqlError:
            return None
        wanted = (kind or "").upper()
        if found is not None:
            fits = not wanted or (wanted == "V") == (found.kind != "table")
            visible = found.kind == "system" or found.temporary or self._sees(found.schema)
            if not fits or not visible:
                return None
            return found.object_id or -100 - sum(found.name.lower().encode())
        rows = self.run(
            f"SELECT object_id FROM {self.catalogue('objects')} WHERE name = $name AND type NOT IN ('U', 'V')",
            {"name": parts[-1]},
        )
        return _int(rows[0][0]) if rows and (not wanted or wanted in ("PK", "UQ", "C", "F")) else None

    # ---- rights

    @contextmanager
    def trusted(self) -> Iterator[None]:
        """Within it a view reads what its reader may not."""
        self._trusted += 1
        try:
            yield
        finally:
            self._trusted -= 1

    def granted(self) -> list[tuple[str, str, str | None]]:
        """What was granted to the user: permission, schema, object or None for all of the schema."""
        if self._grants is None:
            rows = self.run(
                f"SELECT permission, schema_name, object_name FROM {self.catalogue('grants')} WHERE user_name = $user",
                {"user": self.user},
            )
            self._grants = [(str(row[0]), str(row[1]), None if row[2] is None else str(row[2])) for row in rows]
        return self._grants

    def _may(self, permission: str, schema: str, name: str | None) -> bool:
        return self.is_owner or bool(self._trusted) or self._is_granted(permission, schema, name)

    def _is_granted(self, permission: str, schema: str, name: str | None) -> bool:
        return any(
            granted == permission
            and one.lower() == schema.lower()
            and (object_ is None or (name is not None and object_.lower() == name.lower()))
            for granted, one, object_ in self.granted()
        )

    def _sees(self, schema: str) -> bool:
        return self.is_owner or any(one.lower() == schema.lower() for _, one, _ in self.granted())

    def _visible(self) -> str:
        """What of the catalogue a login sees: the objects that it has a right on."""
        if self.is_owner:
            return "true"
        names = {one for _, one, _ in self.granted()}
        listed = ", ".join("'" + name.replace("'", "''") + "'" for name in names) or "''"
        schemas = f"SELECT schema_id FROM {self.catalogue('schemas')} WHERE name IN ({listed})"
        return f"o.schema_id IN ({schemas})"

    def has_permission(self, name: str | None, scope: str, permission: str) -> bool | None:  # noqa: PLR0911 -- one a kind
        """HAS_PERMS_BY_NAME."""
        if scope == "SERVER":
            return permission in ("CONNECT SQL", "VIEW ANY DATABASE")
        if scope == "DATABASE":
            if name is not None and self.engine.database(split_name(name)[-1] if split_name(name) else name) is None:
                return None
            return permission in self.permissions()
        if scope == "SCHEMA":
            parts = split_name(name or "")
            rows = self.run(
                f"SELECT name FROM {self.catalogue('schemas')} WHERE name = $name", {"name": parts[-1] if parts else ""}
            )
            return self._may(permission, str(rows[0][0]), None) if rows else None
        parts = split_name(name or "")
        try:
            found = self.find(parts) if parts else None
        except SqlError:
            return None
        if found is None or (found.kind != "system" and not found.temporary and not self._sees(found.schema)):
            return None
        if found.kind == "system":
            return permission == "SELECT"
        return found.temporary or self._may(permission, found.schema, found.name)

    def objects_with(self, permission: str) -> dict[tuple[str, ...], bool]:
        """The objects that the login sees, by schema and name, and whether it has a permission on each."""
        rows = self.run(
            f"SELECT s.name, o.name FROM {self.catalogue('objects')} AS o JOIN {self.catalogue('schemas')} AS s"
            f" ON s.schema_id = o.schema_id WHERE o.type IN ('U', 'V') AND {self._visible()}"
        )
        names = ((str(schema), str(name)) for schema, name in rows)
        return {(schema, name): self._may(permission, schema, name) for schema, name in names}

    def permissions(self) -> list[str]:
        """On the database."""
        return list(_EVERYTHING) if self.is_owner else ["CONNECT"]

    # ---- values of session and server

    def property_of_server(self, name: str) -> tuple[SqlType, Value]:
        """SERVERPROPERTY."""
        return PROPERTIES.get(name, (types.SYSNAME, None))

    def system_value(self, name: str) -> tuple[SqlType, Value] | None:
        """@@name, or a function without arguments."""
        if name == "@@DBTS":
            return types.SqlType("binary", 8), last_rowversion(self.cursor, self.database).to_bytes(8, "big")
        if name == "MIN_ACTIVE_ROWVERSION":
            lowest = self.engine.rowversions.lowest_active(self.database, self.cursor)
            return types.SqlType("binary", 8), lowest.to_bytes(8, "big")
        return values_of(self).get(name)


def _elsewhere(parts: syntax.Parts) -> SqlError:
    name = ".".join(parts)
    return SqlError(
        40515, f"Reference to database and/or server name in '{name}' is not supported in this version of SQL Server."
    )


def _int(value: object) -> int:
    return int(str(value))


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []
