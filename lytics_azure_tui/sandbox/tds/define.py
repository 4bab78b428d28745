"""CREATE, ALTER and DROP: an object in DuckDB, and what the catalogue says of it."""

from __future__ import annotations

from dataclasses import replace

import duckdb

from lytics_azure_tui.sandbox.tds import catalogue, masks, syntax
from lytics_azure_tui.sandbox.tds.bind import Binder, Member, Scope
from lytics_azure_tui.sandbox.tds.errors import SqlError, denied_statement, no_object, unsupported
from lytics_azure_tui.sandbox.tds.parse import parse_expression
from lytics_azure_tui.sandbox.tds.register import Register
from lytics_azure_tui.sandbox.tds.relations import Column, Index, Relation
from lytics_azure_tui.sandbox.tds.session import Session
from lytics_azure_tui.sandbox.tds.types import SqlType
from lytics_azure_tui.sandbox.tds.values import Bound, Value, identifier, quoted


class Definer:
    """Changes definitions for one session; everything is within the caller's transaction."""

    def __init__(self, session: Session) -> None:
        """Args: session: who wants it."""
        self._session = session
        self._register = Register(session)

    def allow(self, permission: str) -> None:
        """Raises: SqlError: 262, only the owner may."""
        if not self._session.is_owner:
            raise denied_statement(permission, self._session.database)

    # ---- tables

    def create_table(self, table: syntax.CreateTable) -> Relation:
        """CREATE TABLE.

        Raises:
            SqlError: 2714, the name is taken; 2759, there is no such schema; 2705, a column comes twice.
        """
        session = self._session
        name = table.name[-1]
        temporary = name.startswith(("#", "@"))
        if temporary:
            schema, sql = "dbo", identifier("temp", "main", name)
        else:
            self.allow("CREATE TABLE")
            schema = self._schema(table.name)
            sql = identifier(session.database, schema, name)
        if session.find((schema, name) if not temporary else (name,)) is not None:
            raise SqlError(2714, f"There is already an object named '{name}' in the database.", state=6)
        keys = [named_key(key, name) for key in table.keys]
        columns = self._columns(table, keys)
        sequence = ""
        number = session.next_temporary_id() if temporary else self._register.next("object_ids")
        identity = next((column for column in table.columns if column.identity), None)
        if identity is not None and identity.identity is not None:
            start, step = identity.identity
            sequence = f"identity_{abs(number)}"
            where = "temp.main" if temporary else identifier(session.database, catalogue.SCHEMA)
            kind = "TEMP " if temporary else ""
            session.run(
                f"CREATE {kind}SEQUENCE {where}.{sequence} START {start} INCREMENT {step} MINVALUE "
                f"{min(start, -(1 << 62))}"
            )
            sequence = f"{where}.{sequence}"
        indexes = tuple(
            Index(key.name or "", tuple(key.columns), key.unique, key.primary, bool(key.clustered), key.constraint)
            for key in keys
        )
        relation = Relation(schema, name, "table", columns, sql, number, temporary, None, sequence, indexes)
        self._create(relation, [check.condition for check in table.checks], table.foreign)
        if temporary:
            session.temporary[name.lower()] = relation
        else:
            self._register.table(relation, table)
        return relation

    def _create(self, relation: Relation, checks: list[syntax.Expression], foreign: list[syntax.ForeignKey]) -> None:
        """The table in DuckDB, with all that keeps wrong rows out of it."""
        pieces = [self._column_sql(relation, column) for column in relation.columns if column.computed is None]
        for index in relation.indexes:
            # A temporary table is filled once and read: looking at its index for every row would only take time.
            if index.unique and (index.constraint or not relation.temporary):
                pieces.append(self._key_sql(relation, index))
        pieces += [f"CHECK ({self._check(relation, check)})" for check in checks]
        pieces += self._foreign(relation, foreign)
        kind = "TEMP TABLE" if relation.temporary else "TABLE"
        self._session.run(f"CREATE {kind} {relation.sql} ({', '.join(pieces)})")

    def _schema(self, parts: syntax.Parts) -> str:
        session = self._session
        schema = parts[-2] if len(parts) > 1 and parts[-2] else "dbo"
        if len(parts) > 2 and parts[-3] and parts[-3].lower() != session.database.lower():
            raise SqlError(40515, f"Reference to database and/or server name in '{'.'.join(parts)}' is not supported.")
        rows = session.run(f"SELECT name FROM {session.catalogue('schemas')} WHERE name = $name", {"name": schema})
        if not rows or schema.lower() in ("sys", "information_schema"):
            words = (
                f'The specified schema name "{schema}" either does not exist or you do not have permission to use it.'
            )
            raise SqlError(2760, words)
        return str(rows[0][0])

    def _columns(self, table: syntax.CreateTable, keys: list[syntax.Key]) -> tuple[Column, ...]:
        seen: set[str] = set()
        primary = {name.lower() for key in keys if key.primary for name, _ in key.columns}
        columns: list[Column] = []
        for column in table.columns:
            if column.name.lower() in seen:
                raise column_twice(column.name, table.name[-1])
            seen.add(column.name.lower())
            columns.append(self.column(column, columns, column.name.lower() in primary))
        for key in keys:
            for name, _ in key.columns:
                if name.lower() not in seen:
                    raise SqlError(1911, f"Column name '{name}' does not exist in the target table or view.")
        return tuple(columns)

    def column(self, column: syntax.Column, before: list[Column], primary: bool) -> Column:
        """What a written column is.

        Args:
            before: the columns that a computed one may use.
            primary: whether it belongs to the primary key.
        """
        if column.computed is not None:
            value = Binder(self._session).value(parse_expression(column.computed), self._scope_over(before))
            return Column(column.name, value.type.maybe(), computed=column.computed)
        nullable = column.nullable
        if nullable is None:
            nullable = not primary and column.type.name != "timestamp"
        if primary and nullable:
            raise SqlError(8111, "Cannot define PRIMARY KEY constraint on nullable column in the table.")
        if column.default is not None:
            Binder(self._session).value(parse_expression(column.default), Scope())
        if column.mask is not None:
            masks.check(column.mask, column.name)
        type_ = column.type.maybe(nullable)
        return Column(column.name, type_, column.default, None, column.identity is not None, column.mask)

    def _scope_over(self, columns: list[Column] | tuple[Column, ...]) -> Scope:
        """Columns by DuckDB's own names, for a definition within the table."""
        values = [(column.name, Bound(identifier(column.name), column.type)) for column in columns]
        return Scope([Member(("",), values)])

    def _column_sql(self, relation: Relation, column: Column) -> str:
        text = f"{identifier(column.name)} {column.type.duck}"
        if not column.type.nullable:
            text += " NOT NULL"
        if column.identity:
            text += f" DEFAULT nextval({quoted(relation.sequence)})"
        elif column.type.name == "timestamp" and not relation.temporary:
            # What is filled with DuckDB's own SQL gets a rowversion too.
            text += f" DEFAULT {rowversion(self._session.database)}"
        return text

    def _key_sql(self, relation: Relation, index: Index) -> str:
        names = ", ".join(identifier(self.stored_name(relation, name)) for name, _ in index.columns)
        return f"{'PRIMARY KEY' if index.primary else 'UNIQUE'} ({names})"

    def stored_name(self, relation: Relation, name: str) -> str:
        """A column's name as it was declared. Raises: SqlError: 1911, there is none."""
        column = relation.column(name)
        if column is None:
            raise SqlError(1911, f"Column name '{name}' does not exist in the target table or view.")
        if column.computed is not None:
            raise unsupported("An index on a computed column")
        return column.name

    def _check(self, relation: Relation, condition: syntax.Expression) -> str:
        binder = Binder(self._session)
        text = binder.condition(condition, self._scope_over(relation.columns))
        if binder.parameters.values:
            raise unsupported("A CHECK constraint with long constants")
        return text

    def _foreign(self, relation: Relation, foreign: list[syntax.ForeignKey]) -> list[str]:
        pieces = []
        for key in foreign:
            target = self._session.find(key.target)
            if target is None:
                raise SqlError(1767, f"Foreign key references invalid table '{'.'.join(key.target)}'.")
            # DuckDB keeps to one schema; elsewhere the key is known to the catalogue only.
            if target.schema.lower() == relation.schema.lower():
                columns = key.target_columns or [
                    name for index in target.indexes if index.primary for name, _ in index.columns
                ]
                ours, theirs = (", ".join(identifier(name) for name in names) for names in (key.columns, columns))
                pieces.append(f"FOREIGN KEY ({ours}) REFERENCES {identifier(target.schema, target.name)} ({theirs})")
        return pieces

    # ---- indexes

    def create_index(self, statement: syntax.CreateIndex) -> None:
        """CREATE INDEX.

        Raises:
            SqlError: 1088, there is no such table; 1505, it is to be unique and is not; 1902, 1913.
        """
        session, key = self._session, statement.key
        relation = session.find(statement.table)
        if relation is None or relation.kind != "table":
            raise no_table(1088, statement.table)
        if not relation.temporary:
            self.allow("CREATE INDEX")
        if any(one.name.lower() == (key.name or "").lower() for one in relation.indexes):
            words = (
                f"The operation failed because an index or statistics with name '{key.name}' already "
                f"exists on table '{relation.name}'."
            )
            raise SqlError(1913, words)
        if key.clustered and any(one.clustered for one in relation.indexes):
            words = (
                f"Cannot create more than one clustered index on table '{relation.name}'. Drop the "
                "existing clustered index before creating another."
            )
            raise SqlError(1902, words, state=3)
        columns = tuple((self.stored_name(relation, name), descending) for name, descending in key.columns)
        index = Index(key.name or "", columns, key.unique, False, bool(key.clustered), False)
        if index.unique:
            self.look_for_duplicates(relation, index)
        if relation.temporary:
            session.temporary[relation.name.lower()] = replace(relation, indexes=(*relation.indexes, index))
            return
        if index.unique:
            self.rebuild(relation, replace(relation, indexes=(*relation.indexes, index)), {})
        self._register.add_index(relation, index)
        session.catalogue_changed()

    def look_for_duplicates(self, relation: Relation, index: Index) -> None:
        """Raises: SqlError: 1505, the index would not be unique."""
        names = ", ".join(identifier(name) for name, _ in index.columns)
        rows = self._session.run(f"SELECT {names} FROM {relation.sql} GROUP BY ALL HAVING count(*) > 1 LIMIT 1")
        if rows:
            shown = ", ".join("<NULL>" if value is None else str(value) for value in rows[0])
            raise SqlError(
                1505,
                "The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for the object name "
                f"'{relation.schema}.{relation.name}' and the index name '{index.name}'. The duplicate key "
                f"value is ({shown}).",
            )

    def rebuild(self, old: Relation, new: Relation, filling: dict[str, str]) -> None:
        """Makes the table anew: DuckDB alters none that has an index and rows that were changed.

        Args:
            filling: DuckDB's expression for columns that do not just keep their values.
        """
        session = self._session
        checks = []
        if not old.temporary:
            rows = session.run(
                f"SELECT type, definition FROM {session.catalogue('objects')} "
                "WHERE parent_object_id = $id AND type IN ('C', 'F')",
                {"id": old.object_id},
            )
            if any(kind == "F" for kind, _ in rows):
                raise unsupported("Changing a table that has a foreign key")
            checks = [parse_expression(str(text)) for _, text in rows]
        names = [column.name for column in new.columns if column.computed is None]
        values = ", ".join(f"{filling.get(name, identifier(name))} AS {identifier(name)}" for name in names)
        copy = identifier("temp", "main", f"rebuilt {abs(old.object_id)}")
        session.run(f"CREATE TEMP TABLE {copy} AS SELECT {values} FROM {old.sql}")
        session.run(f"DROP TABLE {old.sql}")
        self._create(new, checks, [])
        session.run(f"INSERT INTO {new.sql} ({', '.join(identifier(name) for name in names)}) SELECT * FROM {copy}")
        session.run(f"DROP TABLE {copy}")

    # ---- views, schemas, databases

    def create_view(self, view: syntax.CreateView) -> None:
        """CREATE VIEW, CREATE OR ALTER VIEW.

        Raises:
            SqlError: 2714, the name is taken; 4511, a column has no name.
        """
        session = self._session
        self.allow("CREATE VIEW")
        schema, name = self._schema(view.name), view.name[-1]
        old, created = session.find((schema, name)), None
        if old is not None:
            if not view.replace or old.kind != "view":
                raise SqlError(2714, f"There is already an object named '{name}' in the database.", state=3)
            created = self._register.forget(old.object_id)
        bound = Binder(session).query(view.query)
        names = view.columns or [column for column, _ in bound.columns]
        if not all(names):
            place = names.index("") + 1
            raise SqlError(
                4511, f"Create View or Function failed because no column name was specified for column {place}."
            )
        if len(names) != len(bound.columns):
            raise SqlError(8158, f"'{name}' has more columns than were specified in the column list.")
        # One that is altered stays the same object: its number and its date of creation are those that it had.
        number = self._register.next("object_ids") if old is None else old.object_id
        self._register.add_object(number, name, schema, "V", definition=view.text, created=created)
        for place, (column, (_, type_)) in enumerate(zip(names, bound.columns, strict=True), 1):
            self._register.add_column(number, place, Column(column, type_))
        session.catalogue_changed()

    def create_schema(self, name: str) -> None:
        """CREATE SCHEMA. Raises: SqlError: 2714."""
        session = self._session
        self.allow("CREATE SCHEMA")
        taken = session.run(f"SELECT 1 FROM {session.catalogue('schemas')} WHERE name = $name", {"name": name})
        if taken or name.lower() in ("main", "information_schema", "pg_catalog", catalogue.SCHEMA):
            raise SqlError(2714, f"There is already an object named '{name}' in the database.", state=6)
        session.run(f"CREATE SCHEMA {identifier(session.database, name)}")
        number = self._register.next("schema_ids")
        session.run(f"INSERT INTO {session.catalogue('schemas')} VALUES ($id, $name)", {"id": number, "name": name})
        session.catalogue_changed()

    # ---- dropping

    def drop(self, statement: syntax.Drop) -> None:
        """DROP of tables, views, schemas and indexes.

        Raises:
            SqlError: 3701, there is none; 3729, a schema is not empty.
        """
        for name in statement.names:
            if statement.kind == "INDEX":
                self._drop_index(name[-1], statement.table or (), statement.if_exists)
            elif statement.kind == "SCHEMA":
                self._drop_schema(name[-1], statement.if_exists)
            else:
                self._drop_relation(name, statement.kind, statement.if_exists)

    def _drop_relation(self, name: syntax.Parts, kind: str, if_exists: bool) -> None:
        session = self._session
        found = session.find(name)
        if found is None or found.kind != kind.lower():
            if if_exists and found is None:
                return
            raise _not_there(kind.lower(), ".".join(name))
        if found.temporary:
            session.run(f"DROP TABLE {found.sql}")
            del session.temporary[found.name.lower()]
            return
        if not session.is_owner:
            raise _not_there(kind.lower(), ".".join(name))
        if kind == "TABLE":
            try:
                session.run(f"DROP TABLE {found.sql}")
            except duckdb.CatalogException as error:
                words = (
                    f"Could not drop object '{'.'.join(name)}' because it is referenced by a FOREIGN KEY constraint."
                )
                raise SqlError(3726, words) from error
            if found.sequence:
                session.run(f"DROP SEQUENCE {found.sequence}")
        self._register.forget(found.object_id)

    def _drop_schema(self, name: str, if_exists: bool) -> None:
        session = self._session
        rows = session.run(f"SELECT schema_id, name FROM {session.catalogue('schemas')} WHERE name = $n", {"n": name})
        if not rows:
            if if_exists:
                return
            raise SqlError(
                15151, f"Cannot drop the schema '{name}', because it does not exist or you do not have permission."
            )
        self.allow("DROP SCHEMA")
        inside = session.run(
            f"SELECT name FROM {session.catalogue('objects')} WHERE schema_id = $id LIMIT 1",
            {"id": int(str(rows[0][0]))},
        )
        if inside or int(str(rows[0][0])) <= 4:
            what = str(inside[0][0]) if inside else "sys"
            raise SqlError(3729, f"Cannot drop schema '{name}' because it is being referenced by object '{what}'.")
        session.run(f"DROP SCHEMA {identifier(session.database, str(rows[0][1]))}")
        session.run(f"DELETE FROM {session.catalogue('schemas')} WHERE name = $name", {"name": name})
        session.catalogue_changed()

    def _drop_index(self, name: str, table: syntax.Parts, if_exists: bool) -> None:
        session = self._session
        relation = session.find(table)
        index = next((one for one in relation.indexes if one.name.lower() == name.lower()), None) if relation else None
        if relation is None or index is None or index.constraint:
            if if_exists and relation is not None and index is None:
                return
            raise SqlError(
                3701,
                f"Cannot drop the index '{'.'.join(table)}.{name}', because it does not exist or you do not "
                "have permission.",
                severity=11,
                state=7,
            )
        if relation.temporary:
            rest = tuple(one for one in relation.indexes if one is not index)
            session.temporary[relation.name.lower()] = replace(relation, indexes=rest)
            return
        self.allow("DROP INDEX")
        if index.unique:
            rest = tuple(one for one in relation.indexes if one is not index)
            self.rebuild(relation, replace(relation, indexes=rest), {})
        self._register.forget_index(relation, index.name)

    # ---- rights

    def grant(self, statement: syntax.Grant) -> None:
        """GRANT, REVOKE and DENY, on schemas and objects."""
        session = self._session
        self.allow("GRANT")
        if statement.scope == "DATABASE":
            return
        if statement.scope == "SCHEMA":
            schema, name = statement.target[-1], None
        else:
            found = session.find(statement.target)
            if found is None:
                raise no_object(".".join(statement.target))
            schema, name = found.schema, found.name
        for user in statement.users:
            for permission in statement.permissions:
                values: dict[str, Value] = {"u": user, "p": permission, "s": schema, "o": name}
                session.run(
                    f"DELETE FROM {session.catalogue('grants')} WHERE user_name = $u AND permission = $p "
                    "AND schema_name = $s AND object_name IS NOT DISTINCT FROM $o",
                    values,
                )
                if statement.action == "GRANT":
                    session.run(f"INSERT INTO {session.catalogue('grants')} VALUES ($u, $p, $s, $o)", values)
        session.catalogue_changed()


def rowversion(database: str) -> str:
    """DuckDB's expression for the next rowversion."""
    return f"nextval({quoted(f'{identifier(database, catalogue.SCHEMA)}.rowversions')})"


def column_for(name: str, type_: SqlType) -> syntax.Column:
    """A column of a table that SELECT INTO makes."""
    return syntax.Column(name, type_, type_.nullable)


def named_key(key: syntax.Key, table: str) -> syntax.Key:
    """A key with the name that it was given, or one that is made up."""
    if key.name:
        return key
    seed = abs(hash((table, tuple(key.columns), key.primary))) % (1 << 32)
    return replace(key, name=f"{'PK' if key.primary else 'UQ'}__{table.lstrip('#')[:9]}__{seed:08X}")


def column_twice(column: str, table: str) -> SqlError:
    """2705."""
    words = "Column names in each table must be unique. Column name '{}' in table '{}' is specified more than once."
    return SqlError(2705, words.format(column, table))


def no_table(number: int, name: syntax.Parts) -> SqlError:
    """1088 or 4902."""
    words = f'Cannot find the object "{".".join(name)}" because it does not exist or you do not have permissions.'
    return SqlError(number, words, state=12)


def _not_there(kind: str, name: str) -> SqlError:
    words = f"Cannot drop the {kind} '{name}', because it does not exist or you do not have permission."
    return SqlError(3701, words, severity=11, state=5)
