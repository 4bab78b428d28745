"""The first screen: jobs, the runs that are under way, and those that were."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import DataTable

from lytics_azure_tui.errors import BadConfiguration, LyazureError
from lytics_azure_tui.model.job import HandedOver, Job
from lytics_azure_tui.model.run import Run, RunState
from lytics_azure_tui.tui.commands import Command, bindings
from lytics_azure_tui.tui.desk import Desk
from lytics_azure_tui.tui.overview import JobRow, Overview
from lytics_azure_tui.tui.screens.base import DeskScreen
from lytics_azure_tui.tui.screens.confirm import Confirm
from lytics_azure_tui.tui.screens.dashboard_rows import JOBS, RUNS, JobRows, minute, run_rows
from lytics_azure_tui.tui.screens.first_steps import first_steps
from lytics_azure_tui.tui.screens.go_on import GoOn
from lytics_azure_tui.tui.text import content, plain
from lytics_azure_tui.tui.there import ASK_SECONDS, NOBODY_ASKED, ask, on_servers
from lytics_azure_tui.tui.threads import in_thread
from lytics_azure_tui.tui.widgets.active_runs import ActiveRuns
from lytics_azure_tui.tui.widgets.grid import Grid
from lytics_azure_tui.tui.widgets.problem import Problems
from lytics_azure_tui.tui.widgets.run_pane import RunPane
from lytics_azure_tui.tui.widgets.words import Words, entitle

if TYPE_CHECKING:
    from lytics_azure_tui.lytics.servers import Servers


class Dashboard(DeskScreen):
    """What an operator looks at all day."""

    CSS_PATH = "dashboard.tcss"
    AUTO_FOCUS = ""  # the jobs get it when they are there
    OWN_COMMANDS: ClassVar[tuple[Command, ...]] = (
        Command("o", "open", "Open", "Open the job's newest run, or the run under the cursor; enter does the same."),
        Command("s", "start", "Start now", "Run the job now, whatever its schedule says."),
        Command("c", "cancel", "Cancel", "Ask the job's run to end."),
        Command("n", "new", "New job", "Set up a job."),
        Command("e", "edit", "Edit", "Change the job."),
        Command("p", "pause", "Pause", "Pause the job's schedule, or take it up again."),
        Command(
            "h", "hand_over", "Hand over", "Have Lytics run the job on its own machines, with an account.", footer=False
        ),
        Command("d,delete", "delete", "Delete", "Delete the job. What it has imported stays.", footer=False),
        Command("l", "log", "Log", "Open the log of the job's newest run.", footer=False),
    )
    BINDINGS = bindings(OWN_COMMANDS)

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._job_rows = JobRows()
        self._there = NOBODY_ASKED
        self._asked: tuple[HandedOver, ...] = ()

    def body(self) -> ComposeResult:
        yield Problems(id="problems")
        yield Words("Reading the ledger…", id="first-steps")
        yield Grid(JOBS, id="jobs", classes="pane")
        yield ActiveRuns(id="active", classes="pane")
        yield Grid(RUNS, id="recent", classes="pane", newest_first=True)

    def on_mount(self) -> None:
        for pane, title in (("#jobs", "Jobs"), ("#recent", "Recent runs")):
            self.query_one(pane).border_title = title
        self.set_interval(ASK_SECONDS, self._ask)
        self.watch(self.app, "overview", self._show)

    # What is shown

    @property
    def overview(self) -> Overview | None:
        """The latest."""
        return self.lyazure.overview

    def tick(self) -> None:
        """Times go on also when nothing happens: those of runs at work by the second, all others by the minute."""
        super().tick()
        overview = self.overview
        if overview is None or not self.is_active:
            return
        if self._job_rows.minute != minute(self.desk.clock()):
            self._show(overview)
        elif overview.active:
            self.query_one(ActiveRuns).show_runs(overview.active, self.desk.clock())

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self._show(self.overview)
        self._ask()

    def _ask(self) -> None:
        """What Lytics says of the jobs that it runs, if there are any."""
        if self.is_active and self._asked:
            self._ask_lytics()

    @work(exclusive=True, group="lytics", description="ask Lytics for its jobs", exit_on_error=False)
    async def _ask_lytics(self) -> None:
        # Not by `fetch`: nobody is asked for a passphrase again and again.
        self._there = await in_thread(lambda: ask(self.desk, self._there), "ask Lytics for its jobs")
        self._show(self.overview)

    def _show(self, overview: Overview | None) -> None:
        if overview is None or not self.is_active:
            return
        now, zone = self.desk.clock(), self.desk.zone
        self.query_one(Problems).show(overview.problems)
        self._show_first_steps(overview)
        self.query_one("#jobs", Grid).show_rows(self._job_rows.of(overview, now, zone, self._there))
        recent = self.query_one("#recent", Grid)
        recent.show_rows(run_rows(overview, now, zone))
        entitle(recent, f"Recent runs · {recent.newer} newer above" if recent.newer else "Recent runs")
        if self.query_one(ActiveRuns).show_runs(overview.active, now):
            self.query_one("#jobs").focus()
        self._refresh_commands()
        handed = tuple(row.job.lytics for row in overview.jobs if row.job.lytics is not None)
        if handed != self._asked:
            self._asked = handed
            self._ask()

    def _show_first_steps(self, overview: Overview) -> None:
        empty = not overview.jobs and not overview.active and not overview.recent
        steps = self.query_one("#first-steps", Words)
        steps.display = empty
        for pane in ("#jobs", "#recent"):
            self.query_one(pane).display = not empty
        if self.focused is None and not empty:
            self.query_one("#jobs").focus()
        if empty:
            steps.update(first_steps(overview.authorizations))

    # What is under the cursor

    @property
    def _row(self) -> JobRow | None:
        """The job under the cursor."""
        return self._job_rows.row(self.query_one("#jobs", Grid).selected)

    @property
    def _run(self) -> Run | None:
        """The run that the focus is on: a pane's, a past one, or the job's newest."""
        focused = self.focused
        if isinstance(focused, RunPane):
            return focused.run
        if focused is not None and focused.id == "recent" and self.overview is not None:
            key = self.query_one("#recent", Grid).selected
            return next((run for run in self.overview.recent if run.id == key), None)
        row = self._row
        return (row.active or row.state.last_run) if row is not None else None

    @property
    def _job(self) -> Job | None:
        """The job that the focus is on."""
        focused = self.focused
        if isinstance(focused, RunPane) or (focused is not None and focused.id == "recent"):
            run = self._run
            row = self._job_rows.row(run.job) if run is not None else None
        else:
            row = self._row
        return row.job if row is not None else None

    @property
    def _handed(self) -> Job | None:
        """The job under the cursor, where it has a page of its own: it runs at Lytics."""
        row = self._row if self.focused is not None and self.focused.id == "jobs" else None
        return row.job if row is not None and row.job.lytics is not None and row.active is None else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Commands that have nothing to work on are dimmed."""
        if not self.is_mounted:
            return True
        run, job = self._run, self._job
        able = {
            "open": run is not None or self._handed is not None,
            "log": run is not None,
            "cancel": run is not None and not run.state.ended and not run.cancel_requested,
            "hand_over": job is not None and (job.lytics is None or job.lytics.job is None),
            **dict.fromkeys(("start", "edit", "pause", "delete"), job is not None),
        }
        return True if able.get(action, True) else None

    @on(DataTable.RowHighlighted)
    def _moved(self) -> None:
        self._refresh_commands()

    def on_descendant_focus(self) -> None:
        self._refresh_commands()

    def _show_reason(self) -> None:
        """At the head of the jobs: why the schedule of the one under the cursor ended, or what Lytics says of it."""
        row = self._row if self._row is not None and self._row.active is None else None
        title = Content("Jobs")
        if row is not None and row.job.lytics is not None:
            title += content(f" · {plain(row.job.label, 24)} {self._there.words(row.job)}", "$text-primary", 100)
        elif row is not None and row.state.stopped is not None:
            title += Content.styled(f" · ■ {plain(row.job.label, 24)}: ", "$text-warning")
            title += content(row.state.stopped, "$text-warning", 60)
        entitle(self.query_one("#jobs"), title)

    def _refresh_commands(self) -> None:
        self._show_reason()
        self.refresh_commands()

    # What an operator can do

    @on(DataTable.RowSelected)
    def _selected(self) -> None:
        self.action_open()

    @on(RunPane.Opened)
    def _pane_opened(self, event: RunPane.Opened) -> None:
        self._open(event.run_id)

    def action_open(self) -> None:
        """Opens the run that the focus is on, or the page of a job that runs at Lytics."""
        if self._handed is not None:
            from lytics_azure_tui.tui.screens.handed_over import HandedOverPage

            self.app.push_screen(HandedOverPage(self.desk, self._handed))
        elif self._run is not None:
            self._open(self._run.id)

    def action_log(self) -> None:
        """Opens its log."""
        if self._run is not None:
            self._open(self._run.id, tab="log")

    def _open(self, run_id: str, tab: str = "") -> None:
        from lytics_azure_tui.tui.screens.run_detail import RunDetail

        self.app.push_screen(RunDetail(self.desk, run_id, tab=tab))

    def action_new(self) -> None:
        """Opens the form for a new job."""
        self._form(None)

    def action_edit(self) -> None:
        """Opens the form of the job."""
        job = self._job
        if job is not None and job.lytics is not None:
            fix = "Take it back, change it, and hand it over again"
            self.problem(BadConfiguration(f"{job.label} runs at Lytics as it was handed over", fix=fix))
        elif job is not None:
            self._form(job)

    @work(group="deed", description="hand the job over", exit_on_error=False)
    async def action_hand_over(self) -> None:
        """Hands the job over to Lytics when that is meant."""
        from lytics_azure_tui.tui.screens.hand_over import hand_over

        if self._job is not None:
            await hand_over(self, self._job)

    def _form(self, job: Job | None) -> None:
        from lytics_azure_tui.tui.screens.job_wizard import JobWizard

        self.app.push_screen(JobWizard(self.desk, job))

    @work(group="deed", description="start the job", exit_on_error=False)
    async def action_start(self) -> None:
        """Queues a run of the job."""
        job = self._job
        if job is None:
            return
        if job.lytics is not None:
            await self._at_lytics(job, lambda servers, there: servers.start(there), "started at Lytics")
            return
        try:
            run = await self.fetch(lambda: self.desk.start_now(job.id), "start the job")
        except LyazureError as error:
            self.problem(error)
            return
        self.problem(None)
        if run.state is RunState.QUEUED:
            self.say(f"{job.label}: queued")
        else:
            self.say(f"{job.label}: a run is under way already")

    @work(group="deed", description="cancel the run", exit_on_error=False)
    async def action_cancel(self) -> None:
        """Asks the run to end."""
        run = self._run
        if run is None or run.state.ended:
            return
        question = "What it has not committed is dropped; the stream stays as it was before the run."
        if not await self.app.push_screen_wait(
            Confirm(f"Cancel {run.label}?", question, yes="Cancel the run", no="Let it run", danger=True)
        ):
            return
        await self.do(lambda: self.desk.cancel(run.id), "cancel the run", f"{run.label}: asked to end")

    @work(group="deed", description="pause the schedule", exit_on_error=False)
    async def action_pause(self) -> None:
        """Pauses the schedule, or takes it up again."""
        row = self._job_rows.row(self._job.id) if self._job is not None else None
        if row is None:
            return
        if row.job.lytics is not None:
            if self._there.status(row.job) == "paused":
                await self._at_lytics(row.job, lambda servers, there: servers.start(there), "goes on at Lytics")
            else:
                await self._at_lytics(row.job, lambda servers, there: servers.pause(there), "paused at Lytics")
            return
        if row.state.stopped is not None and row.job.config.asks_how_to_go_on:
            await self._answer(row.job, row.state.stopped)
            return
        resume = not row.job.enabled or row.state.stopped is not None
        done = f"{row.job.label}: {'its schedule goes on' if resume else 'paused'}"
        await self.do(lambda: self.desk.pause(row.job.id, not resume), "change the schedule", done)

    async def _answer(self, job: Job, stopped: str) -> None:
        """Asks how a job goes on whose source is not what it was."""
        answer = await self.app.push_screen_wait(GoOn(job.label, stopped))
        if answer is not None:
            done = f"{job.label}: {answer.label.lower()}"
            await self.do(lambda: self.desk.answer(job.id, answer), "take the answer", done)

    async def _at_lytics(self, job: Job, deed: Callable[[Servers, str], None], done: str) -> None:
        await self.do(lambda: on_servers(self.desk, job, deed), "ask Lytics", f"{job.label}: {done}")
        self._ask()

    @work(group="deed", description="delete the job", exit_on_error=False)
    async def action_delete(self) -> None:
        """Deletes the job when that is meant."""
        job = self._job
        if job is None:
            return
        question = "Its file and its memory of what was imported go. Streams, and the runs in the ledger, stay."
        if not await self.app.push_screen_wait(Confirm(f"Delete {job.label}?", question, yes="Delete", danger=True)):
            return
        await self.do(lambda: self.desk.delete_job(job.id), "delete the job", f"{job.label}: deleted")
