"""What every full screen shares: the head line, the footer, its commands, and a place where an error is shown."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual import on
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer
from textual.worker import Worker, WorkerState

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.tui.commands import Command
from lytics_azure_tui.tui.desk import Desk
from lytics_azure_tui.tui.text import plain
from lytics_azure_tui.tui.threads import understood
from lytics_azure_tui.tui.widgets.masthead import Masthead
from lytics_azure_tui.tui.widgets.problem import Problem

if TYPE_CHECKING:
    from lytics_azure_tui.tui.app import LyazureApp

T = TypeVar("T")
log = logging.getLogger(__name__)


class DeskScreen(Screen[None]):
    """A full screen on the desk. A subclass gives `OWN_COMMANDS`, `BINDINGS = bindings(OWN_COMMANDS)` and `body`.

    `HEADING` is for screens that are opened from one of the places: its name in the head."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]
    HEADING: ClassVar[str] = ""
    OWN_COMMANDS: ClassVar[tuple[Command, ...]] = ()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.heading = ""
        """In place of `HEADING`, where it holds data."""
        self._able: tuple[bool | None, ...] = ()

    def compose(self) -> ComposeResult:
        yield Masthead(self.heading or self.HEADING)
        yield Problem()
        yield from self.body()
        yield Footer(show_command_palette=False)

    def body(self) -> ComposeResult:
        """What stands between head line and footer."""
        yield from ()

    @property
    def lyazure(self) -> LyazureApp:
        """The app, by its own type."""
        return cast("LyazureApp", self.app)

    def on_screen_resume(self) -> None:
        self.tick()

    def tick(self) -> None:
        """Once a second while this screen is in front, and when it comes to the front: what it says of the time."""
        for masthead in self.query(Masthead):  # none when the last tick comes on the way out
            masthead.standing = self.lyazure.standing()

    def refresh_commands(self) -> None:
        """Dims what cannot be done now. The footer is drawn again only when that is something else than before."""
        able = tuple(self.check_action(command.action.partition("(")[0], ()) for command in self.OWN_COMMANDS)
        if able != self._able:
            self._able = able
            self.refresh_bindings()

    async def fetch(self, work: Callable[[], T], about: str) -> T:
        """`threads.in_thread`, but asks for the passphrase of the secrets where one is needed. For use in workers."""
        return await self.lyazure.fetch(work, about)

    def problem(self, error: LyazureError | None) -> None:
        """Shows an error below the head line; None takes it away."""
        self.query_one(Problem).error = error

    @property
    def error(self) -> LyazureError | None:
        """The error that is shown."""
        return self.query_one(Problem).error

    def say(self, text: str) -> None:
        """A short notice that something was done. Data may be in it."""
        self.notify(plain(text), markup=False)

    async def do(self, deed: Callable[[], object], about: str, done: str) -> None:
        """Does something in a thread, then says that it is done, or shows why not. For use in workers."""
        try:
            await self.fetch(deed, about)
        except LyazureError as error:
            self.problem(error)
        else:
            self.problem(None)
            self.say(done)

    @on(Worker.StateChanged)
    def _worker_failed(self, event: Worker.StateChanged) -> None:
        """A worker that fails with anything but an error it handles has found a fault of ours; it is not hidden."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            log.error("worker %s failed", event.worker.description, exc_info=event.worker.error)
            self.problem(understood(event.worker.error, event.worker.description))


class FollowingScreen(DeskScreen):
    """A full screen of what runs bring about: reads all again when one has ended. A subclass gives `action_again`."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._ended: tuple[str, ...] | None = None

    def on_mount(self) -> None:
        self.watch(self.app, "overview", self._follow)

    def on_screen_resume(self) -> None:
        self._follow()

    def action_again(self) -> object:
        """Reads all again."""
        raise NotImplementedError

    def _follow(self) -> None:
        overview = self.lyazure.overview
        ended = tuple(run.id for run in overview.recent[:5]) if overview is not None else None
        if self.is_active and ended is not None and ended != self._ended:
            self._ended = ended
            self.action_again()
