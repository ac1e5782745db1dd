"""Answers read in passing: usage of every provider, events of every stream, whatever is sent."""

from __future__ import annotations

import base64
import json
import zlib

import httpx
import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from countersign.client.asking import Asked, described, features_of, model_of
from countersign.client.digesting import DigestKey
from countersign.client.events import MAX_EVENT, AwsEvents, JsonLines, ServerSentEvents
from countersign.client.judging import assembled
from countersign.client.listening import (
    _NULL_USAGE,
    MAX_UNPACKED,
    Listener,
    _without_null_usage,
    unpacked,
)
from countersign.client.operations import Operations
from countersign.client.requests import fields_of, rebuilt
from countersign.client.usage import _TELLING, Reading, _is_usual, counts

KEY = DigestKey("k1", b"x" * 32)


def aws(payload: bytes, headers: bytes = b"") -> bytes:
    head = (16 + len(headers) + len(payload)).to_bytes(4, "big") + len(headers).to_bytes(4, "big")
    body = head + zlib.crc32(head).to_bytes(4, "big") + headers + payload
    return body + zlib.crc32(body).to_bytes(4, "big")


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 4,
                "prompt_tokens_details": {"cached_tokens": 2},
            },
            {"input": 9, "output": 4, "cache": 2},
        ),
        (
            {
                "input_tokens": 9,
                "output_tokens": 4,
                "output_tokens_details": {"reasoning_tokens": 3},
            },
            {"input": 9, "output": 4, "reasoning": 3},
        ),
        (
            {"input_tokens": 9, "cache_read_input_tokens": 2, "cache_creation_input_tokens": 3},
            {"input": 9, "cache": 5},
        ),
        (
            {"promptTokenCount": 9, "candidatesTokenCount": 4, "thoughtsTokenCount": 1},
            {"input": 9, "output": 4, "reasoning": 1},
        ),
        (
            {
                "billed_units": {"input_tokens": 1},
                "tokens": {"input_tokens": 9.0, "output_tokens": 4.0},
            },
            {"input": 9, "output": 4},
        ),
        ({"inputTokens": 9, "outputTokens": 4}, {"input": 9, "output": 4}),
        ({"prompt_tokens": "9", "completion_tokens": True, "input_tokens": -1}, {}),
        ({"prompt_tokens": float("nan"), "completion_tokens": float("inf")}, {}),
        ({"prompt_tokens_details": None, "tokens": None}, {}),
    ],
)
def test_every_providers_names_are_understood(usage, expected):
    assert counts(usage) == expected


def test_what_the_caller_wrote_is_never_taken_for_what_the_provider_says():
    reading = Reading()
    reading.document(
        {"model": "gpt-4o", "metadata": {"model": "other", "usage": {"input_tokens": 1}}}
    )
    assert (reading.model, reading.usage) == ("gpt-4o", {})


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "usage",
                        "choices",
                        "model",
                        "type",
                        "error",
                        "delta",
                        "message",
                        "finish_reason",
                        "prompt_tokens",
                        "x",
                    ]
                ),
                inner,
            )
        ),
    )
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_answer_breaks_the_reading(document):
    Reading().document(document)


def test_lists_in_lists_do_not_break_the_reading():
    document = []
    for _ in range(5000):
        document = [document]
    Reading().document(document)


@settings(deadline=None)
@given(st.binary(max_size=400), st.integers(1, 40))
def test_no_bytes_are_lost_or_made_up_by_cutting(body, size):
    for cutter in (ServerSentEvents(), AwsEvents()):
        out = b"".join(
            event
            for at in range(0, len(body), size)
            for event, _ in cutter.feed(body[at : at + size])
        )
        assert out + cutter.rest() == body


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
def test_server_sent_events_end_in_three_ways(end):
    body = (
        b"event: a\ndata: {1\ndata: 2}".replace(b"\n", end[: len(end) // 2])
        + end
        + b"data: [DONE]"
        + end
    )
    found = [payload for at in range(len(body)) for _, payload in cutter_feed(body, at)]
    assert found == [b"{1\n2}", b"[DONE]"]


def cutter_feed(body: bytes, at: int):
    """One byte at a time into one cutter, made anew for the first."""
    if at == 0:
        cutter_feed.cutter = ServerSentEvents()
    return list(cutter_feed.cutter.feed(body[at : at + 1]))


def test_an_event_without_end_stops_the_reading_and_not_the_stream():
    cutter = ServerSentEvents()
    chunk = b"data: " + b"x" * 1024 * 1024
    passed = sum(len(event) for _ in range(8) for event, _ in cutter.feed(chunk))
    assert passed + len(cutter.rest()) == 8 * len(chunk)
    assert passed > MAX_EVENT


def test_amazons_events_are_unwrapped():
    inner = base64.b64encode(b'{"type":"message_stop"}').decode()
    body = aws(json.dumps({"bytes": inner}).encode()) + aws(b'{"stopReason":"end_turn"}')
    payloads = [payload for at in range(len(body)) for _, payload in AwsFeed.feed(body, at)]
    assert payloads == [b'{"type":"message_stop"}', b'{"stopReason":"end_turn"}']


class AwsFeed:
    cutter = AwsEvents()

    @classmethod
    def feed(cls, body: bytes, at: int):
        return list(cls.cutter.feed(body[at : at + 1]))


def test_amazons_exceptions_are_failures():
    listener = Listener("application/vnd.amazon.eventstream", "", KEY, strips=False)
    listener.feed(aws(b'{"message":"..."}', b"\x0f:exception-type\x07\x00\x01x"))
    assert listener.reading.failed


def test_lines_of_json_are_events():
    cutter = JsonLines()
    assert [p for _, p in cutter.feed(b'{"a":1}\n{"b"')] == [b'{"a":1}']
    assert cutter.rest() == b'{"b"'


def test_a_damaged_packed_answer_passes_unread():
    listener = Listener("application/json", "gzip", KEY, strips=False)
    assert listener.feed(b"not gzip") == b"not gzip"
    assert listener.rest() == b""
    assert listener.reading.usage == {}
    assert unpacked(b"not gzip", "gzip") is None
    assert unpacked(b"x", "br") is None


def test_a_packed_bomb_is_not_unpacked():
    bomb = zlib.compressobj(1, wbits=zlib.MAX_WBITS | 16)
    packed = bomb.compress(bytes(MAX_UNPACKED + 1)) + bomb.flush()
    listener = Listener("application/json", "gzip", KEY, strips=False)
    assert listener.feed(packed) == packed
    assert unpacked(packed, "gzip") is None


def test_null_usage_that_was_not_asked_for_goes_and_nothing_else():
    listener = Listener("text/event-stream", "", KEY, strips=True)
    said = rb'{"delta":{"content":"\"usage\":null, \"usage\": null"}}'
    chunk = b'data: {"choices":[' + said + b'],"usage":null}\n\n'
    assert listener.feed(chunk) == chunk.replace(b',"usage":null}\n', b"}\n")
    usage = b'data: {"choices":[],"usage":{"prompt_tokens":3}}\n\n'
    filters = b'data: {"choices":[],"prompt_filter_results":[]}\n\n'
    assert listener.feed(usage + filters) == filters
    assert listener.reading.usage == {"input": 3}


def test_texts_of_a_stream_are_put_together():
    events = [
        {"index": 0, "delta": {"text": "219-"}},
        {"index": 1, "delta": {"text": "other"}},
        {"index": 0, "delta": {"text": "09-9999"}},
    ]
    body = b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in events)
    assert set(assembled(body, "text/event-stream").values()) == {"219-09-9999", "other"}


@pytest.mark.parametrize(
    ("target", "body", "model"),
    [
        ("/v1/chat/completions", {"model": "gpt-4o"}, "gpt-4o"),
        ("/openai/deployments/gpt4-prod/chat/completions?api-version=1", {}, "gpt4-prod"),
        (
            "/model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke",
            {},
            "anthropic.claude-3-haiku-20240307-v1:0",
        ),
        ("/v1beta/models/gemini-2.5-flash:generateContent", {}, "gemini-2.5-flash"),
        ("/v1/chat/completions", {"model": "Ann Poe's model"}, "unknown"),
        ("/v1/chat/completions", {"model": 7}, "unknown"),
    ],
)
def test_the_model_is_found_where_the_provider_has_it(target, body, model):
    assert model_of(target, body) == model


def test_hosted_tools_are_features_and_own_functions_are_not():
    tools = [
        {"type": "function"},
        {"type": "web_search_20250305"},
        {"type": "file_search"},
        "x",
        {},
    ]
    assert features_of({"tools": tools}) == ("file-search", "web-search")


def test_a_stream_is_told_by_body_or_address():
    asked = Asked(
        "POST", "h", "/v1beta/models/m:streamGenerateContent?alt=sse", "application/json", b""
    )
    assert described(asked, {}).stream
    assert not described(Asked("POST", "h", "/v1/messages", "application/json", b""), {}).stream


def test_a_failure_is_gone_on_with_once():
    operations = Operations()
    key = ("user:1", "POST", "h", "/", "digest")
    first = operations.join(key, None)
    operations.failed(key, first)
    second = operations.join(key, None)
    assert (second.operation_id, second.attempt) == (first.operation_id, 2)
    assert operations.join(key, None).operation_id != first.operation_id
    operations.failed(key, second)
    assert operations.join(key, 0).attempt == 1
    assert operations.join(("user:2", *key[1:]), None).attempt == 1


@settings(max_examples=400)
@given(
    st.lists(
        st.sampled_from(
            [
                b'"finish_reason":null',
                b'"finish_reason": null',
                b'"finish_reason":"stop"',
                b'"stopReason" : "end"',
                b'"usage":null',
                b'"usage" : {',
                b'"usage":{',
                b'"usageMetadata":{',
                b'"usageMetadata":null',
                b'"error"',
                b'"type":"message_stop"',
                b'"type": "delta"',
                b"-invocationMetrics",
                b",",
                b"}",
                b"{",
                b" ",
                b"a",
            ]
        ),
        max_size=8,
    )
)
def test_what_is_passed_over_as_usual_says_nothing(parts):
    payload = b"".join(parts)
    assert not (_is_usual(payload) and _TELLING.search(payload))


@settings(max_examples=400)
@given(
    st.lists(
        st.sampled_from(
            [b'"usage":null', b'"usage" : null', b'"usage":{}', b",", b" ", b"}", b'"a":1', b"{"]
        ),
        max_size=8,
    )
)
def test_usage_that_is_null_is_taken_out_as_the_pattern_says(parts):
    event = b"".join(parts)
    found = _without_null_usage(event)
    expected = _NULL_USAGE.sub(b"", event, count=1) if _NULL_USAGE.search(event) else None
    assert found == expected


@pytest.mark.parametrize("library", [httpx, httpx2])
@pytest.mark.parametrize(
    "headers",
    [
        [(b"Content-Type", b"text/plain"), (b"X-A", b"1"), (b"x-a", b"2")],
        [(b"X-Name", "M\u00fcller".encode()), (b"X-A", b"1")],
        [(b"X-Name", "M\u00fcller".encode("latin-1"))],
        [],
    ],
)
def test_headers_read_at_once_are_what_the_client_reads(library, headers):
    theirs = library.Headers(headers)
    assert fields_of(theirs) == dict(theirs.items())


@pytest.mark.parametrize("library", [httpx, httpx2])
@pytest.mark.parametrize("body", [b"", b"{}", b"x" * 1000])
def test_a_request_with_another_body_is_as_the_client_would_make_it(library, body):
    was = library.Request(
        "POST", "https://a.example/v1?q=1", headers={"X-A": "1"}, json={"a": 1}, extensions={"b": 2}
    )
    made = rebuilt(was, body)
    assert (made.method, made.url, made.content) == ("POST", was.url, body)
    assert b"".join(made.stream) == body
    assert dict(made.headers) == {**was.headers, "content-length": str(len(body))}
    assert made.extensions == {"b": 2}
    assert was.content == b'{"a":1}' or json.loads(was.content) == {"a": 1}
    assert was.headers["content-length"] == str(len(was.content))
