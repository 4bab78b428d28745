"""The embedded Lytics in a folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.lytics.protocol import (
    AudienceInfo,
    AudienceSize,
    Estimate,
    EventFiles,
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
    StreamMark,
    Trial,
    Volume,
)
from lytics_azure_tui.lytics.sending import Delivery
from lytics_azure_tui.lytics.servers import Servers
from lytics_azure_tui.lytics.workspace import trigger_rows
from lytics_azure_tui.lytics.workspace.audience_rows import AudienceRows, audience_rows
from lytics_azure_tui.lytics.workspace.audiences import Audiences
from lytics_azure_tui.lytics.workspace.build import Builds
from lytics_azure_tui.lytics.workspace.forget import Forgetting
from lytics_azure_tui.lytics.workspace.people import People
from lytics_azure_tui.lytics.workspace.reader import Reader
from lytics_azure_tui.lytics.workspace.streams import Streams
from lytics_azure_tui.lytics.workspace.tables import Tables
from lytics_azure_tui.lytics.workspace.trial import tried
from lytics_azure_tui.lytics.workspace.trigger_rows import Collected, Wanted
from lytics_azure_tui.model.audience import Audience
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
        self._people = People(self._streams, Reader(self._tables), self.builds)
        self._audiences = Audiences(Reader(self._tables))
        self._forgetting = Forgetting(self._streams, self._tables)

    # Streams

    def streams(self) -> list[StreamInfo]:
        return self._streams.streams()

    def columns(self, stream: str) -> list[str]:
        return self._streams.columns(stream)

    def fields(self, stream: str) -> list[StreamField]:
        return self._streams.fields(stream)

    def preview(self, stream: str, limit: int = 50) -> Preview:
        return self._streams.preview(stream, limit)

    def events(self, stream: str, since: StreamMark | None = None) -> EventFiles | None:
        return self._streams.events(stream, since)

    def staging(self, stream: str) -> Path:
        return self._streams.staging(stream)

    def delivery(self, stream: str) -> Delivery | None:
        return None

    def dry_run(self, stream: str, columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> str:
        return ""

    def commit(self, stream: str, run_id: str, columns: Sequence[str], files: Sequence[StagedFile]) -> bool:
        return self._streams.commit(stream, run_id, columns, files)

    def discard(self, stream: str, run_id: str) -> None:
        self._streams.discard(stream, run_id)

    def volume(self, stream: str, days: int = 60) -> list[Volume]:
        return self._streams.volume(stream, days)

    # Profiles

    def require_definitions(self) -> None:
        """Those that are written here are what holds."""

    def due(self, definitions: Definitions) -> datetime | None:
        return self.builds.due(definitions)

    def try_mapping(
        self, mapping: StreamMapping, *, events: int = 2000, limit: int = 20, stopper: Stopper | None = None
    ) -> Trial:
        return tried(self._streams, mapping, events=events, limit=limit, stopper=stopper)

    def user_fields(self) -> list[FilledField]:
        return self._people.user_fields()

    def figures(self) -> ProfileFigures:
        return self._people.figures()

    def find(self, text: str, limit: int = 50) -> list[Profile]:
        return self._people.find(text, limit)

    def identifiers(self, value: str) -> list[Identifier]:
        """The identifiers that have exactly this value."""
        return self._people.identifiers(value)

    def profile(self, profile_id: str) -> Profile | None:
        return self._people.profile(profile_id)

    def happenings(self, profile_id: str, limit: int = 100) -> list[Happening]:
        return self._people.happenings(profile_id, limit)

    # Audiences

    def defined(self, definitions: Definitions) -> list[Audience]:
        return sorted(definitions.audiences, key=lambda audience: audience.label.casefold())

    def audiences(self) -> list[AudienceInfo]:
        return self._audiences.audiences()

    def sizes(self, slug: str, limit: int = 200) -> list[AudienceSize]:
        return self._audiences.sizes(slug, limit)

    def estimate(
        self, text: str, definitions: Definitions, *, members: int = 10, stopper: Stopper | None = None
    ) -> Estimate:
        return self._audiences.estimate(text, definitions, members=members, stopper=stopper)

    def forget(self, identifier: Identifier) -> Forgotten:
        """Removes a person; nothing else may be at work in the workspace meanwhile.

        What was cut off is finished by the next call, or by the next build. Events that lie in files which no commit
        has shown yet are not looked at.
        """
        return self._forgetting.forget(identifier)

    # Jobs of its own

    @property
    def servers(self) -> Servers:
        raise BadConfiguration(
            "Handing a job over takes a Lytics account",
            why="The Lytics of these settings is on this machine, and so are its jobs",
            fix='Write kind = "cloud" under [lytics] in settings.toml, and enter the API token with: lyazure-tui '
            "--lytics-token. Then start lyazure-tui again",
        )

    # For exports

    def refresh(
        self, slugs: Sequence[str], run_id: str, scratch: Path, tell: Callable[[str, int], None], *, memory: int
    ) -> tuple[str, ...]:
        """Builds do that."""
        return ()

    def glance(self, slugs: Sequence[str], scratch: Path) -> Workspace:
        return self

    def audience(
        self, slug: str, *, memory: int, threads: int, spill: Path | None = None
    ) -> AbstractContextManager[AudienceRows | None]:
        return audience_rows(self._tables, slug, memory=memory, threads=threads, spill=spill)

    def triggers_state(self) -> tuple[int, frozenset[str]]:
        return trigger_rows.state(self._tables)

    def triggers(
        self, wanted: Wanted, target: Path, *, memory: int, threads: int, spill: Path | None = None
    ) -> Collected:
        return trigger_rows.collect(self._tables, wanted, target, memory=memory, threads=threads, spill=spill)
