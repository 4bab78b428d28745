"""What an idle screen costs: bytes over the line, and processor time with thousands of jobs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import pytest

from tests.tui.terminal import PATIENCE, Terminal

SECONDS = 2.5
A_MINUTE = 5_000
"""Bytes that an idle screen may send."""
ESCAPE, F8, PALETTE = b"\x1b", b"\x1b[19~", b"\x10"
TOURS: tuple[tuple[tuple[list[bytes], bytes], ...], ...] = (
    # (keys, a text of the screen that they open), one after another; each tour in a terminal of its own.
    (
        ([], b"Recent runs"),
        ([b"\r"], b"Quarantine"),
        ([ESCAPE, F8], b"permissions"),
        ([ESCAPE, b"?"], b"Everywhere"),
    ),
    (
        ([b"2"], b"tests the connection"),
        ([b"n"], b"Method"),
        ([ESCAPE, b"3"], b"Filled"),
        ([b"m"], b"User fields"),
    ),
    (
        ([b"4"], b"Known as"),
        ([b"/"], b"email address"),
        ([ESCAPE, b"5"], b"Big spenders"),
        ([b"n"], b"Filter"),
    ),
    (
        ([b"n"], b"Provider"),
        ([ESCAPE, b"d"], b"Delete"),
        ([ESCAPE, PALETTE], b"Change the job."),
    ),
)


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[list[Terminal]]:
    """A terminal for each tour."""
    opened = [Terminal(tmp_path / str(place), "lived-in", size=(80, 24)) for place in range(len(TOURS))]
    yield opened
    for terminal in opened:
        terminal.close()


def still(terminal: Terminal, seconds: float = 0.6) -> None:
    """Waits until nothing has been drawn for a while."""
    until, last = time.monotonic() + PATIENCE, time.monotonic()
    while time.monotonic() - last < seconds:
        assert time.monotonic() < until, "it goes on drawing"
        if terminal.read():
            last = time.monotonic()


def go(terminal: Terminal, keys: list[bytes], text: bytes) -> None:
    """Opens a screen."""
    drawn = 0
    for key in keys:
        still(terminal, 0.3)
        drawn = len(terminal.shown)
        terminal.press(key)
    terminal.read_until(text, since=drawn)


def test_an_idle_screen_sends_nothing(terminals: list[Terminal]) -> None:
    for terminal in terminals:
        terminal.read_until(b"Customers daily")
    for stops in zip_longest(*TOURS):
        for terminal, stop in zip(terminals, stops, strict=True):
            if stop is not None:
                go(terminal, *stop)
        for terminal in terminals:
            still(terminal)
        before = [len(terminal.shown) for terminal in terminals]
        time.sleep(SECONDS)
        for terminal, stop, sent in zip(terminals, stops, before, strict=True):
            while terminal.read():
                pass
            if stop is not None:
                assert len(terminal.shown) - sent <= A_MINUTE * SECONDS / 60, stop[1]
