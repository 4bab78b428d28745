"""An error in its place: what happened, why, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.reactive import reactive

from lytics_azure_tui.errors import LyazureError, RetryLater
from lytics_azure_tui.tui.text import content, lines
from lytics_azure_tui.tui.widgets.words import Words

IN_FULL, LISTED = 2, 4
"""So many problems are explained, or of more so many listed, in the six lines that there are."""


def explain(error: LyazureError) -> Content:
    """An error in words; the fix stands out. On a screen nobody but the operator tries again what may pass."""
    fix = error.fix or ("Try again in a moment" if isinstance(error, RetryLater) else "")
    parts: list[Content | str | tuple[str, str]] = [(f"✗ {_sentence(error.what)}", "bold $text-error")]
    if error.why:
        parts += [" ", _sentence(error.why)]
    if fix:
        parts += [("\n→ ", "bold"), _sentence(fix)]
    return Content.assemble(*parts)


def _sentence(text: str) -> str:
    shown = lines(text).strip()
    return shown if shown.endswith((".", "!", "?", ":", "…")) else f"{shown}."


class Problem(Words):
    """Takes no room while there is no error."""

    error: reactive[LyazureError | None] = reactive(None)

    def watch_error(self, error: LyazureError | None) -> None:
        self.display = error is not None
        self.update(explain(error) if error is not None else "")


class Problems(Words):
    """Files that cannot be used: one or two in full; of more, how many, the first of them, and where all are listed."""

    DEFAULT_CSS = """
    Problems { display: none; height: auto; max-height: 6; overflow-y: auto; padding: 0 1; }
    Problems { background: $warning-background; }
    Problems.-many { text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def show(self, errors: Sequence[LyazureError]) -> None:
        """Shows these; takes no room while there are none."""
        self.display = bool(errors)
        many = len(errors) > IN_FULL
        self.set_class(many, "-many")
        if not many:
            self.update(Content("\n").join(explain(error) for error in errors))
            return
        head = Content.assemble(
            (f"✗ {len(errors)} problems in the configuration.", "bold $text-error"),
            " Press ",
            ("F8", "bold $primary"),
            " to see all of them.",
        )
        first = [content(f"  {_sentence(error.what)}") for error in errors[:LISTED]]
        left = len(errors) - len(first)
        more = [Content.styled(f"  and {left} more", "dim")] if left else []
        self.update(Content("\n").join([head, *first, *more]))
