"""The links of a connection: producers to a hub or a partition, consumers of a partition, requests."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from proton import Condition, Data, Delivery, Link, Receiver, Sender, symbol

from lytics_azure_tui.sandbox.event_hub import sections
from lytics_azure_tui.sandbox.event_hub.faults import Fault
from lytics_azure_tui.sandbox.event_hub.namespace import Hub, Namespace
from lytics_azure_tui.sandbox.event_hub.partition import Partition
from lytics_azure_tui.sandbox.event_hub.tokens import LISTEN, SEND

if TYPE_CHECKING:
    from lytics_azure_tui.sandbox.event_hub.conversation import Conversation

BUSY = "com.microsoft:server-busy"
_FILTER = re.compile(r"amqp\.annotation\.x-opt-(offset|sequence-number|enqueued-time)\s*(>=?)\s*'([^']*)'")


class NotTaken(Exception):
    """A link that is refused, or ended; its text is what the service says."""

    def __init__(self, condition: str, why: str) -> None:
        super().__init__(why)
        self.condition = condition


@dataclass(frozen=True, slots=True)
class Address:
    """What a link is for.

    Attributes:
        partition: None for a hub as a whole.
        number: the partition's id; empty for a hub as a whole.
    """

    hub: Hub
    partition: Partition | None
    number: str

    @classmethod
    def parse(cls, node: str, namespace: Namespace) -> Address:
        """Of "hub", "hub/Partitions/0", "hub/ConsumerGroups/$Default/Partitions/0", with or without a URL before it.

        Raises:
            NotTaken: there is no such thing.
        """
        parts = (urlsplit(node).path if "://" in node else node).strip("/").split("/")
        hub = namespace.hub(parts[0])
        words = {name.lower(): value for name, value in zip(parts[1::2], parts[2::2], strict=False)}
        number = words.get("partitions", "")
        partition = hub.partition(number) if hub and number else None
        group = words.get("consumergroups")
        if hub is None or (number and partition is None) or (group is not None and not hub.group(group)):
            raise NotTaken("amqp:not-found", f"The messaging entity '{node}' could not be found.")
        return cls(hub, partition, number)


def refuse(link: Link, condition: str, why: str) -> None:
    """Closes a link with an error."""
    link.condition = error(condition, why)
    link.close()


def error(condition: str, why: str) -> Condition:
    """An error of AMQP's."""
    # The SDK reads all three fields of an error, and proton leaves out an empty last one.
    return Condition(condition, why, {symbol("tracking"): "sandbox"})


class Requests:
    """A link to, or answers from, a node of the service's own.

    Attributes:
        node: "$cbs" or "$management".
    """

    def __init__(self, link: Link, node: str) -> None:
        self.link = link
        self.node = node

    def closed(self) -> None:
        """Nothing to let go of."""


class Incoming:
    """A producer's link."""

    def __init__(self, conversation: Conversation, link: Receiver, address: Address) -> None:
        self._conversation, self._link, self._address = conversation, link, address
        link.flow(conversation.namespace.credit)

    def closed(self) -> None:
        """Nothing to let go of."""

    def take(self, delivery: Delivery, message: bytes) -> None:
        """Stores what a transfer carries, and acknowledges it; or does what was ordered."""
        hub, number = self._address.hub, self._address.number
        namespace = self._conversation.namespace
        if namespace.hub(hub.name) is not hub:
            refuse(self._link, "amqp:not-found", f"The messaging entity '{hub.name}' could not be found.")
            return
        if not self._conversation.may(SEND, hub.name):
            refuse(self._link, "amqp:unauthorized-access", "ExpiredToken: The token is expired.")
            return
        if len(message) > namespace.max_size:
            # The link itself is closed: the client broke what both had agreed on (AMQP 1.0, 2.8.15).
            refuse(
                self._link, "amqp:link:message-size-exceeded", f"The message is larger than {namespace.max_size} bytes."
            )
            return
        self._link.flow(1)
        try:
            events = sections.events(message)
        except sections.Malformed as error:
            self._reject(delivery, "amqp:decode-error", str(error))
            return
        if namespace.faults.too_much(hub.name, len(events), len(message)):
            self._reject(delivery, BUSY, "The request was terminated because the entity is being throttled.")
            return
        fault = namespace.faults.meets(hub.name, number)
        if fault is not None and self._suffer(fault, delivery):
            return
        partition = self._address.partition
        if partition is None:
            partition = hub.choose(sections.partition_key(message))
        partition.append(events)
        if fault is None:
            delivery.update(Delivery.ACCEPTED)
            delivery.settle()
        elif fault.action == "lose":
            self._conversation.cut()

    def _suffer(self, fault: Fault, delivery: Delivery) -> bool:
        """Whether that is all that happens to the transfer."""
        match fault.action:
            case "busy":
                self._reject(delivery, BUSY, "The server is busy. Please retry the operation.")
            case "reject":
                self._reject(delivery, fault.condition, "It was ordered.")
            case "detach":
                refuse(self._link, fault.condition, "It was ordered.")
            case "release":
                delivery.update(Delivery.RELEASED)
                delivery.settle()
            case "close":
                self._conversation.close(fault.condition, "It was ordered.")
            case "drop":
                self._conversation.cut()
            case _:
                return False
        return True

    @staticmethod
    def _reject(delivery: Delivery, condition: str, why: str) -> None:
        delivery.local.condition = error(condition, why)
        delivery.update(Delivery.REJECTED)
        delivery.settle()


class Outgoing:
    """A consumer's link to a partition."""

    def __init__(self, conversation: Conversation, link: Sender, address: Address) -> None:
        """Begins where the consumer's filter says.

        Raises:
            NotTaken: it does not say so in words that are known.
        """
        if address.partition is None:
            raise NotTaken("amqp:not-found", "Events are received from a partition of a consumer group.")
        self._conversation, self._link, self._address = conversation, link, address
        self._partition = address.partition
        self._next = _beginning(_filter(link), self._partition)
        self._sent = 0
        self._partition.waiting.add(conversation.soon)

    def closed(self) -> None:
        """The consumer is gone."""
        self._partition.waiting.discard(self._conversation.soon)

    def pump(self) -> None:
        """Sends what there is, as far as the consumer has asked for it."""
        hub = self._address.hub
        if self._conversation.namespace.hub(hub.name) is not hub:
            self.end("amqp:not-found", f"The messaging entity '{hub.name}' could not be found.")
            return
        if not self._conversation.may(LISTEN, hub.name):
            self.end("amqp:unauthorized-access", "ExpiredToken: The token is expired.")
            return
        while self._link.credit > 0 and self._next < len(self._partition) and not self._conversation.crowded:
            event, offset, milliseconds = self._partition.read(self._next)
            self._sent += 1
            delivery = self._link.delivery(str(self._sent))
            self._link.stream(sections.annotated(event, self._next, offset, milliseconds))
            self._link.advance()
            # The SDK never tells what became of an event.
            delivery.settle()
            self._next += 1

    def end(self, condition: str, why: str) -> None:
        """Closes it, and says why."""
        self.closed()
        refuse(self._link, condition, why)


def _filter(link: Sender) -> str:
    data: Data = link.remote_source.filter
    data.rewind()
    if data.next() is None:
        return ""
    found = list(data.get_dict().values())
    value = getattr(found[0], "value", found[0]) if found else ""
    return value.decode() if isinstance(value, bytes) else str(value)


def _beginning(words: str, partition: Partition) -> int:
    """The first sequence number that a filter lets through; without one all."""
    if not words:
        return 0
    match = _FILTER.fullmatch(words.strip())
    if match is None:
        raise NotTaken("amqp:invalid-field", "The filter of the link is not one of a position.")
    what, inclusive, value = match[1], match[2] == ">=", match[3]
    if value == "@latest":
        return len(partition)
    if value == "-1":
        return 0
    if not re.fullmatch(r"-?\d+", value):
        raise NotTaken("amqp:invalid-field", "The position of the link's filter is not a number.")
    number = int(value)
    match what:
        case "offset":
            return partition.after_offset(number, inclusive)
        case "enqueued-time":
            return partition.after_time(number, inclusive)
        case _:
            return max(number if inclusive else number + 1, 0)
