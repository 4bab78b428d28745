"""What there is to ask about profiles and audiences, and what becomes of them when definitions change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lytics_azure_tui.errors import BadConfiguration, Cancelled
from lytics_azure_tui.lytics.protocol import Identifier, Stopper
from lytics_azure_tui.model.audience import Audience
from lytics_azure_tui.model.mapping import Affinity, Definitions, FieldRule, StreamMapping
from lytics_azure_tui.model.user_field import FieldKind, Merge
from tests.integration.builds import START, Event, Place

USER = FieldRule(field="user", expression="user", identifier=True, rank=2)
MAIL = FieldRule(field="mail", expression="email(mail)", identifier=True)
SPENT = FieldRule(field="spent", expression="spent", kind=FieldKind.NUMBER, merge=Merge.SUM)
WEB = StreamMapping(
    stream="web",
    where='kind != "noise"',
    fields=[USER, MAIL, SPENT],
    affinities=[Affinity(field="likes", expression="topic")],
)
RICH = Audience(slug="rich", label="Rich", filter="FILTER spent > 100")
LATELY = Audience(slug="lately", label="Lately", filter='FILTER _modified > "now-2h"')
EVENTS = [
    Event(30, {"user": "1", "mail": "Ada@Example.com", "spent": "50", "topic": "sea", "kind": None}),
    Event(20, {"user": "1", "mail": None, "spent": "70.5", "topic": "sea", "kind": None}),
    Event(10, {"user": "1", "mail": "", "spent": "lots", "topic": "wood", "kind": None}),
    Event(10, {"user": "2", "mail": None, "spent": None, "topic": None, "kind": None}),
    Event(10, {"user": "2", "mail": None, "spent": "1000", "topic": None, "kind": "noise"}),
    Event(10, {"user": None, "mail": "not an address", "spent": "1", "topic": None, "kind": None}),
    Event(10, {"user": "x" * 257, "mail": None, "spent": "1", "topic": None, "kind": None}),
]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path, Definitions((WEB,), (RICH, LATELY)))
    place.bring("web", EVENTS)
    place.build()
    return place


def test_before_the_first_build_there_is_nobody(tmp_path: Path) -> None:
    place = Place(tmp_path, Definitions((WEB,), (RICH,)))
    workspace = place.workspace
    assert workspace.due(place.definitions) is None
    place.bring("web", EVENTS)
    assert workspace.figures().built is None
    assert (workspace.find("1"), workspace.profile("x"), workspace.happenings("x")) == ([], None, [])
    assert (workspace.user_fields(), workspace.audiences(), workspace.sizes("rich")) == ([], [], [])
    assert workspace.estimate("FILTER spent > 1", place.definitions).profiles == 0
    due = workspace.due(place.definitions)
    assert due is not None
    assert due <= datetime.now(UTC)


def test_a_profile_is_found_by_the_beginning_of_any_identifier_in_any_case(place: Place) -> None:
    (ada,) = place.workspace.find("ADA@")
    assert ada.fields["mail"] == "ada@example.com"
    assert ada.fields["spent"] == 120.5
    assert ada.fields["likes"] == {"sea": 1.0, "wood": 0.5}
    assert ada.identifiers == (Identifier("mail", "ada@example.com"), Identifier("user", "1"))
    assert set(ada.audiences) == {"rich", "lately"}
    assert place.workspace.profile(ada.id) == ada == place.workspace.find(ada.id)[0]
    assert place.workspace.identifiers("Ada@Example.com") == [Identifier("mail", "ada@example.com")]


def test_what_cannot_be_used_is_counted(tmp_path: Path) -> None:
    place = Place(tmp_path, Definitions((WEB,)))
    place.bring("web", EVENTS)
    outcome = place.build()
    assert outcome is not None
    assert outcome.counts["events without identifier"] == 2
    assert outcome.counts["unreadable: spent"] == 1
    assert (outcome.counts["profiles"], outcome.counts["new"]) == (2, 2)


def test_a_profile_that_became_part_of_another_is_found_there(place: Place) -> None:
    one, two = place.workspace.find("1")[0], place.workspace.find("2")[0]
    place.bring("web", [Event(1, {"user": "2", "mail": "ada@example.com", "spent": "1"})])
    outcome = place.build()
    assert outcome is not None
    assert (outcome.counts["merged"], outcome.counts["conflicts"]) == (1, 1)
    assert place.workspace.figures().conflicts == 1
    found = place.workspace.profile(two.id)
    assert found is not None
    assert (found.id, found.merged) == (one.id, (two.id,)), "the one that was there first stays"
    assert place.workspace.find(two.id) == [found]


def test_happenings_are_a_profiles_own_events_newest_first(place: Place) -> None:
    (ada,) = place.workspace.find("ada@")
    found = place.workspace.happenings(ada.id, limit=2)
    assert [item.at for item in found] == [START - timedelta(minutes=10), START - timedelta(minutes=20)]
    assert found[0].values == {"user": "1", "spent": "lots", "topic": "wood"}
    assert len(place.workspace.happenings(ada.id)) == 3


def test_fields_tell_in_how_many_profiles_they_are(place: Place) -> None:
    filled = {item.field.name: item.filled for item in place.workspace.user_fields()}
    assert (filled["_id"], filled["mail"], filled["spent"], filled["likes"]) == (2, 1, 1, 1)


def test_events_that_came_since_are_behind(place: Place) -> None:
    assert place.workspace.due(place.definitions) == START + timedelta(minutes=110)
    place.bring("web", EVENTS[:2])
    assert place.workspace.figures().behind == 2
    due = place.workspace.due(place.definitions)
    assert due is not None
    assert due > START + timedelta(hours=2), "now, and the test's now is long ago"


def test_an_estimate_counts_and_shows_what_the_filter_names_first(place: Place) -> None:
    found = place.workspace.estimate("FILTER AND (likes.sea > 0.5, spent > 100)", place.definitions)
    assert (found.size, found.profiles) == (1, 2)
    assert list(found.members[0].fields)[:2] == ["likes", "spent"]
    assert place.workspace.estimate("FILTER NOT INCLUDE rich", place.definitions).size == 1
    assert place.workspace.estimate("FILTER * LIMIT 1", place.definitions).size == 1


@pytest.mark.parametrize("text", ["FILTER spnt > 1", "FILTER AND (", 'FILTER _segments = "rich"', "FILTER INCLUDE x"])
def test_a_filter_that_cannot_be_used_is_refused_with_words(place: Place, text: str) -> None:
    with pytest.raises(BadConfiguration, match="line 1"):
        place.workspace.estimate(text, place.definitions)


def test_a_question_that_is_taken_back_is_not_answered(place: Place) -> None:
    stopper = Stopper()
    stopper.stop()
    with pytest.raises(Cancelled):
        place.workspace.estimate("FILTER spent > 1", place.definitions, stopper=stopper)
    with pytest.raises(Cancelled):
        place.workspace.try_mapping(WEB, stopper=stopper)


def test_a_mapping_is_tried_without_changing_anything(place: Place) -> None:
    tried = place.workspace.try_mapping(WEB.model_copy(update={"where": None}), limit=1)
    assert tried.events == 7
    assert tried.filled == {"user": 5, "mail": 1, "spent": 5, "likes": 3}
    assert tried.unreadable == {"user": 1, "mail": 0, "spent": 1, "likes": 0}
    assert [item.fields["_num_events"] for item in tried.profiles] == [3]
    with pytest.raises(BadConfiguration, match="nothing"):
        wrong = FieldRule(field="a", expression="nothing")
        place.workspace.try_mapping(StreamMapping(stream="web", fields=[wrong]))


def test_days_without_events_are_days(place: Place) -> None:
    place.bring("web", [Event(60 * 24 * 3, {"user": "3"})])
    assert [item.events for item in place.workspace.volume("web", days=5)] == [0, 1, 0, 0, 7]


# Definitions that change


def test_a_changed_mapping_makes_all_anew_and_ids_stay(place: Place) -> None:
    ids = {row["user"]: row["_id"] for row in place.table("profiles")}
    more = WEB.model_copy(update={"fields": [USER, MAIL, FieldRule(field="topics", expression="topic")]})
    place.definitions = Definitions((more,), (LATELY,))
    outcome = place.build()
    assert outcome is not None
    rows = place.table("profiles")
    assert {row["user"]: row["_id"] for row in rows} == ids
    assert {row["user"]: row["topics"] for row in rows} == {"1": "wood", "2": None}
    assert all("spent" not in row for row in rows)
    assert outcome.counts["entered"] == outcome.counts["left"] == 0


def test_a_person_whom_a_mapping_splits_keeps_the_id_once(place: Place) -> None:
    place.bring("web", [Event(1, {"user": "2", "mail": "ada@example.com", "spent": "1"})])
    place.build()
    (one,) = place.table("profiles")
    place.definitions = Definitions((WEB.model_copy(update={"fields": [USER, SPENT]}),), (RICH,))
    place.build()
    rows = place.table("profiles")
    assert len({row["_id"] for row in rows}) == len(rows) == 2
    assert one["_id"] in {row["_id"] for row in rows}


def test_a_new_audience_has_its_members_as_backfill_and_a_deleted_one_goes_quietly(place: Place) -> None:
    place.definitions = Definitions((WEB,), (Audience(slug="all", label="All", filter="FILTER *"), RICH))
    outcome = place.build()
    assert outcome is not None
    assert (outcome.counts["entered"], outcome.counts["left"], outcome.counts["changed"]) == (2, 0, 0)
    assert {row["audience"] for row in place.table("transitions") if row["build"] == 2} == {"all"}
    assert all(row["backfill"] for row in place.table("transitions"))
    assert [(item.slug, item.size) for item in place.workspace.audiences()] == [("all", 2), ("rich", 1)]
    place.definitions = Definitions((WEB,), (RICH.model_copy(update={"filter": "FILTER spent > 1000"}),))
    place.build()
    (left,) = (row for row in place.table("transitions") if row["build"] == 3)
    assert (left["audience"], left["enter"], left["backfill"]) == ("rich", False, False)


def test_a_date_that_passes_moves_profiles_at_its_own_time(place: Place) -> None:
    due = place.workspace.due(place.definitions)
    assert due is not None
    place.now = due + timedelta(minutes=30)
    outcome = place.build()
    assert outcome is not None
    assert outcome.counts["left"] == 2
    moments = {row["at"] for row in place.table("transitions") if not row["enter"]}
    assert moments == {due}
    assert place.workspace.due(place.definitions) is None
    assert place.build() is None


def test_scores_are_of_the_day_of_the_build(place: Place) -> None:
    regular = Audience(slug="recent", label="Recent", filter="FILTER score_recency > 50")
    place.definitions = Definitions((WEB,), (regular,))
    place.build()
    assert place.workspace.due(place.definitions) == datetime(2026, 3, 2, tzinfo=UTC)
    place.now = START + timedelta(days=20)
    outcome = place.build()
    assert outcome is not None
    assert outcome.counts["left"] == 2
    assert {row["score_recency"] for row in place.table("profiles")} == {37}


def test_with_the_day_many_small_files_become_one(place: Place) -> None:
    for number in range(12):
        place.bring("web", [Event(1, {"user": f"new{number}", "spent": "500"})])
        place.build()
    before = place.table("transitions")
    place.now += timedelta(days=1)
    place.bring("web", [Event(0, {"user": "late", "spent": "500"})])
    place.build()
    after = place.table("transitions")
    assert {(row["build"], row["seq"]) for row in after} > {(row["build"], row["seq"]) for row in before}
    place.now += timedelta(days=1)
    place.bring("web", [Event(0, {"user": "later", "spent": "500"})])
    place.build()
    for name in ("transitions", "sizes", "profiles", "memberships", "identities", "merges"):
        assert len(list((place.root / "workspace" / name).glob("*.parquet"))) <= 3, name
    assert len(place.table("profiles")) == 16
    assert place.workspace.sizes("rich")[-1].size == 15


def test_what_is_only_for_people_calls_for_no_build(place: Place) -> None:
    named = WEB.model_copy(update={"fields": [USER.model_copy(update={"description": "Who."}), MAIL, SPENT]})
    place.definitions = Definitions((named,), (LATELY, RICH.model_copy(update={"label": "Very rich"})))
    assert place.workspace.due(place.definitions) == START + timedelta(minutes=110)
    assert place.build() is None


def test_mappings_that_contradict_each_other_are_refused(place: Place) -> None:
    other = StreamMapping(stream="shop", fields=[USER, SPENT.model_copy(update={"merge": Merge.MAX})])
    place.definitions = Definitions((WEB, other))
    with pytest.raises(BadConfiguration, match="spent"):
        place.build()
    shouted = StreamMapping(stream="shop", fields=[FieldRule(field="USER", expression="user")])
    place.definitions = Definitions((WEB, shouted))
    with pytest.raises(BadConfiguration, match="case"):
        place.build()


def test_the_tables_are_plain_delta_that_others_can_read(place: Place) -> None:
    from deltalake import DeltaTable

    for name in ("profiles", "identities", "merges", "memberships", "transitions", "sizes"):
        table = DeltaTable(str(place.root / "workspace" / name))
        assert table.count() == len(place.table(name))
