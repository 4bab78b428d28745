"""The head of every screen: which configuration, who does the work, where, and the time; below it the places."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from lytics_azure_tui.tui.text import cut_left, plain

PLACES = (
    ("1", "dashboard", "Dashboard"),
    ("2", "authorizations", "Authorizations"),
    ("3", "streams", "Streams"),
    ("4", "profiles", "Profiles"),
    ("5", "audiences", "Audiences"),
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the head says.

    Attributes:
        place: the configuration folder.
        host: this machine.
        time: of the operator's day.
        runner: words on the runner; empty while it is not known.
        runs: whether the runner is there.
        mode: the place that is open.
    """

    place: str
    host: str
    time: str
    runner: str = ""
    runs: bool = False
    mode: str = ""


class Masthead(Widget):
    """Two lines. What does not fit gives way: in the first the folder's beginning, which an ellipsis shows; in the
    second the names of the other places, whose keys stay."""

    ALLOW_SELECT = False

    standing: reactive[Standing | None] = reactive(None)

    def __init__(self, heading: str = "") -> None:
        """`heading` names a screen that was opened from one of the places; it follows the place's name."""
        super().__init__()
        self._heading = plain(heading, 40)

    def render(self) -> Content:
        standing = self.standing or Standing("", "", "")
        return Content("\n").join((self._first(standing), self._second(standing)))

    def _first(self, standing: Standing) -> Content:
        name = Content.styled(" lyazure ", "bold $primary")
        glyph, colour = ("●", "$text-success") if standing.runs else ("○", "$text-warning")
        dot = Content.styled("  ·  ", "dim")
        right = Content.assemble(
            (f"{glyph} {standing.runner}", colour) if standing.runner else ("○ looking for the runner", "dim"),
            dot,
            plain(standing.host, 24),
            dot,
            (f"{standing.time} ", "bold"),
        )
        room = self.size.width - name.cell_length - right.cell_length
        place = Content.styled(cut_left(plain(standing.place), room - 2), "dim")
        return name + place + Content(" " * max(room - place.cell_length, 0)) + right

    def _second(self, standing: Standing) -> Content:
        full = self._places(standing)
        return full if full.cell_length <= self.size.width else self._places(standing, names=False)

    def _places(self, standing: Standing, *, names: bool = True) -> Content:
        parts = []
        for key, mode, words in PLACES:
            here = mode == standing.mode
            style = "bold $foreground" if here else "dim"
            label = f"▸{key} {words}" if here else f" {key} {words}" if names else f" {key}"
            if here and self._heading:
                label += f" › {self._heading}"  # noqa: RUF001 -- a path's arrow
            parts.append(Content(label).stylize(style).stylize(f"@click=app.go('{mode}')"))
        return Content("  ").join(parts)
