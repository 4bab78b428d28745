"""What a continuous import remembers between its runs: which files it has had, and how the last of them was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lytics_azure_tui.jobs.csv_sequence import Place
from lytics_azure_tui.model.csv_import import CsvImport

REMEMBERED = 10_000
"""Files whose ETags are kept."""


@dataclass(frozen=True, slots=True)
class Memory:
    """A checkpoint, taken apart.

    Attributes:
        last: the place of the newest file that was imported.
        imported: name → ETag of the newest files that were imported.
        taken: when a file was imported last.
        anchor: when the first was.
        hashes: the folder with the row hashes of the last file.
        columns: the columns that those hashes are of.
        encoding: of the files; None while all were ASCII.
        dates: (column, order of its dates) as a file has proven it.
    """

    last: Place | None = None
    imported: dict[str, str] = field(default_factory=dict)
    taken: datetime | None = None
    anchor: datetime | None = None
    hashes: str | None = None
    columns: tuple[str, ...] = ()
    encoding: str | None = None
    dates: tuple[str, str] | None = None

    @classmethod
    def of(cls, checkpoint: dict[str, Any] | None, config: CsvImport) -> Memory:
        """The memory for a job as it is now.

        A job that was edited to begin with another file begins anew there, but has no file twice; one that was edited
        to another container or stream knows of nothing.
        """
        if not checkpoint or checkpoint["where"] != _where(config):
            return cls()
        if checkpoint["filename"] != config.filename:
            return cls(imported=checkpoint["imported"])
        return cls(
            last=Place.of(checkpoint["last"]),
            imported=checkpoint["imported"],
            taken=datetime.fromisoformat(checkpoint["taken"]),
            anchor=datetime.fromisoformat(checkpoint["anchor"]),
            hashes=checkpoint["hashes"],
            columns=tuple(checkpoint["columns"]),
            encoding=checkpoint.get("encoding"),
            dates=tuple(checkpoint["dates"]) if checkpoint.get("dates") else None,
        )

    def after(
        self,
        config: CsvImport,
        files: Sequence[dict[str, Any]],
        started: datetime,
        hashes: str | None,
        columns: Sequence[str],
        encoding: str | None,
        dates: Sequence[str] | None,
    ) -> dict[str, Any]:
        """The checkpoint after a run.

        Args:
            files: {"name", "etag", "place"} of each that was imported, in order.
            started: the run's start.
            hashes, columns: of the last file.
            encoding: of all files.
            dates: as in `Memory`.
        """
        imported = {**self.imported, **{file["name"]: file["etag"] for file in files}}
        return {
            "where": _where(config),
            "filename": config.filename,
            # A file that came late stands before the last one.
            "last": max([*([self.last] if self.last else []), Place.of(files[-1]["place"])]).to_data(),
            "imported": dict(list(imported.items())[-REMEMBERED:]),
            "taken": started.isoformat(),
            "anchor": (self.anchor or started).isoformat(),
            "hashes": hashes,
            "columns": list(columns),
            "encoding": encoding,
            "dates": list(dates) if dates else None,
        }


def _where(config: CsvImport) -> list[str]:
    return [config.container, config.stream]
