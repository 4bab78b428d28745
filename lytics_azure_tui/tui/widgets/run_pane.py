"""One run under way, in three lines: what it does, how far it is, how fast."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from lytics_azure_tui.model.amounts import counted, size
from lytics_azure_tui.model.run import Run, RunState
from lytics_azure_tui.tui.figures import count, duration, relative
from lytics_azure_tui.tui.text import cut, plain
from lytics_azure_tui.tui.widgets.pace import Pace, bar, sparkline
from lytics_azure_tui.tui.widgets.states import STYLES, run_state


class RunPane(Widget, can_focus=True):
    """Enter or a click opens the run."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open", "Open", show=False)]

    class Opened(Message):
        """The operator wants to see the run."""

        def __init__(self, run_id: str) -> None:
            super().__init__()
            self.run_id = run_id

    def __init__(self, run: Run, now: datetime, *, alone: bool = False) -> None:
        """`alone` on a page that is about this run only: its name is not said again, and there is nothing to open."""
        super().__init__()
        self.can_focus = not alone
        self._alone = alone
        self.run = run
        self._now = now
        self._pace = Pace()
        self._drawn = Content("")
        self.show_run(run, now)

    def show_run(self, run: Run, now: datetime) -> None:
        """Takes the run's newest figures."""
        self.run, self._now = run, now
        if run.state is RunState.RUNNING:
            self._pace.add(now, run.progress.bytes_done)
        if not self._drawing().is_same(self._drawn):
            self.refresh()

    def action_open(self) -> None:
        """Opens the run."""
        if not self._alone:
            self.post_message(self.Opened(self.run.id))

    def on_click(self) -> None:
        self.action_open()

    def render(self) -> Content:
        self._drawn = self._drawing()
        return self._drawn

    def _drawing(self) -> Content:
        width = self.size.width
        if self.size.height < 3:
            return Content("\n").join((self._what(width), self._in_one_line(width)))
        return Content("\n").join((self._what(width), self._how_far(width), self._how_fast(width)))

    def _what(self, width: int) -> Content:
        if self._alone:
            return Content(cut(plain(self._stage()), width))
        state = run_state(self.run)
        label = cut(plain(self.run.label), max(width // 2 - 8, 12))
        head = Content.assemble((state.text, f"bold {STYLES[state.tone]}".strip()), "  ", (label, "bold"), "  ")
        return head + Content.styled(cut(plain(self._stage()), width - head.cell_length), "dim")

    def _stage(self) -> str:
        run = self.run
        if run.state is RunState.RETRYING and run.retry_at is not None:
            return f"tries again {relative(run.retry_at, self._now)}: {run.error}"
        if run.state is RunState.QUEUED:
            return "waits for its turn"
        return run.progress.stage or "starting"

    def _how_far(self, width: int) -> Content:
        words = "  ".join(self._amounts())
        return self._bar(width - len(words) - 1) + Content(cut(f" {words}", width))

    def _how_fast(self, width: int) -> Content:
        speeds = self._speeds()
        facts = Content("  ·  ").join([*map(Content, speeds), *self._quarantined("quarantined")])
        bars = sparkline(self._pace.rates(), min(width - facts.cell_length - 3, 30)) if speeds else ""
        return Content.assemble((bars, "$primary"), "  " if bars and facts else "", facts)

    def _in_one_line(self, width: int) -> Content:
        facts = [Content(word) for word in (*self._amounts(), *self._speeds())] + self._quarantined("")
        words = Content("  ").join(facts)
        return self._bar(width - words.cell_length - 1) + " " + words

    def _bar(self, width: int) -> Content:
        done, rest = bar(self.run.progress.bytes_done, self.run.progress.bytes_total, max(width, 0))
        return Content.assemble((done, "$primary"), (rest, "dim"))

    def _amounts(self) -> list[str]:
        progress = self.run.progress
        total = progress.bytes_total
        rows = counted(progress.rows, "row")
        if not total:
            return [size(progress.bytes_done), rows]
        return [f"{min(progress.bytes_done / total, 1):.0%}", f"{size(progress.bytes_done)} of {size(total)}", rows]

    def _speeds(self) -> list[str]:
        progress = self.run.progress
        rate, left = self._pace.rate(), self._pace.left(progress.bytes_done, progress.bytes_total)
        speed = [f"{size(rate)}/s"] if rate is not None and progress.bytes_done else []
        return speed + ([f"{duration(left)} left"] if left is not None else [])

    def _quarantined(self, word: str) -> list[Content]:
        refused = self.run.progress.rejected
        return [Content.styled(f"⚠ {count(refused)} {word}".rstrip(), "$text-warning")] if refused else []
