"""What was entered in a form outlives it, without secrets; and a file that has changed meanwhile is not overwritten."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from lytics_azure_tui.config import drafts
from lytics_azure_tui.config.drafts import Draft
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.jobs.kind import Rehearsal
from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.model.mapping import FieldRule, StreamMapping
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.tui.mapping_draft import merged
from lytics_azure_tui.tui.screens.authorization_form import AuthorizationForm
from lytics_azure_tui.tui.screens.changed import Changed
from lytics_azure_tui.tui.screens.confirm import Confirm
from lytics_azure_tui.tui.screens.dashboard import Dashboard
from lytics_azure_tui.tui.screens.job_wizard import FIELDS, NAME, REVIEW, JobWizard
from lytics_azure_tui.tui.widgets.form import Form
from lytics_azure_tui.tui.widgets.problem import Problem
from lytics_azure_tui.tui.widgets.review import Review
from tests.tui.conftest import SMALL, settled, until
from tests.tui.shelf import full, put_on
from tests.tui.terminal import Terminal
from tests.tui.test_terminal import folder, terminals
from tests.tui.world import NOW, World

__all__ = ["folder", "terminals"]
KEY = "DefaultEndpointsProtocol=https;AccountName=w;AccountKey=c2VjcmV0c2VjcmV0;EndpointSuffix=core.windows.net"


@pytest.fixture(autouse=True)
def shelf(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put_on(world, full(), monkeypatch)
    monkeypatch.setattr("lytics_azure_tui.jobs.rehearsal.rehearse", lambda *_: Rehearsal("Nothing"))


def wizard(pilot: Pilot[Any]) -> JobWizard:
    return next(screen for screen in pilot.app.screen_stack if isinstance(screen, JobWizard))


def answers(pilot: Pilot[Any]) -> dict[str, Any]:
    return wizard(pilot)._answers


async def edit(pilot: Pilot[Any]) -> None:
    """Opens the first job, and waits for the form, or for the question before it."""
    await settled(pilot)
    await pilot.press("e")
    await settled(pilot)


async def begin(pilot: Pilot[Any]) -> None:
    """A new job, up to a part of its fields."""
    await settled(pilot)
    for key in ("n", "enter", "enter", "enter"):
        await pilot.press(key)
        await settled(pilot)
    await pilot.press(*"Daily orders", "enter", "enter")
    await settled(pilot)
    await pilot.press(*"orders", "enter", *"landing")
    await settled(pilot)


def change(world: World, text: str, other: str) -> Path:
    """What an editor, another TUI or git does to the job's file."""
    (path,) = world.folder.jobs_dir.glob("*.toml")
    assert text in path.read_text()
    path.write_text(path.read_text().replace(text, other))
    return path


async def test_ctrl_q_in_a_form_asks_and_what_was_entered_is_offered_again(world: World) -> None:
    async with world.app().run_test(size=SMALL) as pilot:
        await begin(pilot)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("n")
        await settled(pilot)
        assert isinstance(pilot.app.screen, JobWizard), "nothing is lost by a slip"
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: pilot.app._exit)
        assert "Daily orders" in str(pilot.app._exit_renderables[-1])
    (draft,) = drafts.every(world.folder)
    assert draft.path is not None
    assert stat.S_IMODE(draft.path.stat().st_mode) == 0o600
    async with world.app().run_test(size=SMALL) as pilot:
        await settled(pilot)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, JobWizard) and wizard(pilot).at == FIELDS)
        await settled(pilot)
        assert (answers(pilot)["stream"], answers(pilot)["container"]) == ("orders", "landing")
        await pilot.press("escape")
        await settled(pilot)
        assert wizard(pilot).at == NAME
        form = wizard(pilot).query_one("#name", Form)
        assert form.fields["label"].answer == "Daily orders"
        form.put("description", "By hand")
        for name, answer in (("filename", "readme.txt"),):
            wizard(pilot).query_one(f"#form-{FIELDS}", Form).put(name, answer)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, Dashboard))
        await settled(pilot)
    assert [(job.label, job.description) for job in world.folder.jobs()] == [("Daily orders", "By hand")]
    assert drafts.every(world.folder) == []


async def test_a_draft_can_be_discarded(world: World) -> None:
    drafts.keep(world.folder, Draft("job", "", "Old", NOW, {"label": {"label": "Old", "description": ""}}))
    async with world.app().run_test(size=SMALL) as pilot:
        await settled(pilot)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("y")
        await settled(pilot)
        assert drafts.every(world.folder) == []
        assert wizard(pilot)._label["label"] is None


@pytest.mark.parametrize("values", [{"answers": [1]}, {"label": 3}, {"step": "x"}, {"kind": "Gone"}, {}])
async def test_a_draft_that_is_not_understood_is_told(world: World, values: dict[str, Any]) -> None:
    drafts.keep(world.folder, Draft("job", "", "Old", NOW, values))
    async with world.app().run_test(size=SMALL) as pilot:
        await settled(pilot)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("n")
        await settled(pilot)
        error = wizard(pilot).query_one(Problem).error
        assert error is None or error.what == "The draft cannot be used"


async def test_nothing_is_kept_of_a_form_in_which_nothing_was_entered(world: World) -> None:
    world.job("Daily")
    async with world.app().run_test(size=SMALL) as pilot:
        await edit(pilot)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: pilot.app._exit)
    assert drafts.every(world.folder) == []


async def test_a_second_ctrl_q_does_not_ask_again(world: World) -> None:
    async with world.app().run_test(size=SMALL) as pilot:
        await begin(pilot)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("ctrl+q")
        await until(pilot, lambda: pilot.app._exit)
    assert [draft.title for draft in drafts.every(world.folder)] == ["Daily orders"]


async def test_a_form_below_another_screen_is_kept_too(world: World) -> None:
    async with world.app().run_test(size=SMALL) as pilot:
        await begin(pilot)
        pilot.app.action_go("streams")  # type: ignore[attr-defined]
        await settled(pilot)
        await pilot.press("q")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: pilot.app._exit)
    assert [draft.title for draft in drafts.every(world.folder)] == ["Daily orders"]


async def test_ctrl_c_says_which_key_quits(world: World) -> None:
    async with world.app().run_test(size=SMALL) as pilot:
        await begin(pilot)
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert any("Ctrl+q quits" in note.message for note in pilot.app._notifications)
        assert isinstance(pilot.app.screen, JobWizard)


async def test_no_secret_is_in_a_draft(world: World) -> None:
    async with world.app().run_test(size=SMALL) as pilot:
        await settled(pilot)
        await pilot.press("2")
        await settled(pilot)
        for key in ("n", "enter", "enter"):
            await pilot.press(key)
            await settled(pilot)
        form = pilot.app.screen.query_one(Form)
        form.put("label", "Warehouse")
        form.put("connection_string", Secret(KEY))
        form.put("description", f"paste went wrong: {KEY}")
        await pilot.press("end", "x")
        await settled(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, AuthorizationForm)
        assert screen.keep_draft()
    (draft,) = drafts.every(world.folder)
    assert draft.path is not None
    text = draft.path.read_text()
    assert "Warehouse" in text
    for part in ("c2VjcmV0", "AccountKey"):
        assert part not in text
    async with world.app().run_test(size=SMALL) as pilot:
        await settled(pilot)
        await pilot.press("2")
        await settled(pilot)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("n")
        await settled(pilot)
        fields = pilot.app.screen.query_one(Form).fields
        assert fields["label"].answer == "Warehousex"
        assert fields["connection_string"].answer is None


@pytest.mark.parametrize(
    "values",
    [
        {"a": "hunter2hunter2"},
        {"a": {"b": ["x hunter2hunter2 y"]}},
        {"password": "anything"},
        {"connection_string": "x"},
        {"a": "Server=tcp:db;User ID=me;Password=swordfish1;"},
        {"a": "https://w.blob.core.windows.net/?sv=1&sig=abcdefghijkl"},
        {"a": "SharedAccessKey = abcdefghijkl"},
        {"a": "-----BEGIN PGP PRIVATE KEY BLOCK-----"},
    ],
)
def test_whatever_looks_like_a_secret_stays_out(tmp_path: Path, values: dict[str, Any]) -> None:
    place = Folder.open(tmp_path)
    draft = Draft("job", "", "x", NOW, {**values, "label": "Daily"})
    text = drafts.keep(place, draft, [Secret("hunter2hunter2"), None]).read_text()
    for part in ("hunter2", "swordfish", "abcdefghijkl", "PRIVATE", "anything", "connection_string"):
        assert part not in text
    assert '"label": "Daily"' in text
    (tmp_path / "data" / "drafts" / "broken.json").write_text("{")
    assert [found.values["label"] for found in drafts.every(place)] == ["Daily"]


@pytest.mark.parametrize("how", ["signal", "hang-up"])
def test_a_lost_line_keeps_a_draft(terminals: list[Terminal], folder: Path, how: str) -> None:
    place = Folder.open(folder)
    place.save_authorization(AzureStorage(id="warehouse", label="Warehouse"))
    terminal = Terminal(folder)
    terminals.append(terminal)
    terminal.read_until(b"New job")
    steps = (
        (b"n", b"Where the data"),
        (b"\r", b"What the job"),
        (b"\r", b"New authorization"),
        (b"\r", b"name by which"),
    )
    for keys, shown in steps:
        os.write(terminal.master, keys)
        terminal.read_until(shown)
    os.write(terminal.master, b"Nightly\r")
    terminal.read_until(b"whom to ask")  # the help of the field after it
    if how == "signal":
        terminal.process.send_signal(signal.SIGHUP)
        terminal.read_rest()
    else:
        terminal.hang_up()
        terminal.process.wait(20)
    assert [draft.values["label"]["label"] for draft in drafts.every(place)] == ["Nightly"]


# A file that has changed meanwhile


@pytest.mark.parametrize(
    ("key", "stream", "description"),
    [("escape", "customers", "Ask Dana"), ("m", "mine", "Ask Dana"), ("o", "mine", "")],
)
async def test_a_file_that_has_changed_is_compared_and_both_are_shown(
    world: World, key: str, stream: str, description: str
) -> None:
    job = world.job("Daily", container="landing", filename="readme.txt")
    async with world.app().run_test(size=SMALL) as pilot:
        await edit(pilot)
        wizard(pilot).query_one(f"#form-{FIELDS}", Form).put("stream", "mine")
        await settled(pilot)
        change(world, 'label = "Daily"', 'label = "Daily"\ndescription = "Ask Dana"')
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, Changed))
        screen = pilot.app.screen
        assert isinstance(screen, Changed)
        table = screen._table()
        shown = [[str(cell) for cell in column.cells] for column in table.columns]
        assert shown == [
            ["Description", "Stream"],
            ["• Ask Dana", "  customers"],
            ["  —", "• mine"],
        ]
        await pilot.press(key)
        await settled(pilot)
        if key == "m":
            assert isinstance(pilot.app.screen, JobWizard)
            assert wizard(pilot)._label["description"] == "Ask Dana"
            assert world.folder.job(job.id).config.model_dump()["stream"] == "customers", "not saved yet"
            await pilot.press("ctrl+s")
            await settled(pilot)
        if key == "escape":
            assert isinstance(pilot.app.screen, JobWizard)
        else:
            await until(pilot, lambda: isinstance(pilot.app.screen, Dashboard))
    saved = world.folder.job(job.id)
    assert (saved.config.model_dump()["stream"], saved.description) == (stream, description)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("label", "# A comment\nlabel"),
        ('"landing"', "'landing'"),
        ('stream = "customers"', 'stream = "mine"'),
    ],
    ids=["a comment", "other quotes", "the same change"],
)
async def test_a_change_that_says_nothing_else_asks_nothing(world: World, text: str, other: str) -> None:
    job = world.job("Daily", container="landing", filename="readme.txt")
    async with world.app().run_test(size=SMALL) as pilot:
        await edit(pilot)
        wizard(pilot).query_one(f"#form-{FIELDS}", Form).put("stream", "mine")
        await settled(pilot)
        path = change(world, text, other)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, Dashboard))
        assert other in path.read_text() or "mine" in path.read_text()
    assert world.folder.job(job.id).config.model_dump()["stream"] == "mine"


async def test_a_job_that_was_paused_meanwhile_stays_paused(world: World) -> None:
    job = world.job("Daily", container="landing", filename="readme.txt")
    async with world.app().run_test(size=SMALL) as pilot:
        await edit(pilot)
        wizard(pilot).query_one(f"#form-{FIELDS}", Form).put("stream", "mine")
        await settled(pilot)
        world.folder.save_job(job.model_copy(update={"enabled": False}))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, Dashboard))
    saved = world.folder.job(job.id)
    assert (saved.enabled, saved.config.model_dump()["stream"]) == (False, "mine")


@pytest.mark.parametrize("again", [True, False])
async def test_a_job_that_was_deleted_meanwhile_is_made_anew_only_when_asked_for(world: World, again: bool) -> None:
    job = world.job("Daily", container="landing", filename="readme.txt")
    async with world.app().run_test(size=SMALL) as pilot:
        await edit(pilot)
        wizard(pilot).query_one(f"#form-{FIELDS}", Form).put("stream", "mine")
        await settled(pilot)
        world.folder.delete_job(job.id)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("y" if again else "n")
        await settled(pilot)
    assert [found.config.model_dump()["stream"] for found in world.folder.jobs()] == (["mine"] if again else [])


async def test_a_draft_is_compared_with_the_file_as_it_was_when_the_form_was_opened(world: World) -> None:
    world.job("Daily", container="landing", filename="readme.txt")
    async with world.app().run_test(size=SMALL) as pilot:
        await edit(pilot)
        wizard(pilot).query_one(f"#form-{FIELDS}", Form).put("stream", "mine")
        await settled(pilot)
        assert wizard(pilot).keep_draft()
    change(world, '"customers"', '"theirs"')
    async with world.app().run_test(size=SMALL) as pilot:
        await settled(pilot)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("n")
        await settled(pilot)
        assert answers(pilot)["stream"] == "mine"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, Changed))


def test_two_mappings_are_merged_by_their_fields() -> None:
    def mapping(where: str | None = None, **fields: str) -> StreamMapping:
        rules = [FieldRule(field=name, expression=column) for name, column in fields.items()]
        return StreamMapping(stream="web", where=where, fields=rules)

    before = mapping(email="mail", plan="plan", city="city")
    here = mapping(email="mail", plan="offer", city="city", age="age")
    now = mapping(where="exists(mail)", email="email(mail)", plan="product", town="town")
    assert merged(here, before, now) == mapping(
        where="exists(mail)", plan="offer", age="age", email="email(mail)", town="town"
    )
    assert merged(before, before, now) == now
    assert merged(here, before, before) == here


# Neutral, and marked


async def test_a_stray_key_changes_nothing_in_a_form_that_was_just_opened(world: World) -> None:
    world.job("Daily", container="landing", filename="readme.txt")
    async with world.app().run_test(size=SMALL) as pilot:
        await edit(pilot)
        before = dict(answers(pilot))
        await pilot.press("x", "space", "delete", "backspace", "z")
        await pilot.pause()
        assert answers(pilot) == before
        assert not wizard(pilot).unsaved
        await pilot.press("enter")
        assert wizard(pilot).focused is not None, "enter goes to the first field"
        await pilot.press("end", "s")
        await pilot.pause()
        assert answers(pilot)["stream"] == "customerss"


async def test_the_review_marks_what_differs_from_the_saved_job(world: World) -> None:
    world.job("Daily", container="landing", filename="readme.txt")
    texts: list[str] = []

    def shown(pilot: Pilot[Any]) -> str:
        from rich.console import Console

        said = wizard(pilot).query_one(Review).query_one("#answers", Static)
        console = Console(width=70, color_system=None)
        with console.capture() as captured:
            console.print(said.visual._renderable if hasattr(said.visual, "_renderable") else said.content)
        texts.append(captured.get())
        return texts[-1]

    async with world.app().run_test(size=SMALL) as pilot:
        await edit(pilot)
        await pilot.press("ctrl+n", "ctrl+n")
        await until(pilot, lambda: wizard(pilot).at == REVIEW)
        assert "As it is saved" in shown(pilot)
        await pilot.press("escape", "escape")
        await until(pilot, lambda: wizard(pilot).at == FIELDS)
        wizard(pilot).query_one(f"#form-{FIELDS}", Form).put("delimiter", "\t")
        await settled(pilot)
        await pilot.press("ctrl+n", "ctrl+n")
        await until(pilot, lambda: wizard(pilot).at == REVIEW)
        assert "• tab  before: ," in shown(pilot)
        assert "1 changed since it was saved" in texts[-1]
