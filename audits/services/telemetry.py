"""Reads OpenTelemetry's traces down to what is kept of a call to an AI service.

What is not on the list is left where it came: values of other attributes are never decoded.
Source: OpenTelemetry protocol 1.x, semantic conventions for generative AI (docs/sources.md).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces

from audits.bodies import ErrorClass, Host, Identity, ModelName, Provider, Word

if TYPE_CHECKING:
    from opentelemetry.proto.common.v1.common_pb2 import KeyValue

MOST_SPANS = 5_000
# Nanoseconds since 1970 beyond which a moment is none.
LAST_MOMENT = 253_402_300_799_000_000_000
MOST_TOKENS = 2**53 - 1
Value: TypeAlias = "str | int"

# Attribute to member, the newest name last: a later one stands over an earlier one.
KEPT: Mapping[str, str] = {
    "gen_ai.system": "provider",
    "gen_ai.provider.name": "provider",
    "gen_ai.operation.name": "operation",
    "gen_ai.request.model": "model",
    "gen_ai.response.model": "response_model",
    "gen_ai.response.id": "provider_request_id",
    "gen_ai.response.finish_reasons": "finish_reason",
    "gen_ai.usage.prompt_tokens": "input_tokens",
    "gen_ai.usage.completion_tokens": "output_tokens",
    "gen_ai.usage.input_tokens": "input_tokens",
    "gen_ai.usage.output_tokens": "output_tokens",
    "server.address": "endpoint_host",
    "error.type": "error",
}
# What makes a span one of a call to an AI service.
SIGNS = frozenset({"gen_ai.system", "gen_ai.provider.name", "gen_ai.operation.name"})
# Beginnings of the names under which content is sent, and what it is called here.
CONTENT: Mapping[str, str] = {
    "gen_ai.input.messages": "input",
    "gen_ai.output.messages": "output",
    "gen_ai.system_instructions": "instructions",
    "gen_ai.prompt": "input",
    "gen_ai.completion": "output",
    "gen_ai.content.prompt": "input",
    "gen_ai.content.completion": "output",
    "gen_ai.tool.call.arguments": "tool-arguments",
    "gen_ai.tool.call.result": "tool-result",
    "gen_ai.user.message": "input",
    "gen_ai.system.message": "instructions",
    "gen_ai.assistant.message": "output",
    "gen_ai.tool.message": "tool-result",
    "gen_ai.choice": "output",
    "llm.prompts": "input",
    "llm.completions": "output",
    "llm.input_messages": "input",
    "llm.output_messages": "output",
    "input.value": "input",
    "output.value": "output",
    "traceloop.entity.input": "input",
    "traceloop.entity.output": "output",
}
_CONTENT = re.compile("(?:" + "|".join(map(re.escape, CONTENT)) + r")(?=\Z|\.)")
_HEX = {size: re.compile(rf"[0-9a-fA-F]{{{size}}}") for size in (16, 32)}
_FORMS: Mapping[str, object] = {
    "provider": Provider,
    "operation": Word,
    "model": ModelName,
    "response_model": ModelName,
    "provider_request_id": Identity,
    "finish_reason": Word,
    "endpoint_host": Host,
    "error": ErrorClass,
}


class BadTraces(Exception):
    """The body is not what OTLP sends."""


@dataclass(slots=True)
class Span:
    """What is kept of one span. Tokens are counts; `content` names kinds, sorted."""

    trace_id: str
    span_id: str
    started_at: dt.datetime | None
    ended_at: dt.datetime | None
    members: dict[str, Value] = field(default_factory=dict)
    dropped: int = 0
    content: tuple[str, ...] = ()


@dataclass(slots=True)
class Traces:
    """The spans of AI calls, how many others there were, and how many had no place or no ids."""

    spans: list[Span] = field(default_factory=list)
    others: int = 0
    rejected: int = 0


class _Attribute(msgspec.Struct, frozen=True, gc=False):
    key: str = ""
    value: msgspec.Raw = msgspec.Raw(b"null")


class _Event(msgspec.Struct, frozen=True, gc=False):
    name: str = ""
    attributes: list[_Attribute] = []


class _Span(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    trace_id: str = ""
    span_id: str = ""
    start_time_unix_nano: str | int = 0
    end_time_unix_nano: str | int = 0
    attributes: list[_Attribute] = []
    events: list[_Event] = []


class _Scope(msgspec.Struct, frozen=True, gc=False):
    spans: list[_Span] = []


class _Resource(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    scope_spans: list[_Scope] = []


class _Request(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    resource_spans: list[_Resource] = []


class _Array(msgspec.Struct, frozen=True, gc=False):
    values: list[_Scalar] = []


class _Scalar(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    string_value: str | None = None
    int_value: str | int | None = None
    array_value: _Array | None = None


_request = msgspec.json.Decoder(_Request)
_scalar = msgspec.json.Decoder(_Scalar)


def read_json(body: bytes) -> Traces:
    """The traces of OTLP's JSON. Raises: BadTraces, which quotes nothing."""
    try:
        request = _request.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadTraces from None
    every = (s for r in request.resource_spans for scope in r.scope_spans for s in scope.spans)
    return _gathered(_json_span(span) for span in every)


def read_protobuf(body: bytes) -> Traces:
    """The traces of OTLP's protobuf. Raises: BadTraces, which quotes nothing."""
    try:
        request = traces.ExportTraceServiceRequest.FromString(body)
    except DecodeError:
        raise BadTraces from None
    every = (s for r in request.resource_spans for scope in r.scope_spans for s in scope.spans)
    return _gathered(_protobuf_span(span) for span in every)


def answer_protobuf(rejected: int, sentence: str) -> bytes:
    """What OTLP answers: how many spans were not taken, and why."""
    answer = traces.ExportTraceServiceResponse()
    if rejected:
        answer.partial_success.rejected_spans = rejected
        answer.partial_success.error_message = sentence
    answered: bytes = answer.SerializeToString()
    return answered


def _gathered(found: Iterable[Span | bool]) -> Traces:
    """`found` has spans, False for one of something else, True for one that has no ids."""
    told = Traces()
    for each in found:
        if isinstance(each, Span) and len(told.spans) < MOST_SPANS:
            told.spans.append(each)
        elif each is False:
            told.others += 1
        else:
            told.rejected += 1
    return told


def _json_span(span: _Span) -> Span | bool:
    names = [attribute.key for attribute in span.attributes]
    if SIGNS.isdisjoint(names):
        return False
    if not (_HEX[32].fullmatch(span.trace_id) and _HEX[16].fullmatch(span.span_id)):
        return True
    made = Span(
        span.trace_id.lower(),
        span.span_id.lower(),
        _moment(span.start_time_unix_nano),
        _moment(span.end_time_unix_nano),
    )
    told = ((a.key, _json_value(a.value)) for a in span.attributes if a.key in KEPT)
    events = [(event.name, [a.key for a in event.attributes]) for event in span.events]
    return _filled(made, names, told, events)


def _json_value(raw: msgspec.Raw) -> Value | None:
    try:
        value = _scalar.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if value.array_value is not None and value.array_value.values:
        value = value.array_value.values[0]
    return value.string_value if value.string_value is not None else value.int_value


def _protobuf_span(span: Any) -> Span | bool:
    names = [attribute.key for attribute in span.attributes]
    if SIGNS.isdisjoint(names):
        return False
    if len(span.trace_id) != 16 or len(span.span_id) != 8:
        return True
    made = Span(
        span.trace_id.hex(),
        span.span_id.hex(),
        _moment(span.start_time_unix_nano),
        _moment(span.end_time_unix_nano),
    )
    told = ((a.key, _protobuf_value(a)) for a in span.attributes if a.key in KEPT)
    events = [(event.name, [a.key for a in event.attributes]) for event in span.events]
    return _filled(made, names, told, events)


def _protobuf_value(attribute: KeyValue) -> Value | None:
    value = attribute.value
    if value.WhichOneof("value") == "array_value" and value.array_value.values:
        value = value.array_value.values[0]
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return str(value.string_value)
    return int(value.int_value) if kind == "int_value" else None


def _filled(
    made: Span,
    names: Sequence[str],
    told: Iterable[tuple[str, Value | None]],
    events: Sequence[tuple[str, list[str]]],
) -> Span:
    by_name = {name: value for name, value in told if value is not None}
    for name, member in KEPT.items():
        fits = _fitting(member, by_name[name]) if name in by_name else None
        if fits is not None:
            made.members[member] = fits
    inside = [key for _, keys in events for key in keys]
    made.dropped = sum(name not in KEPT for name in names) + len(inside)
    made.content = tuple(sorted(set(_contents(names, events))))
    return made


def _contents(names: Sequence[str], events: Sequence[tuple[str, list[str]]]) -> Iterator[str]:
    """Kinds of content among names. An event that is named so carries it in its attributes."""
    told = [*names, *(key for _, keys in events for key in keys)]
    told += [name for name, keys in events if keys]
    for name in told:
        found = _CONTENT.match(name)
        if found:
            yield CONTENT[found[0]]


def _fitting(member: str, value: Value) -> Value | None:
    """The value if it has the form that a call's record has; what has not may be content."""
    if member.endswith("_tokens"):
        return _number(value, MOST_TOKENS)
    if not isinstance(value, str):
        return None
    text = value.lower() if member in ("operation", "finish_reason", "endpoint_host") else value
    try:
        fitting: str = msgspec.convert(text, _FORMS[member])
    except msgspec.ValidationError:
        return None
    return fitting


def _number(value: Value, most: int) -> int | None:
    """A count that JSON may have sent as a string."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdecimal() and len(value) < 20 else -1
    return value if 0 <= value <= most else None


def _moment(nanoseconds: Value) -> dt.datetime | None:
    number = _number(nanoseconds, LAST_MOMENT)
    return dt.datetime.fromtimestamp(number // 1000 / 1e6, dt.UTC) if number else None
