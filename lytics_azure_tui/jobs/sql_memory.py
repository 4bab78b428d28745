"""What an import of a table remembers between its runs: how far it is, and which rows it must not take twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lytics_azure_tui.model.sql_import import SqlImport


@dataclass(frozen=True, slots=True)
class Memory:
    """A checkpoint, taken apart.

    Attributes:
        watermark: the latest time that was imported, as the server wrote it.
        window: from this time on the next run looks again.
        version: the rowversion up to which everything was imported, in hexadecimal.
        columns: (name, declared type) of the columns that the hashes are of.
        seen: the folder with the hashes of the rows from `window` on, and of those without a time.
    """

    watermark: str | None = None
    window: str | None = None
    version: str | None = None
    columns: tuple[tuple[str, str], ...] = ()
    seen: str | None = None

    @classmethod
    def of(cls, checkpoint: dict[str, Any] | None, config: SqlImport) -> Memory:
        """The memory for a job as it is now: of another table, column, stream or kind of watermark it knows nothing."""
        if not checkpoint or checkpoint["where"] != _where(config):
            return cls()
        return cls(
            watermark=checkpoint["watermark"],
            window=checkpoint["window"],
            version=checkpoint["version"],
            columns=tuple((name, kind) for name, kind in checkpoint["columns"]),
            seen=checkpoint["seen"],
        )

    def checkpoint(self, config: SqlImport) -> dict[str, Any]:
        """As JSON values."""
        return {
            "where": _where(config),
            "watermark": self.watermark,
            "window": self.window,
            "version": self.version,
            "columns": [list(column) for column in self.columns],
            "seen": self.seen,
        }


def _where(config: SqlImport) -> list[str]:
    return [*config.table(), config.timestamp_field.casefold(), config.stream, config.watermark]
