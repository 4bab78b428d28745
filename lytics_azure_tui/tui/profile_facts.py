"""What a profile says on the screen: the identifier that tells most, its values as rows, the head of its page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import groupby

from rich.cells import cell_len
from textual.content import Content

from lytics_azure_tui.lytics.protocol import Identifier, Profile, ProfileFigures, Value
from lytics_azure_tui.model.user_field import OWN_FIELDS, SCORES, UserField
from lytics_azure_tui.tui.figures import count, when
from lytics_azure_tui.tui.text import content, plain
from lytics_azure_tui.tui.widgets.grid import Cell, Column, Row
from lytics_azure_tui.tui.widgets.pace import bar

FIELDS = (Column("Field", 20), Column("Value", least=24), Column("Kind", 18, optional=1))
ENTRIES_SHOWN = 100
"""Of a list or a map."""
SHOWN = 400
"""Characters of one value in a row."""
NAME = 11
"""Cells of the name of a fact."""
_OWN = {field.name for field in OWN_FIELDS}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of all profiles.

    Attributes:
        figures: how they stand.
        fields: by name.
        ranks: of identifiers, by field; 1 is the strongest.
    """

    figures: ProfileFigures
    fields: Mapping[str, UserField]
    ranks: Mapping[str, int]


def telling(profile: Profile, ranks: Mapping[str, int], sought: str = "") -> Identifier:
    """The identifier by which a person would name the profile.

    That is one that begins with what was sought; else the strongest, and of those an address, or the shortest. A
    profile without any is named by its id.
    """
    # Addresses are in small letters, whatever one types.
    fitting = [one for one in profile.identifiers if sought and one.value.startswith((sought, sought.lower()))]
    candidates = fitting or profile.identifiers
    if not candidates:
        return Identifier("_id", profile.id)
    return min(candidates, key=lambda one: (ranks.get(one.field, 100), "@" not in one.value, len(one.value), one.value))


def last_seen(profile: Profile) -> datetime | None:
    """When the last of its events happened."""
    seen = profile.fields.get("_modified")
    return seen if isinstance(seen, datetime) else None


def events_of(profile: Profile) -> int | None:
    """How many events it is made of."""
    number = profile.fields.get("_num_events")
    return number if isinstance(number, int) else None


def written(value: Value, zone: tzinfo | None) -> str:
    """One value as text: figures without separators, as a filter has them; a list with commas."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {written(one, zone)}" for key, one in _ordered(value))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(written(one, zone) for one in value)
    return str(value)


def field_rows(profile: Profile, fields: Mapping[str, UserField], zone: tzinfo | None) -> list[Row]:
    """The fields that have a value, those of mappings first; lists and maps go on over the rows below."""
    order = {name: place for place, name in enumerate(fields)}
    names = sorted(profile.fields, key=lambda name: (name in _OWN, order.get(name, 0)))
    return [row for name in names for row in _rows_of(name, profile.fields[name], fields.get(name), zone)]


def _rows_of(name: str, value: Value, field: UserField | None, zone: tzinfo | None) -> Iterator[Row]:
    kind = field.kind if field is not None else ""
    tone = "" if name in _OWN else "strong"
    entries = list(_entries(value, zone))
    for place, entry in enumerate(entries[:ENTRIES_SHOWN]):
        first = (Cell(name, tone), Cell(entry[:SHOWN]), Cell(kind, "muted"))
        yield Row(f"{name} {place}", first if place == 0 else (Cell(""), Cell(entry[:SHOWN]), Cell("")))
    if len(entries) > ENTRIES_SHOWN:
        more = f"… and {count(len(entries) - ENTRIES_SHOWN)} more"
        yield Row(f"{name} more", (Cell(""), Cell(more, "muted"), Cell("")))


def _entries(value: Value, zone: tzinfo | None) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from (f"{key}: {written(one, zone)}" for key, one in _ordered(value)) if value else ["empty"]
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield from (written(one, zone) for one in value) if value else ["empty"]
    else:
        yield written(value, zone)


def _ordered(value: Mapping[str, Value]) -> list[tuple[str, Value]]:
    """The keys of a map: of figures the largest first, of anything else by name."""

    def largest_first(item: tuple[str, Value]) -> tuple[float, str]:
        key, one = item
        return (-one if isinstance(one, int | float) and not isinstance(one, bool) else 0.0, key)

    return sorted(value.items(), key=largest_first)


def whole_field(name: str, profile: Profile, fields: Mapping[str, UserField], zone: tzinfo | None) -> Content:
    """What a field is, and all of its value."""
    field = fields.get(name)
    facts = [field.kind, f"merged by {field.merge}" if field.merge else "", field.help] if field is not None else []
    head = Content.assemble(content(name, "bold"), ("  " + " · ".join(plain(fact) for fact in facts if fact), "dim"))
    return Content("\n").join((head, content(written(profile.fields[name], zone), cells=4000)))


def overview(profile: Profile, labels: Mapping[str, str], width: int, now: datetime, zone: tzinfo | None) -> Content:
    """A profile at a glance: since when, in which audiences, its scores, and by what it is known.

    Args:
        labels: of audiences, by slug.
        width: in cells.
    """
    audiences = [labels.get(slug, slug) for slug in profile.audiences]
    lines = [
        content(_doings(profile, now, zone), "dim"),
        *_fact("Audiences", _folded(audiences or ["none"], width)),
        *_fact("Scores", _scores(profile, width)),
        *_fact("Known by", _identifiers(profile, width)),
        *_fact("Id", _folded([profile.id], width)),
        *_fact("Merged", _folded(profile.merged, width)),
    ]
    return Content("\n").join(lines)


def _doings(profile: Profile, now: datetime, zone: tzinfo | None) -> str:
    events, streams, created = events_of(profile), profile.fields.get("_streamnames"), profile.fields.get("_created")
    number = "1 event" if events == 1 else f"{count(events or 0)} events"
    through = f" by {written(streams, zone)}" if streams else ""
    first = when(created if isinstance(created, datetime) else None, now, zone)
    return f"{number}{through}, first {first}, last {when(last_seen(profile), now, zone)}"


def _scores(profile: Profile, width: int) -> Iterator[Content]:
    """Two in a line where there is room."""
    values = ((name.removeprefix("score_"), profile.fields.get(name)) for name in SCORES)
    found = [(name, value) for name, value in values if isinstance(value, int)]
    a_line = 2 if width >= 70 else 1
    for place in range(0, len(found), a_line):
        parts = []
        for name, value in found[place : place + a_line]:
            done, rest = bar(value, 100, 12)
            parts.append(Content.assemble(f"{name:<12}", (done, "$primary"), (rest, "dim"), f"{value:>4}"))
        yield Content("   ").join(parts)


def _identifiers(profile: Profile, width: int) -> Iterator[Content]:
    """By field."""
    ordered = sorted(profile.identifiers, key=lambda one: (one.field, one.value))
    for field, group in groupby(ordered, key=lambda one: one.field):
        name = f"{plain(field, 18):<12} "
        folded = _folded([one.value for one in group], width - len(name))
        for place, values in enumerate(folded):
            yield Content.assemble((name if place == 0 else " " * len(name), "dim"), values)


def _folded(values: Sequence[str], width: int) -> Iterator[Content]:
    """Values with commas between them, on as many lines as they take beside the name of their fact."""
    room, line = width - NAME - 1, ""
    for place, value in enumerate(values):
        word = plain(value, room) + ("," if place + 1 < len(values) else "")
        if line and cell_len(line) + 1 + cell_len(word) > room:
            yield Content(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    if line:
        yield Content(line)


def _fact(name: str, lines: Iterable[Content]) -> Iterator[Content]:
    for place, line in enumerate(lines):
        yield Content.assemble((f"{name if place == 0 else '':<{NAME}}", "dim"), line)


def standing(figures: ProfileFigures, now: datetime, zone: tzinfo | None) -> Content:
    """The line above the profiles: how many, as of when, what is not in them yet."""
    dot = (" · ", "dim")
    parts: list[Content | str | tuple[str, str]] = [(count(figures.profiles), "bold")]
    parts.append(" profile" if figures.profiles == 1 else " profiles")
    if figures.built is not None:
        parts += [dot, f"as of {when(figures.built, now, zone)}"]
    if figures.behind:
        words = "1 event is" if figures.behind == 1 else f"{count(figures.behind)} events are"
        parts += [dot, (f"{words} not in yet", "$text-warning")]
    elif figures.built is not None:
        parts += [dot, ("every event is in", "dim")]
    if figures.conflicts:
        words = "1 conflict" if figures.conflicts == 1 else f"{count(figures.conflicts)} conflicts"
        parts += [dot, (f"⚠ {words}", "$text-warning")]
    return Content.assemble(*parts)
