"""What the doctor and --check say about jobs, and what the data folder's file system can do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lytics_azure_tui.cli.examining import Level, check_all
from lytics_azure_tui.cli.output import Output
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.model.csv_import import CsvImport
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.model.profile_build import PROFILES
from lytics_azure_tui.model.run import Outcome, RunState, Trigger
from lytics_azure_tui.runner.doctor import Check, State, setup
from lytics_azure_tui.runner.doctor.access import pgp_key
from lytics_azure_tui.runner.doctor.check import guarded
from lytics_azure_tui.runner.doctor.jobs import jobs
from lytics_azure_tui.runner.doctor.storage import storage
from lytics_azure_tui.runner.ledger import Ledger

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Past:
    """A folder with one daily job, and runs of it that were."""

    def __init__(self, root: Path) -> None:
        self.moment = NOW
        self.folder = Folder.open(root)
        self.folder.save_authorization(AzureStorage(id="storage", label="Storage"))
        config = CsvImport(stream="people", container="data", filename="people_20260101.csv", continuous_update=True)
        self.job = Job(
            id="daily", label="Daily people", workflow=config.workflow, authorization="storage", config=config
        )
        self.folder.save_job(self.job)
        self.path = self.folder.data / "ledger.db"
        self.ledger = Ledger(self.path, clock=lambda: self.moment)

    def ran(self, ago: timedelta, error: str = "", job: Job | None = None) -> None:
        self.moment = NOW - ago
        run = self.ledger.enqueue(job or self.job, Trigger.SCHEDULE)
        outcome = None if error else Outcome(None, "")
        self.ledger.finish(run.id, RunState.FAILED if error else RunState.SUCCEEDED, outcome=outcome, error=error)

    def seen(self) -> list[Check]:
        return list(jobs(self.folder, self.path, NOW))


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Past]:
    past = Past(tmp_path / "configuration")
    yield past
    past.ledger.close()


def test_a_job_that_ran_when_it_was_due_is_well(past: Past) -> None:
    past.ran(timedelta(hours=23))
    assert [check.state for check in past.seen()] == [State.OK]


def test_a_job_that_stopped_by_itself_is_a_problem_with_the_command_that_resumes_it(past: Past) -> None:
    past.ran(timedelta(hours=1))
    past.ledger.stop_job("daily", "No newer file has come")
    (check,) = past.seen()
    assert (check.state, check.subject) == (State.PROBLEM, "Daily people")
    assert "No newer file has come" in check.about and "--resume daily" in check.fix


@pytest.mark.parametrize(("late", "state"), [(timedelta(minutes=59), State.OK), (timedelta(minutes=61), State.PROBLEM)])
def test_a_job_that_nobody_starts_is_overdue(past: Past, late: timedelta, state: State) -> None:
    past.ran(timedelta(days=1) + late)
    (check,) = past.seen()
    assert check.state is state
    assert ("Overdue" in check.about) == (state is State.PROBLEM)


def test_a_paused_job_is_never_overdue(past: Past) -> None:
    past.ran(timedelta(days=9))
    past.folder.save_job(past.job.model_copy(update={"enabled": False}))
    assert [check.state for check in past.seen()] == [State.OK]


@pytest.mark.parametrize(("times", "state"), [(1, State.WARNING), (3, State.PROBLEM)])
def test_a_job_that_fails_again_and_again_is_a_problem(past: Past, times: int, state: State) -> None:
    past.ran(timedelta(days=5))
    for number in range(times):
        past.ran(timedelta(hours=times - number), "The container is gone")
    (check,) = past.seen()
    assert check.state is state
    assert "The container is gone" in check.about


def test_a_queued_run_without_a_runner_waits_for_ever_and_is_told(past: Past) -> None:
    past.ledger.enqueue(past.job, Trigger.MANUAL)
    (check,) = past.seen()
    assert check.state is State.PROBLEM
    assert "queued, and no runner is at work" in check.about and "Nothing to do" not in check.fix


def test_a_build_of_profiles_that_failed_is_a_problem_until_one_succeeds(past: Past) -> None:
    past.ran(timedelta(hours=1))
    past.ran(timedelta(minutes=9), "There is no space left on the disk", PROFILES)
    (check,) = past.seen()
    assert (check.name, check.state) == ("profiles", State.PROBLEM)
    past.ran(timedelta(minutes=5), job=PROFILES)
    assert [check.state for check in past.seen()] == [State.OK]


def test_a_monitoring_system_gets_one_line_and_its_exit_codes(past: Past, capsys: pytest.CaptureFixture[str]) -> None:
    def line(root: Path, level: Level) -> str:
        assert check_all(root, Output()) is level
        (line,) = capsys.readouterr().out.splitlines()
        assert line.startswith(f"LYAZURE {level.name}: ")
        return line

    root = past.folder.root
    past.moment = datetime.now(UTC)
    past.ledger.finish(past.ledger.enqueue(past.job, Trigger.MANUAL).id, RunState.SUCCEEDED, outcome=Outcome(None, ""))
    assert line(root, Level.OK).endswith("| problems=0 warnings=0")
    past.ledger.stop_job("daily", "No newer\nfile | has come")
    assert "Daily people: Its schedule has stopped: No newer file / has come" in line(root, Level.CRITICAL)
    assert "is not there" in line(root / "nowhere", Level.CRITICAL)


def test_a_mistyped_folder_is_said_and_not_reported_as_a_fault(tmp_path: Path) -> None:
    (check,) = setup.files(Folder.at(tmp_path / "nowhere"))
    assert check.state is State.PROBLEM
    assert "--config" in check.fix


def test_a_checkout_whose_files_are_all_open_is_one_warning(past: Past) -> None:
    for number in range(20):
        past.folder.save_job(past.job.model_copy(update={"id": f"job-{number}"}))
    for path in past.folder.root.rglob("*.toml"):
        path.chmod(0o644)
    warned = [check for check in setup.configuration(past.folder) if check.state is State.WARNING]
    assert len(warned) == 1
    assert warned[0].fix == f"Run: chmod -R go= '{past.folder.root}'"


def test_a_key_without_effect_is_told_with_its_line(past: Past) -> None:
    config = past.job.config.model_copy(update={"continuous_update": False, "diff": True})
    past.folder.save_job(past.job.model_copy(update={"config": config}))
    (check,) = [check for check in setup.configuration(past.folder) if check.state is State.WARNING]
    assert "jobs/daily.toml, line" in check.about and "config.diff" in check.about
    assert "no effect without continuous_update = true" in check.about


def test_a_key_that_is_no_key_is_a_problem() -> None:
    armour = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nbm90IGEga2V5\n-----END PGP PUBLIC KEY BLOCK-----"
    authorization = AzureStorage(id="a", label="Archive", pgppublickey=armour)
    (check,) = guarded("pgp key", lambda: pgp_key(authorization), subject="Archive")
    assert (check.state, check.subject) == (State.PROBLEM, "Archive")
    assert "gpg finds no key" in check.about


def test_tables_can_be_kept_on_a_disk_and_nothing_of_the_look_stays(tmp_path: Path) -> None:
    (check,) = storage(tmp_path)
    assert check.state is State.OK
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_that_cannot_keep_tables_is_a_problem_in_words(tmp_path: Path) -> None:
    """A process that may write no more than 3 kB into a file: locks and small files work, tables do not."""
    code = (
        "import resource, signal, sys; from pathlib import Path;"
        "from lytics_azure_tui.runner.doctor.storage import storage;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100));"
        "(check,) = storage(Path(sys.argv[1])); sys.stdout.write(f'{check.state}: {check.about}. {check.fix}')"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("problem: It is not possible to "), done
    assert str(tmp_path) in done.stdout and "[storage] folder" in done.stdout
