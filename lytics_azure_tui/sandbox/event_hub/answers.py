"""What the service answers to requests: $cbs lets in, $management tells about hubs and partitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proton import Message, int32, timestamp

from lytics_azure_tui.sandbox.event_hub.tokens import Refused, claim

if TYPE_CHECKING:
    from lytics_azure_tui.sandbox.event_hub.conversation import Conversation
    from lytics_azure_tui.sandbox.event_hub.namespace import Hub


def token(conversation: Conversation, request: Message) -> Message:
    """Takes a token. A new one of the same claims stands beside the old, which ends by itself."""
    body = request.body
    text = bytes(body).decode() if isinstance(body, bytes | memoryview) else str(body)
    try:
        conversation.claims.append(claim(text, conversation.namespace.policies))
    except Refused as error:
        return _answer(401, str(error))
    return _answer(202, "Accepted")


def about(conversation: Conversation, request: Message) -> Message:
    """Tells about a hub, or a partition of one."""
    given: dict[Any, Any] = request.properties or {}
    asked = {str(name): value for name, value in given.items()}
    name = str(asked.get("name", ""))
    try:
        known = claim(str(asked.get("security_token", "")), conversation.namespace.policies)
    except Refused as error:
        return _answer(401, str(error))
    if not known.covers(name):
        return _answer(401, "Unauthorized access.")
    hub = conversation.namespace.hub(name)
    if hub is None:
        return _answer(404, f"The messaging entity '{name}' could not be found.")
    if asked.get("type") == "com.microsoft:partition":
        found = _of_partition(hub, str(asked.get("partition", "")))
        return _answer(200, "OK", found) if found else _answer(404, "The partition could not be found.")
    return _answer(200, "OK", _of_hub(hub))


def _of_hub(hub: Hub) -> dict[str, Any]:
    return {
        "name": hub.name,
        "type": "com.microsoft:eventhub",
        "created_at": timestamp(hub.created),
        "partition_count": int32(len(hub.partitions)),
        "partition_ids": [str(number) for number in range(len(hub.partitions))],
    }


def _of_partition(hub: Hub, number: str) -> dict[str, Any] | None:
    partition = hub.partition(number)
    if partition is None:
        return None
    offset, milliseconds = partition.last()
    return {
        "name": hub.name,
        "type": "com.microsoft:partition",
        "partition": number,
        "begin_sequence_number": 0,
        "last_enqueued_sequence_number": len(partition) - 1,
        "last_enqueued_offset": str(offset),
        "last_enqueued_time_utc": timestamp(milliseconds),
        "is_partition_empty": len(partition) == 0,
    }


def _answer(status: int, words: str, body: dict[str, Any] | None = None) -> Message:
    properties: dict[str, Any] = {"status-code": int32(status), "status-description": words}
    return Message(body=body, properties=properties)
