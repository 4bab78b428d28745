"""Lines cut into files of a largest size: no line is cut in two."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field


@dataclass
class Piece:
    """The lines of one file. All of them are to be taken before the next file begins.

    Attributes:
        lines: how many were taken so far.
    """

    _pieces: Iterator[bytes] = field(repr=False)
    lines: int = 0

    def content(self) -> Generator[bytes, None, None]:
        for piece in self._pieces:
            self.lines += piece.count(b"\n")
            yield piece


def split(content: Iterable[bytes], most: int) -> Iterator[Piece]:
    """Files of at most so many bytes; a line that is longer has one of its own.

    Args:
        content: lines that end with \\n, in pieces of any size.
    """
    whole = _whole_lines(content)
    rest = next(whole, b"")

    def file() -> Iterator[bytes]:
        nonlocal rest
        room = most
        while rest and len(rest) <= room:
            room -= len(rest)
            yield rest
            rest = next(whole, b"")
        if not rest:
            return
        cut = rest.rfind(b"\n", 0, room) + 1
        if cut == 0 and room == most:
            cut = rest.index(b"\n") + 1
        if cut:
            head, rest = rest[:cut], rest[cut:] or next(whole, b"")
            yield head

    while rest:
        yield Piece(file())


def _whole_lines(content: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces that end where a line does."""
    held: list[bytes] = []
    for piece in content:
        end = piece.rfind(b"\n") + 1
        if end:
            yield b"".join((*held, piece[:end]))
            held = []
        if end < len(piece):
            held.append(piece[end:])
    if held:
        yield b"".join((*held, b"\n"))
