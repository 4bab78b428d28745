"""Export Audiences (Event Hub): who enters and who leaves audiences, as messages."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lytics_azure_tui.model.authorization import AzureEventHub
from lytics_azure_tui.model.form import Ask, Source
from lytics_azure_tui.model.job import JobConfig
from lytics_azure_tui.model.names import Slug
from lytics_azure_tui.model.schedule import Schedule


class EventHubExport(JobConfig):
    """Its keys are those of Lytics' `AzureEventHubExport`, and our own throughput_units."""

    workflow = "AzureEventHubExport"
    title = "Export Audiences (Event Hub)"
    summary = "Send a message whenever a user enters or leaves an audience, for as long as the job is active."
    methods = (AzureEventHub.method,)
    module = "lytics_azure_tui.jobs.event_hub_export"
    start = "Start Export"
    deed = "sent"
    reads_definitions = True
    follows_profiles = True

    segment_ids: Annotated[
        list[Slug],
        Field(min_length=1, max_length=500),
        Ask("Audience", "The audiences whose enters and exits are sent, one or more.", source=Source.AUDIENCES),
    ]
    withbackfill: Annotated[
        bool,
        Ask(
            "Existing Users",
            "Also send those who are in the audiences when the job begins, as if they entered then.",
        ),
    ] = False
    throughput_units: Annotated[
        int,
        Field(ge=0, le=1000),
        Ask(
            "Throughput Units",
            "Those of the namespace that this job may use up: it sends 1,000 messages and 1 MB a second for each. "
            "With 0 it sends as fast as the hub takes it.",
            advanced=True,
        ),
    ] = 1

    def audiences(self) -> tuple[str, ...]:
        return tuple(self.segment_ids)

    def schedule(self) -> Schedule | None:
        """Beside every build of the profiles: what a failed run could not send is tried again."""
        return Schedule(frequency="hourly")
