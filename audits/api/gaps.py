"""`POST /gaps`: calls that a client in observe mode made while it could have no record of them."""

from __future__ import annotations

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request as ApiRequest

from audits.api import schemas, turns
from audits.api.turns import Answer, Request, Turn
from audits.api.views import IngestView
from audits.api.wsgi import request_of
from audits.bodies import GapBody, check_moment, parse
from audits.models import Gap
from audits.services.answers import GapAnswer, moment
from audits.services.gaps import record_gap
from vendors.api.describing import schema
from vendors.bodies.reading import BadBody

EXAMPLE = {
    "event_id": "0198d5c2-7b10-7f02-8a55-0c9be41d7a31",
    "calls": 17,
    "first_at": "2026-11-21T09:30:00.000Z",
    "last_at": "2026-11-21T09:41:07.250Z",
}


class GapView(IngestView):
    @extend_schema(
        operation_id="tell_gap",
        summary="Tell of calls made without a record",
        description=(
            "For clients in observe mode, which go on while the portal is away and count what "
            "they could not record. A finding speaks of it for 30 days."
        ),
        tags=["calls"],
        parameters=schemas.HEADERS,
        request={schemas.JSON: schema(GapBody)},
        examples=schemas.body(EXAMPLE),
        responses={
            201: schemas.answered(GapAnswer, "Stored."),
            200: schemas.answered(GapAnswer, "A repeat: it is stored already."),
            **schemas.problems(*schemas.POST_PROBLEMS, "call-id-reused"),
        },
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        return self.respond(answer(request_of(request.META)))


def answer(request: Request) -> Answer:
    """The answer to `POST /gaps`."""
    turn = Turn(turns.common_headers(request.headers))
    stored: list[tuple[Gap, bool]] = []

    def work() -> None:
        turns.check_request(request, found=True)
        admitted = turns.admit(turns.caller_of(request), turn, may_wait=True)
        turns.check_idempotency_key(request)
        body = parse(GapBody, turns.read_json(request))
        check_moment("first_at", body.first_at)
        check_moment("last_at", body.last_at)
        if body.last_at < body.first_at:
            raise BadBody("invalid-body", "last_at", "is before first_at")
        stored.append(record_gap(body, admitted))

    refused = turns.refusing(turn, work)
    if refused is not None:
        return refused
    ((gap, created),) = stored
    headers = [("Content-Type", "application/json"), *turn.common, *turn.headers]
    if not created:
        headers.append(("Idempotent-Replayed", "true"))
    said = GapAnswer(str(gap.event_id), gap.calls, moment(gap.received_at), gap.livemode)
    return Answer(201 if created else 200, headers, msgspec.json.encode(said))
