"""Looks at the data folder's file system: mounts of blob storage and network folders lack what a disk can do."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.runner.doctor.check import Check, ok, problem

_FIX = "Name a folder on a local disk in settings.toml: [storage] folder."


def storage(data: Path) -> Iterator[Check]:
    """Whether a file can be locked, and a ledger and a Delta table made, written and read; nothing of it stays."""
    if not data.is_dir():
        yield ok("storage", f"{data} is made by the first run")
        return
    steps: tuple[tuple[str, Callable[[Path], None]], ...] = (
        ("lock a file", _lock),
        ("write a ledger (SQLite with a write-ahead log)", _ledger),
        ("make, write and read a Delta table", _table),
    )
    try:
        with tempfile.TemporaryDirectory(prefix="doctor-", dir=data, ignore_cleanup_errors=True) as folder:
            for name, attempt in steps:
                failure = _failure(attempt, Path(folder))
                if failure:
                    yield problem("storage", f"It is not possible to {name} in {data}: {failure}", _FIX)
                    return
    except OSError as error:
        yield problem("storage", f"Nothing can be written in {data}: {error.strerror}", _FIX)
        return
    yield ok("storage", f"Files can be locked, and tables made, written and read in {data}")


def _failure(attempt: Callable[[Path], None], folder: Path) -> str:
    """Why it failed; empty when it did not."""
    try:
        attempt(folder)
    except OSError as error:
        return error.strerror or str(error)
    except LyazureError as error:
        return str(error)
    except Exception as error:  # the engines raise kinds of their own
        return " ".join(str(error).split())[:300] or type(error).__name__
    return ""


def _lock(folder: Path) -> None:
    file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(file)


def _ledger(folder: Path) -> None:
    path = folder / "ledger.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as writer, closing(sqlite3.connect(path)) as reader:
        if writer.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
            raise OSError("the file system does not carry a write-ahead log")
        writer.execute("CREATE TABLE probe AS SELECT 1 AS n")
        if reader.execute("SELECT count(*) FROM probe").fetchone()[0] != 1:
            raise OSError("what was written was not read")


def _table(folder: Path) -> None:
    import duckdb

    from lytics_azure_tui.lytics.workspace.tables import Tables, Written

    tables, place = Tables(folder), folder / "probe"
    place.mkdir()
    with duckdb.connect() as engine:
        for number in (1, 2):  # the second commit must not write over the first
            name = f"{number:08}.parquet"
            engine.sql("SELECT 1 AS n").write_parquet(str(place / name))
            tables.write("probe", [Written(name, 1)], anew=False)
    version = tables.newest("probe")
    if version is None or sum(tables.rows("probe", version).values()) != 2:
        raise OSError("what was written was not read")
