"""Text becomes a tree, or a problem with a place."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lytics_azure_tui.model.language import tree
from lytics_azure_tui.model.language.parse import SyntaxProblem, parse_condition, parse_expression, parse_filter
from lytics_azure_tui.model.language.tokens import names, tokens, written_name
from lytics_azure_tui.model.language.tree import Place

AT = Place(1, 1)


def field(*parts: str) -> tree.Field:
    return tree.Field(AT, parts)


def literal(value: str | float | bool | None) -> tree.Literal:
    return tree.Literal(AT, value)


def compared(name: str, operator: str, value: str | float | bool | None) -> tree.Comparison:
    return tree.Comparison(AT, operator, field(name), literal(value))


A, B, C = compared("a", ">", 1), compared("b", ">", 2), compared("c", ">", 3)

CONDITIONS: dict[str, tree.Condition] = {
    "a > 1": A,
    "a = 1": compared("a", "==", 1),
    "a <> 1.5": compared("a", "!=", 1.5),
    "a >= -2": compared("a", ">=", -2),
    "a == NULL": compared("a", "==", None),
    "a == True": compared("a", "==", True),
    r'a == "say \"hi\" \\ C:\d"': compared("a", "==", r'say "hi" \ C:\d'),
    'a == "Toys R"" Us"': compared("a", "==", 'Toys R" Us'),
    'a == ""': compared("a", "==", ""),
    "`a b` > 1": compared("a b", ">", 1),
    "'a b' > 1": compared("a b", ">", 1),
    "`a``b` > 1": compared("a`b", ">", 1),
    "EXISTS visits.home": tree.Exists(AT, field("visits", "home")),
    "EXISTS `last.event`.`has.period`": tree.Exists(AT, field("last.event", "has.period")),
    "EXISTS(a)": tree.Exists(AT, field("a")),
    "a IS NULL": tree.Not(AT, tree.Exists(AT, field("a"))),
    "a is not null": tree.Exists(AT, field("a")),
    "INCLUDE 3d4240": tree.Include(AT, "3d4240"),
    "INCLUDE big-spenders": tree.Include(AT, "big-spenders"),
    "INCLUDE `Big-Spenders`": tree.Include(AT, "big-spenders"),
    "match_all": tree.Everything(AT),
    'a IN ("x", 2,)': tree.Among(AT, field("a"), (literal("x"), literal(2))),
    "a intersects b": tree.Among(AT, field("a"), field("b")),
    'a NOT IN ("x")': tree.Not(AT, tree.Among(AT, field("a"), (literal("x"),))),
    'a CONTAINS "x"': tree.Contains(AT, field("a"), literal("x")),
    'a not like "x*"': tree.Not(AT, tree.Like(AT, field("a"), literal("x*"))),
    "a BETWEEN 1 AND 2 AND b > 2": tree.AllOf(AT, (tree.Between(AT, field("a"), literal(1), literal(2)), B)),
    "a > 1 AND b > 2 OR c > 3": tree.AnyOf(AT, (tree.AllOf(AT, (A, B)), C)),
    "a > 1 && (b > 2 || c > 3)": tree.AllOf(AT, (A, tree.AnyOf(AT, (B, C)))),
    "NOT a > 1 AND b > 2": tree.AllOf(AT, (tree.Not(AT, A), B)),
    "AND (a > 1, OR (b > 2, c > 3),)": tree.AllOf(AT, (A, tree.AnyOf(AT, (B, C)))),
    "and (a > 1) or b > 2": tree.AnyOf(AT, (tree.AllOf(AT, (A,)), B)),
    "AND (\n a > 1 -- first\n -- and then\n b > 2\n)": tree.AllOf(AT, (A, B)),
    "AND (\n a > 1\n OR (\n b > 2\n c > 3\n )\n)": tree.AllOf(AT, (A, tree.AnyOf(AT, (B, C)))),
    "AND (\n a > 1\n OR b > 2\n)": tree.AllOf(AT, (tree.AnyOf(AT, (A, B)),)),
    "AND (\n a > 1\n , b > 2\n)": tree.AllOf(AT, (A, B)),
    "AND (\n a\n > 1\n)": tree.AllOf(AT, (A,)),
    "OR (\n a > 1\n NOT b > 2\n)": tree.AnyOf(AT, (A, tree.Not(AT, B))),
    'AND (\n a\n NOT IN ("x")\n)': tree.AllOf(AT, (tree.Not(AT, tree.Among(AT, field("a"), (literal("x"),))),)),
    "AND (\n (a > 1)\n (b > 2)\n)": tree.AllOf(AT, (A, B)),
    "AND (\n a > 1\n -2 == b\n)": tree.AllOf(AT, (A, tree.Comparison(AT, "==", literal(-2), field("b")))),
    "AND (\n a > 2\n - 1\n)": tree.AllOf(
        AT, (tree.Comparison(AT, ">", field("a"), tree.Arithmetic(AT, "-", literal(2), literal(1))),)
    ),
    'contains(a, "x")': tree.Call(AT, "contains", (field("a"), literal("x"))),
    'NOT contains(a, "x")': tree.Not(AT, tree.Call(AT, "contains", (field("a"), literal("x")))),
    'NOT a CONTAINS ("x")': tree.Not(AT, tree.Contains(AT, field("a"), literal("x"))),
}


@pytest.mark.parametrize("text", CONDITIONS)
def test_a_condition_means_its_tree(text: str) -> None:
    assert parse_condition(text) == CONDITIONS[text]
    assert parse_filter(f"FILTER {text}").condition == CONDITIONS[text]


def test_an_expression_binds_as_arithmetic_does() -> None:
    a, two = field("a"), literal(2)
    product = tree.Arithmetic(AT, "*", two, a)
    assert parse_expression("a - 2 * a - 2") == tree.Arithmetic(AT, "-", tree.Arithmetic(AT, "-", a, product), two)
    assert parse_expression("-a % 2") == tree.Arithmetic(AT, "%", tree.Minus(AT, a), two)
    assert parse_expression("hash.md5(a)") == tree.Call(AT, "hash.md5", (a,))


def test_a_statement_has_its_clauses() -> None:
    found = parse_filter('FILTER *\nFROM user LIMIT 100 WITH name = "My", public = false ALIAS Big_Ones;')
    assert found == tree.Filter(
        tree.Everything(AT), "user", 100, (("name", "My"), ("public", False)), alias="big_ones"
    )  # fmt: skip


def test_parts_of_a_tree_know_their_places() -> None:
    condition = parse_condition("AND (\n  a > 1\n  EXISTS b\n)")
    assert [node.at for node in tree.children(condition)] == [Place(2, 3), Place(3, 3)]


PROBLEMS = {
    "FILTER": (1, 7, "a condition"),
    "FILTER a >": (1, 11, "a value"),
    "FILTER AND (\n  a > 1\n  b >\n)": (4, 1, "a value"),
    "FILTER AND (a > 1": (1, 18, "a closing bracket"),
    "FILTER a > 1)": (1, 13, "the end"),
    "FILTER a IN 5": (1, 13, "an opening bracket"),
    "FILTER a BETWEEN 1": (1, 19, "AND"),
    "FILTER a LIMIT b": (1, 16, "a number"),
    "FILTER * FROM user ALIAS ALIAS stuff": (1, 26, "a name"),
    "a > 1": (1, 1, "FILTER"),
    "FILTER a b": (1, 10, "a comparison such as =="),
}


@pytest.mark.parametrize("text", PROBLEMS)
def test_a_text_that_is_no_filter_is_refused_where_it_stops_to_be_one(text: str) -> None:
    line, column, expected = PROBLEMS[text]
    with pytest.raises(SyntaxProblem) as caught:
        parse_filter(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert expected in caught.value.expected
    assert str(caught.value).startswith(f"line {line}, column {column}: ") and expected in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('FILTER a > "x', 'the quotation mark " that opens here is never closed'),
        ("FILTER a # 1", "'#' means nothing here"),
        ("FILTER " + "NOT " * 200 + "a", "100 deep"),
        ("FILTER a > 1e999", "too large"),
        ("FILTER a LIMIT 1.5", "whole number"),
    ],
)
def test_what_cannot_be_used_is_named(text: str, words: str) -> None:
    with pytest.raises(SyntaxProblem, match=words.replace("(", r"\(")):
        parse_filter(text)


@given(st.text(max_size=40) | st.text(st.sampled_from("ab1 \n\"'`(),.<>=-*\\;ANDORT"), max_size=40))
def test_any_text_is_a_filter_or_a_problem_in_a_place_of_it(text: str) -> None:
    try:
        parse_filter(f"FILTER {text}")
    except SyntaxProblem as problem:
        lines = f"FILTER {text}".split("\n")
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1


@given(st.text(min_size=1, max_size=12))
def test_a_name_that_is_written_is_read_as_itself(name: str) -> None:
    (token,) = tokens(written_name(name), statement=False)
    assert names(token.text) == (name,)
    assert parse_condition(f"EXISTS {written_name(name)}") == tree.Exists(AT, field(name))


def test_a_filter_of_many_conditions_is_parsed_while_one_types() -> None:
    text = "FILTER AND (\n" + "\n".join(f"  field_{number} > {number}" for number in range(500)) + "\n)"
    parse_filter(text)
    begun = time.perf_counter()
    parse_filter(text)
    assert time.perf_counter() - begun < 0.5


def test_the_fields_and_audiences_of_a_condition_are_known() -> None:
    condition = parse_condition("AND (visits.home > 1, visits.b > 2, NOT INCLUDE x, EXISTS email)")
    assert tree.field_names(condition) == ["visits", "email"]
    assert [include.slug for include in tree.includes(condition)] == ["x"]
