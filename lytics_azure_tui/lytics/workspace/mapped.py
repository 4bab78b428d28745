"""Events as profiles take them: a stream's rows made into values of user fields, by its mapping.

The relation that comes out has these columns, the same for all streams:

    t          TIMESTAMPTZ     when the event happened
    o          DECIMAL(38, 0)  its place in the order of events
    stream     VARCHAR
    nodes      VARCHAR[]       whose it is: field:value of each identifier; those that have none make no profile
    v0, v1 …   see `merging`   what each field gets of it
    k0 …                       the rank of what an identifier of one value gets
    u0 …       BOOLEAN         the expression gave text that the field's kind cannot hold
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.lytics.columns import EVENT_TIME, INGEST_TIME, ROW
from lytics_azure_tui.lytics.duck import literal, quoted
from lytics_azure_tui.lytics.event_time import WITHIN, any_time
from lytics_azure_tui.lytics.language import Scope, Typed, condition_sql, value_sql
from lytics_azure_tui.lytics.workspace.merging import ORDER, Extreme, Field, Keyed, scalar_type
from lytics_azure_tui.model.language.parse import parse_condition, parse_expression
from lytics_azure_tui.model.mapping import Affinity, FieldRule, StreamMapping
from lytics_azure_tui.model.user_field import FieldKind, Merge

LONGEST_IDENTIFIER = 256
"""Bytes; a longer value is none, as in Lytics."""

_LARGEST_ADDEND = "1e18"

# Microseconds, seconds of arrival and rows, one above the other: years up to 9999 fit into 38 digits.
_ORDER = (
    f"CAST(epoch_us(t) :: HUGEINT * {2**68} + least(greatest(epoch_us({INGEST_TIME}) // 1000000, 0), {2**32 - 1})"
    f" :: HUGEINT * {2**36} + coalesce({ROW}, 0) % {2**36} AS {ORDER})"
)
"""The order of events for latest and oldest: by time, then by when they came, then by their place in the source."""


def mapped(mapping: StreamMapping, columns: Sequence[str], files: Sequence[str], fields: Sequence[Field]) -> str:
    """SQL of a stream's events.

    Args:
        columns: the stream's own ones.
        files: Parquet files of the stream; some, or one.
        fields: of all mappings.

    Raises:
        BadConfiguration: an expression names a column that is not there, or does what cannot be done.
    """
    read = f"SELECT * FROM read_parquet([{', '.join(map(literal, files))}], union_by_name = true)"
    # A file from before a column came does not have it.
    empty = ", ".join(f"NULL :: VARCHAR AS {quoted(name)}" for name in columns) or "NULL AS nothing"
    source = f"SELECT {empty} WHERE false UNION ALL BY NAME {read}"
    timed = f"SELECT *, coalesce({EVENT_TIME}, {INGEST_TIME}) AS t FROM ({source})"
    return mapped_rows(mapping, columns, timed, fields)


def mapped_rows(mapping: StreamMapping, columns: Sequence[str], rows: str, fields: Sequence[Field]) -> str:
    """The same of rows that a query gives: columns, those of our own, and t."""
    # An event is the same whenever it is mapped: what an expression calls now is when the event came.
    scope = Scope({name: Typed(quoted(name), FieldKind.STRING) for name in columns}, INGEST_TIME, {})
    where = _condition(mapping, "where", mapping.where, scope)
    rules: list[tuple[int, FieldRule | Affinity, Typed]] = []
    for item in (*mapping.fields, *mapping.affinities):
        rules.append((len(rules), item, _value(mapping, item, scope)))
    raw = "".join(f", {typed.sql} AS x{number}" for number, _, typed in rules)
    taken = f"SELECT t, {_ORDER} AS o{raw} FROM ({rows})" + (f" WHERE {where}" if where else "")
    by_name = {field.name: field for field in fields}
    read = "".join(
        f", {_readable(f'x{number}', typed.kind, item, by_name[item.field])} AS y{number}"
        for number, item, typed in rules
    )
    converted = f"SELECT *{read} FROM ({taken})"
    columns_of_fields = (
        column
        for field in fields
        for column in _columns(field, [(number, item) for number, item, _ in rules if item.field == field.name])
    )
    chosen = [f"{literal(mapping.stream)} AS stream", f"{_nodes(rules)} AS nodes", *columns_of_fields]
    return f"SELECT t, o, {', '.join(chosen)} FROM ({converted})"


def nothing_mapped(fields: Sequence[Field]) -> str:
    """SQL of the same columns without any event."""
    columns = [f"NULL :: {kind} AS {name}" for name, kind in (("t", "TIMESTAMPTZ"), ("o", ORDER), ("stream", "VARCHAR"))]
    columns += ["NULL :: VARCHAR[] AS nodes", *(column for field in fields for column in _columns(field, ()))]
    return f"SELECT {', '.join(columns)} WHERE false"


def _condition(mapping: StreamMapping, name: str, text: str | None, scope: Scope) -> str | None:
    if text is None:
        return None
    try:
        return condition_sql(parse_condition(text), scope)
    except ValueError as error:
        raise _wrong(mapping, name, error) from error


def _value(mapping: StreamMapping, item: FieldRule | Affinity, scope: Scope) -> Typed:
    try:
        typed = value_sql(parse_expression(item.expression), scope)
    except ValueError as error:
        raise _wrong(mapping, item.field, error) from error
    guard = _condition(mapping, f"the guard of {item.field}", item.guard, scope)
    return typed if guard is None else Typed(f"CASE WHEN {guard} THEN {typed.sql} END", typed.kind)


def _wrong(mapping: StreamMapping, name: str, error: ValueError) -> BadConfiguration:
    return BadConfiguration(
        f"The mapping of {mapping.stream} cannot be used: {name}", why=str(error), fix="Edit the mapping"
    )


# One rule's value


def _readable(x: str, given: FieldKind, item: FieldRule | Affinity, field: Field) -> str:
    """A rule's value as its field wants it: of `value_type`; NULL where it cannot be."""
    if isinstance(item, Affinity) or item.merged_by is Merge.VALUECT:
        if isinstance(field, Keyed) and field.has_values:
            if given.is_map:
                return _entries(x, given, FieldKind.INT)
            return f"[struct_pack(key := e, value := CAST(1 AS BIGINT)) for e in {_elements(x, given, FieldKind.STRING)}]"
        return _elements(x, given, FieldKind.STRING)
    kind = item.kind
    if item.merged_by is Merge.COUNT:
        return f"CASE WHEN {_scalar(x, given, FieldKind.STRING)} IS NOT NULL THEN 1 :: BIGINT END"
    if kind.is_map:
        return _entries(x, given, kind.element)
    if kind.is_list:
        value = _elements(x, given, kind.element)
        if item.identifier:
            value = f"list_filter({value}, lambda e: strlen(e) <= {LONGEST_IDENTIFIER})"
        return value
    value = _scalar(x, given, kind)
    if item.merged_by is Merge.SUM and kind is FieldKind.NUMBER:
        return f"CASE WHEN abs({value}) < {_LARGEST_ADDEND} THEN CAST({value} AS DECIMAL(38, 9)) END"
    if item.identifier and kind is FieldKind.STRING:
        value = f"CASE WHEN strlen({value}) <= {LONGEST_IDENTIFIER} THEN {value} END"
    return value


def _scalar(x: str, given: FieldKind, kind: FieldKind) -> str:
    """A scalar as another kind; empty text is no value. Of a list it is the first element."""
    if given.is_map:
        return f"CAST(NULL AS {scalar_type(kind)})"
    if given.is_list:
        x, given = f"{x}[1]", given.element
    if given is kind and kind is not FieldKind.STRING and kind is not FieldKind.NUMBER:
        return x
    if kind is FieldKind.STRING:
        return f"nullif(CAST({x} AS VARCHAR), '')"
    if kind is FieldKind.NUMBER:
        number = f"try_cast({x} AS DOUBLE)"
        return f"CASE WHEN isfinite({number}) THEN {number} END"
    if kind is FieldKind.INT:
        # A cast by itself would round 1.5.
        whole = f"try_cast({x} AS BIGINT)"
        return f"CASE WHEN try_cast({x} AS DOUBLE) = {whole} THEN {whole} END"
    if kind is FieldKind.BOOL:
        return f"try_cast({x} AS BOOLEAN)"
    if given is not FieldKind.STRING:
        return "CAST(NULL AS TIMESTAMPTZ)"
    moment = any_time(x, None)
    return f"CASE WHEN {moment} {WITHIN} THEN {moment} END"


def _elements(x: str, given: FieldKind, kind: FieldKind) -> str:
    """A list of another kind's elements, those that cannot be left out; NULL when none is left."""
    if given.is_map:
        x, given = f"map_keys({x})", FieldKind.STRINGS
    values = f"[{_scalar('e', given.element, kind)} for e in {x}]" if given.is_list else f"[{_scalar(x, given, kind)}]"
    return f"nullif(list_filter({values}, lambda e: e IS NOT NULL), [])"


def _entries(x: str, given: FieldKind, kind: FieldKind) -> str:
    if not given.is_map:
        return f'CAST(NULL AS STRUCT("key" VARCHAR, "value" {scalar_type(kind)})[])'
    value = _scalar("e.value", given.element, kind)
    entries = f"[struct_pack(key := e.key, value := {value}) for e in map_entries({x})]"
    return f"nullif(list_filter({entries}, lambda e: e.key <> '' AND e.value IS NOT NULL), [])"


# All rules of a field


def _columns(field: Field, rules: Sequence[tuple[int, FieldRule | Affinity]]) -> Iterator[str]:
    values = [f"y{number}" for number, _ in rules]
    lost = " OR ".join(f"({_present(f'x{number}')} AND y{number} IS NULL)" for number, _ in rules)
    rank = "CAST(NULL AS INTEGER)"
    value = f"CAST(NULL AS {field.value_type})"
    if isinstance(field, Extreme) and field.ranked and rules:
        ranks = {number: field.rank(item.rank) for number, item in rules if isinstance(item, FieldRule)}
        pairs = [
            f"CASE WHEN y{number} IS NOT NULL THEN struct_pack(k := {rank}, v := y{number}) END"
            for number, rank in ranks.items()
        ]
        best = pairs[0] if len(pairs) == 1 else f"list_{field.function}([{', '.join(pairs)}])"
        rank, value = f"CAST(({best}).k AS INTEGER)", f"({best}).v"
    elif len(values) == 1:
        value = values[0]
    elif values:
        listed = f"[{', '.join(values)}]"
        if isinstance(field, Extreme):
            value = f"list_{field.function}({listed})"
        elif isinstance(field, Keyed):
            value = f"nullif(flatten(list_filter({listed}, lambda e: e IS NOT NULL)), [])"
        else:
            value = f"list_sum({listed})" if field.merge is Merge.SUM else f"list_max({listed})"
            value = f"CAST({value} AS {field.value_type})"
    yield f"{value} AS v{field.number}"
    if isinstance(field, Extreme) and field.ranked:
        yield f"{rank} AS k{field.number}"
    yield f"{lost or 'false'} AS u{field.number}"


def _present(x: str) -> str:
    return f"coalesce(CAST({x} AS VARCHAR) <> '', false)"


def _nodes(rules: Sequence[tuple[int, FieldRule | Affinity, Typed]]) -> str:
    scalars: list[str] = []
    lists: list[str] = []
    for number, item, _ in rules:
        if isinstance(item, FieldRule) and item.identifier:
            prefix = literal(f"{item.field}:")
            if item.kind.is_list:
                lists.append(f"[{prefix} || e for e in y{number}]")
            else:
                scalars.append(f"{prefix} || y{number}")
    nodes = f"list_filter([{', '.join(scalars)}] :: VARCHAR[], lambda e: e IS NOT NULL)"
    for each in lists:
        nodes = f"list_concat({nodes}, {each})"
    return nodes
