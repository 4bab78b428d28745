"""A person is forgotten: nothing of them is left in any file of the workspace, and everyone else is as before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lytics_azure_tui.errors import Cancelled
from lytics_azure_tui.lytics.protocol import Identifier
from lytics_azure_tui.lytics.workspace import forget
from lytics_azure_tui.lytics.workspace.streams import Streams
from lytics_azure_tui.lytics.workspace.tables import Tables
from lytics_azure_tui.model.audience import Audience
from lytics_azure_tui.model.mapping import Definitions, FieldRule, StreamMapping
from lytics_azure_tui.model.user_field import FieldKind
from tests.integration.builds import Event, Place

ADA: dict[str, str | None] = {"user": "ada-user-17", "mail": "ada.lovelace@example.com", "word": "ada-said-this"}
SECRETS = ["ada-user-17", "ada.lovelace@example.com", "ada-said-this", "ada-cookie-99"]
GRACE = Event(3, {"user": "grace", "mail": "grace@example.com", "word": "cobol"})
DEFINITIONS = Definitions(
    (
        StreamMapping(
            stream="web",
            fields=[
                FieldRule(field="user", expression="user", identifier=True, rank=2),
                FieldRule(field="mail", expression="email(mail)", identifier=True),
                FieldRule(field="cookie", expression="cookie", identifier=True, rank=3, guard='word != "z"'),
                FieldRule(field="words", expression="word", kind=FieldKind.STRINGS),
            ],
        ),
    ),
    (Audience(slug="mailed", label="Mailed", filter="FILTER EXISTS mail"),),
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Ada came by a cookie, by a user name, and then by both: her profile is two that became one."""
    place = Place(tmp_path, DEFINITIONS)
    place.bring("web", [Event(9, {"cookie": SECRETS[-1]}), Event(8, ADA), GRACE])
    place.build()
    place.bring("web", [Event(7, {"cookie": SECRETS[-1], "user": ADA["user"], "mail": None, "word": "z"})])
    place.bring("web", [Event(7, {"cookie": SECRETS[-1], "user": ADA["user"]})])
    place.build()
    place.bring("web", [Event(2, {"user": "grace", "word": "later"})])
    return place


def test_nothing_of_a_person_is_left_anywhere(place: Place) -> None:
    done = place.workspace.forget(Identifier("mail", SECRETS[1]))
    assert {item.value for item in done.identifiers} == {SECRETS[0], SECRETS[1], SECRETS[3]}
    assert (done.profiles, done.events, done.memberships) == (1, {"web": 4}, 1)
    assert left_of_ada(place) == []
    assert place.workspace.find("ada") == []
    assert place.workspace.find("grace")[0].fields["words"] == ["cobol"]


def test_everyone_else_goes_on_as_if_nothing_had_been(place: Place) -> None:
    place.workspace.forget(Identifier("mail", SECRETS[1]))
    figures = place.workspace.figures()
    assert (figures.profiles, figures.behind) == (1, 1)
    assert place.workspace.audiences()[0].size == place.workspace.sizes("mailed")[-1].size == 1
    outcome = place.build()
    assert outcome is not None
    assert outcome.counts["changed"] == 1
    (grace,) = place.workspace.find("grace")
    assert (grace.fields["_num_events"], grace.fields["words"]) == (2, ["cobol", "later"])
    assert place.head() is not None
    assert place.build() is None, "a file that takes another's place is not new"


def test_who_comes_back_is_a_new_person(place: Place) -> None:
    place.workspace.forget(Identifier("mail", SECRETS[1]))
    place.bring("web", [Event(1, {"user": ADA["user"], "word": "hello"})])
    place.build()
    (ada,) = place.workspace.find(SECRETS[0])
    assert (ada.fields["_num_events"], ada.fields["words"]) == (1, ["hello"])


def test_nobody_is_forgotten_for_a_value_that_nobody_has(place: Place) -> None:
    assert place.workspace.forget(Identifier("mail", "nobody@example.com")).profiles == 0
    assert place.workspace.figures().profiles == 2


STEPS = [
    (Streams, "replace"),
    (Tables, "write"),
    (Tables, "sweep"),
    (forget, "_without"),
]


@pytest.mark.parametrize(("owner", "name"), STEPS)
@pytest.mark.parametrize(
    ("when", "call"),
    [
        pytest.param(when, call, marks=[] if when == "before" and call in (1, 2) else pytest.mark.soak)
        for when in ("before", "after")
        for call in (1, 2, 3, 4, 5)
    ],
)
def test_cut_off_anywhere_it_is_finished_by_the_next_call(
    place: Place, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, call: int, when: str
) -> None:
    with monkeypatch.context() as patch:
        calls = 0
        original = getattr(owner, name)

        def dying(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == call and when == "before":
                raise Cancelled("cut off")
            result = original(*args, **kwargs)
            if calls == call:
                raise Cancelled("cut off")
            return result

        patch.setattr(owner, name, dying)
        try:
            place.workspace.forget(Identifier("mail", SECRETS[1]))
        except Cancelled:
            assert left_of_ada(place)
        else:
            assert calls < call
    done = place.workspace.forget(Identifier("mail", SECRETS[1]))
    if calls >= call:
        assert done.events == {"web": 4}
    assert left_of_ada(place) == []
    figures = place.workspace.figures()
    assert (figures.profiles, figures.behind) == (1, 1)
    assert place.build() is not None
    (grace,) = place.workspace.find("grace")
    assert grace.fields["_num_events"] == 2


def left_of_ada(place: Place) -> list[str]:
    """Files in which a byte of hers is left, packed or not."""
    from lytics_azure_tui.lytics.duck import database, literal

    found = []
    with database(memory=128 << 20) as connection:
        for path in sorted((place.root / "workspace").rglob("*")):
            if path.is_file():
                text = path.read_bytes()
                if path.suffix == ".parquet":
                    file = literal(str(path))
                    rows = connection.execute(f"FROM read_parquet({file})").fetchall()
                    footer = connection.execute(f"FROM parquet_metadata({file})").fetchall()
                    text += f"{rows}{footer}".encode()
                if any(secret.encode() in text for secret in SECRETS):
                    found.append(str(path.relative_to(place.root)))
    return found
