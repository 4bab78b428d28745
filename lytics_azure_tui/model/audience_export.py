"""What exports of audiences to Blob Storage ask, whatever they write."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import field_validator

from lytics_azure_tui.model.authorization import Authorization, AzureStorage, has_key
from lytics_azure_tui.model.export_name import PLACEHOLDER, blob_name, extension, require_pattern
from lytics_azure_tui.model.form import Ask, Source
from lytics_azure_tui.model.job import JobConfig
from lytics_azure_tui.model.names import ContainerName, Slug
from lytics_azure_tui.model.schedule import FREQUENCIES, Frequency, Schedule, TimeOfDay, Timezone

EVERYBODY = "A one-time export holds all members of now, also those who were in the audience before"

AudienceSlug = Annotated[Slug, Ask("Audience", "Whose members are exported.", source=Source.AUDIENCES)]
Container = Annotated[ContainerName, Ask("Container", "Where the files are written.", source=Source.CONTAINERS)]
UserFields = Annotated[
    list[str],
    Ask("User Fields", "None chosen means all, also those that come later.", source=Source.USER_FIELDS),
]
FilePrefix = Annotated[
    str | None,
    Ask(
        "File Prefix",
        "What the files' names begin with; it may hold folders. The time of the run follows, in UTC. Left empty, it is "
        "the audience's name.",
        placeholder="audiences/vip-",
    ),
]
ExistingUsers = Annotated[
    bool,
    Ask(
        "Existing Users",
        "Also those who are in the audience when the job begins. Without it, only who enters or leaves from then on. A "
        "one-time export has them in any case.",
    ),
]
OneTime = Annotated[
    bool, Ask("One-time Export", "The members of now, and no more. Without it, the job goes on with changes.")
]
RunFrequency = Annotated[
    Frequency,
    Ask(
        "Export Frequency",
        "How often who entered and left is written. When nobody has, no file is. Of a one-time export it does not "
        "matter.",
        advanced=True,
        options=FREQUENCIES,
    ),
]
At = Annotated[
    TimeOfDay,
    Ask(
        "Time of Day",
        "When daily, weekly and monthly exports start. Left empty, the next run counts from the end of the last.",
        advanced=True,
        source=Source.TIMES,
    ),
]
Zone = Annotated[Timezone, Ask("Timezone", "The zone of the time of day.", advanced=True, source=Source.TIMEZONES)]
WantsManifest = Annotated[
    bool,
    Ask(
        "Manifest",
        "A second file, .manifest.json, that appears after each and tells its rows, bytes, SHA-256 and fields.",
        advanced=True,
    ),
]


class AudienceExport(JobConfig):
    """What both kinds have. Each declares the keys itself: that is their order on its form.

    Attributes:
        ending: csv or json.
        numbered: whether a run may write several files.
    """

    ending: ClassVar[str]
    numbered: ClassVar[bool] = False

    methods = (AzureStorage.method,)
    start = "Start job"
    deed = "exported"
    reads_definitions = True

    if TYPE_CHECKING:
        segment_id: AudienceSlug
        container: Container
        fields: UserFields
        file_prefix: FilePrefix
        withbackfill: ExistingUsers
        backfill_only: OneTime
        run_frequency: RunFrequency
        time_of_day: At
        timezone: Zone
        manifest: WantsManifest

    @field_validator("file_prefix", check_fields=False)
    @classmethod
    def _prefix_begins_names(cls, value: str | None) -> str | None:
        return require_pattern(f"{value.strip()}x").removesuffix("x") if value and value.strip() else None

    @classmethod
    def preview(
        cls, answers: Mapping[str, Any], authorization: Authorization | None, moment: datetime
    ) -> Mapping[str, str]:
        shown = {} if answers.get("withbackfill") or not answers.get("backfill_only") else {"withbackfill": EVERYBODY}
        try:
            if not (prefix := cls._prefix_begins_names(answers["file_prefix"])) and not answers["segment_id"]:
                return shown
        except (KeyError, ValueError):
            return shown
        prefix = prefix or f"{answers['segment_id']}-"
        return {**shown, "file_prefix": cls.name(prefix, 1, moment, encrypted=has_key(authorization))}

    @classmethod
    def name(cls, prefix: str, number: int, moment: datetime, *, encrypted: bool) -> str:
        """A file's name.

        Args:
            number: of the file, from 1; kinds that write one file a run leave it out.
            moment: of the run.
        """
        ending = extension(cls.ending, "none", encrypted=encrypted, compress_first=False)
        counted = f"-{number:04}" if cls.numbered else ""
        return blob_name(f"{prefix}{PLACEHOLDER}{counted}", "yyyyMMddHHmmss", moment, ending)

    def schedule(self) -> Schedule | None:
        if self.backfill_only:
            return None
        time_of_day = None if self.run_frequency == "hourly" else self.time_of_day
        return Schedule(frequency=self.run_frequency, time_of_day=time_of_day, timezone=self.timezone)

    def audiences(self) -> tuple[str, ...]:
        return (self.segment_id,)

    def prefix(self) -> str:
        """What stands before the time in a file's name."""
        return self.file_prefix or f"{self.segment_id}-"
