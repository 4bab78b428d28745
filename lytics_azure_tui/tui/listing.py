"""What a blob browser knows: containers, virtual folders and blobs, as far as they were loaded. Pure; nothing blocks.

The server gives pages of names. Whoever loads them asks `begin` first, and hands the page to `arrived` or the error to
`failed` with the ticket that it got: an answer whose ticket is old is dropped.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from lytics_azure_tui.errors import LyazureError

FOUND = 1000
"""Names that a filter shows at most."""


class Level(Enum):
    """What a line of a browser is."""

    ACCOUNT = "account"
    CONTAINER = "container"
    FOLDER = "folder"
    BLOB = "blob"
    TABLE = "table"
    LOADING = "loading"
    FAILED = "failed"
    MORE = "more"
    EMPTY = "empty"


@dataclass(slots=True, eq=False)
class Node:
    """A line of the tree.

    Attributes:
        name: of a container; of a folder or a blob its whole name in the container, a folder's with the slash.
        parent: None for the account.
        children: as far as they were loaded; None before.
        page: where the next page begins; None when there is none, or before the first.
        ticket: of the page that is under way; 0 when none is.
    """

    level: Level
    container: str = ""
    name: str = ""
    parent: Node | None = None
    depth: int = 0
    size: int | None = None
    modified: datetime | None = None
    leased: bool = False
    archived: bool = False
    children: list[Node] | None = None
    expanded: bool = False
    page: str | None = None
    ticket: int = 0
    error: LyazureError | None = None

    @property
    def is_branch(self) -> bool:
        """Whether it can hold others."""
        return self.level in (Level.ACCOUNT, Level.CONTAINER, Level.FOLDER)

    @property
    def short(self) -> str:
        """The name without that of its folder."""
        if self.parent is not None and self.level in (Level.FOLDER, Level.BLOB) and self.parent.level is Level.FOLDER:
            return self.name[len(self.parent.name) :] or self.name
        return self.name


@dataclass(frozen=True, slots=True)
class Entry:
    """One name of a page: a blob when it has a size, else a container or a folder.

    Attributes:
        leased: somebody holds the blob for writing; it can be read.
        archived: it cannot be read before it is taken out of the archive tier.
    """

    name: str
    size: int | None = None
    modified: datetime | None = None
    leased: bool = False
    archived: bool = False


@dataclass
class Listing:
    """The tree, and the names that a filter found.

    Attributes:
        account: the root; it is not shown.
        found: nodes that a filter shows in place of the tree; None without a filter.
    """

    account: Node = field(default_factory=lambda: Node(Level.ACCOUNT, depth=-1, expanded=True))
    found: list[Node] | None = None
    _tickets: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    # Loading

    def begin(self, node: Node) -> int:
        """A ticket for the next page of a branch; an earlier one is void."""
        node.ticket, node.error = next(self._tickets), None
        return node.ticket

    def arrived(self, node: Node, ticket: int, entries: Iterable[Entry], page: str | None) -> bool:
        """Takes a page in; False when nobody waits for it any more."""
        if ticket != node.ticket:
            return False
        node.ticket, node.page = 0, page
        children = [] if node.children is None else node.children
        # A page that was asked for twice, and a container that was named before it was listed, come once.
        known = {(child.name, child.is_branch) for child in children}
        fresh = (self._child(node, entry) for entry in entries)
        children += [child for child in fresh if (child.name, child.is_branch) not in known]
        node.children = children
        return True

    def failed(self, node: Node, ticket: int, error: LyazureError) -> bool:
        """Notes that a page did not come; False when nobody waits for it any more."""
        if ticket != node.ticket:
            return False
        node.ticket, node.error = 0, error
        return True

    def _child(self, node: Node, entry: Entry) -> Node:
        if node.level is Level.ACCOUNT:
            return Node(Level.CONTAINER, entry.name, entry.name, node, 0)
        level = Level.FOLDER if entry.size is None else Level.BLOB
        return Node(
            level,
            node.container,
            entry.name,
            node,
            node.depth + 1,
            entry.size,
            entry.modified,
            leased=entry.leased,
            archived=entry.archived,
        )

    def needs_loading(self, node: Node) -> bool:
        """Whether a branch that was opened still has to ask for its first page."""
        return node.is_branch and node.children is None and not node.ticket

    def open_container(self, name: str) -> Node:
        """The node of a container, which need not be among those that the server lists. It is opened."""
        children = self.account.children or []
        node = next((child for child in children if child.name == name), None)
        if node is None:
            node = Node(Level.CONTAINER, name, name, self.account, 0)
            self.account.children = [node, *children]
        node.expanded = True
        return node

    # What is seen

    def rows(self) -> list[Node]:
        """The lines from top to bottom, with lines that say what is under way, what failed, and where there is more."""
        return list(self._below(self.account)) if self.found is None else self.found

    def _below(self, node: Node) -> Iterator[Node]:
        for child in node.children or ():
            yield child
            if child.expanded:
                yield from self._below(child)
        if node.ticket:
            yield self._sign(Level.LOADING, node)
        elif node.error is not None:
            yield self._sign(Level.FAILED, node)
        elif node.page is not None:
            yield self._sign(Level.MORE, node)
        elif node.children is not None and not node.children:
            yield self._sign(Level.EMPTY, node)

    def _sign(self, level: Level, node: Node) -> Node:
        return Node(level, node.container, node.name, node, node.depth + 1, error=node.error)

    def loaded(self, container: str = "") -> Iterator[Node]:
        """All blobs and folders of a container that were loaded, whether their folders are open or not."""
        waiting = [child for child in self.account.children or () if child.name == container]
        while waiting:
            node = waiting.pop()
            for child in node.children or ():
                if child.is_branch:
                    waiting.append(child)
                yield child

    def filter(self, container: str, text: str, from_server: Iterable[Entry] = ()) -> tuple[int, int]:
        """Shows names in place of the tree: those that the server found by their beginning, then loaded ones.

        Returns:
            How many begin with the text, and how many others contain it.
        """
        beginning, wanted = list(from_server), text.casefold()
        seen = {entry.name for entry in beginning}
        root = next((child for child in self.account.children or () if child.name == container), self.account)
        nodes = [self._flat(root, entry) for entry in beginning]
        others: list[Node] = []
        begins = len(nodes)
        candidates = self.loaded(container) if container else iter(self.account.children or ())
        for node in candidates:
            # A folder whose name was taken over into the filter is where one is already.
            if node.name in seen or self._is_in(node, text) or wanted not in node.name.casefold():
                continue
            found = replace(node, parent=root, depth=0, children=None, expanded=False, page=None)
            if node.name.startswith(text):
                begins += 1
                nodes.append(found)
            else:
                others.append(found)
        self.found = (nodes + others)[:FOUND]
        return begins, len(others)

    @staticmethod
    def _is_in(node: Node, text: str) -> bool:
        return node.level is Level.FOLDER and node.name == text

    def _flat(self, root: Node, entry: Entry) -> Node:
        node = self._child(root, entry)
        node.depth, node.parent = 0, root
        return node

    def unfilter(self) -> None:
        """Back to the tree."""
        self.found = None
