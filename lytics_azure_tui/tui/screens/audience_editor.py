"""Writes an audience: its filter, and while that is typed how many are in it, and who."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from pydantic import ValidationError
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import DataTable, Static

from lytics_azure_tui.errors import BadConfiguration, LyazureError
from lytics_azure_tui.lytics.protocol import Estimate, FilledField, Stopper
from lytics_azure_tui.model.audience import Audience
from lytics_azure_tui.model.form import Ask, Kind, Question
from lytics_azure_tui.model.job import slug as file_name
from lytics_azure_tui.model.language.parse import LanguageProblem, parse_filter
from lytics_azure_tui.model.language.tokens import written_name
from lytics_azure_tui.model.language.tree import field_names
from lytics_azure_tui.model.mapping import Definitions
from lytics_azure_tui.model.user_field import UserField
from lytics_azure_tui.tui.answers import blank, check, untouched
from lytics_azure_tui.tui.commands import Command, bindings
from lytics_azure_tui.tui.desk import Desk
from lytics_azure_tui.tui.figures import rough
from lytics_azure_tui.tui.language import cause_of, completer, prepare, problem_in, sentence
from lytics_azure_tui.tui.screens.editor import Editor
from lytics_azure_tui.tui.text import content
from lytics_azure_tui.tui.widgets.controls import Answered
from lytics_azure_tui.tui.widgets.expression_input import Expression
from lytics_azure_tui.tui.widgets.form import Form
from lytics_azure_tui.tui.widgets.grid import Cell, Column, Grid, Row
from lytics_azure_tui.tui.widgets.members import Members
from lytics_azure_tui.tui.widgets.problem import explain

PAUSE_SECONDS = 0.3
"""After the last key, before the filter is counted."""
MEMBERS = 10
KNOWN = (Column("Field", least=15), Column("Kind", 15), Column("In", 7, right=True))
BEGINNING = "FILTER "
EXAMPLE = 'Write a condition: FILTER country = "NL" AND score_recency > 50. ^space offers what can stand at the cursor.'

_LABEL = Question("label", Kind.TEXT, Ask("Label", "The name by which you will know it."), required=True, default=None)
_SLUG = Question(
    "slug",
    Kind.TEXT,
    Ask(
        "Slug",
        "Small letters, digits, hyphens: by this jobs and INCLUDE name it; it stays.",
        placeholder="vip-customers",
    ),
    required=True,
    default=None,
)
_DESCRIPTION = Question("description", Kind.TEXT, Ask("Description", "For people."), required=False, default="")


def _words(audience: Audience) -> dict[str, str]:
    return {"Label": audience.label, "Description": audience.description, "Filter": audience.filter}


@dataclass(frozen=True, slots=True)
class Known:
    """What the editor stands on, read once.

    Attributes:
        audience: the one that is changed; None for a new one.
        taken: slugs that there are, also of files that cannot be read.
        filled: the fields of the profiles that are there.
    """

    audience: Audience | None
    definitions: Definitions
    taken: frozenset[str]
    filled: tuple[FilledField, ...]

    def fields(self) -> list[UserField]:
        """All that a filter may name: those that are mapped, and those that profiles have."""
        found = {field.name: field for field in self.definitions.user_fields()}
        for item in self.filled:
            found.setdefault(item.field.name, item.field)
        # Those of mappings first: they are what one looks for.
        return sorted(found.values(), key=lambda field: field.merge is None and field.name.startswith(("_", "score_")))

    def ranks(self) -> dict[str, int]:
        """Of the identifiers."""
        rules = [rule for mapping in self.definitions.mappings for rule in mapping.fields]
        return {rule.field: rule.rank for rule in rules if rule.identifier}


class AudienceEditor(Editor[Audience]):
    """A new audience, or one that is there; the slug of the latter stays."""

    CSS_PATH = "audience_editor.tcss"
    HEADING = "New audience"
    FORM = "audience"
    AUTO_FOCUS = ""
    OWN_COMMANDS: ClassVar[tuple[Command, ...]] = (
        Command("ctrl+s", "save", "Save", "Save the audience; it is counted with the next build of profiles."),
        Command("ctrl+@", "complete", "Complete", "Offer what could stand at the cursor.", label="^space"),
        Command("ctrl+r", "again", "Count again", "Count the filter again."),
        Command("escape", "leave", "Back", "Back to the audiences; asks when there are changes.", label="esc"),
    )
    BINDINGS = bindings(OWN_COMMANDS)

    def __init__(self, desk: Desk, slug: str | None) -> None:
        """Opens on an audience; None is a new one."""
        super().__init__(desk)
        self._slug = slug
        self._known: Known | None = None
        self._questions = (_LABEL, _DESCRIPTION) if slug else (_LABEL, _SLUG, _DESCRIPTION)
        self._answers: dict[str, Any] = {question.name: question.default for question in self._questions}
        self._opened: tuple[dict[str, Any], str] = (dict(self._answers), BEGINNING)
        self._slug_follows = True
        """Whether the slug is made of the label, as nobody has written another."""
        self._asked = ""
        """The filter that is being counted, or was."""
        self._shown = ""
        """The filter whose figures are on the screen."""
        self.heading = f"Audience · {slug}" if slug else ""

    def body(self) -> ComposeResult:
        yield Static("Reading the audience…", id="state", markup=False)
        with Horizontal(id="both"):
            with Vertical(id="left"):
                yield Form(self._questions, self._answers, id="form")
                with Vertical(id="filter-pane", classes="pane"):
                    yield Expression(
                        BEGINNING,
                        complete=completer(self._fields, audiences=self._slugs, filter=True),
                        several=True,
                        id="filter",
                    )
                yield Static("", id="said", markup=False)
                yield Members(id="found", classes="pane")
            yield Grid(KNOWN, id="known", classes="pane")

    def on_mount(self) -> None:
        self.query_one("#filter-pane").border_title = "Filter"
        self.query_one("#known").border_title = "Fields · enter writes one"
        self._read()

    # Reading

    @work(exclusive=True, group="read", description="read the audience", exit_on_error=False)
    async def _read(self) -> None:
        try:
            known = await self.fetch(self._look, "read the audience")
        except LyazureError as error:
            self.problem(error)
            self.query_one("#state", Static).update("The audience cannot be edited while this is so.")
            return
        self._known = known
        form, code = self.query_one(Form), self.query_one(Expression)
        if known.audience is not None:
            for name in ("label", "description"):
                form.put(name, getattr(known.audience, name))
            code.put(known.audience.filter)
        self.base = known.audience
        self._opened = (dict(self._answers), code.text)
        self.query_one("#state").display = False
        self.query_one("#both").display = True
        self._show_known(known)
        code.line.move_cursor(code.line.document.end)
        if known.audience is None:
            form.enter("label")
        else:
            self.set_focus(code.line)
        self.refresh_bindings()
        self._count()
        self.offer_draft()

    def _look(self) -> Known:
        from lytics_azure_tui.config import definitions

        prepare()
        folder = self.desk.folder
        self.desk.lytics.require_definitions()
        found, problems = definitions.look(folder)
        audience = next((item for item in found.audiences if item.slug == self._slug), None)
        if self._slug is not None and audience is None:
            name = f"audiences/{self._slug}.toml"
            gone = BadConfiguration(f"{name} is not there any more")
            raise next((problem for problem in problems if name in problem.what), gone)
        taken = frozenset(path.stem for path in definitions.audiences_dir(folder).glob("*.toml"))
        return Known(audience, found, taken, tuple(self.desk.lytics.user_fields()))

    def _fields(self) -> list[UserField]:
        return self._known.fields() if self._known is not None else []

    def _slugs(self) -> list[str]:
        """The audiences that the filter may include."""
        known = self._known
        return [item.slug for item in known.definitions.audiences if item.slug != self._slug] if known else []

    def _show_known(self, known: Known) -> None:
        filled = {item.field.name: item.filled for item in known.filled}
        rows = []
        for field in known.fields():
            number = filled.get(field.name)
            cells = (
                Cell(field.name, "strong"),
                Cell(field.kind, "muted"),
                Cell(rough(number) if number is not None else "—", "muted"),
            )
            rows.append(Row(field.name, cells))
        self.query_one("#known", Grid).show_rows(rows)

    # What is typed

    @property
    def unsaved(self) -> bool:
        return self._known is not None and (self._answers, self.query_one(Expression).text) != self._opened

    # Drafts, and a file that has changed meanwhile

    @property
    def item(self) -> str:
        return self._slug or ""

    @property
    def draft_title(self) -> str:
        return str(self._answers.get("label") or self.heading or self.HEADING)

    def draft_values(self) -> Mapping[str, Any]:
        base = self.base.model_dump(mode="json") if self.base is not None else None
        return {"answers": self._answers, "filter": self.query_one(Expression).text, "base": base}

    async def go_on_from(self, values: Mapping[str, Any]) -> None:
        if self.base is not None and values.get("base"):
            with suppress(ValidationError):
                self.base = Audience.model_validate({**values["base"], "slug": self.base.slug})
        self._slug_follows = False
        self.query_one(Form).replace(dict(values.get("answers") or {}))
        self.query_one(Expression).put(str(values.get("filter") or BEGINNING))

    async def take_in(self, before: Audience | None, now: Audience) -> None:
        if before is None:
            return
        self.query_one(Form).replace(untouched(self._answers, before.model_dump(), now.model_dump()))
        if self.query_one(Expression).text.strip() == before.filter.strip():
            self.query_one(Expression).put(now.filter)

    @on(Form.Changed)
    def _answered(self, event: Form.Changed) -> None:
        name = event.question.name
        if name == "slug":
            made = self._made_slug()
            self._slug_follows = blank(self._answers["slug"]) or self._answers["slug"] == made
        elif name == "label" and self._slug is None and self._slug_follows:
            self.query_one(Form).put("slug", self._made_slug())

    def _made_slug(self) -> str | None:
        label = self._answers["label"]
        return None if blank(label) else file_name(str(label), empty="audience")

    @on(Form.Finished)
    def _to_filter(self) -> None:
        self.set_focus(self.query_one(Expression).line)

    @on(Answered)
    def _typed(self, event: Answered) -> None:
        code = self.query_one(Expression)
        if event.by is code and code.text != self._asked:
            self._count()

    @work(exclusive=True, group="count", description="count the filter", exit_on_error=False)
    async def _count(self) -> None:
        """Reads the filter, and counts it, a moment after the last key. An older filter's answer never comes here."""
        known, text = self._known, self.query_one(Expression).text
        if known is None:
            return
        self._asked = text
        self._members.entitle("counting…" if self._members.counted else "")
        await asyncio.sleep(PAUSE_SECONDS)
        if not text.strip().upper().removeprefix("FILTER").strip():
            self._wrong(None)
            self._shown = ""
            self._members.clear(EXAMPLE)
            return
        problem = problem_in(text, parse_filter)
        if problem is not None:
            self._wrong(problem)
            return
        self._wrong(None)
        self._members.entitle("counting…")
        stopper = Stopper()
        ask = partial(self._ask, text, known, stopper)
        try:
            estimate = await self.fetch(ask, "count the filter")
        except LyazureError as error:
            self._wrong(error)
        else:
            self._show(text, estimate)
        finally:
            stopper.stop()  # nobody waits for the figures of an older filter

    def _ask(self, text: str, known: Known, stopper: Stopper) -> Estimate:
        return self.desk.lytics.estimate(text, self._definitions(text, known), members=MEMBERS, stopper=stopper)

    def _definitions(self, text: str, known: Known) -> Definitions:
        """With the audience as it stands here, so that one that includes it is not taken for what it was."""
        others = tuple(item for item in known.definitions.audiences if item.slug != self._slug)
        own = (Audience(slug=self._slug, label=self._slug, filter=text),) if self._slug else ()
        return Definitions(known.definitions.mappings, (*others, *own))

    # What is shown of it

    def _wrong(self, problem: LanguageProblem | LyazureError | None) -> None:
        """Says what is wrong with the filter, and underlines the place where it has one."""
        in_text = cause_of(problem) if isinstance(problem, LyazureError) else problem
        said = self.query_one("#said", Static)
        said.display = problem is not None
        if in_text is not None:
            said.update(content(f"✗ {sentence(in_text)}", "$text-error"))
        elif isinstance(problem, LyazureError):
            said.update(explain(problem))
        self.query_one(Expression).mark(in_text)
        if problem is not None:
            self._members.entitle("before the last change" if self._members.counted else "")

    def _show(self, text: str, estimate: Estimate) -> None:
        self._shown = text
        named = field_names(parse_filter(text).condition)
        ranks = self._known.ranks() if self._known is not None else {}
        self._members.show(estimate, named, ranks, self.desk.clock(), self.desk.zone)

    @property
    def _members(self) -> Members:
        return self.query_one(Members)

    # What the operator does

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing to do before the audience is there."""
        if action in ("save", "complete", "again"):
            return self._known is not None
        return super().check_action(action, parameters)

    def action_complete(self) -> None:
        """Offers what could stand at the filter's cursor."""
        code = self.query_one(Expression)
        self.set_focus(code.line)
        code.offer(asked=True)

    def action_again(self) -> None:
        """Counts once more."""
        self._count()

    def action_leave(self) -> None:
        """Out; asks when there are changes."""
        self.leave()

    @on(DataTable.RowSelected, "#known")
    def _field_chosen(self) -> None:
        name = self.query_one("#known", Grid).selected
        if name is not None:
            code = self.query_one(Expression)
            self.set_focus(code.line)
            code.insert(written_name(name))

    def action_save(self) -> None:
        """Saves, if all of it holds."""
        self._save()

    @work(exclusive=True, group="deed", description="save the audience", exit_on_error=False)
    async def _save(self) -> None:
        from lytics_azure_tui.config import definitions

        known, text = self._known, self.query_one(Expression).text
        if known is None:
            return
        fixed: dict[str, object] = {"filter": text.strip(), **({"slug": self._slug} if self._slug else {})}
        audience, wrong = check(Audience, self._questions, self._answers, **fixed)
        slug = self._answers.get("slug")
        if self._slug is None and slug in known.taken:
            wrong["slug"] = "There is an audience of this name; choose another."
        failed = self.query_one(Form).show_errors(wrong)
        problem = problem_in(text, parse_filter)
        if problem is not None:
            self._wrong(problem)
            if not failed:
                self.set_focus(self.query_one(Expression).line)
        if audience is None or wrong:
            return
        try:
            await self._hold(text, known)
            folder = self.desk.folder

            def read() -> Audience | None:
                found, problems = definitions.look(folder)
                there = next((item for item in found.audiences if item.slug == audience.slug), None)
                name = f"audiences/{audience.slug}.toml"
                if there is None and (broken := next((one for one in problems if name in one.what), None)):
                    raise broken
                return there

            save = partial(definitions.save_audience, folder, audience)
            if not await self.save_over(f"audiences/{audience.slug}.toml", audience, read, save, _words):
                return
        except LyazureError as error:
            self._wrong(error)
            return
        self._opened = (dict(self._answers), text)
        self.say(f"{audience.label}: saved. It is counted with the next build of profiles.")
        self.close()

    async def _hold(self, text: str, known: Known) -> None:
        """Raises `BadConfiguration` for a filter that can be read and still not be used: it names what is not there."""
        if text == self._shown:
            return  # it has been counted
        try:
            await self.fetch(partial(self._ask, text, known, Stopper()), "check the filter")
        except BadConfiguration:
            raise
        except LyazureError:
            return  # not the filter's fault
