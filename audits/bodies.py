"""What callers may send: ids, numbers, words of a list, narrow patterns; never free text.

The structures are the whole contract: the decoder refuses what does not fit, and the description
of the API is made of them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from typing import Annotated, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from vendors.bodies.reading import BadBody, Reader

# Each pattern ends in \Z: a $ would let a line break through.
Word: TypeAlias = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_.-]{0,39}\Z")]
Feature: TypeAlias = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_.:-]{0,59}\Z")]
Provider: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,59}\Z")]
Region: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}\Z")]
ModelName: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9.:/_@-]{0,119}\Z")]
Slug: TypeAlias = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,79}\Z")]
Host: TypeAlias = Annotated[
    str, Meta(pattern=r"^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::[0-9]{1,5})?\Z", max_length=253)
]
Identity: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9@._:+-]{0,119}\Z")]
MaybeIdentity: TypeAlias = Annotated[
    str, Meta(pattern=r"^(?:[A-Za-z0-9][A-Za-z0-9@._:+-]{0,119})?\Z")
]
Digest: TypeAlias = Annotated[
    str, Meta(pattern=r"^(?:hmac-sha256:[A-Za-z0-9_.-]{1,64}|sha256):[0-9a-f]{64}\Z")
]
Sha256: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Reference: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:/#-]{0,80}\Z")]
Version: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/+:-]{0,79}\Z")]
ErrorClass: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_.]{0,79}\Z")]
RuleId: TypeAlias = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_.:-]{0,59}\Z")]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Milliseconds: TypeAlias = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Moment: TypeAlias = Annotated[
    dt.datetime, Meta(tz=True, description="RFC 3339 with its offset from UTC.")
]
# Further than any call, and well within what the database and Python tell of moments.
EARLIEST = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
LATEST = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)
Outcome: TypeAlias = Literal["succeeded", "failed", "timeout", "cancelled", "blocked", "unknown"]


class Actor(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, gc=False):
    """Who is behind the call: an id, never a name."""

    type: Literal["user", "service", "agent", "system"]
    id: Identity


class CallBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, gc=False):
    """A call about to be made. `call_id` should be a UUIDv7; it makes repeats harmless."""

    call_id: uuid.UUID
    provider: Provider
    operation: Word
    model: ModelName
    region: Region
    phi_present: bool
    actor: Actor
    integration: Slug | None = None
    operation_id: uuid.UUID | None = None
    attempt: Annotated[int, Meta(ge=1, le=1000)] = 1
    endpoint_host: Host | None = None
    stream: bool = False
    features: Annotated[list[Feature], Meta(max_length=20)] = []
    data_classes: Annotated[list[Slug], Meta(max_length=20)] = []
    session_id: Identity | None = None
    purpose: Word | None = None
    input_digest: Digest | None = None
    sent_digest: Digest | None = None
    input_bytes: Count | None = None
    masked: Annotated[dict[RuleId, Count], Meta(max_length=64)] = {}
    bundle: Version | None = None
    mode: Literal["strict", "spool", "observe"] | None = None
    enforcement: Literal["enforce", "monitor"] | None = None
    started_at: Moment | None = None
    client: Version | None = None


class QuestionBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, gc=False):
    """A call that is only asked about: what the gate looks at, as `CallBody` names it."""

    model: ModelName
    region: Region
    phi_present: bool
    actor: Actor
    integration: Slug | None = None
    provider: Provider | None = None
    operation: Word | None = None
    endpoint_host: Host | None = None
    features: Annotated[list[Feature], Meta(max_length=20)] = []
    data_classes: Annotated[list[Slug], Meta(max_length=20)] = []
    purpose: Word | None = None
    bundle: Version | None = None


class Usage(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, gc=False):
    """Tokens, as far as they are known."""

    input: Count | None = None
    output: Count | None = None
    cache: Count | None = None
    reasoning: Count | None = None


class CompletionBody(
    msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, gc=False
):
    """How a call ended. `error` is the class of the error alone: messages quote prompts."""

    event_id: uuid.UUID
    outcome: Outcome
    http_status: Annotated[int, Meta(ge=100, le=599)] | None = None
    error: ErrorClass | None = None
    finish_reason: Word | None = None
    usage: Usage = msgspec.field(default_factory=Usage)
    usage_source: Literal["provider", "none", "estimated"] = "none"
    ttfb_ms: Milliseconds | None = None
    latency_ms: Milliseconds | None = None
    provider_request_id: Identity | None = None
    response_model: ModelName | None = None
    output_digest: Digest | None = None
    ended_at: Moment | None = None


class Line(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, gc=False):
    """One of many: `body` is what the request of its own would carry, `call_id` its address."""

    type: Literal["call", "completion", "lease"]
    call_id: uuid.UUID | None = None
    body: msgspec.Raw = msgspec.Raw(b"{}")


class CallLine(
    msgspec.Struct, tag_field="type", tag="call", forbid_unknown_fields=True, frozen=True, gc=False
):
    """A `Line` of a call that is as it should be."""

    body: CallBody


class CompletionLine(
    msgspec.Struct,
    tag_field="type",
    tag="completion",
    forbid_unknown_fields=True,
    frozen=True,
    gc=False,
):
    """The same of a completion."""

    call_id: uuid.UUID
    body: CompletionBody


class LeaseBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Nothing: that the request came is all it says."""


class GapBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """That calls were made without a record: how many, when the first and when the last began."""

    event_id: uuid.UUID
    calls: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    first_at: Moment
    last_at: Moment


class SeedRecord(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The audit record of the wrapper that many teams paste, as its dataclass serializes.

    Units: `timestamp_utc` in seconds since 1970, `latency_ms` in milliseconds. A status of 0 means
    that the call is about to be made. Source: the article in the seeds.
    """

    event_id: uuid.UUID
    timestamp_utc: Annotated[float, Meta(ge=0, le=4_000_000_000)]
    user_id: Identity
    session_id: MaybeIdentity
    api_provider: Provider
    model: ModelName
    input_token_count: Count
    output_token_count: Count
    phi_present: bool
    phi_hash: Sha256 | None
    response_status: Annotated[int, Meta(ge=0, le=599)]
    latency_ms: Annotated[float, Meta(ge=0, le=2**31 - 1)]
    data_residency_region: Region
    baa_reference_id: Reference


Body: TypeAlias = CallBody | CompletionBody | LeaseBody | SeedRecord
B = TypeVar("B", CallBody, CompletionBody, LeaseBody, SeedRecord, Line, QuestionBody, GapBody)

_READER = Reader(
    (CallBody, CompletionBody, LeaseBody, SeedRecord, Line, QuestionBody, GapBody), (Actor, Usage)
)
_whole_line = msgspec.json.Decoder(CallLine | CompletionLine).decode
_sorted = msgspec.json.Encoder(order="sorted").encode


def check_moment(field: str, moment: dt.datetime | None) -> None:
    """Raises: BadBody for a moment that could not be stored, or not be read again."""
    if moment is not None and not EARLIEST <= moment <= LATEST:
        raise BadBody("invalid-body", field, "lies beyond what a record can hold")


def whole_line(line: bytes) -> CallLine | CompletionLine | None:
    """The line with its body, in one look; None for one that has to be looked at in parts."""
    try:
        found: CallLine | CompletionLine = _whole_line(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found


def parse(kind: type[B], body: bytes) -> B:
    """The body as the structure `kind`. Raises: BadBody, which quotes nothing that was sent."""
    return _READER.parse(kind, body)


def fingerprint(body: Body) -> bytes:
    """SHA-256 of the body in one form, whatever order and spaces it was sent in."""
    return hashlib.sha256(_sorted(body)).digest()
