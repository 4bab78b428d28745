"""What people and accounts get wrong: each ends in words and an exit code, before or without any harm."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas

from lytics_azure_tui.cli.output import Exit
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.keys import VARIABLE
from lytics_azure_tui.config.secrets import open_store, save
from lytics_azure_tui.config.settings import Secrets, Settings
from lytics_azure_tui.lytics.workspace.workspace import Workspace
from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.model.connection_string import StorageConnection
from lytics_azure_tui.model.secret import Secret
from tests.cli.conftest import Program, import_job, save_jobs
from tests.conftest import Storage

STRING = "LYAZURE_SECRET_STORAGE_CONNECTION_STRING"
PEOPLE = "name,city\nAda,London\nGrace,New York\n"
PASSPHRASE = "seventeen blue kettles"


@pytest.fixture
def job_file(storage: Storage, folder: Folder) -> Path:
    """The file of the job `people`, which can be run."""
    storage.put("people.csv", PEOPLE)
    save_jobs(folder, [import_job("people", "All people", container=storage.container)])
    return folder.jobs_dir / "people.toml"


def account_key(storage: Storage) -> str:
    key = StorageConnection.parse(storage.connection_string).key
    assert key is not None
    return key.reveal()


def expired_signature(storage: Storage) -> str:
    """A connection string whose signature ended an hour ago."""
    connection = StorageConnection.parse(storage.connection_string)
    token = generate_account_sas(
        connection.account,
        account_key(storage),
        ResourceTypes(service=True, container=True, object=True),
        AccountSasPermissions(read=True, list=True),
        expiry=datetime.now(UTC) - timedelta(hours=1),
    )
    return f"BlobEndpoint={connection.endpoint};SharedAccessSignature={token}"


def wrong_key(storage: Storage) -> str:
    return storage.connection_string.reveal().replace(account_key(storage), "A" * 86 + "==")


@pytest.mark.parametrize(
    ("string", "words"), [(wrong_key, "The key is not the account's"), (expired_signature, "expired on ")]
)
@pytest.mark.parametrize("way", ["--run-saved", "--dry-run"])
def test_credentials_that_are_refused_fail_with_the_fix_and_are_not_told(
    storage: Storage,
    folder: Folder,
    program: Program,
    job_file: Path,
    way: str,
    string: Callable[[Storage], str],
    words: str,
) -> None:
    given = string(storage)
    result = program(way, "people", **{STRING: given})
    assert result.returncode == Exit.FAILED
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    secret = given.rpartition("sig=")[2] if "sig=" in given else "A" * 86
    assert secret not in result.stdout + result.stderr
    assert holders(folder.root, secret) == []
    assert Workspace(folder.data_place / "workspace").streams() == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('label = "no end', "this is not TOML"),
        ('timezone = "Mars/Olympus"', "no time zone is called 'Mars/Olympus'"),
        ('prefix = "people_("', "not a regular expression"),
        ('prefix = "(?x)people_ # until the stamp"', "not a regular expression that others can follow"),
        ('prefix = "(?P<stamp_y>people)"', "use another name"),
        ('time_of_day = "25:00"', "HH:MM"),
        ('file_frequency = "yearly"', "file_frequency"),
        ('encoding = "utf-9"', "no encoding is called 'utf-9'"),
        ('colour = "red"', "this key is not known"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_and_nothing_starts(
    folder: Folder, program: Program, job_file: Path, line: str, words: str
) -> None:
    text = job_file.read_text()
    job_file.write_text(f"{text}{line}\n")
    number = len(text.splitlines()) + 1
    for way in ("--run-saved", "--dry-run"):
        result = program(way, "people")
        assert result.returncode == Exit.USAGE
        assert f"jobs/people.toml, line {number}" in result.stderr
        assert words in result.stderr
        assert result.stdout == ""
    listed = program("--list")
    assert listed.returncode == Exit.USAGE
    assert words in listed.stderr
    assert job_file.read_text() == f"{text}{line}\n"
    for way in ("--run-saved", "--dry-run"):
        result = program(way)
        assert result.returncode == Exit.USAGE
        assert words in result.stderr


def test_a_job_without_its_authorization_starts_nothing(folder: Folder, program: Program, job_file: Path) -> None:
    (folder.authorizations_dir / "storage.toml").unlink()
    result = program("--run-saved", "people")
    assert result.returncode == Exit.USAGE
    assert "There is no authorization storage" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("gone", ["blob", "container"])
def test_what_is_not_there_any_more_is_named(
    storage: Storage, folder: Folder, program: Program, job_file: Path, gone: str
) -> None:
    if gone == "blob":
        storage.delete("people.csv")
    else:
        job_file.write_text(job_file.read_text().replace(storage.container, "no-such-container"))
    result = program("--run-saved", "people", **{STRING: storage.connection_string.reveal()})
    assert result.returncode == Exit.FAILED
    assert f"The {gone} is not there" in result.stderr


def test_a_run_that_succeeds_and_one_that_fails_leave_no_secret_in_files_or_process_lists(
    storage: Storage, folder: Folder, job_file: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, PASSPHRASE)
    folder.save_settings(Settings(secrets=Secrets(backend="file")))
    store = open_store(folder)
    save(folder, store, AzureStorage(id="storage", label="Storage", connection_string=storage.connection_string))
    key = account_key(storage)
    wrong = AzureStorage(id="wrong", label="Wrong", connection_string=Secret(wrong_key(storage)))
    save(folder, store, wrong)
    failing = import_job("failing", "Failing", container=storage.container)
    folder.save_job(failing.model_copy(update={"authorization": "wrong"}))
    shown = list(commands_during(program_of(folder, "people", "failing")))
    assert any("lytics_azure_tui.runner" in command for command in shown)
    assert not [command for command in shown if key in command or PASSPHRASE in command or "A" * 86 in command]
    assert [stream.events for stream in Workspace(folder.data / "workspace").streams()] == [2]
    for secret in (key, "A" * 86, PASSPHRASE):
        assert holders(folder.root, secret) == []


def program_of(folder: Folder, *labels: str) -> list[str]:
    return [sys.executable, "-m", "lytics_azure_tui", "--config", str(folder.root), "--run-saved", *labels]


def commands_during(command: list[str]) -> Iterator[str]:
    """Everything that a list of processes shows while a command runs."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as program:
        while program.poll() is None:
            listed = subprocess.run(["ps", "-axww", "-o", "args="], capture_output=True, text=True, check=True)
            yield from listed.stdout.splitlines()
            time.sleep(0.05)
    assert program.returncode == Exit.FAILED


def holders(root: Path, secret: str) -> list[Path]:
    """Files below a folder that hold a text."""
    return [path for path in root.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
