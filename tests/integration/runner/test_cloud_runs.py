"""Jobs of every kind on a Lytics account, by the real runner."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from lytics_azure_tui.azure.blob import BlobStore
from lytics_azure_tui.cli.output import Exit, Output
from lytics_azure_tui.cli.rehearsing import dry_run
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.lytics import open_lytics
from lytics_azure_tui.config.secrets import open_store
from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.jobs import quarantine
from lytics_azure_tui.jobs.kind import Context, load
from lytics_azure_tui.model.authorization import AzureEventHub
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.model.kinds import KINDS
from lytics_azure_tui.model.run import Run, RunState, Trigger
from lytics_azure_tui.runner import places
from lytics_azure_tui.runner.doctor import State, examine
from lytics_azure_tui.runner.foreground import run_saved
from lytics_azure_tui.runner.ledger import Ledger
from lytics_azure_tui.runner.service import replay
from lytics_azure_tui.sandbox.event_hub import EventHubServer
from lytics_azure_tui.sandbox.lytics_api import Fault, LyticsApi
from tests.conftest import Storage
from tests.integration.accounts import DEFINITIONS, Ground, person
from tests.integration.builds import START, Place
from tests.integration.imports import Quiet
from tests.integration.tables import Tables
from tests.integration.triggers import told

BULK = "/collect/bulk/*"


@dataclass
class Office:
    """A configuration whose Lytics is an account."""

    folder: Folder
    ledger: Ledger
    api: LyticsApi
    ground: Ground
    storage: Storage

    def save(self, workflow: str, authorization: str = "storage", **config: object) -> Job:
        kind = KINDS[workflow]
        values = {"container": self.storage.container, **config} if authorization == "storage" else config
        job = Job(
            id="job", label="Job", workflow=workflow, authorization=authorization, config=kind.model_validate(values)
        )
        self.folder.save_job(job)
        return job

    def run(self) -> Run:
        """A run of the job, to its end or its first failure that may pass."""
        run_saved(self.folder, ["Job"], on_event=lambda _: None)
        return self.newest()

    def newest(self) -> Run:
        return self.ledger.runs(job="job", limit=1)[0]

    def log(self, run: Run) -> str:
        return "\n".join(line.text for line in self.ledger.log_lines(run.id))

    def emails(self, stream: str = "people") -> list[str]:
        """Of all events of a stream of the account."""
        preview = self.api.workspace.preview(stream, 1_000_000)
        place = preview.columns.index("email") if preview.rows else 0
        return sorted(str(row[place]) for row in preview.rows)

    def blobs(self) -> dict[str, str]:
        with closing(BlobStore(self.storage.authorization().connection())) as store:
            return {
                blob.name: store.read(self.storage.container, blob.name, blob.etag, 0, blob.size).decode()
                for blob in store.iter(self.storage.container)
            }


@pytest.fixture
def office(tmp_path: Path, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    with LyticsApi(tmp_path / "account", DEFINITIONS) as api:
        folder = Folder.open(tmp_path / "configuration")
        (folder.root / "settings.toml").write_text(
            f'[lytics]\nkind = "cloud"\nurl = "{api.url}"\nbulk_url = "{api.bulk_url}"\n[secrets]\nbackend = "file"\n'
        )
        (folder.root / "settings.toml").chmod(0o600)
        monkeypatch.setenv("LYAZURE_SECRET_LYTICS_API_TOKEN", api.token.reveal())
        monkeypatch.setenv("LYAZURE_SECRET_STORAGE_CONNECTION_STRING", storage.connection_string.reveal())
        folder.save_authorization(storage.authorization())
        ledger = Ledger(places.ledger_file(folder))
        ground = Ground(api.workspace, Place(tmp_path / "account", DEFINITIONS, now=START), api)
        yield Office(folder, ledger, api, ground, storage)
        ledger.close()


def text(rows: list[dict[str, str | None]]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def test_a_file_comes_into_the_accounts_stream_once(office: Office) -> None:
    office.storage.put("people.csv", text([person(n) for n in range(1000)]))
    office.save("AzureCsvImport", stream="people", filename="people.csv", timestamp_field="seen")
    run = office.run()
    assert (run.state, run.rows, run.rejected) == (RunState.SUCCEEDED, 1000, 0), run.error
    assert run.counts["batches"] == 1
    assert office.emails() == [f"p{n:04}@example.com" for n in range(1000)]
    (info,) = office.api.workspace.streams()
    assert str(info.last_event) == "2026-02-28 10:00:00+00:00"
    assert not list((office.folder.data / "cloud" / "streams" / "people").glob("*.parquet"))


def test_rows_that_lytics_rejects_are_in_quarantine_and_the_others_in_the_stream(office: Office) -> None:
    rows = [person(n) for n in range(50)]
    rows[7]["city"] = "x" * 20_000
    office.storage.put("people.csv", text(rows))
    office.save("AzureCsvImport", stream="people", filename="people.csv")
    run = office.run()
    assert (run.state, run.rows, run.rejected) == (RunState.SUCCEEDED, 49, 1)
    (folder,) = office.ledger.quarantine_files(run.id)
    (row,) = quarantine.page([folder], 0, 10)
    assert row.row == 8
    assert "16 KB" in row.reason
    assert json.loads(row.text)["email"] == "p0007@example.com"
    assert len(office.emails()) == 49


def test_a_lost_answer_is_told_and_a_replay_sends_the_batch(office: Office) -> None:
    office.storage.put("people.csv", text([person(n) for n in range(20)]))
    office.save("AzureCsvImport", stream="people", filename="people.csv", timestamp_field="seen")
    office.api.faults.order(Fault("drop", path=BULK))
    run = office.run()
    assert (run.state, run.rows, run.rejected) == (RunState.SUCCEEDED, 0, 20)
    assert run.counts["in doubt"] == 20
    assert "Batch 1, rows 1 to 20, may be in people" in office.log(run)
    assert office.emails() == []
    replay(office.folder, run.id)
    run_saved(office.folder, [], on_event=lambda _: None)
    again = office.newest()
    assert (again.state, again.rows) == (RunState.SUCCEEDED, 20), again.error
    assert len(office.emails()) == 20


@pytest.mark.parametrize("after", [0, 2, 5])
def test_killed_while_it_sends_no_row_comes_twice(office: Office, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    rows = [person(n, tags="x" * 4000) for n in range(12_000)]
    office.storage.put("people.csv", text(rows))
    job = office.save("AzureCsvImport", stream="people", filename="people.csv")
    run = office.ledger.enqueue(job, Trigger.MANUAL)
    office.api.faults.order(Fault("slow", path=BULK, after=after, seconds=60))
    command = [sys.executable, "-m", "lytics_azure_tui.runner.process", "--config", str(office.folder.root), run.id]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    # The account has the batch when the answer begins; it never comes whole.
    deadline = time.monotonic() + 60
    while len([one for one in office.api.requests if one.method == "POST"]) <= after and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    office.api.faults.clear()
    office.ledger.release(run.id, child.pid, died=True)
    subprocess.run(command, check=False, stdin=subprocess.DEVNULL, timeout=100)
    ended = office.ledger.run(run.id)
    assert ended.state is RunState.SUCCEEDED, ended.error
    emails = office.emails()
    assert len(emails) == len(set(emails)) == 12_000, "the batch in doubt was taken, and was not sent again"
    assert ended.counts["in doubt"] == ended.rejected > 0
    assert ended.rows + ended.rejected == 12_000


def test_a_table_comes_into_the_accounts_stream_read_by_several_processes(
    office: Office, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LYAZURE_SECRET_WAREHOUSE_PASSWORD", tables.server.password.reveal())
    office.folder.save_authorization(tables.authorization().model_copy(update={"id": "warehouse"}))
    tables.run("CREATE TABLE {s}.t (id int NOT NULL PRIMARY KEY, email nvarchar(50) NULL, at datetime2(7) NULL)")
    rows = ", ".join(f"({n}, N'p{n}@example.com', '2026-01-01T00:{n % 60:02}:00')" for n in range(900))
    tables.run(f"INSERT INTO {{s}}.t VALUES {rows}")
    source = f"{tables.schema}.t"
    office.save("AzuresqlImport", "warehouse", stream="people", source=source, timestamp_field="at")
    office.api.faults.order(Fault("lose", path=BULK))
    run = office.run()
    assert (run.state, run.rows, run.rejected) == (RunState.SUCCEEDED, 0, 900), run.error
    assert len(office.emails()) == 900
    replay(office.folder, run.id)
    run_saved(office.folder, [], on_event=lambda _: None)
    assert office.newest().rows == 900, office.newest().error
    assert len(office.emails()) == 1800, "the operator said so"


@pytest.mark.parametrize("workflow", ["AzureCsvExport", "AzureJsonExport"])
def test_an_audience_is_scanned_and_exported_and_then_its_changes(office: Office, workflow: str) -> None:
    office.ground.fill([person(n) for n in range(250)])
    office.save(workflow, segment_id="berliners", fields=["email", "visits"], withbackfill=True)
    assert office.run().rows == 125
    ((name, rows),) = exported(office).items()
    assert {row["_event"] for row in rows} == {"existing"}
    assert sorted(row["email"] for row in rows) == [f"p{n:04}@example.com" for n in range(0, 250, 2)]
    office.ground.fill([person(1, city="Berlin"), person(2, city="Rome")])
    run = office.run()
    assert run.rows == 2, run.error
    (newer,) = (rows for other, rows in exported(office).items() if other != name)
    told_of = sorted((row["_event"], row["email"]) for row in newer)
    assert told_of == [("enter", "p0001@example.com"), ("exit", "p0002@example.com")]


def exported(office: Office) -> dict[str, list[dict[str, str]]]:
    """The rows of each file but the manifests."""
    found = {}
    for name, content in office.blobs().items():
        if name.endswith(".csv"):
            found[name] = list(csv.DictReader(io.StringIO(content)))
        elif not name.endswith(".manifest.json"):
            found[name] = [json.loads(line) for line in content.splitlines()]
    return found


def test_an_event_hub_hears_who_enters_and_leaves(
    office: Office, event_hubs: EventHubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"c{time.monotonic_ns()}"
    event_hubs.create(name, 2)
    monkeypatch.setenv("LYAZURE_SECRET_HUB_CONNECTION_STRING", event_hubs.connection(name).reveal())
    office.folder.save_authorization(AzureEventHub(id="hub", label="Hub"))
    office.ground.fill([person(n) for n in range(20)])
    office.save("AzureEventHubExport", "hub", segment_ids=["berliners"], withbackfill=True, throughput_units=0)
    run = office.run()
    assert (run.state, run.rows) == (RunState.SUCCEEDED, 10), run.error
    office.ground.fill([person(2, city="Rome"), person(3, city="Berlin")])
    assert office.run().rows == 2
    messages = told(event_hubs, name)
    assert len(messages) == 12
    event_hubs.delete(name)


def test_an_expired_cursor_begins_the_scan_anew(office: Office) -> None:
    office.ground.fill([person(n) for n in range(500)])
    office.save("AzureCsvExport", segment_id="berliners", withbackfill=True)
    office.api.faults.order(Fault("refuse", path="/api/segment/*/scan", status=400, after=2, message="start expired"))
    assert office.run().rows == 250


def test_a_scan_that_fails_leaves_what_was_known(office: Office) -> None:
    office.ground.fill([person(n) for n in range(300)])
    office.save("AzureCsvExport", segment_id="berliners", withbackfill=True, fields=["email"])
    assert office.run().rows == 150
    office.ground.fill([person(2, city="Rome")])
    office.api.faults.order(Fault("refuse", path="/api/segment/*/scan", status=404, after=1, times=100))
    job = office.folder.job("job")
    lytics = open_lytics(office.folder, lambda: open_store(office.folder))
    before = lytics.triggers_state()
    run = office.ledger.enqueue(job, Trigger.MANUAL)
    command = [sys.executable, "-m", "lytics_azure_tui.runner.process", "--config", str(office.folder.root), run.id]
    subprocess.run(command, check=False, timeout=100)
    assert office.ledger.run(run.id).state is RunState.FAILED
    assert lytics.triggers_state() == before


def test_events_cannot_be_exported_and_the_review_says_where_they_can(office: Office) -> None:
    office.save("AzureEventExport", streams=["people"])
    output = Output(json=True)
    assert dry_run(office.folder.root, ["Job"], output) is Exit.FAILED
    run = office.run()
    assert run.state is RunState.FAILED
    assert "hand it over to Lytics" in run.error


def test_a_rehearsal_of_an_export_reads_some_members_and_leaves_nothing(office: Office) -> None:
    office.ground.fill([person(n) for n in range(500)])
    office.save("AzureCsvExport", segment_id="berliners", withbackfill=True)
    assert dry_run(office.folder.root, ["Job"], Output(json=True)) is Exit.DONE
    assert len([one for one in office.api.requests if one.path.endswith("/scan")]) == 1
    assert not (office.folder.data / "cloud").exists()


def test_the_doctor_tries_the_token(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def looked() -> list[tuple[State, str]]:
        checks = examine(office.folder, lambda: open_store(office.folder))
        return [(check.state, check.about) for check in checks if check.name == "lytics"]

    monkeypatch.setenv("LYAZURE_PASSPHRASE", "correct horse")
    assert [state for state, _ in looked()] == [State.OK, State.OK]
    assert office.api.workspace.streams() == []
    monkeypatch.setenv("LYAZURE_SECRET_LYTICS_API_TOKEN", "another-token-0001")
    ((state, about),) = looked()
    assert state is State.PROBLEM
    assert "does not accept the API token" in about and "another-token" not in about


def test_a_token_is_in_no_file_that_a_run_leaves(office: Office) -> None:
    office.storage.put("people.csv", text([person(n) for n in range(20)]))
    office.save("AzureCsvImport", stream="people", filename="people.csv")
    office.api.faults.order(Fault("refuse", path=BULK, status=500))
    office.run()
    office.api.faults.revoked = True
    run = office.run()
    assert run.state is RunState.FAILED
    assert "does not accept the API token" in run.error
    token = office.api.token.reveal().encode()
    holding = [path for path in office.folder.root.rglob("*") if path.is_file() and token in path.read_bytes()]
    assert holding == []


def test_a_run_that_was_planned_for_another_lytics_imports_nothing(office: Office) -> None:
    settings = office.folder.root / "settings.toml"
    cloud = settings.read_text()
    settings.write_text(cloud.replace('"cloud"', '"embedded"'))
    office.storage.put("people.csv", text([person(n) for n in range(20)]))
    job = office.save("AzureCsvImport", stream="people", filename="people.csv")
    run = office.ledger.enqueue(job, Trigger.MANUAL)
    assert office.ledger.claim(run.id, os.getpid())
    kind, context = load(job), context_of(office, run)
    plan = kind.plan(context, None)
    results = [kind.do(context, part, None, Quiet()) for part in plan.parts]
    settings.write_text(cloud)
    with pytest.raises(Fatal, match="another Lytics"):
        kind.commit(context_of(office, run), plan, results)
    assert office.api.workspace.streams() == []


def context_of(office: Office, run: Run) -> Context:
    for name in ("scratch", "keep"):
        (office.folder.data / name).mkdir(exist_ok=True)
    return Context(
        run_id=run.id, started=START, job=office.folder.job("job"), authorization=office.storage.authorization(),
        lytics=open_lytics(office.folder, lambda: open_store(office.folder)), scratch=office.folder.data / "scratch",
        keep=office.folder.data / "keep", memory=256 << 20, threads=1,
    )  # fmt: skip
