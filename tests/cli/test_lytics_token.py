"""The token of a Lytics account is kept where secrets are, and shown nowhere."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.lytics import open_lytics, token
from lytics_azure_tui.config.secrets import open_store
from lytics_azure_tui.errors import BadConfiguration, NotAuthorised
from lytics_azure_tui.lytics.cloud.cloud import Cloud
from lytics_azure_tui.lytics.workspace.workspace import Workspace

TOKEN = "a-token-of-a-test"


@pytest.fixture(autouse=True)
def passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LYAZURE_PASSPHRASE", "correct horse")


def program(folder: Folder, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lytics_azure_tui", "--config", str(folder.root), *arguments]
    return subprocess.run(
        command, input=given, capture_output=True, text=True, env=dict(os.environ), timeout=60, check=False
    )


def settings(folder: Folder, text: str) -> None:
    (folder.root / "settings.toml").write_text(f'[secrets]\nbackend = "file"\n{text}')


def test_a_token_from_stdin_is_kept(folder: Folder) -> None:
    settings(folder, '[lytics]\nkind = "cloud"\n')
    done = program(folder, "--lytics-token", given=f"  {TOKEN}\n")
    assert done.returncode == 0, done.stderr
    assert "is kept" in done.stderr and TOKEN not in done.stdout + done.stderr
    assert token(open_store(folder)).reveal() == TOKEN
    held = [path for path in folder.root.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    assert held == []


def test_nothing_is_no_token(folder: Folder) -> None:
    settings(folder, "")
    done = program(folder, "--lytics-token")
    assert done.returncode == 2
    assert "No token was given" in done.stderr


def test_it_goes_with_no_other_way(folder: Folder) -> None:
    assert program(folder, "--lytics-token", "--list").returncode == 2


def test_which_lytics_is_a_matter_of_settings(folder: Folder) -> None:
    def store() -> object:
        raise AssertionError("nobody asked for a secret")

    assert isinstance(open_lytics(folder, store), Workspace)  # type: ignore[arg-type]
    settings(folder, '[lytics]\nkind = "cloud"\n')
    assert isinstance(open_lytics(folder, store), Cloud)  # type: ignore[arg-type]
    with pytest.raises(NotAuthorised, match="not stored") as caught:
        open_lytics(folder, lambda: open_store(folder)).streams()
    assert "LYAZURE_SECRET_LYTICS_API_TOKEN" in caught.value.fix


@pytest.mark.parametrize(
    "line",
    [
        'url = "http://api.lytics.io"',
        'url = "https://someone:pw@api.lytics.io"',
        'bulk_url = "https://bulk.lytics.io?access_token=x"',
        'bulk_url = "bulk.lytics.io"',
        'token = "x"',
        'kind = "both"',
    ],
)
def test_an_address_is_one_that_a_token_may_be_sent_to(folder: Folder, line: str) -> None:
    settings(folder, f"[lytics]\n{line}\n")
    with pytest.raises(BadConfiguration):
        folder.settings()


def test_on_this_machine_it_may_be_sent_in_the_clear(folder: Folder) -> None:
    settings(folder, '[lytics]\nurl = "http://127.0.0.1:8080/"\n')
    assert folder.settings().lytics.url == "http://127.0.0.1:8080"
