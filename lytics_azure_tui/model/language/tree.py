"""The tree of a filter or an expression. Where a value may stand a condition may as well: it is then true or false."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the text; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Node:
    """Any part of a tree. Two trees are equal whatever the places."""

    at: Place = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A value that is written out; None is NULL. Date mathematics ("now-7d") is text until a date stands beside it."""

    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Field(Node):
    """A field, or a key of a map.

    Attributes:
        parts: what the dots between names part: ("visits", "home").
        quote: the mark around its first part: "`", "'" or nothing.
    """

    parts: tuple[str, ...]
    quote: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """The parts with dots between."""
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function, its name in lower case."""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """Numbers: +, -, *, / or %."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Minus(Node):
    """A number with its sign changed."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Comparison(Node):
    """One of ==, !=, >, >=, < and <=."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Between(Node):
    """Above `low` and below `high`; neither end belongs to it."""

    operand: Expression
    low: Expression
    high: Expression


@dataclass(frozen=True, slots=True)
class Among(Node):
    """IN and INTERSECTS.

    Attributes:
        members: values that are written out, or one expression that gives a list or a map.
    """

    operand: Expression
    members: tuple[Expression, ...] | Expression


@dataclass(frozen=True, slots=True)
class Contains(Node):
    """Text that has another in it; of a list, any element."""

    operand: Expression
    part: Expression


@dataclass(frozen=True, slots=True)
class Like(Node):
    """Text of a pattern, in which * and % stand for any text and ? for one character."""

    operand: Expression
    pattern: Expression


@dataclass(frozen=True, slots=True)
class Exists(Node):
    """There is a value."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Include(Node):
    """Whoever is in another audience."""

    slug: str


@dataclass(frozen=True, slots=True)
class Everything(Node):
    """Always true: * and match_all."""


@dataclass(frozen=True, slots=True)
class Not(Node):
    """The opposite."""

    condition: Expression


@dataclass(frozen=True, slots=True)
class AllOf(Node):
    """AND."""

    conditions: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class AnyOf(Node):
    """OR."""

    conditions: tuple[Expression, ...]


Expression = (
    Literal
    | Field
    | Call
    | Arithmetic
    | Minus
    | Comparison
    | Between
    | Among
    | Contains
    | Like
    | Exists
    | Include
    | Everything
    | Not
    | AllOf
    | AnyOf
)
Condition = Expression


@dataclass(frozen=True, slots=True)
class Filter:
    """A statement: FILTER condition FROM source LIMIT limit WITH options ALIAS alias.

    Attributes:
        condition: who is in the audience.
        source: what is filtered; None when it is not said.
        limit: how many at most; None for all.
        options: what stands behind WITH.
        alias: in lower case; None when there is none.
    """

    condition: Condition
    source: str | None = None
    limit: int | None = None
    options: tuple[tuple[str, str | int | float | bool | None], ...] = ()
    alias: str | None = None


def children(node: Node) -> Iterator[Expression]:
    """The parts that a node is made of, from left to right."""
    for item in fields(node):
        value = getattr(node, item.name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Node):
                yield part  # type: ignore[misc]


def walk(node: Node) -> Iterator[Node]:
    """A node and all that is below it, from left to right."""
    yield node
    for child in children(node):
        yield from walk(child)


def includes(condition: Condition) -> list[Include]:
    """The audiences that a condition names."""
    return [node for node in walk(condition) if isinstance(node, Include)]


def field_names(condition: Condition) -> list[str]:
    """The first parts of the fields that a condition names, each once, in order."""
    return list(dict.fromkeys(node.parts[0] for node in walk(condition) if isinstance(node, Field)))
