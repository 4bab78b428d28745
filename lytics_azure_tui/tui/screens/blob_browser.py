"""Finds a file: containers, folders and blobs as a tree, a filter above it, and the file's first rows beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widget import Widget

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.model.authorization import Authorization
from lytics_azure_tui.tui.desk import Desk
from lytics_azure_tui.tui.listing import Entry, Level, Listing, Node
from lytics_azure_tui.tui.screens.browser import PAUSE_SECONDS, Browser
from lytics_azure_tui.tui.threads import in_thread
from lytics_azure_tui.tui.widgets.blob_tree import BlobTree
from lytics_azure_tui.tui.widgets.controls import Answered
from lytics_azure_tui.tui.widgets.preview import Preview

if TYPE_CHECKING:
    from lytics_azure_tui.azure.blob import BlobStore
    from lytics_azure_tui.jobs.csv_sniff import CsvLook


_ARCHIVED = (
    "This blob is in the archive tier and cannot be read. Change its tier to Hot, Cool or Cold in Azure first: that is "
    "called rehydration, and takes up to 15 hours."
)


@dataclass(frozen=True, slots=True)
class Picked:
    """A chosen file; `delimiter` as a form takes it, when the operator took the one that the file seems to have."""

    container: str
    name: str
    delimiter: str | None = None


class BlobBrowser(Browser[Picked]):
    """Gives the chosen file, or None."""

    CSS_PATH = ["browser.tcss", "blob_browser.tcss"]
    HEADING = "Choose a file"
    FILTER = "Type a part of a loaded name, or how a name begins"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+t", "take_delimiter", "Take delimiter")]

    def __init__(
        self,
        desk: Desk,
        authorization: Authorization,
        *,
        container: str = "",
        delimiter: str = ",",
        encoding: str = "auto",
        skip_lines: int = 0,
        names: tuple[str, ...] = (),
    ) -> None:
        """Opens at a container, if one is named.

        Args:
            authorization: with its secrets.
            delimiter: one character.
            skip_lines, names: as in `csv_sniff.look`.
        """
        super().__init__()
        self._desk, self._authorization = desk, authorization
        self._start = container
        self._delimiter, self._encoding = delimiter, encoding
        self._skip_lines, self._column_names = skip_lines, names
        self._taken: dict[tuple[str, str], str] = {}
        """By container and name: the delimiter that the operator took for that file."""
        self._store: BlobStore | None = None
        self._lock = Lock()
        self._listing = Listing()
        self._container = container
        self._looks: dict[tuple[str, str, str], CsvLook] = {}
        self._look: CsvLook | None = None
        self._timer: Timer | None = None

    def halves(self) -> Iterable[Widget]:
        """The tree, and the file's first rows."""
        return (BlobTree(self._listing, self._desk.zone, id="tree"), Preview(id="preview", classes="beside"))

    @property
    def _tree(self) -> BlobTree:
        return self.query_one(BlobTree)

    def on_mount(self) -> None:
        self._filter.focus()
        self._into(self._container)
        self._load(self._listing.account)
        if self._start:
            self._load(self._listing.open_container(self._start))

    def on_unmount(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            store.close()

    # Loading

    def _load(self, node: Node) -> None:
        ticket = self._listing.begin(node)
        self._tree.redraw()
        self._load_page(node, ticket)

    @work(group="pages", description="list blobs", exit_on_error=False)
    async def _load_page(self, node: Node, ticket: int) -> None:
        try:
            entries, page = await in_thread(partial(self._page, node, node.page), "list the blobs")
        except LyazureError as error:
            self._listing.failed(node, ticket, error)
        else:
            self._listing.arrived(node, ticket, entries, page)
        self._tree.redraw()
        self._say()

    def _page(self, node: Node, page: str | None) -> tuple[list[Entry], str | None]:
        """In a thread."""
        store = self._opened()
        if node.level is Level.ACCOUNT:
            found = store.containers(page=page)
            return [Entry(info.name) for info in found.items], found.next
        return self._names(node.container, node.name if node.level is Level.FOLDER else "", page)

    def _names(self, container: str, prefix: str, page: str | None = None) -> tuple[list[Entry], str | None]:
        """In a thread."""
        from lytics_azure_tui.azure.blob import BlobInfo

        found = self._opened().list(container, prefix, page=page)
        entries = [
            Entry(info.name, info.size, info.modified, leased=info.leased, archived=info.archived)
            if isinstance(info, BlobInfo)
            else Entry(info.name)
            for info in found.items
        ]
        return entries, found.next

    def _opened(self) -> BlobStore:
        with self._lock:
            if self._store is None:
                self._store = self._desk.blobs(self._authorization)
            return self._store

    @on(BlobTree.Wants)
    def _wanted(self, event: BlobTree.Wants) -> None:
        self._load(event.node)

    # The filter

    def _into(self, container: str) -> None:
        """The filter looks there from now on."""
        self._container = container
        self._scope(container or "the names of containers")

    @on(Answered)
    def _typed(self, event: Answered) -> None:
        event.stop()
        self._apply_filter()

    def _apply_filter(self) -> None:
        text = self._filter.value
        if not text:
            self.workers.cancel_group(self, "filter")
            self._listing.unfilter()
            self._tree.redraw()
            self._say()
            return
        self._show_found(text, [], asked=False)
        self._ask(self._container, text)

    @work(group="filter", exclusive=True, description="filter names", exit_on_error=False)
    async def _ask(self, container: str, text: str) -> None:
        await asyncio.sleep(PAUSE_SECONDS)
        try:
            entries = await in_thread(partial(self._beginning_with, container, text), "look the names up")
        except LyazureError as error:
            self._subtitle(f"✗ {error.what}; ctrl+r tries again")
        else:
            self._show_found(text, entries, asked=True)

    def _beginning_with(self, container: str, text: str) -> list[Entry]:
        """In a thread."""
        if container:
            return self._names(container, text)[0]
        return [Entry(info.name) for info in self._opened().containers(prefix=text).items]

    def _show_found(self, text: str, entries: list[Entry], *, asked: bool) -> None:
        begin, contain = self._listing.filter(self._container, text, entries)
        self._tree.redraw()
        more = f" · {contain:,} of those loaded contain it" if contain else ""
        self._subtitle(f"{begin:,} begin with it{more}" if asked else f"looking names up…{more}")
        if asked and not self._listing.found:
            where = f"in {self._container}" if self._container else "among the containers"
            self.query_one(Preview).clear(
                f"No name begins with this {where}, and none that is loaded contains it. Folders that were not opened "
                "are not loaded. To look elsewhere, press escape and go to another container or open a folder."
            )

    @on(BlobTree.Descended)
    def _descended(self, event: BlobTree.Descended) -> None:
        """A folder among the names found: the filter becomes its name. A container: into it."""
        if event.node.level is Level.CONTAINER:
            node = self._listing.open_container(event.node.name)
            self._filter.put("")
            self._into(node.container)
            self._listing.unfilter()
            if self._listing.needs_loading(node):
                self._load(node)
            self._tree.redraw(to=node)
        else:
            self._filter.put(event.node.name)
            self._filter.cursor_position = len(self._filter.value)

    def _say(self) -> None:
        """How much is loaded."""
        if self._listing.found is not None:
            return
        if not self._container:
            self._subtitle("")
            return
        names = sum(node.level is Level.BLOB for node in self._listing.loaded(self._container))
        self._subtitle(f"{names:,} file{'' if names == 1 else 's'} loaded" if names else "")

    # The preview

    @on(BlobTree.Highlighted)
    def _highlighted(self, event: BlobTree.Highlighted) -> None:
        node: Node = event.row
        if self._listing.found is None and node.container != self._container:
            self._into(node.container)
            self._say()
        if self._timer is not None:
            self._timer.stop()
        if node.level is not Level.BLOB:
            self.workers.cancel_group(self, "preview")
            self._look = None
            self.refresh_bindings()
            if node.error is not None:
                self.query_one(Preview).show_error(node.error)
            else:
                self.query_one(Preview).clear()
        elif node.archived:
            self._look = None
            self.refresh_bindings()
            self.query_one(Preview).clear(_ARCHIVED)
        elif self._look is None or (self._look.container, self._look.name) != (node.container, node.name):
            self._look = None
            self._timer = self.set_timer(PAUSE_SECONDS, partial(self._show_preview, node.container, node.name))

    def _show_preview(self, container: str, name: str) -> None:
        key = (container, name, self._taken.get((container, name), self._delimiter))
        if key in self._looks:
            self._shown(self._looks[key])
        else:
            self.query_one(Preview).clear("loading…")
            self._look_at(key)

    @work(group="preview", exclusive=True, description="look at a file", exit_on_error=False)
    async def _look_at(self, key: tuple[str, str, str]) -> None:
        try:
            look = await in_thread(partial(self._looked, *key), "look at the file")
        except LyazureError as error:
            self.query_one(Preview).show_error(error)
        else:
            self._looks[key] = look
            self._shown(look)

    def _looked(self, container: str, name: str, delimiter: str) -> CsvLook:
        """In a thread."""
        from lytics_azure_tui.jobs.csv_sniff import look
        from lytics_azure_tui.jobs.decrypt import Decryption

        return look(
            self._opened(), container, name, delimiter=delimiter, encoding=self._encoding, skip_lines=self._skip_lines,
            names=self._column_names, decrypt=Decryption.of(self._authorization),
        )  # fmt: skip

    def _shown(self, look: CsvLook) -> None:
        self._look = look
        self.refresh_bindings()
        self.query_one(Preview).show(look, "ctrl+t")

    # What the operator does

    @on(BlobTree.Chosen)
    def _chosen(self, event: BlobTree.Chosen) -> None:
        container, name = event.node.container, event.node.name
        taken = self._taken.get((container, name))
        self.dismiss(Picked(container, name, "t" if taken == "\t" else taken))

    def action_take_delimiter(self) -> None:
        """Takes the delimiter that the file seems to have, and looks again."""
        if self._look is not None and self._look.suggested_delimiter:
            self._taken[(self._look.container, self._look.name)] = self._look.suggested_delimiter
            self._show_preview(self._look.container, self._look.name)

    def action_retry(self) -> None:
        """Loads again what failed; where nothing did, the branch that the cursor is in."""
        node = self._tree.at
        if self._listing.found is not None:
            self._apply_filter()
        elif node is not None and node.level is Level.BLOB and self._look is None:
            self._show_preview(node.container, node.name)
        elif node is not None:
            self._reload(node if node.is_branch else cast(Node, node.parent))
        else:
            self._reload(self._listing.account)

    def _reload(self, node: Node) -> None:
        if node.error is None and node.children is not None:
            node.children, node.page = None, None
        node.expanded = True
        self._load(node)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is not always a delimiter to take."""
        if action == "take_delimiter":
            return self._look is not None and self._look.suggested_delimiter is not None
        return super().check_action(action, parameters)
