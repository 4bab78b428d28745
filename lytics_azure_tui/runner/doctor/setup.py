"""Looks at what people wrote and what the program keeps: files, secrets, jobs, runner, ledger."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from lytics_azure_tui.config import definitions
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.secrets import SecretStore
from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.model.authorization import Authorization
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.runner.doctor.check import Check, failed, ok, problem, warning

_PROBE = "doctor-probe"


def configuration(folder: Folder) -> Iterator[Check]:
    """Whether every file can be read and what it refers to is there, and whether nobody else can read it."""
    broken = [*folder.problems(), *definitions.look(folder)[1]]
    for error in broken:
        yield failed("configuration", error)
    if not broken:
        jobs, authorizations = len(folder.jobs()), len(folder.authorizations())
        yield ok("configuration", f"{folder.root}: {_count(jobs, 'job')}, {_count(authorizations, 'authorization')}")
    others = folder.warnings()
    for line in others:
        about, _, fix = line.partition(". ")
        yield warning("permissions", about, fix)
    if not others:
        yield ok("permissions", "Only you can reach the configuration")


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


def runner(folder: Folder) -> Iterator[Check]:
    """Whether a runner follows the schedules, and whether its lock is its own."""
    from lytics_azure_tui.runner.service import runner_status

    status = runner_status(folder)
    if status is None:
        yield ok("runner", "None is running; the screens and --watch start one")
    elif not status.this_host:
        yield warning(
            "runner",
            "A runner on another machine holds this configuration",
            "Run on that machine, or give each machine a configuration folder of its own.",
        )
    elif status.running:
        yield ok("runner", f"Running as process {status.pid} since {status.started:%Y-%m-%d %H:%M} UTC")
    else:
        yield warning(
            "runner",
            f"Process {status.pid} ended without letting go of its lock",
            "Nothing to do: the next runner takes over and resumes what was under way.",
        )


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


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
