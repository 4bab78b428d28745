"""Writes what the catalogue says of objects; within the transaction that changes the objects themselves."""

from __future__ import annotations

from lytics_azure_tui.sandbox.tds import catalogue, syntax, types
from lytics_azure_tui.sandbox.tds.date_functions import now
from lytics_azure_tui.sandbox.tds.relations import Column, Index, Relation
from lytics_azure_tui.sandbox.tds.session import Session
from lytics_azure_tui.sandbox.tds.values import Value, identifier, quoted


class Register:
    """The catalogue of a session's database."""

    def __init__(self, session: Session) -> None:
        """Args: session: who changes it."""
        self._session = session

    def next(self, sequence: str) -> int:
        """The next number of one of the catalogue's sequences."""
        name = f"{identifier(self._session.database, catalogue.SCHEMA)}.{sequence}"
        return int(str(self._session.run(f"SELECT nextval({quoted(name)})")[0][0]))

    def table(self, relation: Relation, table: syntax.CreateTable) -> None:
        """Enters a table that was made, with all that belongs to it."""
        self.add_object(relation.object_id, relation.name, relation.schema, "U", sequence=relation.sequence)
        for number, column in enumerate(relation.columns, 1):
            written = next(one for one in table.columns if one.name == column.name)
            self.add_column(relation.object_id, number, column, written.identity)
        for index in relation.indexes:
            self.add_index(relation, index)
        for kind, named in (("C", table.checks), ("F", table.foreign)):
            for one in named:
                number = self.next("object_ids")
                name = one.name or f"{'CK' if kind == 'C' else 'FK'}__{relation.name}__{number:X}"
                definition = f"({one.text})" if isinstance(one, syntax.Check) else None
                self.add_object(number, name, relation.schema, kind, relation.object_id, definition)
        self._session.catalogue_changed()

    def add_object(
        self,
        number: int,
        name: str,
        schema: str,
        kind: str,
        parent: int = 0,
        definition: str | None = None,
        sequence: str = "",
        created: int | None = None,
    ) -> None:
        """Enters an object: a table, a view or a constraint.

        Args:
            parent: whose constraint it is.
            created: in ticks; None for now.
        """
        session = self._session
        moment = now() // 100_000 * 100_000
        session.run(
            f"INSERT INTO {session.catalogue('objects')} SELECT $id, $name, schema_id, $kind, $parent, $created, $now, "
            f"$definition, $sequence FROM {session.catalogue('schemas')} WHERE name = $schema",
            {
                "id": number,
                "name": name,
                "kind": kind,
                "parent": parent,
                "created": moment if created is None else created,
                "now": moment,
                "definition": definition,
                "sequence": sequence,
                "schema": schema,
            },
        )

    def add_column(self, table: int, number: int, column: Column, identity: tuple[int, int] | None = None) -> None:
        """Enters a column. Args: table: its object id. number: its column id."""
        type_ = column.type
        system, user = types.TYPE_IDS[type_.name]
        values: list[Value] = [
            table, number, column.name, type_.name, type_.length, type_.precision, type_.scale, type_.nullable,
            column.identity, identity[0] if identity else None, identity[1] if identity else None, column.default,
            column.computed, system, user, type_.max_length, type_.told_precision, type_.told_scale, column.mask,
        ]  # fmt: skip
        markers = ", ".join(f"$v{place}" for place in range(len(values)))
        self._session.run(
            f"INSERT INTO {self._session.catalogue('columns')} VALUES ({markers})",
            {f"v{place}": value for place, value in enumerate(values)},
        )

    def add_index(self, relation: Relation, index: Index) -> None:
        """Enters an index, and the constraint that it stands for."""
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
            self.add_object(self.next("object_ids"), index.name, relation.schema, kind, relation.object_id)

    def rewrite_column(self, relation: Relation, column: Column) -> None:
        """Enters a column again, at its place, as it is now."""
        session = self._session
        rows = session.run(
            f"DELETE FROM {session.catalogue('columns')} WHERE object_id = $id AND name = $name RETURNING column_id",
            {"id": relation.object_id, "name": column.name},
        )
        self.add_column(relation.object_id, int(str(rows[0][0])), column)

    def forget(self, number: int) -> int:
        """Removes an object, with all that belongs to it. Returns when it was created, in ticks."""
        session = self._session
        (created,), *_ = session.run(
            f"DELETE FROM {session.catalogue('objects')} WHERE object_id = $id RETURNING created", {"id": number}
        )
        session.run(f"DELETE FROM {session.catalogue('objects')} WHERE parent_object_id = $id", {"id": number})
        for table in ("columns", "indexes", "index_columns"):
            session.run(f"DELETE FROM {session.catalogue(table)} WHERE object_id = $id", {"id": number})
        session.catalogue_changed()
        return int(str(created))

    def forget_index(self, relation: Relation, name: str) -> None:
        """Removes an index, and the constraint that it stood for."""
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
