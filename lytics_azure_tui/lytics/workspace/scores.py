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

_WEEKS = 26

DAY = "CAST(epoch_us({0}) // 86400000000 AS INTEGER)"
"""A moment's UTC day, counted from 1970."""


def day_of(moment: datetime) -> int:
    """The same of a moment in UTC."""
    return int(moment.timestamp() // 86_400)


def midnight(moment: datetime) -> datetime:
    """When the scores of a moment change by time alone."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def figures(day: int) -> str:
    """Aggregates over a profile's days, `key`, each of which is there once: what `columns` needs."""
    return (
        f"count(*) AS active, max(key) AS last_day, min(key) AS first_day,"
        f" count(*) FILTER (key > {day - 30}) AS recent,"
        f" count(*) FILTER (key > {day - 60} AND key <= {day - 30}) AS earlier,"
        # A bit for each week.
        f" coalesce(bit_or(CASE WHEN {day} - key < {7 * _WEEKS}"
        f" THEN 1 :: BIGINT << least(({day} - key) // 7, {_WEEKS}) END), 0) AS weeks"
    )


def columns(day: int, figures: str) -> str:
    """The scores, as columns of a query.

    Args:
        day: of which they are.
        figures: the table that `figures` made; `_num_events` has to be there too.
    """
    of = figures + "."
    weeks = f"least(({day} - {of}first_day) // 7 + 1, {_WEEKS})"
    formulas = (
        "least(100 * ln(1 + _num_events) / ln(1001), 100)",
        f"100 * (1 - 0.5 ** ({of}recent / 4))",
        f"100 * 0.5 ** (({day} - {of}last_day) / 14)",
        f"100 * (1 - 0.5 ** ((_num_events / {of}active - 1) / 3))",
        f"CASE WHEN {of}recent + {of}earlier > 0 THEN 100 * {of}recent / ({of}recent + {of}earlier) ELSE 0 END",
        f"100.0 :: DOUBLE * bit_count({of}weeks) / {weeks}",
    )
    return ", ".join(
        f"CAST(floor({formula} + 0.5) AS BIGINT) AS {name}" for name, formula in zip(SCORES, formulas, strict=True)
    )
