"""What the functions of T-SQL share."""

from __future__ import annotations

from collections.abc import Callable

from lytics_azure_tui.sandbox.tds import syntax
from lytics_azure_tui.sandbox.tds.bind import Binder, Scope
from lytics_azure_tui.sandbox.tds.errors import SqlError
from lytics_azure_tui.sandbox.tds.values import Bound

Handler = Callable[[Binder, list[Bound]], Bound]
"""Binds a function whose arguments are values."""

CallHandler = Callable[[Binder, syntax.Call, Scope], Bound]
"""Binds a function that reads its arguments itself: the unit of DATEADD is no column."""


def three_arguments(expression: syntax.Call) -> tuple[syntax.Expression, syntax.Expression, syntax.Expression]:
    """Raises: SqlError: 174, there are more or fewer."""
    if len(expression.arguments) != 3:
        raise SqlError(174, f"The {expression.name.lower()} function requires 3 argument(s).", severity=15)
    return expression.arguments[0], expression.arguments[1], expression.arguments[2]


def two_arguments(expression: syntax.Call) -> tuple[syntax.Expression, syntax.Expression]:
    """Raises: SqlError: 174, there are more or fewer."""
    if len(expression.arguments) != 2:
        raise SqlError(174, f"The {expression.name.lower()} function requires 2 argument(s).", severity=15)
    return expression.arguments[0], expression.arguments[1]


def constant_text(value: Bound) -> str | None:
    """A text that is known; None if it is NULL or not known."""
    return value.value if isinstance(value.value, str) else None
