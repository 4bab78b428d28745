"""The embedded Lytics in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from lytics_azure_tui.lytics.protocol import (
    AudienceInfo,
    AudienceSize,
    Estimate,
    FilledField,
    Forgotten,
    Happening,
    Identifier,
    Preview,
    Profile,
    ProfileFigures,
    StagedFile,
    Stopper,
    StreamField,
    StreamInfo,
    Trial,
    Volume,
)
from lytics_azure_tui.lytics.workspace.build import Builds
from lytics_azure_tui.lytics.workspace.streams import Streams
from lytics_azure_tui.lytics.workspace.tables import Tables
from lytics_azure_tui.model.mapping import Definitions, StreamMapping


class Workspace:
    """Fulfils `lytics.protocol.Lytics`; what each method does is said there.

    Args:
        root: its folder; made when the first stream is.

    Attributes:
        builds: makes profiles of the streams.
    """

    def __init__(self, root: Path) -> None:
        self._streams = Streams(root)
        self._tables = Tables(root)
        self.builds = Builds(self._streams, self._tables)

    # Streams

    def streams(self) -> list[StreamInfo]:
        return self._streams.streams()

    def columns(self, stream: str) -> list[str]:
        return self._streams.columns(stream)

    def fields(self, stream: str) -> list[StreamField]:
        return self._streams.fields(stream)

    def preview(self, stream: str, limit: int = 50) -> Preview:
        return self._streams.preview(stream, limit)

    def staging(self, stream: str) -> Path:
        return self._streams.staging(stream)

    def commit(self, stream: str, run_id: str, columns: Sequence[str], files: Sequence[StagedFile]) -> bool:
        return self._streams.commit(stream, run_id, columns, files)

    def discard(self, stream: str, run_id: str) -> None:
        self._streams.discard(stream, run_id)

    def volume(self, stream: str, days: int = 60) -> list[Volume]:
        return self._streams.volume(stream, days)

    # Profiles

    def due(self, definitions: Definitions) -> datetime | None:
        """When a build is wanted: now or earlier, at a moment to come, or None for never."""
        return self.builds.due(definitions)
