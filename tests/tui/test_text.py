"""The gate from data to the screen: no name breaks a widget, hides itself or takes the terminal over."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.widgets import DataTable, Label, OptionList, Select, Static, Tree
from textual.widgets.option_list import Option

from lytics_azure_tui.tui.text import content, cut, cut_left, cut_middle, lines, plain, rich
from lytics_azure_tui.tui.widgets.grid import Cell, Column, Grid, Row

NASTY = (
    "q[/bar]z",
    "[b]bold[/b]",
    "[/]",
    "[@click=app.quit]click[/]",
    "[link=https://example.com]x[/link]",
    "[$primary on red]",
    "\\[b]",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x9b31m",
    "safe\u202egnp.exe",
    "a\u2066b\u2069c",
    "zero\u200bwidth\u200d\ufeff",
    "line\nbreak\r\tand tab",
    "\u2028\u2029\x85",
    "nul\0",
    "half\ud800pair",
    "東京都のファイル.csv",
    "👩‍👩‍👧‍👦 ❤️",
    "e" + "\u0301" * 500,
    "",
    " ",
    "a" * 5_000,
)
names = st.one_of(st.sampled_from(NASTY), st.text(), st.text(alphabet="[]/=@$\\ab\x1b\u202e\n"))


@given(names)
def test_what_is_shown_holds_nothing_that_a_terminal_acts_on(name: str) -> None:
    for shown in (plain(name), content(name).plain, rich(name).plain):
        assert not [sign for sign in shown if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


@given(names)
def test_nothing_is_taken_for_markup(name: str) -> None:
    assert content(name).plain == plain(name)
    assert content(name).spans == []
    assert rich(name).plain == plain(name)
    assert rich(name).spans == []


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"]), max_size=40))
def test_honest_names_stay_as_they_are(name: str) -> None:
    assert plain(name) == name


@given(names, st.integers(0, 60))
def test_a_cut_fits_and_shows_that_it_is_one(name: str, cells: int) -> None:
    for shown in (plain(name, cells), *(by(plain(name), cells) for by in (cut, cut_left, cut_middle))):
        assert cell_len(shown) <= cells
    if 0 < cells < cell_len(plain(name)[: cells * 4]):
        assert cut(plain(name), cells).endswith("…")
        assert cut_left(plain(name), cells).startswith("…")
        assert "…" in cut_middle(plain(name), cells)


def test_a_file_name_that_is_cut_keeps_its_date() -> None:
    assert cut_middle("customers_20260601_full.csv", 25) == "custome…20260601_full.csv"


def test_a_shown_control_character_can_be_told_from_its_absence() -> None:
    assert plain("a\x1b[31mb\x7f") == "a␛[31mb␡"


def test_line_ends_stay_where_lines_are_asked_for() -> None:
    assert lines("one\x07\ntwo\r\nthree") == "one␇\ntwo\nthree"


class Everything(App[None]):
    """Each kind of widget that shows data."""

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(id="static", markup=False)
            yield Label(id="label")
            yield OptionList(id="options")
            yield Select([("first", 0)], id="select")
            yield Tree("root", id="tree")
            yield DataTable[object](id="table")
            yield Grid([Column("Name", 10)], id="grid")

    def show(self, name: str) -> None:
        """Puts a name into all of them, as the screens do."""
        self.query_one("#static", Static).update(plain(name))
        self.query_one("#label", Label).update(content(name))
        self.query_one("#static").border_title = content(name)
        self.query_one("#options", OptionList).clear_options().add_option(Option(content(name)))
        select: Select[object] = self.query_one("#select", Select)
        select.set_options([(content(name), name)])
        select.value = name
        self.query_one("#tree", Tree).root.add(rich(name)).set_label(rich(name))
        table: DataTable[object] = self.query_one("#table", DataTable)
        table.clear(columns=True)
        table.add_column(rich(name))
        table.add_row(rich(name))
        rows = [Row(name, (Cell(name, "bad"),))]
        self.query_one("#grid", Grid).show_rows(rows, [Column(name, 10)])
        self.notify(plain(name), title="", markup=False)


@pytest.mark.parametrize("name", NASTY)
async def test_every_widget_takes_every_name(name: str) -> None:
    app = Everything()
    async with app.run_test(size=(60, 40)) as pilot:
        app.show(name)
        await pilot.pause()
        app.show(name)
        await pilot.pause()


async def test_every_widget_takes_any_name() -> None:
    app = Everything()
    async with app.run_test(size=(60, 40)) as pilot:
        found: list[str] = []

        @settings(max_examples=60, suppress_health_check=list(HealthCheck))
        @given(names)
        def collect(name: str) -> None:
            found.append(name)

        collect()
        for name in found:
            app.show(name)
            await pilot.pause()
