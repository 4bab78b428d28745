"""A field for expressions and filters: what could stand at the cursor is offered, and an error is underlined."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.style import Style
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.color import Color, ColorParseError
from textual.content import Content
from textual.geometry import Offset
from textual.widget import Widget
from textual.widgets import OptionList, TextArea
from textual.widgets.option_list import Option

from lytics_azure_tui.tui.text import UNSHOWABLE, content, plain
from lytics_azure_tui.tui.widgets.controls import Answered, Passed

if TYPE_CHECKING:
    from lytics_azure_tui.model.language.complete import Completion, Completions
    from lytics_azure_tui.model.language.problem import LanguageProblem

Completer = Callable[[str, int], "Completions"]
"""Of a text and a place in it, counted in characters from 0."""

SHOWN = 8
WIDEST, WIDEST_NAME = 68, 28
_TOKENS = re.compile(
    r'(?P<comment>--[^\n]*)|(?P<string>"(?:[^"\\]|\\.)*"?)|(?P<name>`[^`]*`?|\'[^\']*\'?)|(?P<word>[^\W\d][\w.]*)'
)
_KEYWORDS = frozenset(
    {
        *("FILTER", "FROM", "LIMIT", "WITH", "ALIAS", "AND", "OR", "NOT", "IN", "INTERSECTS", "LIKE", "CONTAINS"),
        *("BETWEEN", "EXISTS", "INCLUDE", "IS", "NULL", "TRUE", "FALSE", "MATCH_ALL"),
    }
)


class _Offered(OptionList, can_focus=False):
    """The list below the cursor. The text keeps the focus and leads it."""

    DEFAULT_CSS = """
    _Offered {
        overlay: screen; constrain: inside inside; display: none; max-height: 8;
        border: none; padding: 0; background: $panel; color: $foreground; scrollbar-size: 1 1;
        & > .option-list--option { padding: 0 1; }
        & > .option-list--option-highlighted {
            background: $block-cursor-background; color: $block-cursor-foreground;
        }
    }
    """


class _Code(TextArea):
    """The text itself."""

    DEFAULT_CSS = """
    _Code {
        border: none; padding: 0 1; background: $surface; scrollbar-size: 1 1;
        height: auto; min-height: 1; max-height: 3;
        &:focus { border: none; background: $panel; }
        &.-several { height: 1fr; max-height: 100%; }
        & .text-area--cursor-line { background: transparent; }
    }
    """

    def __init__(self, owner: Expression, text: str, *, several: bool, placeholder: str) -> None:
        super().__init__(
            text, tab_behavior="focus", compact=True, placeholder=Content(placeholder), highlight_cursor_line=False
        )
        self.set_class(several, "-several")
        self._owner, self._several = owner, several
        self.wrong: tuple[int, int] | None = None
        """Line and column of an error, from 0."""

    def get_line(self, line_index: int) -> Text:
        raw = self.document.get_line(line_index)
        # One sign for each character, so that the cursor stands where it seems to stand.
        signs = (sign if sign == "\t" else plain(sign) or UNSHOWABLE for sign in raw)
        line = Text("".join(signs), end="", no_wrap=True)
        for token in _TOKENS.finditer(raw):
            if token.lastgroup == "comment":
                line.stylize(Style(dim=True), *token.span())
            elif token.lastgroup == "word" and token.group().upper() in _KEYWORDS:
                line.stylize(Style(bold=True), *token.span())
            elif token.lastgroup == "string":
                line.stylize(self._colour("text-success"), *token.span())
        if self.wrong is not None and self.wrong[0] == line_index and raw:
            line.stylize(self._colour("text-error") + Style(underline=True), *wrong_part(raw, self.wrong[1]))
        return line

    def _colour(self, variable: str) -> Style:
        try:
            return Style(color=Color.parse(self.app.theme_variables[variable]).rich_color)
        except (KeyError, ColorParseError):  # a theme of the terminal's own colours
            return Style()

    async def _on_key(self, event: events.Key) -> None:
        # The text area's own handler is called next, unless this prevents it.
        if self._owner.led_by(event.key) or (event.key == "enter" and not self._several):
            event.stop()
            event.prevent_default()

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        text = "\n".join(event.text.splitlines()) if self._several else " ".join(event.text.split("\n"))
        self._replace_via_keyboard(text.replace("\r", ""), *self.selection)


class Expression(Widget):
    """The control. `line` is what takes the focus.

    Posts `Answered` when the text changes, and `Passed` on enter where there is one line.
    """

    DEFAULT_CSS = """
    Expression { height: auto; width: 1fr; }
    Expression.-several { height: 1fr; }
    Expression.-open _Offered { display: block; }
    """

    def __init__(
        self,
        text: object = "",
        *,
        complete: Completer,
        several: bool = False,
        placeholder: str = "",
        id: str | None = None,
    ) -> None:
        """Begins with a text.

        Args:
            complete: what could stand at a place in the text.
            several: whether the text may have several lines; else enter goes on.
        """
        super().__init__(id=id)
        self.set_class(several, "-several")
        self.line = _Code(self, _clean(text), several=several, placeholder=placeholder)
        self._several, self._complete = several, complete
        self._list = _Offered(markup=False)
        self._start = 0
        self._items: tuple[Completion, ...] = ()
        self._led = False
        """Whether the operator has moved in the list, so that enter is meant for it."""
        self._at = (0, 0)
        self._taking = False

    def compose(self) -> ComposeResult:
        yield self.line
        yield self._list

    def on_mount(self) -> None:
        self.line.move_cursor(self.line.document.end)

    @property
    def answer(self) -> str | None:
        return self.line.text.strip() or None

    @property
    def text(self) -> str:
        """As it is written."""
        return self.line.text

    def put(self, answer: object) -> None:
        self.line.text = _clean(answer)

    def insert(self, text: str) -> None:
        """Writes at the cursor, with a space where it would run into what is there."""
        before = self.line.get_text_range((0, 0), self.line.selection.start)
        gap = " " if before and not before[-1].isspace() and before[-1] != "(" else ""
        self.line.replace(gap + text, *self.line.selection)

    def mark(self, problem: LanguageProblem | None = None) -> None:
        """Underlines what a problem is about; None takes the mark away."""
        wrong = None if problem is None else (problem.line - 1, problem.column - 1)
        if wrong != self.line.wrong:
            self.line.wrong = wrong
            self.line.notify_style_update()
            self.line.refresh()

    # The list

    @property
    def is_open(self) -> bool:
        """Whether the list is shown."""
        return self.has_class("-open")

    def shut(self) -> None:
        """Takes the list away."""
        self.remove_class("-open")

    def offer(self, *, asked: bool = False) -> None:
        """Offers what could stand at the cursor.

        Args:
            asked: also where nothing of it has been typed.
        """
        text, cursor = self.line.text, self._cursor
        found = self._complete(text, cursor)
        typed = text[found.start : cursor]
        self._start, self._items, self._at = found.start, found.items, self.line.cursor_location
        self._led = asked
        if not self._items or not (typed.strip() or asked):
            self.shut()
            return
        width = min(max(len(plain(_shown(item)[0])) for item in self._items), WIDEST_NAME)
        # Two cells stay free at the sides, and one for the scroll bar.
        lines = [_line(item, width, min(WIDEST, self.screen.size.width) - 3) for item in self._items]
        self._list.set_options([Option(line) for line in lines])
        self._list.highlighted = 0
        self.add_class("-open")
        self._place(max(line.cell_length for line in lines) + 2)

    def _place(self, width: int) -> None:
        """Below the cursor, or above it where there is no room below."""
        height = min(len(self._items), SHOWN)
        cursor = self.line.cursor_screen_offset
        below = self.screen.size.height - cursor.y - 1
        y = cursor.y + 1 if below > height else max(cursor.y - height, 0)
        typed = self._cursor - self._start
        self._list.styles.width = width + (len(self._items) > SHOWN)
        self._list.styles.height = height
        # By itself it would stand below the text, at its left.
        self._list.styles.offset = Offset(cursor.x - typed - 1, y) - Offset(self.region.x, self.line.region.bottom)

    @property
    def _cursor(self) -> int:
        row, column = self.line.cursor_location
        return sum(len(line) + 1 for line in self.line.text.split("\n")[:row]) + column

    def _location(self, index: int) -> tuple[int, int]:
        before = self.line.text[:index]
        return before.count("\n"), index - before.rfind("\n") - 1

    def _take(self, index: int) -> None:
        item, cursor = self._items[index], self._cursor
        text, back = item.text, 0
        if item.kind == "function":
            has_brackets = self.line.text[cursor:].startswith("(")
            text, back = (text.removesuffix("("), 0) if has_brackets else (f"{text})", 1)
        self.shut()
        self._taking = True
        self.line.replace(text, self._location(self._start), self.line.cursor_location)
        if back:
            self.line.move_cursor_relative(columns=-back)

    def _is_whole(self) -> bool:
        """Whether what has been typed is by itself one of the things that could stand there."""
        text, cursor = self.line.text, self._cursor
        typed = text[self._start : cursor].casefold()
        before = self._complete(text[: cursor - 1] + text[cursor:], cursor - 1)
        return any(item.text.casefold() == typed for item in before.items)

    # What the operator does

    def led_by(self, key: str) -> bool:
        """Whether a key is for the list, and not for the text."""
        if key in ("ctrl+@", "ctrl+space", "ctrl+at"):
            self.offer(asked=True)
            return True
        if not self.is_open:
            if key == "enter" and not self._several:
                self.post_message(Passed(self))
            return False
        at = self._list.highlighted or 0
        match key:
            case "escape":
                self.shut()
            case "down" | "up" | "pagedown" | "pageup":
                step = {"down": 1, "up": -1, "pagedown": SHOWN, "pageup": -SHOWN}[key]
                self._list.highlighted = max(0, min(at + step, len(self._items) - 1))
                self._led = True
            case "tab":
                self._take(at)
            case "enter":
                if not self._led and self._is_whole():  # the word is there: a new line is meant
                    self.shut()
                    return self.led_by(key)
                self._take(at)
            case _:
                return False
        return True

    @on(TextArea.Changed)
    def _changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self.mark()
        self.post_message(Answered(self))
        taking, self._taking = self._taking, False
        if self.line.has_focus and not taking:
            # The cursor's place on the screen is known after the text has been laid out.
            self.call_after_refresh(self.offer)

    @on(TextArea.SelectionChanged)
    def _moved(self, event: TextArea.SelectionChanged) -> None:
        event.stop()
        if self.is_open and self.line.cursor_location != self._at:
            self.shut()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._take(event.option_index)

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()

    def on_descendant_blur(self) -> None:
        """The list belongs to the text that has the focus."""
        self.shut()


def wrong_part(line: str, column: int) -> tuple[int, int]:
    """What to underline of an error at a column: the word that stands there; at the end, the last character."""
    start = min(max(column, 0), len(line) - 1)
    word = re.compile(r"[\w.]+|.").match(line, start)
    return start, word.end() if word else start + 1


def _shown(item: Completion) -> tuple[str, str]:
    """What stands at the left, and what is said about it: of a function, what it takes, too."""
    if item.kind == "function":
        signature, _, about = item.help.partition(": ")
        return signature, about
    return item.text, item.help or item.kind


def _line(item: Completion, width: int, cells: int) -> Content:
    name, about = _shown(item)
    shown = content(name, cells=width)
    gap = " " * (width - shown.cell_length + 2)
    return Content.assemble(shown, gap, content(about, "dim", max(cells - width - 2, 0)))


def _clean(text: object) -> str:
    """As it may be edited: the line ends of this system."""
    return "\n".join(str(text or "").splitlines())
