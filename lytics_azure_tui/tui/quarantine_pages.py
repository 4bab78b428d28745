"""The quarantined rows of a run, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lytics_azure_tui.jobs.quarantine import QuarantinedRow

PAGE = 100


@dataclass(frozen=True, slots=True)
class Page:
    """Rows from `offset` on, and the reasons of all rows with their counts, the most frequent first."""

    offset: int
    rows: tuple[QuarantinedRow, ...]
    reasons: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        """Of all pages."""
        return sum(number for _, number in self.reasons)


def read_page(files: Sequence[str], offset: int) -> Page:
    """One page of the rows in these files."""
    from lytics_azure_tui.jobs.quarantine import page, reasons

    return Page(offset, tuple(page(files, offset, PAGE)), tuple(reasons(files)))
