"""The form's logic apart from the screen: which questions matter, what is wrong, what is stale, what a page brings."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, Field
from textual import events
from textual.app import App, ComposeResult

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.jobs.choices import Choice
from lytics_azure_tui.model.authorization import METHODS
from lytics_azure_tui.model.form import Ask, Source, questions
from lytics_azure_tui.model.names import follows
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.tui.answers import NEEDED, check, in_words, matters, opening
from lytics_azure_tui.tui.listing import Entry, Level, Listing
from lytics_azure_tui.tui.offers import Offers, State
from lytics_azure_tui.tui.widgets.controls import Line, LongText, OneOf, SecretLine, Tick
from lytics_azure_tui.tui.widgets.form import Form
from lytics_azure_tui.tui.widgets.pick import Pick, PickMany


class Kitchen(BaseModel):
    """One question of each shape."""

    name: Annotated[str, AfterValidator(follows("[a-z][a-z0-9]*", "letters, then digits", most=9)), Ask("Name")]
    port: Annotated[int, Field(ge=1), Ask("Port")] = 80
    password: Annotated[Secret | None, Ask("Password")] = None
    notes: Annotated[str | None, Ask("Notes", long=True)] = None
    keep: Annotated[bool, Ask("Keep")] = False
    place: Annotated[str | None, Ask("Place", source=Source.CONTAINERS, only_if="keep")] = None
    box: Annotated[str, Field(min_length=1), Ask("Box", source=Source.CONTAINERS)] = "box"
    mark: Annotated[str, Field(min_length=1), Ask("Mark", exact=True)] = "&"
    columns: Annotated[list[str], Ask("Columns", source=Source.COLUMNS, needs=("name", "box"))] = Field(
        default_factory=list
    )


ASKED = {question.name: question for question in questions(Kitchen)}


def test_what_is_empty_or_does_not_matter_takes_its_default() -> None:
    answers = {**opening(ASKED.values(), {"name": "a"}), "port": " ", "place": "hidden"}
    built, wrong = check(Kitchen, list(ASKED.values()), answers)
    assert not wrong
    assert built == Kitchen(name="a")
    assert not matters(ASKED["place"], answers)
    assert matters(ASKED["place"], {"keep": True})


@pytest.mark.parametrize(
    ("answers", "wrong"),
    [
        ({}, {"name": NEEDED}),
        ({"name": "a b"}, {"name": "A space cannot stand here: use letters, then digits, at most 9 characters."}),
        (
            {"name": "1a"},
            {"name": "The character 1 cannot stand at the beginning: use letters, then digits, at most 9 characters."},
        ),
        ({"name": "a" * 10}, {"name": "A name has at most 9 characters; this one has 10."}),
        ({"name": "a", "port": "x"}, {"port": "Enter a whole number."}),
    ],
)
def test_errors_are_sentences_at_their_questions(answers: dict[str, Any], wrong: dict[str, str]) -> None:
    assert check(Kitchen, list(ASKED.values()), answers) == (None, wrong)


@given(st.dictionaries(st.sampled_from(list(ASKED)), st.one_of(st.none(), st.booleans(), st.text(), st.integers())))
def test_any_answers_give_a_model_or_errors_and_never_an_exception(answers: dict[str, Any]) -> None:
    built, wrong = check(Kitchen, list(ASKED.values()), answers)
    assert (built is None) == bool(wrong)


def test_an_answer_in_words_never_gives_a_secret_out() -> None:
    assert in_words(ASKED["password"], Secret("hunter2")) == "Entered"
    assert in_words(ASKED["columns"], []) == "All"
    assert in_words(ASKED["columns"], ["a", "b"]) == "a, b"
    assert in_words(ASKED["keep"], True) == "Yes"
    assert in_words(ASKED["notes"], "one\ntwo") == "one … (2 lines)"


def test_choices_are_stale_when_what_they_depend_on_changes() -> None:
    offers, columns = Offers(list(ASKED.values())), ASKED["columns"]
    answers: dict[str, Any] = {"box": "one"}
    assert offers.now(columns, answers, "id").state is State.WAITING
    assert offers.now(columns, answers, "id").words == "choose Name first"
    answers["name"] = "a"
    first = offers.key(columns, answers, "id")
    offers.begin(first)
    answers["box"] = "two"
    offers.arrived(first, [Choice("x", "x")])
    assert offers.sharing(first, answers, "id") == []
    assert offers.now(columns, answers, "id").state is State.UNASKED
    assert offers.now(columns, {**answers, "box": "one"}, "id").choices == (Choice("x", "x"),)
    assert offers.now(columns, {**answers, "box": "one"}, "another").state is State.UNASKED


def test_an_old_answer_of_the_server_is_dropped() -> None:
    listing = Listing()
    account = listing.account
    old, new = listing.begin(account), listing.begin(account)
    assert not listing.arrived(account, old, [Entry("old")], None)
    assert not listing.failed(account, old, Fatal("late"))
    assert listing.arrived(account, new, [Entry("new")], None)
    assert [node.name for node in listing.rows()] == ["new"]


@given(st.lists(st.lists(st.text(min_size=1, max_size=8), max_size=20), max_size=5))
def test_pages_bring_each_name_once_and_say_where_there_is_more(pages: list[list[str]]) -> None:
    listing = Listing()
    box = listing.open_container("box")
    for number, page in enumerate(pages):
        listing.arrived(box, listing.begin(box), [Entry(name, 1) for name in dict.fromkeys(page)], str(number))
        assert listing.rows()[-1].level is Level.MORE
    listing.arrived(box, listing.begin(box), [], None)
    shown = [node.name for node in listing.rows() if node.level is Level.BLOB]
    assert sorted(shown) == sorted({name for page in pages for name in page})


class _Kitchen(App[None]):
    def __init__(self, **given: object) -> None:
        super().__init__()
        self.answers = opening(ASKED.values(), given)

    def compose(self) -> ComposeResult:
        yield Form(list(ASKED.values()), self.answers)


async def test_each_shape_has_its_control_and_enter_goes_through_them_all() -> None:
    app = _Kitchen()
    async with app.run_test(size=(80, 24)) as pilot:
        form = app.query_one(Form)
        assert [type(field.control) for field in form.fields.values()] == [
            Line, Line, SecretLine, LongText, Tick, Pick, Pick, Line, PickMany
        ]  # fmt: skip
        form.enter()
        await pilot.press("a", "enter", *"81", "enter", *"pw", "enter", "x", "enter", "y", "tab", "space", "enter")
        await pilot.press(*"here", "enter")
        await pilot.pause()
    assert app.answers["name"] == "a"
    assert app.answers["port"] == "81", "what was there is replaced"
    assert app.answers["password"] == Secret("pw")
    assert app.answers["notes"] == "x\ny"
    assert app.answers["keep"] is True
    assert app.answers["place"] == "here"


@pytest.mark.parametrize("secret", [True, False])
async def test_a_paste_with_line_breaks_is_joined_once(secret: bool) -> None:
    app = _Kitchen()
    async with app.run_test(size=(80, 24)) as pilot:
        app.query_one(Form).enter("password" if secret else "name")
        await pilot.pause()
        app.post_message(events.Paste(" one\r\ntwo  and\nthree \n"))
        await pilot.pause()
        await pilot.pause()
    if secret:
        assert app.answers["password"] == Secret("onetwo  andthree"), "a blank may be part of a password"
    else:
        assert app.answers["name"] == "one two  and three"


@pytest.mark.parametrize("mark", [" ", "\t", "\xa0", "x"])
@pytest.mark.parametrize("box", [" box", "box ", " "])
async def test_blanks_survive_a_form_that_nobody_touches(mark: str, box: str) -> None:
    app = _Kitchen(name="a", mark=mark, box=box)
    async with app.run_test(size=(80, 24)) as pilot:
        form = app.query_one(Form)
        for name in ("mark", "box"):
            form.enter(name)
            await pilot.press("end", "z", "backspace")
        await pilot.pause()
    assert (app.answers["mark"], app.answers["box"]) == (mark, box)
    built, _ = check(Kitchen, list(ASKED.values()), app.answers)
    assert built is not None and built.mark == mark


async def test_a_blank_that_is_typed_or_pasted_counts_where_blanks_are_answers() -> None:
    app = _Kitchen(name="a")
    async with app.run_test(size=(80, 24)) as pilot:
        form = app.query_one(Form)
        form.enter("mark")
        await pilot.press("space")
        await pilot.pause()
        assert app.answers["mark"] == " "
        await pilot.press("ctrl+u")
        app.post_message(events.Paste("\t\n"))
        await pilot.pause()
        await pilot.pause()
        assert app.answers["mark"] == "\t"
        form.enter("box")
        await pilot.press("b", "o", "x", "space")
        await pilot.pause()
        assert app.answers["box"] == "box", "elsewhere a blank at the end is a slip"
    built, _ = check(Kitchen, list(ASKED.values()), app.answers)
    assert built is not None and built.mark == "\t"
    assert in_words(ASKED["mark"], "\t") == "tab"
    assert in_words(ASKED["mark"], " ") == "space"
    assert in_words(ASKED["mark"], "a ") == "“a ”"


@pytest.mark.parametrize(
    ("kind", "pasted", "secret"),
    [
        ("", "correct horse  battery\n", "correct horse  battery"),
        ("", "tab\tin it\r\n", "tab\tin it"),
        ("unbroken", "Endpoint=sb://a; \r\n  Key=b=\n", "Endpoint=sb://a;Key=b="),
        ("several", "-----BEGIN\n\nabc\n=x\n", "-----BEGIN\n\nabc\n=x"),
    ],
)
async def test_a_pasted_password_keeps_its_blanks_and_a_connection_string_has_none(
    kind: str, pasted: str, secret: str
) -> None:
    line = SecretLine(unbroken=kind == "unbroken", several=kind == "several")

    class One(App[None]):
        def compose(self) -> ComposeResult:
            yield line

    app = One()
    async with app.run_test() as pilot:
        app.post_message(events.Paste(pasted))
        await pilot.pause()
        await pilot.pause()
        assert line.answer == Secret(secret)


def test_only_connection_strings_lose_their_blanks() -> None:
    unbroken = {
        (kind.method, asked.name) for kind in METHODS.values() for asked in questions(kind) if asked.ask.unbroken
    }
    assert unbroken == {("AzureStorageConnection", "connection_string"), ("AzureEventHub", "connection_string")}


async def test_no_message_of_a_secret_holds_its_value() -> None:
    seen: list[str] = []

    app = _Kitchen()

    def hook(message: Any) -> None:
        seen.append(repr(message))

    async with app.run_test(size=(80, 24), message_hook=hook) as pilot:
        app.query_one(Form).enter("password")
        app.post_message(events.Paste("hunter2hunter2"))
        await pilot.pause()
        await pilot.press("enter", "tab")
        await pilot.pause()
    told = [text for text in seen if "Paste" not in text]
    assert any("Answered" in text for text in told)
    assert not any("hunter2" in text for text in told)


def test_one_of_is_used_for_fixed_options() -> None:
    from typing import Literal

    class Fixed(BaseModel):
        way: Annotated[Literal["a", "b"], Ask("Way", options={"a": "First [x]", "b": "Second"})] = "a"

    (question,) = questions(Fixed)
    assert isinstance(next(iter(Form([question], {"way": "b"}).fields.values())).control, OneOf)
    assert in_words(question, "a") == "First [x]"
