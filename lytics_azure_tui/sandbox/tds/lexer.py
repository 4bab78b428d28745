"""T-SQL text as tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lytics_azure_tui.sandbox.tds.errors import SqlError


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes:
        kind: word, name (in brackets or double quotes), string, nstring, number, money, hex, variable, sign, end.
        value: without quotes; a word as it was written.
        upper: of a word or sign, for comparing; empty for everything else.
        line: from 1.
        start: where it begins in the text.
        stop: where it ends.
    """

    kind: str
    value: str
    upper: str
    line: int
    start: int
    stop: int


_TOKEN = re.compile(
    r"""
    (?P<space>(?:\s|--[^\n]*)+)
  | (?P<comment>/\*)
  | (?P<nstring>[Nn]'[^']*(?:''[^']*)*')
  | (?P<string>'[^']*(?:''[^']*)*')
  | (?P<bracket>\[[^\]]*(?:\]\][^\]]*)*\])
  | (?P<quoted>"[^"]*(?:""[^"]*)*")
  | (?P<hex>0[xX][0-9a-fA-F]*)
  | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<money>[$€£]-?\d*(?:\.\d*)?)
  | (?P<variable>@[\w@$#]+)
  | (?P<word>(?:[^\W\d]|\#)[\w@$#]*)
  | (?P<sign><=|>=|<>|!=|!<|!>|\+=|-=|\*=|/=|%=|&=|\|=|\^=|::|[-+*/%&|^~=<>(),.;{}?:])
    """,
    re.VERBOSE,
)


def tokens(text: str) -> list[Token]:
    """Cuts a batch into tokens; the last is of the kind end.

    Raises:
        SqlError: 105 for a string that is not closed, 113 for a comment that is not, 102 for a sign that is none.
    """
    found: list[Token] = []
    position, line = 0, 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        if not match:
            raise _unreadable(text, position, line)
        kind, value = str(match.lastgroup), match[0]
        start, position = position, match.end()
        if kind == "comment":
            position = _end_of_comment(text, start, line)
            value = text[start:position]
        elif kind != "space":
            found.append(_token(kind, value, line, start, position))
        line += value.count("\n")
    found.append(Token("end", "", "", line, len(text), len(text)))
    return found


def _token(kind: str, value: str, line: int, start: int, stop: int) -> Token:
    if kind == "string":
        return Token("string", value[1:-1].replace("''", "'"), "", line, start, stop)
    if kind == "nstring":
        return Token("nstring", value[2:-1].replace("''", "'"), "", line, start, stop)
    if kind == "bracket":
        return Token("name", value[1:-1].replace("]]", "]"), "", line, start, stop)
    if kind == "quoted":
        return Token("name", value[1:-1].replace('""', '"'), "", line, start, stop)
    return Token(kind, value, value.upper() if kind in ("word", "sign") else "", line, start, stop)


def _end_of_comment(text: str, start: int, line: int) -> int:
    """Comments nest."""
    depth = 0
    for match in re.compile(r"/\*|\*/").finditer(text, start):
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return match.end()
    raise SqlError(113, "Missing end comment mark '*/'.", severity=15, line=line)


def _unreadable(text: str, position: int, line: int) -> SqlError:
    rest = text[position : position + 40]
    if rest[0] in "'\"[" or rest[:2].upper() == "N'":
        words = f"Unclosed quotation mark after the character string '{rest.lstrip(chr(34) + chr(39) + '[Nn')}'."
        return SqlError(105, words, severity=15, line=line)
    return SqlError(102, f"Incorrect syntax near '{rest[0]}'.", severity=15, line=line)
