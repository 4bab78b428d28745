"""Writing to Blob Storage: blocks that nobody sees, side by side, and one commit that shows the whole blob.

A block's id is made of the run, its place, and the hash of all content up to its end. So a run that is taken up again
asks which blocks are there, and sends only the others; and blocks of two runs are never mixed up. A blob carries its
run's id, by which a commit that is done again knows its own work; a blob of anybody else is never written over.
"""

from __future__ import annotations

import hashlib
import io
import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.blob import BlobBlock, ContentSettings

from lytics_azure_tui.azure.client import service
from lytics_azure_tui.azure.errors import RightMissing, translated
from lytics_azure_tui.errors import Fatal, LyazureError, RetryLater, StartOver
from lytics_azure_tui.model.connection_string import StorageConnection

MOST_BLOCKS = 50_000
"""Of one blob: learn.microsoft.com/rest/api/storageservices/put-block-list"""
BLOCK = 8 << 20
"""Bytes of a blob's blocks in its first half; those of the second are four times as large. That makes a terabyte."""
AHEAD = 4
"""Blocks on their way at once. Memory: about (AHEAD + 2) blocks."""

_RUN = "lyazure_run"
_TRIES = 4
_PAUSE = 0.5
# A socket's timeout counts for each piece that is handed to it: a large one would not get through a slow line.
_PIECE = 256 << 10


@dataclass(frozen=True, slots=True)
class StagedBlob:
    """A blob of which all blocks are there, and that nobody sees yet.

    Attributes:
        blocks: their ids, in order.
        sha256: of the whole content, in hexadecimal.
    """

    name: str
    blocks: tuple[str, ...]
    bytes: int
    sha256: str


class BlobWriter:
    """Writes blobs of one run into one container. Errors are those of errors.py.

    Args:
        run_id: makes the blobs and their blocks the run's own.
    """

    def __init__(self, connection: StorageConnection, container: str, run_id: str) -> None:
        self._connection = connection
        self._container = container
        self._run_id = run_id
        self._service = service(connection)

    def require_free(self, name: str) -> None:
        """Sees to it that a name is not taken, but by this run.

        Raises:
            Fatal: a blob that this run did not write is there.
        """
        if self._owner(name) not in (None, self._run_id):
            raise self._taken(name)

    def stage(self, name: str, content: Iterable[bytes], tell: Callable[[int], None] = lambda size: None) -> StagedBlob:
        """Sends a blob's content, and shows nothing of it.

        Args:
            content: in pieces of any size.
            tell: called for every block with the bytes so far; what it raises ends the work.

        Raises:
            Fatal: also when the content is larger than a blob can be.
        """
        there = self._staged(name)
        ended = threading.Event()
        pool = ThreadPoolExecutor(AHEAD, thread_name_prefix="block")
        coming: deque[Future[str]] = deque()
        ids: list[str] = []
        size, digest = 0, hashlib.sha256()
        try:
            for index, block in enumerate(_blocks(content)):
                if index == MOST_BLOCKS:
                    raise self._too_large(name)
                size += len(block)
                tell(size)
                digest.update(block)
                block_id = self._id(index, digest.hexdigest())
                coming.append(pool.submit(self._send, name, block_id, block, there, ended))
                if len(coming) > AHEAD:
                    ids.append(coming.popleft().result())
            ids += [sent.result() for sent in coming]
        finally:
            ended.set()
            pool.shutdown(wait=False, cancel_futures=True)
        return StagedBlob(name, tuple(ids), size, digest.hexdigest())

    def commit(self, blob: StagedBlob, content_type: str, metadata: Mapping[str, str] | None = None) -> None:
        """Shows a blob, whole. Done again by the same run, it changes nothing.

        Args:
            metadata: names and values in ASCII, beside the run's id.

        Raises:
            Fatal: somebody else has written a blob of this name.
            StartOver: its blocks are gone: they are kept for a week.
        """
        what = f"{blob.name} could not be written to the container {self._container}"
        blocks = [BlobBlock(block_id=block) for block in blob.blocks]

        def put() -> None:
            client = self._service.get_blob_client(self._container, blob.name)
            client.commit_block_list(blocks, **self._new(content_type, metadata), retry_total=0)

        self._once(blob.name, what, put)

    def put(self, name: str, data: bytes, content_type: str) -> None:
        """Writes a small blob in one request, by the rules of `commit`."""
        what = f"{name} could not be written to the container {self._container}"

        def put() -> None:
            client = self._service.get_blob_client(self._container, name)
            client.upload_blob(data, overwrite=True, **self._new(content_type, None), retry_total=0)

        self._once(name, what, put)

    def close(self) -> None:
        """Lets go of the connections."""
        self._service.close()

    # A name

    def _new(self, content_type: str, metadata: Mapping[str, str] | None) -> dict[str, Any]:
        return {
            "content_settings": ContentSettings(content_type=content_type),
            "metadata": {**(metadata or {}), _RUN: self._run_id},
            # If-None-Match: *
            "match_condition": MatchConditions.IfMissing,
        }

    def _once(self, name: str, what: str, put: Callable[[], None]) -> None:
        """Makes a blob that must not be there yet; an answer that was lost on its way is asked for again."""

        def attempt() -> None:
            try:
                with translated(what, self._connection):
                    try:
                        put()
                    except HttpResponseError as error:
                        if _code(error) == "InvalidBlockList":
                            raise StartOver(what, why="Its blocks are not there any more") from None
                        raise
            except RetryLater:
                raise
            except LyazureError:
                owner = self._owner(name)
                if owner is None:
                    raise
                if owner != self._run_id:
                    raise self._taken(name) from None

        _tried(attempt, threading.Event())

    def _owner(self, name: str) -> str | None:
        """The run that wrote a blob, empty when it was none; None when there is no blob, or it may not be looked at."""
        try:
            with translated(f"{name} in the container {self._container} could not be looked up", self._connection):
                try:
                    found = self._service.get_blob_client(self._container, name).get_blob_properties()
                except ResourceNotFoundError as error:
                    if _code(error) == "ContainerNotFound":
                        raise
                    return None
            return str((found.metadata or {}).get(_RUN, ""))
        except RightMissing:
            # A signature for writing alone: the commit's condition still keeps what is there.
            return None

    def _taken(self, name: str) -> Fatal:
        return Fatal(
            f"{name} is in the container {self._container} already, and was not written by this run",
            why="A blob is never written over",
            fix="Put {TIMESTAMP} into the job's file name, with a format fine enough for its runs, or remove the blob",
        )

    def _too_large(self, name: str) -> Fatal:
        return Fatal(
            f"{name} would be larger than a blob can be",
            why=f"A blob has no more than {MOST_BLOCKS:,} blocks",
            fix="Export less at once: fewer streams, or from date to date",
        )

    # Blocks

    def _staged(self, name: str) -> frozenset[str]:
        """The blocks of a name that are there and not yet committed."""
        try:
            with translated(f"The blocks of {name} could not be listed", self._connection):
                try:
                    _, uncommitted = self._service.get_blob_client(self._container, name).get_block_list("uncommitted")
                except ResourceNotFoundError as error:
                    if _code(error) == "ContainerNotFound":
                        raise
                    return frozenset()
            return frozenset(str(block.id) for block in uncommitted)
        except RightMissing:
            return frozenset()

    def _id(self, index: int, digest: str) -> str:
        """A block's id: all ids of a blob have to be of one length."""
        run = hashlib.sha256(self._run_id.encode()).hexdigest()[:8]
        return f"{run}-{index:05}-{digest[:32]}"

    def _send(self, name: str, block_id: str, block: bytes, there: frozenset[str], ended: threading.Event) -> str:
        """Has a block there, and gives its id."""
        if block_id not in there:
            _tried(lambda: self._stage_block(name, block_id, block), ended)
        return block_id

    def _stage_block(self, name: str, block_id: str, block: bytes) -> None:
        what = f"{name} could not be written to the container {self._container}"
        with translated(what, self._connection):
            try:
                client = self._service.get_blob_client(self._container, name)
                client.stage_block(block_id, _Body(block), len(block), retry_total=0)
            except HttpResponseError as error:
                if _code(error) != "InvalidBlobOrBlock":
                    raise
                raise Fatal(
                    what,
                    why="Another program has left blocks of its own under this name",
                    fix="Choose another file name, or wait a week until Azure has removed them",
                ) from None


class _Body(io.BytesIO):
    """Gives itself to the socket in pieces."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(size if size is None or size < 0 else _PIECE)


def _blocks(content: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces of any size as blocks."""
    pieces: list[bytes] = []
    held, index, size = 0, 0, _size(0)
    for piece in content:
        rest = piece
        while held + len(rest) >= size:
            cut = size - held
            yield b"".join((*pieces, rest[:cut]))
            pieces, held, rest = [], 0, rest[cut:]
            index += 1
            size = _size(index)
        if rest:
            pieces.append(rest)
            held += len(rest)
    if held:
        yield b"".join(pieces)


def _size(index: int) -> int:
    return BLOCK if index < MOST_BLOCKS // 2 else 4 * BLOCK


def _tried(attempt: Callable[[], None], ended: threading.Event) -> None:
    """Does something with some tries; none more once `ended` is set."""
    for number in range(1, _TRIES + 1):
        try:
            attempt()
        except RetryLater:
            if number == _TRIES or ended.wait(_PAUSE * 2 ** (number - 1) * random.uniform(0.5, 1.5)):
                raise
        else:
            return


def _code(error: HttpResponseError) -> str:
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or "")
