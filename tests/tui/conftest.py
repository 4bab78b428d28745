"""What the tests of the screens share: a world that stands still, and pictures that can be compared."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from threading import Event
from typing import Any, NoReturn, Protocol

import pytest
from pytest_textual_snapshot import SVGImageExtension  # type: ignore[import-untyped]
from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, TextArea
from textual.worker import Worker

from lytics_azure_tui.errors import Cancelled
from lytics_azure_tui.tui.widgets.problem import Problem
from tests.tui.world import World

SNAPSHOTS = Path(__file__).parents[2] / "snapshots"
Never = Callable[..., NoReturn]
FAULT = "The details are in logs/"
SMALL, LARGE = (80, 24), (120, 36)


class _AtTheRoot(SVGImageExtension):  # type: ignore[misc]
    """Pictures lie in one folder at the root, a folder for each module of tests."""

    @classmethod
    def dirname(cls, *, test_location: object) -> str:
        module = Path(str(getattr(test_location, "filepath"))).stem  # noqa: B009 -- syrupy is not typed
        return str(SNAPSHOTS / module)


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's shows in a picture."""
    monkeypatch.setattr("pytest_textual_snapshot.SVGImageExtension", _AtTheRoot)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("textual.widgets.Input.cursor_blink", False)
    monkeypatch.setattr("textual.widgets.TextArea.cursor_blink", False)


@pytest.fixture(autouse=True)
def quick_typist(monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters come into a line as from a quick typist. Textual would wait a tenth of a second after each."""
    press = Pilot.press

    async def type_or_press(pilot: Pilot[Any], *keys: str) -> None:
        for is_text, group in groupby(keys, lambda key: len(key) == 1):
            together = list(group)
            driver = pilot.app._driver
            assert driver is not None
            while is_text and len(together) > 1 and isinstance(pilot.app.focused, Input | TextArea):
                letter = together.pop(0)
                event = events.Key(letter if letter.isalnum() else _character_to_key(letter), letter)
                event.set_sender(pilot.app)
                driver.send_message(event)
            await press(pilot, *together)

    monkeypatch.setattr(Pilot, "press", type_or_press)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An empty configuration; the test fills it."""
    world = World(tmp_path / "config", monkeypatch)
    yield world
    world.ledger.close()


@pytest.fixture
def never() -> Iterator[Never]:
    """A call that gives no answer before the test ends."""
    ended = Event()

    def wait(*_: object) -> NoReturn:
        ended.wait()
        raise Cancelled("the test has ended")

    yield wait
    ended.set()


async def until(pilot: Pilot[Any], holds: Callable[[], bool], seconds: float = 30.0) -> None:
    """Waits for something to become true."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        await pilot.pause(0.02)


async def settled(pilot: Pilot[Any]) -> None:
    """Waits until the workers are done and what they brought is drawn."""
    for _ in range(3):
        workers = [worker for worker in pilot.app.workers if not waits_for_a_person(pilot, worker)]
        if workers:
            await pilot.app.workers.wait_for_complete(workers)
        await pilot.pause()


def waits_for_a_person(pilot: Pilot[Any], worker: Worker[Any]) -> bool:
    """Whether it cannot go on before the dialog that is open is answered."""
    return worker.group == "deed" and isinstance(pilot.app.screen, ModalScreen)


class Picture(Protocol):
    """Compares a screen with its picture."""

    def __call__(
        self,
        world: World,
        size: tuple[int, int],
        *,
        press: Iterable[str] = (),
        before: Callable[[Pilot[Any]], Awaitable[None]] | None = None,
        theme: str = "",
        screen: Callable[[], Screen[Any]] | None = None,
        loading: bool = False,
    ) -> bool: ...


@pytest.fixture
def picture(snap_compare: Callable[..., bool]) -> Picture:
    """Draws the app on a world at a size, after some keys, and compares."""

    def compare(
        world: World,
        size: tuple[int, int],
        *,
        press: Iterable[str] = (),
        before: Callable[[Pilot[Any]], Awaitable[None]] | None = None,
        theme: str = "",
        screen: Callable[[], Screen[Any]] | None = None,
        loading: bool = False,
    ) -> bool:
        app = world.app()
        if theme:
            app.theme = theme

        async def rest(pilot: Pilot[Any]) -> None:
            if loading:
                await pilot.pause(0.3)
                await pilot.pause()
            else:
                await settled(pilot)

        async def prepare(pilot: Pilot[Any]) -> None:
            await settled(pilot)
            if screen is not None:
                app.push_screen(screen())
                await rest(pilot)
            for key in press:
                await pilot.press(key)
                await rest(pilot)
            if before is not None:
                await before(pilot)
                await rest(pilot)

            for problem in app.screen.query(Problem):
                assert FAULT not in str(problem.error), "the picture would show a fault of ours"

        return snap_compare(app, terminal_size=size, run_before=prepare)

    return compare
