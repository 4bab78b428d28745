"""What the screens share in which something is written: they are not left before that is saved or given up."""

from __future__ import annotations

from textual import work
from textual.binding import Binding

from lytics_azure_tui.tui.screens.base import DeskScreen
from lytics_azure_tui.tui.screens.confirm import Confirm


class Editor(DeskScreen):
    """A subclass says whether something is unsaved."""

    BINDINGS = [
        # Here these would be typed, or lose what was entered.
        Binding("1", "app.go('dashboard')", show=False),
        Binding("2", "app.go('authorizations')", show=False),
        Binding("3", "app.go('streams')", show=False),
        Binding("question_mark,f1", "app.help", show=False),
        Binding("q,ctrl+q", "quit", show=False),
    ]

    @property
    def unsaved(self) -> bool:
        """Whether something would be lost."""
        raise NotImplementedError

    @work(exclusive=True, group="deed", description="leave the form", exit_on_error=False)
    async def leave(self, *, quit: bool = False) -> None:
        """Goes, and asks first when something would be lost."""
        if self.unsaved and not await self.app.push_screen_wait(
            Confirm("Leave without saving?", "What you entered here is not saved.", yes="Leave", no="Stay", danger=True)
        ):
            return
        if quit:
            await self.app.run_action("quit")
        else:
            self.close()

    def close(self) -> None:
        """Back to where this was opened."""
        self.app.pop_screen()

    def action_quit(self) -> None:
        """Quit asks too."""
        self.leave(quit=True)
