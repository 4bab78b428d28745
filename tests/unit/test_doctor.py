"""The doctor looks at a configuration and a machine, says what is wrong, and names the fix."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lytics_azure_tui.azure.checks import CheckReport
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.secrets import SecretStore, open_store, save
from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.model.authorization import AzureEventHub, AzureSql, AzureStorage
from lytics_azure_tui.model.csv_import import CsvImport
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.model.sas import SasFacts
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.runner import control
from lytics_azure_tui.runner import lock as lock_file
from lytics_azure_tui.runner.doctor import Check, State, examine, machine, setup
from lytics_azure_tui.runner.doctor.access import endpoint, rights, signature
from lytics_azure_tui.runner.doctor.check import guarded
from lytics_azure_tui.runner.doctor.reach import Endpoint
from lytics_azure_tui.runner.lock import Holder, RunnerLock

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A configuration folder whose secrets are in an encrypted file."""
    monkeypatch.setenv("LYAZURE_PASSPHRASE", "correct horse")
    folder = Folder.open(tmp_path / "configuration")
    (folder.root / "settings.toml").write_text('[secrets]\nbackend = "file"\n')
    (folder.root / "settings.toml").chmod(0o600)
    return folder


def _seen(checks: Iterable[Check], name: str) -> Check:
    return next(check for check in checks if check.name == name)


def _job(id: str = "daily", authorization: str = "storage") -> Job:
    config = CsvImport(stream="people", container="data", filename="people_20260101.csv", continuous_update=True)
    return Job(id=id, label="Daily people", workflow=config.workflow, authorization=authorization, config=config)


def test_an_empty_configuration_has_no_problem(folder: Folder) -> None:
    checks = list(examine(folder, lambda: open_store(folder)))
    assert [check for check in checks if check.state is State.PROBLEM] == []
    assert {"configuration", "permissions", "settings", "secrets", "gpg", "runner", "ledger", "disk"} <= {
        check.name for check in checks
    }


def test_every_warning_and_problem_has_a_fix(folder: Folder) -> None:
    (folder.jobs_dir / "broken.toml").write_text("label = ")
    folder.save_job(_job())
    for check in examine(folder, lambda: open_store(folder)):
        assert check.about
        assert bool(check.fix) == (check.state is not State.OK), check


def test_looking_makes_no_folder(tmp_path: Path) -> None:
    root = tmp_path / "nowhere"
    folder = Folder.at(root)
    list(examine(folder, lambda: _refusing("no store")))
    assert not root.exists()


def test_a_file_that_cannot_be_read_is_named_with_its_line(folder: Folder) -> None:
    (folder.jobs_dir / "broken.toml").write_text('label = "x"\nnonsense\n')
    (check,) = [check for check in setup.configuration(folder) if check.name == "configuration"]
    assert check.state is State.PROBLEM
    assert "jobs/broken.toml, line 2" in check.about


def test_a_job_without_its_authorization_is_a_problem(folder: Folder) -> None:
    folder.save_job(_job(authorization="gone"))
    check = _seen(setup.configuration(folder), "configuration")
    assert check.state is State.PROBLEM
    assert "no such authorization" in check.about


def test_files_that_others_may_read_are_named_with_the_command_that_mends_it(folder: Folder) -> None:
    folder.root.chmod(0o755)
    check = _seen(setup.configuration(folder), "permissions")
    assert check.state is State.WARNING
    assert check.fix == f"Run: chmod 0700 '{folder.root}'"


def test_settings_that_cannot_be_read_do_not_hide_the_rest(folder: Folder) -> None:
    (folder.root / "settings.toml").write_text("[engine]\nruns_at_once = 0\n")
    checks = list(examine(folder, lambda: open_store(folder)))
    assert _seen(checks, "settings").state is State.PROBLEM
    assert "runs_at_once" in _seen(checks, "settings").about
    assert _seen(checks, "gpg").state is State.OK


def test_the_probe_secret_does_not_stay(folder: Folder) -> None:
    store = open_store(folder)
    (check,) = setup.secret_store(folder, store, [])
    assert check.state is State.OK
    assert "secrets.crypt" in check.about
    assert open_store(folder).get("doctor-probe", "probe") is None


def test_a_store_that_refuses_is_a_problem_with_the_stores_own_words(folder: Folder) -> None:
    folder.save_authorization(AzureStorage(id="storage", label="Storage"))
    check = _seen(examine(folder, lambda: _refusing("the keyring is locked")), "secrets")
    assert (check.state, check.about, check.fix) == (State.PROBLEM, "the keyring is locked", "unlock it")


def test_a_store_that_refuses_is_a_warning_while_there_is_nothing_to_keep(folder: Folder) -> None:
    assert _seen(examine(folder, lambda: _refusing("the keyring is locked")), "secrets").state is State.WARNING


def test_secrets_that_come_from_the_environment_alone_are_enough(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LYAZURE_PASSPHRASE")
    monkeypatch.setenv("LYAZURE_SECRET_STORAGE_CONNECTION_STRING", "UseDevelopmentStorage=true")
    storage = AzureStorage(id="storage", label="Storage")
    folder.save_authorization(storage)
    (check,) = setup.secret_store(folder, open_store(folder), [storage])
    assert check.state is State.WARNING
    assert "LYAZURE_SECRET_STORAGE_CONNECTION_STRING" in check.about


def test_an_authorization_without_its_secret_is_a_problem(folder: Folder) -> None:
    folder.save_authorization(AzureStorage(id="storage", label="Storage"))
    check = _seen(examine(folder, lambda: open_store(folder)), "credentials")
    assert (check.state, check.subject) == (State.PROBLEM, "Storage")


def test_no_secret_is_ever_told(folder: Folder) -> None:
    store = open_store(folder)
    key = "c2VjcmV0LWtleS10aGF0LW5vYm9keS1tYXktc2Vl"
    text = f"AccountName=acme;AccountKey={key};BlobEndpoint=http://127.0.0.1:9/acme"
    save(folder, store, AzureStorage(id="storage", label="Storage", connection_string=Secret(text)))
    told = "\n".join(str(check) for check in examine(folder, lambda: open_store(folder)))
    assert "127.0.0.1:9" in told
    assert key not in told


def test_an_unforeseen_error_is_told_without_its_text() -> None:
    def look() -> Iterable[Check]:
        raise RuntimeError("AccountKey=hunter2")

    (check,) = guarded("disk", look)
    assert check.state is State.PROBLEM
    assert "RuntimeError" in check.about
    assert "hunter2" not in str(check)


def test_no_runner_is_no_problem(folder: Folder) -> None:
    (check,) = setup.runner(folder)
    assert (check.name, check.state) == ("runner", State.OK)


def test_a_runner_at_work_is_told_with_its_process(folder: Folder) -> None:
    lock = RunnerLock.take(folder.data, background=False)
    assert lock is not None and lock.listening is not None
    control.serve(lock.listening, lambda keys, needs: control.Answer())
    (check,) = setup.runner(folder)
    lock.release()
    assert check.state is State.OK
    assert f"process {os.getpid()}" in check.about


@pytest.mark.parametrize(
    ("host", "held", "words"),
    [
        (socket.gethostname(), False, "ended without letting go"),
        ("another-host", False, "ended without letting go"),
        ("another-host", True, "on another machine"),
    ],
)
def test_the_lock_of_a_runner_that_is_not_here(folder: Folder, host: str, held: bool, words: str) -> None:
    left = Holder(2**22 + 1, "long ago", host, NOW, background=True)
    path = folder.data / lock_file.NAME
    path.write_text(json.dumps(asdict(left), default=datetime.isoformat))
    with path.open() as file:
        if held:
            fcntl.flock(file, fcntl.LOCK_EX)
        (check,) = setup.runner(folder)
    assert check.state is State.WARNING
    assert words in check.about
    assert check.fix


def test_a_damaged_ledger_is_told(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE t (x)")
    database.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * 200)
    database.execute("CREATE INDEX i ON t (x)")
    database.commit()
    database.close()
    (whole,) = setup.ledger(path)
    assert whole.state is State.OK
    data = bytearray(path.read_bytes())
    data[8192:16384] = b"\xff" * 8192
    path.write_bytes(data)
    (damaged,) = setup.ledger(path)
    assert damaged.state is State.PROBLEM
    assert str(path) in damaged.about


def test_a_file_that_is_no_ledger_is_told(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"not a database at all" * 100)
    (check,) = setup.ledger(path)
    assert check.state is State.PROBLEM


Usage = namedtuple("Usage", "total used free")


@pytest.mark.parametrize(
    ("free", "state"),
    [
        (machine.DISK_FULL - 1, State.PROBLEM),
        (machine.DISK_FULL, State.WARNING),
        (machine.DISK_LOW - 1, State.WARNING),
        (machine.DISK_LOW, State.OK),
    ],
)
def test_room_on_the_disk(free: int, state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(free * 2, free, free))
    (check,) = machine.disk(tmp_path / "not" / "there" / "yet")
    assert check.state is state


def test_a_missing_gpg_is_a_problem_only_where_a_key_is_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (unneeded,) = machine.gpg(())
    (needed,) = machine.gpg(("Storage", "Archive"))
    assert unneeded.state is State.OK
    assert needed.state is State.PROBLEM
    assert "Storage and Archive" in needed.about


@pytest.mark.parametrize(("version", "state"), [("2.4.7", State.OK), ("1.4.23", State.WARNING), ("", State.PROBLEM)])
def test_the_version_of_gpg(version: str, state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "gpg"
    program.write_text(f"#!/bin/sh\necho 'gpg (GnuPG) {version}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (check,) = machine.gpg(())
    assert check.state is state


@pytest.mark.parametrize(
    ("environment", "states"),
    [
        ({"TERM": "xterm-256color", "LANG": "en_GB.UTF-8"}, [State.OK, State.OK]),
        ({"TERM": "xterm-256color", "LANG": "en_GB.UTF-8", "LC_ALL": "C"}, [State.OK, State.WARNING]),
        ({"TERM": "dumb", "LANG": "C.utf8"}, [State.WARNING, State.OK]),
        ({}, [State.WARNING, State.WARNING]),
    ],
)
def test_the_terminal(environment: dict[str, str], states: list[State], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    assert [check.state for check in machine.terminal(environment)] == states


@pytest.mark.parametrize(
    ("facts", "state", "words"),
    [
        (SasFacts(expires=NOW - timedelta(seconds=1), permissions="rl"), State.PROBLEM, "Expired on 2026-03-01 11:59"),
        (SasFacts(starts=NOW + timedelta(hours=1), permissions="rl"), State.PROBLEM, "Not valid before"),
        (SasFacts(expires=NOW + timedelta(days=3), permissions="rl"), State.WARNING, "in 3 days"),
        (SasFacts(expires=NOW + timedelta(days=300), permissions="rl"), State.OK, "Valid until"),
        (SasFacts(policy="readers"), State.OK, "stored access policy"),
    ],
)
def test_the_time_of_a_signature(facts: SasFacts, state: State, words: str) -> None:
    check = next(iter(signature(facts, NOW, "Storage")))
    assert check.state is state
    assert words in check.about


def test_a_signature_that_lacks_rights_says_which() -> None:
    facts = SasFacts(expires=NOW + timedelta(days=300), permissions="w", services="b", resource_types="sco")
    rights = list(signature(facts, NOW, ""))[1]
    assert rights.state is State.WARNING
    assert "list or read" in rights.about


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (
            lambda: AzureStorage(id="a", label="A", connection_string=Secret("AccountName=acme;AccountKey=a2V5")),
            Endpoint("acme.blob.core.windows.net", 443, tls=True, http=True),
        ),
        (
            lambda: AzureStorage(id="a", label="A", connection_string=Secret("UseDevelopmentStorage=true")),
            Endpoint("127.0.0.1", 10000, tls=False, http=True),
        ),
        (
            lambda: AzureEventHub(
                id="a",
                label="A",
                connection_string=Secret(
                    "Endpoint=sb://acme.servicebus.windows.net/;SharedAccessKeyName=n;SharedAccessKey=a2V5;EntityPath=e"
                ),
            ),
            Endpoint("acme.servicebus.windows.net", 5671, tls=True, http=False),
        ),
        (
            lambda: AzureSql(id="a", label="A", server="acme.database.windows.net", database="d", user="u"),
            Endpoint("acme.database.windows.net", 1433, tls=False, http=False, upgrades=True),
        ),
    ],
)
def test_where_a_service_listens(make: Callable[[], AzureStorage | AzureEventHub | AzureSql], where: Endpoint) -> None:
    assert endpoint(make()) == where


@pytest.mark.parametrize(("reads", "state"), [(True, State.OK), (False, State.PROBLEM)])
def test_what_a_user_of_a_database_may_read_is_told_with_the_right_that_is_missing(
    reads: bool, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = CheckReport(True, reads, None, 0.1, "acme, database crm", ("Sees 2 tables and views",))
    monkeypatch.setattr("lytics_azure_tui.azure.checks.check", lambda _authorization: report)
    (check,) = rights(AzureSql(id="a", label="A", server="acme", database="crm", user="u"))
    assert check.state is state
    assert check.about == f"acme, database crm: may list{', read' if reads else ''}. Sees 2 tables and views"
    assert ("GRANT SELECT" in check.fix) is not reads


def _refusing(what: str) -> SecretStore:
    raise Fatal(what, fix="unlock it")
