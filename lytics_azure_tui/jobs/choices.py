"""The live choices of a form's fields, whatever job kind asks for them. Everything here may block."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

from lytics_azure_tui.azure.blob import BlobInfo, BlobStore
from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.jobs.csv_sequence import FileSequence, prefixes
from lytics_azure_tui.jobs.csv_sniff import look
from lytics_azure_tui.jobs.decrypt import Decryption
from lytics_azure_tui.lytics.protocol import Lytics
from lytics_azure_tui.model.amounts import about_rows, counted, size
from lytics_azure_tui.model.authorization import Authorization, AzureStorage
from lytics_azure_tui.model.delimiter import separator
from lytics_azure_tui.model.encoding import CHOICES
from lytics_azure_tui.model.form import Source
from lytics_azure_tui.model.names import column_names
from lytics_azure_tui.model.table_name import parse, written

if TYPE_CHECKING:
    from lytics_azure_tui.azure.sql_catalogue import ColumnInfo, TableInfo

LOCALTIME = Path("/etc/localtime")


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the answers that a field offers.

    Attributes:
        value: what the answer becomes.
        words: what is shown for it. Data: it has to pass the screen's gate.
        detail: more about it, shown muted: a type, a count, an offset.
        likely: a field that takes one answer shows these first.
    """

    value: str
    words: str
    detail: str = ""
    likely: bool = False


def choices(
    source: Source, answers: Mapping[str, Any], authorization: Authorization, lytics: Lytics, *, typed: str = ""
) -> list[Choice]:
    """What a field offers now.

    Args:
        source: the field's.
        answers: of the form so far; all that the field needs are there.
        authorization: with its secrets.
        typed: the beginning of the name that is wanted, where the server can look for it.

    Raises:
        LyazureError: the choices cannot be had; the field can still be typed.
    """
    makers: dict[Source, Callable[[], list[Choice]]] = {
        Source.STREAMS: lambda: [
            Choice(info.name, info.name, counted(info.events, "event")) for info in lytics.streams()
        ],
        Source.CONTAINERS: lambda: _containers(authorization, typed),
        Source.BLOBS: lambda: _blobs(answers, authorization, typed),
        Source.COLUMNS: lambda: _columns(answers, authorization),
        Source.TABLES: lambda: _tables(authorization, typed),
        Source.TIME_COLUMNS: lambda: _time_columns(answers, authorization),
        Source.PREFIXES: lambda: _prefixes(answers, authorization),
        Source.ENCODINGS: lambda: [Choice(name, name, about) for name, about in CHOICES.items()],
        Source.AUDIENCES: lambda: [
            Choice(info.slug, info.slug, "" if info.size is None else counted(info.size, "member"))
            for info in lytics.audiences()
        ],
        Source.USER_FIELDS: lambda: [
            Choice(one.field.name, one.field.name, one.field.kind.value) for one in lytics.user_fields()
        ],
        Source.TIMES: lambda: [Choice(time, time) for time in _half_hours()],
        Source.TIMEZONES: _timezones,
    }
    return makers[source]()


@contextmanager
def _store(authorization: Authorization) -> Iterator[BlobStore]:
    if not isinstance(authorization, AzureStorage):
        raise BadConfiguration(
            f"{authorization.title} gives no access to Blob Storage",
            fix=f"Choose an authorization by {AzureStorage.title}",
        )
    store = BlobStore(authorization.connection())
    try:
        yield store
    finally:
        store.close()


def _containers(authorization: Authorization, typed: str) -> list[Choice]:
    with _store(authorization) as store:
        return [Choice(info.name, info.name) for info in store.containers(prefix=typed).items]


def _blobs(answers: Mapping[str, Any], authorization: Authorization, typed: str) -> list[Choice]:
    with _store(authorization) as store:
        found = store.list(answers["container"], prefix=typed, delimiter=None).items
    return [Choice(info.name, info.name, counted(info.size, "byte")) for info in found if isinstance(info, BlobInfo)]


def _prefixes(answers: Mapping[str, Any], authorization: Authorization) -> list[Choice]:
    filename = answers["filename"]
    found = {prefix: FileSequence(filename, prefix, "name") for prefix in prefixes(filename)}
    if not found or "container" not in answers:
        return [Choice(prefix, prefix) for prefix in found]
    with _store(authorization) as store:
        return [
            Choice(prefix, prefix, sequence.matches(_some_names(store, answers["container"], sequence)))
            for prefix, sequence in found.items()
        ]


def _some_names(store: BlobStore, container: str, sequence: FileSequence) -> list[str]:
    """Names that are of a sequence or nearly so; of a large container the first 5,000 of each beginning."""
    pages = (store.list(container, prefix=start, delimiter=None).items for start in sequence.listings())
    return list(dict.fromkeys(info.name for page in pages for info in page if isinstance(info, BlobInfo)))


def _columns(answers: Mapping[str, Any], authorization: Authorization) -> list[Choice]:
    delimiter = str(answers.get("delimiter") or ",")
    encoding = str(answers.get("encoding") or "auto")
    with _store(authorization) as store:
        seen = look(
            store,
            answers["container"],
            answers["filename"],
            delimiter=separator(delimiter),
            encoding=encoding,
            skip_lines=int(answers.get("skip_lines") or 0),
            names=column_names(answers.get("column_names")),
            decrypt=Decryption.of(authorization),
        )
    times = set(seen.timestamp_candidates)
    # A name that stands twice in a header is one choice.
    return [
        Choice(name, name, seen.types.get(name, ""), likely=name in times)
        for name in dict.fromkeys(seen.header)
        if name
    ]


# Databases: pytds and what it brings along are loaded when one is asked for.


def _tables(authorization: Authorization, typed: str) -> list[Choice]:
    from lytics_azure_tui.azure.sql_database import Database

    with closing(Database(authorization)) as database:
        found, _ = database.tables(typed)
    return [Choice(name := written(info.schema, info.name), name, size_of(info)) for info in found]


def size_of(info: TableInfo) -> str:
    """How large a table is, as far as the catalogue knows."""
    if info.rows is None or info.bytes is None:
        return "view"
    return f"{about_rows(info.rows)} · {size(info.bytes)}"


def _time_columns(answers: Mapping[str, Any], authorization: Authorization) -> list[Choice]:
    from lytics_azure_tui.azure.sql_catalogue import TIMES
    from lytics_azure_tui.azure.sql_database import Database
    from lytics_azure_tui.jobs.time_columns import PROPOSED, likelihood, time_columns

    try:
        schema, name = parse(answers["source"])
    except ValueError as error:
        raise BadConfiguration(f"{answers['source']} is not the name of a table", why=str(error)) from None
    with closing(Database(authorization)) as database:
        table = database.table(schema, name)
    found = time_columns(table)
    if not found:
        rowversion = f"; {table.rowversion.name} is a rowversion, and tells no time" if table.rowversion else ""
        raise BadConfiguration(
            f"{written(schema, name)} has no column of dates or times",
            why=f"Rows are put in order by a column of the type {', '.join(sorted(TIMES))}{rowversion}",
            fix="Choose another table, or make a view that converts a column to datetime2, and choose the view",
        )
    return [
        Choice(column.name, column.name, _kind_of(column), likely=likelihood(column) >= PROPOSED) for column in found
    ]


def _kind_of(column: ColumnInfo) -> str:
    return " · ".join((column.declared, *column.traits))


# The clock


def _half_hours() -> list[str]:
    return [f"{hour:02}:{minute:02}" for hour in range(24) for minute in (0, 30)]


def _timezones() -> list[Choice]:
    """All zones by name, the operator's own and UTC first, each with its offset of today."""
    now = datetime.now(UTC)
    own = own_timezone()
    names = sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/")))
    first = [name for name in dict.fromkeys((own, "UTC")) if name]
    found = []
    for name in [*first, *(name for name in names if name not in first)]:
        offset = f"{now.astimezone(ZoneInfo(name)):%z}"
        detail = f"UTC{offset[:3]}:{offset[3:5]}"
        found.append(Choice(name, name, f"{detail}, this machine's" if name == own else detail))
    return found


def own_timezone() -> str | None:
    """The name of the zone that this machine is in; None when it cannot be told."""
    named = os.environ.get("TZ", "").removeprefix(":")
    linked = os.path.realpath(LOCALTIME).partition("zoneinfo/")[2]
    known = available_timezones()
    return next((name for name in (named, linked.removeprefix("posix/")) if name in known), None)
