"""The app on a real terminal: it ends when it is told to, or when the terminal is gone, and never shows a secret."""

from __future__ import annotations

import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tui.terminal import PATIENCE, Terminal


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
    terminal.press(b"q")
    terminal.read_rest()
    assert terminal.process.returncode == 0
