"""Who enters and leaves audiences is told to an event hub, each time, in order, whatever happens on the way."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lytics_azure_tui.azure import event_hub_sender
from lytics_azure_tui.errors import Fatal, RetryLater
from lytics_azure_tui.jobs import event_hub_export, quarantine
from lytics_azure_tui.model.audience import Audience
from lytics_azure_tui.model.mapping import Definitions, FieldRule, StreamMapping
from lytics_azure_tui.model.trigger import segment_id, subscription_id
from lytics_azure_tui.model.user_field import FieldKind, Merge
from lytics_azure_tui.sandbox.event_hub import EventHubServer
from lytics_azure_tui.sandbox.event_hub.faults import Fault
from tests.integration.builds import START, Event, Place
from tests.integration.triggers import Told, Triggers

SHOP = StreamMapping(
    stream="shop",
    fields=[
        FieldRule(field="user_id", expression="user", identifier=True, rank=1),
        FieldRule(field="email", expression="email(mail)", identifier=True, rank=2),
        FieldRule(field="spent", expression="amount", kind=FieldKind.NUMBER, merge=Merge.SUM),
        FieldRule(field="note", expression="note"),
    ],
)
SPENDERS = Audience(slug="spenders", label="Spenders", filter="FILTER spent > 100")
LATELY = Audience(slug="lately", label="Lately", filter='FILTER _modified > "now-2h"')
REACHED = Audience(slug="reached", label="Reached", filter="FILTER EXISTS email")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")

Make = Callable[..., Triggers]


@pytest.fixture
def triggers(event_hubs: EventHubServer, tmp_path: Path) -> Iterator[Make]:
    """Makes a job on a hub and a workspace of a test's own."""
    hubs = []

    def make(*audiences: Audience, root: Path = tmp_path, **about: Any) -> Triggers:
        hubs.append(f"x{time.monotonic_ns()}")
        event_hubs.create(hubs[-1], 3)
        place = Place(root, Definitions((SHOP,), audiences))
        slugs = [audience.slug for audience in audiences]
        return Triggers(place, event_hubs, hubs[-1], {"segment_ids": slugs, **about})

    yield make
    event_hubs.heal()
    for hub in hubs:
        event_hubs.delete(hub)


def buys(user: str, amount: float, minutes: float = 0, **values: str) -> Event:
    return Event(minutes, {"user": user, "mail": None, "amount": str(amount), "note": None, **values})


def heard(job: Triggers) -> list[tuple[str, list[tuple[str, str]]]]:
    """(user_id, segment events) of all messages."""
    return sorted((message.body["data"].get("user_id", "?"), message.events) for message in job.told())


def test_who_enters_and_leaves_is_told_as_it_happens(triggers: Make) -> None:
    job = triggers(SPENDERS, LATELY)
    job.place.bring("shop", [buys("ann", 150), buys("ben", 10)])
    job.place.build()
    assert job.run().about == "from now on, who enters or leaves is sent"
    assert heard(job) == [], "who is there already is not told without Existing Users"
    job.place.bring("shop", [buys("ben", 95), buys("cem", 5)])
    job.place.build()
    assert job.run().counts == {"triggers": 2, "refused": 0}
    assert heard(job) == [("ben", [("spenders", "enter")]), ("cem", [("lately", "enter")])]
    assert "nobody has entered or left" in job.run().about


def test_a_message_is_what_consumers_are_promised(triggers: Make) -> None:
    job = triggers(SPENDERS, LATELY)
    job.place.bring("shop", [buys("ben", 10, mail="Ben@Example.com")])
    job.place.build()
    job.run()
    job.place.bring("shop", [buys("ben", 200, note="a \u2028 é")])
    job.place.now = built = START + timedelta(minutes=5)
    job.place.build()
    job.run()
    (message,) = job.told()
    (profile,) = job.place.table("profiles")
    assert message.content_type == "application/json"
    assert message.properties == {"user_id": profile["_id"], "event": "enter", "slug": "spenders"}
    data, meta = message.body["data"], message.body["meta"]
    assert list(message.body) == ["data", "meta"]
    assert meta == {"object": "user", "subscription_id": subscription_id("triggers"), "timestamp": moment(built)}
    assert data["segment_events"] == [
        {
            "id": segment_id("spenders"), "event": "enter", "slug": "spenders",
            "enter": moment(built), "exit": moment(built).replace("2026", "2099"),
        }
    ]  # fmt: skip
    assert {name: data[name] for name in ("user_id", "email", "spent", "note", "_id", "_num_events")} == {
        "user_id": "ben", "email": "ben@example.com", "spent": 210.0, "note": "a \u2028 é",
        "_id": profile["_id"], "_num_events": 2,
    }  # fmt: skip
    assert MOMENT.fullmatch(data["_created"]) and MOMENT.fullmatch(data["_modified"])
    assert not [name for name in data if name in ("_state", "_build", "_gone", "_identifiers", "_conflicts")]


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}000Z"


def test_several_audiences_at_once_are_one_message(triggers: Make) -> None:
    job = triggers(SPENDERS, REACHED)
    job.place.bring("shop", [buys("ann", 1)])
    job.place.build()
    job.run()
    job.place.bring("shop", [buys("ann", 500, mail="ann@example.com")])
    job.place.build()
    job.run()
    assert heard(job) == [("ann", [("reached", "enter"), ("spenders", "enter")])]


def test_existing_users_are_told_once_as_enters_with_the_time_at_which_they_entered(triggers: Make) -> None:
    job = triggers(SPENDERS, LATELY, withbackfill=True)
    entered = job.place.now
    job.place.bring("shop", [buys("ann", 150), buys("ben", 1)])
    job.place.build(timedelta(minutes=30))
    job.place.bring("shop", [buys("ben", 2)])
    job.place.build()
    job.run()
    assert heard(job) == [
        ("ann", [("lately", "enter"), ("spenders", "enter")]),
        ("ben", [("lately", "enter")]),
    ]
    assert {event["enter"] for message in job.told() for event in message.body["data"]["segment_events"]} == {
        moment(entered)
    }
    job.place.bring("shop", [buys("ben", 3)])
    job.place.build()
    job.run()
    assert len(job.told()) == 2


@pytest.mark.parametrize("existing", [True, False])
def test_an_audience_that_is_made_later_begins_with_its_members_only_where_they_are_wanted(
    triggers: Make, existing: bool
) -> None:
    job = triggers(SPENDERS, withbackfill=existing)
    job.place.definitions = Definitions((SHOP,), ())
    job.place.bring("shop", [buys("ann", 150)])
    job.place.build()
    job.place.definitions = Definitions((SHOP,), (SPENDERS,))
    job.run()
    job.place.build()
    job.place.bring("shop", [buys("ben", 150)])
    job.place.build()
    job.run()
    found = [("ben", [("spenders", "enter")])]
    assert heard(job) == ([("ann", [("spenders", "enter")]), *found] if existing else found)


def test_an_audience_that_is_added_to_the_job_begins_with_its_members(triggers: Make) -> None:
    job = triggers(SPENDERS, REACHED, withbackfill=True)
    job.settings["segment_ids"] = ["spenders"]
    job.place.bring("shop", [buys("ann", 150, mail="ann@example.com")])
    job.place.build()
    job.run()
    job.settings["segment_ids"] = ["spenders", "reached"]
    job.run()
    assert heard(job) == [("ann", [("reached", "enter")]), ("ann", [("spenders", "enter")])]


def test_when_the_time_is_over_an_exit_is_told_without_any_new_event(triggers: Make) -> None:
    job = triggers(LATELY)
    entered = job.place.now
    job.place.bring("shop", [buys("ann", 1)])
    job.run()
    job.place.build(timedelta(hours=3))
    job.run()
    job.place.build()
    job.run()
    (message,) = [message for message in job.told() if message.properties["event"] == "exit"]
    (event,) = message.body["data"]["segment_events"]
    assert (event["enter"], event["exit"]) == (moment(entered), moment(START + timedelta(hours=2)))
    assert message.body["meta"]["timestamp"] == event["exit"]


def test_who_became_part_of_another_leaves_under_the_old_id(triggers: Make) -> None:
    job = triggers(Audience(slug="poor", label="Poor", filter="FILTER spent < 100"))
    job.place.bring("shop", [buys("ann", 60)])
    job.place.build()
    job.run()
    job.place.bring("shop", [Event(0, {"user": None, "mail": "ann@example.com", "amount": "60", "note": None})])
    job.place.build()
    job.run()
    (entered,) = job.told()
    job.place.bring("shop", [buys("ann", 0, mail="ann@example.com")])
    job.place.build()
    job.run()
    left = [message for message in job.told() if message.properties["event"] == "exit"]
    assert {message.user for message in left} == {message.body["data"]["_id"] for message in left}
    assert entered.user in {message.user for message in left}
    assert {message.body["data"]["user_id"] for message in left} == {"ann"}, "with the fields of the whole person"


def test_an_audience_that_is_not_there_ends_the_job(triggers: Make) -> None:
    job = triggers(SPENDERS)
    job.settings["segment_ids"] = ["gone"]
    with pytest.raises(Fatal, match="There is no audience gone"):
        job.run()


def test_a_rehearsal_shows_the_messages_and_sends_none(triggers: Make) -> None:
    job = triggers(SPENDERS, withbackfill=True)
    job.place.bring("shop", [buys("ann", 150), buys("ben", 150)])
    job.place.build()
    found = job.rehearse()
    assert "2 triggers" in found.about
    assert found.items == (("spenders", "its members, and who enters and leaves"),)
    assert json.loads(found.sample[0][3] or "")["data"]["spent"] == 150.0
    assert job.told() == []


# What goes wrong


def test_a_message_that_is_too_large_is_quarantined_and_can_be_sent_later(
    triggers: Make, event_hubs: EventHubServer
) -> None:
    job = triggers(SPENDERS, withbackfill=True)
    job.place.bring("shop", [buys("ann", 150, note="x" * 30_000), *(buys(f"u{n}", 150) for n in range(20))])
    job.place.build()
    event_hubs.limit(20_000)
    try:
        outcome = job.run()
    finally:
        event_hubs.limit(1_048_576)
    assert outcome.counts == {"triggers": 20, "refused": 1}
    folder = job.quarantined()
    (row,) = quarantine.page([folder], 0, 10)
    assert row.reason == "It has 30.8 KB, the hub takes 20.0 KB"
    checkpoint = job.checkpoint
    job.replay = (folder,)
    assert job.run().about == f"1 trigger sent to {job.hub}"
    assert job.checkpoint == checkpoint
    assert len({message.id for message in job.told()}) == 21
    assert Counter(user for user, _ in heard(job))["ann"] == 1


def test_a_hub_that_is_down_keeps_what_waits(triggers: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_hub_sender, "_PATIENCE", 0.3)
    with EventHubServer(hubs={"h": 2}) as server:
        job = triggers(SPENDERS, withbackfill=True)
        job.server, job.hub = server, "h"
        job.place.bring("shop", [buys(f"u{n}", 150) for n in range(50)])
        job.place.build()
        plan = job.begin()
        collected = event_hub_export.do(job.context(), plan.parts[0], None, job.sink)
        assert collected.data["messages"] == 50
        server.kill()
        with pytest.raises(RetryLater, match="50 messages wait, the oldest since 2026-03-01 12:00 UTC"):
            event_hub_export.do(job.context(), plan.parts[1], collected, job.sink)
        # What happens meanwhile is for the next run.
        job.place.bring("shop", [buys("late", 150)])
        job.place.build()
        server.start()
        job.finish(plan, [collected])
        job.run()
        assert len(heard(job)) == 51


def test_a_run_that_was_cut_off_goes_on_behind_what_was_acknowledged(
    triggers: Make, event_hubs: EventHubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_hub_sender, "_PATIENCE", 0.0)
    job = triggers(SPENDERS, withbackfill=True)
    job.place.bring("shop", [buys(f"u{n}", 150) for n in range(200)])
    job.place.build()
    plan = job.begin()
    collected = event_hub_export.do(job.context(), plan.parts[0], None, job.sink)
    event_hubs.limit(4_000)
    try:
        event_hubs.fail(Fault("busy", hub=job.hub, after=10, times=1000))
        with pytest.raises(RetryLater):
            event_hub_export.do(job.context(), plan.parts[1], collected, job.sink)
        before = len(job.told())
        assert 0 < before < 200
        event_hubs.heal()
        result = event_hub_export.do(job.context(), plan.parts[1], collected, job.sink)
    finally:
        event_hubs.limit(1_048_576)
    assert (result.rows, result.rejected) == (200, 0)
    ids = Counter(message.id for message in job.told())
    assert len(ids) == 200
    assert sum(ids.values()) < 200 + before, "not all is sent anew"


# Whatever happens in audiences

STEPS = st.lists(
    st.tuples(
        st.lists(
            st.builds(
                lambda user, mail, amount: Event(0, {"user": user, "mail": mail, "amount": str(amount), "note": None}),
                st.sampled_from([None, "1", "2", "3"]),
                st.sampled_from([None, None, "a@x.com", "b@x.com"]),
                st.sampled_from([-200, -60, 60, 150]),
            ),
            max_size=4,
        ),
        st.sampled_from([timedelta(minutes=1), timedelta(hours=3)]),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(steps=STEPS, existing=st.booleans())
def test_every_enter_and_exit_of_any_history_is_told_in_order_and_nothing_else(
    triggers: Make, steps: list[tuple[list[Event], timedelta, bool]], existing: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        job = triggers(SPENDERS, LATELY, REACHED, root=Path(folder), withbackfill=existing)
        job.run()
        for events, later, export in steps:
            job.place.bring("shop", events)
            job.place.build(later)
            if export:
                job.run()
        job.run()
        happened = [row for row in job.place.table("transitions") if existing or not row["backfill"]]
        told = job.told()
        assert Counter(
            (message.user, message.body["meta"]["timestamp"], *event) for message in told for event in message.events
        ) == Counter(
            (row["profile"], moment(row["at"]), row["audience"], "enter" if row["enter"] else "exit")
            for row in happened
        )
        expected = defaultdict[str, list[str]](list)
        for row in sorted(happened, key=lambda row: (row["build"], row["seq"])):
            if moment(row["at"]) not in expected[row["profile"]][-1:]:
                expected[row["profile"]].append(moment(row["at"]))
        assert by_user(told) == expected
        assert len({message.id for message in told}) == len(told)


def by_user(told: list[Told]) -> dict[str, list[str]]:
    """The moments of each user's messages, in the order of the user's partition."""
    found = defaultdict[str, list[str]](list)
    for message in told:
        found[message.user].append(message.body["meta"]["timestamp"])
    return found
