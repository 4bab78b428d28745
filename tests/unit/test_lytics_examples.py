"""Answers as Lytics' OpenAPI documents and its pages for agents show them: the client reads each of them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from lytics_azure_tui.lytics.cloud.answers import item, items, whole
from lytics_azure_tui.lytics.cloud.api import Account, Api, NotThere, Refused
from lytics_azure_tui.lytics.cloud.audiences import CloudAudiences
from lytics_azure_tui.lytics.cloud.people import CloudPeople, profile_of
from lytics_azure_tui.lytics.cloud.streams import CloudStreams
from lytics_azure_tui.model.secret import Secret

SEGMENT = {
    "id": "7a7f76ff97ad0e3e96c162f74aee8f8f", "account_id": "4f7b525bdba058fc096757a6", "author_id": "user_12345",
    "kind": "segment", "segment_ql": "FILTER AND ( visits > 5 )", "created": "2014-08-04T21:18:20.124Z",
    "updated": "2014-08-04T21:18:20.124Z", "description": "Casual users", "is_public": True, "name": "Recent Visits",
    "slug_name": "recent_visits", "tags": ["email_trigger"],
}  # fmt: skip
JANE = {
    "_uid": "6a4b9c2e1d3f5a7b8c0e2d4f", "email": "jane.doe@example.com", "first_name": "Jane",
    "segments": ["all_users", "high_value_users"], "scores": {"momentum": 72.5, "engagement": 78.3},
    "last_active_ts": "2026-06-10T14:32:00Z",
}  # fmt: skip
STREAM = {
    "_meta": {},
    "data": [
        {
            "account_id": "string", "aid": 0, "avg_event_size": 0, "channel": "string", "count": 0,
            "created": "2019-08-24T14:15:22Z", "description": "string", "hidden": True, "id": "string",
            "internal": True, "jobs": ["string"], "label": "string", "last_msg_ts": "2019-08-24T14:15:22Z",
            "last_received_ts": "2019-08-24T14:15:22Z", "last_update_ts": "2019-08-24T14:15:22Z", "method": "string",
            "name": "string", "providers": ["string"], "slug": "string", "tables": ["string"],
            "updated": "2019-08-24T14:15:22Z",
        }
    ],
    "request_id": "string",
    "status": 0,
}  # fmt: skip
UPLOAD = {
    "status": 200, "message": "success",
    "data": {
        "message_count": 2, "rejected_count": 0, "content-type": "application/json", "droperrors": False,
        "dryrun": False, "timestamp_field": "event_created", "filename": "myfile.csv",
    },
}  # fmt: skip


def serving(answers: dict[str, Any], status: int = 200) -> Api:
    """An API that answers the same to each call of a path; 404 elsewhere."""

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path in answers:
            return httpx.Response(status, json=answers[request.url.path])
        return httpx.Response(404, json={"status": 404, "message": "Not Found", "request_id": "r"})

    account = Account("https://api.example", "https://bulk.example", lambda: Secret("a token"))
    return Api(account, transport=httpx.MockTransport(handler), patience=0.1)


def test_segments_without_a_status_and_sizes_without_a_name() -> None:
    sizes = [{"id": SEGMENT["id"], "type": "custom", "slug_name": "recent_visits", "size": 10402.0}]
    api = serving({"/v2/segment": {"data": [SEGMENT]}, "/api/segment/sizes": {"data": sizes}})
    (found,) = CloudAudiences(api, CloudPeople(api)).segments()
    assert (found.slug, found.label, found.size) == ("recent_visits", "Recent Visits", 10402)
    assert found.filter == SEGMENT["segment_ql"]


def test_a_page_of_a_scan() -> None:
    answer = {"status": 200, "message": "ok", "total": 1482, "_next": "eyJsYXN0X2tleSI6IjZhIn0=", "data": [JANE]}
    api = serving({"/api/segment/scan": answer, "/v2/schema/user/field": {"data": []}})
    people = CloudPeople(api)
    assert people.figures().profiles == 1482
    (profile,) = people.find("", 10)
    assert profile.id == JANE["_uid"]
    assert profile.audiences == ("all_users", "high_value_users")
    assert profile.fields["scores"] == {"momentum": 72.5, "engagement": 78.3}


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"status": 200, "message": "Not Found", "data": {}}, 200),
        ({"status": 404, "message": "Not Found", "request_id": "r"}, 404),
        ({"status": 404, "errors": [{"code": "ENTITY-NOTFOUND-012", "level": "warn", "message": "no"}]}, 404),
    ],
)
def test_a_profile_that_is_not_there(answer: dict[str, Any], status: int) -> None:
    api = serving({"/api/entity/user/email/nobody@example.com": answer}, status)
    assert CloudPeople(api)._entity("email", "nobody@example.com") == {}


def test_a_profile_that_is_there() -> None:
    answer = {"status": 200, "message": "ok", "data": JANE}
    found = CloudPeople(serving({"/api/entity/user/email/jane.doe@example.com": answer}))
    row = found._entity("email", "jane.doe@example.com")
    profile = profile_of(row, [])
    assert profile is not None
    assert profile.fields["first_name"] == "Jane"


def test_streams_with_every_field_that_there_may_be() -> None:
    (found,) = CloudStreams(serving({"/v2/stream": STREAM})).streams()
    assert (found.name, found.events) == ("string", 0)
    assert found.last_event is not None


def test_an_upload() -> None:
    told = item(serving({"/collect/bulk/s": UPLOAD}).upload("/collect/bulk/s", b"", what="It failed"))
    assert (whole(told["message_count"]), whole(told["rejected_count"])) == (2, 0)


@pytest.mark.parametrize("data", [None, {}, "deleted", 3])
def test_a_list_that_is_none_is_empty(data: Any) -> None:
    assert list(items({"data": data, "status": 200, "message": "deleted"})) == []


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (422, {"status": 422, "message": "invalid segment_ql", "request_id": "r"}, "invalid segment_ql"),
        (409, {"status": 409, "message": "slug exists", "request_id": "r"}, "slug exists"),
        (400, {"data": None, "message": "bad", "status": 400}, "bad"),
        (
            400,
            {
                "errors": [
                    {"code": "BADREQ-001", "level": "warn", "message": "no", "timestamp": "2026-01-01T00:00:00Z"}
                ],
                "request_id": "r",
                "status": 400,
            },
            "BADREQ-001 no",
        ),
    ],
)
def test_errors_of_each_shape_are_told_in_their_words(status: int, answer: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused) as told:
        serving({"/v2/stream": answer}, status).get("/v2/stream", what="It failed")
    assert not isinstance(told.value, NotThere)
    assert told.value.words == words
