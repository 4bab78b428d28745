"""ALTER TABLE: what the table will be is worked out first, then it is made anew."""

from __future__ import annotations

from dataclasses import replace

from lytics_azure_tui.sandbox.tds import syntax
from lytics_azure_tui.sandbox.tds.bind import Binder, Scope
from lytics_azure_tui.sandbox.tds.define import Definer, column_twice, named_key, no_table, rowversion
from lytics_azure_tui.sandbox.tds.errors import SqlError, unsupported
from lytics_azure_tui.sandbox.tds.parse import parse_expression
from lytics_azure_tui.sandbox.tds.register import Register
from lytics_azure_tui.sandbox.tds.relations import Column, Index, Relation
from lytics_azure_tui.sandbox.tds.session import Session
from lytics_azure_tui.sandbox.tds.values import Bound, identifier


class Alterer:
    """Alters tables for one session; everything is within the caller's transaction."""

    def __init__(self, session: Session, definer: Definer) -> None:
        """Args: session: who wants it. definer: makes tables."""
        self._session = session
        self._definer = definer
        self._register = Register(session)

    def alter(self, statement: syntax.AlterTable) -> None:
        """ALTER TABLE.

        Raises:
            SqlError: 4902, there is no such table; 2705, a column is there already; 4924, it is not.
        """
        session = self._session
        relation = session.find(statement.name)
        if relation is None or relation.kind != "table":
            raise no_table(4902, statement.name)
        if not relation.temporary:
            self._definer.allow("ALTER TABLE")
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
            changed = self._add_key(changed, named_key(key, relation.name))
        for name in statement.drop_constraints:
            changed = self._drop_constraint(changed, name)
        if changed != relation:
            self._definer.rebuild(relation, changed, filling)
        for name, text in statement.defaults:
            changed = self._set_default(changed, name, text)
        if relation.temporary:
            session.temporary[relation.name.lower()] = changed
        else:
            session.catalogue_changed()

    def _add(self, relation: Relation, written: syntax.Column, filling: dict[str, str]) -> Relation:
        session = self._session
        if relation.column(written.name):
            raise column_twice(written.name, relation.name)
        if written.identity:
            raise unsupported("Adding an identity column to a table")
        column = self._definer.column(written, list(relation.columns), False)
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
            self._register.add_column(relation.object_id, int(str(number[0][0])), column)
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
            self._register.rewrite_column(relation, new)
        return replace(relation, columns=tuple(new if one is old else one for one in relation.columns))

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
        columns = tuple((self._definer.stored_name(relation, name), descending) for name, descending in key.columns)
        index = Index(key.name or "", columns, True, key.primary, bool(key.clustered), True)
        if key.primary:
            for name, _ in columns:
                column = relation.column(name)
                if column is not None and column.type.nullable:
                    words = f"Cannot define PRIMARY KEY constraint on nullable column in table '{relation.name}'."
                    raise SqlError(8111, words)
        self._definer.look_for_duplicates(relation, index)
        if not relation.temporary:
            self._register.add_index(relation, index)
        return replace(relation, indexes=(*relation.indexes, index))

    def _set_default(self, relation: Relation, name: str, text: str) -> Relation:
        column = relation.column(name)
        if column is None:
            words = f"Column '{name}' in table '{relation.name}' is invalid for creating a default constraint."
            raise SqlError(1752, words)
        new = replace(column, default=text)
        if not relation.temporary:
            self._register.rewrite_column(relation, new)
        return replace(relation, columns=tuple(new if one is column else one for one in relation.columns))

    def _drop_constraint(self, relation: Relation, name: str) -> Relation:
        index = next((one for one in relation.indexes if one.name.lower() == name.lower() and one.constraint), None)
        if index is None:
            raise SqlError(3728, f"'{name}' is not a constraint.")
        if not relation.temporary:
            self._register.forget_index(relation, index.name)
        return replace(relation, indexes=tuple(one for one in relation.indexes if one is not index))
