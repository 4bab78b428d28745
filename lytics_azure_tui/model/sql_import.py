"""Import SQL Table: the new rows of a table or view of Azure SQL Database into a stream."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, field_validator

from lytics_azure_tui.model.authorization import AzureSql
from lytics_azure_tui.model.form import Ask, Source
from lytics_azure_tui.model.job import JobConfig
from lytics_azure_tui.model.names import StreamName
from lytics_azure_tui.model.schedule import FREQUENCIES, Frequency, Schedule, TimeOfDay, Timezone
from lytics_azure_tui.model.table_name import parse

SINCE = "%Y-%m-%d %H:%M:%S"


class SqlImport(JobConfig):
    """Its keys are those of Lytics' `AzuresqlImport`, and of our own: those on the advanced step."""

    workflow = "AzuresqlImport"
    title = "Azure SQL Import"
    summary = "Read a table or view into a stream, once or again and again the rows that are new."
    methods = (AzureSql.method,)
    module = "lytics_azure_tui.jobs.sql_import"
    start = "Start Import"
    asks_how_to_go_on = True

    source: Annotated[
        str,
        Field(min_length=1),
        Ask("Table", "The table or view to import.", source=Source.TABLES, placeholder="sales.orders"),
    ]
    timestamp_field: Annotated[
        str,
        Field(min_length=1),
        Ask(
            "Timestamp Column",
            "Rows are imported in the order of this column, and a row whose value has grown is imported again.",
            source=Source.TIME_COLUMNS,
            needs=("source",),
        ),
    ]
    record_timestamp: Annotated[
        str | None,
        Ask(
            "Record Timestamp Column",
            "The column that says when each event happened. Left empty, or where a row has no value there, it is the "
            "Timestamp Column.",
            source=Source.TIME_COLUMNS,
            needs=("source",),
        ),
    ] = None
    since_date: Annotated[
        str | None,
        Ask(
            "Since Timestamp",
            "Only rows whose Timestamp Column is later than this, in UTC.",
            placeholder="2026-01-31 00:00:00",
        ),
    ] = None
    stream: Annotated[
        StreamName,
        Ask(
            "Stream Override",
            "Where the rows go. A name that is not there yet is created.",
            source=Source.STREAMS,
        ),
    ] = "azuresql_activity"
    continuous_update: Annotated[bool, Ask("Keep Updated", "Import the rows that are new, again and again.")] = False
    run_frequency: Annotated[
        Frequency,
        Ask("Import Frequency", "How often to look for new rows.", options=FREQUENCIES, only_if="continuous_update"),
    ] = "daily"
    time_of_day: Annotated[
        TimeOfDay,
        Ask(
            "Time of Day",
            "When daily, weekly and monthly imports start. Left empty, the next run counts from the end of the last.",
            source=Source.TIMES,
            only_if="continuous_update",
        ),
    ] = None
    timezone: Annotated[
        Timezone, Ask("Timezone", "The zone of the time of day.", source=Source.TIMEZONES, only_if="continuous_update")
    ] = "UTC"
    query_timeout: Annotated[
        int | None,
        Field(ge=1, le=60 * 24),
        Ask(
            "Query Timeout",
            "How long the server may let a query wait, before and between its rows; then it is stopped there.",
            placeholder="30",
            unit="minutes",
        ),
    ] = None
    row_limit: Annotated[
        int | None,
        Field(ge=1),
        Ask("Row Limit", "At most so many new rows a run, the oldest first. For trying.", advanced=True),
    ] = None
    watermark: Annotated[
        Literal["auto", "timestamp"],
        Ask(
            "Watermark",
            "What tells which rows are new.",
            advanced=True,
            options={
                "auto": "The rowversion, else the Timestamp Column",
                "timestamp": "The Timestamp Column",
            },
        ),
    ] = "auto"
    overlap_minutes: Annotated[
        int,
        Field(ge=0, le=60 * 24 * 7),
        Ask(
            "Overlap",
            "By the Timestamp Column, each run looks again at so many minutes before the last row, for rows that were "
            "committed late. Those it has had are not imported twice.",
            advanced=True,
            only_if="continuous_update",
            unit="minutes",
        ),
    ] = 10
    null_timestamps: Annotated[
        Literal["import", "skip"],
        Ask(
            "No Timestamp",
            "What to do with rows whose Timestamp Column is empty; the run counts them.",
            advanced=True,
            options={
                "import": "Import once, with the time of the import",
                "skip": "Leave them out",
            },
        ),
    ] = "import"

    recreated_table: Annotated[
        Literal["ask", "anew", "go_on"],
        Ask(
            "Recreated Table",
            "What to do when the table was dropped and created again since the last run, in the same database.",
            advanced=True,
            only_if="continuous_update",
            options={
                "ask": "Stop, and ask",
                "anew": "Import all its rows",
                "go_on": "Import only what is newer than the last row that was imported",
            },
        ),
    ] = "ask"
    masked_columns: Annotated[
        Literal["refuse", "import"],
        Ask(
            "Masked Columns",
            "What to do with columns whose values the server masks for this user (dynamic data masking).",
            advanced=True,
            options={"refuse": "Refuse to import the table", "import": "Import the masks in the place of the values"},
        ),
    ] = "refuse"

    @field_validator("source")
    @classmethod
    def _source_is_a_table(cls, value: str) -> str:
        parse(value)
        return value.strip()

    @field_validator("since_date")
    @classmethod
    def _since_is_a_time(cls, value: str | None) -> str | None:
        if not value:
            return None
        try:
            return datetime.strptime(value.strip(), SINCE).isoformat(" ")  # noqa: DTZ007 -- it is in UTC
        except ValueError:
            raise ValueError("write yyyy-mm-dd HH:MM:SS, such as 2026-01-31 00:00:00") from None

    def table(self) -> tuple[str, str]:
        """(schema, name) of the source."""
        return parse(self.source)

    def timeout(self) -> float:
        """Of a query, in seconds."""
        return math.inf if self.query_timeout is None else 60.0 * self.query_timeout

    def schedule(self) -> Schedule | None:
        if not self.continuous_update:
            return None
        time_of_day = None if self.run_frequency == "hourly" else self.time_of_day
        return Schedule(frequency=self.run_frequency, time_of_day=time_of_day, timezone=self.timezone)
