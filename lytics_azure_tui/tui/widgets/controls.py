"""The controls of a form that stand on one line: text, a secret, several lines, a tick, one of a few."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal, Protocol

from rich.text import Text
from textual import events, on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Select, TextArea

from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.tui.text import UNSHOWABLE, content, plain


class Told(Message):
    """Something that a control says to its form."""

    def __init__(self, by: Widget) -> None:
        super().__init__()
        self.by = by


class Answered(Told):
    """The control has another answer. The answer is not in the message: it may be a secret."""


class Passed(Told):
    """Enter was pressed: on to the next field."""


class Control(Protocol):
    """What a form needs of a control."""

    @property
    def answer(self) -> Any:
        """As the question's model takes it."""

    def put(self, answer: Any) -> None:
        """Shows another answer."""


class Line(Input):
    """One line of text. What is pasted with line breaks is joined, and nothing in it reaches the terminal raw.

    What it was given stays the answer to the character until something else is typed.
    """

    DEFAULT_CSS = """
    Line {
        border: none; height: 1; padding: 0 1; background: $surface;
        &:focus { border: none; background: $panel; background-tint: $foreground 0%; }
        &.-invalid, &.-invalid:focus { border: none; }
        &.-textual-compact { padding: 0 1; }
    }
    """

    def __init__(
        self,
        answer: object = "",
        *,
        placeholder: str = "",
        whole_number: bool = False,
        exact: bool = False,
        id: str | None = None,
    ) -> None:
        """Begins with an answer.

        Args:
            exact: blanks at either end of what is typed belong to the answer.
        """
        self._exact = exact
        self._given, self._answer = _shown(answer), answer
        kind: Literal["integer", "text"] = "integer" if whole_number else "text"
        super().__init__(self._given, placeholder=placeholder, type=kind, id=id, compact=True)

    @property
    def answer(self) -> Any:
        if self.value == self._given:
            return None if self._answer == "" else self._answer
        return (self.value if self._exact else self.value.strip()) or None

    def put(self, answer: Any) -> None:
        self._answer = answer
        self.value = self._given = _shown(answer)

    @property
    def _value(self) -> Text:
        # One sign for each character, so that the cursor stands where it seems to stand.
        signs = (plain(character) or UNSHOWABLE for character in self.value)
        return Text("".join(signs), no_wrap=True, overflow="ignore", end="")

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self.replace(self._joined(event.text), *self.selection)

    def _joined(self, text: str) -> str:
        joined = " ".join(text.strip("\r\n").split("\n")).replace("\r", "")
        return joined if self._exact else joined.strip()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(Answered(self))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(Passed(self))


def _shown(answer: object) -> str:
    return "" if answer is None else str(answer)


class SecretLine(Line):
    """A masked line. The value is in no message, cannot be copied, and leaves only as a `Secret`."""

    def __init__(
        self,
        *,
        placeholder: str = "",
        stored: bool = False,
        unbroken: bool = False,
        several: bool = False,
        id: str | None = None,
    ) -> None:
        """Begins empty, whatever is stored.

        Args:
            stored: there is a secret already, which stays unless another is typed.
            unbroken: blanks and line breaks in what is pasted come from copying it: a connection string has none.
            several: line breaks belong to it: a key in ASCII armour.
        """
        self._unbroken, self._several = unbroken, several
        super().__init__(placeholder="unchanged; type to replace it" if stored else placeholder, id=id)
        self.password = True

    @property
    def answer(self) -> Secret | None:
        return Secret(self.value) if self.value.strip() else None

    def put(self, answer: Any) -> None:
        self.value = answer.reveal() if isinstance(answer, Secret) else ""

    @property
    def _value(self) -> Text:
        return Text("•" * len(self.value), no_wrap=True, overflow="ignore", end="")

    def _joined(self, text: str) -> str:
        if self._several:
            return text.strip()
        # A blank may be part of a password; line breaks come from a terminal or a page that has wrapped the text.
        return "".join(text.split()) if self._unbroken else "".join(text.splitlines()).strip()

    def post_message(self, message: Message) -> bool:
        # Textual's own messages hold the value, and their repr goes to its log.
        if isinstance(message, Input.Changed):
            message = Answered(self)
        elif isinstance(message, Input.Submitted):
            message = Passed(self)
        elif isinstance(message, Input.Blurred):
            return False
        return super().post_message(message)

    def action_copy(self) -> None:
        """A secret is not copied."""

    def action_cut(self) -> None:
        """A secret is not copied."""


class LongText(TextArea):
    """Several lines. Tab goes on to the next field."""

    DEFAULT_CSS = """
    LongText {
        border: none; height: 5; padding: 0 1; background: $surface;
        &:focus { border: none; background: $panel; }
        & .text-area--cursor-line { background: transparent; }
    }
    """

    def __init__(self, answer: object = "", *, placeholder: str = "", id: str | None = None) -> None:
        super().__init__(_several(answer), tab_behavior="focus", compact=True, placeholder=Content(placeholder), id=id)

    @property
    def answer(self) -> str | None:
        return self.text.strip() or None

    def put(self, answer: Any) -> None:
        self.text = _several(answer)

    @on(TextArea.Changed)
    def _changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self.post_message(Answered(self))


def _several(answer: object) -> str:
    return "\n".join(plain(line) for line in _shown(answer).splitlines())


class Tick(Checkbox, inherit_bindings=False):
    """Yes or no. Space ticks; enter goes on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "toggle_button", "Tick", show=False),
        Binding("enter", "pass_on", "Next field", show=False),
    ]
    DEFAULT_CSS = """
    Tick {
        border: none; height: 1; padding: 0 1; width: 1fr; background: $surface;
        &.-textual-compact { padding: 0 1; }
        &:focus { border: none; background: $panel; background-tint: $foreground 0%; }
    }
    """

    def __init__(self, answer: object = False, *, id: str | None = None) -> None:
        super().__init__("", bool(answer), id=id, compact=True)

    @property
    def answer(self) -> bool:
        return self.value

    def put(self, answer: Any) -> None:
        self.value = bool(answer)

    def render(self) -> Content:
        """Brackets stay legible without colours."""
        return Content.assemble(("[", "dim"), ("✓" if self.value else " ", "bold $text-success"), ("]", "dim"))

    def action_pass_on(self) -> None:
        """Enter is for going on, as in every other field."""
        self.post_message(Passed(self))

    @on(Checkbox.Changed)
    def _changed(self, event: Checkbox.Changed) -> None:
        event.stop()
        self.post_message(Answered(self))


class OneOf(Select[str], inherit_bindings=False):
    """One of a few fixed options. Space or the arrows open the list; enter goes on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,down,up", "show_overlay", "Open", show=False),
        Binding("enter", "pass_on", "Next field", show=False),
    ]
    DEFAULT_CSS = """
    OneOf {
        height: 1;
        & > SelectCurrent { background: $surface; padding: 0 1; height: 1; }
        &:focus > SelectCurrent { border: none; background: $panel; }
        &.-textual-compact > SelectCurrent { padding: 0 1; }
        & > SelectOverlay { border: none; background: $panel; padding: 0; }
    }
    """

    def __init__(self, options: Iterable[tuple[str, str]], answer: object, *, id: str | None = None) -> None:
        """Begins with an answer.

        Args:
            options: (value, words).
        """
        pairs = [(content(words), value) for value, words in options]
        known = {value for _, value in pairs}
        super().__init__(
            pairs,
            allow_blank=str(answer) not in known,
            value=str(answer) if str(answer) in known else Select.NULL,
            prompt="choose one",
            compact=True,
            id=id,
        )

    @property
    def answer(self) -> str | None:
        return None if self.is_blank() else str(self.value)

    def put(self, answer: Any) -> None:
        self.value = str(answer)

    def offer(self, options: Iterable[tuple[str, str]], answer: object) -> None:
        """Has other options from now on, and one of them as the answer."""
        with self.prevent(Select.Changed):
            self.set_options([(content(words), value) for value, words in options])
            self.value = str(answer)
        self.post_message(Answered(self))

    def action_pass_on(self) -> None:
        """Enter is for going on, as in every other field."""
        self.post_message(Passed(self))

    @on(Select.Changed)
    def _changed(self, event: Select.Changed) -> None:
        event.stop()
        self.post_message(Answered(self))
