"""The SDK's own clients on the stand-in for Event Hubs: for tests that look at it without what the program adds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient

from lytics_azure_tui.model.secret import Secret

PATIENCE = 30.0
_QUICK: dict[str, Any] = {"retry_total": 0, "socket_timeout": 0.02}
"""The SDK looks in turns whether something has come; by default each takes 0.2 s."""


class Hasty:
    """In place of the module `time` of the SDK, which sleeps 0.05 s at a time while a link is opened."""

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    @staticmethod
    def sleep(seconds: float) -> None:
        """Short sleeps are shorter."""
        time.sleep(seconds if seconds > 0.1 else 0.002)


def hasten(patch: pytest.MonkeyPatch) -> None:
    """Has the SDK open its links in milliseconds."""
    for module in ("_client_base", "_pyamqp.client"):
        patch.setattr(f"azure.eventhub.{module}.time", Hasty())


@contextmanager
def producer(connection: Secret, hub: str | None = None, **options: Any) -> Iterator[EventHubProducerClient]:
    """A producer that tries once."""
    options = {**_QUICK, **options}
    with EventHubProducerClient.from_connection_string(connection.reveal(), eventhub_name=hub, **options) as client:
        yield client


def received(connection: Secret, hub: str, wanted: int, **options: Any) -> dict[str, list[EventData]]:
    """What a consumer gets, by partition.

    Args:
        wanted: events; it ends when there are so many, or after a while.
        options: of `receive_batch`, such as starting_position; and consumer_group.
    """
    group = options.pop("consumer_group", "$Default")
    found: dict[str, list[EventData]] = {}

    def take(context: Any, events: list[EventData]) -> None:
        found.setdefault(context.partition_id, []).extend(events)

    client = EventHubConsumerClient.from_connection_string(connection.reveal(), group, eventhub_name=hub, **_QUICK)
    options = {"starting_position": "-1", "max_wait_time": 0.2, **options}
    thread = Thread(target=lambda: client.receive_batch(on_event_batch=take, **options), daemon=True)
    thread.start()
    try:
        until(lambda: sum(map(len, found.values())) >= wanted)
    finally:
        client.close()
        thread.join(PATIENCE)
    return found


def until(true: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Waits for something."""
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
