"""The stand-in for Event Hubs, as the SDK's own producer and consumer see it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from azure.eventhub import EventData, EventHubConsumerClient
from azure.eventhub.exceptions import AuthenticationError, ConnectError, ConnectionLostError, EventHubError

from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.sandbox.event_hub import EventHubServer
from lytics_azure_tui.sandbox.event_hub.faults import Fault
from lytics_azure_tui.sandbox.event_hub.server import LISTENER, SENDER
from tests.hubs import producer, received


@pytest.fixture
def hub(event_hubs: EventHubServer) -> Iterator[str]:
    """A hub of a test's own, with two partitions."""
    name = f"h{time.monotonic_ns()}"
    event_hubs.create(name, 2)
    yield name
    event_hubs.heal()
    event_hubs.delete(name)


def send(server: EventHubServer, hub: str, *bodies: bytes, partition: str = "0") -> None:
    with producer(server.connection(hub)) as client:
        client.send_batch([EventData(body) for body in bodies], partition_id=partition)


def test_a_hub_tells_what_it_is(event_hubs: EventHubServer, hub: str) -> None:
    with producer(event_hubs.connection_string, hub) as client:
        about = client.get_eventhub_properties()
        assert about["eventhub_name"] == hub
        assert about["partition_ids"] == ["0", "1"]
        assert abs(about["created_at"] - datetime.now(UTC)) < timedelta(minutes=1)
        assert client.get_partition_properties("0")["is_empty"]


def test_a_partition_tells_what_came_last(event_hubs: EventHubServer, hub: str) -> None:
    send(event_hubs, hub, b"one", b"two")
    with producer(event_hubs.connection_string, hub) as client:
        about = client.get_partition_properties("0")
    assert about["last_enqueued_sequence_number"] == 1
    assert int(about["last_enqueued_offset"]) > 0
    assert not about["is_empty"]


def test_what_is_sent_comes_out_in_order_and_whole(event_hubs: EventHubServer, hub: str) -> None:
    event = EventData(json.dumps({"name": "Zoë"}))
    event.content_type, event.message_id = "application/json", "id-1"
    event.properties = {"slug": "big_spenders", "n": 7}
    with producer(event_hubs.connection(hub)) as client:
        batch = client.create_batch(partition_id="1")
        batch.add(event)
        for number in range(500):
            batch.add(EventData(str(number)))
        client.send_batch(batch)
    events = received(event_hubs.connection(hub), hub, 501)["1"]
    assert [e.body_as_str() for e in events[1:]] == [str(number) for number in range(500)]
    assert [e.sequence_number for e in events] == list(range(501))
    first = events[0]
    assert first.body_as_json() == {"name": "Zoë"}
    assert (first.content_type, first.message_id) == ("application/json", "id-1")
    assert first.properties == {b"slug": b"big_spenders", b"n": 7}
    assert first.enqueued_time is not None
    assert abs(first.enqueued_time - datetime.now(UTC)) < timedelta(minutes=1)


def test_an_event_as_large_as_a_message_may_be_comes_out_whole(event_hubs: EventHubServer, hub: str) -> None:
    body = bytes(range(256)) * 4000
    send(event_hubs, hub, body)
    (event,) = received(event_hubs.connection(hub), hub, 1)["0"]
    assert b"".join(cast("Iterator[bytes]", event.body)) == body


def test_events_of_one_key_share_a_partition(event_hubs: EventHubServer, hub: str) -> None:
    with producer(event_hubs.connection(hub)) as client:
        for number in range(10):
            client.send_batch([EventData(str(number))], partition_key="ann")
    found = received(event_hubs.connection(hub), hub, 10)
    ((_, events),) = [(partition, events) for partition, events in found.items() if events]
    assert {event.partition_key for event in events} == {b"ann"}


def test_events_without_a_key_are_spread(event_hubs: EventHubServer, hub: str) -> None:
    with producer(event_hubs.connection(hub)) as client:
        for number in range(4):
            client.send_event(EventData(str(number)))
    assert [len(events) for events in event_hubs.stored(hub)] == [2, 2]


@pytest.mark.parametrize(
    ("position", "inclusive", "first"),
    [("-1", False, 0), (1, False, 2), (1, True, 1), ("offset", False, 2), ("offset", True, 1), ("time", False, 3)],
)
def test_a_consumer_begins_where_it_says(
    event_hubs: EventHubServer, hub: str, position: str | int, inclusive: bool, first: int
) -> None:
    send(event_hubs, hub, b"0", b"1", b"2")
    earlier = received(event_hubs.connection(hub), hub, 3)["0"]
    time.sleep(0.01)
    at = {"offset": earlier[1].offset, "time": datetime.now(UTC)}.get(str(position), position)
    send(event_hubs, hub, b"3")
    options = {"partition_id": "0", "starting_position": at, "starting_position_inclusive": inclusive}
    events = received(event_hubs.connection(hub), hub, 4 - first, **options)["0"]
    assert [event.body_as_str() for event in events] == [str(n) for n in range(first, 4)]


def test_each_consumer_group_gets_everything(event_hubs: EventHubServer, hub: str) -> None:
    send(event_hubs, hub, b"x")
    for group in ("$Default", "tail"):
        assert len(received(event_hubs.connection(hub), hub, 1, consumer_group=group)["0"]) == 1


# Of a refused question about a hub the SDK shows the status alone.
@pytest.mark.parametrize(
    ("group", "name", "said"),
    [("nobody", "", "could not be found"), ("$Default", "not-there", "Status code: 404")],
)
def test_a_hub_or_a_group_that_is_not_there_is_refused(
    event_hubs: EventHubServer, hub: str, group: str, name: str, said: str
) -> None:
    errors: list[Exception] = []
    client = EventHubConsumerClient.from_connection_string(
        event_hubs.connection_string.reveal(), group, eventhub_name=name or hub, retry_total=0
    )

    def stop(_: object, error: Exception) -> None:
        errors.append(error)
        client.close()

    with client:
        client.receive(on_event=lambda *_: None, on_error=stop, partition_id="0")
    assert said in str(errors[0])


@pytest.mark.parametrize("ends_in", [-5, 3600])
def test_a_signature_is_good_until_it_ends(event_hubs: EventHubServer, hub: str, ends_in: int) -> None:
    with producer(event_hubs.signed(hub, ends_in)) as client:
        if ends_in > 0:
            assert client.get_partition_ids() == ["0", "1"]
        else:
            with pytest.raises(AuthenticationError, match="expired"):
                client.get_partition_ids()


def test_a_signature_that_ends_meanwhile_closes_the_link(event_hubs: EventHubServer, hub: str) -> None:
    with producer(event_hubs.signed(hub, 2)) as client:
        client.send_batch([EventData("in time")])
        time.sleep(2.1)
        with pytest.raises(EventHubError):
            client.send_batch([EventData("too late")])
    assert sum(map(len, event_hubs.stored(hub))) == 1


def test_a_wrong_key_is_refused(event_hubs: EventHubServer, hub: str) -> None:
    text = event_hubs.connection(hub).reveal()
    wrong = text.replace("SharedAccessKey=", "SharedAccessKey=AAAA")
    with producer(Secret(wrong)) as client, pytest.raises(AuthenticationError, match="invalid signature"):
        client.get_partition_ids()


def test_a_signature_for_another_hub_is_refused(event_hubs: EventHubServer, hub: str) -> None:
    other = event_hubs.signed("other", 3600).reveal().replace("EntityPath=other", f"EntityPath={hub}")
    with producer(Secret(other)) as client, pytest.raises(EventHubError, match=r"[Uu]nauthorized"):
        client.send_batch([EventData("x")])


def test_who_may_only_listen_cannot_send(event_hubs: EventHubServer, hub: str) -> None:
    with (
        producer(event_hubs.connection(hub, LISTENER)) as client,
        pytest.raises(EventHubError, match="'Send' claim"),
    ):
        client.send_batch([EventData("x")])


def test_who_may_only_send_cannot_listen(event_hubs: EventHubServer, hub: str) -> None:
    client = EventHubConsumerClient.from_connection_string(
        event_hubs.connection(hub, SENDER).reveal(), "$Default", retry_total=0
    )
    errors: list[Exception] = []

    def stop(_: object, error: Exception) -> None:
        errors.append(error)
        client.close()

    with client:
        client.receive(on_event=lambda *_: None, on_error=stop, partition_id="0")
    assert "'Listen' claim" in str(errors[0])


def test_the_largest_message_is_negotiated(event_hubs: EventHubServer, hub: str) -> None:
    event_hubs.limit(20_000)
    try:
        with producer(event_hubs.connection(hub)) as client:
            assert client.create_batch().max_size_in_bytes == 20_000
            with pytest.raises(EventHubError, match="size"):
                client.send_event(EventData(b"x" * 30_000))
    finally:
        event_hubs.limit(1_048_576)


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (Fault("busy"), "server-busy"),
        (Fault("reject", condition="amqp:not-allowed"), "NotAllowed"),
        (Fault("detach", condition="amqp:link:detach-forced"), "detach-forced|unknown-error"),
        (Fault("drop"), "SocketError"),
    ],
)
def test_what_goes_wrong_on_order_goes_wrong_once(
    event_hubs: EventHubServer, hub: str, fault: Fault, raised: str
) -> None:
    event_hubs.fail(fault)
    with producer(event_hubs.connection(hub)) as client:
        with pytest.raises(EventHubError, match=raised):
            client.send_batch([EventData("first")], partition_id="0")
        client.send_batch([EventData("second")], partition_id="0")
    assert [len(events) for events in event_hubs.stored(hub)] == [1, 0]


def test_what_is_lost_after_it_was_stored_is_stored(event_hubs: EventHubServer, hub: str) -> None:
    event_hubs.fail(Fault("lose", hub=hub))
    with producer(event_hubs.connection(hub)) as client, pytest.raises((ConnectError, ConnectionLostError)):
        client.send_batch([EventData("x")], partition_id="0")
    assert [len(events) for events in event_hubs.stored(hub)] == [1, 0]


def test_who_sends_more_than_is_paid_for_is_told_to_wait(event_hubs: EventHubServer, hub: str) -> None:
    event_hubs.throttle(hub, 0.1)
    with producer(event_hubs.connection(hub)) as client:
        client.send_batch([EventData("x") for _ in range(150)], partition_id="0")
        with pytest.raises(EventHubError, match="throttled"):
            client.send_batch([EventData("x")], partition_id="0")


def test_a_hub_that_is_deleted_lets_nobody_go_on(event_hubs: EventHubServer) -> None:
    event_hubs.create("short-lived", 1)
    with producer(event_hubs.connection("short-lived")) as client:
        client.send_batch([EventData("x")])
        event_hubs.delete("short-lived")
        with pytest.raises(EventHubError, match="NotFound"):
            client.send_batch([EventData("x")])


def test_partitions_can_be_added(event_hubs: EventHubServer, hub: str) -> None:
    with producer(event_hubs.connection(hub)) as client:
        client.send_batch([EventData("x")], partition_id="0")
    event_hubs.create(hub, 5)
    with producer(event_hubs.connection(hub)) as client:
        client.send_batch([EventData("x")], partition_id="4")
        assert len(client.get_partition_ids()) == 5


def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path) -> None:
    with EventHubServer(tmp_path / "hub") as server:
        send(server, server.hub, b"before")
        port, connection = server.port, server.connection_string.reveal()
        server.kill()
        server.start()
        assert (server.port, server.connection_string.reveal()) == (port, connection)
        send(server, server.hub, b"after")
        events = received(server.connection(server.hub), server.hub, 2)["0"]
    assert [event.body_as_str() for event in events] == ["before", "after"]
