"""Looks at what people wrote and what the program keeps: files, secrets, jobs, runner, ledger."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from lytics_azure_tui.config import definitions
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.keys import Keys
from lytics_azure_tui.config.secrets import SecretStore
from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.model.amounts import counted
from lytics_azure_tui.model.authorization import Authorization
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.runner import control, opening
from lytics_azure_tui.runner.doctor.check import Check, failed, ok, problem, warning
from lytics_azure_tui.runner.service import RunnerStatus, runner_status

_PROBE = "doctor-probe"
_PATIENCE = 5.0
"""Seconds for a runner to answer a monitoring system."""


def absent(folder: Folder) -> Check:
    """A configuration folder that is not there."""
    about = f"The configuration folder {folder.root} is not there"
    if folder.default:
        return ok("configuration", f"{about} yet; lyazure-tui makes it")
    return problem("configuration", about, "Correct --config or LYAZURE_CONFIG, or open the screens on it once.")


def configuration(folder: Folder) -> Iterator[Check]:
    """Whether every file can be read and what it refers to is there, and whether nobody else can read it."""
    yield from files(folder)
    for error in folder.without_effect():
        yield warning("configuration", error.what, error.fix)
    others = folder.warnings()
    for line in others:
        about, _, fix = line.partition(". ")
        yield warning("permissions", about, fix)
    if not others:
        yield ok("permissions", "Only you can reach the configuration")


def files(folder: Folder) -> Iterator[Check]:
    """Whether every file can be read and what it refers to is there."""
    if not folder.root.is_dir():
        yield absent(folder)
        return
    broken = folder.problems() + definitions.look(folder)[1]
    for error in broken:
        yield failed("configuration", error)
    if not broken:
        jobs, authorizations = len(folder.jobs()), len(folder.authorizations())
        yield ok("configuration", f"{folder.root}: {counted(jobs, 'job')}, {counted(authorizations, 'authorization')}")


def settings(folder: Folder) -> Iterator[Check]:
    """Whether settings.toml can be read; it need not exist."""
    folder.settings()
    yield ok("settings", "Read" if (folder.root / "settings.toml").exists() else "No settings.toml: the defaults hold")


def secret_store(folder: Folder, store: SecretStore, authorizations: Sequence[Authorization]) -> Iterator[Check]:
    """Whether a secret can be kept and found again; the probe is removed."""
    where = store.describe()
    if folder.settings().secrets.backend == "command":
        yield ok("secrets", where)
        return
    try:
        kept = _round_trip(store)
    except LyazureError as error:
        if not authorizations or not _all_known(store, authorizations):
            raise
        yield warning("secrets", f"{where}. Every secret that is needed is there, but none can be added", error.fix)
        return
    if kept:
        yield ok("secrets", where)
    else:
        yield problem(
            "secrets",
            f"A secret that was put away was not found again. {where}",
            "Choose another backend under [secrets] in settings.toml",
        )


def runner(folder: Folder, *, secrets: bool = True) -> Iterator[Check]:
    """Whether a runner follows the schedules, and whether its lock is its own.

    Args:
        secrets: whether it is asked to open those that scheduled jobs need.
    """
    status = runner_status(folder)
    if status is None:
        yield ok("runner", "None is running; the screens and --watch start one")
    elif not status.running:
        yield warning(
            "runner",
            f"Process {status.pid} ended without letting go of its lock",
            "Open lyazure-tui, or start --watch or --run-saved: the next runner resumes what was under way.",
        )
    elif not status.this_host:
        yield warning(
            "runner",
            "A runner on another machine holds this configuration",
            "Run on that machine, or give each machine a configuration folder of its own.",
        )
    else:
        yield _living(folder, status, secrets=secrets)


def _living(folder: Folder, status: RunnerStatus, *, secrets: bool) -> Check:
    about = f"Running as process {status.pid} since {status.started:%Y-%m-%d %H:%M} UTC"
    scheduled = [job for job in folder.jobs() if job.enabled and not job.lytics and job.config.schedule() is not None]
    needs = sorted({need for job in scheduled for need in opening.needs(job)}) if secrets else []
    patience = control.ANSWER_SECONDS if secrets else _PATIENCE
    answer = control.ask(folder.data_place, Keys(), needs, patience) if status.listens else control.Answer()
    if answer is None:
        fix = f"End it: kill -9 {status.pid}. Its runs go on with the next runner."
        return problem("runner", f"Process {status.pid} does not answer", fix)
    if answer.missing:
        fix = "Open lyazure-tui and type the passphrase, or end the runner and start it where secrets can be opened."
        return problem("runner", f"{about}. It cannot open the secrets of scheduled jobs: {answer.missing}", fix)
    return ok("runner", f"{about}{'; it ends when its runs have' if answer.ending else ''}")


def ledger(path: Path) -> Iterator[Check]:
    """Whether the ledger's file is whole. It is only read."""
    if not path.exists():
        yield ok("ledger", "None yet; the first run makes it")
        return
    fix = f"Stop the runner, move {path} away, and start again: checkpoints and history begin anew."
    try:
        database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
        try:
            found = database.execute("PRAGMA quick_check(1)").fetchone()[0]
        finally:
            database.close()
    except sqlite3.Error as error:
        yield problem("ledger", f"{path} cannot be read: {error}", fix)
        return
    if found == "ok":
        yield ok("ledger", f"{path} is whole")
    else:
        yield problem("ledger", f"{path} is damaged", fix)


def _round_trip(store: SecretStore) -> bool:
    probe = Secret(secrets.token_urlsafe(16))
    store.set(_PROBE, "probe", probe)
    try:
        return store.get(_PROBE, "probe") == probe
    finally:
        store.delete(_PROBE, "probe")


def _all_known(store: SecretStore, authorizations: Sequence[Authorization]) -> bool:
    try:
        return all(store.get(each.id, field) for each in authorizations for field in each.required_secrets())
    except LyazureError:
        return False
