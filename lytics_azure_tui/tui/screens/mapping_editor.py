"""The mapping of one stream: its columns, the user fields that they become, and the profiles that this would make."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from pydantic import BaseModel, ValidationError
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widgets import DataTable, Static

from lytics_azure_tui.errors import BadConfiguration, LyazureError
from lytics_azure_tui.lytics.protocol import Preview, Stopper, StreamField, Trial
from lytics_azure_tui.model.amounts import counted
from lytics_azure_tui.model.language.tokens import written_name
from lytics_azure_tui.model.mapping import Affinity, Definitions, FieldRule, StreamMapping, disagreements
from lytics_azure_tui.model.suggestion import suggest, suggestions
from lytics_azure_tui.tui.commands import Command, bindings
from lytics_azure_tui.tui.desk import Desk
from lytics_azure_tui.tui.figures import count
from lytics_azure_tui.tui.language import column_fields, completer, prepare, problem_with
from lytics_azure_tui.tui.mapping_draft import WHERE, MappingDraft, merged, said
from lytics_azure_tui.tui.profile_facts import telling
from lytics_azure_tui.tui.profile_facts import written as value_text
from lytics_azure_tui.tui.screens.confirm import Confirm
from lytics_azure_tui.tui.screens.editor import Editor
from lytics_azure_tui.tui.screens.rule_form import RuleForm
from lytics_azure_tui.tui.text import content
from lytics_azure_tui.tui.widgets.grid import Cell, Column, Grid, Row
from lytics_azure_tui.tui.widgets.trial_pane import TrialPane

FIELDS = (
    Column("User field", least=10),
    Column("Made of", least=12),
    Column("Kind, merged by", 18, optional=1),
    Column("Id", 2, right=True),
    Column("Filled", 6, right=True),
)
UNMAPPED = "Nothing yet. A mapping makes profiles of events by an identifier, such as an e-mail address."
UNIDENTIFIED = "No user field is an identifier yet, so no event can be told to be somebody's."
PAUSE_SECONDS = 0.3
"""After the last change, before it is tried."""
SAMPLES = 200
"""Newest events from which suggestions are made."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What the editor stands on, read once."""

    mapping: StreamMapping
    definitions: Definitions
    columns: tuple[StreamField, ...]
    preview: Preview
    events: int

    def values(self) -> dict[str, list[str | None]]:
        """By column, those of the newest events."""
        return {name: [row[at] for row in self.preview.rows] for at, name in enumerate(self.preview.columns)}


class MappingEditor(Editor[StreamMapping]):
    """Nothing counts before it is published; until then every change is tried on the newest events."""

    CSS_PATH = "mapping_editor.tcss"
    HEADING = "Mapping"
    FORM = "mapping"
    AUTO_FOCUS = ""
    OWN_COMMANDS: ClassVar[tuple[Command, ...]] = (
        Command("a", "add", "Add", "Make a user field of the column under the cursor; enter does, too."),
        Command("s", "suggest", "Suggest", "Take every user field that the columns' names and values suggest."),
        Command("e", "edit", "Edit", "Change the user field under the cursor; enter does, too."),
        Command("d,delete", "remove", "Remove", "Take the user field under the cursor out."),
        Command("i", "interest", "Interest", "Make an interest of the column under the cursor.", footer=False),
        Command("w", "where", "Where", "A condition: other events of the stream make no profiles.", footer=False),
        Command("u,ctrl+z", "undo", "Undo", "Take the last change back."),
        Command("r", "again", "Try again", "Try the mapping on the newest events again.", footer=False),
        Command("ctrl+s", "publish", "Publish", "Save the mapping; profiles are then built anew.", label="^s"),
        Command("escape", "leave", "Back", "Back to the streams; asks when there are changes.", label="esc"),
    )
    BINDINGS = bindings(OWN_COMMANDS)

    def __init__(self, desk: Desk, stream: str) -> None:
        """Opens on one stream, mapped or not."""
        super().__init__(desk)
        self._stream = stream
        self._ground: Ground | None = None
        self._draft = MappingDraft(StreamMapping(stream=stream))
        self._trial: Trial | None = None
        self.heading = f"Mapping · {stream}"

    def body(self) -> ComposeResult:
        yield Static("Reading the stream…", id="state", markup=False)
        with Container(id="both"):
            yield Grid(id="columns", classes="pane")
            with Vertical(id="fields-pane", classes="pane"):
                yield Static(id="fields-note", markup=False)
                yield Grid(FIELDS, id="fields")
        yield TrialPane(id="trial", classes="pane")

    def on_mount(self) -> None:
        self.query_one("#columns").border_title = "Columns of the stream"
        self.query_one("#fields-pane").border_title = "User fields"
        self._read()

    @property
    def unsaved(self) -> bool:
        return self._draft.unsaved

    # Drafts, and a file that has changed meanwhile

    @property
    def item(self) -> str:
        return self._stream

    def draft_values(self) -> Mapping[str, Any]:
        base = self.base.model_dump(mode="json") if self.base is not None else None
        return {"mapping": self._draft.mapping.model_dump(mode="json"), "base": base}

    async def go_on_from(self, values: Mapping[str, Any]) -> None:
        with suppress(ValidationError, TypeError):
            self._draft.replace(StreamMapping.model_validate({**values["mapping"], "stream": self._stream}))
            if values.get("base"):
                self.base = StreamMapping.model_validate({**values["base"], "stream": self._stream})
        self._changed()

    async def take_in(self, before: StreamMapping | None, now: StreamMapping) -> None:
        self._draft.replace(merged(self._draft.mapping, before or StreamMapping(stream=self._stream), now))
        self._changed()

    # Reading

    @work(exclusive=True, group="read", description="read the stream", exit_on_error=False)
    async def _read(self) -> None:
        try:
            ground = await self.fetch(self._look, "read the stream")
        except LyazureError as error:
            self.problem(error)
            self.query_one("#state", Static).update("The mapping cannot be edited while this is so.")
            return
        self._ground = ground
        self._draft = MappingDraft(ground.mapping)
        self.base = ground.mapping
        self.query_one("#state").display = False
        self.query_one("#both").display = self.query_one("#trial").display = True
        self._show_columns(ground)
        self.query_one("#fields" if ground.mapping.fields else "#columns").focus()
        self._changed()
        self.offer_draft()

    def _look(self) -> Ground:
        from lytics_azure_tui.config import definitions

        prepare()
        lytics = self.desk.lytics
        lytics.require_definitions()
        known, problems = definitions.look(self.desk.folder)
        mapping = self._of(known, problems)
        events = next((info.events for info in lytics.streams() if info.name == self._stream), 0)
        return Ground(
            mapping,
            known,
            tuple(lytics.fields(self._stream)),
            lytics.preview(self._stream, SAMPLES),
            events,
        )

    def _of(self, known: Definitions, problems: Sequence[BadConfiguration]) -> StreamMapping:
        """The stream's own mapping; an empty one where it has none. Raises `BadConfiguration`."""
        from lytics_azure_tui.config import definitions

        mapping = next((item for item in known.mappings if item.stream == self._stream), None)
        if mapping is None and (definitions.mappings_dir(self.desk.folder) / f"{self._stream}.toml").exists():
            # It is there and cannot be read: to begin anew would be to write over it.
            raise _about(problems, self._stream)
        return mapping or StreamMapping(stream=self._stream)

    # Showing

    def _show_columns(self, ground: Ground) -> None:
        values = ground.values()
        rows = []
        for place, column in enumerate(ground.columns):
            share = f"{column.filled / ground.events:.0%}" if column.filled is not None and ground.events else "—"
            samples = list(dict.fromkeys(value for value in values.get(column.name, ()) if value))[:4]
            cells = (Cell(column.name, "strong"), Cell(share, "muted"), Cell(", ".join(samples), "muted"))
            rows.append(Row(str(place), cells))
        longest = max((len(column.name) for column in ground.columns), default=0)
        name = Column("Column", max(min(longest, 24 if self.has_class("-wide") else 12), 8))
        columns = (name, Column("Filled", 6, right=True), Column("Values", least=6))
        self.query_one("#columns", Grid).show_rows(rows, columns)

    def _changed(self) -> None:
        """After each change: the fields at once, what they would make a moment later."""
        self._show_fields()
        self._try()
        self.refresh_bindings()

    def _show_fields(self) -> None:
        rows = [self._row(key, part) for key, part in self._draft.parts()]
        if self._draft.mapping.where:
            blank = (Cell(""),) * (len(FIELDS) - 2)
            rows.append(Row(WHERE, (Cell("only where", "muted"), Cell(self._draft.mapping.where), *blank)))
        self.query_one("#fields", Grid).show_rows(rows)
        pane = self.query_one("#fields-pane")
        title = ["User fields", *([str(len(rows))] if rows else []), *(["not published"] if self.unsaved else [])]
        pane.border_title = " · ".join(title)
        note = self.query_one("#fields-note", Static)
        note.display = not rows
        self.query_one("#fields").display = bool(rows)
        note.update("None yet. s takes what the columns suggest; a or enter makes one of the column under the cursor.")

    def _row(self, key: str, part: FieldRule | Affinity) -> Row:
        trial = self._trial
        filled = trial.filled.get(part.field) if trial is not None else None
        share = f"{filled / trial.events:.0%}" if trial is not None and trial.events and filled is not None else ""
        wrong = trial.unreadable.get(part.field, 0) if trial is not None else 0
        made = f"{part.expression} if {part.guard}" if part.guard else part.expression
        if isinstance(part, Affinity):
            kind, rank = "interest", ""
        else:
            kind = f"{part.kind}, {part.merged_by}"
            rank = str(part.rank) if part.identifier else ""
        return Row(
            key,
            (
                Cell(part.field, "strong"),
                Cell(made),
                Cell(kind, "muted"),
                Cell(rank, "good"),
                Cell(f"⚠ {share}" if wrong else share, "watch" if wrong else "muted"),
            ),
        )

    @work(exclusive=True, group="try", description="try the mapping", exit_on_error=False)
    async def _try(self) -> None:
        pane, mapping = self.query_one(TrialPane), self._draft.mapping
        if not self._draft.identified:
            self._tried(None)
            pane.say(content(UNIDENTIFIED if mapping.fields else UNMAPPED, "dim"))
            return
        pane.trying()
        await asyncio.sleep(PAUSE_SECONDS)
        stopper = Stopper()
        try:
            trial = await self.fetch(partial(self._ask, mapping, stopper), "try the mapping")
        except LyazureError as error:
            self._tried(None)
            self.problem(error)
            pane.say(Content(""))
        else:
            self._tried(trial)
            self.problem(None)
            names = list(dict.fromkeys(part.field for _, part in self._draft.parts()))
            pane.show(trial, names, self.desk.zone)
        finally:
            stopper.stop()  # nobody waits for what an older mapping would make

    def _tried(self, trial: Trial | None) -> None:
        self._trial = trial
        self._show_fields()

    def _ask(self, mapping: StreamMapping, stopper: Stopper) -> Trial:
        return self.desk.lytics.try_mapping(mapping, stopper=stopper)

    # What the operator does

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What there is nothing to do with now is not offered."""
        if action in ("add", "suggest", "interest", "where", "again", "publish"):
            return self._ground is not None
        if action == "undo":
            return self._draft.undoable
        if action in ("edit", "remove"):
            return self._ground is not None and bool(list(self._draft.parts()) or self._draft.mapping.where)
        return super().check_action(action, parameters)

    @property
    def _column(self) -> str | None:
        """The name of the column under the cursor."""
        key = self.query_one("#columns", Grid).selected
        return None if key is None or self._ground is None else self._ground.columns[int(key)].name

    def action_suggest(self) -> None:
        """Takes all that the columns suggest."""
        ground = self._ground
        if ground is None:
            return
        found = suggestions(
            [column.name for column in ground.columns],
            ground.values(),
            stream=self._stream,
            known=self._others().user_fields(),
            taken=[part.field for _, part in self._draft.parts()],
        )
        taken = self._draft.take(found)
        self.say(f"{taken} user fields taken. u takes them back." if taken else "The columns suggest nothing more.")
        self._changed()

    def action_add(self) -> None:
        """A rule for the column under the cursor, to be looked at before it is taken."""
        column, ground = self._column, self._ground
        if column is not None and ground is not None:
            made = suggest(
                column,
                ground.values().get(column, ()),
                stream=self._stream,
                known=self._others().user_fields(),
            )
            kind = "interest" if isinstance(made.rule, Affinity) else "user field"
            self._form(f"New {kind} from {column}", made.rule, type(made.rule), None)

    def action_interest(self) -> None:
        """An interest by the column under the cursor."""
        column, ground = self._column, self._ground
        if column is not None and ground is not None:
            made = suggest(column).rule
            name = made.field.removesuffix("_interest")
            item = Affinity(field=f"{name}_interest", expression=written_name(column))
            self._form(f"New interest from {column}", item, Affinity, None)

    def action_edit(self) -> None:
        """The part under the cursor of the user fields."""
        key = self.query_one("#fields", Grid).selected
        part = self._draft.part(key) if key else None
        if key == WHERE:
            self.action_where()
        elif part is not None:
            self._form(part.field, part, type(part), key)

    def action_where(self) -> None:
        """The condition on all events."""
        self._form("Which events make profiles", self._draft.mapping, StreamMapping, WHERE)

    def action_remove(self) -> None:
        """Takes the part under the cursor out; undo brings it back."""
        key = self.query_one("#fields", Grid).selected
        if key is not None:
            self._draft.remove(key)
            self._changed()

    def action_undo(self) -> None:
        """One step back."""
        if self._draft.undo():
            self._changed()

    def action_again(self) -> None:
        """Tries once more, as there may be other events by now."""
        self._try()

    def action_leave(self) -> None:
        """Out; asks when there are changes."""
        self.leave()

    @on(DataTable.RowSelected, "#columns")
    def _column_chosen(self) -> None:
        self.action_add()

    @on(DataTable.RowSelected, "#fields")
    def _field_chosen(self) -> None:
        self.action_edit()

    @work(exclusive=True, group="deed", description="edit the mapping", exit_on_error=False)
    async def _form(self, title: str, part: Any, kind: Any, key: str | None) -> None:
        ground = self._ground
        if ground is None:
            return
        names = [column.name for column in ground.columns]
        fields = column_fields(names)
        form = RuleForm(
            title,
            part,
            kind=kind,
            stream=self._stream,
            complete=completer(lambda: fields, filter=False),
            judge=lambda text, is_condition: problem_with(text, names, condition=is_condition),
            attempt=partial(self._attempt, key),
        )
        built = await self.app.push_screen_wait(form)
        at = WHERE
        if isinstance(built, StreamMapping):
            self._draft.where(built.where)
        elif isinstance(built, FieldRule | Affinity):
            at = self._draft.put(built, key)
        else:
            return
        self._changed()
        self.query_one("#fields", Grid).select(at)

    def _attempt(self, key: str | None, part: BaseModel, stopper: Stopper) -> Content:
        """Says what a part alone would give. In a thread."""
        whole = self._draft.mapping
        if isinstance(part, FieldRule | Affinity):
            self._agree(self._draft.with_part(part, key))
        identifiers = [rule for rule in whole.fields if rule.identifier]
        if isinstance(part, StreamMapping):
            trial = self._ask(whole.model_copy(update={"where": part.where}), stopper)
            some = ", ".join(telling(profile, {}).value for profile in trial.profiles[:4]) or "none"
            return content(f"Profiles in the newest {counted(trial.events, 'event')}: {some}", cells=140)
        name = part.field  # type: ignore[attr-defined]
        fields = [rule for rule in identifiers if rule.field != name]
        parts = (
            {"fields": [*fields, part], "affinities": []}
            if isinstance(part, FieldRule)
            else {"fields": identifiers, "affinities": [part]}
        )
        trial = self._ask(whole.model_copy(update=parts), stopper)
        filled, wrong = trial.filled.get(name, 0), trial.unreadable.get(name, 0)
        said = f"Has a value in {count(filled)} of the newest {counted(trial.events, 'event')}"
        found = [
            value_text(profile.fields[name], self.desk.zone) for profile in trial.profiles if name in profile.fields
        ]
        some = ", ".join(list(dict.fromkeys(found))[:4])
        lines = [content(f"{said}: {some}" if some else f"{said}.", cells=140)]
        if wrong:
            lines.append(content(f"⚠ {count(wrong)} cannot be read as its kind.", "$text-warning"))
        return Content("\n").join(lines)

    def _agree(self, mapping: StreamMapping) -> None:
        """Raises `BadConfiguration` where one user field would be two things."""
        for stream, words in disagreements([*self._others().mappings, mapping]):
            if stream == self._stream:
                raise BadConfiguration(f"One user field cannot be two things: {words}", fix="Give it another name")

    # Publishing

    def _others(self) -> Definitions:
        known = self._ground.definitions if self._ground is not None else Definitions()
        return Definitions(tuple(item for item in known.mappings if item.stream != self._stream), known.audiences)

    def action_publish(self) -> None:
        """Saves, after saying what will happen."""
        if not self.unsaved:
            self.say("Nothing has been changed.")
            return
        self._publish()

    @work(exclusive=True, group="deed", description="publish the mapping", exit_on_error=False)
    async def _publish(self) -> None:
        from lytics_azure_tui.config import definitions

        ground, mapping = self._ground, self._draft.mapping
        if ground is None:
            return
        try:
            self._agree(mapping)
            await self._hold(mapping)
        except LyazureError as error:
            self.problem(error)
            return
        if not await self.app.push_screen_wait(self._question(ground)):
            return
        folder = self.desk.folder
        empty = mapping == StreamMapping(stream=self._stream)
        save = partial(definitions.save_mapping, folder, mapping)
        remove = partial(definitions.delete_mapping, folder, self._stream)
        write = remove if empty else save
        name = f"mappings/{self._stream}.toml"
        try:
            if not await self.save_over(name, mapping, lambda: self._of(*definitions.look(folder)), write, said):
                return
        except LyazureError as error:
            self.problem(error)
            return
        self._draft.saved()
        self.say(f"The mapping of {self._stream} is published. Profiles are being built anew.")
        self.close()

    async def _hold(self, mapping: StreamMapping) -> None:
        """Raises `BadConfiguration` for a mapping that names what is not there, as a file written by hand may."""
        try:
            await self.fetch(partial(self._ask, mapping, Stopper()), "try the mapping")
        except BadConfiguration:
            raise
        except LyazureError:
            return  # not the mapping's fault

    def _question(self, ground: Ground) -> Confirm:
        words = [
            f"Profiles are built anew from all {counted(ground.events, 'event')} of {self._stream} and those of the "
            "other mapped streams, also from events that were imported before this mapping. (Lytics itself maps only "
            "what comes later.)"
        ]
        if not self._draft.mapping.fields:
            words = [f"Without user fields no event of {self._stream} makes a profile; profiles are built anew."]
        elif not self._draft.identified:
            words.append("No user field is an identifier: none of these events will be in a profile.")
        return Confirm("Publish the mapping?", "\n\n".join(words), yes="Publish", no="Not yet")


def _about(problems: Sequence[BadConfiguration], stream: str) -> BadConfiguration:
    """The one that is about a stream's own file."""
    name = f"mappings/{stream}.toml"
    return next((problem for problem in problems if name in problem.what), BadConfiguration(f"{name} cannot be read"))
