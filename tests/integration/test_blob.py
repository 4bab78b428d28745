"""Reading from a real Blob Storage: lists, ranges, streams, and what happens when a blob or the line changes."""

from __future__ import annotations

import functools
import gzip
import itertools
import random
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lytics_azure_tui.azure import blob as blobs
from lytics_azure_tui.azure.blob import BlobInfo, BlobStore, ContainerInfo, FolderInfo
from lytics_azure_tui.errors import Fatal, LyazureError, RetryLater, StartOver
from lytics_azure_tui.model.connection_string import StorageConnection
from tests.conftest import Storage
from tests.integration.loopback import Answer, Cutter, Responder

DATA = random.Random(7).randbytes(300_000)


@pytest.fixture
def store(storage: Storage) -> Iterator[BlobStore]:
    store = BlobStore(StorageConnection.parse(storage.connection_string))
    yield store
    store.close()


@pytest.fixture
def blob(storage: Storage, store: BlobStore) -> BlobInfo:
    storage.put("data.bin", DATA)
    return store.blob(storage.container, "data.bin")


def names(items: tuple[FolderInfo | BlobInfo, ...]) -> list[str]:
    return [item.name for item in items]


# Lists


def test_containers_are_listed_by_what_they_begin_with(storage: Storage, store: BlobStore) -> None:
    found = store.containers(storage.container[:20])
    assert [item.name for item in found.items] == [storage.container]
    assert isinstance(found.items[0], ContainerInfo)
    assert store.containers("nothing-begins-so").items == ()


def test_containers_come_in_pages(storage: Storage, store: BlobStore) -> None:
    for letter in "abc":
        storage.uploader.create_container(f"{storage.container}-{letter}")
    found, page = [], None
    while True:
        one = store.containers(storage.container, page=page, size=3)
        assert len(one.items) <= 3
        found += [item.name for item in one.items]
        page = one.next
        if page is None:
            break
    assert found == [storage.container, *(f"{storage.container}-{letter}" for letter in "abc")]


def test_a_container_is_looked_into_folder_by_folder(storage: Storage, store: BlobStore) -> None:
    for name in ("top.csv", "2025/a.csv", "2025/deep/b.csv", "2026/c.csv"):
        storage.put(name, "x")
    assert names(store.list(storage.container).items) == ["2025/", "2026/", "top.csv"]
    inside = store.list(storage.container, "2025/").items
    assert names(inside) == ["2025/deep/", "2025/a.csv"]
    assert isinstance(inside[0], FolderInfo)
    assert isinstance(inside[1], BlobInfo)
    assert names(store.list(storage.container, "2025/", delimiter=None).items) == ["2025/a.csv", "2025/deep/b.csv"]
    assert names(store.list(storage.container, "t").items) == ["top.csv"]
    assert names(store.list(storage.container, "nothing").items) == []


def test_blobs_come_in_pages_and_each_once(storage: Storage, store: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [f"day/{number:03}.csv" for number in range(25)]
    for name in made:
        storage.put(name, "x")
    first = store.list(storage.container, "day/", size=10)
    assert (names(first.items), bool(first.next)) == (made[:10], True)
    assert names(store.list(storage.container, "day/", page=first.next, size=10).items) == made[10:20]
    monkeypatch.setattr(store, "list", functools.partial(store.list, size=7))
    assert [item.name for item in store.iter(storage.container, "day/")] == made
    assert [item.name for item in itertools.islice(store.iter(storage.container), 3)] == made[:3]


ODD_NAMES = ["ü/中文 😀.csv", "a b+c%20d&e=f#g?h.csv", "q[/bar]z.csv", "quote'\".csv", "back\\slash"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_listed_and_read(storage: Storage, store: BlobStore, name: str) -> None:
    storage.put(name, "content")
    (found,) = store.iter(storage.container)
    assert found.name == name.replace("\\", "/")
    assert store.read(storage.container, found.name, found.etag, 0, 7) == b"content"


def test_a_blob_says_what_it_is(storage: Storage, store: BlobStore) -> None:
    storage.put("a.csv", "x,y\n")
    found = store.blob(storage.container, "a.csv")
    assert (found.size, found.content_type, found.leased, found.archived) == (4, "text/csv", False, False)
    assert found.modified.utcoffset() is not None
    (listed,) = store.iter(storage.container)
    assert listed == found
    storage.put("a.csv", "x,z\n")
    assert store.blob(storage.container, "a.csv").etag != found.etag


# Bytes


@pytest.mark.parametrize(("offset", "length"), [(0, 300_000), (0, 1), (299_999, 1), (1000, 5), (7, 0)])
def test_a_range_is_read_exactly(storage: Storage, store: BlobStore, blob: BlobInfo, offset: int, length: int) -> None:
    found = store.read(storage.container, blob.name, blob.etag, offset, length)
    assert found == DATA[offset : offset + length]


def test_a_range_larger_than_one_request_is_read_whole(
    storage: Storage, store: BlobStore, blob: BlobInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blobs, "LARGEST_GET", 70_000)
    assert store.read(storage.container, blob.name, blob.etag, 5, 299_990) == DATA[5:299_995]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.integers(0, 300_000), st.integers(0, 300_000), st.integers(10_000, 300_000), st.integers(1, 5))
def test_a_stream_is_the_bytes_in_order(
    storage: Storage, store: BlobStore, blob: BlobInfo, offset: int, end: int, block: int, ahead: int
) -> None:
    found = list(store.stream(storage.container, blob.name, blob.etag, offset, end, block=block, ahead=ahead))
    assert b"".join(found) == DATA[offset:end]
    assert all(len(piece) == block for piece in found[:-1])


def test_compressed_content_is_read_as_it_is_stored(storage: Storage, store: BlobStore) -> None:
    from azure.storage.blob import BlobServiceClient, ContentSettings

    packed = gzip.compress(DATA)
    with BlobServiceClient.from_connection_string(storage.connection_string.reveal()) as service:
        service.get_blob_client(storage.container, "a.gz").upload_blob(
            packed, content_settings=ContentSettings(content_encoding="gzip")
        )
    found = store.blob(storage.container, "a.gz")
    assert found.content_encoding == "gzip"
    pieces = store.stream(storage.container, "a.gz", found.etag, 0, found.size, block=100_000)
    assert b"".join(pieces) == packed


def test_a_stream_that_is_left_asks_for_no_more(storage: Storage, blob: BlobInfo) -> None:
    with Cutter(storage.connection_string) as line:
        store = BlobStore(line.connection)
        stream = store.stream(storage.container, blob.name, blob.etag, 0, blob.size, block=10_000, ahead=2)
        assert next(stream) == DATA[:10_000]
        stream.close()  # type: ignore[attr-defined]
        assert line.requests <= 4
        store.close()
    until = time.monotonic() + 5
    while any(thread.name.startswith("blob") for thread in threading.enumerate()):
        assert time.monotonic() < until, "the stream's threads stay"
        time.sleep(0.01)


# Change


def test_a_blob_that_changed_is_not_read_on(storage: Storage, store: BlobStore, blob: BlobInfo) -> None:
    stream = store.stream(storage.container, blob.name, blob.etag, 0, blob.size, block=10_000, ahead=2)
    next(stream)
    storage.put(blob.name, DATA[::-1])
    with pytest.raises(StartOver, match=r"data\.bin in the container .* could not be read\. It was changed") as caught:
        list(stream)
    assert caught.value.fix
    with pytest.raises(StartOver):
        store.read(storage.container, blob.name, blob.etag, 0, 5)


def test_a_blob_that_went_away_is_said(storage: Storage, store: BlobStore, blob: BlobInfo) -> None:
    storage.delete(blob.name)
    with pytest.raises(Fatal, match="The blob is not there"):
        store.blob(storage.container, blob.name)
    # Azure answers 404 here, Azurite 412: either way the run looks again, and is told by then.
    with pytest.raises((Fatal, StartOver)):
        store.read(storage.container, blob.name, blob.etag, 0, 5)
    with pytest.raises((Fatal, StartOver)):
        list(store.stream(storage.container, blob.name, blob.etag, 0, 5))


def test_a_container_that_went_away_is_said(store: BlobStore) -> None:
    for call in (lambda: store.list("no-such-container"), lambda: store.blob("no-such-container", "a")):
        with pytest.raises(Fatal, match="The container is not there"):
            call()


def test_a_name_that_cannot_be_a_container_s_is_said(store: BlobStore) -> None:
    with pytest.raises(Fatal, match="could not be listed") as caught:
        store.list("No_Such Container")
    assert caught.value.fix


# The line


def test_a_cut_line_is_taken_up_again(storage: Storage, blob: BlobInfo) -> None:
    """The first answers break off in their middle; the bytes come whole all the same."""
    with Cutter(storage.connection_string, cuts=2) as line:
        store = BlobStore(line.connection)
        pieces = store.stream(storage.container, blob.name, blob.etag, 0, blob.size, block=150_000, ahead=1)
        assert b"".join(pieces) == DATA
        assert line.requests >= 4
        store.close()


def test_a_line_that_stays_cut_is_given_up_for_later(
    storage: Storage, blob: BlobInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blobs, "_PAUSE", 0.01)
    monkeypatch.setattr("azure.storage.blob._download.time.sleep", lambda seconds: None)
    with Cutter(storage.connection_string, cuts=10_000) as line:
        store = BlobStore(line.connection)
        with pytest.raises(RetryLater, match="was cut") as caught:
            store.read(storage.container, blob.name, blob.etag, 0, blob.size)
        assert line.requests < 20
        assert caught.value.__context__ is None
        store.close()


def test_too_few_bytes_are_never_taken_for_all(blob: BlobInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blobs, "_PAUSE", 0.01)
    short = Answer(206, b"only this", {"Content-Range": "bytes 0-8/9", "ETag": '"0x1"'})
    with Responder(short) as server:
        with pytest.raises(RetryLater, match="9 of 100 bytes came"):
            BlobStore(server.connection).read("container", "a.csv", "0x1", 0, 100)
        assert server.requests == 4


@pytest.mark.parametrize(
    ("answer", "kind", "why"),
    [
        (Answer.error(503, "ServerBusy"), RetryLater, "Azure is busy"),
        (Answer.error(500, "InternalError"), RetryLater, "Azure answered InternalError"),
        (Answer.error(500, "OperationTimedOut"), RetryLater, "Azure answered OperationTimedOut"),
        (Answer.error(429, "TooManyRequests"), RetryLater, "Azure asks for fewer requests"),
        (Answer.error(412, "ConditionNotMet"), StartOver, "It was changed"),
        (Answer.error(412, "LeaseIdMissing"), RetryLater, "Somebody holds a lease"),
        (Answer.error(409, "LeaseAlreadyPresent"), RetryLater, "Somebody holds a lease"),
        (Answer.error(409, "BlobArchived"), Fatal, "archive tier"),
        (Answer.error(409, "ContainerBeingDeleted"), Fatal, "being deleted"),
        (Answer.error(416, "InvalidRange"), StartOver, "shorter than it was"),
        (Answer.error(400, "InvalidHeaderValue"), Fatal, "skipApiVersionCheck"),
        (Answer.error(407, ""), LyazureError, "The proxy asks"),
        (Answer.error(418, "Teapot"), Fatal, "Azure answered Teapot"),
        (Answer(502, b"<html>gateway</html>", {}), RetryLater, "Azure answered 502"),
    ],
)
def test_each_refusal_says_what_it_means(
    answer: Answer, kind: type[LyazureError], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blobs, "_PAUSE", 0.01)
    with Responder(answer) as server:
        store = BlobStore(server.connection)
        with pytest.raises(kind, match="could not be read") as caught:
            store.read("container", "a.csv", "0x1", 0, 5)
        assert why in str(caught.value)
        # What passes by itself needs nothing done: the run says when it is retried.
        assert caught.value.fix or kind is RetryLater
        assert server.requests == (4 if kind is RetryLater else 1)


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    with Responder(Answer(200, b"", {})) as server:
        connection = server.connection
    with pytest.raises(RetryLater, match=r"Nothing listens at 127\.0\.0\.1:"):
        BlobStore(connection).containers()


def test_a_name_that_is_not_found_says_so() -> None:
    connection = StorageConnection("contoso", "https://contoso.blob.invalid")
    with pytest.raises(RetryLater, match=r"The name contoso\.blob\.invalid is not found"):
        BlobStore(connection).containers()


def test_plain_http_where_https_is_asked_for_is_no_riddle() -> None:
    with Responder(Answer(200, b"", {})) as server:
        connection = StorageConnection("contoso", server.connection.endpoint.replace("http:", "https:"))
        with pytest.raises(LyazureError, match="could not be listed") as caught:
            BlobStore(connection).containers()
        assert caught.value.fix


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"<html>Log in, please</html>", {"Content-Type": "text/html"}),
        Answer(200, b"{}", {"Content-Type": "application/json"}),
        Answer(200, b"", {}),
        Answer(204, b"", {}),
    ],
)
def test_what_is_not_blob_storage_is_told_apart(answer: Answer) -> None:
    with Responder(answer) as server:
        store = BlobStore(server.connection)
        for call in (
            store.containers,
            lambda: store.list("container"),
            lambda: store.blob("container", "a.csv"),
            lambda: store.read("container", "a.csv", "0x1", 0, 3),
        ):
            with pytest.raises(Fatal, match=r"What answers at 127\.0\.0\.1:\d+ is not Blob Storage"):
                call()
