"""Traces: what was called is kept, what was said in it is dropped, in both forms alike."""

import gzip
import json

import pytest
from django.test import Client
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces

from audits.api import otlp
from audits.ledger.types import TYPES
from audits.models import Event, Observation
from audits.services import observing
from audits.tests import make
from audits.tests.event_types import misfits

CANARY = "Zebediah Quux, HIV positive"
TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"
KEPT = {
    "gen_ai.provider.name": "openai",
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4.1",
    "gen_ai.response.model": "gpt-4.1-2026-04-14",
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 512,
    "gen_ai.usage.output_tokens": 128,
    "server.address": "api.openai.com",
}
CONTENT = {
    "gen_ai.input.messages": CANARY,
    "gen_ai.output.messages": CANARY,
    "gen_ai.prompt.0.content": CANARY,
    f"patient.{CANARY}": CANARY,
}


def span(attributes: dict, events=(), *, trace_id=TRACE, span_id=SPAN, name="chat") -> dict:
    return {
        "trace_id": trace_id,
        "span_id": span_id,
        "name": name,
        "attributes": attributes,
        "events": list(events),
    }


def value(of: object) -> dict:
    if isinstance(of, list):
        return {"arrayValue": {"values": [value(each) for each in of]}}
    return {"intValue": str(of)} if isinstance(of, int) else {"stringValue": of}


def as_json(*spans: dict) -> bytes:
    def pairs(attributes: dict) -> list:
        return [{"key": key, "value": value(of)} for key, of in attributes.items()]

    told = [
        {
            "traceId": each["trace_id"],
            "spanId": each["span_id"],
            "name": each["name"],
            "startTimeUnixNano": "1795219200250000000",
            "endTimeUnixNano": 1795219201080000000,
            "attributes": pairs(each["attributes"]),
            "events": [{"name": name, "attributes": pairs(of)} for name, of in each["events"]],
        }
        for each in spans
    ]
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": told}]}]}).encode()


def as_protobuf(*spans: dict) -> bytes:
    request = traces.ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()

    def fill(target, attributes: dict) -> None:
        for key, of in attributes.items():
            made = target.add()
            made.key = key
            for each in of if isinstance(of, list) else [of]:
                into = made.value.array_value.values.add() if isinstance(of, list) else made.value
                name = "int_value" if isinstance(each, int) else "string_value"
                setattr(into, name, each)

    for each in spans:
        made = scope.spans.add()
        made.trace_id = bytes.fromhex(each["trace_id"])
        made.span_id = bytes.fromhex(each["span_id"])
        made.name = each["name"]
        made.start_time_unix_nano, made.end_time_unix_nano = (
            1795219200250000000,
            1795219201080000000,
        )
        fill(made.attributes, each["attributes"])
        for name, attributes in each["events"]:
            event = made.events.add()
            event.name = name
            fill(event.attributes, attributes)
    return request.SerializeToString()


FORMS = {otlp.JSON: as_json, otlp.PROTOBUF: as_protobuf}
form = pytest.mark.parametrize("form", FORMS)


@pytest.fixture
def integration(db):
    return make.active_integration()


@pytest.fixture
def api(integration):
    return make.Api(Client(), make.key(integration, scopes=["otlp:write"])[1])


def post(api, body: bytes, form: str, **headers):
    return api.post("otlp/v1/traces", body, content_type=form, **headers)


@form
def test_ids_names_and_counts_are_kept(api, integration, form):
    answer = post(api, FORMS[form](span(KEPT)), form)
    assert (answer.status_code, answer["Content-Type"]) == (200, form)
    row = Observation.objects.get()
    assert (row.integration, row.livemode) == (integration, True)
    assert (row.trace_id, row.span_id) == (TRACE, SPAN)
    assert (row.provider, row.operation, row.finish_reason) == ("openai", "chat", "stop")
    assert (row.model, row.response_model) == ("gpt-4.1", "gpt-4.1-2026-04-14")
    assert (row.input_tokens, row.output_tokens) == (512, 128)
    assert row.started_at.isoformat() == "2026-11-21T00:00:00.250000+00:00"
    assert (row.dropped, row.content) == (0, [])


@form
def test_content_is_dropped_counted_and_told_by_its_kind(api, form):
    event = ("gen_ai.choice", {"message": CANARY})
    answer = post(api, FORMS[form](span(KEPT | CONTENT, [event], name=CANARY)), form)
    row = Observation.objects.get()
    assert (row.dropped, row.content) == (5, ["input", "output"])
    everything = str(Observation.objects.values().get()) + str(list(Event.objects.values()))
    assert "quux" not in (everything + str(answer.content)).lower()


@form
def test_what_has_not_the_form_of_a_record_is_dropped(api, form):
    sent = KEPT | {"gen_ai.request.model": CANARY, "error.type": CANARY, "server.address": CANARY}
    post(api, FORMS[form](span(sent)), form)
    row = Observation.objects.get()
    assert (row.model, row.error, row.endpoint_host) == ("", "", "")


@form
def test_spans_of_something_else_are_let_go_and_ones_without_ids_rejected(api, form):
    other = span({"http.request.method": "GET"}, span_id="ab" * 8)
    nameless = span(KEPT, trace_id="ab")
    answer = post(api, FORMS[form](span(KEPT), other, nameless), form)
    assert Observation.objects.count() == 1
    if form == otlp.JSON:
        assert answer.json()["partialSuccess"]["rejectedSpans"] == "1"
    else:
        said = traces.ExportTraceServiceResponse.FromString(answer.content)
        assert said.partial_success.rejected_spans == 1


@form
def test_a_repeat_stores_nothing_twice(api, form):
    for _ in range(2):
        assert post(api, FORMS[form](span(KEPT), span(KEPT)), form).status_code == 200
    assert Observation.objects.count() == 1
    assert Event.objects.filter(type="observation").count() == 1


def test_the_ledger_has_the_digest_of_what_was_kept(api, integration):
    body = as_json(span(KEPT), span(KEPT | CONTENT, span_id="ab" * 8))
    post(api, body, otlp.JSON)
    event = Event.objects.get(type="observation")
    assert event.subject == integration.slug
    assert misfits("observation", event.payload) == []
    assert set(event.payload) == set(TYPES["observation"].members)
    assert (event.payload["spans"], event.payload["with_content"]) == (2, 1)
    rows = list(Observation.objects.order_by("pk"))
    assert event.payload["sha256"] == observing.digest(rows)


def test_a_packed_body_and_one_that_is_too_large(api):
    packed = gzip.compress(as_protobuf(span(KEPT)))
    answer = post(api, packed, otlp.PROTOBUF, **{"content-encoding": "gzip"})
    assert (answer.status_code, Observation.objects.count()) == (200, 1)
    bomb = gzip.compress(b" " * (6 * 1024 * 1024))
    for body, encoding, status in ((bomb, "gzip", 413), (packed[:-9], "gzip", 400)):
        answer = post(api, body, otlp.PROTOBUF, **{"content-encoding": encoding})
        assert answer.status_code == status
    assert post(api, b" " * (5 * 1024 * 1024 + 1), otlp.JSON).status_code == 413


@pytest.mark.parametrize(
    ("body", "form", "status"),
    [
        (CANARY.encode(), otlp.JSON, 400),
        (b'{"resourceSpans": 7}', otlp.JSON, 400),
        (b"[" * 100_000, otlp.JSON, 400),
        (b"\xff" + CANARY.encode(), otlp.PROTOBUF, 400),
        (b"{}", "text/plain", 415),
        (b"{}", otlp.JSON, 200),
    ],
)
def test_bad_bodies_get_a_problem_that_quotes_nothing(api, body, form, status):
    answer = post(api, body, form)
    assert answer.status_code == status
    assert b"Quux" not in answer.content


def test_the_scope_is_needed(integration):
    writer = make.Api(Client(), make.key(integration, scopes=["calls:write"])[1])
    assert post(writer, as_json(span(KEPT)), otlp.JSON).status_code == 403
    assert not Observation.objects.exists()


def test_a_test_key_tells_the_other_ledger(integration):
    api = make.Api(Client(), make.key(integration, scopes=["otlp:write"], livemode=False)[1])
    post(api, as_json(span(KEPT)), otlp.JSON)
    assert Event.objects.get(type="observation").ledger_id == 2
    assert not Observation.objects.get().livemode
