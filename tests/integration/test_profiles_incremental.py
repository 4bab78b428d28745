"""Built in any slices and any order, profiles are what all their events make of them; memberships follow."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings

from lytics_azure_tui.lytics.workspace import build
from lytics_azure_tui.lytics.workspace.scores import day_of
from lytics_azure_tui.model.audience import Audience
from lytics_azure_tui.model.mapping import Affinity, Definitions, FieldRule, StreamMapping
from lytics_azure_tui.model.user_field import FieldKind, Merge
from tests.integration import profile_oracle
from tests.integration.builds import Event, Place

SOURCES: dict[FieldKind, str] = {
    FieldKind.STRING: "word", FieldKind.INT: "whole", FieldKind.NUMBER: "number", FieldKind.BOOL: "flag",
    FieldKind.DATE: "date", FieldKind.STRINGS: 'split(tags, ",")', FieldKind.TIMES: "date",
    FieldKind.MAP_INT: "map(word, whole)", FieldKind.MAP_NUMBER: "map(word, number)",
    FieldKind.MAP_STRING: "map(word, tags)", FieldKind.MAP_BOOL: "map(word, flag)",
    FieldKind.MAP_TIME: "map(word, date)",
}  # fmt: skip
KINDS = [(kind, merge) for kind in FieldKind for merge in kind.merges]

AUDIENCES: dict[str, tuple[str, Callable[[dict[str, Any], Any], bool]]] = {
    "busy": ("FILTER _num_events > 2", lambda row, _: row["_num_events"] > 2),
    "known": ("FILTER EXISTS mail", lambda row, _: "mail" in row),
    "quiet": (
        'FILTER AND (_modified < "now-3h", INCLUDE known)',
        lambda row, now: row["_modified"] < now - timedelta(hours=3) and "mail" in row,
    ),
    "fresh": ('FILTER _created > "now-2d"', lambda row, now: row["_created"] > now - timedelta(days=2)),
    "regular": ("FILTER score_frequency >= 16", lambda row, _: row["score_frequency"] >= 16),
}
DEFINED = tuple(Audience(slug=slug, label=slug, filter=text) for slug, (text, _) in AUDIENCES.items())


def rule(number: int, kind: FieldKind, merge: Merge, guard: str | None) -> FieldRule:
    source = 'split(tags, ",")' if merge is Merge.VALUECT else SOURCES[kind]
    return FieldRule(field=f"f{number}", expression=source, kind=kind, merge=merge, guard=guard, cap=2)


@st.composite
def mappings(draw: st.DrawFn) -> tuple[StreamMapping, ...]:
    chosen = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=8, unique=True))
    guard = st.sampled_from([None, None, 'flag = "true"', 'word != "x"'])
    fields = [rule(number, kind, merge, draw(guard)) for number, (kind, merge) in enumerate(chosen)]
    merge = draw(st.sampled_from(FieldKind.STRING.merges))
    user = FieldRule(field="user", expression="user", identifier=True, rank=2)
    mail = FieldRule(field="mail", expression="mail", identifier=True, merge=merge)
    weaker = FieldRule(field="mail", expression="other", identifier=True, merge=merge, rank=draw(st.integers(1, 2)))
    devices = FieldRule(field="devices", expression='split(devices, ",")', kind=FieldKind.STRINGS, identifier=True)
    return (
        StreamMapping(
            stream="shop",
            where=draw(st.sampled_from([None, 'word != "y"'])),
            fields=[user, mail, *fields],
            affinities=[Affinity(field="interests", expression='split(tags, ",")')],
        ),
        StreamMapping(stream="web", fields=[user, weaker, devices, *fields[::2]]),
    )


def some(*values: str) -> st.SearchStrategy[str | None]:
    return st.sampled_from([None, "", *values])


events = st.builds(
    Event,
    minutes=st.sampled_from([0, 1, 1, 1, 90, 200, 1440, 1441, 4000, 50_000, 90_000]),
    values=st.fixed_dictionaries(
        {
            "user": st.sampled_from([None, None, "1", "2", "3", "4"]),
            "mail": st.sampled_from([None, None, "a@x", "b@x", "c@x", "é@x"]),
            "other": st.sampled_from([None, None, None, "a@x", "d@x"]),
            "devices": some("d1", "d2", "d1,d3"),
            "word": some("x", "y", "ü'\""),
            "whole": some("1", "-2", "9007199254740993"),
            "number": some("1.5", "-0.25", "100"),
            "flag": some("true", "false"),
            "date": some("2026-01-01T00:00:00+00:00", "2026-02-03T04:05:06+00:00"),
            "tags": some("p", "q,p", "r,,q"),
        }
    ),
    row=st.integers(1, 3),
    brought=st.sampled_from([0, 0, 5]),
)

slices = st.lists(
    st.tuples(
        st.lists(st.tuples(st.sampled_from(["shop", "web"]), events), max_size=8),
        st.sampled_from([timedelta(minutes=1), timedelta(hours=2), timedelta(hours=13), timedelta(days=40)]),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(mappings(), slices, st.sampled_from([1, 4]), st.sampled_from([0.25, 1e9]))
def test_slice_by_slice_profiles_are_what_all_events_make_of_them(
    maps: tuple[StreamMapping, ...],
    parts: list[tuple[list[tuple[str, Event]], timedelta]],
    buckets: int,
    layered: float,
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(build, "_buckets", lambda *_: buckets),
        patch.object(build, "LAYERED", layered),
    ):
        place = Place(Path(folder), Definitions(maps, DEFINED))
        survivors = dict[int, dict[str, str]]()
        for part, later in parts:
            for stream in ("shop", "web"):
                place.bring(stream, [event for name, event in part if name == stream])
            place.build(later)
            if (head := place.head()) is not None:
                survivors[head.build] = {row["_id"]: row["survivor"] for row in place.table("merges")}
        head = place.head()
        if head is None:
            return
        brought = [item for part, _ in parts for item in part]
        expected = profile_oracle.profiles(maps, brought, day_of(head.moment))
        found = place.table("profiles")
        hidden = {"_id", "_state", "_build", "_gone"}
        shown = [{name: row[name] for name in row if name not in hidden and row[name] is not None} for row in found]
        assert by_identifiers(shown) == by_identifiers(expected)
        assert (head.profiles, head.conflicts) == (len(found), sum(row["_conflicts"] > 0 for row in found))
        assert {name: n for name, n in head.filled.items() if n} == dict(
            Counter(name for row in shown for name in row if name not in ("_identifiers", "_conflicts"))
        )
        assert_found_by_identifiers(place, found)
        assert_memberships(place, found, shown)
        assert_transitions(place, survivors)


def by_identifiers(rows: list[dict[str, Any]]) -> list[tuple[str, str, Any]]:
    """(a profile's identifiers, field, value), in order."""
    named = [(" ".join(row["_identifiers"]), name, value) for row in rows for name, value in row.items()]
    return sorted(named, key=lambda item: item[:2])


def assert_found_by_identifiers(place: Place, found: list[dict[str, Any]]) -> None:
    pairs = {(f"{row['field']}:{row['value']}", row["_id"]) for row in place.table("identities")}
    assert pairs == {(node, row["_id"]) for row in found for node in row["_identifiers"]}
    live = {row["_id"] for row in found}
    merges = {row["_id"]: row["survivor"] for row in place.table("merges")}
    assert not live & set(merges)
    assert live >= set(merges.values())


def assert_memberships(place: Place, found: list[dict[str, Any]], shown: list[dict[str, Any]]) -> None:
    head = place.head()
    assert head is not None
    expected = {
        row["_id"]: {slug for slug, (_, holds) in AUDIENCES.items() if holds(fields, head.moment)}
        for row, fields in zip(found, shown, strict=True)
    }
    stored = {row["_id"]: set(row["_segments"]) for row in place.table("memberships")}
    assert {one: stored.get(one, set()) for one in expected} == expected
    assert head.sizes == {slug: sum(slug in each for each in expected.values()) for slug in AUDIENCES}
    sizes = {slug: place.workspace.sizes(slug)[-1].size for slug in AUDIENCES}
    assert sizes == head.sizes


def assert_transitions(place: Place, survivors: dict[int, dict[str, str]]) -> None:
    """One who replays them, with the merges of each build, comes to the memberships.

    Args:
        survivors: build → the profiles that had become part of another after it.
    """
    replayed: set[tuple[str, str]] = set()
    transitions = sorted(place.table("transitions"), key=lambda row: (row["build"], row["seq"]))
    for number, merged in sorted(survivors.items()):
        replayed = {(merged.get(one, one), slug) for one, slug in replayed}
        for row in transitions:
            if row["build"] == number:
                pair = (merged.get(row["profile"], row["profile"]), row["audience"])
                (replayed.add if row["enter"] else replayed.discard)(pair)
    assert replayed == {(row["_id"], slug) for row in place.table("memberships") for slug in row["_segments"]}
