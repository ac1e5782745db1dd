"""The page that shows the API's description, with the viewer of drf-spectacular's sidecar."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from portal.csp import csp_override


@require_GET
def api_page(request: HttpRequest) -> HttpResponseBase:
    """Swagger UI of the schema; it makes markup from strings, which needs a policy of its own."""
    return csp_override(settings.SECURE_CSP_API_PAGE)(_page)(request)


def _page(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/api_page.html")
