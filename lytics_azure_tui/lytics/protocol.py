"""What a Lytics must be able to do, whether it is embedded or reached over the network.

Where one has no such thing, the method raises `BadConfiguration`, in words for people: what, why, and where to do it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from lytics_azure_tui.lytics.audience_reading import AudienceReading
from lytics_azure_tui.lytics.sending import Delivery
from lytics_azure_tui.model.audience import Audience
from lytics_azure_tui.model.mapping import Definitions, StreamMapping
from lytics_azure_tui.model.user_field import UserField

if TYPE_CHECKING:
    from lytics_azure_tui.lytics.servers import Servers
    from lytics_azure_tui.lytics.workspace.build import Builds


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """One stream in a list. Times are in UTC."""

    name: str
    events: int
    last_event: datetime | None
    last_import: datetime | None
    bytes: int


@dataclass(frozen=True, slots=True)
class StreamField:
    """A column of a stream, and in how many events it has a value; None when that is not known."""

    name: str
    filled: int | None


@dataclass(frozen=True, slots=True)
class Preview:
    """Rows of a stream as text, newest first."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A Parquet file that lies ready for a stream and that nobody sees yet.

    Attributes:
        path: its name inside the stream's folder.
        rows, bytes: what it holds.
        first, last: the range of its event times, RFC 3339; None when it has none.
        nulls: for each column, in how many rows it has no value.
    """

    path: str
    rows: int
    bytes: int
    first: str | None
    last: str | None
    nulls: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class StreamMark:
    """A moment of a stream's life.

    Attributes:
        table: which of those that ever had this name.
        version: of it.
    """

    table: str
    version: int


@dataclass(frozen=True, slots=True)
class EventFile:
    """A Parquet file with some of a stream's events.

    Attributes:
        path: of this machine.
        rows, bytes: what it holds.
        first, last: the range of its event times; None when that is not known.
    """

    path: str
    rows: int
    bytes: int
    first: datetime | None = None
    last: datetime | None = None


@dataclass(frozen=True, slots=True)
class EventFiles:
    """Events of a stream.

    Attributes:
        mark: the moment at which they were looked up; events that come in later are those since it.
        columns: the stream's own, in the order they came; a file may lack some.
        files: in which they are.
        taken: ids of runs whose rows do not count, though such files hold some.
    """

    mark: StreamMark
    columns: tuple[str, ...]
    files: tuple[EventFile, ...]
    taken: tuple[str, ...] = ()


Value = str | int | float | bool | datetime | Sequence["Value"] | Mapping[str, "Value"]
"""What a user field holds. Times are in UTC."""


@dataclass(frozen=True, slots=True)
class Volume:
    """The events of one day, UTC."""

    day: date
    events: int


@dataclass(frozen=True, slots=True)
class FilledField:
    """A user field, and in how many profiles it has a value; None when that is not known."""

    field: UserField
    filled: int | None


@dataclass(frozen=True, slots=True)
class Identifier:
    """A value that tells whose an event is: email, ada@example.com."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Profile:
    """A person.

    Attributes:
        id: stays when other profiles merge into this one.
        fields: those that have a value, our own (`_created` …) and scores included.
        identifiers: all values by which it is found, also those that a field of one value does not show.
        audiences: the slugs of those that it is in.
        merged: ids of profiles that became part of it.
    """

    id: str
    fields: Mapping[str, Value]
    identifiers: tuple[Identifier, ...] = ()
    audiences: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of a profile: what its columns hold, those that are empty left out."""

    at: datetime
    stream: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ProfileFigures:
    """How profiles stand.

    Attributes:
        profiles: how many there are.
        built: the moment as of which they are; None before the first build.
        behind: events of mapped streams that are not in them yet.
        conflicts: profiles for which an identifier of one value has several.
    """

    profiles: int
    built: datetime | None
    behind: int
    conflicts: int


@dataclass(frozen=True, slots=True)
class AudienceInfo:
    """An audience in a list.

    Attributes:
        size: its members; None when it has not been counted yet.
        entered, left: in the last 24 hours.
    """

    slug: str
    size: int | None
    entered: int
    left: int


@dataclass(frozen=True, slots=True)
class AudienceSize:
    """An audience's size at a moment."""

    at: datetime
    size: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a filter finds at this moment.

    Attributes:
        size: how many profiles.
        profiles: of how many.
        members: some of them, with the fields that the filter names first.
    """

    size: int
    profiles: int
    members: tuple[Profile, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a mapping would make of a stream's newest events.

    Attributes:
        events: how many were tried.
        profiles: what they would become, the most active first.
        filled: for each field of the mapping, in how many of these events it has a value.
        unreadable: for each field, in how many its expression gave text that its kind cannot hold.
    """

    events: int
    profiles: tuple[Profile, ...]
    filled: Mapping[str, int]
    unreadable: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was removed of a person.

    Attributes:
        identifiers: by which the person was known.
        profiles: how many there were.
        events: removed, by stream.
        memberships: entries and exits.
    """

    identifiers: tuple[Identifier, ...]
    profiles: int
    events: Mapping[str, int]
    memberships: int


@dataclass
class Stopper:
    """Lets another thread end a query whose answer nobody waits for any more."""

    stopped: bool = False
    _interrupt: Callable[[], None] | None = field(default=None, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def stop(self) -> None:
        """Ends what goes on, and what would begin later; it raises `Cancelled`."""
        with self._lock:
            self.stopped = True
            if self._interrupt is not None:
                self._interrupt()

    def attach(self, interrupt: Callable[[], None] | None) -> None:
        """For the one who answers: what ends the query; None when it has ended."""
        with self._lock:
            self._interrupt = interrupt
            if self.stopped and interrupt is not None:
                interrupt()


class Lytics(AudienceReading, Protocol):
    """Streams of events, the profiles that they become, and audiences of those."""

    def streams(self) -> list[StreamInfo]:
        """All streams, by name."""

    def columns(self, stream: str) -> list[str]:
        """The names of a stream's own columns, in the order they came; empty for a stream that is not there."""

    def fields(self, stream: str) -> list[StreamField]:
        """The same columns with how often each is filled."""

    def preview(self, stream: str, limit: int = 50) -> Preview:
        """The newest events."""

    def events(self, stream: str, since: StreamMark | None = None) -> EventFiles | None:
        """A stream's events; with a mark, those alone that came in since, whenever they happened.

        None for a stream that is not there.
        """

    def staging(self, stream: str) -> Path:
        """The folder into which a run writes its Parquet files before they are committed."""

    def delivery(self, stream: str) -> Delivery | None:
        """What sends rows, where they cannot become part of a stream in one act; None where `commit` does that."""

    def dry_run(self, stream: str, columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> str:
        """What it would say to some rows, which it does not take; empty where it takes all as they are."""

    def commit(self, stream: str, run_id: str, columns: Sequence[str], files: Sequence[StagedFile]) -> bool:
        """Makes the files part of the stream, all together. False when this run's files were in already.

        Where `delivery` sends rows, all have been sent before, and what is left is to remove the files.
        """

    def discard(self, stream: str, run_id: str) -> None:
        """Removes files of a run that were never committed."""

    def volume(self, stream: str, days: int = 60) -> list[Volume]:
        """Events of each of the last days up to the stream's newest event, days without any included."""

    # Profiles

    def require_definitions(self) -> None:
        """Raises `BadConfiguration` where mappings and audiences are not those that are written here."""

    @property
    def builds(self) -> Builds:
        """What makes profiles of streams."""

    def due(self, definitions: Definitions) -> datetime | None:
        """When a build is wanted: now or earlier, at a moment to come, or None for never."""

    def try_mapping(
        self, mapping: StreamMapping, *, events: int = 2000, limit: int = 20, stopper: Stopper | None = None
    ) -> Trial:
        """What a mapping, saved or not, would make of the newest events of its stream alone. Changes nothing."""

    def user_fields(self) -> list[FilledField]:
        """The fields of the profiles that are there, our own first."""

    def figures(self) -> ProfileFigures:
        """How profiles stand."""

    def find(self, text: str, limit: int = 50) -> list[Profile]:
        """Profiles that have an identifier that begins with a text, a whole match first; the id itself also counts.

        An empty text finds any.
        """

    def profile(self, profile_id: str) -> Profile | None:
        """One profile, by its id or by that of one that became part of it."""

    def happenings(self, profile_id: str, limit: int = 100) -> list[Happening]:
        """A profile's newest events, of all mapped streams."""

    # Audiences

    def defined(self, definitions: Definitions) -> list[Audience]:
        """The audiences that there are, by label.

        Args:
            definitions: those that are written here.
        """

    def audiences(self) -> list[AudienceInfo]:
        """Those that have been evaluated, by slug."""

    def sizes(self, slug: str, limit: int = 200) -> list[AudienceSize]:
        """The newest sizes of an audience, oldest first: one for each change."""

    def estimate(
        self, text: str, definitions: Definitions, *, members: int = 10, stopper: Stopper | None = None
    ) -> Estimate:
        """What a filter finds now.

        Args:
            text: FilterQL.
            definitions: whose audiences INCLUDE may name.

        Raises:
            BadConfiguration: the filter cannot be read, names a field that is not there, or includes itself.
        """

    def identifiers(self, value: str) -> list[Identifier]:
        """The identifiers that have exactly this value, letters of either case."""

    def forget(self, identifier: Identifier) -> Forgotten:
        """Removes a person: from streams, profiles and memberships."""

    # Jobs of its own

    @property
    def servers(self) -> Servers:
        """The machines that run jobs for it. Raises `BadConfiguration` where there are none. Asks nobody."""
