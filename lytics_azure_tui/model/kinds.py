"""The job kinds there are. A new kind is one model, one module in jobs/, and its line here."""

from __future__ import annotations

from lytics_azure_tui.model.audience_csv import AudienceCsv
from lytics_azure_tui.model.audience_json import AudienceJson
from lytics_azure_tui.model.csv_import import CsvImport
from lytics_azure_tui.model.event_export import EventExport
from lytics_azure_tui.model.event_hub_export import EventHubExport
from lytics_azure_tui.model.job import JobConfig
from lytics_azure_tui.model.profile_build import ProfileBuild
from lytics_azure_tui.model.sql_import import SqlImport

KINDS: dict[str, type[JobConfig]] = {
    kind.workflow: kind for kind in (CsvImport, SqlImport, AudienceJson, AudienceCsv, EventExport, EventHubExport)
}
"""Those that people save jobs of."""

OWN_KINDS: dict[str, type[JobConfig]] = {ProfileBuild.workflow: ProfileBuild}
"""Those of which the program has one job each."""


def kinds_for(method: str) -> tuple[type[JobConfig], ...]:
    """The kinds that an authorization method can carry."""
    return tuple(kind for kind in KINDS.values() if method in kind.methods)
