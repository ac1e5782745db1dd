"""Services side by side, as a page and as a file."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from vendors import as_of
from vendors.comparison import Asked
from vendors.exports import table_response
from vendors.filters import ComparisonFilter
from vendors.models import Service
from vendors.pages.comparison import MOST, compared, file_rows, headers

READS = (
    "vendors.view_service",
    "vendors.view_fact",
    "vendors.view_agreement",
    "vendors.view_assurancereport",
)


@require_safe
@permission_required(READS, raise_exception=True)
def comparison(request: HttpRequest) -> HttpResponseBase:
    """The services and dimensions that the address names; `export` gives the same as a file."""
    on = as_of.reading_day()
    services = Service.objects.offered(on).select_related("vendor").order_by("vendor__name", "name")
    chosen = ComparisonFilter(request.GET, services, request=request)
    valid = chosen.is_valid()
    found = list(chosen.qs[: MOST + 1]) if valid else []
    asked = chosen.form.cleaned_data if valid else {}
    shown = compared(
        found[:MOST],
        asked.get("dimension") or [],
        asked.get("show") or "",
        Asked(asked.get("model") or "", asked.get("region") or ""),
        on,
    )
    export = request.GET.get("export")
    if export in ("csv", "xlsx") and valid:
        name = f"comparison-{on.isoformat()}"
        return table_response(export, name, headers(shown), file_rows(shown))
    context = {
        "filter": chosen,
        "chosen": asked.get("service") or [],
        "headings": shown.headings,
        "rows": shown.rows,
        "most": MOST if len(found) > MOST else None,
        "asked": asked,
        "kept": [
            (name, value)
            for name, values in request.GET.lists()
            if name not in ("service", "export")
            for value in values
        ],
    }
    return render(request, "vendors/comparison.html", context, status=200 if valid else 400)
