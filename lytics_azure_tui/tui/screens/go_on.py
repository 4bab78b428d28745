"""The question of a job whose source is not what its last run has read: begin anew, or go on."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from lytics_azure_tui.model.run import Answer
from lytics_azure_tui.tui.text import content, lines

_CORRECT = (
    "Where the authorization names the wrong database, leave it stopped, correct the authorization and start the job."
)


class GoOn(ModalScreen[Answer | None]):
    """Gives the answer, or None where the job is to stay stopped. That one has the focus, and escape is it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Leave it"),
        Binding("left,up", "app.focus_previous", show=False),
        Binding("right,down", "app.focus_next", show=False),
    ]

    def __init__(self, label: str, stopped: str) -> None:
        """Both are data.

        Args:
            stopped: why the job has stopped.
        """
        super().__init__()
        self._label, self._stopped = label, stopped

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = content(f"How does {self._label} go on?", cells=56)
            yield Static(lines(self._stopped), markup=False)
            for words in (_CORRECT, *(f"{answer.label}: {answer.meaning}" for answer in Answer)):
                yield Static(f"\n{words}", markup=False)
            with Horizontal(classes="dialog-buttons"):
                yield Button("Leave it stopped", id="leave")
                for answer in Answer:
                    yield Button(answer.label, id=answer.value)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(None if event.button.id == "leave" else Answer(str(event.button.id)))
