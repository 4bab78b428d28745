"""What the screens share in which something is written: it is not lost on the way out, and no file is overwritten that
has changed meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

from textual import work
from textual.app import App
from textual.binding import Binding

from lytics_azure_tui.config import drafts
from lytics_azure_tui.config.drafts import Draft
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.errors import BadConfiguration, LyazureError
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.tui.desk import Desk
from lytics_azure_tui.tui.figures import when
from lytics_azure_tui.tui.screens.base import DeskScreen
from lytics_azure_tui.tui.screens.changed import Answer, Changed, Words, differences
from lytics_azure_tui.tui.screens.confirm import Confirm
from lytics_azure_tui.tui.text import plain
from lytics_azure_tui.tui.threads import in_thread

Item = TypeVar("Item")
log = logging.getLogger(__name__)


class Editor(DeskScreen, Generic[Item]):
    """A subclass says whether something is unsaved, what a draft of it holds, and how it goes on from one.

    `Item` is what it edits, as its file holds it.

    Attributes:
        FORM: of the form's drafts.
        base: as the file was when it was opened; None for something new.
    """

    FORM: ClassVar[str] = ""
    BINDINGS = [
        # Here these would be typed.
        Binding("1", "app.go('dashboard')", show=False),
        Binding("2", "app.go('authorizations')", show=False),
        Binding("3", "app.go('streams')", show=False),
        Binding("question_mark,f1", "app.help", show=False),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.base: Item | None = None
        self._continued: Draft | None = None

    @property
    def unsaved(self) -> bool:
        """Whether something would be lost."""
        raise NotImplementedError

    # Drafts

    @property
    def item(self) -> str:
        """The id of what is edited; empty for something new."""
        raise NotImplementedError

    def draft_values(self) -> Mapping[str, Any]:
        """What a draft has to hold, as JSON values. Secrets are taken out of it by whoever writes it."""
        raise NotImplementedError

    def entered_secrets(self) -> Iterable[Secret | None]:
        """Those that stand in fields for secrets."""
        return ()

    async def go_on_from(self, values: Mapping[str, Any]) -> None:
        """Takes up what a draft holds; what does not fit any more is left out."""
        raise NotImplementedError

    @property
    def draft_title(self) -> str:
        """The form in a word or two."""
        return str(self.title or self.heading or self.HEADING)

    def keep_draft(self) -> bool:
        """Writes a draft of what is unsaved; gives whether there was any. Raises `LyazureError`."""
        if not self.unsaved:
            return False
        path = self._continued.path if self._continued is not None else None
        draft = Draft(self.FORM, self.item, self.draft_title, self.desk.clock(), self.draft_values(), path)
        drafts.keep(self.desk.folder, draft, self.entered_secrets())
        return True

    @work(exclusive=True, group="deed", description="look for a draft", exit_on_error=False)
    async def offer_draft(self) -> None:
        """Asks whether to go on from a draft, where there is one. A subclass calls it when all else is there."""
        find = partial(drafts.newest, self.desk.folder, self.FORM, self.item)
        try:
            draft = await in_thread(find, "look for a draft")
        except LyazureError:
            return  # without settings that can be read there is no place for drafts
        if draft is None:
            return
        kept = when(draft.kept, self.desk.clock(), self.desk.zone)
        words = f"{draft.title}: entered {kept}, and not saved. Secrets are not kept; enter them again."
        question = Confirm("Go on from the draft?", words, yes="Discard it", no="Go on", danger=True)
        if await self.app.push_screen_wait(question):
            await in_thread(partial(drafts.forget, draft), "remove the draft")
        else:
            self._continued = draft
            try:
                await self.go_on_from(draft.values)
            except (AttributeError, KeyError, TypeError, ValueError):
                log.exception("a draft was not understood")
                why, fix = "It is of another version of the program", f"Remove {draft.path}"
                self.problem(BadConfiguration("The draft cannot be used", why=why, fix=fix))

    # Saving

    async def save_over(
        self,
        name: str,
        mine: Item,
        read: Callable[[], Item | None],
        write: Callable[[], None],
        words: Callable[[Item], Words],
    ) -> bool:
        """Writes, unless the file has changed since it was opened: then both are shown, and the operator decides.

        Args:
            name: of the file, for people.
            read: gives what the file holds now; None when it is gone.
            words: what an item says, by label.

        Returns:
            Whether it was written.

        Raises:
            LyazureError: the file cannot be read any more, or not be written.
        """

        def compare_and_write() -> tuple[bool, Item | None]:
            now = read()
            if now is None and self.base is not None:
                return False, None
            if now is not None:
                base = words(self.base) if self.base is not None else {}
                if differences(words(now), base) and differences(words(now), words(mine)):
                    return False, now
            write()
            return True, None

        while True:
            written, now = await self.fetch(compare_and_write, "save")
            if written:
                self.forget_draft()
                return True
            if not await self._decided(name, mine, now, words):
                return False

    async def _decided(self, name: str, mine: Item, now: Item | None, words: Callable[[Item], Words]) -> bool:
        """Asks what to do about a file that has changed; gives whether to write over it."""
        base = self.base
        if now is None:
            question = "It was deleted or renamed since you opened it. Saving makes it anew."
            if not await self.app.push_screen_wait(Confirm(f"{name} is gone", question, yes="Save", no="Back")):
                return False
            self.base = None
            return True
        before = words(base) if base is not None else {}
        answer = await self.app.push_screen_wait(Changed(name, before, words(now), words(mine)))
        if answer is Answer.BACK:
            return False
        self.base = now
        if answer is Answer.MERGE:
            await self.take_in(base, now)
            self.say("The file's changes are in the form now. Look at them, then save.")
        return answer is Answer.OVERWRITE

    async def take_in(self, before: Item | None, now: Item) -> None:
        """Takes what has changed in the file; where something was changed here as well, that stays.

        Args:
            before: as the file was; None where it was not there.
        """
        raise NotImplementedError

    # Leaving

    @work(exclusive=True, group="deed", description="leave the form", exit_on_error=False)
    async def leave(self) -> None:
        """Goes, and asks first when something would be lost."""
        if self.unsaved and not await self.app.push_screen_wait(
            Confirm("Leave without saving?", "What you entered here is not saved.", yes="Leave", no="Stay", danger=True)
        ):
            return
        self.forget_draft()
        self.close()

    def forget_draft(self) -> None:
        """The draft that this went on from is of no use any more."""
        if self._continued is not None:
            gone, self._continued = self._continued, None
            forget = in_thread(partial(drafts.forget, gone), "remove the draft")
            self.app.run_worker(forget, description="remove the draft", exit_on_error=False)

    def close(self) -> None:
        """Back to where this was opened."""
        self.app.pop_screen()


def editors(app: App[Any]) -> list[Editor[Any]]:
    """Every open form, also below other screens and in other places."""
    stacks = app._screen_stacks.values()
    return [screen for stack in stacks for screen in stack if isinstance(screen, Editor) and screen.is_mounted]


def keep_drafts(app: App[Any]) -> list[str]:
    """Writes drafts of all that is unsaved; gives the forms' titles. Whatever fails is in the log."""
    kept = []
    for editor in editors(app):
        try:
            if editor.keep_draft():
                kept.append(editor.draft_title)
        except Exception:
            log.exception("a draft was not kept")
    return kept


async def tell_drafts(app: App[Any], folder: Folder) -> None:
    """Says which forms were not saved when the program ended last. Raises `LyazureError`."""
    kept = await in_thread(partial(drafts.every, folder), "look for drafts")
    if kept:
        titles = ", ".join(plain(draft.title, 40) for draft in kept[:5])
        app.notify(f"Not saved, and kept as a draft: {titles}. Open the form to go on.", markup=False)
