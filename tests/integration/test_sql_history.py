"""Rows are inserted, changed and committed late while imports go on: every version that a run could see arrives once.

Hypothesis makes up the histories. The oracle is the test's own book of what was committed when, in plain Python.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.tables import Tables

START = datetime(2026, 1, 1)
OVERLAP = 10
KINDS = {
    "by its time": "id int NOT NULL PRIMARY KEY, v int NOT NULL, at datetime2(7) NULL",
    "by its time, without a key": "id int NOT NULL, v int NOT NULL, at datetime NULL",
    "by rowversion": "id int NOT NULL PRIMARY KEY, v int NOT NULL, at datetimeoffset(3) NULL, rv rowversion",
}

ACTS = st.one_of(
    st.tuples(st.just("insert"), st.booleans()),
    st.tuples(st.just("change"), st.integers(0, 20)),
    st.tuples(st.just("begin"), st.booleans()),
    st.tuples(st.just("begin change"), st.integers(0, 20)),
    st.tuples(st.just("end"), st.integers(0, 3)),
    st.tuples(st.just("pass"), st.integers(0, 200)),
    st.tuples(st.just("run"), st.none()),
)
HISTORIES = st.lists(ACTS, min_size=3, max_size=14)

_numbers = itertools.count()


@dataclass
class Book:
    """What is committed, and what imports must have brought.

    Attributes:
        table: id → (v, whether it has a time) as committed.
        expected: (id, v) of every version that a run could see.
        now: the time that rows get; seconds after the start.
        ids: of the next row.
        version: of the next change.
    """

    table: dict[int, int] = field(default_factory=dict)
    expected: set[tuple[int, int]] = field(default_factory=set)
    now: float = 0.0
    ids: int = 0
    version: int = 0


class History:
    """Carries a history out, on the server and in the book."""

    def __init__(self, tables: Tables, root: Path, name: str, stack: ExitStack, *, ordered: bool) -> None:
        self.ordered = ordered
        self.tables, self.table, self.stack = tables, f"{tables.schema}.{name}", stack
        self.book = Book()
        # A transaction under way, what it will have changed, and the rows that it holds.
        self.open: list[tuple[Any, int, int]] = []
        self.cursor = stack.enter_context(tables.connection())
        self.job = tables.importer(root, table=name, continuous_update=True, overlap_minutes=OVERLAP)

    def act(self, act: str, detail: Any) -> None:
        book = self.book
        book.now += 0.5
        match act:
            case "insert":
                self._write(self.cursor, *self._insert(timeless=detail))
            case "change" if free := self._free():
                self._write(self.cursor, *self._change(free[detail % len(free)]))
            case "begin" if len(self.open) < 3:
                self._begin(*self._insert(timeless=detail))
            case "begin change" if len(self.open) < 3 and (free := self._free()):
                self._begin(*self._change(free[detail % len(free)]))
            case "end" if self.open:
                cursor, id, version = self.open.pop(detail % len(self.open))
                cursor.execute("COMMIT")
                book.table[id] = version
            case "pass":
                # A transaction is not open for longer than the overlap.
                self.settle()
                book.now += detail
            case "run":
                self.run()

    def settle(self) -> None:
        """Commits all that is under way."""
        while self.open:
            self.act("end", 0)

    def run(self) -> None:
        # By rowversion, what was written after a transaction that is under way waits for its end.
        ahead = min((version for _, _, version in self.open), default=math.inf) if self.ordered else math.inf
        self.book.expected |= {(id, version) for id, version in self.book.table.items() if version < ahead}
        self.job.run()

    def _free(self) -> list[int]:
        held = {id for _, id, _ in self.open}
        return [id for id in self.book.table if id not in held]

    def _time(self) -> str:
        return f"'{(START + timedelta(seconds=self.book.now)).isoformat(timespec='milliseconds')}'"

    def _insert(self, *, timeless: bool) -> tuple[str, int, int]:
        self.book.ids += 1
        self.book.version += 1
        time = "NULL" if timeless else self._time()
        id, version = self.book.ids, self.book.version
        return f"INSERT INTO {self.table} (id, v, at) VALUES ({id}, {version}, {time})", id, version

    def _change(self, id: int) -> tuple[str, int, int]:
        self.book.version += 1
        version = self.book.version
        return f"UPDATE {self.table} SET v = {version}, at = {self._time()} WHERE id = {id}", id, version

    def _write(self, cursor: Any, statement: str, id: int, version: int) -> None:
        cursor.execute(statement)
        self.book.table[id] = version

    def _begin(self, statement: str, id: int, version: int) -> None:
        cursor = self.stack.enter_context(self.tables.connection(autocommit=False))
        cursor.execute(statement)
        self.open.append((cursor, id, version))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=35, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(history=HISTORIES)
def test_every_version_that_a_run_could_see_arrives_once(
    tables: Tables, tmp_path: Path, kind: str, history: list[tuple[str, Any]]
) -> None:
    name = f"t{next(_numbers)}"
    tables.run(f"CREATE TABLE {{s}}.{name} ({KINDS[kind]})")
    with ExitStack() as stack:
        told = History(tables, tmp_path / name, name, stack, ordered="rv" in KINDS[kind])
        for act, detail in history:
            told.act(act, detail)
        told.settle()
        told.run()
    arrived = Counter((int(id), int(version)) for id, version in told.job.rows("id, v"))
    assert arrived == Counter(told.book.expected)
