"""Controls with live choices: one that may be typed too, and any number of them from a checklist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual import events, on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from lytics_azure_tui.tui.offers import Offer, State
from lytics_azure_tui.tui.text import content, cut, plain
from lytics_azure_tui.tui.widgets.controls import Answered, Line, Passed, Told

SHOWN = 200
"""Choices in the list at once; typing narrows them down."""


class Wanted(Told):
    """A control needs its choices.

    Attributes:
        again: those it has did not come or may be old.
    """

    def __init__(self, by: Widget, *, again: bool = False) -> None:
        super().__init__(by)
        self.again = again


class Opened(Told):
    """A control whose choices need more room than a list below it was opened."""


class _Choices(OptionList, can_focus=False):
    """The list below the line. The line keeps the focus and leads it."""

    DEFAULT_CSS = """
    _Choices {
        overlay: screen; constrain: none inside; display: none;
        width: 1fr; height: auto; max-height: 10;
        border: none; border-left: wide $primary; padding: 0;
        background: $panel; color: $foreground; scrollbar-size: 1 1;
        &.-textual-compact { border: none !important; border-left: wide $primary; }
        & > .option-list--option { padding: 0 1; }
        & > .option-list--option-highlighted {
            background: $block-cursor-background; color: $block-cursor-foreground;
        }
    }
    """


class Pick(Widget):
    """One of live choices, or what is typed. Typing narrows the list; down opens it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", "Choices", show=False),
        Binding("up", "move(-1)", show=False),
        Binding("pagedown", "move(9)", show=False),
        Binding("pageup", "move(-9)", show=False),
        Binding("escape", "shut", "Close the list", show=False),
        Binding("ctrl+r", "again", "Load again", show=False),
    ]
    DEFAULT_CSS = """
    Pick { height: auto; width: 1fr; }
    Pick > Horizontal { height: 1; }
    Pick Line { width: 1fr; }
    Pick .pick-arrow { width: 3; background: $surface; color: $text-muted; pointer: pointer; }
    Pick.-open _Choices { display: block; }
    """

    def __init__(
        self, answer: object = None, *, placeholder: str = "", browses: bool = False, exact: bool = False
    ) -> None:
        """Begins with an answer; `line` is what takes the focus.

        Args:
            browses: down opens a browser, by `Opened`, in place of the list.
            exact: see `Line`.
        """
        super().__init__()
        self.line = Line(answer, placeholder=placeholder, exact=exact)
        self._list = _Choices()
        self._browses = browses
        self._offer = Offer(State.UNASKED)
        self._matching: list[str] = []
        self._led = False
        """Whether the list was opened to be chosen from, and not by typing."""
        self._by_hand = True
        """False while we, and not the operator, change the text."""

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield self.line
            yield Static("…" if self._browses else "▾", classes="pick-arrow", markup=False)
        yield self._list

    @property
    def answer(self) -> Any:
        return self.line.answer

    def put(self, answer: Any) -> None:
        before = self.line.value
        self.line.put(answer)
        # The line tells nothing when its text stays the same, and what comes next is typed.
        self._by_hand = self.line.value == before

    @property
    def is_open(self) -> bool:
        """Whether the list is shown."""
        return self.has_class("-open")

    def offer(self, offer: Offer) -> None:
        """Takes what there is to choose from now."""
        self._offer = offer
        if self.is_open:
            at = self._list.highlighted
            self._fill(all_of_them=self._led)
            if self._led:
                self._highlight(at or 0)

    # The list

    def _fill(self, *, all_of_them: bool = False) -> None:
        """Shows the choices that match what was typed."""
        offer = self._offer
        found = offer.matching("" if all_of_them else self.line.value)
        width = max((choice_width(choice.words) for choice in found[:SHOWN]), default=0)
        options = [
            Option(Content.assemble(content(choice.words.ljust(min(width, 48))), "  ", content(choice.detail, "dim")))
            if choice.detail
            else Option(content(choice.words))
            for choice in found[:SHOWN]
        ]
        self._matching = [choice.value for choice in found[:SHOWN]]
        note = self._note(len(found))
        if note is not None:
            options.append(Option(note, disabled=True))
        self._list.set_options(options)
        self._list.highlighted = None

    def _note(self, found: int) -> Content | None:
        offer = self._offer
        if offer.state in (State.LOADING, State.UNASKED):
            return content("loading…", "dim")
        if offer.state is State.WAITING:
            return content(offer.words, "dim")
        if offer.state is State.FAILED:
            return Content.assemble(("✗ ", "$text-error"), content(offer.words), ("  ctrl+r tries again", "dim"))
        words = ""
        if not offer.choices:
            words = offer.words or "nothing there; type a name"
        elif not found:
            words = "none of the choices contains this; it is taken as typed"
        elif found > SHOWN:
            words = f"and {found - SHOWN:,} more: type to narrow them down"
        return content(words, "dim") if words else None

    def _open(self) -> None:
        self.post_message(Wanted(self))
        self._led = True
        self._show_list(True)
        self._fill(all_of_them=True)
        value = self.line.value
        self._highlight(self._matching.index(value) if value in self._matching else 0)

    def shut(self) -> None:
        """Takes the list away."""
        self._show_list(False)

    def _show_list(self, there: bool) -> None:
        if there is not self.is_open:
            self.set_class(there, "-open")
            self.refresh_bindings()

    def _highlight(self, index: int) -> None:
        if self._matching:
            self._list.highlighted = max(0, min(index, len(self._matching) - 1))

    def _take(self, index: int) -> None:
        self.put(self._matching[index])
        self.line.cursor_position = len(self.line.value)
        self.shut()

    # What the operator does

    def action_move(self, by: int) -> None:
        """Opens the list, or moves in it."""
        if self._browses:
            if by != 1:
                raise SkipAction
            self.post_message(Opened(self))
        elif not self.is_open:
            if by < 0:
                raise SkipAction
            self._open()
        else:
            at = self._list.highlighted
            self._highlight((0 if by > 0 else len(self._matching)) if at is None else at + by)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While the list is closed, escape means something else."""
        return self.is_open if action == "shut" else super().check_action(action, parameters)

    def action_shut(self) -> None:
        """Closes the list."""
        self.shut()

    def action_again(self) -> None:
        """Loads the choices again."""
        self.post_message(Wanted(self, again=True))

    @on(events.Click, ".pick-arrow")
    def _arrow(self) -> None:
        self.line.focus()
        if self.is_open:
            self.shut()
        else:
            self.action_move(1)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._take(event.option_index)

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()

    @on(Answered)
    def _typed(self) -> None:
        by_hand, self._by_hand = self._by_hand, True
        if not by_hand or self._browses or not self.line.has_focus:
            return
        self._led = False
        if self.is_open:
            self._fill()
        elif self.line.value:
            self.post_message(Wanted(self))
            self._show_list(True)
            self._fill()

    @on(Passed)
    def _entered(self, event: Passed) -> None:
        if self.is_open:
            at = self._list.highlighted
            if at is not None:
                event.stop()
                self._take(at)
            self.shut()

    def on_descendant_blur(self) -> None:
        """The list belongs to the line that has the focus."""
        self.shut()


def choice_width(words: str) -> int:
    """Cells that a choice's words take, no more than fit."""
    return min(len(plain(words)), 48)


class PickMany(Widget, can_focus=True):
    """Any number of live choices, shown in one line; space or down opens the checklist.

    Args:
        nothing: what is said while none is chosen.
    """

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,down", "open", "Choose", show=False),
        Binding("delete,backspace", "none", "All", show=False),
        Binding("enter", "pass_on", "Next field", show=False),
    ]
    DEFAULT_CSS = """
    PickMany {
        height: 1; width: 1fr; padding: 0 1; background: $surface; pointer: pointer;
        &:focus { background: $panel; }
    }
    """

    def __init__(self, answer: Sequence[str] = (), nothing: str = "All") -> None:
        super().__init__()
        self._chosen = list(answer)
        self._nothing = nothing

    @property
    def answer(self) -> list[str]:
        return list(self._chosen)

    def put(self, answer: Any) -> None:
        self._chosen = list(answer or ())
        self.refresh()
        self.post_message(Answered(self))

    def render(self) -> Content:
        arrow = Content.styled(" …", "$primary" if self.has_focus else "dim")
        room = self.size.width - 3
        if not self._chosen:
            words = content(self._nothing, cells=room)
        else:
            names = ", ".join(plain(name) for name in self._chosen)
            words = Content(cut(f"{len(self._chosen)} chosen: {names}", room))
        return words + Content(" " * max(room - words.cell_length, 0)) + arrow

    def action_open(self) -> None:
        """Opens the checklist."""
        self.post_message(Opened(self))

    def action_none(self) -> None:
        """Back to all."""
        self.put(())

    def action_pass_on(self) -> None:
        """Enter is for going on, as in every other field."""
        self.post_message(Passed(self))

    def on_click(self) -> None:
        """The mouse opens the checklist too."""
        self.post_message(Opened(self))
