"""Export Audiences (Blob Storage) CSV: a row for each user, all fields in an order that stays."""

from __future__ import annotations

import codecs

from lytics_azure_tui.jobs.audience_export import AudienceExporter, Encoded
from lytics_azure_tui.jobs.event_rows import defused, defused_name, header
from lytics_azure_tui.jobs.profile_text import csv_text
from lytics_azure_tui.jobs.row_pipe import csv_options
from lytics_azure_tui.lytics.duck import quoted
from lytics_azure_tui.lytics.workspace.audience_rows import EVENT, EVENT_TIME, Rows
from lytics_azure_tui.model.audience_csv import AudienceCsv
from lytics_azure_tui.model.user_field import FieldKind, UserField

ID = UserField("_id", FieldKind.STRING)


def encoded(rows: Rows, fields: list[UserField], config: AudienceCsv) -> Encoded:
    """Rows of CSV, with a header."""
    names = header((EVENT, EVENT_TIME, ID.name), [field.name for field in fields])
    own = [csv_text(rows.value(field), field.kind, config.join) for field in fields]
    if config.defuse_formulas:
        # Numbers and times are never formulas.
        text = [field.kind is FieldKind.STRING or field.kind.is_list or field.kind.is_map for field in fields]
        own = [defused(value) if may else value for value, may in zip(own, text, strict=True)]
    values = [rows.event, csv_text(rows.at, FieldKind.DATE, config.join), rows.value(ID), *own]
    shown = [defused_name(name) if config.defuse_formulas else name for name in names]
    chosen = ", ".join(f"{value} AS {quoted(name)}" for value, name in zip(values, shown, strict=True))
    return Encoded(
        [
            (query, csv_options(delimiter=config.separator(), header=index == 0))
            for index, query in enumerate(rows.queries(chosen))
        ],
        names,
        begin=codecs.BOM_UTF8 if config.byte_order_mark else b"",
    )


_exporter = AudienceExporter(encoded)
plan, do, commit = _exporter.plan, _exporter.do, _exporter.commit
discard, rehearse = _exporter.discard, _exporter.rehearse
