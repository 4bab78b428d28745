"""The tree of a blob browser."""

from __future__ import annotations

from datetime import tzinfo
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message

from lytics_azure_tui.model.amounts import size as bytes_in_words
from lytics_azure_tui.tui.listing import Level, Listing, Node
from lytics_azure_tui.tui.text import cut_left, cut_middle, plain
from lytics_azure_tui.tui.widgets.lines import SIGNS, Lines

_ICONS = {Level.CONTAINER: "▣ ", Level.BLOB: "  "}
SIZE_WIDTH = 9


class BlobTree(Lines[Node]):
    """Shows a `Listing`. It asks, by `Wants`, for what has to be loaded."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "open", show=False),
        Binding("left,h", "close", show=False),
    ]

    class Chosen(Message):
        """A blob was chosen."""

        def __init__(self, node: Node) -> None:
            super().__init__()
            self.node = node

    class Descended(Message):
        """A branch was opened among the names that a filter found."""

        def __init__(self, node: Node) -> None:
            super().__init__()
            self.node = node

    class Wants(Message):
        """A branch needs its first or next page."""

        def __init__(self, node: Node) -> None:
            super().__init__()
            self.node = node

    def __init__(self, listing: Listing, zone: tzinfo | None, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._listing, self._zone = listing, zone

    # What is shown

    def _now(self) -> list[Node]:
        return self._listing.rows()

    def _line(self, row: Node, width: int, *, plain_colours: bool) -> Text:
        node = row
        line = Text(" " + "  " * node.depth, end="", no_wrap=True)
        if node.level in SIGNS:
            empty = "there are no containers" if node.parent is self._listing.account else ""
            room = width - line.cell_len
            return line.append(
                self._sign(node.level, node.error, room, plain_colours=plain_colours, indent="  ", empty=empty)
            )
        muted, branch = self._colour("muted", plain_colours), self._colour("branch", plain_colours)
        if node.is_branch:
            line.append("▾ " if node.expanded else "▸ ", muted)
        line.append(_ICONS.get(node.level, ""), muted)
        # In a list of whole names the end tells them apart.
        flat = self._listing.found is not None
        name = plain(node.name if flat else node.short)
        tail = self._tail(node, width - line.cell_len - cell_len(name) - 1)
        room = width - line.cell_len - len(tail) - 1
        name = cut_left(name, room) if flat else cut_middle(name, room)
        line.append(name, branch if node.is_branch else Style())
        line.append(" " * max(width - line.cell_len - len(tail), 0))
        line.append(tail, muted)
        return line

    def _tail(self, node: Node, room: int) -> str:
        """What stands in the way, when it was modified, and its size, as far as the name leaves room."""
        if node.level is not Level.BLOB:
            return ""
        size = f"{bytes_in_words(node.size or 0):>{SIZE_WIDTH}} "
        local = node.modified.astimezone(self._zone) if node.modified else None
        modified = f"{local:%Y-%m-%d %H:%M}" if local else ""
        state = "archived " if node.archived else "leased " if node.leased else ""
        # A blob that cannot be read says so also where its name is cut for it.
        return next((tail for tail in (state + modified + size, state + size) if len(tail) <= room), state)

    # What the operator does

    def _chosen_by_enter(self, row: Node) -> bool:
        return row.level is Level.BLOB

    def action_open(self) -> None:
        """Opens a branch; an open one leads to its first line."""
        node = self.at
        if node is None or not node.is_branch:
            return
        if node.expanded:
            self.cursor += 1
        else:
            self._open(node)

    def action_close(self) -> None:
        """Closes a branch; from a closed one, or a blob, to what holds it."""
        node = self.at
        if node is None:
            return
        if node.is_branch and node.expanded:
            node.expanded = False
            self.redraw(to=node)
        elif node.parent is not None and node.parent.level is not Level.ACCOUNT:
            self.redraw(to=node.parent)

    def action_enter(self) -> None:
        """Opens, closes, loads or chooses."""
        node = self.at
        if node is None:
            return
        if node.level is Level.BLOB:
            self.post_message(self.Chosen(node))
        elif node.level in (Level.MORE, Level.FAILED) and node.parent is not None:
            self.post_message(self.Wants(node.parent))
        elif node.is_branch:
            if node.expanded:
                self.action_close()
            else:
                self._open(node)

    def _open(self, node: Node) -> None:
        if self._listing.found is not None:
            self.post_message(self.Descended(node))
            return
        node.expanded = True
        if self._listing.needs_loading(node):
            self.post_message(self.Wants(node))
        self.redraw(to=node)
