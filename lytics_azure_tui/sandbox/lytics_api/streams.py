"""/v2/stream and /api/schema/_streams: what came in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.lytics.columns import EVENT_TIME, SYSTEM_COLUMNS
from lytics_azure_tui.lytics.protocol import Preview, StreamInfo
from lytics_azure_tui.sandbox.lytics_api.account import Account
from lytics_azure_tui.sandbox.lytics_api.limits import ACCOUNT_ID, AID
from lytics_azure_tui.sandbox.lytics_api.replies import Answer, Call, Path, Refused, moment, v1, v2

_SAMPLE = 5
"""Values of a field that are shown."""


class StreamList:
    """Tells about streams. Events can be had of the newest only, by the time at which they happened."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def paths(self) -> list[Path]:
        """What can be called."""
        return [
            Path("GET", "/v2/stream", self.all),
            Path("GET", "/v2/stream/names", self.names),
            Path("GET", "/v2/stream/fields", self.fields),
            Path("GET", "/v2/stream/{stream}", self.get),
            Path("GET", "/v2/stream/{stream}/stats", self.stats),
            Path("GET", "/v2/stream/{stream}/events", self.events),
            Path("GET", "/api/schema/_streams", self.schema),
        ]

    def all(self, call: Call) -> Answer:
        return v2([self._about(info) for info in self._account.workspace.streams()])

    def names(self, call: Call) -> Answer:
        return v2([info.name for info in self._account.workspace.streams()])

    def fields(self, call: Call) -> Answer:
        """The fields of each stream; documented is only that there are such."""
        streams = self._account.workspace.streams()
        return v2([{"stream": info.name, "fields": self._account.workspace.columns(info.name)} for info in streams])

    def get(self, call: Call) -> Answer:
        return v2(self._about(self._info(call)))

    def stats(self, call: Call) -> Answer:
        return v2(self._fields(self._info(call)))

    def events(self, call: Call) -> Answer:
        """The newest events; `_ts` is when they happened, in milliseconds since 1970."""
        preview = self._recent(self._info(call).name)
        at = preview.columns.index(EVENT_TIME)
        return v2([{"_ts": _milliseconds(row[at] or ""), **_own(preview, row)} for row in preview.rows])

    def schema(self, call: Call) -> Answer:
        """The same as v1 tells it, with the fields."""
        return v1(
            [
                {
                    "stream": info.name,
                    "hidden": False,
                    "ct": info.events,
                    "curct": 0,
                    "last_msg_ts": str(_unix(info.last_event)),
                    "last_update_ts": str(_unix(info.last_import)),
                    "fields": self._fields(info),
                }
                for info in self._account.workspace.streams()
            ]
        )

    def _info(self, call: Call) -> StreamInfo:
        name = call.path["stream"]
        found = next((info for info in self._account.workspace.streams() if info.name == name), None)
        if found is None:
            raise Refused(404, f"The stream {name} does not exist", "STREAM-NOTFOUND-014")
        return found

    def _about(self, info: StreamInfo) -> dict[str, Any]:
        mapped = any(mapping.stream == info.name for mapping in self._account.definitions.mappings)
        return {
            "account_id": ACCOUNT_ID,
            "aid": AID,
            "id": info.name,
            "name": info.name,
            "slug": info.name,
            "count": info.events,
            "avg_event_size": info.bytes // info.events if info.events else 0,
            "created": moment(self._account.created),
            "last_msg_ts": _rfc3339(info.last_event),
            "last_received_ts": _rfc3339(info.last_import),
            "last_update_ts": _rfc3339(info.last_import),
            "hidden": False,
            "internal": False,
            "jobs": [],
            "tables": ["user"] if mapped else [],
        }

    def _fields(self, info: StreamInfo) -> list[dict[str, Any]]:
        preview = self._recent(info.name)
        values: dict[str, dict[str, None]] = {}
        for row in preview.rows:
            for name, value in _own(preview, row).items():
                values.setdefault(name, {})[value] = None
        return [
            {
                "name": field.name,
                "type": "string",
                "usage": field.filled or 0,
                "sample": [*values.get(field.name, ())][:_SAMPLE],
                "is_array": False,
                "hidden": False,
                "last_seen": _rfc3339(info.last_event),
            }
            for field in self._account.workspace.fields(info.name)
        ]

    def _recent(self, stream: str) -> Preview:
        try:
            return self._account.workspace.preview(stream, self._account.limits.recent_events)
        except BadConfiguration as error:
            raise Refused(404, str(error), "STREAM-NOTFOUND-014") from None


def _own(preview: Preview, row: tuple[str | None, ...]) -> dict[str, str]:
    """An event's fields; those that it has none of are left out."""
    pairs = zip(preview.columns, row, strict=True)
    return {name: value for name, value in pairs if value is not None and name not in SYSTEM_COLUMNS}


def _milliseconds(text: str) -> int:
    return _unix(datetime.fromisoformat(text))


def _unix(at: datetime | None) -> int:
    return int(at.timestamp() * 1000) if at else 0


def _rfc3339(at: datetime | None) -> str:
    """Lytics is written in Go, whose time that is none is the first of the year 1."""
    return moment(at or datetime(1, 1, 1, tzinfo=UTC))
