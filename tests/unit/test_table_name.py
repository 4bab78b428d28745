"""Names of tables, as people and T-SQL write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lytics_azure_tui.model.table_name import parse, written

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=128)


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("orders", ("dbo", "orders")),
        ("sales.orders", ("sales", "orders")),
        ("  sales.orders ", ("sales", "orders")),
        ("[sales].[orders]", ("sales", "orders")),
        ('"odd schema".orders', ("odd schema", "orders")),
        ("sales.order lines", ("sales", "order lines")),
        ("[a.b].[c]]d]", ("a.b", "c]d")),
        ('"say ""x""".t', ('say "x"', "t")),
    ],
)
def test_a_name_is_taken_apart(text: str, pair: tuple[str, str]) -> None:
    assert parse(text) == pair


@pytest.mark.parametrize("text", ["", " ", ".", "a.", ".b", "a.b.c", "[a", "a]b.c", "[].x", "x" * 129, "a.[b]c"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"schema\.table|at most 128"):
        parse(text)


@given(NAMES, NAMES)
def test_any_name_that_is_written_is_read_again(schema: str, name: str) -> None:
    assert parse(written(schema, name)) == (schema, name)


def test_brackets_stand_only_where_they_are_needed() -> None:
    assert written("sales", "orders_2026") == "sales.orders_2026"
    assert written("sales", "Größe") == "sales.Größe"
    assert written("2026", "a b") == "[2026].[a b]"
