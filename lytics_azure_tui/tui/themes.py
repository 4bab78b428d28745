"""Our two themes. Calm: one accent, muted greys; red, amber and green only where a state has to be found.

Each is there for terminals with all colours, with 256, and with 16. A colour that a terminal does not have is replaced
by one that is near in numbers, which turns greys blue and states grey: themes for few colours name only those few.
"""

from __future__ import annotations

from rich.console import Console
from textual.theme import Theme

DARK = Theme(
    name="lyazure-dark",
    primary="#5aa9e6",
    secondary="#7f9cb5",
    accent="#5aa9e6",
    warning="#e0af4f",
    error="#e5727b",
    success="#6cc08b",
    foreground="#d5dae1",
    background="#14181d",
    surface="#1a1f26",
    panel="#232a33",
    dark=True,
    variables={
        "border": "#5aa9e6",
        "border-blurred": "#39424e",
        "block-cursor-background": "#2b5578",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#2a323c",
        "block-cursor-blurred-foreground": "#d5dae1",
        "footer-background": "#1a1f26",
        "footer-key-foreground": "#7fc1f2",
        "footer-description-foreground": "#aab3be",
        "input-cursor-background": "#d5dae1",
        "input-selection-background": "#5aa9e6 35%",
        "scrollbar": "#39424e",
        "scrollbar-background": "#1a1f26",
        "problem-background": "#e5727b 15%",
        "warning-background": "#e0af4f 12%",
        "button-hover": "#5aa9e6 30%",
        "button-primary": "#5aa9e6 35%",
        "button-error": "#e5727b 30%",
    },
)

LIGHT = Theme(
    name="lyazure-light",
    primary="#0b62a8",
    secondary="#4c6478",
    accent="#0b62a8",
    warning="#8a5a00",
    error="#b3261e",
    success="#1e6f3f",
    foreground="#1d252d",
    background="#f7f8fa",
    surface="#eef1f4",
    panel="#e1e6eb",
    dark=False,
    variables={
        "border": "#0b62a8",
        "border-blurred": "#b4bec8",
        "block-cursor-background": "#0b62a8",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#d3dbe3",
        "block-cursor-blurred-foreground": "#1d252d",
        "footer-background": "#e1e6eb",
        "footer-key-foreground": "#0b62a8",
        "footer-description-foreground": "#3f4b57",
        "input-selection-background": "#0b62a8 30%",
        "scrollbar": "#b4bec8",
        "scrollbar-background": "#eef1f4",
        "problem-background": "#b3261e 15%",
        "warning-background": "#8a5a00 12%",
        "button-hover": "#0b62a8 30%",
        "button-primary": "#0b62a8 35%",
        "button-error": "#b3261e 30%",
    },
)


def _few(
    like: Theme,
    *,
    ground: tuple[str, str, str],
    text: tuple[str, str, str],
    tones: tuple[str, str, str, str],
    cursor: tuple[str, str],
    blurred: tuple[str, str, str],
    lines: str,
    tinted: tuple[str, str, str],
) -> Theme:
    """A theme whose colours a terminal with few of them has.

    Args:
        ground: of the screen, of what stands out from it, and of bars and of the field with the focus.
        text: on them; muted; and of what cannot be used, and placeholders.
        tones: accent, good, watch, bad.
        cursor: its ground and text.
        blurred: ground, text and style of the cursor where the focus is not.
        lines: of panes without the focus, and scrollbars.
        tinted: grounds of errors, of warnings, and of buttons that do what is meant.
    """
    accent, good, watch, bad = tones
    return Theme(
        name=like.name,
        primary=accent,
        secondary=accent,
        accent=accent,
        warning=watch,
        error=bad,
        success=good,
        foreground=text[0],
        background=ground[0],
        surface=ground[1],
        panel=ground[2],
        dark=like.dark,
        variables={
            "text": text[0],
            "text-muted": text[1],
            "text-disabled": text[2],
            "text-primary": accent,
            "text-accent": accent,
            "text-success": good,
            "text-warning": watch,
            "text-error": bad,
            "foreground-muted": text[1],
            "foreground-disabled": text[2],
            "border": accent,
            "border-blurred": lines,
            "block-cursor-background": cursor[0],
            "block-cursor-foreground": cursor[1],
            "block-cursor-text-style": "bold",
            "block-cursor-blurred-background": blurred[0],
            "block-cursor-blurred-foreground": blurred[1],
            "block-cursor-blurred-text-style": blurred[2],
            "block-hover-background": ground[1],
            "footer-background": ground[1],
            "footer-key-foreground": accent,
            "footer-description-foreground": text[1],
            "input-cursor-background": text[0],
            "input-cursor-foreground": ground[0],
            "input-selection-background": cursor[0],
            "screen-selection-background": cursor[0],
            "scrollbar": lines,
            "scrollbar-hover": lines,
            "scrollbar-background": ground[1],
            "problem-background": tinted[0],
            "warning-background": tinted[1],
            "button-hover": tinted[2],
            "button-primary": tinted[2],
            "button-error": tinted[0],
        },
    )


DARK_256 = _few(
    DARK,
    ground=("#1c1c1c", "#262626", "#303030"),
    text=("#dadada", "#9e9e9e", "#767676"),
    tones=("#5fafff", "#87d787", "#d7af5f", "#ff8787"),
    cursor=("#005f87", "#ffffff"),
    blurred=("#3a3a3a", "#dadada", "none"),
    lines="#4e4e4e",
    tinted=("#5f0000", "#3a3a3a", "#005f87"),
)
LIGHT_256 = _few(
    LIGHT,
    ground=("#ffffff", "#eeeeee", "#dadada"),
    text=("#1c1c1c", "#585858", "#808080"),
    tones=("#005faf", "#005f00", "#875f00", "#af0000"),
    cursor=("#005faf", "#ffffff"),
    blurred=("#d0d0d0", "#1c1c1c", "none"),
    lines="#b2b2b2",
    tinted=("#ffd7d7", "#ffffd7", "#afd7ff"),
)
# The values are rich's for the sixteen. Not every terminal has the bright eight as grounds: nothing depends on them.
DARK_16 = _few(
    DARK,
    ground=("#000000", "#000000", "#0000aa"),
    text=("#ffffff", "#aaaaaa", "#aaaaaa"),
    tones=("#55ffff", "#55ff55", "#ffff55", "#ff5555"),
    cursor=("#0000aa", "#ffffff"),
    blurred=("#000000", "#ffffff", "underline"),
    lines="#aaaaaa",
    tinted=("#aa0000", "#000000", "#0000aa"),
)
LIGHT_16 = _few(
    LIGHT,
    ground=("#ffffff", "#ffffff", "#aaaaaa"),
    text=("#000000", "#555555", "#555555"),
    tones=("#0000aa", "#00aa00", "#aa5500", "#aa0000"),
    cursor=("#0000aa", "#ffffff"),
    blurred=("#ffffff", "#000000", "underline"),
    lines="#555555",
    tinted=("#aaaaaa", "#ffffff", "#aaaaaa"),
)


def terminal_colours() -> str | None:
    """The colours of this terminal by TERM and COLORTERM: "truecolor", "256" or "standard"; None for no terminal."""
    return Console().color_system


def themes(colours: str | None) -> tuple[Theme, Theme]:
    """The dark and the light theme for a terminal with these colours."""
    return {"256": (DARK_256, LIGHT_256), "standard": (DARK_16, LIGHT_16)}.get(colours or "", (DARK, LIGHT))
