"""What every Lytics does alike, whether it is embedded or an account: the same questions have the same answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.lytics.duck import database, literal
from lytics_azure_tui.lytics.protocol import Identifier, Lytics
from lytics_azure_tui.lytics.workspace.trigger_rows import Wanted
from tests.integration.accounts import DEFINITIONS, Ground, cloud, embedded, person

PEOPLE = 24
MEMORY = 256 << 20


@pytest.fixture(params=["embedded", "cloud"])
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    with {"embedded": embedded, "cloud": cloud}[request.param](tmp_path) as ground:
        ground.fill([person(number) for number in range(PEOPLE)])
        yield ground


@pytest.fixture
def lytics(ground: Ground) -> Lytics:
    return ground.lytics


# Streams


def test_streams_are_told_with_their_events(lytics: Lytics) -> None:
    (info,) = lytics.streams()
    assert (info.name, info.events) == ("people", PEOPLE)
    assert info.last_event is not None


def test_fields_are_told_with_how_often_each_is_filled(lytics: Lytics) -> None:
    filled = {field.name: field.filled for field in lytics.fields("people")}
    assert filled["email"] == PEOPLE
    assert filled["tags"] == 5
    assert sorted(lytics.columns("people")) == ["city", "email", "seen", "tags", "vip", "visits"]


def test_a_stream_that_is_not_there_has_nothing(lytics: Lytics) -> None:
    assert lytics.columns("nothing") == []
    assert lytics.fields("nothing") == []
    assert lytics.preview("nothing").rows == ()


def test_the_newest_events_can_be_looked_at(lytics: Lytics) -> None:
    preview = lytics.preview("people", 10)
    assert len(preview.rows) == 10
    city = preview.columns.index("city")
    assert {row[city] for row in preview.rows} <= {"Berlin", "Paris"}


def test_a_stream_whose_name_cannot_be_one_has_no_place(lytics: Lytics) -> None:
    with pytest.raises(BadConfiguration):
        lytics.staging("../elsewhere")


# Profiles


def test_profiles_are_counted(lytics: Lytics) -> None:
    figures = lytics.figures()
    assert figures.profiles == PEOPLE
    assert figures.built is not None


def test_user_fields_are_told_with_their_kinds(lytics: Lytics) -> None:
    kinds = {one.field.name: one.field.kind.value for one in lytics.user_fields()}
    assert {name: kinds[name] for name in ("email", "visits", "seen", "vip", "tags", "bought")} == {
        "email": "string",
        "visits": "int",
        "seen": "date",
        "vip": "bool",
        "tags": "[]string",
        "bought": "map[string]int",
    }
    assert [one.field.name for one in lytics.user_fields() if one.field.identifier] == ["email"]


def test_a_profile_is_found_by_an_identifier_in_letters_of_either_case(lytics: Lytics) -> None:
    (found,) = lytics.find("P0006@example.com")
    assert found.fields["visits"] == 6
    assert str(found.fields["seen"]) == "2026-02-07 10:00:00+00:00"
    assert Identifier("email", "p0006@example.com") in found.identifiers
    assert sorted(found.audiences) == ["berliners", "regulars"]
    again = lytics.profile(found.id)
    assert again is not None and again.fields["email"] == "p0006@example.com"


def test_nobody_is_found_by_what_nobody_has(lytics: Lytics) -> None:
    assert lytics.find("nobody@example.com") == []
    assert lytics.profile("0" * 32) is None
    assert lytics.identifiers("nobody@example.com") == []


def test_an_empty_text_finds_any(lytics: Lytics) -> None:
    assert len(lytics.find("", 7)) == 7


def test_the_identifiers_of_a_value_are_told(lytics: Lytics) -> None:
    assert lytics.identifiers("P0001@example.com") == [Identifier("email", "p0001@example.com")]


# Audiences


def test_audiences_are_told_with_their_sizes(lytics: Lytics) -> None:
    assert [(one.slug, one.label) for one in lytics.defined(DEFINITIONS)] == [
        ("berliners", "Berliners"),
        ("regulars", "Regulars"),
    ]
    assert {info.slug: info.size for info in lytics.audiences()} == {"berliners": 12, "regulars": 18}


def test_a_filter_is_tried(lytics: Lytics) -> None:
    found = lytics.estimate('FILTER AND (city = "Berlin", visits > 5)', DEFINITIONS, members=3)
    assert (found.size, found.profiles, len(found.members)) == (9, PEOPLE, 3)
    assert {member.fields["city"] for member in found.members} == {"Berlin"}


def test_a_filter_that_cannot_be_read_is_refused_with_the_reason(lytics: Lytics) -> None:
    with pytest.raises(BadConfiguration, match="cannot be used") as caught:
        lytics.estimate("FILTER city = ", DEFINITIONS)
    assert caught.value.why


# Exports


def rows_of(lytics: Lytics, slug: str, since: int | None, *fields: str) -> list[tuple[object, ...]]:
    """(what happened, the fields) of members, or of those who crossed since a build."""
    with lytics.audience(slug, memory=MEMORY, threads=1) as audience:
        assert audience is not None
        known = {field.name: field for field in audience.fields}
        rows = audience.members() if since is None else audience.crossed(since)
        chosen = ", ".join((rows.event, *(rows.value(known[name]) for name in fields)))
        found: list[tuple[object, ...]] = []
        for query in rows.queries(chosen):
            found += audience.connection.execute(query).fetchall()
        return sorted(found, key=str)


def test_members_are_read_with_their_fields_in_their_kinds(ground: Ground, tmp_path: Path) -> None:
    ground.refresh(tmp_path / "scan", "berliners")
    found = rows_of(ground.lytics, "berliners", None, "email", "visits", "vip", "tags", "bought")
    assert len(found) == 12
    assert found[5] == ("existing", "p0010@example.com", 10, False, ["red, gr\u00fcn"], {"Berlin": 10})
    assert found[0][3] is True
    with ground.lytics.audience("berliners", memory=MEMORY, threads=1) as audience:
        assert audience is not None and audience.size == 12


def test_who_comes_and_who_goes_is_told_once(ground: Ground, tmp_path: Path) -> None:
    ground.refresh(tmp_path / "first", "berliners", "regulars")
    build, evaluated = ground.lytics.triggers_state()
    assert evaluated == {"berliners", "regulars"}
    ground.fill([person(1, city="Berlin"), person(2, city="Rome"), person(30)])
    ground.refresh(tmp_path / "second", "berliners")
    assert rows_of(ground.lytics, "berliners", build, "email") == [
        ("enter", "p0001@example.com"),
        ("enter", "p0030@example.com"),
        ("exit", "p0002@example.com"),
    ]
    later, _ = ground.lytics.triggers_state()
    assert later > build
    ground.refresh(tmp_path / "third", "berliners")
    assert rows_of(ground.lytics, "berliners", later, "email") == []
    assert len(rows_of(ground.lytics, "berliners", None, "email")) == 13


def test_triggers_tell_who_entered_with_the_profile(ground: Ground, tmp_path: Path) -> None:
    slugs = ("berliners", "regulars")
    ground.refresh(tmp_path / "first", *slugs)
    build, _ = ground.lytics.triggers_state()
    ground.fill([person(2, city="Rome"), person(40)])
    ground.refresh(tmp_path / "second", *slugs)
    target = tmp_path / "outbox.parquet"
    found = ground.lytics.triggers(Wanted({"berliners": build, "regulars": build}), target, memory=MEMORY, threads=1)
    assert found.rows == 2
    with database(memory=MEMORY) as connection:
        rows = connection.execute(
            "SELECT profile.email, [e.slug for e in events], [e.enter for e in events]"
            f" FROM read_parquet({literal(str(target))}) ORDER BY ALL"
        ).fetchall()
    assert rows == [
        ("p0002@example.com", ["berliners"], [False]),
        ("p0040@example.com", ["berliners", "regulars"], [True, True]),
    ]


def test_a_backfill_gives_the_members_of_now(ground: Ground, tmp_path: Path) -> None:
    ground.refresh(tmp_path / "first", "regulars")
    target = tmp_path / "outbox.parquet"
    found = ground.lytics.triggers(Wanted({}, ("regulars",), True), target, memory=MEMORY, threads=1)
    assert found.rows == 18


def test_the_sizes_of_an_audience_are_told_as_they_changed(ground: Ground, tmp_path: Path) -> None:
    ground.refresh(tmp_path / "first", "berliners")
    ground.fill([person(32)])
    ground.refresh(tmp_path / "second", "berliners")
    assert [one.size for one in ground.lytics.sizes("berliners")] == [12, 13]
