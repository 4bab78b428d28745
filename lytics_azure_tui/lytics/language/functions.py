"""The functions of the language as SQL."""

from __future__ import annotations

from collections.abc import Sequence

from lytics_azure_tui.lytics.language.compare import Operand
from lytics_azure_tui.lytics.language.kinds import as_date, as_int, as_number, as_text
from lytics_azure_tui.lytics.language.scope import Scope, Typed
from lytics_azure_tui.model.language.problem import LanguageProblem
from lytics_azure_tui.model.language.tree import Call
from lytics_azure_tui.model.user_field import FieldKind


def call_sql(call: Call, arguments: Sequence[Operand], scope: Scope) -> Typed:  # noqa: PLR0911 -- one a function
    """The SQL of a call."""
    match call.name:
        case "tolower":
            return Typed(f"lower({as_text(arguments[0].value)})", FieldKind.STRING)
        case "toupper":
            return Typed(f"upper({as_text(arguments[0].value)})", FieldKind.STRING)
        case "trim":
            return Typed(f"trim({as_text(arguments[0].value)})", FieldKind.STRING)
        case "toint":
            return Typed(as_int(arguments[0].value), FieldKind.INT)
        case "tonumber":
            return Typed(as_number(arguments[0].value), FieldKind.NUMBER)
        case "todate":
            return Typed(as_date(arguments[0].value), FieldKind.DATE)
        case "now":
            return Typed(scope.now, FieldKind.DATE)
        case "email":
            text = f"lower(trim({as_text(arguments[0].value)}))"
            return Typed(f"CASE WHEN {text} LIKE '_%@_%' THEN {text} END", FieldKind.STRING)
        case "split":
            return Typed(f"string_split({as_text(arguments[0].value)}, {arguments[1].sql})", FieldKind.STRINGS)
    raise LanguageProblem(f"there is no function {call.name}", call.at.line, call.at.column)
