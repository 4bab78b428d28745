"""The head: what is in the profiles, and which versions of the tables belong together.

It travels in the metadata of the commits of `profiles`, so that one commit makes a whole build visible.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from lytics_azure_tui.lytics.workspace.tables import Tables
from lytics_azure_tui.model.mapping import Definitions
from lytics_azure_tui.model.user_field import FieldKind, UserField

KEY = "head"


@dataclass(frozen=True, slots=True)
class Head:
    """One state of the profiles.

    Attributes:
        build: counts builds, from 1.
        as_of: the moment as of which all is, RFC 3339, UTC.
        versions: of the other tables.
        bases: for each table the build that wrote it anew; files of later builds are layers on it.
        streams: the version of each mapped stream that is in.
        replaced: files of streams that are in as well: they stand for others that were, since someone was forgotten.
        definitions: mappings and audiences as they were, as `Definitions.dump` gives them.
        profiles, conflicts: how many there are.
        filled: for each field, in how many profiles it has a value.
        sizes: of the audiences.
        forgotten: the last task of forgetting that is in.
        boundary: when an audience may next change by time alone, RFC 3339; None for never.
        fields: the user fields, where no definitions name them: name, kind, whether it is an identifier, help.
    """

    build: int
    as_of: str
    versions: dict[str, int]
    bases: dict[str, int]
    streams: dict[str, int]
    definitions: dict[str, Any]
    profiles: int = 0
    conflicts: int = 0
    filled: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    boundary: str | None = None
    replaced: dict[str, list[str]] = field(default_factory=dict)
    forgotten: list[str] = field(default_factory=list)
    fields: list[tuple[str, str, bool, str]] = field(default_factory=list)

    def dump(self) -> str:
        """As JSON; `load` reads it."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def load(cls, text: str) -> Head:
        return cls(**json.loads(text))

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.as_of)

    def defined(self) -> Definitions:
        return Definitions.load(self.definitions)

    def user_fields(self) -> list[UserField]:
        """Every field of the profiles, our own first."""
        named = [UserField(name, FieldKind(kind), None, is_id, words) for name, kind, is_id, words in self.fields]
        return named or self.defined().user_fields()


@dataclass(frozen=True, slots=True)
class Current:
    """The newest head, and the version of `profiles` that carries it."""

    version: int
    head: Head


def current(tables: Tables) -> Current | None:
    """The newest head; None before the first build."""
    version = tables.newest("profiles")
    if version is None:
        return None
    # Every commit carries one, but for the first, which makes the table.
    commit = tables.commit("profiles", version)
    return Current(version, Head.load(commit[KEY])) if KEY in commit else None


def mapped_alike(one: Definitions, other: Definitions) -> bool:
    """Whether two definitions make the same profiles of the same events."""
    return _mappings(one) == _mappings(other)


def chosen_alike(one: Definitions, other: Definitions) -> bool:
    """Whether two definitions put the same profiles into the same audiences."""
    return _filters(one) == _filters(other)


def _mappings(definitions: Definitions) -> dict[str, Any]:
    mappings = {mapping.stream: mapping.model_dump() for mapping in definitions.mappings}
    for mapping in mappings.values():
        for rule in mapping["fields"]:
            del rule["description"]
    return mappings


def _filters(definitions: Definitions) -> dict[str, str]:
    return {audience.slug: audience.filter for audience in definitions.audiences}
