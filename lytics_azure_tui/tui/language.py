"""What the editors ask of the language: what is wrong with a text and where, and what could stand at a place in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from lytics_azure_tui.model.language.parse import parse_condition, parse_expression
from lytics_azure_tui.model.language.problem import LanguageProblem
from lytics_azure_tui.model.user_field import FieldKind, UserField

if TYPE_CHECKING:
    from lytics_azure_tui.model.language.complete import Completions
    from lytics_azure_tui.tui.widgets.expression_input import Completer


def prepare() -> None:
    """Loads the parser, which takes a moment. Call it in a thread, before the first key is pressed in an editor."""
    from lytics_azure_tui.model.language import complete  # noqa: F401 -- it is needed with the first letter
    from lytics_azure_tui.model.language.parse import language

    language()


def problem_in(text: str, parse: Callable[[str], object]) -> LanguageProblem | None:
    """What is wrong with a text, as far as reading it tells."""
    try:
        parse(text)
    except LanguageProblem as problem:
        return problem
    return None


def problem_with(text: str, columns: Sequence[str], *, condition: bool = False) -> LanguageProblem | None:
    """What is wrong with an expression or a condition over the columns of a stream: also a column that is not there.

    Call it in a thread: the first call loads the engine.
    """
    from lytics_azure_tui.lytics.language.compile import condition_sql, value_sql
    from lytics_azure_tui.lytics.language.scope import Scope
    from lytics_azure_tui.lytics.language.scope import column_fields as typed

    scope = Scope(typed(columns), "now()")
    try:
        if condition:
            condition_sql(parse_condition(text), scope)
        else:
            value_sql(parse_expression(text), scope)
    except LanguageProblem as problem:
        return problem
    return None


def sentence(problem: LanguageProblem) -> str:
    """A problem in words, its place first: Line 1, column 7: There is no column emial."""
    words = problem.message[:1].upper() + problem.message[1:]
    return f"Line {problem.line}, column {problem.column}: {words}{'' if words.endswith(('.', '?')) else '.'}"


def cause_of(error: BaseException) -> LanguageProblem | None:
    """The place in a text that an error is about, if it is about one."""
    return error.__cause__ if isinstance(error.__cause__, LanguageProblem) else None


def column_fields(columns: Sequence[str]) -> list[UserField]:
    """The columns of a stream as an expression sees them: all of them are text."""
    return [UserField(name, FieldKind.STRING) for name in columns]


def completer(
    fields: Callable[[], Sequence[UserField]],
    *,
    audiences: Callable[[], Sequence[str]] = tuple,
    filter: bool,
) -> Completer:
    """Completion over what is known at the moment of asking."""

    def complete(text: str, cursor: int) -> Completions:
        from lytics_azure_tui.model.language import complete as language

        return language.complete(text, cursor, fields(), audiences(), filter=filter)

    return complete
