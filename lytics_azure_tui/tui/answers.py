"""A form's answers, apart from how they are drawn: which questions matter, what is wrong, and how an answer reads."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lytics_azure_tui.model.delimiter import delimiter_name
from lytics_azure_tui.model.form import Kind, Question

M = TypeVar("M", bound=BaseModel)

NEEDED = "This is needed."
_WORDS = {
    "missing": NEEDED,
    "bool_type": "This is yes or no.",
    "bool_parsing": "This is yes or no.",
    "int_type": "Enter a whole number.",
    "int_parsing": "Enter a whole number.",
    "int_from_float": "Enter a whole number.",
    "float_type": "Enter a number.",
    "float_parsing": "Enter a number.",
    "literal_error": "Choose one of the list.",
    "string_type": "Enter a text.",
    "string_pattern_mismatch": "This has characters that cannot stand in it.",
}


def opening(questions: Iterable[Question], given: Mapping[str, Any]) -> dict[str, Any]:
    """The answers with which a form opens: those given, and the defaults for the rest."""
    return {question.name: given.get(question.name, question.default) for question in questions}


def blank(answer: object, *, exact: bool = False) -> bool:
    """Whether a question was left unanswered. No is an answer.

    Args:
        exact: blanks are an answer, too.
    """
    return (answer if exact or not isinstance(answer, str) else answer.strip()) in (None, "", [], ())


def matters(question: Question, answers: Mapping[str, Any]) -> bool:
    """Whether the question is asked at all, as things stand."""
    return question.ask.only_if is None or bool(answers.get(question.ask.only_if))


def untouched(here: Mapping[str, Any], before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """The answers of now to those questions that are answered here as they were before."""
    return {name: now[name] for name in here if name in now and name in before and here[name] == before[name]}


def check(
    model: type[M], questions: Collection[Question], answers: Mapping[str, Any], **fixed: object
) -> tuple[M | None, dict[str, str]]:
    """Holds the answers against their model.

    Questions that were left empty, or that do not matter, take their defaults: what is not on the screen does not
    count.

    Args:
        fixed: fields of the model that no question asks for.

    Returns:
        The model, or None and a sentence for each question that is answered wrongly.
    """
    values = dict(fixed)
    for question in questions:
        answer = answers.get(question.name)
        if matters(question, answers) and not blank(answer, exact=question.ask.exact):
            values[question.name] = answer
    try:
        return model.model_validate(values), {}
    except ValidationError as error:
        wrong: dict[str, str] = {}
        # Inputs stay out of what pydantic tells: they may be secrets.
        for detail in error.errors(include_url=False):
            name = str(detail["loc"][0]) if detail["loc"] else ""
            wrong.setdefault(name, _sentence(detail))
        return None, wrong


def _sentence(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "value_error":
        words = str(context["error"])
    elif kind == "string_too_short":
        least = int(context["min_length"])
        words = NEEDED if least == 1 else f"At least {least} characters."
    elif kind == "string_too_long":
        most = int(context["max_length"])
        words = f"At most {most:,} character{'' if most == 1 else 's'}."
    else:
        words = _WORDS.get(kind) or detail["msg"]
    words = words[:1].upper() + words[1:]
    return words if words.endswith((".", "…", "!")) else f"{words}."


def in_words(question: Question, answer: Any) -> str:
    """An answer as the review shows it; empty when there is none. Secrets are never given out."""
    match question.kind:
        case Kind.CHECKBOX:
            return "Yes" if answer else "No"
        case Kind.SELECT:
            return dict(question.options).get(str(answer), str(answer))
        case Kind.PICK_MANY:
            return ", ".join(map(str, answer)) if answer else "All"
        case Kind.SECRET:
            return "Entered" if answer else ""
        case Kind.LONG_TEXT:
            lines = str(answer or "").strip().splitlines()
            return f"{lines[0]} … ({len(lines)} lines)" if len(lines) > 1 else "".join(lines)
        case _:
            return "" if blank(answer, exact=question.ask.exact) else _legible(str(answer), question.ask.unit)


def _legible(text: str, unit: str) -> str:
    """What would not be seen is named, or put into quotes."""
    if len(text) == 1 and (text.isspace() or not text.isprintable()):
        return delimiter_name(text)
    shown = f"“{text}”" if text != text.strip() else text
    return f"{shown} {unit}".rstrip()
