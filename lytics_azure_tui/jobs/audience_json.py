"""Export Audiences (Blob Storage) JSON: one object a line, without the fields that a user has no value for."""

from __future__ import annotations

import json

from lytics_azure_tui.jobs.audience_export import AudienceExporter, Encoded
from lytics_azure_tui.jobs.event_rows import header
from lytics_azure_tui.jobs.profile_text import json_text
from lytics_azure_tui.jobs.row_pipe import LINE_OPTIONS
from lytics_azure_tui.lytics.duck import literal
from lytics_azure_tui.lytics.workspace.audience_rows import EVENT, EVENT_TIME, Rows
from lytics_azure_tui.model.audience_json import AudienceJson
from lytics_azure_tui.model.user_field import FieldKind, UserField

ID = UserField("_id", FieldKind.STRING)


def encoded(rows: Rows, fields: list[UserField], config: AudienceJson) -> Encoded:
    """Lines of JSON."""
    names = header((EVENT, EVENT_TIME, ID.name), [field.name for field in fields])
    values = [
        json_text(rows.event, FieldKind.STRING),
        json_text(rows.at, FieldKind.DATE),
        *(json_text(rows.value(field), field.kind) for field in (ID, *fields)),
    ]
    # What is missing is NULL, and concat_ws leaves it out.
    members = ", ".join(
        f"{literal(json.dumps(name, ensure_ascii=False) + ':')} || {value}"
        for name, value in zip(names, values, strict=True)
    )
    line = f"concat('{{', concat_ws(',', {members}), '}}') AS line"
    return Encoded([(query, LINE_OPTIONS) for query in rows.queries(line)], names, most=config.max_bytes)


_exporter = AudienceExporter(encoded)
plan, do, commit = _exporter.plan, _exporter.do, _exporter.commit
discard, rehearse = _exporter.discard, _exporter.rehearse
