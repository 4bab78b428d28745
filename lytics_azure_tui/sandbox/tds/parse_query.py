"""The parser for T-SQL's expressions and queries. Statements are in parse.py."""

from __future__ import annotations

from lytics_azure_tui.sandbox.tds import syntax, types
from lytics_azure_tui.sandbox.tds.errors import SqlError, syntax_error, unsupported
from lytics_azure_tui.sandbox.tds.lexer import Token
from lytics_azure_tui.sandbox.tds.token_reader import RESERVED, TokenReader

_FUNCTIONS_OF_RESERVED = ("LEFT", "RIGHT", "NULLIF", "CONVERT", "TRY_CONVERT", "COALESCE", "USER")
_WITHOUT_PARENTHESES = ("CURRENT_TIMESTAMP", "CURRENT_USER", "SESSION_USER", "SYSTEM_USER", "USER", "CURRENT_DATE")
_COMPARISONS = ("=", "<>", "!=", "<", ">", "<=", ">=", "!<", "!>")
_OPPOSITES = {"!=": "<>", "!<": ">=", "!>": "<="}


class QueryParser(TokenReader):
    """Reads expressions and queries."""

    # ---- expressions

    def expression(self) -> syntax.Expression:
        """Takes a value or a condition."""
        left = self._conjunction()
        while self.accept("OR"):
            left = syntax.Binary("OR", left, self._conjunction())
        return left

    def _conjunction(self) -> syntax.Expression:
        left = self._negation()
        while self.accept("AND"):
            left = syntax.Binary("AND", left, self._negation())
        return left

    def _negation(self) -> syntax.Expression:
        if self.accept("NOT"):
            return syntax.Unary("NOT", self._negation())
        return self._comparison()

    def _comparison(self) -> syntax.Expression:
        left = self.sum()
        while True:
            op = self.accept_one(*_COMPARISONS)
            if op:
                if self.token.upper in ("ALL", "ANY", "SOME"):
                    raise unsupported(f"A comparison with {self.token.upper}", self.token.line)
                left = syntax.Binary(_OPPOSITES.get(op, op), left, self.sum())
                continue
            if self.accept("IS"):
                negated = self.accept("NOT")
                self.expect("NULL")
                left = syntax.IsNull(left, negated)
                continue
            negated = self.at("NOT") and self.peek().upper in ("IN", "LIKE", "BETWEEN")
            if negated:
                self.advance()
            if self.accept("IN"):
                left = syntax.In(left, self._choices(), negated)
            elif self.accept("LIKE"):
                pattern = self.sum()
                left = syntax.Like(left, pattern, self.sum() if self.accept("ESCAPE") else None, negated)
            elif self.accept("BETWEEN"):
                low = self.sum()
                self.expect("AND")
                left = syntax.Between(left, low, self.sum(), negated)
            else:
                return left

    def _choices(self) -> list[syntax.Expression] | syntax.Query:
        self.expect("(")
        choices = self.query() if self._query_comes() else self.listed(self.expression)
        self.expect(")")
        return choices

    def sum(self) -> syntax.Expression:
        """Takes a value without conditions around it."""
        left = self._product()
        while op := self.accept_one("+", "-", "&", "|", "^"):
            left = syntax.Binary(op, left, self._product())
        return left

    def _product(self) -> syntax.Expression:
        left = self._signed()
        while op := self.accept_one("*", "/", "%"):
            left = syntax.Binary(op, left, self._signed())
        return left

    def _signed(self) -> syntax.Expression:
        op = self.accept_one("-", "+", "~")
        if not op:
            return self._postfixed()
        operand = self._signed()
        if op == "-" and isinstance(operand, syntax.Literal) and operand.kind in ("int", "decimal", "float", "money"):
            return syntax.Literal(operand.kind, f"-{operand.value}" if operand.value[:1] != "-" else operand.value[1:])
        return operand if op == "+" else syntax.Unary(op, operand)

    def _postfixed(self) -> syntax.Expression:
        value = self._primary()
        while True:
            if self.accept("COLLATE"):
                value = syntax.Collate(value, self.name())
            elif self.accept("AT", "TIME", "ZONE"):
                value = syntax.AtTimeZone(value, self._primary())
            else:
                return value

    def _primary(self) -> syntax.Expression:  # noqa: PLR0911 -- one a kind
        token = self.token
        if token.kind in ("string", "nstring"):
            return syntax.Literal(token.kind, self.advance().value)
        if token.kind == "number":
            return _number(self.advance())
        if token.kind == "money":
            return syntax.Literal("money", self.advance().value[1:] or "0")
        if token.kind == "hex":
            digits = self.advance().value[2:]
            return syntax.Literal("binary", digits.zfill(len(digits) + len(digits) % 2))
        if token.kind == "variable":
            return syntax.Variable(self.advance().value.lower())
        if token.upper == "(":
            return self._parenthesised()
        if token.upper == "{":
            return self._odbc()
        if token.kind == "word":
            return self._word(token)
        if token.kind == "name":
            return self._named()
        raise self.wrong()

    def _query_comes(self) -> bool:
        ahead = 0
        while self.peek(ahead).upper == "(":
            ahead += 1
        return self.peek(ahead).upper == "SELECT" or (ahead == 0 and self.at("WITH"))

    def _parenthesised(self) -> syntax.Expression:
        self.expect("(")
        # ((SELECT 1) + 2) begins as a query does, and is none.
        mark = self._at
        if self._query_comes():
            try:
                query = self.query()
                self.expect(")")
                return syntax.ScalarQuery(query)
            except SqlError:
                if self._tokens[mark].upper != "(":
                    raise
                self._at = mark
        value = self.expression()
        self.expect(")")
        return value

    def _odbc(self) -> syntax.Expression:
        """{fn f(x)}, {d '…'}, {t '…'}, {ts '…'}"""
        self.expect("{")
        kind = self.advance().upper
        if kind == "FN":
            value: syntax.Expression = self._named()
        elif kind in ("D", "T", "TS"):
            type_ = {"D": types.DATE, "T": types.TIME, "TS": types.DATETIME}[kind]
            value = syntax.Cast(self._primary(), type_)
        else:
            raise self.wrong()
        self.expect("}")
        return value

    def _word(self, token: Token) -> syntax.Expression:  # noqa: PLR0911 -- one a kind
        word = token.upper
        if word == "NULL":
            self.advance()
            return syntax.Literal("null")
        if word == "DEFAULT":
            self.advance()
            return syntax.Literal("default")
        if word == "CASE":
            return self._case()
        if word == "EXISTS":
            self.advance()
            self.expect("(")
            query = self.query()
            self.expect(")")
            return syntax.Exists(query)
        if word in ("CAST", "TRY_CAST") and self.peek().upper == "(":
            self.advance()
            self.expect("(")
            operand = self.expression()
            self.expect("AS")
            type_ = self.type(unsized=30)
            self.expect(")")
            return syntax.Cast(operand, type_, attempt=word == "TRY_CAST")
        if word in ("CONVERT", "TRY_CONVERT") and self.peek().upper == "(":
            self.advance()
            self.expect("(")
            type_ = self.type(unsized=30)
            self.expect(",")
            operand = self.expression()
            style = self.expression() if self.accept(",") else None
            self.expect(")")
            return syntax.Cast(operand, type_, style, attempt=word == "TRY_CONVERT")
        if word in _WITHOUT_PARENTHESES and self.peek().upper != "(":
            self.advance()
            return syntax.Call(word, [], line=token.line)
        if word == "*":
            raise self.wrong()
        if word in RESERVED and not (word in _FUNCTIONS_OF_RESERVED and self.peek().upper == "("):
            raise self.wrong()
        return self._named()

    def _case(self) -> syntax.Expression:
        self.expect("CASE")
        operand = None if self.at("WHEN") else self.expression()
        branches = []
        while self.accept("WHEN"):
            condition = self.expression()
            self.expect("THEN")
            branches.append((condition, self.expression()))
        if not branches:
            raise self.wrong()
        otherwise = self.expression() if self.accept("ELSE") else None
        self.expect("END")
        return syntax.Case(operand, branches, otherwise)

    def _named(self) -> syntax.Expression:
        """A column, or a call of a function."""
        line = self.token.line
        found = [self.advance().value]
        while self.at("."):
            self.advance()
            while self.at("."):
                found.append("")
                self.advance()
            if self.accept("*"):
                return syntax.Star(tuple(found))
            found.append(self.name())
        if not self.at("("):
            return syntax.Name(tuple(found))
        return self._call(found[-1].upper(), line)

    def _call(self, name: str, line: int) -> syntax.Expression:
        self.expect("(")
        distinct = bool(self.accept("DISTINCT"))
        self.accept("ALL")
        arguments: list[syntax.Expression] = []
        if self.accept("*"):
            arguments.append(syntax.Star())
        elif not self.at(")"):
            arguments = self.listed(self.expression)
        self.expect(")")
        call = syntax.Call(name, arguments, distinct, line=line)
        if self.accept("WITHIN", "GROUP"):
            self.expect("(", "ORDER", "BY")
            call.order = self.listed(self._ordered)
            self.expect(")")
        if self.accept("OVER"):
            call.over = self._window()
        return call

    def _window(self) -> syntax.Window:
        self.expect("(")
        window = syntax.Window([], [])
        if self.accept("PARTITION", "BY"):
            window.partition = self.listed(self.expression)
        if self.accept("ORDER", "BY"):
            window.order = self.listed(self._ordered)
        words = []
        if self.token.upper in ("ROWS", "RANGE"):
            while not self.at(")"):
                if self.token.kind not in ("word", "number"):
                    raise self.wrong()
                words.append(self.advance().value)
        window.frame = " ".join(words)
        self.expect(")")
        return window

    def _ordered(self) -> syntax.Ordered:
        expression = self.expression()
        return syntax.Ordered(expression, self.accept_one("ASC", "DESC") == "DESC")

    # ---- queries

    def query(self) -> syntax.Query:
        """Takes a whole query with its WITH and ORDER BY."""
        commons = self.common_tables() if self.at("WITH") else []
        return self.query_after(commons)

    def common_tables(self) -> list[syntax.CommonTable]:
        """Takes WITH x AS (…), …"""
        self.expect("WITH")
        return self.listed(self._common_table)

    def _common_table(self) -> syntax.CommonTable:
        name = self.name()
        columns = self.in_parentheses(self.name) if self.at("(") else []
        self.expect("AS", "(")
        query = self.query()
        self.expect(")")
        return syntax.CommonTable(name, columns, query)

    def query_after(self, commons: list[syntax.CommonTable]) -> syntax.Query:
        """Takes a query, its WITH having been taken."""
        query = syntax.Query(self._union(), commons)
        if self.accept("ORDER", "BY"):
            query.order = self.listed(self._ordered)
            if self.accept("OFFSET"):
                query.offset = self.sum()
                self._rows()
                if self.accept("FETCH"):
                    if not self.accept_one("NEXT", "FIRST"):
                        raise self.wrong()
                    query.fetch = self.sum()
                    self._rows()
                    self.expect("ONLY")
        if self.at("FOR") and self.peek().upper in ("XML", "JSON", "BROWSE"):
            raise unsupported(f"FOR {self.peek().upper}", self.token.line)
        self.options()
        return query

    def _rows(self) -> None:
        if not self.accept_one("ROWS", "ROW"):
            raise self.wrong()

    def options(self) -> None:
        """Takes OPTION (…), which changes nothing here."""
        if self.accept("OPTION"):
            self._skip_parentheses()

    def _skip_parentheses(self) -> None:
        self.expect("(")
        depth = 1
        while depth:
            if self.token.kind == "end":
                raise self.wrong()
            sign = self.advance().upper
            depth += {"(": 1, ")": -1}.get(sign, 0)

    def _union(self) -> syntax.Body:
        left = self._intersection()
        while word := self.accept_one("UNION", "EXCEPT"):
            op = "UNION ALL" if word == "UNION" and self.accept("ALL") else word
            left = syntax.SetOperation(op, left, self._intersection())
        return left

    def _intersection(self) -> syntax.Body:
        left = self._body()
        while self.accept("INTERSECT"):
            left = syntax.SetOperation("INTERSECT", left, self._body())
        return left

    def _body(self) -> syntax.Body:
        if self.accept("("):
            body = self._union()
            self.expect(")")
            return body
        if self.accept("VALUES"):
            return syntax.Values(self.listed(lambda: self.in_parentheses(self.expression)))
        self.expect("SELECT")
        return self._select()

    def _select(self) -> syntax.Select:
        select = syntax.Select([])
        select.distinct = self.accept_one("DISTINCT", "ALL") == "DISTINCT"
        if self.accept("TOP"):
            select.top = self.top()
            select.percent = self.accept("PERCENT")
            select.ties = self.accept("WITH", "TIES")
        select.items = self.listed(self.item)
        if self.accept("INTO"):
            select.into = self.parts()
        if self.accept("FROM"):
            select.sources = self.listed(self.source)
        if self.accept("WHERE"):
            select.where = self.expression()
        if self.accept("GROUP", "BY"):
            select.group = self.listed(self.expression)
        if self.accept("HAVING"):
            select.having = self.expression()
        return select

    def top(self) -> syntax.Expression:
        """Takes what stands after TOP."""
        if self.accept("("):
            value = self.expression()
            self.expect(")")
            return value
        token = self.advance()
        if token.kind != "number":
            raise syntax_error(token.value, token.line, keyword=token.upper in RESERVED)
        return _number(token)

    def item(self) -> syntax.Item:
        """Takes one item of a select list."""
        if self.accept("*"):
            return syntax.Item(syntax.Star())
        if self.token.kind == "variable" and self.peek().upper in ("=", "+=", "-=", "*=", "/="):
            variable, op = self.advance().value.lower(), self.advance().upper
            return syntax.Item(self.expression(), variable=variable, op=op)
        named = self.token.kind in ("name", "string") or (
            self.token.kind == "word" and self.token.upper not in RESERVED
        )
        if named and self.peek().upper == "=":
            alias = self.name_or_string()
            self.expect("=")
            return syntax.Item(self.expression(), alias)
        return syntax.Item(self.expression(), self._alias(strings=True))

    def _alias(self, *, strings: bool = False) -> str | None:
        if self.accept("AS"):
            return self.name_or_string()
        token = self.token
        word = token.kind == "word" and token.upper not in RESERVED and token.upper not in _NOT_ALIASES
        if token.kind == "name" or word or (strings and token.kind in ("string", "nstring")):
            return self.advance().value
        return None

    def source(self) -> syntax.Source:
        """Takes one item of FROM with its joins."""
        left = self._one_source()
        while True:
            kind = self._join_kind()
            if not kind:
                return left
            right = self._one_source() if kind in ("CROSS", "CROSS APPLY", "OUTER APPLY") else self._joined()
            on = None
            if kind not in ("CROSS", "CROSS APPLY", "OUTER APPLY"):
                self.expect("ON")
                on = self.expression()
            left = syntax.Join(kind, left, right, on)

    def _joined(self) -> syntax.Source:
        """The right side of a join, which may be joined itself before its ON comes: a JOIN b JOIN c ON … ON …"""
        right = self._one_source()
        while self.token.upper not in ("ON", ""):
            kind = self._join_kind()
            if not kind:
                break
            inner = self._joined()
            self.expect("ON")
            right = syntax.Join(kind, right, inner, self.expression())
        return right

    def _join_kind(self) -> str:
        if self.accept("CROSS", "JOIN"):
            return "CROSS"
        for kind in ("CROSS", "OUTER"):
            if self.accept(kind, "APPLY"):
                return f"{kind} APPLY"
        for kind in ("LEFT", "RIGHT", "FULL"):
            if self.at(kind) and self.peek().upper in ("OUTER", "JOIN", "HASH", "LOOP", "MERGE"):
                self.advance()
                self.accept("OUTER")
                self.accept_one("HASH", "LOOP", "MERGE")
                self.expect("JOIN")
                return kind
        if self.at("INNER"):
            self.advance()
            self.accept_one("HASH", "LOOP", "MERGE")
            self.expect("JOIN")
            return "INNER"
        return "INNER" if self.accept("JOIN") else ""

    def _one_source(self) -> syntax.Source:
        if self.at("("):
            if self._query_comes() or self.peek().upper == "VALUES":
                self.expect("(")
                query = self.query()
                self.expect(")")
                alias = self._alias()
                if alias is None:
                    raise self.wrong()
                columns = self.in_parentheses(self.name_or_string) if self.at("(") else []
                return syntax.Derived(query, alias, columns)
            self.expect("(")
            source = self.source()
            self.expect(")")
            return source
        if self.token.kind == "variable":
            name = self.advance().value.lower()
            return syntax.Table((name,), self._alias())
        parts = self.parts()
        if self.at("(") and not (self.peek().upper in _HINTS and self.peek(2).upper in (")", ",")):
            self.expect("(")
            arguments = [] if self.at(")") else self.listed(self.expression)
            self.expect(")")
            return syntax.TableCall(parts[-1].upper(), arguments, self._alias())
        alias = self._alias()
        self.hints()
        return syntax.Table(parts, alias or self._alias())

    def hints(self) -> None:
        """Takes WITH (NOLOCK) and its like, which change nothing here."""
        if (self.at("WITH", "(")) or (self.at("(") and self.peek().upper in _HINTS):
            self.accept("WITH")
            self._skip_parentheses()


_NOT_ALIASES = ("OFFSET", "OUTPUT", "WITHIN", "THROW", "GO", "OPTION", "APPLY", "CATCH", "TRY")
_HINTS = (
    "NOLOCK", "READUNCOMMITTED", "READCOMMITTED", "READCOMMITTEDLOCK", "REPEATABLEREAD", "SERIALIZABLE", "SNAPSHOT",
    "HOLDLOCK", "UPDLOCK", "TABLOCK", "TABLOCKX", "PAGLOCK", "ROWLOCK", "XLOCK", "NOWAIT", "READPAST", "NOEXPAND",
)  # fmt: skip


def _number(token: Token) -> syntax.Literal:
    text = token.value
    if "e" in text.lower():
        return syntax.Literal("float", text)
    if "." in text:
        return syntax.Literal("decimal", text)
    # A constant beyond int is a decimal, not a bigint.
    return syntax.Literal("int" if int(text) <= 2147483647 else "decimal", text)
