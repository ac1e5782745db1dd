"""The address that LiteLLM's proxy asks; its path is LiteLLM's."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from audits.api import litellm
from audits.api.views import IngestView
from audits.api.wsgi import request_of


@extend_schema(exclude=True)
class GuardrailView(IngestView):
    """The form of question and answer is LiteLLM's own, so it is not in our description."""

    def post(self, request: Request) -> HttpResponse:
        asked = request_of(request.META)
        key = request.META.get("HTTP_X_API_KEY")
        if key and "authorization" not in asked.headers:
            # What LiteLLM makes of `api_key` in its settings.
            asked = asked._replace(headers={**asked.headers, "authorization": f"Bearer {key}"})
        return self.respond(litellm.guardrail(asked))
