"""User fields as text: SQL that writes each kind of value for CSV and for JSON.

Both: times in ISO 8601, UTC, with microseconds; of numbers all digits, and NaN, Infinity and -Infinity by these names.
"""

from __future__ import annotations

from lytics_azure_tui.lytics.duck import literal
from lytics_azure_tui.model.user_field import FieldKind


def csv_text(value: str, kind: FieldKind, join: str) -> str:
    """SQL of VARCHAR for a cell.

    A list is a line of CSV by itself, whose delimiter is `join`: a value that holds it, quotes or a line break stands
    in quotes, and so does an empty one. A map is url encoded, in the order of its keys: a=1&b=2.

    Args:
        value: SQL of the field.
    """
    if kind.is_list:
        text = _plain("x", kind.element)
        special = f"x = '' OR contains(x, {literal(join)}) OR contains(x, '\"') OR contains(x, chr(10))"
        quoted = (
            f"CASE WHEN {special} OR contains(x, chr(13)) THEN concat('\"', replace(x, '\"', '\"\"'), '\"') ELSE x END"
        )
        texts = value if kind.element is FieldKind.STRING else f"list_transform({value}, lambda x: {text})"
        return f"array_to_string(list_transform({texts}, lambda x: {quoted}), {literal(join)})"
    if kind.is_map:
        pair = f"concat(url_encode(e.key), '=', url_encode({_plain('e.value', kind.element)}))"
        return f"array_to_string(list_transform({_entries(value)}, lambda e: {pair}), '&')"
    return _plain(value, kind)


def json_text(value: str, kind: FieldKind) -> str:
    """SQL of VARCHAR for a value in JSON; NULL for none. A list is an array, a map an object in the order of its keys.

    Args:
        value: SQL of the field.
    """
    if kind.is_list:
        text = _plain("x", kind.element)
        texts = value if kind.element is FieldKind.STRING else f"list_transform({value}, lambda x: {text})"
        return f"to_json({texts})::VARCHAR"
    if kind.is_map:
        pair = f"concat(to_json(e.key), ':', coalesce({_json('e.value', kind.element)}, 'null'))"
        joined = f"array_to_string(list_transform({_entries(value)}, lambda e: {pair}), ',')"
        return f"CASE WHEN {value} IS NOT NULL THEN concat('{{', {joined}, '}}') END"
    return _json(value, kind)


def _entries(value: str) -> str:
    return f"list_sort(map_entries({value}))"


def _plain(value: str, kind: FieldKind) -> str:
    if kind is FieldKind.STRING:
        return value
    if kind is FieldKind.DATE:
        return f"strftime({value}, '%Y-%m-%dT%H:%M:%S.%fZ')"
    if kind is FieldKind.NUMBER:
        return f"CASE WHEN isfinite({value}) THEN {value}::VARCHAR ELSE {_odd(value)} END"
    return f"{value}::VARCHAR"


def _json(value: str, kind: FieldKind) -> str:
    if kind in (FieldKind.STRING, FieldKind.DATE):
        return f"to_json({_plain(value, kind)})::VARCHAR"
    if kind is FieldKind.NUMBER:
        return f"CASE WHEN isfinite({value}) THEN to_json({value})::VARCHAR ELSE '\"' || {_odd(value)} || '\"' END"
    return f"{value}::VARCHAR"


def _odd(value: str) -> str:
    """A number that is not one, by its name in JavaScript."""
    signs = f"WHEN {value} > 0 THEN 'Infinity' WHEN {value} < 0 THEN '-Infinity'"
    return f"CASE WHEN isnan({value}) THEN 'NaN' {signs} END"
