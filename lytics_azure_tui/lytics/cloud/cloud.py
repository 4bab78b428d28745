"""A Lytics account, by its REST API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from lytics_azure_tui.errors import BadConfiguration, Fatal
from lytics_azure_tui.lytics.cloud.api import Api
from lytics_azure_tui.lytics.cloud.audiences import CloudAudiences, Segment
from lytics_azure_tui.lytics.cloud.collect import Collect, line_of
from lytics_azure_tui.lytics.cloud.lake import Lake, Scanned
from lytics_azure_tui.lytics.cloud.people import CloudPeople, schema
from lytics_azure_tui.lytics.cloud.scan import Scan
from lytics_azure_tui.lytics.cloud.servers import CloudServers
from lytics_azure_tui.lytics.cloud.streams import CloudStreams
from lytics_azure_tui.lytics.columns import SYSTEM_COLUMNS
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
from lytics_azure_tui.lytics.sending import Delivery, Record
from lytics_azure_tui.lytics.workspace import trigger_rows
from lytics_azure_tui.lytics.workspace.audience_rows import AudienceRows, audience_rows
from lytics_azure_tui.lytics.workspace.audiences import Audiences
from lytics_azure_tui.lytics.workspace.build import Builds
from lytics_azure_tui.lytics.workspace.forget import Forgetting
from lytics_azure_tui.lytics.workspace.reader import Reader
from lytics_azure_tui.lytics.workspace.streams import Streams
from lytics_azure_tui.lytics.workspace.tables import Tables
from lytics_azure_tui.lytics.workspace.trigger_rows import Collected, Wanted
from lytics_azure_tui.model.amounts import counted
from lytics_azure_tui.model.audience import Audience
from lytics_azure_tui.model.mapping import Definitions, StreamMapping

_GLANCE_MEMORY = 256 << 20


class Cloud:
    """Fulfils `lytics.protocol.Lytics`; what each method does is said there.

    Args:
        api: of the account.
        root: a folder for files on their way, and for what was last known of the audiences that jobs export.
    """

    def __init__(self, api: Api, root: Path) -> None:
        self._api, self._root = api, root
        self._streams = CloudStreams(api)
        self._people = CloudPeople(api)
        self._audiences = CloudAudiences(api, self._people)
        # Names, and the layout of files that lie ready, are those of the workspace.
        self._staged = Streams(root)
        self._tables = Tables(root)

    def __reduce__(self) -> tuple[object, ...]:
        return Cloud, (self._api, self._root)

    # Streams

    def streams(self) -> list[StreamInfo]:
        return self._streams.streams()

    def columns(self, stream: str) -> list[str]:
        return [field.name for field in self.fields(stream)]

    def fields(self, stream: str) -> list[StreamField]:
        return [field for field in self._streams.fields(stream) if field.name not in SYSTEM_COLUMNS]

    def preview(self, stream: str, limit: int = 50) -> Preview:
        return self._streams.preview(stream, limit)

    def events(self, stream: str, since: StreamMark | None = None) -> EventFiles | None:
        raise BadConfiguration(
            "Events of a Lytics account cannot be exported from here",
            why="Its API gives no events of the past",
            fix="Save the job without starting it, then hand it over to Lytics, which exports them by itself: h on the "
            "dashboard, or lyazure-tui --hand-over JOB",
        )

    def staging(self, stream: str) -> Path:
        return self._staged.staging(stream)

    def delivery(self, stream: str) -> Delivery | None:
        return Collect(self._api, stream, self.staging(stream))

    def dry_run(self, stream: str, columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> str:
        if not rows:
            return ""
        records = [Record("sample", number, line_of(columns, row)) for number, row in enumerate(rows, 1)]
        rejected = Collect(self._api, stream, self.staging(stream)).dry_run(records)
        return f"Lytics would reject {rejected:,} of {counted(len(rows), 'row')} of the sample" if rejected else ""

    def commit(self, stream: str, run_id: str, columns: Sequence[str], files: Sequence[StagedFile]) -> bool:
        there = [self.staging(stream) / file.path for file in files]
        fresh = any(path.exists() for path in there)
        for path in there:
            path.unlink(missing_ok=True)
        return fresh

    def discard(self, stream: str, run_id: str) -> None:
        self._staged.discard(stream, run_id)

    def volume(self, stream: str, days: int = 60) -> list[Volume]:
        """The API tells no counts by day."""
        return []

    # Profiles

    def require_definitions(self) -> None:
        raise BadConfiguration(
            "Mappings and audiences of a Lytics account are not edited here",
            why='kind = "cloud" under [lytics] in settings.toml: the account makes its profiles itself',
            fix="Edit them in Lytics' own screens",
        )

    @property
    def builds(self) -> Builds:
        raise Fatal("Profiles of a Lytics account are made by Lytics", fix="Cancel the run")

    def due(self, definitions: Definitions) -> datetime | None:
        return None

    def try_mapping(
        self, mapping: StreamMapping, *, events: int = 2000, limit: int = 20, stopper: Stopper | None = None
    ) -> Trial:
        self.require_definitions()
        raise AssertionError

    def user_fields(self) -> list[FilledField]:
        return self._people.user_fields()

    def figures(self) -> ProfileFigures:
        return self._people.figures()

    def find(self, text: str, limit: int = 50) -> list[Profile]:
        return self._people.find(text, limit)

    def profile(self, profile_id: str) -> Profile | None:
        return self._people.profile(profile_id)

    def happenings(self, profile_id: str, limit: int = 100) -> list[Happening]:
        raise BadConfiguration(
            "The events of a profile of a Lytics account cannot be shown here",
            why="Its API gives no events by profile",
            fix="Look at the profile in Lytics' own screens",
        )

    def identifiers(self, value: str) -> list[Identifier]:
        return self._people.identifiers(value)

    def forget(self, identifier: Identifier) -> Forgotten:
        """Removes the profile from the scans that are kept here, and then in Lytics, by which it is known."""
        here = Forgetting(self._staged, self._tables).forget(identifier)
        self._people.delete(identifier)
        return replace(here, identifiers=here.identifiers or (identifier,), profiles=max(1, here.profiles))

    # Audiences

    def defined(self, definitions: Definitions) -> list[Audience]:
        return self._audiences.defined()

    def audiences(self) -> list[AudienceInfo]:
        """Who entered and left is known of those that jobs export."""
        crossed = {one.slug: one for one in Audiences(Reader(self._tables)).audiences()}
        none = AudienceInfo("", None, 0, 0)
        infos = [
            replace(crossed.get(one.slug, none), slug=one.slug, size=one.size) for one in self._audiences.segments()
        ]
        return sorted(infos, key=lambda info: info.slug)

    def sizes(self, slug: str, limit: int = 200) -> list[AudienceSize]:
        """Those of scans; of an audience that was never scanned, the one that Lytics tells."""
        known = Audiences(Reader(self._tables)).sizes(slug, limit)
        if known:
            return known
        now = (one.size for one in self._audiences.segments() if one.slug == slug)
        return [AudienceSize(datetime.now(UTC), size) for size in now if size is not None]

    def estimate(
        self, text: str, definitions: Definitions, *, members: int = 10, stopper: Stopper | None = None
    ) -> Estimate:
        return self._audiences.estimate(text, members, stopper)

    # Jobs of its own

    @property
    def servers(self) -> CloudServers:
        return CloudServers(self._api, self._audiences.segments)

    # For exports

    def refresh(
        self, slugs: Sequence[str], run_id: str, scratch: Path, tell: Callable[[str, int], None], *, memory: int
    ) -> tuple[str, ...]:
        return self._scan(self._segments(slugs), run_id, scratch, tell, memory=memory)

    def glance(self, slugs: Sequence[str], scratch: Path) -> Cloud:
        if set(slugs) <= trigger_rows.state(self._tables)[1]:
            return self
        scratch.mkdir(parents=True, exist_ok=True)
        other = Cloud(self._api, scratch)
        other._scan(
            self._segments(slugs), "glance", scratch, lambda _, __: None, memory=_GLANCE_MEMORY, whole_audience=False
        )
        return other

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

    def _segments(self, slugs: Sequence[str]) -> list[Segment]:
        there = {one.slug: one for one in self._audiences.segments()}
        for slug in slugs:
            if slug not in there:
                raise Fatal(
                    f"There is no audience {slug}",
                    why="It was removed in Lytics, or is called otherwise now",
                    fix="Edit the job and choose an audience",
                )
        return [there[slug] for slug in slugs]

    def _scan(
        self,
        segments: Sequence[Segment],
        run_id: str,
        scratch: Path,
        tell: Callable[[str, int], None],
        *,
        memory: int,
        whole_audience: bool = True,
    ) -> tuple[str, ...]:
        lake = Lake(self._tables)
        for account in {segment.account for segment in segments}:
            lake.require_account(account)
        scan = Scan(self._api, schema(self._api))
        files, sizes = dict[str, Path](), dict[str, int]()
        for number, segment in enumerate(segments):
            target = scratch / f"members-{number}.json"

            def read(count: int, segment: Segment = segment) -> None:
                tell(f"reading the members of {segment.slug}", count)

            sizes[segment.slug] = scan.read(segment, target, read, whole_audience=whole_audience)
            if not whole_audience:
                sizes[segment.slug] = max(segment.size or 0, sizes[segment.slug])
            files[segment.slug] = target
        lake.take(Scanned(files, sizes, scan.fields), run_id, scratch, lambda: tell("waiting", 0), memory=memory)
        for path in scratch.glob("members-*"):
            path.unlink()
        return scan.notes()
