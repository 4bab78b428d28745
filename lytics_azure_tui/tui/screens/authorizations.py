"""The ways into Azure that are set up: test, edit, delete, and make new ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import DataTable, Static

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.model.authorization import Authorization, AzureEventHub
from lytics_azure_tui.tui.commands import Command, bindings
from lytics_azure_tui.tui.desk import Desk
from lytics_azure_tui.tui.figures import when
from lytics_azure_tui.tui.screens.base import DeskScreen
from lytics_azure_tui.tui.screens.confirm import Confirm
from lytics_azure_tui.tui.text import content
from lytics_azure_tui.tui.widgets.grid import Cell, Column, Grid, Row
from lytics_azure_tui.tui.widgets.problem import explain
from lytics_azure_tui.tui.widgets.report import explain_report, short_report

if TYPE_CHECKING:
    from lytics_azure_tui.azure.checks import CheckReport

COLUMNS = (
    Column("Label", least=16),
    Column("Method", width=32, optional=1),
    Column("Description", optional=2),
    Column("Jobs", width=5, right=True),
    Column("Last check", width=28),
)


@dataclass(frozen=True, slots=True)
class Checked:
    """What the last test of an authorization gave, and when."""

    at: datetime
    result: CheckReport | LyazureError


class Authorizations(DeskScreen):
    """All authorizations, and below them what is known of the one under the cursor."""

    CSS_PATH = "authorizations.tcss"
    OWN_COMMANDS = (
        Command("n", "new", "New", "Set up another way into Azure."),
        Command("e,enter", "edit", "Edit", "Change it; its secrets stay unless you type others."),
        Command("t", "test", "Test connection", "Try it: what it may do, and how long the answer took."),
        Command("w", "watch", "Watch", "See what an event hub receives, as it comes."),
        Command("d,delete", "delete", "Delete", "Delete it and its secrets; refused while a job uses it."),
    )
    BINDINGS = bindings(OWN_COMMANDS)

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._found: dict[str, tuple[Authorization, list[str]]] = {}
        """By id: the authorization, and the labels of the jobs that use it."""

    def body(self) -> ComposeResult:
        yield Static("", id="empty")
        yield Grid(COLUMNS, id="authorizations", classes="pane")
        with VerticalScroll(id="detail", classes="pane", can_focus=False):
            yield Static("", id="about")

    def on_mount(self) -> None:
        self.query_one("#authorizations").border_title = "Authorizations"
        self.query_one("#detail").border_title = "Details"
        self.query_one("#empty").display = False

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self._read()

    # What is shown

    @work(exclusive=True, group="read", description="read the authorizations", exit_on_error=False)
    async def _read(self, select: str = "") -> None:
        folder = self.desk.folder

        def read() -> dict[str, tuple[Authorization, list[str]]]:
            return {found.id: (found, folder.users_of(found.id)) for found in folder.authorizations()}

        try:
            self._found = await self.fetch(read, "read the authorizations")
        except LyazureError as error:
            self.problem(error)
            return
        self._show()
        if select:
            self.query_one(Grid).select(select)

    def _show(self) -> None:
        self.refresh_bindings()
        there = bool(self._found)
        empty, grid = self.query_one("#empty", Static), self.query_one(Grid)
        empty.display, grid.display, self.query_one("#detail").display = not there, there, there
        if not there:
            empty.update(
                Content.assemble(
                    ("No authorizations yet.\n\n", "bold"),
                    "An authorization is what lets jobs into Azure: a connection string for Blob Storage or an event "
                    "hub, or the login of a SQL database.\n\nPress ",
                    ("n", "bold $primary"),
                    " to set one up.",
                )
            )
            return
        had_focus = self.focused
        grid.show_rows([self._row(found, users) for found, users in self._found.values()])
        if had_focus is None:
            grid.focus()
        self._show_detail()

    def _row(self, found: Authorization, users: Sequence[str]) -> Row:
        return Row(
            found.id,
            (
                Cell(found.label, "strong"),
                Cell(found.title, "muted"),
                Cell(found.description, "muted"),
                Cell(str(len(users) or "")),
                self._last(found.id),
            ),
        )

    def _last(self, authorization_id: str) -> Cell:
        checked = self.lyazure.checks.get(authorization_id, ...)
        if checked is ...:
            return Cell("not tested yet", "muted")
        if checked is None:
            return Cell("testing…", "busy")
        moment = when(checked.at, self.desk.clock(), self.desk.zone)
        words, tone = short_report(checked.result)
        return Cell(f"{words} · {moment}", tone)

    @on(DataTable.RowHighlighted)
    def _show_detail(self) -> None:
        self.refresh_bindings()  # what can be watched depends on the row
        chosen = self._chosen
        if chosen is None:
            return
        found, users = chosen
        lines = [Content.assemble(content(found.label, "bold"), ("  " + found.title, "dim"))]
        if found.description:
            lines.append(content(found.description))
        lines.append(content(f"Used by {', '.join(users)}" if users else "No job uses it", "dim"))
        checked = self.lyazure.checks.get(found.id, ...)
        if checked is ...:
            lines.append(Content.assemble(("t", "bold $primary"), " tests the connection."))
        elif checked is None:
            lines.append(content("Testing…", "dim"))
        elif isinstance(checked.result, LyazureError):
            lines.append(explain(checked.result))
        else:
            lines.append(explain_report(checked.result))
        self.query_one("#about", Static).update(Content("\n").join(lines))

    @property
    def _chosen(self) -> tuple[Authorization, list[str]] | None:
        key = self.query_one(Grid).selected
        return self._found.get(key) if key is not None else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing to edit, test or delete where there is nothing."""
        if action in ("edit", "test", "delete") and not self._found:
            return False
        if action == "watch":
            return self._chosen is not None and isinstance(self._chosen[0], AzureEventHub)
        return super().check_action(action, parameters)

    # What an operator can do

    def action_new(self) -> None:
        """Opens an empty form."""
        self._form(None)

    @on(DataTable.RowSelected)
    def action_edit(self) -> None:
        """Opens the form of the one under the cursor."""
        if self._chosen is not None:
            self._form(self._chosen[0])

    def _form(self, authorization: Authorization | None) -> None:
        from lytics_azure_tui.tui.screens.authorization_form import AuthorizationForm

        self.app.push_screen(AuthorizationForm(self.desk, authorization, saved=self._saved))

    def _saved(self, authorization: Authorization) -> None:
        self._read(select=authorization.id)

    def action_test(self) -> None:
        """Tries the one under the cursor."""
        if self._chosen is not None and self.lyazure.checks.get(self._chosen[0].id, ...) is not None:
            self._test(self._chosen[0].id)

    @work(group="test", description="test the connection", exit_on_error=False)
    async def _test(self, authorization_id: str) -> None:
        self.lyazure.checks[authorization_id] = None
        self._show()
        desk = self.desk
        result: CheckReport | LyazureError
        try:
            result = await self.fetch(lambda: desk.check(desk.unlock(authorization_id)), "test the connection")
        except LyazureError as error:
            result = error
        self.lyazure.checks[authorization_id] = Checked(desk.clock(), result)
        self._show()

    @work(exclusive=True, group="deed", description="open the secrets", exit_on_error=False)
    async def action_watch(self) -> None:
        """Opens the live tail of the hub under the cursor."""
        from lytics_azure_tui.tui.screens.hub_tail import HubTail

        if self._chosen is None:
            return
        try:
            found = await self.fetch(partial(self.desk.unlock, self._chosen[0].id), "open the secrets")
        except LyazureError as error:
            self.problem(error)
            return
        self.problem(None)
        self.app.push_screen(HubTail(self.desk, found))

    @work(exclusive=True, group="deed", description="delete the authorization", exit_on_error=False)
    async def action_delete(self) -> None:
        """Deletes the one under the cursor, after a question."""
        if self._chosen is None:
            return
        found, users = self._chosen
        if users:
            names = "\n".join(f"  • {user}" for user in users[:10])
            more = f"\n  and {len(users) - 10} more" if len(users) > 10 else ""
            question = f"These jobs use it:\n{names}{more}\n\nGive them another authorization first, or delete them."
            await self.app.push_screen_wait(Confirm(f"{found.label} is in use", question, yes="Understood", no="Back"))
            return
        question = "Its secrets are deleted too. What it opens in Azure stays as it is."
        if not await self.app.push_screen_wait(
            Confirm(f"Delete {found.label}?", question, yes="Delete", no="Keep", danger=True)
        ):
            return
        try:
            await self.fetch(partial(self.desk.remove_authorization, found.id), "delete the authorization")
        except LyazureError as error:
            self.problem(error)
            return
        self.problem(None)
        self.lyazure.checks.pop(found.id, None)
        self.say(f"{found.label}: deleted")
        self._read()
