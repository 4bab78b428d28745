"""Removes a person, after the operator has typed whom, and says what was removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.lytics.protocol import Identifier, Profile
from lytics_azure_tui.tui.desk import Desk
from lytics_azure_tui.tui.figures import count
from lytics_azure_tui.tui.profile_facts import events_of
from lytics_azure_tui.tui.text import content, plain
from lytics_azure_tui.tui.threads import in_thread
from lytics_azure_tui.tui.widgets.controls import Answered, Line, Passed
from lytics_azure_tui.tui.widgets.problem import explain

if TYPE_CHECKING:
    from lytics_azure_tui.runner.forgetting import Report

SHOWN = 6
"""Identifiers and streams that are named."""


class Forget(ModalScreen[bool]):
    """Gives True when the person was removed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Keep")]

    def __init__(self, desk: Desk, profile: Profile, identifier: Identifier) -> None:
        """`identifier` is one of the profile's; it has to be typed."""
        super().__init__()
        self._desk, self._profile, self._identifier = desk, profile, identifier
        self._busy = self._done = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = content(f"Forget {self._identifier.value}?", cells=56)
            yield Static(question(self._profile, self._identifier), id="words", markup=False)
            yield Line(placeholder="Type it to confirm", id="typed")
            with Horizontal(classes="dialog-buttons"):
                yield Button("Keep", id="keep")
                yield Button("Forget", id="forget", variant="error", disabled=True)

    @on(Answered)
    def _typed(self) -> None:
        self.query_one("#forget", Button).disabled = not self._confirmed

    @property
    def _confirmed(self) -> bool:
        return bool(self.query_one("#typed", Line).answer == self._identifier.value.strip())

    @on(Passed)
    @on(Button.Pressed, "#forget")
    def _forget(self) -> None:
        if self._confirmed and not self._busy and not self._done:
            self._busy = True
            self._remove()

    @on(Button.Pressed, "#keep")
    def action_leave(self) -> None:
        """Goes back. What has begun is waited for: its report is the proof of it."""
        if not self._busy:
            self.dismiss(self._done)

    @work(exclusive=True, description="forget a person", exit_on_error=False)
    async def _remove(self) -> None:
        words, typed = self.query_one("#words", Static), self.query_one("#typed", Line)
        buttons = self.query_one(".dialog-buttons")
        typed.display = buttons.display = False
        words.update("Removing the person from streams, profiles and audiences. Large streams take their time…")
        try:
            forgotten = await in_thread(lambda: self._desk.forget(self._identifier.value), "forget a person")
        except LyazureError as error:
            words.update(explain(error))
            typed.display = True
        else:
            self._done = True
            self.query_one(".dialog").border_title = "Forgotten"
            words.update(report(forgotten))
            self.query_one("#forget").display = False
            self.query_one("#keep", Button).label = "Close"
        finally:
            self._busy = False
            buttons.display = True
            (self.query_one("#keep") if self._done else typed).focus()


def question(profile: Profile, identifier: Identifier) -> Content:
    """What would be removed."""
    events = events_of(profile)
    known = [one for one in profile.identifiers if one != identifier]
    parts: list[Content | str | tuple[str, str]] = [
        "What is known of this person is removed for good: the profile, "
        f"{'its events' if events is None else '1 event' if events == 1 else f'{count(events)} events'} in the "
        "streams, the history of audiences, and the rows in quarantine that name them.",
    ]
    if known:
        parts += ["\n\nAlso known by:", *_listed([f"{one.field}  {one.value}" for one in known])]
    parts += [
        "\n\nFiles in Azure, and what was exported, stay. To go on, type ",
        content(identifier.value, "bold", cells=300),
        ":",
    ]
    return Content.assemble(*parts)


def report(forgotten: Report) -> Content:
    """What was removed."""
    profiles = "1 profile" if forgotten.profiles == 1 else f"{count(forgotten.profiles)} profiles"
    parts: list[Content | str | tuple[str, str]] = [
        ("✓ Removed.", "bold $text-success"),
        f"\n\n{profiles}, known by:",
        *_listed([one.replace("=", "  ", 1) for one in forgotten.identifiers]),
        "\n\nEvents:",
        *(_listed([f"{stream}  {count(events)}" for stream, events in forgotten.events.items()]) or ["\n  none"]),
        f"\n\nIn the history of audiences: {count(forgotten.memberships)}",
        f"\nRows in quarantine: {count(forgotten.quarantined)}",
    ]
    return Content.assemble(*parts)


def _listed(lines: list[str]) -> list[Content | str | tuple[str, str]]:
    shown: list[Content | str | tuple[str, str]] = [f"\n  {plain(line, 54)}" for line in lines[:SHOWN]]
    if len(lines) > SHOWN:
        shown.append((f"\n  and {len(lines) - SHOWN} more", "dim"))
    return shown
