"""Behavioural scores: whole numbers from 0 to 100, as of the start of a UTC day.

With n events on A different days, D the day of which the scores are (an event that is later counts as of D), d the days
with events among the last 30, p those among the 30 before, g the days since the last event, w the weeks since the first
event, counted back from D (1 to 26), and a the weeks among these that had events:

    quantity      100 · ln(1 + n) / ln(1001), at most 100      1,000 events are all
    frequency     100 · (1 - 0.5^(d / 4))                      4 active days in 30 are half
    recency       100 · 0.5^(g / 14)                           halves every two weeks
    intensity     100 · (1 - 0.5^((n / A - 1) / 3))            4 events on an active day are half
    momentum      100 · d / (d + p); 0 when both are 0         50: as active as in the 30 days before
    consistency   100 · a / w                                  100: something every week

Halves are rounded up.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from lytics_azure_tui.model.user_field import SCORES

DAY = "CAST(epoch_us({0}) // 86400000000 AS INTEGER)"
"""A moment's UTC day, counted from 1970."""


def day_of(moment: datetime) -> int:
    """The same of a moment in UTC."""
    return int(moment.timestamp() // 86_400)


def midnight(moment: datetime) -> datetime:
    """When the scores of a moment change by time alone."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def scored(rows: str, day: int) -> str:
    """SQL of rows with their scores behind the other columns.

    Args:
        rows: a query with the columns `_num_events` and `_state._days`, sorted.
        day: of which they are.
    """
    days = "_state._days"
    active = f"len(list_filter({days}, lambda x: x > {day} - {{0}}))"
    figures = {
        "d": active.format(30),
        "p": f"{active.format(60)} - {active.format(30)}",
        "g": f"greatest({day} - {days}[-1], 0)",
        "e": f"_num_events / len({days})",
        "w": f"least(greatest(({day} - {days}[1]) // 7 + 1, 1), 26)",
        "a": f"len(list_distinct([greatest({day} - x, 0) // 7 for x in {days} if {day} - x < 182]))",
    }
    formulas = (
        "least(100 * ln(1 + _num_events) / ln(1001), 100)",
        "100 * (1 - 0.5 ** (_score.d / 4))",
        "100 * 0.5 ** (_score.g / 14)",
        "100 * (1 - 0.5 ** ((_score.e - 1) / 3))",
        "CASE WHEN _score.d + _score.p > 0 THEN 100 * _score.d / (_score.d + _score.p) ELSE 0 END",
        "100 * _score.a / _score.w",
    )
    packed = ", ".join(f"{name} := {sql}" for name, sql in figures.items())
    columns = ", ".join(
        f"CAST(floor({formula} + 0.5) AS BIGINT) AS {name}" for name, formula in zip(SCORES, formulas, strict=True)
    )
    return f"SELECT * EXCLUDE (_score), {columns} FROM (SELECT *, struct_pack({packed}) AS _score FROM ({rows}))"
