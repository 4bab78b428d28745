"""The events of a live tail, one a line, the newest at the bottom."""

from __future__ import annotations

from datetime import tzinfo
from typing import TYPE_CHECKING

from rich.text import Text
from textual.message import Message

from lytics_azure_tui.tui.figures import count
from lytics_azure_tui.tui.tail_listing import TailListing, headline
from lytics_azure_tui.tui.text import cut, plain
from lytics_azure_tui.tui.widgets.lines import Lines

if TYPE_CHECKING:
    from lytics_azure_tui.azure.event_hub_tail import Received

_USER, _PLACE = 24, 12
"""Cells of a user's id, and of a partition with a number."""
_WIDE = 70


class EventList(Lines["Received"]):
    """Shows a `TailListing`. While the cursor is on the newest event it stays there when others come."""

    class Entered(Message):
        """Enter was pressed."""

    def __init__(self, listing: TailListing, zone: tzinfo | None, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._listing, self._zone = listing, zone

    @property
    def count(self) -> int:
        """Events that the filter lets through."""
        return len(self._rows)

    @property
    def following(self) -> bool:
        """Whether the cursor is on the newest event, or there is none."""
        return self.cursor >= len(self._rows) - 1

    def renew(self) -> None:
        """Looks at the events again; the cursor stays on its event, or on the newest."""
        rows = self._now() if self.following else []
        self.redraw(to=rows[-1] if rows else None)

    def _now(self) -> list[Received]:
        return self._listing.rows()

    def _line(self, row: Received, width: int, *, plain_colours: bool) -> Text:
        muted = self._colour("muted", plain_colours)
        what, user, of = headline(row)
        line = Text(f" {row.enqueued.astimezone(self._zone):%H:%M:%S} ", muted, end="", no_wrap=True)
        if width >= _WIDE:
            place = cut(f"{row.partition}:{count(row.sequence)}", _PLACE)
            line.append(f"{place:<{_PLACE}} ", muted)
        if what:
            line.append(f"{_SIGNS.get(what, '· ')}{plain(what, 10):<6}", "" if plain_colours else _TONES.get(what, ""))
        if user:
            shown = plain(user, _USER)
            line.append(shown + " " * (_USER + 1 - Text(shown).cell_len), "" if what else muted)
        return line.append(plain(of, max(width - line.cell_len, 1)))

    def _chosen_by_enter(self, row: Received) -> bool:
        return True

    def action_enter(self) -> None:
        """Is the screen's to do."""
        self.post_message(self.Entered())


_SIGNS = {"enter": "→ ", "exit": "← "}
_TONES = {"enter": "bold", "exit": ""}
