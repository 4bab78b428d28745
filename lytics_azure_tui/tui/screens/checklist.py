"""Any number of live choices, ticked in a list with a filter above it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from lytics_azure_tui.tui.offers import Offer, State
from lytics_azure_tui.tui.text import content, plain
from lytics_azure_tui.tui.widgets.controls import Answered, Line, Passed

SHOWN = 1000
"""Lines in the list at once; the filter narrows them down."""


class Checklist(ModalScreen[list[str] | None]):
    """Gives the chosen values in the order of the choices; None for no change. None ticked is all, if that may be."""

    CSS_PATH = "checklist.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back"),
        Binding("enter", "done", "Done"),
        Binding("space", "tick", "Tick"),
        Binding("ctrl+a", "none", "All (clear)", priority=True),
        Binding("ctrl+r", "again", "Load again"),
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "move(-10)", show=False),
        Binding("pagedown", "move(10)", show=False),
    ]

    def __init__(
        self, title: str, chosen: Iterable[str], offer: Offer, again: Callable[[], None], *, required: bool = False
    ) -> None:
        """Shows an offer; a later one comes by `offer`.

        Args:
            again: loads the choices once more.
            required: one at least is wanted, so that none is not all.
        """
        super().__init__()
        self._title, self._again = title, again
        self._none = "none ticked yet" if required else "none ticked means all"
        self._chosen = dict.fromkeys(chosen)
        self._offer = offer
        self._shown: list[tuple[str, str, str]] = []
        self._found = 0

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = content(self._title, cells=50)
            yield _Filter(placeholder="Type to filter; ↑ ↓ to move; space to tick", id="filter")
            yield OptionList(id="list", markup=False)
            yield Static("", id="note", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        self.query_one("#filter").focus()
        self._fill()

    def offer(self, offer: Offer) -> None:
        """Takes what there is to choose from now."""
        self._offer = offer
        self._fill()

    @property
    def _list(self) -> OptionList:
        return self.query_one(OptionList)

    def _fill(self) -> None:
        wanted = self.query_one("#filter", Line).value.strip().casefold()
        # What was chosen and is not there any more can only be taken away: it stands at the end.
        lines = [(choice.value, choice.words, choice.detail) for choice in self._offer.choices]
        if self._offer.state is State.READY:
            lines += [(value, value, "not there") for value in self._offer.unknown(list(self._chosen))]
        else:
            lines += [(value, value, "") for value in self._chosen]
        found = [line for line in lines if wanted in line[1].casefold()]
        at = self._list.highlighted
        self._shown, self._found = found[:SHOWN], len(found)
        self._list.set_options([Option(self._line(*line)) for line in self._shown])
        self._list.highlighted = min(at or 0, len(self._shown) - 1) if self._shown else None
        self._say()

    def _line(self, value: str, words: str, detail: str) -> Content:
        tick = ("[✓] ", "bold $text-success") if value in self._chosen else ("[ ] ", "dim")
        shown = plain(words, 40)
        return Content.assemble(tick, shown, "  ", content(detail, "dim"))

    def _say(self) -> None:
        note = self.query_one("#note", Static)
        if self._offer.state in (State.LOADING, State.UNASKED):
            note.update("loading…")
        elif self._offer.state is State.WAITING:
            note.update(content(self._offer.words))
        elif self._offer.state is State.FAILED:
            note.update(Content.assemble(("✗ ", "$text-error"), content(self._offer.words)))
        elif self._found > SHOWN:
            note.update(f"{self._found - SHOWN:,} more: type to narrow them down")
        elif not self._offer.choices and self._offer.words:
            note.update(content(self._offer.words))
        else:
            count = len(self._chosen)
            note.update(f"{count} chosen of {len(self._offer.choices):,}" if count else self._none)

    @on(Answered)
    def _typed(self, event: Answered) -> None:
        event.stop()
        self._fill()

    @on(Passed)
    def _entered(self, event: Passed) -> None:
        event.stop()
        self.action_done()

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        self._toggle(event.option_index)

    def _toggle(self, index: int) -> None:
        line = self._shown[index]
        if line[0] in self._chosen:
            del self._chosen[line[0]]
        else:
            self._chosen[line[0]] = None
        self._list.replace_option_prompt_at_index(index, self._line(*line))
        self._say()

    def action_move(self, by: int) -> None:
        """Moves in the list; the filter keeps the focus."""
        if self._shown:
            self._list.highlighted = max(0, min((self._list.highlighted or 0) + by, len(self._shown) - 1))

    def action_tick(self) -> None:
        """Ticks the line, or takes its tick away."""
        if self._list.highlighted is not None and self._shown:
            self._toggle(self._list.highlighted)

    def action_none(self) -> None:
        """Back to all."""
        self._chosen.clear()
        self._fill()

    def action_again(self) -> None:
        """Loads the choices again."""
        self._again()

    def action_done(self) -> None:
        """Gives what is ticked, in the order of the choices."""
        order = {choice.value: place for place, choice in enumerate(self._offer.choices)}
        self.dismiss(sorted(self._chosen, key=lambda value: order.get(value, len(order))))


class _Filter(Line):
    """A line in which space ticks. A name with a space in it is found by the words beside the space."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Done"),
        Binding("space", "tick", "Tick", priority=True),
    ]

    def action_tick(self) -> None:
        """Ticks the line of the list."""
        if isinstance(self.screen, Checklist):
            self.screen.action_tick()
