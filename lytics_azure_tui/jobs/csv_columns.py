"""Compares the columns of a file with those of its stream: a file of another kind must not pass as one of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.model.amounts import few


@dataclass(frozen=True, slots=True)
class Difference:
    """Columns that a file has and its stream has not, and the other way round.

    Attributes:
        name: of the file.
        new, lacking: names of columns.
    """

    name: str
    new: tuple[str, ...]
    lacking: tuple[str, ...]

    def __str__(self) -> str:
        lacking = f"; it lacks {few(list(self.lacking))}" if self.lacking else ""
        return f"{self.name} has columns that the stream has not: {few(list(self.new))}{lacking}"


def difference(name: str, header: Sequence[str], stream: Sequence[str]) -> Difference | None:
    """What is new in a file's columns; None when nothing is, or the stream has no columns yet.

    Raises:
        Fatal: not one column is in both.
    """
    known, mine = ({one.casefold() for one in names} for names in (stream, header))
    if stream and not known & mine:
        raise Fatal(
            f"{name} has no column in common with the stream; nothing was imported",
            why=f"Its columns are {few(list(header))}; those of the stream are {few(list(stream))}",
            fix="Look at the file and at the job's delimiter and header settings; or import it into another stream",
        )
    new = tuple(one for one in header if one.casefold() not in known)
    if not stream or not new:
        return None
    return Difference(name, new, tuple(one for one in stream if one.casefold() not in mine))
