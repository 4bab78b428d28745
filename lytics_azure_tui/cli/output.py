"""Where the command line writes: data on stdout, words on stderr. Nothing else in cli/ prints."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, TextIO


class Exit(IntEnum):
    """The exit codes; the README and --help explain them."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    QUARANTINED = 3
    INTERRUPTED = 130


@dataclass(slots=True)
class Output:
    """Both streams of one invocation.

    A reader of stdout that goes away (`… | head -1`) does not end the work: what comes after it is dropped.

    Attributes:
        json: whether data is written as one JSON object a line.
    """

    json: bool = False

    def event(self, name: str, fields: Mapping[str, Any]) -> None:
        """Writes one event to stdout as JSON, where --json asks for it; otherwise nothing."""
        if self.json:
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            _write(sys.stdout, json.dumps({"event": name, "at": at, **fields}, default=_plain_json))

    def data(self, text: str) -> None:
        """Writes a line to stdout for people; with --json nothing, as the events say it."""
        if not self.json:
            _write(sys.stdout, printable(text))

    def words(self, text: str) -> None:
        """Writes a line to stderr."""
        _write(sys.stderr, printable(text))


def printable(text: str) -> str:
    """The text without anything that a terminal would obey: names of blobs and columns come from outside."""
    return "".join(char if char in "\n\t" or unicodedata.category(char)[0] != "C" else "\ufffd" for char in text)


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines in which each column is as wide as its widest cell, two spaces apart."""
    clean = [[printable(cell).replace("\n", " ").replace("\t", " ") for cell in row] for row in rows]
    widths = [max(width(row[at]) for row in clean) for at in range(len(clean[0]))] if clean else []
    return [
        "  ".join(cell + " " * (wide - width(cell)) for cell, wide in zip(row, widths, strict=True)).rstrip()
        for row in clean
    ]


def width(text: str) -> int:
    """How many cells of a terminal the text takes."""
    return sum(_cells(char) for char in text)


def shorten(text: str, cells: int) -> str:
    """The text, cut to so many cells; an ellipsis tells that it was."""
    if width(text) <= cells:
        return text
    kept, used = [], 0
    for char in text:
        used += _cells(char)
        if used > cells - 1:
            break
        kept.append(char)
    return "".join(kept) + "…"


def _cells(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _plain_json(value: object) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds") if isinstance(value, datetime) else str(value)


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text + "\n")
        stream.flush()
    except BrokenPipeError:
        silence(stream)


def silence(stream: TextIO) -> None:
    """Points a stream whose reader has gone at the null device, so that neither later writes nor the exit fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
