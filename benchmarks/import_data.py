"""The two days of customers that the import is measured on: made by DuckDB, once, in the cache folder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import duckdb

from lytics_azure_tui.sandbox.cache import cache_folder, make_once

DAYS = ("20260301", "20260302")
CHANGED_IN = 100
"""One row in so many is another on the second day."""

COLUMNS = (
    "customer_id",
    "email",
    "first_name",
    "last_name",
    "address",
    "city",
    "phone",
    "plan",
    "lifetime_value",
    "updated_at",
)

# Half of the addresses have a comma, and so quotes: one field in twenty of the file.
_CUSTOMERS = """
SELECT
    i + 1 AS customer_id,
    format('{}.{}{}@{}', lower(first_name), lower(last_name), i % 100000, mail) AS email,
    first_name,
    last_name,
    format('{} {} {}{}', 1 + draw % 999, street, kind, CASE WHEN draw % 2 = 0 THEN ', Floor ' || draw % 31 ELSE '' END)
        AS address,
    city,
    format('+1{:03d}555{:04d}', 201 + draw % 700, i % 10000) AS phone,
    plan,
    printf('%.2f', (draw % 1000000) / 100 + CASE WHEN changed THEN 25 ELSE 0 END) AS lifetime_value,
    strftime(TIMESTAMP '2025-03-01' + to_seconds(draw % 31000000 + CASE WHEN changed THEN 31000000 ELSE 0 END),
        '%Y-%m-%dT%H:%M:%SZ') AS updated_at
FROM (
    SELECT
        i, draw, $second_day AND i % $changed_in = 37 AS changed,
        ['Olivia', 'Noah', 'Emma', 'Liam', 'Amelia', 'Mateo', 'Sofia', 'Jürgen', 'Zoë', 'Kenji', 'Aisha', 'Paulo']
            [1 + draw % 12] AS first_name,
        ['Smith', 'Johnson', 'Garcia', 'Müller', 'Nguyen', 'Okafor', 'Rossi', 'Tanaka', 'Kowalski', 'Silva', 'Chen']
            [1 + (draw >> 8) % 11] AS last_name,
        ['example.com', 'example.org', 'mail.example.net', 'mail.example.com'][1 + (draw >> 16) % 4] AS mail,
        ['Maple', 'Washington', 'Lakeview', 'Chestnut', 'Highland', 'Riverside'][1 + (draw >> 20) % 6] AS street,
        ['Street', 'Avenue', 'Boulevard', 'Lane'][1 + (draw >> 24) % 4] AS kind,
        ['Portland', 'San Francisco', 'Salt Lake City', 'Minneapolis', 'Albuquerque', 'Philadelphia']
            [1 + (draw >> 28) % 6] AS city,
        ['free', 'starter', 'professional', 'enterprise'][1 + (draw >> 32) % 4] AS plan
    FROM (SELECT i, (hash(i) >> 1)::BIGINT AS draw FROM range($rows) AS numbers(i))
)
"""


@dataclass(frozen=True, slots=True)
class Sums:
    """What tells two sets of rows apart.

    Attributes:
        rows: how many.
        checksum: the sum of the hashes of all their values; the order of rows does not matter.
    """

    rows: int
    checksum: int

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.rows + other.rows, self.checksum + other.checksum)


@dataclass(frozen=True, slots=True)
class Customers:
    """The files and what is in them.

    Attributes:
        days: the file of each day.
        first: all rows of the first day.
        changed: the rows of the second day that the first had not.
    """

    days: tuple[Path, Path]
    first: Sums
    changed: Sums


def customers(rows: int) -> Customers:
    """The files, made now if they are not there, and their sums by DuckDB's own reading of them."""
    # Other customers are other files.
    version = hashlib.sha256(_CUSTOMERS.encode()).hexdigest()[:8]
    folder = make_once(_folder() / f"customers-{rows}-{version}", lambda unfinished: _make(unfinished, rows))
    first, second = (folder / name_of(day) for day in DAYS)
    changed = f"(customer_id::BIGINT - 1) % {CHANGED_IN} = 37"
    return Customers((first, second), _of_csv(first, "true"), _of_csv(second, changed))


def name_of(day: str) -> str:
    """The name of a day's file."""
    return f"customers_{day}.csv"


def of_parquet(files: list[str]) -> Sums:
    """The sums of the customers in Parquet files whose columns are text."""
    return _sums("read_parquet($files)", {"files": files})


def count(pattern: str) -> int:
    """How many rows there are in Parquet files of any types."""
    with _database() as connection:
        found = connection.execute("SELECT count(*) FROM read_parquet($pattern)", {"pattern": pattern}).fetchone()
    return int(found[0]) if found else 0


def _database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    # It would be drawn on the output, terminal or not.
    connection.execute("SET enable_progress_bar = false")
    return connection


def _folder() -> Path:
    folder = cache_folder() / "benchmarks"
    folder.mkdir(exist_ok=True)
    return folder


def _make(folder: Path, rows: int) -> None:
    with _database() as connection:
        for second_day, day in enumerate(DAYS):
            connection.execute(
                f"COPY ({_CUSTOMERS}) TO '{folder / name_of(day)}' (FORMAT csv, HEADER)",
                {"rows": rows, "second_day": bool(second_day), "changed_in": CHANGED_IN},
            )


def _of_csv(path: Path, where: str) -> Sums:
    return _sums(f"(FROM read_csv($path, all_varchar = true) WHERE {where})", {"path": str(path)})


def _sums(source: str, values: dict[str, object]) -> Sums:
    with _database() as connection:
        query = f"SELECT count(*), coalesce(sum(hash({', '.join(COLUMNS)})::HUGEINT), 0) FROM {source}"
        found = connection.execute(query, values).fetchone()
    if found is None:
        raise LookupError("DuckDB counted nothing")
    return Sums(int(found[0]), int(found[1]))
