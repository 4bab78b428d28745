"""What could stand at the cursor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lytics_azure_tui.model.language.complete import complete
from lytics_azure_tui.model.language.functions import FUNCTIONS
from lytics_azure_tui.model.user_field import FieldKind, UserField

FIELDS = [
    UserField("visits", FieldKind.INT, help="How often."),
    UserField("vip", FieldKind.BOOL),
    UserField("odd name", FieldKind.STRING),
    UserField("like", FieldKind.STRING),
    UserField("a.b", FieldKind.STRING),
]
SLUGS = ["big-spenders", "bigger", "idle"]


def offered(text: str, *, filter: bool = True) -> list[str]:
    """The texts offered at the mark |."""
    cursor = text.index("|")
    found = complete(text.replace("|", ""), cursor, FIELDS, SLUGS if filter else [], filter=filter)
    assert found.start <= cursor
    return [item.text for item in found.items]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("|", ["FILTER"]),
        ("fi|", ["FILTER"]),
        ("FILTER vi|", ["visits", "vip"]),
        ("FILTER VI|", ["visits", "vip"]),
        ("FILTER vi|sits > 1", ["visits", "vip"]),
        ("FILTER tol|", ["tolower("]),
        ("FILTER od|", ["`odd name`"]),
        ("FILTER `od|", ["`odd name`"]),
        ("FILTER lik|", ["`like`"]),
        ("FILTER a.|", ["`a.b`"]),
        ("FILTER INCLUDE |", SLUGS),
        ("FILTER INCLUDE big-|", ["big-spenders"]),
        ("FILTER AND (vip, NOT INCLUDE i|", ["idle"]),
        ("FILTER visits NOT |", ["IN (", "INTERSECTS (", "CONTAINS", "LIKE", "BETWEEN"]),
        ("FILTER visits BETWEEN 1 |", ["AND"]),
        ("FILTER visits > 1 |", ["AND", "OR", "LIMIT"]),
        ("FILTER * LIMIT |", []),
        ("FILTER * FROM |", []),
        ('FILTER a == "vi|', []),
        ("FILTER vip -- vi|", []),
        ("FILTER a # vi|", []),
        ("FILTER a b vi|", []),
    ],
)
def test_what_the_grammar_takes_is_offered(text: str, expected: list[str]) -> None:
    assert offered(text) == expected


def test_behind_a_line_break_in_a_list_a_condition_begins_or_goes_on() -> None:
    found = offered("FILTER AND (\n  visits > 1\n  |")
    assert found[0] == "visits"
    assert {"AND", "AND (", "EXISTS", "INCLUDE"} <= set(found)


def test_a_comparison_is_offered_where_one_can_stand() -> None:
    assert {"==", ">", "IN (", "BETWEEN"} <= set(offered("FILTER visits |"))
    assert "==" not in offered("FILTER visits > 1 |")


def test_an_expression_offers_fields_functions_and_no_audiences() -> None:
    found = offered("email(|", filter=False)
    assert {"visits", "`odd name`", *(f"{name}(" for name in FUNCTIONS)} <= set(found)
    assert not {"INCLUDE", "FILTER", *SLUGS} & set(found)


def test_each_thing_says_what_it_is() -> None:
    found = complete("FILTER visits", 9, FIELDS, SLUGS, filter=True)
    assert found.start == 7
    assert [(item.kind, item.help) for item in found.items] == [("field", "int: How often."), ("field", "bool")]
    (function,) = complete("emaild", 6, FIELDS, [], filter=False).items
    assert function.kind == "function" and function.help.startswith("emaildomain(address): ")


@given(st.text(st.sampled_from("FILTERvip \n\"'`(),.<>=-*AND123"), max_size=30), st.integers(0, 30), st.booleans())
def test_completion_answers_whatever_is_typed(text: str, cursor: int, filter: bool) -> None:
    cursor = min(cursor, len(text))
    found = complete(text, cursor, FIELDS, SLUGS, filter=filter)
    assert 0 <= found.start <= cursor
    typed = text[found.start : cursor].strip("`").lower()
    assert all(item.text.strip("`").lower().startswith(typed) for item in found.items)
