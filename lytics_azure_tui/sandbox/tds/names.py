"""Names of objects as they are written inside of strings: '[sales].[orders]', 'tempdb..#x'."""

from __future__ import annotations

from lytics_azure_tui.sandbox.tds.errors import SqlError
from lytics_azure_tui.sandbox.tds.parse_query import QueryParser


def split_name(text: str) -> tuple[str, ...]:
    """The parts of a name; without any if it is no name."""
    try:
        parser = QueryParser(text)
        # A word that is reserved is a name here.
        found = [parser.advance().value]
        while parser.accept("."):
            found.append("" if parser.at(".") else parser.advance().value)
        return tuple(found) if parser.token.kind == "end" and found[-1] else ()
    except SqlError:
        return ()
