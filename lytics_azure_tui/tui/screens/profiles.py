"""The profiles: found by any identifier; beside the list all that is known of the one under the cursor."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widgets import DataTable, Static

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.lytics.protocol import Profile, ProfileFigures
from lytics_azure_tui.tui.commands import Command, bindings
from lytics_azure_tui.tui.desk import Desk
from lytics_azure_tui.tui.figures import count, when
from lytics_azure_tui.tui.profile_facts import Known, events_of, last_seen, standing, telling
from lytics_azure_tui.tui.screens.base import FollowingScreen
from lytics_azure_tui.tui.text import content
from lytics_azure_tui.tui.widgets.controls import Answered, Line, Passed
from lytics_azure_tui.tui.widgets.grid import Cell, Column, Grid, Row
from lytics_azure_tui.tui.widgets.profile_view import ProfileView

COLUMNS = (
    Column("Known as", least=24),
    Column("Events", 9, right=True),
    Column("Last seen", 10),
    Column("Audiences", least=14, optional=1),
)
FOUND_AT_MOST = 50
PAUSE_SECONDS = 0.25
"""Of typing, before profiles are looked for."""


@dataclass(frozen=True, slots=True)
class Found:
    """The profiles that answer a search."""

    text: str
    profiles: tuple[Profile, ...]


class Profiles(FollowingScreen):
    """A search, what it finds, and the profile under the cursor."""

    CSS_PATH = "profiles.tcss"
    AUTO_FOCUS = ""  # the list gets it when it is there
    OWN_COMMANDS: ClassVar[tuple[Command, ...]] = (
        Command("slash", "search", "Search", "Look for a person by an email address, an id, a cookie…", label="/"),
        Command("o", "tab('glance')", "Overview", "The profile at a glance: audiences, scores, identifiers."),
        Command("f", "tab('fields')", "Fields", "All fields of the profile."),
        Command("v", "tab('events')", "Events", "What the person did, from the newest on."),
        Command("F", "forget", "Forget", "Remove the person from streams, profiles and audiences."),
        Command("r", "again", "Read again", "Read the profiles again.", footer=False),
        Command("escape", "back", "Back", "From the search to the list; from the list to all profiles.", label="esc"),
    )
    BINDINGS = bindings(OWN_COMMANDS)

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._known = Known(ProfileFigures(0, None, 0, 0), {}, {})
        self._labels: Mapping[str, str] = {}
        self._found: Found | None = None

    def body(self) -> ComposeResult:
        yield Static("Reading the profiles…", id="state", markup=False)
        with Vertical(id="all"):
            yield Static(id="standing", markup=False)
            yield Line(placeholder="/ searches: how an email address, an id or a cookie begins", id="search")
            with Container(id="both"):
                yield Grid(COLUMNS, id="profiles", classes="pane")
                yield Static(id="nothing", markup=False)
                yield ProfileView(self.desk, id="profile", classes="pane")

    # What is shown

    @work(exclusive=True, group="known", description="read the profiles", exit_on_error=False)
    async def action_again(self) -> None:
        """Reads all anew; search and cursor stay."""
        try:
            self._known, self._labels = await self.fetch(self._read, "read the profiles")
        except LyazureError as error:
            self.problem(error)
            self.query_one("#state", Static).update("")
            return
        self.problem(None)
        figures = self._known.figures
        self.query_one("#standing", Static).update(standing(figures, self.desk.clock(), self.desk.zone))
        there = figures.profiles > 0
        self.query_one("#state").display = not there
        self.query_one("#all").display = there
        self.refresh_bindings()
        if there:
            if self.focused is None:
                self.query_one("#profiles").focus()
            self._find()
        else:
            self.query_one("#state", Static).update(nobody(figures))

    def _read(self) -> tuple[Known, dict[str, str]]:
        from lytics_azure_tui.config import definitions

        said, _ = definitions.look(self.desk.folder)
        lytics = self.desk.lytics
        ranks = dict[str, int]()
        for rule in (rule for mapping in said.mappings for rule in mapping.fields if rule.identifier):
            ranks[rule.field] = min(rule.rank, ranks.get(rule.field, rule.rank))
        fields = {known.field.name: known.field for known in lytics.user_fields()}
        return Known(lytics.figures(), fields, ranks), {one.slug: one.label for one in said.audiences}

    @work(exclusive=True, group="find", description="look for profiles", exit_on_error=False)
    async def _find(self, *, pause: float = 0.0) -> None:
        """Each search ends the one before, so that no old answer comes after a newer one."""
        text = self._sought
        grid = self.query_one("#profiles", Grid)
        if pause:
            await asyncio.sleep(pause)
        if self._found is None or self._found.text != text:
            grid.border_title = "Profiles · searching…"
        lytics = self.desk.lytics
        try:
            profiles = await self.fetch(lambda: lytics.find(text, FOUND_AT_MOST), "look for profiles")
        except LyazureError as error:
            grid.border_title = "Profiles"
            self.problem(error)
            return
        self.problem(None)
        self._show(Found(text, tuple(profiles)))

    @property
    def _sought(self) -> str:
        return self.query_one("#search", Line).value.strip()

    def _show(self, found: Found) -> None:
        before, self._found = self._found, found
        grid = self.query_one("#profiles", Grid)
        grid.border_title = found_words(found, self._known.figures)
        grid.show_rows([self._row(profile, found.text) for profile in found.profiles])
        if before is not None and before.text != found.text:
            grid.move_cursor(row=0)
        self.query_one("#profile").display = bool(found.profiles)
        nothing = self.query_one("#nothing", Static)
        nothing.display = not found.profiles
        nothing.update(nobody_by(found.text))
        self.refresh_bindings()
        self._show_profile()

    def _row(self, profile: Profile, sought: str) -> Row:
        known_as, events = telling(profile, self._known.ranks, sought), events_of(profile)
        audiences = ", ".join(self._labels.get(slug, slug) for slug in profile.audiences)
        seen = when(last_seen(profile), self.desk.clock(), self.desk.zone)
        cells = (
            Cell(known_as.value, "strong"),
            Cell("—" if events is None else count(events)),
            Cell(seen),
            Cell(audiences, "muted"),
        )
        return Row(profile.id, cells)

    @on(DataTable.RowHighlighted, "#profiles")
    def _show_profile(self) -> None:
        chosen = self._chosen
        if chosen is not None:
            self.query_one(ProfileView).show(chosen, self._known, self._labels)

    @property
    def _chosen(self) -> Profile | None:
        key = self.query_one("#profiles", Grid).selected
        profiles = self._found.profiles if self._found is not None else ()
        return next((profile for profile in profiles if profile.id == key), None)

    # What an operator can do

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing to look at or to forget where there is nobody."""
        if action in ("search", "back") and not self._known.figures.profiles:
            return False
        if action == "back":
            return bool(self._sought) or self.focused is not self.query_one("#profiles")
        if action in ("tab", "forget") and (self._found is None or not self._found.profiles):
            return False
        return super().check_action(action, parameters)

    @on(Answered)
    def _typed(self) -> None:
        self._find(pause=PAUSE_SECONDS)

    @on(Passed)
    def _entered(self) -> None:
        self._find()
        self.query_one("#profiles").focus()

    def action_search(self) -> None:
        """To the search."""
        self.query_one("#search").focus()

    def action_back(self) -> None:
        """From the search or the profile to the list; from the list to all profiles."""
        grid = self.query_one("#profiles")
        if self.focused is grid:
            self.query_one("#search", Line).put("")
        elif grid.display:
            grid.focus()

    @on(DataTable.RowSelected, "#profiles")
    def _inside(self) -> None:
        view = self.query_one(ProfileView)
        view.open(view.tab)

    def action_tab(self, tab: str) -> None:
        """Shows one side of the profile."""
        self.query_one(ProfileView).open(tab)

    @on(ProfileView.Failed)
    def _events_failed(self, event: ProfileView.Failed) -> None:
        self.problem(event.error)

    @work(exclusive=True, group="deed", description="forget a person", exit_on_error=False)
    async def action_forget(self) -> None:
        """Removes the person under the cursor, after the identifier has been typed."""
        from lytics_azure_tui.tui.screens.forget import Forget

        chosen = self._chosen
        if chosen is None or not chosen.identifiers:
            return
        sought = self._found.text if self._found is not None else ""
        if await self.app.push_screen_wait(Forget(self.desk, chosen, telling(chosen, self._known.ranks, sought))):
            self.query_one("#search", Line).put("")
            self.action_again()


def found_words(found: Found, figures: ProfileFigures) -> Content:
    """The title of the list: how many were found, by what."""
    number = len(found.profiles)
    first = "the first " if number >= FOUND_AT_MOST else ""
    if not found.text:
        few = number < figures.profiles
        return Content(
            f"Profiles · {first}{number} of {count(figures.profiles)}" if few else f"Profiles · all {number}"
        )
    if not number:
        return Content("Profiles · none")
    begin = "begins" if number == 1 else "begin"
    return Content.assemble(f"Profiles · {first}{number} {begin} with ", content(found.text, cells=40))


def nobody_by(text: str) -> Content:
    """What is said when a search finds nobody."""
    return Content.assemble(
        "No profile has an identifier that begins with ",
        content(text, "bold", cells=60),
        ", as written or in small letters.\n",
        ("esc", "bold $primary"),
        " twice shows all profiles again.",
    )


def nobody(figures: ProfileFigures) -> Content:
    """What is said while there are no profiles: how they come to be."""
    parts: list[Content | str | tuple[str, str]] = [("No profiles yet.\n\n", "bold")]
    if figures.behind:
        events = "1 event waits" if figures.behind == 1 else f"{count(figures.behind)} events wait"
        parts.append(f"{events} for the next build, which the runner starts by itself.")
    else:
        parts += [
            "A profile is a person: all events with the same email address, customer number or cookie. Which columns "
            "those are, and which others the profile keeps, is said by the mapping of each stream.\n\nPress ",
            ("3", "bold $primary"),
            " for the streams, choose one, then ",
            ("m", "bold $primary"),
            " for its mapping. Events that were imported before are mapped too.",
        ]
    return Content.assemble(*parts)
