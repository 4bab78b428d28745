"""The SQL of filters is held against a second implementation of FilterQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lytics_azure_tui.lytics.duck import database, quoted
from lytics_azure_tui.lytics.language.boundary import boundary_sql
from lytics_azure_tui.lytics.language.compile import condition_sql
from lytics_azure_tui.lytics.language.scope import Scope, profile_fields, sql_type
from lytics_azure_tui.model.language.parse import parse_filter
from lytics_azure_tui.model.user_field import FieldKind, UserField
from tests import filter_oracle as oracle

NOW = datetime(2025, 6, 15, 12, tzinfo=UTC)
FIELDS = [UserField(name, FieldKind(kind)) for name, kind in oracle.KINDS.items()]
AUDIENCES = {slug: parse_filter(f"FILTER {oracle.written(made)}") for slug, made in oracle.AUDIENCES.items()}


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with database(memory=256 << 20) as opened:
        columns = ", ".join(f"{quoted(field.name)} {sql_type(field.kind)}" for field in FIELDS)
        opened.execute(f"CREATE TABLE profiles (place INTEGER, {columns})")
        yield opened


def scope(now: datetime) -> Scope:
    return Scope(profile_fields(FIELDS), f"TIMESTAMPTZ '{now.isoformat()}'", AUDIENCES)


def fill(connection: duckdb.DuckDBPyConnection, profiles: Sequence[oracle.Profile]) -> None:
    connection.execute("DELETE FROM profiles")
    for place, profile in enumerate(profiles):
        values, marks = list[Any]([place]), ["?"]
        for field in FIELDS:
            value = profile[field.name]
            if field.kind.is_map and value is not None:
                marks.append(f"map(?::VARCHAR[], ?::{sql_type(field.kind.element)}[])")
                values += [list(value), list(value.values())]
            else:
                marks.append(f"?::{sql_type(field.kind)}")
                values.append(value)
        connection.execute(f"INSERT INTO profiles VALUES ({', '.join(marks)})", values)


def answers(connection: duckdb.DuckDBPyConnection, sql: str) -> list[Any]:
    return [row[0] for row in connection.execute(f"SELECT {sql} FROM profiles ORDER BY place").fetchall()]


@settings(max_examples=200, deadline=None)
@given(st.lists(oracle.profiles, min_size=1, max_size=4), oracle.conditions(), oracle.dates)
def test_a_filter_finds_the_profiles_that_it_means(
    connection: duckdb.DuckDBPyConnection, profiles: list[oracle.Profile], condition: oracle.Condition, now: datetime
) -> None:
    fill(connection, profiles)
    text = f"FILTER {oracle.written(condition)}"
    sql = condition_sql(parse_filter(text).condition, scope(now))
    assert answers(connection, sql) == [oracle.holds(condition, profile, now) for profile in profiles], text


@settings(max_examples=150, deadline=None)
@given(oracle.profiles, oracle.conditions(oracle.date_predicates), oracle.dates, st.lists(st.floats(0, 1), max_size=8))
def test_no_answer_changes_before_its_boundary(
    connection: duckdb.DuckDBPyConnection,
    profile: oracle.Profile,
    condition: oracle.Condition,
    now: datetime,
    fractions: list[float],
) -> None:
    fill(connection, [profile])
    sql = boundary_sql(parse_filter(f"FILTER {oracle.written(condition)}").condition, scope(now))
    (boundary,) = answers(connection, f"epoch_us({sql})") if sql else (None,)
    end = now + timedelta(days=60 * 366)
    if boundary is not None:
        end = min(end, datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=boundary - 1))
        assert end >= now
    answer = oracle.holds(condition, profile, now)
    for moment in [end, *(now + (end - now) * fraction for fraction in fractions)]:
        assert oracle.holds(condition, profile, moment) == answer, moment


@settings(max_examples=150, deadline=None)
@given(oracle.dates, st.sampled_from([">", ">=", "<", "<="]), oracle.date_literals, oracle.dates)
@example(datetime(2024, 3, 1, tzinfo=UTC), ">", oracle.Date("now-1M"), datetime(2024, 2, 28, tzinfo=UTC))
@example(datetime(2025, 3, 31, 12, tzinfo=UTC), ">=", oracle.Date("now+1M"), datetime(2025, 2, 1, tzinfo=UTC))
def test_the_answer_of_one_comparison_changes_at_its_boundary_and_at_no_other_time(
    connection: duckdb.DuckDBPyConnection, seen: datetime, operator: str, literal: oracle.Date, now: datetime
) -> None:
    condition = ("compare", operator, "seen", literal)
    profile = {**dict.fromkeys(oracle.KINDS), "seen": seen}
    fill(connection, [profile])
    sql = boundary_sql(parse_filter(f"FILTER {oracle.written(condition)}").condition, scope(now))
    (boundary,) = answers(connection, f"epoch_us({sql})") if sql else (None,)
    answer = oracle.holds(condition, profile, now)
    if boundary is None:
        assert oracle.holds(condition, profile, datetime(2090, 1, 1, tzinfo=UTC)) == answer
        return
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=boundary)
    assert at > now
    assert oracle.holds(condition, profile, at - timedelta(microseconds=1)) == answer
    assert oracle.holds(condition, profile, at) != answer
