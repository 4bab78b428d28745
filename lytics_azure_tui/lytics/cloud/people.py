"""Profiles of an account, and the fields that they have."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lytics_azure_tui.lytics.cloud.answers import item, items, moment, text, whole
from lytics_azure_tui.lytics.cloud.api import Api, NotThere, path
from lytics_azure_tui.lytics.protocol import FilledField, Identifier, Profile, ProfileFigures, Value
from lytics_azure_tui.model.user_field import FieldKind, Merge, UserField

TABLE = "user"
EVERYONE = "FILTER * FROM user"

_KINDS = {
    "float": FieldKind.NUMBER,
    "time": FieldKind.DATE,
    "datetime": FieldKind.DATE,
    "[]date": FieldKind.TIMES,
    "ts[]string": FieldKind.STRINGS,
    "set[]string": FieldKind.STRINGS,
    "membership": FieldKind.STRINGS,
    "map[string]float": FieldKind.MAP_NUMBER,
    "map[string]date": FieldKind.MAP_TIME,
    "map[string]value": FieldKind.MAP_STRING,
}
"""Kinds that are called otherwise here: agent-skills, references/field-types.md."""

_COUNTED_SECONDS = 60.0
"""So long a count holds."""

_KEYS = ("_id", "_uid")
"""Fields by which Lytics itself tells profiles apart; the first that there is counts."""


def kind_of(name: str | None) -> FieldKind:
    """The kind of a field by its name in Lytics; text for what we know nothing of, which then is JSON."""
    if name in _KINDS:
        return _KINDS[name]
    try:
        return FieldKind(name or "")
    except ValueError:
        return FieldKind.STRING


def schema(api: Api) -> list[UserField]:
    """The fields of profiles. Two names that differ in case only are one field: the first."""
    found = dict[str, UserField]()
    for one in items(api.get(path("v2", "schema", TABLE, "field"), what="The user fields could not be read")):
        name = text(one.get("id"))
        if not name or name.casefold() in found:
            continue
        merge = text(one.get("mergeop")) or ""
        found[name.casefold()] = UserField(
            name,
            kind_of(text(one.get("type"))),
            Merge(merge) if merge in set(Merge) else None,
            one.get("is_identifier") is True,
            text(one.get("shortdesc")) or "",
        )
    return list(found.values())


def id_of(row: Mapping[str, Any], identifiers: list[UserField]) -> str | None:
    """Whose a profile's row is: Lytics' own id, else "field:value" of an identifier; None when it has none."""
    for name in _KEYS:
        if isinstance(row.get(name), str) and row[name]:
            return str(row[name])
    named = identifiers_of(row, identifiers)
    return f"{named[0].field}:{named[0].value}" if named else None


def identifiers_of(row: Mapping[str, Any], identifiers: list[UserField]) -> list[Identifier]:
    """The values by which a profile is found."""
    found = []
    for one in identifiers:
        value = row.get(one.name)
        values = value if isinstance(value, list) else [value]
        found += [Identifier(one.name, told) for each in values if (told := text(each))]
    return found


@dataclass
class CloudPeople:
    """See `lytics.protocol.Lytics`."""

    api: Api
    _counted: tuple[float, ProfileFigures] | None = field(default=None, repr=False)

    def user_fields(self) -> list[FilledField]:
        return [FilledField(one, None) for one in schema(self.api)]

    def figures(self) -> ProfileFigures:
        if self._counted is None or time.monotonic() - self._counted[0] > _COUNTED_SECONDS:
            # A page of a scan tells how many there are, and may be asked for more often than a size.
            answer = self.api.ask("/api/segment/scan", EVERYONE, limit=1, what="The profiles could not be counted")
            self._counted = time.monotonic(), ProfileFigures(whole(answer.get("total")) or 0, datetime.now(UTC), 0, 0)
        return self._counted[1]

    def find(self, text: str, limit: int) -> list[Profile]:
        fields = schema(self.api)
        if not text:
            found = list(
                items(
                    self.api.ask("/api/segment/scan", EVERYONE, limit=min(limit, 100), what="No profiles could be read")
                )
            )
        else:
            names = ["_id", *(one.name for one in fields if one.identifier)]
            rows = (self._entity(name, value) for name in names for value in dict.fromkeys((text, text.lower())))
            found = [row for row in rows if row]
        profiles = [profile for row in found if (profile := profile_of(row, fields)) is not None]
        return list({profile.id: profile for profile in profiles}.values())[:limit]

    def profile(self, profile_id: str) -> Profile | None:
        fields = schema(self.api)
        name, _, value = profile_id.partition(":")
        named = name in {one.name for one in fields if one.identifier}
        asked = [*((key, profile_id) for key in _KEYS), *([(name, value)] if named else [])]
        row = next((row for pair in asked if (row := self._entity(*pair))), None)
        return profile_of(row, fields) if row else None

    def identifiers(self, value: str) -> list[Identifier]:
        found = dict[Identifier, None]()
        for one in schema(self.api):
            if one.identifier:
                for each in dict.fromkeys((value, value.lower())):
                    named = identifiers_of(self._entity(one.name, each), [one])
                    found.update(dict.fromkeys(item for item in named if item.value.lower() == value.lower()))
        return list(found)

    def delete(self, identifier: Identifier) -> None:
        """Has Lytics delete a profile, for good; nothing happens where there is none."""
        what = "The profile could not be deleted in Lytics"
        with contextlib.suppress(NotThere):
            self.api.delete(path("api", "entity", TABLE, identifier.field, identifier.value), what=what)

    def _entity(self, name: str, value: str) -> dict[str, Any]:
        """A profile's row; empty when there is none, which Lytics says with a status of 200 or of 404."""
        try:
            answer = self.api.get(path("api", "entity", TABLE, name, value), what="The profile could not be read")
        except NotThere:
            return {}
        return {} if str(answer.get("message", "")).strip().lower() == "not found" else item(answer)


def profile_of(row: Mapping[str, Any], fields: list[UserField]) -> Profile | None:
    """A profile of its row; None where nothing tells whose it is."""
    identifiers = [one for one in fields if one.identifier]
    key = id_of(row, identifiers)
    if key is None:
        return None
    kinds = {one.name: one.kind for one in fields}
    held = {name: value_of(value, kinds.get(name)) for name, value in row.items() if value not in (None, "", [], {})}
    audiences = row.get("segments")
    return Profile(
        id=key,
        fields={"_id": key, **held},
        identifiers=tuple(identifiers_of(row, identifiers)),
        audiences=tuple(map(str, audiences)) if isinstance(audiences, list) else (),
    )


def value_of(value: Any, kind: FieldKind | None) -> Value:
    """A value for people: numbers and times often come as text."""
    if isinstance(value, list):
        return [value_of(each, kind.element if kind and kind.is_list else None) for each in value]
    if isinstance(value, dict):
        return {name: value_of(each, kind.element if kind and kind.is_map else None) for name, each in value.items()}
    if kind is FieldKind.DATE:
        return moment(value) or text(value) or ""
    if kind is FieldKind.INT:
        number = whole(value)
        return number if number is not None else text(value) or ""
    return value if isinstance(value, str | int | float | bool) else text(value) or ""
