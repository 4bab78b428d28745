"""Mappings: which user fields the columns of a stream become. One TOML file a stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from lytics_azure_tui.model.audience import Audience
from lytics_azure_tui.model.language.parse import parse_condition, parse_expression
from lytics_azure_tui.model.names import FieldName, StreamName
from lytics_azure_tui.model.user_field import OWN_FIELDS, SCORES, FieldKind, Merge, UserField


def _not_ours(name: str) -> str:
    if name in SCORES:
        raise ValueError("this name belongs to a score that the program makes itself")
    return name


def _expression(text: str) -> str:
    parse_expression(text)
    return text


def _condition(text: str) -> str:
    parse_condition(text)
    return text


FreeName = Annotated[FieldName, AfterValidator(_not_ours)]
Expression = Annotated[str, AfterValidator(_expression)]
Condition = Annotated[str, AfterValidator(_condition)]

_IDENTIFIERS = (FieldKind.STRING, FieldKind.INT, FieldKind.STRINGS)


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Affinity(_Written):
    """An interest: how much of what a person does has to do with each topic, from 0 to 1.

    Attributes:
        field: the user field, a map[string]number.
        expression: gives an event's topic, or a list of them.
        guard: a condition; other events do not count.
    """

    field: FreeName
    expression: Expression
    guard: Condition | None = None


class FieldRule(_Written):
    """How a user field is made of an event.

    Attributes:
        field: the user field.
        expression: over the stream's columns.
        kind: of the user field.
        merge: how values are merged; the kind's default when it is not written.
        identifier: the value tells whose the event is.
        rank: of an identifier: 1 is the strongest. Of several values of a field that holds one, the strongest stays.
        guard: a condition; from other events the field takes nothing.
        cap: for "capped": so many values are kept.
        description: for people.
    """

    field: FreeName
    expression: Expression
    kind: FieldKind = FieldKind.STRING
    merge: Merge | None = None
    identifier: bool = False
    rank: int = Field(default=1, ge=1, le=100)
    guard: Condition | None = None
    cap: int = Field(default=100, ge=1, le=10_000)
    description: str = ""

    @model_validator(mode="after")
    def _fits(self) -> FieldRule:
        if self.merge is not None and self.merge not in self.kind.merges:
            known = ", ".join(self.kind.merges)
            raise ValueError(f"{self.kind} cannot be merged by {self.merge}; write one of {known}")
        if self.identifier and self.kind not in _IDENTIFIERS:
            raise ValueError(f"an identifier is of the kind {', '.join(_IDENTIFIERS)}, not {self.kind}")
        return self

    @property
    def merged_by(self) -> Merge:
        """The merge operator that holds."""
        return self.merge or self.kind.merges[0]

    def user_field(self) -> UserField:
        """The user field that it fills."""
        return UserField(self.field, self.kind, self.merged_by, self.identifier, self.description)


class StreamMapping(_Written):
    """The mapping of one stream.

    Attributes:
        stream: the stream, by which its file is named.
        where: a condition; other events make no profiles.
        fields: may name a field more than once: each that gives a value counts.
        affinities: interests.
    """

    stream: StreamName = Field(exclude=True)
    where: Condition | None = None
    fields: list[FieldRule] = Field(default_factory=list)
    affinities: list[Affinity] = Field(default_factory=list)

    def user_fields(self) -> Iterator[UserField]:
        """The user fields that it names, some of them more than once."""
        yield from (rule.user_field() for rule in self.fields)
        yield from (UserField(item.field, FieldKind.MAP_NUMBER) for item in self.affinities)


@dataclass(frozen=True, slots=True)
class Definitions:
    """All that people say about profiles: the mappings and the audiences."""

    mappings: tuple[StreamMapping, ...] = ()
    audiences: tuple[Audience, ...] = ()

    def user_fields(self) -> list[UserField]:
        """Every field of profiles, our own first."""
        found = {field.name: field for field in OWN_FIELDS}
        for mapping in self.mappings:
            for field in mapping.user_fields():
                before = found.get(field.name)
                if before is None or field.identifier:
                    found[field.name] = field
        return list(found.values())

    def dump(self) -> dict[str, Any]:
        """As JSON values; `load` reads them."""
        return {
            "mappings": [{"stream": item.stream, **item.model_dump(mode="json")} for item in self.mappings],
            "audiences": [{"slug": item.slug, **item.model_dump(mode="json")} for item in self.audiences],
        }

    @classmethod
    def load(cls, values: dict[str, Any]) -> Definitions:
        """What `dump` gave."""
        return cls(
            tuple(StreamMapping.model_validate(item) for item in values["mappings"]),
            tuple(Audience.model_validate(item) for item in values["audiences"]),
        )


def disagreements(mappings: Sequence[StreamMapping]) -> list[tuple[str, str]]:
    """(stream, words) wherever one user field is said to be two things."""
    found = list[tuple[str, str]]()
    first = dict[str, tuple[str, UserField]]()
    for mapping in mappings:
        for field in mapping.user_fields():
            stream, known = first.setdefault(field.name, (mapping.stream, field))
            if (known.kind, known.merge, known.identifier) != (field.kind, field.merge, field.identifier):
                words = f"{field.name} is {_said(field)} here, and {_said(known)} in the mapping of {stream}"
                found.append((mapping.stream, words))
    return found


def _said(field: UserField) -> str:
    role = " and an identifier" if field.identifier else ""
    return f"{field.kind}, {field.merge}{role}" if field.merge else "an affinity"
