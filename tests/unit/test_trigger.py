"""The message of a trigger, held against the one that is promised to consumers."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lytics_azure_tui.azure.event_hub_encoding import encoded, overhead
from lytics_azure_tui.model.trigger import Message, SegmentEvent, of_body, rfc3339, subscription_id, trigger

AT = datetime(2017, 3, 18, 6, 12, 36, 829070, tzinfo=UTC)
ENTERED = datetime(2017, 3, 2, 6, 12, 36, 829070, tzinfo=UTC)
LEFT = SegmentEvent("d3d8f15855b6b067709577342fe72db9", "demo_segment", "exit", ENTERED, AT)
CAME = SegmentEvent("abc678asdf", "another_segment", "enter", ENTERED)
FIELDS = {
    "_created": datetime(2016, 6, 29, 18, 50, 16, 902758, tzinfo=UTC),
    "_modified": AT,
    "email": "user@example.com",
    "user_id": "user123",
}
META = {
    "object": "user",
    "subscription_id": "7e2b8804bbe162cd3f9c0c5991bf3078",
    "timestamp": "2017-03-18T06:12:36.829070000Z",
}
PROMISED = {
    "data": {
        "_created": "2016-06-29T18:50:16.902758000Z",
        "_modified": "2017-03-18T06:12:36.829070000Z",
        "email": "user@example.com",
        "user_id": "user123",
        "segment_events": [
            {
                "id": "abc678asdf",
                "event": "enter",
                "enter": "2017-03-02T06:12:36.829070000Z",
                "exit": "2099-03-18T06:12:36.829070000Z",
                "slug": "another_segment",
            },
            {
                "id": "d3d8f15855b6b067709577342fe72db9",
                "event": "exit",
                "enter": "2017-03-02T06:12:36.829070000Z",
                "exit": "2017-03-18T06:12:36.829070000Z",
                "slug": "demo_segment",
            },
        ],
    },
    "meta": META,
}


def made(*events: SegmentEvent, fields: dict[str, Any] = FIELDS, at: datetime = AT, user: str = "u1") -> Message:
    return trigger(user, fields, events or (LEFT, CAME), subscription=META["subscription_id"], at=at)


def test_a_message_has_every_field_that_is_promised_and_no_other() -> None:
    assert json.loads(made().body) == PROMISED


def test_several_audiences_at_once_are_one_message_whose_order_does_not_matter() -> None:
    assert made(LEFT, CAME) == made(CAME, LEFT)


def test_what_a_consumer_filters_by_is_beside_the_body() -> None:
    assert made().properties == {"user_id": "u1", "event": "enter,exit", "slug": "another_segment,demo_segment"}
    assert made(CAME).properties == {"user_id": "u1", "event": "enter", "slug": "another_segment"}


def test_the_id_is_of_what_happened_and_not_of_the_profile() -> None:
    first = made()
    assert re.fullmatch("[0-9a-f]{32}", first.id)
    assert made(fields={"email": "new@example.com"}).id == first.id
    others = [made(LEFT), made(at=AT + timedelta(microseconds=1)), made(user="u2")]
    assert len({first.id, *(other.id for other in others)}) == 4
    other = trigger("u1", FIELDS, (LEFT, CAME), subscription="other", at=AT)
    assert other.id != first.id


def test_times_are_in_utc_with_nine_digits() -> None:
    assert rfc3339(datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))) == "2025-12-31T23:00:00.000000000Z"


def test_who_enters_on_a_leap_day_leaves_in_a_year_without_one() -> None:
    event = json.loads(made(CAME, at=datetime(2028, 2, 29, tzinfo=UTC)).body)["data"]["segment_events"][0]
    assert event["exit"].startswith("2099-02-28T")


def test_numbers_that_json_does_not_have_are_null() -> None:
    fields = {"a": float("nan"), "b": [float("inf"), 1.5], "c": {"d": float("-inf")}, "e": 2**63}
    data = json.loads(made(fields=fields).body)["data"]
    assert (data["a"], data["b"], data["c"], data["e"]) == (None, [None, 1.5], {"d": None}, 2**63)


def test_text_that_utf8_cannot_hold_arrives_as_json_writes_it() -> None:
    data = json.loads(made(fields={"name": "half \ud83d"}).body)["data"]
    assert data["name"] == "half \ud83d"


texts = st.text(max_size=300)


@given(user=texts, id=texts, body=st.binary(max_size=600), properties=st.dictionaries(texts, texts, max_size=3))
def test_the_bytes_are_what_the_sdk_reads(user: str, id: str, body: bytes, properties: dict[str, str]) -> None:
    from azure.eventhub._pyamqp._decode import decode_payload

    data = encoded(Message(user, id, body, properties))
    found: Any = decode_payload(memoryview(data))
    assert found.properties.message_id.decode() == id
    assert found.properties.content_type == b"application/json"
    read = {name.decode(): value.decode() for name, value in (found.application_properties or {}).items()}
    assert read == properties
    assert b"".join(found.data) == body


@given(st.lists(st.binary(max_size=600), max_size=6))
def test_a_batch_is_as_large_as_it_was_counted(bodies: list[bytes]) -> None:
    from azure.eventhub import EventDataBatch
    from azure.eventhub._pyamqp._encode import encode_payload

    batch = EventDataBatch(max_size_in_bytes=100_000)
    before = batch.size_in_bytes
    data = [encoded(Message("u", "i", body, {"slug": "s"})) for body in bodies]
    batch._message[5].extend(data)
    written = bytearray()
    encode_payload(written, batch._message)
    assert len(written) == before + sum(len(one) + overhead(len(one)) for one in data)


def test_a_message_is_made_again_of_its_body() -> None:
    message = trigger("u1", {**FIELDS, "_id": "u1"}, (LEFT, CAME), subscription="s", at=AT)
    assert of_body(message.body, "s") == message
    with pytest.raises(ValueError, match="not the body of a trigger"):
        of_body(b"[]", "s")


def test_jobs_are_told_apart_by_their_ids() -> None:
    assert subscription_id("a") != subscription_id("b")
    assert re.fullmatch("[0-9a-f]{32}", subscription_id("a"))
