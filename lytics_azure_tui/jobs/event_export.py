"""Export Events: which events are new, the one file that they become, and the commit that shows it."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import duckdb

from lytics_azure_tui.azure.blob_writer import BLOCK, BlobWriter
from lytics_azure_tui.jobs import blob_out
from lytics_azure_tui.jobs.blob_out import Wrapping
from lytics_azure_tui.jobs.event_rows import EventRows
from lytics_azure_tui.jobs.kind import Context, Rehearsal, Sink, authorization
from lytics_azure_tui.jobs.pgp import check_public_key
from lytics_azure_tui.jobs.row_pipe import csv_options, written
from lytics_azure_tui.lytics.duck import database
from lytics_azure_tui.lytics.protocol import EventFiles, StreamMark
from lytics_azure_tui.model.amounts import counted, few
from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.model.event_export import EventExport
from lytics_azure_tui.model.export_name import blob_name
from lytics_azure_tui.model.run import Outcome, Part, PartResult, Plan


def plan(context: Context, checkpoint: dict[str, Any] | None) -> Plan:
    """See `jobs.kind.JobKind`."""
    survey = _survey(context, checkpoint)
    about = " — ".join([survey.about, *survey.notes])
    if not survey.rows:
        return Plan((), about)
    with closing(_writer(context)) as writer:
        writer.require_free(survey.name)
    data = {
        "rows": survey.rows,
        "first": _iso(survey.first),
        "last": _iso(survey.last),
        "checkpoint": survey.checkpoint,
        "streams": survey.streams,
    }
    spec = {"name": survey.name, "rows": survey.rows, "events": survey.events.to_data()}
    return Plan((Part(0, "file", spec),), about, None, data)


def do(context: Context, part: Part, before: PartResult | None, sink: Sink) -> PartResult:
    """See `jobs.kind.JobKind`. A file is one part: done again, it is encoded anew, and sent where it is not there."""
    events, name = EventRows.of_data(part.spec["events"]), str(part.spec["name"])
    config, rows = _config(context), 0

    def count(more: int) -> None:
        nonlocal rows
        rows += more

    def tell(size: int) -> None:
        sink.check()
        # How large the file will be is known only from how far it is.
        total = size * part.spec["rows"] // rows if rows else None
        sink.progress(f"writing {name}", bytes_done=size, bytes_total=total, rows=rows)

    with (
        closing(_writer(context)) as writer,
        _database(context) as connection,
        _wrapping(context).around(
            _text(connection, events, config, count),
            name,
            threads=context.threads,
            scratch=context.scratch,
            moment=context.started,
        ) as content,
    ):
        writer.require_free(name)
        try:
            blob = writer.stage(name, content, tell)
        except duckdb.IOException:
            events.require_files()
            raise
    return PartResult(part.index, rows, 0, blob.bytes, None, {"blob": blob_out.to_data(blob)})


def commit(context: Context, plan: Plan, results: list[PartResult]) -> Outcome:
    """See `jobs.kind.JobKind`."""
    config = _config(context)
    blob = blob_out.of_data(results[0].data["blob"])
    rows = results[0].rows
    with closing(_writer(context)) as writer:
        writer.commit(blob, _wrapping(context).content_type)
        if config.wants_manifest():
            told = blob_out.manifest(
                blob,
                run_id=context.run_id,
                fields=EventRows.of_data(plan.parts[0].spec["events"]).header,
                rows=rows,
                streams=plan.data["streams"],
                **{"from": plan.data["first"], "to": plan.data["last"]},
            )
            writer.put(f"{blob.name}.manifest.json", told, "application/json")
    return Outcome(
        plan.data["checkpoint"],
        f"{counted(rows, 'event')} of {few(plan.data['streams'])} into {config.container}/{blob.name}",
        {"files": 1, "exported": rows, "bytes": blob.bytes},
    )


def discard(context: Context) -> None:
    """See `jobs.kind.JobKind`. Blocks that no commit named are removed by Azure, after a week."""


def rehearse(context: Context, checkpoint: dict[str, Any] | None) -> Rehearsal:
    """See `jobs.kind.JobKind`."""
    config, survey = _config(context), _survey(context, checkpoint)
    if not survey.rows:
        return Rehearsal(survey.about, notes=survey.notes)
    with closing(_writer(context)) as writer:
        writer.require_free(survey.name)
    with _database(context) as connection:
        sample = survey.events.sample(connection, 20, defuse=config.defuse_formulas)
    items = [(survey.name, f"{counted(survey.rows, 'event')}, {counted(len(survey.events.header), 'column')}")]
    if config.wants_manifest():
        items.append((f"{survey.name}.manifest.json", "what is in it"))
    return Rehearsal(
        about=f"{survey.about}; the name is as of now",
        items=tuple(items),
        columns=survey.events.header,
        sample=tuple(sample),
        notes=survey.notes,
    )


@dataclass(frozen=True, slots=True)
class _Survey:
    """What is to be exported.

    Attributes:
        name: of the file.
        rows, first, last: how many events, and when they happened.
        streams: those that have any, at the moment of looking.
        checkpoint: of the job, once it is done.
        about: one line.
        notes: what an operator should know.
    """

    events: EventRows
    name: str
    rows: int
    first: datetime | None
    last: datetime | None
    streams: list[str]
    checkpoint: dict[str, Any] | None
    about: str
    notes: tuple[str, ...]


def _survey(context: Context, checkpoint: dict[str, Any] | None) -> _Survey:
    config, wrapping = _config(context), _wrapping(context)
    notes = []
    if wrapping.public_key is not None:
        key = check_public_key(wrapping.public_key)
        notes.append(f"Encrypted for {', '.join(key.user_ids) or key.fingerprint}")
    scope = {"container": config.container, "start": config.start_date, "end": config.end_date}
    marks: dict[str, dict[str, Any]] = {}
    if config.continuous_update and checkpoint is not None:
        if checkpoint["scope"] == scope:
            marks = checkpoint["streams"]
        else:
            notes.append("The container or the dates were changed: all events are exported once more")
    names = config.streams or [info.name for info in context.lytics.streams()]
    found: dict[str, EventFiles] = {}
    for stream in names:
        mark = marks.get(stream)
        events = context.lytics.events(stream, StreamMark(**mark) if mark else None)
        if events is None:
            notes.append(f"There is no stream {stream} yet")
        else:
            found[stream] = events
    rows = EventRows.of(found, config.start_date, config.end_date)
    with _database(context) as connection:
        count, first, last = rows.figures(connection)
    name = blob_name(config.filename, config.time_format, context.started, wrapping.extension)
    after = {stream: {"table": one.mark.table, "version": one.mark.version} for stream, one in found.items()}
    new = " new" if marks else ""
    what = f"exporting {count:,}{new} {'event' if count == 1 else 'events'} of {few(list(found))} to {name}"
    return _Survey(
        events=rows,
        name=name,
        rows=count,
        first=first,
        last=last,
        streams=list(found),
        checkpoint={"scope": scope, "streams": {**marks, **after}} if config.continuous_update else None,
        about=what if count else f"there are no{new} events to export: no file is written",
        notes=tuple(notes),
    )


def _text(
    connection: duckdb.DuckDBPyConnection, events: EventRows, config: EventExport, count: Callable[[int], None]
) -> Generator[bytes, None, None]:
    """The file's text."""
    if config.byte_order_mark:
        yield codecs.BOM_UTF8
    queries = events.queries(connection, defuse=config.defuse_formulas)
    copies = ((query, csv_options(header=config.write_headers and index == 0)) for index, query in enumerate(queries))
    with closing(written(connection, copies, count)) as pieces:
        yield from pieces


def _config(context: Context) -> EventExport:
    return cast(EventExport, context.job.config)


def _writer(context: Context) -> BlobWriter:
    connection = authorization(context, AzureStorage).connection()
    return BlobWriter(connection, _config(context).container, context.run_id)


def _wrapping(context: Context) -> Wrapping:
    config = _config(context)
    key = authorization(context, AzureStorage).pgppublickey
    return Wrapping("csv", config.compress, key, config.compress_then_encrypt)


def _database(context: Context) -> duckdb.DuckDBPyConnection:
    """What blocks on their way take is not DuckDB's."""
    return database(memory=max(64 << 20, context.memory // 2 - 4 * BLOCK), threads=context.threads)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
