"""From T-SQL to DuckDB's SQL: names are resolved, and every value gets the type that SQL Server gives it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal

from lytics_azure_tui.sandbox.tds import syntax, times, types
from lytics_azure_tui.sandbox.tds.arithmetic import arithmetic
from lytics_azure_tui.sandbox.tds.conditions import COMPARISONS, compare, condition
from lytics_azure_tui.sandbox.tds.convert import Converter
from lytics_azure_tui.sandbox.tds.errors import SqlError, no_column, unsupported
from lytics_azure_tui.sandbox.tds.relations import Relation, World
from lytics_azure_tui.sandbox.tds.types import INT, SqlType, stronger
from lytics_azure_tui.sandbox.tds.values import Bound, Parameters, Value, identifier


@dataclass(slots=True)
class Member:
    """One source in FROM: the names it goes by, and its columns.

    Attributes:
        names: alias, or table, schema and database, in lower case, innermost first.
        columns: name and value.
        row: DuckDB's row id, for changes; empty where there is none.
    """

    names: tuple[str, ...]
    columns: list[tuple[str, Bound]]
    row: str = ""
    relation: Relation | None = None


@dataclass(slots=True)
class Scope:
    """What names can mean at one place."""

    members: list[Member] = field(default_factory=list)
    outer: Scope | None = None
    # Expressions of GROUP BY that are equal where they are not the same.
    keys: dict[str, str] = field(default_factory=dict)
    # What aggregates leave out where it is NULL.
    left_out: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class BoundQuery:
    """A query for DuckDB, whose columns are called c0, c1 and so on there.

    Attributes:
        columns: their names and types in T-SQL.
        assigned: the variable of each column, for SELECT @x = …; empty otherwise.
        ordered: the columns of ORDER BY by their places from 1; 0 for what is no column of the result.
        computed: the places, from 0, of columns that are expressions.
        leaves_out: a query that has a row if an aggregate leaves a NULL out; empty if none can.
    """

    sql: str
    columns: list[tuple[str, SqlType]]
    assigned: list[str] = field(default_factory=list)
    ordered: list[int] = field(default_factory=list)
    leaves_out: str = ""
    computed: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class _Common:
    alias: str
    columns: list[tuple[str, SqlType]]


class Binder:
    """Binds one statement. Parameters gather in `parameters`."""

    def __init__(self, world: World, parameters: Parameters | None = None) -> None:
        """Args: world: the session."""
        self.world = world
        self.parameters = parameters or Parameters()
        self.converter = Converter(self.parameters)
        self._commons: list[dict[str, _Common]] = [{}]
        self._aliases = 0

    def alias(self) -> str:
        """A name for a source that no other has."""
        self._aliases += 1
        return f"t{self._aliases}"

    # ---- queries

    def query(self, query: syntax.Query, outer: Scope | None = None) -> BoundQuery:
        """Binds a whole query."""
        self._commons.append(dict(self._commons[-1]))
        try:
            commons = self.commons(query.commons)
            bound = self._body(query.body, outer, query)
            leaves_out = commons + bound.leaves_out if bound.leaves_out else ""
            return replace(bound, sql=commons + bound.sql, leaves_out=leaves_out)
        finally:
            self._commons.pop()

    def commons(self, commons: list[syntax.CommonTable]) -> str:
        """The WITH clause; its tables are known from now on."""
        if not commons:
            return ""
        texts, recursive = [], False
        for common in commons:
            alias = f"w{self.alias()}"
            body = common.query.body
            if isinstance(body, syntax.SetOperation) and _mentions(body.right, common.name):
                # A recursive one: its first part says what its columns are.
                recursive = True
                first = self.query(syntax.Query(body.left))
                columns = _named(first.columns, common.columns)
                columns = [(name, type_.maybe()) for name, type_ in columns]
                self._commons[-1][common.name.lower()] = _Common(alias, columns)
                second = self.query(syntax.Query(body.right))
                casts = ", ".join(f"CAST(c{n} AS {type_.duck}) AS c{n}" for n, (_, type_) in enumerate(columns))
                sql = f"{first.sql} {body.op} (SELECT {casts} FROM ({second.sql}) AS r)"
            else:
                bound = self.query(common.query)
                columns = _named(bound.columns, common.columns)
                self._commons[-1][common.name.lower()] = _Common(alias, columns)
                sql = bound.sql
            texts.append(f"{alias} AS ({sql})")
        return f"WITH {'RECURSIVE ' if recursive else ''}{', '.join(texts)} "

    def _body(self, body: syntax.Body, outer: Scope | None, query: syntax.Query | None) -> BoundQuery:
        if isinstance(body, syntax.Select):
            return self._select(body, outer, query)
        bound = self._values(body, outer) if isinstance(body, syntax.Values) else self._set_operation(body, outer)
        if query is None or not (query.order or query.offset):
            return bound
        order = [self._order_of_output(one, bound.columns) for one in query.order]
        sql = f"SELECT * FROM ({bound.sql}) AS u ORDER BY {', '.join(order)}{self._limits(query)}"
        return replace(bound, sql=sql, ordered=[_position(one) for one in order])

    def _set_operation(self, body: syntax.SetOperation, outer: Scope | None) -> BoundQuery:
        left, right = self._body(body.left, outer, None), self._body(body.right, outer, None)
        if len(left.columns) != len(right.columns):
            raise SqlError(
                205,
                "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of "
                "expressions in their target lists.",
            )
        columns = [
            (name, stronger(one, other)) for (name, one), (_, other) in zip(left.columns, right.columns, strict=True)
        ]
        sides = [self._with_types(side, columns) for side in (left, right)]
        return BoundQuery(f"{sides[0]} {body.op} {sides[1]}", columns)

    def _with_types(self, side: BoundQuery, columns: list[tuple[str, SqlType]]) -> str:
        alias = self.alias()
        values = []
        for number, ((_, source), (_, target)) in enumerate(zip(side.columns, columns, strict=True)):
            values.append(f"{self.converter.convert(Bound(f'{alias}.c{number}', source), target).sql} AS c{number}")
        return f"(SELECT {', '.join(values)} FROM ({side.sql}) AS {alias})"

    def _values(self, body: syntax.Values, outer: Scope | None) -> BoundQuery:
        scope = Scope(outer=outer)
        rows = [[self.value(value, scope) for value in row] for row in body.rows]
        if len({len(row) for row in rows}) != 1:
            raise SqlError(10709, "The number of columns for each row in a table value constructor must be the same.")
        columns = []
        for number in range(len(rows[0])):
            typed = [row[number].type for row in rows if not row[number].untyped] or [INT]
            type_ = typed[0]
            for other in typed[1:]:
                type_ = stronger(type_, other)
            columns.append(("", type_.maybe(any(row[number].type.nullable for row in rows))))
        texts = []
        for row in rows:
            cells = [self.converter.convert(value, type_).sql for value, (_, type_) in zip(row, columns, strict=True)]
            texts.append(f"({', '.join(cells)})")
        names = ", ".join(f"c{n}" for n in range(len(columns)))
        return BoundQuery(f"SELECT * FROM (VALUES {', '.join(texts)}) AS {self.alias()}({names})", columns)

    def _select(self, select: syntax.Select, outer: Scope | None, query: syntax.Query | None) -> BoundQuery:
        source, members = self.sources(select.sources, outer)
        scope = Scope(members, outer)
        groups = [self.value(one, scope) for one in select.group]
        grouped = [self._group_key(one, scope) for one in groups]
        items: list[tuple[str, Bound]] = []
        assigned: list[str] = []
        computed: set[int] = set()
        for item in select.items:
            if isinstance(item.expression, syntax.Star):
                items += self._star(item.expression, scope)
                continue
            if item.variable:
                assigned.append(item.variable)
            if not isinstance(item.expression, syntax.Name):
                computed.add(len(items))
            items.append(self._item(item, scope))
        columns = [(name, value.type) for name, value in items]
        cells = [f"CAST({value.sql} AS {value.type.duck}) AS c{n}" for n, (_, value) in enumerate(items)]
        limit = ""
        if select.top is not None and not select.ties:
            count = self._count(select.top, "TOP")
            limit = f" LIMIT {count}{'%' if select.percent else ''}"
        sql = f"SELECT {'DISTINCT ' if select.distinct else ''}{', '.join(cells)}{source}"
        where = f" WHERE {self.condition(select.where, scope)}" if select.where is not None else ""
        sql += where
        if grouped:
            sql += f" GROUP BY {', '.join(grouped)}"
        if select.having is not None:
            sql += f" HAVING {self.condition(select.having, scope)}"
        order: list[str] = []
        if query is not None and query.order:
            order = [self._order(one, select, items, scope) for one in query.order]
            if select.ties and select.top is not None:
                ranked = ", ".join(_without_position(one, items) for one in order)
                sql += f" QUALIFY rank() OVER (ORDER BY {ranked}) <= {self._count(select.top, 'TOP')}"
            sql += f" ORDER BY {', '.join(order)}{self._limits(query)}"
        leaves_out = ""
        if scope.left_out and outer is None:
            nulls = " OR ".join(f"({one}) IS NULL" for one in scope.left_out)
            leaves_out = f"SELECT 1{source}{where}{' AND' if where else ' WHERE'} ({nulls}) LIMIT 1"
        ordered = [_position(one) for one in order]
        return BoundQuery(sql + limit, columns, assigned, ordered, leaves_out, frozenset(computed))

    def _group_key(self, key: Bound, scope: Scope) -> str:
        if key.constant:
            raise SqlError(
                164, "Each GROUP BY expression must contain at least one column that is not an outer reference."
            )
        if key.type.name == "datetimeoffset":
            # Two offsets may be the same instant.
            scope.keys[key.sql] = f"min({key.sql})"
            return times.utc(key.sql)
        return key.sql

    def _limits(self, query: syntax.Query) -> str:
        text = f" LIMIT {self._count(query.fetch, 'FETCH')}" if query.fetch is not None else ""
        return text + (f" OFFSET {self._count(query.offset, 'OFFSET')}" if query.offset is not None else "")

    def _count(self, expression: syntax.Expression, what: str) -> int:
        value = self.converter.convert(self.value(expression, Scope()), types.BIGINT)
        if not value.constant:
            raise unsupported(f"{what} with a value that is not known beforehand")
        if not isinstance(value.value, int) or value.value < 0:
            number = {"TOP": 1060, "FETCH": 10744, "OFFSET": 10742}[what]
            raise SqlError(number, f"The number of rows provided for a {what} clause must not be negative.")
        return value.value

    def _item(self, item: syntax.Item, scope: Scope) -> tuple[str, Bound]:
        value = self.value(item.expression, scope)
        name = item.name
        if name is None:
            name = item.expression.parts[-1] if isinstance(item.expression, syntax.Name) else ""
        if item.variable:
            type_ = self.variable_type(item.variable)
            if item.op != "=":
                value = arithmetic(self.converter, item.op[0], self.value(syntax.Variable(item.variable), scope), value)
            value = self.converter.convert(value, type_)
        return name, value

    def variable_type(self, name: str) -> SqlType:
        """Raises: SqlError: 137, it was not declared."""
        if name not in self.world.variables:
            raise SqlError(137, f'Must declare the scalar variable "{name}".', severity=15)
        return self.world.variables[name][0]

    def _star(self, star: syntax.Star, scope: Scope) -> list[tuple[str, Bound]]:
        members = scope.members
        if star.parts:
            members = [member for member in members if _goes_by(member, star.parts)]
            if not members:
                raise SqlError(
                    107, f"The column prefix '{'.'.join(star.parts)}' does not match with a table name or alias name."
                )
        found = [column for member in members for column in member.columns]
        if not found:
            raise SqlError(263, "Must specify table to select from.")
        return found

    def _order(self, one: syntax.Ordered, select: syntax.Select, items: list[tuple[str, Bound]], scope: Scope) -> str:
        direction = "DESC NULLS LAST" if one.descending else "ASC NULLS FIRST"
        expression = one.expression
        if isinstance(expression, syntax.Literal) and expression.kind == "int":
            number = int(expression.value)
            if not 1 <= number <= len(items):
                words = (
                    f"The ORDER BY position number {number} is out of range of the number of items in the select list."
                )
                raise SqlError(108, words)
            return f"{number} {direction}"
        if isinstance(expression, syntax.Name) and len(expression.parts) == 1:
            wanted = expression.parts[0].lower()
            for number, (name, _) in enumerate(items):
                if name.lower() == wanted:
                    return f"{number + 1} {direction}"
        value = self.value(expression, scope)
        if value.constant:
            return f"NULL {direction}"
        for number, (_, item) in enumerate(items):
            if item.sql == value.sql:
                return f"{number + 1} {direction}"
        if select.distinct:
            raise SqlError(145, "ORDER BY items must appear in the select list if SELECT DISTINCT is specified.")
        return f"{value.sql} {direction}"

    def _order_of_output(self, one: syntax.Ordered, columns: list[tuple[str, SqlType]]) -> str:
        direction = "DESC NULLS LAST" if one.descending else "ASC NULLS FIRST"
        expression = one.expression
        if isinstance(expression, syntax.Literal) and expression.kind == "int":
            return f"{int(expression.value)} {direction}"
        if isinstance(expression, syntax.Name):
            for number, (name, _) in enumerate(columns):
                if name.lower() == expression.parts[-1].lower():
                    return f"{number + 1} {direction}"
            raise no_column(".".join(expression.parts))
        raise SqlError(
            104,
            "ORDER BY items must appear in the select list if the statement contains a UNION, INTERSECT or "
            "EXCEPT operator.",
        )

    # ---- sources

    def sources(self, sources: list[syntax.Source], outer: Scope | None) -> tuple[str, list[Member]]:
        """The FROM clause, with a blank before it, and what it makes known."""
        if not sources:
            return "", []
        texts: list[str] = []
        members: list[Member] = []
        for source in sources:
            text, found = self._source(source, outer, members)
            texts.append(text)
            members += found
        self._no_name_twice(members)
        return f" FROM {' CROSS JOIN '.join(texts)}", members

    def _no_name_twice(self, members: list[Member]) -> None:
        seen = set()
        for member in members:
            if member.names in seen:
                words = 'The objects "{0}" and "{0}" in the FROM clause have the same exposed names.'
                raise SqlError(1013, words.format(member.names[0]))
            seen.add(member.names)

    def _source(self, source: syntax.Source, outer: Scope | None, before: list[Member]) -> tuple[str, list[Member]]:
        if isinstance(source, syntax.Table):
            text, member = self.table(source.parts, source.alias)
            return text, [member]
        if isinstance(source, syntax.Derived):
            bound = self.query(source.query, Scope(before, outer) if before else outer)
            columns = _named(bound.columns, source.columns)
            text, member = self._derived(bound.sql, columns, (source.alias.lower(),))
            return text, [member]
        if isinstance(source, syntax.TableCall):
            return self._table_call(source, outer, before)
        return self._join(source, outer, before)

    def _derived(self, sql: str, columns: list[tuple[str, SqlType]], names: tuple[str, ...]) -> tuple[str, Member]:
        alias = self.alias()
        values = [(name, Bound(f"{alias}.c{n}", type_)) for n, (name, type_) in enumerate(columns)]
        return f"({sql}) AS {alias}", Member(names, values)

    def table(self, parts: syntax.Parts, alias: str | None, permission: str = "SELECT") -> tuple[str, Member]:
        """A table, a view, a common table or a catalogue view as a source."""
        if len(parts) == 1 and parts[0].lower() in self._commons[-1]:
            common = self._commons[-1][parts[0].lower()]
            name = self.alias()
            values = [(column, Bound(f"{name}.c{n}", type_)) for n, (column, type_) in enumerate(common.columns)]
            return f"{common.alias} AS {name}", Member(((alias or parts[0]).lower(),), values)
        relation = self.world.relation(parts, permission)
        names = (alias.lower(),) if alias else (relation.name.lower(), relation.schema.lower())
        if relation.query is not None:
            with self.world.trusted():
                self._commons.append({})
                try:
                    bound = self.query(relation.query)
                finally:
                    self._commons.pop()
            columns = [(column.name, type_) for column, (_, type_) in zip(relation.columns, bound.columns, strict=True)]
            text, member = self._derived(bound.sql, columns, names)
            return text, member
        return self.aliased(relation, names)

    def aliased(self, relation: Relation, names: tuple[str, ...]) -> tuple[str, Member]:
        """A relation that DuckDB has, under a name of its own."""
        name = self.alias()
        values: list[tuple[str, Bound]] = []
        for column in relation.columns:
            if column.computed is None:
                values.append((column.name, Bound(f"{name}.{identifier(column.name)}", column.type)))
        member = Member(names, values, f"{name}.rowid", relation)
        if any(column.computed is not None for column in relation.columns):
            member.columns = self._with_computed(relation, member)
        return f"{relation.sql} AS {name}", member

    def _with_computed(self, relation: Relation, member: Member) -> list[tuple[str, Bound]]:
        from lytics_azure_tui.sandbox.tds.parse import parse_expression

        plain = dict(member.columns)
        scope = Scope([member])
        return [
            (
                column.name,
                plain[column.name]
                if column.computed is None
                else self.converter.convert(self.value(parse_expression(column.computed), scope), column.type),
            )
            for column in relation.columns
        ]

    def _table_call(
        self, source: syntax.TableCall, outer: Scope | None, before: list[Member]
    ) -> tuple[str, list[Member]]:
        from lytics_azure_tui.sandbox.tds.functions import table_function

        sql, columns = table_function(self, source, Scope(before, outer))
        text, member = self._derived(sql, columns, ((source.alias or source.name).lower(),))
        return text, [member]

    def _join(self, join: syntax.Join, outer: Scope | None, before: list[Member]) -> tuple[str, list[Member]]:
        left, members = self._source(join.left, outer, before)
        if join.kind in ("CROSS APPLY", "OUTER APPLY"):
            right, found = self._source(join.right, outer, [*before, *members])
            if join.kind == "CROSS APPLY":
                return f"{left} CROSS JOIN LATERAL {right}", members + found
            return f"{left} LEFT JOIN LATERAL {right} ON true", members + _nullable(found)
        right, found = self._source(join.right, outer, before)
        if join.kind == "CROSS":
            return f"{left} CROSS JOIN {right}", members + found
        condition = "true" if join.on is None else self.condition(join.on, Scope(members + found, outer))
        if join.kind in ("LEFT", "FULL"):
            found = _nullable(found)
        if join.kind in ("RIGHT", "FULL"):
            members = _nullable(members)
        if isinstance(join.right, syntax.Join):
            right = f"({right})"
        return f"{left} {join.kind} JOIN {right} ON {condition}", members + found

    # ---- names

    def column(self, name: syntax.Name, scope: Scope) -> Bound:
        """A column by its name.

        Raises:
            SqlError: 207 or 4104, there is none; 209, there are several.
        """
        wanted = name.parts[-1].lower()
        at: Scope | None = scope
        while at is not None:
            found = [
                value
                for member in at.members
                if len(name.parts) == 1 or _goes_by(member, name.parts[:-1])
                for column, value in member.columns
                if column.lower() == wanted
            ]
            if len(found) > 1:
                raise SqlError(209, f"Ambiguous column name '{name.parts[-1]}'.")
            if found:
                value = found[0]
                return replace(value, sql=at.keys[value.sql]) if value.sql in at.keys else value
            at = at.outer
        if len(name.parts) > 1 and self._has_member(name.parts[:-1], scope):
            raise no_column(name.parts[-1])
        raise no_column(".".join(name.parts))

    def _has_member(self, parts: syntax.Parts, scope: Scope | None) -> bool:
        while scope is not None:
            if any(_goes_by(member, parts) for member in scope.members):
                return True
            scope = scope.outer
        return False

    # ---- values

    def value(self, expression: syntax.Expression, scope: Scope) -> Bound:  # noqa: PLR0911, PLR0912 -- one a kind
        """Binds a value."""
        match expression:
            case syntax.Literal():
                return self._literal(expression)
            case syntax.Name():
                return self.column(expression, scope)
            case syntax.Variable():
                return self._variable(expression.name)
            case (
                syntax.Unary("NOT") | syntax.Exists() | syntax.In() | syntax.Between() | syntax.Like() | syntax.IsNull()
            ):
                raise SqlError(102, "Incorrect syntax: a condition stands where a value is expected.", severity=15)
            case syntax.Unary(op, operand):
                return self._unary(op, self.value(operand, scope))
            case syntax.Binary(op, left, right):
                if op in COMPARISONS or op in ("AND", "OR"):
                    raise SqlError(102, f"Incorrect syntax near '{op}'.", severity=15)
                return arithmetic(self.converter, op, self.value(left, scope), self.value(right, scope))
            case syntax.Case():
                return self._case(expression, scope)
            case syntax.Cast():
                style = self._style(expression.style, scope)
                return self.converter.convert(
                    self.value(expression.operand, scope), expression.type, style, attempt=expression.attempt
                )
            case syntax.Call():
                from lytics_azure_tui.sandbox.tds.functions import call

                return call(self, expression, scope)
            case syntax.ScalarQuery(query):
                return self._scalar(query, scope)
            case syntax.Collate(operand, collation):
                value = self.value(operand, scope)
                how = "BINARY" if "_BIN" in collation.upper() or "_CS" in collation.upper() else "NOCASE"
                return Bound(f"({value.sql} COLLATE {how})", value.type)
            case syntax.AtTimeZone(operand, zone):
                from lytics_azure_tui.sandbox.tds.date_functions import at_time_zone

                return at_time_zone(self, self.value(operand, scope), self.value(zone, scope))
            case syntax.Star():
                raise SqlError(102, "Incorrect syntax near '*'.", severity=15)
        raise unsupported(type(expression).__name__)

    def _style(self, style: syntax.Expression | None, scope: Scope) -> int | None:
        if style is None:
            return None
        value = self.value(style, scope)
        if not value.constant:
            raise unsupported("A style of CONVERT that is not known beforehand")
        return int(value.value) if isinstance(value.value, int | Decimal | str) else None

    def _literal(self, literal: syntax.Literal) -> Bound:
        kind, text = literal.kind, literal.value
        if kind == "null":
            return Bound("NULL", INT, True, None, untyped=True)
        if kind == "default":
            raise SqlError(156, "Incorrect syntax near the keyword 'DEFAULT'.", severity=15)
        value: Value
        if kind == "int":
            value, type_ = int(text), INT
        elif kind in ("decimal", "money"):
            value = Decimal(text)
            digits = text.lstrip("-").lstrip("0").replace(".", "")
            scale = len(text.partition(".")[2])
            type_ = types.MONEY if kind == "money" else types.decimal(max(len(digits), scale, 1), scale)
        elif kind == "float":
            value, type_ = float(text), types.FLOAT
        elif kind == "binary":
            value = bytes.fromhex(text)
            type_ = types.varbinary(len(value))
        else:
            value = text
            type_ = types.nvarchar(len(text)) if kind == "nstring" else types.varchar(len(text))
        return self.converter.literal(value, type_)

    def _variable(self, name: str) -> Bound:
        if name.startswith("@@"):
            known = self.world.system_value(name.upper())
            if known is None:
                raise SqlError(137, f'Must declare the scalar variable "{name}".', severity=15)
            return self.converter.literal(known[1], known[0])
        type_ = self.variable_type(name)
        value = self.converter.literal(self.world.variables[name][1], type_)
        return replace(value, type=type_)

    def _unary(self, op: str, operand: Bound) -> Bound:
        if operand.untyped:
            return operand
        if not operand.type.number:
            operand = self.converter.convert(operand, INT)
        if op == "-" and operand.constant and isinstance(operand.value, int | float | Decimal):
            return self.converter.literal(-operand.value, operand.type)
        type_ = (
            INT.maybe(operand.type.nullable) if operand.type.name in ("bit", "tinyint") and op == "-" else operand.type
        )
        sql = self.converter.convert(operand, type_).sql
        return Bound(f"({op} {sql})", type_)

    def _case(self, case: syntax.Case, scope: Scope) -> Bound:
        operand = None if case.operand is None else self.value(case.operand, scope)
        conditions = []
        for test, _ in case.branches:
            if operand is None:
                conditions.append(self.condition(test, scope))
            else:
                conditions.append(compare(self.converter, "=", operand, self.value(test, scope)))
        results = [self.value(result, scope) for _, result in case.branches]
        otherwise = (
            Bound("NULL", INT, True, None, untyped=True)
            if case.otherwise is None
            else self.value(case.otherwise, scope)
        )
        type_ = self.common([*results, otherwise])
        pieces = [
            f"WHEN {test} THEN {self.converter.convert(result, type_).sql}"
            for test, result in zip(conditions, results, strict=True)
        ]
        return Bound(f"CASE {' '.join(pieces)} ELSE {self.converter.convert(otherwise, type_).sql} END", type_)

    def common(self, values: list[Bound]) -> SqlType:
        """The type that several values share."""
        typed = [value.type for value in values if not value.untyped]
        if not typed:
            return INT
        type_ = typed[0]
        for other in typed[1:]:
            type_ = stronger(type_, other)
        return type_.maybe(any(value.type.nullable for value in values))

    def _scalar(self, query: syntax.Query, scope: Scope) -> Bound:
        bound = self.query(query, scope)
        if len(bound.columns) != 1:
            raise SqlError(
                116,
                "Only one expression can be specified in the select list when the subquery is not "
                "introduced with EXISTS.",
            )
        return Bound(f"({bound.sql})", bound.columns[0][1].maybe())

    def condition(self, expression: syntax.Expression, scope: Scope) -> str:
        """Binds a condition; the text is a BOOLEAN for DuckDB."""
        return condition(self, expression, scope)


def _position(ordered: str) -> int:
    """The place in the select list that a part of ORDER BY stands for, from 1; 0 if it is an expression."""
    first = ordered.partition(" ")[0]
    return int(first) if first.isdigit() else 0


def _without_position(ordered: str, items: list[tuple[str, Bound]]) -> str:
    """In a window, a number is no place in the select list."""
    position = _position(ordered)
    return f"{items[position - 1][1].sql} {ordered.partition(' ')[2]}" if position else ordered


def _named(columns: list[tuple[str, SqlType]], names: list[str]) -> list[tuple[str, SqlType]]:
    """Columns under the names that an alias gives them."""
    if not names:
        return columns
    if len(names) != len(columns):
        raise SqlError(8158 if len(names) < len(columns) else 8159, "The number of column names does not fit.")
    return [(name, type_) for name, (_, type_) in zip(names, columns, strict=True)]


def _nullable(members: list[Member]) -> list[Member]:
    return [
        replace(member, columns=[(name, replace(value, type=value.type.maybe())) for name, value in member.columns])
        for member in members
    ]


def _goes_by(member: Member, parts: syntax.Parts) -> bool:
    """Whether parts, as in schema.table, name the member."""
    wanted = [part.lower() for part in reversed(parts)]
    if len(wanted) > len(member.names):
        return False
    return all(one == other for one, other in zip(wanted, member.names, strict=False))


def _mentions(body: syntax.Body, name: str) -> bool:
    """Whether a query reads a table of that name."""
    if isinstance(body, syntax.SetOperation):
        return _mentions(body.left, name) or _mentions(body.right, name)
    if isinstance(body, syntax.Values):
        return False
    waiting: list[syntax.Source] = list(body.sources)
    while waiting:
        source = waiting.pop()
        if isinstance(source, syntax.Join):
            waiting += [source.left, source.right]
        elif (isinstance(source, syntax.Table) and source.parts[-1].lower() == name.lower()) or (
            isinstance(source, syntax.Derived) and _mentions(source.query.body, name)
        ):
            return True
    return False
