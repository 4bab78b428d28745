"""Prepared statements, and the parameters that a text declares."""

from __future__ import annotations

from lytics_azure_tui.sandbox.tds.errors import SqlError
from lytics_azure_tui.sandbox.tds.parse_query import QueryParser
from lytics_azure_tui.sandbox.tds.types import SqlType
from lytics_azure_tui.sandbox.tds.values import Value


class Prepared:
    """The statements that a session has prepared, by their handles."""

    def __init__(self) -> None:
        """None yet."""
        self._statements: dict[int, tuple[str, str]] = {}
        self._last = 0

    def add(self, declared: str, text: str) -> int:
        """Keeps a statement and gives its handle."""
        self._last += 1
        self._statements[self._last] = (declared, text)
        return self._last

    def get(self, handle: int) -> tuple[str, str]:
        """The declaration of parameters, and the text. Raises: SqlError: 8179."""
        if handle not in self._statements:
            raise SqlError(8179, f"Could not find prepared statement with handle {handle}.")
        return self._statements[handle]

    def remove(self, handle: int) -> None:
        """Forgets a statement."""
        self._statements.pop(handle, None)


def declared_parameters(text: str) -> dict[str, tuple[SqlType, Value]]:
    """'@a int, @b nvarchar(10) = N''x'' OUTPUT' as variables without values."""
    parser = QueryParser(text)
    found: dict[str, tuple[SqlType, Value]] = {}
    while parser.token.kind == "variable":
        name = parser.advance().value.lower()
        parser.accept("AS")
        found[name] = (parser.type(), None)
        if parser.accept("="):
            parser.sum()
        parser.accept_one("OUTPUT", "OUT", "READONLY")
        parser.accept_one("OUTPUT", "OUT")
        if not parser.accept(","):
            break
    if parser.token.kind != "end":
        raise parser.wrong()
    return found
