"""What pydantic found wrong in a file, in words that name file, line and key. Values are never quoted."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lytics_azure_tui.config.toml import line_of
from lytics_azure_tui.errors import BadConfiguration

_WORDS = {
    "string_type": "this must be text, in quotes",
    "bool_type": "this must be true or false",
    "bool_parsing": "this must be true or false",
    "int_type": "this must be a whole number",
    "int_parsing": "this must be a whole number",
    "int_from_float": "this must be a whole number",
    "float_type": "this must be a number",
    "float_parsing": "this must be a number",
    "list_type": 'this must be a list, such as ["a", "b"]',
    "string_pattern_mismatch": "this has characters that cannot stand in it",
    "model_type": "this must be a table",
    "model_attributes_type": "this must be a table",
}


def complaints(
    error: ValidationError, model: type[BaseModel], *, name: str, text: str, under: tuple[str, ...] = ()
) -> list[BadConfiguration]:
    """One error for each thing that is wrong.

    Args:
        model: what the file, or the part of it, was checked against.
        name: how errors call the file.
        text: the file's text, to find lines in.
        under: the table that the part stands in.
    """
    return [_complaint(detail, model, name, text, under) for detail in error.errors(include_input=False)]


def complaint(
    name: str, text: str, keys: tuple[str | int, ...], what: str, fix: str = "Correct the file"
) -> BadConfiguration:
    """An error about one key of a file; about the file when there are no keys."""
    line = line_of(text, keys) if keys else None
    if line is None and len(keys) > 1:
        line = line_of(text, keys[:-1])
    place = ", ".join(part for part in (name, f"line {line}" if line else "", _path(keys)) if part)
    return BadConfiguration(f"{place}: {what}", fix=fix)


def _complaint(
    detail: ErrorDetails, model: type[BaseModel], name: str, text: str, under: tuple[str, ...]
) -> BadConfiguration:
    inner = detail["loc"]
    keys = (*under, *inner)
    kind = detail["type"]
    if kind == "extra_forbidden":
        return complaint(
            name, text, keys, "this key is not known", _suggestion(str(keys[-1]), known(model, inner[:-1]))
        )
    if kind == "value_error":
        return complaint(name, text, keys, str(detail["ctx"]["error"]))
    if kind in ("literal_error", "enum"):
        return complaint(name, text, keys, f"this must be {detail['ctx']['expected']}")
    if kind == "missing":
        return complaint(name, text, keys, "this key is missing", "Add it")
    return complaint(name, text, keys, _words(detail))


def _words(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "string_too_short" and context["min_length"] == 1:
        return "this must not be empty"
    if kind == "string_too_short":
        return f"this must have at least {context['min_length']} characters"
    if kind == "string_too_long":
        return f"this must have at most {context['max_length']} characters"
    return _WORDS.get(kind) or detail["msg"][:1].lower() + detail["msg"][1:]


def _path(keys: tuple[str | int, ...]) -> str:
    """The key as people count: the third of a list is [3]."""
    return "".join(f"[{key + 1}]" if isinstance(key, int) else f".{key}" for key in keys).removeprefix(".")


def known(model: type[BaseModel], path: Iterable[str | int] = ()) -> list[str]:
    """The keys that a model, or the model at a path inside it, has in a file."""
    for key in path:
        if isinstance(key, int):
            continue
        info = model.model_fields.get(key)
        inner = info.annotation if info is not None else None
        if get_origin(inner) is list:
            inner = get_args(inner)[0]
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return [key for key, info in model.model_fields.items() if not info.exclude]


def _suggestion(key: str, among: list[str]) -> str:
    close = get_close_matches(key.lower(), among, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {close[0]}?"
    return f"The keys here are {', '.join(among)}" if among else "Take the key out"
