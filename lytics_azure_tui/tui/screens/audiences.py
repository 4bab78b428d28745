"""The audiences: how large they are, who came and went; below the list the filter and the history of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import DataTable, Static

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.lytics.protocol import AudienceInfo, AudienceSize
from lytics_azure_tui.model.audience import Audience
from lytics_azure_tui.tui.commands import Command, bindings
from lytics_azure_tui.tui.desk import Desk
from lytics_azure_tui.tui.figures import count
from lytics_azure_tui.tui.screens.base import FollowingScreen
from lytics_azure_tui.tui.screens.confirm import Confirm
from lytics_azure_tui.tui.text import content, lines
from lytics_azure_tui.tui.widgets.chart import Chart, sizes_line
from lytics_azure_tui.tui.widgets.grid import Cell, Column, Grid, Row
from lytics_azure_tui.tui.widgets.problem import Problems

COLUMNS = (
    Column("Label", least=18),
    Column("Slug", 18, optional=1),
    Column("Size", 11, right=True),
    Column("Entered", 9, right=True),
    Column("Left", 9, right=True),
)


@dataclass(frozen=True, slots=True)
class Listed:
    """One look at all audiences.

    Attributes:
        audiences: as they are said to be.
        infos: of those that have been evaluated, by slug.
        problems: files that cannot be used.
    """

    audiences: tuple[Audience, ...]
    infos: dict[str, AudienceInfo]
    problems: tuple[LyazureError, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """What is known of one audience beside its file."""

    audience: Audience
    sizes: tuple[AudienceSize, ...]
    users: tuple[str, ...]


class Audiences(FollowingScreen):
    """The list, and the audience under the cursor."""

    CSS_PATH = "audiences.tcss"
    AUTO_FOCUS = ""  # the list gets it when it is there
    OWN_COMMANDS: ClassVar[tuple[Command, ...]] = (
        Command("n", "new", "New", "Write another audience; its size shows while you type."),
        Command("e,enter", "edit", "Edit", "Change the filter, the label or the description."),
        Command("d,delete", "delete", "Delete", "Delete it; refused while a job or another audience uses it."),
        Command("r", "again", "Read again", "Read the audiences again."),
    )
    BINDINGS = bindings(OWN_COMMANDS)

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._listed = Listed((), {}, ())

    def body(self) -> ComposeResult:
        yield Static("Reading the audiences…", id="state", markup=False)
        yield Problems(id="problems")
        with Container(id="both"):
            yield Grid(COLUMNS, id="audiences", classes="pane")
            with Vertical(id="detail", classes="pane"):
                yield Chart(id="sizes")
                with VerticalScroll(id="story", can_focus=False):
                    yield Static(id="about", markup=False)

    def on_screen_resume(self) -> None:
        self.action_again()

    # What is shown

    @work(exclusive=True, group="list", description="read the audiences", exit_on_error=False)
    async def action_again(self) -> None:
        """Reads the list again."""
        try:
            self._listed = await self.fetch(self._read, "read the audiences")
        except LyazureError as error:
            self.problem(error)
            self._say_state("")
            return
        self.problem(None)
        self._say_state("" if self._listed.audiences else nothing())
        self.query_one(Problems).show(self._listed.problems)
        grid = self.query_one("#audiences", Grid)
        grid.border_title = f"Audiences · {len(self._listed.audiences)} · entered and left in the last 24 hours"
        grid.show_rows([self._row(audience) for audience in self._listed.audiences])
        self.refresh_bindings()
        self._moved()

    def _read(self) -> Listed:
        from lytics_azure_tui.config import definitions

        said, problems = definitions.look(self.desk.folder)
        audiences = self.desk.lytics.defined(said)
        infos = {info.slug: info for info in self.desk.lytics.audiences()}
        return Listed(tuple(audiences), infos, tuple(problems))

    def _say_state(self, words: str | Content) -> None:
        state = self.query_one("#state", Static)
        state.update(words)
        state.display = bool(words)
        there = bool(self._listed.audiences)
        self.query_one("#both").display = there
        if there and self.focused is None:
            self.query_one("#audiences").focus()

    def _row(self, audience: Audience) -> Row:
        info = self._listed.infos.get(audience.slug)
        size = info.size if info is not None else None
        entered, left = (info.entered, info.left) if info is not None else (0, 0)
        cells = (
            Cell(audience.label, "strong"),
            Cell(audience.slug, "muted"),
            Cell("not yet", "muted") if size is None else Cell(count(size)),
            Cell(f"+{count(entered)}", "good") if entered else Cell("·", "muted"),
            Cell(f"−{count(left)}", "watch") if left else Cell("·", "muted"),  # noqa: RUF001 -- as wide as the plus
        )
        return Row(audience.slug, cells)

    @property
    def _chosen(self) -> Audience | None:
        key = self.query_one("#audiences", Grid).selected
        return next((one for one in self._listed.audiences if one.slug == key), None)

    @on(DataTable.RowHighlighted, "#audiences")
    def _moved(self) -> None:
        chosen = self._chosen
        if chosen is not None:
            self._read_story(chosen)

    @work(exclusive=True, group="story", description="read an audience", exit_on_error=False)
    async def _read_story(self, audience: Audience) -> None:
        self.query_one("#detail").border_title = content(audience.label, cells=60)
        self._show(Story(audience, (), ()), complete=False)
        try:
            story = await self.fetch(lambda: self._look(audience), "read the audience")
        except LyazureError as error:
            self.problem(error)
            return
        self._show(story)

    def _look(self, audience: Audience) -> Story:
        from lytics_azure_tui.config import definitions

        sizes = self.desk.lytics.sizes(audience.slug)
        return Story(audience, tuple(sizes), tuple(definitions.users_of(self.desk.folder, audience.slug)))

    def _show(self, story: Story, *, complete: bool = True) -> None:
        now, zone = self.desk.clock(), self.desk.zone
        chart = self.query_one(Chart)
        if story.sizes:
            chart.show(partial(sizes_line, story.sizes, now=now, zone=zone))
        elif complete:
            chart.show(None)
        self.query_one("#about", Static).update(about(story, complete=complete))

    # What an operator can do

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing to edit or delete where there is nothing."""
        if action in ("edit", "delete") and not self._listed.audiences:
            return False
        return super().check_action(action, parameters)

    def action_new(self) -> None:
        """Opens an empty editor."""
        self._edit(None)

    @on(DataTable.RowSelected, "#audiences")
    def action_edit(self) -> None:
        """Opens the editor of the one under the cursor."""
        if self._chosen is not None:
            self._edit(self._chosen.slug)

    def _edit(self, slug: str | None) -> None:
        from lytics_azure_tui.tui.screens.audience_editor import AudienceEditor

        self.app.push_screen(AudienceEditor(self.desk, slug))

    @work(exclusive=True, group="deed", description="delete the audience", exit_on_error=False)
    async def action_delete(self) -> None:
        """Deletes the one under the cursor, after a question."""
        from lytics_azure_tui.config import definitions

        chosen, folder = self._chosen, self.desk.folder
        if chosen is None:
            return
        try:
            await self.fetch(self.desk.lytics.require_definitions, "read the audiences")
            users = await self.fetch(lambda: definitions.users_of(folder, chosen.slug), "read the jobs")
            if users:
                await self.app.push_screen_wait(
                    Confirm(f"{chosen.label} is in use", in_use(users), yes="Understood", no="Back")
                )
                return
            question = "Its file goes. Profiles stay as they are, and no export is told that anybody left."
            confirm = Confirm(f"Delete {chosen.label}?", question, yes="Delete", no="Keep", danger=True)
            if not await self.app.push_screen_wait(confirm):
                return
            await self.fetch(lambda: definitions.delete_audience(folder, chosen.slug), "delete the audience")
        except LyazureError as error:
            self.problem(error)
            return
        self.say(f"{chosen.label}: deleted")
        self.action_again()


def about(story: Story, *, complete: bool) -> Content:
    """An audience in words: what for, its filter, and who uses it; the last only when all is known."""
    audience = story.audience
    parts = [content(audience.description)] if audience.description else []
    parts.append(Content(lines(audience.filter)))
    if complete:
        if not story.sizes:
            parts.append(content("Not counted yet: the next build of profiles counts it.", "dim"))
        parts.append(content(f"Used by {', '.join(story.users)}" if story.users else "Nothing uses it yet", "dim"))
    return Content("\n\n").join(parts)


def in_use(users: Sequence[str]) -> str:
    """Why an audience is not deleted."""
    names = "\n".join(f"  • {user}" for user in users[:10])
    more = f"\n  and {len(users) - 10} more" if len(users) > 10 else ""
    return f"These jobs and audiences use it:\n{names}{more}\n\nChange them first, or delete them."


def nothing() -> Content:
    """What is said while there are no audiences."""
    return Content.assemble(
        ("No audiences yet.\n\n", "bold"),
        "An audience is a filter over profiles: who bought in the last 30 days, who reads the newsletter. It is "
        "kept up to date by itself; who enters and who leaves is what exports send.\n\nPress ",
        ("n", "bold $primary"),
        " to write one.",
    )
