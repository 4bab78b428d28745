"""The hubs that there are, and the rules of the namespace."""

from __future__ import annotations

import json
import shutil
import time
import zlib
from collections.abc import Mapping
from pathlib import Path

from lytics_azure_tui.sandbox.event_hub.faults import Faults
from lytics_azure_tui.sandbox.event_hub.partition import Partition
from lytics_azure_tui.sandbox.event_hub.tokens import Policy

GROUPS = ("$Default", "tail")
_ABOUT = "hub.json"
CREDIT = 300
IDLE_SECONDS = 60.0


class Hub:
    """One event hub, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name
        about = json.loads((folder / _ABOUT).read_text())
        self.created = int(about["created"])
        """Milliseconds since 1970."""
        self.groups: tuple[str, ...] = tuple(about["groups"])
        self.partitions = [Partition(partition_file(folder, number)) for number in range(int(about["partitions"]))]
        self._turn = 0

    @classmethod
    def make(cls, folder: Path, partitions: int) -> Hub:
        """A new one."""
        folder.mkdir(parents=True)
        about = {"created": int(time.time() * 1000), "partitions": partitions, "groups": GROUPS}
        (folder / _ABOUT).write_text(json.dumps(about))
        return cls(folder)

    def grow(self, partitions: int) -> None:
        """Adds partitions until there are so many; their number never falls."""
        for number in range(len(self.partitions), partitions):
            self.partitions.append(Partition(partition_file(self.folder, number)))
        about = {"created": self.created, "partitions": len(self.partitions), "groups": self.groups}
        (self.folder / _ABOUT).write_text(json.dumps(about))

    def partition(self, number: str) -> Partition | None:
        """The partition of an id; None when there is none."""
        return self.partitions[int(number)] if number.isdigit() and int(number) < len(self.partitions) else None

    def choose(self, key: bytes) -> Partition:
        """The partition for a key; without one they take turns."""
        self._turn += 1
        return self.partitions[(zlib.crc32(key) if key else self._turn) % len(self.partitions)]

    def group(self, name: str) -> bool:
        """Whether there is a consumer group of this name."""
        return name.lower() in (known.lower() for known in self.groups)

    def close(self) -> None:
        """Lets go of the files."""
        for partition in self.partitions:
            partition.close()


class Namespace:
    """All that a connection needs to know.

    Attributes:
        max_size: bytes; what a link says its largest message is.
        credit: transfers that a producer may have on the way.
        idle: seconds without a frame after which a connection is closed.
    """

    def __init__(self, folder: Path, policies: Mapping[str, Policy], max_size: int) -> None:
        self._folder = folder
        self.policies = policies
        self.max_size = max_size
        self.credit = CREDIT
        self.idle = IDLE_SECONDS
        self.faults = Faults()
        folder.mkdir(parents=True, exist_ok=True)
        self._hubs = {about.parent.name.lower(): Hub(about.parent) for about in sorted(folder.glob(f"*/{_ABOUT}"))}

    def hub(self, name: str) -> Hub | None:
        """The hub of a name, however it is written."""
        return self._hubs.get(name.lower())

    def create(self, name: str, partitions: int) -> None:
        """Makes a hub, or gives it more partitions."""
        hub = self.hub(name)
        if hub is None:
            self._hubs[name.lower()] = Hub.make(self._folder / name, partitions)
        else:
            hub.grow(partitions)

    def delete(self, name: str) -> None:
        """Removes a hub and all that is in it."""
        hub = self._hubs.pop(name.lower(), None)
        if hub is not None:
            hub.close()
            shutil.rmtree(hub.folder)


def partition_file(hub: Path, number: int) -> Path:
    """Where a partition of a hub lies."""
    return hub / f"{number}.events"
