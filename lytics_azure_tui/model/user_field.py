"""User fields: what a profile is made of. Their kinds, and how the values of many events become one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FieldKind(StrEnum):
    """The kind of a user field, named as in Lytics' LQL."""

    STRING = "string"
    INT = "int"
    NUMBER = "number"
    BOOL = "bool"
    DATE = "date"
    STRINGS = "[]string"
    TIMES = "[]time"
    MAP_INT = "map[string]int"
    MAP_NUMBER = "map[string]number"
    MAP_STRING = "map[string]string"
    MAP_BOOL = "map[string]bool"
    MAP_TIME = "map[string]time"

    @property
    def is_list(self) -> bool:
        return self.value.startswith("[]")

    @property
    def is_map(self) -> bool:
        return self.value.startswith("map[")

    @property
    def element(self) -> FieldKind:
        """The kind of a list's elements or of a map's values; a scalar's own."""
        name = self.value.removeprefix("[]").removeprefix("map[string]")
        return FieldKind.DATE if name == "time" else FieldKind(name)

    @property
    def merges(self) -> tuple[Merge, ...]:
        """The merge operators that this kind can have; the first is the default."""
        return _MERGES[self]


class Merge(StrEnum):
    """How a field's values are merged, named as in Lytics' LQL. Latest and oldest go by the time of the event."""

    LATEST = "latest"
    OLDEST = "oldest"
    MIN = "min"
    MAX = "max"
    SUM = "sum"
    COUNT = "count"
    """How many events have a value."""
    MERGE = "merge"
    """All distinct values of a list; of a map every key with its latest value."""
    SET = "set"
    """The same for a list."""
    VALUECT = "valuect"
    """How often each value occurred."""
    CAPPED = "capped"
    """The latest distinct values, no more than `cap`."""
    MAPMIN = "mapmin"
    MAPMAX = "mapmax"
    LATESTMAP = "latestmap"
    OLDESTMAP = "oldestmap"


_ENDS = (Merge.LATEST, Merge.OLDEST)
_ORDERED = (*_ENDS, Merge.MIN, Merge.MAX)
_LISTS = (Merge.MERGE, Merge.SET, Merge.CAPPED, *_ENDS)
_MAPS = (Merge.MERGE, Merge.LATESTMAP, Merge.OLDESTMAP)
_ORDERED_MAPS = (*_MAPS, Merge.MAPMIN, Merge.MAPMAX)

_MERGES: dict[FieldKind, tuple[Merge, ...]] = {
    FieldKind.STRING: _ORDERED,
    FieldKind.INT: (*_ORDERED, Merge.SUM, Merge.COUNT),
    FieldKind.NUMBER: (*_ORDERED, Merge.SUM),
    FieldKind.BOOL: _ENDS,
    FieldKind.DATE: _ORDERED,
    FieldKind.STRINGS: _LISTS,
    FieldKind.TIMES: _LISTS,
    FieldKind.MAP_INT: (*_ORDERED_MAPS, Merge.VALUECT),
    FieldKind.MAP_NUMBER: _ORDERED_MAPS,
    FieldKind.MAP_STRING: _ORDERED_MAPS,
    FieldKind.MAP_BOOL: _MAPS,
    FieldKind.MAP_TIME: _ORDERED_MAPS,
}


@dataclass(frozen=True, slots=True)
class UserField:
    """A field of profiles.

    Attributes:
        name: as a filter writes it.
        kind: of its values.
        merge: how they are merged; None for a field that the program makes itself.
        identifier: whether its values tell whose an event is.
        help: one sentence; may be empty.
    """

    name: str
    kind: FieldKind
    merge: Merge | None = None
    identifier: bool = False
    help: str = ""


SCORES: tuple[str, ...] = (
    "score_quantity",
    "score_frequency",
    "score_recency",
    "score_intensity",
    "score_momentum",
    "score_consistency",
)

OWN_FIELDS: tuple[UserField, ...] = (
    UserField("_id", FieldKind.STRING, help="The profile's own id; it stays when profiles merge into this one."),
    UserField("_created", FieldKind.DATE, help="When the first of its events happened."),
    UserField("_modified", FieldKind.DATE, help="When the last of its events happened."),
    UserField("_num_events", FieldKind.INT, help="How many events it is made of."),
    UserField("_streamnames", FieldKind.STRINGS, help="The streams that they came by."),
    UserField("_segments", FieldKind.STRINGS, help="The audiences that it is in."),
    UserField(SCORES[0], FieldKind.INT, help="How much it has done in all, 0 to 100."),
    UserField(SCORES[1], FieldKind.INT, help="On how many of the last 30 days it did something, 0 to 100."),
    UserField(SCORES[2], FieldKind.INT, help="How lately it did something, 0 to 100."),
    UserField(SCORES[3], FieldKind.INT, help="How much it does on a day on which it does something, 0 to 100."),
    UserField(SCORES[4], FieldKind.INT, help="Whether it does more (above 50) or less (below) than 30 days before."),
    UserField(SCORES[5], FieldKind.INT, help="How regularly it does something, week by week, 0 to 100."),
)
"""Fields that every profile has beside those that mappings name."""
