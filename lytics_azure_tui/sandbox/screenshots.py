"""Draws the README's pictures, the screens on a demo's data: `python -m lytics_azure_tui.sandbox.screenshots DIR`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC
from pathlib import Path

from textual.pilot import Pilot
from textual.worker import WorkerError

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.sandbox.demo import SAVED_IMPORTS, demo, run_program
from lytics_azure_tui.tui.app import LyazureApp
from lytics_azure_tui.tui.desk import Desk
from lytics_azure_tui.tui.overview import Overview

SIZE = (120, 34)
WAIT_SECONDS = 60.0
SETTLE_SECONDS = 1.5


def main(target: Path) -> int:
    """Makes a demo with some runs behind it, and takes its pictures."""
    target.mkdir(parents=True, exist_ok=True)
    with demo() as folder:
        for label in (*SAVED_IMPORTS, "Legacy contacts"):
            run_program(folder, "--run-saved", label)
        asyncio.run(_draw(folder, target))
    return 0


async def _draw(folder: Folder, target: Path) -> None:
    desk = Desk.open(folder.root)
    # As on a person's machine, and the same on each that draws the pictures.
    desk.zone, desk.host, desk.place = UTC, "atlas", "~/.config/lyazure-tui"
    app = LyazureApp(desk)
    async with app.run_test(size=SIZE) as pilot:

        async def take(name: str, *keys: str) -> None:
            for key in keys:
                await pilot.press(key)
                await _settled(pilot)
            app.save_screenshot(f"{name}.svg", str(target))

        def seen() -> Overview:
            return app.overview or Overview()

        await _until(pilot, lambda: seen().runner is not None)
        await asyncio.to_thread(desk.start_now, "web-events")
        await _until(pilot, lambda: any(run.progress.bytes_done for run in seen().active))
        await take("dashboard")
        # The import, and the profiles that are built of it.
        while seen().active or (await asyncio.to_thread(desk.lytics.figures)).behind:
            await pilot.pause(0.5)
        await take("streams", "3", "down", "v")
        await take("mapping", "up", "m")
        await take("profiles", "escape", "4", "slash", *"ada.b", "enter", "down")
        await take("audience", "5", "down", "down", "e")
        await pilot.press("escape")
        await take("authorizations", "2", "t")
        await take("quarantine", "1", *["down"] * 3, "o", "w")
        await take("files", "escape", "up", "up", "e", "tab", "tab", "down", "down", "down", "enter", "down", "down")
        await take("review", "escape", "ctrl+n", "ctrl+n")
        await take("tables", *["escape"] * 5, *["down"] * 4, "e", "down")
    desk.close()


async def _settled(pilot: Pilot[int]) -> None:
    """Waits for what the last key set off, but not for what watches as long as its screen is open."""
    with suppress(TimeoutError, WorkerError):
        async with asyncio.timeout(SETTLE_SECONDS):
            await pilot.app.workers.wait_for_complete()
    await pilot.pause(0.2)


async def _until(pilot: Pilot[int], reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not reached():
            await pilot.pause(0.05)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
