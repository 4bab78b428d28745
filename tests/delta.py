"""Delta tables as tests look at them: by their log, not by the program's own reader."""

from __future__ import annotations

from pathlib import Path

from deltalake import DeltaTable


def live_files(folder: Path) -> list[Path]:
    """The files that a table's log names; none when there is no table."""
    if not DeltaTable.is_deltatable(str(folder)):
        return []
    paths = DeltaTable(str(folder)).get_add_actions(flatten=True).column("path").to_pylist()
    return sorted(folder / path for path in paths)
