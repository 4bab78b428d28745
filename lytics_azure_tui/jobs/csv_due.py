"""Which files of a sequence are due, and what is told of those that are not imported."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lytics_azure_tui.azure.blob import BlobStore
from lytics_azure_tui.errors import BadConfiguration, Fatal
from lytics_azure_tui.jobs.csv_memory import REMEMBERED, Memory
from lytics_azure_tui.jobs.csv_sequence import Due, FileSequence, Place, due
from lytics_azure_tui.model.amounts import few
from lytics_azure_tui.model.csv_import import CsvImport

_NEVER = datetime(1, 1, 1, tzinfo=UTC)


def due_files(store: BlobStore, config: CsvImport, memory: Memory, now: datetime) -> tuple[list[Place], list[str]]:
    """(the files to import now, in order; what the operator should know).

    Raises:
        BadConfiguration: no file of the container is one of the sequence.
        Fatal: the chosen file is not there, and others are.
    """
    sequence = FileSequence(config.filename, config.prefix, config.order_by)
    blobs: dict[Place, str] = {}
    alike, empty, archived = [], [], []
    listed = {blob.name: blob for start in sequence.listings() for blob in store.iter(config.container, start)}
    for blob in listed.values():
        place = sequence.place(blob.name, blob.modified)
        if place is None:
            alike += [blob.name] if sequence.alike(blob.name) else []
        elif blob.size == 0:
            empty.append(blob.name)
        elif blob.archived:
            archived.append(blob.name)
        else:
            blobs[place] = blob.etag
    chosen = next((place for place in blobs if place.name == config.filename), None)
    if memory.last is None and chosen is None:
        raise _no_beginning(config, sequence, [place.name for place in blobs])
    by_name = config.order_by == "name"
    found = due(
        blobs.items(), memory.last or chosen, memory.imported, now=now if by_name else None,
        first=_horizon(sequence, config, memory), window=timedelta(days=0 if config.diff else config.late_days),
    )  # fmt: skip
    return found.fresh, _told(found, alike=alike, empty=empty, archived=archived)


def _horizon(sequence: FileSequence, config: CsvImport, memory: Memory) -> Place | None:
    """The file before which none is late: the chosen one, or the oldest that is remembered. None by upload times."""
    if config.order_by != "name":
        return None
    names = [config.filename, *(memory.imported if len(memory.imported) >= REMEMBERED else ())]
    chosen, *known = (sequence.place(name, _NEVER) for name in names)
    oldest = min((place for place in known if place), default=None)
    return max(chosen, oldest) if chosen and oldest else chosen


def _told(found: Due, *, alike: list[str], empty: list[str], archived: list[str]) -> list[str]:
    """What an operator should know of the files that are not imported."""
    told = {
        "was replaced after it was imported; it is not imported again": found.replaced,
        "came too late and is not imported; Late Files says how late a file may be": found.late,
        "has a time ahead of the clock; it is passed over until then": found.ahead,
        "is empty and is passed over": empty,
        "is in the archive tier and is passed over; bring it back to have it imported": archived,
        "looks like a file of the sequence and is not called like one; it is not imported": alike,
    }
    return [
        f"{few(sorted(names)) if len(names) > 1 else names[0]}{', each of which' if len(names) > 1 else ''} {words}"
        for words, names in told.items() if names
    ]  # fmt: skip


def _no_beginning(config: CsvImport, sequence: FileSequence, others: list[str]) -> Fatal | BadConfiguration:
    if others:
        return Fatal(
            f"{config.filename} is not in the container {config.container}",
            why=f"{few(sorted(others))} of its sequence is",
            fix="Edit the job and choose the file to begin with",
        )
    return BadConfiguration(
        f"no file of the container {config.container} follows {config.filename}",
        why=f"A file of the sequence is called by what matches {sequence.prefix!r}, then a timestamp such as 20260131 "
        "or unix seconds, then its extension; and the chosen file itself is not so called, or is gone",
        fix="Edit the prefix, or choose the file order Last modified",
    )
