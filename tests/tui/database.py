"""A database for pictures: tables and failures that stay the same. What it cannot show is tried on a server."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest

from lytics_azure_tui.azure.sql_catalogue import ColumnInfo, Table, TableInfo
from lytics_azure_tui.azure.sql_database import Database
from lytics_azure_tui.errors import Cancelled, Fatal, LyazureError
from lytics_azure_tui.model.authorization import AzureSql
from lytics_azure_tui.model.secret import Secret
from tests.tui.world import StillDesk, World

SHOP = AzureSql(
    id="shop",
    label="Shop database",
    server="shop.database.windows.net",
    database="shop",
    user="etl",
    password=Secret("open-sesame-1001"),
)
Name = tuple[str, str]
Rows = list[tuple[str | None, ...]]


@dataclass
class Stock:
    """Tables and views, in memory; it stands where `azure.sql_database.Database` does.

    Attributes:
        tables: by schema and name.
        page: tables that are listed at once.
        broken: raised by whatever is asked, while it is there.
        unreadable: raised by a preview, while it is there.
        gate: whoever asks waits until it is open, or until nobody waits for the answer.
        asked: filter and beginning of each list.
        previews: name and order of each preview.
    """

    held: dict[Name, tuple[TableInfo, Table, Rows]] = field(default_factory=dict)
    page: int = 500
    broken: LyazureError | None = None
    unreadable: LyazureError | None = None
    gate: threading.Event = field(default_factory=threading.Event)
    asked: list[tuple[str, int]] = field(default_factory=list)
    previews: list[tuple[str, str | None]] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def put(
        self, schema: str, name: str, columns: Sequence[ColumnInfo], rows: Rows, *, count: int | None, size: int = 0
    ) -> None:
        """Holds a table; without a count it is a view."""
        info = TableInfo(schema, name, count is None, count, None if count is None else size)
        self.held[schema, name] = (info, Table(schema, name, tuple(columns)), rows)

    def tables(
        self, wanted: str = "", skip: int = 0, *, stop: threading.Event | None = None
    ) -> tuple[list[TableInfo], bool]:
        self.asked.append((wanted, skip))
        self._answer(stop)
        found = [self.held[key][0] for key in sorted(self.held) if wanted.casefold() in ".".join(key).casefold()]
        return found[skip : skip + self.page], len(found) > skip + self.page

    def table(self, schema: str, name: str, *, stop: threading.Event | None = None) -> Table:
        self._answer(stop)
        if (schema, name) not in self.held:
            raise Fatal(f"There is no table or view {schema}.{name}", fix="Look at its name")
        return self.held[schema, name][1]

    def preview(self, table: Table, order: str | None = None, *, stop: threading.Event | None = None) -> Rows:
        self.previews.append((table.name, order))
        self._answer(stop)
        if self.unreadable is not None:
            raise self.unreadable
        return self.held[table.schema, table.name][2]

    def close(self) -> None:
        self.closed.set()

    def _answer(self, stop: threading.Event | None) -> None:
        while not self.gate.wait(0.02):
            if stop is not None and stop.is_set():
                raise Cancelled("Nobody waits for the answer any more")
        if self.broken is not None:
            raise self.broken


def _column(name: str, declared: str, *, nullable: bool = True, key: int = 0, leads: bool = False) -> ColumnInfo:
    kind = {"rowversion": "timestamp"}.get(declared, declared.partition("(")[0])
    return ColumnInfo(name, kind, declared, nullable, key, leads)


ORDERS = (
    _column("order_id", "bigint", nullable=False, key=1, leads=True),
    _column("customer_id", "int", nullable=False),
    _column("status", "nvarchar(20)"),
    _column("total", "decimal(12,2)", nullable=False),
    _column("placed_on", "date"),
    _column("updated_at", "datetime2(7)", nullable=False, leads=True),
    _column("details", "sql_variant"),
    _column("version", "rowversion", nullable=False),
)
TARGETS = (_column("region", "nvarchar(40)", nullable=False), _column("quarter", "char(6)"), _column("target", "money"))
EVENTS = (
    _column("id", "bigint", nullable=False, key=1, leads=True),
    _column("event", "varchar(50)"),
    _column("at", "datetimeoffset(3)"),
)
BRACKETS, NEWLINE, ARABIC = "q[/bar]z", "two\nlines \x1b[31m", "مبيعات \u202etxt"
LONG = "figures_" + "_".join(f"region_{number:02}" for number in range(12)) + "_"


def full() -> Stock:
    """Some schemas: a large table, a view, one without times, empty ones, and names that are meant badly."""
    stock = Stock()
    orders: Rows = [
        (str(9000 - row), str(row), ("open", "paid", None)[row % 3], f"{row}.50", "2026-11-23",
         f"2026-11-24T09:{59 - row:02}:00.1234567", "(sql_variant)", f"0x{9000 - row:016X}")
        for row in range(50)
    ]  # fmt: skip
    events: Rows = [(str(row), "page [view]", f"2026-11-24T10:00:{row:02}.000+01:00") for row in range(50)]
    stock.put("sales", "orders", ORDERS, orders, count=1_204_331, size=312_000_000)
    stock.put("sales", "order_lines", ORDERS, orders, count=48_201_977, size=9_120_000_000)
    stock.put(
        "sales", "targets", TARGETS, [("EMEA", "2026Q4", "120000.0000"), ("APAC", "2026Q4", None)], count=2, size=16_384
    )
    stock.put("sales", "recent_orders", ORDERS, orders, count=None)
    stock.put("web", "events", EVENTS, events, count=912, size=147_456)
    stock.put("web", "sessions", EVENTS, [], count=0)
    for name in (BRACKETS, NEWLINE, ARABIC, LONG):
        stock.put("dbo", name, (_column(name, "nvarchar(max)"), *EVENTS), [(name, *events[0])], count=17, size=8192)
    stock.put("dbo", "customers", EVENTS, events, count=250_000, size=48_000_000)
    return stock


def put_on(world: World, stock: Stock, patch: pytest.MonkeyPatch) -> None:
    """Gives the world an authorization, and the stock in place of the database."""
    world.folder.save_authorization(SHOP.model_copy(update={"password": None}))
    patch.setattr("lytics_azure_tui.azure.sql_database.Database", lambda _authorization: cast(Database, stock))
    patch.setattr(StillDesk, "unlock", lambda _desk, _id: SHOP)
