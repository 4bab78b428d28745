"""Changes some keys of a TOML text and leaves every other byte as a person wrote it."""

from __future__ import annotations

import contextlib
import re
import tomllib
from collections.abc import Mapping, MutableMapping
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import String

from lytics_azure_tui.config.toml import statements, value_at
from lytics_azure_tui.errors import BadConfiguration


def merged(text: str, values: Mapping[str, Any], defaults: Mapping[str, Any], name: str) -> str:
    """The text with other values for some keys; comments, order and all other lines stay as they are.

    Args:
        text: the file so far; empty for a new one.
        values: what the file is to say; a mapping inside is a table, None takes a key away.
        defaults: what holds for a key that is not written; such a key is not added. A key that a person wrote stays.
        name: how errors call the file.
    """
    additions: list[tuple[tuple[str, ...], Any]] = []
    try:
        document = tomlkit.parse(text)
        result = tomlkit.dumps(document) if _merge(document, values, defaults, additions) else text
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
        elif not _same(default if there is None and value is not None else there, value):
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
        elif value is None:
            changed |= table.pop(key, None) is not None
        elif key in table:
            if not _same(_plain(table[key]), value):
                table[key] = _item(value, table[key])
                changed = True
        elif key not in defaults or not _same(default, value):
            additions.append(((*under, key), value))
    return changed


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
    literal = isinstance(before, String) and before.as_string().startswith("'")
    if literal and not re.search(r"['\x00-\x08\x0a-\x1f\x7f]", value):
        return tomlkit.string(value, literal=True)
    return tomlkit.string(value)
