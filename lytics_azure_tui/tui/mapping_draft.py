"""A mapping while it is being edited: its parts by a key, and every step back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from lytics_azure_tui.model.mapping import Affinity, FieldRule, StreamMapping
from lytics_azure_tui.model.suggestion import Suggestion

WHERE = "where"
"""The key of the condition on all events."""


class MappingDraft:
    """Begins as it is saved. Keys hold until the next change.

    Attributes:
        mapping: as it stands.
    """

    def __init__(self, saved: StreamMapping) -> None:
        self.mapping = saved
        self._saved = saved
        self._before: list[StreamMapping] = []

    @property
    def unsaved(self) -> bool:
        """Whether it differs from what is saved."""
        return self.mapping != self._saved

    @property
    def undoable(self) -> bool:
        """Whether there is a step back."""
        return bool(self._before)

    def saved(self) -> None:
        """What stands now is saved."""
        self._saved = self.mapping

    def parts(self) -> Iterator[tuple[str, FieldRule | Affinity]]:
        """The rules, then the interests, each with its key."""
        yield from ((f"field {place}", rule) for place, rule in enumerate(self.mapping.fields))
        yield from ((f"interest {place}", item) for place, item in enumerate(self.mapping.affinities))

    def part(self, key: str) -> FieldRule | Affinity | None:
        """One of them."""
        return dict(self.parts()).get(key)

    @property
    def identified(self) -> bool:
        """Whether there is anything by which an event can be told to be somebody's."""
        return any(rule.identifier for rule in self.mapping.fields)

    def put(self, part: FieldRule | Affinity, key: str | None = None) -> str:
        """Adds a part, or puts it in the place of another; gives its key."""
        return self._put([part], key)

    def take(self, suggestions: Iterable[Suggestion]) -> int:
        """Adds all of them, as one step; gives how many there were."""
        parts = [suggestion.rule for suggestion in suggestions]
        if parts:
            self._put(parts, None)
        return len(parts)

    def with_part(self, part: FieldRule | Affinity, key: str | None) -> StreamMapping:
        """What the mapping would be with a part; changes nothing."""
        draft = MappingDraft(self.mapping)
        draft.put(part, key)
        return draft.mapping

    def _put(self, parts: Iterable[FieldRule | Affinity], key: str | None) -> str:
        fields, interests = list(self.mapping.fields), list(self.mapping.affinities)
        at = ""
        for part in parts:
            held: list[Any] = fields if isinstance(part, FieldRule) else interests
            name = "field" if isinstance(part, FieldRule) else "interest"
            if key is None:
                held.append(part)
            else:
                held[int(key.split()[1])] = part
            at = key or f"{name} {len(held) - 1}"
        self._step(fields=fields, affinities=interests)
        return at

    def remove(self, key: str) -> None:
        """Takes a part out."""
        if key == WHERE:
            self.where(None)
            return
        name, place = key.split()
        held: list[Any] = list(self.mapping.fields if name == "field" else self.mapping.affinities)
        del held[int(place)]
        self._step(**{"fields" if name == "field" else "affinities": held})

    def where(self, condition: str | None) -> None:
        """Puts another condition on all events; None takes it away."""
        self._step(where=condition)

    def replace(self, mapping: StreamMapping) -> None:
        """Puts another mapping in its place, as one step."""
        self._step(fields=mapping.fields, affinities=mapping.affinities, where=mapping.where)

    def undo(self) -> bool:
        """One step back; False when there is none."""
        if self._before:
            self.mapping = self._before.pop()
            return True
        return False

    def _step(self, **changed: object) -> None:
        after = self.mapping.model_copy(update=changed)
        if after != self.mapping:
            self._before.append(self.mapping)
            self.mapping = after


def merged(here: StreamMapping, before: StreamMapping, now: StreamMapping) -> StreamMapping:
    """A mapping as it stands here, with what was changed elsewhere; where both changed, what is here stays."""

    def parts(mine: list[Any], old: list[Any], new: list[Any]) -> list[Any]:
        kept = [part for part in mine if part not in old or part in new]
        changed_here = {part.field for part in mine if part not in old}
        return kept + [part for part in new if part not in old and part not in mine and part.field not in changed_here]

    return here.model_copy(
        update={
            "fields": parts(here.fields, before.fields, now.fields),
            "affinities": parts(here.affinities, before.affinities, now.affinities),
            "where": now.where if here.where == before.where else here.where,
        }
    )


def said(mapping: StreamMapping) -> dict[str, str]:
    """A mapping in words, by its user fields."""
    found = {"Where": mapping.where or ""}
    parts: list[FieldRule | Affinity] = [*mapping.fields, *mapping.affinities]
    for part in parts:
        values = part.model_dump(mode="json", exclude={"field"}, exclude_defaults=True)
        words = ", ".join(f"{name} {value}" for name, value in values.items())
        found[part.field] = "; ".join(filter(None, (found.get(part.field), words)))
    return found
