"""How many parts go at once: as many as bring more, found out from the first parts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from lytics_azure_tui.runner.pace import Pace


class Server:
    """Parts of 100 bytes, at a speed that depends on how many are read at once, by a clock of its own."""

    def __init__(self, speed: Callable[[int], float]) -> None:
        self._speed = speed
        self.now = 0.0
        self.rounds: list[int] = []
        self.told: list[int] = []

    def read(self, parts: int, most: int) -> Pace:
        """Reads all, in as many rounds as the pace lets begin together."""
        pace = Pace(parts, most, self.told.append, clock=lambda: self.now)
        left = parts
        while left:
            count = min(pace.limit, left)
            turns = [pace.turn() for _ in range(count)]
            for turn in turns:
                turn.__enter__()
            self.now += 100 * count / self._speed(count)
            for turn in turns:
                pace.done(100)
                turn.__exit__(None, None, None)
            self.rounds.append(count)
            left -= count
        return pace


CASES = [
    ("as many as there are bring as much more", lambda count: 10.0 * count, 4, [1, 2, 4, 4], []),
    ("the server is at its limit with one", lambda count: 10.0, 4, [1, 2, 1, 1], [1]),
    ("it is slower with more", lambda count: 10.0 / count, 2, [1, 2, 1, 1], [1]),
    ("it is at its limit with two", lambda count: min(20.0, 10.0 * count), 8, [1, 2, 4, 2, 2], [2]),
    ("a third brings a half more", lambda count: 10.0 * count, 3, [1, 2, 3, 3], []),
    ("a little more is not worth a session", lambda count: 10.0 + count, 2, [1, 2, 1, 1], [1]),
]


@pytest.mark.parametrize(("about", "speed", "most", "rounds", "told"), CASES, ids=[case[0] for case in CASES])
def test_sessions_are_as_many_as_bring_more(
    about: str, speed: Callable[[int], float], most: int, rounds: list[int], told: list[int]
) -> None:
    server = Server(speed)
    server.read(64, most)
    assert server.rounds[: len(rounds)] == rounds
    assert server.told == told
    assert sum(server.rounds) == 64


@pytest.mark.parametrize(("parts", "most"), [(1, 1), (100, 1), (2, 2), (15, 2)])
def test_few_parts_go_side_by_side_from_the_beginning(parts: int, most: int) -> None:
    server = Server(lambda count: 10.0)
    server.read(parts, most)
    assert server.rounds[0] == most
    assert server.told == []


def test_a_part_that_fails_keeps_nobody_waiting() -> None:
    pace = Pace(100, 4, lambda _: None)
    waiting = threading.Barrier(2)

    def fails() -> None:
        with pace.turn():
            waiting.wait()
            raise ValueError

    def goes() -> int:
        waiting.wait()
        with pace.turn():
            return 1

    with ThreadPoolExecutor(2) as threads:
        failed, went = threads.submit(fails), threads.submit(goes)
        assert went.result(timeout=10) == 1
        with pytest.raises(ValueError):
            failed.result()


def test_no_more_than_its_limit_are_at_it_at_once() -> None:
    pace, active, seen = Pace(64, 4, lambda _: None), 0, list[int]()
    lock = threading.Lock()

    def part() -> None:
        nonlocal active
        with pace.turn():
            with lock:
                active += 1
                seen.append(active)
            pace.done(100)
            with lock:
                active -= 1

    with ThreadPoolExecutor(8) as threads:
        for future in [threads.submit(part) for _ in range(64)]:
            future.result()
    assert len(seen) == 64
    assert max(seen) <= 4
