"""An export without a runner, and what was written, read by programs that are not ours."""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import gnupg

from lytics_azure_tui.azure.blob import BlobStore
from lytics_azure_tui.jobs.kind import Context, Rehearsal, load
from lytics_azure_tui.lytics.duck import database, quoted
from lytics_azure_tui.lytics.stream_file import system_columns, write
from lytics_azure_tui.lytics.workspace.workspace import Workspace
from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.model.event_export import EventExport
from lytics_azure_tui.model.job import Job, JobConfig
from lytics_azure_tui.model.mapping import Definitions
from lytics_azure_tui.model.run import Outcome, PartResult, Plan
from tests.conftest import Storage
from tests.integration.imports import START, Quiet

Row = Mapping[str, str | None]


@dataclass(slots=True)
class Exporter:
    """A job over a workspace of a test's own.

    Attributes:
        settings: the job's fields.
        now: when the next run starts; a day later after each.
    """

    storage: Storage
    root: Path
    kind: type[JobConfig]
    settings: dict[str, Any]
    public_key: str | None = None
    definitions: Definitions = field(default_factory=Definitions)
    now: datetime = START
    checkpoint: dict[str, Any] | None = None
    runs: int = 0
    imports: int = 0
    sink: Quiet = field(default_factory=Quiet)

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.root / "workspace")

    def add(self, stream: str, rows: Sequence[Row], at: str | Sequence[str] = "2026-01-01T00:00:00Z") -> str:
        """Imports events into a stream, as a run of its own; returns that run's id."""
        self.imports += 1
        run = f"import{self.imports}"
        columns = list(dict.fromkeys(name for row in rows for name in row))
        times = [at] * len(rows) if isinstance(at, str) else list(at)
        folder = self.workspace.staging(stream)
        folder.mkdir(parents=True, exist_ok=True)
        values = ", ".join(f"unnest(${index}::VARCHAR[]) AS {quoted(name)}" for index, name in enumerate(columns, 2))
        ours = ", ".join(
            system_columns(
                event_time="_at::TIMESTAMPTZ", row="_n::BIGINT", started=START, run_id=run, source="test/rows"
            )
        )
        with database(memory=256 << 20) as connection:
            connection.execute(
                f"CREATE TABLE r AS SELECT unnest($1::VARCHAR[]) AS _at, unnest(range({len(rows)})) AS _n, {values}",
                [times, *([row.get(name) for row in rows] for name in columns)],
            )
            names = ", ".join(quoted(name) for name in columns)
            target = folder / f"{run}-00000-00000.parquet"
            staged = write(connection, f"SELECT {names}, {ours} FROM r ORDER BY _n", target, columns)
        assert staged is not None
        self.workspace.commit(stream, run, columns, [staged])
        return run

    def job(self) -> Job:
        config = self.kind(**{"container": self.storage.container, **self.settings})
        return Job(id="job", label="Job", workflow=self.kind.workflow, authorization="it", config=config)

    def authorization(self) -> AzureStorage:
        return self.storage.authorization().model_copy(update={"pgppublickey": self.public_key})

    def context(self) -> Context:
        scratch = self.root / f"scratch{self.runs}"
        scratch.mkdir(exist_ok=True)
        return Context(
            run_id=f"run{self.runs}", started=self.now, job=self.job(), authorization=self.authorization(),
            lytics=self.workspace, scratch=scratch, keep=self.root / "keep", memory=256 << 20, threads=2,
            definitions=self.definitions,
        )  # fmt: skip

    def plan(self) -> Plan:
        return load(self.job()).plan(self.context(), self.checkpoint)

    def do(self, plan: Plan) -> list[PartResult]:
        kind, context = load(self.job()), self.context()
        return [kind.do(context, part, None, self.sink) for part in plan.parts]

    def run(self) -> Outcome:
        """A whole run; the next one starts a day later."""
        self.runs += 1
        context, kind = self.context(), load(self.job())
        plan = kind.plan(context, self.checkpoint)
        if not plan.parts:
            outcome = Outcome(None, plan.about)
        else:
            results = self.do(plan)
            outcome = kind.commit(context, plan, results)
            assert kind.commit(context, plan, results) == outcome, "a commit that is done again says the same"
            left = {path.name for path in context.scratch.iterdir()} - {"gpg.log", "spill"}
            assert not left, "nothing is left"
        if outcome.checkpoint is not None:
            self.checkpoint = outcome.checkpoint
        self.now += timedelta(days=1)
        return outcome

    def rehearse(self) -> Rehearsal:
        return load(self.job()).rehearse(self.context(), self.checkpoint)

    def with_settings(self, **settings: Any) -> Exporter:
        return replace(self, settings={**self.settings, **settings})

    # What is in the container

    @contextmanager
    def _store(self) -> Iterator[BlobStore]:
        with closing(BlobStore(self.storage.authorization().connection())) as store:
            yield store

    def names(self) -> list[str]:
        with self._store() as store:
            return [blob.name for blob in store.iter(self.storage.container)]

    def read(self, name: str) -> bytes:
        with self._store() as store:
            blob = store.blob(self.storage.container, name)
            return store.read(self.storage.container, name, blob.etag, 0, blob.size)

    def content_type(self, name: str) -> str:
        with self._store() as store:
            return store.blob(self.storage.container, name).content_type

    def manifest(self, name: str) -> dict[str, Any]:
        found = json.loads(self.read(f"{name}.manifest.json"))
        assert isinstance(found, dict)
        return found


def event_exporter(storage: Storage, root: Path, **settings: Any) -> Exporter:
    return Exporter(storage, root, EventExport, settings)


def opened(name: str, data: bytes, reader: Reader | None = None) -> bytes:
    """A file's content: its extensions are undone, the last one first."""
    while True:
        if name.endswith(".gz"):
            name, data = name.removesuffix(".gz"), gzip.decompress(data)
        elif name.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                assert archive.testzip() is None
                (inside,) = archive.namelist()
                assert inside == name.removesuffix(".zip").rpartition("/")[2]
                name, data = name.removesuffix(".zip"), archive.read(inside)
        elif name.endswith(".pgp"):
            assert reader is not None
            name, data = name.removesuffix(".pgp"), reader.decrypted(data)
        else:
            return data


def table(text: bytes) -> list[list[str]]:
    """A CSV file's rows, the header first, as the csv module reads them."""
    return list(csv.reader(io.StringIO(text.decode(), newline="")))


class Reader:
    """Somebody with a private key, and gpg."""

    def __init__(self, home: str) -> None:
        self._gpg = gnupg.GPG(gnupghome=home)
        text = self._gpg.gen_key_input(
            name_real="Reader", name_email="reader@example.com", no_protection=True,
            key_type="EDDSA", key_curve="ed25519", subkey_type="ECDH", subkey_curve="cv25519",
        )  # fmt: skip
        made = self._gpg.gen_key(text)
        assert made.fingerprint, made.stderr
        self.public = str(self._gpg.export_keys(made.fingerprint))

    def decrypted(self, data: bytes) -> bytes:
        found = self._gpg.decrypt(data)
        assert found.ok, found.stderr
        return bytes(found.data)


@contextmanager
def a_reader() -> Iterator[Reader]:
    with tempfile.TemporaryDirectory(prefix="gpg", ignore_cleanup_errors=True) as home:
        yield Reader(home)
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False, capture_output=True)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
