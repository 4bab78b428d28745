""" "Test connection" of an event hub: what it is, and whether one may send to it. Nothing is sent."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from lytics_azure_tui.azure.checks import CheckReport
from lytics_azure_tui.azure.event_hub import EventHub
from lytics_azure_tui.azure.event_hub_errors import RightMissing
from lytics_azure_tui.model.amounts import counted, size
from lytics_azure_tui.model.authorization import AzureEventHub


def hub_report(authorization: AzureEventHub) -> CheckReport:
    """Asks the hub, and opens a link to send.

    Raises:
        LyazureError: it cannot be reached, does not let in, or is not there.
    """
    connection = authorization.connection()
    began = time.monotonic()
    with EventHub(connection) as hub:
        about = hub.about()
        seconds = time.monotonic() - began
        notes = ["1 partition" if len(about.partitions) == 1 else f"{len(about.partitions)} partitions"]
        try:
            notes[0] += f", messages of up to {size(hub.largest())}"
            sends = True
        except RightMissing:
            sends = False
    if connection.expires is not None:
        left = connection.expires - datetime.now(UTC)
        soon = f", in {counted(left // timedelta(hours=1), 'hour')}" if left < timedelta(days=2) else ""
        notes.append(f"The signature ends on {connection.expires:%Y-%m-%d %H:%M} UTC{soon}")
    if connection.emulator:
        notes.append("Nothing is encrypted: the connection string is one of an emulator")
    name = f"{connection.namespace}, hub {about.name}"
    return CheckReport(None, None, sends, seconds, name, tuple(notes), names=("", "", "send"))
