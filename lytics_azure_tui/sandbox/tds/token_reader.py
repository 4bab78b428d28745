"""Takes a text's tokens one after the other: what both queries and statements are read with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from lytics_azure_tui.sandbox.tds import syntax, types
from lytics_azure_tui.sandbox.tds.errors import SqlError, syntax_error
from lytics_azure_tui.sandbox.tds.lexer import Token, tokens

T = TypeVar("T")

# Words that cannot be a name without brackets, so that they end an expression or stand for no alias.
RESERVED = frozenset(
    [
        "ADD",
        "ALL",
        "ALTER",
        "AND",
        "ANY",
        "AS",
        "ASC",
        "BEGIN",
        "BETWEEN",
        "BREAK",
        "BY",
        "CASE",
        "CHECK",
        "CLOSE",
        "COLLATE",
        "COLUMN",
        "COMMIT",
        "CONSTRAINT",
        "CONTINUE",
        "CONVERT",
        "CREATE",
        "CROSS",
        "CURSOR",
        "DATABASE",
        "DECLARE",
        "DEFAULT",
        "DELETE",
        "DENY",
        "DESC",
        "DISTINCT",
        "DROP",
        "ELSE",
        "END",
        "ESCAPE",
        "EXCEPT",
        "EXEC",
        "EXECUTE",
        "EXISTS",
        "FETCH",
        "FOR",
        "FOREIGN",
        "FROM",
        "FULL",
        "FUNCTION",
        "GOTO",
        "GRANT",
        "GROUP",
        "HAVING",
        "IDENTITY",
        "IF",
        "IN",
        "INDEX",
        "INNER",
        "INSERT",
        "INTERSECT",
        "INTO",
        "IS",
        "JOIN",
        "KEY",
        "LEFT",
        "LIKE",
        "MERGE",
        "NOT",
        "NULL",
        "NULLIF",
        "OF",
        "OFF",
        "ON",
        "OPEN",
        "OPTION",
        "OR",
        "ORDER",
        "OUTER",
        "OVER",
        "PERCENT",
        "PIVOT",
        "PRIMARY",
        "PRINT",
        "PROC",
        "PROCEDURE",
        "RAISERROR",
        "REFERENCES",
        "RETURN",
        "REVOKE",
        "RIGHT",
        "ROLLBACK",
        "ROWCOUNT",
        "SAVE",
        "SCHEMA",
        "SELECT",
        "SET",
        "SOME",
        "STATISTICS",
        "TABLE",
        "THEN",
        "TO",
        "TOP",
        "TRAN",
        "TRANSACTION",
        "TRIGGER",
        "TRUNCATE",
        "TRY_CONVERT",
        "UNION",
        "UNIQUE",
        "UNPIVOT",
        "UPDATE",
        "USE",
        "USER",
        "VALUES",
        "VIEW",
        "WAITFOR",
        "WHEN",
        "WHERE",
        "WHILE",
        "WITH",
    ]
)


class TokenReader:
    """Reads tokens from left to right, one ahead."""

    def __init__(self, text: str) -> None:
        """Args: text: of the whole batch."""
        self.text = text
        self._tokens = tokens(text)
        self._at = 0

    # ---- tokens

    @property
    def token(self) -> Token:
        """The token that comes next."""
        return self._tokens[self._at]

    def peek(self, ahead: int = 1) -> Token:
        """A token after the next."""
        return self._tokens[min(self._at + ahead, len(self._tokens) - 1)]

    def advance(self) -> Token:
        """Takes the next token."""
        token = self.token
        if token.kind != "end":
            self._at += 1
        return token

    def stop_of_last(self) -> int:
        """Where the token that was taken last ends in the text."""
        return self._tokens[self._at - 1].stop

    def wrong(self) -> SqlError:
        """The error that the next token is."""
        token = self.token
        return syntax_error(token.value, token.line, keyword=token.kind == "word" and token.upper in RESERVED)

    def at(self, *words: str) -> bool:
        """Whether these words or signs come next."""
        return all(self.peek(ahead).upper == word for ahead, word in enumerate(words))

    def accept(self, *words: str) -> bool:
        """Takes these words or signs if they come next."""
        if not self.at(*words):
            return False
        self._at += len(words)
        return True

    def accept_one(self, *words: str) -> str:
        """Takes one of these words or signs; empty if none comes next."""
        if self.token.upper in words and self.token.upper:
            return self.advance().upper
        return ""

    def expect(self, *words: str) -> None:
        """Takes these words or signs.

        Raises:
            SqlError: something else comes next.
        """
        for word in words:
            if not self.accept(word):
                raise self.wrong()

    def name(self) -> str:
        """Takes an identifier."""
        token = self.token
        if token.kind == "name" or (token.kind == "word" and token.upper not in RESERVED):
            return self.advance().value
        raise self.wrong()

    def name_or_string(self) -> str:
        """Takes an identifier, or a string used as one."""
        return self.advance().value if self.token.kind in ("string", "nstring") else self.name()

    def parts(self) -> syntax.Parts:
        """Takes a name of one to four parts; a part may be left out, as in tempdb..#x."""
        found = [self.name()]
        while self.at("."):
            self.advance()
            while self.at("."):
                found.append("")
                self.advance()
            found.append(self.name())
        return tuple(found)

    def listed(self, one: Callable[[], T]) -> list[T]:
        """Takes one or more, with commas between."""
        found = [one()]
        while self.accept(","):
            found.append(one())
        return found

    def in_parentheses(self, one: Callable[[], T]) -> list[T]:
        """Takes a list in parentheses."""
        self.expect("(")
        found = self.listed(one)
        self.expect(")")
        return found

    def type(self, *, unsized: int = 1) -> types.SqlType:
        """Takes the name of a type with its parameters.

        Args:
            unsized: the length of a varchar and its like that is written without one.
        """
        token = self.token
        name = self.parts()[-1].lower()
        if name == "double" or (name in ("national", "character", "char") and self.at("VARYING")):
            self.accept("PRECISION")
        arguments: list[str] = []
        if self.accept("("):
            arguments = self.listed(lambda: self.advance().value)
            self.expect(")")
        elif name in types.SIZED:
            arguments = [str(unsized)]
        try:
            found = types.make(name, arguments)
        except ValueError:
            raise syntax_error(arguments[0], token.line) from None
        if found is None:
            raise SqlError(243, f"Type {name} is not a defined system type.", line=token.line)
        if found.precision > 38 or found.scale > found.precision > 0:
            raise SqlError(192, "The scale must be less than or equal to the precision.", severity=15, line=token.line)
        return found
