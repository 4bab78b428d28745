"""Streams of an account: what there is, their fields, the newest events."""

from __future__ import annotations

from dataclasses import dataclass

from lytics_azure_tui.lytics.cloud.answers import items, moment, text, whole
from lytics_azure_tui.lytics.cloud.api import Api, NotThere, path
from lytics_azure_tui.lytics.protocol import Preview, StreamField, StreamInfo


@dataclass(frozen=True, slots=True)
class CloudStreams:
    """See `lytics.protocol.Lytics`."""

    api: Api

    def streams(self) -> list[StreamInfo]:
        found = []
        for one in items(self.api.get("/v2/stream", what="The streams could not be listed")):
            name = text(one.get("name")) or text(one.get("slug"))
            if not name:
                continue
            events = whole(one.get("count")) or 0
            found.append(
                StreamInfo(
                    name=name,
                    events=events,
                    last_event=moment(one.get("last_msg_ts")),
                    last_import=moment(one.get("last_received_ts")) or moment(one.get("last_update_ts")),
                    bytes=events * (whole(one.get("avg_event_size")) or 0),
                )
            )
        return sorted(found, key=lambda info: info.name)

    def fields(self, stream: str) -> list[StreamField]:
        what = f"The fields of {stream} could not be read"
        try:
            answer = self.api.get(path("v2", "stream", stream, "stats"), what=what)
        except NotThere:
            return []
        found = ((text(one.get("name")), whole(one.get("usage"))) for one in items(answer))
        return [StreamField(name, usage) for name, usage in found if name]

    def preview(self, stream: str, limit: int) -> Preview:
        what = f"The events of {stream} could not be read"
        try:
            rows = list(items(self.api.get(path("v2", "stream", stream, "events"), what=what)))[:limit]
        except NotThere:
            return Preview((), ())
        columns = tuple(dict.fromkeys(name for row in rows for name in row))
        return Preview(columns, tuple(tuple(text(row.get(name)) for name in columns) for row in rows))
