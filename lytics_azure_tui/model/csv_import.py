"""Import Data: CSV files from Blob Storage into a stream."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator

from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.model.delimiter import Delimiter, separator
from lytics_azure_tui.model.encoding import canonical
from lytics_azure_tui.model.form import Ask, Source
from lytics_azure_tui.model.job import JobConfig
from lytics_azure_tui.model.names import ContainerName, StreamName, column_names
from lytics_azure_tui.model.schedule import FREQUENCIES, Frequency, Schedule, TimeOfDay, Timezone

# Flags at the front of a regular expression hold for all of it.
_FLAGS = re.compile(r"\(\?[aimsux]+\)")


class CsvImport(JobConfig):
    """Its keys are those of Lytics' `AzureCsvImport`, and our own.

    These are `order_by`, `if_no_next_file`, and what says how a file is read and when a run fails: `encoding`,
    `date_order`, `skip_lines`, `column_names`, `skip_footer`,
    `on_new_columns`, `most_unusable`.
    """

    workflow = "AzureCsvImport"
    title = "Import Data"
    summary = "Read a CSV file from Blob Storage into a stream, once or each time a newer file arrives."
    methods = (AzureStorage.method,)
    module = "lytics_azure_tui.jobs.csv_import"
    start = "Start Import"

    stream: Annotated[
        StreamName,
        Ask("Stream", "Where the rows go. A name that is not there yet is created.", source=Source.STREAMS),
    ]
    container: Annotated[
        ContainerName, Ask("Container", "The container that holds the file.", source=Source.CONTAINERS)
    ]
    filename: Annotated[
        str,
        Field(min_length=1),
        Ask("File", "The file to import; of a sequence, its first file.", source=Source.BLOBS, needs=("container",)),
    ]
    delimiter: Annotated[
        Delimiter,
        Ask("Custom Delimiter", "Only the first character counts. Enter t or \\t for tab.", exact=True),
    ] = ","
    timestamp_field: Annotated[
        str | None,
        Ask(
            "Timestamp Field",
            "The column that says when each event happened. Left empty, events carry the time of the import.",
            source=Source.COLUMNS,
            needs=("container", "filename", "delimiter", "encoding", "skip_lines", "column_names"),
        ),
    ] = None
    fields: Annotated[
        list[str],
        Ask(
            "Fields",
            "The columns to import; none chosen means all. If no names show, look at the delimiter and at the file's "
            "header row.",
            source=Source.COLUMNS,
            needs=("container", "filename", "delimiter", "encoding", "skip_lines", "column_names"),
        ),
    ] = Field(default_factory=list)
    continuous_update: Annotated[bool, Ask("Keep Updated", "Import each newer file of the sequence as it arrives.")] = (
        False
    )
    diff: Annotated[
        bool,
        Ask(
            "Diff",
            "Compare each file with the one before and import only rows that are new or changed. For full dumps.",
            only_if="continuous_update",
        ),
    ] = False
    prefix: Annotated[
        str | None,
        Ask(
            "Prefix",
            "A regular expression that matches file names up to their timestamp. Left empty, it is worked out from "
            "the file.",
            advanced=True,
            source=Source.PREFIXES,
            needs=("container", "filename"),
            only_if="continuous_update",
            exact=True,
        ),
    ] = None
    time_of_day: Annotated[
        TimeOfDay,
        Ask(
            "Time of Day",
            "When daily, weekly and monthly imports run after the first. Left empty, the next run counts from the end "
            "of the last.",
            advanced=True,
            source=Source.TIMES,
            only_if="continuous_update",
        ),
    ] = None
    timezone: Annotated[
        Timezone,
        Ask(
            "Timezone",
            "The zone of the time of day.",
            advanced=True,
            source=Source.TIMEZONES,
            only_if="continuous_update",
        ),
    ] = "UTC"
    file_frequency: Annotated[
        Frequency,
        Ask(
            "File Upload Frequency",
            "How often a new file is expected.",
            advanced=True,
            options=FREQUENCIES,
            only_if="continuous_update",
        ),
    ] = "daily"
    if_no_next_file: Annotated[
        Literal["stop", "wait"],
        Ask(
            "If No Next File",
            "What to do when no newer file has come one whole period after it was due.",
            advanced=True,
            options={"stop": "Stop the job and say so", "wait": "Keep looking at every scheduled time"},
            only_if="continuous_update",
        ),
    ] = "stop"
    order_by: Annotated[
        Literal["name", "modified"],
        Ask(
            "File Order",
            "What tells which file comes next.",
            advanced=True,
            options={
                "name": "The timestamp in the file's name",
                "modified": "Last modified, then the name's timestamp",
            },
            only_if="continuous_update",
        ),
    ] = "name"
    late_days: Annotated[
        int,
        Field(ge=0, le=3650),
        Ask(
            "Late Files",
            "How many days a file may stand behind the newest one that was imported and still be imported. Files that "
            "are later are listed on the run. With Diff, none is imported late.",
            advanced=True,
            only_if="continuous_update",
        ),
    ] = 7
    date_order: Annotated[
        Literal["auto", "month first", "day first", "year first"],
        Ask(
            "Date Order",
            "How dates such as 01/02/2026 are read. Automatic looks for a number above 12 in the column, and keeps to "
            "what it finds; without one, the month comes first.",
            advanced=True,
            options={
                "auto": "Automatic",
                "month first": "Month first: 01/31/2026",
                "day first": "Day first: 31/01/2026",
                "year first": "Year first: 26/01/31",
            },
        ),
    ] = "auto"
    encoding: Annotated[
        str,
        Ask(
            "Encoding",
            "auto looks at the file, and keeps to what it finds in the first of a sequence. Any name that Python knows "
            "can be typed.",
            advanced=True,
            source=Source.ENCODINGS,
        ),
    ] = "auto"

    skip_lines: Annotated[
        int,
        Field(ge=0, le=10_000),
        Ask(
            "Lines Before Header",
            "Lines that stand before the header and are passed over: a title, comments. A line such as sep=; and blank "
            "lines need not be counted.",
            advanced=True,
        ),
    ] = 0
    column_names: Annotated[
        str | None,
        Ask(
            "Column Names",
            "For a file without a header: the names of its columns, with commas in between. Left empty, the first line "
            "holds them.",
            advanced=True,
            placeholder="id,name,email",
        ),
    ] = None
    skip_footer: Annotated[
        int,
        Field(ge=0, le=1000),
        Ask(
            "Lines After Rows",
            "Lines at the end that are no rows and are passed over: totals, a count of rows.",
            advanced=True,
        ),
    ] = 0
    on_new_columns: Annotated[
        Literal["accept", "quarantine", "stop"],
        Ask(
            "New Columns",
            "What to do with a file that has columns that the stream has not. One with none of the stream's columns "
            "always stops the run.",
            advanced=True,
            options={
                "accept": "Import them; the stream gets them too",
                "quarantine": "Put the file's rows in quarantine",
                "stop": "Stop the run",
            },
        ),
    ] = "accept"
    most_unusable: Annotated[
        int,
        Field(ge=0, le=100),
        Ask(
            "Most Unusable Rows",
            "The run fails, and imports nothing, when more than this percentage of its rows cannot be used. They stay "
            "in quarantine. 100 never fails.",
            advanced=True,
        ),
    ] = 50

    @field_validator("prefix")
    @classmethod
    def _prefix_compiles(cls, value: str | None) -> str | None:
        if value:
            try:
                groups = re.compile(value).groupindex
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from None
            # It becomes the beginning of a longer expression, with groups of its own.
            flags = _FLAGS.match(value)
            ahead = flags[0] if flags else ""
            try:
                re.compile(f"{ahead}(?:{value[len(ahead) :]})$")
            except re.error as error:
                raise ValueError(f"not a regular expression that others can follow: {error}") from None
            if any(name.startswith("stamp_") for name in groups):
                raise ValueError("groups whose names begin with stamp_ are those of the timestamp; use another name")
        return value or None

    @field_validator("encoding")
    @classmethod
    def _encoding_exists(cls, value: str) -> str:
        if value != "auto":
            canonical(value)
        return value

    @field_validator("column_names")
    @classmethod
    def _names_of_columns(cls, value: str | None) -> str | None:
        if value and not all(column_names(value)):
            raise ValueError("a name is missing between two commas")
        return value or None

    def names(self) -> tuple[str, ...]:
        """Of the columns of a file that has no header; empty where it has one."""
        return column_names(self.column_names)

    def tolerated(self) -> int:
        return self.most_unusable

    def separator(self) -> str:
        """The one character between fields."""
        return separator(self.delimiter)

    def schedule(self) -> Schedule | None:
        if not self.continuous_update:
            return None
        time_of_day = None if self.file_frequency == "hourly" else self.time_of_day
        return Schedule(frequency=self.file_frequency, time_of_day=time_of_day, timezone=self.timezone)
