"""The command line on a terminal: a passphrase that is asked for, progress that rewrites itself, the screens."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lytics_azure_tui.cli.output import Exit
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.keys import Keys
from lytics_azure_tui.config.lytics import token
from lytics_azure_tui.config.secrets import open_store, save
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.runner.service import ensure_runner, runner_status, stop_runner
from tests.cli.conftest import import_job, save_jobs
from tests.conftest import Storage

PATIENCE = 60.0
PASSPHRASE = "correct horse battery"


@dataclass
class Terminal:
    """The program on a terminal of its own.

    Attributes:
        seen: all that it wrote.
        told: how much of that was waited for.
    """

    pid: int
    file: int
    seen: str = ""
    told: int = 0

    def until(self, words: str) -> None:
        """Reads until these words appear after those of the call before."""
        self._read(lambda: words in self.seen[self.told :])
        self.told = self.seen.index(words, self.told) + len(words)

    def type(self, text: str) -> None:
        """Types, as a person would."""
        os.write(self.file, text.encode())

    def end(self) -> int:
        """Waits for the end; gives the exit code."""
        self._read(lambda: False)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _read(self, enough: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not enough():
            ready, _, _ = select.select([self.file], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"nothing more came after: {self.seen[-500:]!r}"
            try:
                data = os.read(self.file, 65536)
            except OSError:  # Linux's way to say that the program has let go of the terminal
                return
            if not data:
                return
            self.seen += data.decode(errors="replace")


def _open(folder: Folder, *arguments: str, errors_to: Path | None = None) -> Terminal:
    pid, file = pty.fork()
    if pid == 0:
        if errors_to is not None:
            os.dup2(os.open(errors_to, os.O_WRONLY | os.O_CREAT), 2)
        os.environ["TERM"] = "xterm-256color"
        command = [sys.executable, "-m", "lytics_azure_tui", "--config", str(folder.root), *arguments]
        os.execv(sys.executable, command)
    return Terminal(pid, file)


def test_the_screens_are_not_drawn_into_a_file(folder: Folder) -> None:
    terminal = _open(folder, errors_to=folder.root / "errors")
    assert terminal.end() == Exit.USAGE
    assert "The screens need a terminal, for stdin, stdout and stderr" in (folder.root / "errors").read_text()


@pytest.fixture
def locked(storage: Storage, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A folder whose secrets are in an encrypted file, and a job; the passphrase is not in the environment."""
    (folder.root / "settings.toml").write_text('[secrets]\nbackend = "file"\n')
    save_jobs(folder, [import_job("people", "All people", container=storage.container)])
    save(folder, open_store(folder, Keys(Secret(PASSPHRASE))), storage.authorization())
    storage.put("people.csv", "name,city\nAda,London\n")
    monkeypatch.delenv("LYAZURE_PASSPHRASE", raising=False)
    return folder


def test_the_passphrase_is_asked_for_and_not_shown(locked: Folder) -> None:
    terminal = _open(locked, "--run-saved", "people")
    terminal.until("Passphrase of the encrypted secrets")
    terminal.type("not this one\n")
    terminal.until("does not open")
    terminal.until("Passphrase of the encrypted secrets")
    terminal.type(PASSPHRASE + "\n")
    assert terminal.end() == Exit.DONE, terminal.seen
    assert "succeeded" in terminal.seen
    assert PASSPHRASE not in terminal.seen
    assert "not this one" not in terminal.seen


def test_nobody_is_asked_while_a_runner_is_at_work_that_was_told(locked: Folder) -> None:
    ensure_runner(locked, Keys(Secret(PASSPHRASE)))
    try:
        terminal = _open(locked, "--run-saved", "people")
        assert terminal.end() == Exit.DONE, terminal.seen
        assert "runs are handed to it" in terminal.seen
        assert "Passphrase" not in terminal.seen
    finally:
        stop_runner(locked)


def test_a_new_passphrase_is_typed_twice(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LYAZURE_PASSPHRASE", raising=False)
    (folder.root / "settings.toml").write_text('[secrets]\nbackend = "file"\n')
    terminal = _open(folder, "--lytics-token")
    terminal.until("API token")
    terminal.type("token\n")
    terminal.until("Choose a passphrase")
    terminal.type(PASSPHRASE + "\n")
    terminal.until("The same again")
    terminal.type("a typing error\n")
    terminal.until("Choose a passphrase")
    for _ in range(2):
        terminal.type(PASSPHRASE + "\n")
        time.sleep(0.5)
    assert terminal.end() == Exit.DONE, terminal.seen
    assert token(open_store(folder, Keys(Secret(PASSPHRASE)))).reveal() == "token"
    assert PASSPHRASE not in terminal.seen


def test_ctrl_c_at_the_passphrase_is_an_interruption(locked: Folder) -> None:
    terminal = _open(locked, "--dry-run", "people")
    terminal.until("Passphrase of the encrypted secrets")
    terminal.type("\x03")
    assert terminal.end() == Exit.INTERRUPTED
    assert "Traceback" not in terminal.seen


def test_progress_rewrites_its_line(storage: Storage, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LYAZURE_SECRET_STORAGE_CONNECTION_STRING", storage.connection_string.reveal())
    save_jobs(folder, [import_job("people", "All people", container=storage.container)])
    storage.put("people.csv", "name,city\n" + "Ada,London\n" * 2_000_000)
    terminal = _open(folder, "--run-saved", "people")
    assert terminal.end() == Exit.DONE, terminal.seen
    assert "\x1b[1A" in terminal.seen
    assert "2,000,000 rows" in terminal.seen


def test_a_runner_that_is_killed_while_the_screens_are_open_is_replaced_and_what_is_started_runs(
    locked: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    terminal = _open(locked)
    try:
        terminal.until("needs a passphrase")
        terminal.type(PASSPHRASE + "\r")
        terminal.until("● runner")
        first = runner_status(locked)
        assert first is not None
        os.kill(first.pid, signal.SIGKILL)
        terminal.until("runner not running")
        terminal.until("● runner")
        terminal.type("s")
        terminal.until("succeeded")
        terminal.type("q")
        assert terminal.end() == Exit.DONE
    finally:
        stop_runner(locked)


def test_without_options_the_screens_open(folder: Folder) -> None:
    save_jobs(folder, [import_job("people", "All people")])
    terminal = _open(folder)
    try:
        terminal.until("All people")
        terminal.type("q")
        assert terminal.end() == Exit.DONE
    finally:
        stop_runner(folder)
