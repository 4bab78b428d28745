"""Hands a job over to Lytics, after saying exactly what is sent there and what will be otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.tui.handing import START, Section, sections
from lytics_azure_tui.tui.screens.base import DeskScreen
from lytics_azure_tui.tui.text import content


async def hand_over(screen: DeskScreen, job: Job) -> None:
    """Asks, and does it. For use in workers."""
    desk = screen.desk

    def look() -> list[Section]:
        handing = desk.handing
        return sections(job, desk.folder.authorization(job.authorization), handing.sent(job.id))

    try:
        told = await screen.fetch(look, "look at what would be sent")
    except LyazureError as error:
        screen.problem(error)
        return
    if await screen.app.push_screen_wait(HandOver(job, told)):
        done = f"{job.label}: handed over, and started at Lytics"
        await screen.do(lambda: desk.handing.hand_over(job.id), "hand the job over", done)


class HandOver(ModalScreen[bool]):
    """Gives True for yes. The safe answer has the focus, and escape is no."""

    CSS_PATH = "hand_over.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer(False)", "No"),
        Binding("y", "answer(True)", "Yes"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
        Binding("up", "scroll(-1)", show=False),
        Binding("down", "scroll(1)", show=False),
    ]

    def __init__(self, job: Job, told: Sequence[Section]) -> None:
        super().__init__()
        self._job, self._told = job, told

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = content(f"Hand {self._job.label} over to Lytics?", cells=64)
            with VerticalScroll(can_focus=False):
                yield Static(words(self._told), markup=False)
            with Horizontal(classes="dialog-buttons"):
                yield Button("Keep it here", id="no")
                yield Button("Hand over", id="yes", variant="primary")

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        """The keyboard's answer."""
        self.dismiss(answer)

    def action_scroll(self, by: int) -> None:
        """The buttons keep the focus."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)


def words(told: Sequence[Section]) -> Content:
    """All of it, as text."""
    parts: list[Content | str | tuple[str, str]] = []
    for section in told:
        parts.append((f"{section.heading}\n", "bold $primary"))
        for line in section.lines:
            parts += ["· ", content(line), "\n"]
        parts.append("\n")
    return Content.assemble(*parts, (START, "bold"))
