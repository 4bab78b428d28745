"""The one gate from data to the screen: names, cells and messages from outside become text here, and never markup.

Use `content` for Static, Label, Option, Select and titles, `rich` for DataTable and Tree, `plain` with markup=False
for notify.
"""

from __future__ import annotations

import unicodedata

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual.content import Content

ELLIPSIS = "…"
UNSHOWABLE = "\ufffd"


class _Visible(dict[int, str]):
    """A table for `str.translate` that decides once for each character."""

    def __missing__(self, code: int) -> str:
        self[code] = shown = _visible(code)
        return shown


def _visible(code: int) -> str:
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if 0xFE00 <= code <= 0xFE0F:
        # Terminals disagree about the width of a character with a variation selector; without it they agree.
        return ""
    character = chr(code)
    # Controls, formats (bidirectional overrides, zero-width characters), surrogates, private use, unassigned, and the
    # two separators that some terminals take for a line's end.
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return UNSHOWABLE
    return character


_VISIBLE = _Visible()


def plain(text: object, cells: int | None = None) -> str:
    """One line of text that a terminal shows as it is.

    Control characters, escape sequences among them, become visible signs; bidirectional overrides and zero-width
    characters become U+FFFD.

    Args:
        text: anything; its `str` is taken.
        cells: cut to this many terminal cells, with an ellipsis as the sign of the cut.
    """
    raw = str(text)
    if cells is not None:
        # Marks that take no cell could make the text endless; no honest name has more than seven on a letter.
        raw = raw[: max(cells, 1) * 8]
    shown = raw.translate(_VISIBLE)
    return shown if cells is None else cut(shown, cells)


def lines(text: object) -> str:
    """Several lines of text: as `plain`, but line ends stay."""
    return "\n".join(plain(line) for line in str(text).splitlines())


def cut(text: str, cells: int) -> str:
    """Cuts a line to a width in terminal cells; the last cell is an ellipsis where something is missing."""
    if cells <= 0:
        return ""
    if cell_len(text) <= cells:
        return text
    return set_cell_size(text, cells - 1).rstrip() + ELLIPSIS


def cut_left(text: str, cells: int) -> str:
    """As `cut`, but the end of the text stays: for paths."""
    if cells <= 0:
        return ""
    if cell_len(text) <= cells:
        return text
    while text and cell_len(text) > cells - 1:
        text = text[1:]
    return ELLIPSIS + text


def cut_middle(text: str, cells: int) -> str:
    """As `cut`, but the beginning and more of the end stay: for file names, whose date stands near the end."""
    if cells <= 0:
        return ""
    if cell_len(text) <= cells:
        return text
    head = cut(text, max(cells // 3, 1))
    return head.removesuffix(ELLIPSIS) + cut_left(text, cells - cell_len(head.removesuffix(ELLIPSIS)))


def content(text: object, style: str = "", cells: int | None = None) -> Content:
    """Data as Textual's Content; `style` is ours, such as "$text-muted" or "bold"."""
    shown = plain(text, cells)
    return Content.styled(shown, style) if style else Content(shown)


def rich(text: object, style: str = "", cells: int | None = None) -> Text:
    """Data as rich's Text; `style` is ours."""
    return Text(plain(text, cells), style=style, no_wrap=True, end="")
