"""The parser for CREATE, ALTER, DROP and GRANT."""

from __future__ import annotations

from collections.abc import Callable

from lytics_azure_tui.sandbox.tds import syntax
from lytics_azure_tui.sandbox.tds.errors import syntax_error, unsupported
from lytics_azure_tui.sandbox.tds.parse_query import QueryParser
from lytics_azure_tui.sandbox.tds.token_reader import RESERVED
from lytics_azure_tui.sandbox.tds.types import SqlType

STARTS = (
    "SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "MERGE", "CREATE", "ALTER", "DROP", "GRANT", "DENY",
    "REVOKE", "DECLARE", "SET", "IF", "WHILE", "BEGIN", "COMMIT", "ROLLBACK", "SAVE", "BREAK", "CONTINUE", "RETURN",
    "EXEC", "EXECUTE", "PRINT", "RAISERROR", "THROW", "USE", "WAITFOR", "CHECKPOINT",
)  # fmt: skip
"""The words that statements begin with."""

_ANY = SqlType("sql_variant")
_NO_NAME: syntax.Parts = ()


class DefinitionParser(QueryParser):
    """Reads definitions; those of queries are needed for views."""

    def create(self) -> syntax.AnyStatement:
        """Takes CREATE of whatever kind."""
        line, start = self.token.line, self.token.start
        self.expect("CREATE")
        replace = self.accept("OR", "ALTER")
        if self.accept("TABLE"):
            return self.create_table(line, self.parts())
        if self.accept("VIEW"):
            return self._create_view(line, start, replace)
        if self.accept("SCHEMA"):
            name = self.name()
            if self.accept("AUTHORIZATION"):
                self.name()
            return syntax.CreateSchema(line, name)
        if self.accept("DATABASE"):
            name = self.name()
            self.skip_statement()
            return syntax.CreateDatabase(line, name)
        unique = self.accept("UNIQUE")
        clustered = self._clustered()
        if self.accept("INDEX"):
            return self._create_index(line, unique, bool(clustered))
        if self.token.upper in ("PROCEDURE", "PROC", "FUNCTION", "TRIGGER", "TYPE", "SEQUENCE", "SYNONYM"):
            raise unsupported(f"CREATE {self.token.upper}", line)
        if self.token.upper in ("USER", "LOGIN", "ROLE", "STATISTICS"):
            self.skip_statement()
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

    def create_table(self, line: int, name: syntax.Parts) -> syntax.CreateTable:
        """Takes What stands behind CREATE TABLE name."""
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

    def _column_option(  # noqa: PLR0912 -- one an option
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
        elif self.accept("MASKED"):
            column.mask = self._mask()
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

    def _mask(self) -> str:
        for word in ("WITH", "(", "FUNCTION", "="):
            self.expect(word)
        function = self.advance().value
        self.expect(")")
        return function

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

    def alter(self) -> syntax.AnyStatement:
        """Takes ALTER."""
        line = self.token.line
        start = self.token.start
        self.expect("ALTER")
        if self.accept("VIEW"):
            return self._create_view(line, start, True)
        if not self.accept("TABLE"):
            self.skip_statement()
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
        self.skip_statement()
        return syntax.Nothing(line)

    def drop(self) -> syntax.AnyStatement:
        """Takes DROP."""
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

    def grant(self) -> syntax.AnyStatement:
        """Takes GRANT, DENY and REVOKE."""
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

    def skip_statement(self) -> None:
        """Takes what is left of a statement, up to where another can begin."""
        self.advance()
        while self.token.kind != "end" and not self.at(";"):
            if self.token.upper in STARTS and self.token.upper not in ("UPDATE", "SET", "WITH"):
                return
            self.advance()
