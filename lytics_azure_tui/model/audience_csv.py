"""Export Audiences (Blob Storage) CSV: members of an audience as rows."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

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
from lytics_azure_tui.model.delimiter import Delimiter, Join, separator
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
        Delimiter,
        Ask(
            "Delimiter",
            "What stands between fields: the first character counts; t or \\t is tab.",
            exact=True,
        ),
    ] = ","
    join: Annotated[
        Join,
        Ask(
            "Join",
            "The character between the values of a list. A value that holds it is put in quotes. Maps are url encoded.",
            exact=True,
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

    def separator(self) -> str:
        """The one character between fields."""
        return separator(self.delimiter)
