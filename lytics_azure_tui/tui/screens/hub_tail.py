"""A live tail of an event hub: what it receives, as it comes, with a filter and a pause."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.model.authorization import Authorization
from lytics_azure_tui.tui.desk import Desk
from lytics_azure_tui.tui.figures import count
from lytics_azure_tui.tui.screens.browser import Browser
from lytics_azure_tui.tui.tail_listing import TailListing, whole
from lytics_azure_tui.tui.text import content
from lytics_azure_tui.tui.widgets.controls import Answered, Line
from lytics_azure_tui.tui.widgets.event_list import EventList
from lytics_azure_tui.tui.widgets.lines import Lines
from lytics_azure_tui.tui.widgets.problem import explain

if TYPE_CHECKING:
    from lytics_azure_tui.azure.event_hub_tail import HubTail as Tail
    from lytics_azure_tui.azure.event_hub_tail import News

LOOK_SECONDS = 0.2
_PAUSE = "Pause or go on"


class HubTail(Browser[None]):
    """Follows the newest event until the cursor is moved off it; goes on following when it is there again."""

    CSS_PATH = ["browser.tcss", "hub_tail.tcss"]
    FILTER = "Type to filter: words that a message contains"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "lines('enter')", _PAUSE),
        Binding("ctrl+l", "latest", "Latest"),
        Binding("ctrl+r", "retry", "Connect again"),
        Binding("shift+up", "scroll_message(-3)", show=False),
        Binding("shift+down", "scroll_message(3)", "Scroll", key_display="shift+↑↓"),
    ]

    def __init__(self, desk: Desk, authorization: Authorization) -> None:
        """Opens no connection yet.

        Args:
            authorization: with its secrets.
        """
        super().__init__()
        self._desk, self._authorization = desk, authorization
        self._listing = TailListing()
        self._tail: Tail | None = None
        self._error: LyazureError | None = None
        self._partitions = self._missed = 0

    def line(self) -> Line:
        """The filter, on which enter pauses."""
        return _Filter(placeholder=self.FILTER, id="filter")

    def halves(self) -> Iterable[Widget]:
        """The events, and the message under the cursor."""
        return (
            EventList(self._listing, self._desk.zone, id="list"),
            VerticalScroll(Static("", id="message"), classes="beside", can_focus=False),
        )

    @property
    def _list(self) -> EventList:
        return self.query_one(EventList)

    def on_mount(self) -> None:
        self.query_one("#browser").border_title = content(f"Live tail of {self._authorization.label}", cells=60)
        self._filter.focus()
        self._connect()
        self.set_interval(LOOK_SECONDS, self._look)

    def on_unmount(self) -> None:
        self._disconnect()

    def _connect(self) -> None:
        try:
            self._tail = self._desk.tail(self._authorization)
        except LyazureError as error:
            self._error = error
        self._show()

    def _disconnect(self) -> None:
        if self._tail is not None:
            self._tail.close()
            self._tail = None

    def _look(self) -> None:
        if self._tail is not None:
            self.take(self._tail.news())

    def take(self, news: News) -> None:
        """Shows what has come."""
        before = (str(self._error), self._partitions)
        self._error, self._partitions = news.error, news.partitions
        self._missed += news.missed
        self._listing.add(news.events)
        if news.events or before != (str(self._error), self._partitions):
            self._show()

    # What is shown

    def _show(self) -> None:
        if not self._listing.paused:
            self._list.renew()
        self._show_message()

    @on(Lines.Highlighted)
    def _show_message(self) -> None:
        """The message under the cursor, below the reason for which no others come."""
        self._subtitle(self._words())
        event = self._list.at
        parts = [explain(self._error)] if self._error is not None else []
        if event is not None:
            parts.append(Content(whole(event)))
        elif self._error is None:
            parts.append(content(self._nothing(), "dim"))
        self.query_one("#message", Static).update(Content("\n\n").join(parts))

    def _words(self) -> str:
        listing = self._listing
        words = []
        if listing.paused:
            words.append(f"‖ paused, {count(listing.waiting)} waiting")
        elif self._error is not None:
            words.append("✗ not connected")
        elif self._partitions:
            words.append("● live" if self._list.following else "● live, not followed")
        words.append(f"{count(listing.total)} received")
        if self._filter.value:
            words.append(f"{count(self._list.count)} shown")
        if self._missed:
            words.append(f"{count(self._missed)} missed")
        return " · ".join(words)

    def _nothing(self) -> str:
        if self._listing.total and self._filter.value:
            return "No message contains this; escape takes the filter away."
        if not self._partitions:
            return "Connecting…"
        return "Connected. Nothing has come yet; what is sent from now on appears here."

    # What an operator does

    @on(Answered)
    def _filtered(self, event: Answered) -> None:
        event.stop()
        self._listing.filter(self._filter.value)
        self._list.renew()
        self._show_message()

    @on(EventList.Entered)
    def _pause(self) -> None:
        """Holds new events back, or shows those that waited."""
        self._listing.pause(not self._listing.paused)
        self._show()

    def action_latest(self) -> None:
        """To the newest event, and on with those that come."""
        self._listing.pause(False)
        self._list.renew()
        self._list.action_to_end(False)
        self._show()

    def action_scroll_message(self, by: int) -> None:
        """Scrolls the message; the other keys are the list's."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)

    def action_retry(self) -> None:
        """Connects again."""
        self._disconnect()
        self._error, self._partitions = None, 0
        self._connect()


class _Filter(Line):
    """Keeps the focus; what enter does is the screen's."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", _PAUSE)]
