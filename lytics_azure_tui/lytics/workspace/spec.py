"""What a build is going to do, frozen before it begins: everything that its steps have to know."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from lytics_azure_tui.lytics.workspace.tables import file_name
from lytics_azure_tui.model.mapping import Definitions

DIGITS = 3
"""Of a profile's id, which tell its bucket."""

MOST_BUCKETS = 1024
"""A power of two that 16**DIGITS holds."""


@dataclass(frozen=True, slots=True)
class BuildSpec:
    """A build, as JSON values.

    Attributes:
        run_id: makes the names of its files its own.
        number: of the build; the head that it goes on from has the one before.
        as_of: the moment as of which everything is, RFC 3339, UTC.
        definitions: as `Definitions.dump` gives them.
        streams: the version of each mapped stream up to which events are taken.
        files: for each stream the paths of its new files.
        columns: the columns of those streams.
        rebuild: every profile is made from all events, and only ids stay.
        compact: all rows are written anew, not only those that change.
        everyone: every profile's memberships are looked at, not only those that something happened to.
        rescored: the scores are of another day than before.
        buckets: profiles are made in so many turns.
        at_once: events are written into so many buckets at the same time.
        flushed: events are written into their buckets whenever so many have been gathered.
        backfill: audiences that are evaluated for the first time.
    """

    run_id: str
    number: int
    as_of: str
    definitions: dict[str, Any]
    streams: dict[str, int]
    files: dict[str, list[str]] = field(default_factory=dict)
    columns: dict[str, list[str]] = field(default_factory=dict)
    rebuild: bool = False
    compact: bool = False
    everyone: bool = False
    buckets: int = 1
    flushed: int = 524_288
    at_once: int = MOST_BUCKETS
    backfill: list[str] = field(default_factory=list)

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.as_of)

    @property
    def anew(self) -> bool:
        """Whether the tables are written as a whole."""
        return self.rebuild or self.compact

    def defined(self) -> Definitions:
        return Definitions.load(self.definitions)

    def file(self, part: str) -> str:
        """The name of a file for one of the tables."""
        return file_name(self.number, self.run_id, part)

    def dump(self) -> dict[str, Any]:
        """As JSON values; `BuildSpec(**values)` is the same again."""
        return asdict(self)


def bucket_sql(profile_id: str, buckets: int) -> str:
    """SQL of a profile's bucket, from 0."""
    return f"(CAST('0x' || {profile_id}[:{DIGITS}] AS INTEGER) * {buckets} // {16**DIGITS})"


def bucket_range(bucket: int, buckets: int, profile_id: str = "_id") -> str:
    """A condition that holds for the ids of a bucket, and that files are skipped by."""
    width = 16**DIGITS // buckets
    conditions = [f"{profile_id} >= '{bucket * width:0{DIGITS}x}'"] * (bucket > 0)
    conditions += [f"{profile_id} < '{(bucket + 1) * width:0{DIGITS}x}'"] * (bucket + 1 < buckets)
    return " AND ".join(conditions) or "true"
