"""When a condition may change its answer although nothing has happened: dates that the clock passes."""

from __future__ import annotations

from collections.abc import Iterator

from lytics_azure_tui.lytics.language.compare import TURNED, Operand
from lytics_azure_tui.lytics.language.compile import included, inside, operand
from lytics_azure_tui.lytics.language.kinds import as_date
from lytics_azure_tui.lytics.language.moments import Moment, looks_like_moment, moment, passes_sql
from lytics_azure_tui.lytics.language.scope import Scope
from lytics_azure_tui.model.language import tree
from lytics_azure_tui.model.language.functions import ALIASES, FUNCTIONS, Takes
from lytics_azure_tui.model.language.problem import LanguageProblem
from lytics_azure_tui.model.language.tree import Condition, Expression, Node, children
from lytics_azure_tui.model.user_field import FieldKind

# Functions that see the clock if they are given no date, and change at full hours only.
_HOURLY = {"yy", "mm", "monthofyear", "yymm", "dayofweek", "hourofday", "hourofweek"}
_COMPARING = {"eq": "==", "ne": "!=", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}


def boundary_sql(condition: Condition, scope: Scope) -> str | None:
    """The earliest moment after now at which a condition may change its answer for a row, with no new event.

    The condition is one that `condition_sql` takes. Until then its answer stays; then it may change, but need not: each
    comparison is looked at alone.

    Returns:
        SQL of TIMESTAMPTZ, NULL for a row whose answer stays for ever; None when that holds for every row.

    Raises:
        LanguageProblem: the clock is used where it cannot be told when the answer changes.
    """
    found = list(dict.fromkeys(_changes(condition, scope, ())))
    if not found:
        return None
    return found[0] if len(found) == 1 else f"least({', '.join(found)})"


def _changes(node: Expression, scope: Scope, path: tuple[str, ...]) -> Iterator[str]:
    """SQL of the moments at which the parts of a condition change."""
    match node:
        case tree.Include(slug=slug):
            try:
                yield from _changes(included(node, scope, path), scope, (*path, slug))
            except LanguageProblem as problem:
                raise inside(node, problem) from None
        case tree.Comparison(operator=operator, left=left, right=right):
            yield from _passing(operator, left, right, scope, path)
        case tree.Call(name=name, arguments=(left, right)) if name in _COMPARING:
            yield from _passing(_COMPARING[name], left, right, scope, path)
        case tree.Between(operand=value, low=low, high=high):
            yield from _passing(">", value, low, scope, path)
            yield from _passing("<", value, high, scope, path)
        case tree.Among(operand=value, members=tuple(members)):
            for member in members:
                yield from _passing("==", value, member, scope, path)
        case tree.Among(operand=value, members=Node() as member) | tree.Contains(operand=value, part=member):
            yield from _passing("==", value, member, scope, path)
        case tree.Call():
            yield from _called(node, scope, path)
        case _:
            for child in children(node):
                yield from _changes(child, scope, path)


def _passing(operator: str, left: Expression, right: Expression, scope: Scope, path: tuple[str, ...]) -> Iterator[str]:
    moments = [_moment(left, right, scope), _moment(right, left, scope)]
    for side, found in zip((left, right), moments, strict=True):
        if found is None:
            yield from _changes(side, scope, path)
    match moments:
        case [None, Moment() as found]:
            yield from _passes(operator, operand(left, scope), found, scope.now)
        case [Moment() as found, None]:
            yield from _passes(TURNED.get(operator, operator), operand(right, scope), found, scope.now)
        case [Moment(), Moment()]:
            raise _problem(left, "both sides go along with the clock; compare it with a date that stays")


def _passes(operator: str, date: Operand, found: Moment, now: str) -> Iterator[str]:
    """SQL of the moments after now at which a moment passes a date: reaches it, or leaves it behind."""
    later = [0] if operator in (">", "<=") else [1] if operator in (">=", "<") else [0, 1]
    for microseconds in later:
        if date.kind.is_list:
            passed = passes_sql(found, _plus("_date", microseconds))
            moments = f"list_transform({date.sql}, lambda _date: {passed})"
            yield f"list_min(list_filter({moments}, lambda _date: _date > {now}))"
        else:
            passed = passes_sql(found, _plus(as_date(date.value), microseconds))
            yield f"CASE WHEN {passed} > {now} THEN {passed} END"


def _plus(date: str, microseconds: int) -> str:
    return f"make_timestamptz(epoch_us({date}) + {microseconds})" if microseconds else date


def _moment(node: Expression, other: Expression, scope: Scope) -> Moment | None:
    """The moment that one side of a comparison is, if it goes along with the clock."""
    match node:
        case tree.Call(name="now"):
            return Moment()
        case tree.Call(name="todate", arguments=(tree.Literal(value=str(text)),)) if looks_like_moment(text):
            return moment(text)
        case tree.Literal(value=str(text)) if looks_like_moment(text):
            return moment(text) if operand(other, scope).kind.element is FieldKind.DATE else None
        case _:
            return None


def _called(call: tree.Call, scope: Scope, path: tuple[str, ...]) -> Iterator[str]:
    if call.name in _HOURLY and (not call.arguments or call.arguments == (tree.Call(call.at, "now", ()),)):
        yield f"date_trunc('hour', {scope.now}) + INTERVAL 1 HOUR"
        return
    function = FUNCTIONS[ALIASES.get(call.name, call.name)]
    for position, argument in enumerate(call.arguments):
        match argument:
            case tree.Literal(value=str(text)) if looks_like_moment(text):
                dated = function.taken(position, len(call.arguments)) is Takes.DATE or function.name == "todate"
                if dated:
                    raise _unforeseen(argument)
    if call.name == "now" or (call.name == "maptime" and len(call.arguments) == 1):
        raise _unforeseen(call)
    for argument in call.arguments:
        yield from _changes(argument, scope, path)


def _unforeseen(node: Node) -> LanguageProblem:
    return _problem(
        node, "the clock can only be compared here, as in created > now(), or be asked for the hour or the day"
    )


def _problem(node: Node, words: str) -> LanguageProblem:
    return LanguageProblem(words, node.at.line, node.at.column)
