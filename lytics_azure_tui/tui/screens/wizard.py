"""What the wizards share: steps one after another, a line of help, and no answer lost on the way back or out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import ContentSwitcher, OptionList, Static
from textual.widgets.option_list import Option

from lytics_azure_tui.tui.commands import Command, bindings
from lytics_azure_tui.tui.desk import Desk
from lytics_azure_tui.tui.screens.editor import Editor, Item
from lytics_azure_tui.tui.text import content, plain
from lytics_azure_tui.tui.widgets.form import Form
from lytics_azure_tui.tui.widgets.steps import Steps


class Menu(OptionList):
    """A few things to choose from, each with a sentence. Keys are data and never shown."""

    DEFAULT_CSS = """
    Menu {
        border: none; padding: 0; height: 1fr; background: $background; scrollbar-size: 1 1;
        &:focus { border: none; }
        & > .option-list--option { padding: 0 2; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._keys: list[str] = []

    def show(self, entries: Sequence[tuple[str, str, str]], chosen: str | None = None) -> None:
        """Shows (key, title, sentences); the cursor goes to the chosen one, by itself the first."""
        self._keys = [key for key, _, _ in entries]
        lines = []
        for _, title, sentences in entries:
            words = [Content.styled(plain(title), "bold"), *(content(line, "dim") for line in sentences.splitlines())]
            lines.append(Content("\n").join([*words, Content("")]))
        self.set_options([Option(line) for line in lines])
        self.highlighted = self._keys.index(chosen) if chosen in self._keys else 0 if entries else None

    @property
    def chosen(self) -> str | None:
        """The key below the cursor."""
        return None if self.highlighted is None else self._keys[self.highlighted]


NEUTRAL = "Nothing is selected: enter goes to the first field, ctrl+n to the next step."


class Wizard(Editor[Item]):
    """A subclass names its steps, gives a widget for each, and says what has to hold before a step is left."""

    STEPS: ClassVar[tuple[str, ...]] = ()
    HINTS: ClassVar[tuple[str, ...]] = ()
    """For each step, what to do there, where no field has its own help."""
    OWN_COMMANDS: ClassVar[tuple[Command, ...]] = (
        Command("ctrl+n", "next", "Next", "Go on to the next step."),
        Command("escape", "back", "Back", "Go back a step; from the first, leave. Nothing entered is lost on the way."),
    )
    BINDINGS = [*bindings(OWN_COMMANDS), Binding("enter", "first_field", show=False)]
    AUTO_FOCUS = ""

    def __init__(self, desk: Desk, *, at: int = 0) -> None:
        super().__init__(desk)
        self.at = at
        self._first = at

    def body(self) -> ComposeResult:
        yield Steps(self.STEPS)
        with ContentSwitcher(initial=f"step-{self.at}"):
            for index in range(len(self.STEPS)):
                yield Vertical(*self.step(index), id=f"step-{index}", classes="step")
        yield Static("", id="hint", markup=False)

    def step(self, index: int) -> Sequence[Widget]:
        """The widgets of a step."""
        raise NotImplementedError

    async def entered(self, index: int) -> None:
        """Prepares a step that is about to be shown, and puts the focus."""

    def left(self, index: int) -> bool:
        """Whether a step may be left forwards; says what is missing if not."""
        return True

    async def on_mount(self) -> None:
        self.query_one(Steps).reached = self.at
        await self.go(self.at)
        self.offer_draft()

    async def go(self, index: int) -> None:
        """Shows a step."""
        self.problem(None)
        self.at = index
        steps = self.query_one(Steps)
        steps.at, steps.reached = index, max(steps.reached, index)
        self.query_one(ContentSwitcher).current = f"step-{index}"
        self.hint(content(self.HINTS[index], "dim"))
        await self.entered(index)
        self.refresh_bindings()

    def open_form(self, form: Form) -> None:
        """An empty form begins at its first field; in one with answers, a stray key must not replace the first."""
        if not form.enter_if_empty():
            self.set_focus(None)
            self.hint(content(NEUTRAL, "dim"))

    def action_first_field(self) -> None:
        """From where nothing is selected."""
        for form in self.query_one(f"#step-{self.at}").query(Form).results(Form):
            form.enter()

    def hint(self, words: Content) -> None:
        """The line at the bottom."""
        self.query_one("#hint", Static).update(words)

    async def action_next(self) -> None:
        """One step on, if this one is answered."""
        if self.left(self.at) and self.at + 1 < len(self.STEPS):
            await self.go(self.at + 1)

    async def action_back(self) -> None:
        """One step back; from the first, out."""
        if self.at > self.first:
            await self.go(self.at - 1)
        else:
            self.leave()

    @property
    def first(self) -> int:
        """The step from which back leads out."""
        return 0

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """After the last step there is none."""
        if action == "next":
            return self.at + 1 < len(self.STEPS)
        if action == "first_field":
            return self.focused is None
        return super().check_action(action, parameters)

    @on(Steps.Chosen)
    async def _chosen(self, event: Steps.Chosen) -> None:
        if self.first <= event.index < self.at or (event.index > self.at and self.left(self.at)):
            await self.go(event.index)

    @on(Form.Reached)
    def _reached(self, event: Form.Reached) -> None:
        self.hint(event.help)

    @on(Form.Finished)
    async def _passed(self) -> None:
        await self.action_next()

    @on(OptionList.OptionSelected)
    async def _picked(self, event: OptionList.OptionSelected) -> None:
        if isinstance(event.option_list, Menu):
            await self.action_next()
