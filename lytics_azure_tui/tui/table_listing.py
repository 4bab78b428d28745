"""What a table browser knows: tables and views, as far as they were loaded, and those that a filter found. Pure.

The server gives pages, in the order of schema and name, of all tables or of those whose name contains what was typed.
Whoever loads one asks `begin` first and comes back with the ticket: an answer whose ticket is old is dropped.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.model.table_name import parse
from lytics_azure_tui.tui.listing import Level

if TYPE_CHECKING:
    from lytics_azure_tui.azure.sql_catalogue import TableInfo


@dataclass(slots=True, eq=False)
class Pages:
    """What the server gave for one filter.

    Attributes:
        text: of the filter.
        more: whether there may be a further page; also before the first.
        ticket: of the page that is under way; 0 when none is.
    """

    text: str = ""
    tables: list[TableInfo] = field(default_factory=list)
    more: bool = True
    ticket: int = 0
    error: LyazureError | None = None

    @property
    def begun(self) -> bool:
        """Whether the first page has come."""
        return bool(self.tables) or not self.more


@dataclass(frozen=True, slots=True)
class TableLine:
    """A line of the list: a table, or a sign."""

    level: Level
    table: TableInfo | None = None
    error: LyazureError | None = None


@dataclass
class TableListing:
    """All tables, and those that a filter found.

    Attributes:
        pages: those that are shown.
    """

    pages: Pages = field(default_factory=Pages)
    _all: Pages = field(default_factory=Pages)
    _tickets: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.pages = self._all

    # Loading

    def begin(self, pages: Pages) -> int:
        """A ticket for the next page; an earlier one is void."""
        pages.ticket, pages.error = next(self._tickets), None
        return pages.ticket

    def arrived(self, pages: Pages, ticket: int, tables: Iterable[TableInfo], more: bool) -> bool:
        """Takes a page in; False when nobody waits for it any more."""
        if ticket != pages.ticket:
            return False
        pages.ticket, pages.more = 0, more
        # A table that was made meanwhile moves the others, and the last of a page comes again.
        known = {(info.schema, info.name) for info in pages.tables}
        pages.tables += [info for info in tables if (info.schema, info.name) not in known]
        return True

    def failed(self, pages: Pages, ticket: int, error: LyazureError) -> bool:
        """Notes that a page did not come; False when nobody waits for it any more."""
        if ticket != pages.ticket:
            return False
        pages.ticket, pages.error = 0, error
        return True

    def forget(self) -> None:
        """Everything is to be loaded again."""
        text = self.pages.text
        self.pages = self._all = Pages()
        self.filter(text)

    def filter(self, text: str) -> bool:
        """Shows those that contain a text, all of them for an empty one. Gives whether the server has to be asked.

        It need not where all tables are loaded.
        """
        text = wanted(text)
        if text != self.pages.text:
            self.pages = Pages(text) if text else self._all
        return not self.pages.begun and not self.pages.ticket and not (text and not self._all.more)

    # What is seen

    @property
    def shown(self) -> list[TableInfo]:
        """The tables; until the server has answered a filter, those that are loaded and contain its text."""
        if self.pages.begun:
            return self.pages.tables
        text = self.pages.text.casefold()
        return [info for info in self._all.tables if text in f"{info.schema}.{info.name}".casefold()]

    @property
    def complete(self) -> bool:
        """Whether all that there is to show is shown."""
        return not self.pages.more or not self._all.more

    def rows(self) -> list[TableLine]:
        """The lines from top to bottom, with one that says what is under way, what failed, or where there is more."""
        lines = [TableLine(Level.TABLE, info) for info in self.shown]
        pages = self.pages
        if pages.ticket:
            lines.append(TableLine(Level.LOADING))
        elif pages.error is not None:
            lines.append(TableLine(Level.FAILED, error=pages.error))
        elif pages.begun and pages.more:
            lines.append(TableLine(Level.MORE))
        elif not lines and self.complete:
            lines.append(TableLine(Level.EMPTY))
        return lines


def wanted(text: str) -> str:
    """What to look for in schema.name when that was typed; a name that is written with brackets loses them."""
    text = text.strip()
    if "." in text and any(sign in text for sign in '[]"'):
        try:
            return ".".join(parse(text))
        except ValueError:
            return text
    return text
