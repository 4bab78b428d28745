"""An error in its place: what happened, why, and what to do."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.tui.text import lines


def explain(error: LyazureError) -> Content:
    """An error in words; the fix stands out."""
    parts: list[Content | str | tuple[str, str]] = [(f"✗ {_sentence(error.what)}", "bold $text-error")]
    if error.why:
        parts += [" ", _sentence(error.why)]
    if error.fix:
        parts += [("\n→ ", "bold"), _sentence(error.fix)]
    return Content.assemble(*parts)


def _sentence(text: str) -> str:
    shown = lines(text).strip()
    return shown if shown.endswith((".", "!", "?", ":", "…")) else f"{shown}."


class Problem(Static):
    """Takes no room while there is no error."""

    error: reactive[LyazureError | None] = reactive(None, layout=True)

    def watch_error(self, error: LyazureError | None) -> None:
        self.display = error is not None
        self.update(explain(error) if error is not None else "")
