"""Whether the site runs, and whether it can do what it is for: for probes, not for people."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from audits.api.health import READY, readiness


@require_safe
@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the process answers."""
    return _answer({"status": "ok"})


@require_safe
@login_not_required
def readyz(request: HttpRequest) -> HttpResponse:
    """200 if a record of a call could be stored now, else 503."""
    said = readiness()
    return _answer({"status": said}, status=200 if said == READY else 503)


def _answer(content: dict[str, str], status: int = 200) -> HttpResponse:
    return JsonResponse(content, status=status, headers={"Cache-Control": "no-store"})
