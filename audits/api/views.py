"""Django's way to the API: the posts go to the same function as on the hot path."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from audits.api import answers, ingest, schemas
from audits.api.wsgi import request_of


class IngestView(APIView):
    """A view whose POST is answered by `ingest.answer`, the key and all else included."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.method != "POST":
            super().initial(request, *args, **kwargs)

    def ingest(self, request: Request) -> HttpResponse:
        answered = ingest.answer(request_of(request.META))
        response = HttpResponse(answered.body, status=answered.status)
        for name, value in answered.headers:
            response[name] = value
        return response


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
                *schemas.POST_PROBLEMS, "foreign-call", "already-completed", "call-id-reused"
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


class CallListView(IngestView):
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
