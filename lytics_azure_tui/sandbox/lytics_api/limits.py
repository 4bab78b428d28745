"""Lytics' limits. docs.lytics.com/docs/platform-limits"""

from __future__ import annotations

from dataclasses import dataclass

ACCOUNT_ID, AID = "5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e", 4711
"""Of the one account that there is."""


@dataclass(slots=True)
class Limits:
    """As documented; tests may set others, also while the API is at work.

    Attributes:
        upload: bytes of a body on the host for all but bulk uploads.
        batch: bytes of a body on the host for bulk uploads.
        record, batched_record: bytes of a record that comes alone, and of one in a batch.
        page: rows of a page of a scan.
        cursor_seconds: after which a scan cannot go on: "must be recent" is all that is documented.
        size_seconds: between two sizes of unsaved filters.
        jobs_an_hour: that can be created.
        recent_events: of a stream that are shown.
    """

    upload: int = 10_000_000
    batch: int = 1_000_000_000
    record: int = 4 * 1024
    batched_record: int = 16 * 1024
    page: int = 100
    cursor_seconds: float = 600.0
    size_seconds: float = 10.0
    jobs_an_hour: int = 10
    recent_events: int = 50
