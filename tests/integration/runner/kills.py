"""Where a run is killed: before and after each of its steps."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest

TELLING = ("commit", "create_write_transaction", "finish", "part_done", "save_plan", "write")
"""After these something is there that others see, or that the next process goes by."""


def kills(steps: Iterable[tuple[str, int]], within: Collection[str] | None = None) -> list[Any]:
    """(function, when, call) for a parametrized test: before and after each step.

    Args:
        within: functions whose places are tried by `make test`; `make soak` tries all others, which would take minutes.
            Without it `make test` leaves out only places after steps that change nothing that is seen.
    """
    return [
        pytest.param(
            name, when, call, marks=[] if _at_once(name.rpartition(".")[2], when, within) else pytest.mark.soak
        )
        for name, call in steps
        for when in ("before", "after")
    ]


def _at_once(name: str, when: str, within: Collection[str] | None) -> bool:
    return when == "before" or name in TELLING if within is None else name in within
