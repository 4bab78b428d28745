"""Event Hubs as an authorization sees them: what is there, what may be done, and why not."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest
from azure.eventhub import EventData

from lytics_azure_tui.azure import event_hub
from lytics_azure_tui.azure.checks import check
from lytics_azure_tui.azure.event_hub import EventHub
from lytics_azure_tui.azure.event_hub_tail import HubTail, Received
from lytics_azure_tui.errors import BadConfiguration, Fatal, LyazureError, NotAuthorised, RetryLater
from lytics_azure_tui.model.authorization import AzureEventHub
from lytics_azure_tui.model.connection_string import EventHubConnection
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.runner.doctor.access import rights
from lytics_azure_tui.runner.doctor.check import State
from lytics_azure_tui.sandbox.event_hub import EventHubServer
from lytics_azure_tui.sandbox.event_hub.server import LISTENER, SENDER
from tests.hubs import producer, until


def authorization(secret: Secret, hub: str | None = None) -> AzureEventHub:
    return AzureEventHub(id="hub", label="Hub", connection_string=secret, hub=hub)


def test_a_tested_connection_tells_of_partitions_sizes_and_the_right_to_send(event_hubs: EventHubServer) -> None:
    report = check(authorization(event_hubs.connection_string, event_hubs.hub))
    assert report.rights == {"send": True}
    assert report.account == "127.0.0.1, hub audiences"
    assert report.notes[0] == "4 partitions, messages of up to 1.05 MB"
    assert 0 < report.seconds < 30


@pytest.mark.parametrize(("policy", "sends"), [(SENDER, True), (LISTENER, False)])
def test_the_right_to_send_is_tried_without_sending(event_hubs: EventHubServer, policy: str, sends: bool) -> None:
    report = check(authorization(event_hubs.connection(event_hubs.hub, policy)))
    assert report.rights == {"send": sends}
    assert event_hubs.stored() == [[], [], [], []]


def test_the_doctor_says_that_the_right_to_send_is_missing(event_hubs: EventHubServer) -> None:
    (found,) = rights(authorization(event_hubs.connection(event_hubs.hub, LISTENER)))
    assert found.state is State.PROBLEM
    assert "right to send" in found.fix


def test_a_signature_s_end_is_told(event_hubs: EventHubServer) -> None:
    report = check(authorization(event_hubs.signed(event_hubs.hub, 3 * 3600)))
    assert any("The signature ends on" in note and "in 2 hours" in note for note in report.notes)


@pytest.mark.parametrize(
    ("make", "kind", "why"),
    [
        (lambda s: s.signed(s.hub, -5), NotAuthorised, "The shared access signature expired on 20"),
        (
            lambda s: Secret(s.connection(s.hub).reveal().replace("SharedAccessKey=", "SharedAccessKey=AAAA")),
            NotAuthorised,
            "The key is not one of the policy RootManageSharedAccessKey",
        ),
        (
            lambda s: Secret(s.signed(s.hub, 60).reveal().replace("&sig=", "&sig=AAAA")),
            NotAuthorised,
            "does not accept the shared access signature",
        ),
        (lambda s: s.connection("gone"), Fatal, "The hub gone is not there"),
        (lambda s: s.connection_string, BadConfiguration, "no hub is named"),
    ],
)
def test_why_a_connection_cannot_be_used_is_told(
    event_hubs: EventHubServer, make: Callable[[EventHubServer], Secret], kind: type[LyazureError], why: str
) -> None:
    secret = make(event_hubs)
    with pytest.raises(kind) as caught:
        check(authorization(secret))
    assert why in str(caught.value)
    for hidden in ("sig=", "AAAA"):
        assert hidden not in f"{caught.value!r} {caught.value} {caught.value.__context__!r} {caught.value.__cause__!r}"


def _at(port: int, tls: bool = False) -> EventHubConnection:
    ending = "" if tls else ";UseDevelopmentEmulator=true"
    text = f"Endpoint=sb://127.0.0.1:{port};SharedAccessKeyName=n;SharedAccessKey=a2V5;EntityPath=e{ending}"
    return EventHubConnection.parse(Secret(text))


def test_where_nobody_listens_it_is_tried_again_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with EventHub(_at(port)) as hub, pytest.raises(RetryLater, match="Nothing listens at"):
        hub.about()


def test_who_never_answers_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_hub, "OPEN_SECONDS", 0.5)
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        EventHub(_at(listener.getsockname()[1])) as hub,
        pytest.raises(RetryLater, match="did not answer within"),
    ):
        hub.about()


def test_a_server_without_encryption_is_not_spoken_to_in_the_clear(event_hubs: EventHubServer) -> None:
    with EventHub(_at(event_hubs.port, tls=True)) as hub, pytest.raises(BadConfiguration, match="certificate"):
        hub.about()


def test_a_tail_shows_what_is_there_and_what_comes_and_goes_on_after_a_lost_connection(
    event_hubs: EventHubServer,
) -> None:
    event_hubs.create("tailed", 2)
    connection = event_hubs.connection("tailed")
    with producer(connection) as client:
        client.send_batch([EventData(str(n)) for n in range(40)], partition_id="0")
    seen: list[Received] = []
    tail = HubTail(EventHubConnection.parse(connection))

    def shows(body: bytes) -> bool:
        seen.extend(tail.news().events)
        return any(event.body == body for event in seen)

    try:
        until(lambda: shows(b"39"))
        assert [event.sequence for event in seen] == list(range(15, 40)), "the newest 25"
        with producer(connection) as client:
            client.send_batch([EventData("live")], partition_id="1")
        until(lambda: shows(b"live"))
        event_hubs.cut()
        with producer(connection) as client:
            client.send_batch([EventData("later")], partition_id="0")
        until(lambda: shows(b"later"))
        assert [event.body for event in seen if event.partition == "0"] == [
            *(str(n).encode() for n in range(15, 40)),
            b"later",
        ]
    finally:
        tail.close()


@pytest.mark.parametrize(
    ("condition", "links"),
    [("amqp:connection:forced", False), ("amqp:link:detach-forced", True), ("com.microsoft:server-busy", True)],
)
def test_a_tail_goes_on_when_the_service_has_closed_its_link(
    event_hubs: EventHubServer, condition: str, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lytics_azure_tui.azure.event_hub_tail._TRY_AGAIN_SECONDS", 0.2)
    hub = f"t{time.monotonic_ns()}"
    event_hubs.create(hub, 1)
    connection = event_hubs.connection(hub)
    tail = HubTail(EventHubConnection.parse(connection))
    seen: list[bytes] = []

    def shows(body: bytes) -> bool:
        seen.extend(event.body for event in tail.news().events)
        return body in seen

    try:
        with producer(connection) as client:
            client.send_batch([EventData("before")])
        until(lambda: shows(b"before"))
        event_hubs.cut(condition, links=links)
        with producer(connection) as client:
            client.send_batch([EventData("behind")])
        until(lambda: shows(b"behind"))
        assert seen == [b"before", b"behind"]
        assert tail.news().error is None
    finally:
        tail.close()
        event_hubs.delete(hub)


def test_a_tail_without_the_right_to_listen_says_so(event_hubs: EventHubServer) -> None:
    tail = HubTail(EventHubConnection.parse(event_hubs.connection(event_hubs.hub, SENDER)))
    found: list[LyazureError | None] = []

    def refused() -> bool:
        found.append(tail.news().error)
        return found[-1] is not None

    until(refused)
    tail.close()
    assert isinstance(found[-1], NotAuthorised)
