"""What could stand at the cursor in a filter or an expression."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from lytics_azure_tui.model.language.functions import FUNCTIONS
from lytics_azure_tui.model.language.parse import accepted
from lytics_azure_tui.model.language.problem import SyntaxProblem
from lytics_azure_tui.model.language.tokens import Token, tokens, written_name
from lytics_azure_tui.model.user_field import UserField

Kind = Literal["field", "function", "keyword", "audience"]

# What is being typed: letters, or whatever stands behind a backquote that is still open.
_TYPED = re.compile(r"[\w.]*\Z")
_SLUG_TYPED = re.compile(r"[\w-]*\Z")

_STARTING = {
    "EXISTS": ("EXISTS", "The field has a value."),
    "NOT": ("NOT", "The opposite of what follows."),
    "AND": ("AND (", "All of the conditions in the brackets."),
    "OR": ("OR (", "Any of the conditions in the brackets."),
    "INCLUDE": ("INCLUDE", "Whoever is in another audience."),
    "STAR": ("*", "Everybody."),
    "TRUE": ("true", "The opposite of false."),
    "FALSE": ("false", "The opposite of true."),
    "NULL": ("NULL", "No value."),
    "FILTER": ("FILTER", "Begins a filter."),
}
_CONTINUING = {
    "AND": ("AND", "Both of the conditions."),
    "OR": ("OR", "Either of the conditions."),
    "NOT": ("NOT", "The opposite of IN, CONTAINS, LIKE or BETWEEN."),
    "IN": ("IN (", "One of the values in the brackets."),
    "INTERSECTS": ("INTERSECTS (", "The same as IN."),
    "CONTAINS": ("CONTAINS", "A text has this in it; of a list, any element."),
    "LIKE": ("LIKE", "A text is of this form: * is any text, ? one character."),
    "BETWEEN": ("BETWEEN", "Above one value and below another, joined by AND."),
    "IS": ("IS", "Before NULL: the field has no value."),
    "NULL": ("NULL", "No value."),
    "LIMIT": ("LIMIT", "So many at most."),
    "EQUAL": ("==", "Equal."),
}
_COMPARISONS = (
    ("!=", "Not equal."),
    (">", "Greater."),
    (">=", "Greater or equal."),
    ("<", "Less."),
    ("<=", "Less or equal."),
)


@dataclass(frozen=True, slots=True)
class Completion:
    """Something that could stand there.

    Attributes:
        text: what to put in place of what has been typed; a function's ends in its bracket.
        kind: what it is.
        help: a few words about it; may be empty.
    """

    text: str
    kind: Kind
    help: str = ""


@dataclass(frozen=True, slots=True)
class Completions:
    """What could stand at the cursor.

    Attributes:
        start: where in the text that begins what is being typed, and would be replaced up to the cursor.
        items: fields first, then functions, then keywords.
    """

    start: int
    items: tuple[Completion, ...] = ()


def complete(
    text: str, cursor: int, fields: Sequence[UserField], audiences: Sequence[str], *, filter: bool
) -> Completions:
    """What could stand at the cursor; nothing inside of texts and comments, or behind what cannot be read.

    Args:
        text: a filter or an expression that is being written.
        cursor: a position in it, in characters.
        fields: what it may name.
        audiences: slugs that INCLUDE may name.
        filter: it begins with FILTER; else it is an expression.
    """
    before = text[:cursor]
    try:
        start = _begin(before, filter)
        states = list(_states(before[:start], filter))
    except SyntaxProblem:
        return Completions(cursor)
    typed = before[start:]
    found = [item for state in states for item in _items(*state, fields, audiences)]
    fitting = (item for item in found if _fits(item, typed))
    return Completions(start, tuple(dict.fromkeys(fitting)))


def _begin(before: str, filter: bool) -> int:
    """Where what is being typed begins.

    Raises:
        SyntaxProblem: what is before it cannot be read.
    """
    comment = before.rfind("--", before.rfind("\n") + 1)
    start = len(before) - len((_TYPED.search(before) or [""])[0])
    try:
        found = tokens(before[:start], statement=filter)
    except SyntaxProblem:
        # A backquote that is still open; an open quotation mark before it remains a problem.
        start = before.rindex("`") if "`" in before else start
        found = tokens(before[:start], statement=filter)
    if comment >= (found[-1].end if found else 0):
        raise SyntaxProblem("a comment", 1, 1)
    behind = [token.kind for token in found if token.end < start or token.kind == "INCLUDE"]
    if behind[-1:] == ["INCLUDE"]:
        return len(before) - len((_SLUG_TYPED.search(before) or [""])[0])
    return start


def _states(head: str, filter: bool) -> Iterator[tuple[frozenset[str], str]]:
    """The kinds of tokens that could follow, and the last one: with a line break that parts conditions, and without."""
    plain = tokens(head, statement=filter)
    parted = tokens(f"{head}match_all", statement=filter)[:-1]
    ways: list[list[Token]] = [plain] if parted == plain else [parted, plain]
    for way in ways:
        kinds = accepted(head, way, statement=filter)
        if kinds is not None:
            yield kinds, way[-1].kind if way else ""


def _items(
    kinds: frozenset[str], last: str, fields: Iterable[UserField], audiences: Iterable[str]
) -> Iterator[Completion]:
    if last == "INCLUDE":
        yield from (Completion(slug, "audience") for slug in audiences)
        return
    starting = "FUNCTION" in kinds
    if starting:
        for field in fields:
            about = f"{field.kind}: {field.help}" if field.help else field.kind.value
            yield Completion(written_name(field.name), "field", about)
        for function in FUNCTIONS.values():
            yield Completion(f"{function.name}(", "function", f"{function.signature}: {function.help}")
    for kind, (word, about) in (_STARTING if starting or "FILTER" in kinds else _CONTINUING).items():
        if kind in kinds and (kind != "INCLUDE" or audiences):
            yield Completion(word, "keyword", about)
    if "COMPARE" in kinds:
        yield from (Completion(sign, "keyword", about) for sign, about in _COMPARISONS)


def _fits(item: Completion, typed: str) -> bool:
    name = item.text.strip("`") if typed.startswith("`") or item.kind == "field" else item.text
    begun = typed.lstrip("`").lower()
    if typed.startswith("`") and item.kind != "field":
        return False
    return name.lower().startswith(begun) and item.text != typed
