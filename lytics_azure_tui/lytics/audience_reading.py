"""What exports ask of a Lytics: audiences as rows, all of one moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lytics_azure_tui.lytics.protocol import Lytics
    from lytics_azure_tui.lytics.workspace.audience_rows import AudienceRows
    from lytics_azure_tui.lytics.workspace.trigger_rows import Collected, Wanted


class AudienceReading(Protocol):
    """Reads audiences; a part of `lytics.protocol.Lytics`."""

    def refresh(
        self, slugs: Sequence[str], run_id: str, scratch: Path, tell: Callable[[str, int], None], *, memory: int
    ) -> tuple[str, ...]:
        """Brings audiences up to what they are now, where builds do not: exports read them as of the last time.

        What is cut off leaves all as it was.

        Args:
            slugs: of the audiences.
            run_id: of the run that is about to read them.
            scratch: a folder for what is on its way.
            tell: takes what goes on, and how many members have been read; what it raises ends the reading.
            memory: bytes that the engine may use.

        Returns:
            What an operator should know: of members that cannot be used, and of values that cannot be read.

        Raises:
            Fatal: there is no such audience.
        """

    def glance(self, slugs: Sequence[str], scratch: Path) -> Lytics:
        """This Lytics as a rehearsal may read it: of audiences that were never brought here, with some members."""

    def audience(
        self, slug: str, *, memory: int, threads: int, spill: Path | None = None
    ) -> AbstractContextManager[AudienceRows | None]:
        """An audience's rows; None before anything was evaluated."""

    def triggers_state(self) -> tuple[int, frozenset[str]]:
        """(the newest build, the audiences that are evaluated in it). Quick."""

    def triggers(
        self, wanted: Wanted, target: Path, *, memory: int, threads: int, spill: Path | None = None
    ) -> Collected:
        """Writes who entered and left, as rows of a Parquet file; see `trigger_rows.collect`."""
