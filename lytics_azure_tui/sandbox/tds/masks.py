"""Dynamic data masking: what a login without the permission UNMASK reads of a masked column.

learn.microsoft.com/sql/relational-databases/security/dynamic-data-masking. One thing is simpler here: the mask counts
in conditions, too, where SQL Server compares what is stored.
"""

from __future__ import annotations

import re
from dataclasses import replace

from lytics_azure_tui.sandbox.tds import types
from lytics_azure_tui.sandbox.tds.convert import Converter
from lytics_azure_tui.sandbox.tds.errors import SqlError
from lytics_azure_tui.sandbox.tds.relations import Column, Relation
from lytics_azure_tui.sandbox.tds.types import MAX
from lytics_azure_tui.sandbox.tds.values import Parameters, identifier, quoted

_PARTIAL = re.compile(r'partial\(\s*(\d+)\s*,\s*"([^"]*)"\s*,\s*(\d+)\s*\)', re.IGNORECASE)
_RANDOM = re.compile(r"random\(\s*(-?\d+)\s*,\s*(-?\d+)\s*\)", re.IGNORECASE)


def check(function: str, column: str) -> None:
    """Raises: SqlError: 16003, there is no such function of masking."""
    known = function.lower() in ("default()", "email()") or _PARTIAL.fullmatch(function) or _RANDOM.fullmatch(function)
    if not known:
        raise SqlError(16003, f"The data type of column '{column}' does not support data masking function.")


def masked(relation: Relation) -> Relation:
    """A table as one reads it who may not see behind its masks."""
    listed = [
        f"{identifier(column.name)}" if column.mask is None else f"{_mask(column)} AS {identifier(column.name)}"
        for column in relation.columns
        if column.computed is None
    ]
    return replace(relation, sql=f"(SELECT {', '.join(listed)} FROM {relation.sql})")


def _mask(column: Column) -> str:
    name, function = identifier(column.name), column.mask or ""
    partial, random = _PARTIAL.fullmatch(function), _RANDOM.fullmatch(function)
    if function.lower() == "email()":
        mask = f"left({name}, 1) || 'XXX@XXXX.com'"
    elif partial:
        head, padding, tail = int(partial[1]), quoted(partial[2]), int(partial[3])
        mask = f"left({name}, {head}) || {padding} || right({name}, {tail})"
    elif random:
        mask = f"CAST({random[1]} AS {column.type.duck})"
    else:
        mask = _default(column)
    return f"CASE WHEN {name} IS NULL THEN NULL ELSE {mask} END"


def _default(column: Column) -> str:
    type_ = column.type
    if type_.text:
        return quoted("x" * (4 if type_.length == MAX else min(4, type_.length)))
    if type_.binary:
        return "CAST('0' AS BLOB)"
    converter = Converter(Parameters())
    text = "1900-01-01T00:00:00" if type_.temporal else "0"
    return converter.convert(converter.literal(text, types.varchar(len(text))), type_).sql
