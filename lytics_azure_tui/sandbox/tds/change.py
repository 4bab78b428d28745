"""INSERT, UPDATE, DELETE and TRUNCATE as DuckDB's SQL."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from lytics_azure_tui.sandbox.tds import syntax, times, types
from lytics_azure_tui.sandbox.tds.bind import Binder, Member, Scope
from lytics_azure_tui.sandbox.tds.define import rowversion
from lytics_azure_tui.sandbox.tds.errors import SqlError, no_column, unsupported
from lytics_azure_tui.sandbox.tds.parse import parse_expression
from lytics_azure_tui.sandbox.tds.relations import Column, Relation
from lytics_azure_tui.sandbox.tds.session import Session
from lytics_azure_tui.sandbox.tds.types import MAX, SqlType
from lytics_azure_tui.sandbox.tds.values import Bound, Value, identifier, quoted


@dataclass(slots=True)
class Change:
    """A statement that is ready.

    Attributes:
        sql: for DuckDB.
        values: of its parameters.
        target: the table that it writes.
        verb: for errors.
        columns: of OUTPUT; empty without one.
        identity: whether the last column returned is the identity.
        into: where OUTPUT goes; None is the client.
    """

    sql: str
    values: dict[str, Value]
    target: Relation
    verb: str
    columns: list[tuple[str, SqlType]] = field(default_factory=list)
    into: syntax.Parts | None = None


def insert(session: Session, statement: syntax.Insert) -> Change:
    """INSERT.

    Raises:
        SqlError: 213, the numbers of columns differ; 273, a rowversion is given; 544, an identity is; 110, 109.
    """
    target = _table(session, statement.target, "INSERT")
    binder = Binder(session)
    columns = _columns_to_fill(session, target, statement.columns)
    if isinstance(statement.source, syntax.Execute):
        raise unsupported("INSERT … EXEC", statement.line)
    names = [column.name for column in columns]
    commons = binder.commons(statement.commons)
    cells: list[str] = []
    source = "(SELECT 1)"
    if statement.source is None:
        names, columns = [], []
    else:
        query = _with_defaults(statement.source, columns)
        bound = binder.query(query)
        if len(bound.columns) != len(columns):
            if statement.columns:
                number, words = (109, "more") if len(bound.columns) < len(columns) else (110, "fewer")
                raise SqlError(
                    number,
                    f"There are {words} columns in the INSERT statement than values specified in the VALUES clause.",
                    severity=15,
                )
            raise SqlError(213, "Column name or number of supplied values does not match table definition.")
        constants = _constants(binder, query)
        for place, (column, (_, type_)) in enumerate(zip(columns, bound.columns, strict=True)):
            value = constants[place] if constants else Bound(f"s.c{place}", type_)
            cells.append(assigned(binder, value, column, target, session.database))
        source = f"({bound.sql})"
    for column in target.columns:
        if column.name in names or column.computed is not None:
            continue
        filled = _left_out(binder, column, target, session)
        if filled:
            names.append(column.name)
            cells.append(filled)
    if not names:
        change = f"INSERT INTO {target.sql} DEFAULT VALUES"
    else:
        listed = ", ".join(identifier(name) for name in names)
        change = f"{commons}INSERT INTO {target.sql} ({listed}) SELECT {', '.join(cells)} FROM {source} AS s"
    result = Change(change, binder.parameters.values, target, "INSERT")
    _returning(binder, result, statement.output, ("inserted",))
    return result


def _table(session: Session, parts: syntax.Parts, permission: str) -> Relation:
    target = session.relation(parts, permission)
    if target.kind == "view":
        raise unsupported(f"{permission} into a view")
    if target.kind == "system":
        raise SqlError(259, "Ad hoc updates to system catalogs are not allowed.")
    return target


def _columns_to_fill(session: Session, target: Relation, names: list[str]) -> list[Column]:
    explicit = session.settings.identity_insert.lower() == f"{target.schema}.{target.name}".lower()
    if not names:
        return [
            column
            for column in target.columns
            if not column.identity and column.computed is None and column.type.name != "timestamp"
        ]
    columns = []
    for name in names:
        column = target.column(name)
        if column is None:
            raise no_column(name)
        if column.type.name == "timestamp":
            raise SqlError(
                273,
                "Cannot insert an explicit value into a timestamp column. Use INSERT with a column list to "
                "exclude the timestamp column, or insert a DEFAULT into the timestamp column.",
            )
        if column.computed is not None:
            raise SqlError(
                271,
                f'The column "{name}" cannot be modified because it is either a computed column or is the '
                "result of a UNION operator.",
            )
        if column.identity and not explicit:
            raise SqlError(
                544,
                f"Cannot insert explicit value for identity column in table '{target.name}' when "
                "IDENTITY_INSERT is set to OFF.",
            )
        columns.append(column)
    return columns


def _with_defaults(query: syntax.Query, columns: list[Column]) -> syntax.Query:
    """VALUES may say DEFAULT."""
    body = query.body
    if not isinstance(body, syntax.Values):
        return query
    rows = []
    for row in body.rows:
        cells = []
        for place, value in enumerate(row):
            if isinstance(value, syntax.Literal) and value.kind == "default" and place < len(columns):
                default = columns[place].default
                cells.append(parse_expression(default) if default is not None else syntax.Literal("null"))
            else:
                cells.append(value)
        rows.append(cells)
    return replace(query, body=syntax.Values(rows))


def _constants(binder: Binder, query: syntax.Query) -> list[Bound]:
    """The values of a single row: constants are converted, and checked, before DuckDB sees them."""
    body = query.body
    if not isinstance(body, syntax.Values) or len(body.rows) != 1:
        return []
    return [binder.value(value, Scope()) for value in body.rows[0]]


def _left_out(binder: Binder, column: Column, target: Relation, session: Session) -> str:
    if column.identity:
        return f"nextval({quoted(target.sequence)})"
    if column.type.name == "timestamp":
        return rowversion(session.database)
    if column.default is None:
        return ""
    value = binder.value(parse_expression(column.default), Scope())
    return assigned(binder, value, column, target, session.database)


def assigned(binder: Binder, value: Bound, column: Column, target: Relation, database: str) -> str:
    """A value as the column keeps it; too long a text is an error, not cut."""
    type_, source = column.type, value.type
    longer = type_.length > 0 and (source.length == MAX or source.length > type_.length)
    if not (longer and ((type_.text and source.text) or (type_.binary and source.binary))):
        return binder.converter.convert(value, type_).sql
    where = f"table '{database}.{target.schema}.{target.name}', column '{column.name}'"
    if value.constant and isinstance(value.value, str | bytes):
        stripped = value.value.rstrip(" " if isinstance(value.value, str) else b"\0")  # type: ignore[arg-type]
        if len(stripped) > type_.length:
            shown = value.value[: type_.length]
            raise SqlError(2628, f"String or binary data would be truncated in {where}. Truncated value: '{shown!s}'.")
        return binder.converter.convert(value, type_).sql
    measure = f"length(rtrim({value.sql}, ' '))" if type_.text else f"octet_length({value.sql})"
    shown = f" || left({value.sql}, {type_.length})" if type_.text else ""
    words = times.raised(2628, f"String or binary data would be truncated in {where}. Truncated value: '")
    checked = f"CASE WHEN {measure} > {type_.length} THEN error('{words}'{shown} || '''.') ELSE {value.sql} END"
    whole = Bound(checked, source)
    return binder.converter.convert(whole, type_).sql


# ---- UPDATE and DELETE


def update(session: Session, statement: syntax.Update) -> Change:
    """UPDATE.

    Raises:
        SqlError: 207, there is no such column; 8102, 272, 271, it is not to be written.
    """
    binder = Binder(session)
    commons = binder.commons(statement.commons)
    source, members, target_member = _sources(session, binder, statement.target, statement.sources, "UPDATE")
    target = target_member.relation
    assert target is not None  # noqa: S101
    scope = Scope(members)
    sets: list[tuple[str, str]] = []
    for assignment in statement.assignments:
        column = _assignable(target, assignment.column[-1])
        value = binder.value(_default_of(assignment.value, column), scope)
        if assignment.op != "=":
            expression = syntax.Binary(
                assignment.op[0], syntax.Name((*_qualifier(target_member), column.name)), assignment.value
            )
            value = binder.value(expression, scope)
        sets.append((column.name, assigned(binder, value, column, target, session.database)))
    stamp = target.rowversion
    simple = len(members) == 1 and statement.top is None
    where = "" if statement.where is None else f" WHERE {binder.condition(statement.where, scope)}"
    if simple:
        written = [f"{identifier(name)} = {sql}" for name, sql in sets]
        alias = target_member.row.removesuffix(".rowid")
        table, condition, extra = f"{target.sql} AS {alias}", where, ""
    else:
        written = [f"{identifier(name)} = s.c{place}" for place, (name, _) in enumerate(sets)]
        cells = ", ".join(f"{sql} AS c{place}" for place, (_, sql) in enumerate(sets))
        limit = _limit(binder, statement.top)
        # Of several rows that would change the same one, any may.
        inner = f"SELECT {target_member.row} AS r, {cells}{source}{where}"
        extra = f" FROM (SELECT DISTINCT ON (r) * FROM ({inner}){limit}) AS s"
        table, condition = f"{target.sql} AS u", " WHERE u.rowid = s.r"
    if stamp:
        written.append(f"{identifier(stamp.name)} = {rowversion(session.database)}")
    sql = f"{commons}UPDATE {table} SET {', '.join(written)}{extra}{condition}"
    result = Change(sql, binder.parameters.values, target, "UPDATE")
    _returning(binder, result, statement.output, ("inserted",))
    return result


def _default_of(value: syntax.Expression, column: Column) -> syntax.Expression:
    if isinstance(value, syntax.Literal) and value.kind == "default":
        return parse_expression(column.default) if column.default is not None else syntax.Literal("null")
    return value


def _qualifier(member: Member) -> syntax.Parts:
    return (member.names[0],)


def _assignable(target: Relation, name: str) -> Column:
    column = target.column(name)
    if column is None:
        raise no_column(name)
    if column.type.name == "timestamp":
        raise SqlError(272, "Cannot update a timestamp column.")
    if column.identity:
        raise SqlError(8102, f"Cannot update identity column '{column.name}'.")
    if column.computed is not None:
        raise SqlError(
            271,
            f'The column "{column.name}" cannot be modified because it is either a computed column or is '
            "the result of a UNION operator.",
        )
    return column


def _sources(
    session: Session, binder: Binder, name: syntax.Parts, sources: list[syntax.Source], permission: str
) -> tuple[str, list[Member], Member]:
    """FROM of a change, and which of its sources is changed: the one that the statement names, by alias or by name."""
    if not sources:
        target = _table(session, name, permission)
        source, member = binder.aliased(target, (target.name.lower(), target.schema.lower()))
        return f" FROM {source}", [member], member
    source, members = binder.sources(sources, None)
    wanted = name[-1].lower()
    for member in members:
        if member.relation is not None and len(name) == 1 and member.names[0] == wanted:
            _table(
                session,
                (member.relation.schema, member.relation.name)
                if not member.relation.temporary
                else (member.relation.name,),
                permission,
            )
            return source, members, member
    target = _table(session, name, permission)
    for member in members:
        if member.relation is not None and member.relation.sql == target.sql:
            return source, members, member
    raise unsupported(f"{permission} of a table that FROM does not name")


def _limit(binder: Binder, top: syntax.Expression | None) -> str:
    if top is None:
        return ""
    value = binder.converter.convert(binder.value(top, Scope()), types.BIGINT)
    if not isinstance(value.value, int):
        raise unsupported("TOP with a value that is not known beforehand")
    return f" LIMIT {value.value}"


def delete(session: Session, statement: syntax.Delete) -> Change:
    """DELETE."""
    binder = Binder(session)
    commons = binder.commons(statement.commons)
    source, members, member = _sources(session, binder, statement.target, statement.sources, "DELETE")
    target = member.relation
    assert target is not None  # noqa: S101
    where = "" if statement.where is None else f" WHERE {binder.condition(statement.where, Scope(members))}"
    if len(members) == 1 and statement.top is None:
        sql = f"{commons}DELETE FROM {target.sql} AS {member.row.removesuffix('.rowid')}{where}"
    else:
        chosen = f"SELECT {member.row}{source}{where}{_limit(binder, statement.top)}"
        sql = f"{commons}DELETE FROM {target.sql} WHERE rowid IN ({chosen})"
    result = Change(sql, binder.parameters.values, target, "DELETE")
    _returning(binder, result, statement.output, ("deleted",))
    return result


def _returning(binder: Binder, change: Change, output: syntax.Output | None, names: tuple[str, ...]) -> None:
    if output is None:
        return
    stored = [column for column in change.target.columns if column.computed is None]
    values = [(column.name, Bound(identifier(column.name), column.type)) for column in stored]
    scope = Scope([Member(names, values)])
    cells: list[str] = []
    for item in output.items:
        if isinstance(item.expression, syntax.Star):
            found = values
        else:
            value = binder.value(item.expression, scope)
            name = item.expression.parts[-1] if isinstance(item.expression, syntax.Name) else ""
            found = [(item.name or name, value)]
        for name, value in found:
            cells.append(f"CAST({value.sql} AS {value.type.duck}) AS c{len(cells)}")
            change.columns.append((name, value.type))
    change.into = output.into
    change.sql += f" RETURNING {', '.join(cells)}"
