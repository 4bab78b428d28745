"""The themes: for what a terminal can, in colours that it has."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest
from rich.color import Color, ColorSystem
from textual.theme import Theme

from lytics_azure_tui.tui.themes import themes
from tests.tui.terminal import Terminal

SYSTEMS = {"256": ColorSystem.EIGHT_BIT, "standard": ColorSystem.STANDARD}


def named(theme: Theme) -> set[str]:
    """All colours that a theme names."""
    own = {theme.primary, theme.warning, theme.error, theme.success, theme.foreground, theme.background, theme.panel}
    return {value for value in {*own, *theme.variables.values()} if value is not None and value.startswith("#")}


@pytest.mark.parametrize(("colours", "place"), product(SYSTEMS, (0, 1)))
def test_no_colour_of_a_theme_for_few_becomes_another(colours: str, place: int) -> None:
    theme = themes(colours)[place]
    shown = {value: Color.parse(value).downgrade(SYSTEMS[colours]) for value in named(theme)}
    assert len({color.number for color in shown.values()}) == len(shown)
    for value, color in shown.items() if colours == "256" else ():
        meant, is_now = Color.parse(value).get_truecolor(), color.get_truecolor()
        assert max(abs(one - other) for one, other in zip(meant, is_now, strict=True)) <= 10, value


@pytest.mark.parametrize(("colours", "place"), product((*SYSTEMS, "truecolor"), (0, 1)))
def test_the_cursor_is_stronger_where_the_focus_is(colours: str, place: int) -> None:
    theme = themes(colours)[place]
    background, cursor, blurred = (
        Color.parse(value or "").get_truecolor()
        for value in (
            theme.background,
            theme.variables["block-cursor-background"],
            theme.variables["block-cursor-blurred-background"],
        )
    )

    def apart(one: tuple[int, int, int], other: tuple[int, int, int]) -> int:
        return sum(abs(here - there) for here, there in zip(one, other, strict=True))

    assert apart(cursor, background) > 2 * apart(blurred, background)
    underlined = theme.variables.get("block-cursor-blurred-text-style") == "underline"
    assert underlined or apart(blurred, background) > 0


def test_names_are_the_same_for_every_terminal() -> None:
    names = {tuple(theme.name for theme in themes(colours)) for colours in (*SYSTEMS, "truecolor", None)}
    assert names == {("lyazure-dark", "lyazure-light")}


@pytest.mark.parametrize(
    ("term", "there", "elsewhere"),
    [
        # The ground of the cursor, of states that are good, and what would be there without a theme of its own.
        ("linux", (rb"44m", rb"92;40m"), rb"[34]8;[25];"),
        ("xterm-256color", (rb"48;5;24m", rb"38;5;114;"), rb"48;5;17m|[34]8;2;"),
    ],
)
def test_a_terminal_is_sent_the_colours_that_it_has(
    tmp_path: Path, term: str, there: tuple[bytes, ...], elsewhere: bytes
) -> None:
    terminal = Terminal(tmp_path, "lived-in", size=(80, 24), environment={"TERM": term})
    try:
        terminal.read_until(b"succeeded")
        terminal.press(b"q")
        shown = terminal.read_rest()
    finally:
        terminal.close()
    for colour in there:
        assert re.search(colour, shown), colour
    assert not re.search(elsewhere, shown)
