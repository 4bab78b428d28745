"""The question before a file is overwritten that has changed since it was opened: both are shown."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import ClassVar

from rich.table import Column, Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from lytics_azure_tui.tui.text import content, plain

Words = Mapping[str, str]
"""What an item says, by the label of what says it."""


class Answer(Enum):
    """What the operator wants."""

    BACK = "back"
    MERGE = "merge"
    OVERWRITE = "overwrite"


def differences(one: Words, other: Words) -> list[str]:
    """The labels under which they do not say the same."""
    return [label for label in dict.fromkeys([*one, *other]) if one.get(label, "") != other.get(label, "")]


class Changed(ModalScreen[Answer]):
    """The safe answer has the focus: back to the form, with nothing written."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "answer('back')", "Back"),
        Binding("m", "answer('merge')", "Take in the file's changes"),
        Binding("o", "answer('overwrite')", "Save mine"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]
    DEFAULT_CSS = """
    Changed .dialog { width: 96; }
    Changed VerticalScroll { height: auto; max-height: 12; scrollbar-size: 1 1; }
    Changed Static { height: auto; }
    """

    def __init__(self, name: str, base: Words, now: Words, mine: Words) -> None:
        """Shows what differs between the file and the form.

        Args:
            name: of the file.
            base: as it was when the form was opened.
        """
        super().__init__()
        self._name, self._base, self._now, self._mine = name, base, now, mine

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = content(f"{self._name} has changed since you opened it", cells=70)
            with VerticalScroll(can_focus=False):
                yield Static(self._table(), id="both")
            yield Static(
                "Take in: what changed in the file comes into the form; where both changed, yours stays. Nothing is "
                "saved yet.\nSave mine: the file then says what the form says.",
                markup=False,
            )
            with Horizontal(classes="dialog-buttons"):
                yield Button("Back", id="back")
                yield Button("Take in", id="merge", variant="primary")
                yield Button("Save mine", id="overwrite", variant="error")

    def _table(self) -> Table:
        table = Table(
            Column("", width=22), Column("In the file now", overflow="fold"), Column("In the form", overflow="fold"),
            box=None, padding=(0, 1, 0, 0), header_style="bold",
        )  # fmt: skip
        for label in differences(self._now, self._mine):
            now, mine, base = (words.get(label, "") for words in (self._now, self._mine, self._base))
            table.add_row(Text(plain(label, 22)), _shown(now, now != base), _shown(mine, mine != base))
        return table

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(Answer(event.button.id))

    def action_answer(self, answer: str) -> None:
        """The keyboard's answer."""
        self.dismiss(Answer(answer))


def _shown(words: str, changed: bool) -> Text:
    """A changed value has a mark and a colour, the other is muted."""
    shown = Text(plain(words, 400)) if words else Text("—")
    shown.stylize("bold" if changed else "dim")
    return Text("• ", "bold") + shown if changed else Text("  ") + shown
