"""What there is to ask about profiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lytics_azure_tui.lytics.columns import SYSTEM_COLUMNS
from lytics_azure_tui.lytics.duck import FILE_ROW_NUMBER, literal, quoted
from lytics_azure_tui.lytics.protocol import FilledField, Happening, Identifier, Profile, ProfileFigures
from lytics_azure_tui.lytics.workspace.build import Builds
from lytics_azure_tui.lytics.workspace.mapped import places_of, rows_of
from lytics_azure_tui.lytics.workspace.reader import Opened, Reader
from lytics_azure_tui.lytics.workspace.streams import Streams


@dataclass(frozen=True, slots=True)
class People:
    """The profiles, as screens ask for them; see `lytics.protocol.Lytics`."""

    streams: Streams
    reader: Reader
    builds: Builds

    def user_fields(self) -> list[FilledField]:
        head = self.reader.head()
        if head is None:
            return []
        filled = {**head.filled, "_id": head.profiles}
        # A field that a mapping has named since the last build has not been looked for.
        return [FilledField(one, filled.get(one.name)) for one in head.defined().user_fields()]

    def figures(self) -> ProfileFigures:
        head = self.reader.head()
        if head is None:
            return ProfileFigures(0, None, 0, 0)
        return ProfileFigures(head.profiles, head.moment, self.builds.behind(head), head.conflicts)

    def find(self, text: str, limit: int = 50) -> list[Profile]:
        with self.reader.opened() as opened:
            if opened is None:
                return []
            # Addresses are in small letters, whatever one types.
            found = opened.ask(
                "SELECT _id, bool_or(value = $1) AS whole, min(value) AS value FROM identities"
                " WHERE starts_with(value, $1) OR starts_with(value, $2) GROUP BY _id"
                " UNION ALL SELECT _id, true, '' FROM profiles WHERE _id = $2"
                " UNION ALL SELECT survivor, true, '' FROM merges WHERE _id = $2"
                " ORDER BY whole DESC, value, _id LIMIT $3",
                [text, text.lower(), limit],
            )
            return _in_order(opened, [row[0] for row in found])

    def identifiers(self, value: str) -> list[Identifier]:
        with self.reader.opened() as opened:
            if opened is None:
                return []
            rows = opened.ask(
                "SELECT DISTINCT field, value FROM identities WHERE value = $1 OR value = $2 ORDER BY ALL",
                [value, value.lower()],
            )
        return [Identifier(field, found) for field, found in rows]

    def profile(self, profile_id: str) -> Profile | None:
        with self.reader.opened() as opened:
            if opened is None:
                return None
            return next(iter(_in_order(opened, [_resolved(opened, profile_id)])), None)

    def happenings(self, profile_id: str, limit: int = 100) -> list[Happening]:
        with self.reader.opened() as opened:
            if opened is None:
                return []
            row = opened.ask("SELECT _identifiers FROM profiles WHERE _id = ?", [_resolved(opened, profile_id)])
            if not row:
                return []
            found: list[Happening] = []
            for mapping in opened.head.defined().mappings:
                files = self.streams.paths(mapping.stream)
                if files:
                    columns = self.streams.columns(mapping.stream)
                    places = places_of(mapping, columns, files, row[0][0])
                    found += _happenings(opened, mapping.stream, columns, places, limit)
        return sorted(found, key=lambda one: one.at, reverse=True)[:limit]


def _resolved(opened: Opened, profile_id: str) -> str:
    """The id of the profile that one has become part of; its own when it has not."""
    row = opened.ask("SELECT survivor FROM merges WHERE _id = ?", [profile_id])
    return str(row[0][0]) if row else profile_id


def _in_order(opened: Opened, ids: list[Any]) -> list[Profile]:
    ids = list(dict.fromkeys(ids))
    return opened.profiles("SELECT * FROM profiles WHERE list_contains($1, _id) ORDER BY list_position($1, _id)", [ids])


def _happenings(opened: Opened, stream: str, columns: list[str], places: str, limit: int) -> list[Happening]:
    newest = opened.ask(
        f"SELECT file, place, t FROM ({places}) ORDER BY t DESC, file DESC, place DESC LIMIT ?", [limit]
    )
    if not newest:
        return []
    rows = rows_of(columns, sorted({row[0] for row in newest}), "filename = '_file'", FILE_ROW_NUMBER)
    chosen = ", ".join(quoted(name) for name in columns)
    wanted = ", ".join(f"({literal(file)}, {place})" for file, place, _ in newest)
    read = opened.ask(
        f"SELECT _file, file_row_number, {chosen} FROM ({rows}) WHERE (_file, file_row_number) IN ({wanted})"
    )
    values = {(file, place): values for file, place, *values in read}
    return [
        Happening(
            at,
            stream,
            {
                name: value
                for name, value in zip(columns, values[file, place], strict=True)
                if value not in (None, "") and name not in SYSTEM_COLUMNS
            },
        )
        for file, place, at in newest
    ]
