"""The doctor at a real storage account: what keys and signatures may do, and since when they may not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.secrets import open_store, save
from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.model.connection_string import StorageConnection
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.runner.doctor import Check, State, examine
from tests.conftest import Storage


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setenv("LYAZURE_PASSPHRASE", "correct horse")
    return Folder.open(tmp_path / "configuration")


def _seen(folder: Folder, connection_string: Secret) -> dict[str, list[Check]]:
    """The checks of one authorization, by name."""
    save(folder, open_store(folder), AzureStorage(id="storage", label="Archive", connection_string=connection_string))
    seen: dict[str, list[Check]] = {}
    for check in examine(folder, lambda: open_store(folder)):
        if check.subject == "Archive":
            seen.setdefault(check.name, []).append(check)
    return seen


def _signed(storage: Storage, permissions: str, expires: timedelta) -> Secret:
    connection = StorageConnection.parse(storage.connection_string)
    assert connection.key is not None
    token = generate_account_sas(
        connection.account,
        connection.key.reveal(),
        ResourceTypes(service=True, container=True, object=True),
        AccountSasPermissions.from_string(permissions),  # type: ignore[no-untyped-call]
        datetime.now(UTC) + expires,
    )
    return Secret(f"BlobEndpoint={connection.endpoint};SharedAccessSignature={token}")


def test_a_key_may_do_everything(storage: Storage, folder: Folder) -> None:
    storage.put("a.csv", "x\n1\n")
    seen = _seen(folder, storage.connection_string)
    assert {name: [check.state for check in checks] for name, checks in seen.items()} == {
        "network": [State.OK],
        "clock": [State.OK],
        "credentials": [State.OK],
    }
    assert "list, read, write" in seen["credentials"][0].about


def test_a_signature_that_ends_soon_is_a_warning(storage: Storage, folder: Folder) -> None:
    seen = _seen(folder, _signed(storage, "rl", timedelta(days=3, hours=1)))
    (signature,) = seen["signature"]
    assert signature.state is State.WARNING
    assert "in 3 days" in signature.about
    assert seen["credentials"][0].state is State.OK


def test_an_expired_signature_is_a_problem(storage: Storage, folder: Folder) -> None:
    seen = _seen(folder, _signed(storage, "rl", timedelta(hours=-1)))
    assert seen["network"][0].state is State.OK
    assert seen["signature"][0].state is State.PROBLEM
    assert seen["credentials"][0].state is State.PROBLEM
    assert seen["credentials"][0].fix


def test_a_signature_without_the_right_to_read_is_a_problem(storage: Storage, folder: Folder) -> None:
    storage.put("a.csv", "x\n1\n")
    seen = _seen(folder, _signed(storage, "lw", timedelta(days=300)))
    assert [check.state for check in seen["signature"]] == [State.OK, State.WARNING]
    assert seen["credentials"][0].state is State.PROBLEM
    assert "read" in seen["credentials"][0].fix


def test_a_wrong_key_is_a_problem_and_is_not_told(storage: Storage, folder: Folder) -> None:
    connection = StorageConnection.parse(storage.connection_string)
    wrong = "d3Jvbmcga2V5IHdyb25nIGtleSB3cm9uZyBrZXk="
    text = f"AccountName={connection.account};AccountKey={wrong};BlobEndpoint={connection.endpoint}"
    seen = _seen(folder, Secret(text))
    assert seen["credentials"][0].state is State.PROBLEM
    assert wrong not in str(seen)
