"""REST inserts, tokens, health and figures."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from prometheus_client import CollectorRegistry

from pitlake.ingest.access import Access
from pitlake.ingest.rest import HttpError, RestService, records_of
from pitlake.ingest.tables import MOST_RECORD_BYTES


@pytest.fixture(name="http")
def _http(endpoint):
    with httpx.Client(base_url=endpoint.addresses.workspace, trust_env=False) as client:
        yield client


@pytest.fixture(name="token")
def _token(endpoint, http):
    answer = http.post("/oidc/v1/token", data={"grant_type": "client_credentials"}, auth=(endpoint.client_id, endpoint.secret))
    assert answer.status_code == 200
    return answer.json()["access_token"]


def _insert(http, table, token, body="[]", kind="application/json"):
    headers = {"authorization": f"Bearer {token}", "content-type": kind}
    return http.post(f"/zerobus/v1/tables/{table}/insert", content=body, headers=headers)


def test_records_are_in_the_topic_when_the_answer_comes(http, token, table, landed):
    answer = _insert(http, table.name, token, ' [ {"a": 1.10}, {"b":[1,{}]} ] ')
    assert (answer.status_code, answer.json()) == (200, {})
    assert landed(table) == [b'{"a": 1.10}', b'{"b":[1,{}]}']


def test_nothing_is_inserted_by_an_empty_array(http, token, table):
    assert _insert(http, table.name, token, "[]").status_code == 200


@pytest.mark.parametrize("body", ['{"a":1}', "[1]", "[{]", "", '"text"', "[{} {}]", "\xff"])
def test_a_body_that_is_no_array_of_objects_is_refused(http, token, table, body):
    answer = _insert(http, table.name, token, body.encode("latin-1"))
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("body", [b'[{"a":1}]', b'[{"a":"]},{"},{}]', b'[ {"a":\t1 } ,\n{} ]'])
def test_each_object_is_taken_verbatim(body):
    items = records_of(body)
    assert b"".join(body.split()) == b"[" + b",".join(b"".join(item.split()) for item in items) + b"]"
    assert all(item in body for item in items)


def test_deeply_nested_json_is_refused():
    with pytest.raises(HttpError):
        records_of(b'[{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}]")


def test_without_a_good_token_nobody_inserts(http, table):
    answer = _insert(http, table.name, "forged")
    assert (answer.status_code, answer.json()["error_code"]) == (401, "UNAUTHENTICATED")


def test_a_token_for_another_table_does_not_do(endpoint, http, table):
    details = '[{"type":"unity_catalog_privileges","privileges":["MODIFY"],"object_type":"TABLE","object_full_path":"c.s.other"}]'
    form = {"grant_type": "client_credentials", "authorization_details": details}
    token = http.post("/oidc/v1/token", data=form, auth=(endpoint.client_id, endpoint.secret)).json()["access_token"]
    answer = _insert(http, table.name, token)
    assert (answer.status_code, answer.json()["error_code"]) == (403, "PERMISSION_DENIED")


def test_an_unknown_table_is_not_found(http, token):
    answer = _insert(http, "c.s.unknown", token)
    assert (answer.status_code, answer.json()["error_code"]) == (404, "NOT_FOUND")


def test_other_content_is_not_implemented(http, token, table):
    answer = _insert(http, table.name, token, "a,b", "text/csv")
    assert (answer.status_code, answer.json()["error_code"]) == (501, "NOT_IMPLEMENTED")


def test_a_body_that_is_too_large_is_refused(http, token, table):
    answer = _insert(http, table.name, token, b'[{"a":"' + b"x" * (17 * 1024 * 1024) + b'"}]')
    assert answer.status_code == 413


def test_a_record_is_measured_in_bytes():
    text = "é" * (MOST_RECORD_BYTES // 2)
    with pytest.raises(HttpError, match="more than 10,485,760 bytes"):
        records_of(f'[{{"a":"{text}"}}]'.encode())


async def _insert_meanwhile(doors):
    service = RestService(doors, Access(None), None, None, CollectorRegistry())
    transport = httpx.ASGITransport(app=service.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://endpoint") as client:
        return await client.post("/zerobus/v1/tables/c.s.t/insert", json=[])


def test_while_the_broker_is_away_a_table_that_is_not_open_is_unavailable(doors_without_broker):
    answer = asyncio.run(_insert_meanwhile(doors_without_broker))
    assert answer.status_code == 503
    assert answer.json() == {"error_code": "TEMPORARILY_UNAVAILABLE", "message": "The broker is away."}


@pytest.mark.parametrize(
    ("form", "credentials", "status", "error"),
    [
        ({"grant_type": "client_credentials"}, ("tester", "wrong"), 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, ("nobody", ""), 401, "invalid_client"),
        ({"grant_type": "password"}, None, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials", "authorization_details": "{"}, None, 400, "invalid_authorization_details"),
    ],
)
def test_a_token_request_that_is_wrong_says_why(endpoint, http, form, credentials, status, error):
    answer = http.post("/oidc/v1/token", data=form, auth=credentials or (endpoint.client_id, endpoint.secret))
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_it_lives_and_is_ready(http):
    assert [http.get(path).status_code for path in ("/healthz", "/readyz")] == [200, 200]


def test_the_figures_count_what_comes_over_both_protocols(endpoint, http, token, table, stream_to):
    for _ in range(2):
        _insert(http, table.name, token, '[{"a":1},{"a":2}]')
    with stream_to(endpoint, table.name) as stream:
        stream.wait_for_offset(stream.ingest_record_offset('{"a":3}'))
        text = http.get("/metrics").text
    expected = {
        "records_total": 5,
        "bytes_total": 35,
        "duplicates_refused_total": 2,
        "acks_total": 3,
        "ack_latency_seconds_count": 3,
        "open_streams": 1,
    }
    for name, value in expected.items():
        assert f'pitlake_ingest_{name}{{table="{table.name}"}} {value}.0' in text


def test_the_document_describes_every_path(http):
    document = http.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert "/zerobus/v1/tables/{table}/insert" in document["paths"]
    assert "/oidc/v1/token" in document["paths"]
