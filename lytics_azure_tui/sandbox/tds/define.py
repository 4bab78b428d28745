"""CREATE, ALTER and DROP: an object in DuckDB, and what the catalogue says of it."""

from __future__ import annotations

from dataclasses import replace

import duckdb

from lytics_azure_tui.sandbox.tds import catalogue, syntax, types
from lytics_azure_tui.sandbox.tds.bind import Binder, Member, Scope
from lytics_azure_tui.sandbox.tds.errors import SqlError, denied_statement, no_object, unsupported
from lytics_azure_tui.sandbox.tds.functions import now
from lytics_azure_tui.sandbox.tds.parse import parse_expression
from lytics_azure_tui.sandbox.tds.relations import Column, Index, Relation
from lytics_azure_tui.sandbox.tds.session import Session
from lytics_azure_tui.sandbox.tds.types import SqlType
from lytics_azure_tui.sandbox.tds.values import Bound, Value, identifier, quoted


class Definer:
    """Changes definitions for one session; everything is within the caller's transaction."""

    def __init__(self, session: Session) -> None:
        """Args: session: who wants it."""
        self._session = session

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
        keys = [_named_key(key, name) for key in table.keys]
        columns = self._columns(table, keys)
        sequence = ""
        number = session.next_temporary_id() if temporary else self._next("object_ids")
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
            self._register(relation, table)
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

    def _next(self, sequence: str) -> int:
        name = f"{identifier(self._session.database, catalogue.SCHEMA)}.{sequence}"
        return int(str(self._session.run(f"SELECT nextval({quoted(name)})")[0][0]))

    def _columns(self, table: syntax.CreateTable, keys: list[syntax.Key]) -> tuple[Column, ...]:
        seen: set[str] = set()
        primary = {name.lower() for key in keys if key.primary for name, _ in key.columns}
        columns: list[Column] = []
        for column in table.columns:
            if column.name.lower() in seen:
                raise _twice(column.name, table.name[-1])
            seen.add(column.name.lower())
            columns.append(self._column(column, columns, column.name.lower() in primary))
        for key in keys:
            for name, _ in key.columns:
                if name.lower() not in seen:
                    raise SqlError(1911, f"Column name '{name}' does not exist in the target table or view.")
        return tuple(columns)

    def _column(self, column: syntax.Column, before: list[Column], primary: bool) -> Column:
        if column.computed is not None:
            value = self._binder_over(before).value(parse_expression(column.computed), self._scope_over(before))
            return Column(column.name, value.type.maybe(), computed=column.computed)
        nullable = column.nullable
        if nullable is None:
            nullable = not primary and column.type.name != "timestamp"
        if primary and nullable:
            raise SqlError(8111, "Cannot define PRIMARY KEY constraint on nullable column in the table.")
        if column.default is not None:
            Binder(self._session).value(parse_expression(column.default), Scope())
        return Column(column.name, column.type.maybe(nullable), column.default, None, column.identity is not None)

    def _binder_over(self, columns: list[Column]) -> Binder:
        return Binder(self._session)

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
        names = ", ".join(identifier(self._stored_name(relation, name)) for name, _ in index.columns)
        return f"{'PRIMARY KEY' if index.primary else 'UNIQUE'} ({names})"

    def _stored_name(self, relation: Relation, name: str) -> str:
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

    # ---- the catalogue

    def _register(self, relation: Relation, table: syntax.CreateTable) -> None:
        self._add_object(relation.object_id, relation.name, relation.schema, "U", sequence=relation.sequence)
        for number, column in enumerate(relation.columns, 1):
            written = next(one for one in table.columns if one.name == column.name)
            self._add_column(relation.object_id, number, column, written.identity)
        for index in relation.indexes:
            self._add_index(relation, index)
        for kind, named in (("C", table.checks), ("F", table.foreign)):
            for one in named:
                number = self._next("object_ids")
                name = one.name or f"{'CK' if kind == 'C' else 'FK'}__{relation.name}__{number:X}"
                definition = f"({one.text})" if isinstance(one, syntax.Check) else None
                self._add_object(number, name, relation.schema, kind, relation.object_id, definition)
        self._session.catalogue_changed()

    def _add_object(
        self,
        number: int,
        name: str,
        schema: str,
        kind: str,
        parent: int = 0,
        definition: str | None = None,
        sequence: str = "",
    ) -> None:
        session = self._session
        moment = now() // 100_000 * 100_000
        session.run(
            f"INSERT INTO {session.catalogue('objects')} SELECT $id, $name, schema_id, $kind, $parent, $now, $now, "
            f"$definition, $sequence FROM {session.catalogue('schemas')} WHERE name = $schema",
            {
                "id": number,
                "name": name,
                "kind": kind,
                "parent": parent,
                "now": moment,
                "definition": definition,
                "sequence": sequence,
                "schema": schema,
            },
        )

    def _add_column(self, table: int, number: int, column: Column, identity: tuple[int, int] | None = None) -> None:
        type_ = column.type
        system, user = types.TYPE_IDS[type_.name]
        values: list[Value] = [
            table, number, column.name, type_.name, type_.length, type_.precision, type_.scale, type_.nullable,
            column.identity, identity[0] if identity else None, identity[1] if identity else None, column.default,
            column.computed, system, user, type_.max_length, type_.told_precision, type_.told_scale,
        ]  # fmt: skip
        markers = ", ".join(f"$v{place}" for place in range(len(values)))
        self._session.run(
            f"INSERT INTO {self._session.catalogue('columns')} VALUES ({markers})",
            {f"v{place}": value for place, value in enumerate(values)},
        )

    def _add_index(self, relation: Relation, index: Index) -> None:
        session = self._session
        taken = session.run(
            f"SELECT coalesce(max(index_id), 1) + 1 FROM {session.catalogue('indexes')} WHERE object_id = $id",
            {"id": relation.object_id},
        )
        number = 1 if index.clustered else int(str(taken[0][0]))
        session.run(
            f"INSERT INTO {session.catalogue('indexes')} VALUES ($id, $number, $name, $clustered, $unique, "
            "$primary, $constraint)",
            {
                "id": relation.object_id,
                "number": number,
                "name": index.name,
                "clustered": index.clustered,
                "unique": index.unique,
                "primary": index.primary,
                "constraint": index.constraint,
            },
        )
        for ordinal, (name, descending) in enumerate(index.columns, 1):
            session.run(
                f"INSERT INTO {session.catalogue('index_columns')} SELECT $id, $number, $ordinal, "
                "column_id, $descending "
                f"FROM {session.catalogue('columns')} WHERE object_id = $id AND name = $name",
                {
                    "id": relation.object_id,
                    "number": number,
                    "ordinal": ordinal,
                    "descending": descending,
                    "name": name,
                },
            )
        if index.constraint:
            kind = "PK" if index.primary else "UQ"
            self._add_object(self._next("object_ids"), index.name, relation.schema, kind, relation.object_id)

    # ---- indexes

    def create_index(self, statement: syntax.CreateIndex) -> None:
        """CREATE INDEX.

        Raises:
            SqlError: 1088, there is no such table; 1505, it is to be unique and is not; 1902, 1913.
        """
        session, key = self._session, statement.key
        relation = session.find(statement.table)
        if relation is None or relation.kind != "table":
            raise _no_table(1088, statement.table)
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
        columns = tuple((self._stored_name(relation, name), descending) for name, descending in key.columns)
        index = Index(key.name or "", columns, key.unique, False, bool(key.clustered), False)
        if index.unique:
            self._look_for_duplicates(relation, index)
        if relation.temporary:
            session.temporary[relation.name.lower()] = replace(relation, indexes=(*relation.indexes, index))
            return
        if index.unique:
            self._rebuild(relation, replace(relation, indexes=(*relation.indexes, index)), {})
        self._add_index(relation, index)
        session.catalogue_changed()

    def _look_for_duplicates(self, relation: Relation, index: Index) -> None:
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

    # ---- views, schemas, databases

    def create_view(self, view: syntax.CreateView) -> None:
        """CREATE VIEW, CREATE OR ALTER VIEW.

        Raises:
            SqlError: 2714, the name is taken; 4511, a column has no name.
        """
        session = self._session
        self.allow("CREATE VIEW")
        schema, name = self._schema(view.name), view.name[-1]
        old = session.find((schema, name))
        if old is not None:
            if not view.replace or old.kind != "view":
                raise SqlError(2714, f"There is already an object named '{name}' in the database.", state=3)
            self._forget(old.object_id)
        bound = Binder(session).query(view.query)
        names = view.columns or [column for column, _ in bound.columns]
        if not all(names):
            place = names.index("") + 1
            raise SqlError(
                4511, f"Create View or Function failed because no column name was specified for column {place}."
            )
        if len(names) != len(bound.columns):
            raise SqlError(8158, f"'{name}' has more columns than were specified in the column list.")
        number = self._next("object_ids")
        self._add_object(number, name, schema, "V", definition=view.text)
        for place, (column, (_, type_)) in enumerate(zip(names, bound.columns, strict=True), 1):
            self._add_column(number, place, Column(column, type_))
        session.catalogue_changed()

    def create_schema(self, name: str) -> None:
        """CREATE SCHEMA. Raises: SqlError: 2714."""
        session = self._session
        self.allow("CREATE SCHEMA")
        taken = session.run(f"SELECT 1 FROM {session.catalogue('schemas')} WHERE name = $name", {"name": name})
        if taken or name.lower() in ("main", "information_schema", "pg_catalog", catalogue.SCHEMA):
            raise SqlError(2714, f"There is already an object named '{name}' in the database.", state=6)
        session.run(f"CREATE SCHEMA {identifier(session.database, name)}")
        number = self._next("schema_ids")
        session.run(f"INSERT INTO {session.catalogue('schemas')} VALUES ($id, $name)", {"id": number, "name": name})
        session.catalogue_changed()

    def _forget(self, number: int) -> None:
        session = self._session
        session.run(
            f"DELETE FROM {session.catalogue('objects')} WHERE object_id = $id OR parent_object_id = $id",
            {"id": number},
        )
        for table in ("columns", "indexes", "index_columns"):
            session.run(f"DELETE FROM {session.catalogue(table)} WHERE object_id = $id", {"id": number})
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
        self._forget(found.object_id)

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
            self._rebuild(relation, replace(relation, indexes=rest), {})
        self._forget_index(relation, index.name)

    def _forget_index(self, relation: Relation, name: str) -> None:
        session = self._session
        rows = session.run(
            f"SELECT index_id FROM {session.catalogue('indexes')} WHERE object_id = $id AND name = $name",
            {"id": relation.object_id, "name": name},
        )
        for (number,) in rows:
            for table in ("indexes", "index_columns"):
                session.run(
                    f"DELETE FROM {session.catalogue(table)} WHERE object_id = $id AND index_id = $number",
                    {"id": relation.object_id, "number": int(str(number))},
                )
        session.run(
            f"DELETE FROM {session.catalogue('objects')} WHERE parent_object_id = $id AND name = $name",
            {"id": relation.object_id, "name": name},
        )
        session.catalogue_changed()

    # ---- altering

    def alter(self, statement: syntax.AlterTable) -> None:
        """ALTER TABLE.

        Raises:
            SqlError: 4902, there is no such table; 2705, a column is there already; 4924, it is not.
        """
        session = self._session
        relation = session.find(statement.name)
        if relation is None or relation.kind != "table":
            raise _no_table(4902, statement.name)
        if not relation.temporary:
            self.allow("ALTER TABLE")
        if statement.checks or statement.foreign:
            raise unsupported("Adding a CHECK or FOREIGN KEY constraint to a table")
        changed, filling = relation, dict[str, str]()
        for column in statement.add:
            changed = self._add(changed, column, filling)
        if statement.alter:
            changed = self._change(changed, statement.alter, filling)
        for name in statement.drop:
            changed = self._remove(changed, name)
        for key in statement.keys:
            changed = self._add_key(changed, _named_key(key, relation.name))
        for name in statement.drop_constraints:
            changed = self._drop_constraint(changed, name)
        if changed != relation:
            self._rebuild(relation, changed, filling)
        for name, text in statement.defaults:
            changed = self._set_default(changed, name, text)
        if relation.temporary:
            session.temporary[relation.name.lower()] = changed
        else:
            session.catalogue_changed()

    def _rebuild(self, old: Relation, new: Relation, filling: dict[str, str]) -> None:
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

    def _add(self, relation: Relation, written: syntax.Column, filling: dict[str, str]) -> Relation:
        session = self._session
        if relation.column(written.name):
            raise _twice(written.name, relation.name)
        if written.identity:
            raise unsupported("Adding an identity column to a table")
        column = self._column(written, list(relation.columns), False)
        if column.computed is None:
            value = self._value_of_new(column)
            if not value and not column.type.nullable and session.run(f"SELECT 1 FROM {relation.sql} LIMIT 1"):
                words = (
                    "ALTER TABLE only allows columns to be added that can contain nulls, or have a DEFAULT definition "
                    f"specified. Column '{column.name}' cannot be added to non-empty table '{relation.name}'."
                )
                raise SqlError(4901, words)
            filling[column.name] = value or f"CAST(NULL AS {column.type.duck})"
        if not relation.temporary:
            number = session.run(
                f"SELECT max(column_id) + 1 FROM {session.catalogue('columns')} WHERE object_id = $id",
                {"id": relation.object_id},
            )
            self._add_column(relation.object_id, int(str(number[0][0])), column)
        return replace(relation, columns=(*relation.columns, column))

    def _value_of_new(self, column: Column) -> str:
        """What the rows that are there get in a new column; empty if it is NULL."""
        session = self._session
        if column.type.name == "timestamp":
            return rowversion(session.database)
        if column.default is None or column.type.nullable:
            return ""
        binder = Binder(session)
        value = binder.converter.convert(binder.value(parse_expression(column.default), Scope()), column.type)
        if binder.parameters.values:
            raise unsupported("A long default of a new column")
        return value.sql

    def _change(self, relation: Relation, written: syntax.Column, filling: dict[str, str]) -> Relation:
        old = relation.column(written.name)
        if old is None:
            words = f"ALTER TABLE ALTER COLUMN failed because column '{written.name}' does not exist in table"
            raise SqlError(4924, f"{words} '{relation.name}'.")
        new = replace(old, type=written.type.maybe(written.nullable is not False))
        value = Binder(self._session).converter.convert(Bound(identifier(old.name), old.type), new.type)
        filling[old.name] = f"CAST({value.sql} AS {new.type.duck})"
        if not relation.temporary:
            self._rewrite_column(relation, new)
        return replace(relation, columns=tuple(new if one is old else one for one in relation.columns))

    def _rewrite_column(self, relation: Relation, column: Column) -> None:
        session = self._session
        rows = session.run(
            f"DELETE FROM {session.catalogue('columns')} WHERE object_id = $id AND name = $name RETURNING column_id",
            {"id": relation.object_id, "name": column.name},
        )
        self._add_column(relation.object_id, int(str(rows[0][0])), column)

    def _remove(self, relation: Relation, name: str) -> Relation:
        session = self._session
        column = relation.column(name)
        if column is None:
            words = f"ALTER TABLE DROP COLUMN failed because column '{name}' does not exist in table"
            raise SqlError(4924, f"{words} '{relation.name}'.")
        for index in relation.indexes:
            if any(name.lower() == one.lower() for one, _ in index.columns):
                raise SqlError(5074, f"The object '{index.name}' is dependent on column '{name}'.")
        if not relation.temporary:
            session.run(
                f"DELETE FROM {session.catalogue('columns')} WHERE object_id = $id AND name = $name",
                {"id": relation.object_id, "name": name},
            )
        return replace(relation, columns=tuple(one for one in relation.columns if one is not column))

    def _add_key(self, relation: Relation, key: syntax.Key) -> Relation:
        columns = tuple((self._stored_name(relation, name), descending) for name, descending in key.columns)
        index = Index(key.name or "", columns, True, key.primary, bool(key.clustered), True)
        if key.primary:
            for name, _ in columns:
                column = relation.column(name)
                if column is not None and column.type.nullable:
                    words = f"Cannot define PRIMARY KEY constraint on nullable column in table '{relation.name}'."
                    raise SqlError(8111, words)
        self._look_for_duplicates(relation, index)
        if not relation.temporary:
            self._add_index(relation, index)
        return replace(relation, indexes=(*relation.indexes, index))

    def _set_default(self, relation: Relation, name: str, text: str) -> Relation:
        column = relation.column(name)
        if column is None:
            words = f"Column '{name}' in table '{relation.name}' is invalid for creating a default constraint."
            raise SqlError(1752, words)
        new = replace(column, default=text)
        if not relation.temporary:
            self._rewrite_column(relation, new)
        return replace(relation, columns=tuple(new if one is column else one for one in relation.columns))

    def _drop_constraint(self, relation: Relation, name: str) -> Relation:
        index = next((one for one in relation.indexes if one.name.lower() == name.lower() and one.constraint), None)
        if index is None:
            raise SqlError(3728, f"'{name}' is not a constraint.")
        if not relation.temporary:
            self._forget_index(relation, index.name)
        return replace(relation, indexes=tuple(one for one in relation.indexes if one is not index))

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


def _named_key(key: syntax.Key, table: str) -> syntax.Key:
    if key.name:
        return key
    seed = abs(hash((table, tuple(key.columns), key.primary))) % (1 << 32)
    return replace(key, name=f"{'PK' if key.primary else 'UQ'}__{table.lstrip('#')[:9]}__{seed:08X}")


def _twice(column: str, table: str) -> SqlError:
    words = "Column names in each table must be unique. Column name '{}' in table '{}' is specified more than once."
    return SqlError(2705, words.format(column, table))


def _no_table(number: int, name: syntax.Parts) -> SqlError:
    words = f'Cannot find the object "{".".join(name)}" because it does not exist or you do not have permissions.'
    return SqlError(number, words, state=12)


def _not_there(kind: str, name: str) -> SqlError:
    words = f"Cannot drop the {kind} '{name}', because it does not exist or you do not have permission."
    return SqlError(3701, words, severity=11, state=5)
