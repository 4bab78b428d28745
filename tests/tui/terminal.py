"""A real terminal with the app at its other end, in a process of its own."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
import time
from pathlib import Path

PATIENCE = 20.0


class Terminal:
    """A pty with the app at its other end."""

    def __init__(
        self, folder: Path, *words: str, size: tuple[int, int] = (100, 30), environment: dict[str, str] | None = None
    ) -> None:
        """Starts `terminal_app` with these words, in a terminal of (columns, lines)."""
        self.master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (size[1], size[0]))
        inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "COLORTERM")}
        inherited |= {"TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none", **(environment or {})}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.tui.terminal_app", str(folder), *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=Path(__file__).parents[2],
            env=inherited,
            start_new_session=True,
        )
        os.close(slave)
        os.set_blocking(self.master, False)
        self.shown = b""

    def press(self, keys: bytes) -> None:
        """Types, as a terminal sends it."""
        os.write(self.master, keys)

    def read_until(self, text: bytes, *, since: int = 0) -> None:
        """Reads what the app draws until a text is in it; of what was drawn already, from the byte `since` on."""
        until = time.monotonic() + PATIENCE
        while text not in self.shown[since:]:
            assert time.monotonic() < until, self.shown[-2000:]
            self.read()

    def read_rest(self) -> bytes:
        """Waits for the end, and gives all that was drawn."""
        until = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < until, "the process did not end"
            self.read()
        self.read()
        return self.shown

    def read(self) -> int:
        """Reads what is there, if anything is, and says how many bytes that were."""
        try:
            new = os.read(self.master, 65_536)
        except OSError:
            time.sleep(0.05)
            return 0
        self.shown += new
        return len(new)

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
