"""The app in a process of its own, on a terminal: `python -m tests.tui.terminal_app FOLDER`, and words of `main`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.tui.app import LyazureApp
from lytics_azure_tui.tui.themes import terminal_colours
from tests.tui.lived_in import lived_in
from tests.tui.world import World


class FaultyApp(LyazureApp):
    """Breaks down half a second after it has opened."""

    def on_ready(self) -> None:
        super().on_ready()
        self.set_timer(0.5, self._break)

    def _break(self) -> None:
        revealed = Secret("AccountKey=hunter2").reveal()
        raise RuntimeError(f"a fault with {len(revealed)} characters in its locals")


def main() -> int:
    """Runs the app until it ends."""
    if "nohup" in sys.argv:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    kind = FaultyApp if "fault" in sys.argv else LyazureApp
    world = World(Path(sys.argv[1]), pytest.MonkeyPatch())
    if "lived-in" in sys.argv:
        lived_in(world)
    app = kind(world.desk, colours=terminal_colours())
    app.run()
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(main())
