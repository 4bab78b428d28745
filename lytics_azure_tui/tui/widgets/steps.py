"""Where one is in a wizard: the steps' names in a line, the done ones ticked. A number would look like a key."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget


class Steps(Widget):
    """One line. A click on a step that was reached goes there."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "Steps { height: 1; width: 1fr; margin: 0 0 1 0; padding: 0 1; background: $surface; }"

    at: reactive[int] = reactive(0)
    reached: reactive[int] = reactive(0)
    """The last step that may be gone to."""

    class Chosen(Message):
        """A step was clicked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self._names = tuple(names)

    def _pieces(self) -> list[Content]:
        pieces = []
        for index, name in enumerate(self._names):
            # No numbers: they would look like keys.
            sign = "✓" if index < min(self.at, self.reached) else "○"
            if index == self.at:
                pieces.append(Content.styled(f" {sign} {name} ", "bold $background on $primary"))
            else:
                pieces.append(Content.styled(f" {sign} {name}", "$foreground" if index <= self.reached else "dim"))
        return pieces

    def render(self) -> Content:
        return Content.assemble(*self._pieces())

    def on_click(self, event: events.Click) -> None:
        """Finds the step below the pointer."""
        left = 1
        for index, piece in enumerate(self._pieces()):
            if left <= event.x < left + piece.cell_length and index <= self.reached:
                self.post_message(self.Chosen(index))
            left += piece.cell_length
