"""Blobs are written whole or not at all, once, and never over what others wrote; on a real Blob Storage."""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from azure.storage.blob import BlobClient, ContainerClient, ContainerSasPermissions, generate_container_sas
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lytics_azure_tui.azure import blob_writer
from lytics_azure_tui.azure.blob import BlobStore
from lytics_azure_tui.azure.blob_writer import BlobWriter, StagedBlob
from lytics_azure_tui.errors import Fatal, RetryLater, StartOver
from lytics_azure_tui.model.connection_string import StorageConnection
from lytics_azure_tui.model.secret import Secret
from tests.conftest import Storage
from tests.integration.loopback import Fault, Faulty

DATA = random.Random(3).randbytes(100_000)
PIECES = [DATA[start : start + 7_000] for start in range(0, len(DATA), 7_000)]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blob_writer, "BLOCK", 10_000)
    monkeypatch.setattr(blob_writer, "_PAUSE", 0.01)


Writers = Callable[..., BlobWriter]


@pytest.fixture
def writer(storage: Storage) -> Iterator[Writers]:
    """Makes writers of a run: `writer("run1")`."""
    made: list[BlobWriter] = []

    def make(run: str, connection: StorageConnection | None = None) -> BlobWriter:
        made.append(BlobWriter(connection or storage.authorization().connection(), storage.container, run))
        return made[-1]

    yield make
    for one in made:
        one.close()


def read(storage: Storage, name: str) -> bytes:
    with closing(BlobStore(storage.authorization().connection())) as store:
        blob = store.blob(storage.container, name)
        return store.read(storage.container, name, blob.etag, 0, blob.size)


def names(storage: Storage) -> list[str]:
    with closing(BlobStore(storage.authorization().connection())) as store:
        return [blob.name for blob in store.iter(storage.container)]


def client_of(storage: Storage, name: str) -> BlobClient:
    return BlobClient.from_connection_string(storage.connection_string.reveal(), storage.container, name)


def test_nothing_is_seen_before_the_commit_and_all_after_it(storage: Storage, writer: Writers) -> None:
    run = writer("run1")
    staged = run.stage("a/b.csv", PIECES)
    assert names(storage) == []
    assert (staged.bytes, staged.sha256) == (len(DATA), hashlib.sha256(DATA).hexdigest())
    run.commit(staged, "text/csv")
    assert names(storage) == ["a/b.csv"]
    assert read(storage, "a/b.csv") == DATA


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(0, 25_000), max_size=12), block=st.integers(1_000, 30_000))
def test_pieces_of_any_size_make_the_same_blob(
    storage: Storage, writer: Writers, monkeypatch: pytest.MonkeyPatch, sizes: list[int], block: int
) -> None:
    monkeypatch.setattr(blob_writer, "BLOCK", block)
    pieces = [DATA[:size] for size in sizes]
    name = uuid.uuid4().hex
    run = writer("run1")
    run.commit(run.stage(name, pieces), "text/csv")
    assert read(storage, name) == b"".join(pieces)


def test_later_blocks_are_larger(storage: Storage, writer: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blob_writer, "MOST_BLOCKS", 6)
    run = writer("run1")
    run.commit(run.stage("x", PIECES), "text/csv")
    committed, _ = client_of(storage, "x").get_block_list("committed")
    assert [block.size for block in committed] == [10_000, 10_000, 10_000, 40_000, 30_000]


def test_what_is_larger_than_a_blob_is_refused(
    storage: Storage, writer: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blob_writer, "MOST_BLOCKS", 4)
    with pytest.raises(Fatal, match="x would be larger than a blob can be"):
        writer("run1").stage("x", [DATA, DATA])
    assert names(storage) == []


def test_a_run_that_is_taken_up_again_sends_only_what_is_not_there(storage: Storage, writer: Writers) -> None:
    def broken() -> Iterator[bytes]:
        yield DATA[:50_000]
        raise ConnectionError

    with pytest.raises(ConnectionError):
        writer("run1").stage("x", broken())
    with Faulty(storage.connection_string, lambda method, path: "pass") as line:
        again = writer("run1", line.connection)
        staged = again.stage("x", [DATA])
        sent = [path for method, path in line.requests if "comp=block&" in path or path.endswith("comp=block")]
        again.commit(staged, "text/csv")
    assert 5 <= len(sent) < 10
    assert read(storage, "x") == DATA


def test_a_commit_that_is_done_again_changes_nothing(storage: Storage, writer: Writers) -> None:
    run = writer("run1")
    staged = run.stage("x", PIECES)
    run.commit(staged, "text/csv")
    before = client_of(storage, "x").get_blob_properties().etag
    run.commit(staged, "text/csv")
    run.put("m.json", b"{}", "application/json")
    run.put("m.json", b"{}", "application/json")
    run.require_free("x")
    assert client_of(storage, "x").get_blob_properties().etag == before


def test_of_two_runs_one_writes_the_blob_and_the_other_is_told(storage: Storage, writer: Writers) -> None:
    one, other = writer("run1"), writer("run2")
    mine, theirs = one.stage("x", [DATA]), other.stage("x", [DATA[::-1]])
    one.commit(mine, "text/csv")
    with pytest.raises(Fatal, match=r"x is in the container .* already"):
        other.commit(theirs, "text/csv")
    with pytest.raises(Fatal, match="already"):
        other.require_free("x")
    assert read(storage, "x") == DATA


def test_what_others_wrote_stays(storage: Storage, writer: Writers) -> None:
    run = writer("run1")
    staged = run.stage("x", PIECES)
    storage.put("x", "theirs")
    with pytest.raises(Fatal, match="A blob is never written over"):
        run.commit(staged, "text/csv")
    with pytest.raises(Fatal, match="A blob is never written over"):
        run.put("x", b"mine", "text/csv")
    assert read(storage, "x") == b"theirs"


def test_a_leased_blob_stays_as_it_is(storage: Storage, writer: Writers) -> None:
    run = writer("run1")
    staged = run.stage("x", PIECES)
    storage.put("x", "theirs")
    lease = client_of(storage, "x").acquire_lease(lease_duration=-1)
    with pytest.raises(Fatal, match="already"):
        run.commit(staged, "text/csv")
    assert read(storage, "x") == b"theirs"
    lease.release()


def test_blocks_that_are_gone_begin_the_run_anew(writer: Writers) -> None:
    with pytest.raises(StartOver, match="not there any more"):
        writer("run1").commit(StagedBlob("x", ("gone-00000",), 1, ""), "text/csv")


def test_blocks_that_another_program_left_are_said(storage: Storage, writer: Writers) -> None:
    client_of(storage, "x").stage_block("1", b"theirs")
    with pytest.raises(Fatal, match="Another program has left blocks"):
        writer("run1").stage("x", PIECES)


def test_a_container_that_goes_away_meanwhile_is_said(storage: Storage, writer: Writers) -> None:
    def content() -> Iterator[bytes]:
        yield DATA
        text = storage.connection_string.reveal()
        with ContainerClient.from_connection_string(text, storage.container) as container:
            container.delete_container()
        yield DATA

    with pytest.raises(Fatal, match="The container is not there"):
        writer("run1").stage("x", content())
    with pytest.raises(Fatal, match="The container is not there"):
        writer("run1").require_free("x")


def some(fault: Fault, times: int, of: str) -> Callable[[str, str], Fault]:
    """So many requests whose path has a word in it fail."""
    left = times

    def answer(method: str, path: str) -> Fault:
        nonlocal left
        if of not in path or method != "PUT":
            return "pass"
        left -= 1
        return fault if left >= 0 else "pass"

    return answer


@pytest.mark.parametrize("fault", ["busy", "reset", "lose"])
@pytest.mark.parametrize("of", ["comp=block&", "comp=blocklist", "manifest"])
def test_what_passes_by_itself_is_tried_again(storage: Storage, writer: Writers, fault: Fault, of: str) -> None:
    with Faulty(storage.connection_string, some(fault, 2, of)) as line:
        run = writer("run1", line.connection)
        run.commit(run.stage("x", PIECES), "text/csv")
        run.put("x.manifest", b"{}", "application/json")
    assert read(storage, "x") == DATA
    assert read(storage, "x.manifest") == b"{}"


def test_what_does_not_pass_is_left_for_later(storage: Storage, writer: Writers) -> None:
    with (
        Faulty(storage.connection_string, some("busy", 1000, "comp=block&")) as line,
        pytest.raises(RetryLater, match="busy"),
    ):
        writer("run1", line.connection).stage("x", PIECES)
    assert names(storage) == []


def test_a_signature_for_writing_alone_is_enough(storage: Storage, writer: Writers) -> None:
    connection = storage.authorization().connection()
    assert connection.key is not None
    sas = generate_container_sas(
        connection.account,
        storage.container,
        connection.key.reveal(),
        permission=ContainerSasPermissions(write=True, create=True),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
    limited = StorageConnection(connection.account, connection.endpoint, None, Secret(sas))
    run, other = writer("run1", limited), writer("run2", limited)
    run.require_free("x")
    run.commit(run.stage("x", PIECES), "text/csv")
    with pytest.raises(Fatal):
        other.commit(other.stage("x", [b"other"]), "text/csv")
    assert read(storage, "x") == DATA
