"""Words that are drawn again only when they are others: what is told again as it stands costs a slow line nothing."""

from __future__ import annotations

from textual.content import Content
from textual.visual import VisualType
from textual.widget import Widget
from textual.widgets import Static


class Words(Static):
    """Text without markup."""

    def __init__(self, words: Content | str = "", *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(words, id=id, classes=classes, markup=False)
        self._told: Content | None = _content(words)

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        """Takes other words."""
        told = _content(content) if isinstance(content, Content | str) else None
        if told is None or self._told is None or not told.is_same(self._told):
            self._told = told
            super().update(content, layout=layout)


def entitle(widget: Widget, title: Content | str) -> None:
    """Gives the widget's frame another title."""
    told = _content(title)
    if widget.border_title != told.markup:
        widget.border_title = told


def _content(words: Content | str) -> Content:
    return words if isinstance(words, Content) else Content(words)
