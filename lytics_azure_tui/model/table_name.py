"""The name of a table or view, as T-SQL writes it: sales.orders, or [odd.schema].[a ]] b]."""

from __future__ import annotations

import re

DEFAULT_SCHEMA = "dbo"
LONGEST = 128
"""Characters of one name: learn.microsoft.com/sql/relational-databases/databases/database-identifiers"""

_PIECE = re.compile(r'\[((?:[^\]]|\]\])+)\]|"((?:[^"]|"")+)"|([^\s.\[\]"][^.\[\]"]*)')
_BARE = re.compile(r"[^\W\d]\w*")


def parse(text: str) -> tuple[str, str]:
    """(schema, name). A name by itself is in the schema dbo.

    Raises:
        ValueError: it is not the name of a table.
    """
    pieces, at, text = list[str](), 0, text.strip()
    while (found := _PIECE.match(text, at)) is not None:
        bracketed, double, bare = found.groups()
        pieces.append(bracketed.replace("]]", "]") if bracketed else double.replace('""', '"') if double else bare)
        at = found.end()
        if text[at : at + 1] != ".":
            break
        at += 1
    if at != len(text) or text.endswith(".") or not 1 <= len(pieces) <= 2:
        raise ValueError("a table is written schema.table; what is special in a name goes into [brackets]")
    if any(len(piece) > LONGEST for piece in pieces):
        raise ValueError(f"a name has at most {LONGEST} characters")
    return (pieces[0], pieces[1]) if len(pieces) == 2 else (DEFAULT_SCHEMA, pieces[0])


def written(schema: str, name: str) -> str:
    """What `parse` takes apart again; brackets only where they are needed."""
    return ".".join(part if _BARE.fullmatch(part) else f"[{part.replace(']', ']]')}]" for part in (schema, name))
