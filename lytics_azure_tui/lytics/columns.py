"""The columns that every stream has beside its own."""

from __future__ import annotations

EVENT_TIME, INGEST_TIME, RUN_ID, SOURCE, ROW = SYSTEM_COLUMNS = (
    "_event_time",
    "_ingest_time",
    "_run_id",
    "_source",
    "_row",
)
