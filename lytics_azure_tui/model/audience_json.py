"""Export Audiences (Blob Storage) JSON: members of an audience as newline JSON."""

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
from lytics_azure_tui.model.form import Ask


class AudienceJson(AudienceExport):
    """Its keys are those of Lytics' `AzureJsonExport`, and those of the advanced step."""

    workflow = "AzureJsonExport"
    title = "Export Audiences (Blob Storage) JSON"
    summary = "Write the members of an audience to newline JSON files, and go on with who enters and leaves."
    ending = "json"
    numbered = True
    module = "lytics_azure_tui.jobs.audience_json"

    segment_id: AudienceSlug
    container: Container
    fields: UserFields = Field(default_factory=list)
    file_prefix: FilePrefix = None
    withbackfill: ExistingUsers = True
    backfill_only: OneTime = False
    max_bytes: Annotated[
        int,
        Field(ge=1, le=10**12),
        Ask("Maximum File Size", "What does not fit goes into further files. No user is cut in two.", unit="bytes"),
    ] = 5_368_709_120
    run_frequency: RunFrequency = "hourly"
    time_of_day: At = None
    timezone: Zone = "UTC"
    manifest: WantsManifest = True
