"""Makes or changes a job. Everything between the job type and the review is drawn from the kind's model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import ValidationError
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Button, Static

from lytics_azure_tui.errors import BadConfiguration, LyazureError
from lytics_azure_tui.model.authorization import METHODS, PROVIDER, Authorization
from lytics_azure_tui.model.form import Question, questions
from lytics_azure_tui.model.job import Job, JobConfig
from lytics_azure_tui.model.kinds import KINDS
from lytics_azure_tui.tui.answers import check, in_words, opening, untouched
from lytics_azure_tui.tui.commands import Command, bindings
from lytics_azure_tui.tui.desk import Desk
from lytics_azure_tui.tui.job_words import job_said, said
from lytics_azure_tui.tui.offers import BROWSED
from lytics_azure_tui.tui.screens.live import Live
from lytics_azure_tui.tui.screens.wizard import Menu, Wizard
from lytics_azure_tui.tui.widgets.form import Form
from lytics_azure_tui.tui.widgets.review import Review
from lytics_azure_tui.tui.widgets.steps import Steps

if TYPE_CHECKING:
    from lytics_azure_tui.jobs.kind import Rehearsal

PROVIDER_STEP, TYPE, AUTHORIZATION, NAME, FIELDS, ADVANCED, REVIEW = range(7)
NEW = "\0new"
"""The key of the menu's last line; no id can be like it."""


class JobWizard(Wizard[Job]):
    """From the provider to the start; an existing job opens at its fields."""

    CSS_PATH = ["wizard.tcss", "job_wizard.tcss"]
    HEADING = "Job"
    FORM = "job"
    STEPS = ("Provider", "Job type", "Authorization", "Label", "Fields", "Advanced", "Review")
    HINTS = (
        "Enter goes on.",
        "Choose what the job does; enter goes on.",
        "Choose by which authorization the job is let into Azure, or create one here.",
        "",
        "",
        "There is nothing to set here: enter goes on.",
        "↑ ↓ scroll; tab and enter choose. r looks again, c goes on without looking, escape goes back.",
    )
    OWN_COMMANDS: ClassVar[tuple[Command, ...]] = (
        *Wizard.OWN_COMMANDS,
        Command("ctrl+s", "save", "Save", "Save the job without starting it."),
        Command("r", "rehearse", "Rehearse", "Look again at what a run would do.", footer=False),
        Command("c", "end_rehearsal", "End rehearsal", "Do not wait for what a run would do.", footer=False),
    )
    BINDINGS = [
        *bindings(OWN_COMMANDS[len(Wizard.OWN_COMMANDS) :]),
        Binding("up", "scroll_review(-1)", show=False),
        Binding("down", "scroll_review(1)", show=False),
        Binding("pageup", "scroll_review(-10)", show=False),
        Binding("pagedown", "scroll_review(10)", show=False),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]

    def __init__(self, desk: Desk, job: Job | None) -> None:
        super().__init__(desk, at=FIELDS if job else PROVIDER_STEP)
        self._job = self.base = job
        self._kind: type[JobConfig] | None = type(job.config) if job else None
        self._drawn: type[JobConfig] | None = None
        """The kind whose questions the forms show."""
        self._authorizations: dict[str, Authorization] = {}
        self._authorization = job.authorization if job else ""
        self._label = opening(questions(Job), job.model_dump() if job else {})
        self._answers: dict[str, Any] = {}
        self._asked: tuple[Question, ...] = ()
        self._live = Live(self, (), self._answers, lambda: self._authorization)
        self._saved = self._state()
        self.title = job.label if job else "New job"

    # The steps

    def step(self, index: int) -> Sequence[Widget]:
        """The forms of fields and advanced come when the kind is known."""
        match index:
            case 0:
                return [Static("Where the data lies:", classes="step-words"), Menu(id="providers")]
            case 1:
                return [Static("What the job does:", classes="step-words"), Menu(id="kinds")]
            case 2:
                return [Static("What lets the job into Azure:", classes="step-words"), Menu(id="authorizations")]
            case 3:
                return [Form(questions(Job), self._label, id="name")]
            case 6:
                return [Review(id="review"), _Buttons()]
            case _:
                return []

    async def entered(self, index: int) -> None:
        """Brings a step up to date with the answers before it."""
        match index:
            case 0:
                self.query_one("#providers", Menu).show(
                    [(PROVIDER, PROVIDER, "Blob Storage, Event Hubs, SQL Database.")]
                )
                self.query_one("#providers").focus()
            case 1 | 2:
                self._read_authorizations(index)
            case 3:
                self.open_form(self.query_one("#name", Form))
            case 4 | 5:
                await self._draw()
                self.open_form(self.query_one(f"#form-{index}", Form))
                if not self._authorizations:
                    self._read_authorizations(index)
            case _:
                self._show_review()

    @property
    def first(self) -> int:
        """What a saved job is does not change."""
        return AUTHORIZATION if self._job else PROVIDER_STEP

    def left(self, index: int) -> bool:
        """Takes a menu's choice; of a form, shows what is wrong."""
        match index:
            case 1:
                chosen = self.query_one("#kinds", Menu).chosen
                self._kind = KINDS[chosen] if chosen else None
                return self._kind is not None
            case 2:
                chosen = self.query_one("#authorizations", Menu).chosen
                if chosen == NEW:
                    self._new_authorization()
                    return False
                self._authorization = chosen or ""
                return chosen is not None
            case 3:
                wrong = check(Job, questions(Job), self._label, **self._fixed("x"), config=JobConfig())[1]
                return not self.query_one("#name", Form).show_errors(wrong)
            case 4 | 5:
                return not self.query_one(f"#form-{index}", Form).show_errors(self._wrong())
            case _:
                return True

    @property
    def unsaved(self) -> bool:
        return self._state() != self._saved

    def _state(self) -> object:
        answers = {name: answer for name, answer in self._answers.items() if answer not in (None, "", [])}
        return (dict(self._label), answers, self._authorization if self._job else "")

    # Drafts, and a file that has changed meanwhile

    @property
    def item(self) -> str:
        return self._job.id if self._job else ""

    @property
    def draft_title(self) -> str:
        return self._job.label if self._job else str(self._label["label"] or self.title)

    def draft_values(self) -> Mapping[str, Any]:
        return {
            "step": self.at,
            "kind": self._kind.workflow if self._kind else None,
            "authorization": self._authorization,
            "label": self._label,
            "answers": self._answers,
            "base": self.base.spec() if self.base is not None else None,
        }

    async def go_on_from(self, values: Mapping[str, Any]) -> None:
        self._kind = KINDS.get(str(values.get("kind")), self._kind)
        self._authorization = str(values.get("authorization") or self._authorization)
        if self._job is not None and self._kind is type(self._job.config) and values.get("base"):
            with suppress(ValidationError):
                base = dict(values["base"])
                self.base = Job.model_validate({**base, "config": self._kind.model_validate(base["config"])})
        self.query_one("#name", Form).replace(dict(values.get("label") or {}))
        self._answers, self._drawn = dict(values.get("answers") or {}), None
        await self._draw()
        step = min(int(values.get("step") or self.first), FIELDS if self._kind else TYPE)
        if not (self.desk.folder.authorizations_dir / f"{self._authorization}.toml").exists():
            step = min(step, AUTHORIZATION)
        self.query_one(Steps).reached = step
        await self.go(max(step, self.first))

    async def take_in(self, before: Job | None, now: Job) -> None:
        self._job = now
        if before is None:
            return
        if self._authorization == before.authorization:
            self._authorization = now.authorization
        self.query_one("#name", Form).replace(untouched(self._label, before.model_dump(), now.model_dump()))
        if type(now.config) is self._kind:
            answers = untouched(self._answers, before.config.model_dump(), now.config.model_dump())
            for form in self.query(".fields").results(Form):
                form.replace(answers)
        if self.at == REVIEW:
            self._show_review()

    # Job type and authorization

    @work(exclusive=True, group="authorizations", description="read the authorizations", exit_on_error=False)
    async def _read_authorizations(self, index: int) -> None:
        try:
            found = await self.fetch(self.desk.folder.authorizations, "read the authorizations")
        except LyazureError as error:
            self.problem(error)
            return
        self._authorizations = {authorization.id: authorization for authorization in found}
        if index == TYPE:
            self._show_kinds()
        elif index == AUTHORIZATION:
            self._show_authorizations()

    def _show_kinds(self) -> None:
        """Kinds that can be used at once first; for the others the next step makes an authorization."""
        there = {authorization.method for authorization in self._authorizations.values()}
        entries = []
        for kind in sorted(KINDS.values(), key=lambda kind: not there & set(kind.methods)):
            needed = " or ".join(METHODS[method].title for method in kind.methods)
            lacking = (
                "" if there & set(kind.methods) else f"\nNo authorization yet: the next step creates one by {needed}."
            )
            entries.append((kind.workflow, kind.title, kind.summary + lacking))
        menu = self.query_one("#kinds", Menu)
        menu.show(entries, self._kind.workflow if self._kind else None)
        menu.focus()

    def _show_authorizations(self) -> None:
        methods = self._kind.methods if self._kind else ()
        entries = [
            (found.id, found.label, " · ".join(part for part in (found.title, found.description) if part))
            for found in self._authorizations.values()
            if found.method in methods
        ]
        entries.append((NEW, "New authorization…", "Create one here; the job goes on with it."))
        menu = self.query_one("#authorizations", Menu)
        menu.show(entries, self._authorization)
        menu.focus()

    def _new_authorization(self) -> None:
        from lytics_azure_tui.tui.screens.authorization_form import AuthorizationForm

        def saved(authorization: Authorization) -> None:
            self._authorization = authorization.id
            self.run_worker(self.go(NAME), exit_on_error=False, description="go on")

        methods = self._kind.methods if self._kind else tuple(METHODS)
        self.app.push_screen(AuthorizationForm(self.desk, None, methods=methods, saved=saved))

    # The forms

    async def _draw(self) -> None:
        """Draws the questions of the kind, if another's are there."""
        if self._kind is None or self._drawn is self._kind:
            self._show_previews()
            return
        asked = self._asked = questions(self._kind)
        given = self._job.config.model_dump() if self._job else {}
        was_unsaved = self.unsaved
        # What was answered for another kind under the same name stays.
        self._answers = opening(asked, {**given, **self._answers})
        self._live = Live(self, asked, self._answers, lambda: self._authorization)
        if not was_unsaved:
            self._saved = self._state()
        labels = {question.name: question.ask.label for question in asked}
        for index, advanced in ((FIELDS, False), (ADVANCED, True)):
            step = self.query_one(f"#step-{index}")
            await step.remove_children()
            part = [question for question in asked if question.ask.advanced is advanced]
            await step.mount(Form(part, self._answers, labels=labels, id=f"form-{index}", classes="fields"))
        self._drawn = self._kind
        self._show_previews()

    def _show_previews(self) -> None:
        """What answers come to, such as the name of a file."""
        if self._kind is None:
            return
        used = self._authorizations.get(self._authorization)
        # Blanks are not seen in their field.
        named = {question.name: in_words(question, self._answers[question.name]) for question in self._asked}
        shown = {name: words for name, words in named.items() if self._is_hidden(name, words)}
        shown |= self._kind.preview(self._answers, used, self.desk.clock())
        for form in self.query(".fields").results(Form):
            form.show(shown)

    def _is_hidden(self, name: str, words: str) -> bool:
        answer = self._answers[name]
        return isinstance(answer, str) and answer != answer.strip() and words != answer

    @on(Form.Changed)
    def _changed(self, event: Form.Changed) -> None:
        if event.question not in self._asked:
            return
        for form in self.query(".fields").results(Form):
            form.refresh_relevance()
        self._show_previews()
        self._live.changed(event.question)

    def _wrong(self) -> dict[str, str]:
        return check(self._kind, self._asked, self._answers)[1] if self._kind else {}

    # Live choices

    @on(Form.Needs)
    def _needed(self, event: Form.Needs) -> None:
        self._live.ask(event.question, again=event.again)

    @on(Form.Reached)
    def _arrived(self, event: Form.Reached) -> None:
        """The choices are on their way before the list is opened."""
        source = event.question.ask.source
        if source is not None and source not in BROWSED:
            self._live.ask(event.question)

    @on(Form.Opens)
    def _opened(self, event: Form.Opens) -> None:
        self._live.open(event.question)

    # Review and start

    def _fixed(self, job_id: str) -> dict[str, Any]:
        return {
            "id": self._job.id if self._job else job_id,
            "workflow": self._kind.workflow if self._kind else "",
            "authorization": self._authorization,
            "enabled": self._job.enabled if self._job else True,
        }

    def _built(self, job_id: str = "new") -> Job | None:
        """The job as answered; None when something is wrong."""
        if self._kind is None:
            return None
        config, _ = check(self._kind, self._asked, self._answers)
        if config is None:
            return None
        # What does not count is not written: whoever reads the file would believe it.
        defaults = {question.name: question.default for question in self._asked}
        config = config.model_copy(update={name: defaults[name] for name in config.ignored()})
        return check(Job, questions(Job), self._label, **self._fixed(job_id), config=config)[0]

    def _show_review(self) -> None:
        review, kind = self.query_one(Review), self._kind
        if kind is None:
            return
        names = {found.id: found.label for found in self._authorizations.values()}
        used = names.get(self._authorization, self._authorization)
        before = job_said(self.base, names) if self.base is not None else None
        review.show_answers(said(kind, used, self._label, self._answers), before)
        self.query_one(_Buttons).name_start(kind.start)
        job = self._built()
        if job is not None:
            review.show_schedule(job.config.schedule(), self.desk.clock(), self.desk.zone)
            self.action_rehearse()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Rehearsals belong to the review; saving needs the answers."""
        if action in ("rehearse", "end_rehearsal"):
            return self.at == REVIEW
        if action == "save":
            return self._drawn is not None
        return super().check_action(action, parameters)

    def action_scroll_review(self, by: int) -> None:
        """The buttons keep the focus."""
        if self.at == REVIEW:
            self.query_one(Review).scroll_relative(y=by, animate=False)

    def action_rehearse(self) -> None:
        """Looks at what a run would do."""
        job = self._built()
        if job is not None:
            self.query_one(Review).show_waiting("Looking… (c to go without)")
            self._rehearse(job)

    @work(exclusive=True, group="rehearsal", description="rehearse the job", exit_on_error=False)
    async def _rehearse(self, job: Job) -> None:
        from lytics_azure_tui.jobs.rehearsal import rehearse

        desk, review = self.desk, self.query_one(Review)
        try:
            authorization = await self._live.usable(job.authorization, unlocked=True)

            def look() -> Rehearsal:
                checkpoint = desk.ledger.checkpoint(job.id) if self._job else None
                return rehearse(desk.folder, job, authorization, desk.lytics, checkpoint, desk.clock())

            review.show_rehearsal(await self.fetch(look, "rehearse the job"))
        except LyazureError as error:
            review.show_error(error)

    def action_end_rehearsal(self) -> None:
        """Does not wait for it."""
        if self.workers.cancel_group(self, "rehearsal"):
            self.query_one(Review).show_waiting("Not looked at. r looks.")

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if self.at == REVIEW:
            self._save(start=event.button.id == "start")

    async def action_save(self) -> None:
        """Saves from any step, if all that is needed is there; goes to the first answer that is wrong."""
        self._save(start=False)

    async def _to_first_wrong(self) -> bool:
        for index in (NAME, FIELDS, ADVANCED):
            if not self.left(index):
                await self.go(index)
                self.left(index)
                return True
        return False

    @work(exclusive=True, group="save", description="save the job", exit_on_error=False)
    async def _save(self, *, start: bool) -> None:
        if await self._to_first_wrong():
            return
        desk = self.desk

        folder = desk.folder

        def build() -> tuple[Job, dict[str, str]]:
            taken = {job.id for job in folder.jobs()} | {path.stem for path in folder.jobs_dir.glob("*.toml")}
            job = self._built(folder.new_id(str(self._label["label"]), taken))
            if job is None:
                raise BadConfiguration("The answers do not make a job", fix="Go back through the steps")
            return job, {found.id: found.label for found in folder.authorizations()}

        def read() -> Job | None:
            return folder.job(job.id) if (folder.jobs_dir / f"{job.id}.toml").exists() else None

        def write() -> None:
            # Whoever paused the job meanwhile did not do it here.
            now = read() if self.base is not None else None
            folder.save_job(job if now is None else job.model_copy(update={"enabled": now.enabled}))

        try:
            job, names = await self.fetch(build, "save the job")
            if not await self.save_over(f"jobs/{job.id}.toml", job, read, write, lambda one: job_said(one, names)):
                return
            self._job = self.base = job
            self._saved = self._state()
            if start:
                await self.fetch(partial(desk.start_now, job.id), "start the job")
        except LyazureError as error:
            self.problem(error)
            return
        self.say(f"{job.label}: saved and queued" if start else f"{job.label}: saved")
        self.close()


class _Buttons(Vertical):
    """What to do with the job that was reviewed."""

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Button("Start", id="start", variant="primary")
            yield Button("Save without starting", id="keep")

    def name_start(self, words: str) -> None:
        """The word that the kind has for it; the button has the focus then."""
        button = self.query_one("#start", Button)
        button.label = words
        button.focus()
