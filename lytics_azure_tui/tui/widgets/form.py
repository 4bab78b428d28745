"""A form drawn from questions: a line for each, its error below it, and which of them matter as answers change."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, cast

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from lytics_azure_tui.model.form import Kind, Question, Source
from lytics_azure_tui.tui.answers import blank, in_words, matters
from lytics_azure_tui.tui.offers import BROWSED, Offer, State
from lytics_azure_tui.tui.text import content
from lytics_azure_tui.tui.widgets.controls import Answered, Control, Line, LongText, OneOf, Passed, SecretLine, Tick
from lytics_azure_tui.tui.widgets.expression_input import Expression
from lytics_azure_tui.tui.widgets.pick import Opened, Pick, PickMany, Wanted


def control(question: Question, answer: Any, *, stored: bool = False) -> Widget:
    """The control for a question, with its answer.

    Args:
        stored: a secret is there already.
    """
    ask, placeholder = question.ask, _placeholder(question)
    if question.kind is Kind.PICK:
        return Pick(answer, placeholder=placeholder, browses=ask.source in BROWSED, exact=ask.exact)
    makers: dict[Kind, Callable[[], Widget]] = {
        Kind.TEXT: lambda: Line(answer, placeholder=placeholder, exact=ask.exact),
        Kind.SECRET: lambda: SecretLine(
            placeholder=placeholder, stored=stored, unbroken=ask.unbroken, several=ask.long
        ),
        Kind.LONG_TEXT: lambda: LongText(answer, placeholder=placeholder),
        Kind.NUMBER: lambda: Line(answer, placeholder=placeholder, whole_number=True),
        Kind.CHECKBOX: lambda: Tick(answer),
        Kind.SELECT: lambda: OneOf(question.options, answer),
        Kind.PICK_MANY: lambda: PickMany(answer or (), "None chosen yet" if question.required else "All"),
    }
    return makers[question.kind]()


def _placeholder(question: Question) -> str:
    """An empty field says what holds while it is empty; where nothing does, an example."""
    if not blank(question.default):
        return f"default: {in_words(question, question.default)}"
    return f"e.g. {question.ask.placeholder}" if question.ask.placeholder else ""


LABEL, WIDEST_LABEL = 24, 30
"""Cells of a form's labels, with the room around them: at least, and at most."""
_HANDLING = {
    Kind.SECRET: "Kept where secrets are kept, never in a file of its own.",
    Kind.CHECKBOX: "Space ticks.",
    Kind.SELECT: "↓ opens the list.",
    Kind.PICK: "Type, or ↓ for the choices.",
    Kind.PICK_MANY: "Space opens the list.",
}


class Field(Widget):
    """One question: label, control, and room for an error."""

    DEFAULT_CSS = """
    Field { height: auto; width: 1fr; }
    Field > Horizontal { height: auto; }
    Field .field-label { height: 1; padding: 0 1 0 2; color: $foreground; }
    Field.-active .field-label { color: $primary; text-style: bold; }
    Field.-active .pick-arrow { background: $panel; color: $primary; }
    Field .field-error { display: none; height: auto; padding-right: 1; color: $text-error; }
    Field.-wrong .field-error { display: block; }
    Field .field-note { display: none; height: auto; padding-right: 1; color: $text-warning; }
    Field.-noted .field-note { display: block; }
    Field .field-shown { display: none; height: auto; padding-right: 1; color: $text-muted; }
    Field.-shown .field-shown { display: block; }
    Field.-counted > Horizontal > Line { width: 16; }
    Field .field-unit { width: auto; height: 1; padding: 0 1; color: $text-muted; }
    Field.-idle .field-unit { display: none; }
    Field .field-why { display: none; width: 1fr; height: 1; padding: 0 1; color: $text-disabled; }
    Field.-idle .field-label { color: $text-disabled; }
    Field.-idle .field-why { display: block; }
    Field.-idle .field-error, Field.-idle .field-note, Field.-idle .field-shown { display: none; }
    """

    def __init__(
        self,
        question: Question,
        answer: Any,
        why_idle: str,
        *,
        label_width: int = LABEL,
        stored: bool = False,
        by: Widget | None = None,
    ) -> None:
        super().__init__()
        self._label_width = label_width
        self.set_class(bool(question.ask.unit), "-counted")
        self.question = question
        self.control = by or control(question, answer, stored=stored)
        self._why_idle = why_idle
        self.outdated = False
        """Whether something that the answer depends on has changed since it was given."""
        self._offer: Offer | None = None
        self._error = Static("", classes="field-error", markup=False)
        self._note = Static("", classes="field-note", markup=False)
        self._shown = Static("", classes="field-shown", markup=False)

    def compose(self) -> ComposeResult:
        with Horizontal():
            label = Static(content(self.question.ask.label, cells=self._label_width - 3), classes="field-label")
            label.styles.width = self._label_width
            yield label
            yield self.control
            if self.question.ask.unit:
                yield Static(self.question.ask.unit, classes="field-unit", markup=False)
            yield Static(content(self._why_idle), classes="field-why")
        for below in (self._error, self._note, self._shown):
            below.styles.margin = (0, 0, 0, self._label_width + 1)
            yield below

    @property
    def answer(self) -> Any:
        """Of the control."""
        return cast(Control, self.control).answer

    def put(self, answer: Any) -> None:
        """Into the control."""
        cast(Control, self.control).put(answer)

    def wrong(self, why: str) -> None:
        """Shows an error below the field; an empty one takes it away."""
        self.set_class(bool(why), "-wrong")
        self._error.update(content(f"↑ {why}") if why else "")

    def show(self, words: str) -> None:
        """Says below the field what its answer comes to; nothing takes it away."""
        self.set_class(bool(words), "-shown")
        self._shown.update(content(f"→ {words}") if words else "")

    def enter(self) -> None:
        """Takes the focus now; `focus()` would take it some messages later, and keys typed ahead would stay behind."""
        self.screen.set_focus(self.control.line if isinstance(self.control, Pick | Expression) else self.control)

    def take(self, offer: Offer) -> None:
        """Takes the choices that there are now."""
        self._offer = offer
        if isinstance(self.control, Pick):
            self.control.offer(offer)
        # While somebody types, the answer is not one yet.
        if not self.has_class("-active"):
            self.judge()

    def judge(self) -> None:
        """Says where the answer is not among the choices, or may not be."""
        offer, ask, words = self._offer, self.question.ask, ""
        # Where choices depend on nothing, and where they are only proposals, what is typed is as good.
        if ask.needs and ask.source is not Source.PREFIXES and offer is not None and not blank(self.answer):
            if offer.state is State.READY:
                unknown = offer.unknown(self.answer)
                words = f"not there: {', '.join(unknown[:5])}{'…' if len(unknown) > 5 else ''}" if unknown else ""
            elif self.outdated and offer.state in (State.UNASKED, State.WAITING):
                words = "chosen before something that it depends on was changed"
        self._caution(words)

    def _caution(self, words: str) -> None:
        self.set_class(bool(words), "-noted")
        self._note.update(content(words))

    def idle(self, idle: bool) -> None:
        """A field that does not matter now says why."""
        self.set_class(idle, "-idle")
        self.control.display = not idle

    @property
    def is_idle(self) -> bool:
        """Whether the question does not matter now."""
        return self.has_class("-idle")


class Form(VerticalScroll, can_focus=False):
    """Questions and their answers.

    Attributes:
        answers: as they stand; shared with whoever made the form.
    """

    DEFAULT_CSS = """
    Form { height: 1fr; scrollbar-size: 1 1; padding: 0 1 0 0; }
    """

    class Changed(Message):
        """A question has another answer."""

        def __init__(self, question: Question) -> None:
            super().__init__()
            self.question = question

    class Reached(Message):
        """A question has the focus."""

        def __init__(self, question: Question, help: Content) -> None:
            super().__init__()
            self.question = question
            self.help = help

    class Needs(Message):
        """A question needs its choices; `again` when they are to be loaded once more."""

        def __init__(self, question: Question, again: bool) -> None:
            super().__init__()
            self.question = question
            self.again = again

    class Opens(Message):
        """A question whose choices take a screen of their own was opened."""

        def __init__(self, question: Question) -> None:
            super().__init__()
            self.question = question

    class Finished(Message):
        """Enter was pressed in the last field."""

    def __init__(
        self,
        questions: Sequence[Question],
        answers: dict[str, Any],
        *,
        labels: Mapping[str, str] | None = None,
        stored: Collection[str] = (),
        controls: Mapping[str, Widget] | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Draws the questions.

        Args:
            answers: every question's; changed in place as the operator answers.
            labels: of questions that stand elsewhere and on which some of these depend.
            stored: names of the secrets that are there already.
            controls: by question, one in place of what its kind would have; with the answer in it.
        """
        super().__init__(id=id, classes=classes)
        self.answers = answers
        longest = max((len(question.ask.label) for question in questions), default=0)
        width = min(max(longest + 3, LABEL), WIDEST_LABEL)
        known = {**(labels or {}), **{question.name: question.ask.label for question in questions}}
        self.fields = {
            question.name: Field(
                question,
                answers.get(question.name),
                f"only with {known.get(question.ask.only_if, '')}" if question.ask.only_if else "",
                label_width=width,
                stored=question.name in stored,
                by=(controls or {}).get(question.name),
            )
            for question in questions
        }

    def compose(self) -> ComposeResult:
        yield from self.fields.values()

    def on_mount(self) -> None:
        self.refresh_relevance()

    def refresh_relevance(self) -> None:
        """Looks again which questions matter."""
        for field in self.fields.values():
            field.idle(not matters(field.question, self.answers))

    def show_errors(self, wrong: Mapping[str, str]) -> bool:
        """Shows what is wrong at each field and goes to the first. Gives whether anything is wrong here."""
        first = None
        for name, field in self.fields.items():
            field.wrong(wrong.get(name, ""))
            if isinstance(field.control, Pick):
                field.control.shut()
            if name in wrong and first is None and not field.is_idle:
                first = field
        if first is not None:
            first.enter()
        return first is not None

    def show(self, shown: Mapping[str, str]) -> None:
        """Says below some fields what their answers come to, and below the others nothing."""
        for name, field in self.fields.items():
            field.show(shown.get(name, ""))

    def offer(self, name: str, offer: Offer) -> None:
        """Hands a field its choices."""
        if name in self.fields:
            self.fields[name].take(offer)

    def put(self, name: str, answer: Any) -> None:
        """Answers a question for the operator."""
        self.answers[name] = answer
        if name in self.fields:
            self.fields[name].outdated = False
            self.fields[name].wrong("")
            self.fields[name].put(answer)

    def outdate(self, name: str) -> None:
        """Something that a question's answer depends on has changed."""
        if name in self.fields:
            self.fields[name].outdated = not blank(self.answers.get(name))

    def enter(self, name: str | None = None) -> None:
        """Puts the focus on a field, by itself the first one."""
        for field in self.fields.values():
            if not field.is_idle and name in (None, field.question.name):
                field.enter()
                return

    def enter_if_empty(self) -> bool:
        """Goes to the first field, if nothing stands in it that a key could replace."""
        first = next((field for field in self.fields.values() if not field.is_idle), None)
        if first is None or not blank(first.answer):
            return False
        first.enter()
        return True

    def replace(self, answers: Mapping[str, Any]) -> None:
        """Answers several questions for the operator; those that are not here are passed over."""
        for name in self.fields:
            if name in answers:
                self.put(name, answers[name])
        self.refresh_relevance()

    def _field_of(self, widget: Widget | None) -> Field | None:
        if widget is None:
            return None
        return next((node for node in widget.ancestors_with_self if isinstance(node, Field)), None)

    @on(Answered)
    def _answered(self, event: Answered) -> None:
        event.stop()
        field = self._field_of(event.by)
        if field is None or self.answers.get(field.question.name) == field.answer:
            return
        self.answers[field.question.name] = field.answer
        field.outdated = False
        field.wrong("")
        self.refresh_relevance()
        self.post_message(self.Changed(field.question))

    @on(Passed)
    def _passed(self, event: Passed) -> None:
        event.stop()
        names = [name for name, field in self.fields.items() if not field.is_idle]
        field = self._field_of(event.by)
        at = names.index(field.question.name) if field is not None and field.question.name in names else -1
        if at + 1 < len(names):
            self.fields[names[at + 1]].enter()
        else:
            self.post_message(self.Finished())

    @on(Wanted)
    def _wanted(self, event: Wanted) -> None:
        event.stop()
        field = self._field_of(event.by)
        if field is not None:
            self.post_message(self.Needs(field.question, event.again))

    @on(Opened)
    def _opened(self, event: Opened) -> None:
        event.stop()
        field = self._field_of(event.by)
        if field is not None:
            self.post_message(self.Opens(field.question))

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """The field with the focus stands out, and no other."""
        field = self._field_of(event.widget)
        # Two widgets tell of the change, and who lost the focus may be heard after who has it now.
        if field is not None and field is not self._field_of(self.screen.focused):
            field.remove_class("-active")
            field.judge()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Says what the field is for."""
        field = self._field_of(event.widget)
        for other in self.fields.values():
            other.set_class(other is field, "-active")
        if field is not None:
            ask = field.question.ask
            optional = "" if field.question.required else " (optional)"
            handling = _HANDLING.get(field.question.kind, "")
            if ask.source in BROWSED:
                handling = "Type, or ↓ to browse."
            help = Content.assemble((ask.label, "bold"), f"{optional}: {ask.help} ", (handling, "dim"))
            self.post_message(self.Reached(field.question, help))
