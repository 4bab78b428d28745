"""The grammar, in lark's notation, and what its rules build. Imported when the first text is parsed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lark import Lark, Transformer
from lark import Token as Terminal
from lark.exceptions import UnexpectedToken

from lytics_azure_tui.model.language import tree
from lytics_azure_tui.model.language.problem import SyntaxProblem
from lytics_azure_tui.model.language.tokens import Stopped, Token, names, place, string, whole
from lytics_azure_tui.model.language.tree import Expression, Filter, Place

_GRAMMAR = r"""
filter: FILTER (everything | disjunction) [source] [limit] [options] [alias]
everything: STAR
source: FROM NAME
limit: LIMIT NUMBER
options: WITH option ("," option)*
option: NAME EQUAL literal
alias: ALIAS NAME

?disjunction: conjunction
            | conjunction ((OR | EITHER) conjunction)+      -> any_of
?conjunction: negation
            | negation ((AND | BOTH) negation)+             -> all_of
?negation: predicate
         | NOT negation                                     -> negated
?predicate: sum
          | sum (EQUAL | COMPARE) sum                       -> compared
          | sum [NOT] (IN | INTERSECTS) members             -> among
          | sum [NOT] CONTAINS sum                          -> contains
          | sum [NOT] LIKE sum                              -> like
          | sum [NOT] BETWEEN sum AND sum                   -> between
          | sum IS [NOT] NULL                               -> is_null
          | EXISTS atom                                     -> exists
          | INCLUDE NAME                                    -> include
          | (AND | OR) "(" conditions ")"                   -> listed
          | MATCH_ALL                                       -> everything
conditions: disjunction (("," | BREAK) disjunction)* [","]
?members: "(" sum ("," sum)* [","] ")"                      -> written
        | name
        | call
?sum: product
    | product (SIGN product)+                               -> arithmetic
?product: unary
        | unary ((STAR | FACTOR) unary)+                    -> arithmetic
?unary: atom
      | SIGN unary                                          -> signed
?atom: literal
     | name
     | call
     | "(" disjunction ")"
name: NAME
call: FUNCTION "(" [disjunction ("," disjunction)*] ")"
literal: STRING | NUMBER | TRUE | FALSE | NULL

%declare FILTER FROM LIMIT WITH ALIAS AND OR NOT EXISTS INCLUDE MATCH_ALL IN INTERSECTS CONTAINS LIKE BETWEEN IS
%declare NULL TRUE FALSE NAME FUNCTION STRING NUMBER EQUAL COMPARE SIGN STAR FACTOR BOTH EITHER BREAK
"""

_LARGEST = 2**63


def parser() -> Lark:
    """The parser, which begins at "filter" or "disjunction". Its tables take some 50 ms to make."""
    return Lark(
        _GRAMMAR,
        parser="lalr",
        lexer="basic",
        start=["filter", "disjunction"],
        transformer=_Tree(),
        maybe_placeholders=True,
    )


def read(lark: Lark, start: str, text: str, found: Sequence[Token]) -> Any:
    """What a text's tokens make: a filter or a condition, or the place where they stop to make sense.

    Raises:
        SyntaxProblem: a number that cannot be used.
    """
    # lark's own annotations leave these methods out.
    reading: Any = lark.parse_interactive(start=start)
    token = None
    try:
        for token in found:
            reading.feed_token(_terminal(text, token))
        token = None
        return reading.feed_eof()
    except UnexpectedToken:
        return Stopped(token, frozenset(reading.accepts()))


def following(lark: Lark, start: str, text: str, found: Sequence[Token]) -> frozenset[str] | None:
    """The kinds of tokens that could stand behind others; None where those do not make sense already."""
    reading: Any = lark.parse_interactive(start=start)
    try:
        for token in found:
            reading.feed_token(_terminal(text, token))
    except (UnexpectedToken, SyntaxProblem):
        return None
    return frozenset(reading.accepts())


def _terminal(text: str, token: Token) -> Terminal:
    at = place(text, token.start)
    return Terminal(token.kind, token.text, token.start, at.line, at.column, end_pos=token.end)


def _at(token: Terminal) -> Place:
    return Place(token.line or 1, token.column or 1)


def _without_tokens(items: Sequence[Any]) -> list[Any]:
    return [item for item in items if item is not None and not isinstance(item, Terminal)]


class _Tree(Transformer[Terminal, Any]):
    """A method a rule: what it makes of its parts."""

    def filter(self, items: list[Any]) -> Filter:
        condition, source, limit, options, alias = items[1:]
        return Filter(condition, source, limit, options or (), alias)

    def source(self, items: list[Terminal]) -> str:
        return whole(items[1])

    def limit(self, items: list[Terminal]) -> int:
        if not items[1].isdecimal():
            raise SyntaxProblem("LIMIT takes a whole number", _at(items[1]).line, _at(items[1]).column)
        return int(items[1])

    def options(self, items: list[Any]) -> tuple[Any, ...]:
        return tuple(_without_tokens(items))

    def option(self, items: list[Any]) -> tuple[str, Any]:
        return whole(items[0]), items[2].value

    def alias(self, items: list[Terminal]) -> str:
        return whole(items[1]).lower()

    def everything(self, items: list[Terminal]) -> tree.Everything:
        return tree.Everything(_at(items[0]))

    def any_of(self, items: list[Any]) -> tree.AnyOf:
        return tree.AnyOf(items[0].at, tuple(_without_tokens(items)))

    def all_of(self, items: list[Any]) -> tree.AllOf:
        return tree.AllOf(items[0].at, tuple(_without_tokens(items)))

    def listed(self, items: list[Any]) -> tree.AllOf | tree.AnyOf:
        kind = tree.AllOf if items[0].type == "AND" else tree.AnyOf
        return kind(_at(items[0]), items[1])

    def conditions(self, items: list[Any]) -> tuple[Expression, ...]:
        return tuple(_without_tokens(items))

    def negated(self, items: list[Any]) -> tree.Not:
        return tree.Not(_at(items[0]), items[1])

    def compared(self, items: list[Any]) -> tree.Comparison:
        left, operator, right = items
        return tree.Comparison(left.at, {"=": "==", "<>": "!="}.get(operator, str(operator)), left, right)

    def among(self, items: list[Any]) -> Expression:
        return _negated(items[1], tree.Among(items[0].at, items[0], items[3]))

    def written(self, items: list[Any]) -> tuple[Expression, ...]:
        return tuple(_without_tokens(items))

    def contains(self, items: list[Any]) -> Expression:
        return _negated(items[1], tree.Contains(items[0].at, items[0], items[3]))

    def like(self, items: list[Any]) -> Expression:
        return _negated(items[1], tree.Like(items[0].at, items[0], items[3]))

    def between(self, items: list[Any]) -> Expression:
        return _negated(items[1], tree.Between(items[0].at, items[0], items[3], items[5]))

    def is_null(self, items: list[Any]) -> Expression:
        there = tree.Exists(items[0].at, items[0])
        return there if items[2] is not None else tree.Not(there.at, there)

    def exists(self, items: list[Any]) -> tree.Exists:
        return tree.Exists(_at(items[0]), items[1])

    def include(self, items: list[Terminal]) -> tree.Include:
        return tree.Include(_at(items[1]), whole(items[1]).lower())

    def arithmetic(self, items: list[Any]) -> Expression:
        whole: Expression = items[0]
        for operator, right in zip(items[1::2], items[2::2], strict=True):
            whole = tree.Arithmetic(whole.at, str(operator), whole, right)
        return whole

    def signed(self, items: list[Any]) -> Expression:
        sign: Terminal = items[0]
        operand: Expression = items[1]
        if sign == "+":
            return operand
        match operand:
            case tree.Literal(value=bool()):
                pass
            case tree.Literal(value=int() | float() as number):
                return tree.Literal(_at(sign), -number)
        return tree.Minus(_at(sign), operand)

    def name(self, items: list[Terminal]) -> tree.Field:
        (token,) = items
        return tree.Field(_at(token), names(token), token[0] if token[0] in "`'" else "")

    def call(self, items: list[Any]) -> tree.Call:
        return tree.Call(_at(items[0]), items[0].lower(), tuple(_without_tokens(items)))

    def literal(self, items: list[Terminal]) -> tree.Literal:
        (token,) = items
        return tree.Literal(_at(token), _VALUES[token.type](token))


def _negated(mark: Terminal | None, condition: Expression) -> Expression:
    return condition if mark is None else tree.Not(condition.at, condition)


def _number(token: Terminal) -> int | float:
    value = int(token) if token.isdecimal() else float(token)
    # int("…") also takes digits of other scripts, which \d lets through; they are numbers to a reader as well.
    if isinstance(value, int) and value >= _LARGEST:
        value = float(value)
    if value == float("inf"):
        raise SyntaxProblem("this number is too large", _at(token).line, _at(token).column)
    return value


_VALUES: dict[str, Callable[[Terminal], str | int | float | bool | None]] = {
    "STRING": string,
    "NUMBER": _number,
    "TRUE": lambda _: True,
    "FALSE": lambda _: False,
    "NULL": lambda _: None,
}
