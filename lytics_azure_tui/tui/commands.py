"""A command is declared once; its key binding, footer text, palette entry and help row are drawn from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.keys import format_key

if TYPE_CHECKING:
    from textual.app import App
    from textual.screen import Screen


@dataclass(frozen=True, slots=True)
class Command:
    """Something that an operator can do.

    Attributes:
        key: one key, or several with commas between; the first is shown.
        action: the method `action_…` that does it.
        words: a word or two for the footer and the palette.
        help: one sentence for the palette and the help screen.
        footer: whether the footer shows it; help and palette always do.
        label: what the footer says for the key, where Textual's own name is too long.
    """

    key: str
    action: str
    words: str
    help: str
    footer: bool = True
    label: str | None = None

    def binding(self) -> Binding:
        """The command as a key binding."""
        return Binding(
            self.key,
            self.action,
            self.words,
            show=self.footer,
            key_display=self.label,
            tooltip=self.help,
            id=self.action,
        )

    def keys(self) -> str:
        """Its keys in words, for the help screen."""
        names = [format_key(key.strip()) for key in self.key.split(",")]
        if self.label:
            names[0] = self.label
        return " ".join(names)


class Commanded(Protocol):
    """A screen or an app that declares commands."""

    OWN_COMMANDS: ClassVar[tuple[Command, ...]]


def bindings(commands: Iterable[Command]) -> list[BindingType]:
    """For `BINDINGS`."""
    return [command.binding() for command in commands]


def commands_of(node: App[Any] | Screen[Any]) -> tuple[Command, ...]:
    """The commands that a screen or the app declares; none for those that declare none."""
    return cast(Commanded, node).OWN_COMMANDS if hasattr(node, "OWN_COMMANDS") else ()


def palette(app: App[Any], screen: Screen[Any]) -> Iterator[SystemCommand]:
    """The palette's entries: what the screen can do now, then what works everywhere."""
    for node in (screen, app):
        for command in commands_of(node):
            if node.check_action(command.action, ()):
                yield SystemCommand(command.words, command.help, partial(node.run_action, command.action))
