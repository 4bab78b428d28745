"""The doctor's report: each check as soon as it is known, with the fix for what is wrong."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.tui.commands import Command, bindings
from lytics_azure_tui.tui.screens.base import DeskScreen
from lytics_azure_tui.tui.text import content

if TYPE_CHECKING:
    from lytics_azure_tui.runner.doctor import Check

SIGNS = {"ok": ("✓", "$text-success"), "warning": ("⚠", "$text-warning"), "problem": ("✗", "bold $text-error")}


class Doctor(DeskScreen):
    """Runs the checks when it opens, and again when asked."""

    CSS_PATH = "doctor.tcss"
    HEADING = "Doctor"
    OWN_COMMANDS: ClassVar[tuple[Command, ...]] = (
        Command("escape", "back", "Back", "Close the report.", label="esc"),
        Command("r", "again", "Check again", "Run all checks again."),
    )
    BINDINGS = bindings(OWN_COMMANDS)

    class Found(Message):
        """A check is known."""

        def __init__(self, request: int, check: Check) -> None:
            super().__init__()
            self.request = request
            self.check = check

    def body(self) -> ComposeResult:
        yield Static("Looking…", id="summary", markup=False)
        yield VerticalScroll(id="report")

    def on_mount(self) -> None:
        self._request = 0
        self._checks: list[Check] = []
        self._finished = False
        self.query_one("#report").focus()
        self.action_again()

    def action_back(self) -> None:
        """Closes the report."""
        self.dismiss()

    @work(exclusive=True, group="doctor", description="run the checks", exit_on_error=False)
    async def action_again(self) -> None:
        """Runs all checks."""
        self._request += 1
        self._checks, self._finished = [], False
        self.query_one("#report").remove_children()
        self._show()
        with suppress(LyazureError):  # the report will say it
            await self.fetch(self.desk.secrets, "open the secrets")
        request = self._request

        def examine() -> None:
            for check in self.desk.examine():
                self.post_message(self.Found(request, check))

        try:
            await self.fetch(examine, "run the checks")
        except LyazureError as error:
            self.problem(error)
        self._finished = True
        self._show()

    @on(Found)
    def _found(self, event: Found) -> None:
        # Checks of a round that was begun anew may still come in.
        if event.request == self._request:
            self._checks.append(event.check)
            self.query_one("#report").mount(line(event.check))
            self._show()

    def _show(self) -> None:
        number = Counter(str(check.state) for check in self._checks)
        words = ", ".join(
            f"{number[state]} {one if number[state] == 1 else many}"
            for state, one, many in (("problem", "problem", "problems"), ("warning", "warning", "warnings"))
            if number[state]
        )
        done = words or ("All is well" if self._checks else "")
        self.query_one("#summary", Static).update(done if self._finished else f"Looking…  {words}")


def line(check: Check) -> Horizontal:
    """A check as a sign, its name, what was seen, and the fix below."""
    sign, tone = SIGNS[check.state]
    subject = content(f"{check.subject}: ", "bold") if check.subject else Content("")
    seen = subject + content(check.about)
    if check.fix:
        seen += Content.assemble(("\n→ ", "bold"), content(check.fix))
    name = Static(Content.styled(f"{sign} {check.name}", tone), classes="check-name")
    return Horizontal(name, Static(seen, classes="check-seen"), classes="check")
