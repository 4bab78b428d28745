"""Progress on stderr: lines that rewrite themselves on a terminal, plain ones elsewhere."""

from __future__ import annotations

import pytest

from lytics_azure_tui.cli.progress import REDRAW, TELL, StatusLines, said
from lytics_azure_tui.model.run import Progress


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _screen(written: str) -> list[str]:
    """What a terminal shows: lines, a cursor that goes up, and erasing below it."""
    lines, row = [""], 0
    at = 0
    while at < len(written):
        if written.startswith("\x1b[J", at):
            del lines[row + 1 :]
            lines[row] = ""
            at += 3
        elif written.startswith("\x1b[", at):
            end = written.index("A", at)
            row -= int(written[at + 2 : end])
            at = end + 1
        else:
            char = written[at]
            if char == "\n":
                row += 1
                lines += [""] * (row + 1 - len(lines))
            elif char != "\r":
                lines[row] += char
            at += 1
    return [line for line in lines if line]


def test_on_a_terminal_each_run_has_one_line_that_rewrites_itself(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    lines = StatusLines(live=True, clock=clock)
    for done in range(10):
        clock.now += REDRAW
        lines.show("1", "Daily", Progress("reading a.csv", rows=done))
        clock.now += REDRAW
        lines.show("2", "Web", Progress("reading b.csv", rows=done * 2))
    lines.say("Something happened")
    shown = _screen(capsys.readouterr().err)
    assert shown[0] == "Something happened"
    assert [line.split()[0] for line in shown[1:]] == ["Daily", "Web"]
    assert "9 rows" in shown[1]
    assert "18 rows" in shown[2]


def test_lines_go_when_runs_do(capsys: pytest.CaptureFixture[str]) -> None:
    with StatusLines(live=True) as lines:
        lines.show("1", "Daily", Progress("reading"))
        lines.show("2", "Web", Progress("reading"))
        lines.drop("1")
        lines.say("Daily has ended")
    assert _screen(capsys.readouterr().err) == ["Daily has ended"]


def test_a_line_never_wraps(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    StatusLines(live=True).show("1", "顧客" * 20, Progress("reading"))
    (line,) = _screen(capsys.readouterr().err)
    assert line.endswith("…")
    assert sum(2 if char > "\u1100" and char != "…" else 1 for char in line) <= 29


def test_elsewhere_a_plain_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    lines = StatusLines(live=False, clock=clock)
    for second in range(21):
        clock.now = 100.0 + second
        lines.show("1", "Daily", Progress("reading a.csv", bytes_done=second * 1000, bytes_total=100_000))
    told = capsys.readouterr().err
    assert "\x1b" not in told
    assert len(told.splitlines()) == 20 // TELL
    assert told.splitlines()[-1] == "Daily  reading a.csv  20% of 100 KB  1.00 KB/s  1 min 20 s left"


def test_the_pace_of_a_resumed_run_counts_from_where_it_was_found(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    lines = StatusLines(live=False, clock=clock)
    lines.show("1", "Daily", Progress(bytes_done=1_000_000_000))
    clock.now += 10
    lines.show("1", "Daily", Progress(bytes_done=1_010_000_000))
    assert "1.00 MB/s" in capsys.readouterr().err


def test_what_a_terminal_would_obey_is_taken_out() -> None:
    line = said("evil\x1b[2J", Progress("reading \u202e\nx.csv"), 0)
    assert line.isprintable()
