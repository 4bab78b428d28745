"""Reading from Blob Storage: containers, virtual folders, blobs, and their bytes as fast as the line gives them."""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from azure.core import MatchConditions
from azure.storage.blob import BlobPrefix, BlobProperties

from lytics_azure_tui.azure.client import LARGEST_GET, service
from lytics_azure_tui.azure.errors import translated
from lytics_azure_tui.errors import RetryLater
from lytics_azure_tui.model.connection_string import StorageConnection

T = TypeVar("T")

PAGE = 5000
"""The most that Azure lists at once."""
_TRIES = 4
_PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a list.

    Attributes:
        next: what to ask the next page with; None when this is the last.
    """

    items: tuple[T, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class ContainerInfo:
    """A container. Times are in UTC."""

    name: str
    modified: datetime


@dataclass(frozen=True, slots=True)
class FolderInfo:
    """A virtual folder: a beginning that blob names share, up to and with the delimiter."""

    name: str


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """A blob.

    Attributes:
        name: all of it, with its folders.
        size: bytes.
        modified: in UTC.
        etag: changes whenever the content does; without quotes.
        content_type, content_encoding: as whoever wrote it said; may be empty.
        leased: whether somebody holds it for writing; reading goes on.
        archived: whether it must be brought back from the archive tier before it can be read.
    """

    name: str
    size: int
    modified: datetime
    etag: str
    content_type: str = ""
    content_encoding: str = ""
    leased: bool = False
    archived: bool = False


class BlobStore:
    """One storage account. Safe to use from several threads; errors are those of errors.py."""

    def __init__(self, connection: StorageConnection) -> None:
        self._connection = connection
        self._service = service(connection)

    def containers(self, prefix: str = "", page: str | None = None, size: int = PAGE) -> Page[ContainerInfo]:
        """Some of the containers, by name."""
        with translated("The containers could not be listed", self._connection):
            found = self._service.list_containers(name_starts_with=prefix or None, results_per_page=size)
            return _page(found, page, lambda item: ContainerInfo(item.name, item.last_modified))

    def list(
        self, container: str, prefix: str = "", delimiter: str | None = "/", page: str | None = None, size: int = PAGE
    ) -> Page[FolderInfo | BlobInfo]:
        """Some of a container: on each page folders first, then blobs, each by name.

        Args:
            prefix: what names begin with; Azure filters by it. To look into a folder, its whole name.
            delimiter: what ends a virtual folder; None lists all blobs below.
        """
        with translated(f"The container {container} could not be listed", self._connection):
            client = self._service.get_container_client(container)
            options: dict[str, Any] = {"name_starts_with": prefix or None, "results_per_page": size}
            if delimiter is None:
                return _page(client.list_blobs(**options), page, _entry)
            return _page(client.walk_blobs(delimiter=delimiter, **options), page, _entry)

    def iter(self, container: str, prefix: str = "") -> Iterator[BlobInfo]:
        """All blobs whose names begin so, by name, page by page as they are asked for."""
        page: str | None = None
        while True:
            found = self.list(container, prefix, delimiter=None, page=page)
            yield from (item for item in found.items if isinstance(item, BlobInfo))
            page = found.next
            if page is None:
                return

    def blob(self, container: str, name: str) -> BlobInfo:
        """One blob as it is now."""
        with translated(f"{name} in the container {container} could not be looked up", self._connection):
            return _blob(self._service.get_blob_client(container, name).get_blob_properties())

    def read(self, container: str, name: str, etag: str, offset: int, length: int) -> bytes:
        """A range of a blob, exactly so long.

        Args:
            etag: of the blob as it was looked up; when it has changed since, `StartOver` is raised.

        Raises:
            RetryLater: also when it came short, after some tries.
        """
        return self._range(container, name, etag, offset, length, ended=threading.Event())

    def stream(
        self,
        container: str,
        name: str,
        etag: str,
        offset: int,
        end: int,
        *,
        block: int = 8 * 1024 * 1024,
        ahead: int = 3,
    ) -> Iterator[bytes]:
        """The bytes of a blob from `offset` to before `end`, in order, in blocks.

        Args:
            etag: as for `read`.
            block: bytes of one request and of what is yielded; the last may be shorter. At most `LARGEST_GET`.
            ahead: requests under way while a block is used. Memory: (ahead + 1) blocks.
        """
        ended = threading.Event()
        pool = ThreadPoolExecutor(max(1, ahead), thread_name_prefix="blob")
        coming: deque[Future[bytes]] = deque()
        try:
            for start in range(offset, end, block):
                length = min(block, end - start)
                coming.append(pool.submit(self._range, container, name, etag, start, length, ended=ended))
                if len(coming) > ahead:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()
        finally:
            ended.set()
            pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Lets go of the connections."""
        self._service.close()

    def _range(
        self, container: str, name: str, etag: str, offset: int, length: int, *, ended: threading.Event
    ) -> bytes:
        """One range, with some tries; none more once `ended` is set."""
        if length <= 0:
            return b""
        for attempt in range(1, _TRIES + 1):
            try:
                return self._get(container, name, etag, offset, length)
            except RetryLater:
                if attempt == _TRIES or ended.wait(_PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)):
                    raise
        raise AssertionError("the last try returns or raises")

    def _get(self, container: str, name: str, etag: str, offset: int, length: int) -> bytes:
        what = f"{name} in the container {container} could not be read"
        parts = []
        for start in range(offset, offset + length, LARGEST_GET):
            wanted = min(LARGEST_GET, offset + length - start)
            with translated(what, self._connection):
                client = self._service.get_blob_client(container, name)
                parts.append(
                    client.download_blob(
                        offset=start,
                        length=wanted,
                        etag=f'"{etag.strip(chr(34))}"',
                        match_condition=MatchConditions.IfNotModified,
                        # The bytes as they are stored: a range of compressed content cannot be unpacked.
                        decompress=False,
                        max_concurrency=1,
                        retry_total=0,
                    ).readall()
                )
            if len(parts[-1]) != wanted:
                raise RetryLater(what, why=f"{len(parts[-1])} of {wanted} bytes came")
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _page(found: Any, page: str | None, entry: Callable[[Any], T]) -> Page[T]:
    """The next page that holds anything: Azure may send empty ones on its way."""
    pages = found.by_page(page)
    for items in pages:
        entries = tuple(entry(item) for item in items)
        token = pages.continuation_token or None
        if entries or token is None:
            return Page(entries, token)
    return Page(())


def _entry(item: BlobPrefix | BlobProperties) -> FolderInfo | BlobInfo:
    return FolderInfo(str(item.name)) if isinstance(item, BlobPrefix) else _blob(item)


def _blob(item: BlobProperties) -> BlobInfo:
    if item.etag is None or item.last_modified is None:
        raise ValueError("not an answer of Blob Storage")
    return BlobInfo(
        name=str(item.name),
        size=int(item.size or 0),
        modified=item.last_modified,
        etag=str(item.etag).strip('"'),
        content_type=item.content_settings.content_type or "",
        content_encoding=item.content_settings.content_encoding or "",
        leased=item.lease.state == "leased",
        archived=item.blob_tier == "Archive",
    )
