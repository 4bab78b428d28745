"""Values of every kind, written for CSV and for JSON, are read back by Python's own readers."""

from __future__ import annotations

import csv
import io
import json
import math
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lytics_azure_tui.jobs.profile_text import csv_text, json_text
from lytics_azure_tui.lytics.duck import database
from lytics_azure_tui.model.user_field import FieldKind

TEXT = st.text(st.one_of(st.sampled_from('&"=+%,;\n\r ü😀'), st.characters(exclude_categories=["Cs"])), max_size=8)
TIMES = st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)).map(lambda moment: moment.replace(tzinfo=UTC))
VALUES: dict[FieldKind, st.SearchStrategy[Any]] = {
    FieldKind.STRING: TEXT,
    FieldKind.INT: st.integers(-(2**63), 2**63 - 1),
    FieldKind.NUMBER: st.floats(),
    FieldKind.BOOL: st.booleans(),
    FieldKind.DATE: TIMES,
}
TYPES = {
    FieldKind.STRING: "VARCHAR",
    FieldKind.INT: "BIGINT",
    FieldKind.NUMBER: "DOUBLE",
    FieldKind.BOOL: "BOOLEAN",
    FieldKind.DATE: "TIMESTAMPTZ",
}


@st.composite
def fields(draw: st.DrawFn) -> tuple[FieldKind, Any]:
    kind = draw(st.sampled_from(list(FieldKind)))
    one = VALUES[kind.element]
    if kind.is_list:
        return kind, draw(st.none() | st.lists(one, max_size=4))
    if kind.is_map:
        return kind, draw(st.none() | st.dictionaries(TEXT, one, max_size=4))
    return kind, draw(st.none() | one)


def written(kind: FieldKind, value: Any, expression: str) -> str | None:
    """What a field's expression gives for a value."""
    of = TYPES[kind.element]
    with database(memory=64 << 20) as connection:
        if kind.is_map:
            given = f"CASE WHEN $1 IS NOT NULL THEN map($1::VARCHAR[], $2::{of}[]) END"
            parts: list[Any] = [None, None] if value is None else [list(value), list(value.values())]
        else:
            given, parts = f"$1::{of}{'[]' if kind.is_list else ''}", [value]
        row = connection.execute(f"SELECT {expression} FROM (SELECT {given} AS v)", parts).fetchone()
    assert row is not None
    assert row[0] is None or isinstance(row[0], str)
    return row[0]


def read(kind: FieldKind, text: str) -> Any:
    """A scalar of its text."""
    if kind is FieldKind.INT:
        return int(text)
    if kind is FieldKind.NUMBER:
        return float(text)
    if kind is FieldKind.BOOL:
        return {"true": True, "false": False}[text]
    return datetime.fromisoformat(text) if kind is FieldKind.DATE else text


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


@settings(max_examples=60)
@given(field=fields(), join=st.sampled_from("&|;,"))
def test_a_cell_of_csv_is_read_back(field: tuple[FieldKind, Any], join: str) -> None:
    kind, value = field
    cell = written(kind, value, csv_text("v", kind, join))
    if value is None:
        assert cell is None
        return
    assert cell is not None
    found: Any
    if kind.is_list:
        lines = list(csv.reader(io.StringIO(cell, newline=""), delimiter=join))
        assert len(lines) == (1 if cell else 0)
        found = [read(kind.element, text) for line in lines for text in line]
    elif kind.is_map:
        pairs = parse_qsl(cell, keep_blank_values=True, strict_parsing=bool(cell))
        found = {key: read(kind.element, text) for key, text in pairs}
        assert list(found) == sorted(found, key=lambda key: key.encode())
    else:
        found = read(kind, cell)
    assert same(found, value)


@settings(max_examples=60)
@given(field=fields())
def test_a_value_of_json_is_read_back(field: tuple[FieldKind, Any]) -> None:
    kind, value = field
    text = written(kind, value, json_text("v", kind))
    if value is None:
        assert text is None
        return
    assert text is not None
    assert "\n" not in text

    def refuse(constant: str) -> Any:
        raise ValueError(f"{constant} is not JSON")

    found = json.loads(text, parse_constant=refuse)

    def of(one: Any) -> Any:
        if kind.element is FieldKind.DATE or (isinstance(one, str) and kind.element is FieldKind.NUMBER):
            return read(kind.element, one)
        return float(one) if kind.element is FieldKind.NUMBER else one

    if kind.is_list:
        found = [of(one) for one in found]
    elif kind.is_map:
        found = {key: of(one) for key, one in found.items()}
    else:
        found = of(found)
    assert same(found, value)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (["a", "b"], "a&b"),
        (["a&b", "c"], '"a&b"&c'),
        (['say "hi"', ""], '"say ""hi"""&""'),
        ([], ""),
        ([""], '""'),
    ],
)
def test_values_that_hold_the_join_character_are_in_quotes(value: list[str], cell: str) -> None:
    assert written(FieldKind.STRINGS, value, csv_text("v", FieldKind.STRINGS, "&")) == cell


def test_a_map_is_url_encoded() -> None:
    value = {"news & sport": 3, "a=b": 12}
    assert written(FieldKind.MAP_INT, value, csv_text("v", FieldKind.MAP_INT, "&")) == "a%3Db=12&news%20%26%20sport=3"
    assert written(FieldKind.MAP_INT, value, json_text("v", FieldKind.MAP_INT)) == '{"a=b":12,"news & sport":3}'
