"""Columns of text as Arrow, which the engine takes over without making an object for each value."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

import duckdb
import nanoarrow as na

_INT32, _INT64 = "i", "q"
"""Array's codes; int has 32 bits wherever this runs."""


class TextColumns:
    """Rows as columns of text, c0, c1…, and their numbers, n.

    Args:
        columns: texts, or None where there is none; all of one length.
        numbers: of the rows.

    Raises:
        UnicodeEncodeError: a text holds half of a pair of UTF-16.
    """

    def __init__(self, columns: Sequence[Sequence[str | None]], numbers: Sequence[int]) -> None:
        fields = {f"c{index}": na.string() for index in range(len(columns))} | {"n": na.int64()}
        children = [_texts(column) for column in columns]
        children.append(na.c_array_from_buffers(na.int64(), len(numbers), [None, array(_INT64, numbers)], null_count=0))
        self._rows = na.c_array_from_buffers(na.struct(fields), len(numbers), [None], children=children, null_count=0)

    @contextmanager
    def table(self, connection: duckdb.DuckDBPyConnection, name: str) -> Iterator[None]:
        """Lets one query read them as a table of that name."""
        connection.register(name, na.ArrayStream(self._rows))
        try:
            yield
        finally:
            connection.unregister(name)


@contextmanager
def arrow_table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    columns: Mapping[str, Sequence[int] | Sequence[str] | Sequence[bytes]],
) -> Iterator[None]:
    """Lets one query read columns of numbers, texts or bytes, none of them missing, as a table of that name."""
    children = [_column(values) for values in columns.values()]
    fields = {key: child.schema for key, child in zip(columns, children, strict=True)}
    rows = na.c_array_from_buffers(na.struct(fields), len(children[0]), [None], children=children, null_count=0)
    connection.register(name, na.ArrayStream(rows))
    try:
        yield
    finally:
        connection.unregister(name)


def _column(values: Sequence[Any]) -> Any:
    if isinstance(values[0], int):
        return na.c_array_from_buffers(na.int64(), len(values), [None, array(_INT64, values)], null_count=0)
    if isinstance(values[0], str):
        return _texts(values)
    offsets = array(_INT32, accumulate(map(len, values), initial=0))
    return na.c_array_from_buffers(na.binary(), len(values), [None, offsets, b"".join(values)], null_count=0)


def _texts(texts: Sequence[str | None]) -> Any:
    """One column: the texts one behind the other, where each begins, and a bit for each that is there."""
    present = [text or "" for text in texts]
    joined = "".join(present)
    data = joined.encode()
    offsets = array(_INT32, (0,))
    if len(data) == len(joined):
        offsets.extend(accumulate(map(len, present)))
    else:
        offsets.extend(accumulate(len(text.encode()) for text in present))
    bits, missing = None, texts.count(None)
    if missing:
        # The first row is the lowest bit.
        there = "".join(["0" if text is None else "1" for text in texts])[::-1]
        bits = int(there, 2).to_bytes((len(texts) + 7) // 8, "little")
    return na.c_array_from_buffers(na.string(), len(texts), [bits, offsets, data], null_count=missing)
