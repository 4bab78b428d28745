"""Blob Storage for pictures: names, times and failures that stay the same. What it cannot show is tried on Azurite."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from lytics_azure_tui.azure.blob import BlobInfo, ContainerInfo, FolderInfo, Page
from lytics_azure_tui.errors import Fatal, LyazureError
from lytics_azure_tui.jobs import choices
from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.model.secret import Secret
from tests.tui.world import StillDesk, World

KEY = Secret("DefaultEndpointsProtocol=https;AccountName=warehouse;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net")
AT = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
CUSTOMERS = "id,email,name,created_at,score\n" + "".join(
    f"{row},user{row}@example.com,User {row},2026-11-01T10:00:{row:02}Z,{row * 1.5}\n" for row in range(60)
)
ORDERS = "order\tcustomer\tplaced\ttotal\n" + "".join(
    f"{row}\tuser{row}@example.com\t2026-11-01 10:00:00\t{row}.99\n" for row in range(20)
)


@dataclass
class Shelf:
    """Containers of blobs, in memory.

    Attributes:
        blobs: by container, the content by name.
        page: names that are listed at once.
        broken: raised by whatever is asked, while it is there.
        gate: whoever asks waits until it is open.
        asked: (container, prefix) of each listing.
    """

    blobs: dict[str, dict[str, bytes]] = field(default_factory=dict)
    page: int = 5000
    broken: LyazureError | None = None
    gate: threading.Event = field(default_factory=threading.Event)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate.set()

    def containers(self, prefix: str = "", page: str | None = None, size: int = 5000) -> Page[ContainerInfo]:
        self._answer()
        return Page(tuple(ContainerInfo(name, AT) for name in sorted(self.blobs) if name.startswith(prefix)))

    def list(
        self, container: str, prefix: str = "", delimiter: str | None = "/", page: str | None = None, size: int = 5000
    ) -> Page[FolderInfo | BlobInfo]:
        self.asked.append((container, prefix))
        self._answer()
        found: dict[str, FolderInfo | BlobInfo] = {}
        for name in sorted(self.blobs.get(container, {})):
            if name.startswith(prefix):
                head, slash, _ = name[len(prefix) :].partition(delimiter or "\0")
                folder = prefix + head + slash
                found[folder] = FolderInfo(folder) if slash else self.blob(container, name)
        start = int(page or 0)
        end = start + self.page
        return Page(tuple(found.values())[start:end], str(end) if end < len(found) else None)

    def blob(self, container: str, name: str) -> BlobInfo:
        if name not in self.blobs.get(container, {}):
            raise Fatal(f"{name} is not in the container {container}", fix="Choose another file")
        return BlobInfo(name, len(self.blobs[container][name]), AT, "etag")

    def read(self, container: str, name: str, etag: str, offset: int, length: int) -> bytes:
        self._answer()
        return self.blobs[container][name][offset : offset + length]

    def stream(
        self, container: str, name: str, etag: str, offset: int, end: int, *, block: int = 8 << 20, ahead: int = 3
    ) -> Iterator[bytes]:
        for at in range(offset, end, block):
            yield self.read(container, name, etag, at, min(block, end - at))

    def iter(self, container: str, prefix: str = "") -> Iterator[BlobInfo]:
        return (self.blob(container, name) for name in sorted(self.blobs.get(container, {})) if name.startswith(prefix))

    def close(self) -> None:
        """Nothing to let go of."""

    def _answer(self) -> None:
        self.gate.wait(10)
        if self.broken is not None:
            raise self.broken


def full() -> Shelf:
    """Three containers; a daily sequence, a tab-delimited file, an empty one."""
    daily = {f"daily/customers_202611{day:02}.csv": CUSTOMERS.encode() for day in range(1, 21)}
    landing = {**daily, "partners/orders.tsv": ORDERS.encode(), "readme.txt": b""}
    return Shelf({"archive": {"2025/01/x.csv": b"a,b\n1,2\n"}, "landing": landing, "reports": {}})


def put_on(world: World, shelf: Shelf, patch: pytest.MonkeyPatch) -> None:
    """Gives the world an authorization, and the shelf in place of Azure."""
    world.authorization()
    patch.setattr("lytics_azure_tui.azure.blob.BlobStore", lambda _connection: shelf)
    # Imported above, before anything is patched: what a module takes from a patched one while it loads stays for good.
    patch.setattr(choices, "BlobStore", lambda _connection: shelf)

    def unlock(_desk: StillDesk, authorization_id: str) -> AzureStorage:
        return AzureStorage(id=authorization_id, label="Warehouse storage", connection_string=KEY)

    patch.setattr(StillDesk, "unlock", unlock)
