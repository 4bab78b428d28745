"""The tree of an expression or a condition becomes DuckDB's SQL."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from lytics_azure_tui.lytics.duck import literal
from lytics_azure_tui.lytics.language import compare
from lytics_azure_tui.lytics.language.compare import Operand
from lytics_azure_tui.lytics.language.functions import call_sql
from lytics_azure_tui.lytics.language.kinds import NUMERIC, as_number, kind_name, null, number_literal
from lytics_azure_tui.lytics.language.scope import Scope, Typed
from lytics_azure_tui.model.language import tree
from lytics_azure_tui.model.language.problem import LanguageProblem
from lytics_azure_tui.model.language.tree import Condition, Expression, Node
from lytics_azure_tui.model.user_field import FieldKind


class CircleProblem(LanguageProblem):
    """An audience that is made of itself."""


def value_sql(expression: Expression, scope: Scope) -> Typed:
    """The SQL of an expression's value, NULL where it has none.

    Raises:
        LanguageProblem: a field, a function or an audience that is not there, or kinds that do not go together.
    """
    match expression:
        case tree.Literal(value=value):
            return _literal(value)
        case tree.Field():
            return _field(expression, scope)
        case tree.Call():
            arguments = [operand(argument, scope) for argument in expression.arguments]
            return call_sql(expression, arguments, scope)
        case tree.Minus(operand=value):
            return _arithmetic("-", tree.Literal(expression.at, 0), value, scope)
        case tree.Arithmetic(operator=operator, left=left, right=right):
            return _arithmetic(operator, left, right, scope)
        case _:
            return Typed(condition_sql(expression, scope), FieldKind.BOOL)


def condition_sql(condition: Condition, scope: Scope) -> str:
    """The SQL of a condition: BOOLEAN, and never NULL. What is missing makes a comparison false, and its opposite true.

    Raises:
        LanguageProblem: as for `value_sql`; a value that is neither true nor false; an audience that includes itself.
    """
    return _condition(condition, scope, ())


def included(include: tree.Include, scope: Scope, path: tuple[str, ...]) -> Condition:
    """The condition of an audience that another one names.

    Args:
        path: the audiences by which we came here.

    Raises:
        LanguageProblem: there is none of that name, or it is on the path.
    """
    found = scope.audiences.get(include.slug)
    if include.slug in path:
        circle = " → ".join((*path, include.slug))
        raise CircleProblem(f"audiences include each other in a circle: {circle}", include.at.line, include.at.column)
    if found is None:
        raise _problem(include, f"there is no audience {include.slug}{_near(include.slug, scope.audiences)}")
    return found.condition


def inside(include: tree.Include, problem: LanguageProblem) -> LanguageProblem:
    """A problem of an included audience, in the place where it is named."""
    if isinstance(problem, CircleProblem):
        return CircleProblem(problem.message, include.at.line, include.at.column)
    return _problem(include, f"in the audience {include.slug}, {problem}")


def _condition(condition: Condition, scope: Scope, path: tuple[str, ...]) -> str:  # noqa: PLR0911, PLR0912 -- one a kind
    now = scope.now
    match condition:
        case tree.AllOf(conditions=parts):
            return f"({' AND '.join(_condition(part, scope, path) for part in parts)})"
        case tree.AnyOf(conditions=parts):
            return f"({' OR '.join(_condition(part, scope, path) for part in parts)})"
        case tree.Not(condition=part):
            return f"NOT {_condition(part, scope, path)}"
        case tree.Everything():
            return "TRUE"
        case tree.Include(slug=slug):
            inner = included(condition, scope, path)
            try:
                return _condition(inner, scope, (*path, slug))
            except LanguageProblem as problem:
                raise inside(condition, problem) from None
        case tree.Exists(operand=value):
            return f"({value_sql(value, scope).sql} IS NOT NULL)"
        case tree.Comparison(operator=operator, left=left, right=right):
            return compare.compare(operator, operand(left, scope), operand(right, scope), now)
        case tree.Between(operand=value, low=low, high=high):
            return compare.between(operand(value, scope), operand(low, scope), operand(high, scope), now)
        case tree.Among(operand=value, members=tuple(members)):
            return compare.among(operand(value, scope), [operand(member, scope) for member in members], now)
        case tree.Among(operand=value, members=Node() as members):
            return compare.among_elements(operand(value, scope), operand(members, scope), now)
        case tree.Contains(operand=value, part=part):
            return compare.contains(operand(value, scope), operand(part, scope), now)
        case tree.Like(operand=value, pattern=pattern):
            return compare.like(operand(value, scope), operand(pattern, scope))
        case _:
            plain = operand(condition, scope)
            if plain.kind is not FieldKind.BOOL:
                said = f"{plain} is {kind_name(plain.kind)}"
                raise plain.problem(f"{said}; compare it with something, or write EXISTS before it")
            return f"coalesce({plain.sql}, FALSE)"


def operand(node: Expression, scope: Scope) -> Operand:
    """A value as a side of an operator."""
    return Operand(value_sql(node, scope), node)


def _literal(value: str | float | bool | None) -> Typed:
    match value:
        case None:
            return null(FieldKind.STRING)
        case bool():
            return Typed(str(value).upper(), FieldKind.BOOL)
        case str():
            return Typed(literal(value), FieldKind.STRING)
        case _:
            return number_literal(value)


def _field(field: tree.Field, scope: Scope) -> Typed:
    known = scope.fields.get(field.name)
    if known is not None:
        return known
    # A map's key may itself have dots, and one pair of backquotes may stand around all of it.
    first, _, key = (
        field.name.partition(".") if len(field.parts) == 1 else (field.parts[0], "", ".".join(field.parts[1:]))
    )
    whole = scope.fields.get(first)
    if whole is None or not key:
        hint = _near(field.name if not key else first, scope.fields)
        if field.quote == "'":
            hint += "; text stands in double quotes"
        raise _problem(field, f"there is no field {first}{hint}")
    if not whole.kind.is_map:
        raise _problem(field, f"{first} is {kind_name(whole.kind)}, and has no key {key}")
    return Typed(f"{whole.sql}[{literal(key)}]", whole.kind.element)


def _arithmetic(operator: str, left: Expression, right: Expression, scope: Scope) -> Typed:
    sides = [operand(node, scope) for node in (left, right)]
    for side in sides:
        if side.kind not in (*NUMERIC, FieldKind.STRING):
            raise side.problem(f"{side} is {kind_name(side.kind)}, and {operator} takes numbers")
    a, b = (as_number(side.value) for side in sides)
    whole = all(side.kind is FieldKind.INT for side in sides)
    if operator == "/":
        return Typed(f"(CAST({a} AS DOUBLE) / nullif({b}, 0))", FieldKind.NUMBER)
    if operator == "%":
        b = f"nullif({b}, 0)"
    if whole:
        # In the next larger type, for a sum that is too large is an error in DuckDB, and no value to us.
        return Typed(f"try_cast({a}::HUGEINT {operator} {b} AS BIGINT)", FieldKind.INT)
    return Typed(f"(CAST({a} AS DOUBLE) {operator} {b})", FieldKind.NUMBER)


def _near(name: str, among: Iterable[str]) -> str:
    close = get_close_matches(name, list(among), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def _problem(node: Node, words: str) -> LanguageProblem:
    return LanguageProblem(words, node.at.line, node.at.column)
