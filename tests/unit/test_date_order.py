"""In which order the numbers of a date stand."""

from __future__ import annotations

import pytest

from lytics_azure_tui.lytics.date_order import column_order
from lytics_azure_tui.lytics.event_time import read_times, usual_form
from lytics_azure_tui.lytics.time_grammar import DateOrder

MONTH, DAY, YEAR, UNCLEAR = DateOrder


@pytest.mark.parametrize(
    ("values", "order", "still_open"),
    [
        (["01/02/2026", "13/02/2026"], DAY, False),
        (["01/02/2026", "02/13/2026 06:00"], MONTH, False),
        (["01/02/2026", "02/02/2026"], None, True),
        (["01.02.2026", "02.02.2026"], None, True),
        (["01.31.2026"], MONTH, False),
        (["13/02/2026", "02/13/2026", "01/02/2026"], UNCLEAR, False),
        (["02/13/2026"] * 200 + ["13/02/2026"], MONTH, False),
        (["1/5/24", "04/07/24"], None, True),
        (["31/01/24", "05/01/24"], DAY, False),
        (["24/01/31", "24/02/05"], YEAR, False),
        (["99/12/01"], YEAR, False),
        (["24/01/05", "24/02/05"], UNCLEAR, False),
        (["2026-01-31", "today", None, "", "39/13/2026"], None, False),
    ],
)
def test_a_column_proves_the_order_of_its_dates(values: list[str | None], order: DateOrder, still_open: bool) -> None:
    found = column_order(values)
    assert (found.order, found.open) == (order, still_open)


DATES = [
    (DAY, "01/02/2026", "2026-02-01"),
    (DAY, "13-02-26", "2026-02-13"),
    (DAY, "02/13/2026", None),
    (MONTH, "01.02.2026", "2026-01-02"),
    (YEAR, "26/02/01 06:00", "2026-02-01"),
    (YEAR, "01/02/2026", None),
    (UNCLEAR, "13/02/2026", "2026-02-13"),
    (UNCLEAR, "02/13/2026", "2026-02-13"),
    (UNCLEAR, "05/05/2026", "2026-05-05"),
    (UNCLEAR, "01/02/2026", None),
    (DAY, "2026-01-02", "2026-01-02"),
    (DAY, "Jan 2, 2026", "2026-01-02"),
]


@pytest.mark.parametrize("order", DateOrder)
def test_dates_are_read_in_the_order_that_is_known(order: DateOrder) -> None:
    wanted = {text: read for known, text, read in DATES if known is order}
    found = read_times(list(wanted), order)
    assert [at and f"{at:%Y-%m-%d}" for at in found] == list(wanted.values())


def test_the_usual_form_keeps_to_the_order() -> None:
    assert usual_form(["13/02/2026"], DAY) == "%d/%m/%Y"
    assert usual_form(["26/02/13"], YEAR) == "%y/%m/%d"
    assert usual_form(["13/02/2026"], UNCLEAR) is None
