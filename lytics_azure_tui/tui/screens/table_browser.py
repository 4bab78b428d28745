"""Finds a table: tables and views in a list, a filter above it, and the table's columns and newest rows beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, TypeVar

from textual import on, work
from textual.containers import Vertical
from textual.timer import Timer
from textual.widget import Widget

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.model.authorization import Authorization
from lytics_azure_tui.model.table_name import parse, written
from lytics_azure_tui.tui.desk import Desk
from lytics_azure_tui.tui.listing import Level
from lytics_azure_tui.tui.screens.browser import PAUSE_SECONDS, Browser
from lytics_azure_tui.tui.table_listing import Pages, TableLine, TableListing
from lytics_azure_tui.tui.threads import in_thread
from lytics_azure_tui.tui.widgets.controls import Answered
from lytics_azure_tui.tui.widgets.table_list import TableHead, TableList
from lytics_azure_tui.tui.widgets.table_look import TableLook

if TYPE_CHECKING:
    from lytics_azure_tui.azure.sql_catalogue import Table, TableInfo
    from lytics_azure_tui.azure.sql_database import Database

T = TypeVar("T")
_NOTHING_TO_SEE = (
    "The database is empty, or the user has no right to any of its tables. An administrator gives it by GRANT SELECT."
)


@dataclass(slots=True)
class Look:
    """A table that was looked at.

    Attributes:
        rows: None before they have come.
        newest_by: the column by which they are the newest.
    """

    table: Table
    newest_by: str | None
    rows: list[tuple[str | None, ...]] | None = None


class TableBrowser(Browser[str]):
    """Gives the chosen table's name as T-SQL writes it, or None.

    One session is kept for as long as the browser is open. What is asked of it waits for its turn, so that lists go
    before looks: a look is given up where a list is wanted, and begins again after it.
    """

    CSS_PATH = ["browser.tcss", "table_browser.tcss"]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]
    HEADING = "Choose a table"
    FILTER = "Type a part of a name: all tables are searched"

    def __init__(self, desk: Desk, authorization: Authorization, *, answer: str = "") -> None:
        """Opens at the answer that a field has.

        Args:
            authorization: with its secrets.
            answer: a table's name, or what was typed of one.
        """
        super().__init__()
        self._desk, self._authorization = desk, authorization
        self._answer = answer.strip()
        self._database: Database | None = None
        self._lock = Lock()
        self._listing = TableListing()
        self._at: TableInfo | None = None
        self._looks: dict[tuple[str, str], Look] = {}
        self._seen = False
        """Whether all of what is under the cursor is shown."""
        self._failed = False
        """Whether it could not be looked at."""
        self._timer: Timer | None = None

    def halves(self) -> Iterable[Widget]:
        """The list, and the look at a table."""
        return (
            Vertical(TableHead(), TableList(self._listing, id="list"), id="tables"),
            TableLook(id="look", classes="beside"),
        )

    @property
    def _list(self) -> TableList:
        return self.query_one(TableList)

    @property
    def _look(self) -> TableLook:
        return self.query_one(TableLook)

    def on_mount(self) -> None:
        self._filter.focus()
        self._scope(getattr(self._authorization, "database", ""))
        self._load(self._listing.pages)

    def on_unmount(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            # What it is asked now is ended on the server, which takes a moment.
            Thread(target=database.close, name="close the database", daemon=True).start()

    # The session

    async def _ask(self, question: Callable[[Database, Event], T], about: str) -> T:
        """Asks in a thread. When the worker is cancelled, so is what the server does for it."""
        stop = Event()
        try:
            return await in_thread(lambda: question(self._opened(), stop), about)
        finally:
            stop.set()

    def _opened(self) -> Database:
        with self._lock:
            if self._database is None:
                self._database = self._desk.database(self._authorization)
            return self._database

    # The list

    def _load(self, pages: Pages) -> None:
        self._put_look_off()
        ticket = self._listing.begin(pages)
        self._list.redraw()
        self._say()
        if pages.text:
            self._load_found(pages, ticket)
        else:
            self._load_all(pages, ticket)

    @work(group="all", exclusive=True, description="list tables", exit_on_error=False)
    async def _load_all(self, pages: Pages, ticket: int) -> None:
        await self._page(pages, ticket)

    @work(group="found", exclusive=True, description="filter tables", exit_on_error=False)
    async def _load_found(self, pages: Pages, ticket: int) -> None:
        if not pages.begun:
            await asyncio.sleep(PAUSE_SECONDS)
        await self._page(pages, ticket)

    async def _page(self, pages: Pages, ticket: int) -> None:
        skip = len(pages.tables)
        try:
            tables, more = await self._ask(
                lambda database, stop: database.tables(pages.text, skip, stop=stop), "list the tables"
            )
        except LyazureError as error:
            self._listing.failed(pages, ticket, error)
        else:
            self._listing.arrived(pages, ticket, tables, more)
        if pages is not self._listing.pages:
            return
        self._list.redraw()
        self._say()
        self._go_to_answer()

    def _go_to_answer(self) -> None:
        """When the first page is there: to the table that the field names; to where it is looked up, if it is not."""
        answer, self._answer = self._answer, ""
        if not answer or self._listing.pages.error is not None:
            return
        try:
            found = self._list.find(*parse(answer))
        except ValueError:
            found = False
        if not found:
            self._filter.put(answer)
            self._filter.cursor_position = len(answer)

    @on(TableList.Wants)
    def _wanted(self) -> None:
        self._load(self._listing.pages)

    @on(Answered)
    def _typed(self, event: Answered) -> None:
        event.stop()
        before = self._listing.pages
        ask = self._listing.filter(self._filter.value)
        if self._listing.pages is before:
            return
        self.workers.cancel_group(self, "found")
        self._list.cursor = 0
        if ask:
            self._load(self._listing.pages)
        else:
            self._list.redraw()
            self._say()

    def _say(self) -> None:
        """How much there is."""
        listing = self._listing
        count, text = len(listing.shown), listing.pages.text
        if text and not listing.complete and not listing.pages.begun:
            self._subtitle(
                f"looking names up… · {count:,} of those loaded contain it" if count else "looking names up…"
            )
        elif not count:
            self._subtitle("")
        else:
            least = "" if listing.complete else "the first "
            self._subtitle(f"{least}{count:,} that contain it" if text else f"{least}{count:,} tables and views")

    # The look

    @on(TableList.Highlighted)
    def _highlighted(self, event: TableList.Highlighted) -> None:
        row: TableLine = event.row
        if row.table is not None and row.table == self._at and (self._seen or self._failed):
            return
        self._put_look_off()
        self._at, self._seen, self._failed = row.table, False, False
        if row.error is not None:
            self._look.show_error(row.error)
        elif row.table is None:
            nothing = row.level is Level.EMPTY and not self._listing.pages.text
            self._look.clear(_NOTHING_TO_SEE if nothing else "")
        elif self._listing.pages.ticket:
            # The list comes first; when its page is there, the cursor tells again where it is.
            self._look.clear("loading…")
        else:
            self._timer = self.set_timer(PAUSE_SECONDS, partial(self._show_look, row.table))

    def _put_look_off(self) -> None:
        self.workers.cancel_group(self, "look")
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _show_look(self, info: TableInfo) -> None:
        self._failed = False
        look = self._looks.get((info.schema, info.name))
        if look is None:
            self._look.clear("loading…")
        else:
            self._look.show_table(info, look.table)
        if look is not None and look.rows is not None:
            self._seen = True
            self._look.show_rows(look.table, look.rows, look.newest_by)
        else:
            self._look_at(info)

    @work(group="look", exclusive=True, description="look at a table", exit_on_error=False)
    async def _look_at(self, info: TableInfo) -> None:
        from lytics_azure_tui.jobs.time_columns import newest_by

        look = self._looks.get((info.schema, info.name))
        try:
            if look is None:
                table = await self._ask(
                    lambda database, stop: database.table(info.schema, info.name, stop=stop), "read the columns"
                )
                newest = newest_by(table)
                look = self._looks[info.schema, info.name] = Look(table, newest.name if newest else None)
                self._look.show_table(info, table)
            seen = look
            look.rows = await self._ask(
                lambda database, stop: database.preview(seen.table, seen.newest_by, stop=stop), "read the newest rows"
            )
        except LyazureError as error:
            self._failed = True
            if look is None:
                self._look.show_error(error)
            else:
                self._look.show_rows_error(error)
        else:
            self._seen = True
            self._look.show_rows(look.table, look.rows, look.newest_by)

    # What the operator does

    @on(TableList.Chosen)
    def _chosen(self, event: TableList.Chosen) -> None:
        self.dismiss(written(event.table.schema, event.table.name))

    def action_retry(self) -> None:
        """Loads again what failed; where nothing did, everything."""
        pages = self._listing.pages
        if self._failed and self._at is not None and pages.error is None:
            self._show_look(self._at)
            return
        if pages.error is None:
            self._looks.clear()
            self._seen = False
            self._listing.forget()
        self._load(self._listing.pages)
