"""FilterQL a second time, in plain Python over dictionaries: what the compiled SQL is held against.

Conditions are tuples, made by hypothesis, written out as text for the program, and evaluated here as they are: neither
the parser nor the tree nor anything else of the program is used.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

Condition = tuple[Any, ...]
Profile = dict[str, Any]

KINDS: dict[str, str] = {
    "name": "string",
    "code": "string",
    "odd name": "string",
    "visits": "int",
    "total": "int",
    "amount": "number",
    "vip": "bool",
    "seen": "date",
    "roles": "[]string",
    "buys": "[]time",
    "hits": "map[string]int",
    "firsts": "map[string]time",
}
KEYS = ("home", "a b", "it's", "x.y")
AUDIENCES: dict[str, Condition] = {
    "regulars": ("compare", ">", "visits", 3),
    "by-role": ("or", [("in", "roles", ["admin", "ä"]), ("not", ("include", "regulars"))], "list"),
}
EARLIEST, LATEST = datetime(2023, 1, 1, tzinfo=UTC), datetime(2027, 12, 31, tzinfo=UTC)
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


class Date(str):
    """Text in a filter that means a date, or date mathematics."""


# What there is to filter

_characters = st.sampled_from([*"abAB01 ", *"'\"`\\%_*?[]().;-\n", *"äßé漢😀"])
texts = st.text(_characters, max_size=4) | st.sampled_from(["admin", "Admin", "api", "ä"])
numbers_as_text = st.sampled_from(
    [
        *("5", "05", " 7 ", "5.5", "1e3", "-3", "+4", ".5", "5.", "1e", "5 5", "--1", "0x10", "٣", "10", "9"),
        *("nan", "inf", "-inf", "Infinity", "", "true", "No", "1", "t", "9007199254740993"),
    ]
)
integers = st.integers(-10, 12) | st.sampled_from([2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1])
floats = st.sampled_from([0.0, 0.5, -2.5, 3.0, 5.5, 1e3, 1e-7, 1e300])
moments = st.datetimes(EARLIEST.replace(tzinfo=None), LATEST.replace(tzinfo=None)).map(lambda x: x.replace(tzinfo=UTC))
days = moments.map(lambda moment: moment.replace(hour=0, minute=0, second=0, microsecond=0))
month_ends = st.builds(
    lambda year, month, day, hour: datetime(
        year, month, min(day, calendar.monthrange(year, month)[1]), hour, tzinfo=UTC
    ),
    st.integers(2023, 2027), st.integers(1, 12), st.sampled_from([1, 28, 29, 30, 31]), st.sampled_from([0, 12]),
)  # fmt: skip
dates = moments | days | month_ends


def _maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


profiles: st.SearchStrategy[Profile] = st.fixed_dictionaries(
    {
        "name": _maybe(texts),
        "code": _maybe(numbers_as_text),
        "odd name": _maybe(texts),
        "visits": _maybe(integers),
        "total": _maybe(integers),
        "amount": _maybe(floats),
        "vip": _maybe(st.booleans()),
        "seen": _maybe(dates),
        "roles": _maybe(st.lists(texts, max_size=3)),
        "buys": _maybe(st.lists(dates, max_size=3)),
        "hits": _maybe(st.dictionaries(st.sampled_from(KEYS), st.integers(-2, 5), max_size=3)),
        "firsts": _maybe(st.dictionaries(st.sampled_from(KEYS), dates, max_size=3)),
    }
)

# Conditions

_date_math = st.builds(
    lambda sign, amount, unit: Date(f"now{sign}{amount}{unit}"),
    st.sampled_from("+-"), st.integers(0, 40), st.sampled_from("smhdwMy"),
) | st.just(Date("now"))  # fmt: skip
_date_text = dates.map(lambda moment: Date(f"{moment:%Y-%m-%d %H:%M:%S}")) | days.map(
    lambda day: Date(f"{day:%Y-%m-%d}")
)
date_literals = _date_text | _date_math
_orders = st.sampled_from([">", ">=", "<", "<="])
_equals = st.sampled_from(["==", "!="])
_literals: dict[str, st.SearchStrategy[Any]] = {
    "string": texts | numbers_as_text | integers | floats,
    "int": integers | floats | numbers_as_text,
    "number": integers | floats | numbers_as_text,
    "date": date_literals,
}
_keyed = st.builds(lambda field, key: (field, key), st.sampled_from(["hits", "firsts"]), st.sampled_from(KEYS))


def kind_of(field: Any) -> str:
    """The kind of a field's values; of a list, of its elements."""
    if isinstance(field, tuple):
        return "int" if field[0] == "hits" else "date"
    return {"[]string": "string", "[]time": "date"}.get(KINDS[field], KINDS[field])


_single = st.sampled_from([name for name, kind in KINDS.items() if not kind.startswith("map")]) | _keyed


@st.composite
def _comparisons(draw: Callable[[Any], Any]) -> Condition:
    field = draw(_single)
    kind = kind_of(field)
    if kind == "bool" or (kind == "string" and draw(st.integers(0, 5)) == 0):
        literal = draw(st.booleans() | numbers_as_text) if kind == "bool" else draw(st.booleans())
        return ("compare", draw(_equals), field, literal)
    return ("compare", draw(_equals | _orders), field, draw(_literals[kind] | st.none()))


@st.composite
def _betweens(draw: Callable[[Any], Any]) -> Condition:
    field = draw(_single.filter(lambda name: kind_of(name) != "bool"))
    literals = _literals[kind_of(field)]
    return ("between", field, draw(literals), draw(literals))


@st.composite
def _ins(draw: Callable[[Any], Any]) -> Condition:
    field = draw(_single.filter(lambda name: kind_of(name) != "bool"))
    return ("in", field, draw(st.lists(_literals[kind_of(field)], min_size=1, max_size=3)))


_key_ins = st.builds(
    lambda field, keys: ("in", field, keys),
    st.sampled_from(["hits", "firsts"]), st.lists(st.sampled_from([*KEYS, "nobody"]), min_size=1, max_size=2),
)  # fmt: skip
_turned_ins = st.builds(lambda text: ("in_field", text, "roles"), texts) | st.builds(
    lambda key: ("in_field", key, "hits"), st.sampled_from(KEYS)
)
_in_text = st.sampled_from(["name", "code", "odd name", "roles", "hits"])
_pairs = st.sampled_from(
    [("name", "odd name"), ("visits", "total"), ("visits", "amount"), ("code", "visits"), ("name", "roles")]
)

predicates: st.SearchStrategy[Condition] = st.one_of(
    _comparisons(),
    _comparisons().map(lambda condition: ("turned", *condition[1:])),
    _betweens(),
    _ins(),
    _key_ins,
    _turned_ins,
    st.builds(lambda field, text: ("contains", field, text), _in_text, texts),
    st.builds(lambda field, text: ("like", field, text), _in_text, texts),
    st.builds(lambda field: ("exists", field), _single | st.just("hits")),
    st.builds(lambda pair, operator: ("fields", operator, *pair), _pairs, _equals | _orders),
    st.sampled_from(sorted(AUDIENCES)).map(lambda slug: ("include", slug)),
    st.just(("vip",)),
)
date_predicates: st.SearchStrategy[Condition] = st.one_of(
    st.builds(
        lambda field, operator, literal: ("compare", operator, field, literal),
        st.sampled_from(["seen", "buys", ("firsts", "home")]), _equals | _orders, _date_math,
    ),
    st.builds(
        lambda field, low, high: ("between", field, low, high),
        st.sampled_from(["seen", "buys"]), date_literals, date_literals,
    ),
    st.builds(lambda literals: ("in", "seen", literals), st.lists(_date_math, min_size=1, max_size=2)),
)  # fmt: skip


def conditions(leaves: st.SearchStrategy[Condition] = predicates) -> st.SearchStrategy[Condition]:
    """Conditions of conditions."""
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            inner.map(lambda condition: ("not", condition)),
            st.builds(
                lambda kind, parts, style: (kind, parts, style),
                st.sampled_from(["and", "or"]), st.lists(inner, min_size=1, max_size=3),
                st.sampled_from(["list", "lines", "infix"]),
            ),
        ),
        max_leaves=6,
    )  # fmt: skip


# As text


def written(condition: Condition) -> str:  # noqa: PLR0911 -- one a kind
    """A condition in FilterQL."""
    match condition:
        case ("compare", operator, field, literal):
            return f"{_name(field)} {operator} {_literal(literal)}"
        case ("turned", operator, field, literal):
            turned = {">": "<", "<": ">", ">=": "<=", "<=": ">="}.get(operator, operator)
            return f"{_literal(literal)} {turned} {_name(field)}"
        case ("fields", operator, left, right):
            return f"{_name(left)} {operator} {_name(right)}"
        case ("between", field, low, high):
            return f"{_name(field)} BETWEEN {_literal(low)} AND {_literal(high)}"
        case ("in", field, literals):
            return f"{_name(field)} IN ({', '.join(map(_literal, literals))})"
        case ("in_field", literal, field):
            return f"{_literal(literal)} intersects {_name(field)}"
        case ("contains" | "like" as operator, field, text):
            return f"{_name(field)} {operator.upper()} {_literal(text)}"
        case ("exists", field):
            return f"EXISTS {_name(field)}"
        case ("include", slug):
            return f"INCLUDE {slug}"
        case ("vip",):
            return "vip"
        case ("not", inner):
            return f"NOT ({written(inner)})"
        case (kind, parts, "infix"):
            return f"({f' {kind} '.join(f'({written(part)})' for part in parts)})"
        case (kind, parts, style):
            separator = ", " if style == "list" else " -- comment\n"
            return f"{kind.upper()} ({separator.join(written(part) for part in parts)})"
    raise AssertionError(condition)


def _name(field: Any) -> str:
    if isinstance(field, tuple):
        return f"{field[0]}.`{field[1]}`"
    return f"`{field}`" if " " in field else str(field)


def _literal(value: Any) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if value is None:
        return "NULL"
    return {True: "true", False: "FALSE"}[value] if isinstance(value, bool) else repr(value)


# Its meaning


def holds(condition: Condition, profile: Profile, now: datetime) -> bool:  # noqa: PLR0911 -- one a kind
    """Whether a profile meets a condition."""
    match condition:
        case ("compare" | "turned", operator, field, literal):
            return _compared(operator, _value(profile, field), literal, now)
        case ("fields", operator, left, right):
            sides = [_value(profile, left), _value(profile, right)]
            if {kind_of(left), kind_of(right)} == {"string", "int"}:
                # What cannot be read as what it is compared with counts as missing.
                sides = [None if side is None else _number(side) for side in sides]
            if operator == "!=" and right == "roles":
                return not _fields("==", *sides)
            return _fields(operator, *sides)
        case ("between", field, low, high):
            return _any(_value(profile, field), lambda x: _compared(">", x, low, now) and _compared("<", x, high, now))
        case ("in", field, literals):
            return _any(_value(profile, field), lambda x: any(_compared("==", x, literal, now) for literal in literals))
        case ("in_field", literal, field):
            return literal in (profile[field] or ())
        case ("contains", field, text):
            return _any(_value(profile, field), lambda x: text in x)
        case ("like", field, pattern):
            return _any(_value(profile, field), lambda x: _glob(pattern).fullmatch(x) is not None)
        case ("exists", field):
            return _value(profile, field) is not None
        case ("include", slug):
            return holds(AUDIENCES[slug], profile, now)
        case ("vip",):
            return profile["vip"] is True
        case ("not", inner):
            return not holds(inner, profile, now)
        case ("and", parts, _):
            return all(holds(part, profile, now) for part in parts)
        case ("or", parts, _):
            return any(holds(part, profile, now) for part in parts)
    raise AssertionError(condition)


def _value(profile: Profile, field: Any) -> Any:
    return (profile[field[0]] or {}).get(field[1]) if isinstance(field, tuple) else profile[field]


def _any(value: Any, test: Callable[[Any], bool]) -> bool:
    """Whether a test holds for a value, any element of a list or any key of a map; never for what is missing."""
    if value is None:
        return False
    elements: Iterable[Any] = value if isinstance(value, list | dict) else (value,)
    return any(test(element) for element in elements)


def _glob(pattern: str) -> re.Pattern[str]:
    wild = {"*": ".*", "%": ".*", "?": "."}
    return re.compile("".join(wild.get(letter) or re.escape(letter) for letter in pattern), re.DOTALL)


def _compared(operator: str, value: Any, literal: Any, now: datetime) -> bool:  # noqa: PLR0911 -- one a kind
    if literal is None:
        return {"==": value is None, "!=": value is not None}.get(operator, False)
    if operator == "!=":
        return not _compared("==", value, literal, now)
    if isinstance(value, list):
        return any(_compared(operator, element, literal, now) for element in value)
    if value is None:
        return False
    if isinstance(value, datetime):
        return _ordered(operator, value, instant(literal, now))
    if isinstance(value, bool) or isinstance(literal, bool):
        return _ordered(operator, _truth(value), _truth(literal))
    if isinstance(value, str) and isinstance(literal, str):
        number = _number(literal)
        if operator == "==" or number is None:
            return _ordered(operator, value, literal)
    return _ordered(operator, _number(value), _number(literal))


def _fields(operator: str, left: Any, right: Any) -> bool:
    if operator == "!=":
        return bool(left != right)
    if isinstance(right, list):
        return any(_fields(operator, left, element) for element in right)
    return _ordered(operator, left, right)


def _ordered(operator: str, left: Any, right: Any) -> bool:
    if left is None or right is None:
        return False
    return bool(
        {
            "==": lambda: left == right,
            ">": lambda: left > right,
            ">=": lambda: left >= right,
            "<": lambda: left < right,
            "<=": lambda: left <= right,
        }[operator]()
    )


def _number(value: Any) -> int | float | None:
    """A number, or text that is one in the digits of ASCII."""
    if not isinstance(value, str):
        return value  # type: ignore[no-any-return]
    text = value.strip(" \t\n\r")
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
        return None
    return int(text) if re.fullmatch(r"[+-]?[0-9]+", text) else float(text)


def _truth(value: Any) -> bool | None:
    if not isinstance(value, str):
        return bool(value)
    return {"true": True, "t": True, "yes": True, "y": True, "1": True}.get(
        value.strip().lower(), False if value.strip().lower() in ("false", "f", "no", "n", "0") else None
    )


def instant(literal: str, now: datetime) -> datetime:
    """The date that a literal means."""
    if not literal.startswith("now"):
        return datetime.fromisoformat(literal).replace(tzinfo=UTC)
    if literal == "now":
        return now
    amount, unit = int(literal[3:-1]), literal[-1]
    if unit in UNITS:
        return now + timedelta(seconds=amount * UNITS[unit])
    months = now.year * 12 + now.month - 1 + amount * (12 if unit == "y" else 1)
    year, month = months // 12, months % 12 + 1
    if now.day <= calendar.monthrange(year, month)[1]:
        return now.replace(year=year, month=month)
    # The month has no such day: the beginning of the next one.
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
