"""T-SQL taken apart: where statements end, what names are, which errors a mistake gives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lytics_azure_tui.sandbox.tds import syntax
from lytics_azure_tui.sandbox.tds.conditions import regex_of_pattern
from lytics_azure_tui.sandbox.tds.errors import SqlError
from lytics_azure_tui.sandbox.tds.lexer import tokens
from lytics_azure_tui.sandbox.tds.names import split_name
from lytics_azure_tui.sandbox.tds.parse import parse, parse_expression


def kinds(text: str) -> list[str]:
    return [type(statement).__name__ for statement in parse(text)]


def test_statements_need_nothing_between_them() -> None:
    assert kinds("SET NOCOUNT ON SELECT 1 SELECT 2 AS a INSERT t VALUES (1) UPDATE t SET a = 1 DELETE t") == [
        "SetOption", "SelectStatement", "SelectStatement", "Insert", "Update", "Delete",
    ]  # fmt: skip
    assert kinds("BEGIN TRAN SELECT 1 COMMIT TRAN ; ; IF 1 = 1 SELECT 1 ELSE SELECT 2 SELECT 3") == [
        "Transaction", "SelectStatement", "Transaction", "If", "SelectStatement",
    ]  # fmt: skip
    assert kinds("DECLARE @a int = 1, @b nvarchar(max) SET @a = 2 WAITFOR DELAY '00:00:01' USE [x y]") == [
        "Declare", "SetVariable", "WaitFor", "Use",
    ]  # fmt: skip
    assert kinds("EXEC sp_who EXECUTE dbo.p 1, @x = N'a' OUTPUT; PRINT 'x'") == ["Execute", "Execute", "Print"]


def test_comments_and_quotes() -> None:
    found = tokens("SELECT /* a /* b */ c */ [a]]b], \"c\"\"d\", N'it''s' -- end\n, 0xFF")
    assert [(token.kind, token.value) for token in found[1:-1] if token.kind != "sign"] == [
        ("name", "a]b"), ("name", 'c"d'), ("nstring", "it's"), ("hex", "0xFF"),
    ]  # fmt: skip
    assert found[-1].line == 2


def test_a_query_with_everything() -> None:
    statement = parse(
        "WITH c (a) AS (SELECT 1) SELECT DISTINCT TOP (5) x = t.[a], b y, * INTO #n FROM c AS t WITH (NOLOCK) "
        "LEFT OUTER JOIN (SELECT 1 AS z) AS u ON u.z = t.a CROSS APPLY f(t.a) v WHERE NOT a IS NULL AND b "
        "NOT IN (1, 2) "
        "GROUP BY a HAVING COUNT(*) > 1 ORDER BY a DESC, 2 OFFSET @o ROWS FETCH NEXT 5 ROWS ONLY OPTION (RECOMPILE)"
    )[0]
    assert isinstance(statement, syntax.SelectStatement)
    query, select = statement.query, statement.query.body
    assert isinstance(select, syntax.Select)
    assert select.into == ("#n",)
    assert [item.name for item in select.items] == ["x", "y", None]
    assert query.offset == syntax.Variable("@o")
    assert [one.descending for one in query.order] == [True, False]


def test_what_binds_tighter() -> None:
    assert parse_expression("1 + 2 * 3 = 7 AND NOT a = 1 OR b = 2") == syntax.Binary(
        "OR",
        syntax.Binary(
            "AND",
            syntax.Binary(
                "=",
                syntax.Binary(
                    "+",
                    syntax.Literal("int", "1"),
                    syntax.Binary("*", syntax.Literal("int", "2"), syntax.Literal("int", "3")),
                ),
                syntax.Literal("int", "7"),
            ),
            syntax.Unary("NOT", syntax.Binary("=", syntax.Name(("a",)), syntax.Literal("int", "1"))),
        ),
        syntax.Binary("=", syntax.Name(("b",)), syntax.Literal("int", "2")),
    )


def test_constants() -> None:
    kinds_ = [("1", "int"), ("2147483648", "decimal"), ("1.5", "decimal"), ("1e3", "float"), ("$5.2", "money")]
    for text, kind in kinds_:
        assert parse_expression(text) == syntax.Literal(kind, text.lstrip("$"))
    assert parse_expression("-(-5)") == syntax.Literal("int", "5")


@pytest.mark.parametrize(
    ("text", "number", "words"),
    [
        ("SELECT * FROM t WHERE a = = 1", 102, "near '='"),
        ("SELECT FROM t", 156, "keyword 'FROM'"),
        ("SELECT a b c FROM t", 102, "near 'c'"),
        ("SELECT 'x", 105, "Unclosed"),
        ("SELECT /* x", 113, "comment"),
        ("SELECT ¤", 102, "near '¤'"),
        ("SELECT CAST(1 AS nothing)", 243, "Type nothing"),
        ("CREATE TABLE t (a int,,)", 102, "near ','"),
    ],
)
def test_mistakes(text: str, number: int, words: str) -> None:
    with pytest.raises(SqlError) as raised:
        parse(text)
    assert raised.value.number == number
    assert words in raised.value.message


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    for attempt in (text, f"SELECT {text}", f"SELECT a FROM {text}", f"CREATE TABLE {text}"):
        try:
            parse(attempt)
        except SqlError as error:
            assert error.severity <= 16


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=3))
def test_any_name_can_be_quoted(parts: list[str]) -> None:
    text = ".".join("[" + part.replace("]", "]]") + "]" for part in parts)
    assert split_name(text) == tuple(parts)


def test_names_within_strings() -> None:
    assert split_name("tempdb..#x") == ("tempdb", "", "#x")
    assert split_name("dbo.user") == ("dbo", "user")
    assert split_name("a b") == ()
    assert split_name("") == ()


@pytest.mark.parametrize(
    ("pattern", "escape", "fits", "not_"),
    [
        ("a%", "", ["a", "abc"], ["ba"]),
        ("a_c", "", ["abc"], ["ac", "abbc"]),
        ("[a-c]x", "", ["ax", "cx"], ["dx"]),
        ("[^a]x", "", ["bx"], ["ax"]),
        ("50\\%%", "\\", ["50% off"], ["500"]),
        ("a[_]b", "", ["a_b"], ["axb"]),
        ("x.y(", "", ["x.y("], ["xay("]),
    ],
)
def test_patterns(pattern: str, escape: str, fits: list[str], not_: list[str]) -> None:
    import re

    regex = re.compile(regex_of_pattern(pattern, escape), re.DOTALL)
    assert [bool(regex.fullmatch(text)) for text in [*fits, *not_]] == [True] * len(fits) + [False] * len(not_)
