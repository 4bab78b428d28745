"""Calls of functions: whether the arguments fit, and which SQL they become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches

from lytics_azure_tui.lytics.language import date_functions, text_functions, value_functions
from lytics_azure_tui.lytics.language.compare import Operand, date_sql
from lytics_azure_tui.lytics.language.kinds import as_date, as_number, as_text, kind_name
from lytics_azure_tui.lytics.language.scope import Scope, Typed
from lytics_azure_tui.model.language.functions import ALIASES, FUNCTIONS, Function, Takes
from lytics_azure_tui.model.language.problem import LanguageProblem
from lytics_azure_tui.model.language.tree import Call
from lytics_azure_tui.model.user_field import FieldKind, Merge

_BUILDERS = {**text_functions.BUILDERS, **value_functions.BUILDERS, **date_functions.BUILDERS}


def call_sql(call: Call, arguments: Sequence[Operand], scope: Scope) -> Typed:
    """The SQL of a call.

    A function of text that gives text takes a list as well, and gives the list of what it makes of each element.

    Raises:
        LanguageProblem: there is no such function, or the arguments do not fit.
    """
    function = FUNCTIONS.get(ALIASES.get(call.name, call.name))
    if function is None:
        raise _problem(call, f"there is no function {call.name}{_hint(call.name)}")
    build = _BUILDERS[function.name]
    if len(arguments) < function.least or (function.most is not None and len(arguments) > function.most):
        raise _problem(call, f"the arguments do not fit: {function.signature}")
    takes = [function.taken(position, len(arguments)) for position in range(len(arguments))]
    if takes and takes[0] is Takes.TEXT and arguments[0].kind is FieldKind.STRINGS:
        each = replace(arguments[0], value=Typed("_each", FieldKind.STRING))
        others = [_fitting(function, scope, *pair) for pair in zip(arguments[1:], takes[1:], strict=True)]
        made = build(scope, each, *others)
        if made.kind is FieldKind.STRING:
            return Typed(f"list_transform({arguments[0].sql}, lambda _each: {made.sql})", FieldKind.STRINGS)
    return build(scope, *(_fitting(function, scope, *pair) for pair in zip(arguments, takes, strict=True)))


def _fitting(  # noqa: PLR0911 -- one a kind
    function: Function, scope: Scope, argument: Operand, takes: Takes
) -> Operand:
    """An argument in the kind that the function takes."""
    value, scalar = argument.value, argument.kind.element is argument.kind
    match takes:
        case Takes.VALUE:
            return argument
        case Takes.WRITTEN if argument.text is not None:
            return argument
        case Takes.LIST if argument.kind.is_list:
            return argument
        case Takes.MAP if argument.kind.is_map:
            return argument
        case Takes.TEXT if scalar:
            return replace(argument, value=Typed(as_text(value), FieldKind.STRING))
        case Takes.NUMBER if value.kind in (FieldKind.STRING, FieldKind.INT, FieldKind.NUMBER):
            kind = FieldKind.INT if value.kind is FieldKind.INT else FieldKind.NUMBER
            return replace(argument, value=Typed(as_number(value), kind))
        case Takes.DATE if value.kind in (FieldKind.STRING, FieldKind.DATE):
            sql = as_date(value) if argument.text is None else date_sql(argument, argument.text, scope.now)
            return replace(argument, value=Typed(sql, FieldKind.DATE))
    found = kind_name(argument.kind)
    raise argument.problem(f"{function.name} takes {takes.value} here, and {argument} is {found}: {function.signature}")


def _hint(name: str) -> str:
    if name in tuple(Merge):
        return f'; write what is merged alone, and merge = "{name}" beside it'
    close = get_close_matches(name, [*FUNCTIONS, *ALIASES], n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def _problem(call: Call, words: str) -> LanguageProblem:
    return LanguageProblem(words, call.at.line, call.at.column)
