"""Addresses that ask the gate without a record: ours, and those of OpenID AuthZEN 1.0."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from audits.api import asking, schemas
from audits.api.views import IngestView
from audits.api.wsgi import request_of
from audits.bodies import QuestionBody
from audits.services.answers import DecisionAnswer
from vendors.api.describing import schema

PROBLEMS = (
    *schemas.KEY_PROBLEMS,
    "malformed-json",
    "invalid-body",
    "invalid-header",
    "body-too-large",
    "unsupported-media-type",
    "integration-mismatch",
    "rate-limited",
    "audit-unavailable",
)
QUESTION = {
    "model": "gpt-4.1",
    "region": "us-east-1",
    "phi_present": True,
    "data_classes": ["phi"],
    "actor": {"type": "user", "id": "u-1042"},
}
PATHS = {
    "access_evaluation_endpoint": "/access/v1/evaluation",
    "access_evaluations_endpoint": "/access/v1/evaluations",
}


class DecisionView(IngestView):
    @extend_schema(
        operation_id="ask_gate",
        summary="Ask the gate without a record",
        description=(
            "What POST /calls would answer at this moment, for dry runs and CI. It allows nothing: "
            "a call is made only after one that is recorded. The key needs the scope decide."
        ),
        tags=["decisions"],
        parameters=schemas.HEADERS,
        request={schemas.JSON: schema(QuestionBody)},
        examples=schemas.body(QUESTION),
        responses={
            200: schemas.answered(DecisionAnswer, "The verdict, with its reasons."),
            **schemas.problems(*PROBLEMS),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        return self.respond(asking.decision(request_of(request.META)))


@extend_schema(exclude=True)
class EvaluationView(IngestView):
    """One question in AuthZEN's words."""

    def post(self, request: Request) -> HttpResponse:
        return self.respond(asking.evaluation(request_of(request.META)))


@extend_schema(exclude=True)
class EvaluationsView(IngestView):
    """Several of them."""

    def post(self, request: Request) -> HttpResponse:
        return self.respond(asking.evaluations(request_of(request.META)))


@require_safe
@login_not_required
def authzen_configuration(request: HttpRequest) -> JsonResponse:
    """Where AuthZEN's addresses are. Source: OpenID AuthZEN Authorization API 1.0, section 9."""
    base = settings.PUBLIC_URL.rstrip("/")
    answer = {"policy_decision_point": base} | {name: base + at for name, at in PATHS.items()}
    return JsonResponse(answer, headers={"Cache-Control": "public, max-age=3600"})
