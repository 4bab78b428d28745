"""Asks for the passphrase of the encrypted secrets, and tries it before it lets go."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.tui.desk import Desk
from lytics_azure_tui.tui.text import content
from lytics_azure_tui.tui.threads import in_thread
from lytics_azure_tui.tui.widgets.problem import explain


class Passphrase(ModalScreen[bool]):
    """Gives True when the secrets are open."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Not now")]

    def __init__(self, desk: Desk, reason: LyazureError) -> None:
        super().__init__()
        self._desk, self._reason = desk, reason

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = "Passphrase"
            box.border_subtitle = "escape: not now"
            yield Static(request(self._reason), id="reason")
            yield Input(password=True, id="word", placeholder="Passphrase")
            with Horizontal(classes="dialog-buttons"):
                yield Button("Not now", id="cancel")
                yield Button("Open", id="open", variant="primary")

    @on(Input.Submitted)
    @on(Button.Pressed, "#open")
    def _entered(self) -> None:
        word = self.query_one("#word", Input)
        if word.value:
            self._try(Secret(word.value))
            word.value = ""

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Goes on without the secrets."""
        self.dismiss(False)

    @work(exclusive=True, description="open the secrets", exit_on_error=False)
    async def _try(self, passphrase: Secret) -> None:
        dialog = self.query_one(".dialog")
        dialog.loading = True
        try:
            await in_thread(lambda: self._desk.remember(passphrase), "open the secrets")
        except LyazureError as error:
            dialog.loading = False
            self.query_one("#reason", Static).update(explain(error))
            self.query_one("#word", Input).focus()
        else:
            self.dismiss(True)


def request(reason: LyazureError) -> Content:
    """Why it is asked for. At first nothing is wrong, so this does not look like an error."""
    return Content("\n").join(
        content(f"{words}.", style) for words, style in ((reason.what, "bold"), (reason.why, "")) if words
    )
