"""A database as a shop might have it: its customers are those of the sample files, so that profiles can be joined.

Every value is the same on every machine and on every day. Tables are declared in T-SQL; their rows are made inside of
the server, in DuckDB's own SQL, as a million of them over a connection would take minutes.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from lytics_azure_tui.azure.sql import text_literal
from lytics_azure_tui.sandbox import people
from lytics_azure_tui.sandbox.sample_data import DAYS, FIRST_DAY
from lytics_azure_tui.sandbox.tds import SqlServer

VERSION = 2
"""Of the tables: the cache keeps one copy of each."""
CUSTOMERS = 50_000
ORDERS = 300_000
ACTIVITIES = 1_000_000
DAYS_OF_ACTIVITY = 90

_TICKS_A_DAY = 864_000_000_000
_FIRST_ORDER = date(2024, 1, 1)
_END = FIRST_DAY.toordinal() + DAYS

_TABLES = (
    "CREATE SCHEMA sales",
    "CREATE SCHEMA web",
    """
    CREATE TABLE sales.customers (
      customer_id int NOT NULL CONSTRAINT PK_customers PRIMARY KEY CLUSTERED,
      customer_number char(7) NOT NULL CONSTRAINT UQ_customers_number UNIQUE,
      email nvarchar(120) NOT NULL,
      first_name nvarchar(50) NOT NULL,
      last_name nvarchar(50) NOT NULL,
      city nvarchar(60) NULL,
      country char(2) NULL,
      segment varchar(20) NOT NULL,
      lifetime_value decimal(12,2) NOT NULL,
      newsletter bit NOT NULL,
      born date NULL,
      remarks nvarchar(max) NULL,
      created_at datetime NOT NULL,
      updated_at datetime2(7) NOT NULL,
      rv rowversion
    )
    """,
    """
    CREATE TABLE sales.products (
      product_id smallint NOT NULL CONSTRAINT PK_products PRIMARY KEY,
      name nvarchar(60) NOT NULL,
      price money NOT NULL,
      on_sale bit NOT NULL
    )
    """,
    """
    CREATE TABLE sales.stores (
      store_id smallint NOT NULL CONSTRAINT PK_stores PRIMARY KEY,
      name nvarchar(80) NOT NULL,
      city nvarchar(60) NOT NULL,
      country char(2) NOT NULL,
      opened date NOT NULL,
      square_metres int NULL
    )
    """,
    """
    CREATE TABLE sales.orders (
      order_id bigint NOT NULL CONSTRAINT PK_orders PRIMARY KEY CLUSTERED,
      customer_id int NOT NULL,
      product_id smallint NOT NULL,
      store_id smallint NULL,
      quantity tinyint NOT NULL,
      total decimal(10,2) NOT NULL,
      status varchar(12) NOT NULL,
      paid_by varchar(20) NULL,
      created_at datetime2(3) NOT NULL,
      delivered_on date NULL
    )
    """,
    """
    CREATE TABLE web.activity (
      activity_id bigint NOT NULL CONSTRAINT PK_activity PRIMARY KEY CLUSTERED,
      occurred_at datetime2(7) NOT NULL,
      user_id int NULL,
      email nvarchar(120) NULL,
      url nvarchar(400) NOT NULL,
      category varchar(20) NOT NULL,
      amount decimal(18,4) NULL,
      session_id uniqueidentifier NOT NULL,
      seconds float NULL,
      is_mobile bit NOT NULL
    )
    """,
    """
    CREATE TABLE web.campaigns (
      code varchar(20) NOT NULL CONSTRAINT PK_campaigns PRIMARY KEY,
      title nvarchar(100) NOT NULL,
      starts datetimeoffset(0) NOT NULL,
      budget smallmoney NULL
    )
    """,
    """
    CREATE VIEW sales.customer_totals AS
      SELECT c.customer_id, c.email, COUNT_BIG(o.order_id) AS orders, SUM(o.total) AS total, MAX(o.created_at) AS newest
      FROM sales.customers AS c LEFT JOIN sales.orders AS o ON o.customer_id = c.customer_id
      GROUP BY c.customer_id, c.email
    """,
)
_CAMPAIGNS = """
  ('SUMMER26', N'Summer & sun', '2026-06-01T00:00:00+02:00', 25000),
  ('BOOTS', N'Zwei Paar für eins', '2026-05-15T08:00:00+02:00', 8000.5),
  ('WELCOME', N'Willkommen! Bienvenue! Добро пожаловать!', '2025-01-01T00:00:00Z', NULL)
"""


def fill(server: SqlServer, say: Callable[[str], None]) -> int:
    """Makes the tables of the demo in an empty database and fills them. Returns the number of rows.

    Args:
        server: that runs.
        say: is told, in a short sentence, what takes long.
    """
    say(f"Filling the database, one table of {ACTIVITIES:,} rows among them…")
    with server.session() as session:
        for statement in _TABLES:
            session.run(statement)
        with _lists() as folder:
            for statement in _rows(folder):
                session.run(f"EXEC sandbox_native {text_literal(statement)}")
        session.run(f"INSERT INTO web.campaigns (code, title, starts, budget) VALUES {_CAMPAIGNS}")
    return CUSTOMERS + ORDERS + ACTIVITIES + len(people.PRODUCTS) + _STORES + 3


_STORES = 180


@contextmanager
def _lists() -> Iterator[Path]:
    """What is made of lists of words: the customers of the sample files and some more, stores, products."""
    with TemporaryDirectory(prefix="lyazure-tables-") as name:
        folder = Path(name)
        random = Random("customers")
        _write(folder / "customers.csv", (people.customer(random, n, FIRST_DAY) for n in range(1, CUSTOMERS + 1)))
        random = Random("partners")
        _write(folder / "stores.csv", (people.store(random, number) for number in range(1, _STORES + 1)))
        _write(folder / "products.csv", ((product,) for product in people.PRODUCTS))
        _write(folder / "remarks.csv", ((remark,) for remark in people.REMARKS))
        yield folder


def _write(path: Path, rows: Iterator[people.Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def _rows(folder: Path) -> Iterator[str]:
    """DuckDB's SQL. Times are counts of 100 ns since the year 1, as the server keeps them."""

    def read(name: str) -> str:
        path = str(folder / f"{name}.csv").replace("'", "''")
        return f"read_csv('{path}', header = false, all_varchar = true, quote = '\"', escape = '\"')"

    yield f"""
    INSERT INTO sales.customers SELECT id, column0, column1, column2, column3, column4, column5, column6,
      CAST(column7 AS DECIMAL(12,2)), column8 = 'true',
      CASE WHEN hash(id, 1) % 10 < 7 THEN DATE '1940-01-01' + CAST(hash(id, 2) % 24000 AS INTEGER) END,
      CASE WHEN hash(id, 3) % 12 = 0 THEN r.remark END,
      {_ticks(date(2019, 1, 1))} + CAST(hash(id, 4) % 2400 AS BIGINT) * {_TICKS_A_DAY}
        + CAST(hash(id, 5) % 86400 AS BIGINT) * 10000000,
      (epoch_us(CAST(column9 AS TIMESTAMP)) + {_MICROSECONDS_TO_1970}) * 10 + CAST(hash(id, 6) % 10000000 AS BIGINT),
      nextval('__catalogue.rowversions')
    FROM (SELECT row_number() OVER () AS id, * FROM {read("customers")}) c
    LEFT JOIN (SELECT row_number() OVER () - 1 AS n, column0 AS remark FROM {read("remarks")}) r
      ON r.n = hash(id, 7) % {len(people.REMARKS)}
    ORDER BY id
    """
    yield f"""
    INSERT INTO sales.products SELECT row_number() OVER (), column0,
      9.9 + CAST(hash(column0) % 280 AS INTEGER), hash(column0, 1) % 4 = 0 FROM {read("products")}
    """
    yield f"""
    INSERT INTO sales.stores SELECT CAST(substr(column0, 2) AS SMALLINT), column1, column2, column3,
      CAST(column4 AS DATE), CAST(column5 AS INTEGER) FROM {read("stores")}
    """
    yield f"""
    INSERT INTO sales.orders SELECT i, 1 + hash(i, 10) % {CUSTOMERS}, p.product_id,
      CASE WHEN hash(i, 11) % 3 = 0 THEN 1 + hash(i, 12) % {_STORES} END, q,
      CAST(p.price * q AS DECIMAL(10,2)), s.status, pay.name, created // 10000 * 10000,
      CASE WHEN s.status = 'delivered'
        THEN DATE '0001-01-01' + CAST(created // {_TICKS_A_DAY} + 2 + hash(i, 13) % 5 AS INTEGER) END
    FROM (SELECT i, CAST(1 + hash(i, 14) % 3 AS UTINYINT) AS q,
        {_ticks(_FIRST_ORDER)} + CAST(i * {_END - _FIRST_ORDER.toordinal()} / {ORDERS} * {_TICKS_A_DAY} AS BIGINT)
          + CAST(hash(i, 15) % 36000000000 AS BIGINT) AS created
      FROM range(1, {ORDERS + 1}) t(i)) o
    JOIN sales.products p ON p.product_id = 1 + hash(i, 16) % {len(people.PRODUCTS)}
    JOIN (VALUES (0, 'delivered'), (1, 'delivered'), (2, 'delivered'), (3, 'sent'), (4, 'paid'), (5, 'returned'))
      s(n, status) ON s.n = hash(i, 17) % 6
    LEFT JOIN (VALUES (0, 'card'), (1, 'card'), (2, 'invoice'), (3, 'wallet')) pay(n, name) ON pay.n = hash(i, 18) % 5
    ORDER BY i
    """
    pages = ", ".join(f"({number}, '{page}')" for number, page in enumerate(people.PAGES))
    yield f"""
    INSERT INTO web.activity SELECT i, {_ticks(FIRST_DAY)} + {(DAYS - DAYS_OF_ACTIVITY) * _TICKS_A_DAY}
        + i * {DAYS_OF_ACTIVITY * _TICKS_A_DAY // ACTIVITIES} + CAST(hash(i, 20) % 9000000 AS BIGINT),
      c.customer_id, c.email,
      'https://shop.example.com' || g.page || '?ref=' || (hash(i, 21) % 1000), k.category,
      CASE WHEN k.category = 'purchase' THEN CAST(9 + (hash(i, 22) % 3000000) / 10000 AS DECIMAL(18,4)) END,
      CAST(md5(CAST(i // 7 AS VARCHAR)) AS UUID), (hash(i, 23) % 600000) / 1000, hash(i // 7, 24) % 3 > 0
    FROM range(1, {ACTIVITIES + 1}) t(i)
    JOIN (VALUES {pages}) g(n, page) ON g.n = hash(i, 25) % {len(people.PAGES)}
    JOIN (VALUES (0, 'view'), (1, 'view'), (2, 'view'), (3, 'view'), (4, 'search'), (5, 'cart'), (6, 'cart'),
      (7, 'purchase')) k(n, category) ON k.n = hash(i, 26) % 8
    LEFT JOIN sales.customers c ON c.customer_id = 1 + hash(i // 7, 27) % {CUSTOMERS + CUSTOMERS // 4}
    ORDER BY i
    """


_MICROSECONDS_TO_1970 = (date(1970, 1, 1).toordinal() - 1) * 86_400_000_000


def _ticks(day: date) -> int:
    return (day.toordinal() - 1) * _TICKS_A_DAY
