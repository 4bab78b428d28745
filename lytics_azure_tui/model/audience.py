"""Audiences: a filter over profiles, under a name. One TOML file an audience."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from lytics_azure_tui.model.language.parse import parse_filter
from lytics_azure_tui.model.language.tree import includes
from lytics_azure_tui.model.names import Slug


class Audience(BaseModel):
    """One audience.

    Attributes:
        slug: the name of its file; by it jobs, messages and INCLUDE name the audience.
        label: for people.
        description: for people.
        filter: FilterQL.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    slug: Slug = Field(exclude=True)
    label: str = Field(min_length=1)
    description: str = ""
    filter: str

    @field_validator("filter")
    @classmethod
    def _filter(cls, text: str) -> str:
        parse_filter(text)
        return text

    def includes(self) -> set[str]:
        """The audiences that its filter names."""
        return {node.slug for node in includes(parse_filter(self.filter).condition)}
