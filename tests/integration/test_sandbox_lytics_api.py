"""The stand-in for Lytics' REST API, against what Lytics documents."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from lytics_azure_tui.model.audience import Audience
from lytics_azure_tui.model.mapping import Definitions, FieldRule, StreamMapping
from lytics_azure_tui.model.user_field import FieldKind, Merge
from lytics_azure_tui.sandbox.lytics_api import Fault, LyticsApi, LyticsApiServer

DEFINITIONS = Definitions(
    (
        StreamMapping(
            stream="people",
            fields=[
                FieldRule(field="email", expression="email(email)", identifier=True),
                FieldRule(field="city", expression="city"),
                FieldRule(field="visits", expression="visits", kind=FieldKind.INT, merge=Merge.SUM),
                FieldRule(field="last_seen", expression="todate(seen)", kind=FieldKind.DATE, merge=Merge.MAX),
            ],
        ),
    ),
    (
        Audience(slug="berliners", label="Berliners", filter='FILTER city = "Berlin"'),
        Audience(slug="regulars", label="Regulars", filter="FILTER visits > 5"),
        Audience(slug="broken", label="Broken", filter="FILTER nothing_like_it = 1"),
    ),
)
USABLE = Definitions(DEFINITIONS.mappings, DEFINITIONS.audiences[:2])
PEOPLE = "email,city,visits,seen\n" + "".join(
    f"p{number:02}@example.com,{'Berlin' if number < 25 else 'Paris'},{number},2026-03-{number % 28 + 1:02}T10:00:00Z\n"
    for number in range(40)
)


@pytest.fixture
def api() -> Iterator[LyticsApi]:
    with LyticsApi(definitions=USABLE) as api:
        yield api


@pytest.fixture
def client(api: LyticsApi) -> Iterator[httpx.Client]:
    with _client(api, api.url) as client:
        yield client


@pytest.fixture(scope="module")
def filled() -> Iterator[httpx.Client]:
    """Forty people with profiles; nothing that uses it changes anything."""
    with LyticsApi(definitions=USABLE) as api, _client(api, api.url) as client:
        _collect(client, PEOPLE, timestamp_field="seen")
        api.build()
        yield client


def _client(api: LyticsApi | LyticsApiServer, url: str) -> httpx.Client:
    # There is no TLS, and certificates take a while to read.
    return httpx.Client(base_url=url, headers={"Authorization": api.token.reveal()}, timeout=10, verify=False)


def _collect(client: httpx.Client, text: str | bytes, stream: str = "people", **query: str) -> httpx.Response:
    headers = {"Content-Type": "application/csv"}
    return client.post(f"/collect/bulk/{stream}", content=text, params=query, headers=headers)


def _data(response: httpx.Response) -> Any:
    assert response.status_code == 200, response.text
    assert response.json()["status"] == 200
    return response.json()["data"]


# Who may ask, and how errors look


def test_a_rejected_token_is_told_in_the_shape_of_v1_wherever_it_was_used(api: LyticsApi) -> None:
    token = api.token.reveal()
    for path in ("/api/segment", "/v2/segment", "/v2/nothing"):
        for given in ({}, {"Authorization": "wrong"}, {"Authorization": f"Bearer {token}"}):
            answer = httpx.get(api.url + path, headers=given)
            assert answer.status_code == 401
            assert answer.json() == {"data": None, "message": "Not authorized", "status": 401}
    assert httpx.get(f"{api.url}/api/segment", params={"access_token": token}).status_code == 200
    assert httpx.get(f"{api.url}/v2/segment", params={"access_token": token}).status_code == 401
    assert token not in repr(api.requests)
    api.faults.revoked = True
    assert httpx.get(f"{api.url}/api/segment", headers={"Authorization": token}).status_code == 401


def test_errors_of_v1_and_of_v2_differ(client: httpx.Client) -> None:
    v1, v2 = client.get("/api/segment/nobody"), client.get("/v2/stream/nobody")
    assert (v1.status_code, v2.status_code) == (404, 404)
    assert v1.json() == {"data": None, "message": "The segment nobody does not exist", "status": 404}
    (error,) = v2.json()["errors"]
    assert (error["code"], error["level"]) == ("STREAM-NOTFOUND-014", "warn")
    assert v2.json()["request_id"]
    assert client.get("/api/nothing").json()["message"] == "Not Found"
    assert client.delete("/api/segment").status_code == 405


# Records come in


def test_csv_becomes_events_as_often_as_it_is_sent(api: LyticsApi, client: httpx.Client) -> None:
    packed = gzip.compress(PEOPLE.encode())
    answer = _collect(client, packed, timestamp_field="seen", filename="people.csv")
    assert answer.json() == {
        "status": 200,
        "message": "success",
        "data": {
            "message_count": 40,
            "rejected_count": 0,
            "content-type": "application/csv",
            "droperrors": False,
            "dryrun": False,
            "timestamp_field": "seen",
            "filename": "people.csv",
        },
    }
    _collect(client, PEOPLE, timestamp_field="seen")
    _collect(client, "p99@example.com|Rome\n", headers="email,city", delimiter="|", append='{"source":"crm"}')
    (stream,) = _data(client.get("/v2/stream"))
    assert (stream["name"], stream["count"], stream["tables"]) == ("people", 81, ["user"])
    assert _data(client.get("/v2/stream/names")) == ["people"]
    assert api.workspace.columns("people") == ["email", "city", "visits", "seen", "source"]
    usage = {field["name"]: field["usage"] for field in _data(client.get("/v2/stream/people/stats"))}
    assert usage == {"email": 81, "city": 81, "visits": 80, "seen": 80, "source": 1}
    events = _data(client.get("/v2/stream/people/events"))
    assert len(events) == api.limits.recent_events
    # Without a time it happened when it came.
    assert events[0] | {"_ts": 0} == {"_ts": 0, "email": "p99@example.com", "city": "Rome", "source": "crm"}
    assert events[0]["_ts"] == pytest.approx(time.time() * 1000, abs=60_000)
    assert events[1]["_ts"] == 1774692000000
    ((listed),) = _data(client.get("/api/schema/_streams"))
    assert (listed["stream"], listed["ct"], len(listed["fields"])) == ("people", 81, 5)


def test_a_time_that_cannot_be_read_is_that_of_arrival_without_a_word(client: httpx.Client) -> None:
    text = 'n,at\n1,2026-03-01T10:00:00Z\n2,2026-03-02T10:00:00Z\n3,"Mar 3, 2026 10:00:00 AM"\n4,yesterday\n5,\n'
    assert _data(_collect(client, text, "s", timestamp_field="at"))["rejected_count"] == 0
    times = {event["n"]: event["_ts"] for event in _data(client.get("/v2/stream/s/events"))}
    assert [times[n] for n in "123"] == [1772359200000 + day * 86_400_000 for day in range(3)]
    assert [times[n] for n in "45"] == [pytest.approx(time.time() * 1000, abs=60_000)] * 2


def test_json_comes_line_by_line_or_as_an_array(client: httpx.Client) -> None:
    lines = '{"email":"a@example.com","home":{"city":"Rome"},"ids":[1,2],"none":null}\n\n{"email":"b@example.com"}\n'
    headers = {"Content-Type": "application/json"}
    assert _data(client.post("/collect/bulk/web", content=lines, headers=headers))["message_count"] == 2
    assert _data(client.post("/collect/json/web", json=[{"email": "c@example.com", "vip": True}]))["message_count"] == 1
    assert _data(client.post("/collect/json/web", json={"email": "d@example.com"}))["message_count"] == 1
    events = {event.pop("email"): event for event in _data(client.get("/v2/stream/web/events"))}
    assert {name: {**event, "_ts": 0} for name, event in events.items()} == {
        "a@example.com": {"_ts": 0, "home.city": "Rome", "ids": "[1, 2]"},
        "b@example.com": {"_ts": 0},
        "c@example.com": {"_ts": 0, "vip": "true"},
        "d@example.com": {"_ts": 0},
    }
    nested = [{"orders": [{"id": 1}]}]
    refused = client.post("/collect/json/web", json=nested)
    assert refused.status_code == 400
    assert "Record 1" in refused.json()["message"]


def test_a_bad_record_ends_the_upload_where_it_stands_unless_errors_are_dropped(client: httpx.Client) -> None:
    text = 'email,city\na@example.com,Rome\nb@example.com\nc@example.com,"x"y\nd@example.com,Rome\n'
    dry = _data(_collect(client, text, "s", dryrun="true", droperrors="true"))
    assert (dry["message_count"], dry["rejected_count"]) == (2, 2)
    assert _data(client.get("/v2/stream")) == []
    refused = _collect(client, text, "s")
    assert refused.json() == {
        "data": None,
        "message": "Record 2: it has 1 fields where the header has 2",
        "status": 400,
    }
    assert _data(client.get("/v2/stream/s"))["count"] == 1, "what stood before it is in"
    dropped = _data(_collect(client, text, "s", droperrors="true"))
    assert (dropped["message_count"], dropped["rejected_count"]) == (2, 2)
    assert _data(client.get("/v2/stream/s"))["count"] == 3


def test_limits_of_records_and_uploads(api: LyticsApi, client: httpx.Client) -> None:
    long, longer = "x" * 5_000, "x" * 17_000
    assert client.post("/collect/json/s", json={"a": long}).status_code == 400
    assert _data(client.post("/collect/json/s", json=[{"a": long}]))["message_count"] == 1
    found = _data(_collect(client, f"a\n{longer}\n{long}\n".encode() + b"\xff\n", "s", droperrors="true"))
    assert (found["message_count"], found["rejected_count"]) == (1, 2)
    api.limits.upload = 20_000
    assert _collect(client, "a\n" + f"{long}\n" * 5, "s").status_code == 413
    with _client(api, api.bulk_url) as bulk:
        assert _data(_collect(bulk, "a\n" + f"{long}\n" * 5, "s"))["message_count"] == 5
        assert bulk.get("/v2/stream").status_code == 404, "bulk uploads alone"
    assert [seen.bulk for seen in api.requests[-3:]] == [False, True, True]
    for text in ("", "a,a\n1,2\n", "a,\n1,2\n"):
        assert _collect(client, text, "s").status_code == 400
    assert _collect(client, "a\n1\n", "s", delimiter=";").status_code == 400
    assert _collect(client, gzip.compress(b"a\n1\n")[:-6], "s").status_code == 400
    assert _collect(client, "a\n1\n", "no stream").status_code == 400


# Audiences and profiles


def test_segments_are_listed_with_sizes(filled: httpx.Client) -> None:
    first, second = _data(filled.get("/api/segment", params={"table": "user"}))
    assert (first["slug_name"], first["name"], first["kind"]) == ("berliners", "Berliners", "segment")
    assert first["segment_ql"] == 'FILTER city = "Berlin"'
    assert "size" not in first
    for name in (first["id"], "berliners"):
        assert _data(filled.get(f"/api/segment/{name}")) == first
    sizes = {one["slug_name"]: one["size"] for one in _data(filled.get("/v2/segment", params={"sizes": "true"}))}
    assert sizes == {"berliners": 25, "regulars": 34}
    listed = _data(filled.get("/api/segment/sizes", params={"ids": f"[{second['id']},berliners]"}))
    assert [(one["id"], one["size"]) for one in listed] == [(second["id"], 34), (first["id"], 25)]
    assert _data(filled.get("/api/segment", params={"table": "content"})) == []


# The models of Lytics' OpenAPI documents: StreamMetadata, DataField, and a segment as go-lytics has it.
STREAM = (
    "account_id aid anomaly_rule avg_event_size channel count created description hidden id internal jobs label "
    "last_msg_ts last_received_ts last_update_ts method name providers slug tables updated"
)
FIELD = "avg card columns first_seen hidden is_array last_seen name sample sumlen type usage"
SEGMENT = (
    "id account_id name is_public slug_name description kind table author_id updated created tags category invalid "
    "invalid_reason segment_ql ast size deleted aid"
)


@pytest.mark.parametrize(
    ("path", "model"),
    [("/v2/stream", STREAM), ("/v2/stream/people/stats", FIELD), ("/v2/segment", SEGMENT), ("/api/segment", SEGMENT)],
)
def test_answers_have_no_fields_that_are_not_documented(filled: httpx.Client, path: str, model: str) -> None:
    told = filled.get(path).json()["data"]
    assert told
    assert {name for one in told for name in one} <= set(model.split())


def test_a_filter_that_cannot_be_used_makes_an_audience_invalid(api: LyticsApi, client: httpx.Client) -> None:
    api.definitions = DEFINITIONS
    (broken,) = _data(client.get("/v2/segment", params={"valid": "false"}))
    assert (broken["slug_name"], broken["invalid"]) == ("broken", True)
    assert "nothing_like_it" in broken["invalid_reason"]
    assert len(_data(client.get("/api/segment", params={"valid": "true"}))) == 2


def test_filters_are_validated_and_sized_one_in_ten_seconds(filled: httpx.Client) -> None:
    assert _data(filled.post("/api/segment/validate", content="FILTER visits > 5")) is None
    refused = filled.post("/api/segment/validate", content="FILTER visits >")
    assert refused.status_code == 400
    assert refused.json()["message"].startswith("Failed parsing segment QL")
    sized = filled.post("/api/segment/size", content="FILTER visits > 37 ALIAS most")
    assert _data(sized) == {"id": "", "name": "most", "slug_name": "most", "size": 2}
    again = filled.post("/api/segment/size", content="FILTER visits > 37")
    assert (again.status_code, again.json()["data"]) == (429, None)
    assert "retry-after" not in again.headers


def _scanned(client: httpx.Client, path: str, **query: str) -> list[dict[str, Any]]:
    rows, start = [], ""
    while True:
        page = client.get(path, params={**query, "start": start}).json()
        rows += page["data"]
        start = page["_next"]
        if not start:
            return rows


def test_a_scan_gives_every_member_once(filled: httpx.Client) -> None:
    page = filled.get("/api/segment/berliners/scan").json()
    assert (page["status"], page["message"], page["total"], len(page["data"])) == (200, "success", 25, 10)
    again = [filled.get("/api/segment/berliners/scan", params={"start": page["_next"]}).json() for _ in range(2)]
    assert again[0]["data"] == again[1]["data"] != page["data"]
    rows = _scanned(filled, "/api/segment/berliners/scan", limit="7")
    assert sorted(row["email"] for row in rows) == [f"p{number:02}@example.com" for number in range(25)]
    assert rows[0]["segments"][0] == "berliners"
    assert {"_id", "_created", "_modified", "_num_events", "_streamnames", "visits", "last_seen"} <= rows[0].keys()
    assert len(filled.get("/api/segment/regulars/scan", params={"limit": "5000"}).json()["data"]) == 34
    chosen = _scanned(
        filled, "/api/segment/berliners/scan", fields="email,visits", sortfield="visits", sortorder="desc"
    )
    assert chosen[0] == {"email": "p24@example.com", "visits": 24}
    assert [row["visits"] for row in chosen] == [*range(24, 0, -1), 0]
    assert filled.get("/api/segment/berliners/scan", params={"limit": "x"}).status_code == 400


def test_a_filter_can_be_scanned_without_being_saved(filled: httpx.Client) -> None:
    page = filled.post("/api/segment/scan", params={"fields": "email"}, content="FILTER visits > 37").json()
    assert (page["_next"], page["total"]) == ("", 2)
    assert sorted(row["email"] for row in page["data"]) == ["p38@example.com", "p39@example.com"]
    assert filled.post("/api/segment/scan", content="FILTER visits >").status_code == 400


def test_a_scan_is_over_when_its_cursor_is_old(api: LyticsApi, client: httpx.Client) -> None:
    _collect(client, PEOPLE)
    api.build()
    start = client.get("/api/segment/berliners/scan").json()["_next"]
    api.limits.cursor_seconds = 0.0
    refused = client.get("/api/segment/berliners/scan", params={"start": start})
    assert refused.json() == {"data": None, "message": "start is of no recent scan", "status": 400}
    api.limits.cursor_seconds = 60.0
    start = client.get("/api/segment/berliners/scan").json()["_next"]
    api.expire_scans()
    assert client.get("/api/segment/berliners/scan", params={"start": start}).status_code == 400


def test_a_profile_is_found_by_an_identifier_and_absence_is_no_error(filled: httpx.Client) -> None:
    found = filled.get("/api/entity/user/email/p07@example.com").json()
    assert found["message"] == "success"
    assert found["meta"] == {"format": "json", "name": "user", "by_fields": ["email"]}
    assert found["data"]["city"] == "Berlin"
    assert (found["data"]["visits"], found["data"]["last_seen"]) == (7, "2026-03-08T10:00:00.000Z")
    assert found["data"]["segments"] == ["berliners", "regulars"]
    assert _data(filled.get(f"/api/entity/user/_id/{found['data']['_id']}")) == found["data"]
    for path in ("email/nobody@example.com", "city/Berlin", "email/p0"):
        missing = filled.get(f"/api/entity/user/{path}")
        assert missing.status_code == 200
        assert missing.json()["message"] == "Not Found"
        assert missing.json()["data"] == {"segments": ["not_found", "all"]}


def test_the_schema_tells_about_user_fields(filled: httpx.Client) -> None:
    fields = {field["id"]: field for field in _data(filled.get("/v2/schema/user/field"))}
    assert (fields["email"]["is_identifier"], fields["visits"]["mergeop"]) == (True, "sum")
    assert fields["last_seen"]["type"] == "date"
    assert set(_data(filled.get("/v2/schema/user/fieldnames"))) == set(fields)
    told = {field["as"]: field for field in _data(filled.get("/api/schema/user"))["fields"]}
    assert (told["last_seen"]["froms"], told["last_seen"]["identities"]) == (["people"], ["seen"])
    (city,) = _data(filled.get("/api/schema/user/fieldinfo", params={"fields": "city", "limit": "1"}))["fields"]
    assert city["terms_counts"] == {"Berlin": 25}
    assert (city["more_terms"], city["ents_present"], city["ents_absent"]) == (True, 40, 0)
    assert filled.get("/v2/schema/content/field").json()["errors"][0]["code"] == "TABLE-NOTFOUND-009"


def test_profiles_are_made_by_themselves_when_that_is_asked_for() -> None:
    with LyticsApi(definitions=USABLE, build_after=0.05) as api, _client(api, api.url) as client:
        _collect(client, PEOPLE)
        deadline = time.monotonic() + 10
        while client.get("/api/entity/user/email/p07@example.com").json()["message"] != "success":
            assert time.monotonic() < deadline
            time.sleep(0.05)


# What goes wrong


def test_a_storm_passes_and_says_when_only_if_it_is_told_to(api: LyticsApi, client: httpx.Client) -> None:
    api.faults.storm(2)
    api.faults.storm(1, retry_after=3)
    answers = [client.get("/v2/stream") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [429, 429, 429, 200]
    assert [answer.headers.get("retry-after") for answer in answers] == [None, None, "3", None]
    assert answers[0].json()["errors"][0]["message"] == "Rate limit exceeded"
    api.faults.order(Fault("refuse", method="POST", path="/collect/*", status=503, after=1))
    assert [_collect(client, PEOPLE).status_code for _ in range(3)] == [200, 503, 200]
    assert [seen.status for seen in api.requests[-3:]] == [200, 503, 200]


@pytest.mark.parametrize(
    ("fault", "taken"),
    [
        (Fault("refuse", status=502), 0),
        (Fault("drop"), 0),
        (Fault("spoil", status=504), 40),
        (Fault("lose"), 40),
        (Fault("cut"), 40),
        (Fault("garble"), 40),
    ],
)
def test_an_upload_goes_wrong_before_or_after_it_took_effect(
    api: LyticsApi, client: httpx.Client, fault: Fault, taken: int
) -> None:
    api.faults.order(fault)
    if fault.action in ("drop", "lose", "cut"):
        with pytest.raises(httpx.TransportError):
            _collect(client, PEOPLE)
    elif fault.action == "garble":
        with pytest.raises(ValueError):
            _collect(client, PEOPLE).json()
    else:
        assert _collect(client, PEOPLE).status_code == fault.status
    assert sum(stream["count"] for stream in _data(client.get("/v2/stream"))) == taken


def test_answers_can_take_their_time(api: LyticsApi, client: httpx.Client) -> None:
    api.faults.order(Fault("slow", seconds=0.3))
    begun = time.monotonic()
    assert _data(client.get("/v2/stream")) == []
    assert time.monotonic() - begun >= 0.3
    api.faults.order(Fault("slow", seconds=5))
    with pytest.raises(httpx.ReadTimeout):
        client.get("/v2/stream", timeout=0.2)
    api.faults.latency = 0.5
    with pytest.raises(httpx.ReadTimeout):
        client.get("/v2/stream", timeout=0.2)
    api.faults.clear()
    assert client.get("/v2/stream", timeout=5).status_code == 200


def test_uploads_come_in_beside_each_other(api: LyticsApi, client: httpx.Client) -> None:
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda number: _collect(client, f"email,c{number}\na@example.com,1\n"), range(12)))
    assert {answer.status_code for answer in answers} == {200}
    assert _data(client.get("/v2/stream/people"))["count"] == 12
    assert len(api.workspace.columns("people")) == 13


# Jobs


def _auth(client: httpx.Client, kind: str = "azure-storage-connection", **config: str) -> httpx.Response:
    body = {"label": "Storage", "config": config or {"connection_string": "AccountKey=c2VjcmV0"}}
    return client.post(f"/v2/auth/{kind}", json=body)


def test_a_job_needs_an_authorization_and_goes_through_its_states(api: LyticsApi, client: httpx.Client) -> None:
    made = _auth(client)
    assert made.status_code == 201
    assert "c2VjcmV0" not in made.text
    auth = made.json()["data"]["id"]
    assert [one["id"] for one in _data(client.get("/v2/auth"))] == [auth]
    job = {"name": "Export", "config": {"container": "out", "streams": ["people"]}, "auth_ids": [auth]}
    created = client.post("/v2/job/azure-event-export", json=job)
    assert created.status_code == 201
    path = f"/v2/job/{created.json()['data']['id']}"
    statuses = [created.json()["data"]["status"]]
    while statuses[-1] != "completed":
        time.sleep(0.02)
        statuses.append(_data(client.get(path))["status"])
    assert list(dict.fromkeys(statuses)) == ["initializing", "running", "completed"]
    assert _data(client.get("/v2/job")) == []
    assert len(_data(client.get("/v2/job", params={"show_completed": "true"}))) == 1

    job["config"] = {"container": "out", "continuous_update": True}
    waiting = client.post("/v2/job/azure_event_export", params={"run_job": "false"}, json=job).json()["data"]
    path = f"/v2/job/{waiting['id']}"
    assert waiting["status"] == "paused"
    assert _data(client.post(f"{path}/resume"))["status"] == "initializing"
    assert _data(client.post(f"{path}/pause"))["status"] == "paused"
    _data(client.post(f"{path}/resume"))
    api.jobs.fail(waiting["id"], "The container does not exist")
    assert _data(client.get(path))["status"] == "fault-1"
    assert [line["level"] for line in _data(client.get(f"{path}/logs"))].count("error") == 0
    *_, line = _data(client.get(f"{path}/logs", params={"include_errors": "true"}))
    assert (line["code"], line["message"]) == ("JOB-FAULT-022", "The container does not exist")
    assert _data(client.post(f"{path}/bounce"))["status"] == "initializing"
    assert _data(client.post(f"{path}/kill"))["status"] == "deleted"
    assert len(_data(client.get("/v2/job", params={"show_deleted": "true"}))) == 0
    assert len(_data(client.get("/v2/job", params={"show_all": "true"}))) == 2


def test_what_a_job_says_is_checked(api: LyticsApi, client: httpx.Client) -> None:
    auth = _auth(client).json()["data"]["id"]
    hub = _auth(client, "azure_event_hub").json()["data"]["id"]
    good: dict[str, Any] = {"name": "Import", "config": {"container": "in", "filename": "a.csv"}, "auth_ids": [auth]}
    for workflow, change, code in (
        ("no-such-import", {}, "WF-NOTFOUND-005"),
        ("azure-csv-import", {"config": {"container": "in", "file": "a.csv"}}, "JOB-BADREQ-002"),
        ("azure-csv-import", {"name": ""}, "JOB-BADREQ-002"),
        ("azure-csv-import", {"auth_ids": []}, "JOB-BADREQ-002"),
        ("azure-csv-import", {"auth_ids": [hub]}, "JOB-BADREQ-002"),
        ("azure-csv-import", {"auth_ids": ["nobody"]}, "AUTH-NOTFOUND-006"),
    ):
        refused = client.post(f"/v2/job/{workflow}", json=good | change)
        assert refused.json()["errors"][0]["code"] == code
    assert client.get("/v2/job/nobody/logs").json()["errors"][0]["code"] == "JOB-NOTFOUND-004"
    assert _auth(client, password="x").json()["errors"][0]["code"] == "AUTH-BADREQ-008"
    assert client.post("/v2/job/azure-csv-import", content="{").json()["errors"][0]["code"] == "JSON-BADREQ-025"
    made = [client.post("/v2/job/azure-csv-import", json=good).status_code for _ in range(11)]
    assert made == [201] * 10 + [429]


# The process of its own


def test_a_server_that_is_started_again_is_the_same(tmp_path: Path) -> None:
    server = LyticsApiServer(tmp_path, USABLE, build_after=0.05)
    with server, _client(server, server.bulk_url) as client:
        assert _data(_collect(client, PEOPLE))["message_count"] == 40
    before = server.url, server.bulk_url
    with server, _client(server, server.url) as client:
        assert (server.url, server.bulk_url) == before
        deadline = time.monotonic() + 15
        while client.get("/api/segment/berliners/scan").json()["total"] < 25:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert server.token.reveal() not in server.log.read_text()
