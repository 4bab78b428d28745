"""The quarantined rows of a run, a page at a time, and all of them as a file."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lytics_azure_tui.errors import Fatal

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


def export(files: Sequence[str], path: Path) -> int:
    """Writes all rows to a CSV file that only its owner can read, and says how many they were.

    Raises:
        Fatal: the file cannot be written.
    """
    from lytics_azure_tui.jobs.quarantine import every

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    number = 0
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("file", "line", "byte", "row", "reason", "raw"))
            for rows in every(files):
                writer.writerows((row.file, row.line, row.byte, row.row, row.reason, row.text) for row in rows)
                number += len(rows)
    except OSError as error:
        raise Fatal(f"Could not write {path}", why=error.strerror or str(error), fix="Make room there") from None
    return number
