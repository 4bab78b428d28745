"""--list: jobs on stdout, everything else on stderr, and nothing made."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lytics_azure_tui.cli.listing import matching, state_of
from lytics_azure_tui.cli.output import Exit
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.model.run import JobState, Run, RunState, Trigger
from lytics_azure_tui.tui.figures import when
from tests.cli.conftest import Program, events, import_job, save_jobs, tree

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HEAVY = ("textual", "rich", "azure", "duckdb", "deltalake", "keyring", "tomlkit", "asyncio", "httpx", "requests")


def test_jobs_are_on_stdout_with_id_label_and_state(folder: Folder, program: Program) -> None:
    save_jobs(
        folder,
        [
            import_job("daily", "Daily customers", continuous_update=True),
            import_job("once", "Old contacts"),
            import_job("off", "Web events").model_copy(update={"enabled": False}),
        ],
    )
    result = program("--list")
    assert (result.returncode, result.stderr) == (Exit.DONE, "")
    head, *lines = [re.split(r" {2,}", line) for line in result.stdout.splitlines()]
    assert head == ["ID", "LABEL", "STATE", "NEXT RUN", "LAST RUN"]
    never = when(None, NOW, None)
    assert lines == [
        ["daily", "Daily customers", "scheduled", "now", never],
        ["once", "Old contacts", "ready", never, never],
        ["off", "Web events", "paused", never, never],
    ]


def test_json_lines(folder: Folder, program: Program) -> None:
    save_jobs(folder, [import_job("daily", "Daily customers", continuous_update=True)])
    result = program("--list", "--json")
    (job,) = events(result.stdout)
    assert job.pop("next_due") <= job.pop("at")  # it never ran, so it is due at once
    assert job == {
        "event": "job",
        "id": "daily",
        "label": "Daily customers",
        "workflow": "AzureCsvImport",
        "authorization": "storage",
        "enabled": True,
        "state": "scheduled",
        "stopped": None,
        "lytics": None,
        "last_run": None,
    }


def test_nothing_is_made_where_nothing_is(tmp_path: Path, program: Program) -> None:
    before = tree(tmp_path)
    result = program("--list", config=tmp_path / "nowhere")
    assert (result.returncode, result.stdout) == (Exit.DONE, "")
    assert "No jobs are saved" in result.stderr
    assert tree(tmp_path) == before


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_listed(folder: Folder, program: Program) -> None:
    save_jobs(folder, [import_job("daily", "Daily customers")])
    (folder.jobs_dir / "broken.toml").write_text('label = "x"\nnonsense\n')
    result = program("--list", "--json")
    assert result.returncode == Exit.USAGE
    job, error = events(result.stdout)
    assert (job["event"], job["id"]) == ("job", "daily")
    assert error["event"] == "error"
    assert "jobs/broken.toml, line 2" in error["what"]
    assert "jobs/broken.toml, line 2" in result.stderr


def test_a_label_cannot_command_the_terminal(folder: Folder, program: Program) -> None:
    save_jobs(folder, [import_job("evil", "a\x1b[2J\x07b\nc")])
    result = program("--list")
    assert "\x1b" not in result.stdout
    assert "\x07" not in result.stdout
    assert len(result.stdout.splitlines()) == 2


def test_wide_characters_keep_the_columns_straight(folder: Folder, program: Program) -> None:
    save_jobs(folder, [import_job("a", "顧客データ"), import_job("b", "Customers!")])
    head, *lines = program("--list").stdout.splitlines()
    column = head.index("STATE")
    assert lines[0].index("ready") == column
    assert lines[1].index("ready") == column - 5  # five characters of two cells


def test_a_reader_that_goes_away_is_no_error(folder: Folder) -> None:
    save_jobs(folder, [import_job(f"job-{number}", f"Job {number}") for number in range(50)])
    command = [sys.executable, "-m", "lytics_azure_tui", "--config", str(folder.root), "--list"]
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (result.returncode, result.stderr) == (Exit.DONE, "")


def test_an_unforeseen_error_gives_one_line_and_a_log_without_secrets(folder: Folder, program: Program) -> None:
    save_jobs(folder, [import_job("daily", "Daily customers")])
    path = folder.root / "sitecustomize.py"
    path.write_text(
        "import lytics_azure_tui.config.folder as f\n"
        "def jobs(self): raise RuntimeError('AccountKey=hunter2; and more')\n"
        "f.Folder.jobs = jobs\n"
    )
    result = program("--list", PYTHONPATH=str(folder.root))
    assert result.returncode == Exit.FAILED
    assert len(result.stderr.splitlines()) == 1
    assert "RuntimeError" in result.stderr
    log = Path(result.stderr.split("The details are in ")[1].strip())
    assert log.stat().st_mode & 0o077 == 0
    text = log.read_text()
    assert "Traceback" in text
    assert "hunter2" not in text + result.stderr + result.stdout


@pytest.mark.parametrize("option", ["--list", "--version", "--help"])
def test_a_quick_answer_imports_nothing_heavy(option: str, folder: Folder) -> None:
    save_jobs(folder, [import_job("daily", "Daily customers", continuous_update=True)])
    script = (
        "import sys, json, atexit\n"
        "atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))\n"
        f"sys.argv = ['lyazure-tui', '--config', {str(folder.root)!r}, {option!r}]\n"
        "from lytics_azure_tui.cli import main\n"
        "main()\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout
    loaded = set(json.loads(result.stderr))
    assert "lytics_azure_tui.cli.command" in loaded
    assert {name for name in HEAVY if name in loaded} == set()


def test_completion_offers_ids_by_the_beginning_of_id_or_label(folder: Folder) -> None:
    save_jobs(folder, [import_job("nightly", "Daily customers"), import_job("web", "Web events")])
    assert matching(folder.root, "dai") == [("nightly", "Daily customers")]
    assert matching(folder.root, "w") == [("web", "Web events")]
    assert matching(folder.root, "") == [("nightly", "Daily customers"), ("web", "Web events")]
    assert matching(folder.root / "nowhere", "") == []


def _run(state: RunState) -> Run:
    return Run("1", "daily", "Daily", "AzureCsvImport", Trigger.MANUAL, state, NOW)


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (JobState(), "ready"),
        (JobState(last_run=_run(RunState.RUNNING)), "running"),
        (JobState(last_run=_run(RunState.RETRYING), stopped="no next file"), "retrying"),
        (JobState(last_run=_run(RunState.SUCCEEDED), stopped="no next file"), "stopped"),
        (JobState(last_run=_run(RunState.FAILED)), "ready"),
    ],
)
def test_where_a_job_stands(state: JobState, word: str) -> None:
    assert state_of(import_job("daily", "Daily"), state) == word
