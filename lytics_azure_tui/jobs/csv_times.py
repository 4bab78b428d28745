"""How a column of times is read in the files of one run: in the order that is set, known or proven."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lytics_azure_tui.errors import StartOver
from lytics_azure_tui.lytics.date_order import ColumnOrder, column_order
from lytics_azure_tui.lytics.time_grammar import DateOrder
from lytics_azure_tui.model.run import PartResult


@dataclass(frozen=True, slots=True)
class Times:
    """The times of one column.

    Attributes:
        column: its name.
        found: how its dates are read.
        notes, warnings: what the operator should know.
        settled: the order that later runs keep to; None while nothing has proven one.
    """

    column: str
    found: ColumnOrder
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    settled: str | None = None


def times(column: str, values: Sequence[str | None], chosen: str, before: str | None, told: Sequence[str]) -> Times:
    """How a column is read.

    Args:
        column: its name.
        values: samples of all files.
        chosen: the job's setting.
        before: what earlier runs have settled.
        told: values that an earlier try of this run came upon.
    """
    shown = column_order([*values, *told])
    if chosen != "auto":
        return Times(column, ColumnOrder(DateOrder(chosen)))
    if before is not None:
        proven = shown.order not in (None, DateOrder.UNCLEAR, before)
        order = DateOrder.UNCLEAR if proven else DateOrder(before)
        warning = (
            f"The dates of {column} stand {shown.order}, and those of the files before {before}: only dates that can "
            "be read in one way are imported, the others go to quarantine. Set Date Order, and replay them"
        )
        return Times(column, ColumnOrder(order), (), (warning,) if proven else (), before)
    if shown.order is DateOrder.UNCLEAR:
        warning = (
            f"The values of {column} do not agree on the order of their dates: only dates that can be read in one way "
            f"are imported, others such as {shown.example} go to quarantine. Set Date Order, and replay them"
        )
        return Times(column, shown, (), (warning,))
    if shown.order is not None:
        return Times(column, shown, (f"The dates of {column} are read {shown.order}",), (), shown.order)
    if shown.open:
        rule = "day first" if "." in (shown.example or "") else "month first"
        note = (
            f"No value of {column} that was looked at tells the day from the month: dates such as {shown.example} are "
            f"read {rule}. Set Date Order if they are not"
        )
        return Times(column, shown, (note,))
    return Times(column, shown)


def proven(column: str, results: Sequence[PartResult]) -> list[str] | None:
    """The column and the order that values behind the samples have proven."""
    found = next((order for result in results if (order := result.data.get("date_order"))), None)
    return [column, found] if found else None


def told(keep: Path, run_id: str) -> list[str]:
    """Values of a column that an earlier try of a run came upon."""
    path = _path(keep, run_id)
    return list(json.loads(path.read_text())) if path.exists() else []


def forget_told(keep: Path) -> None:
    """Removes those of all runs."""
    shutil.rmtree(_path(keep, "").parent, ignore_errors=True)


def judge(keep: Path, run_id: str, column: str, texts: Sequence[str]) -> str | None:
    """What values prove that were not in the sample; None when nothing.

    Raises:
        StartOver: the column has to be read in another order than by the rules.
    """
    found = column_order(texts)
    by_rule = DateOrder.DAY_FIRST if "." in "".join(texts[:1]) else DateOrder.MONTH_FIRST
    if found.order is None:
        return None
    if found.order is by_rule:
        return by_rule
    path = _path(keep, run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(list(texts)))
    raise StartOver(f"The dates of {column} stand {found.order or 'otherwise'}, as {texts[0]!r} shows")


def _path(keep: Path, run_id: str) -> Path:
    return keep / "dates" / f"{run_id}.json"
