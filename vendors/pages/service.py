"""What the page of a service shows."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Prefetch

from vendors.lifecycle import standing
from vendors.models import Agreement, CoveredScope, ReportScope, Service, Vendor
from vendors.pages.coverage import coverage_card
from vendors.pages.facts import applying, groups, layers
from vendors.pages.lines import AgreementLine, fact_lines
from vendors.pages.residency import residency
from vendors.tables import STATE_KINDS


def service_page(
    service: Service, on: dt.date, picked: tuple[str, str] = ("", "")
) -> dict[str, Any]:
    """What the page of a service needs; `picked` is a model and a region to look at facts for."""
    agreements = (
        Agreement.objects.filter(scopes__service=service)
        .distinct()
        .prefetch_related(
            Prefetch("scopes", CoveredScope.objects.filter(service=service), to_attr="covering")
        )
    )
    scopes = ReportScope.objects.filter(service=service, report__replaced_by__isnull=True)
    facts = fact_lines(service, on)
    return {
        **coverage_card([service], on),
        "facts": facts,
        "groups": groups(facts),
        "picked": picked,
        "applying": applying(service, facts, on, picked) if any(picked) else [],
        "layers": layers(facts),
        "residency": residency(service.regions.all()),
        "agreements": [AgreementLine(a, standing(a, on)) for a in agreements],
        "scopes": scopes.select_related("report").order_by("-report__period_end"),
        "state_kind": STATE_KINDS[Vendor.State(service.vendor.state)],
    }
