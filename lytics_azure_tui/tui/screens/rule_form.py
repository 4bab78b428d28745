"""One part of a mapping: a rule, an interest, or the condition on all events. Says at once what it gives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import BaseModel
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Footer, Static

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.lytics.protocol import Stopper
from lytics_azure_tui.model.form import Ask, Kind, Question
from lytics_azure_tui.model.language.problem import LanguageProblem
from lytics_azure_tui.model.mapping import Affinity, FieldRule, StreamMapping
from lytics_azure_tui.model.user_field import FieldKind, Merge
from lytics_azure_tui.tui.answers import blank, check
from lytics_azure_tui.tui.language import sentence
from lytics_azure_tui.tui.text import content
from lytics_azure_tui.tui.threads import in_thread
from lytics_azure_tui.tui.widgets.controls import OneOf
from lytics_azure_tui.tui.widgets.expression_input import Completer, Expression
from lytics_azure_tui.tui.widgets.form import Form
from lytics_azure_tui.tui.widgets.problem import explain

PAUSE_SECONDS = 0.3
"""After the last key, before what is entered is tried."""

Judge = Callable[[str, bool], LanguageProblem | None]
"""Says what is wrong with a text, which is a condition or an expression. Called in a thread."""
Attempt = Callable[[BaseModel, Stopper], Content]
"""Says what a part would give. Called in a thread; raises `LyazureError`."""

_MERGES = {
    Merge.LATEST: "latest: of the newest event",
    Merge.OLDEST: "oldest: of the first event",
    Merge.MIN: "min: the smallest",
    Merge.MAX: "max: the largest",
    Merge.SUM: "sum: all added up",
    Merge.COUNT: "count: how many events have one",
    Merge.MERGE: "merge: all there are",
    Merge.SET: "set: all there are, each once",
    Merge.VALUECT: "valuect: how often each occurs",
    Merge.CAPPED: "capped: the newest, so many",
    Merge.MAPMIN: "mapmin: of each key the smallest",
    Merge.MAPMAX: "mapmax: of each key the largest",
    Merge.LATESTMAP: "latestmap: of each key the latest",
    Merge.OLDESTMAP: "oldestmap: of each key the first",
}
_KINDS = {
    FieldKind.STRING: "text",
    FieldKind.INT: "whole numbers",
    FieldKind.NUMBER: "numbers",
    FieldKind.BOOL: "yes or no",
    FieldKind.DATE: "a time",
    FieldKind.STRINGS: "several texts",
    FieldKind.TIMES: "several times",
    FieldKind.MAP_INT: "a whole number for each key",
    FieldKind.MAP_NUMBER: "a number for each key",
    FieldKind.MAP_STRING: "a text for each key",
    FieldKind.MAP_BOOL: "yes or no for each key",
    FieldKind.MAP_TIME: "a time for each key",
}

_FIELD = Question(
    "field",
    Kind.TEXT,
    Ask("User field", "Its name in profiles and filters: letters, digits and underscores.", placeholder="email"),
    required=True,
    default=None,
)
_EXPRESSION = Ask("Expression", "A column, or functions of columns: email(address).")
_GUARD = Question(
    "guard",
    Kind.TEXT,
    Ask("Only if", 'A condition; other events give nothing: event = "purchase".'),
    required=False,
    default=None,
)
_RULE = (
    _FIELD,
    Question("expression", Kind.TEXT, _EXPRESSION, required=True, default=None),
    Question(
        "kind",
        Kind.SELECT,
        Ask("Kind", "What its values are."),
        required=False,
        default=FieldKind.STRING.value,
        options=tuple((kind.value, f"{kind}: {words}") for kind, words in _KINDS.items()),
    ),
    Question(
        "merge",
        Kind.SELECT,
        Ask("Merged by", "How the values of many events become one."),
        required=False,
        default=Merge.LATEST.value,
        options=tuple((merge.value, words) for merge, words in _MERGES.items()),
    ),
    Question(
        "cap",
        Kind.NUMBER,
        Ask("Keep", "So many of the newest values are kept.", only_if="capped"),
        required=False,
        default=100,
    ),
    Question(
        "identifier",
        Kind.CHECKBOX,
        Ask("Identifier", "Events with the same value are one person's: never what people share."),
        required=False,
        default=False,
    ),
    Question(
        "rank",
        Kind.NUMBER,
        Ask("Rank", "1 is the strongest: where a person has several, that value stays.", only_if="identifier"),
        required=False,
        default=1,
    ),
    _GUARD,
    Question("description", Kind.TEXT, Ask("Description", "For people."), required=False, default=""),
)
_INTEREST = (
    _FIELD,
    Question(
        "expression",
        Kind.TEXT,
        Ask("Topic", "Gives an event's topic, or a list of them: tolower(category)."),
        required=True,
        default=None,
    ),
    _GUARD,
)
_WHERE = (
    Question(
        "where",
        Kind.TEXT,
        Ask("Only events where", "A condition; other events make no profiles. Empty: all events do."),
        required=False,
        default=None,
    ),
)
CONDITIONS = ("guard", "where")
TEXTS = ("expression", *CONDITIONS)
"""Fields that are written in the language."""


@dataclass(frozen=True)
class _Shape:
    """How one kind of part is asked for."""

    model: type[FieldRule] | type[Affinity] | type[StreamMapping]
    questions: tuple[Question, ...]
    fixed: Mapping[str, object] = field(default_factory=dict)


class RuleForm(ModalScreen[BaseModel | None]):
    """Gives the part as it was entered, None for no change. A condition on all events comes in a mapping of its own."""

    CSS_PATH = "rule_form.tcss"
    AUTO_FOCUS = ""  # it goes to the field that is most likely changed
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "done", "Done"),
        Binding("escape", "dismiss(None)", "Back, no change"),
    ]

    def __init__(
        self,
        title: str,
        part: FieldRule | Affinity | StreamMapping | None,
        *,
        kind: type[FieldRule] | type[Affinity] | type[StreamMapping],
        stream: str,
        complete: Completer,
        judge: Judge,
        attempt: Attempt,
    ) -> None:
        """Opens with a part; None is an empty one.

        Args:
            complete: what could stand at a place of an expression or a condition.
            judge: looks at each of them.
            attempt: tries what is entered.
        """
        super().__init__()
        self._title, self._judge, self._attempt = title, judge, attempt
        self._complete = complete
        self._shape = {
            FieldRule: _Shape(FieldRule, _RULE),
            Affinity: _Shape(Affinity, _INTEREST),
            StreamMapping: _Shape(StreamMapping, _WHERE, {"stream": stream}),
        }[kind]
        given = part.model_dump(mode="json") if part is not None else {}
        self._answers: dict[str, Any] = {
            question.name: given.get(question.name, question.default) for question in self._shape.questions
        }
        if isinstance(part, FieldRule):
            self._answers["merge"] = part.merged_by.value
        self._answers["capped"] = self._answers.get("merge") == Merge.CAPPED
        self._touched: set[str] = set()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = content(self._title, cells=66)
            yield Form(
                self._shape.questions,
                self._answers,
                labels={"capped": "merged by capped"},
                controls=self._controls(),
            )
            yield Static("", id="rule-hint", markup=False)
            yield Static("", id="rule-gives", markup=False)
        yield Footer(show_command_palette=False)

    def _controls(self) -> dict[str, Widget]:
        names = {question.name for question in self._shape.questions}
        found: dict[str, Widget] = {
            name: Expression(self._answers[name], complete=self._complete, id=f"rule-{name}")
            for name in TEXTS
            if name in names
        }
        if "merge" in names:
            found["merge"] = OneOf(self._merges(), self._answers["merge"], id="rule-merge")
        return found

    def _merges(self) -> list[tuple[str, str]]:
        return [(merge.value, _MERGES[merge]) for merge in FieldKind(self._answers["kind"]).merges]

    def on_mount(self) -> None:
        form = self.query_one(Form)
        name = next((name for name in ("field", "where") if name in form.fields), None)
        form.enter("expression" if self._answers.get("field") and "expression" in form.fields else name)
        self._try()

    @on(Form.Reached)
    def _reached(self, event: Form.Reached) -> None:
        self.query_one("#rule-hint", Static).update(event.help)

    @on(Form.Changed)
    def _changed(self, event: Form.Changed) -> None:
        name = event.question.name
        self._touched.add(name)
        form = self.query_one(Form)
        if name == "kind":
            merges = self._merges()
            fits = self._answers["merge"] in dict(merges)
            self.query_one("#rule-merge", OneOf).offer(merges, self._answers["merge"] if fits else merges[0][0])
        self._answers["capped"] = self._answers.get("merge") == Merge.CAPPED
        form.refresh_relevance()
        self._try()

    async def _built(self) -> tuple[BaseModel | None, dict[str, str]]:
        """The part, or None and a sentence for each field that is wrong; "" is about several of them."""
        shape, texts = self._shape, {name: self._answers.get(name) for name in TEXTS}
        built, wrong = check(shape.model, shape.questions, self._answers, **shape.fixed)

        def judged() -> dict[str, LanguageProblem]:
            found = {name: self._judge(text, name in CONDITIONS) for name, text in texts.items() if text}
            return {name: problem for name, problem in found.items() if problem is not None}

        problems = await in_thread(judged, "read the expression")
        for name in texts:
            for control in self.query(f"#rule-{name}").results(Expression):
                control.mark(problems.get(name))
        wrong |= {name: sentence(problem) for name, problem in problems.items()}
        if isinstance(built, FieldRule) and built.merge is built.kind.merges[0]:
            built = built.model_copy(update={"merge": None})  # as it would be written by hand
        return None if wrong else built, wrong

    @work(exclusive=True, group="attempt", description="try the rule", exit_on_error=False)
    async def _try(self) -> None:
        """Says what is wrong with what was touched, and what the rest gives. Never hinders the typing."""
        gives = self.query_one("#rule-gives", Static)
        await asyncio.sleep(PAUSE_SECONDS)
        built, wrong = await self._built()
        for name, answered in self.query_one(Form).fields.items():
            is_said = name in self._touched and not blank(self._answers.get(name))
            answered.wrong(wrong.get(name, "") if is_said else "")
        gives.update(content(wrong.get("", ""), "$text-error"))
        if built is None:
            return
        gives.update(content("trying…", "dim"))
        stopper = Stopper()
        try:
            gives.update(await in_thread(lambda: self._attempt(built, stopper), "try the rule"))
        except LyazureError as error:
            gives.update(explain(error))
        finally:
            stopper.stop()  # nobody waits for an answer to what has been changed

    @on(Form.Finished)
    @work(exclusive=True, group="done", description="take the rule", exit_on_error=False)
    async def action_done(self) -> None:
        """Gives the part, if it holds."""
        self._touched |= set(self._answers)
        built, wrong = await self._built()
        if built is not None:
            self.dismiss(built)
            return
        self.query_one(Form).show_errors(wrong)
        self.query_one("#rule-gives", Static).update(content(wrong.get("", ""), "$text-error"))
