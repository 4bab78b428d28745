"""Functions that turn one kind into another, choose, compare, and take lists and maps apart."""

from __future__ import annotations

from collections.abc import Callable

from lytics_azure_tui.lytics.duck import literal
from lytics_azure_tui.lytics.language.compare import Operand, compare, like_pattern
from lytics_azure_tui.lytics.language.kinds import NUMERIC, as_bool, as_int, as_number, as_text, converted, kind_name
from lytics_azure_tui.lytics.language.scope import Scope, Typed
from lytics_azure_tui.lytics.language.text_functions import Builder, text, truth
from lytics_azure_tui.model.user_field import FieldKind

_MAPS = {kind.element: kind for kind in FieldKind if kind.is_map}


def _scalar(convert: Callable[[Typed], str], kind: FieldKind) -> Builder:
    def build(_: Scope, x: Operand) -> Typed:
        if x.kind is not x.kind.element:
            raise x.problem(f"one value is taken here, and {x} is {kind_name(x.kind)}")
        return Typed(convert(x.value), kind)

    return build


def _bare(value: Typed) -> Typed:
    """Text without what people write around a number: currency and commas."""
    if value.kind is not FieldKind.STRING:
        return value
    return text(f"replace(replace(trim({value.sql}), '$', ''), ',', '')")


def _first(_: Scope, *values: Operand) -> Typed:
    kinds = {value.kind for value in values}
    if len(kinds) == 1:
        (kind,) = kinds
    elif kinds <= set(NUMERIC):
        kind = FieldKind.NUMBER
    else:
        kind = FieldKind.STRING
    empty = {FieldKind.STRING: "''", FieldKind.INT: "0", FieldKind.NUMBER: "0", FieldKind.BOOL: "FALSE"}.get(kind)
    found = list[str]()
    for value in values:
        try:
            sql = converted(value.value, kind).sql
        except ValueError as problem:
            raise value.problem(str(problem)) from None
        found.append(f"nullif({sql}, {empty})" if empty else sql)
    return Typed(f"coalesce({', '.join(found)})", kind)


def _all(_: Scope, *values: Operand) -> Typed:
    found = list[str]()
    for value in values:
        true = value.kind in (FieldKind.BOOL, *NUMERIC)
        found.append(f"coalesce({as_bool(value.value)}, FALSE)" if true else f"{value.sql} IS NOT NULL")
    return truth(f"({' AND '.join(found)})")


def _any(_: Scope, *values: Operand) -> Typed:
    return truth(f"({' OR '.join(f'{value.sql} IS NOT NULL' for value in values)})")


def _compared(operator: str) -> Builder:
    return lambda scope, left, right: truth(compare(operator, left, right, scope.now))


def _length(_: Scope, x: Operand) -> Typed:
    size = "cardinality" if x.kind.is_map else "len"
    sql = x.sql if x.kind.is_map or x.kind.is_list else as_text(x.value)
    return Typed(f"CAST({size}({sql}) AS BIGINT)", FieldKind.INT)


def _number(template: str) -> Builder:
    """A function of numbers; where it has no result, there is no value."""
    return lambda _, *x: Typed(
        f"nullif(try({template.format(*(f'CAST({item.sql} AS DOUBLE)' for item in x))}), 'nan'::DOUBLE)",
        FieldKind.NUMBER,
    )


def _rounded(_: Scope, x: Operand, digits: Operand | None = None) -> Typed:
    places = f", CAST({digits.sql} AS INTEGER)" if digits else ""
    return Typed(f"try(round(CAST({x.sql} AS DOUBLE){places}))", FieldKind.NUMBER)


def _element(_: Scope, x: Operand, position: Operand) -> Typed:
    at = f"try_cast({position.sql} AS BIGINT)"
    return Typed(f"{x.sql}[CASE WHEN {at} >= 0 THEN {at} + 1 ELSE {at} END]", x.kind.element)


def _slice(_: Scope, x: Operand, start: Operand, end: Operand | None = None) -> Typed:
    def counted(position: Operand) -> str:
        at = f"try_cast({position.sql} AS BIGINT)"
        return f"CASE WHEN {at} >= 0 THEN {at} ELSE len({x.sql}) + {at} END"

    last = counted(end) if end else f"len({x.sql})"
    return Typed(f"{x.sql}[greatest({counted(start)}, 0) + 1 : {last}]", x.kind)


def _map(_: Scope, key: Operand, value: Operand) -> Typed:
    if value.kind is not value.kind.element:
        raise value.problem(f"a map holds single values, and {value} is {kind_name(value.kind)}")
    there = f"{key.sql} IS NOT NULL AND {value.sql} IS NOT NULL"
    return Typed(f"CASE WHEN {there} THEN MAP {{{key.sql}: {value.sql}}} END", _MAPS[value.kind])


def _map_time(scope: Scope, key: Operand, moment: Operand | None = None) -> Typed:
    when = moment.sql if moment else scope.now
    there = f"{key.sql} IS NOT NULL AND {when} IS NOT NULL"
    return Typed(f"CASE WHEN {there} THEN MAP {{lower({key.sql}): {when}}} END", FieldKind.MAP_TIME)


def _matching(scope: Scope, beginning: Operand) -> Typed:
    start = beginning.text or ""
    entries = [
        f"{{'key': {literal(name.removeprefix(start))}, 'value': {as_text(value)}}}"
        for name, value in scope.fields.items()
        if name.startswith(start) and name != start and value.kind is value.kind.element
    ]
    if not entries:
        raise beginning.problem(f"no field begins with {beginning}")
    kept = f"list_filter([{', '.join(entries)}], lambda _entry: _entry.value <> '')"
    return Typed(f"CASE WHEN len({kept}) > 0 THEN map_from_entries({kept}) END", FieldKind.MAP_STRING)


def _filtered(keep: bool) -> Builder:
    def build(_: Scope, x: Operand, *patterns: Operand) -> Typed:
        if x.kind is not FieldKind.STRINGS and not x.kind.is_map:
            raise x.problem(f"a list of texts or a map is taken here, and {x} is {kind_name(x.kind)}")
        sought = list[str]()
        element = "_entry.key" if x.kind.is_map else "_entry"
        for pattern in patterns:
            like, escape = like_pattern(pattern.text or "")
            sought.append(f"{element} LIKE {literal(like)}{escape}")
        condition = f"{'' if keep else 'NOT '}({' OR '.join(sought)})"
        if not x.kind.is_map:
            return Typed(f"list_filter({x.sql}, lambda _entry: {condition})", x.kind)
        return Typed(f"map_from_entries(list_filter(map_entries({x.sql}), lambda _entry: {condition}))", x.kind)

    return build


BUILDERS: dict[str, Builder] = {
    "tostring": _scalar(as_text, FieldKind.STRING),
    "toint": _scalar(lambda x: as_int(_bare(x)), FieldKind.INT),
    "tonumber": _scalar(lambda x: f"CAST({as_number(_bare(x))} AS DOUBLE)", FieldKind.NUMBER),
    "tobool": _scalar(as_bool, FieldKind.BOOL),
    "len": _length,
    "oneof": _first,
    "any": _any,
    "all": _all,
    **{
        name: _compared(operator)
        for name, operator in {"eq": "==", "ne": "!=", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}.items()
    },
    "round": _rounded,
    "floor": _number("floor({0})"),
    "ceil": _number("ceil({0})"),
    "sqrt": _number("sqrt({0})"),
    "pow": _number("pow({0}, {1})"),
    "array.index": _element,
    "array.slice": _slice,
    "map": _map,
    "maptime": _map_time,
    "mapkeys": lambda _, x: Typed(f"map_keys({x.sql})", FieldKind.STRINGS),
    "mapvalues": lambda _, x: Typed(
        f"list_transform(map_values({x.sql}), lambda _item: {as_text(Typed('_item', x.kind.element))})",
        FieldKind.STRINGS,
    ),
    "match": _matching,
    "filter": _filtered(keep=False),
    "filtermatch": _filtered(keep=True),
}
