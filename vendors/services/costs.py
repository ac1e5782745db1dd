"""What capabilities cost: recorded with source and day, read for a service as prices."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from vendors.models import Capability, CostFact, Service, Vendor
from vendors.pricing import Basis, Price, Range
from vendors.services.saving import save_checked

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User

CATALOGUE = Path(__file__).resolve().parent.parent / "costs.json"


def record_cost(cost: CostFact, *, by: User | None, on: dt.date) -> CostFact:
    """Store a cost, given unsaved, as read in its source and recorded on the day `on`.

    It takes the place of the last one with the same capability, basis and scope; that one stays in
    the history. Raises: ValidationError.
    """
    cost.verified_by, cost.verified_on, cost.recorded_on = by, on, on
    save_checked(cost)
    return cost


def price_of(cost: CostFact) -> Price:
    """A stored cost in the form that estimates are computed from."""
    return Price(
        cost_id=cost.pk,
        capability=cost.capability,
        basis=Basis(cost.basis),
        amount=Range(cost.low, cost.high),
        currency=cost.currency,
        source=cost.source,
        as_of=cost.as_of,
        stale_on=cost.stale_on(fresh_days=settings.FACT_FRESH_DAYS),
        exactness=2 if cost.service_id else 1 if cost.vendor_id else 0,
    )


def costs_of(services: Collection[Service], on: dt.date) -> dict[int, list[CostFact]]:
    """The costs that may count for each service on the day `on`, by its id; one query.

    Those of the service, of its vendor, and of any vendor.
    """
    wanted = (
        Q(service__isnull=True, vendor__isnull=True)
        | Q(service__in=services)
        | Q(vendor__in={service.vendor_id for service in services})
    )
    rows = list(
        CostFact.objects.filter(wanted)
        .current(on)
        .select_related("vendor", "service", "verified_by")
    )
    return {
        service.pk: [
            row
            for row in rows
            if row.service_id in (None, service.pk) and row.vendor_id in (None, service.vendor_id)
        ]
        for service in services
    }


def rule_of_thumb(on: dt.date) -> CostFact | None:
    """What all of compliance adds to the spend as a rule, in percent; the newest such figure."""
    rules = CostFact.objects.filter(
        capability=Capability.OVERALL, vendor__isnull=True, service__isnull=True
    )
    return rules.current(on).first()


@transaction.atomic
def load_costs() -> int:
    """Put the article's figures into the register as of its own day; safe to repeat.

    They stand as what they are: estimates of an article of that day, so stale by now. Where a
    newer figure was recorded they are its history. Returns: how many were added.
    """
    content = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    day = dt.date.fromisoformat(content["as_of"])
    vendors = {v.slug: v for v in Vendor.objects.filter(slug__in=_vendors(content["costs"]))}
    added = 0
    for entry in content["costs"]:
        slug = entry.get("vendor")
        if slug is None or slug in vendors:
            source = f"{content['source']} ({entry['part']})"
            added += _add(entry, vendors.get(slug), source, day)
    return added


def _vendors(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["vendor"] for entry in entries if "vendor" in entry]


def _add(entry: dict[str, Any], vendor: Vendor | None, source: str, day: dt.date) -> bool:
    named = {"capability": entry["capability"], "basis": entry["basis"], "source": source}
    if CostFact.objects.filter(vendor=vendor, service=None, as_of=day, **named).exists():
        return False
    save_checked(
        CostFact(
            vendor=vendor,
            low=Decimal(entry["low"]),
            high=Decimal(entry["high"]),
            currency=entry.get("currency", ""),
            grade=CostFact.Grade.ESTIMATE,
            detail=entry["detail"],
            as_of=day,
            verified_on=day,
            recorded_on=day,
            **named,
        )
    )
    return True
