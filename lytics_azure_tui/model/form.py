"""What a form asks, read from a pydantic model: the wizard, validation and the review step are drawn from this."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from lytics_azure_tui.model.secret import Secret


class Source(StrEnum):
    """Where the live choices of a field come from; jobs/choices.py answers each."""

    STREAMS = "streams"
    CONTAINERS = "containers"
    BLOBS = "blobs"
    COLUMNS = "columns"
    TABLES = "tables"
    TIME_COLUMNS = "time_columns"
    PREFIXES = "prefixes"
    ENCODINGS = "encodings"
    AUDIENCES = "audiences"
    USER_FIELDS = "user_fields"
    TIMES = "times"
    TIMEZONES = "timezones"


class Kind(StrEnum):
    """The shape of an answer."""

    TEXT = "text"
    SECRET = "secret"  # noqa: S105 -- a kind of answer, not an answer
    LONG_TEXT = "long_text"
    NUMBER = "number"
    CHECKBOX = "checkbox"
    SELECT = "select"
    """One of fixed options."""
    PICK = "pick"
    """One of live choices."""
    PICK_MANY = "pick_many"
    """Any number of live choices."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a field of a model says to its form; put into `Annotated[type, Ask(...)]`.

    Attributes:
        label: the field's name on the form.
        help: one or two sentences below it.
        advanced: shown on the advanced step.
        source: where live choices come from; the answer may still be typed.
        needs: fields that must be answered before the choices can be loaded, and whose change makes them stale.
        only_if: a checkbox field; the question matters only while it is ticked.
        options: words for the values of a `Literal`.
        placeholder: an example for a field that has no default; shown as one while the field is empty.
        long: several lines of text.
        unit: of a number, shown beside it.
        exact: blanks at either end of what is typed belong to the answer.
        unbroken: blanks and line breaks in what is pasted come from copying it, and are taken out.
        optional: of a secret, that one can do without it; other fields say so by their default.
    """

    label: str
    help: str = ""
    advanced: bool = False
    source: Source | None = None
    needs: tuple[str, ...] = ()
    only_if: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    placeholder: str = ""
    long: bool = False
    unit: str = ""
    exact: bool = False
    unbroken: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """One field of a form, ready to be drawn."""

    name: str
    kind: Kind
    ask: Ask
    required: bool
    default: Any
    options: tuple[tuple[str, str], ...] = ()
    """(value, words) of a SELECT."""


def questions(model: type[BaseModel]) -> tuple[Question, ...]:
    """The form of a model: its fields that carry an `Ask`, in the order of their declaration."""
    found = []
    for name, info in model.model_fields.items():
        ask = next((item for item in info.metadata if isinstance(item, Ask)), None)
        if ask is not None:
            found.append(_question(name, info, ask))
    return tuple(found)


def _question(name: str, info: FieldInfo, ask: Ask) -> Question:
    bare = _without_none(info.annotation)
    options: tuple[tuple[str, str], ...] = ()
    if bare is Secret:
        kind = Kind.SECRET
    elif bare is bool:
        kind = Kind.CHECKBOX
    elif bare in (int, float):
        kind = Kind.NUMBER
    elif get_origin(bare) is Literal:
        kind = Kind.SELECT
        options = tuple((str(value), ask.options.get(str(value), str(value))) for value in get_args(bare))
    elif get_origin(bare) in (list, tuple):
        kind = Kind.PICK_MANY
    elif ask.source is not None:
        kind = Kind.PICK
    else:
        kind = Kind.LONG_TEXT if ask.long else Kind.TEXT
    default = None if info.is_required() else info.get_default(call_default_factory=True)
    optional = ask.optional or (info.is_required() is False and kind is not Kind.SECRET)
    return Question(name, kind, ask, required=not optional, default=default, options=options)


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [arg for arg in get_args(annotation) if arg is not type(None)]
        return rest[0] if len(rest) == 1 else annotation
    return annotation
