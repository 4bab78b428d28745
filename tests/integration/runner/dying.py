"""Imported by every Python process that a crash test starts: ends that of the run, once, at the step that is named.

The step is one of `STEPS`: a function, whether before or after it, and at which of its calls. It stands in LYAZURE_DIE,
with a file whose absence says that the death is still to come. Blocks, chunks and parts are made small, so that a small
file has many.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
import threading
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

SMALL = 64 << 10

# (function, call): each is a place before and a place after it.
STEPS = (
    ("ledger.Ledger.claim", 1),
    ("csv_import.plan", 1),
    ("ledger.Ledger.save_plan", 1),
    ("csv_import.do", 1),
    ("blob.BlobStore._get", 4),
    ("blob.BlobStore._get", 9),
    ("csv_part._chunk", 2),
    ("csv_convert.Converter.write_all", 1),
    ("csv_convert.Converter.write", 3),
    ("csv_convert.Converter.clean", 1),
    ("quarantine.write", 1),
    ("quarantine.remember", 1),
    ("csv_import.do", 2),
    ("ledger.Ledger.part_done", 1),
    ("ledger.Ledger.part_done", 2),
    ("ledger.Ledger.begin_commit", 1),
    ("csv_import.commit", 1),
    ("streams.Streams.commit", 1),
    ("streams.Streams._create", 1),
    ("streams.DeltaTable.create_write_transaction", 1),
    ("ledger.Ledger.finish", 1),
)
DIFF_STEPS = (
    ("csv_convert.Converter._hash", 2),
    ("csv_part.changed_rows", 1),
    ("csv_import.gone", 1),
    ("csv_import._forget_old_hashes", 1),
)
SQL_STEPS = (
    ("sql_import.plan", 1),
    ("sql.SqlSession.run", 1),
    ("sql_part.write", 2),
    ("sql_part.SliceRun._save", 2),
    ("sql_part.SliceRun._leave_out_what_was_seen", 1),
    ("sql_part.SliceRun._keep_hashes", 1),
    ("sql_import.do", 2),
    ("ledger.Ledger.part_done", 1),
    ("ledger.Ledger.begin_commit", 1),
    ("sql_import.commit", 1),
    ("streams.Streams.commit", 1),
    ("ledger.Ledger.finish", 1),
)
EXPORT_STEPS = (
    ("ledger.Ledger.claim", 1),
    ("event_export.plan", 1),
    ("ledger.Ledger.save_plan", 1),
    ("event_export.do", 1),
    ("blob_writer.BlobWriter._stage_block", 1),
    ("blob_writer.BlobWriter._stage_block", 4),
    ("blob_writer.BlobWriter.stage", 1),
    ("ledger.Ledger.part_done", 1),
    ("ledger.Ledger.begin_commit", 1),
    ("event_export.commit", 1),
    ("blob_writer.BlobWriter.commit", 1),
    ("blob_writer.BlobWriter.put", 1),
    ("ledger.Ledger.finish", 1),
)
AUDIENCE_STEPS = (
    ("ledger.Ledger.save_plan", 1),
    ("blob_writer.BlobWriter._stage_block", 2),
    ("blob_writer.BlobWriter.stage", 1),
    ("ledger.Ledger.part_done", 1),
    ("blob_writer.BlobWriter.commit", 1),
    ("blob_writer.BlobWriter.put", 1),
    ("blob_writer.BlobWriter.commit", 2),
    ("ledger.Ledger.finish", 1),
)
HUB_STEPS = (
    ("event_hub_export.plan", 1),
    ("ledger.Ledger.save_plan", 1),
    ("trigger_rows.collect", 1),
    ("ledger.Ledger.part_done", 1),
    ("event_hub_sender.Sender._deliver", 1),
    ("event_hub_sender.Sender._deliver", 7),
    ("outbox.Mark.reach", 5),
    ("outbox.Mark.save", 1),
    ("ledger.Ledger.part_done", 2),
    ("ledger.Ledger.begin_commit", 1),
    ("event_hub_export.commit", 1),
    ("ledger.Ledger.finish", 1),
)


JOBS, AZURE = "lytics_azure_tui.jobs", "lytics_azure_tui.azure"
MODULES = {
    "ledger": "lytics_azure_tui.runner.ledger",
    **{name: f"lytics_azure_tui.lytics.workspace.{name}" for name in ("streams", "trigger_rows")},
    **{name: f"{AZURE}.{name}" for name in ("blob", "blob_writer", "event_hub_sender", "sql")},
    **{
        name: f"{JOBS}.{name}"
        for name in (
            "csv_convert", "csv_import", "csv_part", "event_export", "event_hub_export", "outbox", "quarantine",
            "sql_import", "sql_part",
        )
    },
}  # fmt: skip


def arm() -> None:
    small = {
        (f"{JOBS}.decompress", "BLOCK"): SMALL,
        (f"{JOBS}.csv_import", "PART"): 6 * SMALL,
        (f"{JOBS}.csv_part", "CHUNK"): 2 * SMALL,
        (f"{JOBS}.event_rows", "PIECE"): SMALL,
        (f"{AZURE}.blob_writer", "BLOCK"): SMALL,
    }
    for (module, name), value in small.items():
        changed(module, functools.partial(setting, name=name, value=value))
    changed(f"{AZURE}.sql", few_rows_at_once)
    spelled = os.environ.get("LYAZURE_DIE")
    if not spelled or "lytics_azure_tui.runner.process" not in sys.orig_argv:
        return
    name, when, call, mark = spelled.split("|")
    first, *path, last = name.split(".")

    def make_deadly(module: ModuleType) -> None:
        owner: Any = module
        for part in path:
            owner = getattr(owner, part)
        setattr(owner, last, dying(getattr(owner, last), when, int(call), Path(mark)))

    changed(MODULES[first], make_deadly)


def setting(module: ModuleType, name: str, value: int) -> None:
    assert hasattr(module, name)
    setattr(module, name, value)


def few_rows_at_once(module: ModuleType) -> None:
    vars(module)["batches"] = functools.partial(vars(module)["batches"], rows=500)


def changed(name: str, change: Callable[[ModuleType], None]) -> None:
    """Changes a module as soon as it is imported; to import all of them would cost each process its time."""
    sys.meta_path.insert(0, _Changing(name, change))


class _Changing(MetaPathFinder):
    def __init__(self, name: str, change: Callable[[ModuleType], None]) -> None:
        self._name, self._change = name, change

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        assert spec is not None and spec.loader is not None
        load = spec.loader.exec_module

        def load_and_change(module: ModuleType) -> None:
            load(module)
            self._change(module)

        spec.loader.exec_module = load_and_change  # type: ignore[method-assign]
        return spec


def dying(function: Callable[..., Any], when: str, call: int, mark: Path) -> Callable[..., Any]:
    lock = threading.Lock()
    calls = 0

    def die() -> None:
        try:
            mark.touch(exist_ok=False)
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)

    @functools.wraps(function)
    def deadly(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        with lock:
            calls += 1
            due = calls == call
        if due and when == "before":
            die()
        result = function(*args, **kwargs)
        if due and when == "after":
            die()
        return result

    return deadly
