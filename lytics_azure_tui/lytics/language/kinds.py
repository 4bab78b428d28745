"""From one kind of value to another: as filters compare them, and as mappings store them."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache

from lytics_azure_tui.lytics.duck import literal
from lytics_azure_tui.lytics.event_time import EPOCH, any_time, read_times
from lytics_azure_tui.lytics.language.scope import Typed, sql_type
from lytics_azure_tui.model.user_field import FieldKind

NUMERIC = (FieldKind.INT, FieldKind.NUMBER)
TRUE_WORDS: tuple[str, ...] = ("true", "t", "yes", "y", "1")
FALSE_WORDS: tuple[str, ...] = ("false", "f", "no", "n", "0")

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")

_NAMES = {
    FieldKind.STRING: "text",
    FieldKind.INT: "a whole number",
    FieldKind.NUMBER: "a number",
    FieldKind.BOOL: "true or false",
    FieldKind.DATE: "a date",
    FieldKind.STRINGS: "a list of texts",
    FieldKind.TIMES: "a list of dates",
}


def kind_name(kind: FieldKind) -> str:
    """A kind as people say it."""
    return _NAMES.get(kind, "a map")


def as_text(value: Typed) -> str:
    """SQL of a scalar's text: numbers without a needless point, dates in ISO 8601."""
    match value.kind:
        case FieldKind.STRING:
            return value.sql
        case FieldKind.NUMBER:
            return f"regexp_replace(CAST({value.sql} AS VARCHAR), '\\.0$', '')"
        case FieldKind.DATE:
            return f"strftime({value.sql}, '%Y-%m-%dT%H:%M:%SZ')"
        case _:
            return f"CAST({value.sql} AS VARCHAR)"


def as_number(value: Typed) -> str:
    """SQL of a scalar's number; text that is none is NULL."""
    if value.kind in NUMERIC:
        return value.sql
    text = as_text(value)
    # "nan", "inf" and "infinity" are numbers to the cast.
    return f"CASE WHEN NOT contains({text}, 'n') AND NOT contains({text}, 'N') THEN try_cast({text} AS DOUBLE) END"


def as_exact(value: Typed) -> str:
    """SQL of a scalar's number, to be compared with whole numbers, of which a DOUBLE does not hold all.

    Text keeps 9 decimals; text that is no number, or one of more than 29 digits, is NULL.
    """
    return value.sql if value.kind in NUMERIC else f"try_cast({as_text(value)} AS DECIMAL(38, 9))"


def as_bool(value: Typed) -> str:
    """SQL of a scalar as true or false; NULL where it is neither."""
    if value.kind is FieldKind.BOOL:
        return value.sql
    if value.kind in NUMERIC:
        return f"{value.sql} <> 0"
    text = f"lower(trim({as_text(value)}))"
    return f"CASE WHEN {text} IN ({_texts(TRUE_WORDS)}) THEN TRUE WHEN {text} IN ({_texts(FALSE_WORDS)}) THEN FALSE END"


def as_date(value: Typed) -> str:
    """SQL of a scalar as TIMESTAMPTZ: text in any form that we know, a number as unix time; NULL where it is none."""
    if value.kind is FieldKind.DATE:
        return value.sql
    return any_time(as_text(value))


def as_int(value: Typed) -> str:
    """SQL of a scalar as BIGINT, cut at the point; NULL where it is no number, or too large."""
    if value.kind is FieldKind.INT:
        return value.sql
    if value.kind is FieldKind.NUMBER:
        return f"try_cast(trunc({value.sql}) AS BIGINT)"
    text = as_text(value)
    return (
        f"CASE WHEN contains({text}, '.') OR contains(lower({text}), 'e') "
        f"THEN try_cast(trunc({as_number(value)}) AS BIGINT) ELSE try_cast({text} AS BIGINT) END"
    )


def converted(value: Typed, kind: FieldKind) -> Typed:  # noqa: PLR0911 -- one a kind
    """A value as a user field of a kind can hold it; NULL where it cannot.

    A scalar becomes a list of one; a list's first element stands for it where one value is wanted.

    Raises:
        ValueError: no value of the one kind can become one of the other.
    """
    if value.kind is kind:
        return value
    if kind.is_map or value.kind.is_map:
        if not (kind.is_map and value.kind.is_map):
            raise ValueError(f"{kind_name(value.kind)} cannot become {kind_name(kind)}")
        entry = converted(Typed("e.value", value.kind.element), kind.element)
        entries = f"list_transform(map_entries({value.sql}), lambda e: {{'key': e.key, 'value': {entry.sql}}})"
        kept = f"list_filter({entries}, lambda e: e.value IS NOT NULL)"
        return Typed(f"CASE WHEN len({kept}) > 0 THEN map_from_entries({kept}) END", kind)
    if kind.is_list:
        if not value.kind.is_list:
            return Typed(f"list_filter([{converted(value, kind.element).sql}], lambda e: e IS NOT NULL)", kind)
        element = converted(Typed("e", value.kind.element), kind.element)
        return Typed(
            f"list_filter(list_transform({value.sql}, lambda e: {element.sql}), lambda e: e IS NOT NULL)", kind
        )
    if value.kind.is_list:
        return converted(Typed(f"{value.sql}[1]", value.kind.element), kind)
    match kind:
        case FieldKind.STRING:
            return Typed(as_text(value), kind)
        case FieldKind.INT:
            return Typed(as_int(value), kind)
        case FieldKind.NUMBER:
            return Typed(f"CAST({as_number(value)} AS DOUBLE)", kind)
        case FieldKind.BOOL:
            return Typed(as_bool(value), kind)
        case _:
            return Typed(as_date(value), kind)


def number_literal(value: int | float) -> Typed:
    """A number that is written out."""
    if isinstance(value, int):
        return Typed(f"{value}::BIGINT" if value >= 0 else f"({value})::BIGINT", FieldKind.INT)
    return Typed(f"{literal(repr(value))}::DOUBLE", FieldKind.NUMBER)


def number_in(text: str) -> Typed | None:
    """The number that a literal's text is."""
    text = text.strip()
    if _INTEGER.fullmatch(text) and abs(int(text)) < 2**63:
        return number_literal(int(text))
    return number_literal(float(text)) if _NUMBER.fullmatch(text) else None


def bool_in(text: str) -> bool | None:
    """What a literal's text means as true or false."""
    word = text.strip().lower()
    return True if word in TRUE_WORDS else False if word in FALSE_WORDS else None


@lru_cache(maxsize=1024)
def date_in(text: str) -> str | None:
    """SQL of the date that a literal's text is, read in the forms that columns have."""
    (moment,) = read_times([text])
    return None if moment is None else f"make_timestamptz({(moment - EPOCH) // timedelta(microseconds=1)}::BIGINT)"


def null(kind: FieldKind) -> Typed:
    """No value of a kind."""
    return Typed(f"CAST(NULL AS {sql_type(kind)})", kind)


def _texts(words: tuple[str, ...]) -> str:
    return ", ".join(literal(word) for word in words)
