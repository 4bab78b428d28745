"""Export Audiences (Blob Storage) CSV: members of an audience as rows."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from lytics_azure_tui.model.audience_export import (
    At,
    AudienceExport,
    AudienceSlug,
    Container,
    ExistingUsers,
    FilePrefix,
    OneTime,
    RunFrequency,
    UserFields,
    WantsManifest,
    Zone,
)
from lytics_azure_tui.model.delimiter import separator
from lytics_azure_tui.model.form import Ask
from lytics_azure_tui.model.spreadsheet import ByteOrderMark, DefuseFormulas


class AudienceCsv(AudienceExport):
    """Its keys are those of Lytics' `AzureCsvExport`, and those of the advanced step."""

    workflow = "AzureCsvExport"
    title = "Export Audiences (Blob Storage) CSV"
    summary = "Write the members of an audience to CSV files, and go on with who enters and leaves."
    ending = "csv"
    module = "lytics_azure_tui.jobs.audience_csv"

    segment_id: AudienceSlug
    container: Container
    fields: UserFields = Field(default_factory=list)
    file_prefix: FilePrefix = None
    delimiter: Annotated[
        str,
        Field(min_length=1),
        Ask("Delimiter", "What stands between fields: the first character counts; t is tab.", placeholder=","),
    ] = ","
    join: Annotated[
        str,
        Field(min_length=1, max_length=1),
        Ask(
            "Join",
            "The character between the values of a list. A value that holds it is put in quotes. Maps are url encoded.",
            placeholder="&",
        ),
    ] = "&"
    withbackfill: ExistingUsers = True
    backfill_only: OneTime = False
    run_frequency: RunFrequency = "hourly"
    time_of_day: At = None
    timezone: Zone = "UTC"
    defuse_formulas: DefuseFormulas = False
    byte_order_mark: ByteOrderMark = False
    manifest: WantsManifest = True

    @field_validator("delimiter", "join")
    @classmethod
    def _is_no_quote(cls, value: str) -> str:
        if value[0] in '"\r\n':
            raise ValueError("quotes and line breaks have a meaning of their own in CSV; choose another character")
        return value

    def separator(self) -> str:
        """The one character between fields."""
        return separator(self.delimiter)
