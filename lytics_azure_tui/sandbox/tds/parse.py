"""The parser for T-SQL's statements: a batch becomes a list of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from lytics_azure_tui.sandbox.tds import syntax
from lytics_azure_tui.sandbox.tds.errors import unsupported
from lytics_azure_tui.sandbox.tds.parse_definitions import DefinitionParser
from lytics_azure_tui.sandbox.tds.token_reader import RESERVED
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


class _Parser(DefinitionParser):
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

    # ---- variables and flow

    def _declare(self) -> syntax.AnyStatement:
        line = self.token.line
        self.expect("DECLARE")
        if self.peek().upper == "TABLE" or (self.peek().upper == "AS" and self.peek(2).upper == "TABLE"):
            name = self.advance().value.lower()
            self.accept("AS")
            self.expect("TABLE")
            return syntax.DeclareTable(line, name, self.create_table(line, (name,)))
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
        self.skip_statement()
        return syntax.Nothing(line)

    def _merge(self) -> syntax.AnyStatement:
        raise unsupported("MERGE", self.token.line)


_ALWAYS = syntax.Literal("int", "1")

_STATEMENTS: dict[str, Callable[[_Parser], syntax.AnyStatement]] = {
    "SELECT": _Parser._select_statement,
    "WITH": _Parser._with,
    "INSERT": _Parser._insert,
    "UPDATE": lambda self: self._nothing() if self.peek().upper == "STATISTICS" else self._update(),
    "DELETE": _Parser._delete,
    "TRUNCATE": _Parser._truncate,
    "MERGE": _Parser._merge,
    "CREATE": _Parser.create,
    "ALTER": _Parser.alter,
    "DROP": _Parser.drop,
    "GRANT": _Parser.grant,
    "DENY": _Parser.grant,
    "REVOKE": _Parser.grant,
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
