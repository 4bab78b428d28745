"""The members of an audience, page by page, into a file of lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from lytics_azure_tui.errors import RetryLater
from lytics_azure_tui.lytics.cloud.answers import items, text, whole
from lytics_azure_tui.lytics.cloud.api import Api, Refused, path
from lytics_azure_tui.lytics.cloud.audiences import Segment
from lytics_azure_tui.lytics.cloud.people import id_of, identifiers_of
from lytics_azure_tui.model.amounts import counted
from lytics_azure_tui.model.user_field import FieldKind, UserField

PAGE = 100
"""Members of a page; Lytics gives no more: docs.lytics.com/reference/segmentscan."""

STARTS = 3
"""So often a scan begins from the first page, as a cursor expires; then it is the turn of the run to try again."""

_RESERVED = ("_id", "_segments", "_identifiers", "_conflicts", "_state", "_build", "_gone")


@dataclass
class Scan:
    """Scans audiences into files.

    Attributes:
        fields: of the profiles, as the schema has them; what a member has beyond them is added, as text.
        nameless: members that nothing tells apart.
        unreadable: values that are no maps where the schema says so.
    """

    api: Api
    fields: list[UserField]
    nameless: int = 0
    unreadable: int = 0
    _known: dict[str, UserField] = field(init=False, repr=False)
    _identifiers: list[UserField] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.fields = [one for one in self.fields if one.name.casefold() not in _RESERVED]
        self._known = {one.name.casefold(): one for one in self.fields}
        self._identifiers = [one for one in self.fields if one.identifier]

    def read(self, segment: Segment, target: Path, tell: Callable[[int], None], *, whole_audience: bool = True) -> int:
        """Writes the members, a line each: _id, named (their identifiers), who (their fields).

        Args:
            tell: takes how many have been read; what it raises ends the scan.
            whole_audience: False for the first page alone.

        Returns:
            How many there are.
        """
        for _ in range(STARTS):
            try:
                with target.open("w") as file:
                    return self._read(segment, file, tell, whole_audience)
            except _Expired:
                continue
        raise RetryLater(
            f"The scan of {segment.slug} could not be brought to its end",
            why=f"Lytics let its cursor expire {STARTS} times",
        )

    def notes(self) -> tuple[str, ...]:
        """What could not be read as it should be, for people."""
        found = []
        if self.nameless:
            found.append(f"{counted(self.nameless, 'member')} with neither an id nor an identifier: left out")
        if self.unreadable:
            found.append(f"{counted(self.unreadable, 'value')} no map, though the schema says so: left out")
        return tuple(found)

    def _read(self, segment: Segment, file: TextIO, tell: Callable[[int], None], whole_audience: bool) -> int:
        count = seen = 0
        total: int | None = None

        def check() -> None:
            tell(count)

        for answer in self._pages(segment, check):
            total = whole(answer.get("total")) if total is None else total
            for row in items(answer):
                seen += 1
                count += self._write(row, file)
            check()
            if not whole_audience:
                return count
        if total and seen < total // 2:
            # Who is missing would count as having left.
            raise RetryLater(
                f"The scan of {segment.slug} ended early", why=f"Lytics counts {total:,} members and gave {seen:,}"
            )
        return count

    def _pages(self, segment: Segment, check: Callable[[], None]) -> Iterator[Mapping[str, Any]]:
        what = f"The members of {segment.slug} could not be read"
        start = ""
        while True:
            more = {"start": start} if start else {}
            try:
                answer = self.api.get(
                    path("api", "segment", segment.id, "scan"), what=what, check=check, limit=PAGE, **more
                )
            except Refused as error:
                if start:
                    raise _Expired from error
                raise
            yield answer
            onward = text(answer.get("_next")) or ""
            if not onward or onward == start:
                return
            start = onward

    def _write(self, row: Mapping[str, Any], file: TextIO) -> int:
        key = id_of(row, self._identifiers)
        if key is None:
            self.nameless += 1
            return 0
        who: dict[str, Any] = {}
        for name, value in row.items():
            if value is None or name.casefold() in _RESERVED:
                continue
            known = self._known.get(name.casefold())
            if known is None:
                kind = FieldKind.STRINGS if isinstance(value, list) else FieldKind.STRING
                known = self._known[name.casefold()] = UserField(name, kind)
                self.fields.append(known)
            held = _held(value, known.kind)
            self.unreadable += held is None
            who[known.name] = held
        named = [f"{one.field}:{one.value}" for one in identifiers_of(row, self._identifiers)]
        file.write(json.dumps({"_id": key, "named": named, "who": who}, separators=(",", ":")) + "\n")
        return 1


class _Expired(Exception):
    """The cursor is not known any more."""


def _held(value: Any, kind: FieldKind) -> str | Sequence[str] | Mapping[str, str] | None:
    """A value in the shape of its kind, all of it text; None for what is no map where one should be."""
    if kind.is_map:
        found = value.items() if isinstance(value, dict) else None
        return None if found is None else {name: told for name, one in found if (told := text(one)) is not None}
    if kind.is_list:
        values = value if isinstance(value, list) else [value]
        return [told for one in values if (told := text(one)) is not None]
    return text(value)
