"""Parts of call records that other pages load; each is a whole page without JavaScript."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from audits.pages.calls import CALL_LIST
from audits.services import observing, reading, statistics
from audits.services.reads import Read
from audits.services.shadows import shadow_counts
from audits.services.uncovered import uncovered_calls
from audits.views.calls import filtered, link, note_read, own_integrations
from audits.views.figures import CHART_DAYS, by_what
from policies.models import Integration
from policies.reasons import REASONS
from vendors import as_of
from vendors.models import Vendor

PER_PART = 10


@require_safe
def call_figures(request: HttpRequest) -> HttpResponse:
    """Charts of the calls under the list's filters; the part is #figures."""
    found = filtered(request)
    valid = found.is_valid()
    charts = by_what(found, found.qs) if valid else []
    note_read(request, Read("list", "audits.call", 0, filters=found.applied() if valid else {}))
    return render(
        request, "audits/call_figures.html", {"charts": charts}, status=200 if valid else 400
    )


@require_safe
def integration_calls(request: HttpRequest, slug: str) -> HttpResponse:
    """The newest calls of an integration; the part is #calls."""
    integration = get_object_or_404(Integration, slug=slug)
    own = own_integrations(request)
    if own is not None and integration.pk not in own:
        raise PermissionDenied
    context = {
        "name": integration.name,
        "subject": "integration",
        "subject_url": link("policies:integration-detail", slug),
        "all_url": f"{reverse('audits:call-list')}?integration={slug}",
    }
    return _newest(request, [integration.pk], {"integration": slug}, context)


@require_safe
def integration_shadow(request: HttpRequest, slug: str) -> HttpResponse:
    """What a version tried in shadow would have done otherwise; the part is #shadow."""
    integration = get_object_or_404(Integration, slug=slug)
    own = own_integrations(request)
    if own is not None and integration.pk not in own:
        raise PermissionDenied
    since = as_of.reading_moment() - dt.timedelta(days=CHART_DAYS)
    found = shadow_counts(integration.pk, since=since)
    note_read(request, Read("list", "audits.call", found.calls, filters={"integration": slug}))
    context = {"integration": integration, "found": found, "days": CHART_DAYS}
    return render(request, "audits/integration_shadow.html", context)


@require_safe
def vendor_calls(request: HttpRequest, slug: str) -> HttpResponse:
    """The newest calls to a vendor's services that the person may read; the part is #calls."""
    vendor = get_object_or_404(Vendor, slug=slug)
    own = own_integrations(request)
    uses = Integration.objects.filter(service__vendor=vendor)
    if own is not None:
        uses = uses.filter(pk__in=own)
    context = {
        "name": vendor.name,
        "subject": "vendor",
        "subject_url": reverse("vendors:vendor-detail", args=[slug]),
        "all_url": f"{reverse('audits:call-list')}?vendor={slug}",
    }
    return _newest(request, list(uses.values_list("pk", flat=True)), {"vendor": slug}, context)


def _newest(
    request: HttpRequest, ids: Collection[int], applied: dict[str, str], context: dict[str, Any]
) -> HttpResponse:
    calls = reading.of_integrations(ids).live()
    page = reading.page(calls, limit=PER_PART)
    note_read(request, Read("list", "audits.call", len(page.rows), filters=applied))
    today = as_of.reading_day()
    start = today - dt.timedelta(days=CHART_DAYS - 1)
    counts = statistics.calls_by_day(start, today, integrations=ids)
    context |= {
        "rows": page.rows,
        "columns": CALL_LIST.shown(()),
        "more": page.older,
        "reasons": REASONS,
        "days": CHART_DAYS,
        "allowed": sum(day.allowed for day in counts),
        "denied": sum(day.denied for day in counts),
        "observed": observing.observed(ids, start, today),
    }
    return render(request, "audits/newest_calls.html", context)


@require_safe
def vendor_uncovered(request: HttpRequest, slug: str) -> HttpResponse:
    """Ways in which PHI was sent to a vendor and no BAA covers; the part is #calls-uncovered."""
    vendor = get_object_or_404(Vendor, slug=slug)
    since = as_of.reading_moment() - dt.timedelta(days=CHART_DAYS)
    ways = uncovered_calls(
        vendor, as_of.reading_day(), since=since, integrations=own_integrations(request)
    )
    note_read(request, Read("list", "audits.call", len(ways), filters={"vendor": slug}))
    context = {"vendor": vendor, "ways": ways, "days": CHART_DAYS}
    return render(request, "audits/vendor_uncovered.html", context)
