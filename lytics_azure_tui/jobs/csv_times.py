"""How a column of times is read in the files of one run: in the order that is set, known or proven."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lytics_azure_tui.errors import Fatal, StartOver
from lytics_azure_tui.lytics.date_order import ColumnOrder, column_order
from lytics_azure_tui.lytics.event_time import read_times
from lytics_azure_tui.lytics.time_grammar import DateOrder


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

    Raises:
        Fatal: not one of the samples is a time.
    """
    shown = column_order([*values, *told])
    if chosen != "auto":
        return _readable(Times(column, ColumnOrder(DateOrder(chosen))), values)
    if before is not None:
        proven = shown.order not in (None, DateOrder.UNCLEAR, before)
        order = DateOrder.UNCLEAR if proven else DateOrder(before)
        warning = (
            f"The dates of {column} stand {shown.order}, and those of the files before {before}: only dates that can "
            "be read in one way are imported, the others go to quarantine. Set Date Order, and replay them"
        )
        return _readable(Times(column, ColumnOrder(order), (), (warning,) if proven else (), before), values)
    if shown.order is DateOrder.UNCLEAR:
        warning = (
            f"The values of {column} do not agree on the order of their dates: only dates that can be read in one way "
            f"are imported, others such as {shown.example} go to quarantine. Set Date Order, and replay them"
        )
        return _readable(Times(column, shown, (), (warning,)), values)
    if shown.order is not None:
        return _readable(
            Times(column, shown, (f"The dates of {column} are read {shown.order}",), (), shown.order), values
        )
    if shown.open:
        rule = "day first" if "." in (shown.example or "") else "month first"
        note = (
            f"No value of {column} that was looked at tells the day from the month: dates such as {shown.example} are "
            f"read {rule}. Set Date Order if they are not"
        )
        return _readable(Times(column, shown, (note,)), values)
    return _readable(Times(column, shown), values)


def _readable(found: Times, values: Sequence[str | None]) -> Times:
    present = [value for value in values if value and value.strip()]
    if present and not any(read_times(present, found.found.order)):
        raise Fatal(
            f"no value of {found.column} in the first rows is a time, such as {present[0][:60]!r}",
            why="Every row would go to quarantine",
            fix="Edit the job's timestamp field or its date order, or have the times written as in ISO 8601",
        )
    return found


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
