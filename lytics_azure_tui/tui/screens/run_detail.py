"""One run: what it did, its log, and the rows that it could not use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import TabbedContent, TabPane

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.model.amounts import counted
from lytics_azure_tui.model.run import LogLine, Run, RunState
from lytics_azure_tui.tui.commands import Command, bindings
from lytics_azure_tui.tui.desk import Desk
from lytics_azure_tui.tui.exported import export_log, export_rows
from lytics_azure_tui.tui.figures import count
from lytics_azure_tui.tui.screens.base import DeskScreen
from lytics_azure_tui.tui.screens.confirm import Confirm
from lytics_azure_tui.tui.screens.dashboard_rows import in_quarantine
from lytics_azure_tui.tui.screens.run_facts import facts
from lytics_azure_tui.tui.widgets.log_view import LogView
from lytics_azure_tui.tui.widgets.quarantine import Quarantine
from lytics_azure_tui.tui.widgets.run_pane import RunPane
from lytics_azure_tui.tui.widgets.words import Words

LOG_PAGE = 500
COPIED_AT_MOST = 60_000
"""Characters. Terminals take about 100,000 bytes into their clipboard, in base64."""


@dataclass(frozen=True, slots=True)
class Details:
    """What one look at the ledger brings."""

    run: Run
    spec: dict[str, Any]
    new: tuple[LogLine, ...]
    files: tuple[str, ...]


class RunDetail(DeskScreen):
    """Follows a run while it goes, and tells its story after."""

    CSS_PATH = "run_detail.tcss"
    OWN_COMMANDS: ClassVar[tuple[Command, ...]] = (
        Command("escape", "back", "Back", "Go back to where this run was opened.", label="esc"),
        Command("l", "tab('log')", "Log", "Show the log."),
        Command("w", "tab('quarantine')", "Quarantine", "Show the rows that could not be used."),
        Command("r", "replay", "Replay", "Read the quarantined rows again, after the cause was mended."),
        Command(
            "y",
            "export",
            "Export",
            "Write the tab to a file: the quarantined rows, or the log, which is copied too.",
        ),
        Command("c", "cancel", "Cancel", "Ask the run to end."),
        Command("left_square_bracket", "turn(-1)", "Page back", "The page of rows before.", footer=False, label="["),
        Command("right_square_bracket", "turn(1)", "Page on", "The next page of rows.", footer=False, label="]"),
    )
    BINDINGS = bindings(OWN_COMMANDS)

    def __init__(self, desk: Desk, run_id: str, *, tab: str = "") -> None:
        """`tab` is the one to open: "log" or "quarantine"; empty for the one that tells most."""
        super().__init__(desk)
        self._run_id = run_id
        self.heading = f"Run {run_id}"
        self._tab = tab
        self._details: Details | None = None
        self._last_line = 0
        self._reading = self._again = False
        self._wanted = ""
        """A tab that was asked for and is not shown yet."""

    def body(self) -> ComposeResult:
        with VerticalScroll(id="facts-holder", can_focus=False):
            yield Words("Reading the run…", id="facts")
        with TabbedContent(id="tabs", initial="log"):
            with TabPane("Log", id="log"):
                yield LogView(self.desk.zone, id="lines")
            with TabPane("Quarantine", id="quarantine"):
                yield Quarantine()

    def on_mount(self) -> None:
        self.query_one(LogView).focus()
        self.watch(self.app, "overview", self._changed)

    # What is shown

    def _changed(self) -> None:
        """Something in the ledger is new; perhaps it is this run's."""
        if self._reading:
            self._again = True
        elif self._details is None or not self._details.run.state.ended or self._again:
            self._reading = True
            self._read()

    @work(group="read", description="read the run", exit_on_error=False)
    async def _read(self) -> None:
        try:
            details = await self.fetch(self._look, "read the run")
        except LyazureError as error:
            self.problem(error)
            if self._details is None:
                self.query_one("#facts", Words).update("")
            return
        finally:
            self._reading = False
        first, self._details = self._details is None, details
        self.query_one(LogView).add(details.new)
        self._show(details, first)
        if self._again:
            self._again = False
            self._changed()

    def _look(self) -> Details:
        ledger, run_id = self.desk.ledger, self._run_id
        run = ledger.run(run_id)
        new: list[LogLine] = []
        while page := ledger.log_lines(run_id, self._last_line, LOG_PAGE):
            new += page
            self._last_line = page[-1].seq
        spec = self._details.spec if self._details else ledger.spec(run_id)
        return Details(run, spec, tuple(new), tuple(ledger.quarantine_files(run_id)))

    def _show(self, details: Details, first: bool) -> None:
        run = details.run
        refused = in_quarantine(run)
        tabs = self.query_one(TabbedContent)
        tabs.get_tab("quarantine").label = f"Quarantine {count(refused)}" if refused else "Quarantine"
        if details.files:
            self.query_one(Quarantine).show_files(details.files)
        self._show_pane(run)
        self._show_facts()
        if first:
            tell = "quarantine" if run.state is RunState.SUCCEEDED and run.rejected else "log"
            self.action_tab(self._tab or tell)
        self.refresh_bindings()

    def _show_pane(self, run: Run) -> None:
        panes = self.query(RunPane)
        if run.state.ended:
            panes.remove()
        elif not panes:
            pane = RunPane(run, self.desk.clock(), alone=True)
            self.mount(pane, after="#facts-holder")

    def tick(self) -> None:
        """How long the run goes on already."""
        super().tick()
        self._show_facts()

    def _show_facts(self) -> None:
        details = self._details
        if details is not None:
            now = self.desk.clock()
            self.query_one("#facts", Words).update(facts(details.run, details.spec, now, self.desk.zone))
            for pane in self.query(RunPane):
                pane.show_run(details.run, now)

    # What an operator can do

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Commands that have nothing to work on are dimmed."""
        run = self._details.run if self._details else None
        if action == "cancel":
            return True if run is not None and not run.state.ended and not run.cancel_requested else None
        if action == "replay":
            return True if run is not None and self._replayable(run) else None
        if action in ("export", "turn"):
            log = action == "export" and self._details is not None and self.query_one(TabbedContent).active == "log"
            return True if log or (self._details is not None and self._details.files) else None
        return True

    def _replayable(self, run: Run) -> bool:
        return run.state is RunState.SUCCEEDED and run.rejected > 0 and run.replayed_by is None

    def action_back(self) -> None:
        """Goes back."""
        self.dismiss()

    def action_tab(self, tab: str) -> None:
        """Shows a part of the story."""
        tabs = self.query_one(TabbedContent)
        self._wanted = tab if tabs.active != tab else ""
        tabs.active = tab
        self.query_one("#lines" if tab == "log" else "#rows").focus()

    @on(TabbedContent.TabActivated, "#tabs")
    def _activated(self, event: TabbedContent.TabActivated) -> None:
        """On a busy machine the first tab shows itself only after another one was asked for."""
        self.refresh_bindings()
        wanted, self._wanted = self._wanted, ""
        if wanted and event.pane.id != wanted:
            self.action_tab(wanted)

    def action_turn(self, pages: int) -> None:
        """Turns pages of the quarantine."""
        self.query_one(Quarantine).turn(pages)

    @work(group="deed", description="cancel the run", exit_on_error=False)
    async def action_cancel(self) -> None:
        """Asks the run to end."""
        if self._details is None:
            return
        run = self._details.run
        question = "What it has not committed is dropped; the stream stays as it was before the run."
        confirm = Confirm(f"Cancel {run.label}?", question, yes="Cancel the run", no="Let it run", danger=True)
        if await self.app.push_screen_wait(confirm):
            await self.do(lambda: self.desk.cancel(run.id), "cancel the run", f"{run.label}: asked to end")

    @work(group="deed", description="replay the quarantine", exit_on_error=False)
    async def action_replay(self) -> None:
        """Reads the quarantined rows again, and goes to the run that does: what became of the rows is told there."""
        if self._details is None or not self._replayable(self._details.run):
            return
        run = self._details.run
        rows = "1 quarantined row is" if run.rejected == 1 else f"{count(run.rejected)} quarantined rows are"
        question = (
            f"{rows} read again with the job as it is now. What still cannot be used goes to the new run's quarantine."
        )
        if not await self.app.push_screen_wait(Confirm(f"Replay {run.label}?", question, yes="Replay", no="Not now")):
            return
        try:
            replay = await self.fetch(lambda: self.desk.replay(run.id), "replay the rows")
        except LyazureError as error:
            self.problem(error)
        else:
            self.problem(None)
            self.app.push_screen(RunDetail(self.desk, replay.id))

    def action_export(self) -> None:
        """Writes what is open to a file."""
        if self._details is not None and self.query_one(TabbedContent).active == "log":
            self._export_log(self._details.run)
        elif self._details is not None and self._details.files:
            self._export_rows(self._details.run, self._details.files)

    @work(group="deed", description="export the log", exit_on_error=False)
    async def _export_log(self, run: Run) -> None:
        path = self.desk.folder.data / "exports" / f"{run.job}-{run.id}.log"
        try:
            text = await self.fetch(lambda: export_log(self.desk.ledger, run.id, path), "write the log")
        except LyazureError as error:
            self.problem(error)
            return
        if len(text) <= COPIED_AT_MOST:
            self.app.copy_to_clipboard(text)
        self.say(f"The log was written to {path}{' and copied' if len(text) <= COPIED_AT_MOST else ''}")

    @work(group="deed", description="export the quarantine", exit_on_error=False)
    async def _export_rows(self, run: Run, files: tuple[str, ...]) -> None:
        path = self.desk.folder.data / "exports" / f"{run.job}-{run.id}-quarantine.csv"
        try:
            rows = await self.fetch(lambda: export_rows(files, path), "write the rows")
        except LyazureError as error:
            self.problem(error)
        else:
            self.say(f"{counted(rows, 'row')} written to {path}")
