"""What a hub receives, as it comes: a consumer of all partitions that leaves no mark and disturbs no other one."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock, Thread
from typing import Any

from azure.eventhub import EventData, EventHubConsumerClient

from lytics_azure_tui.azure.event_hub import EventHub, close, consumer
from lytics_azure_tui.azure.event_hub_errors import translate, translated
from lytics_azure_tui.errors import LyazureError, RetryLater
from lytics_azure_tui.model.connection_string import EventHubConnection

GROUP = "$Default"
"""The consumer group that every hub has."""
_WHAT = "The hub cannot be listened to"
_KEPT = 5_000
_BACK = 25
"""So many events of each partition that are there already are shown first."""
_TRY_AGAIN_SECONDS = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Received:
    """An event.

    Attributes:
        sequence: its number in the partition.
        enqueued: when the hub took it, in UTC.
        id: of the message; empty where the sender gave none.
        properties: of the application, as text.
    """

    partition: str
    sequence: int
    enqueued: datetime
    body: bytes
    id: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class News:
    """What has come since the last look.

    Attributes:
        events: in the order of their coming.
        missed: that had to be dropped, because nobody looked.
        partitions: that are listened to by now.
        error: why nothing comes; None while all is well.
    """

    events: tuple[Received, ...]
    missed: int
    partitions: int
    error: LyazureError | None


class HubTail:
    """Listens from its making until `close`, in threads of its own. No method waits.

    Args:
        connection: with the right to listen.
        group: a consumer group. One that others read by is not disturbed, but each takes at most five readers.
    """

    def __init__(self, connection: EventHubConnection, group: str = GROUP) -> None:
        self._connection = connection
        self._client: EventHubConsumerClient = consumer(connection, group, again=_TRY_AGAIN_SECONDS)
        self._lock = Lock()
        self._news: deque[Received] = deque(maxlen=_KEPT)
        self._missed = 0
        self._last: dict[str, int] = {}
        self._error: LyazureError | None = None
        self._closed = False
        Thread(target=self._begin, name="tail", daemon=True).start()

    def news(self) -> News:
        """What has come since the last call."""
        with self._lock:
            news = News(tuple(self._news), self._missed, len(self._last), self._error)
            self._news.clear()
            self._missed = 0
            return news

    def close(self) -> None:
        """Ends it; the connections go in the background."""
        self._closed = True
        Thread(target=close, args=(self._client,), name="close the tail", daemon=True).start()

    # In threads

    def _begin(self) -> None:
        try:
            with EventHub(self._connection) as hub:
                partitions = hub.about().partitions
        except LyazureError as error:
            self._failed(error)
            return
        for partition in partitions:
            Thread(target=self._listen, args=(partition,), name=f"tail {partition}", daemon=True).start()

    def _listen(self, partition: str) -> None:
        try:
            with translated(_WHAT, self._connection):
                about = self._client.get_partition_properties(partition)
                first = max(int(about["last_enqueued_sequence_number"]) - _BACK + 1, 0)
                with self._lock:
                    self._last[partition] = first - 1
                self._client.receive_batch(
                    on_event_batch=self._came,
                    on_error=self._went_wrong,
                    partition_id=partition,
                    starting_position=first,
                    starting_position_inclusive=True,
                )
        except LyazureError as error:
            self._failed(error)

    def _came(self, context: Any, events: list[EventData]) -> None:
        found = [_received(context.partition_id, event) for event in events]
        with self._lock:
            self._error = None
            for event in found:
                # After a lost connection the SDK begins where it had begun.
                if event.sequence > self._last.get(event.partition, -1):
                    self._last[event.partition] = event.sequence
                    self._missed += len(self._news) == _KEPT
                    self._news.append(event)

    def _went_wrong(self, _: Any, error: Exception) -> None:
        """The SDK tries again by itself, whatever it was."""
        ours = translate(error, _WHAT, self._connection)
        self._failed(ours)
        if not isinstance(ours, RetryLater):
            self.close()

    def _failed(self, error: LyazureError) -> None:
        with self._lock:
            if not self._closed:
                self._error = error


def _received(partition: str, event: EventData) -> Received:
    body = event.body
    properties = {_text(name): _text(value) for name, value in (event.properties or {}).items()}
    return Received(
        partition,
        event.sequence_number or 0,
        event.enqueued_time or datetime.now(UTC),
        body if isinstance(body, bytes) else b"".join(part for part in _parts(body)),
        _text(event.message_id or ""),
        properties,
    )


def _parts(body: Any) -> list[bytes]:
    """A body of bytes, which the SDK gives in pieces; any other as its text."""
    try:
        parts = list(body)
    except TypeError:
        return [str(body).encode()]
    return parts if all(isinstance(part, bytes) for part in parts) else [str(body).encode()]


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
