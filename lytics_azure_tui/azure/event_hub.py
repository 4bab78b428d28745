"""One event hub: what it is, and the SDK's clients for it, set up for this program."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, Queue
from threading import Thread
from typing import Any, Self, TypeVar

from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.eventhub import EventDataBatch, EventHubConsumerClient, EventHubProducerClient, TransportType
from azure.eventhub._constants import ALL_PARTITIONS

from lytics_azure_tui import __version__
from lytics_azure_tui.azure.event_hub_errors import translated
from lytics_azure_tui.errors import RetryLater
from lytics_azure_tui.model.connection_string import EventHubConnection

# What the SDK warns of is told by its errors; without a handler Python would write it over the screen.
logging.getLogger("azure.eventhub").addHandler(logging.NullHandler())

T = TypeVar("T")
OPEN_SECONDS = 30.0
"""So long a hub may take to let in."""
_SEND_SECONDS = 30.0
_REFUSED_SECONDS = 0.5
"""So long the service may take to refuse a link that it has opened."""
_CLOSE_SECONDS = 2.0
_TURN = 0.05
"""Seconds of one look of the SDK whether something has come; each of several links waits for the others' looks."""


@dataclass(frozen=True, slots=True)
class HubFacts:
    """What a hub tells of itself.

    Attributes:
        partitions: their ids, in the hub's order.
    """

    name: str
    partitions: tuple[str, ...]


class EventHub:
    """A hub to send to. Use it as a context manager, or call `close`."""

    def __init__(self, connection: EventHubConnection) -> None:
        self._connection = connection
        self.client: EventHubProducerClient = EventHubProducerClient(**_setup(connection))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends its connections."""
        close(self.client)

    def about(self) -> HubFacts:
        """Asks the hub what it is. Any right to it will do.

        Raises:
            LyazureError: it cannot be reached, does not let in, or is not there.
        """
        found = self._open("The hub could not be asked what it is", self.client.get_eventhub_properties)
        return HubFacts(str(found["eventhub_name"]), tuple(found["partition_ids"]))

    def largest(self) -> int:
        """Opens a link to send, and gives the bytes of the largest message that it takes.

        Raises:
            LyazureError: there is no right to send, or the hub cannot be reached.
        """
        return int(self._open("No link to send could be opened", self._sending).max_size_in_bytes)

    def _sending(self) -> EventDataBatch:
        batch = self.client.create_batch()
        # A link that is refused is first opened and then closed with the reason; the SDK has not looked further.
        link: Any = self.client._producers[ALL_PARTITIONS]._handler  # type: ignore[union-attr]
        until = time.monotonic() + _REFUSED_SECONDS
        while time.monotonic() < until:
            link.do_work()
        return batch

    def _open(self, what: str, work: Callable[[], T]) -> T:
        with translated(what, self._connection):
            return bounded(work, OPEN_SECONDS, what, self._connection)


def consumer(connection: EventHubConnection, group: str, again: float) -> EventHubConsumerClient:
    """The SDK's client to receive; it opens no connection yet.

    Args:
        again: seconds after which it connects again when the connection was lost.
    """
    return EventHubConsumerClient(consumer_group=group, load_balancing_interval=again, **_setup(connection))


def close(client: EventHubProducerClient | EventHubConsumerClient) -> None:
    """Ends a client's connections, whatever their state. The SDK waits there for a message that is under way."""

    def end() -> None:
        with contextlib.suppress(Exception):
            client.close()

    thread = Thread(target=end, name="event hub", daemon=True)
    thread.start()
    thread.join(_CLOSE_SECONDS)


def bounded(work: Callable[[], T], seconds: float, what: str, connection: EventHubConnection) -> T:
    """Does something of the SDK's that may never come back: it waits for links without end.

    Raises:
        RetryLater: the time is over. The work goes on in a thread that keeps nothing from ending.
    """
    answer: Queue[tuple[bool, Any]] = Queue(1)

    def run() -> None:
        try:
            answer.put((True, work()))
        except BaseException as error:
            answer.put((False, error))

    Thread(target=run, name="event hub", daemon=True).start()
    try:
        good, value = answer.get(timeout=seconds)
    except Empty:
        raise RetryLater(
            what,
            why=f"{connection.address} did not answer within {seconds:.0f} seconds",
            fix="Allow outgoing connections to port 5671 in the firewall, and look at the endpoint",
        ) from None
    if good:
        return value  # type: ignore[no-any-return]
    raise value


def _setup(connection: EventHubConnection) -> dict[str, Any]:
    """Retries are the callers': the SDK's would hide what a busy hub says."""
    credential: Any = None
    if connection.key:
        credential = AzureNamedKeyCredential(connection.key_name, connection.key.reveal())
    elif connection.sas:
        credential = AzureSasCredential(connection.sas.reveal())
    return {
        "fully_qualified_namespace": connection.address,
        "eventhub_name": connection.entity_path,
        "credential": credential,
        "use_tls": not connection.emulator,
        "retry_total": 0,
        "auth_timeout": OPEN_SECONDS,
        "send_timeout": _SEND_SECONDS,
        "socket_timeout": _TURN,
        "user_agent": f"lyazure-tui/{__version__}",
        **_port(connection),
    }


def _port(connection: EventHubConnection) -> dict[str, Any]:
    """The SDK takes a port from the namespace's name only where there is no TLS."""
    if connection.port is None or connection.emulator:
        return {}
    return {"custom_endpoint_address": connection.endpoint, "transport_type": TransportType.Amqp}
