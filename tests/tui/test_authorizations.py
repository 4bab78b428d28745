"""Authorizations: the list, the form, what is stored where, and what a test of the connection says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Static

from lytics_azure_tui.azure.checks import CheckReport
from lytics_azure_tui.errors import LyazureError, NotAuthorised
from lytics_azure_tui.model.authorization import Authorization, AzureEventHub, AzureSql, AzureStorage
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.sandbox.event_hub import EventHubServer
from lytics_azure_tui.tui.screens.authorization_form import AuthorizationForm
from lytics_azure_tui.tui.screens.authorizations import Authorizations
from lytics_azure_tui.tui.screens.confirm import Confirm
from lytics_azure_tui.tui.widgets.controls import LongText, SecretLine
from lytics_azure_tui.tui.widgets.form import Form
from tests.conftest import Storage
from tests.tui.conftest import LARGE, SMALL, Picture, settled, until
from tests.tui.world import StillDesk, World

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])
KEY = "DefaultEndpointsProtocol=https;AccountName=warehouse;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net"
REPORT = CheckReport(True, True, False, 0.118, "warehouse", ("The signature ends on 2026-12-31 00:00 UTC",))
OF_A_DATABASE = CheckReport(
    True,
    True,
    None,
    0.412,
    "shop.database.windows.net, database shop",
    (
        "Sees 17 tables and views, and may read 3 of them",
        "Logged in as etl",
        "Server: Microsoft SQL Azure (RTM) - 12.0.2000.8",
    ),
)
KEPT_OUT = NotAuthorised(
    "The database shop could not be opened",
    why="The firewall of shop.database.windows.net does not let in this machine's address, which is 203.0.113.7 as the "
    "server sees it",
    fix="Allow the address in the portal: the server, Networking, Firewall rules. It takes up to five minutes",
)
REFUSED = NotAuthorised(
    "The containers could not be listed", why="The signature expired on 23 November", fix="Make a new one in the portal"
)


class Safe:
    """A place for secrets, in memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Secret] = {}

    def get(self, owner: str, field: str) -> Secret | None:
        return self.kept.get((owner, field))

    def set(self, owner: str, field: str, secret: Secret) -> None:
        self.kept[owner, field] = secret

    def delete(self, owner: str, field: str) -> None:
        self.kept.pop((owner, field), None)

    def describe(self) -> str:
        return "Secrets are in the safe of the test"


@pytest.fixture
def safe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Safe]:
    """Where the desk keeps secrets."""
    safe = Safe()
    monkeypatch.setattr(StillDesk, "secrets", lambda _desk: safe)
    yield safe


def several(world: World) -> None:
    """One of each method; a job uses the first."""
    world.authorization()
    world.job("Customers daily")
    world.folder.save_authorization(
        AzureEventHub(id="hub", label="Audience triggers", description="Ask Dana in marketing")
    )
    world.folder.save_authorization(
        AzureSql(id="shop", label="Shop [db]", server="shop.database.windows.net", database="shop", user="etl")
    )


def answering(patch: pytest.MonkeyPatch, answer: CheckReport | LyazureError) -> None:
    """What a test of the connection gives."""

    def check(_desk: StillDesk, _authorization: Authorization) -> CheckReport:
        if isinstance(answer, LyazureError):
            raise answer
        return answer

    def unlock(desk: StillDesk, id: str) -> Authorization:
        secrets = {AzureStorage: "connection_string", AzureSql: "password"}
        found = desk.folder.authorization(id)
        return found.model_copy(update={secrets[type(found)]: Secret(KEY)})

    patch.setattr(StillDesk, "check", check)
    patch.setattr(StillDesk, "unlock", unlock)


def said(pilot: Pilot[Any], selector: str) -> str:
    """What a part of the screen says."""
    return str(pilot.app.screen.query_one(selector, Static).render())


async def paste(pilot: Pilot[Any], text: str) -> None:
    """As a terminal hands over what was pasted."""
    pilot.app.post_message(events.Paste(text))
    await pilot.pause()
    await pilot.pause()


async def form(pilot: Pilot[Any], method: int = 0) -> None:
    """Opens the form for a new authorization by a method."""
    await settled(pilot)
    await pilot.press("2")
    await settled(pilot)
    await pilot.press("n")
    await settled(pilot)
    await pilot.press("enter", *["down"] * method, "enter")
    await settled(pilot)


def wrong(pilot: Pilot[Any]) -> dict[str, str]:
    """The errors that the form shows."""
    fields = pilot.app.screen.query_one(Form).fields
    return {
        name: str(field.query_one(".field-error", Static).render())
        for name, field in fields.items()
        if field.has_class("-wrong")
    }


# Pictures


@SIZES
def test_none_yet(picture: Picture, world: World, size: tuple[int, int]) -> None:
    assert picture(world, size, press=["2"])


@SIZES
def test_some(picture: Picture, world: World, size: tuple[int, int]) -> None:
    several(world)
    assert picture(world, size, press=["2"])


@SIZES
def test_a_connection_that_works(
    picture: Picture, world: World, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    several(world)
    answering(monkeypatch, REPORT)
    assert picture(world, size, press=["2", "down", "down", "t"])


@SIZES
def test_a_connection_that_is_refused(
    picture: Picture, world: World, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    several(world)
    answering(monkeypatch, REFUSED)
    assert picture(world, size, press=["2", "down", "down", "t"])


@SIZES
def test_a_database_that_lets_in(
    picture: Picture, world: World, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    several(world)
    answering(monkeypatch, OF_A_DATABASE)
    assert picture(world, size, press=["2", "down", "t"])


@SIZES
def test_a_database_whose_firewall_does_not_let_in(
    picture: Picture, world: World, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    several(world)
    answering(monkeypatch, KEPT_OUT)
    assert picture(world, size, press=["2", "down", "t"])


@SIZES
def test_a_form_of_a_database_that_was_tested(
    picture: Picture, world: World, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    several(world)
    answering(monkeypatch, OF_A_DATABASE)
    assert picture(world, size, press=["2", "down", "e", "ctrl+t"])


@SIZES
def test_one_in_use_is_not_deleted(picture: Picture, world: World, size: tuple[int, int]) -> None:
    several(world)
    assert picture(world, size, press=["2", "down", "down", "d"])


@SIZES
def test_the_methods(picture: Picture, world: World, size: tuple[int, int]) -> None:
    assert picture(world, size, press=["2", "n", "enter"])


@SIZES
def test_an_empty_form(picture: Picture, world: World, size: tuple[int, int]) -> None:
    assert picture(world, size, press=["2", "n", "enter", "enter"])


@SIZES
def test_a_form_with_errors(picture: Picture, world: World, size: tuple[int, int], safe: Safe) -> None:
    async def fill(pilot: Pilot[Any]) -> None:
        await pilot.press("tab", "tab", *"AccountName=x", "tab", *"key", "ctrl+s")

    assert picture(world, size, press=["2", "n", "enter", "enter"], before=fill)


@SIZES
def test_a_form_of_other_fields(picture: Picture, world: World, size: tuple[int, int]) -> None:
    assert picture(world, size, press=["2", "n", "enter", "down", "down", "enter"])


@SIZES
def test_a_form_of_a_saved_one(picture: Picture, world: World, size: tuple[int, int]) -> None:
    several(world)
    assert picture(world, size, press=["2", "down", "down", "e"])


# What it does


async def test_a_pasted_connection_string_is_saved_where_secrets_are_kept(
    world: World, safe: Safe, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with world.app().run_test(size=LARGE) as pilot:
        await form(pilot)
        await pilot.press(*"Warehouse", "tab", "tab")
        await paste(pilot, KEY[:40] + "\r\n" + KEY[40:90] + "\n" + KEY[90:] + "\n")
        picture = pilot.app.export_screenshot()
        assert "AccountKey=c2" not in picture
        await pilot.press("ctrl+s")
        await settled(pilot)
        assert isinstance(pilot.app.screen, Authorizations)
        notices = [notice.message for notice in pilot.app._notifications]
    assert safe.kept == {("warehouse", "connection_string"): Secret(KEY)}
    assert world.folder.authorization("warehouse").label == "Warehouse"
    assert "c2VjcmV0" not in (world.folder.authorizations_dir / "warehouse.toml").read_text()
    assert any("safe of the test" in notice for notice in notices), "it says where the secret is"
    assert "c2VjcmV0" not in caplog.text


async def test_nothing_is_saved_while_an_answer_is_wrong(world: World, safe: Safe) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        await form(pilot)
        await pilot.press("ctrl+s")
        await settled(pilot)
        assert wrong(pilot) == {"label": "↑ This is needed.", "connection_string": "↑ This is needed."}
        await pilot.press(*"Warehouse", "tab", "tab")
        await paste(pilot, KEY.replace("AccountKey", "AcountKey"))
        await pilot.press("ctrl+s")
        await settled(pilot)
        assert list(wrong(pilot)) == ["connection_string"]
        assert "c2VjcmV0" not in wrong(pilot)["connection_string"]
        assert isinstance(pilot.app.focused, SecretLine), "the cursor is where the error is"
    assert not safe.kept
    assert not world.folder.authorizations()


async def test_a_pgp_key_that_is_none_is_refused_beside_its_field(world: World, safe: Safe) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        await form(pilot)
        await pilot.press(*"Warehouse", "tab", "tab")
        await paste(pilot, KEY)
        await pilot.press("tab")
        await paste(pilot, "-----BEGIN PGP PUBLIC KEY BLOCK-----\nnot a key\n-----END PGP PUBLIC KEY BLOCK-----\n")
        assert isinstance(pilot.app.focused, LongText)
        assert pilot.app.focused.text.count("\n") == 3, "line breaks stay"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: bool(wrong(pilot)))
        assert list(wrong(pilot)) == ["pgppublickey"]
    assert not safe.kept


async def test_editing_keeps_the_secret_unless_another_is_typed(world: World, safe: Safe) -> None:
    world.authorization()
    safe.set("warehouse", "connection_string", Secret(KEY))
    async with world.app().run_test(size=LARGE) as pilot:
        await settled(pilot)
        await pilot.press("2")
        await settled(pilot)
        await pilot.press("e")
        await settled(pilot)
        await pilot.press("tab", "end", *" two", "ctrl+s")
        await settled(pilot)
        assert safe.kept["warehouse", "connection_string"] == Secret(KEY)
        await pilot.press("e")
        await settled(pilot)
        await pilot.press("tab", "tab", "tab")
        await paste(pilot, KEY.replace("c2VjcmV0", "b3RoZXI="))
        await pilot.press("ctrl+s")
        await settled(pilot)
    kept = safe.kept["warehouse", "connection_string"]
    assert kept is not None
    assert "b3RoZXI=" in kept.reveal()
    assert [found.id for found in world.folder.authorizations()] == ["warehouse"]


async def test_an_event_hub_says_whether_one_may_send(world: World, safe: Safe, event_hubs: EventHubServer) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        await form(pilot, method=1)
        await pilot.press(*"Hub", "tab", "tab")
        await paste(pilot, event_hubs.connection_string.reveal())
        await pilot.press("ctrl+t")
        await until(pilot, lambda: "no hub is named" in wrong(pilot).get("connection_string", ""))
        await pilot.press("tab", *"audiences", "ctrl+t")
        await until(pilot, lambda: "4 partitions" in said(pilot, "#said"))
        assert "✓ send" in said(pilot, "#said")
        await pilot.press("ctrl+s")
        await settled(pilot)
    assert [found.label for found in world.folder.authorizations()] == ["Hub"]


async def test_a_real_account_says_what_one_may_do(world: World, safe: Safe, storage: Storage) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        await form(pilot)
        await pilot.press(*"Here", "tab", "tab")
        await paste(pilot, storage.connection_string.reveal())
        await pilot.press("ctrl+t")
        await until(pilot, lambda: "✓ list" in said(pilot, "#said"))
        words = said(pilot, "#said")
        assert "✓ read" in words
        assert "✓ write" in words
        assert "answered in" in words
        await pilot.press("ctrl+s")
        await settled(pilot)
        await until(pilot, lambda: "✓ list" in said(pilot, "#about"))  # it was tested in the form
        await pilot.press("e")
        await settled(pilot)
        await pilot.press("enter", "end", "x", "ctrl+s")
        await settled(pilot)
        await until(pilot, lambda: "tests the connection" in said(pilot, "#about"))
        await pilot.press("t")
        await until(pilot, lambda: "✓ list" in said(pilot, "#about"))


async def test_one_in_use_is_refused_with_the_names_of_its_jobs_and_another_goes(world: World, safe: Safe) -> None:
    several(world)
    safe.set("hub", "connection_string", Secret("x"))
    async with world.app().run_test(size=LARGE) as pilot:
        await settled(pilot)
        await pilot.press("2")
        await settled(pilot)
        await pilot.press("down", "down", "d")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        assert "Customers daily" in "".join(str(part.render()) for part in pilot.app.screen.query(Static))
        await pilot.press("y")
        await settled(pilot)
        assert len(world.folder.authorizations()) == 3
        await pilot.press("up", "up", "d")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: len(world.folder.authorizations()) == 2)
    assert not safe.kept


async def test_leaving_a_form_with_answers_asks_first(world: World) -> None:
    async with world.app().run_test(size=LARGE) as pilot:
        await form(pilot)
        await pilot.press("x", "escape", "escape", "escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, AuthorizationForm))
        await pilot.press("ctrl+n", "ctrl+n")
        await settled(pilot)
        assert pilot.app.screen.query_one(Form).answers["label"] == "x", "nothing was lost on the way"
        await pilot.press("escape", "escape", "escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(pilot.app.screen, Authorizations))
