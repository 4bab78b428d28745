"""Import Data (CSV): which files are due, how they are cut into parts, and the one commit that shows their rows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from lytics_azure_tui.azure.blob import BlobStore
from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.jobs import delivery, quarantine
from lytics_azure_tui.jobs.csv_columns import difference
from lytics_azure_tui.jobs.csv_diff import gone
from lytics_azure_tui.jobs.csv_due import due_files
from lytics_azure_tui.jobs.csv_encoding import decoded, encoded
from lytics_azure_tui.jobs.csv_file import FilePart
from lytics_azure_tui.jobs.csv_header import clean_header, fields
from lytics_azure_tui.jobs.csv_memory import Memory
from lytics_azure_tui.jobs.csv_part import PartRun
from lytics_azure_tui.jobs.csv_sniff import CsvLook, look
from lytics_azure_tui.jobs.csv_times import Times, forget_told, proven, times, told
from lytics_azure_tui.jobs.decompress import BLOCK
from lytics_azure_tui.jobs.decrypt import Decryption
from lytics_azure_tui.jobs.formats import PARQUET
from lytics_azure_tui.jobs.kind import Context, Rehearsal, Sink, authorization
from lytics_azure_tui.lytics.event_time import read_times, usual_form
from lytics_azure_tui.model.amounts import counted, few
from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.model.csv_import import CsvImport
from lytics_azure_tui.model.encoding import canonical
from lytics_azure_tui.model.run import LAST, Outcome, Part, PartResult, Plan

PART = 1 << 30
"""Bytes of a plain UTF-8 file that are done again at most when a run is resumed; other files are one part each."""

_CHAIN = "files"
"""Files are read one after the other: each part uses all the threads, and Diff needs the order."""


def plan(context: Context, checkpoint: dict[str, Any] | None) -> Plan:
    """See `jobs.kind.JobKind`."""
    config = _config(context)
    if context.replay:
        return _plan_replay(context, config)
    memory = Memory.of(checkpoint, config)
    with closing(_store(context)) as store:
        places, notes = due_files(store, config, memory, context.started) if config.continuous_update else ([], [])
        if config.continuous_update and not places:
            return _nothing(context, config, memory, notes)
        names = [place.name for place in places] or [config.filename]
        looks, held = _looks(context, store, config, memory, names)
        places, names = places[: len(looks)], names[: len(looks)]
    dates = _times(context, config, memory, looks)
    parts: list[Part] = []
    compare, columns = (memory.hashes, memory.columns) if config.diff else (None, ())
    there = _stream_names(context, config)
    changes: list[str] = []
    for index, found in enumerate(looks):
        new = None if config.fields else difference(found.name, found.header, list(there.values()))
        changes += [str(new)] if new else []
        if new and config.on_new_columns == "stop":
            raise Fatal(f"{new}; nothing was imported", fix="If they are to be imported, set New Columns to accept")
        if new and config.on_new_columns == "quarantine":
            spec = replace(_file_part(config, found, index, dict(there), dates), refused="the file has new columns")
        else:
            spec = _file_part(config, found, index, there, dates)
        if config.continuous_update and config.diff and not spec.refused:
            folder = str(context.keep / "diff" / f"{context.run_id}-{index:05}")
            # Rows of other columns are other rows, even where their values are the same.
            before, columns = columns, _compared_columns(spec)
            spec = replace(spec, hashes=folder, compare=compare if before == columns else None)
            compare = folder
        parts += [
            Part(len(parts) + number, _CHAIN, replace(spec, start=start, end=end).to_spec())
            for number, (start, end) in enumerate(_stretches(spec))
        ]
    ordered: list[list[str] | None] = [place.to_data() for place in places] or [None]
    data = {
        "files": [
            {"name": found.name, "etag": found.etag, "place": place}
            for found, place in zip(looks, ordered, strict=True)
        ],
        "checkpoint": checkpoint,
        "hashes": compare,
        "columns": columns,
        "encoding": memory.encoding or _settled(looks),
        "dates": [dates.column, dates.settled] if dates and dates.settled else None,
    }
    about = f"importing {few(names)} into {config.stream}"
    parts += delivery.last(context, config.stream, len(parts))
    return Plan(
        tuple(parts), " — ".join([about, *notes]), sum(found.size for found in looks), data,
        notes=(*_encodings(looks, certain=True), *(dates.notes if dates else ())),
        warnings=(*held, *_warnings(looks), *changes, *(dates.warnings if dates else ())),
    )  # fmt: skip


def do(context: Context, part: Part, before: PartResult | None, sink: Sink) -> PartResult:
    """See `jobs.kind.JobKind`."""
    spec = FilePart.of(part)
    run = PartRun(context, part, spec, sink)
    if context.replay:
        kept = delivery.others(context.replay)
        return run.replay(quarantine.every(kept, source=f"{spec.container}/{spec.name}"))
    with closing(_store(context)) as store:
        return run.run(store, before)


def commit(context: Context, plan: Plan, results: list[PartResult]) -> Outcome:
    """See `jobs.kind.JobKind`."""
    config = _config(context)
    delivery.require_same(context, plan, config.stream)
    specs = [FilePart.of(part) for part in plan.parts if part.chain != LAST]
    files = delivery.staged(results)
    columns = list(dict.fromkeys(name for spec in specs if not spec.refused for _, name in spec.picks))
    if files:
        context.lytics.commit(config.stream, context.run_id, columns, files)
    rows = sum(result.rows for result in results)
    counts = {"files": len({(spec.container, spec.name) for spec in specs}), "imported": rows}
    if any(spec.hashes for spec in specs):
        counts["unchanged"] = sum(result.data.get("unchanged", 0) for result in results)
        counts["gone"] = _gone(context, specs)
    counts["quarantined"] = sum(result.rejected for result in results)
    passed = sum(result.data.get("passed", 0) for result in results)
    if passed:
        counts["passed over"] = passed
    counts.update(delivery.counts(results))
    checkpoint = None
    if config.continuous_update and not context.replay:
        memory = Memory.of(plan.data["checkpoint"], config)
        data = plan.data
        checkpoint = memory.after(
            config, data["files"], context.started, data["hashes"], data["columns"], data["encoding"],
            data["dates"] or proven(str(config.timestamp_field), results),
        )  # fmt: skip
        _forget_old_hashes(context, keep={memory.hashes, plan.data["hashes"]})
    forget_told(context.keep)
    of = f" of {few([spec.name for spec in specs])}" if specs else ""
    return Outcome(
        checkpoint,
        f"{counted(rows, 'row')}{of} into {config.stream}",
        counts,
    )


def discard(context: Context) -> None:
    """See `jobs.kind.JobKind`."""
    context.lytics.discard(_config(context).stream, context.run_id)
    quarantine.discard(quarantine.folder_of(context.keep, context.run_id))
    for folder in (context.keep / "diff").glob(f"{context.run_id}-*"):
        shutil.rmtree(folder, ignore_errors=True)


def rehearse(context: Context, checkpoint: dict[str, Any] | None) -> Rehearsal:
    """See `jobs.kind.JobKind`."""
    config = _config(context)
    memory = Memory.of(checkpoint, config)
    with closing(_store(context)) as store:
        places, notes = due_files(store, config, memory, context.started) if config.continuous_update else ([], [])
        names = [place.name for place in places] or ([] if config.continuous_update else [config.filename])
        if not names:
            return Rehearsal("no newer file has come: nothing would be imported", notes=tuple(notes))
        looks, held = _looks(context, store, config, memory, names)
        places, names = places[: len(looks)], names[: len(looks)]
    first = looks[0]
    dates = _times(context, config, memory, looks)
    there = _stream_names(context, config)
    if not config.fields and (new := difference(first.name, first.header, list(there.values()))):
        notes.append(str(new))
    spec = _file_part(config, first, 0, there, dates)
    chosen = [index for index, _ in spec.picks]
    compared = memory.hashes is not None or len(looks) > 1
    if config.continuous_update and config.diff and compared:
        notes.append("Only rows that are new or changed since the file before would be imported")
    notes += (*dates.notes, *dates.warnings) if dates else ()
    columns = tuple(name for _, name in spec.picks)
    sample = tuple(tuple(row[index] for index in chosen) for row in first.rows)
    notes += filter(None, [context.lytics.dry_run(config.stream, columns, sample)])
    return Rehearsal(
        about=f"{few(names)} would be imported into {config.stream}",
        items=tuple((found.name, found.summary) for found in looks),
        bytes_total=sum(found.size for found in looks),
        columns=columns,
        sample=sample,
        notes=(*notes, *held, *_warnings(looks), *(note for found in looks for note in found.notes)),
    )


def _config(context: Context) -> CsvImport:
    return cast(CsvImport, context.job.config)


def _store(context: Context) -> BlobStore:
    return BlobStore(authorization(context, AzureStorage).connection())


def _looks(
    context: Context, store: BlobStore, config: CsvImport, memory: Memory, names: Sequence[str]
) -> tuple[list[CsvLook], list[str]]:
    """(the beginnings of files that follow each other, what the operator should know).

    The first that shows its encoding decides for all behind it. One that cannot be read holds back those behind it, and
    not those before.
    """
    found: list[CsvLook] = []
    before = memory.encoding
    decrypt = Decryption.of(context.authorization)
    for name in names:
        try:
            shown = look(
                store, config.container, name, delimiter=config.separator(), encoding=config.encoding, before=before,
                decrypt=decrypt, skip_lines=config.skip_lines, names=config.names(), skip_footer=config.skip_footer,
                complete=True, rows=200, guess=False,
            )  # fmt: skip
        except Fatal as error:
            if not found:
                raise
            return found, [f"Only the files before {name} are imported. {error}"]
        found.append(shown)
        before = before or _settled(found)
    return found, []


def _settled(looks: Sequence[CsvLook]) -> str | None:
    """The encoding of a sequence of files; None while all are ASCII."""
    return next((found.encoding.name for found in looks if found.encoding.settled), None)


def _nothing(context: Context, config: CsvImport, memory: Memory, notes: list[str]) -> Plan:
    """The plan when no newer file has come: the job goes on waiting, or ends."""
    about = " — ".join(["no newer file has come", *notes])
    schedule = config.schedule()
    if config.if_no_next_file == "wait" or schedule is None or memory.taken is None or memory.anchor is None:
        return Plan((), about)
    due = schedule.next_after(memory.taken, memory.anchor)
    if context.started < schedule.period_after(due):
        return Plan((), about)
    return Plan(
        (), about,
        stop=f"no newer file has come since {memory.last.name if memory.last else config.filename}, one whole period "
        f"after it was due ({due:%Y-%m-%d %H:%M} UTC). Resume the job when files come again, or set If No Next File to "
        "keep looking",
    )  # fmt: skip


def _times(context: Context, config: CsvImport, memory: Memory, looks: Sequence[CsvLook]) -> Times | None:
    """How the timestamp field is read in all files; None without one."""
    if config.timestamp_field is None:
        return None
    folded = config.timestamp_field.casefold()
    values: list[str | None] = []
    for found in looks:
        names = [name.casefold() for name in found.header]
        # A file without the column is refused with words of its own.
        values += [row[names.index(folded)] for row in found.rows] if folded in names else []
    column, before = memory.dates or ("", "")
    kept = before if column == config.timestamp_field else None
    return times(config.timestamp_field, values, config.date_order, kept, told(context.keep, context.run_id))


def _file_part(config: CsvImport, found: CsvLook, index: int, there: dict[str, str], dates: Times | None) -> FilePart:
    """The whole of a file as one part; `there` as in `_choose`."""
    spec = FilePart(
        file=index, container=found.container, name=found.name, etag=found.etag, size=found.size,
        compression=found.compression, encoding=found.encoding.name, mark=found.encoding.mark, newline=found.newline,
        delimiter=found.delimiter, header_line=found.header_line, header=found.fields, picks=(), time_index=None,
        time_form=None, asked=config.separator(), lead=found.before.end, first_line=found.before.lines + 1,
        width=found.width, skip_lines=found.opening.skip_lines, skip_footer=found.skip_footer,
    )  # fmt: skip
    spec = _choose(config, spec, there)
    if spec.time_index is None:
        return spec
    order = dates.found.order if dates else None
    values = [row[spec.time_index] for row in found.rows]
    form = usual_form(values, order)
    present = [value for value in values if value and value.strip()]
    if form is None and present and not any(read_times(present, order)):
        raise Fatal(
            f"no value of {config.timestamp_field} in the first rows of {found.name} is a time; nothing was imported",
            why=f"They are {few([repr(value[:40]) for value in dict.fromkeys(present)])}",
            fix="Edit the job's timestamp field or the order of its dates, or leave the field empty: then events carry "
            "the time of the import",
        )
    return replace(spec, time_form=form, time_order=order, order_open=bool(dates and dates.found.open))


def _stream_names(context: Context, config: CsvImport) -> dict[str, str]:
    """The names of the stream's columns by their case-folded forms."""
    return {name.casefold(): name for name in context.lytics.columns(config.stream)}


def _choose(config: CsvImport, spec: FilePart, there: dict[str, str]) -> FilePart:
    """Which fields are imported, and under which of the stream's names.

    Args:
        there: names of the stream's columns by their case-folded forms; takes in those that the file adds, so that the
            first spelling stays.
    """
    folded = {name.casefold(): index for index, name in enumerate(spec.header)}
    wanted = config.fields or list(spec.header[:-1] if spec.is_json else spec.header)
    indexes = [folded[name.casefold()] for name in wanted if name.casefold() in folded]
    source = f"{spec.container}/{spec.name}"
    missing = [name for name in wanted if name.casefold() not in folded]
    if missing:
        raise Fatal(
            f"{source} has no column {few(missing)}",
            why=f"Its columns are {few(list(spec.header))}",
            fix="Edit the job's fields or its delimiter, or have the file written with these columns",
        )
    time_index = None
    if config.timestamp_field is not None:
        time_index = folded.get(config.timestamp_field.casefold())
        if time_index is None:
            raise Fatal(
                f"{source} has no column {config.timestamp_field}, from which the time of its events would come",
                why=f"Its columns are {few(list(spec.header))}",
                fix="Edit the job's timestamp field or its delimiter",
            )
    picks = tuple((index, there.setdefault(spec.header[index].casefold(), spec.header[index])) for index in indexes)
    return replace(spec, picks=picks, time_index=time_index)


def _compared_columns(spec: FilePart) -> tuple[str, ...]:
    """The columns that make a row what it is."""
    time = () if spec.time_index is None else (f"time: {spec.header[spec.time_index]}",)
    return (*sorted(name for _, name in spec.picks), *time)


def _stretches(spec: FilePart) -> Iterator[tuple[int, int | None]]:
    """(start, end) of the parts of a file, in bytes of its text."""
    text = spec.size - spec.mark
    if not spec.text.seekable:
        yield spec.lead, None
        return
    step = PART // BLOCK * BLOCK
    for start in range(spec.lead, max(text, spec.lead + 1), step):
        yield start, start + step if start + step < text else None


def _plan_replay(context: Context, config: CsvImport) -> Plan:
    """A part for each file whose rows lie in the quarantine, read as the job is configured now."""
    parts: list[Part] = []
    layouts = {name: layout for folder in context.replay for name, layout in quarantine.layouts(Path(folder)).items()}
    there = _stream_names(context, config)
    for layout in layouts.values():
        spec = _renamed(_read_anew(FilePart.of(Part(0, _CHAIN, layout)), config), config)
        spec = replace(spec, refused="", width=None, start=0, end=None, hashes=None, compare=None)
        parts.append(Part(len(parts), _CHAIN, _choose(config, spec, there).to_spec()))
    parts += delivery.last(context, config.stream, len(parts))
    rows = counted(quarantine.count(context.replay), "quarantined row")
    return Plan(tuple(parts), f"importing {rows} once more", None, {"files": [], "hashes": None})


def _renamed(spec: FilePart, config: CsvImport) -> FilePart:
    """A file of the quarantine with the delimiter and the columns that the job names by now."""
    same = spec.asked in (None, config.separator())
    delimiter = spec.delimiter if same and spec.asked else config.separator()
    if not spec.header_line:
        return replace(spec, delimiter=delimiter, header=clean_header(config.names())[0] or spec.header)
    header, _ = clean_header(fields(spec.header_line, delimiter))
    return replace(spec, delimiter=delimiter, header=header[: len(spec.header)] if same else header)


def _read_anew(spec: FilePart, config: CsvImport) -> FilePart:
    """A file of the quarantine in the encoding and the order of dates that the job names by now."""
    if config.date_order != "auto":
        spec = replace(spec, time_form=None, time_order=config.date_order)
    if config.encoding == "auto" or spec.compression == PARQUET:
        return spec
    encoding = canonical(config.encoding)
    if spec.encoding.startswith(encoding):
        # That of utf-16 and utf-32 was the one that the file showed.
        return spec
    raw = encoded(spec.header_line.encode("utf-8", "surrogatepass"), spec.encoding)
    header_line = b"".join(decoded([raw], encoding)).decode("utf-8", "replace")
    return replace(spec, encoding=encoding, header_line=header_line)


def _gone(context: Context, specs: Sequence[FilePart]) -> int:
    """Rows that a file no longer has, of all the files that were compared."""
    compared = {spec.hashes: spec.compare for spec in specs if spec.hashes and spec.compare}
    memory, spill = context.memory // 6, context.scratch / "spill"
    return sum(
        gone(Path(before), Path(new), memory=memory, threads=context.threads, spill=spill)
        for new, before in compared.items()
    )


def _forget_old_hashes(context: Context, keep: set[str | None]) -> None:
    """Removes hashes that no checkpoint can name: neither the one before this run nor the one after."""
    mine = f"{context.run_id}-"
    for folder in (context.keep / "diff").glob("*"):
        if str(folder) not in keep and not folder.name.startswith(mine):
            shutil.rmtree(folder, ignore_errors=True)


def _warnings(looks: Sequence[CsvLook]) -> tuple[str, ...]:
    """What an operator should look at before an import, and after it."""
    return (*_encodings(looks, certain=False), *(warning for found in looks for warning in found.warnings))


def _encodings(looks: Sequence[CsvLook], *, certain: bool) -> tuple[str, ...]:
    """How files are read, and why; each encoding once, with the first of its files."""
    told = {f"{found.encoding}": found.name for found in looks if found.encoding.certain is certain}
    return tuple(f"{name} is read as {encoding}" for encoding, name in told.items())
