"""--run-saved and --dry-run on a real storage account: exit codes, both streams, events."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lytics_azure_tui.cli.output import Exit
from lytics_azure_tui.cli.running import exit_of
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.jobs import quarantine
from lytics_azure_tui.model.run import Run, RunState, Trigger
from lytics_azure_tui.runner.events import ExitSummary
from lytics_azure_tui.runner.service import opened, replay
from tests.cli.conftest import Program, events, import_job, save_jobs, tree
from tests.conftest import Storage

PEOPLE = "name,city\nAda,London\nGrace,New York\n"
RAGGED = "name,city\nAda,London\nGrace,New York,one too many\n"


@pytest.fixture
def account(storage: Storage, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Storage:
    """A storage account whose connection string comes from the environment, and two jobs."""
    monkeypatch.setenv("LYAZURE_SECRET_STORAGE_CONNECTION_STRING", storage.connection_string.reveal())
    save_jobs(
        folder,
        [
            import_job("people", "All people", container=storage.container),
            import_job(
                "daily",
                "Daily people",
                container=storage.container,
                stream="daily",
                filename="daily_20260101.csv",
                continuous_update=True,
            ),
        ],
    )
    return storage


def test_a_label_runs_now_and_its_result_is_on_stdout(account: Storage, program: Program) -> None:
    account.put("people.csv", PEOPLE)
    result = program("--run-saved", "All people")
    assert result.returncode == Exit.DONE, result.stderr
    label, state, rows, quarantined, _, _ = result.stdout.strip().split("\t")
    assert (label, state, rows, quarantined) == ("All people", "succeeded", "2 rows", "0 quarantined")
    assert "All people: " in result.stderr


def test_an_id_is_as_good_as_a_label(account: Storage, program: Program) -> None:
    account.put("people.csv", PEOPLE)
    assert program("--run-saved", "people").returncode == Exit.DONE


def test_without_labels_what_is_due_runs(account: Storage, program: Program) -> None:
    account.put("daily_20260101.csv", PEOPLE)
    first = program("--run-saved", "--json")
    assert first.returncode == Exit.DONE, first.stderr
    (succeeded,) = [event for event in events(first.stdout) if event["event"] == "succeeded"]
    assert (succeeded["job"], succeeded["label"], succeeded["figures"]["rows"]) == ("daily", "Daily people", 2)
    second = program("--run-saved")
    assert (second.returncode, second.stdout) == (Exit.DONE, "")
    assert "Nothing is due" in second.stderr


def test_a_folder_that_is_not_there_is_not_made_by_a_mistyped_option(tmp_path: Path, program: Program) -> None:
    for option in (["--run-saved"], ["--watch"], ["--pause", "people"], ["--forget", "ada@example.com", "--yes"]):
        result = program(*option, config=tmp_path / "nowhere")
        assert result.returncode == Exit.USAGE
        assert f"The configuration folder {tmp_path / 'nowhere'} is not there" in result.stderr
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_without_jobs_is_named(tmp_path: Path, program: Program) -> None:
    result = program("--run-saved", config=tmp_path)
    assert result.returncode == Exit.DONE
    assert f"No jobs are saved in {tmp_path}" in result.stderr


def test_rows_in_quarantine_have_an_exit_code_of_their_own(account: Storage, program: Program) -> None:
    account.put("people.csv", RAGGED)
    result = program("--run-saved", "people")
    assert result.returncode == Exit.QUARANTINED, result.stderr
    assert "1 row\t1 quarantined" in result.stdout


def test_a_run_of_whose_rows_most_cannot_be_used_fails_and_keeps_them(
    account: Storage, folder: Folder, program: Program
) -> None:
    account.put("people.csv", "name,city\nAda\nGrace,New York\nAlan\n")
    result = program("--run-saved", "people")
    assert result.returncode == Exit.FAILED, result.stdout
    assert "2 of 3 rows cannot be used; nothing was imported" in result.stderr
    assert not [path for path in (folder.data / "workspace" / "streams").rglob("*") if path.is_file()]
    with opened(folder) as ledger:
        (run,) = ledger.runs(job="people")
        files = ledger.quarantine_files(run.id)
    assert [(row.text, row.reason) for row in quarantine.page(files, 0, 10)] == [
        ("Ada", "has 1 field where the header has 2"),
        ("Alan", "has 1 field where the header has 2"),
    ]
    with pytest.raises(BadConfiguration, match="imported nothing"):
        replay(folder, run.id)


def test_a_failed_run_has_an_exit_code_of_its_own(account: Storage, program: Program) -> None:
    result = program("--run-saved", "people", "--json")
    assert result.returncode == Exit.FAILED
    *_, failed, summary = events(result.stdout)
    assert failed["event"] == "failed"
    assert "people.csv" in failed["text"]
    assert (summary["event"], summary["exit"], summary["runs"][0]["state"]) == ("summary", Exit.FAILED, "failed")
    assert "Traceback" not in result.stderr


def test_a_label_that_is_not_there_starts_nothing(account: Storage, program: Program) -> None:
    account.put("people.csv", PEOPLE)
    result = program("--run-saved", "people", "Dayly people", "--json")
    assert result.returncode == Exit.USAGE
    (error,) = events(result.stdout)
    assert error["event"] == "error"
    assert "Dayly people" in error["what"]
    assert "Daily people" in error["fix"]


def test_json_events_have_their_documented_shape(account: Storage, program: Program) -> None:
    account.put("people.csv", RAGGED)
    found = events(program("--run-saved", "people", "--json").stdout)
    assert {"queued", "started", "succeeded", "summary"} <= {event["event"] for event in found}
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    table = [line for line in readme.splitlines() if line.startswith("| `")]
    for event in found:
        row = next(line for line in table if f"`{event['event']}`" in line.split("|")[1])
        documented = set(re.findall(r"`(\w+)`", row.split("|")[3]))
        assert event.keys() - {"event", "at"} <= documented, event
    started = next(event for event in found if event["event"] == "started")
    assert started.keys() == {"event", "at", "run", "job", "label", "text", "figures"}


def test_a_headless_run_never_imports_textual(account: Storage, folder: Folder) -> None:
    account.put("people.csv", PEOPLE)
    script = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr))\n"
        f"sys.argv = ['lyazure-tui', '--config', {str(folder.root)!r}, '--run-saved', 'people']\n"
        "from lytics_azure_tui.cli import main\n"
        "main()\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(result.stderr.splitlines()[-1].split())
    assert "lytics_azure_tui.runner.foreground" in loaded
    assert {"textual", "rich"} & loaded == set()


def test_a_dry_run_tells_files_fields_and_rows_and_changes_nothing(
    account: Storage, folder: Folder, program: Program
) -> None:
    account.put("people.csv", PEOPLE)
    before = tree(folder.root)
    result = program("--dry-run", "people", "--json")
    assert result.returncode == Exit.DONE, result.stderr
    (rehearsal,) = [event for event in events(result.stdout) if event["event"] == "rehearsal"]
    assert rehearsal["label"] == "All people"
    assert any("people.csv" in item["name"] for item in rehearsal["items"])
    assert rehearsal["bytes_total"] == len(PEOPLE)
    assert rehearsal["columns"] == ["name", "city"]
    assert rehearsal["sample"][0] == ["Ada", "London"]
    words = program("--dry-run", "people").stdout
    assert "fields: name, city" in words
    assert "Grace" in words
    assert tree(folder.root) == before


def test_a_dry_run_after_a_run_changes_nothing_either(account: Storage, folder: Folder, program: Program) -> None:
    account.put("daily_20260101.csv", PEOPLE)
    assert program("--run-saved", "daily").returncode == Exit.DONE
    account.put("daily_20260102.csv", PEOPLE + "Joan,Paris\n")
    said, before = _ledger(folder), _files(folder)
    result = program("--dry-run", "daily")
    assert result.returncode == Exit.DONE, result.stderr
    assert "daily_20260102.csv" in result.stdout
    assert _files(folder) == before
    assert _ledger(folder) == said


def _files(folder: Folder) -> dict[str, tuple[int, bytes]]:
    """All files but the ledger's, whose bytes SQLite may order anew when the last reader leaves."""
    return {name: seen for name, seen in tree(folder.root).items() if not name.startswith("data/ledger.db")}


def _ledger(folder: Folder) -> list[str]:
    with closing(sqlite3.connect(folder.data / "ledger.db")) as database:
        return list(database.iterdump())


def test_a_dry_run_of_a_job_that_would_fail_says_why(account: Storage, program: Program) -> None:
    account.put("daily_20260101.csv", PEOPLE)
    result = program("--dry-run", "people", "daily")
    assert result.returncode == Exit.FAILED
    assert "All people: " in result.stderr
    assert "Daily people" in result.stdout


def test_a_dry_run_where_nothing_is_makes_nothing(tmp_path: Path, program: Program) -> None:
    result = program("--dry-run", config=tmp_path / "nowhere")
    assert (result.returncode, result.stdout) == (Exit.DONE, "")
    assert not (tmp_path / "nowhere").exists()


def test_the_folder_may_come_from_the_environment(account: Storage, folder: Folder) -> None:
    account.put("people.csv", PEOPLE)
    command = [sys.executable, "-m", "lytics_azure_tui", "--dry-run", "people"]
    environment = {**os.environ, "LYAZURE_CONFIG": str(folder.root)}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert result.returncode == Exit.DONE, result.stderr
    assert result.stdout.startswith("All people: ")


def test_without_a_passphrase_and_a_person_a_run_fails_in_words(
    storage: Storage, folder: Folder, program: Program
) -> None:
    save_jobs(folder, [import_job("people", "All people", container=storage.container)])
    (folder.root / "settings.toml").write_text('[secrets]\nbackend = "file"\n')
    assert program("--run-saved").returncode == Exit.DONE  # nothing is due, so nothing is needed
    result = program("--run-saved", "people")
    assert result.returncode == Exit.FAILED
    assert "LYAZURE_PASSPHRASE" in result.stderr
    assert program("--dry-run", "people").returncode == Exit.USAGE


def test_watching_follows_the_schedule_until_a_signal(account: Storage, folder: Folder) -> None:
    account.put("daily_20260101.csv", PEOPLE)
    command = [sys.executable, "-m", "lytics_azure_tui", "--config", str(folder.root), "--watch", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        output = ""
        for line in process.stdout:
            output += line
            if '"succeeded"' in line:
                break
        process.send_signal(signal.SIGTERM)
        output += process.stdout.read()
        assert process.wait(30) == Exit.DONE
    assert [event["event"] for event in events(output)][-1] == "summary"


def test_an_interruption_has_an_exit_code_of_its_own(account: Storage, folder: Folder) -> None:
    account.put("people.csv", "name,city\n" + "Ada,London\n" * 3_000_000)
    command = [
        sys.executable,
        "-m",
        "lytics_azure_tui",
        "--config",
        str(folder.root),
        "--run-saved",
        "people",
        "--json",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        output = ""
        for line in process.stdout:
            output += line
            if '"started"' in line:
                break
        for _ in range(2):
            process.send_signal(signal.SIGINT)
            time.sleep(0.6)
        output += process.stdout.read()
        assert process.wait(30) == Exit.INTERRUPTED
    assert events(output)[-1]["interrupted"] is True


def test_a_reader_that_goes_away_does_not_end_the_run(account: Storage, folder: Folder, program: Program) -> None:
    account.put("people.csv", PEOPLE)
    reading, writing = os.pipe()
    os.close(reading)
    command = [
        sys.executable,
        "-m",
        "lytics_azure_tui",
        "--config",
        str(folder.root),
        "--run-saved",
        "people",
        "--json",
    ]
    result = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert result.returncode == Exit.DONE, result.stderr
    (job,) = [event for event in events(program("--list", "--json").stdout) if event["id"] == "people"]
    assert (job["last_run"]["state"], job["last_run"]["rows"]) == ("succeeded", 2)


def _ended(state: RunState, rejected: int = 0, **counts: int) -> Run:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    return Run(
        "1", "people", "All people", "AzureCsvImport", Trigger.MANUAL, state, moment, rejected=rejected, counts=counts
    )


@pytest.mark.parametrize(
    ("summary", "code"),
    [
        (ExitSummary(), Exit.DONE),
        (ExitSummary((_ended(RunState.SUCCEEDED),)), Exit.DONE),
        (ExitSummary((_ended(RunState.SUCCEEDED, 1),)), Exit.QUARANTINED),
        (ExitSummary((_ended(RunState.SUCCEEDED, warnings=1),)), Exit.QUARANTINED),
        (ExitSummary((_ended(RunState.FAILED, warnings=1),)), Exit.FAILED),
        (ExitSummary((_ended(RunState.SUCCEEDED, 1), _ended(RunState.FAILED))), Exit.FAILED),
        (ExitSummary((_ended(RunState.CANCELLED),)), Exit.FAILED),
        (ExitSummary((_ended(RunState.SUCCEEDED, 1),), problems=1), Exit.USAGE),
        (ExitSummary((_ended(RunState.FAILED),), problems=1), Exit.FAILED),
        (ExitSummary((_ended(RunState.FAILED),), interrupted=True), Exit.INTERRUPTED),
    ],
)
def test_what_weighs_more_decides_the_exit_code(summary: ExitSummary, code: Exit) -> None:
    assert exit_of(summary, watch=False) is code


def test_what_ends_a_watch_is_an_interruption_only_for_runs_that_it_cuts_off() -> None:
    assert exit_of(ExitSummary((_ended(RunState.FAILED),), interrupted=True), watch=True) is Exit.DONE
    assert exit_of(ExitSummary((_ended(RunState.RUNNING),), interrupted=True), watch=True) is Exit.INTERRUPTED
