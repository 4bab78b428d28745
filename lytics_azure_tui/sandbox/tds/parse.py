"""The parser for T-SQL's statements: a batch becomes a list of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from lytics_azure_tui.sandbox.tds import syntax
from lytics_azure_tui.sandbox.tds.errors import syntax_error, unsupported
from lytics_azure_tui.sandbox.tds.parse_query import RESERVED, QueryParser
from lytics_azure_tui.sandbox.tds.types import SqlType


def parse(text: str) -> list[syntax.AnyStatement]:
    """Reads a batch.

    Raises:
        SqlError: it is no T-SQL, or T-SQL that is not known here.
    """
    # What a program sends again and again is short; a bulk of literals is not worth keeping.
    return _remembered(text) if len(text) < 20_000 else _Parser(text).batch()


def parse_expression(text: str) -> syntax.Expression:
    """Reads one expression, such as a default, or one condition."""
    parser = _Parser(text)
    value = parser.expression()
    if parser.token.kind != "end":
        raise parser.wrong()
    return value


@lru_cache(maxsize=512)
def _remembered(text: str) -> list[syntax.AnyStatement]:
    return _Parser(text).batch()


class _Parser(QueryParser):
    def batch(self) -> list[syntax.AnyStatement]:
        """Everything up to the end."""
        found = self._until()
        if self.token.kind != "end":
            raise self.wrong()
        return found

    def _until(self, *words: str) -> list[syntax.AnyStatement]:
        found: list[syntax.AnyStatement] = []
        while True:
            while self.accept(";"):
                pass
            if self.token.kind == "end" or self.token.upper in words:
                return found
            found.append(self.statement(first=not found))

    def statement(self, *, first: bool = False) -> syntax.AnyStatement:
        """Takes one statement."""
        token = self.token
        if token.kind == "sign" and token.upper == "(":
            return syntax.SelectStatement(token.line, self.query())
        parser = _STATEMENTS.get(token.upper)
        if parser:
            return parser(self)
        # The first statement of a batch may be a procedure's name without EXEC.
        if first and token.kind in ("word", "name") and token.upper not in RESERVED:
            return self._execute(token.line)
        raise self.wrong()

    # ---- queries and changes

    def _select_statement(self) -> syntax.AnyStatement:
        return syntax.SelectStatement(self.token.line, self.query())

    def _with(self) -> syntax.AnyStatement:
        line = self.token.line
        commons = self.common_tables()
        if self.at("INSERT"):
            insert = self._insert()
            insert.commons = commons
            return insert
        if self.at("UPDATE"):
            update = self._update()
            update.commons = commons
            return update
        if self.at("DELETE"):
            delete = self._delete()
            delete.commons = commons
            return delete
        return syntax.SelectStatement(line, self.query_after(commons))

    def _target(self) -> syntax.Parts:
        if self.token.kind == "variable":
            return (self.advance().value.lower(),)
        return self.parts()

    def _insert(self) -> syntax.Insert:
        line = self.token.line
        self.expect("INSERT")
        self.accept("INTO")
        target = self._target()
        self.hints()
        columns: list[str] = []
        if self.at("(") and self.peek().upper != "SELECT":
            columns = [parts[-1] for parts in self.in_parentheses(self.parts)]
        output = self._output()
        source: syntax.Query | syntax.Execute | None = None
        if self.accept("DEFAULT", "VALUES"):
            source = None
        elif self.token.upper in ("EXEC", "EXECUTE"):
            self.advance()
            source = self._execute(line)
        else:
            source = self.query()
        return syntax.Insert(line, target, columns, source, output)

    def _output(self) -> syntax.Output | None:
        if not self.accept("OUTPUT"):
            return None
        items = self.listed(self.item)
        into = None
        if self.accept("INTO"):
            into = self._target()
            if self.at("("):
                self.in_parentheses(self.name)
        return syntax.Output(items, into)

    def _update(self) -> syntax.Update:
        line = self.token.line
        self.expect("UPDATE")
        top = self.top() if self.accept("TOP") else None
        target = self._target()
        self.hints()
        self.expect("SET")
        assignments = self.listed(self._assignment)
        output = self._output()
        sources = self.listed(self.source) if self.accept("FROM") else []
        where = self.expression() if self.accept("WHERE") else None
        self.options()
        return syntax.Update(line, target, assignments, top, sources, where, output)

    def _assignment(self) -> syntax.Assignment:
        column = self._target()
        op = self.accept_one("=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=")
        if not op:
            raise self.wrong()
        return syntax.Assignment(column, op, self.expression())

    def _delete(self) -> syntax.Delete:
        line = self.token.line
        self.expect("DELETE")
        top = self.top() if self.accept("TOP") else None
        self.accept("FROM")
        target = self._target()
        self.hints()
        output = self._output()
        sources = self.listed(self.source) if self.accept("FROM") else []
        where = self.expression() if self.accept("WHERE") else None
        self.options()
        return syntax.Delete(line, target, top, sources, where, output)

    def _truncate(self) -> syntax.AnyStatement:
        line = self.token.line
        self.expect("TRUNCATE", "TABLE")
        return syntax.Truncate(line, self.parts())

    # ---- definitions

    def _create(self) -> syntax.AnyStatement:
        line, start = self.token.line, self.token.start
        self.expect("CREATE")
        replace = self.accept("OR", "ALTER")
        if self.accept("TABLE"):
            return self._create_table(line, self.parts())
        if self.accept("VIEW"):
            return self._create_view(line, start, replace)
        if self.accept("SCHEMA"):
            name = self.name()
            if self.accept("AUTHORIZATION"):
                self.name()
            return syntax.CreateSchema(line, name)
        if self.accept("DATABASE"):
            name = self.name()
            self._skip_statement()
            return syntax.CreateDatabase(line, name)
        unique = self.accept("UNIQUE")
        clustered = self._clustered()
        if self.accept("INDEX"):
            return self._create_index(line, unique, bool(clustered))
        if self.token.upper in ("PROCEDURE", "PROC", "FUNCTION", "TRIGGER", "TYPE", "SEQUENCE", "SYNONYM"):
            raise unsupported(f"CREATE {self.token.upper}", line)
        if self.token.upper in ("USER", "LOGIN", "ROLE", "STATISTICS"):
            self._skip_statement()
            return syntax.Nothing(line)
        raise self.wrong()

    def _clustered(self) -> bool | None:
        word = self.accept_one("CLUSTERED", "NONCLUSTERED")
        return word == "CLUSTERED" if word else None

    def _create_index(self, line: int, unique: bool, clustered: bool) -> syntax.AnyStatement:
        if self.accept("COLUMNSTORE"):
            raise unsupported("A columnstore index", line)
        name = self.name()
        self.expect("ON")
        table = self.parts()
        columns = self.in_parentheses(self._key_column)
        if self.accept("INCLUDE"):
            self.in_parentheses(self.name)
        if self.at("WHERE"):
            raise unsupported("A filtered index", line)
        self._index_options()
        return syntax.CreateIndex(line, table, syntax.Key(name, False, unique, clustered, columns, False))

    def _index_options(self) -> None:
        if self.accept("WITH"):
            self._skip_parentheses()
        if self.at("ON") and self.peek().kind in ("name", "word"):
            self.advance()
            self.advance()

    def _key_column(self) -> tuple[str, bool]:
        name = self.name()
        return name, self.accept_one("ASC", "DESC") == "DESC"

    def _create_table(self, line: int, name: syntax.Parts) -> syntax.CreateTable:
        table = syntax.CreateTable(line, name, [], [], [], [])
        self.expect("(")
        while not self.at(")"):
            self._table_element(table.columns, table.keys, table.checks, table.foreign, [])
            if not self.accept(","):
                break
        self.expect(")")
        self._index_options()
        if not table.columns:
            raise self.wrong()
        return table

    def _table_element(
        self,
        columns: list[syntax.Column],
        keys: list[syntax.Key],
        checks: list[syntax.Check],
        foreign: list[syntax.ForeignKey],
        defaults: list[tuple[str, str]],
    ) -> None:
        name = None
        if self.accept("CONSTRAINT"):
            name = self.name()
        if self.token.upper in ("PRIMARY", "UNIQUE"):
            key = self._key(name)
            key.columns = self.in_parentheses(self._key_column)
            self._index_options()
            keys.append(key)
        elif self.at("CHECK"):
            checks.append(self._check(name))
        elif self.accept("FOREIGN", "KEY"):
            referring = self.in_parentheses(self.name)
            foreign.append(self._references(name, referring))
        elif self.accept("DEFAULT"):
            text = self._text_of(self._constant)
            self.expect("FOR")
            defaults.append((self.name(), text))
        elif self.accept("INDEX"):
            index = self.name()
            unique, clustered = self.accept("UNIQUE"), self._clustered()
            keys.append(syntax.Key(index, False, unique, clustered, self.in_parentheses(self._key_column), False))
            self._index_options()
        elif name is None:
            columns.append(self._column(keys, checks, foreign))
        else:
            raise self.wrong()

    def _constant(self) -> syntax.Expression:
        return self.sum()

    def _text_of(self, take: Callable[[], object]) -> str:
        start = self.token.start
        take()
        return self.text[start : self.stop_of_last()]

    def _key(self, name: str | None) -> syntax.Key:
        primary = self.accept("PRIMARY", "KEY")
        if not primary:
            self.expect("UNIQUE")
        clustered = self._clustered()
        return syntax.Key(name, primary, True, primary if clustered is None else clustered, [])

    def _check(self, name: str | None) -> syntax.Check:
        self.expect("CHECK")
        self.accept("NOT", "FOR", "REPLICATION")
        self.expect("(")
        start = self.token.start
        condition = self.expression()
        text = self.text[start : self.stop_of_last()]
        self.expect(")")
        return syntax.Check(name, condition, text)

    def _references(self, name: str | None, columns: list[str]) -> syntax.ForeignKey:
        self.expect("REFERENCES")
        target = self.parts()
        target_columns = self.in_parentheses(self.name) if self.at("(") else []
        while self.accept("ON"):
            if not self.accept_one("DELETE", "UPDATE"):
                raise self.wrong()
            if not (self.accept("NO", "ACTION") or self.accept_one("CASCADE") or self.accept("SET")):
                raise self.wrong()
            self.accept_one("NULL", "DEFAULT")
        return syntax.ForeignKey(name, columns, target, target_columns)

    def _column(
        self, keys: list[syntax.Key], checks: list[syntax.Check], foreign: list[syntax.ForeignKey]
    ) -> syntax.Column:
        name = self.name()
        if self.accept("AS"):
            text = self._text_of(self.expression)
            self.accept("PERSISTED")
            return syntax.Column(name, _ANY, computed=text)
        column = syntax.Column(name, _ANY)
        # `timestamp` alone is both a name and a type.
        column.type = self.type()
        while self._column_option(column, keys, checks, foreign):
            pass
        return column

    def _column_option(
        self,
        column: syntax.Column,
        keys: list[syntax.Key],
        checks: list[syntax.Check],
        foreign: list[syntax.ForeignKey],
    ) -> bool:
        name = self.name() if self.accept("CONSTRAINT") else None
        if self.accept("NOT", "NULL"):
            column.nullable = False
        elif self.accept("NULL"):
            column.nullable = True
        elif self.accept("IDENTITY"):
            start, step = 1, 1
            if self.accept("("):
                start = self._integer()
                self.expect(",")
                step = self._integer()
                self.expect(")")
            column.identity = (start, step)
            column.nullable = False
        elif self.accept("DEFAULT"):
            column.default = self._text_of(self._constant)
        elif self.accept("COLLATE"):
            self.name()
        elif self.token.upper in ("PRIMARY", "UNIQUE"):
            key = self._key(name)
            key.columns = self.in_parentheses(self._key_column) if self.at("(") else [(column.name, False)]
            self._index_options()
            keys.append(key)
        elif self.at("CHECK"):
            checks.append(self._check(name))
        elif self.accept("FOREIGN", "KEY") or self.at("REFERENCES"):
            foreign.append(self._references(name, [column.name]))
        elif self.accept_one("SPARSE", "ROWGUIDCOL", "PERSISTED") or self.accept("NOT", "FOR", "REPLICATION"):
            pass
        else:
            if name is not None:
                raise self.wrong()
            return False
        return True

    def _integer(self) -> int:
        negative = self.accept("-")
        token = self.advance()
        if token.kind != "number" or not token.value.isdigit():
            raise syntax_error(token.value, token.line)
        return -int(token.value) if negative else int(token.value)

    def _create_view(self, line: int, start: int, replace: bool) -> syntax.AnyStatement:
        name = self.parts()
        columns = self.in_parentheses(self.name) if self.at("(") else []
        if self.accept("WITH"):
            self.listed(self.name)
        self.expect("AS")
        query = self.query()
        self.accept("WITH", "CHECK", "OPTION")
        return syntax.CreateView(line, name, columns, query, self.text[start : self.stop_of_last()], replace)

    def _alter(self) -> syntax.AnyStatement:
        line = self.token.line
        start = self.token.start
        self.expect("ALTER")
        if self.accept("VIEW"):
            return self._create_view(line, start, True)
        if not self.accept("TABLE"):
            self._skip_statement()
            return syntax.Nothing(line)
        alter = syntax.AlterTable(line, self.parts())
        self.accept("WITH", "CHECK")
        self.accept("WITH", "NOCHECK")
        if self.accept("ADD"):
            while True:
                self._table_element(alter.add, alter.keys, alter.checks, alter.foreign, alter.defaults)
                if not self.accept(","):
                    return alter
        if self.accept("ALTER", "COLUMN"):
            column = syntax.Column(self.name(), _ANY)
            column.type = self.type()
            while self._column_option(column, [], [], []):
                pass
            alter.alter = column
            return alter
        if self.accept("DROP"):
            if self.accept("COLUMN"):
                self.accept("IF", "EXISTS")
                alter.drop = self.listed(self.name)
            else:
                self.accept("CONSTRAINT")
                self.accept("IF", "EXISTS")
                alter.drop_constraints = self.listed(self.name)
            return alter
        self._skip_statement()
        return syntax.Nothing(line)

    def _drop(self) -> syntax.AnyStatement:
        line = self.token.line
        self.expect("DROP")
        kind = self.advance().upper
        if kind not in ("TABLE", "VIEW", "SCHEMA", "DATABASE", "INDEX"):
            if kind in ("PROCEDURE", "PROC", "FUNCTION", "TRIGGER", "USER", "LOGIN", "ROLE", "STATISTICS", "TYPE"):
                raise unsupported(f"DROP {kind}", line)
            raise syntax_error(kind, line, keyword=kind in RESERVED)
        if_exists = self.accept("IF", "EXISTS")
        names = self.listed(self.parts)
        table = self.parts() if kind == "INDEX" and self.accept("ON") else None
        if kind == "INDEX" and table is None:
            table, names = names[0][:-1], [(names[0][-1],)]
        return syntax.Drop(line, kind, names, if_exists, table)

    def _grant(self) -> syntax.AnyStatement:
        line = self.token.line
        action = self.advance().upper
        permissions = self.listed(self._permission)
        scope, target = "DATABASE", _NO_NAME
        if self.accept("ON"):
            scope = "OBJECT"
            if self.peek().upper == "::":
                scope = self.advance().upper
                self.advance()
            target = self.parts()
        if not self.accept_one("TO", "FROM"):
            raise self.wrong()
        return syntax.Grant(line, action, permissions, scope, target, self.listed(self.name))

    def _permission(self) -> str:
        words = [self.advance().upper]
        while self.token.kind == "word" and self.token.upper not in ("ON", "TO", "FROM"):
            words.append(self.advance().upper)
        return " ".join(words)

    # ---- variables and flow

    def _declare(self) -> syntax.AnyStatement:
        line = self.token.line
        self.expect("DECLARE")
        if self.peek().upper == "TABLE" or (self.peek().upper == "AS" and self.peek(2).upper == "TABLE"):
            name = self.advance().value.lower()
            self.accept("AS")
            self.expect("TABLE")
            return syntax.DeclareTable(line, name, self._create_table(line, (name,)))
        if self.peek().upper == "CURSOR":
            raise unsupported("A cursor", line)
        return syntax.Declare(line, self.listed(self._variable))

    def _variable(self) -> tuple[str, SqlType, syntax.Expression | None]:
        if self.token.kind != "variable":
            raise self.wrong()
        name = self.advance().value.lower()
        self.accept("AS")
        return name, self.type(), self.expression() if self.accept("=") else None

    def _set(self) -> syntax.AnyStatement:
        line = self.token.line
        self.expect("SET")
        if self.token.kind == "variable":
            name = self.advance().value.lower()
            op = self.accept_one("=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=")
            if not op:
                raise self.wrong()
            return syntax.SetVariable(line, name, op, self.expression())
        words = []
        while True:
            # SET a, b ON is one statement; a line break ends none, so the value's word does.
            token = self.advance()
            if token.kind == "end":
                raise self.wrong()
            words.append(token.upper or token.value)
            if self._set_is_complete(words):
                return syntax.SetOption(line, words)

    def _set_is_complete(self, words: list[str]) -> bool:
        if words[:2] == ["TRANSACTION", "ISOLATION"] and len(words) > 3:
            return words[-1] in ("UNCOMMITTED", "COMMITTED", "SNAPSHOT", "SERIALIZABLE") or words[-2:] == [
                "REPEATABLE",
                "READ",
            ]
        if words[0] == "IDENTITY_INSERT":
            return words[-1] in ("ON", "OFF")
        if words[0] in (
            "LOCK_TIMEOUT", "TEXTSIZE", "ROWCOUNT", "DATEFIRST", "DATEFORMAT", "LANGUAGE", "DEADLOCK_PRIORITY",
            "QUERY_GOVERNOR_COST_LIMIT", "CONTEXT_INFO",
        ):  # fmt: skip
            return (len(words) == 2 and words[1] != "-") or len(words) == 3
        return words[-1] in ("ON", "OFF")

    def _if(self) -> syntax.AnyStatement:
        line = self.token.line
        self.expect("IF")
        condition = self.expression()
        then = self._block()
        mark = self._at
        while self.accept(";"):
            pass
        if self.accept("ELSE"):
            return syntax.If(line, condition, then, self._block())
        self._at = mark
        return syntax.If(line, condition, then, [])

    def _block(self) -> list[syntax.AnyStatement]:
        found = self.statement()
        return found.then if isinstance(found, syntax.If) and found.condition is _ALWAYS else [found]

    def _while(self) -> syntax.AnyStatement:
        line = self.token.line
        self.expect("WHILE")
        condition = self.expression()
        return syntax.While(line, condition, self._block())

    def _begin(self) -> syntax.AnyStatement:
        line = self.token.line
        self.expect("BEGIN")
        if self.accept_one("TRAN", "TRANSACTION") or self.accept("DISTRIBUTED", "TRANSACTION"):
            name = self._transaction_name()
            return syntax.Transaction(line, "BEGIN", name)
        if self.accept("TRY"):
            body = self._until("END")
            self.expect("END", "TRY")
            self.accept(";")
            self.expect("BEGIN", "CATCH")
            handler = self._until("END")
            self.expect("END", "CATCH")
            return syntax.Try(line, body, handler)
        statements = self._until("END")
        self.expect("END")
        return syntax.If(line, _ALWAYS, statements, [])

    def _transaction_name(self) -> str:
        if self.token.kind in ("name", "variable") or (
            self.token.kind == "word" and self.token.upper not in RESERVED and self.token.upper not in _STATEMENTS
        ):
            return self.advance().value
        return ""

    def _end_transaction(self) -> syntax.AnyStatement:
        line = self.token.line
        action = self.advance().upper
        if self.accept_one("TRAN", "TRANSACTION"):
            name = self._transaction_name()
        else:
            self.accept("WORK")
            name = ""
        return syntax.Transaction(line, action, name)

    def _jump(self) -> syntax.AnyStatement:
        line = self.token.line
        kind = self.advance().upper
        value = None
        if kind == "RETURN" and self.token.kind in ("number", "variable"):
            value = self.sum()
        return syntax.Jump(line, kind, value)

    def _execute_statement(self) -> syntax.AnyStatement:
        line = self.advance().line
        return self._execute(line)

    def _execute(self, line: int) -> syntax.Execute:
        result = None
        if self.token.kind == "variable" and self.peek().upper == "=":
            result = self.advance().value.lower()
            self.advance()
        if self.accept("("):
            text = self.expression()
            self.expect(")")
            return syntax.Execute(line, ("",), [(None, text, False)], result)
        name = self.parts()
        arguments: list[tuple[str | None, syntax.Expression, bool]] = []
        if (
            self.token.kind in ("variable", "string", "nstring", "number", "hex", "name", "money")
            or self.at("-")
            or (self.token.kind == "word" and self.token.upper in ("NULL", "DEFAULT"))
            or (self.token.kind == "word" and self.token.upper not in RESERVED and self.token.upper not in _STATEMENTS)
        ):
            arguments = self.listed(self._argument)
        if self.accept("WITH", "RECOMPILE"):
            pass
        return syntax.Execute(line, name, arguments, result)

    def _argument(self) -> tuple[str | None, syntax.Expression, bool]:
        name = None
        if self.token.kind == "variable" and self.peek().upper == "=":
            name = self.advance().value.lower()
            self.advance()
        if self.token.kind == "word" and self.token.upper not in RESERVED:
            value: syntax.Expression = syntax.Literal("nstring", self.advance().value)
        else:
            value = self.sum()
        return name, value, bool(self.accept_one("OUTPUT", "OUT"))

    def _print(self) -> syntax.AnyStatement:
        line = self.advance().line
        return syntax.Print(line, self.expression())

    def _raiserror(self) -> syntax.AnyStatement:
        line = self.advance().line
        self.expect("(")
        message = self.expression()
        self.expect(",")
        severity = self.expression()
        self.expect(",")
        state = self.expression()
        while self.accept(","):
            self.expression()
        self.expect(")")
        if self.accept("WITH"):
            self.listed(self.name)
        return syntax.Raise(line, None, message, severity, state)

    def _throw(self) -> syntax.AnyStatement:
        line = self.advance().line
        if self.token.kind not in ("number", "variable"):
            return syntax.Raise(line, None, None, None, None)
        number = self.sum()
        self.expect(",")
        message = self.sum()
        self.expect(",")
        return syntax.Raise(line, number, message, None, self.sum())

    def _use(self) -> syntax.AnyStatement:
        line = self.advance().line
        return syntax.Use(line, self.name())

    def _waitfor(self) -> syntax.AnyStatement:
        line = self.advance().line
        self.expect("DELAY")
        return syntax.WaitFor(line, self.sum())

    def _nothing(self) -> syntax.AnyStatement:
        line = self.token.line
        self._skip_statement()
        return syntax.Nothing(line)

    def _merge(self) -> syntax.AnyStatement:
        raise unsupported("MERGE", self.token.line)

    def _skip_statement(self) -> None:
        """Up to where another statement can begin."""
        self.advance()
        while self.token.kind != "end" and not self.at(";"):
            if self.token.upper in _STATEMENTS and self.token.upper not in ("UPDATE", "SET", "WITH"):
                return
            self.advance()


_ANY = SqlType("sql_variant")
_NO_NAME: syntax.Parts = ()
_ALWAYS = syntax.Literal("int", "1")

_STATEMENTS: dict[str, Callable[[_Parser], syntax.AnyStatement]] = {
    "SELECT": _Parser._select_statement,
    "WITH": _Parser._with,
    "INSERT": _Parser._insert,
    "UPDATE": lambda self: self._nothing() if self.peek().upper == "STATISTICS" else self._update(),
    "DELETE": _Parser._delete,
    "TRUNCATE": _Parser._truncate,
    "MERGE": _Parser._merge,
    "CREATE": _Parser._create,
    "ALTER": _Parser._alter,
    "DROP": _Parser._drop,
    "GRANT": _Parser._grant,
    "DENY": _Parser._grant,
    "REVOKE": _Parser._grant,
    "DECLARE": _Parser._declare,
    "SET": _Parser._set,
    "IF": _Parser._if,
    "WHILE": _Parser._while,
    "BEGIN": _Parser._begin,
    "COMMIT": _Parser._end_transaction,
    "ROLLBACK": _Parser._end_transaction,
    "SAVE": _Parser._end_transaction,
    "BREAK": _Parser._jump,
    "CONTINUE": _Parser._jump,
    "RETURN": _Parser._jump,
    "EXEC": _Parser._execute_statement,
    "EXECUTE": _Parser._execute_statement,
    "PRINT": _Parser._print,
    "RAISERROR": _Parser._raiserror,
    "THROW": _Parser._throw,
    "USE": _Parser._use,
    "WAITFOR": _Parser._waitfor,
    "CHECKPOINT": _Parser._nothing,
}
