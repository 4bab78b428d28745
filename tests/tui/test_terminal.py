"""The app on a real terminal: it ends when it is told to, or when the terminal is gone, and never shows a secret."""

from __future__ import annotations

import os
import pty
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PATIENCE = 20.0


class Terminal:
    """A pty with the app at its other end."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.tui.terminal_app", str(folder), *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30", "TEXTUAL_ANIMATIONS": "none"},
            start_new_session=True,
        )
        os.close(slave)
        self.shown = b""

    def read_until(self, text: bytes) -> None:
        """Reads what the app draws until a text is in it."""
        os.set_blocking(self.master, False)
        until = time.monotonic() + PATIENCE
        while text not in self.shown:
            assert time.monotonic() < until, self.shown[-2000:]
            self._read()

    def read_rest(self) -> bytes:
        """Waits for the end, and gives all that was drawn."""
        until = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < until, "the process did not end"
            self._read()
        self._read()
        return self.shown

    def _read(self) -> None:
        try:
            self.shown += os.read(self.master, 65_536)
        except OSError:
            time.sleep(0.05)

    def hang_up(self) -> None:
        """What the app sees when the SSH connection is gone."""
        os.close(self.master)
        self.master = -1

    def close(self) -> None:
        """Leaves nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.master >= 0:
            os.close(self.master)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "config"


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    """Terminals that are closed after the test."""
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


def opened(terminals: list[Terminal], folder: Path, *words: str) -> Terminal:
    """A terminal in which the dashboard has been drawn."""
    terminal = Terminal(folder, *words)
    terminals.append(terminal)
    terminal.read_until(b"Nothing is set up yet")
    return terminal


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_the_terminal_is_as_before(
    terminals: list[Terminal], folder: Path, number: signal.Signals
) -> None:
    terminal = opened(terminals, folder)
    terminal.process.send_signal(number)
    shown = terminal.read_rest()
    assert b"\x1b[?1049l" in shown, "the screen before it is back"
    assert b"\x1b[?25h" in shown, "the cursor is back"
    assert b"Traceback" not in shown


@pytest.mark.parametrize("words", [(), ("nohup",)], ids=["hang-up", "hang-up ignored"])
def test_a_lost_terminal_ends_it(terminals: list[Terminal], folder: Path, words: tuple[str, ...]) -> None:
    terminal = opened(terminals, folder, *words)
    terminal.hang_up()
    terminal.process.wait(PATIENCE)


def test_a_fault_shows_one_plain_line_and_no_secret(terminals: list[Terminal], folder: Path) -> None:
    terminal = Terminal(folder, "fault")
    terminals.append(terminal)
    shown = terminal.read_rest()
    assert terminal.process.returncode == 1
    assert b"stopped because of a fault" in shown
    for word in (b"hunter2", b"Traceback", b"RuntimeError"):
        assert word not in shown
    (path,) = folder.rglob("screen.log")
    text = path.read_text()
    assert "RuntimeError: a fault with 18 characters in its locals" in text
    assert "hunter2" not in text.replace('Secret("AccountKey=hunter2")', "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_q_ends_it(terminals: list[Terminal], folder: Path) -> None:
    terminal = opened(terminals, folder)
    os.write(terminal.master, b"q")
    terminal.read_rest()
    assert terminal.process.returncode == 0
