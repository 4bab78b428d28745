"""A job that runs at Lytics: where it stands, its log, and what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import DataTable

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.lytics.servers import GONE, ServerJob, ServerLine
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.tui.commands import Command, bindings
from lytics_azure_tui.tui.desk import Desk
from lytics_azure_tui.tui.figures import count, stamp, when
from lytics_azure_tui.tui.handing import BACK
from lytics_azure_tui.tui.screens.base import DeskScreen
from lytics_azure_tui.tui.screens.confirm import Confirm
from lytics_azure_tui.tui.screens.dashboard_rows import kind
from lytics_azure_tui.tui.text import content, lines
from lytics_azure_tui.tui.there import ASK_SECONDS, on_servers
from lytics_azure_tui.tui.widgets.grid import Cell, Column, Grid, Row
from lytics_azure_tui.tui.widgets.states import STYLES, server_state
from lytics_azure_tui.tui.widgets.words import Words, entitle

if TYPE_CHECKING:
    from collections.abc import Callable

    from lytics_azure_tui.lytics.servers import Servers

PAGE = 100
COLUMNS = (
    Column("When", 9),
    Column("What happened", least=24),
    Column("Added", 9, right=True),
    Column("Omitted", 9, right=True),
    Column("Removed", 9, right=True),
)
_TONES = {"error": ("✗ ", "bad"), "warning": ("⚠ ", "watch")}


@dataclass(frozen=True, slots=True)
class Details:
    """What one look brings.

    Attributes:
        job: as its file is now.
        there: None when Lytics does not know it.
        log: newest first.
    """

    job: Job
    there: ServerJob | None
    log: tuple[ServerLine, ...]


class HandedOverPage(DeskScreen):
    """Asks Lytics again while it is open."""

    CSS_PATH = "handed_over.tcss"
    OWN_COMMANDS: ClassVar[tuple[Command, ...]] = (
        Command("escape", "back", "Back", "Go back to the dashboard.", label="esc"),
        Command("s", "start", "Start", "Start it there, go on with it when it is paused, or run it once more."),
        Command("p", "pause", "Pause", "Pause it there."),
        Command("t", "take_back", "Take back", "End it there, and run it here again."),
        Command("r", "look", "Look again", "Ask Lytics now; it is asked by itself, too."),
        Command("left_square_bracket", "turn(-1)", "Newer", "The page of newer lines.", footer=False, label="["),
        Command("right_square_bracket", "turn(1)", "Older", "The page of older lines.", footer=False, label="]"),
    )
    BINDINGS = bindings(OWN_COMMANDS)

    def __init__(self, desk: Desk, job: Job) -> None:
        super().__init__(desk)
        self._job = job
        self.heading = f"{job.label} at Lytics"
        self._details: Details | None = None
        self._page = 0
        self._silent = False
        """Whether the last question had no answer."""

    def body(self) -> ComposeResult:
        yield Words("Asking Lytics…", id="facts")
        yield Grid(COLUMNS, id="lines", classes="pane", newest_first=True)
        yield Words(id="line")

    def on_mount(self) -> None:
        self.query_one(Grid).border_title = "Log"
        self.query_one(Grid).focus()
        self.action_look()
        self.set_interval(ASK_SECONDS, self._look_by_itself)

    # What is shown

    def _look_by_itself(self) -> None:
        if self.is_active:
            self.action_look()

    @work(exclusive=True, group="look", description="ask Lytics for the job", exit_on_error=False)
    async def action_look(self) -> None:
        """Asks Lytics for the job and its log."""
        try:
            details = await self.fetch(self._look, "ask Lytics for the job")
        except LyazureError as error:
            self._silent = True
            self.problem(error)
            if self._details is None:
                self.query_one("#facts", Words).update("")
            return
        if details.job.lytics is None:
            self.dismiss()
            return
        if self._silent:
            self._silent = False
            self.problem(None)
        self._details = details
        self._show()

    def _look(self) -> Details:
        job = self.desk.folder.job(self._job.id)
        handed = job.lytics
        if handed is None:
            return Details(job, None, ())
        servers = self.desk.lytics.servers
        if handed.job is None:
            return Details(job, servers.find(handed.mark), ())
        there = next((one for one in servers.jobs() if one.id == handed.job), None)
        return Details(job, there, tuple(servers.log(handed.job)) if there is not None else ())

    def _show(self) -> None:
        if self._details is None:
            return
        log, now, zone = self._details.log, self.desk.clock(), self.desk.zone
        self._page = max(0, min(self._page, (len(log) - 1) // PAGE))
        first = self._page * PAGE
        page = log[first : first + PAGE]
        grid = self.query_one(Grid)
        # The oldest line has the lowest number, so that the cursor stays on its line when newer ones come.
        grid.show_rows([Row(str(len(log) - first - place), _row(line, now, zone)) for place, line in enumerate(page)])
        place = f" · {count(first + 1)} to {count(first + len(page))} of {count(len(log))}" if len(log) > PAGE else ""
        entitle(grid, f"Log, newest first{place}" if log else "Log · nothing yet")
        self.query_one("#facts", Words).update(facts(self._details, zone))
        self._show_line()
        self.refresh_commands()

    @on(DataTable.RowHighlighted)
    def _show_line(self) -> None:
        """The whole line under the cursor: the grid cuts what is long."""
        key = self.query_one(Grid).selected
        log = self._details.log if self._details is not None else ()
        at = len(log) - int(key) if key else -1
        below = self.query_one("#line", Words)
        below.update(whole(log[at], self.desk.zone) if 0 <= at < len(log) else "")

    # What an operator can do

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Commands that have nothing to work on are dimmed."""
        if action in ("start", "pause"):
            there = self._details.there if self._details is not None else None
            return True if there is not None and there.status not in GONE else None
        if action == "turn":
            return True if self._details is not None and len(self._details.log) > PAGE else None
        return True

    def action_back(self) -> None:
        """Goes back."""
        self.dismiss()

    def action_turn(self, pages: int) -> None:
        """Turns pages of the log."""
        self._page += pages
        self._show()

    @work(group="deed", description="start the job at Lytics", exit_on_error=False)
    async def action_start(self) -> None:
        """Starts it."""
        await self._ask_for(lambda servers, there: servers.start(there), "started at Lytics")

    @work(group="deed", description="pause the job at Lytics", exit_on_error=False)
    async def action_pause(self) -> None:
        """Pauses it."""
        await self._ask_for(lambda servers, there: servers.pause(there), "paused at Lytics")

    async def _ask_for(self, deed: Callable[[Servers, str], None], done: str) -> None:
        job = self._details.job if self._details is not None else self._job
        await self.do(lambda: on_servers(self.desk, job, deed), "ask Lytics", f"{job.label}: {done}")
        self.action_look()

    @work(group="deed", description="take the job back", exit_on_error=False)
    async def action_take_back(self) -> None:
        """Takes it back when that is meant."""
        job = self._job
        confirm = Confirm(f"Take {job.label} back?", BACK, yes="Take back", no="Leave it there", danger=True)
        if not await self.app.push_screen_wait(confirm):
            return
        try:
            removed = await self.fetch(lambda: self.desk.handing.take_back(job.id), "take the job back")
        except LyazureError as error:
            self.problem(error)
            return
        stays = "" if removed else "; its authorization stays at Lytics, where other jobs name it"
        self.say(f"{job.label}: taken back{stays}")
        self.dismiss()


def facts(details: Details, zone: tzinfo | None) -> Content:
    """The head: where it stands, what it is, and what to do when it does not go on by itself."""
    job, there = details.job, details.there
    status = there.status if there is not None else "not there"
    if job.lytics is not None and job.lytics.job is None:
        status = "in doubt"
    state = server_state(status)
    head = Content.assemble(
        "at Lytics: ", (state.text, f"bold {STYLES[state.tone]}".strip()), "  ", content(job.label, "bold"),
        (f"  {kind(job.workflow)}", "dim"),
    )  # fmt: skip
    pairs = []
    if there is not None:
        pairs = [("Job", there.id), ("Made", stamp(there.created, zone))]
        if there.wakes is not None and status == "sleeping":
            pairs.append(("Goes on", stamp(there.wakes, zone)))
    rows = [head]
    if pairs:
        line = (Content.assemble((f"{name} ", "dim"), content(value)) for name, value in pairs)
        rows.append(Content("   ").join(line))
    if advice := _advice(status):
        rows.append(Content.styled(f"→ {advice}", "$text-warning"))
    return Content("\n").join(rows)


def _advice(status: str) -> str:
    if status in GONE or status == "not there":
        return "It was deleted in Lytics. t takes it back: it runs here again then."
    if status == "in doubt":
        return "Lytics may have it or not. h on the dashboard finds out and goes on; t takes it back."
    if status == "failed":
        return "Lytics has given up; the log says why. s starts it once more."
    if status.startswith("fault"):
        return "It went wrong; Lytics tries it again by itself. The log says why."
    return ""


def _row(line: ServerLine, now: datetime, zone: tzinfo | None) -> tuple[Cell, ...]:
    sign, tone = _TONES.get(line.level, ("", ""))
    figures = (line.added, line.omitted, line.removed)
    return (
        Cell(when(line.at, now, zone), "muted"),
        Cell(sign + line.text, tone),
        *(Cell("" if figure is None else count(figure)) for figure in figures),
    )


def whole(line: ServerLine, zone: tzinfo | None) -> Content:
    """A line in full."""
    code = f"  {line.code}" if line.code else ""
    return Content.assemble((f"{stamp(line.at, zone)}", "dim"), content(code, "dim"), "\n", lines(line.text))
