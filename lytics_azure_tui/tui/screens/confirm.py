"""A question before something that cannot be undone."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from lytics_azure_tui.tui.text import content, lines


class Confirm(ModalScreen[bool]):
    """Asks; gives True for yes. The safe answer has the focus, and escape is no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer(False)", "No"),
        Binding("y", "answer(True)", "Yes"),
        Binding("left,up", "app.focus_previous", show=False),
        Binding("right,down", "app.focus_next", show=False),
    ]

    def __init__(self, title: str, question: str, *, yes: str, no: str = "Keep", danger: bool = False) -> None:
        """Data may be in `title` and `question`; `yes` and `no` are ours.

        Args:
            danger: draws the yes in the colour of errors.
        """
        super().__init__()
        self._title, self._question = title, question
        self._yes, self._no, self._danger = yes, no, danger

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = content(self._title, cells=56)
            yield Static(lines(self._question), markup=False)
            with Horizontal(classes="dialog-buttons"):
                yield Button(self._no, id="no")
                yield Button(self._yes, id="yes", variant="error" if self._danger else "primary")

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        """The keyboard's answer."""
        self.dismiss(answer)
