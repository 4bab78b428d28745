"""Text cut into tokens. Line breaks are gone afterwards, except where one parts two conditions of AND ( … )."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from lytics_azure_tui.model.language.problem import SyntaxProblem
from lytics_azure_tui.model.language.tree import Place

KEYWORDS: tuple[str, ...] = (
    *("FILTER", "FROM", "LIMIT", "WITH", "ALIAS", "AND", "OR", "NOT", "EXISTS", "INCLUDE", "MATCH_ALL"),
    *("IN", "INTERSECTS", "CONTAINS", "LIKE", "BETWEEN", "IS", "NULL", "TRUE", "FALSE"),
)
"""Words that a field's name must not be without backquotes, in whatever case."""


class Token(NamedTuple):
    """A piece of text.

    Attributes:
        kind: a keyword; or NAME, FUNCTION (a name before a bracket), STRING, NUMBER, EQUAL, COMPARE, SIGN (+ or -),
            STAR, FACTOR (/ or %), BOTH (&&), EITHER (||), LPAR, RPAR, COMMA; or BREAK, a line break that parts
            conditions.
        text: as it is written.
        start, end: its place, in characters.
    """

    kind: str
    text: str
    start: int
    end: int


class Stopped(NamedTuple):
    """Where a parser could not go on.

    Attributes:
        token: what it met; None for the end of the text.
        accepted: the kinds of tokens that could have stood there; "$END" is the end.
    """

    token: Token | None
    accepted: frozenset[str]


_WORD = r"\w+"
_MARKED = r"`(?:[^`]|``)+`|'(?:[^']|'')+'"
_PART = rf"(?:{_WORD}|{_MARKED})"
_PATTERN = re.compile(
    rf"""
      (?P<SPACE>[^\S\n]+|--[^\n]*)
    | (?P<BREAK>\n)
    | (?P<STRING>"(?:[^"\\]|\\.|"")*")
    | (?P<NUMBER>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.`']))
    | (?P<NAME>{_PART}(?:\.{_PART})*)
    | (?P<COMPARE>[!=<>]=|<>|[<>])
    | (?P<EQUAL>=)
    | (?P<BOTH>&&)
    | (?P<EITHER>\|\|)
    | (?P<SIGN>[+-])
    | (?P<STAR>\*)
    | (?P<FACTOR>[/%])
    | (?P<LPAR>\()
    | (?P<RPAR>\))
    | (?P<COMMA>,)
    | (?P<END>;\s*\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
# Audiences' names may have hyphens, which anywhere else take one field from another.
_SLUG = re.compile(r"[\w-]+")
_BEFORE_SLUG = {"INCLUDE", "ALIAS", "FROM"}
_ENDS = {"NAME", "STRING", "NUMBER", "NULL", "TRUE", "FALSE", "MATCH_ALL", "RPAR"}
_STARTS = {"NAME", "FUNCTION", "STRING", "NUMBER", "NULL", "TRUE", "FALSE", "MATCH_ALL", "LPAR", "EXISTS", "INCLUDE"}
_INFIX = {"IN", "INTERSECTS", "CONTAINS", "LIKE", "BETWEEN"}
_BOTH = {"CONTAINS", "FILTER"}


def place(text: str, position: int) -> Place:
    """Line and column of a position."""
    return Place(text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position))


def tokens(text: str, *, statement: bool) -> list[Token]:
    """All tokens of a text.

    Args:
        statement: it is to begin with FILTER; filter( … ) at the beginning is no function.

    Raises:
        SyntaxProblem: a character that begins nothing, or a quotation mark without its partner.
    """
    return _settled(_pieces(text), statement)


def names(token: str) -> tuple[str, ...]:
    """The parts of a name as it is written: the marks around them removed."""
    return tuple(
        part[1:-1].replace(part[0] * 2, part[0]) if part[0] in "`'" else part for part in re.findall(_PART, token)
    )


def written_name(name: str) -> str:
    """A field's name as a text writes it: in backquotes where it would be read as something else."""
    try:
        plain = tokens(name, statement=False)
    except SyntaxProblem:
        plain = []
    bare = len(plain) == 1 and plain[0].kind == "NAME" and names(name) == (name,)
    return name if bare else "`" + name.replace("`", "``") + "`"


def whole(token: str) -> str:
    """A name that has no parts, such as an audience's."""
    return ".".join(names(token)) if token[0] in "`'" else token


def string(token: str) -> str:
    """The text that a literal stands for: a quotation mark in it is doubled, or has a backslash before it."""
    return re.sub(r'""|\\(["\\])', lambda match: match[1] or '"', token[1:-1])


def _pieces(text: str) -> list[Token]:
    found = list[Token]()
    position, last = 0, ""
    while position < len(text):
        match = _PATTERN.match(text, position)
        slug = _SLUG.match(text, position) if last in _BEFORE_SLUG else None
        if slug is not None and slug[0].upper() not in KEYWORDS:
            found.append(Token("NAME", slug[0], position, slug.end()))
            position, last = slug.end(), "NAME"
            continue
        if match is None:
            raise _stray(text, position)
        kind = str(match.lastgroup)
        position = match.end()
        if kind in ("SPACE", "END"):
            continue
        if kind == "NAME" and match[0].upper() in KEYWORDS:
            kind = match[0].upper()
        elif kind == "COMPARE" and match[0] == "==":
            kind = "EQUAL"
        found.append(Token(kind, match[0], match.start(), match.end()))
        last = kind if kind != "BREAK" else last
    return found


def _stray(text: str, position: int) -> SyntaxProblem:
    at = place(text, position)
    mark = text[position]
    if mark in "\"'`":
        return SyntaxProblem(f"the quotation mark {mark} that opens here is never closed", at.line, at.column)
    return SyntaxProblem(f"{mark!r} means nothing here", at.line, at.column)


def _settled(pieces: Sequence[Token], statement: bool) -> list[Token]:
    """Names before a bracket become functions, line breaks that part conditions stay, others go."""
    found = list[Token]()
    # For each bracket that is open, whether it is that of AND ( … ) or OR ( … ).
    lists = list[bool]()
    for index, token in enumerate(pieces):
        kind = token.kind
        if kind == "BREAK":
            following = list(islice((piece for piece in islice(pieces, index + 1, None) if piece.kind != "BREAK"), 2))
            if lists and lists[-1] and found[-1].kind in _ENDS and _begins(following):
                found.append(token)
            continue
        if kind == "LPAR":
            lists.append(found[-1].kind in ("AND", "OR") and not _ended(found, 2) if found else False)
        elif kind == "RPAR" and lists:
            lists.pop()
        elif index + 1 < len(pieces) and pieces[index + 1].kind == "LPAR" and _is_function(kind, found, statement):
            kind = "FUNCTION"
        found.append(token._replace(kind=kind))
    return found


def _is_function(kind: str, before: Sequence[Token], statement: bool) -> bool:
    """Whether a word before a bracket is a function; contains and its like are one only where a value must stand."""
    if kind not in _BOTH:
        return kind == "NAME"
    back = 1
    while back <= len(before) and before[-back].kind == "NOT":
        back += 1
    return not _ended(before, back) and bool(before or not statement)


def _ended(found: Sequence[Token], back: int) -> bool:
    """Whether the token so many places from the end can end a condition."""
    return len(found) >= back and found[-back].kind in _ENDS


def _begins(following: Sequence[Token]) -> bool:
    """Whether tokens begin a condition, and do not go on with the one before."""
    first, second = (*(token.kind for token in following), "", "")[:2]
    if first == "NOT":
        return second not in _INFIX
    if first == "SIGN":
        # A number with its sign begins; a sign that stands alone is that of a sum.
        return second == "NUMBER" and following[0].end == following[1].start
    return first in _STARTS or (first in ("AND", "OR") and second == "LPAR")
