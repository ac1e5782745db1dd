"""The signed bundle of an integration, for the clients that hold its key."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import APIException, PermissionDenied
from rest_framework.request import Request

from audits.api import schemas
from audits.api.views import ReadView
from audits.services.facts import day_of
from audits.services.reads import Read, record_read
from policies.authentication import KeyHolder
from policies.models import Integration, IntegrationKey
from policies.services.bundling import NoRulesInForce, issue

HEX = {"type": "string", "pattern": "^[0-9a-f]+$"}
BUNDLE = {
    "type": "object",
    "required": ["bundle", "issued_at", "key", "signature"],
    "properties": {
        "bundle": {"type": "object", "description": "As countersign/bundles.py reads it."},
        "issued_at": {"type": "string", "format": "date-time"},
        "key": {**HEX, "description": "Which key signed: 16 digits of its SHA-256."},
        "signature": {**HEX, "description": "Ed25519."},
    },
    "additionalProperties": False,
}


class _NoRules(APIException):
    """The integration's policy has no version in force."""

    status_code = 409
    default_code = "no-rules-in-force"


class BundleView(ReadView):
    @extend_schema(
        operation_id="get_bundle",
        summary="Fetch what a client decides by",
        description=(
            "Rules, audit mode, enforcement and facts of the key's integration, signed by "
            "Ed25519. Issued anew every five minutes, and good for fifteen."
        ),
        tags=["bundle"],
        parameters=[schemas.REQUEST_ID],
        responses={
            200: OpenApiResponse(BUNDLE, description="The bundle, and who signed it."),
            304: OpenApiResponse(description="Nothing has changed since the ETag sent."),
            **schemas.problems(
                *schemas.READ_PROBLEMS,
                "not-found",
                "key-required",
                "integration-mismatch",
                "no-rules-in-force",
            ),
        },
    )
    def get(self, request: Request, slug: str) -> HttpResponse:
        who = request.user
        if not isinstance(who, KeyHolder):
            raise PermissionDenied(code="key-required")
        if not who.has_scope(IntegrationKey.Scope.BUNDLE_READ):
            raise PermissionDenied(code="key-scope")
        self.limit(who.key)
        if slug != who.key.integration:
            raise PermissionDenied(code="integration-mismatch")
        at = timezone.now()
        integration = Integration.objects.get(pk=who.key.integration_id)
        try:
            issued = issue(integration, livemode=who.key.livemode, on=day_of(at), at=at)
        except NoRulesInForce:
            raise _NoRules from None
        tag = f'"{issued.etag}"'
        held = [each.strip() for each in request.headers.get("If-None-Match", "").split(",")]
        if tag in held:
            response = HttpResponse(status=304)
        else:
            # What a client has already is not read again.
            read = Read("download", "policies.issuedbundle", 1, subject_id=issued.bundle_id)
            record_read(read, by=who.key, at=at)
            response = HttpResponse(issued.body, content_type=schemas.JSON)
        response["ETag"] = tag
        response["Cache-Control"] = "private, no-cache"
        return response
