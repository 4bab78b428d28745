"""A stand-in for Azure Event Hubs: AMQP 1.0 on loopback, hubs with partitions, and files behind it."""

from lytics_azure_tui.sandbox.event_hub.server import EventHubServer

__all__ = ["EventHubServer"]
