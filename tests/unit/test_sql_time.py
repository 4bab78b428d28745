"""Times of SQL Server moved back: exact to the last digit, and never out of their type's range."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lytics_azure_tui.jobs.sql_time import earlier

CASES = [
    ("2026-01-01T10:00:00.1234567", 10, "datetime2(7)", "2026-01-01T09:50:00.1234567"),
    ("2026-01-01T00:00:00", 1, "datetime2(0)", "2025-12-31T23:59:00"),
    ("2026-03-01T00:00:00.003", 1440, "datetime", "2026-02-28T00:00:00.003"),
    ("1753-01-01T00:10:00", 10, "datetime", "1753-01-01T00:00:00"),
    ("1753-01-01T00:09:59.997", 10, "datetime", "1753-01-01T00:00:00"),
    ("1753-01-01T00:00:00", 0, "datetime", "1753-01-01T00:00:00"),
    ("1753-01-01T00:00:00.1", 10, "datetime2(1)", "1752-12-31T23:50:00.1"),
    ("1900-01-01T00:05:00", 10, "smalldatetime", "1900-01-01T00:00:00"),
    ("0001-01-01T00:00:00.0000001", 10, "datetime2(7)", "0001-01-01T00:00:00"),
    ("0001-01-03", 2880, "date", "0001-01-01"),
    ("0001-01-01", 2880, "date", "0001-01-01"),
    ("9999-12-31T23:59:59.9999999", 10, "datetime2(7)", "9999-12-31T23:49:59.9999999"),
    ("2026-01-01T10:00:00.12+05:30", 10, "datetimeoffset(2)", "2026-01-01T09:50:00.12+05:30"),
    ("2026-01-01T10:00:00Z", 10, "datetimeoffset(0)", "2026-01-01T09:50:00Z"),
    ("0001-01-01T14:05:00+14:00", 5, "datetimeoffset(0)", "0001-01-01T14:00:00+14:00"),
    ("0001-01-01T14:05:00+14:00", 10, "datetimeoffset(0)", "0001-01-01T00:00:00+00:00"),
    ("0001-01-01T00:05:00-08:00", 5, "datetimeoffset(0)", "0001-01-01T00:00:00-08:00"),
    ("0001-01-01T00:05:00-08:00", 10, "datetimeoffset(0)", "0001-01-01T00:00:00+00:00"),
]


@pytest.mark.parametrize(("text", "minutes", "declared", "moved"), CASES)
def test_a_time_moves_back_and_stops_at_its_type_s_first(text: str, minutes: int, declared: str, moved: str) -> None:
    assert earlier(text, timedelta(minutes=minutes), declared) == moved
