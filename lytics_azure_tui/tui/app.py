"""The app: modes, themes, the one reader of the ledger, and an end that loses nothing."""

from __future__ import annotations

import asyncio
import gc
import logging
import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any, ClassVar, TypeVar

from rich.text import Text
from textual import events, work
from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.reactive import reactive
from textual.screen import Screen
from textual.theme import Theme
from textual.widgets import Input, TextArea

from lytics_azure_tui.config.keys import PassphraseNeeded
from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.tui.commands import Command, bindings, palette
from lytics_azure_tui.tui.desk import Desk
from lytics_azure_tui.tui.lifeline import end_on_signals, end_without_terminal
from lytics_azure_tui.tui.logfile import keep_log
from lytics_azure_tui.tui.overview import Overview, Reader
from lytics_azure_tui.tui.screens.authorizations import Checked
from lytics_azure_tui.tui.screens.base import DeskScreen
from lytics_azure_tui.tui.screens.dashboard import Dashboard
from lytics_azure_tui.tui.screens.editor import editors, keep_drafts, tell_drafts
from lytics_azure_tui.tui.themes import DARK, themes
from lytics_azure_tui.tui.threads import in_thread
from lytics_azure_tui.tui.widgets.masthead import Standing

T = TypeVar("T")
log = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
TICK_SECONDS = 1.0
RUNNER_SECONDS = 3.0
"""Between two looks at whether the runner lives."""
RUNNER_AGAIN_SECONDS = 30.0
"""After it could not be started."""


class LyazureApp(App[int]):
    """The terminal's side. It moves no data and may end at any moment."""

    TITLE = "lyazure"
    CSS_PATH = Path(__file__).with_name("lyazure.tcss")
    DEFAULT_MODE = "dashboard"
    ENABLE_COMMAND_PALETTE = True
    OWN_COMMANDS: ClassVar[tuple[Command, ...]] = (
        Command("1", "go('dashboard')", "Dashboard", "Jobs, active runs and recent runs.", footer=False),
        Command(
            "2",
            "go('authorizations')",
            "Authorizations",
            "The ways into Azure.",
            footer=False,
        ),
        Command("3", "go('streams')", "Streams", "What has been imported.", footer=False),
        Command("4", "go('profiles')", "Profiles", "The people whom the events are about.", footer=False),
        Command("5", "go('audiences')", "Audiences", "Filters over profiles, and their sizes.", footer=False),
        Command("question_mark", "help", "Help", "Every key of this screen.", label="?"),
        Command("f8", "doctor", "Doctor", "Check configuration, secrets, clock and programs.", footer=False),
        Command("f9", "theme", "Theme", "Choose the colours; light, dark and the terminal's own.", footer=False),
        Command("q", "quit", "Quit", "Close the screen. Runs go on in the background."),
    )
    # Textual's own is a key of the app before it is one of any form, and ends it at once.
    BINDINGS = [*bindings(OWN_COMMANDS), Binding("ctrl+q", "quit", "Quit", show=False, priority=True)]

    overview: reactive[Overview | None] = reactive(None, always_update=True)
    """The latest; None until the first is read."""

    def __init__(self, desk: Desk, *, colours: str | None = "truecolor") -> None:
        """`colours` are those that the terminal has, see `themes.terminal_colours`."""
        super().__init__()
        self.desk = desk
        self._log_path = keep_log(desk.folder.data)
        self._reader = Reader(desk)
        self._looking = False
        self._unreadable: LyazureError | None = None
        self._ended = Event()
        self._asking = asyncio.Lock()
        self._passphrases = 0
        self.checks: dict[str, Checked | None] = {}
        """By an authorization's id, its last test; None while one is under way."""
        self._asks_to_quit = False
        self._drafts: list[str] | None = None
        """Titles of the forms that were kept on the way out; None before that."""
        self._finding_runner = False
        self._no_runner_before: float = 0.0
        self.add_mode("dashboard", lambda: Dashboard(desk))
        self.add_mode("authorizations", self._authorizations)
        self.add_mode("streams", self._streams)
        self.add_mode("profiles", self._profiles)
        self.add_mode("audiences", self._audiences)
        for theme in themes(colours):
            self.register_theme(theme)
        self.theme = self._kept_theme = DARK.name

    def _authorizations(self) -> Screen[None]:
        from lytics_azure_tui.tui.screens.authorizations import Authorizations

        return Authorizations(self.desk)

    def _streams(self) -> Screen[None]:
        from lytics_azure_tui.tui.screens.streams import Streams

        return Streams(self.desk)

    def _profiles(self) -> Screen[None]:
        from lytics_azure_tui.tui.screens.profiles import Profiles

        return Profiles(self.desk)

    def _audiences(self) -> Screen[None]:
        from lytics_azure_tui.tui.screens.audiences import Audiences

        return Audiences(self.desk)

    def on_mount(self) -> None:
        end_on_signals(self._end)
        end_without_terminal(self._end)
        self._settle()
        self._look()
        loop = asyncio.get_running_loop()
        Thread(target=self._follow, args=(loop,), name="follow the ledger", daemon=True).start()
        self.set_interval(TICK_SECONDS, self._tick)

    def on_unmount(self) -> None:
        self._ended.set()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """No cursor blinks: over a slow line, an idle screen sends nothing."""
        if isinstance(event.widget, Input | TextArea):
            event.widget.cursor_blink = False

    async def fetch(self, work: Callable[[], T], about: str) -> T:
        """Runs blocking work in a thread; asks for the passphrase of the secrets where one is needed, and goes on.

        For use in async workers. Raises `LyazureError` in words for the operator.
        """
        while True:
            try:
                return await in_thread(work, about)
            except PassphraseNeeded as error:
                await self._ask_passphrase(error)

    async def _ask_passphrase(self, error: PassphraseNeeded) -> None:
        from lytics_azure_tui.tui.screens.passphrase import Passphrase

        given = self._passphrases
        async with self._asking:
            if self._passphrases == given:  # nobody gave one while this waited
                if not await self.push_screen_wait(Passphrase(self.desk, error)):
                    raise error
                self._passphrases += 1
                # Schedules need it, too.
                self._find_runner()

    def on_ready(self) -> None:
        """What is loaded by now stays, so the garbage collector need not stop the screen to walk through it."""
        if not self.is_headless:
            gc.freeze()

    def get_css_variables(self) -> dict[str, str]:
        """Textual's colours, and some of our own, which themes that are not ours lack."""
        variables = super().get_css_variables()
        lacking = {
            "problem-background": variables["error-muted"],
            "warning-background": variables["warning-muted"],
            "button-hover": variables["primary-muted"],
            "button-primary": variables["primary-muted"],
            "button-error": variables["error-muted"],
        }
        return lacking | variables

    # What is known of the world

    def standing(self) -> Standing:
        """The head line's words."""
        status = self.overview.runner if self.overview else None
        runs = status is not None and status.running
        if status is not None and runs:
            words = f"runner {status.pid}" if status.this_host else "runner on another host"
        else:
            words = "runner not running" if self.overview else ""
        local: datetime = self.desk.clock().astimezone(self.desk.zone)
        return Standing(self.desk.place, self.desk.host, f"{local:%H:%M}", words, runs, self.current_mode)

    def watch_overview(self, before: Overview | None, after: Overview | None) -> None:
        self._tick()
        if before is None and after is not None:
            # First things first: the keyring and a new process would compete with the first screen.
            self.call_after_refresh(self._find_runner)
            self.set_interval(RUNNER_SECONDS, self._keep_runner)

    def _tick(self) -> None:
        """Once a second: what a screen says of the time. One that lies below another is told when it is back."""
        if not self._exit and self.screen_stack and isinstance(self.screen, DeskScreen):
            self.screen.tick()

    def _follow(self, loop: asyncio.AbstractEventLoop) -> None:
        """Looks for changes in a thread of its own, so that nothing moves on the loop while there are none."""
        while not self._ended.wait(LOOK_SECONDS):
            try:
                changed = not self._looking and self._reader.changed()
            except LyazureError:
                changed = True  # reading it again says what is wrong
            except Exception:
                log.exception("could not look for changes")
                changed = True
            if changed:
                with suppress(RuntimeError):  # the loop is closed
                    loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        if not self._looking and not self._exit:
            self._looking = True
            self._read()

    @work(group="overview", description="read the ledger", exit_on_error=False)
    async def _read(self) -> None:
        try:
            overview = await in_thread(self._reader.read, "read the ledger")
        except LyazureError as error:
            self._unreadable = error
            self._trouble(error)
        else:
            self._readable_again()
            if overview is not None:
                self.overview = overview
        finally:
            self._looking = False

    def _readable_again(self) -> None:
        unreadable, self._unreadable = self._unreadable, None
        if unreadable is not None and isinstance(self.screen, DeskScreen) and self.screen.error is unreadable:
            self.screen.problem(None)

    @work(group="settings", description="read the settings", exit_on_error=False)
    async def _settle(self) -> None:
        try:
            settings = await in_thread(self.desk.folder.settings, "read the settings")
        except LyazureError as error:
            self._trouble(error)
            return
        theme = settings.screen.theme
        if theme is not None and theme in self.available_themes:
            self.theme = theme
        # From here on, a change is the operator's.
        self._kept_theme = self.theme
        self.theme_changed_signal.subscribe(self, self._theme_chosen)
        await tell_drafts(self, self.desk.folder)

    def _keep_runner(self) -> None:
        """Has a runner that has died replaced."""
        status = self.overview.runner if self.overview else None
        if (status is None or not status.running) and time.monotonic() >= self._no_runner_before:
            self._find_runner()

    def _find_runner(self) -> None:
        if not self._finding_runner:
            self._finding_runner = True
            self._start_runner()

    @work(group="deed", description="start the runner", exit_on_error=False)
    async def _start_runner(self) -> None:
        try:
            await self.fetch(self._open_secrets_and_runner, "start the runner")
            self._no_runner_before = 0.0
        except PassphraseNeeded as error:
            # "Not now": nobody is asked again before something needs it.
            self._no_runner_before = math.inf
            self._trouble(error)
        except LyazureError as error:
            self._no_runner_before = time.monotonic() + RUNNER_AGAIN_SECONDS
            self._trouble(error)
        finally:
            self._finding_runner = False

    def _open_secrets_and_runner(self) -> None:
        if self.desk.folder.authorizations():
            self.desk.secrets()  # the runner will need them, and only here is somebody to ask for the passphrase
        self.desk.ensure_runner()

    def _trouble(self, error: LyazureError) -> None:
        if self.screen_stack and isinstance(self.screen, DeskScreen):
            self.screen.problem(error)

    # What an operator can do

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette is drawn from the same declarations as the keys."""
        yield from palette(self, screen)

    def action_go(self, mode: str) -> None:
        """Goes to one of the places."""
        self.switch_mode(mode)

    def action_help(self) -> None:
        """Shows every key of the screen that is open."""
        from lytics_azure_tui.tui.screens.help import Help

        self.push_screen(Help(self, self.screen))

    def action_doctor(self) -> None:
        """Opens the checks."""
        from lytics_azure_tui.tui.screens.doctor import Doctor

        self.push_screen(Doctor(self.desk))

    def action_theme(self) -> None:
        """Opens the list of themes."""
        self.search_themes()

    def _theme_chosen(self, theme: Theme) -> None:
        if theme.name != self._kept_theme:
            self._kept_theme = theme.name
            self._keep_theme(theme.name)

    @work(group="deed", description="keep the theme", exit_on_error=False)
    async def _keep_theme(self, name: str) -> None:
        try:
            await in_thread(lambda: self.desk.keep_theme(name), "keep the theme")
        except LyazureError as error:
            self._trouble(error)

    async def action_quit(self) -> None:
        """Closes the screen, and says what goes on without it; asks first where something is unsaved."""
        if self._asks_to_quit or not any(editor.unsaved for editor in editors(self)):
            self._leave()
        else:
            self._ask_to_quit()

    def action_help_quit(self) -> None:
        """Ctrl+c ends nothing here; in a line it copies what is selected."""
        self.notify("Ctrl+q quits. Runs go on in the background, and what is unsaved in a form is kept as a draft.")

    @work(exclusive=True, group="quit", description="ask whether to quit", exit_on_error=False)
    async def _ask_to_quit(self) -> None:
        from lytics_azure_tui.tui.screens.confirm import Confirm

        self._asks_to_quit = True
        words = "What you entered is not saved. It is kept as a draft, without secrets, and offered again in this form."
        try:
            if await self.push_screen_wait(Confirm("Quit without saving?", words, yes="Quit", no="Stay")):
                self._leave()
        finally:
            self._asks_to_quit = False

    # The end

    def _leave(self) -> None:
        self._keep_drafts()
        self.exit(0, message=Text(farewell(self.overview, self._drafts or ()) if self.desk.lasting else ""))

    def _end(self) -> None:
        """The terminal or the session is gone."""
        self._keep_drafts()
        self.exit()

    def _keep_drafts(self) -> None:
        """Once: what is unsaved goes into files. Nothing keeps the program from ending."""
        if self._drafts is None:
            self._drafts = keep_drafts(self)

    def _fatal_error(self) -> None:
        """A fault of ours: one plain line, and the details in a file of the operator's own.

        Textual's own traceback shows local variables, and with them secrets.
        """
        log.critical("the screen ended", exc_info=True)
        self._keep_drafts()
        words = f"lyazure-tui stopped because of a fault in it. The details: {self._log_path}. Runs are not affected."
        self._exit_renderables.append(Text(words))
        self._close_messages_no_wait()


def farewell(overview: Overview | None, kept: Sequence[str] = ()) -> str:
    """The lines that stay in the terminal.

    Args:
        kept: titles of the forms of which a draft was kept.
    """
    draft = f"Kept as a draft, and offered when you open the form again: {', '.join(kept)}." if kept else ""
    return "\n".join(filter(None, (draft, _goes_on(overview))))


def _goes_on(overview: Overview | None) -> str:
    if overview is None:
        return ""
    active = len(overview.active)
    if active:
        runs = "1 run goes" if active == 1 else f"{active} runs go"
        return f"{runs} on in the background. Open lyazure-tui again to see more."
    if overview.runner is not None and overview.runner.running and any(row.job.enabled for row in overview.jobs):
        return "Schedules are followed in the background."
    return ""
