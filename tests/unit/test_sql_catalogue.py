"""What the catalogue says of columns, told as an operator has to know it; no column is missing without a word."""

from __future__ import annotations

from typing import Any, cast

import pytest

from lytics_azure_tui.azure.sql import SqlSession
from lytics_azure_tui.azure.sql_catalogue import ColumnInfo, table
from lytics_azure_tui.errors import Fatal


class Answers:
    """A session that answers what sys.columns holds of a table with these columns."""

    def __init__(self, *rows: tuple[object, ...], unmasked: tuple[str, ...] = ()) -> None:
        self._rows, self._unmasked = rows, unmasked

    def rows(self, sql: str, values: dict[str, object], **_: object) -> list[tuple[object, ...]]:
        if "UNMASK" in sql:
            assert values == {"table": 77}
            return [(name,) for name in self._unmasked]
        return [(*row, "Shop", 77, "2026-01-01T00:00:00.120") for row in self._rows]


def row(
    name: str, kind: str | None, *, size: int = 4, system: int = 56, computed: bool = False, hidden: bool = False,
    masked: bool = False, encryption: int | None = None, graph: int | None = None,
) -> tuple[object, ...]:  # fmt: skip
    return (name, kind, size, 0, 0, True, system, None, 0, computed, hidden, masked, encryption, graph)


def columns(*rows: tuple[object, ...], **more: Any) -> tuple[ColumnInfo, ...]:
    return table(cast(SqlSession, Answers(*rows, **more)), "dbo", "t").columns


def test_a_table_is_told_from_another_of_its_name() -> None:
    found = table(cast(SqlSession, Answers(row("id", "int"))), "dbo", "t")
    assert (found.database, found.object_id, found.created) == ("Shop", 77, "2026-01-01T00:00:00.120")


def test_inner_columns_of_graph_tables_are_left_out_and_named() -> None:
    given = [
        row("graph_id_1", "bigint", hidden=True, graph=1), row("$edge_id_2", "nvarchar", size=2000, graph=2),
        row("from_obj_id_3", "int", hidden=True, graph=4), row("from_id_4", "bigint", hidden=True, graph=3),
        row("$from_id_5", "nvarchar", size=2000, graph=5), row("to_obj_id_6", "int", hidden=True, graph=7),
        row("to_id_7", "bigint", hidden=True, graph=6), row("$to_id_8", "nvarchar", size=2000, graph=8),
        row("weight", "int"),
    ]  # fmt: skip
    found = table(cast(SqlSession, Answers(*given)), "dbo", "t")
    assert [column.name for column in found.columns] == ["$edge_id_2", "$from_id_5", "$to_id_8", "weight"]
    assert found.internal == ("graph_id_1", "from_obj_id_3", "from_id_4", "to_obj_id_6", "to_id_7")


def test_hidden_computed_and_masked_columns_are_there_and_say_so() -> None:
    given = [
        row("valid_from", "datetime2", hidden=True), row("total", "int", computed=True), row("mail", "int", masked=True)
    ]  # fmt: skip
    assert [column.traits for column in columns(*given)] == [
        ("nullable", "hidden"),
        ("nullable", "computed"),
        ("nullable", "masked"),
    ]
    assert columns(*given, unmasked=("mail",))[2].traits == ("nullable",)
    assert all(column.importable for column in columns(*given))


def test_an_encrypted_column_is_refused_in_words() -> None:
    (column,) = columns(row("ssn", "nvarchar", size=22, encryption=1))
    assert not column.importable
    with pytest.raises(Fatal, match="ssn is encrypted by Always Encrypted") as told:
        column.selected("t")
    assert "Make a view" in told.value.fix


@pytest.mark.parametrize(
    ("kind", "sql"), [("json", "CAST(t.[x] AS nvarchar(max))"), ("vector", "CAST(t.[x] AS nvarchar(max))")]
)
def test_types_of_json_and_vectors_are_read_as_text(kind: str, sql: str) -> None:
    (column,) = columns(row("x", kind, size=-1, system=244))
    assert column.selected("t") == sql


@pytest.mark.parametrize("kind", [None, "point_of_ours"])
def test_a_type_that_is_not_known_is_told_and_refused(kind: str | None) -> None:
    (column,) = columns(row("x", kind, system=240))
    assert not column.importable
    with pytest.raises(Fatal, match=f"The column x is of the type {kind or 'number 240'}, which cannot be imported"):
        column.selected("t")
