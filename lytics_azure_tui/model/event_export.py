"""Export Events: the events of streams into CSV files in Blob Storage."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from lytics_azure_tui.model.authorization import Authorization, AzureStorage, has_key
from lytics_azure_tui.model.export_name import (
    COMPRESSIONS,
    DAYS,
    PLACEHOLDER,
    TIME_FORMATS,
    Compression,
    TimeFormat,
    blob_name,
    extension,
    require_pattern,
)
from lytics_azure_tui.model.form import Ask, Source
from lytics_azure_tui.model.job import JobConfig
from lytics_azure_tui.model.names import ContainerName, StreamName
from lytics_azure_tui.model.schedule import FREQUENCIES, Frequency, Schedule, TimeOfDay, Timezone
from lytics_azure_tui.model.spreadsheet import ByteOrderMark, DefuseFormulas

Manifest = Literal["continuous", "always", "never"]
MANIFESTS = {
    "continuous": "Of jobs that are kept updated",
    "always": "Always",
    "never": "Never",
}


class EventExport(JobConfig):
    """Its keys are those of Lytics' `AzureEventExport`, and those of the advanced step below the schedule's."""

    workflow = "AzureEventExport"
    title = "Export Events (Blob Storage)"
    summary = "Write the events of streams to CSV files, once or again and again those that are new."
    methods = (AzureStorage.method,)
    module = "lytics_azure_tui.jobs.event_export"
    start = "Start Export"
    deed = "exported"

    container: Annotated[ContainerName, Ask("Container", "Where the files are written.", source=Source.CONTAINERS)]
    streams: Annotated[
        list[StreamName],
        Ask(
            "Data Streams to Export",
            "None chosen means all, also those that come later. The columns of all go into one file.",
            source=Source.STREAMS,
        ),
    ] = Field(default_factory=list)
    compress: Annotated[Compression, Ask("Compress", "How the file is compressed.", options=COMPRESSIONS)] = "none"
    filename: Annotated[
        str,
        Field(min_length=1),
        Ask(
            "Filename",
            f"May begin with folders. {PLACEHOLDER} becomes the time of the run, in UTC; .csv and what else applies is "
            "added. The review shows the name.",
        ),
    ] = "lytics-events-{TIMESTAMP}"
    time_format: Annotated[
        TimeFormat,
        Ask("Timestamp Format", f"How {PLACEHOLDER} is written: MM is the month, mm the minute.", options=TIME_FORMATS),
    ] = "yyyyMMddHHmmss"
    write_headers: Annotated[bool, Ask("Include Headers", "The names of the columns as the file's first row.")] = True
    continuous_update: Annotated[
        bool, Ask("Keep Updated", "Export again and again, each time the events that came in since the last run.")
    ] = False
    start_date: Annotated[
        str | None,
        Ask("Start Date", "Only events of this day, by UTC, and later ones.", placeholder="2026-01-31"),
    ] = None
    end_date: Annotated[
        str | None,
        Ask("End Date", "Only events before this day; those of the day itself are left out.", placeholder="2026-01-31"),
    ] = None
    run_frequency: Annotated[
        Frequency,
        Ask(
            "File Export Frequency",
            "How often a file is written. When nothing has come in, none is.",
            options=FREQUENCIES,
            only_if="continuous_update",
        ),
    ] = "daily"
    time_of_day: Annotated[
        TimeOfDay,
        Ask(
            "Time of Day",
            "When daily, weekly and monthly exports start. Left empty, the next run counts from the end of the last.",
            source=Source.TIMES,
            only_if="continuous_update",
        ),
    ] = None
    timezone: Annotated[
        Timezone, Ask("Timezone", "The zone of the time of day.", source=Source.TIMEZONES, only_if="continuous_update")
    ] = "UTC"
    compress_then_encrypt: Annotated[
        bool,
        Ask(
            "Compress Before Encrypting",
            "Where the authorization has a PGP key. Recommended: what is encrypted already cannot be made smaller. "
            "Without it the order is Lytics' own. Whoever reads the file undoes its extensions from the last one on.",
            advanced=True,
        ),
    ] = False
    defuse_formulas: DefuseFormulas = False
    byte_order_mark: ByteOrderMark = False
    manifest: Annotated[
        Manifest,
        Ask(
            "Manifest",
            "A second file, .manifest.json, that appears after the first and tells its rows, bytes, SHA-256 and "
            "columns.",
            advanced=True,
            options=MANIFESTS,
        ),
    ] = "continuous"

    @field_validator("filename")
    @classmethod
    def _filename_makes_names(cls, value: str) -> str:
        return require_pattern(value)

    @field_validator("start_date", "end_date")
    @classmethod
    def _date_is_a_day(cls, value: str | None) -> str | None:
        if not value or not value.strip():
            return None
        try:
            return date.fromisoformat(value.strip()).isoformat()
        except ValueError:
            raise ValueError("write yyyy-mm-dd, such as 2026-01-31") from None

    @field_validator("end_date")
    @classmethod
    def _dates_hold_a_day(cls, value: str | None, info: ValidationInfo) -> str | None:
        start = info.data.get("start_date")
        if value and start and value <= start:
            raise ValueError("the End Date has to be later than the Start Date: its own day is left out")
        return value

    @field_validator("continuous_update")
    @classmethod
    def _names_differ(cls, value: bool, info: ValidationInfo) -> bool:
        if value and PLACEHOLDER not in info.data.get("filename", PLACEHOLDER):
            raise ValueError(f"each run writes a file of its own: put {PLACEHOLDER} into the file name")
        return value

    @field_validator("run_frequency")
    @classmethod
    def _names_differ_within_a_day(cls, value: Frequency, info: ValidationInfo) -> Frequency:
        if value == "hourly" and info.data.get("continuous_update") and info.data.get("time_format") in DAYS:
            raise ValueError("all files of a day would have one name: choose a timestamp format with hours")
        return value

    @classmethod
    def preview(
        cls, answers: Mapping[str, Any], authorization: Authorization | None, moment: datetime
    ) -> Mapping[str, str]:
        try:
            ending = extension(
                "csv",
                answers["compress"],
                encrypted=has_key(authorization),
                compress_first=bool(answers["compress_then_encrypt"]),
            )
            pattern = require_pattern(str(answers["filename"]))
            return {"filename": blob_name(pattern, answers["time_format"], moment, ending)}
        except (KeyError, ValueError):
            return {}

    def wants_manifest(self) -> bool:
        return self.manifest == "always" or (self.manifest == "continuous" and self.continuous_update)

    def schedule(self) -> Schedule | None:
        if not self.continuous_update:
            return None
        time_of_day = None if self.run_frequency == "hourly" else self.time_of_day
        return Schedule(frequency=self.run_frequency, time_of_day=time_of_day, timezone=self.timezone)
