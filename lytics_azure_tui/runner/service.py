"""What the screens and the command line ask of the runner. Everything here may block for some seconds."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lytics_azure_tui import __version__
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.passphrase import passphrase as known_passphrase
from lytics_azure_tui.errors import BadConfiguration, Fatal
from lytics_azure_tui.model.run import Answer, Run, Trigger
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.model.sql_import import SqlImport
from lytics_azure_tui.runner import lock, places
from lytics_azure_tui.runner.forgetting import Report, forget_apart
from lytics_azure_tui.runner.ledger import Ledger
from lytics_azure_tui.runner.lock import Holder
from lytics_azure_tui.runner.spawn import spawn

START_SECONDS = 20.0
STOP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class RunnerStatus:
    """The runner of a folder.

    Attributes:
        pid: its process.
        started: when, UTC.
        running: False when it died without letting go of its lock; the next one takes over.
        this_host: False when it is on another machine; then whether it runs cannot be told.
        background: False for one that a person or cron runs in the foreground.
        unlocked: whether it has the passphrase of the encrypted secrets.
        version: of the program that it runs.
    """

    pid: int
    started: datetime
    running: bool
    this_host: bool
    background: bool = True
    unlocked: bool = False
    version: str = __version__


def runner_status(folder: Folder) -> RunnerStatus | None:
    """The runner that holds the folder's lock, dead or alive; None when there is none."""
    found = lock.holder(folder.data_place)
    return None if found is None else _status(found)


def _status(found: Holder) -> RunnerStatus:
    return RunnerStatus(
        pid=found.pid,
        started=found.started,
        running=found.lives,
        this_host=found.this_host,
        background=found.background,
        unlocked=found.unlocked,
        version=found.version,
    )


def ensure_runner(folder: Folder, passphrase: Secret | None = None) -> RunnerStatus:
    """Finds the runner, or starts one in the background that outlives this process.

    A background runner makes place for a new one when it lacks the passphrase that is given here, or is of another
    version than this program; its runs go on.

    Raises:
        Fatal: it does not start.
    """
    passphrase = known_passphrase(passphrase)
    status = runner_status(folder)
    if status is not None and status.running:
        outdated = status.version != __version__ or (passphrase is not None and not status.unlocked)
        if not (outdated and status.background and status.this_host):
            return status
        _send(folder, status.pid, signal.SIGUSR1)
        _wait_for_end(folder, status.pid, START_SECONDS)
    log = places.runner_log(folder)
    child = spawn("lytics_azure_tui.runner.background", folder, [], passphrase=passphrase, log=log)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        status = runner_status(folder)
        if status is not None and status.running:
            return status
        if child.poll():
            break
        time.sleep(0.05)
    raise Fatal("The background runner does not start", why=_last_line(log), fix=f"Look at {log}, or use --watch")


def stop_runner(folder: Folder, *, seconds: float = STOP_SECONDS) -> bool:
    """Ends the runner and its runs at once; the runs go on when a runner comes.

    Returns:
        Whether there was one.

    Raises:
        Fatal: it does not end.
    """
    status = runner_status(folder)
    if status is None or not status.running or not status.this_host:
        return False
    deadline = time.monotonic() + seconds
    while _is_runner(folder, status.pid):
        if time.monotonic() > deadline:
            raise Fatal(f"The runner, process {status.pid}, does not end", fix=f"End it by: kill -9 {status.pid}")
        # The first asks it to let runs finish, each further one to stop.
        _send(folder, status.pid, signal.SIGTERM)
        time.sleep(0.3)
    return True


def start_now(folder: Folder, job_id: str) -> Run:
    """Queues a run of a job, or gives the one that is on its way. A schedule that had ended is taken up again."""
    job = folder.job(job_id)
    with opened(folder) as ledger:
        if ledger.job_state(job_id).stopped is not None:
            ledger.resume_job(job_id)
        return ledger.enqueue(job, Trigger.MANUAL)


def answer(folder: Folder, job_id: str, chosen: Answer) -> None:
    """Has a job begin anew or go on, where its source is not what the last run has read. Starts no run.

    Raises:
        BadConfiguration: it is not of a kind that goes on from what it has read.
        Fatal: a run of it is active.
    """
    job = folder.job(job_id)
    job.require_here()
    if not job.config.asks_how_to_go_on:
        raise BadConfiguration(f"{job.label} is no {SqlImport.title}", why="Only those begin anew or go on by request")
    with opened(folder) as ledger:
        ledger.answer(job_id, chosen)


def cancel(folder: Folder, run_id: str) -> Run:
    """Asks a run to end.

    Raises:
        Fatal: it is past the point up to which that is possible.
    """
    with opened(folder) as ledger:
        ledger.request_cancel(run_id)
        run = ledger.run(run_id)
    if not run.state.ended and not run.cancel_requested:
        raise Fatal("The run can no longer be cancelled", why="It has begun to make its rows visible")
    return run


def replay(folder: Folder, run_id: str) -> Run:
    """Queues a run that reads the quarantined rows of another again, by the job as it is now.

    Raises:
        BadConfiguration: there are no such rows, they were replayed already, the job is gone, or a run of it is active.
    """
    with opened(folder) as ledger:
        run = ledger.run(run_id)
        if not run.state.ended or not ledger.quarantine_files(run_id):
            raise BadConfiguration(f"Run {run_id} has no quarantined rows that could be replayed")
        queued = ledger.enqueue(folder.job(run.job), Trigger.REPLAY, replay_of=run_id)
        if queued.replay_of != run_id:
            raise BadConfiguration(
                f"A run of {run.label} is active",
                why="A job has one run at a time",
                fix="Replay the rows when it has ended",
            )
        return queued


def forget(folder: Folder, value: str, passphrase: Secret | None = None) -> Report:
    """Removes everyone who has an identifier of this value, in a process of its own.

    Args:
        passphrase: of the encrypted secrets, if it was typed.

    Raises:
        BadConfiguration: nobody has.
        RetryLater: runs are at work.
    """
    return forget_apart(folder, value, known_passphrase(passphrase))


def delete_job(folder: Folder, job_id: str) -> None:
    """Deletes a job: its file, its checkpoint and its schedule. Its runs stay to be looked at.

    Raises:
        Fatal: a run of it is active.
        BadConfiguration: there is no such job, or it runs at Lytics, where nobody would know of it any more.
    """
    folder.job(job_id).require_here()
    with opened(folder) as ledger:
        # First what may refuse.
        ledger.forget_job(job_id)
        folder.delete_job(job_id)


@contextmanager
def opened(folder: Folder) -> Iterator[Ledger]:
    """The folder's ledger, closed at the end."""
    ledger = Ledger(places.ledger_file(folder))
    try:
        yield ledger
    finally:
        ledger.close()


def _is_runner(folder: Folder, pid: int) -> bool:
    found = lock.holder(folder.data_place)
    return found is not None and found.pid == pid and found.lives


def _send(folder: Folder, pid: int, number: signal.Signals) -> None:
    # The number may have become another's since it was read.
    if _is_runner(folder, pid):
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _wait_for_end(folder: Folder, pid: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while _is_runner(folder, pid) and time.monotonic() < deadline:
        time.sleep(0.05)


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""
