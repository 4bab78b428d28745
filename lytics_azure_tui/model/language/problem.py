"""What can be wrong with a text in the language, with the place where it is."""

from __future__ import annotations


class LanguageProblem(ValueError):
    """A text that cannot be used.

    Attributes:
        line, column: of the place that is meant, both from 1.
        message: what is wrong, without the place.
    """

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message, line, column)
        self.message = message
        self.line = line
        self.column = column

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message}"


class SyntaxProblem(LanguageProblem):
    """A text that is no sentence of the language.

    Attributes:
        expected: in words, what could have stood at the place instead; may be empty.
    """

    def __init__(self, message: str, line: int, column: int, expected: tuple[str, ...] = ()) -> None:
        super().__init__(message, line, column)
        self.args = (message, line, column, expected)
        self.expected = expected
