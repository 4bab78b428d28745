"""Text to tree: filters, conditions and expressions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from lytics_azure_tui.model.language.problem import LanguageProblem, SyntaxProblem
from lytics_azure_tui.model.language.tokens import Stopped, Token, place, tokens
from lytics_azure_tui.model.language.tree import Condition, Expression, Filter, Node, Place, children

if TYPE_CHECKING:
    from lark import Lark

__all__ = ["LanguageProblem", "SyntaxProblem", "parse_condition", "parse_expression", "parse_filter"]

# Deeper than any person writes, and within what DuckDB takes when each level has become a few of SQL's.
_DEEPEST = 100


def parse_filter(text: str) -> Filter:
    """The tree of a statement: FILTER …

    Raises:
        SyntaxProblem: it is none.
    """
    return _parsed(text, "filter")  # type: ignore[no-any-return]


def parse_condition(text: str) -> Condition:
    """The tree of a condition, such as stands behind FILTER.

    Raises:
        SyntaxProblem: it is none.
    """
    return _parsed(text, "disjunction")  # type: ignore[no-any-return]


def parse_expression(text: str) -> Expression:
    """The tree of an expression; a condition is one as well.

    Raises:
        SyntaxProblem: it is none.
    """
    return _parsed(text, "disjunction")  # type: ignore[no-any-return]


@cache
def language() -> Lark:
    """The parser, made once."""
    from lytics_azure_tui.model.language.grammar import parser

    return parser()


def accepted(text: str, found: Sequence[Token], *, statement: bool) -> frozenset[str] | None:
    """The kinds of tokens that could follow; None where the tokens are not the beginning of a sentence.

    Args:
        text: from which the tokens are.
        statement: it begins with FILTER.
    """
    from lytics_azure_tui.model.language.grammar import following

    return following(language(), "filter" if statement else "disjunction", text, found)


def _parsed(text: str, start: str) -> Any:
    from lytics_azure_tui.model.language.grammar import read

    reading = read(language(), start, text, tokens(text, statement=start == "filter"))
    if isinstance(reading, Stopped):
        raise _explained(text, reading)
    deep = _too_deep(reading.condition if isinstance(reading, Filter) else reading)
    if deep is not None:
        raise SyntaxProblem(f"conditions stand more than {_DEEPEST} deep in each other here", deep.line, deep.column)
    return reading


def _explained(text: str, stopped: Stopped) -> SyntaxProblem:
    expected = words(stopped.accepted)
    token = stopped.token
    at = place(text, len(text.rstrip()) if token is None else token.start)
    if token is None:
        what = "the text ends too early"
    else:
        what = "the line ends too early" if token.kind == "BREAK" else f"{token.text} cannot stand here"
    if expected:
        what += f"; expected {' or '.join(filter(None, (', '.join(expected[:-1]), expected[-1])))}"
    return SyntaxProblem(what, at.line, at.column, expected)


_GROUPS: tuple[tuple[str, frozenset[str]], ...] = (
    ("FILTER", frozenset({"FILTER"})),
    ("a condition", frozenset({"EXISTS", "INCLUDE", "MATCH_ALL"})),
    ("a value", frozenset({"FUNCTION", "STRING", "NUMBER"})),
    ("a name", frozenset({"NAME"})),
    ("a number", frozenset({"NUMBER"})),
    ("a text, a number, true or false", frozenset({"TRUE"})),
    ("a comparison such as ==", frozenset({"COMPARE"})),
    ("=", frozenset({"EQUAL"})),
    ("NULL", frozenset({"NULL"})),
    ("AND", frozenset({"AND"})),
    ("OR", frozenset({"EITHER"})),
    ("IN, CONTAINS, LIKE, BETWEEN", frozenset({"IN"})),
    ("an opening bracket", frozenset({"LPAR"})),
    ("a closing bracket", frozenset({"RPAR"})),
    ("a comma", frozenset({"COMMA"})),
    ("FROM, LIMIT, WITH, ALIAS", frozenset({"FROM"})),
    ("LIMIT", frozenset({"LIMIT"})),
    ("ALIAS", frozenset({"ALIAS"})),
    ("the end", frozenset({"$END"})),
)
_INSTEAD = {
    "a condition": {
        "a value",
        "a name",
        "an opening bracket",
        "NULL",
        "AND",
        "a number",
        "a text, a number, true or false",
    },
    "a value": {"a name", "an opening bracket", "NULL", "a number", "a text, a number, true or false"},
    "a text, a number, true or false": {"a number", "NULL"},
    "a comparison such as ==": {"=", "IN, CONTAINS, LIKE, BETWEEN"},
    "FROM, LIMIT, WITH, ALIAS": {"LIMIT", "ALIAS"},
}


def words(terminals: set[str] | frozenset[str]) -> tuple[str, ...]:
    """What terminals of the grammar are, for people: not thirty kinds of beginnings, but "a condition"."""
    found = [word for word, group in _GROUPS if group <= terminals]
    for word, others in _INSTEAD.items():
        if word in found:
            found = [other for other in found if other not in others]
    return tuple(found)


def _too_deep(tree: Node) -> Place | None:
    """Where a tree goes deeper than is allowed."""
    level: list[Node] = [tree]
    for _ in range(_DEEPEST):
        level = [child for node in level for child in children(node)]
        if not level:
            return None
    return level[0].at
