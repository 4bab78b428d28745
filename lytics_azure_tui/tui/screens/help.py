"""Every key of a screen, drawn from the commands that it declares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from lytics_azure_tui.tui.commands import Command, commands_of

MOVING = (
    Command("tab,shift+tab", "", "Move", "Go to the next or the previous part of the screen."),
    Command("up,down,pageup,pagedown", "", "Scroll", "Move in a list; home and end go to its ends."),
    Command("ctrl+p", "", "Palette", "Find any command by its name."),
)


class Help(ModalScreen[None]):
    """The keys of the screen below it, then those that work everywhere."""

    CSS_PATH = "help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,q,enter", "dismiss", "Close")]

    def __init__(self, app: App[Any], screen: Screen[Any]) -> None:
        super().__init__()
        self._here = commands_of(screen)
        self._everywhere = commands_of(app) + MOVING
        self._heading = str(getattr(screen, "HEADING", "")) or "This screen"

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog") as box:
            box.border_title = "Keys"
            box.border_subtitle = "escape closes"
            if self._here:
                yield Static(self._heading, classes="help-heading", markup=False)
                yield from rows(self._here)
            yield Static("Everywhere", classes="help-heading -second", markup=False)
            yield from rows(self._everywhere)


def rows(commands: tuple[Command, ...]) -> Iterator[Horizontal]:
    """A line for each command: its keys and what it does."""
    for command in commands:
        words = Content.assemble((f"{command.words}. ", "bold"), command.help)
        yield Horizontal(Static(command.keys(), classes="help-keys", markup=False), Static(words), classes="help-row")
