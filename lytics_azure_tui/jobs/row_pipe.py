"""Rows as bytes, as fast as DuckDB writes them: it writes into a pipe, and nothing of it ever lies on a disk."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Generator, Iterable

import duckdb

from lytics_azure_tui.lytics.duck import literal

_PIPE = 1 << 20


def csv_options(*, delimiter: str = ",", header: bool = False) -> str:
    """COPY's options for CSV by RFC 4180 with \\n: empty text is `""`, and what is missing is nothing at all."""
    return f"FORMAT csv, DELIMITER {literal(delimiter)}, QUOTE '\"', ESCAPE '\"', NULLSTR '', HEADER {header}"


LINE_OPTIONS = "FORMAT csv, DELIMITER '\x1f', QUOTE '', ESCAPE '', NULLSTR '', HEADER false"
"""COPY's options for rows of one text that holds no line break: each is written as it is, and \\n."""


def written(
    connection: duckdb.DuckDBPyConnection,
    copies: Iterable[tuple[str, str]],
    done: Callable[[int], None] = lambda rows: None,
) -> Generator[bytes, None, None]:
    """What some queries give, one after the other, in pieces of about a megabyte.

    Args:
        connection: nobody else uses it meanwhile.
        copies: (query, COPY's options) of each.
        done: called after each with its rows, by another thread.
    """
    reading, writing = os.pipe()
    with contextlib.suppress(OSError, AttributeError):
        # More at once than Linux's 64 KiB; there is no such thing elsewhere.
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE)
    failures: list[BaseException] = []
    stopped = threading.Event()

    def work() -> None:
        try:
            for query, options in copies:
                if stopped.is_set():
                    return
                (rows,) = connection.execute(
                    f"COPY ({query}) TO {literal(f'/dev/fd/{writing}')} ({options}, USE_TMP_FILE false)"
                ).fetchall()[0]
                done(int(rows))
        except BaseException as error:
            failures.append(error)
        finally:
            os.close(writing)

    thread = threading.Thread(target=work, name="rows", daemon=True)
    thread.start()
    try:
        while piece := os.read(reading, _PIPE):
            yield piece
    finally:
        # Where nobody reads on, this ends what is being written, or looked for.
        os.close(reading)
        stopped.set()
        if thread.is_alive():
            connection.interrupt()
        thread.join()
    if failures:
        raise failures[0]
