"""How the values of many events become one user field: the SQL of each merge operator.

What an operator keeps of the events that it has seen is its state. States merge in any order and grouping with the same
result, so a profile is gone on with by its new events alone. Three shapes do it:

    Extreme   latest, oldest, min, max: the greatest or least (rank, order, value) there was
    Total     sum, count
    Keyed     lists and maps: one row for each distinct element or key, merged by itself

What a profile shows is the state as far as possible; the rest of it is in the column `_state`. In the relations here,
`p` is the profile, `o` the order of an event, and v0, v1 … the fields' values (see `mapped`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lytics_azure_tui.lytics.duck import quoted
from lytics_azure_tui.lytics.language.scope import sql_type
from lytics_azure_tui.model.mapping import StreamMapping
from lytics_azure_tui.model.user_field import FieldKind, Merge

ORDER = "DECIMAL(38, 0)"
LATEST, OLDEST = "_latest", "_oldest"
_EXACT = "DECIMAL(38, 9)"


@dataclass(frozen=True, slots=True)
class Extreme:
    """A field that holds one of the values it was given.

    Attributes:
        name: of the user field.
        number: its place among the fields.
        ranked: a single-valued identifier, whose best rank goes before all else.
    """

    name: str
    number: int
    kind: FieldKind
    merge: Merge
    ranked: bool

    @property
    def value_type(self) -> str:
        return sql_type(self.kind)

    @property
    def function(self) -> str:
        """SQL's max or min."""
        return "max" if self.merge in (Merge.LATEST, Merge.MAX) else "min"

    @property
    def _by_order(self) -> bool:
        return self.merge in (Merge.LATEST, Merge.OLDEST)

    def _tuple(self, rank: str, order: str, value: str) -> str:
        parts = [f"k := {rank}"] * self.ranked + [f"o := {order}"] * self._by_order + [f"v := {value}"]
        return f"CASE WHEN {value} IS NOT NULL THEN struct_pack({', '.join(parts)}) END"

    def rank(self, rank: int) -> int:
        """A rule's rank as it is compared: the best one is the extreme one."""
        return -rank if self.function == "max" else rank

    def of_events(self) -> str:
        """An aggregate over a profile's events: its state."""
        return f"{self.function}({self._tuple(f'k{self.number}', 'o', f'v{self.number}')})"

    def of_profile(self) -> str:
        """The state of a profile's row."""
        state = f"_state.{quoted(self.name)}"
        return self._tuple(f"{state}.k", f"coalesce({state}.o, _state.{self._edge})", quoted(self.name))

    @property
    def _edge(self) -> str:
        """The order of the profile's own last or first event: most fields come of it, and need not keep theirs."""
        return LATEST if self.function == "max" else OLDEST

    def merged(self, state: str) -> str:
        """An aggregate over states."""
        return f"{self.function}({state})"

    def shown(self, state: str) -> str:
        return f"{state}.v"

    def kept(self, state: str) -> str | None:
        """What `_state` keeps; None for nothing. The profile's own `LATEST` and `OLDEST` are there."""
        parts = [f"k := {state}.k"] * self.ranked + [f"o := nullif({state}.o, {self._edge})"] * self._by_order
        return f"CASE WHEN {state} IS NOT NULL THEN struct_pack({', '.join(parts)}) END" if parts else None


@dataclass(frozen=True, slots=True)
class Total:
    """A field that adds up; exactly, so that no order of adding shows."""

    name: str
    number: int
    kind: FieldKind
    merge: Merge

    @property
    def value_type(self) -> str:
        return _EXACT if self.kind is FieldKind.NUMBER else "BIGINT"

    @property
    def _type(self) -> str:
        return _EXACT if self.kind is FieldKind.NUMBER else ORDER

    def of_events(self) -> str:
        return f"CAST(sum(v{self.number}) AS {self._type})"

    def of_profile(self) -> str:
        return f"_state.{quoted(self.name)}"

    def merged(self, state: str) -> str:
        return f"CAST(sum({state}) AS {self._type})"

    def shown(self, state: str) -> str:
        return f"try_cast({state} AS {sql_type(self.kind)})"

    def kept(self, state: str) -> str | None:
        return state


@dataclass(frozen=True, slots=True)
class Keyed:
    """A list or a map: rows of (p, key, x), of which x is what the operator keeps for a key.

    Attributes:
        merge: the operator; None for an affinity.
        cap: for "capped".
    """

    name: str
    number: int
    kind: FieldKind
    merge: Merge | None
    cap: int = 0

    @property
    def has_values(self) -> bool:
        """Whether an event's entries are pairs of key and value, not keys alone."""
        return self.kind.is_map and self.merge is not None

    @property
    def value_type(self) -> str:
        """An event's entries."""
        element = sql_type(self.kind.element)
        if self.has_values:
            return f'STRUCT("key" VARCHAR, "value" {element})[]'
        return f"{element}[]" if self.kind.is_list else "VARCHAR[]"

    @property
    def _by_order(self) -> bool:
        return self.kind.is_map and self.merge in (Merge.MERGE, Merge.LATESTMAP, Merge.OLDESTMAP)

    @property
    def _reduced(self) -> str | None:
        """The aggregate over a key's x; None where a key has none."""
        if self.kind.is_list:
            return "max(x)" if self.merge is Merge.CAPPED else None
        if self.merge in (None, Merge.VALUECT):
            return "CAST(sum(x) AS BIGINT)"
        return "min(x)" if self.merge in (Merge.MAPMIN, Merge.OLDESTMAP) else "max(x)"

    def _from_events(self, events: str) -> str:
        key, x = ("e.key", "e.value") if self.has_values else ("e", "NULL")
        if self.merge is None:
            x = "CAST(1 AS BIGINT)"
        elif self.merge is Merge.CAPPED:
            x = "t"
        elif self._by_order:
            x = "struct_pack(o := o, v := e.value)"
        unnested = f"SELECT p, t, o, unnest(v{self.number}) AS e FROM {events} WHERE v{self.number} IS NOT NULL"
        present = f"{key} IS NOT NULL" + (" AND e.value IS NOT NULL" if self.has_values else "")
        return f"SELECT p, {key} AS key, {x} AS x FROM ({unnested}) WHERE {present}"

    def _from_profiles(self, profiles: str) -> str:
        name, state = quoted(self.name), f"_state.{quoted(self.name)}"
        if self.kind.is_list:
            kept = f"unnest({state})" if self.merge is Merge.CAPPED else "NULL"
            return f"SELECT p, unnest({name}) AS key, {kept} AS x FROM {profiles} WHERE {name} IS NOT NULL"
        x = "v"
        values = f"unnest(map_values({name}))" if self.merge else f"unnest({state})"
        orders = ""
        if self._by_order:
            orders, x = f", unnest({state}) AS o", "struct_pack(o := o, v := v)"
        rows = f"SELECT p, unnest(map_keys({name})) AS key, {values} AS v{orders} FROM {profiles}"
        return f"SELECT p, key, {x} AS x FROM ({rows} WHERE {name} IS NOT NULL)"

    def query(self, events: str, profiles: str | None) -> str:
        """(p, shown, kept) of events and of rows that were there; kept is missing where `keeps` is false."""
        rows = self._from_events(events)
        if profiles is not None:
            rows += f" UNION ALL {self._from_profiles(profiles)}"
        if self._reduced is None:
            distinct = f"SELECT DISTINCT p, key FROM ({rows})"
            return f"SELECT p, list_sort(list(key)) AS shown FROM ({distinct}) GROUP BY p"
        pair = "struct_pack(x := x, key := key)" if self.kind.is_list else "struct_pack(key := key, value := x)"
        how = ", 'DESC'" if self.kind.is_list else ""
        reduced = f"SELECT p, key, {self._reduced} AS x FROM ({rows}) GROUP BY p, key"
        pairs = f"SELECT p, list_sort(list({pair}){how}) AS l FROM ({reduced}) GROUP BY p"
        if self.kind.is_list:
            pairs = f"SELECT p, l[:{self.cap}] AS l FROM ({pairs})"
            return f"SELECT p, [e.key for e in l] AS shown, [e.x for e in l] AS kept FROM ({pairs})"
        if self.merge is None:
            pairs = f"SELECT p, l, list_max([e.value for e in l]) AS most FROM ({pairs})"
        if not self.keeps:
            return f"SELECT p, map_from_entries(l) AS shown FROM ({pairs})"
        shown, kept = ("e.value.v", "e.value.o") if self._by_order else ("round(e.value / most, 4)", "e.value")
        entries = f"[struct_pack(key := e.key, value := {shown}) for e in l]"
        return f"SELECT p, map_from_entries({entries}) AS shown, [{kept} for e in l] AS kept FROM ({pairs})"

    @property
    def keeps(self) -> bool:
        """Whether `_state` keeps something of it."""
        return self.merge in (None, Merge.CAPPED) or self._by_order


Field = Extreme | Total | Keyed


def fields_of(mappings: Iterable[StreamMapping]) -> tuple[Field, ...]:
    """All user fields that some mappings fill, in their order there, each once."""
    return tuple(_fields(mappings))


def _fields(mappings: Iterable[StreamMapping]) -> Iterator[Field]:
    mappings = list(mappings)
    rules = [rule for mapping in mappings for rule in mapping.fields]
    caps = dict[str, int]()
    first = dict[str, tuple[FieldKind, Merge | None, bool]]()
    for rule in rules:
        caps[rule.field] = max(rule.cap, caps.get(rule.field, 0))
        first.setdefault(rule.field, (rule.kind, rule.merged_by, rule.identifier))
    for mapping in mappings:
        for affinity in mapping.affinities:
            first.setdefault(affinity.field, (FieldKind.MAP_NUMBER, None, False))
    for number, (name, (kind, merge, identifier)) in enumerate(first.items()):
        if merge in (Merge.SUM, Merge.COUNT):
            yield Total(name, number, kind, merge)
        elif merge is None or kind.is_map or (kind.is_list and merge not in (Merge.LATEST, Merge.OLDEST)):
            yield Keyed(name, number, kind, merge, caps.get(name, 0))
        else:
            yield Extreme(name, number, kind, merge, identifier and not kind.is_list)
