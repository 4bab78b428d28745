"""The tree of a blob browser. Only the lines on the screen are drawn, so that 100,000 names scroll like ten."""

from __future__ import annotations

from datetime import tzinfo
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from lytics_azure_tui.tui.figures import size as bytes_in_words
from lytics_azure_tui.tui.listing import Level, Listing, Node
from lytics_azure_tui.tui.text import cut, cut_left, cut_middle, plain

_ICONS = {Level.CONTAINER: "▣ ", Level.BLOB: "  "}
_SIGNS = {
    Level.LOADING: ("loading…", "muted"),
    Level.EMPTY: ("nothing in it", "muted"),
    Level.MORE: ("more… (enter loads the next page)", "branch"),
    Level.FAILED: ("", "failed"),
}
"""Lines that are not names: what they say, and how they are coloured."""
SIZE_WIDTH = 9


class BlobTree(ScrollView, can_focus=True):
    """Shows a `Listing`. It asks, by `Wants`, for what has to be loaded."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"tree--muted", "tree--branch", "tree--cursor", "tree--failed"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "to_end(True)", show=False),
        Binding("end", "to_end(False)", show=False),
        Binding("right,l", "open", show=False),
        Binding("left,h", "close", show=False),
        Binding("enter", "enter", show=False),
    ]
    DEFAULT_CSS = """
    BlobTree { height: 1fr; background: $background; scrollbar-size: 1 1; overflow-x: hidden; overflow-y: auto; }
    BlobTree > .tree--muted { color: $text-muted; }
    BlobTree > .tree--branch { color: $text-primary; }
    BlobTree > .tree--failed { color: $text-error; }
    BlobTree > .tree--cursor {
        background: $block-cursor-background; color: $block-cursor-foreground; text-style: bold;
    }
    """

    cursor: reactive[int] = reactive(0)

    class Highlighted(Message):
        """The cursor is on another node."""

        def __init__(self, node: Node) -> None:
            super().__init__()
            self.node = node

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, BlobTree.Highlighted)

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
        self._rows: list[Node] = []

    # What is shown

    @property
    def at(self) -> Node | None:
        """The node below the cursor."""
        return self._rows[self.cursor] if 0 <= self.cursor < len(self._rows) else None

    def redraw(self, *, to: Node | None = None) -> None:
        """Looks at the listing again. The cursor stays on its node, or goes to the one given."""
        wanted = to or self.at
        self._rows = self._listing.rows()
        self.virtual_size = Size(0, len(self._rows))
        if wanted is not None:
            for index, node in enumerate(self._rows):
                if node is wanted:
                    self.cursor = index
                    break
        self.cursor = self.validate_cursor(self.cursor)
        self.refresh()
        self._tell()

    def validate_cursor(self, cursor: int) -> int:
        """Within the rows."""
        return max(0, min(cursor, len(self._rows) - 1))

    def watch_cursor(self) -> None:
        """Scrolls to it and says so."""
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, force=True)
        self.refresh()
        self._tell()

    def _tell(self) -> None:
        if self.at is not None:
            self.post_message(self.Highlighted(self.at))

    def render_line(self, y: int) -> Strip:
        width, index = self.size.width, y + self.scroll_offset.y
        base = self.rich_style
        if index >= len(self._rows):
            return Strip.blank(width, base)
        node = self._rows[index]
        style = self.get_component_rich_style("tree--cursor") if index == self.cursor else base
        text = self._line(node, width, plain_colours=index == self.cursor)
        segments = [
            Segment(segment.text, style + (segment.style or Style())) for segment in text.render(self.app.console)
        ]
        return Strip(segments).adjust_cell_length(width, style)

    def _line(self, node: Node, width: int, *, plain_colours: bool) -> Text:
        def colour(name: str) -> Style:
            return Style() if plain_colours else Style(color=self.get_component_rich_style(f"tree--{name}").color)

        indent = " " + "  " * node.depth
        line = Text(indent, end="", no_wrap=True)
        if node.level in _SIGNS:
            words, tone = _SIGNS[node.level]
            if node.level is Level.FAILED:
                words = cut(f"✗ {plain(node.error or '', width)}", width - line.cell_len - 20) + "  ctrl+r retries"
            if node.level is Level.EMPTY and node.parent is self._listing.account:
                words = "there are no containers"
            return line.append(f"  {words}", colour(tone))
        if node.is_branch:
            line.append("▾ " if node.expanded else "▸ ", colour("muted"))
        line.append(_ICONS.get(node.level, ""), colour("muted"))
        # In a list of whole names the end tells them apart.
        flat = self._listing.found is not None
        name = plain(node.name if flat else node.short)
        tail = self._tail(node, width - line.cell_len - cell_len(name) - 1)
        room = width - line.cell_len - len(tail) - 1
        name = cut_left(name, room) if flat else cut_middle(name, room)
        line.append(name, colour("branch") if node.is_branch else Style())
        line.append(" " * max(width - line.cell_len - len(tail), 0))
        line.append(tail, colour("muted"))
        return line

    def _tail(self, node: Node, room: int) -> str:
        """When it was modified, and its size, as far as the name leaves room: it is the name that one looks for."""
        if node.level is not Level.BLOB:
            return ""
        size = f"{bytes_in_words(node.size or 0):>{SIZE_WIDTH}} "
        local = node.modified.astimezone(self._zone) if node.modified else None
        modified = f"{local:%Y-%m-%d %H:%M}" if local else ""
        return next((tail for tail in (modified + size, size) if len(tail) <= room), "")

    # What the operator does

    def action_move(self, by: int) -> None:
        """Up or down."""
        self.cursor += by

    def action_page(self, by: int) -> None:
        """A screenful up or down."""
        self.cursor += by * max(self.size.height - 1, 1)

    def action_to_end(self, start: bool) -> None:
        """To the first or the last line."""
        self.cursor = 0 if start else len(self._rows) - 1

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
        """Opens, closes, loads or chooses, whichever fits what the cursor is on."""
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

    def on_click(self, event: events.Click) -> None:
        """One click goes to a line, and opens or closes a branch; two choose a blob."""
        index = event.y + self.scroll_offset.y
        if index >= len(self._rows):
            return
        self.cursor = index
        node = self._rows[index]
        if event.chain == 2 or node.level is not Level.BLOB:
            self.action_enter()
