"""What the browsers share: a filter that keeps the focus, a list below it that its keys lead, and what is under the
cursor beside it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Footer, Static

from lytics_azure_tui.tui.text import content
from lytics_azure_tui.tui.widgets.controls import Line, Passed
from lytics_azure_tui.tui.widgets.lines import Lines

PAUSE_SECONDS = 0.25
"""Of typing or moving, before the server is asked."""

Picked = TypeVar("Picked")


class Browser(ModalScreen[Picked | None]):
    """Gives what was chosen, or None. A subclass gives both halves; `CSS_PATH` begins with browser.tcss."""

    HEADING: ClassVar[str] = ""
    FILTER: ClassVar[str] = ""
    """What the filter says while it is empty."""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back"),
        Binding("enter", "lines('enter')", "Open or choose"),
        Binding("ctrl+r,r", "retry", "Load again"),
        Binding("up", "lines('move', -1)", show=False),
        Binding("down", "lines('move', 1)", show=False),
        Binding("pageup", "lines('page', -1)", show=False),
        Binding("pagedown", "lines('page', 1)", show=False),
        Binding("slash", "focus_filter", show=False),
    ]

    def compose(self) -> ComposeResult:
        with Vertical(id="browser", classes="pane") as box:
            box.border_title = self.HEADING
            with Horizontal(id="filter-line"):
                yield self.line()
                yield Static("", id="scope")
            with Horizontal(id="halves"):
                yield from self.halves()
        yield Footer()

    def halves(self) -> Iterable[Widget]:
        """The list, and what stands beside it."""
        raise NotImplementedError

    def line(self) -> Line:
        """The filter, whose id is "filter"."""
        return _Filter(placeholder=self.FILTER, id="filter")

    @property
    def _filter(self) -> Line:
        return self.query_one("#filter", Line)

    @property
    def _lines(self) -> Lines[Any]:
        return self.query_one(Lines)

    def _subtitle(self, words: str) -> None:
        self.query_one("#browser").border_subtitle = content(words, cells=70)

    def _scope(self, words: str) -> None:
        """Says beside the filter where it looks. Data may be in it."""
        self.query_one("#scope", Static).update(content(f"in {words}" if words else "", cells=40))

    @on(Passed)
    def _entered(self, event: Passed) -> None:
        event.stop()
        self._lines.action_enter()

    def action_lines(self, action: str, by: int = 0) -> None:
        """The keys of the list work from the filter too."""
        if action == "enter":
            self._lines.action_enter()
        elif action == "move":
            self._lines.action_move(by)
        else:
            self._lines.action_page(by)

    def action_retry(self) -> None:
        """Loads again what failed, or may be old."""
        raise NotImplementedError

    def action_focus_filter(self) -> None:
        """Back to the filter."""
        self._filter.focus()

    def action_leave(self) -> None:
        """Takes the filter away; without one, goes back."""
        if self._filter.value:
            self._filter.put("")
            self._filter.focus()
        else:
            self.dismiss(None)


class _Filter(Line):
    """The filter keeps the focus; what enter does is the list's."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "Open or choose")]
