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
from pathlib import Path
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
    ("csv_convert.Converter.write", 1),
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


def arm() -> None:
    from lytics_azure_tui.azure import blob, blob_writer, event_hub_sender, sql, sql_rows
    from lytics_azure_tui.jobs import (
        csv_convert,
        csv_import,
        csv_part,
        csv_source,
        event_export,
        event_hub_export,
        event_rows,
        outbox,
        quarantine,
        sql_import,
        sql_part,
    )
    from lytics_azure_tui.lytics.workspace import streams, trigger_rows
    from lytics_azure_tui.runner import ledger

    for module in (csv_source, csv_import):
        vars(module)["BLOCK"] = SMALL
    csv_part.CHUNK = 2 * SMALL
    blob_writer.BLOCK = event_rows.PIECE = SMALL
    csv_import.PART = 6 * SMALL
    vars(sql)["batches"] = functools.partial(sql_rows.batches, rows=500)
    spelled = os.environ.get("LYAZURE_DIE")
    if not spelled or "lytics_azure_tui.runner.process" not in sys.orig_argv:
        return
    name, when, call, mark = spelled.split("|")
    modules = {
        "blob": blob, "blob_writer": blob_writer, "event_export": event_export,
        "event_hub_export": event_hub_export, "event_hub_sender": event_hub_sender,
        "outbox": outbox, "trigger_rows": trigger_rows,
        "csv_convert": csv_convert, "csv_import": csv_import, "csv_part": csv_part,
        "quarantine": quarantine, "streams": streams, "ledger": ledger,
        "sql": sql, "sql_import": sql_import, "sql_part": sql_part,
    }  # fmt: skip
    first, *path, last = name.split(".")
    owner: Any = modules[first]
    for part in path:
        owner = getattr(owner, part)
    setattr(owner, last, dying(getattr(owner, last), when, int(call), Path(mark)))


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
