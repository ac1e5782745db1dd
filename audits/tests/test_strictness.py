"""Nothing but ids, numbers, words and patterns gets in, and no refusal repeats what was sent."""

import json
import re
import uuid

import pytest
from django.db import connection
from psycopg import sql

from audits.bodies import Actor, CallBody, CompletionBody, SeedRecord, Usage
from audits.models import Call, Completion
from audits.tests import make

CANARY = "Mr Smith, HIV positive"
CALL_ID = "0198d5c2-6a70-7c3e-9a41-5d2f8b6c1e07"
WRONG = [CANARY, 0, 1.5, True, "true", [], [CANARY], {}, {CANARY: CANARY}, None]

FULL_CALL = make.call_body(
    operation_id=str(uuid.uuid4()),
    attempt=2,
    endpoint_host="api.openai.com",
    stream=True,
    features=["tools"],
    session_id="s-1",
    purpose="treatment",
    input_digest="sha256:" + "ab" * 32,
    sent_digest="hmac-sha256:k1:" + "cd" * 32,
    input_bytes=12,
    masked={"name": 2},
    bundle="b1",
    mode="strict",
    enforcement="enforce",
    client="countersign/0.1",
)
FULL_COMPLETION = make.completion_body(
    error="openai.RateLimitError",
    finish_reason="stop",
    ttfb_ms=12,
    provider_request_id="req_1",
    response_model="gpt-4.1",
    output_digest="sha256:" + "ef" * 32,
    ended_at="2026-11-20T12:00:00Z",
)
BODIES = {
    "calls": FULL_CALL,
    f"calls/{CALL_ID}/completion": FULL_COMPLETION,
    "records": make.record(),
    f"calls/{CALL_ID}/lease": {},
}
FIELDS = [(path, name) for path, body in BODIES.items() for name in body]


def everything_stored() -> str:
    """All rows of all tables, as text."""
    with connection.cursor() as cursor:
        found = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(table)))
            found += [row[0] for row in cursor.fetchall()]
    return "\n".join(found)


def assert_nowhere(answer, caplog) -> None:
    # The policy's nonce is drawn anew for each answer, and may spell anything.
    told = {name: text for name, text in answer.headers.items() if "nonce-" not in text}
    # Nor signatures, which spell anything too.
    said = re.sub(r"[A-Za-z0-9+/]{60,}", "", answer.content.decode())
    heard = said + str(told) + caplog.text
    for part in ("Smith", "HIV"):
        assert part not in heard


def test_the_full_bodies_are_good(api):
    for path, body in BODIES.items():
        answer = api.post(path, {**body, "started_at": None} if path == "calls" else body)
        assert answer.status_code in (201, 404), answer.content
    named = {f.name for f in Call._meta.fields} | {"actor", "integration"}
    assert set(CallBody.__struct_fields__) <= named
    assert set(FULL_CALL) | {"integration", "started_at"} == set(CallBody.__struct_fields__)
    assert set(FULL_COMPLETION) == set(CompletionBody.__struct_fields__)
    assert set(make.record()) == set(SeedRecord.__struct_fields__)


@pytest.mark.parametrize(("path", "field"), FIELDS)
def test_a_field_takes_its_own_kind_alone(api, caplog, path, field):
    good = BODIES[path]
    refused = 0
    for wrong in WRONG:
        if type(wrong) is type(good[field]) and wrong != CANARY:
            continue
        answer = api.post(path, {**good, field: wrong})
        assert_nowhere(answer, caplog)
        if answer.status_code == 400:
            refused += 1
            errors = answer.json().get("errors", [])
            assert all(e["field"].split(".")[0] in {*good, ""} for e in errors)
    assert refused >= 5
    assert "Smith" not in everything_stored()


@pytest.mark.parametrize(("path", "field"), FIELDS)
def test_content_is_refused_in_every_text(api, caplog, path, field):
    good = BODIES[path]
    for text in (CANARY, "line\nbreak", "end\n", "\u0000", "ünïcode", "x" * 5000, "<b>Smith</b>"):
        answer = api.post(path, {**good, field: text})
        assert answer.status_code == 400, (text[:10], answer.content)
        assert answer.json()["errors"][0]["field"] == field
        assert_nowhere(answer, caplog)
    assert not Call.objects.exists()
    assert not Completion.objects.exists()


@pytest.mark.parametrize("path", BODIES)
def test_an_unknown_field_is_refused_and_not_named(api, caplog, path):
    for name in (CANARY, "prompt"):
        answer = api.post(path, {**BODIES[path], name: CANARY})
        assert answer.status_code == 400
        assert answer.json()["errors"] == [{"field": "", "error": "has a field that is not known"}]
        assert_nowhere(answer, caplog)


@pytest.mark.parametrize(
    ("path", "change", "field"),
    [
        ("calls", {"actor": {"type": "user", "id": CANARY}}, "actor.id"),
        ("calls", {"actor": {"type": CANARY, "id": "u"}}, "actor.type"),
        ("calls", {"actor": {"type": "user", "id": "u", CANARY: 1}}, "actor"),
        ("calls", {"actor": {"type": "user"}}, "actor.id"),
        ("calls", {"features": [CANARY]}, "features"),
        ("calls", {"data_classes": ["phi", CANARY]}, "data_classes"),
        ("calls", {"masked": {CANARY: 1}}, "masked"),
        ("calls", {"masked": {"name": CANARY}}, "masked"),
        ("calls", {"masked": {"name": -1}}, "masked"),
        ("calls", {"masked": {f"r{n}": 1 for n in range(65)}}, "masked"),
        ("calls", {"attempt": 0}, "attempt"),
        ("calls", {"input_bytes": 2**53}, "input_bytes"),
        ("calls", {"input_bytes": 10**40}, "input_bytes"),
        ("calls", {"started_at": "2026-11-20T12:00:00"}, "started_at"),
        (f"calls/{CALL_ID}/completion", {"usage": {"input": "1"}}, "usage.input"),
        (f"calls/{CALL_ID}/completion", {"usage": {CANARY: 1}}, "usage"),
        (f"calls/{CALL_ID}/completion", {"http_status": 99}, "http_status"),
        (f"calls/{CALL_ID}/completion", {"error": "Bad: " + CANARY}, "error"),
        ("records", {"timestamp_utc": -1.0}, "timestamp_utc"),
        ("records", {"timestamp_utc": 1e300}, "timestamp_utc"),
        ("records", {"phi_hash": "abc"}, "phi_hash"),
        ("records", {"response_status": 600}, "response_status"),
    ],
)
def test_what_is_inside_is_checked_too(api, caplog, path, change, field):
    answer = api.post(path, {**BODIES[path], **change})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field
    assert_nowhere(answer, caplog)


@pytest.mark.parametrize("field", ["call_id", "model", "phi_present", "actor"])
def test_what_is_missing_is_named(api, field):
    body = make.call_body()
    del body[field]
    assert api.post("calls", body).json()["errors"] == [{"field": field, "error": "is required"}]


def test_a_canary_in_the_address_and_the_headers_goes_nowhere(api, caplog):
    for path in ("calls/Smith", "calls/Smith/completion", "Smith", "calls?cursor=Smith"):
        assert_nowhere(api.post(path, {"x": CANARY}), caplog)
        assert_nowhere(api.get(path), caplog)
    headers = {"x-request-id": CANARY, "idempotency-key": CANARY}
    assert_nowhere(api.post("calls", make.call_body(), **headers), caplog)
    assert_nowhere(api.post("calls", json.dumps(CANARY), content_type=CANARY), caplog)
    assert "Smith" not in everything_stored()


def test_every_text_has_a_pattern_or_a_list():
    for kind in (Actor, CallBody, CompletionBody, SeedRecord, Usage):
        for name, annotation in kind.__annotations__.items():
            assert str(annotation).split(" | ")[0] != "str", (kind, name)
