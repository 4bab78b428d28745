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

from lytics_azure_tui.config.keys import NewPassphraseNeeded
from lytics_azure_tui.errors import BadConfiguration, LyazureError
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.tui.desk import Desk
from lytics_azure_tui.tui.text import content
from lytics_azure_tui.tui.threads import in_thread
from lytics_azure_tui.tui.widgets.problem import explain


class Passphrase(ModalScreen[bool]):
    """Gives True when the secrets are open. A new passphrase is typed twice: a typing error would lock them all."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Not now")]

    def __init__(self, desk: Desk, reason: LyazureError) -> None:
        super().__init__()
        self._desk, self._reason = desk, reason
        self._new = isinstance(reason, NewPassphraseNeeded)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = "Choose a passphrase" if self._new else "Passphrase"
            box.border_subtitle = "escape: not now"
            yield Static(request(self._reason), id="reason")
            yield Input(password=True, id="word", placeholder="New passphrase" if self._new else "Passphrase")
            if self._new:
                yield Input(password=True, id="again", placeholder="The same passphrase again")
                yield Static("It cannot be recovered: without it, all secrets have to be entered again.", id="note")
            with Horizontal(classes="dialog-buttons"):
                yield Button("Not now", id="cancel")
                yield Button("Set passphrase" if self._new else "Open", id="open", variant="primary")

    @on(Input.Submitted, "#word")
    def _first_entered(self) -> None:
        if self._new and self.query_one("#word", Input).value:
            self.query_one("#again", Input).focus()
        else:
            self._entered()

    @on(Input.Submitted, "#again")
    @on(Button.Pressed, "#open")
    def _entered(self) -> None:
        inputs = list(self.query(Input))
        values = [each.value for each in inputs]
        if not values[0].strip():
            inputs[0].focus()
            return
        for each in inputs:
            each.value = ""
        if len(set(values)) == 1:
            self._try(Secret(values[0]))
        else:
            self._refuse(BadConfiguration("The two passphrases are not the same", fix="Type both again"))

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
            self._refuse(error)
        else:
            self.dismiss(True)

    def _refuse(self, error: LyazureError) -> None:
        self.query_one("#reason", Static).update(explain(error))
        self.query_one("#word", Input).focus()


def request(reason: LyazureError) -> Content:
    """Why it is asked for. At first nothing is wrong, so this does not look like an error."""
    return Content("\n").join(
        content(f"{words}.", style) for words, style in ((reason.what, "bold"), (reason.why, "")) if words
    )
