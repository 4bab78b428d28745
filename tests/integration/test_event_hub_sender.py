"""Sending: order for each user, nothing lost, whatever goes wrong on the way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Timer
from typing import Any

import pytest
from azure.eventhub._pyamqp._decode import decode_payload

from lytics_azure_tui.azure import event_hub_pace, event_hub_sender
from lytics_azure_tui.azure.event_hub_sender import Refused, Sender, Sent
from lytics_azure_tui.errors import BadConfiguration, Cancelled, Fatal, LyazureError, NotAuthorised, RetryLater
from lytics_azure_tui.model.connection_string import EventHubConnection
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.model.trigger import Message
from lytics_azure_tui.sandbox.event_hub import EventHubServer
from lytics_azure_tui.sandbox.event_hub.faults import Fault


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses are short."""
    monkeypatch.setattr(event_hub_sender, "_AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(event_hub_sender, "TURN", 0.02)
    monkeypatch.setattr(event_hub_pace, "_FIRST_PAUSE", 0.05)


@pytest.fixture
def hub(event_hubs: EventHubServer) -> Iterator[str]:
    """A hub of a test's own, with three partitions."""
    name = f"s{time.monotonic_ns()}"
    event_hubs.create(name, 3)
    yield name
    event_hubs.heal()
    event_hubs.delete(name)


def of(secret: Secret) -> EventHubConnection:
    return EventHubConnection.parse(secret)


def messages(number: int, users: int = 20, size: int = 100) -> list[Message]:
    """So many, numbered, of users in turn."""
    return [
        Message(f"user {n % users}", f"id-{n}", f"{n}".ljust(size).encode(), {"user_id": f"user {n % users}"})
        for n in range(number)
    ]


def arrived(server: EventHubServer, hub: str) -> list[list[tuple[str, int]]]:
    """(user, number) of what each partition holds, in its order."""
    partitions = []
    for stored in server.stored(hub):
        found: list[Any] = [decode_payload(memoryview(event)) for event in stored]
        named = [(one.application_properties, b"".join(one.data)) for one in found]
        partitions.append([(properties[b"user_id"].decode(), int(body)) for properties, body in named])
    return partitions


def in_order(server: EventHubServer, hub: str, number: int, users: int = 20) -> None:
    """Every user is in one partition, with every message, and no message is first seen after a later one."""
    homes: dict[str, int] = {}
    firsts: dict[str, list[int]] = {}
    for partition, events in enumerate(arrived(server, hub)):
        for user, n in events:
            assert homes.setdefault(user, partition) == partition
            seen = firsts.setdefault(user, [])
            if n not in seen:
                seen.append(n)
    assert firsts == {f"user {u}": list(range(u, number, users)) for u in range(min(users, number))}


def test_all_arrive_once_and_in_order_and_are_told(event_hubs: EventHubServer, hub: str) -> None:
    with Sender(of(event_hubs.connection(hub)), units=0) as sender:
        told = list(sender.send(messages(3000)))
    places = [place for sent in told if isinstance(sent, Sent) for place in sent.places]
    assert sorted(places) == list(range(3000))
    in_order(event_hubs, hub, 3000)
    assert sum(map(len, event_hubs.stored(hub))) == 3000


def test_a_batch_is_as_large_as_the_link_lets_it_be(event_hubs: EventHubServer, hub: str) -> None:
    event_hubs.limit(5_000)
    try:
        with Sender(of(event_hubs.connection(hub)), units=0) as sender:
            assert sender.largest == 5_000
            told = list(sender.send(messages(200, users=1)))
    finally:
        event_hubs.limit(1_048_576)
    *full, last = [sent.bytes for sent in told if isinstance(sent, Sent)]
    assert len(full) > 3
    assert all(4_700 < size < 5_000 for size in full)
    assert last < 5_000
    in_order(event_hubs, hub, 200, users=1)


def test_a_message_that_is_too_large_is_given_back_and_the_rest_goes(event_hubs: EventHubServer, hub: str) -> None:
    sent = messages(3, users=1)
    sent[1] = Message("user 0", "id-1", b"x" * 1_100_000, {})
    with Sender(of(event_hubs.connection(hub)), units=0) as sender:
        told = list(sender.send(sent))
    (refused,) = [one for one in told if isinstance(one, Refused)]
    assert (refused.place, refused.message.id) == (1, "id-1")
    assert refused.reason == "It has 1.10 MB, the hub takes 1.05 MB"
    assert [n for events in arrived(event_hubs, hub) for _, n in events] == [0, 2]


@pytest.mark.parametrize("action", ["busy", "detach", "drop", "lose"])
def test_what_goes_wrong_for_a_while_costs_neither_a_message_nor_the_order(
    event_hubs: EventHubServer, hub: str, action: str
) -> None:
    event_hubs.limit(4_000)
    try:
        with Sender(of(event_hubs.connection(hub)), units=0) as sender:
            for after in (2, 7):
                event_hubs.fail(Fault(action, hub=hub, after=after, times=3))  # type: ignore[arg-type]
            places = [place for sent in sender.send(messages(600)) for place in getattr(sent, "places", ())]
    finally:
        event_hubs.limit(1_048_576)
    assert sorted(places) == list(range(600))
    in_order(event_hubs, hub, 600)


@pytest.mark.parametrize("action", ["detach", "close", "reject"])
@pytest.mark.parametrize(
    "condition", ["amqp:link:detach-forced", "amqp:connection:forced", "com.microsoft:operation-cancelled"]
)
def test_what_the_service_ends_by_itself_is_opened_again(
    event_hubs: EventHubServer, hub: str, action: str, condition: str
) -> None:
    event_hubs.fail(Fault(action, hub=hub, after=1, times=2, condition=condition))  # type: ignore[arg-type]
    with Sender(of(event_hubs.connection(hub)), units=0) as sender:
        for first in range(0, 90, 30):
            told = list(sender.send(messages(90)[first : first + 30]))
            assert all(isinstance(sent, Sent) for sent in told)
    in_order(event_hubs, hub, 90)


def test_a_link_that_gives_little_credit_is_waited_for(event_hubs: EventHubServer, hub: str) -> None:
    event_hubs.limit(4_000)
    event_hubs.agree(credit=1)
    try:
        with Sender(of(event_hubs.connection(hub)), units=0) as sender:
            list(sender.send(messages(300)))
    finally:
        event_hubs.agree()
        event_hubs.limit(1_048_576)
    in_order(event_hubs, hub, 300)


def test_a_connection_that_was_closed_because_nothing_was_sent_is_opened_again(
    event_hubs: EventHubServer, hub: str
) -> None:
    event_hubs.agree(idle=0.5)
    try:
        with Sender(of(event_hubs.connection(hub)), units=0) as sender:
            for first in (0, 30):
                list(sender.send(messages(60)[first : first + 30]))
                time.sleep(1.2)
    finally:
        event_hubs.agree()
    in_order(event_hubs, hub, 60)


def test_a_hub_that_is_killed_and_comes_back_gets_the_rest() -> None:
    with EventHubServer(hubs={"h": 2}, max_size=4_000) as server, Sender(of(server.connection("h")), units=0) as sender:
        told = sender.send(messages(2000))
        places = list(next(told).places)  # type: ignore[union-attr]
        server.kill()
        Timer(0.5, server.start).start()
        places += [place for sent in told for place in getattr(sent, "places", ())]
        assert sorted(places) == list(range(2000))
        in_order(server, "h", 2000)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [(Fault("busy", times=10_000), RetryLater), (Fault("reject", times=10, condition="amqp:not-allowed"), Fatal)],
)
def test_what_does_not_pass_ends_the_sending_and_what_was_acknowledged_is_told(
    event_hubs: EventHubServer, hub: str, monkeypatch: pytest.MonkeyPatch, fault: Fault, kind: type[LyazureError]
) -> None:
    monkeypatch.setattr(event_hub_sender, "_PATIENCE", 0.5)
    fault.hub, fault.after = hub, 1
    with Sender(of(event_hubs.connection(hub)), units=0) as sender:
        event_hubs.fail(fault)
        places: list[int] = []
        with pytest.raises(kind):
            for sent in sender.send(messages(30_000, users=1)):
                places += getattr(sent, "places", ())
        assert places == list(range(len(places)))
        assert 0 < len(places) < 30_000
        with pytest.raises(RetryLater):
            list(sender.send(messages(1)))


def test_a_signature_that_ends_ends_the_sending(event_hubs: EventHubServer, hub: str) -> None:
    with Sender(of(event_hubs.signed(hub, 3)), units=0) as sender:
        list(sender.send(messages(1)))
        time.sleep(3)
        with pytest.raises(NotAuthorised, match="expired"):
            list(sender.send(messages(1)))


def test_a_hub_that_is_deleted_ends_the_sending(event_hubs: EventHubServer) -> None:
    event_hubs.create("short", 1)
    with Sender(of(event_hubs.connection("short")), units=0) as sender:
        list(sender.send(messages(1)))
        event_hubs.delete("short")
        with pytest.raises(Fatal, match="The hub short is not there"):
            list(sender.send(messages(1)))


def test_an_operator_who_wants_an_end_gets_it(event_hubs: EventHubServer, hub: str) -> None:
    began = time.monotonic()

    def check() -> None:
        if time.monotonic() - began > 3:
            raise Cancelled("Cancelled")

    event_hubs.fail(Fault("hang", hub=hub, times=100))
    with Sender(of(event_hubs.connection(hub)), units=0, check=check) as sender, pytest.raises(Cancelled):
        list(sender.send(messages(10)))


def test_units_pace_what_is_sent(event_hubs: EventHubServer, hub: str) -> None:
    event_hubs.throttle(hub, 1)
    event_hubs.limit(50_000)
    try:
        with Sender(of(event_hubs.connection(hub)), units=1) as sender:
            began = time.monotonic()
            list(sender.send(messages(3000)))
            seconds = time.monotonic() - began
    finally:
        event_hubs.limit(1_048_576)
    assert seconds > 2.0
    assert sum(map(len, event_hubs.stored(hub))) == 3000, "nothing had to be sent twice"


def test_users_stay_where_they_are_when_partitions_are_added(event_hubs: EventHubServer, hub: str) -> None:
    with Sender(of(event_hubs.connection(hub)), units=0) as sender:
        list(sender.send(messages(60)))
    event_hubs.create(hub, 8)
    with Sender(of(event_hubs.connection(hub)), partitions=3, units=0) as sender:
        list(sender.send([m for m in messages(120) if int(m.body) >= 60]))
    in_order(event_hubs, hub, 120)
    with pytest.raises(BadConfiguration, match="has 8 partitions, and had 9"):
        Sender(of(event_hubs.connection(hub)), partitions=9)


def test_memory_does_not_grow_with_what_is_sent(event_hubs: EventHubServer, hub: str) -> None:
    """No more is read ahead than fits into two batches a partition."""
    read = 0

    def endless() -> Iterator[Message]:
        nonlocal read
        for message in messages(4000, size=5_000):
            read += 1
            yield message

    event_hubs.fail(Fault("hang", hub=hub, times=100))
    stop = time.monotonic() + 4

    def check() -> None:
        if time.monotonic() > stop:
            raise Cancelled("Cancelled")

    with Sender(of(event_hubs.connection(hub)), units=0, check=check) as sender, pytest.raises(Cancelled):
        list(sender.send(endless()))
    assert read * 5_000 < 4 * 3 * 1_048_576
