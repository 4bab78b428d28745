"""Import SQL Table: which rows are new, cut into slices that are read side by side, and the commit that shows them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import Any, cast

from lytics_azure_tui.azure.sql import SqlSession
from lytics_azure_tui.azure.sql_catalogue import Table, preview, table
from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.jobs import delivery, quarantine
from lytics_azure_tui.jobs.csv_header import clean_header
from lytics_azure_tui.jobs.kind import Context, Rehearsal, Sink
from lytics_azure_tui.jobs.sql_memory import Memory
from lytics_azure_tui.jobs.sql_part import SliceRun, seen_folder, server_of, session_of, source_id
from lytics_azure_tui.jobs.sql_slice import AGAIN, TIMELESS, Slice
from lytics_azure_tui.jobs.sql_survey import Survey, Surveyor
from lytics_azure_tui.model.amounts import counted
from lytics_azure_tui.model.run import LAST, Outcome, Part, PartResult, Plan
from lytics_azure_tui.model.sql_import import SqlImport

SAMPLE = 20
"""Rows that a rehearsal shows."""


def plan(context: Context, checkpoint: dict[str, Any] | None) -> Plan:
    """See `jobs.kind.JobKind`."""
    config = _config(context)
    if delivery.unsent(context.replay):
        rows = quarantine.count(delivery.unsent(context.replay))
        about = f"sending {counted(rows, 'row')} once more into {config.stream}"
        return Plan(delivery.last(context, config.stream, 0), about)
    if context.replay:
        raise BadConfiguration(
            "Quarantined rows of a table are not read again by themselves",
            fix="Correct the rows in the table, their Timestamp Column too: they come with the next run",
        )
    with session_of(context) as session:
        found = table(session, *config.table())
        survey = _survey(context, session, found, _memory(checkpoint, config))
    slices = [replace(one, told=_told(survey)) for one in survey.slices]
    parts = [Part(one.number, _chain(one, context.sessions), one.to_spec()) for one in slices]
    parts += delivery.last(context, config.stream, len(parts)) if parts else ()
    data = {
        "checkpoint": survey.memory.checkpoint(config),
        "rows": survey.rows,
        "left_out": survey.left_out,
        "held_back": survey.held_back,
    }
    kept = None if parts else survey.memory.checkpoint(config)
    notes = _of_columns(found)
    return Plan(tuple(parts), _about(config, survey), None, data, processes=True, notes=notes, checkpoint=kept)


def do(context: Context, part: Part, before: PartResult | None, sink: Sink) -> PartResult:
    """See `jobs.kind.JobKind`."""
    return SliceRun(context, part, sink).run()


def commit(context: Context, plan: Plan, results: list[PartResult]) -> Outcome:
    """See `jobs.kind.JobKind`."""
    config = _config(context)
    delivery.require_same(context, plan, config.stream)
    slices = [Slice.of(part) for part in plan.parts if part.chain != LAST]
    files = delivery.staged(results)
    columns = list(dict.fromkeys(name for one in slices for _, _, name in one.columns))
    if files:
        context.lytics.commit(config.stream, context.run_id, columns, files)
    rows = sum(result.rows for result in results)
    told = f"{counted(rows, 'row')} of {config.source} into {config.stream}"
    if context.replay:
        return Outcome(None, told, delivery.counts(results))
    counts = {
        "imported": rows,
        "already there": sum(result.data.get("again", 0) for result in results),
        "without timestamp": sum(result.data.get("timeless", 0) for result in results) + plan.data["left_out"],
        "held back": plan.data["held_back"],
        "quarantined": sum(result.rejected for result in results),
        "slices": len(slices),
        **delivery.counts(results),
    }
    memory = Memory.of(plan.data["checkpoint"], config)
    folder = seen_folder(context)
    memory = replace(memory, seen=str(folder) if folder.exists() else None)
    _forget_old_hashes(context, {memory.seen, *(one.seen for one in slices)})
    return Outcome(
        memory.checkpoint(config),
        told + _up_to(memory),
        counts,
    )


def discard(context: Context) -> None:
    """See `jobs.kind.JobKind`."""
    context.lytics.discard(_config(context).stream, context.run_id)
    for folder in (quarantine.folder_of(context.keep, context.run_id), seen_folder(context)):
        shutil.rmtree(folder, ignore_errors=True)
    # What a slice knows of its place counts only with the files that were just removed.
    for folder in context.scratch.glob("slice-*"):
        shutil.rmtree(folder, ignore_errors=True)


def rehearse(context: Context, checkpoint: dict[str, Any] | None) -> Rehearsal:
    """See `jobs.kind.JobKind`."""
    config = _config(context)
    with session_of(context) as session:
        found = table(session, *config.table())
        survey = _survey(context, session, found, _memory(checkpoint, config))
        sample = _sample(session, found, survey, config)
    notes = [*_of_columns(found)]
    if survey.held_back:
        are = "is" if survey.held_back == 1 else "are"
        rows = counted(survey.held_back, "row")
        notes.append(f"{rows} {are} later than the server's clock, and held back until their time")
    if survey.left_out:
        rows = counted(survey.left_out, "row")
        notes.append(f"{rows} without a value in {config.timestamp_field}: left out")
    if config.continuous_update and survey.memory.version is None:
        notes.append(
            f"What is new is told by {config.timestamp_field}; a rowversion column would tell it without an overlap"
        )
    columns = tuple(column.name for column in found.columns)
    notes += filter(None, [context.lytics.dry_run(config.stream, columns, sample)])
    return Rehearsal(
        about=_about(config, survey),
        items=((config.source, f"{counted(survey.rows, 'new row')}, {counted(len(found.columns), 'column')}"),),
        columns=columns,
        sample=tuple(sample),
        notes=tuple(notes),
    )


def _sample(session: SqlSession, found: Table, survey: Survey, config: SqlImport) -> list[tuple[str | None, ...]]:
    """The newest of the rows that would come: not of those that a limit leaves for later, nor of those seen before."""
    sample: list[tuple[str | None, ...]] = []
    for one in sorted(survey.slices, key=lambda one: (one.kind == TIMELESS, -one.number)):
        if one.kind != AGAIN and len(sample) < SAMPLE:
            left = SAMPLE - len(sample)
            sample += preview(session, found, config.timestamp_field, left, among=one.rows_as_t())
    return sample


def _config(context: Context) -> SqlImport:
    return cast(SqlImport, context.job.config)


def _memory(checkpoint: dict[str, Any] | None, config: SqlImport) -> Memory:
    """A job that does not go on takes everything whenever it is started."""
    return Memory.of(checkpoint, config) if config.continuous_update else Memory()


def _survey(context: Context, session: SqlSession, found: Table, memory: Memory) -> Survey:
    config, server = _config(context), server_of(context)
    return Surveyor(session, found, config, _whole(context, found), memory, server, context.sessions).survey()


def _whole(context: Context, found: Table) -> Slice:
    """The table as one slice.

    Raises:
        LyazureError: a column that the job names is not there or is no time, or one cannot be imported.
    """
    config = _config(context)
    names = [column.name for column in found.columns]
    time = found.column(config.timestamp_field)
    record = found.column(config.record_timestamp) if config.record_timestamp else None
    for column in (time, record):
        if column is not None and not column.is_time:
            raise BadConfiguration(
                f"The column {column.name} of {config.source} is not a time: it is {column.declared}",
                fix="Edit the job and choose a column of the type date, datetime, datetime2 or datetimeoffset",
            )
    if time.masked:
        raise BadConfiguration(
            f"The Timestamp Column {time.name} of {config.source} is masked for this user",
            why="Which rows are new cannot be told by a mask",
            fix="Have the user given the right to read it: GRANT UNMASK",
        )
    masked = [column.name for column in found.columns if column.masked]
    if masked and config.masked_columns == "refuse":
        raise BadConfiguration(
            f"{config.source} has columns that are masked for this user: {', '.join(masked)}",
            why="The server gives a mask such as xxxx in the place of each value, which would make one of many people",
            fix="Have the user given the right to read them: GRANT UNMASK. Or make a view without them, or choose in "
            "Masked Columns that the masks are imported",
        )
    own, _ = clean_header(names)
    there = {name.casefold(): name for name in context.lytics.columns(config.stream)}
    return Slice(
        number=0,
        kind="new",
        schema=found.schema,
        name=found.name,
        columns=tuple(
            (column.name, column.selected("t"), there.get(name.casefold(), name))
            for column, name in zip(found.columns, own, strict=True)
        ),
        time=names.index(time.name),
        time_type=time.declared,
        record=names.index(record.name) if record and record.name != time.name else None,
        key=tuple(column.name for column in found.key if column.name != time.name),
        source_id=source_id(context, found),
    )


def _of_columns(found: Table) -> tuple[str, ...]:
    """What an operator should know of a table's columns."""
    named = (
        (found.internal, "left out, as nobody can read them: inner columns of a graph table"),
        ([column.name for column in found.columns if column.masked], "masked for this user; the masks are imported"),
        ([column.name for column in found.columns if column.computed], "computed by the server; a row where that fails "
         "ends the import"),
    )  # fmt: skip
    return tuple(f"{', '.join(names)}: {words}" for names, words in named if names)


def _chain(one: Slice, sessions: int) -> str:
    return f"session {one.number % sessions + 1}"


def _about(config: SqlImport, survey: Survey) -> str:
    if not survey.slices:
        about = f"no new rows in {config.source}"
    else:
        about = f"importing {counted(survey.rows + survey.timeless, 'row')} of {config.source} into {config.stream}"
    return about + _told(survey)


def _told(survey: Survey) -> str:
    """Up to where the run goes, and the rows that are not simply new."""
    more = [
        f"{count:,} {words}"
        for count, words in (
            (survey.again, "looked at again"),
            (survey.held_back, "held back"),
            (survey.timeless + survey.left_out, "without a timestamp"),
        )
        if count
    ]
    return _up_to(survey.memory) + (f" — {', '.join(more)}" if more else "")


def _up_to(memory: Memory) -> str:
    if memory.version is not None:
        return f", up to rowversion 0x{memory.version}"
    return f", up to {memory.watermark}" if memory.watermark else ""


def _forget_old_hashes(context: Context, keep: set[str | None]) -> None:
    """Removes hashes that no checkpoint can name: neither the one before this run nor the one after."""
    for folder in seen_folder(context).parent.glob("*"):
        if str(folder) not in keep and folder.name != context.run_id:
            shutil.rmtree(folder, ignore_errors=True)
