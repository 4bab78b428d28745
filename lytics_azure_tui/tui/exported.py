"""What a run's page writes to files, for its owner only: the quarantined rows, and the log."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.tui.text import plain

if TYPE_CHECKING:
    from lytics_azure_tui.runner.ledger import Ledger

LINES_AT_ONCE = 1_000


def export_rows(files: Sequence[str], path: Path) -> int:
    """Writes all rows of these quarantine files to a CSV file, and says how many they were.

    Raises:
        Fatal: the file cannot be written.
    """
    from lytics_azure_tui.jobs.quarantine import every

    number = 0
    with _written(path) as file:
        writer = csv.writer(file)
        writer.writerow(("file", "line", "byte", "row", "reason", "raw"))
        for rows in every(files):
            writer.writerows((row.file, row.line, row.byte, row.row, row.reason, row.text) for row in rows)
            number += len(rows)
    return number


def export_log(ledger: Ledger, run_id: str, path: Path) -> str:
    """Writes a run's log to a file of text, and gives the text. Nothing in it can control a terminal.

    Raises:
        Fatal: the file cannot be written.
    """
    lines, last = list[str](), 0
    while page := ledger.log_lines(run_id, last, LINES_AT_ONCE):
        lines += (f"{line.at:%Y-%m-%dT%H:%M:%SZ} {line.level:<7} {plain(line.text)}\n" for line in page)
        last = page[-1].seq
    with _written(path) as file:
        file.writelines(lines)
    return "".join(lines)


@contextmanager
def _written(path: Path) -> Iterator[TextIO]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise Fatal(f"Could not write {path}", why=error.strerror or str(error), fix="Make room there") from None
