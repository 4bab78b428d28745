"""Live choices of a database: tables with their sizes, and the columns by which rows can be put in order of time."""

from __future__ import annotations

from typing import Any, cast

import pytest

from lytics_azure_tui.azure.sql_catalogue import ColumnInfo, Table, TableInfo
from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.jobs.choices import Choice, choices
from lytics_azure_tui.jobs.time_columns import newest_by, time_columns
from lytics_azure_tui.lytics.protocol import Lytics
from lytics_azure_tui.model.authorization import AzureSql, AzureStorage
from lytics_azure_tui.model.form import Source

SHOP = AzureSql(id="shop", label="Shop", server="x", database="y", user="z")


class _Database:
    """Two tables and a view."""

    def __init__(self, _authorization: AzureSql) -> None:
        self.closed = False

    def tables(self, wanted: str = "", skip: int = 0) -> tuple[list[TableInfo], bool]:
        found = [
            TableInfo("dbo", "odd [name]", False, 1, 8192),
            TableInfo("sales", "orders", False, 1234, 12_000_000),
            TableInfo("sales", "recent", True, None, None),
        ]
        return [info for info in found if wanted in f"{info.schema}.{info.name}"], False

    def table(self, schema: str, name: str) -> Table:
        columns = {
            "orders": (
                column("id", "bigint"),
                column("created_at", "datetime2", "datetime2(7)", nullable=True),
                column("note", "nvarchar"),
                column("updated_at", "datetimeoffset", "datetimeoffset(3)", leads=True),
            ),
            "targets": (column("region", "nvarchar"), column("version", "timestamp", "rowversion")),
        }
        return Table(schema, name, columns[name])

    def close(self) -> None:
        self.closed = True


def column(
    name: str, kind: str = "datetime2", declared: str = "", *, nullable: bool = False, leads: bool = False
) -> Any:
    """A column."""
    return ColumnInfo(name, kind, declared or kind, nullable, 0, leads)


@pytest.fixture(autouse=True)
def database(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in."""
    monkeypatch.setattr("lytics_azure_tui.azure.sql_database.Database", _Database)


def of(source: Source, answers: dict[str, Any], typed: str = "") -> list[Choice]:
    """The choices."""
    return choices(source, answers, SHOP, cast(Lytics, None), typed=typed)


def test_tables_come_by_their_names_in_sql_with_rows_and_size() -> None:
    assert of(Source.TABLES, {}) == [
        Choice("dbo.[odd [name]]]", "dbo.[odd [name]]]", "about 1 row · 8.19 KB"),
        Choice("sales.orders", "sales.orders", "about 1,234 rows · 12.0 MB"),
        Choice("sales.recent", "sales.recent", "view"),
    ]
    assert [choice.value for choice in of(Source.TABLES, {}, typed="s.re")] == ["sales.recent"]


def test_columns_of_times_come_with_what_speaks_for_them_the_likeliest_first() -> None:
    assert of(Source.TIME_COLUMNS, {"source": "sales.orders"}) == [
        Choice("updated_at", "updated_at", "datetimeoffset(3) · indexed", likely=True),
        Choice("created_at", "created_at", "datetime2(7) · nullable", likely=True),
    ]


def test_a_table_without_times_says_what_to_do() -> None:
    with pytest.raises(BadConfiguration, match=r"sales\.targets has no column of dates or times") as raised:
        of(Source.TIME_COLUMNS, {"source": "sales.targets"})
    assert "version is a rowversion, and tells no time" in raised.value.why
    assert "make a view" in raised.value.fix


def test_what_is_no_table_name_says_so() -> None:
    with pytest.raises(BadConfiguration, match="is not the name of a table"):
        of(Source.TIME_COLUMNS, {"source": "a.b.c"})


def test_another_method_has_no_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with pytest.raises(BadConfiguration, match="gives no access to a database"):
        choices(Source.TABLES, {}, AzureStorage(id="a", label="A"), cast(Lytics, None))


@pytest.mark.parametrize(
    "order",
    [
        ("last_modified", "created_at", "valid_from"),
        ("LastUpdatedUtc", "OrderDate"),
        ("rowChangedTS", "birthday"),
        ("UPDATED", "inserted_on", "x"),
    ],
)
def test_names_of_changes_come_before_those_of_births_and_others(order: tuple[str, ...]) -> None:
    table = Table("s", "t", tuple(column(name) for name in reversed(order)))
    assert tuple(found.name for found in time_columns(table)) == order


def test_an_index_a_value_in_each_row_and_the_time_of_day_speak_for_a_column() -> None:
    plain, indexed, empty = column("a_at"), column("b_at", leads=True), column("c_at", nullable=True)
    day = column("d_at", "date")
    table = Table("s", "t", (day, empty, plain, indexed))
    assert [found.name for found in time_columns(table)] == ["b_at", "a_at", "c_at", "d_at"]
    assert newest_by(table) == indexed
    assert newest_by(Table("s", "t", (plain,))) is None
