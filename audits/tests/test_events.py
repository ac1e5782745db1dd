"""Many records in one body: exact answers, nothing lost, nothing doubled."""

import datetime as dt
import gzip
import json
import uuid

import jsonschema
import psycopg
import pytest
import zstandard
from django.test import Client
from django.utils import timezone

from audits.api import events, ingest, schemas
from audits.models import Call, Completion, Lease
from audits.services.facts import State
from audits.tests import make

# Made once: `jsonschema.validate` looks through the schema itself again with every line.
RESULT = jsonschema.Draft202012Validator(schemas.RESULTS.response)
CANARY = "Mr Smith, HIV positive"


def call_line(**fields) -> dict:
    return {"type": "call", "body": make.call_body(**fields)}


def completion_line(call_id: str, **fields) -> dict:
    return {"type": "completion", "call_id": call_id, "body": make.completion_body(**fields)}


def packed(*lines: dict | bytes) -> bytes:
    return b"\n".join(x if isinstance(x, bytes) else json.dumps(x).encode() for x in lines)


def post(api, body: bytes, content_type="application/x-ndjson", **headers):
    return api.post("events", body, content_type=content_type, **headers)


def results(answer) -> list[dict]:
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "application/x-ndjson"
    found = [json.loads(line) for line in answer.content.splitlines()]
    for each in found:
        RESULT.validate(each)
    return found


def code(problem: dict) -> str:
    return problem["type"].removeprefix("urn:countersign:problem:")


def test_each_line_gets_what_its_own_request_would(api):
    call, denied = call_line(), call_line(region="eu-west-1")
    call_id = call["body"]["call_id"]
    lease = {"type": "lease", "call_id": call_id}
    found = results(post(api, packed(call, denied, lease, completion_line(call_id))))
    assert [each["status"] for each in found] == [201] * 4
    assert [found[n]["body"]["decision"] for n in (0, 1)] == ["allow", "deny"]
    assert found[2]["body"]["lease_until"]
    assert found[3]["body"]["state"] == "completed"
    assert Call.objects.get(call_id=call_id).source == "events"
    again = api.post("calls", call["body"])
    assert (again.status_code, again.json()) == (200, found[0]["body"])


def test_a_line_gets_the_same_in_one_look_and_in_parts(api, monkeypatch):
    def told() -> list[tuple[int, str]]:
        call = call_line()
        twice = json.dumps(call).encode()[:-1] + b',"body":{}}'
        lines = [
            call,
            completion_line(call["body"]["call_id"]),
            {"type": "lease", "call_id": call["body"]["call_id"]},
            {**call_line(), "call_id": call["body"]["call_id"]},
            {**call_line(), "more": 1},
            {"type": "completion", "body": make.completion_body()},
            {"type": "call"},
            {"body": call["body"]},
            call_line(model=CANARY),
            call_line(region=None),
            twice,
            b'{"type":"call","body":' + b"[" * 30_000,
            b'{"type":"call","type":"lease","call_id":"' + str(uuid.uuid4()).encode() + b'"}',
            b"[]",
        ]
        found = results(post(api, packed(*lines)))
        return [
            (x["status"], json.dumps(x["body"].get("errors")), x["body"].get("type")) for x in found
        ]

    in_one_look = told()
    monkeypatch.setattr(events, "whole_line", lambda line: None)
    assert in_one_look == told()
    assert [status for status, *_ in in_one_look[:4]] == [201, 201, 409, 400]


def test_a_bad_line_does_not_spoil_the_others(api):
    lines: list = [call_line() for _ in range(1000)]
    lines[499] = CANARY.encode()
    lines[500] = call_line(model=CANARY)
    lines[501] = {"type": CANARY, "body": {}}
    lines[502] = b""
    lines[503] = {"type": "completion", "body": make.completion_body()}
    lines[504] = call_line(integration="another")
    lines[505] = {"type": "lease", "call_id": str(uuid.uuid4())}
    lines[506] = {**call_line(), "call_id": str(uuid.uuid4())}
    lines[507] = b'{"type":"call","body":"' + b"x" * 70_000 + b'"}'
    answer = post(api, packed(*lines))
    assert "Smith" not in answer.content.decode()
    found = results(answer)
    assert [(n, each["status"]) for n, each in enumerate(found) if each["status"] != 201] == [
        (499, 400),
        (500, 400),
        (501, 400),
        (502, 400),
        (503, 400),
        (504, 403),
        (505, 404),
        (506, 400),
        (507, 413),
    ]
    assert [code(found[n]["body"]) for n in range(499, 508)] == [
        "malformed-json",
        "invalid-body",
        "invalid-body",
        "malformed-json",
        "invalid-body",
        "integration-mismatch",
        "call-not-found",
        "invalid-body",
        "body-too-large",
    ]
    assert found[500]["body"]["errors"] == [
        {"field": "model", "error": "does not have the form it must have"}
    ]
    assert Call.objects.count() == 991


def test_ids_that_come_twice_in_a_body_and_across_bodies(api):
    call, other = call_line(), call_line()
    changed = call_line(call_id=call["body"]["call_id"], model="gpt-5")
    found = results(post(api, packed(call, call, changed, other)))
    assert [each["status"] for each in found] == [201, 200, 422, 201]
    assert found[1]["body"] == found[0]["body"]
    assert code(found[2]["body"]) == "call-id-reused"
    again = results(post(api, packed(other, changed, call)))
    assert [each["status"] for each in again] == [200, 422, 200]
    assert again[2]["body"] == found[0]["body"]
    assert Call.objects.count() == 2


def test_completions_before_their_call_and_twice(api):
    call = call_line()
    call_id = call["body"]["call_id"]
    early, twice = completion_line(call_id), completion_line(call_id, outcome="failed")
    found = results(post(api, packed(early, call, early, twice)))
    assert [each["status"] for each in found] == [201, 201, 200, 409]
    assert found[0]["body"]["state"] == "completion_without_call"
    assert code(found[3]["body"]) == "already-completed"
    closed = results(post(api, packed({"type": "lease", "call_id": call_id})))
    assert code(closed[0]["body"]) == "already-completed"
    assert (Completion.objects.count(), Lease.objects.count()) == (1, 0)


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("zstd", zstandard.ZstdCompressor().compress),
        ("zstd", lambda body: b"".join(map(zstandard.compress, (body[:100], body[100:])))),
        ("gzip", lambda body: gzip.compress(body[:100]) + gzip.compress(body[100:])),
        ("identity", bytes),
    ],
    ids=["gzip", "zstd", "frames", "members", "identity"],
)
def test_bodies_may_be_packed(api, encoding, pack):
    body = packed(*(call_line() for _ in range(20))) + b"\n"
    found = results(post(api, pack(body), **{"content-encoding": encoding}))
    assert [each["status"] for each in found] == [201] * 20


def spaces(size: int) -> bytes:
    """A good line, and spaces behind it that make a body of so many bytes."""
    line = packed(call_line())
    return line + b"\n" + b" " * (size - len(line) - 1)


WIDE = zstandard.ZstdCompressor(
    compression_params=zstandard.ZstdCompressionParameters(window_log=27, write_content_size=False)
)


def bomb() -> bytes:
    """A gibibyte, in few bytes."""
    stream = zstandard.ZstdCompressor().compressobj(size=2**30)
    parts = [stream.compress(bytes(2**20)) for _ in range(2**10)]
    return b"".join([*parts, stream.flush()])


# By names: what a body holds differs from process to process. Made by the test that sends it:
# every process of a run reads this module.
WHOLE = {
    "gzip-cut": (lambda: gzip.compress(spaces(4000))[:-9], "gzip", 400, "malformed-encoding"),
    "gzip-not": (lambda: b"no gzip", "gzip", 400, "malformed-encoding"),
    "gzip-rest": (lambda: gzip.compress(b"{}") + b"rest", "gzip", 400, "malformed-encoding"),
    "gzip-bomb": (lambda: gzip.compress(bytes(2**26)), "gzip", 413, "events-too-large"),
    "gzip-one-more": (
        lambda: gzip.compress(spaces(events.MAX_BYTES + 1)),
        "gzip",
        413,
        "events-too-large",
    ),
    "zstd-cut": (lambda: zstandard.compress(spaces(9000))[:-4], "zstd", 400, "malformed-encoding"),
    "zstd-not": (lambda: b"no zstd", "zstd", 400, "malformed-encoding"),
    "zstd-bomb": (bomb, "zstd", 413, "events-too-large"),
    "one-more": (lambda: spaces(events.MAX_BYTES + 1), "identity", 413, "events-too-large"),
    "lines": (lambda: b"{}\n" * 1001, "identity", 413, "too-many-lines"),
    "brotli": (lambda: b"{}", "br", 415, "unsupported-encoding"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_body_that_is_refused_as_a_whole(api, name):
    body, encoding, status, expected = WHOLE[name]
    answer = post(api, body(), **{"content-encoding": encoding})
    assert answer.status_code == status
    assert code(answer.json()) == expected
    assert not Call.objects.exists()


def test_facts_that_cannot_be_read_leave_nothing_stored(api, monkeypatch):
    def away(*_):
        raise psycopg.OperationalError("row of Smith")

    monkeypatch.setattr(State, "use", away)
    answer = post(api, packed(call_line(), call_line()))
    assert (answer.status_code, code(answer.json())) == (503, "audit-unavailable")
    assert b"Smith" not in answer.content
    assert not Call.objects.exists()


def test_a_header_that_is_wrong_is_named(api):
    answer = post(api, packed(call_line()), **{"idempotency-key": "a b"})
    assert (answer.status_code, code(answer.json())) == (400, "invalid-header")


def test_a_body_without_a_line_is_refused(api):
    headers = {"authorization": f"Bearer {api.secret}", "content-type": "application/x-ndjson"}
    asked = ingest.Request("POST", "/api/v1/events", headers, lambda: b"", "127.0.0.1")
    answer = ingest.answer(asked)
    assert (answer.status, code(json.loads(answer.body))) == (400, "malformed-json")


def test_exactly_five_mebibytes_are_taken(api):
    found = results(post(api, spaces(events.MAX_BYTES)))
    assert [each["status"] for each in found] == [201, 413]


def test_a_window_that_would_take_much_memory_is_refused(api):
    stream = WIDE.compressobj()
    body = stream.compress(packed(call_line())) + stream.flush()
    answer = post(api, body, **{"content-encoding": "zstd"})
    assert code(answer.json()) == "malformed-encoding"


def test_another_media_type_is_refused(api):
    assert post(api, b"{}", content_type="application/json").status_code == 415


def test_a_drained_call_may_have_begun_long_ago(api):
    old, ahead = (
        call_line(started_at=(timezone.now() + dt.timedelta(days=days)).isoformat())
        for days in (-40, 1)
    )
    found = results(post(api, packed(old, ahead)))
    assert [each["status"] for each in found] == [201, 400]
    assert code(found[1]["body"]) == "clock-skew"


def test_lines_count_against_the_limit_of_the_key(api, settings):
    settings.API_REQUESTS_PER_MINUTE = 30
    body = packed(*(call_line() for _ in range(20)))
    assert post(api, body).status_code == 200
    refused = post(api, body)
    assert (refused.status_code, code(refused.json())) == (429, "rate-limited")
    assert int(refused["Retry-After"]) > 0
    assert Call.objects.count() == 20


def test_over_the_writer_too(live):
    secret = make.key(live)[1]
    api = make.Api(Client(), secret)
    call = call_line()
    found = results(post(api, packed(*(call_line() for _ in range(600)), call, call)))
    assert [each["status"] for each in found] == [201] * 601 + [200]
    assert Call.objects.count() == 601


def test_a_moment_that_no_record_can_hold_is_refused_in_its_line(api):
    odd = call_line(started_at="0001-01-01T00:00:00+05:00")
    found = results(post(api, packed(odd, call_line())))
    assert [each["status"] for each in found] == [400, 201]
    assert code(found[0]["body"]) == "clock-skew"
