"""The listening side, and the orders that come from whoever holds the server."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

from lytics_azure_tui.sandbox.event_hub.conversation import Conversation
from lytics_azure_tui.sandbox.event_hub.faults import Fault
from lytics_azure_tui.sandbox.event_hub.namespace import Namespace


async def serve(namespace: Namespace, port: int) -> None:
    """Serves until standard input ends.

    Args:
        port: on 127.0.0.1; 0 for any that is free.
    """
    conversations: set[Conversation] = set()

    def begin() -> Conversation:
        conversation = Conversation(namespace, conversations)
        conversations.add(conversation)
        return conversation

    loop = asyncio.get_running_loop()
    server = await loop.create_server(begin, "127.0.0.1", port)
    _say({"port": server.sockets[0].getsockname()[1]})
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin.buffer)
    known = _orders(namespace, conversations)
    while line := await orders.readline():
        order = json.loads(line)
        known[order.pop("do")](**order)
        _say({"done": True})


def _orders(namespace: Namespace, conversations: set[Conversation]) -> dict[str, Callable[..., None]]:
    def cut(condition: str, links: bool) -> None:
        for conversation in tuple(conversations):
            if links:
                conversation.end_consumers(condition)
            elif condition:
                conversation.close(condition, "The service is being upgraded.")
                conversation.soon()
            else:
                conversation.cut()

    def limit(size: int) -> None:
        namespace.max_size = size

    def agree(credit: int, idle: float) -> None:
        namespace.credit, namespace.idle = credit, idle

    def fail(**about: Any) -> None:
        namespace.faults.order(Fault(**about))

    def delete(name: str) -> None:
        namespace.delete(name)
        for conversation in tuple(conversations):
            conversation.soon()

    return {
        "create": namespace.create,
        "delete": delete,
        "agree": agree,
        "fail": fail,
        "throttle": namespace.faults.throttle,
        "heal": namespace.faults.clear,
        "limit": limit,
        "cut": cut,
    }


def _say(words: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()
