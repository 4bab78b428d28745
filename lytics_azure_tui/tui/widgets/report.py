"""What a tested connection may do, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.tui.text import content

if TYPE_CHECKING:
    from lytics_azure_tui.azure.checks import CheckReport

_SIGNS = {True: ("✓", "$text-success"), False: ("✗", "$text-error"), None: ("?", "dim")}


def short_report(result: CheckReport | LyazureError) -> tuple[str, str]:
    """A word or two for a table, and their tone."""
    if isinstance(result, LyazureError):
        return "✗ failed", "bad"
    rights = {"list": result.list, "read": result.read, "write": result.write}
    if all(value is None for value in rights.values()):
        return "form only", "muted"
    may = [word for word, value in rights.items() if value]
    return (f"✓ {' '.join(may)}", "good") if may else ("✗ no rights", "bad")


def explain_report(report: CheckReport) -> Content:
    """What it may do, how long the answer took, and what is worth knowing."""
    rights = (("list", report.list), ("read", report.read), ("write", report.write))
    lines = []
    if all(value is None for _, value in rights):
        lines.append(Content.assemble(("? ", "dim"), content(report.account, "bold")))
    else:
        pieces: list[Content | tuple[str, str] | str] = [content(report.account, "bold"), ":  "]
        for word, value in rights:
            sign, colour = _SIGNS[value]
            pieces += [(f"{sign} ", f"bold {colour}"), f"{word}   "]
        pieces.append((f"answered in {_seconds(report.seconds)}", "dim"))
        lines.append(Content.assemble(*pieces))
    lines += [content(f"· {note}", "dim") for note in report.notes]
    return Content("\n").join(lines)


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
