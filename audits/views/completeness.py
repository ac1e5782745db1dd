"""Pages on completeness: every integration's balance, and the days of one."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from audits.completeness.comparing import Balance
from audits.pages import completeness as page
from audits.services.completeness import Period, completeness, tolerance
from audits.services.reads import Read
from audits.views.calls import link, note_read, own_integrations
from policies.models import Integration
from vendors import as_of
from vendors.exports import table_response

LENGTHS = (14, 30, 90)


def _period(request: HttpRequest) -> tuple[Period, int]:
    """The days asked for, which end before the one that is read. Other lengths become 30."""
    asked = request.GET.get("days", "")
    days = int(asked) if asked in map(str, LENGTHS) else 30
    return Period.until_yesterday(as_of.reading_moment(), days), days


@require_safe
@permission_required("audits.view_usagesource", raise_exception=True)
def completeness_list(request: HttpRequest) -> HttpResponse:
    """Each integration that a provider counts, and the sources the counts come from."""
    period, days = _period(request)
    found = completeness(period)
    rows = page.rows(found)
    context = {
        "rows": rows,
        "sources": page.source_rows(found, as_of.reading_day()),
        "missing": sum(row.balance.missing for row in rows),
        "period": period,
        "days": days,
        "lengths": LENGTHS,
        "tolerance": tolerance(),
    }
    note_read(request, Read("list", "audits.usagecount", len(rows), filters={"days": str(days)}))
    return render(request, "audits/completeness_list.html", context)


@require_safe
@permission_required("audits.view_usagesource", raise_exception=True)
def completeness_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """What the list shows as a file."""
    if kind not in ("csv", "xlsx"):
        raise Http404
    period, days = _period(request)
    rows = page.rows(completeness(period))
    note_read(request, Read("export", "audits.usagecount", len(rows), filters={"days": str(days)}))
    return table_response(kind, "completeness", page.HEADERS, page.file_rows(rows))


@require_safe
def integration_completeness(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The days of an integration; the part is #completeness; `export` gives them as a file."""
    integration = get_object_or_404(
        Integration.objects.select_related("service__vendor"), slug=slug
    )
    own = own_integrations(request)
    if own is not None and integration.pk not in own:
        raise PermissionDenied
    period, days = _period(request)
    found = completeness(period, integrations=[integration.pk])
    balance = found.by_integration.get(integration.pk, Balance(()))
    export = request.GET.get("export")
    exporting = export in ("csv", "xlsx")
    filters = {"integration": slug, "days": str(days)}
    action = "export" if exporting else "list"
    note_read(request, Read(action, "audits.usagecount", len(balance.days), filters=filters))
    if exporting:
        rows = page.day_file_rows(balance)
        return table_response(str(export), f"completeness-{slug}", page.DAY_HEADERS, rows)
    context = {
        "integration": integration,
        "subject_url": link("policies:integration-detail", slug),
        "balance": balance if balance.days else None,
        "state": page.STATES[balance.state],
        "rows": page.day_rows(balance),
        "chart": page.chart(balance, period) if balance.days else None,
        "period": period,
        "days": days,
        "lengths": LENGTHS,
        "tolerance": tolerance(),
    }
    return render(request, "audits/integration_completeness.html", context)
