"""The live choices of a wizard's forms: loads them off the loop, opens checklist and browser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.model.authorization import Authorization
from lytics_azure_tui.model.delimiter import separator
from lytics_azure_tui.model.form import Kind, Question, Source
from lytics_azure_tui.model.names import column_names
from lytics_azure_tui.tui.offers import FROM_AZURE, Key, Offers, State
from lytics_azure_tui.tui.screens.base import DeskScreen
from lytics_azure_tui.tui.screens.blob_browser import BlobBrowser
from lytics_azure_tui.tui.screens.checklist import Checklist
from lytics_azure_tui.tui.screens.table_browser import TableBrowser
from lytics_azure_tui.tui.widgets.form import Form


class Live:
    """Of one screen and the questions of its forms."""

    def __init__(
        self,
        screen: DeskScreen,
        questions: Sequence[Question],
        answers: dict[str, Any],
        authorization: Callable[[], str],
    ) -> None:
        """Loads nothing yet.

        Args:
            answers: of the forms, as they change.
            authorization: gives the id of the one that is chosen.
        """
        self._screen, self._answers, self._authorization = screen, answers, authorization
        self._offers = Offers(questions)
        self._unlocked: dict[str, Authorization] = {}
        self._checklist: tuple[Question, Checklist] | None = None

    def changed(self, question: Question) -> None:
        """Another answer makes the choices that depend on it stale."""
        for other in self._offers.depending(question.name):
            for form in self._forms:
                form.outdate(other.name)
            self._hand_out(other)

    def ask(self, question: Question, *, again: bool = False) -> None:
        """Loads the choices of a question, unless they are there or on their way."""
        offer = self._offers.now(question, self._answers, self._authorization())
        if offer.state is State.UNASKED or (again and offer.state in (State.READY, State.FAILED)):
            key = self._offers.key(question, self._answers, self._authorization())
            self._offers.begin(key)
            self._run(
                self._load(key, cast(Source, question.ask.source), dict(self._answers)), "load choices", str(key[0])
            )
        self._hand_out(question)

    def open(self, question: Question) -> None:
        """Opens the checklist, or the browser."""
        work = self._tick(question) if question.kind is Kind.PICK_MANY else self._browse(question)
        self._run(work, "choose", "deed")

    async def usable(self, authorization_id: str, *, unlocked: bool) -> Authorization:
        """An authorization; with its secrets where they are needed, which are asked for once."""
        desk = self._screen.desk
        if not unlocked:
            return await self._screen.fetch(
                partial(desk.folder.authorization, authorization_id), "read the authorization"
            )
        if authorization_id not in self._unlocked:
            found = await self._screen.fetch(partial(desk.unlock, authorization_id), "open the secrets")
            self._unlocked[authorization_id] = found
        return self._unlocked[authorization_id]

    def _run(self, work: Any, about: str, group: str) -> None:
        # The description is ours: by itself it would be the repr of the arguments, secrets among them.
        self._screen.run_worker(work, group=group, description=about, exit_on_error=False)

    async def _load(self, key: Key, source: Source, answers: dict[str, Any]) -> None:
        from lytics_azure_tui.jobs.choices import choices

        desk = self._screen.desk
        try:
            authorization = await self.usable(self._authorization(), unlocked=source in FROM_AZURE)
            found = await self._screen.fetch(
                lambda: choices(source, answers, authorization, desk.lytics), "load the choices"
            )
        except LyazureError as error:
            self._offers.failed(key, error)
        else:
            self._offers.arrived(key, found)
        for question in self._offers.sharing(key, self._answers, self._authorization()):
            self._hand_out(question)

    def _hand_out(self, question: Question) -> None:
        offer = self._offers.now(question, self._answers, self._authorization())
        for form in self._forms:
            form.offer(question.name, offer)
        if self._checklist is not None and self._checklist[0] == question and self._checklist[1].is_attached:
            self._checklist[1].offer(offer)

    @property
    def _forms(self) -> list[Form]:
        return list(self._screen.query(Form))

    def _put(self, name: str, answer: Any) -> None:
        for form in self._forms:
            if name in form.fields:
                form.put(name, answer)

    async def _tick(self, question: Question) -> None:
        self.ask(question)
        offer = self._offers.now(question, self._answers, self._authorization())
        again = partial(self.ask, question, again=True)
        chosen = self._answers[question.name] or ()
        checklist = Checklist(question.ask.label, chosen, offer, again, required=question.required)
        self._checklist = (question, checklist)
        answer = await self._screen.app.push_screen_wait(checklist)
        self._checklist = None
        if answer is not None:
            self._put(question.name, answer)

    async def _browse(self, question: Question) -> None:
        try:
            authorization = await self.usable(self._authorization(), unlocked=True)
        except LyazureError as error:
            self._screen.problem(error)
            return
        found = await _BROWSERS[cast(Source, question.ask.source)](self, question, authorization)
        for name, answer in found.items():
            self._put(name, answer)
        # What was chosen of another file or table is held against this one at once.
        for other in self._offers.depending(question.name) if found else ():
            self.ask(other)

    async def _find_file(self, question: Question, authorization: Authorization) -> dict[str, str]:
        """Answers by question; none when nothing was chosen."""
        holder = self._container_of(question)
        browser = BlobBrowser(
            self._screen.desk,
            authorization,
            container=self._text(holder),
            delimiter=separator(self._text("delimiter") or ","),
            encoding=self._text("encoding") or "auto",
            skip_lines=int(self._text("skip_lines") or 0),
            names=column_names(self._text("column_names")),
        )
        picked = await self._screen.app.push_screen_wait(browser)
        if picked is None:
            return {}
        answers = {holder: picked.container, question.name: picked.name}
        return {**answers, "delimiter": picked.delimiter} if picked.delimiter else answers

    async def _find_table(self, question: Question, authorization: Authorization) -> dict[str, str]:
        """Answers by question; none when nothing was chosen."""
        browser = TableBrowser(self._screen.desk, authorization, answer=self._text(question.name))
        picked = await self._screen.app.push_screen_wait(browser)
        return {} if picked is None else {question.name: picked}

    def _container_of(self, question: Question) -> str:
        """The question that says in which container the file of another lies."""
        needs = (other for other in self._offers.questions if other.name in question.ask.needs)
        return next((other.name for other in needs if other.ask.source is Source.CONTAINERS), "")

    def _text(self, name: str) -> str:
        return str(self._answers.get(name) or "")


_BROWSERS = {Source.BLOBS: Live._find_file, Source.TABLES: Live._find_table}
"""By what a question is about, the browser for it: one for each of `offers.BROWSED`."""
