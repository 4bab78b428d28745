"""What the screens and the command line ask of the runner. Everything here may block for some seconds."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lytics_azure_tui import __version__
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.keys import Keys, known
from lytics_azure_tui.config.secrets import open_store
from lytics_azure_tui.errors import BadConfiguration, Fatal, NotAuthorised, RetryLater
from lytics_azure_tui.model.run import Answer, Run, RunState, Trigger
from lytics_azure_tui.model.sql_import import SqlImport
from lytics_azure_tui.runner import control, lock, opening, places
from lytics_azure_tui.runner.forgetting import Report, forget_apart
from lytics_azure_tui.runner.ledger import Ledger
from lytics_azure_tui.runner.lock import Holder
from lytics_azure_tui.runner.spawn import spawn

START_SECONDS = 30.0
_STARTS = 5
"""So often one is started that ends at once, as another took the lock before it; that one may end, too."""
STOP_SECONDS = 15.0
_LEAVING_SECONDS = 0.5
"""A runner that ends closes its socket a moment before it lets go of its lock."""


@dataclass(frozen=True, slots=True)
class RunnerStatus:
    """The runner of a folder.

    Attributes:
        pid: its process.
        started: when, UTC.
        running: False when it died without letting go of its lock; the next one takes over.
        this_host: False when it is on another machine, or this one had another name.
        background: False for one that a person or cron runs in the foreground.
        version: of the program that it runs.
        listens: whether it can be given keys.
    """

    pid: int
    started: datetime
    running: bool
    this_host: bool
    background: bool = True
    version: str = __version__
    listens: bool = True


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
        version=found.version,
        listens=found.listens,
    )


def ensure_runner(folder: Folder, keys: Keys | None = None, needs: Sequence[str] = ()) -> RunnerStatus:
    """Makes sure of a runner that lives and can open the secrets that a run needs. Whoever queues a run calls this.

    A runner that is at work is given the keys. A background runner that cannot open the secrets all the same, is about
    to end, or is of another version than this program makes place for a new one; its runs go on.

    Args:
        keys: to open secrets with, besides those that this process was started with.
        needs: ids of the authorizations whose secrets the run opens.

    Raises:
        PassphraseNeeded, NotAuthorised, BadConfiguration: neither the runner nor this process can open them.
        RetryLater: a runner in the foreground is about to end.
        Fatal: it does not start, or does not answer.
    """
    keys = (keys or Keys()).over(known())
    started: subprocess.Popen[bytes] | None = None
    starts, deadline, required = 0, 0.0, False
    while not starts or time.monotonic() < deadline:
        status = runner_status(folder)
        if status is None or not status.running:
            if started is not None and started.poll() is None:
                time.sleep(0.05)
                continue
            if started is not None and (started.poll() or starts == _STARTS):
                break
            if needs and not required:
                opening.require(folder, open_store(folder, keys), needs)
                required = True
            started = _start(folder, keys)
            # Counted from here: on a busy machine all that comes before may have taken long.
            starts, deadline = starts + 1, time.monotonic() + START_SECONDS
        elif started is not None and status.pid == started.pid:
            # It has the keys, and what was tried here.
            return status
        elif not status.this_host or _serves(folder, status, keys, needs):
            return status
        else:
            required = True
            _end(folder, status)
    log = places.runner_log(folder)
    raise Fatal("The background runner does not start", why=_last_line(log), fix=f"Look at {log}, or use --watch")


def _start(folder: Folder, keys: Keys) -> subprocess.Popen[bytes]:
    log = places.runner_log(folder)
    return spawn("lytics_azure_tui.runner.background", folder, [], keys=keys, log=log)


def _serves(folder: Folder, status: RunnerStatus, keys: Keys, needs: Sequence[str]) -> bool:
    """Gives a runner the keys. Returns whether it will do; False when another is to take its place.

    Raises:
        LyazureError: it will not do, and no other can take its place.
    """
    answer = control.ask(folder.data, keys, needs) if status.listens else None
    current = status.version == __version__ or not status.background
    if current and answer is not None and answer.ready:
        return True
    if needs:
        # What is missing here as well is said, or asked for, before anything ends.
        opening.require(folder, open_store(folder, keys), needs)
    if answer is None and not status.background:
        if not status.listens:
            return True  # there is no way to ask
        time.sleep(_LEAVING_SECONDS)
        if _is_runner(folder, status.pid):
            raise _silent(status)
    if status.background or answer is None:
        return False
    if answer.missing:
        raise NotAuthorised(
            f"The runner, process {status.pid}, cannot open the secrets that the run needs",
            why=answer.missing,
            fix=f"End it (kill {status.pid}) and start it where the secrets can be opened",
        )
    if needs:
        raise RetryLater(
            f"The runner, process {status.pid}, is ending, and starts no new runs",
            fix=f"Wait until it has ended, or end it at once: kill {status.pid}",
        )
    return True


def _end(folder: Folder, status: RunnerStatus) -> None:
    """Has a background runner leave its runs to the next one."""
    _send(folder, status.pid, signal.SIGUSR1)
    deadline = time.monotonic() + STOP_SECONDS
    while _is_runner(folder, status.pid):
        if time.monotonic() > deadline:
            raise _silent(status)
        time.sleep(0.05)


def _silent(status: RunnerStatus) -> Fatal:
    return Fatal(
        f"The runner, process {status.pid}, does not answer",
        fix=f"End it: kill -9 {status.pid}. Its runs go on with the next runner",
    )


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


def start_now(folder: Folder, job_id: str, keys: Keys | None = None) -> Run:
    """Queues a run of a job, or gives the one that is on its way. A schedule that had ended is taken up again.

    Raises:
        LyazureError: see `ensure_runner`; then nothing is queued.
    """
    job = folder.job(job_id)
    job.require_here()
    ensure_runner(folder, keys, opening.needs(job))
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


def replay(folder: Folder, run_id: str, keys: Keys | None = None) -> Run:
    """Queues a run that reads the quarantined rows of another again, by the job as it is now.

    Raises:
        BadConfiguration: there are no such rows, they were replayed already, the job is gone, or a run of it is active.
        LyazureError: see `ensure_runner`; then nothing is queued.
    """
    with opened(folder) as ledger:
        run = ledger.run(run_id)
        if not run.state.ended or not ledger.quarantine_files(run_id):
            raise BadConfiguration(f"Run {run_id} has no quarantined rows that could be replayed")
        if run.state is not RunState.SUCCEEDED:
            raise BadConfiguration(
                f"Run {run_id} imported nothing, so that its quarantined rows alone are not replayed",
                fix="Mend the cause and start the job again: it reads all rows",
            )
        job = folder.job(run.job)
        ensure_runner(folder, keys, opening.needs(job))
        queued = ledger.enqueue(job, Trigger.REPLAY, replay_of=run_id)
        if queued.replay_of != run_id:
            raise BadConfiguration(
                f"A run of {run.label} is active",
                why="A job has one run at a time",
                fix="Replay the rows when it has ended",
            )
        return queued


def forget(folder: Folder, value: str, keys: Keys | None = None) -> Report:
    """Removes everyone who has an identifier of this value, in a process of its own.

    Args:
        keys: to open secrets with, besides those that this process was started with.

    Raises:
        BadConfiguration: nobody has.
        RetryLater: runs are at work.
    """
    return forget_apart(folder, value, (keys or Keys()).over(known()))


def pause(folder: Folder, job_id: str, *, paused: bool) -> None:
    """Pauses a job's schedule, or takes it up again, also where it stopped by itself.

    Raises:
        BadConfiguration: there is no such job.
    """
    job = folder.job(job_id)
    if job.enabled is paused:
        folder.save_job(job.model_copy(update={"enabled": not paused}))
    if not paused:
        with opened(folder) as ledger:
            ledger.resume_job(job_id)


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


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""
