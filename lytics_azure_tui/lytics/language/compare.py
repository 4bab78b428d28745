"""Comparisons: which kinds can stand beside each other, and the SQL of it. All SQL here is BOOLEAN and never NULL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lytics_azure_tui.lytics.duck import literal
from lytics_azure_tui.lytics.language.kinds import (
    NUMERIC,
    as_bool,
    as_date,
    as_exact,
    as_number,
    as_text,
    bool_in,
    date_in,
    kind_name,
    number_in,
)
from lytics_azure_tui.lytics.language.moments import looks_like_moment, moment, moment_sql
from lytics_azure_tui.lytics.language.scope import Typed
from lytics_azure_tui.model.language.problem import LanguageProblem
from lytics_azure_tui.model.language.tree import Call, Field, Literal, Node
from lytics_azure_tui.model.user_field import FieldKind

_CONVERSIONS: dict[FieldKind, Callable[[Typed], str]] = {
    FieldKind.INT: as_exact,
    FieldKind.NUMBER: as_number,
    FieldKind.BOOL: as_bool,
    FieldKind.DATE: as_date,
}
"""How text is read beside a value of another kind."""

TURNED = {">": "<", "<": ">", ">=": "<=", "<=": ">="}


@dataclass(frozen=True, slots=True)
class Operand:
    """A value beside an operator, and the part of the text that it comes from."""

    value: Typed
    node: Node

    @property
    def kind(self) -> FieldKind:
        return self.value.kind

    @property
    def sql(self) -> str:
        return self.value.sql

    @property
    def text(self) -> str | None:
        """The text of a literal that is one."""
        return self.node.value if isinstance(self.node, Literal) and isinstance(self.node.value, str) else None

    @property
    def is_null(self) -> bool:
        return isinstance(self.node, Literal) and self.node.value is None

    def problem(self, words: str) -> LanguageProblem:
        """What is wrong with it, in the place where it stands."""
        return LanguageProblem(words, self.node.at.line, self.node.at.column)

    def __str__(self) -> str:
        match self.node:
            case Field(name=name):
                return name
            case Call(name=name):
                return f"{name}(…)"
            case Literal(value=str(text)):
                return f'"{text}"'
            case Literal(value=value):
                return {None: "NULL", True: "true", False: "false"}.get(value, str(value))  # type: ignore[arg-type]
            case _:
                return "this"


def compare(operator: str, left: Operand, right: Operand, now: str) -> str:  # noqa: PLR0911 -- one a kind
    """The SQL of a comparison: one of ==, !=, >, >=, <, <=.

    On a list any element will do, and != is the opposite of ==. Where a value is missing, or cannot be read as what it
    is compared with, only != is true.

    Raises:
        LanguageProblem: the kinds do not go together.
    """
    if left.is_null or right.is_null:
        return _with_null(operator, right if left.is_null else left)
    for operand in (left, right):
        if operand.kind.is_map:
            raise operand.problem(f"{operand} is a map; name one of its keys, as in {operand}.key")
    if (left.kind.is_list or right.kind.is_list) and operator == "!=":
        return f"NOT {compare('==', left, right, now)}"
    if left.kind.is_list:
        return any_element(left, lambda element: compare(operator, element, right, now))
    if right.kind.is_list:
        return any_element(right, lambda element: compare(operator, left, element, now))
    pair = _beside(left, right, now, ordered=operator not in ("==", "!="))
    if pair is None:
        return "TRUE" if operator == "!=" else "FALSE"
    if operator == "!=":
        return f"({pair[0]} IS DISTINCT FROM {pair[1]})"
    return f"coalesce({pair[0]} {'=' if operator == '==' else operator} {pair[1]}, FALSE)"


def between(operand: Operand, low: Operand, high: Operand, now: str) -> str:
    """The SQL of BETWEEN: above one and below the other; of a list, any element."""
    if operand.kind.is_list:
        return any_element(operand, lambda element: between(element, low, high, now))
    return f"({compare('>', operand, low, now)} AND {compare('<', operand, high, now)})"


def among(operand: Operand, members: Sequence[Operand], now: str) -> str:
    """The SQL of IN with members that are written out; of a list any element, of a map any key."""
    if operand.kind.is_map or operand.kind.is_list:
        return any_element(operand, lambda element: among(element, members, now))
    # Literals that are compared in the same way stand in one list.
    together = dict[str, list[str]]()
    found = list[str]()
    for member in members:
        if not isinstance(member.node, Literal):
            found.append(compare("==", operand, member, now))
        elif not member.is_null and (pair := _beside(operand, member, now, ordered=False)) is not None:
            together.setdefault(pair[0], []).append(pair[1])
    found += [f"coalesce({value} IN ({', '.join(others)}), FALSE)" for value, others in together.items()]
    return f"({' OR '.join(found)})" if found else "FALSE"


def among_elements(operand: Operand, other: Operand, now: str) -> str:
    """The SQL of IN with a list or a map, of which any element or key will do; with one value it is ==."""
    if operand.kind.is_map or operand.kind.is_list:
        return any_element(operand, lambda element: among_elements(element, other, now))
    if other.kind.is_map:
        return any_element(other, lambda key: compare("==", operand, key, now))
    return compare("==", operand, other, now)


def contains(operand: Operand, part: Operand, now: str) -> str:
    """The SQL of CONTAINS: text in text; in a list of dates, a date."""
    if operand.kind is FieldKind.TIMES:
        return compare("==", operand, part, now)
    return _in_text("CONTAINS", operand, part, lambda text, sought: f"contains({text}, {sought})")


def like(operand: Operand, pattern: Operand) -> str:
    """The SQL of LIKE."""
    if pattern.text is not None:
        written, escape = like_pattern(pattern.text)
        return _in_text("LIKE", operand, pattern, lambda text, _: f"{text} LIKE {literal(written)}{escape}")
    return _in_text("LIKE", operand, pattern, lambda text, sought: f"{text} LIKE {_pattern_sql(sought)} ESCAPE '\\'")


def like_pattern(glob: str) -> tuple[str, str]:
    """A pattern with * and ? as SQL's, and the clause that it needs. % is * already."""
    escape = "_" in glob
    if escape:
        glob = glob.replace("\\", "\\\\").replace("_", "\\_")
    # Without the clause DuckDB sees what is a prefix, a suffix or a part.
    return glob.replace("*", "%").replace("?", "_"), " ESCAPE '\\'" if escape else ""


def any_element(operand: Operand, condition: Callable[[Operand], str]) -> str:
    """The SQL of "a condition holds for any element of a list, or key of a map"."""
    elements = f"map_keys({operand.sql})" if operand.kind.is_map else operand.sql
    kind = FieldKind.STRING if operand.kind.is_map else operand.kind.element
    # A name of its own for each list, for one may stand in the condition of another.
    name = f"_e{operand.node.at.line}_{operand.node.at.column}"
    holds = condition(Operand(Typed(name, kind), operand.node))
    return f"coalesce(len(list_filter({elements}, lambda {name}: {holds})) > 0, FALSE)"


def _in_text(operator: str, operand: Operand, part: Operand, condition: Callable[[str, str], str]) -> str:
    if part.kind.is_list or part.kind.is_map:
        raise part.problem(f"what stands behind {operator} is text; {part} is {kind_name(part.kind)}")
    if operand.kind.is_map or operand.kind is FieldKind.STRINGS:
        return any_element(operand, lambda element: _in_text(operator, element, part, condition))
    if operand.kind is not FieldKind.STRING:
        raise operand.problem(f"{operator} looks into text, lists and maps; {operand} is {kind_name(operand.kind)}")
    return f"coalesce({condition(operand.sql, as_text(part.value))}, FALSE)"


def _with_null(operator: str, operand: Operand) -> str:
    if operator == "==":
        return f"({operand.sql} IS NULL)"
    return f"({operand.sql} IS NOT NULL)" if operator == "!=" else "FALSE"


def _beside(left: Operand, right: Operand, now: str, *, ordered: bool) -> tuple[str, str] | None:
    """Two scalars in one kind; None when a literal cannot be read as what it is compared with."""
    if left.text is not None and right.text is None:
        pair = _beside(right, left, now, ordered=ordered)
        return None if pair is None else (pair[1], pair[0])
    kinds = {left.kind, right.kind}
    if ordered and FieldKind.BOOL in kinds:
        known = left if left.kind is FieldKind.BOOL else right
        raise known.problem(f"{known} is true or false, which have no order")
    if right.text is not None and (left.kind is not FieldKind.STRING or ordered):
        return _beside_text(left, right, right.text, now)
    if len(kinds) == 1 or kinds <= set(NUMERIC):
        return left.sql, right.sql
    if FieldKind.STRING in kinds:
        (kind,) = kinds - {FieldKind.STRING}
        convert = _CONVERSIONS[kind]
        return convert(left.value), convert(right.value)
    raise right.problem(f"{left} is {kind_name(left.kind)}, and {right} is {kind_name(right.kind)}")


def _beside_text(left: Operand, right: Operand, text: str, now: str) -> tuple[str, str] | None:
    match left.kind:
        case FieldKind.DATE:
            return left.sql, date_sql(right, text, now)
        case FieldKind.BOOL:
            meant = bool_in(text)
            return None if meant is None else (left.sql, str(meant).upper())
        case FieldKind.STRING:
            if looks_like_moment(text):
                raise right.problem(f"{left} is text; for a date write todate({left})")
            number = number_in(text)
            return (left.sql, right.sql) if number is None else (_CONVERSIONS[number.kind](left.value), number.sql)
        case _:
            number = number_in(text)
            return None if number is None else (left.sql, number.sql)


def date_sql(operand: Operand, text: str, now: str) -> str:
    """SQL of a date that is written out.

    Raises:
        LanguageProblem: it is none.
    """
    if looks_like_moment(text):
        try:
            return moment_sql(moment(text), now)
        except ValueError as problem:
            raise operand.problem(str(problem)) from None
    found = date_in(text)
    if found is None:
        raise operand.problem(f'"{text}" is no date; write one as "2026-01-31", "2026-01-31 14:30:00" or "now-7d"')
    return found


def _pattern_sql(pattern: str) -> str:
    for sought, put in (("\\", "\\\\"), ("_", "\\_"), ("*", "%"), ("?", "_")):
        pattern = f"replace({pattern}, {literal(sought)}, {literal(put)})"
    return pattern
