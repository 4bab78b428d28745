"""One way to send messages to a hub, as a process of its own: event_hub.py runs it.

On standard input it gets the way, the connection string and the number of messages as JSON; it prints seconds,
processor seconds and the peak of its memory. Starting Python, importing and opening the links are not in the seconds.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator

from azure.eventhub import EventData, EventHubProducerClient

from lytics_azure_tui.azure.event_hub_sender import Sender, Sent
from lytics_azure_tui.model.connection_string import EventHubConnection
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.model.trigger import Message

BODY = json.dumps({"data": {"email": "somebody@example.com", "segment_events": []}, "meta": {"object": "user"}})
READY = BODY.ljust(200).encode()
AT_ONCE = 2_000
"""Messages of a list: somewhat less than a batch holds."""


def ours(connection: str, number: int) -> float:
    """The sender of the exports: each message has an id, a content type, three properties, and a partition by user."""
    with Sender(EventHubConnection.parse(Secret(connection)), units=0) as sender:
        list(sender.send(_messages(100)))  # opens the partitions' links
        began = time.perf_counter()
        done = sum(len(sent.places) for sent in sender.send(_messages(number)) if isinstance(sent, Sent))
        seconds = time.perf_counter() - began
    if done != number:
        sys.exit(f"{done} of {number} messages were acknowledged")
    return seconds


def _messages(number: int) -> Iterator[Message]:
    for n in range(number):
        user = f"user-{n}"
        yield Message(user, f"{n:032x}", READY, {"user_id": user, "event": "enter", "slug": "big_spenders"})


def lists(connection: str, number: int) -> float:
    """The SDK's send_batch with lists of events: the quickest of its ways. Bodies only."""

    def send(client: EventHubProducerClient) -> None:
        for begin in range(0, number, AT_ONCE):
            client.send_batch([EventData(READY) for _ in range(min(AT_ONCE, number - begin))], partition_id="0")

    return _timed(connection, send)


def batches(connection: str, number: int) -> float:
    """The SDK's create_batch, add and send_batch: the way that its documentation shows. Bodies only."""

    def send(client: EventHubProducerClient) -> None:
        batch = client.create_batch(partition_id="0")
        for _ in range(number):
            event = EventData(READY)
            try:
                batch.add(event)
            except ValueError:
                client.send_batch(batch)
                batch = client.create_batch(partition_id="0")
                batch.add(event)
        client.send_batch(batch)

    return _timed(connection, send)


def _timed(connection: str, send: Callable[[EventHubProducerClient], None]) -> float:
    with EventHubProducerClient.from_connection_string(connection) as client:
        client.send_batch([EventData(READY)], partition_id="0")  # opens the link
        began = time.perf_counter()
        send(client)
        return time.perf_counter() - began


def main() -> None:
    """Sends once."""
    given = json.load(sys.stdin)
    way = {"ours": ours, "lists": lists, "batches": batches}[given["way"]]
    before = time.process_time()
    seconds = way(given["connection"], given["number"])
    cpu = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    json.dump({"seconds": seconds, "cpu": cpu, "peak": peak}, sys.stdout)


if __name__ == "__main__":
    main()
