"""Makes or changes an authorization: provider, method, and what the method asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import ValidationError
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Static

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.model.authorization import METHODS, PROVIDER, Authorization, AzureStorage
from lytics_azure_tui.model.form import Kind, questions
from lytics_azure_tui.model.kinds import kinds_for
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.tui.answers import NEEDED, blank, check, in_words, opening, untouched
from lytics_azure_tui.tui.commands import Command, bindings
from lytics_azure_tui.tui.desk import Desk
from lytics_azure_tui.tui.screens.authorizations import Checked
from lytics_azure_tui.tui.screens.wizard import Menu, Wizard
from lytics_azure_tui.tui.text import content
from lytics_azure_tui.tui.widgets.form import Form
from lytics_azure_tui.tui.widgets.problem import explain
from lytics_azure_tui.tui.widgets.report import explain_report
from lytics_azure_tui.tui.widgets.steps import Steps

if TYPE_CHECKING:
    from lytics_azure_tui.azure.checks import CheckReport
    from lytics_azure_tui.config.folder import Folder

PROVIDER_STEP, METHOD, DETAILS = range(3)


@dataclass
class _Wrong(Exception):
    """Answers that cannot be saved: a sentence for each question."""

    fields: dict[str, str]


class AuthorizationForm(Wizard[Authorization]):
    """From the provider to the stored secret. An existing authorization opens at its details."""

    CSS_PATH = ["wizard.tcss", "authorization_form.tcss"]
    HEADING = "Authorization"
    FORM = "authorization"
    STEPS = ("Provider", "Method", "Details")
    HINTS = ("Enter goes on.", "What the method supports decides which jobs can use it; enter goes on.", "")
    OWN_COMMANDS: ClassVar[tuple[Command, ...]] = (
        *Wizard.OWN_COMMANDS,
        Command("ctrl+s", "save", "Save", "Check the answers, store the secrets, save the authorization."),
        Command("ctrl+t", "test", "Test", "Try the connection with what is entered, without saving."),
    )
    BINDINGS = bindings(OWN_COMMANDS[len(Wizard.OWN_COMMANDS) :])

    def __init__(
        self,
        desk: Desk,
        authorization: Authorization | None,
        *,
        saved: Callable[[Authorization], None],
        methods: Sequence[str] = tuple(METHODS),
    ) -> None:
        """Opens the form.

        Args:
            saved: is told what was saved, after the form has gone; secrets are not in it.
            methods: those that may be chosen.
        """
        super().__init__(desk, at=DETAILS if authorization else PROVIDER_STEP)
        self._authorization, self._tell = authorization, saved
        self.base = authorization
        self._methods = tuple(methods)
        self._method: type[Authorization] | None = type(authorization) if authorization else None
        self._drawn: type[Authorization] | None = None
        self._answers: dict[str, Any] = {}
        self._touched = False
        self._tested: tuple[dict[str, Any], Checked] | None = None
        """The answers that were tested last, and what that gave."""
        self.title = authorization.label if authorization else "New authorization"

    # The steps

    def step(self, index: int) -> Sequence[Widget]:
        match index:
            case 0:
                return [Static("Where the data lies:", classes="step-words"), Menu(id="providers")]
            case 1:
                return [Static("How you are let in:", classes="step-words"), Menu(id="methods")]
            case _:
                return [Vertical(id="form-here"), Static("", id="said"), _Buttons()]

    async def entered(self, index: int) -> None:
        match index:
            case 0:
                self.query_one("#providers", Menu).show(
                    [(PROVIDER, PROVIDER, "Blob Storage, Event Hubs, SQL Database.")]
                )
                self.query_one("#providers").focus()
            case 1:
                menu = self.query_one("#methods", Menu)
                entries = [(method, METHODS[method].title, _supports(METHODS[method])) for method in self._methods]
                menu.show(entries, self._method.method if self._method else None)
                menu.focus()
            case _:
                await self._draw()
                self.open_form(self.query_one(Form))

    @property
    def first(self) -> int:
        """The method of a saved authorization does not change."""
        return DETAILS if self._authorization else PROVIDER_STEP

    def left(self, index: int) -> bool:
        if index == METHOD:
            chosen = self.query_one("#methods", Menu).chosen
            self._method = METHODS[chosen] if chosen else None
            return self._method is not None
        return True

    async def action_next(self) -> None:
        """After the last field, saving."""
        if self.at == DETAILS:
            self.query_one("#save", Button).focus()
        else:
            await super().action_next()

    @property
    def unsaved(self) -> bool:
        return self._touched

    # Drafts, and a file that has changed meanwhile

    @property
    def item(self) -> str:
        return self._authorization.id if self._authorization else ""

    @property
    def draft_title(self) -> str:
        return self._authorization.label if self._authorization else str(self._answers.get("label") or self.title)

    def draft_values(self) -> Mapping[str, Any]:
        answers = {name: answer for name, answer in self._answers.items() if not isinstance(answer, Secret)}
        base = self.base.model_dump(mode="json", exclude=set(self.base.secret_fields())) if self.base else None
        return {"method": self._method.method if self._method else None, "answers": answers, "base": base}

    def entered_secrets(self) -> Iterable[Secret | None]:
        return [answer for answer in self._answers.values() if isinstance(answer, Secret)]

    async def go_on_from(self, values: Mapping[str, Any]) -> None:
        self._method = METHODS.get(str(values.get("method")), self._method)
        if self._method is None or self._method.method not in self._methods:
            return
        if self.base is not None and values.get("base"):
            with suppress(ValidationError):
                self.base = self._method.model_validate({**values["base"], "id": self.base.id})
        self._answers, self._drawn, self._touched = dict(values.get("answers") or {}), None, True
        self.query_one(Steps).reached = DETAILS
        await self.go(DETAILS)

    async def take_in(self, before: Authorization | None, now: Authorization) -> None:
        if before is not None:
            self.query_one(Form).replace(untouched(self._answers, before.model_dump(), now.model_dump()))

    async def _draw(self) -> None:
        method = self._method
        if method is None or self._drawn is method:
            return
        asked = questions(method)
        given = self._authorization.model_dump(exclude=set(method.secret_fields())) if self._authorization else {}
        # What was answered for another method stays, but no secret is carried over into another's field.
        kept = {name: answer for name, answer in self._answers.items() if name not in method.secret_fields()}
        self._answers = opening(asked, {**given, **kept})
        stored = method.secret_fields() if self._authorization else ()
        holder = self.query_one("#form-here")
        await holder.remove_children()
        await holder.mount(Form(asked, self._answers, stored=stored, id="form"))
        self._drawn = method

    @on(Form.Changed)
    def _changed(self) -> None:
        self._touched = True
        self._say(Content(""))

    def _say(self, words: Content) -> None:
        said = self.query_one("#said", Static)
        said.update(words)
        said.display = bool(words.plain)

    # Checking, testing, saving

    def _built(self, authorization_id: str) -> Authorization:
        """The authorization as answered. Raises `_Wrong`."""
        method = self._method or Authorization
        asked = questions(method)
        built, wrong = check(method, asked, self._answers, id=authorization_id)
        if self._authorization is None:
            # The models let a secret be absent, because it is kept elsewhere; here is where it comes from.
            for question in asked:
                if question.kind is Kind.SECRET and question.required and blank(self._answers[question.name]):
                    wrong[question.name] = NEEDED
        if built is None or wrong:
            raise _Wrong(wrong)
        return built

    def _examined(self, built: Authorization) -> None:
        """Looks at what only a look into the answers can tell. In a thread. Raises `_Wrong`."""
        wrong: dict[str, str] = {}
        for name in built.required_secrets():
            if getattr(built, name) and hasattr(built, "connection"):
                try:
                    built.connection()
                except LyazureError as error:
                    wrong[name] = str(error)
        if isinstance(built, AzureStorage) and built.pgppublickey:
            from lytics_azure_tui.jobs.pgp import check_public_key

            try:
                check_public_key(built.pgppublickey)
            except LyazureError as error:
                wrong["pgppublickey"] = str(error)
        if isinstance(built, AzureStorage) and built.pgpprivatekey:
            from lytics_azure_tui.jobs.decrypt import Decryption

            try:
                Decryption.of(built).check()
            except LyazureError as error:
                wrong["pgpprivatekey"] = str(error)
        if wrong:
            raise _Wrong(wrong)

    def _whole(self, built: Authorization) -> Authorization:
        """With the stored secrets in place of those that were left as they are. In a thread."""
        missing = [name for name in built.secret_fields() if not getattr(built, name)]
        if not missing or self._authorization is None:
            return built
        stored = self.desk.unlock(self._authorization.id)
        return built.model_copy(update={name: getattr(stored, name) for name in missing})

    def action_save(self) -> None:
        """Saves, if the answers hold."""
        if self.at == DETAILS:
            self._save()

    def action_test(self) -> None:
        """Tries what is entered."""
        if self.at == DETAILS:
            self._test()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Saving and testing belong to the details."""
        if action in ("save", "test"):
            return self.at == DETAILS
        return super().check_action(action, parameters)

    @work(exclusive=True, group="deed", description="save the authorization", exit_on_error=False)
    async def _save(self) -> None:
        desk = self.desk
        self._busy("Checking…")

        folder = desk.folder

        def build() -> Authorization | _Wrong:
            taken = {path.stem for path in folder.authorizations_dir.glob("*.toml")}
            own = self._authorization.id if self._authorization else ""
            try:
                built = self._built(own or folder.new_id(str(self._answers["label"] or ""), taken))
                self._examined(built)
            except _Wrong as wrong:
                return wrong
            return built

        answers = dict(self._answers)
        try:
            built = await self.fetch(build, "save the authorization")
            if isinstance(built, _Wrong):
                self._show_wrong(built)
                return
            path, save = folder.authorizations_dir / f"{built.id}.toml", partial(desk.save_authorization, built)
            read = partial(_saved, folder, built.id)
            if not await self.save_over(f"authorizations/{path.name}", built, read, save, _words):
                self._say(Content(""))
                return
            where = await self.fetch(lambda: desk.secrets().describe(), "save the authorization")
            authorization = await self.fetch(partial(folder.authorization, built.id), "read the authorization")
        except LyazureError as error:
            self._say(explain(error))
            return
        self.lyazure.checks.pop(authorization.id, None)
        if self._tested is not None and self._tested[0] == answers:
            self.lyazure.checks[authorization.id] = self._tested[1]
        self.say(f"{authorization.label}: saved. {where}.")
        self.close()
        self._tell(authorization)

    @work(exclusive=True, group="deed", description="test the connection", exit_on_error=False)
    async def _test(self) -> None:
        self._busy("Testing…")

        def test() -> CheckReport | _Wrong:
            try:
                built = self._built(self._authorization.id if self._authorization else "new")
                self._examined(built)
            except _Wrong as wrong:
                return wrong
            return self.desk.check(self._whole(built))

        answers = dict(self._answers)
        try:
            result = await self.fetch(test, "test the connection")
        except LyazureError as error:
            self._tested = (answers, Checked(self.desk.clock(), error))
            self._say(explain(error))
            return
        if isinstance(result, _Wrong):
            self._show_wrong(result)
        else:
            self._tested = (answers, Checked(self.desk.clock(), result))
            self._say(explain_report(result))

    def _busy(self, words: str) -> None:
        self._say(content(words, "dim"))
        self.query_one(Form).show_errors({})

    def _show_wrong(self, wrong: _Wrong) -> None:
        self._say(Content(""))
        self.query_one(Form).show_errors(wrong.fields)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "save":
            self._save()
        else:
            self._test()


def _saved(folder: Folder, authorization_id: str) -> Authorization | None:
    """As its file has it now; None when there is none."""
    there = (folder.authorizations_dir / f"{authorization_id}.toml").exists()
    return folder.authorization(authorization_id) if there else None


def _words(authorization: Authorization) -> dict[str, str]:
    """What an authorization says, but for its secrets; long texts in full, so that two are never taken for one."""
    values = authorization.model_dump()
    said = {"Method": authorization.title}
    for question in questions(type(authorization)):
        if question.kind is not Kind.SECRET:
            answer = values[question.name]
            said[question.ask.label] = str(answer or "") if question.ask.long else in_words(question, answer)
    return said


def _supports(method: type[Authorization]) -> str:
    """What a method is good for, and the job types that can use it."""
    titles = ", ".join(kind.title for kind in kinds_for(method.method))
    return f"{method.summary}\nJob types: {titles}." if titles else f"{method.summary}\nNo job type uses it yet."


class _Buttons(Horizontal):
    """What to do with the details."""

    def compose(self) -> ComposeResult:
        yield Button("Save Authorization", id="save", variant="primary")
        yield Button("Test connection", id="test")
