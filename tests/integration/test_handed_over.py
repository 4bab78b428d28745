"""Jobs that are handed over to Lytics: made once, started, followed, taken back, whatever happens on the way."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.errors import BadConfiguration, Fatal, LyazureError, NotAuthorised, RetryLater
from lytics_azure_tui.lytics.cloud import their_keys
from lytics_azure_tui.lytics.cloud.cloud import Cloud
from lytics_azure_tui.lytics.servers import InDoubt, ServerJob
from lytics_azure_tui.lytics.workspace.workspace import Workspace
from lytics_azure_tui.model.authorization import AzureEventHub, AzureSql, AzureStorage
from lytics_azure_tui.model.job import Job, slug
from lytics_azure_tui.model.kinds import KINDS
from lytics_azure_tui.model.run import JobState, Trigger
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.runner.foreground import chosen
from lytics_azure_tui.runner.handing import Handing
from lytics_azure_tui.runner.ledger import Ledger
from lytics_azure_tui.runner.scheduler import due_at
from lytics_azure_tui.runner.service import delete_job
from lytics_azure_tui.sandbox.lytics_api import LyticsApi
from lytics_azure_tui.sandbox.lytics_api.faults import Fault
from tests.integration.accounts import DEFINITIONS, client

KEY = "bm90IGEga2V5IG9mIGFueSBhY2NvdW50IGF0IGFsbA=="
STORAGE = f"DefaultEndpointsProtocol=https;AccountName=warehouse;AccountKey={KEY};EndpointSuffix=core.windows.net"
HUB = f"Endpoint=sb://events.servicebus.windows.net/;SharedAccessKeyName=all;SharedAccessKey={KEY}"
PASSWORD = "a password of twenty-six"
NOW = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)


class Drawer:
    """Secrets in memory."""

    def __init__(self) -> None:
        self.held = {
            ("warehouse", "connection_string"): STORAGE,
            ("hub", "connection_string"): HUB,
            ("shop", "password"): PASSWORD,
        }

    def get(self, owner: str, field: str) -> Secret | None:
        value = self.held.get((owner, field))
        return Secret(value) if value else None

    def set(self, owner: str, field: str, secret: Secret) -> None:
        self.held[owner, field] = secret.reveal()

    def delete(self, owner: str, field: str) -> None:
        self.held.pop((owner, field), None)

    def describe(self) -> str:
        return "Secrets are in the memory of this test"


@dataclass
class Desk:
    """A configuration, its ledger, and an account."""

    api: LyticsApi
    folder: Folder
    ledger: Ledger
    lytics: Cloud
    handing: Handing

    def job(self, label: str = "Customers", workflow: str = "AzureCsvImport", **config: Any) -> Job:
        values = {**CONFIGS[workflow], **config}
        kind = KINDS[workflow]
        authorization = {"AzureSQL": "shop", "AzureEventHub": "hub"}.get(kind.methods[0], "warehouse")
        job = Job(
            id=slug(label),
            label=label,
            workflow=workflow,
            authorization=authorization,
            config=kind.model_validate(values),
        )
        self.folder.save_job(job)
        return job

    def there(self, label: str = "Customers") -> list[ServerJob]:
        return [job for job in self.lytics.servers.jobs() if job.name == label]

    def file(self, job: Job) -> str:
        return (self.folder.jobs_dir / f"{job.id}.toml").read_text()

    def calls(self, method: str, path: str) -> int:
        return sum((seen.method, seen.path) == (method, path) for seen in self.api.requests)


CONFIGS: dict[str, dict[str, Any]] = {
    "AzureCsvImport": {"stream": "people", "container": "exports", "filename": "a_20260101.csv"},
    "AzuresqlImport": {"source": "sales.orders", "timestamp_field": "updated_at"},
    "AzureJsonExport": {"segment_id": "berliners", "container": "lake"},
    "AzureCsvExport": {"segment_id": "berliners", "container": "lake"},
    "AzureEventExport": {"container": "lake"},
    "AzureEventHubExport": {"segment_ids": ["berliners", "regulars"]},
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    folder = Folder.open(tmp_path / "config")
    folder.save_authorization(AzureStorage(id="warehouse", label="Warehouse storage"))
    folder.save_authorization(AzureEventHub(id="hub", label="Hub", hub="audiences"))
    folder.save_authorization(AzureSql(id="shop", label="Shop", server="a.example.com", database="d", user="u"))
    ledger = Ledger(tmp_path / "ledger.db")
    with LyticsApi(tmp_path / "account", DEFINITIONS) as api:
        lytics = client(api, tmp_path / "cloud", patience=1.0)
        drawer = Drawer()
        yield Desk(api, folder, ledger, lytics, Handing(folder, ledger, lytics, lambda: drawer))
    ledger.close()


def test_a_job_is_made_started_and_written_down(desk: Desk) -> None:
    job = desk.job(continuous_update=True, delimiter="tab", time_of_day="06:00")
    (desk.folder.jobs_dir / "customers.toml").write_text("# ours\n" + desk.file(job))
    handed = desk.handing.hand_over(job.id)
    (there,) = desk.there()
    assert there.status in ("initializing", "running", "sleeping")
    assert handed.lytics is not None
    assert (handed.lytics.job, (handed.lytics.auth,)) == (there.id, there.auths)
    assert f'[lytics]\nmark = "{handed.lytics.mark}"\njob = "{there.id}"' in desk.file(job)
    assert desk.file(job).startswith("# ours\n")
    created = next(seen for seen in desk.api.requests if seen.path == "/v2/job/azure-csv-import")
    assert created.query == (("run_job", "false"),)


def test_what_was_handed_over_is_not_run_here(desk: Desk) -> None:
    job = desk.job(continuous_update=True)
    assert due_at(job, JobState(), NOW) is not None
    handed = desk.handing.hand_over(job.id)
    assert due_at(handed, JobState(), NOW) is None
    for attempt in (
        lambda: desk.ledger.enqueue(desk.folder.job(job.id), Trigger.MANUAL),
        lambda: chosen(desk.folder, job.label),
        lambda: delete_job(desk.folder, job.id),
    ):
        with pytest.raises(BadConfiguration, match="runs at Lytics"):
            attempt()
    # A form that knows nothing of it leaves it where it is.
    desk.folder.save_job(job.model_copy(update={"enabled": False}))
    assert desk.folder.job(job.id).lytics == handed.lytics


def test_pause_start_and_log(desk: Desk) -> None:
    job_id = handed_id(desk, desk.job(continuous_update=True))
    servers = desk.lytics.servers
    servers.pause(job_id)
    assert desk.there()[0].status == "paused"
    servers.start(job_id)
    assert desk.there()[0].status in ("initializing", "running")
    desk.api.jobs._jobs[job_id].note("info", "Export done", added=145, omitted=3, removed=12)
    desk.api.jobs.fail(job_id, "The blob is not there")
    error, done, *_, created = servers.log(job_id)
    assert (error.level, error.code, error.text) == ("error", "JOB-FAULT-022", "The blob is not there")
    assert (done.added, done.omitted, done.removed) == (145, 3, 12)
    assert created.text == "Created"
    assert desk.there()[0].status == "fault-1"


def test_taken_back_it_is_ours_again_and_no_secret_stays(desk: Desk) -> None:
    job = desk.job(continuous_update=True)
    handed_id(desk, job)
    assert desk.handing.take_back(job.id)
    assert [there.status for there in desk.there()] == ["deleted"]
    assert "[lytics]" not in desk.file(job)
    assert desk.folder.job(job.id).lytics is None
    assert desk.calls("DELETE", f"/v2/auth/{desk.there()[0].auths[0]}") == 1
    assert desk.ledger.enqueue(desk.folder.job(job.id), Trigger.MANUAL)


def test_jobs_of_one_authorization_share_one_there(desk: Desk) -> None:
    first, second = desk.job("One"), desk.job("Two", continuous_update=True)
    handed_id(desk, first)
    handed_id(desk, second)
    assert desk.there("One")[0].auths == desk.there("Two")[0].auths
    # The second brought the secrets as they are now.
    assert desk.calls("POST", "/v2/auth/azure-storage-connection") == 1
    assert desk.calls("PUT", f"/v2/auth/azure-storage-connection/{desk.there('One')[0].auths[0]}") == 1
    assert not desk.handing.take_back(first.id)
    assert desk.handing.take_back(second.id)


@pytest.mark.parametrize("action", ["lose", "cut", "garble", "spoil"])
@pytest.mark.parametrize("path", ["/v2/job/azure-csv-import", "/v2/auth/azure-storage-connection"])
def test_a_lost_answer_makes_no_second_one(desk: Desk, action: Any, path: str) -> None:
    job = desk.job(continuous_update=True)
    desk.api.faults.order(Fault(action, "POST", path))
    desk.handing.hand_over(job.id)
    assert len(desk.there()) == 1
    assert desk.calls("POST", path) == 1


def test_what_cannot_be_found_out_is_found_out_later(desk: Desk) -> None:
    job = desk.job(continuous_update=True)
    desk.api.faults.order(Fault("lose", "POST", "/v2/job/azure-csv-import"))
    # The first look finds nothing to begin with; the one after the loss is answered by nobody.
    desk.api.faults.order(Fault("refuse", "GET", "/v2/job", after=1, times=20))
    with pytest.raises(InDoubt):
        desk.handing.hand_over(job.id)
    desk.api.faults.clear()
    doubtful = desk.folder.job(job.id).lytics
    assert doubtful is not None
    assert doubtful.job is None
    desk.handing.hand_over(job.id)
    assert len(desk.there()) == 1


def test_a_call_that_never_arrived_is_doubtful_and_then_made(desk: Desk) -> None:
    job = desk.job()
    desk.api.faults.order(Fault("drop", "POST", "/v2/job/azure-csv-import"))
    with pytest.raises(InDoubt, match="is not known"):
        desk.handing.hand_over(job.id)
    assert desk.folder.job(job.id).lytics is not None
    with pytest.raises(BadConfiguration):
        desk.ledger.enqueue(desk.folder.job(job.id), Trigger.MANUAL)
    desk.handing.hand_over(job.id)
    assert len(desk.there()) == 1
    assert desk.calls("POST", "/v2/auth/azure-storage-connection") == 1


def test_doubt_can_be_taken_back(desk: Desk) -> None:
    job = desk.job(continuous_update=True)
    desk.api.faults.order(Fault("drop", "POST", "/v2/job/azure-csv-import"))
    with pytest.raises(InDoubt):
        desk.handing.hand_over(job.id)
    assert desk.handing.take_back(job.id)
    assert desk.folder.job(job.id).lytics is None
    assert desk.lytics._api.get("/v2/auth", what="")["data"] == []


def test_ten_an_hour_and_when_there_may_be_more(desk: Desk) -> None:
    desk.api.limits.jobs_an_hour = 10
    for number in range(10):
        handed_id(desk, desk.job(f"Number {number}"))
    job = desk.job()
    with pytest.raises(RetryLater) as caught:
        desk.handing.hand_over(job.id)
    assert "10 new jobs an hour" in caught.value.why
    first = min(job.created for job in desk.lytics.servers.jobs() if job.created)
    later = first.replace(hour=(first.hour + 1) % 24).astimezone()
    assert caught.value.fix == f"Try it again at {later:%H:%M}"
    assert "[lytics]" not in desk.file(job)


def test_a_token_that_is_refused_changes_nothing(desk: Desk) -> None:
    job = desk.job()
    desk.api.faults.revoked = True
    with pytest.raises(NotAuthorised, match="Make an API token"):
        desk.handing.hand_over(job.id)
    assert "[lytics]" not in desk.file(job)


def test_a_job_that_lytics_does_not_want_leaves_no_authorization(desk: Desk) -> None:
    job = desk.job()
    desk.api.faults.order(Fault("refuse", "POST", "/v2/job/azure-csv-import", status=400, message="no such container"))
    with pytest.raises(Fatal, match="no such container"):
        desk.handing.hand_over(job.id)
    assert "[lytics]" not in desk.file(job)
    assert desk.lytics._api.get("/v2/auth", what="")["data"] == []


def test_killed_on_the_other_side(desk: Desk) -> None:
    job = desk.job(continuous_update=True)
    job_id = handed_id(desk, job)
    desk.lytics.servers.kill(job_id)
    assert desk.there()[0].status == "deleted"
    with pytest.raises(Fatal, match="deleted there"):
        desk.lytics.servers.start(job_id)
    assert desk.handing.take_back(job.id)
    # Handed over anew it is another one.
    assert handed_id(desk, job) != job_id


def test_a_job_that_is_gone_altogether_can_be_taken_back(desk: Desk) -> None:
    job = desk.job()
    desk.api.jobs._jobs.pop(handed_id(desk, job))
    assert desk.handing.take_back(job.id)
    assert desk.folder.job(job.id).lytics is None


def test_a_job_at_work_here_stays_here(desk: Desk) -> None:
    job = desk.job()
    desk.ledger.enqueue(job, Trigger.MANUAL)
    with pytest.raises(Fatal, match="has not ended here"):
        desk.handing.hand_over(job.id)
    assert "[lytics]" not in desk.file(job)
    assert not desk.api.requests


def test_without_an_account_it_is_said_how_to_set_one(desk: Desk, tmp_path: Path) -> None:
    job = desk.job()
    handing = Handing(desk.folder, desk.ledger, Workspace(tmp_path / "workspace"), desk.handing.secrets)
    for attempt in (handing.sent, handing.hand_over, handing.take_back):
        with pytest.raises(BadConfiguration, match="takes a Lytics account") as caught:
            attempt(job.id)
        assert 'kind = "cloud"' in caught.value.fix
        assert "--lytics-token" in caught.value.fix


@pytest.mark.parametrize("workflow", KINDS)
def test_every_kind_can_go(desk: Desk, workflow: str) -> None:
    handed_id(desk, desk.job(workflow=workflow))
    assert len(desk.there()) == 1


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.workflow)
def test_every_key_of_ours_is_theirs_or_has_a_rule(kind: Any) -> None:
    both = their_keys.WORKFLOWS[kind.workflow][1]
    assert both <= set(kind.model_fields)
    assert set(kind.model_fields) - both <= set(their_keys.OURS)


def test_audiences_are_named_by_their_ids(desk: Desk) -> None:
    handed = handed_id(desk, desk.job(workflow="AzureCsvExport", fields=["email", "_segments"], delimiter=";"))
    config = desk.api.jobs._jobs[handed].about["config"]
    ids = {segment.slug: segment.id for segment in desk.lytics.servers.segments()}
    assert config == {
        "segment_id": ids["berliners"],
        "container": "lake",
        "fields": ["email"],
        "include_segs": True,
        "delimiter": ";",
        "join": "&",
        "withbackfill": True,
        "backfill_only": False,
    }
    gone = desk.job("Gone", "AzureJsonExport", segment_id="no_such")
    with pytest.raises(BadConfiguration, match="no audience no_such"):
        desk.handing.hand_over(gone.id)


def test_an_authorization_in_their_keys() -> None:
    access = their_keys.access(AzureEventHub(id="hub", label="Hub", hub="audiences", connection_string=Secret(HUB)))
    assert access == {"connection_string": f"{HUB};EntityPath=audiences"}
    shop = AzureSql(id="s", label="S", server="h", database="d", user="u", password=Secret(PASSWORD), ca_file="/x.pem")
    assert their_keys.access(shop) == {
        "server": "h",
        "port": "1433",
        "database": "d",
        "user": "u",
        "password": PASSWORD,
    }


@pytest.mark.parametrize(
    ("workflow", "setting", "words"),
    [
        ("AzureCsvImport", {"encoding": "cp1252"}, "encoding = 'cp1252'"),
        ("AzureCsvImport", {"continuous_update": True, "if_no_next_file": "wait"}, "if_no_next_file"),
        ("AzureCsvExport", {"defuse_formulas": True}, "defuse_formulas"),
        ("AzureEventExport", {"byte_order_mark": True}, "byte_order_mark"),
        ("AzureCsvExport", {"fields": ["_segments"]}, "_segments"),
    ],
)
def test_what_lytics_cannot_do_is_refused_before_anything_is_sent(
    desk: Desk, workflow: str, setting: dict[str, Any], words: str
) -> None:
    job = desk.job(workflow=workflow, **setting)
    with pytest.raises(BadConfiguration, match=words):
        desk.handing.hand_over(job.id)
    assert not desk.api.requests
    assert "[lytics]" not in desk.file(job)


def test_encrypting_first_is_refused_only_where_it_matters() -> None:
    job = Job(
        id="e",
        label="E",
        workflow="AzureEventExport",
        authorization="a",
        config=KINDS["AzureEventExport"].model_validate(
            {"container": "lake", "compress": "gzip", "compress_then_encrypt": True}
        ),
    )
    assert their_keys.sent(job, AzureStorage(id="a", label="A")).config["compress"] == "gzip"
    with pytest.raises(BadConfiguration, match="compress_then_encrypt"):
        their_keys.sent(job, AzureStorage(id="a", label="A", pgppublickey="-----BEGIN PGP PUBLIC KEY BLOCK-----"))


def test_secrets_are_in_no_error_no_log_and_no_address(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    job = desk.job()
    # Long words are cut, here in the middle of the key.
    quoting = f"connection_string {STORAGE} is wrong: AccountKey {KEY}"
    for message in (quoting, "x" * (500 - 30 - len("AUTH-BADREQ-008")) + KEY):
        desk.api.faults.order(Fault("refuse", "POST", "/v2/auth/*", status=400, message=message))
        with pytest.raises(LyazureError) as caught:
            desk.handing.hand_over(job.id)
        assert KEY[:8] not in str(caught.value)
    desk.handing.hand_over(job.id)
    written = [str(caught.value), repr(caught.value), caplog.text, desk.file(job)]
    written += [f"{seen.path}{seen.query}" for seen in desk.api.requests]
    for text in written:
        assert KEY not in text
        assert STORAGE not in text


def handed_id(desk: Desk, job: Job) -> str:
    """Hands a job over; its id there."""
    handed = desk.handing.hand_over(job.id).lytics
    assert handed is not None
    assert handed.job is not None
    return handed.job
