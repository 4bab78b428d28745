"""Sends messages to a hub: in order for each user, at least once, as fast as the hub takes them.

messages → encoded, in the batch of their user's partition (this thread)
         → one batch in flight a partition (a thread each) → what was acknowledged, handed out as it comes
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from threading import Thread
from types import TracebackType
from typing import Any, Self

from azure.eventhub import EventDataBatch

from lytics_azure_tui.azure.event_hub import OPEN_SECONDS, EventHub, bounded
from lytics_azure_tui.azure.event_hub_encoding import encoded, overhead
from lytics_azure_tui.azure.event_hub_errors import Busy, translated
from lytics_azure_tui.azure.event_hub_pace import TURN, Pace
from lytics_azure_tui.errors import BadConfiguration, LyazureError, RetryLater
from lytics_azure_tui.model.amounts import size as in_words
from lytics_azure_tui.model.connection_string import EventHubConnection
from lytics_azure_tui.model.trigger import Message

_WHAT = "The messages could not be sent"
_PATIENCE = 90.0
"""Seconds in which a batch is tried again when the hub is busy or the line is lost; then it is the run's turn."""
_SEND_SECONDS = 30.0
_AGAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Sent:
    """Messages that the hub has acknowledged.

    Attributes:
        places: theirs among the messages that were given, from 0.
        bytes: that went over the line for them.
    """

    partition: int
    places: tuple[int, ...]
    bytes: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that is larger than the hub takes: it will never go through.

    Attributes:
        place: its place among the messages that were given, from 0.
        reason: why, for people.
    """

    place: int
    message: Message
    reason: str


@dataclass
class _Batch:
    """What goes to a partition at once."""

    places: list[int] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)
    size: int = 0


class Sender:
    """A hub that is open for sending. Use it as a context manager, or call `close`.

    Args:
        partitions: spread users over so many of the hub's partitions; None for all. Where a user's partition changes,
            a consumer may see two messages of the user in the wrong order: who goes on later gives the number of the
            first time.
        units: throughput units of the namespace, by which it is paced; 0 not to pace it.
        check: called several times a second while the hub is waited for; what it raises ends the sending.

    Attributes:
        partitions: over which users are spread.
        largest: bytes of the largest batch, as the hub has said.

    Raises:
        LyazureError: the hub cannot be opened.
    """

    def __init__(
        self,
        connection: EventHubConnection,
        *,
        partitions: int | None = None,
        units: float = 1,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection, self._check = connection, check
        self._hub = EventHub(connection)
        try:
            self._ids = self._hub.about().partitions
            self.partitions = partitions or len(self._ids)
            if self.partitions > len(self._ids):
                raise BadConfiguration(
                    f"The hub {connection.entity_path} has {len(self._ids)} partitions, and had {partitions}",
                    why="It is another one, or was made anew",
                    fix="Use the authorization of the hub as it was, or make a new job",
                )
            self.largest = self._hub.largest()
        except BaseException:
            self._hub.close()
            raise
        self._base = self._hub.client.create_batch().size_in_bytes
        self._pace = Pace(units, self._sleep)
        self._results: Queue[Sent | LyazureError] = Queue()
        self._lanes: dict[int, Queue[_Batch | None]] = {}
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connections; a batch in flight may still arrive."""
        self._ended = True
        for lane in self._lanes.values():
            with suppress(Full):  # its thread sees that it is over
                lane.put_nowait(None)
        self._hub.close()

    def partition(self, user: str) -> int:
        """The place of a user's partition: the same as long as the number of partitions is."""
        return zlib.crc32(user.encode("utf-8", "backslashreplace")) % self.partitions

    def send(self, messages: Iterable[Message]) -> Iterator[Sent | Refused]:
        """Sends all messages, and tells of each what became of it as soon as that is known.

        No more is read ahead than fits into two batches a partition.

        Raises:
            LyazureError: a batch did not go through; what was acknowledged by then has been told. Whatever has not been
                told of may have arrived or not, and is to be sent again, in its order.
        """
        if self._ended:
            raise RetryLater(_WHAT, why="The sending was ended")
        batches: dict[int, _Batch] = {}
        under_way = 0
        room = self.largest - self._base
        for place, message in enumerate(messages):
            data = encoded(message)
            size = len(data) + overhead(len(data))
            if size > room:
                yield Refused(place, message, f"It has {in_words(size)}, the hub takes {in_words(room)}")
                continue
            partition = self.partition(message.user)
            batch = batches.get(partition)
            if batch is None:
                batch = batches[partition] = _Batch()
            elif batch.size + size > room:
                for done in self._hand_over(partition, batch):
                    under_way -= 1
                    yield done
                under_way += 1
                batch = batches[partition] = _Batch()
            batch.places.append(place)
            batch.data.append(data)
            batch.size += size
        for partition, batch in batches.items():
            for done in self._hand_over(partition, batch):
                under_way -= 1
                yield done
            under_way += 1
        while under_way:
            for done in self._finished(wait=True):
                under_way -= 1
                yield done

    # This thread

    def _hand_over(self, partition: int, batch: _Batch) -> Iterator[Sent]:
        """Gives a batch to its partition's thread as soon as that can take it; tells what was done meanwhile."""
        lane = self._lanes.get(partition)
        if lane is None:
            lane = self._lanes[partition] = Queue(1)
            Thread(target=self._work, args=(partition, lane), name=f"partition {partition}", daemon=True).start()
        while True:
            yield from self._finished(wait=False)
            try:
                lane.put(batch, timeout=TURN)
                return
            except Full:
                self._check()

    def _finished(self, *, wait: bool) -> Iterator[Sent]:
        """What is done by now. Raises the error of a batch after the rest of it has been told."""
        failed: LyazureError | None = None
        while True:
            try:
                result = self._results.get(timeout=TURN) if wait else self._results.get_nowait()
            except Empty:
                break
            wait = False
            if isinstance(result, Sent):
                yield result
            else:
                failed = failed or result
        if failed is not None:
            raise failed
        self._check()

    # A thread for each partition

    def _work(self, partition: int, lane: Queue[_Batch | None]) -> None:
        while not self._ended and (batch := lane.get()) is not None:
            try:
                self._deliver(partition, batch)
            except LyazureError as error:
                # Nothing after it may go out, or a user's messages would arrive in the wrong order.
                self._ended = True
                self._results.put(error)
                return
            self._results.put(Sent(partition, tuple(batch.places), batch.size))

    def _deliver(self, partition: int, batch: _Batch) -> None:
        """Sends a batch until it is acknowledged, for a while."""
        until = time.monotonic() + _PATIENCE
        while True:
            self._pace.take(len(batch.data), batch.size)
            try:
                with translated(_WHAT, self._connection):
                    bounded(
                        lambda: self._hub.client.send_batch(self._filled(partition, batch), timeout=_SEND_SECONDS),
                        OPEN_SECONDS + 2 * _SEND_SECONDS,
                        _WHAT,
                        self._connection,
                    )
            except Busy as error:
                if time.monotonic() + self._pace.busy() > until:
                    raise error from None
            except RetryLater as error:
                if time.monotonic() > until:
                    raise error from None
                self._sleep(_AGAIN_SECONDS)
            else:
                self._pace.well()
                return

    def _filled(self, partition: int, batch: _Batch) -> EventDataBatch:
        """The SDK's batch with messages that are encoded already."""
        found: Any = self._hub.client.create_batch(partition_id=self._ids[partition])
        found._message[_BODY].extend(batch.data)
        found._size, found._count = self._base + batch.size, len(batch.data)
        return found  # type: ignore[no-any-return]

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._ended:
                raise RetryLater(_WHAT, why="The sending was ended")
            time.sleep(min(left, TURN))


_BODY = 5
"""The place of a batch's messages among the sections of the SDK's message."""
