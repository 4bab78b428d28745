"""Where a run is killed: before and after each of its steps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

# After these something is there that others see, or that the next process goes by.
_TELLING = ("commit", "create_write_transaction", "finish", "part_done", "save_plan", "write")


def kills(steps: Iterable[tuple[str, int]]) -> list[Any]:
    """(function, when, call) for a parametrized test.

    The places after steps that change nothing of what is seen take as long as all others, and are for `make soak`.
    """
    return [
        pytest.param(name, when, call, marks=[pytest.mark.soak] if when == "after" and not _telling(name) else [])
        for name, call in steps
        for when in ("before", "after")
    ]


def _telling(name: str) -> bool:
    return name.rpartition(".")[2] in _TELLING
