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
from lytics_azure_tui.lytics.duck import FILE_ROW_NUMBER, UNION_BY_NAME, literal, quoted, read_parquet
from lytics_azure_tui.lytics.language.compile import condition_sql, value_sql
from lytics_azure_tui.lytics.language.kinds import converted
from lytics_azure_tui.lytics.language.scope import Scope, Typed, column_fields
from lytics_azure_tui.lytics.workspace.merging import ORDER, Extreme, Field, Keyed, fields_of
from lytics_azure_tui.model.language.parse import parse_condition, parse_expression
from lytics_azure_tui.model.mapping import Affinity, FieldRule, StreamMapping
from lytics_azure_tui.model.user_field import FieldKind, Merge

LONGEST_IDENTIFIER = 256
"""Bytes; a longer value is none, as in Lytics."""

_LARGEST_ADDEND = "1e18"

_FILE = "_file_of_the_row"

_TIME = f"coalesce({EVENT_TIME}, {INGEST_TIME})"

# Microseconds, seconds of arrival and rows, one above the other: years up to 9999 fit into 38 digits.
_ORDER = (
    f"CAST(epoch_us({_TIME}) :: HUGEINT * {2**68} + least(greatest(epoch_us({INGEST_TIME}) // 1000000, 0), {2**32 - 1})"
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
    return mapped_rows(mapping, columns, rows_of(columns, files), fields)


def rows_of(columns: Sequence[str], files: Sequence[str], *options: str) -> str:
    """SQL of the rows of a stream's files, with all columns: a file from before a column came does not have it."""
    read = f"SELECT * FROM {read_parquet(files, UNION_BY_NAME, *options)}"
    empty = ", ".join(f"NULL :: VARCHAR AS {quoted(name)}" for name in columns)
    return f"SELECT {empty} WHERE false UNION ALL BY NAME {read}" if columns else read


def places_of(
    mapping: StreamMapping,
    columns: Sequence[str],
    files: Sequence[str],
    nodes: Sequence[str],
    *,
    whatever: bool = False,
) -> str:
    """SQL of where the events of some identifiers lie: file, place (the row's number in it, from 0), t and more.

    Args:
        nodes: field:value.
        whatever: also events that the mapping's conditions leave out.
    """
    identifiers = [rule for rule in mapping.fields if rule.identifier]
    if whatever:
        identifiers = [rule.model_copy(update={"guard": None}) for rule in identifiers]
    bare = mapping.model_copy(update={"fields": identifiers, "affinities": []})
    if whatever:
        bare = bare.model_copy(update={"where": None})
    source = rows_of(columns, files, f"filename = '{_FILE}'", FILE_ROW_NUMBER)
    by_field = {
        rule.field: [node[len(rule.field) + 1 :] for node in nodes if node.startswith(f"{rule.field}:")]
        for rule in identifiers
    }
    wanted = [
        f"list_has_any(y{number}, [{values}])" if rule.kind.is_list else f"y{number} :: VARCHAR IN ({values})"
        for number, rule in enumerate(identifiers)
        if (values := ", ".join(map(literal, by_field[rule.field])))
    ]
    more = (f"{_FILE} AS file", "file_row_number AS place")
    return mapped_rows(bare, columns, source, fields_of([bare]), more, " OR ".join(wanted) or "false")


def mapped_rows(
    mapping: StreamMapping,
    columns: Sequence[str],
    rows: str,
    fields: Sequence[Field],
    more: Sequence[str] = (),
    wanted: str = "",
) -> str:
    """The same of rows that a query gives: the stream's columns, and those of our own.

    Args:
        more: "x AS y", columns that come through.
        wanted: a condition over y0, y1 …, the values of the mapping's fields in their order.
    """
    # An event is the same whenever it is mapped: what an expression calls now is the time of the event.
    scope = Scope(column_fields(columns), _TIME)
    where = _condition(mapping, "where", mapping.where, scope)
    items: list[FieldRule | Affinity] = [*mapping.fields, *mapping.affinities]
    rules = [(number, item, _value(mapping, item, scope)) for number, item in enumerate(items)]
    raw = "".join(f", {typed.sql} AS x{number}" for number, _, typed in rules)
    through = "".join(f", {each}" for each in more)
    taken = f"SELECT {_TIME} AS t, {_ORDER} AS o{raw}{through} FROM ({rows})" + (f" WHERE {where}" if where else "")
    by_name = {field.name: field for field in fields}
    read = ""
    for number, item, typed in rules:
        try:
            read += f", {_readable(Typed(f'x{number}', typed.kind), item, by_name[item.field])} AS y{number}"
        except ValueError as error:
            raise _wrong(mapping, item.field, error) from error
    made = f"SELECT *{read} FROM ({taken})"
    columns_of_fields = (
        column
        for field in fields
        for column in _columns(field, [rule for rule in rules if rule[1].field == field.name])
    )
    chosen = [f"{literal(mapping.stream)} AS stream", f"{_nodes(rules)} AS nodes", *columns_of_fields]
    chosen += [each.rpartition(" AS ")[2] for each in more]
    return f"SELECT t, o, {', '.join(chosen)} FROM ({made})" + (f" WHERE {wanted}" if wanted else "")


def nothing_mapped(fields: Sequence[Field]) -> str:
    """SQL of the same columns without any event."""
    columns = [
        f"NULL :: {kind} AS {name}" for name, kind in (("t", "TIMESTAMPTZ"), ("o", ORDER), ("stream", "VARCHAR"))
    ]
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


def _readable(x: Typed, item: FieldRule | Affinity, field: Field) -> str:  # noqa: PLR0911 -- one a kind
    """A rule's value as its field wants it: of `value_type`; NULL where it cannot be.

    Raises:
        ValueError: such a value can never be one of the field's kind.
    """
    if isinstance(item, Affinity):
        return _elements(x, FieldKind.STRINGS)
    kind = item.kind
    if item.merged_by is Merge.COUNT:
        return f"CASE WHEN {_present(x.sql)} THEN 1 :: BIGINT END"
    if item.merged_by is Merge.VALUECT and not x.kind.is_map:
        return f"[struct_pack(key := e, value := 1 :: BIGINT) for e in {_elements(x, FieldKind.STRINGS)}]"
    if kind.is_map:
        present = "e.value <> ''" if kind.element is FieldKind.STRING else "e.value IS NOT NULL"
        entries = f"list_filter(map_entries({converted(x, kind).sql}), lambda e: e.key <> '' AND {present})"
        return f"nullif({entries}, [])"
    if kind.is_list:
        value = _elements(x, kind)
        if item.identifier:
            value = f"nullif(list_filter({value}, lambda e: strlen(e) <= {LONGEST_IDENTIFIER}), [])"
        return value
    value = converted(x, kind).sql
    if kind is FieldKind.STRING:
        value = f"nullif({value}, '')"
        return f"CASE WHEN strlen({value}) <= {LONGEST_IDENTIFIER} THEN {value} END" if item.identifier else value
    if kind is FieldKind.NUMBER and item.merged_by is Merge.SUM:
        return f"CASE WHEN abs({value}) < {_LARGEST_ADDEND} THEN CAST({value} AS {field.value_type}) END"
    return f"CASE WHEN isfinite({value}) THEN {value} END" if kind is FieldKind.NUMBER else value


def _elements(x: Typed, kind: FieldKind) -> str:
    """A list's elements, those that are none left out; NULL when no one is left."""
    if not x.kind.is_list:
        value = converted(x, kind.element).sql
        value = f"nullif({value}, '')" if kind.element is FieldKind.STRING else value
        return f"CASE WHEN {value} IS NOT NULL THEN [{value}] END"
    empty = " AND e <> ''" if kind.element is FieldKind.STRING else ""
    return f"nullif(list_filter({converted(x, kind).sql}, lambda e: e IS NOT NULL{empty}), [])"


# All rules of a field


def _columns(field: Field, rules: Sequence[tuple[int, FieldRule | Affinity, Typed]]) -> Iterator[str]:
    values = [f"y{number}" for number, _, _ in rules]
    lost = " OR ".join(
        f"({_present(f'x{number}')} AND y{number} IS NULL)" for number, item, typed in rules if _may_fail(item, typed)
    )
    rank = "CAST(NULL AS INTEGER)"
    value = f"CAST(NULL AS {field.value_type})"
    if isinstance(field, Extreme) and field.ranked and rules:
        ranks = {number: field.rank(item.rank) for number, item, _ in rules if isinstance(item, FieldRule)}
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


def _may_fail(item: FieldRule | Affinity, typed: Typed) -> bool:
    """Whether a rule's expression may give what its field cannot hold."""
    if isinstance(item, Affinity) or item.merged_by in (Merge.COUNT, Merge.VALUECT):
        return False
    return item.identifier or item.kind.element not in (FieldKind.STRING, typed.kind.element)


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
