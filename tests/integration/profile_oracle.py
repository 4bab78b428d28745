"""What profiles of events must be, in plain Python over dictionaries: each merge operator as words say it."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from lytics_azure_tui.model.mapping import FieldRule, StreamMapping
from lytics_azure_tui.model.user_field import SCORES, FieldKind, Merge
from tests.integration.builds import Event

Row = dict[str, Any]


def profiles(mappings: Sequence[StreamMapping], events: Sequence[tuple[str, Event]], day: int) -> list[Row]:
    """The profiles of (stream, event) pairs: visible columns but for `_id`; fields without a value are missing."""
    by_stream = {mapping.stream: mapping for mapping in mappings}
    nodes: list[tuple[set[str], str, Event]] = []
    for stream, event in events:
        mapping = by_stream[stream]
        if mapping.where is None or _holds(mapping.where, event):
            own = set(_nodes(mapping, event))
            if own:
                nodes.append((own, stream, event))
    return [_profile(mappings, members, day) for members in _components(nodes)]


def _components(nodes: list[tuple[set[str], str, Event]]) -> list[list[tuple[set[str], str, Event]]]:
    groups: list[tuple[set[str], list[tuple[set[str], str, Event]]]] = []
    for item in nodes:
        joined, members, rest = set(item[0]), [item], []
        for group in groups:
            if group[0] & joined:
                joined |= group[0]
                members += group[1]
            else:
                rest.append(group)
        # One more element may tie groups that were apart: each was checked against all that is joined so far.
        groups = [*rest, (joined, members)]
        while _close(groups):
            pass
    return [members for _, members in groups]


def _close(groups: list[tuple[set[str], list[tuple[set[str], str, Event]]]]) -> bool:
    last = groups.pop()
    for index, group in enumerate(groups):
        if group[0] & last[0]:
            groups[index] = groups[-1]
            groups.pop()
            groups.append((group[0] | last[0], group[1] + last[1]))
            return True
    groups.append(last)
    return False


def _profile(mappings: Sequence[StreamMapping], members: list[tuple[set[str], str, Event]], day: int) -> Row:
    identifiers = sorted(set().union(*(own for own, _, _ in members)))
    row: Row = {
        "_created": min(event.at for _, _, event in members),
        "_modified": max(event.at for _, _, event in members),
        "_num_events": len(members),
        "_streamnames": sorted({stream for _, stream, _ in members}),
        "_identifiers": identifiers,
    }
    rules = defaultdict[str, list[tuple[str, FieldRule]]](list)
    for mapping in mappings:
        for rule in mapping.fields:
            rules[rule.field].append((mapping.stream, rule))
    single = {name for name, each in rules.items() if each[0][1].identifier and not each[0][1].kind.is_list}
    row["_conflicts"] = sum(sum(node.startswith(f"{name}:") for node in identifiers) > 1 for name in single)
    for name, each in rules.items():
        seen = [
            (value, rule.rank, order(event), event)
            for stream, rule in each
            for _, of, event in members
            if of == stream and (rule.guard is None or _holds(rule.guard, event))
            for value in [value_of(rule, event)]
            if value is not None
        ]
        if seen:
            found = _merged(each[0][1], seen)
            if found is not None:
                row[name] = found
    for mapping in mappings:
        for affinity in mapping.affinities:
            counts = Counter(
                topic for _, of, event in members if of == mapping.stream for topic in _list(affinity.expression, event)
            )
            if counts:
                most = max(counts.values())
                row[affinity.field] = {topic: round(count / most + 1e-12, 4) for topic, count in counts.items()}
    return {**row, **_scores(members, day)}


def _merged(rule: FieldRule, seen: list[tuple[Any, int, tuple[Any, ...], Event]]) -> Any:  # noqa: PLR0911 -- one an operator
    merge = rule.merged_by
    values = [value for value, _, _, _ in seen]
    if rule.identifier and not rule.kind.is_list:
        best = min(rank for _, rank, _, _ in seen)
        seen = [item for item in seen if item[1] == best]
        values = [value for value, _, _, _ in seen]
    ordered = sorted(seen, key=lambda item: (item[2], item[0]) if not isinstance(item[0], dict) else (item[2],))
    match merge:
        case Merge.LATEST:
            return ordered[-1][0]
        case Merge.OLDEST:
            return ordered[0][0]
        case Merge.MIN:
            return min(values)
        case Merge.MAX:
            return max(values)
        case Merge.SUM:
            return sum(values)
        case Merge.COUNT:
            return len({id(event) for _, _, _, event in seen})
        case Merge.VALUECT:
            return dict(Counter(element for value in values for element in value))
        case Merge.CAPPED:
            newest: dict[Any, Any] = {}
            for value, _, _, event in seen:
                for element in value:
                    newest[element] = max(newest.get(element, event.at), event.at)
            return sorted(newest, key=lambda element: (newest[element], element), reverse=True)[: rule.cap]
        case Merge.SET | Merge.MERGE if rule.kind.is_list:
            return sorted({element for value in values for element in value})
        case _:
            return _merged_map(merge, seen)


def _merged_map(merge: Merge, seen: list[tuple[Any, int, tuple[Any, ...], Event]]) -> dict[str, Any]:
    found = defaultdict[str, list[tuple[tuple[Any, ...], Any]]](list)
    for value, _, when, _ in seen:
        for key, item in value.items():
            found[key].append((when, item))
    pick: Callable[[list[tuple[tuple[Any, ...], Any]]], Any] = {
        Merge.MAPMIN: lambda items: min(item for _, item in items),
        Merge.MAPMAX: lambda items: max(item for _, item in items),
        Merge.OLDESTMAP: lambda items: min(items)[1],
    }.get(merge, lambda items: max(items)[1])
    return {key: pick(items) for key, items in found.items()}


def order(event: Event) -> tuple[Any, ...]:
    """The place of an event among others."""
    return (event.at, event.ingested, event.row)


# Columns, as the tests' mappings use them: an expression is a column, or one of a few calls.


def _text(column: str, event: Event) -> str | None:
    return event.values.get(column) or None


def _list(expression: str, event: Event) -> list[str]:
    column = expression.removeprefix("split(").removesuffix(', ",")')
    text = _text(column, event)
    return [] if text is None else [part for part in text.split(",") if part]


def _scalar(kind: FieldKind, text: str) -> Any:
    match kind:
        case FieldKind.INT:
            return int(text)
        case FieldKind.NUMBER:
            return float(text)
        case FieldKind.BOOL:
            return text == "true"
        case FieldKind.DATE:
            return datetime.fromisoformat(text)
        case _:
            return text


def value_of(rule: FieldRule, event: Event) -> Any:
    """A rule's value of an event; None for none."""
    if rule.merged_by is Merge.VALUECT:
        return _list(rule.expression, event) or None
    if rule.kind.is_map:
        key, column = rule.expression.removeprefix("map(").removesuffix(")").split(", ")
        name, text = _text(key, event), _text(column, event)
        return None if name is None or text is None else {name: _scalar(rule.kind.element, text)}
    if rule.kind is FieldKind.STRINGS:
        return _list(rule.expression, event) or None
    text = _text(rule.expression, event)
    if text is None:
        return None
    value = _scalar(rule.kind, text) if rule.merged_by is not Merge.COUNT else text
    return [_scalar(FieldKind.DATE, text)] if rule.kind is FieldKind.TIMES else value


def _holds(condition: str, event: Event) -> bool:
    """A condition of the tests: column = "text", or column != "text"."""
    column, operator, text = condition.split(" ")
    same = (event.values.get(column) or None) == text.strip('"')
    return same if operator == "=" else not same


def _nodes(mapping: StreamMapping, event: Event) -> Iterable[str]:
    for rule in mapping.fields:
        if rule.identifier and (rule.guard is None or _holds(rule.guard, event)):
            value = value_of(rule, event)
            for each in value if isinstance(value, list) else [value]:
                if each is not None:
                    yield f"{rule.field}:{each}"


def _scores(members: list[tuple[set[str], str, Event]], day: int) -> dict[str, int]:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    days = sorted({min((event.at - epoch).days, day) for _, _, event in members})
    n = len(members)
    recent = sum(one > day - 30 for one in days)
    before = sum(day - 60 < one <= day - 30 for one in days)
    weeks = min((day - days[0]) // 7 + 1, 26)
    active = len({(day - one) // 7 for one in days if day - one < 182})
    scores = (
        min(100 * math.log(1 + n) / math.log(1001), 100),
        100 * (1 - 0.5 ** (recent / 4)),
        100 * 0.5 ** ((day - days[-1]) / 14),
        100 * (1 - 0.5 ** ((n / len(days) - 1) / 3)),
        100 * recent / (recent + before) if recent + before else 0,
        100 * active / weeks,
    )
    return {name: math.floor(score + 0.5) for name, score in zip(SCORES, scores, strict=True)}
