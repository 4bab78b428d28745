"""The runs that have not ended: those at work with all that is known of them, the queue behind them in one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from lytics_azure_tui.model.run import Run, RunState
from lytics_azure_tui.tui.figures import count
from lytics_azure_tui.tui.widgets.run_pane import RunPane
from lytics_azure_tui.tui.widgets.words import Words, entitle

PANES = 20
"""Runs that are shown by themselves. More would make the screen slow, and nobody would scroll through them."""
WAITING_PANES = 3
"""Of those, so many at most are queued."""


class ActiveRuns(VerticalScroll, can_focus=False):
    """Takes no room while there are none."""

    DEFAULT_CSS = """
    ActiveRuns { height: auto; max-height: 45%; display: none; scrollbar-size: 1 1; }
    ActiveRuns #rest { height: auto; padding: 0 2; color: $text-muted; display: none; }
    """

    def compose(self) -> ComposeResult:
        yield Words(id="rest")

    def show_runs(self, runs: Sequence[Run], now: datetime) -> bool:
        """Shows these, in this order: running, then retrying, then queued.

        Returns:
            Whether a pane that had the focus is gone.
        """
        self.display = bool(runs)
        number = Counter(run.state for run in runs)
        words = [f"{count(number[state])} {state}" for state in RunState if number[state]]
        entitle(self, f"Active runs · {', '.join(words)}")
        at_work = [run for run in runs if run.state is not RunState.QUEUED][:PANES]
        queued = [run for run in runs if run.state is RunState.QUEUED]
        shown = at_work + queued[: min(WAITING_PANES, PANES - len(at_work))]
        self._show_rest(len(runs) - len(shown))
        return self._show_panes(shown, now)

    def _show_rest(self, number: int) -> None:
        rest = self.query_one("#rest", Words)
        rest.display = number > 0
        rest.update(f"{count(number)} more; the list of jobs has their states")

    def _show_panes(self, runs: Sequence[Run], now: datetime) -> bool:
        panes = {pane.run.id: pane for pane in self.query(RunPane)}
        wanted = {run.id for run in runs}
        gone = [pane for run_id, pane in panes.items() if run_id not in wanted]
        lost = any(pane.has_focus for pane in gone)
        if gone:
            self.remove_children(gone)
        before: RunPane | None = None
        order = [pane.run.id for pane in self.query(RunPane) if pane.run.id in wanted]
        in_order = order == [run.id for run in runs if run.id in panes]
        for run in runs:
            pane = panes.get(run.id)
            if pane is None:
                pane = RunPane(run, now)
                self.mount(pane, before=0 if before is None else None, after=before)
            else:
                pane.show_run(run, now)
                if not in_order and before is not None:
                    self.move_child(pane, after=before)
                elif not in_order:
                    self.move_child(pane, before=0)
            before = pane
        return lost
