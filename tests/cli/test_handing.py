"""--hand-over and --take-back, as processes, on the stand-in for Lytics."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lytics_azure_tui.cli.output import Exit
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.settings import Lytics, Settings
from lytics_azure_tui.sandbox.lytics_api import LyticsApi
from tests.cli.conftest import Program, events, import_job, save_jobs

KEY = "bm90IGEga2V5IG9mIGFueSBhY2NvdW50IGF0IGFsbA=="


@pytest.fixture
def secrets(folder: Folder, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Variables with the secrets, and an account in the settings."""
    with LyticsApi(tmp_path / "account") as api:
        account = Lytics(kind="cloud", url=api.url, bulk_url=api.bulk_url)
        folder.save_settings(Settings(lytics=account))
        yield {
            "LYAZURE_SECRET_STORAGE_CONNECTION_STRING": f"AccountName=warehouse;AccountKey={KEY}",
            "LYAZURE_SECRET_LYTICS_API_TOKEN": api.token.reveal(),
        }


def test_there_and_back(folder: Folder, program: Program, secrets: dict[str, str]) -> None:
    save_jobs(folder, [import_job("daily", "Daily customers", continuous_update=True)])
    over = program("--hand-over", "Daily customers", "--yes", "--json", **secrets)
    (event,) = events(over.stdout)
    handed = folder.job("daily").lytics
    assert handed is not None
    assert over.returncode == Exit.DONE
    assert (event["event"], event["id"], event["lytics"]) == ("handed_over", "daily", handed.job)
    assert "The authorization Storage: Label, Connection String (secret)" in over.stderr
    assert KEY not in over.stderr + over.stdout

    (job,) = events(program("--list", "--json").stdout)
    assert (job["state"], job["lytics"], job["next_due"]) == ("at lytics", handed.job, None)
    run = program("--run-saved", "daily")
    assert run.returncode == Exit.USAGE
    assert "runs at Lytics" in run.stderr
    assert "Nothing is due" in program("--run-saved", **secrets).stderr
    again = program("--hand-over", "daily", "--yes", **secrets)
    assert (again.returncode, "handed over already" in again.stderr) == (Exit.USAGE, True)

    back = program("--take-back", "daily", "--yes", "--json", **secrets)
    (event,) = events(back.stdout)
    assert (event["event"], event["authorization_removed"]) == ("taken_back", True)
    assert folder.job("daily").lytics is None


def test_without_a_yes_nothing_is_sent(folder: Folder, program: Program, secrets: dict[str, str]) -> None:
    save_jobs(folder, [import_job("daily", "Daily customers")])
    asked = program("--hand-over", "daily", **secrets)
    assert asked.returncode == Exit.INTERRUPTED
    assert "Hand Daily customers over to Lytics?" in asked.stderr
    assert folder.job("daily").lytics is None


def test_without_an_account_it_says_how_to_set_one(folder: Folder, program: Program) -> None:
    save_jobs(folder, [import_job("daily", "Daily customers")])
    for option in ("--hand-over", "--take-back"):
        result = program(option, "daily", "--yes")
        assert result.returncode == Exit.USAGE
        assert "--lytics-token" in result.stderr
