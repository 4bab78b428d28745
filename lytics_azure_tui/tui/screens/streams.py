"""The streams of Lytics: how much is in them, which fields, the newest events, and the runs that brought them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.widgets import DataTable, Static, TabbedContent, TabPane

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.lytics.protocol import Preview, StreamField, StreamInfo, Volume
from lytics_azure_tui.model.amounts import counted, size
from lytics_azure_tui.model.run import Run
from lytics_azure_tui.tui.commands import Command, bindings
from lytics_azure_tui.tui.desk import Desk
from lytics_azure_tui.tui.figures import count, when
from lytics_azure_tui.tui.screens.base import FollowingScreen
from lytics_azure_tui.tui.screens.dashboard_rows import RUNS, one_run
from lytics_azure_tui.tui.text import content
from lytics_azure_tui.tui.widgets.chart import Chart, volume_line
from lytics_azure_tui.tui.widgets.grid import Cell, Column, Grid, Row

STREAMS = (
    Column("Stream", least=14),
    Column("Events", 13, right=True),
    Column("Last event", 10),
    Column("Size", 8, right=True),
)
FIELDS = (Column("Field", least=20), Column("Filled", 13, right=True), Column("Share", 6, right=True))
PREVIEW_ROWS = 50
PREVIEW_COLUMNS = 60
"""More would make the table slow; the fields are all on their own tab."""
RUNS_LOOKED_AT = 500


@dataclass(frozen=True, slots=True)
class Inside:
    """What is in one stream."""

    stream: str
    fields: tuple[StreamField, ...]
    preview: Preview
    days: tuple[Volume, ...]
    runs: tuple[Run, ...]


class Streams(FollowingScreen):
    """The list, and what is in the stream under the cursor."""

    CSS_PATH = "streams.tcss"
    AUTO_FOCUS = ""  # the list gets it when it is there
    OWN_COMMANDS: ClassVar[tuple[Command, ...]] = (
        Command("f", "tab('fields')", "Fields", "The columns of the stream, and how often each has a value."),
        Command("v", "tab('events')", "Events", "The newest events."),
        Command("i", "tab('imports')", "Imports", "The runs that wrote into the stream; enter opens one."),
        Command("m", "mapping", "Mapping", "Say which fields of profiles the columns become."),
        Command("r", "again", "Read again", "Read the streams again."),
    )
    BINDINGS = bindings(OWN_COMMANDS)

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._infos: dict[str, StreamInfo] = {}

    def body(self) -> ComposeResult:
        yield Static("Reading the streams…", id="state", markup=False)
        with Container(id="both"):
            yield Grid(STREAMS, id="streams", classes="pane")
            with Vertical(id="inside", classes="pane"):
                yield Chart(id="volume")
                with TabbedContent(id="tabs", initial="fields"):
                    with TabPane("Fields", id="fields"):
                        yield Grid(FIELDS, id="fields-grid")
                    with TabPane("Events", id="events"):
                        yield Static(id="events-note", markup=False)
                        yield Grid(id="events-grid", newest_first=True)
                    with TabPane("Imports", id="imports"):
                        yield Grid(RUNS, id="imports-grid", newest_first=True)

    def on_mount(self) -> None:
        self.query_one("#streams").border_title = "Streams"

    @work(exclusive=True, group="list", description="read the streams", exit_on_error=False)
    async def action_again(self) -> None:
        """Reads the list again."""
        try:
            infos = await self.fetch(self._list, "read the streams")
        except LyazureError as error:
            self.problem(error)
            self._say_state("")
            return
        self.problem(None)
        self._infos = {info.name: info for info in infos}
        self._say_state("" if infos else "No streams yet. A stream comes to be when a job imports its first file.")
        now, zone = self.desk.clock(), self.desk.zone
        grid = self.query_one("#streams", Grid)
        grid.show_rows(
            [
                Row(
                    info.name,
                    (
                        Cell(info.name, "strong"),
                        Cell(count(info.events)),
                        Cell(when(info.last_event, now, zone)),
                        Cell(size(info.bytes), "muted"),
                    ),
                )
                for info in infos
            ]
        )
        self.query_one("#streams").border_title = f"Streams · {len(infos)}"
        if grid.selected is not None:
            self._read_inside(grid.selected)

    def _list(self) -> list[StreamInfo]:
        return self.desk.lytics.streams()  # the first use loads the engine, so it stands in the thread, too

    def _say_state(self, words: str) -> None:
        state = self.query_one("#state", Static)
        state.update(words)
        state.display = bool(words)
        self.query_one("#both").display = bool(self._infos)
        if self._infos and self.focused is None:
            self.query_one("#streams").focus()

    @on(DataTable.RowHighlighted, "#streams")
    def _moved(self) -> None:
        name = self.query_one("#streams", Grid).selected
        if name is not None:
            self._read_inside(name)

    @work(exclusive=True, group="inside", description="read a stream", exit_on_error=False)
    async def _read_inside(self, stream: str) -> None:
        inside = self.query_one("#inside")
        inside.border_title = content(stream, cells=60)
        try:
            found = await self.fetch(lambda: self._look(stream), "read the stream")
        except LyazureError as error:
            self.problem(error)
            return
        self.problem(None)
        self._show(found)

    def _look(self, stream: str) -> Inside:
        lytics, ledger = self.desk.lytics, self.desk.ledger
        jobs = {job.id for job in self.desk.folder.jobs() if getattr(job.config, "stream", None) == stream}
        runs = [run for run in ledger.runs(active=False, limit=RUNS_LOOKED_AT) if run.job in jobs]
        fields, days = tuple(lytics.fields(stream)), tuple(lytics.volume(stream))
        return Inside(stream, fields, lytics.preview(stream, PREVIEW_ROWS), days, tuple(runs))

    def _show(self, inside: Inside) -> None:
        events = self._infos[inside.stream].events if inside.stream in self._infos else 0
        self.query_one(Chart).show(partial(volume_line, inside.days) if inside.days else None)
        fields = self.query_one("#fields-grid", Grid)
        fields.show_rows([_field(place, field, events) for place, field in enumerate(inside.fields)])
        shown = inside.preview.columns[:PREVIEW_COLUMNS]
        left = len(inside.preview.columns) - len(shown)
        note = f"The newest {len(inside.preview.rows)} of {counted(events, 'event')}; ← → scroll."
        more = f" {counted(left, 'more column')} on the tab Fields." if left else ""
        self.query_one("#events-note", Static).update(note + more)
        rows = [_event(place, row[: len(shown)]) for place, row in enumerate(inside.preview.rows)]
        self.query_one("#events-grid", Grid).show_rows(
            rows, [_column(place, name, inside.preview.rows) for place, name in enumerate(shown)]
        )
        now, zone = self.desk.clock(), self.desk.zone
        imports = self.query_one("#imports-grid", Grid)
        imports.show_rows([Row(run.id, one_run(run, now, zone)) for run in inside.runs])

    def action_tab(self, tab: str) -> None:
        """Shows one side of the stream."""
        if self._infos:
            self.query_one(TabbedContent).active = tab
            self.query_one(f"#{tab}-grid").focus()

    def action_mapping(self) -> None:
        """Opens the mapping of the stream under the cursor."""
        from lytics_azure_tui.tui.screens.mapping_editor import MappingEditor

        stream = self.query_one("#streams", Grid).selected
        if stream is not None:
            self.app.push_screen(MappingEditor(self.desk, stream))

    @on(DataTable.RowSelected, "#imports-grid")
    def _opened(self) -> None:
        from lytics_azure_tui.tui.screens.run_detail import RunDetail

        run_id = self.query_one("#imports-grid", Grid).selected
        if run_id is not None:
            self.app.push_screen(RunDetail(self.desk, run_id))

    @on(DataTable.RowSelected, "#streams")
    def _inside(self) -> None:
        self.action_tab(self.query_one(TabbedContent).active)


def _field(place: int, field: StreamField, events: int) -> Row:
    if field.filled is None:
        return Row(str(place), (Cell(field.name, "strong"), Cell("—", "muted"), Cell("")))
    share = f"{field.filled / events:.0%}" if events else ""
    return Row(str(place), (Cell(field.name, "strong"), Cell(count(field.filled)), Cell(share, "muted")))


def _column(place: int, name: str, rows: Sequence[Sequence[str | None]]) -> Column:
    """As wide as what is in it, within bounds."""
    longest = max((len(row[place] or "") for row in rows), default=0)
    return Column(name, min(max(longest, len(name), 6), 40))


def _event(place: int, row: Sequence[str | None]) -> Row:
    return Row(str(place), tuple(Cell("·", "muted") if value is None else Cell(value[:200]) for value in row))
