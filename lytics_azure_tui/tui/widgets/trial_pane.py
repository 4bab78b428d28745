"""The profiles that a mapping would make of a stream's newest events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from lytics_azure_tui.lytics.protocol import Trial
from lytics_azure_tui.model.amounts import counted
from lytics_azure_tui.tui.figures import count
from lytics_azure_tui.tui.profile_facts import written
from lytics_azure_tui.tui.text import content
from lytics_azure_tui.tui.widgets.grid import Cell, Column, Grid, Row

FIELDS, VALUE = 30, 200
"""Columns of the table, and characters of one value; more would make it slow."""
_TITLE = "What this would make"


class TrialPane(Vertical):
    """Some words, then a row for each profile."""

    DEFAULT_CSS = """
    TrialPane #trial-words { padding: 0 1; height: auto; max-height: 2; }
    TrialPane #profiles { height: 1fr; }
    """

    def compose(self) -> ComposeResult:
        yield Static(id="trial-words", markup=False)
        yield Grid(id="profiles")

    def on_mount(self) -> None:
        self.say(Content(""))

    def say(self, words: Content) -> None:
        """In place of profiles: why there are none."""
        self.border_title = _TITLE
        self._say(words)
        self.query_one(Grid).display = False

    def trying(self) -> None:
        """The answer is on its way; what is shown stays until it is there."""
        self.border_title = f"{_TITLE} · trying…"
        if not self.query_one(Grid).display:
            self._say(Content(""))

    def show(self, trial: Trial, names: Sequence[str], zone: tzinfo | None) -> None:
        """Shows what came of it.

        Args:
            names: of the mapping's user fields, in their order.
        """
        self.border_title = f"What the newest {counted(trial.events, 'event')} would make"
        wrong = ", ".join(f"{name} {count(number)}" for name, number in trial.unreadable.items() if number)
        words = Content("") if trial.profiles else content("No profile: none of these events has an identifier.", "dim")
        if wrong:
            words = Content.assemble(("⚠ ", "$text-warning"), content(f"Values that cannot be read: {wrong}"))
        self._say(words)
        shown = [
            [written(profile.fields[name], zone) if name in profile.fields else None for name in names[:FIELDS]]
            for profile in trial.profiles
        ]
        grid = self.query_one(Grid)
        grid.display = bool(shown)
        columns = [_column(name, [row[place] for row in shown]) for place, name in enumerate(names[:FIELDS])]
        grid.show_rows([_profile(place, row) for place, row in enumerate(shown)], columns)

    def _say(self, words: Content) -> None:
        note = self.query_one("#trial-words", Static)
        note.update(words)
        note.display = bool(words.plain)


def _column(name: str, values: Sequence[str | None]) -> Column:
    """As wide as what is in it, within bounds."""
    longest = max((len(value or "") for value in values), default=0)
    return Column(name, min(max(longest, len(name), 6), 32))


def _profile(place: int, row: Sequence[str | None]) -> Row:
    return Row(str(place), tuple(Cell("·", "muted") if value is None else Cell(value[:VALUE]) for value in row))
