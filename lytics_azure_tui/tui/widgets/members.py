"""How many profiles a filter finds, and some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from lytics_azure_tui.lytics.protocol import Estimate, Profile
from lytics_azure_tui.tui.figures import count, when
from lytics_azure_tui.tui.profile_facts import events_of, last_seen, telling, written
from lytics_azure_tui.tui.text import content
from lytics_azure_tui.tui.widgets.grid import Cell, Column, Grid, Row

FIELDS, VALUE = 4, 200
"""Of the fields that the filter names, so many are shown of each member, and so many characters of a value."""
_SHOWN_ANYHOW = {"_num_events", "_modified"}


class Members(Vertical):
    """The figures in its title, then a row for each member."""

    DEFAULT_CSS = """
    Members #found-words { height: auto; padding: 0 1; }
    Members #members { height: 1fr; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._figures = ""

    def compose(self) -> ComposeResult:
        yield Static("", id="found-words", markup=False)
        yield Grid(id="members")

    def on_mount(self) -> None:
        self.entitle()

    def entitle(self, doing: str = "") -> None:
        """The title: the figures that are known, and what is being done or is the matter with them.

        Args:
            doing: words of ours.
        """
        self.border_title = " · ".join(part for part in (self._figures or "Members", doing) if part)

    @property
    def counted(self) -> bool:
        """Whether figures are shown."""
        return bool(self._figures)

    def clear(self, words: str) -> None:
        """Nothing has been counted; says what to do."""
        self._figures = ""
        self.entitle()
        self.query_one(Grid).display = False
        self._say(words)

    def show(
        self,
        estimate: Estimate,
        named: Sequence[str],
        ranks: Mapping[str, int],
        now: datetime,
        zone: tzinfo | None,
    ) -> None:
        """Shows what a filter finds.

        Args:
            named: the fields that the filter names.
            ranks: of identifiers, by field.
        """
        share = f" ({100 * estimate.size / estimate.profiles:.1f} %)" if estimate.profiles else ""
        self._figures = f"{count(estimate.size)} of {count(estimate.profiles)}{share}"
        self.entitle()
        if not estimate.profiles:
            self._say("There are no profiles yet: m on Streams maps a stream, and profiles are built of it.")
        else:
            self._say("" if estimate.members else "Nobody is in it now.")
        there = {name for profile in estimate.members for name in profile.fields}
        names = [name for name in named if name in there and name not in _SHOWN_ANYHOW][:FIELDS]
        columns = [
            Column("Some of them", least=18),
            *(Column(name, min(max(len(name), 10), 22)) for name in names),
            Column("Events", 8, right=True),
            Column("Last seen", 10),
        ]
        grid = self.query_one(Grid)
        grid.display = bool(estimate.members)
        grid.show_rows([_member(profile, names, ranks, now, zone) for profile in estimate.members], columns)

    def _say(self, words: str) -> None:
        note = self.query_one("#found-words", Static)
        note.update(content(words, "dim"))
        note.display = bool(words)


def _member(
    profile: Profile, names: Sequence[str], ranks: Mapping[str, int], now: datetime, zone: tzinfo | None
) -> Row:
    values = [
        Cell(written(profile.fields[name], zone)[:VALUE]) if name in profile.fields else Cell("·", "muted")
        for name in names
    ]
    events = events_of(profile)
    return Row(
        profile.id,
        (
            Cell(telling(profile, ranks).value, "strong"),
            *values,
            Cell(count(events) if events is not None else "—", "muted"),
            Cell(when(last_seen(profile), now, zone), "muted"),
        ),
    )
