"""--pause and --resume from the command line, and the exit code of a job that has stopped by itself."""

from __future__ import annotations

from lytics_azure_tui.cli.output import Exit
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.runner.service import opened
from tests.cli.conftest import Program, events, import_job, save_jobs


def test_a_schedule_is_paused_and_resumed_and_what_stopped_is_told(folder: Folder, program: Program) -> None:
    save_jobs(folder, [import_job("daily", "Daily people", continuous_update=True)])
    done = program("--pause", "daily people")
    assert (done.returncode, done.stdout) == (Exit.DONE, "Daily people: paused\n")
    assert not folder.job("daily").enabled
    assert program("--run-saved").returncode == Exit.DONE, "a paused job is not due"
    with opened(folder) as ledger:
        ledger.stop_job("daily", "No newer file has come")
    done = program("--resume", "daily", "--json")
    assert [(event["event"], event["id"]) for event in events(done.stdout)] == [("resumed", "daily")]
    assert "No runner is at work" in done.stderr
    assert folder.job("daily").enabled
    with opened(folder) as ledger:
        assert ledger.job_state("daily").stopped is None
        ledger.stop_job("daily", "No newer file has come")
    stopped = program("--run-saved")
    assert stopped.returncode == Exit.FAILED
    assert "The schedule of Daily people has stopped: No newer file has come" in stopped.stderr
    assert program("--pause", "nothing").returncode == Exit.USAGE
