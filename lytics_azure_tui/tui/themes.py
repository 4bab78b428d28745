"""Our two themes. Calm: one accent, muted greys; red, amber and green only where a state has to be found."""

from __future__ import annotations

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
    },
)
