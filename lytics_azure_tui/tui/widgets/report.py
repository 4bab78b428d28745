"""What a tested connection may do, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.tui.text import content

if TYPE_CHECKING:
    from lytics_azure_tui.azure.checks import CheckReport

ACCOUNT = 30
"""Cells of a name that leaves room for the rest in its line."""
_SIGNS = {True: ("✓", "$text-success"), False: ("✗", "$text-error"), None: ("?", "dim")}


def short_report(result: CheckReport | LyazureError) -> tuple[str, str]:
    """A word or two for a table, and their tone."""
    if isinstance(result, LyazureError):
        return "✗ failed", "bad"
    if not result.looked_at:
        return "form only", "muted"
    may = [word for word, value in result.rights.items() if value]
    return (f"✓ {' '.join(may)}", "good") if may else ("✗ no rights", "bad")


def explain_report(report: CheckReport) -> Content:
    """What it may do, how long the answer took, and what is worth knowing."""
    lines = []
    if not report.looked_at:
        lines.append(Content.assemble(("? ", "dim"), content(report.account, "bold")))
    else:
        pieces: list[Content | tuple[str, str] | str] = [content(report.account, "bold"), ":  "]
        for word, value in report.rights.items():
            sign, colour = _SIGNS[value]
            pieces += [(f"{sign} ", f"bold {colour}"), f"{word}   "]
        answered = f"answered in {_seconds(report.seconds)}"
        if len(report.account) <= ACCOUNT:
            pieces.append((answered, "dim"))
        lines.append(Content.assemble(*pieces))
        if len(report.account) > ACCOUNT:
            lines.append(content(f"· {answered.capitalize()}", "dim"))
    lines += [content(f"· {note}", "dim") for note in report.notes]
    return Content("\n").join(lines)


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
