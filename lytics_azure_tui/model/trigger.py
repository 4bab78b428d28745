"""An audience trigger: the message that tells an event hub that a user entered or left audiences."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

CONTENT_TYPE = "application/json"
SEGMENT_EVENTS = "segment_events"
_NEVER = 2099
"""The year in which a user leaves who has not left: consumers read a date there."""


@dataclass(frozen=True, slots=True)
class SegmentEvent:
    """One audience that a user entered or left.

    Attributes:
        id: the audience's; the same for as long as it exists.
        slug: the audience's name in filters and files.
        enter: when the user entered.
        exit: when the user left; None for one who is in it.
    """

    id: str
    slug: str
    event: Literal["enter", "exit"]
    enter: datetime
    exit: datetime | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is sent.

    Attributes:
        user: the user's id; messages of one user stay in their order.
        id: the same for the same happening, however often it is sent, so that a consumer can drop repeats.
        properties: what a consumer can filter by without reading the body.
    """

    user: str
    id: str
    body: bytes
    properties: Mapping[str, str]


def trigger(
    user: str,
    fields: Mapping[str, Any],
    events: Sequence[SegmentEvent],
    *,
    subscription: str,
    at: datetime,
) -> Message:
    """The message for one user and one moment.

    Args:
        user: the profile's id.
        fields: the profile as JSON values, by field; times may be datetimes.
        events: all audiences that the user entered or left at that moment, at least one.
        subscription: names the export that sends: its consumers tell several apart by it.
        at: when that was.
    """
    events = sorted(events, key=lambda event: (event.slug, event.event))
    data = {**fields, SEGMENT_EVENTS: [_segment(event, at) for event in events]}
    meta = {"object": "user", "subscription_id": subscription, "timestamp": at}
    body = _json({"data": data, "meta": meta})
    return Message(
        user=user,
        id=_message_id(subscription, user, rfc3339(at), [(event.event, event.id) for event in events]),
        # Half of a surrogate pair, which no UTF-8 holds, becomes the escape that JSON has for it.
        body=body.encode("utf-8", "backslashreplace"),
        properties=_properties(user, [(event.event, event.slug) for event in events]),
    )


def of_body(body: bytes, subscription: str) -> Message:
    """A message of its body, as `trigger` had made it.

    Raises:
        ValueError: it is not the body of a trigger.
    """
    try:
        told = json.loads(body)
        user, at, events = told["data"]["_id"], told["meta"]["timestamp"], told["data"][SEGMENT_EVENTS]
        kinds = [(event["event"], event["id"]) for event in events]
        properties = _properties(user, [(event["event"], event["slug"]) for event in events])
    except (KeyError, TypeError) as error:
        raise ValueError("not the body of a trigger") from error
    return Message(user, _message_id(subscription, user, at, kinds), body, properties)


def segment_id(slug: str) -> str:
    """The id of an audience: 128 bits of a hash of its name, in hexadecimal, as it is by its name that it is known."""
    return _hash("audience", slug)


def subscription_id(job_id: str) -> str:
    """The id by which consumers tell the messages of a job."""
    return _hash("job", job_id)


def _message_id(subscription: str, user: str, at: str, events: Sequence[tuple[str, str]]) -> str:
    """Of who entered or left what and when, and not of the profile's other fields."""
    return _hash(subscription, user, at, *(f"{event} {id}" for event, id in events))


def _properties(user: str, events: Sequence[tuple[str, str]]) -> dict[str, str]:
    kinds = {event for event, _ in events}
    return {
        "user_id": user,
        "event": kinds.pop() if len(kinds) == 1 else "enter,exit",
        "slug": ",".join(dict.fromkeys(slug for _, slug in events)),
    }


def _hash(*told: str) -> str:
    return hashlib.blake2b("\n".join(told).encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()


def rfc3339(moment: datetime) -> str:
    """A moment as the messages write it: in UTC, with nine digits after the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}000Z"


def _segment(event: SegmentEvent, at: datetime) -> dict[str, str]:
    return {
        "id": event.id,
        "event": event.event,
        "enter": rfc3339(event.enter),
        "exit": rfc3339(event.exit or _never(at)),
        "slug": event.slug,
    }


def _never(at: datetime) -> datetime:
    day = 28 if (at.month, at.day) == (2, 29) else at.day
    return at.astimezone(UTC).replace(year=max(_NEVER, at.year), day=day)


def _json(value: Any) -> str:
    """Compact, and without the NaN that Python would write and JSON does not have."""
    try:
        return json.dumps(value, default=_plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return _json(_finite(value))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    raise TypeError(f"{type(value).__name__} is not a value of JSON")
