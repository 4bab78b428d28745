"""The app around the screens: places, palette, help, passphrase, doctor, and an end that says what goes on."""

from __future__ import annotations

import ast
import asyncio
import gc
import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from textual.command import CommandList, CommandPalette
from textual.widgets import Footer, Input
from textual.widgets._footer import FooterKey

from lytics_azure_tui import tui
from lytics_azure_tui.config.keys import NewPassphraseNeeded, PassphraseNeeded
from lytics_azure_tui.config.secrets import SecretStore
from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.model.run import Progress
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.runner.doctor import Check, State
from lytics_azure_tui.runner.service import RunnerStatus
from lytics_azure_tui.tui.app import LyazureApp, farewell
from lytics_azure_tui.tui.commands import commands_of
from lytics_azure_tui.tui.desk import Desk
from lytics_azure_tui.tui.screens.authorizations import Authorizations
from lytics_azure_tui.tui.screens.dashboard import Dashboard
from lytics_azure_tui.tui.screens.doctor import Doctor
from lytics_azure_tui.tui.screens.help import Help
from lytics_azure_tui.tui.screens.passphrase import Passphrase
from lytics_azure_tui.tui.screens.run_detail import RunDetail
from lytics_azure_tui.tui.screens.streams import Streams
from lytics_azure_tui.tui.themes import LIGHT
from lytics_azure_tui.tui.widgets.problem import Problem
from tests.tui.conftest import LARGE, SMALL, Picture, settled, until
from tests.tui.world import NOW, Drawer, World

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])
CHECKS = (
    Check("configuration", "", State.OK, "~/.config/lyazure-tui: 7 jobs, 1 authorization"),
    Check("secrets", "", State.OK, "Secrets are in the keyring of this desktop"),
    Check(
        "credentials",
        "Warehouse storage",
        State.PROBLEM,
        "The signature expired on 23 November",
        "Make a new one in the portal, then edit the authorization.",
    ),
    Check("linger", "", State.WARNING, "The runner would end when you log out", "loginctl enable-linger"),
    Check("disk", "", State.OK, "812.4 GB free for [data]"),
)


@SIZES
def test_help_is_drawn_from_the_commands(picture: Picture, world: World, size: tuple[int, int]) -> None:
    assert picture(world, size, press=["question_mark"])


@SIZES
def test_the_doctor_says_what_is_wrong_and_the_fix(
    picture: Picture, world: World, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.desk, "examine", lambda: iter(CHECKS))
    assert picture(world, size, press=["f8"])


@SIZES
def test_a_question_before_what_cannot_be_undone(picture: Picture, world: World, size: tuple[int, int]) -> None:
    world.authorization()
    world.job("Customers [daily]")
    assert picture(world, size, press=["d"])


@SIZES
def test_the_passphrase_is_asked_for(picture: Picture, world: World, size: tuple[int, int]) -> None:
    reason = PassphraseNeeded(
        "The encrypted file for secrets, ~/.config/lyazure-tui/secrets.crypt, needs a passphrase",
        fix="Type it when asked, or give it in the variable LYAZURE_PASSPHRASE",
    )
    assert picture(world, size, screen=lambda: Passphrase(world.desk, reason))


@SIZES
def test_a_new_passphrase_is_chosen_and_typed_twice(picture: Picture, world: World, size: tuple[int, int]) -> None:
    reason = NewPassphraseNeeded(
        "Secrets will be kept in an encrypted file, ~/.config/lyazure-tui/secrets.crypt, and it needs a passphrase",
        why="No keyring can be used in this session",
    )
    assert picture(world, size, screen=lambda: Passphrase(world.desk, reason))


async def test_a_typing_error_in_a_new_passphrase_is_caught(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[Secret] = []
    monkeypatch.setattr(world.desk, "remember", chosen.append)
    app = world.app()
    async with app.run_test(size=SMALL) as pilot:
        await settled(pilot)
        app.push_screen(Passphrase(world.desk, NewPassphraseNeeded("Secrets need a passphrase")))
        await pilot.pause()
        await pilot.press(*"horse", "enter", *"hrose", "enter")
        await until(pilot, lambda: "not the same" in str(app.screen.query_one("#reason").render()))
        assert not chosen
        assert [field.value for field in app.screen.query(Input)] == ["", ""]
        await pilot.press(*"horse", "enter", *"horse", "enter")
        await until(pilot, lambda: not isinstance(app.screen, Passphrase))
    assert chosen == [Secret("horse")]


async def test_not_now_and_then_start_says_what_is_missing_and_queues_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.authorization()
    world.job("Customers")

    def locked(*_: object) -> NoReturn:
        raise PassphraseNeeded("The encrypted file for secrets needs a passphrase", fix="Type it when asked")

    for name in ("secrets", "start_now"):
        monkeypatch.setattr(world.desk, name, locked)
    app = world.app()
    async with app.run_test(size=SMALL) as pilot:
        for key in ("", "s"):
            await settled(pilot)
            if key:
                await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, Passphrase))
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, Dashboard))
            await until(pilot, lambda: "needs a passphrase" in str(app.screen.query_one(Problem).error))
        await pilot.pause(0.3)
        assert isinstance(app.screen, Dashboard), "nobody is asked again before something needs it"
    assert world.ledger.runs() == []


async def test_a_runner_that_dies_while_the_screens_are_open_is_replaced(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lytics_azure_tui.tui.app.RUNNER_SECONDS", 0.05)
    monkeypatch.setattr("lytics_azure_tui.tui.overview.STATUS_SECONDS", 0.05)
    alive = world.desk.status
    assert alive is not None
    started: list[RunnerStatus] = []

    def ensure() -> RunnerStatus:
        started.append(replace(alive, pid=alive.pid + len(started)))
        world.desk.status = started[-1]
        return started[-1]

    monkeypatch.setattr(world.desk, "ensure_runner", ensure)
    app = world.app()
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: len(started) == 1)
        await pilot.pause(0.3)
        assert len(started) == 1, "one that lives is left alone"
        world.desk.status = replace(alive, running=False)
        await until(pilot, lambda: len(started) > 1)
        await until(pilot, lambda: f"runner {started[-1].pid}" in str(app.screen.query_one("Masthead").render()))


async def test_three_places_by_their_keys_and_back(world: World) -> None:
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        for key, kind in (("2", Authorizations), ("3", Streams), ("1", Dashboard)):
            await pilot.press(key)
            await settled(pilot)
            assert isinstance(app.screen, kind)


async def test_places_by_the_mouse(world: World) -> None:
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        await pilot.click("Masthead", offset=(36, 1))
        await settled(pilot)
        assert isinstance(app.screen, Streams)


async def test_every_command_is_in_key_help_and_palette(world: World) -> None:
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        screen = app.screen
        commands = (*commands_of(screen), *commands_of(app))
        bound = {binding.binding.action for binding in screen.active_bindings.values()}
        assert {command.action for command in commands} <= bound
        possible = {entry.title for entry in app.get_system_commands(screen)}
        assert possible == {
            command.words
            for command in commands
            if app.check_action(command.action, ()) and screen.check_action(command.action, ())
        }
        await pilot.press("question_mark")
        await settled(pilot)
        assert isinstance(app.screen, Help)
        text = "\n".join(str(widget.render()) for widget in app.screen.query("Static"))
        assert [command.words for command in commands if command.help not in text] == []


async def test_the_palette_runs_a_command(world: World) -> None:
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+p")
        await pilot.pause()
        assert isinstance(app.screen, CommandPalette)
        await pilot.press(*"streams")
        await until(pilot, lambda: "Streams" in first_command(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, Streams))


def first_command(app: LyazureApp) -> str:
    """What stands at the top of the palette."""
    found = app.screen.query_one(CommandList)
    return str(found.get_option_at_index(0).prompt) if found.option_count else ""


@pytest.mark.parametrize("key", ["1", "2", "3"])
async def test_the_footer_is_whole_at_80_columns(world: World, key: str) -> None:
    app = world.app()
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press(key)
        await settled(pilot)
        assert whole(app.screen.query_one(Footer))


async def test_the_footer_of_a_run_is_whole_at_80_columns(world: World) -> None:
    world.authorization()
    run = world.running(world.job("Customers"), Progress("reading", 1, 2, 1, 0))
    app = world.app()
    async with app.run_test(size=SMALL) as pilot:
        app.push_screen(RunDetail(world.desk, run.id))
        await settled(pilot)
        assert whole(app.screen.query_one(Footer))


def whole(footer: Footer) -> bool:
    """Whether every key is on the screen."""
    keys = list(footer.query(FooterKey))
    return bool(keys) and max(key.region.right for key in keys) <= footer.region.right


async def test_closing_says_how_many_runs_go_on(world: World) -> None:
    world.authorization()
    for label in ("One", "Two"):
        world.running(world.job(label), Progress("reading", 1, 2, 1, 0))
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        assert farewell(app.overview) == "2 runs go on in the background. Open lyazure-tui again to see more."
        await pilot.press("q")
    assert app.return_code == 0
    assert farewell(None) == ""


async def test_a_demo_promises_nothing_for_after_it(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LYAZURE_DEMO", "1")
    world.authorization()
    world.running(world.job("One"), Progress("reading", 1, 2, 1, 0))
    world.desk.lasting = Desk.open(world.folder.root).lasting
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        await pilot.press("q")
    app._print_error_renderables()
    assert "background" not in "".join(capsys.readouterr())
    assert farewell(app.overview)


async def test_the_screen_answers_within_a_tenth_of_a_second_while_all_below_is_slow(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ledger, streams and secrets take their time; keys do not."""
    world.authorization()
    for number in range(30):
        world.ended(world.job(f"Job {number}"), timedelta(hours=number), rows=number)
    versions = itertools.count()

    def slowly(result: object) -> object:
        time.sleep(1.5)
        return result() if callable(result) else result

    monkeypatch.setattr(world.ledger, "version", lambda: slowly(lambda: next(versions)))
    monkeypatch.setattr(world.lytics, "streams", lambda: slowly([]))
    monkeypatch.setattr(world.desk, "secrets", lambda: slowly(Drawer()))
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await pilot.pause(0.6)
        waits: list[float] = []
        worked: list[float] = []
        stop = asyncio.Event()

        async def watch() -> None:
            while not stop.is_set():
                before, work = time.perf_counter(), time.thread_time()
                await asyncio.sleep(0.005)
                waits.append(time.perf_counter() - before)
                worked.append(time.thread_time() - work)

        gc.disable()  # its pauses grow with all that the tests of this process have left behind
        watching = asyncio.create_task(watch())
        for key in ("down", "tab", "3", "1", "down", "down") * 4:
            await pilot.press(key)
            await asyncio.sleep(0.05)
        stop.set()
        await watching
        gc.enable()
        # The processor's time is what the app is answerable for; that nothing blocks shows in the clock's, as a call
        # that does takes 1.5 s here. The first time that a screen is opened, its sheet has to be read.
        assert max(waits) < 1
        assert sorted(worked)[-2] < 0.1


async def test_a_ledger_that_cannot_be_read_is_said_in_its_place(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> int:
        raise Fatal("The ledger cannot be read", why="It is not a database", fix="Move it away")

    monkeypatch.setattr(world.ledger, "version", broken)
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        error = app.screen.query_one(Problem).error
        assert error is not None
        assert error.what == "The ledger cannot be read"


async def test_a_fault_in_a_worker_is_shown_and_the_app_lives(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault() -> Iterator[Check]:
        raise ZeroDivisionError("not for the eyes of an operator")

    monkeypatch.setattr(world.desk, "examine", fault)
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        app.push_screen(Doctor(world.desk))
        await settled(pilot)
        error = app.screen.query_one(Problem).error
        assert error is not None
        assert "ZeroDivisionError" in str(error)
        assert "eyes" not in str(error)


async def test_two_that_need_the_passphrase_ask_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    opened: list[Secret] = []

    def secrets() -> SecretStore:
        if not opened:
            asked.append("asked")
            raise PassphraseNeeded("The encrypted file needs a passphrase")
        return Drawer()

    def remember(passphrase: Secret) -> None:
        if passphrase != Secret("right"):
            raise PassphraseNeeded("The passphrase does not open the file")
        opened.append(passphrase)

    monkeypatch.setattr(world.desk, "secrets", secrets)
    monkeypatch.setattr(world.desk, "remember", remember)
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        workers = [app.run_worker(app.fetch(world.desk.secrets, "open"), exit_on_error=False) for _ in "ab"]
        await until(pilot, lambda: isinstance(app.screen, Passphrase))
        await pilot.press(*"wrong", "enter")
        await until(pilot, lambda: "does not open" in str(app.screen.query_one("#reason").render()))
        assert isinstance(app.screen, Passphrase)
        assert app.screen.query_one(Input).value == ""
        await pilot.press(*"right", "enter")
        await asyncio.gather(*(worker.wait() for worker in workers))
        await pilot.pause()
        assert not isinstance(app.screen, Passphrase)
        assert len(asked) >= 2


async def test_the_clock_of_the_head_goes_on(world: World) -> None:
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        world.clock.moment = NOW + timedelta(minutes=1)
        await until(pilot, lambda: "14:06" in str(app.screen.query_one("Masthead").render()))


async def test_a_timer_that_comes_after_the_end_finds_no_screen_and_no_fault(world: World) -> None:
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
    assert not app.screen_stack
    app.watch_overview(app.overview, app.overview)


async def test_the_runner_is_started_once_the_first_screen_is_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[bool] = []

    def ensure() -> RunnerStatus:
        started.append(bool(app.overview))
        assert world.desk.status is not None
        return world.desk.status

    monkeypatch.setattr(world.desk, "ensure_runner", ensure)
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        await until(pilot, lambda: bool(started))
        await settled(pilot)
    assert started == [True]


async def test_the_theme_that_was_chosen_is_kept(world: World) -> None:
    (world.folder.root / "settings.toml").write_text("# ours\n[engine]\nruns_at_once = 3\n")
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        await pilot.press("f9")
        await pilot.pause()
        await pilot.press(*"lyazure-light")
        await until(pilot, lambda: LIGHT.name in first_command(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.theme == LIGHT.name)
        await settled(pilot)
    kept = (world.folder.root / "settings.toml").read_text()
    assert kept.startswith("# ours\n[engine]\nruns_at_once = 3\n")
    assert world.folder.settings().screen.theme == LIGHT.name
    again = world.app()
    async with again.run_test(size=LARGE) as pilot:
        await settled(pilot)
        assert again.theme == LIGHT.name


async def test_opening_the_screen_writes_no_settings(world: World) -> None:
    app = world.app()
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        await pilot.pause(0.2)
    assert not (world.folder.root / "settings.toml").exists()


async def test_the_three_places_are_a_key_away_from_a_run(world: World) -> None:
    world.authorization()
    run = world.ended(world.job("Customers"), timedelta(minutes=5), rows=10)
    app = world.app()
    async with app.run_test(size=SMALL) as pilot:
        app.push_screen(RunDetail(world.desk, run.id))
        await settled(pilot)
        for key, kind in (("3", Streams), ("1", RunDetail), ("2", Authorizations), ("1", RunDetail)):
            await pilot.press(key)
            await settled(pilot)
            assert isinstance(app.screen, kind)
        await pilot.press("escape")
        await settled(pilot)
        assert isinstance(app.screen, Dashboard)


def test_no_worker_describes_itself_by_its_arguments_or_ends_the_app() -> None:
    """Textual would log the arguments, secrets among them."""
    found = 0
    for path in Path(str(tui.__file__)).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("work", "run_worker"):
                given = {keyword.arg: keyword.value for keyword in node.keywords}
                if "description" not in given and ast.unparse(node) == "work()":
                    continue  # blocking work that is called, not the decorator
                assert "description" in given, f"{path.name}, line {node.lineno}"
                assert ast.unparse(given["exit_on_error"]) == "False", f"{path.name}, line {node.lineno}"
                found += 1
    assert found > 20
