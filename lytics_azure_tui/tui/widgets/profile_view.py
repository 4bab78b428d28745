"""A profile: at a glance, all its fields, and its events from the newest on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import tzinfo

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import DataTable, Static, TabbedContent, TabPane

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.lytics.protocol import Happening, Profile
from lytics_azure_tui.tui.desk import Desk
from lytics_azure_tui.tui.figures import count, stamp
from lytics_azure_tui.tui.profile_facts import (
    FIELDS,
    Known,
    events_of,
    field_rows,
    overview,
    telling,
    whole_field,
)
from lytics_azure_tui.tui.text import content, plain
from lytics_azure_tui.tui.threads import in_thread
from lytics_azure_tui.tui.widgets.grid import Cell, Column, Grid, Row

EVENTS = (Column("When", 16), Column("Stream", 12, optional=1), Column("What", least=24))
PAGE = 100
"""Events that are read at once."""
PAUSE_SECONDS = 0.15
"""Of moving through profiles, before the events of one are asked for."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """A profile's newest events, and whether there may be more."""

    events: tuple[Happening, ...]
    more: bool


class ProfileView(Vertical):
    """Shows one profile. A tab is filled when it is open; more events come when the cursor is on the last."""

    class Failed(Message):
        """The events could not be read; None when that is over."""

        def __init__(self, error: LyazureError | None) -> None:
            super().__init__()
            self.error = error

    def __init__(self, desk: Desk, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._desk = desk
        self._profile: Profile | None = None
        self._known: Known | None = None
        self._labels: Mapping[str, str] = {}
        self._timeline: Timeline | None = None

    def compose(self) -> ComposeResult:
        with TabbedContent(id="tabs", initial="glance"):
            with TabPane("Overview", id="glance"), VerticalScroll(id="glance-scroll"):
                yield Glance(id="about")
            with TabPane("Fields", id="fields"):
                yield Grid(FIELDS, id="fields-grid")
                yield Static(id="whole-field", classes="whole", markup=False)
            with TabPane("Events", id="events"):
                yield Static(id="events-note", markup=False)
                yield Grid(EVENTS, id="events-grid", newest_first=True)
                yield Static(id="whole-event", classes="whole", markup=False)

    def show(self, profile: Profile, known: Known, labels: Mapping[str, str]) -> None:
        """Shows a profile; `labels` are those of audiences by slug."""
        before, self._profile = self._profile, profile
        self._known, self._labels = known, labels
        self.border_title = content(telling(profile, known.ranks).value, cells=60)
        desk = self._desk
        self.query_one(Glance).show(lambda width: overview(profile, labels, width, desk.clock(), desk.zone))
        self._show_fields()
        if before is None or before.id != profile.id:
            self._forget_events()
            self.query_one("#glance-scroll").scroll_home(animate=False)
            self._read_events(PAGE)
        elif before != profile:
            self._timeline = None
            self._read_events(PAGE)

    def open(self, tab: str) -> None:
        """Goes to a tab: glance, fields or events."""
        self.query_one(TabbedContent).active = tab
        self.query_one("#glance-scroll" if tab == "glance" else f"#{tab}-grid").focus()

    @property
    def tab(self) -> str:
        """The tab that is open."""
        return self.query_one(TabbedContent).active

    # Fields

    def _show_fields(self) -> None:
        profile, known = self._profile, self._known
        if profile is not None and known is not None and self.tab == "fields":
            self.query_one("#fields-grid", Grid).show_rows(field_rows(profile, known.fields, self._desk.zone))
            self._show_field()

    @on(DataTable.RowHighlighted, "#fields-grid")
    def _show_field(self) -> None:
        key = self.query_one("#fields-grid", Grid).selected
        profile, known = self._profile, self._known
        name = key.partition(" ")[0] if key is not None else ""
        whole = self.query_one("#whole-field", Static)
        if profile is not None and known is not None and name in profile.fields:
            whole.update(whole_field(name, profile, known.fields, self._desk.zone))
        else:
            whole.update("")

    # Events

    @on(TabbedContent.TabActivated)
    def _opened(self) -> None:
        self._show_fields()
        self._read_events(PAGE)

    def _forget_events(self) -> None:
        self._timeline = None
        self.query_one("#events-grid", Grid).show_rows([])
        self.query_one("#events-note", Static).update("Reading the events…")
        self.query_one("#whole-event", Static).update("")

    @work(exclusive=True, group="events", description="read a profile's events", exit_on_error=False)
    async def _read_events(self, limit: int) -> None:
        """Nothing is read while the tab is closed, or what is wanted is there."""
        profile, timeline = self._profile, self._timeline
        if profile is None or self.tab != "events":
            return
        if timeline is not None and (not timeline.more or len(timeline.events) >= limit):
            return
        if timeline is None:
            await asyncio.sleep(PAUSE_SECONDS)
        lytics = self._desk.lytics
        try:
            events = await in_thread(lambda: lytics.happenings(profile.id, limit), "read a profile's events")
        except LyazureError as error:
            self.query_one("#events-note", Static).update("The events could not be read.")
            self.post_message(self.Failed(error))
            return
        self.post_message(self.Failed(None))
        self._timeline = Timeline(tuple(events), more=len(events) >= limit)
        self._show_events(self._timeline)

    def _show_events(self, timeline: Timeline) -> None:
        zone, profile = self._desk.zone, self._profile
        known = {one.value for one in profile.identifiers} if profile is not None else set[str]()
        rows = [
            Row(
                str(place),
                (
                    Cell(f"{event.at.astimezone(zone):%Y-%m-%d %H:%M}"),
                    Cell(event.stream, "muted"),
                    Cell(in_short(event, known)),
                ),
            )
            for place, event in enumerate(timeline.events)
        ]
        self.query_one("#events-grid", Grid).show_rows(rows)
        shown, total = len(rows), events_of(profile) if profile is not None else None
        of = f" of {count(total)}" if total is not None and total > shown else ""
        more = "; more come at the end of the list" if timeline.more else ""
        whole = "One event." if shown == 1 else f"All {count(shown)} events, newest first."
        note = f"The newest {count(shown)}{of} events{more}." if of or more else whole
        self.query_one("#events-note", Static).update(note if rows else "No events.")
        self._show_event()

    @on(DataTable.RowHighlighted, "#events-grid")
    def _show_event(self) -> None:
        timeline, grid = self._timeline, self.query_one("#events-grid", Grid)
        whole = self.query_one("#whole-event", Static)
        if timeline is None or grid.selected is None:
            whole.update("")
            return
        place = int(grid.selected)
        whole.update(in_full(timeline.events[place], self._desk.zone))
        if timeline.more and place == len(timeline.events) - 1:
            self._read_events(len(timeline.events) + PAGE)


def in_short(event: Happening, known: Collection[str]) -> str:
    """The columns of an event that have a value on one line; last those that only say again who it was."""
    columns = sorted(event.values.items(), key=lambda column: column[1] in known)
    return " · ".join(f"{name}={value[:80]}" for name, value in columns)[:400]


def in_full(event: Happening, zone: tzinfo | None) -> Content:
    """When it happened to the second, and all columns that have a value."""
    moment = Content.assemble((stamp(event.at, zone), "bold"), ("  by ", "dim"), content(event.stream))
    values = (
        Content.assemble((f"{plain(name)} ", "dim"), content(value, cells=2000)) for name, value in event.values.items()
    )
    return Content("\n").join((moment, Content("   ").join(values)))


class Glance(Static):
    """Text that is drawn for the width there is."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._draw: Callable[[int], Content] | None = None

    def show(self, draw: Callable[[int], Content]) -> None:
        """Shows what `draw` gives for a width in cells."""
        self._draw = draw
        self.on_resize()

    def on_resize(self) -> None:
        """Another width, another text."""
        if self._draw is not None and self.content_size.width:
            self.update(self._draw(self.content_size.width))
