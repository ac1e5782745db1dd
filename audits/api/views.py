"""Django's way to the API: the posts go to the same function as on the hot path."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin
from django.http import HttpResponse, QueryDict
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound, PermissionDenied, Throttled, ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from audits.api import ingest, schemas
from audits.api.limits import BUCKETS
from audits.api.turns import Answer
from audits.api.wsgi import request_of
from audits.filters import CallApiFilter
from audits.services import answers, reading, records, uses
from audits.services.reads import Read, record_read
from policies.authentication import KeyHolder
from policies.models import IntegrationKey
from policies.services.keyring import KeyFacts
from vendors.bodies.reading import request_id
from vendors.network import peer_of

if TYPE_CHECKING:
    from audits.models.calls import CallQuerySet

MAX_LIMIT = 200


class IngestView(APIView):
    """A view whose POST is answered by `ingest.answer`, the key and all else included."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.method != "POST":
            super().initial(request, *args, **kwargs)

    def ingest(self, request: Request) -> HttpResponse:
        return self.respond(ingest.answer(request_of(request.META)))

    def respond(self, answered: Answer) -> HttpResponse:
        response = HttpResponse(answered.body, status=answered.status)
        for name, value in answered.headers:
            response[name] = value
        return response


class ReadView(APIView):
    """A view that gives records to a key of their integration or to a person who may read them."""

    token_scopes: ClassVar[Mapping[str, str]] = {"GET": "calls:read"}

    def readable(self, request: Request) -> tuple[CallQuerySet, KeyFacts | AbstractBaseUser]:
        """The calls that the caller may read, and who it is. Raises: PermissionDenied."""
        who = request.user
        if isinstance(who, KeyHolder):
            if not who.has_scope(IntegrationKey.Scope.CALLS_READ):
                raise PermissionDenied(code="key-scope")
            self.limit(who.key)
            return reading.of_key(who.key), who.key
        assert isinstance(who, AbstractBaseUser)
        assert isinstance(who, PermissionsMixin)
        integrations = reading.readable_integrations(who)
        if integrations is not None and not integrations:
            raise PermissionDenied
        return reading.of_integrations(integrations), who

    def limit(self, key: KeyFacts) -> None:
        """Note the key's use. Raises: Throttled when the key's limit is used up."""
        uses.note(key.key_id, timezone.now(), peer_of(self.request.META))
        uses.write()
        allowance = BUCKETS.take(key.key_id, settings.API_REQUESTS_PER_MINUTE)
        self.headers.update(allowance.headers())
        if allowance.wait_seconds:
            raise Throttled(allowance.wait_seconds)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.headers["X-Request-ID"] = request_id(
            {name.lower(): value for name, value in request.headers.items()}
        )
        super().initial(request, *args, **kwargs)

    def answer(self, request: Request, content: msgspec.Struct) -> HttpResponse:
        """The answer with its ETag; without a body if the caller has it."""
        body = msgspec.json.encode(content)
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        held = [t.strip() for t in request.headers.get("If-None-Match", "").split(",")]
        response = (
            HttpResponse(status=304)
            if tag in held
            else HttpResponse(body, content_type=schemas.JSON)
        )
        response["ETag"] = tag
        response["Cache-Control"] = "private, no-cache"
        return response


def _single(query: QueryDict) -> bool:
    """Whether every parameter is given once, and with a value."""
    return all(len(values) == 1 and values[0] for _, values in query.lists())


def limit_of(query: Mapping[str, str]) -> int:
    """How many calls a page holds. Raises: ValidationError."""
    given = query.get("limit", "50")
    if not given.isascii() or not given.isdecimal() or not 1 <= int(given[:9]) <= MAX_LIMIT:
        raise ValidationError({"limit": "is not valid"})
    return int(given)


class CallView(ReadView):
    @extend_schema(
        operation_id="get_call",
        summary="Show a recorded call",
        tags=["calls"],
        parameters=[schemas.REQUEST_ID],
        responses={
            200: schemas.answered(records.CallRecord, "The call, and how it ended."),
            304: OpenApiResponse(description="Nothing has changed since the ETag sent."),
            **schemas.problems(*schemas.READ_PROBLEMS, "not-found", "call-not-found"),
        },
    )
    def get(self, request: Request, call_id: uuid.UUID) -> HttpResponse:
        calls, by = self.readable(request)
        found = reading.one(calls, call_id, proven=True)
        if found is None:
            raise NotFound(code="call-not-found")
        read = Read("detail", "audits.call", 1, subject_id=str(call_id))
        record_read(read, by=by, at=timezone.now())
        return self.answer(request, records.call_record(found))


class CompletionView(IngestView):
    @extend_schema(
        operation_id="complete_call",
        summary="Say how a call ended",
        description="Evidence is never refused: an unknown or late call is stored and marked.",
        tags=["calls"],
        parameters=schemas.HEADERS,
        request={schemas.JSON: schemas.COMPLETION},
        examples=schemas.body(schemas.COMPLETION_EXAMPLE),
        responses={
            201: schemas.answered(answers.CompletionAnswer, "Stored."),
            200: schemas.answered(answers.CompletionAnswer, "A repeat: the first answer again."),
            **schemas.problems(
                *schemas.POST_PROBLEMS,
                "not-found",
                "foreign-call",
                "already-completed",
                "call-id-reused",
            ),
        },
    )
    def post(self, request: Request, call_id: str) -> HttpResponse:
        return self.ingest(request)


class LeaseView(IngestView):
    @extend_schema(
        operation_id="extend_lease",
        summary="Say that a long call goes on",
        tags=["calls"],
        parameters=schemas.HEADERS,
        request={schemas.JSON: schemas.LEASE},
        responses={
            201: schemas.answered(answers.LeaseAnswer, "Stored."),
            **schemas.problems(
                *schemas.POST_PROBLEMS,
                "foreign-call",
                "not-found",
                "call-not-found",
                "call-denied",
                "already-completed",
            ),
        },
    )
    def post(self, request: Request, call_id: str) -> HttpResponse:
        return self.ingest(request)


class RecordView(IngestView):
    @extend_schema(
        operation_id="post_record",
        summary="Post an audit record as a dataclass",
        description=(
            "With response_status 0 the call is about to be made: the gate answers. With a status "
            "the record completes the call of the same event_id."
        ),
        tags=["calls"],
        parameters=schemas.HEADERS,
        request={schemas.JSON: schemas.RECORD},
        examples=schemas.body(schemas.RECORD_EXAMPLE),
        responses={
            201: schemas.either(
                answers.CallAnswer, answers.CompletionAnswer, "Stored: a verdict, or a completion."
            ),
            200: schemas.either(
                answers.CallAnswer, answers.CompletionAnswer, "A repeat: the first answer again."
            ),
            **schemas.problems(
                *schemas.POST_PROBLEMS,
                "clock-skew",
                "foreign-call",
                "already-completed",
                "call-id-reused",
            ),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        return self.ingest(request)


class EventView(IngestView):
    @extend_schema(
        operation_id="post_events",
        summary="Post many records at once",
        description=(
            "A line of JSON each, at most 1,000 lines and 5 MiB unpacked; the body may be packed "
            "by gzip or zstd (Content-Encoding). A line is a call, a completion or a lease: its "
            "body is that of the single request. The answer has a line for each, in their order: "
            "the status and the body that the single request would have had. A line that is "
            "refused does not spoil the others. A call may have begun long ago: it is decided as "
            "of now."
        ),
        tags=["calls"],
        parameters=schemas.HEADERS,
        request={schemas.NDJSON: schemas.LINE},
        examples=schemas.LINE_EXAMPLES,
        responses={
            (200, schemas.NDJSON): schemas.RESULTS,
            **schemas.problems(
                *schemas.POST_PROBLEMS,
                "malformed-encoding",
                "unsupported-encoding",
                "events-too-large",
                "too-many-lines",
                "not-found",
            ),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        return self.ingest(request)


class CallListView(ReadView, IngestView):
    @extend_schema(
        operation_id="list_calls",
        summary="List recorded calls",
        description=(
            "Newest first. A key with calls:read sees its own integration's log; a person sees "
            "what they may read. Every read is recorded. There are no totals."
        ),
        tags=["calls"],
        parameters=[schemas.REQUEST_ID, *schemas.LIST_PARAMETERS],
        responses={
            200: schemas.answered(records.CallList, "A page of calls; Link names the next one."),
            304: OpenApiResponse(description="Nothing has changed since the ETag sent."),
            **schemas.problems(*schemas.READ_PROBLEMS, "invalid-parameter"),
        },
    )
    def get(self, request: Request) -> HttpResponse:
        calls, by = self.readable(request)
        known = {*CallApiFilter.base_filters, "cursor", "limit"}
        if set(request.query_params) - known or not _single(request.query_params):
            raise ValidationError({})
        livemode = by.livemode if isinstance(by, KeyFacts) else None
        found = CallApiFilter(request.query_params, calls, livemode=livemode)
        if not found.is_valid():
            raise ValidationError(dict.fromkeys(found.form.errors, "is not valid"))
        limit = limit_of(request.query_params)
        try:
            page = reading.page(
                found.qs, limit=limit, cursor=request.query_params.get("cursor", ""), proven=True
            )
        except reading.BadCursor:
            raise ValidationError({"cursor": "is not valid"}) from None
        read = Read("list", "audits.call", len(page.rows), filters=found.applied())
        record_read(read, by=by, at=timezone.now())
        content = records.CallList([records.call_record(row) for row in page.rows])
        response = self.answer(request, content)
        if page.older:
            query = request.query_params.copy()
            query["cursor"] = page.older
            path = request.build_absolute_uri(request.path)
            response["Link"] = f'<{path}?{query.urlencode()}>; rel="next"'
        return response

    @extend_schema(
        operation_id="open_call",
        summary="Ask for a call, and record it",
        description=(
            "Gate and record in one: the call may be made only after an answer whose decision is "
            "allow. A denial is recorded too, and answered with 201."
        ),
        tags=["calls"],
        parameters=schemas.HEADERS,
        request={schemas.JSON: schemas.CALL},
        examples=schemas.body(schemas.CALL_EXAMPLE),
        responses={
            201: schemas.answered(answers.CallAnswer, "Stored; decision says allow or deny."),
            200: schemas.answered(answers.CallAnswer, "A repeat: the first answer again."),
            **schemas.problems(
                *schemas.POST_PROBLEMS, "integration-mismatch", "clock-skew", "call-id-reused"
            ),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        return self.ingest(request)
