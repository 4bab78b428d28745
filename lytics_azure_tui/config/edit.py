"""Changes some keys of a TOML text and leaves every other byte as a person wrote it."""

from __future__ import annotations

import contextlib
import re
import tomllib
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, String

from lytics_azure_tui.config.toml import statements, value_at
from lytics_azure_tui.errors import BadConfiguration


def merged(text: str, values: Mapping[str, Any], defaults: Mapping[str, Any], name: str) -> str:
    """The text with other values for some keys; comments, order and all other lines stay as they are.

    Args:
        text: the file so far; empty for a new one.
        values: what the file is to say; a mapping inside is a table, a list of mappings is a [[table]] each, None takes
            a key away.
        defaults: what holds for a key that is not written; such a key is not added. A key that a person wrote stays.
            Of a list of mappings: a list with what holds for each of them.
        name: how errors call the file.
    """
    additions: list[tuple[tuple[str, ...], Any]] = []
    try:
        document = tomlkit.parse(text)
        result = tomlkit.dumps(document) if _merge(document, values, defaults, additions) else text
        if result.endswith("\n\n") and not text.endswith("\n\n"):
            result = result.rstrip("\n") + "\n"
        for path, value in additions:
            result = _added(result, path, value)
        right = _says(tomllib.loads(result), values, defaults)
    except (TOMLKitError, tomllib.TOMLDecodeError, ValueError):
        right = False
    if not right:
        # TOML can be written in ways that cannot be edited in place; what is there is worth more than the edit.
        raise BadConfiguration(
            f"{name} cannot be changed",
            why="It is written in a way that the program cannot edit",
            fix="Put each table under one [header], once, and try again",
        )
    return result


def _says(table: Mapping[str, Any], values: Mapping[str, Any], defaults: Mapping[str, Any]) -> bool:
    """Whether a table, with the defaults for what is not in it, holds the values."""
    for key, value in values.items():
        default, there = defaults.get(key), table.get(key)
        if isinstance(value, Mapping):
            inner = there if isinstance(there, Mapping) else {}
            if not _says(inner, value, default if isinstance(default, Mapping) else {}):
                return False
        elif _are_tables(value):
            tables = there if isinstance(there, list) else []
            if len(tables) != len(value):
                return False
            if not all(_says(one, other, _of_each(default)) for one, other in zip(tables, value, strict=True)):
                return False
        elif not _same(_unsaid(default) if there is None and value is not None else there, value):
            return False
    return True


def _merge(
    table: MutableMapping[str, Any],
    values: Mapping[str, Any],
    defaults: Mapping[str, Any],
    additions: list[tuple[tuple[str, ...], Any]],
    under: tuple[str, ...] = (),
) -> bool:
    """Changes and removes what is there and makes tables; says whether it did, and which keys are to be added."""
    changed = False
    for key, value in values.items():
        default = defaults.get(key)
        if isinstance(value, Mapping):
            if not isinstance(table.get(key), MutableMapping):
                if _says({}, {key: value}, defaults):
                    continue
                table[key] = tomlkit.table()
                changed = True
            inner = default if isinstance(default, Mapping) else {}
            changed |= _merge(table[key], value, inner, additions, (*under, key))
        elif value is None or (value == [] and isinstance(table.get(key), AoT)):
            changed |= table.pop(key, None) is not None
        elif _are_tables(value):
            changed |= _merge_tables(table, key, value, _of_each(default))
        elif key in table:
            if not _same(_plain(table[key]), value):
                table[key] = _item(value, table[key])
                changed = True
        elif key not in defaults or not _same(_unsaid(default), value):
            additions.append(((*under, key), value))
    return changed


def _merge_tables(
    table: MutableMapping[str, Any], key: str, values: Sequence[Mapping[str, Any]], defaults: Mapping[str, Any]
) -> bool:
    """The same for a list of tables. A table stays the one that it was where it says most of the same."""
    there = table.get(key)
    if not isinstance(there, AoT):
        fresh = tomlkit.aot()
        for value in values:
            fresh.append(_table(value, defaults))
        table[key] = fresh
        return True
    before = [_plain(one) for one in there]
    stays = _pairs(before, values)
    if list(stays.values()) != sorted(stays.values()):
        # In another order than before: the tables move, and what stands in them stays as it was written.
        bodies = [there[stays[place]] if place in stays else None for place in range(len(values))]
        while len(there):
            del there[0]
        for value, body in zip(values, bodies, strict=True):
            _apart(there, len(there))
            there.append(_table(value, defaults) if body is None else body)
    else:
        for place in reversed(range(len(before))):
            if place not in stays.values():
                del there[place]
        for place, value in enumerate(values):
            if place not in stays:
                _apart(there, place)
                there.insert(place, _table(value, defaults))
    changed = len(before) != len(values) or list(stays.values()) != list(range(len(values)))
    for one, value in zip(there, values, strict=True):
        additions = list[tuple[tuple[str, ...], Any]]()
        changed |= _merge(one, value, defaults, additions) or bool(additions)
        for (name, *_), item in additions:
            one[name] = _item(item, None)
    return changed


def _apart(tables: AoT, place: int) -> None:
    """Sees to an empty line before the table that comes to a place."""
    if place and not tables[place - 1].as_string().endswith("\n\n"):
        tables[place - 1].add(tomlkit.nl())


def _pairs(before: Sequence[Mapping[str, Any]], values: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """Which table of before each one is, by its place: the one that says most of the same, its first key above all."""
    likeness = sorted(
        (
            (
                -sum(
                    _same(old.get(key), value) * (1000 if not number else 1)
                    for number, (key, value) in enumerate(new.items())
                ),
                abs(place - former),
                place,
                former,
            )
            for place, new in enumerate(values)
            for former, old in enumerate(before)
        ),
    )
    found = dict[int, int]()
    for score, _, place, former in likeness:
        if score < 0 and place not in found and former not in found.values():
            found[place] = former
    return dict(sorted(found.items()))


def _table(value: Mapping[str, Any], defaults: Mapping[str, Any]) -> Any:
    """A new table with what is not a default."""
    fresh = tomlkit.table()
    for key, item in value.items():
        if item is not None and not (key in defaults and _same(defaults[key], item)):
            fresh[key] = _item(item, None)
    return fresh


def _are_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _unsaid(default: Any) -> Any:
    """What holds for a key that is not written: for a list of tables, that there is none."""
    return [] if _are_tables(default) else default


def _of_each(defaults: Any) -> Mapping[str, Any]:
    """What holds for each table of a list."""
    return defaults[0] if _are_tables(defaults) else {}


def _added(text: str, path: tuple[str, ...], value: Any) -> str:
    """The text with one key more: after the last of its table, before a comment that belongs to what follows."""
    item = _item(value, None)
    wanted = tomllib.loads(text)
    value_at(wanted, path[:-1])[path[-1]] = value
    lines = text.split("\n")
    last = _last_line(text, path[:-1])
    if last:
        ending = "\r" if lines[last - 1].endswith("\r") else ""
        lines.insert(last, f"{path[-1]} = {item.as_string()}{ending}")
        candidate = "\n".join(lines)
        with contextlib.suppress(tomllib.TOMLDecodeError):
            if tomllib.loads(candidate) == wanted:
                return candidate
    # An inline table, or a table that has nothing yet: tomlkit knows where.
    document: Any = tomlkit.parse(text)
    table = document
    for key in path[:-1]:
        table = table[key]
    table[path[-1]] = item
    return tomlkit.dumps(document)


def _last_line(text: str, under: tuple[str, ...]) -> int:
    """The line on which the last key of a table ends, or its header if it has none; 0 when there is neither."""
    last, seen = 0, 0 if not under else -1
    for _, end, said in statements(text):
        table = value_at(said, under)
        if isinstance(table, Mapping):
            count = sum(not isinstance(value, Mapping) for value in table.values())
            if count > seen:
                last, seen = end, count
    return last


def _same(left: object, right: object) -> bool:
    """1, 1.0 and true are equal in Python; in a file they are not the same."""
    return type(left) is type(right) and left == right


def _plain(item: Any) -> Any:
    return item.unwrap() if hasattr(item, "unwrap") else item


def _item(value: Any, before: Any) -> Any:
    """A value as it is written: text of several lines over several lines, quotes as they were."""
    if not isinstance(value, str):
        return tomlkit.item(value)
    if "\n" in value and not re.search(r"[^\S\n]\n|\r|[\x00-\x08\x0b-\x1f\x7f]", value):
        written = tomlkit.string(value, multiline=True).as_string()
        # A line break right after the quotes is not part of the text, and the text's first line stands alone.
        return tomlkit.value(written if value.startswith("\n") else written.replace('"""', '"""\n', 1))
    # Quotes as they were; and what holds quotes is easier to read between the others.
    literal = before.as_string().startswith("'") if isinstance(before, String) else '"' in value
    if literal and not re.search(r"['\x00-\x08\x0a-\x1f\x7f]", value):
        return tomlkit.string(value, literal=True)
    return tomlkit.string(value)
