"""DuckDB's results as NumPy arrays, by Arrow's C interface, without copying them.

The structures are those of https://arrow.apache.org/docs/format/CDataInterface.html and CStreamInterface.html.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np

from lytics_azure_tui.sandbox.tds.values import Value, needed

Array = np.ndarray[Any, np.dtype[Any]]


class _Array(ctypes.Structure):
    pass


class _Schema(ctypes.Structure):
    pass


class _Stream(ctypes.Structure):
    pass


_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_Array))),
    ("dictionary", ctypes.POINTER(_Array)),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Array))),
    ("private_data", ctypes.c_void_p),
]
_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_void_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(_Schema))),
    ("dictionary", ctypes.POINTER(_Schema)),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Schema))),
    ("private_data", ctypes.c_void_p),
]
_Stream._fields_ = [
    ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Schema))),
    ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Array))),
    ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.POINTER(_Stream))),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Stream))),
    ("private_data", ctypes.c_void_p),
]

_pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_of.restype = ctypes.c_void_p
_pointer_of.argtypes = [ctypes.py_object, ctypes.c_char_p]

_NUMBERS = {
    "c": "<i1", "C": "<u1", "s": "<i2", "S": "<u2", "i": "<i4", "I": "<u4", "l": "<i8", "L": "<u8", "f": "<f4",
    "g": "<f8", "tdD": "<i4",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ArrowColumn:
    """One column of a batch.

    Attributes:
        nulls: a flag a row; None where no row is NULL.
        values: numbers and flags; of 128-bit numbers, rows of two halves, the low one first; of UUIDs, rows of bytes.
        offsets: of texts and bytes: where each begins in `data`, and where the last ends.
        data: the UTF-8 or the bytes of all rows.
    """

    nulls: Array | None
    values: Array
    offsets: Array
    data: Array


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a result. Its arrays live until the next batch is asked for."""

    length: int
    columns: list[ArrowColumn]


def batches(connection: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, Value], rows: int) -> Iterator[Batch]:
    """Runs a query and gives its rows, as many at a time as are asked for, never all of them.

    Raises:
        duckdb.Error: the query failed, at its beginning or on its way.
    """
    # The public way to an Arrow stream takes 131,072 rows at a time, which large values would not bear.
    result = connection._submit(sql, needed(sql, values), "stream", rows)
    capsule = result.arrow_capsule()
    try:
        stream = ctypes.cast(_pointer_of(capsule, b"arrow_array_stream"), ctypes.POINTER(_Stream))
        formats = _formats(stream)
        while True:
            array = _Array()
            if stream.contents.get_next(stream, ctypes.byref(array)):
                words = stream.contents.get_last_error(stream)
                raise duckdb.Error((words or b"the query was ended").decode("utf-8", "replace"))
            if not array.release:
                return
            try:
                yield Batch(
                    array.length,
                    [_column(array.children[n].contents, form) for n, form in enumerate(formats)],
                )
            finally:
                array.release(ctypes.byref(array))
    finally:
        # The stream ends with its capsule, and the connection is free again.
        del capsule, result


def _formats(stream: Any) -> list[str]:
    schema = _Schema()
    if stream.contents.get_schema(stream, ctypes.byref(schema)):
        raise duckdb.Error("the result has no schema")
    formats = [schema.children[n].contents.format.decode() for n in range(schema.n_children)]
    schema.release(ctypes.byref(schema))
    return formats


_EMPTY: Array = np.empty(0, np.uint8)


def _column(array: Any, form: str) -> ArrowColumn:
    length, offset = array.length, array.offset
    nulls = None
    if array.null_count and array.buffers[0]:
        bits = _view(array.buffers[0], "u1", (length + offset + 7) // 8)
        nulls = np.unpackbits(bits, bitorder="little", count=length + offset)[offset:] == 0
        if not nulls.any():
            nulls = None
    if form == "n":
        return ArrowColumn(np.ones(length, bool), np.zeros(length, np.int64), np.zeros(length + 1, np.int64), _EMPTY)
    if form in ("u", "z", "U", "Z"):
        kind = "<i4" if form in "uz" else "<i8"
        offsets = _view(array.buffers[1], kind, length + offset + 1)[offset:].astype(np.int64)
        data = _view(array.buffers[2], "u1", int(offsets[-1])) if length else _EMPTY
        return ArrowColumn(nulls, _EMPTY, offsets, data)
    if form == "b":
        bits = _view(array.buffers[1], "u1", (length + offset + 7) // 8)
        return ArrowColumn(
            nulls, np.unpackbits(bits, bitorder="little", count=length + offset)[offset:], _EMPTY, _EMPTY
        )
    if form.startswith("d:"):
        halves = _view(array.buffers[1], "<i8", 2 * (length + offset)).reshape(-1, 2)[offset:]
        return ArrowColumn(nulls, halves, _EMPTY, _EMPTY)
    if form == "w:16":
        return ArrowColumn(
            nulls, _view(array.buffers[1], "u1", 16 * (length + offset)).reshape(-1, 16)[offset:], _EMPTY, _EMPTY
        )
    return ArrowColumn(nulls, _view(array.buffers[1], _NUMBERS[form], length + offset)[offset:], _EMPTY, _EMPTY)


def _view(address: int | None, kind: str, count: int) -> Array:
    dtype = np.dtype(kind)
    if not count or not address:
        return np.zeros(count, dtype)
    memory = (ctypes.c_char * (count * dtype.itemsize)).from_address(address)
    found: Array = np.ndarray((count,), dtype, memoryview(memory))
    return found
