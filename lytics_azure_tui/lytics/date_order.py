"""In which order the numbers of a column's dates stand: 31/01/2024 proves it for 05/01/2024, too."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import permutations

from lytics_azure_tui.lytics.time_grammar import DateOrder

_NUMBERS = re.compile(r"\s*(\d\d?)([-/.])(\d\d?)\2(\d{4}|\d\d)(?!\d)")
_REAL = (DateOrder.MONTH_FIRST, DateOrder.DAY_FIRST, DateOrder.YEAR_FIRST)
# Of so many values that speak for an order, one may speak against it: that one is set aside.
_STRAY = 100

TELLING = (
    r"regexp_matches({x}, '^\s*(1[3-9]|[23][0-9])[-/.][0-9]{{1,2}}[-/.][0-9]')"
    r" OR regexp_matches({x}, '^\s*[0-9]{{1,2}}[-/.](1[3-9]|[23][0-9])[-/.][0-9]')"
)
"""SQL, a template for `str.format`, that is true of texts that may prove an order."""


@dataclass(frozen=True, slots=True)
class ColumnOrder:
    """What a column shows.

    Attributes:
        order: None leaves it to the two rules of `event_time`.
        open: whether further values could still prove an order; False too for a column without such dates.
        example: a value that the rules decide, or that is left undecided.
    """

    order: DateOrder | None
    open: bool = False
    example: str | None = None


def column_order(values: Iterable[str | None]) -> ColumnOrder:
    """The order that a column's values prove."""
    found = [match for value in values if value and (match := _NUMBERS.match(value)) and _orders(match)]
    if not found:
        return ColumnOrder(None)
    fitting = [_orders(match) for match in found]
    alone = {(one, other): sum(one in some and other not in some for some in fitting)
             for one, other in permutations(_REAL, 2)}  # fmt: skip
    left = [
        order for order in _REAL
        if any(order in some for some in fitting)
        and not any(alone[other, order] and alone[order, other] * _STRAY <= alone[other, order] for other in _REAL
                    if other is not order)
    ]  # fmt: skip
    if len(left) == 1:
        return ColumnOrder(left[0])
    example = next((match[0].strip() for match, some in zip(found, fitting, strict=True) if len(some) > 1), None)
    contradictory = any(alone[one, other] for one, other in permutations(left, 2))
    by_rule = DateOrder.DAY_FIRST if found[0][2] == "." else DateOrder.MONTH_FIRST
    if contradictory or by_rule not in left:
        return ColumnOrder(DateOrder.UNCLEAR, example=example)
    return ColumnOrder(None, open=True, example=example)


def _orders(match: re.Match[str]) -> set[DateOrder]:
    """The orders in which a date is one."""
    first, second, third = int(match[1]), int(match[3]), int(match[4])
    short = len(match[4]) == 2
    found = set()
    if not short or _is_year(third):
        if 1 <= first <= 12 and 1 <= second <= 31:
            found.add(DateOrder.MONTH_FIRST)
        if 1 <= second <= 12 and 1 <= first <= 31:
            found.add(DateOrder.DAY_FIRST)
    if short and len(match[1]) == 2 and _is_year(first) and 1 <= second <= 12 and 1 <= third <= 31:
        found.add(DateOrder.YEAR_FIRST)
    return found


def _is_year(number: int) -> bool:
    # As they are read: systems differ on the century of the others.
    return number < 30 or number >= 70
